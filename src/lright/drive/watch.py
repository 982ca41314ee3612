"""Watching a script that runs as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import LrightError
from ..finding import Curve
from ..records import record
from ..trace import Trace
from .job import CRASHED, End, Job
from .launch import checked, folder, is_main_process, launch
from .lengths import foretold_of, updates_of


@record(frozen=True)
class Watched:
    """A watched run: its trace, how it ended, its exit code, and the curves that reading the script promised."""

    trace: Trace
    end: End
    code: int
    predicted: tuple[Curve, ...]


def watch(
    script: str,
    arguments: Sequence[str] = (),
    *,
    trace: str = "lright-trace.jsonl",
    stop_on: Sequence[str] = (),
    updates: int | None = None,
    sample: int | None = None,
    tensorboard: str | None = None,
    view: bool = False,
    resume: bool = True,
    module: bool = False,
    seed: int | None = None,
    mode: str = "watch",
    told: dict[str, object] | None = None,
) -> Watched | None:
    """Run a script under watch; what it prints goes where it always does. None on other ranks than 0.

    ``updates``: how many it makes, where that is known; else the script is read for it. ``view``: draw a live view on
    standard error. ``resume``: continue a trace of the same script that broke off. ``mode`` and ``told`` are for
    :mod:`lright.drive.run`. Raises LrightError where the script made no update.
    """
    from ..watch.recorder import rule_of

    script = checked(script, module)
    for word in stop_on:
        rule_of(word)
    with folder() as where:
        job = Job(mode, script, tuple(arguments), where, module, seed=seed)
        expected = updates if updates is not None else updates_of(job)
        options: dict[str, object] = {
            "trace": trace, "stop_on": list(stop_on), "expected": expected, "tensorboard": tensorboard, "live": view,
            "title": Path(script).name, "resume": resume, **(told or {}),
        }  # fmt: skip
        if sample is not None:
            options["sample"] = sample
        ended = launch(Job(mode, script, tuple(arguments), where, module, options, seed))
    if not is_main_process():
        return None
    if ended.end.reason == CRASHED and ended.end.message.startswith("lright: "):
        raise LrightError(ended.end.message.removeprefix("lright: "))
    if not Path(trace).exists():
        raise LrightError(f"{script}: {ended.end.message or 'it ended before anything could be recorded'}")
    seen = Trace.read(trace)
    foretold = foretold_of(job, _batches(seen))
    return Watched(seen, ended.end, ended.code, foretold.curves if foretold else ())


def _batches(trace: Trace) -> int | None:
    """The length of the loader that the training began with."""
    passes = trace.epochs()
    length = trace.loaders.get(passes[0].loader, {}).get("length") if passes else None
    return int(length) if length else None
