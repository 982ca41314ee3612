"""Finding and decoding the Python files that a person names.

Whatever is wrong with one input is one :class:`~lright.errors.ReadError` with one line, and never keeps the
others from being read. Nothing is executed: git is asked what it ignores with its file monitor switched
off.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from ...errors import LrightError, ReadError
from ...records import record, replace

LIMIT = 10 * 2**20  # bytes; no hand-written training script comes near
STDIN = "-"

# Folders that hold other people's code even where git does not ignore them.
FOREIGN = frozenset(
    {
        ".venv",
        "venv",
        "site-packages",
        "node_modules",
        "__pycache__",
        ".tox",
        ".nox",
        ".eggs",
        ".git",
        ".hg",
        ".svn",
    }
)
# Outside a git checkout nobody says what is made and what is written, so the usual names have to do.
MADE = FOREIGN | {"build", "dist", ".ipynb_checkpoints", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


@record(frozen=True, slots=True)
class Input:
    """One file as text: line ends kept, a byte order mark taken off.

    ``text.encode(encoding)`` gives ``data``, the bytes of the file, back (:func:`encode` checks it).
    """

    path: str
    text: str
    encoding: str
    data: bytes


def find(paths: Sequence[str]) -> tuple[list[str], list[ReadError]]:
    """The files named by ``paths``, each once, and what is wrong with the rest.

    A file is taken whatever its name; from a folder come the ``.py`` files below it, sorted, without those
    that git ignores and without virtual environments. Symbolic links to folders are not followed. ``-`` is
    standard input.
    """
    found: dict[str, str] = {}
    failures: list[ReadError] = []
    for path in paths:
        if path != STDIN and os.path.isdir(path):
            below = sorted(_below(path))
            if not below:
                failures.append(ReadError(shown(path), "holds no Python file: name a folder that does"))
            for file in below:
                found.setdefault(os.path.abspath(file), file)
        else:
            found.setdefault(path if path == STDIN else os.path.abspath(path), path)
    return list(found.values()), failures


def read(path: str, name: str = "<stdin>") -> Input:
    """The file at ``path``, decoded as Python would; ``-`` is standard input, which errors call ``name``.

    Raises ReadError where it cannot be: missing, not permitted, over 10 MB, binary, not in its encoding.
    """
    if path == STDIN:
        if sys.stdin is None:
            raise ReadError(shown(name), "standard input is closed: name a file, or pipe the script in")
        return replace(decode(sys.stdin.buffer.read(LIMIT + 1), name), path=STDIN)
    try:
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise ReadError(shown(path), _why(error)) from None
    return decode(data, path)


def decode(data: bytes, path: str) -> Input:
    r"""The text of ``data``, by its byte order mark or its coding line (PEP 263), UTF-8 without either.

    >>> decode(b"# coding: latin-1\r\nx = '\xe9'", "a.py").text
    "# coding: latin-1\r\nx = 'é'"
    """
    name = shown(path)
    if path.endswith(".ipynb"):  # it is JSON, which parses as Python and would look healthy
        raise ReadError(name, "is a notebook: make a script of it first, with jupyter nbconvert --to script")
    if len(data) > LIMIT:
        raise ReadError(name, "is larger than 10 MB: no training script is; name the script itself")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ReadError(name, "is UTF-16, which Python does not read either: save it as UTF-8")
    if b"\0" in data:
        raise ReadError(name, "is binary (it holds a NUL byte): name a Python source file")
    encoding = _encoding(data, name)
    try:
        text = data.decode(encoding)
        text.encode("utf-8")
    except UnicodeError as error:
        before = data[: error.start] if isinstance(error, UnicodeDecodeError) else b""
        line = before.count(b"\n") + 1
        plain = encoding.removesuffix("-sig")
        raise ReadError(
            name, f"line {line} is not {plain}: save it as UTF-8, or declare its encoding in the first line"
        ) from None
    return Input(path, text, encoding, data)


def encode(text: str, like: Input) -> bytes:
    """``text`` as bytes in the encoding of ``like``.

    Raises LrightError where the encoding cannot say it, or does not give even the unchanged file back.
    """
    refusal = LrightError(f"{shown(like.path)}: cannot be written back as {like.encoding}: save it as UTF-8")
    try:
        unchanged, data = like.text.encode(like.encoding), text.encode(like.encoding)
    except UnicodeError:
        raise refusal from None
    if unchanged != like.data:
        raise refusal
    return data


def write_atomically(path: str, data: bytes, was: bytes) -> None:
    """Put ``data`` in place of ``was`` in the file at ``path``: all of it, or nothing.

    Mode and owner stay, and a symbolic link stays a link. Raises LrightError if the file no longer holds
    ``was`` or cannot be written.
    """
    import contextlib
    import tempfile

    target = os.path.realpath(path)
    try:
        with open(target, "rb") as file:
            if file.read() != was:
                raise LrightError(f"{shown(path)}: changed while it was being checked: run the command again")
        status = os.stat(target)
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".lright-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(handle)
            if hasattr(os, "chown"):
                with contextlib.suppress(PermissionError):  # only root may give a file away
                    os.chown(temporary, status.st_uid, status.st_gid)
            os.chmod(temporary, status.st_mode & 0o7777)
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise LrightError(f"{shown(path)}: cannot be written: {error.strerror or error}") from None


def shown(path: str) -> str:
    r"""``path`` as one printable line: undecodable bytes and control characters escaped.

    >>> print(shown("a\nb\udcff.py"))
    a\nb\xff.py
    """
    if path.isascii() and path.isprintable():
        return path
    try:
        data = os.fsencode(path)
    except UnicodeError:  # what no file can be called
        data = path.encode("utf-8", "backslashreplace")
    text = data.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file or folder: check the name"
    if isinstance(error, PermissionError):
        return "may not be read: check its permissions"
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror or error}): name a file that can be"
    return f"is no file name ({error}): check the name"


def _encoding(data: bytes, name: str) -> str:
    if data.isascii() and b"coding" not in data[:400]:  # most files; spares the look-up
        return "utf-8"
    import io
    import tokenize

    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        message, _, named = str(error).partition(": ")
        if message.startswith("invalid or missing"):  # declares nothing, and is not UTF-8: decoding tells the line
            return "utf-8"
        reason = f"declares the unknown encoding {named}" if "unknown" in message else "has no valid encoding"
        raise ReadError(name, f"{reason}: save it as UTF-8, or declare the encoding it has") from None
    if not _keeps_ascii(encoding):
        raise ReadError(name, f"declares the encoding {encoding}, which is none for source: save it as UTF-8")
    return encoding


def _keeps_ascii(encoding: str) -> bool:
    """Whether plain source text means in ``encoding`` what it means in ASCII (not so: UTF-7, rot13 ...)."""
    probe = bytes(byte for byte in range(32, 127) if byte != ord("\\")) + rb"\x41"
    try:
        return probe.decode(encoding) == probe.decode("ascii")
    except (UnicodeError, LookupError):  # LookupError: no text encoding, such as zlib
        return False


def _below(folder: str) -> Iterator[str]:
    listed = _ask_git(folder)
    if listed is None:
        yield from _walk(folder)
        return
    foreign: dict[str, bool] = {}
    for name in sorted(listed):
        path = os.path.join(folder, name) if folder != "." else name
        if name.endswith(".py"):
            if not _is_foreign(folder, os.path.dirname(name), foreign) and os.path.isfile(path):
                yield path
        elif os.path.isdir(path) and not os.path.islink(path):  # a repository inside: git names no file of it
            yield from _below(path.rstrip("/"))


def _is_foreign(root: str, folder: str, known: dict[str, bool]) -> bool:
    """Whether ``folder``, relative to ``root``, lies in a virtual environment or other people's code."""
    if not folder:
        return False
    if folder not in known:
        parent, name = os.path.split(folder)
        known[folder] = (
            name in FOREIGN
            or os.path.exists(os.path.join(root, folder, "pyvenv.cfg"))
            or _is_foreign(root, parent, known)
        )
    return known[folder]


