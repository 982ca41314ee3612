"""A sweep as a curve that can be read: what is no number left out, spikes and noise held down without lag.

Everything here is unchanged by adding a constant to the losses, so that negative ones are read as well as others, and
scales with them. Three steps, each with one job:

1. what rises above the start by more than the whole drop is cut there, and a running median removes spikes;
2. a Gaussian mean smooths, as wide as the noise asks for; it looks to both sides, so nothing comes late;
3. the best fit that first only falls and then only rises (:func:`valley_fit`) gives landmarks that wiggles cannot move.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..records import record

START = 20  # losses whose median is the level that a sweep starts from: a tenth of it, where nothing moves yet
SPIKE = 2  # neighbours on either side for the median: a spike of up to two steps is gone
WIDTH, WIDEST = 1.0, 4.0  # of the Gaussian in steps, one standard deviation: .04 to .14 decades
STEADY = 4.0  # the Gaussian is widened until the drop is this many standard deviations of the smoothed loss
DEPTH = 4  # so that half of the depth counts a sixteenth
FLOOR = 0.1  # the bottom of the valley is what lies within this share of the drop above the lowest point
RISE = 2.0
AROUND = 7  # losses on either side of the lowest that the test for a drop takes together
NORMAL = 1.4826  # the median absolute deviation of a normal distribution, times this, is its standard deviation


@record(frozen=True)
class Sweep:
    """A readable sweep.

    ``xs``: log10 of the LRs whose loss was a number; ``smooth``: those losses, smoothed; ``fit``: their valley fit.
    ``start``: the level it starts from; ``noise``: the standard deviation of a loss from batch to batch, near the
    start; ``clear``: how many standard errors the lowest stretch lies below the start; ``missing``: losses that were
    no number, the end aside; ``diverged``: log10 of the LR where losses ended in NaN or infinity, or None.
    """

    xs: tuple[float, ...]
    smooth: tuple[float, ...]
    fit: tuple[float, ...]
    start: float
    noise: float
    clear: float
    missing: int
    diverged: float | None

    @property
    def lowest(self) -> float:
        """The lowest loss of the fit."""
        return min(self.fit)

    @property
    def drop(self) -> float:
        """How far the loss came down."""
        return self.start - self.lowest

    @property
    def bottom(self) -> tuple[int, int]:
        """The first and last index of the valley's bottom, within ``FLOOR`` of the drop."""
        level = self.lowest + FLOOR * max(self.drop, 0.0)
        inside = [i for i, y in enumerate(self.fit) if y <= level]
        return inside[0], inside[-1]

    @property
    def valley(self) -> float:
        """log10 of the LR at the centre of the valley: every point weighs as its depth to the power of ``DEPTH``.

        A mean over the whole valley moves less from seed to seed than the place of its lowest point.
        """
        weights = [max((self.start - y) / self.drop, 0.0) ** DEPTH for y in self.fit]
        return sum(weight * x for weight, x in zip(weights, self.xs)) / sum(weights)

    def down_to(self, share: float) -> float:
        """log10 of the LR at which ``share`` of the drop is reached."""
        level = self.start - share * self.drop
        return self._crossing(next((i for i, y in enumerate(self.fit) if y <= level), 0), level)

    def up_by(self, share: float) -> float | None:
        """log10 of the LR, past the valley, at which ``share`` of the drop is lost again for good; None: never.

        A rise within ``RISE`` times the noise is none.
        """
        return self._rises_to(self.lowest + max(share * self.drop, RISE * self.noise))

    def up_from_start(self, share: float) -> float | None:
        """log10 of the LR at which it lies above its start for good, by ``share`` of it; None: never.

        For sweeps that never fell: they have no drop to compare a rise with.
        """
        return self._rises_to(self.start + max(share * abs(self.start), RISE * self.noise))

    def _rises_to(self, level: float) -> float | None:
        first = next((i for i in range(self.bottom[1], len(self.xs)) if self.fit[i] > level), None)
        return self.diverged if first is None else self._crossing(first, level)

    def _crossing(self, i: int, level: float) -> float:
        """Where the line between point i and the one before it meets ``level``."""
        if i == 0 or self.fit[i] == self.fit[i - 1]:
            return self.xs[i]
        part = (level - self.fit[i - 1]) / (self.fit[i] - self.fit[i - 1])
        return self.xs[i - 1] + min(max(part, 0.0), 1.0) * (self.xs[i] - self.xs[i - 1])


