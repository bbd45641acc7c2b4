"""Files that are the old one or the whole new one, whatever happens in between: never half of one."""

import errno
import os
import re
import secrets
from contextlib import contextmanager, suppress

from ..errors import DataError


@contextmanager
def replacing(path):
    """A new binary file that takes the place of `path` when the block ends well; else `path` stays what it was.

    The bytes go to a temporary file in the same folder, are forced to the disk, and only then get the name. A full
    disk, Ctrl-C or an exception removes the temporary file; a killed process leaves it (`.<random>.part`), and the old
    file. The permissions are those of any new file (the umask's). A symbolic link stays: what it points to is replaced.

    Raises as `check_place`, OSError as usual.
    """
    path = check_place(path)
    temporary = os.path.join(os.path.dirname(path), f".{secrets.token_hex(8)}.part")        # as LEFTOVER has it
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:       # Ctrl-C as well
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename in (None, temporary):
            error.filename = path        # a full disk does not say for which file
        raise
    sync_folder(os.path.dirname(path))


LEFTOVER = re.compile(r"\.[0-9a-f]{16}\.part")


def remove_leftovers(folder):
    """Remove the temporary files that killed processes have left in a folder; no other process may be writing there."""
    for entry in os.scandir(folder):
        if LEFTOVER.fullmatch(entry.name):
            with suppress(OSError):
                os.unlink(entry)


def check_place(path):
    """The real path of a file that is to be written; for what takes long, better asked before than after.

    Raises DataError where no file can be put (no such folder, `path` is a folder or a device), PermissionError where none may.
    """
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise DataError(f"{path}: cannot be written, there is no folder {folder}; make it first")
    if os.path.exists(path) and not os.path.isfile(path):
        raise DataError(f"{path}: cannot be written, it is {'a folder' if os.path.isdir(path) else 'not a plain file'}")
    check_writable(folder, path)
    return path


def check_writable(folder, path=None):
    """Raise PermissionError, naming the path (None: the folder), where no file can be made in the folder."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(folder if path is None else path))


def sync_folder(folder):
    """Make the new name survive a power cut; not every system can, and the file is whole without it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
