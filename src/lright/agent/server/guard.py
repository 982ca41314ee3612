"""What a worker may not do, whatever it is given: start programs, reach a network, write files, swell, run for ever.

lright does none of it when it checks, plans or answers. This is the second lock: a mistake of ours would be an error,
not an execution.
"""

from __future__ import annotations

import os
import signal
import sys

MEMORY = 2 * 2**30  # bytes of address space of a worker; what it really uses is a small part of it
_DENIED = (
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.startfile",
    "pty.spawn", "socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "ftplib.connect",
    "urllib.Request", "webbrowser.open",
)  # fmt: skip


class Denied(RuntimeError):
    """A worker tried what it may not do."""


def lock(*, writes: bool) -> None:
    """Deny it to this process, for good. ``writes``: it may write files all the same."""
    import resource

    sys.addaudithook(_refuse)
    if sys.platform != "darwin":  # which does not keep to it, and fails where it is asked to
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not writes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event in _DENIED:
        raise Denied(f"{event} is denied")


def deadline(seconds: float) -> None:
    """End this process in so many seconds, whatever it does then; 0: never mind. The server ends it earlier: this is
    for a server that is gone."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def quiet() -> tuple[int, int]:
    """Where requests come from and answers go: standard input and output, which from here on are nobody's."""
    inlet, outlet = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return inlet, outlet
