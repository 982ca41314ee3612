"""The root folder: what lies in it may be read, what does not may not, however the name is spelled.

A name is resolved first (``..``, symbolic links), and refused unless it ends up inside. Then the file is opened folder
by folder from the root on without following any link, so that a link put in between the two steps leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ...errors import LrightError, ReadError
from ...observe.source.files import MADE, shown

LONGEST = 1024  # characters of a path
LARGEST = 2 * 2**20  # bytes of a file
MOST_FILES = 200  # of a folder
MOST_ENTRIES = 20_000  # looked at in search of them

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_READ = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_NONBLOCK", 0)  # a pipe without a writer is not waited for
_FOLDER = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_DIRECTORY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW


class Root:
    """A folder that calls are confined to."""

    def __init__(self, folder: str) -> None:
        self.folder = os.path.realpath(folder)
        if not os.path.isdir(self.folder):
            raise LrightError(f"{shown(folder)}: is no folder: give the project's with --root")

    def parts(self, path: str) -> tuple[str, ...]:
        """The real place of ``path`` inside the root, folder by folder; ReadError for one outside."""
        if not path or len(path) > LONGEST:
            raise ReadError(shown(path[:60]), "is no path" if not path else f"is longer than {LONGEST} characters")
        if "\0" in path:
            raise ReadError(shown(path[:60]), "is no file name: it holds a NUL")
        try:
            real = os.path.realpath(os.path.join(self.folder, path))
            within = os.path.commonpath((real, self.folder)) == self.folder
        except (OSError, ValueError):  # a loop of links, a name that the system cannot have, another drive
            raise ReadError(shown(path), "is no path that can be followed") from None
        if not within:
            raise ReadError(shown(path), "lies outside the root folder: the server reads nothing there")
        relative = os.path.relpath(real, self.folder)
        return () if relative == os.curdir else tuple(relative.split(os.sep))

    def relative(self, path: str) -> str:
        """The real place of ``path`` as a path from the root on."""
        return "/".join(self.parts(path)) or "."

    def is_folder(self, path: str) -> bool:
        """Whether ``path`` is a folder inside the root."""
        return os.path.isdir(os.path.join(self.folder, *self.parts(path)))

    def read(self, path: str) -> bytes:
        """The bytes of a plain file of at most :data:`LARGEST` bytes."""
        with self._parent(path) as (folder, name):
            return _read(folder, name, path)

    def write(self, path: str, data: bytes, was: bytes) -> None:
        """Put ``data`` in place of ``was`` in a file inside the root: all of it, or nothing."""
        with self._parent(path) as (folder, name):
            if _read(folder, name, path) != was:
                raise LrightError(f"{shown(path)}: changed while it was being mended: call again")
            try:
                _replace(folder, name, data)
            except OSError as error:
                raise LrightError(f"{shown(path)}: cannot be written: {error.strerror}") from None

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """The folder that holds ``path``, open, and the name of the file in it."""
        parts = self.parts(path)
        if not parts:
            raise ReadError(shown(path), "is a folder: name a file")
        opened = os.open(self.folder, _FOLDER)
        try:
            for part in parts[:-1]:
                below = os.open(part, _FOLDER, dir_fd=opened)
                os.close(opened)
                opened = below
            yield opened, parts[-1]
        except OSError as error:
            raise ReadError(shown(path), _why(error)) from None
        finally:
            os.close(opened)

    def scripts(self, path: str) -> list[str]:
        """The Python files below a folder, sorted, as paths from the root on. Links are not followed."""
        start = os.path.join(self.folder, *self.parts(path))
        found: list[str] = []
        seen = 0
        for here, folders, files in os.walk(start):
            folders[:] = sorted(name for name in folders if name not in MADE and not name.startswith("."))
            seen += len(files) + len(folders)
            for name in sorted(files):
                full = os.path.join(here, name)
                if name.endswith(".py") and not os.path.islink(full):
                    found.append(os.path.relpath(full, self.folder).replace(os.sep, "/"))
            if len(found) > MOST_FILES or seen > MOST_ENTRIES:
                raise ReadError(shown(path), f"holds more than {MOST_FILES} scripts: name a folder further down")
        return found


def _read(folder: int, name: str, path: str) -> bytes:
    with os.fdopen(os.open(name, _READ, dir_fd=folder), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ReadError(shown(path), "is no plain file: name a script")
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ReadError(shown(path), f"is larger than {LARGEST // 2**20} MB: no training script is")
    return data


def _replace(folder: int, name: str, data: bytes) -> None:
    """A new file with the mode of the old one, put in its place in one step."""
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode & 0o7777
    temporary = f".lright-{os.getpid()}-{os.urandom(6).hex()}"
    handle = os.open(temporary, _NEW, mode, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise


def _why(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file: check the name"
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return "no such file: a part of its path is no folder"
    return f"cannot be read ({error.strerror})"
