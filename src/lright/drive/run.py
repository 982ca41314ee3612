"""Another schedule on somebody's script: to be run (`lright run`) and to be measured (`lright ablate`)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..errors import LrightError
from ..schedule import Schedule
from ..trace import Trace
from . import measured
from .job import APART, CRASHED, INTERRUPTED, Job
from .launch import Ended, checked, failed, folder, launch
from .measured import Measured
from .watch import Watched, watch

MORE = ("acc", "f1", "auc", "map", "iou", "bleu", "reward", "return", "score", "top1")
NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf|-inf)"


def run(
    script: str,
    arguments: Sequence[str] = (),
    *,
    schedule: str | None = None,
    peak: float | None = None,
    scale: float | None = None,
    updates: int | None = None,
    **watching: object,
) -> Watched | None:
    """Run a script with another learning-rate schedule, without changing it; recorded as :func:`watch` does.

    ``schedule``: as `Schedule.parse` reads it, None for the script's own. ``peak``: its highest LR; ``scale``
    multiplies the script's own instead. ``updates``: how many the run makes, where the script does not show it.
    """
    if schedule is not None:
        schedule = str(Schedule.parse(schedule))
    told = {"schedule": schedule, "peak": peak, "scale": scale, "updates": updates}
    return watch(script, arguments, updates=updates, mode="run", told=told, **watching)  # type: ignore[arg-type]


def measure(
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
    updates: int | None = None,
    module: bool = False,
) -> Measured:
    """Run a script once, quietly, and measure it: see :class:`lright.drive.measured.Measure`.

    What it saves with ``torch.save`` is kept apart and given back to ``torch.load``; other checkpoints and logs are
    withheld. The metric is looked for among the values the script logs, then in what it prints ("val loss 1.23").
    """
    script = checked(script, module)
    with folder() as where:
        path = trace or str(Path(where) / "trace.jsonl")
        options = {
            "schedule": schedule, "peak": peak, "scale": scale, "updates": updates, "trace": path, "resume": False,
            "sample": 0, "judge": False,
        }  # fmt: skip
        job = Job("run", script, tuple(arguments), where, module, options, seed, APART)
        ended = launch(job, quiet=True, timeout=timeout, cancelled=cancelled, environment=environment)
        if ended.end.message.startswith("lright: "):
            raise LrightError(ended.end.message.removeprefix("lright: "))
        if not Path(path).exists():
            raise failed(ended, f"{script} could not be measured")
        return _measured(Trace.read(path), ended, metric)


def _measured(trace: Trace, ended: Ended, metric: str) -> Measured:
    values = values_of(trace, metric) or printed(ended.output, metric, ended.end.updates)
    if not values and ended.end.reason not in (CRASHED, INTERRUPTED) and not ended.timed_out:
        known = ", ".join(repr(name) for name in trace.metrics) or "none"
        raise LrightError(f"--metric {metric!r}: the script neither logs nor prints it; seen: {known}")
    numbers = [value for _, value in values if math.isfinite(value)]
    best = max if wants_more(metric) else min
    return Measured(
        tuple(values), values[-1][1] if values else None, best(numbers) if numbers else None, ended.end.updates,
        _ending(trace, ended, values), ended.end.message, ended.seconds, ended.end.own_peak,
    )  # fmt: skip


def _ending(trace: Trace, ended: Ended, values: Sequence[tuple[int, float]]) -> str:
    broken = [bool(updates.broken) and updates.broken[-1] == len(updates) - 1 for updates in trace.updates.values()]
    if any(broken) or (values and not math.isfinite(values[-1][1])):
        return measured.DIVERGED
    if ended.timed_out:
        return measured.TIMEOUT
    return {CRASHED: measured.CRASHED, INTERRUPTED: measured.INTERRUPTED}.get(ended.end.reason, measured.FINISHED)


def wants_more(metric: str) -> bool:
    """Whether a metric of this name is better when it is higher.

    >>> wants_more("val_acc"), wants_more("val_loss")
    (True, False)
    """
    words = re.split(r"[^a-z0-9]+", metric.lower())
    return any(word.startswith(MORE) for word in words)


def values_of(trace: Trace, metric: str) -> list[tuple[int, float]]:
    """The (update, value) pairs of a metric that the script logged; its name may differ in case, "_", "/" and "-"."""
    wanted = _plain(metric)
    for name in trace.metrics:
        if _plain(name) == wanted:
            readings = trace.metrics[name]
            return list(zip(readings.updates, readings.values))
    return []


def printed(output: str, metric: str, updates: int) -> list[tuple[int, float]]:
    """The values of a metric in what a script printed, spread over its updates as they came.

    >>> printed("epoch 1 val loss 0.9\\nepoch 2 val loss 0.7", "val_loss", 200)
    [(100, 0.9), (200, 0.7)]
    """
    words = [re.escape(word) for word in re.split(r"[\W_]+", metric) if word]
    pattern = r"(?<![a-z])" + r"[\s_/.-]*".join(words) + r"\s*(?:is|of|[:=(]|->)?\s*" + NUMBER
    values = [float(match.group(1)) for match in re.finditer(pattern, output, re.IGNORECASE)]
    return [(round(updates * (i + 1) / len(values)), value) for i, value in enumerate(values)]


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())
