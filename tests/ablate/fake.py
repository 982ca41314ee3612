"""A training that takes no time: the metric is a bowl over the log of the peak, with noise from the seed."""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lright.drive.measured import Measured
from lright.errors import LrightError

OWN_PEAK = 0.1
# The best peak of a schedule, and the loss there.
BOWLS = {None: (0.1, 0.50), "cosine to 0": (0.3, 0.44), "warmup 5% > cosine to 0": (0.3, 0.44), "hold": (0.1, 0.50)}


def fake(
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
) -> Measured:
    lr = peak if peak is not None else OWN_PEAK * (1.0 if scale is None else scale)
    if schedule is None and lr > 0.25:
        return Measured(((100, math.nan),), math.nan, None, 100, "diverged", "the loss is no number", 1.0, OWN_PEAK)
    best, floor = BOWLS[schedule]
    shared, alone = random.Random(seed), random.Random(f"{schedule} {lr:.3g} {seed}")
    loss = floor + 0.05 * math.log(lr / best, 3) ** 2 + shared.gauss(0, 0.03) + alone.gauss(0, 0.008)
    values = tuple((100 * (i + 1), loss + 0.5 / (i + 1) - 0.1) for i in range(5))
    return Measured(values, values[-1][1], values[-1][1], 500, "finished", "", 38.0, OWN_PEAK)


def fake_forever(script: str, arguments: Sequence[str], *, metric: str, seed: int, **told: Any) -> Measured:
    """A run of seed 1 goes on until it is interrupted, and leaves a note of that in the file named as the metric."""
    try:
        while seed == 1:
            time.sleep(0.05)
    except KeyboardInterrupt:
        with open(metric, "a") as file:
            file.write("interrupted\n")
        raise
    return Measured(((0, 1.0),), 1.0, 1.0, 1)


def fake_on_ray(script: str, arguments: Sequence[str], *, metric: str, **told: Any) -> Measured:
    """Says where it ran; the names of metrics make it fail."""
    if metric == "none":
        raise LrightError("no such metric")
    return Measured(((0, 1 / (metric != "zero")),), 1.0, 1.0, 1, message=f"{os.getpid()}|{os.getcwd()}")
