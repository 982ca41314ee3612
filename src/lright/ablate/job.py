"""One run of an ablation, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..drive.measured import CRASHED, DIVERGED, FINISHED, Measured
from ..records import record
from ..render.chart import number_text

OWN = "own"  # the schedule that the script has


@record(frozen=True)
class Peak:
    """A highest LR to try: ``factor`` times the script's own, or the ``lr`` itself.

    >>> print(Peak(factor=0.33), Peak(factor=1), Peak(lr=3e-3))
    x0.33 own LR 0.003
    """

    factor: float | None = None
    lr: float | None = None

    def __str__(self) -> str:
        if self.lr is not None:
            return f"{self.lr:.3g}"
        return "own LR" if self.factor == 1 else f"x{self.factor:.3g}"

    def rate(self, own_peak: float | None) -> float | None:
        """The LR itself, where it is known; ``own_peak`` is the script's."""
        if self.lr is not None or own_peak is None or self.factor is None:
            return self.lr
        return float(f"{self.factor * own_peak:.12g}")

    def shown(self, own_peak: float | None) -> str:
        """As an LR where it is known, else as a multiple of the script's own.

        >>> Peak(factor=3).shown(0.1), Peak(factor=3).shown(None)
        ('0.3', 'x3')
        """
        rate = self.rate(own_peak)
        return str(self) if rate is None else number_text(rate)


@record(frozen=True)
class Cell:
    """What is repeated with every seed: a schedule ("own" or its text) at a peak."""

    schedule: str
    peak: Peak

    @property
    def is_untouched(self) -> bool:
        """Whether it is the script as it stands."""
        return self.schedule == OWN and self.peak.factor == 1


@record(frozen=True)
class Job:
    """One run: a cell with a seed.

    >>> print(Job(Cell("cosine to 0", Peak(lr=3e-3)), 2))
    cosine to 0, peak 0.003, seed 2
    """

    cell: Cell
    seed: int

    def __str__(self) -> str:
        peak = str(self.cell.peak)
        return f"{self.cell.schedule}, {peak if peak == 'own LR' else 'peak ' + peak}, seed {self.seed}"

    def rate(self, own_peak: float | None) -> dict[str, float | None]:
        """``peak`` and ``scale`` to ask for; ``own_peak`` is the script's, where a run has shown it.

        >>> Job(Cell("cosine to 0", Peak(factor=3)), 0).rate(own_peak=0.1)
        {'peak': 0.3, 'scale': None}
        >>> Job(Cell("own", Peak(lr=0.3)), 0).rate(own_peak=0.1)
        {'peak': None, 'scale': 3.0}
        """
        peak, rate = self.cell.peak, self.cell.peak.rate(own_peak)
        if self.cell.is_untouched:
            return {"peak": None, "scale": None}
        if self.cell.schedule == OWN and own_peak is not None:
            return {"peak": None, "scale": peak.factor if peak.lr is None else float(f"{peak.lr / own_peak:.12g}")}
        return {"peak": rate, "scale": peak.factor if rate is None else None}


@record(frozen=True)
class Outcome:
    """A job and what was measured of it."""

    job: Job
    measured: Measured

    def value(self, mode: str, take: str) -> float | None:
        """The metric by which it is judged: its final value, or its best. None where it has none that is a number."""
        if self.measured.ended != FINISHED:
            return None
        value = self.measured.final
        if take == "best":
            finite = [value for _, value in self.measured.values if math.isfinite(value)]
            value = (min(finite) if mode == "min" else max(finite)) if finite else None
        return value if value is not None and math.isfinite(value) else None

    @property
    def diverged(self) -> bool:
        """Whether training failed in it: that is a result, and the worst."""
        final = self.measured.final
        ended_badly = self.measured.ended == FINISHED and final is not None and not math.isfinite(final)
        return self.measured.ended == DIVERGED or ended_badly

    @property
    def failed(self) -> bool:
        """Whether it says nothing about the schedule: it crashed, took too long or never told the metric."""
        return not self.diverged and (self.measured.ended != FINISHED or self.measured.final is None)

    @property
    def why(self) -> str:
        """What went wrong in it, in a few words."""
        if self.measured.ended == FINISHED:
            return "ended without a value of the metric" if self.measured.final is None else "ended at no number"
        verb = {CRASHED: "crashed", DIVERGED: "diverged"}.get(self.measured.ended, self.measured.ended)
        return f"{verb}: {self.measured.message}" if self.measured.message else verb


def thinned(values: Sequence[tuple[int, float]], most: int = 200) -> tuple[tuple[int, float], ...]:
    """At most about ``most`` of the values: the first, the last, the lowest, the highest, and others evenly.

    >>> thinned([(u, abs(u - 70)) for u in range(100)], most=4)
    ((0, 70), (25, 45), (50, 20), (70, 0), (75, 5), (99, 29))
    """
    if len(values) <= most:
        return tuple(values)
    finite = [index for index, (_, value) in enumerate(values) if math.isfinite(value)]
    kept = {0, len(values) - 1, *(index * len(values) // most for index in range(most))}
    for extreme in (min, max):
        kept |= {extreme(finite, key=lambda index: values[index][1])} if finite else set()
    return tuple(values[index] for index in sorted(kept))