def _ask_git(folder: str) -> set[str] | None:
    """What git does not ignore below ``folder``, relative to it; None where git has nothing to say."""
    if not _in_checkout(folder):
        return None
    import subprocess

    git = ["git", "-C", folder, "-c", "core.fsmonitor=false"]  # a configured monitor would be executed
    listing = [*git, "ls-files", "-coz", "--exclude-standard"]
    try:
        done = subprocess.run(listing, capture_output=True, check=False)
        if done.returncode:
            return None
        if not done.stdout:  # the folder itself may be ignored; it was named all the same
            ignored = subprocess.run([*git, "check-ignore", "-q", "."], capture_output=True, check=False)
            return None if ignored.returncode == 0 else set()
    except OSError:  # no git here
        return None
    return {os.fsdecode(name) for name in done.stdout.split(b"\0") if name}


def _in_checkout(folder: str) -> bool:
    here = os.path.abspath(folder)
    while not os.path.exists(os.path.join(here, ".git")):
        parent = os.path.dirname(here)
        if parent == here:
            return False
        here = parent
    return True


def _walk(folder: str) -> Iterator[str]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if name not in MADE and not os.path.exists(os.path.join(here, name, "pyvenv.cfg"))
        )
        for name in files:
            path = os.path.join(here, name) if here != "." else name
            if name.endswith(".py") and os.path.isfile(path):
                yield path[2:] if path.startswith("./") and folder == "." else path
