"""The one family of errors that lright raises on purpose."""

from __future__ import annotations


class LrightError(Exception):
    """Something lright was asked to do cannot be done.

    The message is for the person who gave the input: it names the input and says what to do instead.

    >>> raise LrightError("unknown unit 'epoc' in '5epoc': write one of ep, batch, update")
    Traceback (most recent call last):
    ...
    lright.errors.LrightError: unknown unit 'epoc' in '5epoc': write one of ep, batch, update
    """


class UsageError(LrightError):
    """A command line or a call that makes no sense, whatever the files say. The command line exits with 2."""


class ReadError(LrightError):
    """One input could not be read: missing, not text, not Python. The others are still checked.

    `path` is the input as the person wrote it.

    >>> ReadError("train.py", "is empty").path
    'train.py'
    >>> str(ReadError("train.py", "is empty"))
    'train.py: is empty'
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
