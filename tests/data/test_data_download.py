"""Downloads, against a server on this machine: resumed, checked, from the mirror that is good, and placed at once."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from minicnn import errors
from minicnn.data import download

CONTENT = bytes(range(256)) * 2000                       # 512,000 bytes
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves paths by name: what kind of mirror each is stands in its method."""

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        getattr(self, "serve_" + self.path.strip("/"))()

    def log_message(self, *args):
        pass

    def send(self, content, status=200, length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def start(self):
        return int((self.headers.get("Range") or "bytes=0-")[len("bytes="):-1])

    def send_from(self, content, start):
        self.send(content[start:], 206, Content_Range=f"bytes {start}-{len(content) - 1}/{len(content)}")

    def serve_good(self):
        self.send_from(CONTENT, self.start()) if self.start() else self.send(CONTENT)

    def serve_no_range(self):
        self.send(CONTENT)

    def serve_wrong_range(self):
        self.send_from(CONTENT, self.start() // 2) if self.start() else self.send(CONTENT)

    def serve_missing(self):
        self.send(b"not here", 404)

    def serve_corrupt(self):
        self.send_from(CONTENT[::-1], self.start()) if self.start() else self.send(CONTENT[::-1])

    def serve_breaks_off(self):
        self.send(CONTENT[self.start():self.start() + 200_000], length=len(CONTENT) - self.start(),
                  **(dict(status=206, Content_Range=f"bytes {self.start()}-") if self.start() else {}))

    def serve_corrupt_and_breaks_off(self):
        self.send(CONTENT[::-1][:200_000], length=len(CONTENT))

    def serve_too_long(self):
        self.send(CONTENT + CONTENT)

    def serve_too_short(self):
        self.send(CONTENT[:-1])

    def serve_past_the_end(self):
        self.send(b"", 416) if self.start() else self.send(CONTENT)

    def serve_hangs(self):
        self.server.release.wait(10)


@pytest.fixture
def server(monkeypatch):
    """A server on the loopback interface; its `requests` are (path, Range header)."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests, server.release, server.daemon_threads = [], threading.Event(), True
        threading.Thread(target=server.serve_forever, kwargs=dict(poll_interval=0.01), daemon=True).start()
        server.url = f"http://127.0.0.1:{server.server_port}/"
        yield server
        server.release.set()
        server.shutdown()


@pytest.fixture
def get(server, tmp_path):
    def fetch(*mirrors, **options):
        return download.fetch([server.url + mirror for mirror in mirrors], tmp_path / "new" / "data.gz", len(CONTENT), SHA256,
                              **options)

    fetch.target, fetch.part = tmp_path / "new" / "data.gz", tmp_path / "new" / "data.gz.part"
    fetch.part.parent.mkdir()
    return fetch


def complete(get):
    return get.target.read_bytes() == CONTENT and not get.part.exists()


def test_a_file_is_downloaded_with_its_progress(get, server):
    steps = []
    assert get("good", progress=lambda *step: steps.append(step)) == get.target
    assert complete(get) and server.requests == [("/good", None)]
    assert [path for path, *_ in steps] == [get.target] * len(steps)
    assert steps[-1][1:] == (len(CONTENT), len(CONTENT)) and steps == sorted(steps)


def test_a_part_is_resumed(get, server):
    get.part.write_bytes(CONTENT[:300_000])
    get("good")
    assert complete(get) and server.requests == [("/good", "bytes=300000-")]


@pytest.mark.parametrize("mirror, requests", [("no_range", 1), ("wrong_range", 2), ("past_the_end", 1)])
def test_a_server_that_cannot_resume(get, server, mirror, requests):
    """It sends the file from its beginning, or the wrong place (noticed by the hash), or refuses (the next one can)."""
    get.part.write_bytes(CONTENT[:300_001])
    get(mirror, "good")
    assert complete(get) and [path for path, _ in server.requests].count("/" + mirror) == requests


def test_a_complete_part_is_only_checked(get, server):
    get.part.write_bytes(CONTENT)
    get("good")
    assert complete(get) and server.requests == []


@pytest.mark.parametrize("part", [CONTENT + b"more", CONTENT[::-1], CONTENT[::-1][:1000]], ids=["too long", "wrong", "wrong start"])
def test_a_wrong_part_is_thrown_away(get, server, part):
    get.part.write_bytes(part)
    get("good")
    assert complete(get) and server.requests[-1] == ("/good", None)


@pytest.mark.parametrize("bad", ["missing", "corrupt", "too_long", "too_short", "breaks_off", "corrupt_and_breaks_off"])
def test_the_next_mirror_is_tried(get, bad):
    get(bad, "good")
    assert complete(get)


def test_what_one_mirror_began_another_ends(get, server):
    get("breaks_off", "good")
    assert complete(get) and server.requests == [("/breaks_off", None), ("/good", "bytes=200000-")]


def test_an_interrupted_download_goes_on_next_time(get, server):
    with pytest.raises(errors.DataError, match="broke off after 200,000 of 512,000 bytes"):
        get("breaks_off")
    assert get.part.read_bytes() == CONTENT[:200_000] and not get.target.exists()
    get("good")
    assert complete(get) and server.requests[-1] == ("/good", "bytes=200000-")


def test_ctrl_c_keeps_what_came(get):
    def interrupt(path, done, size):
        if done > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get("good", progress=interrupt)
    kept = get.part.read_bytes()
    assert len(kept) > 100_000 and kept == CONTENT[: len(kept)] and not get.target.exists()
    get("good")
    assert complete(get)


def test_no_more_is_taken_than_the_file_has(get):
    steps = []
    with pytest.raises(errors.DataError, match="more than the 512,000 bytes"):
        get("too_long", progress=lambda path, done, size: steps.append(done))
    assert max(steps) <= len(CONTENT) + download.CHUNK


def test_wrong_content_never_reaches_its_place(get):
    with pytest.raises(errors.DataError, match="wrong SHA-256"):
        get("corrupt")
    assert not get.target.exists() and not get.part.exists()


def test_the_error_names_every_address_with_its_reason(get, server):
    with pytest.raises(errors.DataError) as refusal:
        get("missing", "corrupt", "too_short", "too_long")
    for words in ("could not download data.gz", "missing: HTTP status 404", "corrupt: wrong SHA-256",
                  "broke off after 511,999 of 512,000 bytes", "too_long: more than the 512,000 bytes", server.url):
        assert words in str(refusal.value)


def test_nobody_there(get, tmp_path, server):
    server.shutdown()
    server.server_close()
    with pytest.raises(errors.DataError, match="refused"):
        get("good")
    assert list(get.target.parent.iterdir()) == []


def test_a_server_that_says_nothing(get, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    with pytest.raises(errors.DataError, match="timed out"):
        get("hangs")


def test_two_at_once_download_once(get, server):
    threads = [threading.Thread(target=get, args=("good",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert complete(get) and server.requests == [("/good", None)]