def read(lrs: Sequence[float], losses: Sequence[float]) -> Sweep | None:
    """The sweep as a curve; None if fewer than ten losses are numbers.

    One loss that is none may be a bad batch and is left out; two in a row are the end.
    """
    xs, ys, missing, diverged = _numbers(lrs, losses)
    if len(ys) < 10:
        return None
    start = median(ys[:START])
    noise = _noise(ys[: max(START, len(ys) // 3)])
    drop = start - min(smoothed(medians(ys, SPIKE), 2 * WIDTH))
    # Above this a loss says "too high", however high it is.
    ceiling = start + (drop if drop > 3 * noise else max(3 * noise, 0.2 * abs(start)))
    cut = [min(y, ceiling) for y in ys]
    smooth = smoothed(medians(cut, SPIKE), _width(noise, drop))
    clear = _clearness(cut, smooth, noise)
    return Sweep(xs, tuple(smooth), tuple(valley_fit(smooth)), start, noise, clear, missing, diverged)


def _numbers(
    lrs: Sequence[float], losses: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...], int, float | None]:
    """log10 of the LRs and the losses that are numbers, up to the end; how many others; where the end is."""
    xs: list[float] = []
    ys: list[float] = []
    bad = missing = 0
    end = 0.0
    for lr, loss in zip(lrs, losses):
        if math.isfinite(loss):
            xs.append(math.log10(lr))
            ys.append(max(min(float(loss), 1e100), -1e100))  # so that no sum below overflows
            bad = 0
            continue
        bad, missing = bad + 1, missing + 1
        end = math.log10(lr) if bad == 1 else end
        if bad == 2:
            break
    return tuple(xs), tuple(ys), missing - bad, end if bad else None


def _noise(ys: Sequence[float]) -> float:
    """The standard deviation from batch to batch; from differences, so that a slope does not count."""
    differences = [after - before for before, after in zip(ys, ys[1:])]
    center = median(differences)
    return NORMAL * median([abs(difference - center) for difference in differences]) / math.sqrt(2)


def _width(noise: float, drop: float) -> float:
    """How wide to smooth: a Gaussian of width w leaves noise / sqrt(2 w sqrt(pi)) of the noise."""
    if drop <= 0:
        return WIDEST
    ratio = min(STEADY * noise / drop, 1e6)  # far beyond the widest; its square is still a number
    return min(max(ratio**2 / (2 * math.sqrt(math.pi)), WIDTH), WIDEST)


def _clearness(ys: Sequence[float], smooth: Sequence[float], noise: float) -> float:
    """How many standard errors the mean around the lowest point lies below that of the start."""
    lowest = min(range(len(smooth)), key=smooth.__getitem__)
    start, bottom = ys[:START], ys[max(lowest - AROUND, 0) : lowest + AROUND + 1]
    below = sum(start) / len(start) - sum(bottom) / len(bottom)
    error = noise * math.sqrt(1 / len(start) + 1 / len(bottom))
    return below / error if error > 0 else math.copysign(math.inf, below) if below else 0.0


def smoothed(ys: Sequence[float], width: float) -> list[float]:
    """A Gaussian mean over ``width`` steps on both sides: no lag, unlike the running averages of other finders.

    >>> [round(y, 2) for y in smoothed([0, 0, 0, 1, 0, 0, 0], width=1.0)]
    [0.01, 0.06, 0.24, 0.4, 0.24, 0.06, 0.01]
    """
    reach = math.ceil(3 * width)
    weights = [math.exp(-0.5 * (k / width) ** 2) for k in range(-reach, reach + 1)]
    out = []
    for i in range(len(ys)):
        first, last = max(i - reach, 0), min(i + reach + 1, len(ys))
        near = weights[first - i + reach : last - i + reach]
        out.append(sum(w * y for w, y in zip(near, ys[first:last])) / sum(near))
    return out


def valley_fit(ys: Sequence[float]) -> list[float]:
    """The curve nearest to ``ys`` (least squares) that first only falls and then only rises.

    Both halves are isotonic regressions by pooling adjacent violators; the turn is where their errors are least.

    >>> [round(y, 2) for y in valley_fit([5, 4, 4.5, 2, 1, 3, 2.5, 6])]
    [5, 4.25, 4.25, 2, 1, 2.75, 2.75, 6]
    """
    falling, left = _falling(ys)
    _, right = _falling(ys[::-1])
    after = [*right[-2::-1], 0.0]  # the error of the rising half that begins after each point
    turn = min(range(len(ys)), key=lambda i: left[i] + after[i])
    falling, _ = _falling(ys[: turn + 1])
    rising, _ = _falling(ys[: turn : -1])
    return falling + rising[::-1]


def _falling(ys: Sequence[float]) -> tuple[list[float], list[float]]:
    """The nearest curve that only falls, and for each point the squared error of the one up to there."""
    blocks: list[tuple[float, int, float]] = []  # mean, size, squared error
    errors: list[float] = []
    error = 0.0
    for y in ys:
        mean, size, own = y, 1, 0.0
        while blocks and blocks[-1][0] < mean:
            other, count, theirs = blocks.pop()
            error -= theirs
            own += theirs + (mean - other) ** 2 * size * count / (size + count)
            mean, size = (mean * size + other * count) / (size + count), size + count
        blocks.append((mean, size, own))
        error += own
        errors.append(error)
    return [mean for mean, size, _ in blocks for _ in range(size)], errors


def medians(ys: Sequence[float], reach: int) -> list[float]:
    """The median of every value and its neighbours up to ``reach`` away."""
    return [median(ys[max(i - reach, 0) : i + reach + 1]) for i in range(len(ys))]


def median(values: Sequence[float]) -> float:
    """The middle one of ``values``, or the mean of the middle two."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
