"""What one run of a script under instruments is measured by: the record, and how it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ..records import record

FINISHED, DIVERGED, CRASHED, TIMEOUT, INTERRUPTED = "finished", "diverged", "crashed", "timeout", "interrupted"
ENDINGS = (FINISHED, DIVERGED, CRASHED, TIMEOUT, INTERRUPTED)


@record(frozen=True)
class Measured:
    """One run of a script.

    ``values`` are (update, value) of the metric that was asked for, in the order they came; ``final`` is the last one
    and ``best`` the best one by what its name says (an accuracy: the highest), None where there was none. ``updates``
    counts optimizer updates. ``ended`` is one of `ENDINGS`: "diverged" for a loss or metric that is no number any more
    or never came back, also where the script gave up over it; "crashed" for every other exception, with its last line
    in ``message``; "interrupted" for Ctrl-C and for ``cancelled``. ``seconds`` are of wall-clock time. ``own_peak`` is
    the peak of the script's own schedule as it stands (before any scaling), None where it is not known.

    >>> Measured(((99, 0.7), (199, 0.5)), 0.5, 0.5, 200).ended
    'finished'
    """

    values: tuple[tuple[int, float], ...] = ()
    final: float | None = None
    best: float | None = None
    updates: int = 0
    ended: str = FINISHED
    message: str = ""
    seconds: float = 0.0
    own_peak: float | None = None


class Measure(Protocol):
    """Run a script once in a child process, and measure it.

    ``schedule`` is the text of a lright schedule, None for the script's own. ``peak`` is its highest LR; ``scale``
    instead multiplies: the script's own LRs where ``schedule`` is None, else its own peak. Neither: the script's own.
    ``seed`` replaces the seeds the script sets. The script keeps its files to itself: no checkpoint of one run may
    meet those of another. ``environment`` is added to the child's. ``cancelled`` is asked about once a second, from
    the thread that called: once it says True the child is ended. A ``KeyboardInterrupt`` here ends the child too, and
    is raised again. ``module``: ``script`` is the name of a module, as for ``python -m``. ``updates``: how many it
    makes, where another run of it has shown that.

    How the run ends is told in the record; `LrightError` is for what no run could be made of.
    """

    def __call__(
        self,
        script: str,
        arguments: Sequence[str],
        *,
        schedule: str | None,
        peak: float | None,
        scale: float | None,
        seed: int | None,
        metric: str,
        trace: str | None,
        timeout: float | None = None,
        environment: Mapping[str, str] | None = None,
        cancelled: Callable[[], bool] | None = None,
        module: bool = False,
        updates: int | None = None,
    ) -> Measured: ...
