"""Small recorded runs for the examples of rules: made of formulas, with the noise of real losses."""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ..trace import Trace

    Course = Callable[[int], float]


def noise(update: int, size: float = 0.04) -> float:
    """A factor near 1 that differs from update to update and is the same in every run.

    >>> round(noise(1), 3), round(noise(2), 3)
    (1.011, 0.999)
    """
    return 1 + size * (((update * 7919 + 104729) % 1009) / 504.5 - 1)


def made(
    updates: int,
    lr: Course | float,
    loss: Course,
    *,
    readings: Mapping[str, Sequence[float]] | None = None,
    scheduler: tuple[str, Mapping[str, Any]] | None = None,
    ended: str = "finished",
    resumed: int | None = None,
    shaken: float = 0.04,
) -> Trace:
    """A run of one optimizer. ``lr`` and ``loss`` are functions of the update; ``readings`` are metrics, taken at equal
    distances; ``resumed`` is the update with which a second piece begins; ``shaken``: the noise of the loss.

    >>> made(3, 0.1, lambda update: 2.0 - update / 2, shaken=0).updates[0].losses.tolist()
    [2.0, 1.5, 1.0]
    """
    from ..trace import FORMAT, VERSION, Trace

    start = {"kind": "start", "format": FORMAT, "version": VERSION, "script": "train.py"}
    trace = Trace.of([start, {"kind": "optimizer", "optimizer": 0, "class": "SGD", "at": "train.py:5"}])
    if scheduler is not None:
        name, arguments = scheduler
        trace.add({"kind": "scheduler", "scheduler": 0, "class": name, "optimizer": 0, "arguments": arguments})
    course = lr if callable(lr) else lambda update, rate=lr: rate
    for update in range(updates):
        if update == resumed:
            trace.add({"kind": "end", "reason": "interrupted"})
            trace.add({**start, "piece": 1})
        value = loss(update)
        if math.isfinite(value):
            value *= noise(update, shaken)
        trace.add({"kind": "update", "optimizer": 0, "update": update, "lr": [course(update)], "loss": value})
        for name, values in (readings or {}).items():
            every = updates // len(values)
            if (update + 1) % every == 0 and (update + 1) // every <= len(values):
                reading = values[(update + 1) // every - 1]
                trace.add({"kind": "metric", "name": name, "value": reading, "update": update + 1})
    if ended:
        trace.add({"kind": "end", "reason": ended, "updates": [updates]})
    return trace


def falling(start: float = 2.3, floor: float = 0.3, pace: float = 0.01) -> Course:
    """A loss that falls as losses do: fast, then ever more slowly.

    >>> [round(falling(2.0, 0.0, 1.0)(update), 2) for update in (0, 1, 3)]
    [2.0, 1.0, 0.5]
    """
    return lambda update: floor + (start - floor) / (1 + pace * update)


def cosine(peak: float, updates: int, warmup: int = 0) -> Course:
    """An LR that warms up linearly and then falls to 0 as a cosine; past its end it rises again, as torch's does.

    >>> [round(cosine(0.1, 10)(update), 3) for update in (0, 5, 10, 20)]
    [0.1, 0.05, 0.0, 0.1]
    """

    def at(update: int) -> float:
        if update < warmup:
            return peak * (update + 1) / warmup
        return peak * (1 + math.cos(math.pi * (update - warmup) / (updates - warmup))) / 2

    return at


def one_cycle(peak: float, updates: int) -> Course:
    """OneCycleLR as torch draws it: a cosine from a 25th of the peak up to it at 30%, and down to nothing.

    >>> round(one_cycle(0.1, 100)(0), 3), round(one_cycle(0.1, 100)(29), 3)
    (0.004, 0.1)
    """
    top = 0.3 * updates - 1

    def at(update: int) -> float:
        if update <= top:
            return peak / 25 + (peak - peak / 25) * (1 - math.cos(math.pi * update / top)) / 2
        return peak * (1 + math.cos(math.pi * (update - top) / (updates - 1 - top))) / 2

    return at
