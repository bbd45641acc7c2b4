"""Downloading one file from the first mirror that has it: resumed where it broke off, checked, and put in place at once.

What has come so far lies beside the target as NAME.part. The target itself appears only when it is complete and its
SHA-256 is right, so that a file in place is a good one.
"""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path

from ..errors import DataError

try:
    from fcntl import LOCK_EX, flock
except ImportError:                 # Windows: two downloads of one file at once are not kept apart
    LOCK_EX, flock = None, lambda file, how: None

TIMEOUT = 30                        # seconds without a byte
CHUNK = 1 << 16


class _Unusable(Exception):
    """This mirror did not give the file; the message says why."""


class _WrongContent(_Unusable):
    """What came is not the file, so that going on from it is no use."""


def fetch(urls, target, size, sha256, progress=None):
    """Download a file of known size and SHA-256 to `target` from the first of `urls` that has it; returns the path.

    progress  called as progress(target, bytes so far, size) while it comes

    Raises DataError, with the reason for each address, when none of them gives the right file.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        with open(part, "a+b") as file:
            flock(file, LOCK_EX)                        # another process may be at the same file: wait for it
            if not target.exists():
                _fetch_from_any(urls, file, size, sha256, lambda done: progress and progress(target, done, size))
        _put_in_place(part, target)
    finally:
        if part.exists() and part.stat().st_size == 0:
            part.unlink()
    return target


def _put_in_place(part, target):
    if target.exists():
        part.unlink(missing_ok=True)
        return
    try:
        os.replace(part, target)
    except FileNotFoundError:
        if not target.exists():             # else a process that had waited for the lock was quicker
            raise


def _fetch_from_any(urls, file, size, sha256, report):
    problems = []
    for url in urls:
        try:
            return _fetch_from(url, file, size, sha256, report)
        except _Unusable as problem:
            problems.append(f"{url}: {problem}")
    raise DataError(f"could not download {Path(file.name).stem}: " + "; ".join(problems))


def _fetch_from(url, file, size, sha256, report):
    """The whole file in `file`, the rest of it from this address. A wrong beginning may be another mirror's: start anew."""
    resumed = _length(file) > 0
    try:
        _complete(url, file, size, report)
        _check(file, size, sha256)
    except _WrongContent:
        file.truncate(0)
        if not resumed:
            raise
        _fetch_from(url, file, size, sha256, report)


def _complete(url, file, size, report):
    """Append what is missing to `file`."""
    if _length(file) >= size:
        return
    with _open(url, _length(file)) as response:
        if response.status != 206:                      # the server sends the file from its beginning
            file.truncate(0)
        while _length(file) <= size and (chunk := _read(response)):
            file.write(chunk)
            report(_length(file))
    file.flush()
    os.fsync(file.fileno())
    if _length(file) < size:
        raise _Unusable(f"broke off after {_length(file):,} of {size:,} bytes")


def _open(url, start):
    headers = {"User-Agent": "minicnn", "Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        raise _Unusable(f"HTTP status {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise _Unusable(_reason(error)) from None


def _read(response):
    try:
        return response.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _Unusable(f"broke off: {_reason(error)}") from None


def _reason(error):
    return str(getattr(error, "reason", None) or error or type(error).__name__)


def _check(file, size, sha256):
    if _length(file) != size:
        raise _WrongContent(f"more than the {size:,} bytes that the file has")
    file.seek(0)
    found = hashlib.sha256()
    while chunk := file.read(1 << 20):
        found.update(chunk)
    if found.hexdigest() != sha256:
        raise _WrongContent(f"wrong SHA-256 {found.hexdigest()}, expected {sha256}")


def _length(file):
    return file.seek(0, os.SEEK_END)
