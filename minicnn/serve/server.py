"""Listening: a socket that is opened before anything is promised, and uvicorn on it."""

import ipaddress
import socket
from contextlib import suppress

from ..errors import DataError

KEEP_ALIVE = 5                  # seconds that a connection may be idle
CONNECTIONS = 128               # at once


def check_possible():
    """Raises DataError, which says what to install, where Starlette, uvicorn or python-multipart is missing."""
    try:
        import python_multipart  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise DataError("to serve a model, install the packages: pip install 'minicnn[serve]'") from None


def listen(host, port):
    """(the socket, its address as a browser takes it). Raises OSError, naming both, where nobody may listen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except (OSError, OverflowError) as error:
        sock.close()
        raise OSError(f"cannot listen on {host}, port {port}: {getattr(error, 'strerror', None) or error}") from None
    shown = f"[{host}]" if ":" in host else host
    return sock, f"http://{shown}:{sock.getsockname()[1]}"


def is_local(host):
    """Whether an address is this computer's own, that nobody else can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(app, sock):
    """Answer requests until Ctrl-C or SIGTERM."""
    import uvicorn

    config = uvicorn.Config(app, timeout_keep_alive=KEEP_ALIVE, limit_concurrency=CONNECTIONS, log_level="warning", access_log=False,
                            server_header=False, lifespan="off")
    with suppress(KeyboardInterrupt):           # uvicorn has finished what was under way, and raises it once more
        uvicorn.Server(config).run(sockets=[sock])
