"""The numbers of `torch.Generator().manual_seed(seed)` on the CPU, for timm's seeded LR noise."""

from __future__ import annotations

import math


class Generator:
    """A Mersenne twister seeded as torch seeds it; `rand()` and `randn()` are torch.rand(1) and
    torch.randn(1).

    >>> round(Generator(0).rand(), 6), round(Generator(0).randn(), 6)
    (0.496257, 1.540996)
    """

    def __init__(self, seed: int) -> None:
        from random import Random

        state = [seed & 0xFFFFFFFF]
        for index in range(1, 624):
            before = state[-1]
            state.append((1812433253 * (before ^ (before >> 30)) + index) & 0xFFFFFFFF)
        self._random = Random()
        self._random.setstate((3, (*state, 624), None))
        self._spare: float | None = None

    def rand(self) -> float:
        """A float32 in [0, 1): the low 24 of 32 bits."""
        return (self._random.getrandbits(32) & 0xFFFFFF) / (1 << 24)

    def randn(self) -> float:
        """A float32 from the normal distribution, made in pairs by Box and Muller's method."""
        value = self._spare
        if value is None:
            angle, u = 2 * math.pi * self._double(), self._double()
            radius = math.sqrt(-2 * math.log1p(-u))
            value, self._spare = radius * math.cos(angle), radius * math.sin(angle)
        else:
            self._spare = None
        return _float32(value)

    def _double(self) -> float:
        """A double in [0, 1) from two draws, the first one above the second."""
        high, low = self._random.getrandbits(32), self._random.getrandbits(32)
        return ((high << 32 | low) & ((1 << 53) - 1)) / (1 << 53)


def _float32(value: float) -> float:
    from struct import pack, unpack

    rounded: float = unpack("f", pack("f", value))[0]
    return rounded
