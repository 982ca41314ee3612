"""Sweeps that are made up: what a range test must read, and what must not fool it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

STEPS = 200
LRS = tuple(10 ** (-6 + 7 * i / (STEPS - 1)) for i in range(STEPS))


def valley(
    half: float = -3.0,
    bottom: float = -2.0,
    blow_up: float = -1.0,
    start: float = 2.3,
    low: float = 0.5,
    noise: float = 0.05,
    seed: int = 0,
) -> list[float]:
    """A usual sweep: flat, a fall around log10 LR ``half`` to ``low`` at ``bottom``, exploding from ``blow_up``."""
    draw = random.Random(seed)

    def loss(x: float) -> float:
        fallen = 1 / (1 + math.exp(-(x - half) * 4 / max(bottom - half, 0.1)))
        return start - (start - low) * fallen + 10 ** (3 * (x - blow_up)) * 0.3 + noise * draw.gauss(0, 1)

    return [loss(math.log10(lr)) for lr in LRS]


def made(loss: Callable[[float, random.Random], float], seed: int = 0) -> list[float]:
    """The losses of a sweep by log10 of the LR."""
    draw = random.Random(seed)
    return [loss(math.log10(lr), draw) for lr in LRS]
