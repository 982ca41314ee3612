"""Learning-rate curves held against what was meant: another curve, or properties in words."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...finding import Curve

Points = Sequence[tuple[float, float]]  # (share of the training, LR), the first at 0, the last at 1
NEAR = 0.05  # the mean distance from the intended curve, in parts of its peak
GRID = 480


def normalised(curve: Curve) -> list[tuple[float, float]]:
    """The points of a curve over the share of the training that is over."""
    last = curve.points[-1][0] if curve.points else 0.0
    return [(t / last if last else 0.0, lr) for t, lr in curve.points]


def as_data(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    """Curves as JSON: unit, length (of the last point) and points."""
    return [
        {"unit": one.unit, "last": one.points[-1][0], "points": [[t, lr] for t, lr in normalised(one)]}
        for one in curves
    ]


def smooth(points: Points) -> list[tuple[float, float]]:
    """The same schedule moved at every update: steps of one per epoch joined by straight lines.

    >>> smooth([(0, 1.0), (0.4, 1.0), (0.5, 0.5), (1, 0.5)])
    [(0, 1.0), (0.5, 0.5), (1, 0.5)]
    """
    kept = [point for number, point in enumerate(points) if number == 0 or point[1] != points[number - 1][1]]
    return [*kept, (points[-1][0], points[-1][1])] if points and kept[-1][0] < points[-1][0] else kept


def at(points: Points, x: float) -> float:
    """The LR at a share of the training, between the points on a straight line."""
    position = bisect_right(points, (x, float("inf"))) - 1
    left = points[max(position, 0)]
    right = points[min(position + 1, len(points) - 1)]
    if right[0] <= left[0]:
        return left[1]
    return left[1] + (right[1] - left[1]) * min(max((x - left[0]) / (right[0] - left[0]), 0.0), 1.0)


def distance(one: Points, meant: Points) -> float:
    """The mean distance of two curves in parts of the peak that is meant."""
    peak = max((abs(lr) for _, lr in meant), default=0.0) or 1.0
    grid = [number / GRID for number in range(GRID + 1)]
    return sum(abs(at(one, x) - at(meant, x)) for x in grid) / len(grid) / peak


def levels(points: Points) -> int:
    """How many different rates a curve has, to four digits."""
    return len({f"{lr:.4g}" for _, lr in points})


def matches(curves: Sequence[Curve], meant: Sequence[Mapping[str, Any]]) -> tuple[bool, str]:
    """Whether drawn curves are those that were meant, one by one, and the reason in words."""
    if not curves:
        return False, "no learning rate can be read from it"
    if len(curves) < len(meant):
        return False, f"{len(meant)} learning rates were meant, {len(curves)} can be read"
    for number, (curve, one) in enumerate(zip(curves, meant), 1):
        if not curve.points:
            return False, "no learning rate can be read from it"
        if curve.unit == one["unit"] and abs(curve.points[-1][0] - one["last"]) > 0.02 * max(one["last"], 1) + 1:
            return False, f"it trains {curve.points[-1][0] + 1:g} {curve.unit}s instead of {one['last'] + 1:g}"
        points = [(x, lr) for x, lr in one["points"]]
        accepted = [points, *([smooth(points)] if levels(points) > 7 else [])]
        off = min(distance(normalised(curve), other) for other in accepted)
        if not off <= NEAR:
            where = f"of group {number} " if len(meant) > 1 else ""
            return False, f"its LR {where}is {100 * off:.0f}% of the peak away from what was meant, on average"
    return True, "its LR is the one that was meant"


# -- properties -------------------------------------------------------------------------------------------------------


def decays_to(curve: Curve, share: float) -> tuple[bool, str]:
    """Whether the last rate is at most a share of the peak, and below the first half's."""
    last, peak = curve.points[-1][1], peak_of(curve)
    reached = last <= max(share, _last_step(curve)) * peak + 1e-12 and last < peak
    return reached, f"the LR ends at {last:.2g}, {100 * last / peak if peak else 100:.1f}% of its peak"


def _last_step(curve: Curve) -> float:
    """What a decay to 0 that moves once per epoch still has in its last epoch, as a share of the peak: the size of
    the last move, where the curve moves often."""
    points = normalised(curve)
    if levels(points) < 8:
        return 0.0
    peak, last = peak_of(curve), points[-1][1]
    before = next((lr for _, lr in reversed(points) if abs(lr - last) > 1e-12), last)
    held = 1 - next((x for x, lr in points if lr == last), 1.0)
    return min(0.12, 2.2 * max(before - last, 0.0) / peak) if held > 0.001 and peak else 0.0


def peak_of(curve: Curve) -> float:
    """The highest rate."""
    return max(lr for _, lr in curve.points)


def warms_up(curve: Curve, start_below: float, until: Sequence[float]) -> tuple[bool, str]:
    """Whether the rate rises from below a share of its peak, and is at it within a part of the training."""
    points, peak = normalised(curve), peak_of(curve)
    first = points[0][1] / peak if peak else 1.0
    reached = next(x for x, lr in points if lr >= 0.98 * peak)
    said = f"it starts at {100 * first:.0f}% of the peak and reaches it after {100 * reached:.1f}% of the training"
    slack = 0.012  # the first epoch at the peak may be the one after
    return first <= start_below + 1e-9 and until[0] - slack <= reached <= until[1] + slack and reached > 0, said


def drops_at(curve: Curve, epochs: Sequence[float], total: float) -> tuple[bool, str]:
    """Whether the rate is constant but for drops by 10 at the given epochs."""
    points, peak = normalised(curve), peak_of(curve)
    bounds = [0.0, *(epoch / total for epoch in epochs), 1.0]
    for number, (start, end) in enumerate(zip(bounds, bounds[1:])):
        inside = [start + (end - start) * share for share in (0.15, 0.5, 0.85)]
        wanted = peak / 10**number
        if any(abs(at(points, x) - wanted) > 0.05 * wanted for x in inside):
            return False, f"between epoch {start * total:g} and {end * total:g} the LR is {at(points, inside[1]):.2g}"
    return True, "it drops by 10 at " + ", ".join(f"{epoch:g}" for epoch in epochs)


def monotone(curve: Curve) -> tuple[bool, str]:
    """Whether the rate never rises (after a warmup of at most a tenth) and does fall."""
    peak = peak_of(curve)
    points = [(x, lr) for x, lr in normalised(curve)]
    start = next(x for x, lr in points if lr >= 0.999 * peak)
    after = [lr for x, lr in points if x >= start]
    rises = any(later > earlier + 0.001 * peak for earlier, later in zip(after, after[1:]))
    good = not rises and start <= 0.1 and after[-1] < peak
    return good, "the LR falls all the way" if good else "the LR does not fall all the way"


def spread(curve: Curve, share: float = 0.3) -> tuple[bool, str]:
    """Whether the decay takes its time: the rate is above a share of its peak for a good part of the training."""
    points, peak = normalised(curve), peak_of(curve)
    early = [x for x, lr in points if lr > share * peak]
    return bool(early) and early[-1] >= 0.25, f"above {100 * share:.0f}% of its peak until {100 * early[-1]:.0f}%"


def holds(curve: Curve, until: float) -> tuple[bool, str]:
    """Whether the rate stays at its peak up to a share of the training (after a short warmup)."""
    points, peak = normalised(curve), peak_of(curve)
    start = next(x for x, lr in points if lr >= 0.98 * peak)
    inside = [lr for x, lr in points if start <= x <= until - 0.02]
    good = start <= 0.15 and bool(inside) and min(inside) >= 0.97 * peak
    return good, f"it stays at its peak until {100 * until:.0f}%" if good else "it does not stay at its peak"


def peak_in(curve: Curve, low: float, high: float) -> tuple[bool, str]:
    """Whether the highest rate lies in an interval."""
    peak = peak_of(curve)
    return low * 0.999 <= peak <= high * 1.001, f"its peak is {peak:.3g}"


def values_at(curve: Curve, wanted: Mapping[str, float], tolerance: float = 0.06) -> tuple[bool, str]:
    """Whether the rate has given values (in parts of the peak) at shares of the training."""
    points, peak = normalised(curve), peak_of(curve)
    for share, value in wanted.items():
        found = at(points, float(share)) / peak if peak else 0.0
        if abs(found - value) > tolerance:
            return False, f"at {100 * float(share):.0f}% of the training it is {100 * found:.0f}% of its peak"
    return True, "its values are those that were asked for"


def cycles(curve: Curve, count: int) -> tuple[bool, str]:
    """Whether the rate jumps back to its peak so often, counting the start."""
    peak = peak_of(curve)
    rates = [lr for _, lr in curve.points]
    starts = 1 + sum(1 for a, b in zip(rates, rates[1:]) if b >= 0.9 * peak and a < 0.5 * peak)
    return starts == count, f"it has {starts} cycles"


PROPERTIES: dict[str, Callable[[Curve, Any, Mapping[str, float]], tuple[bool, str]]] = {
    "decays_to": lambda curve, value, case: decays_to(curve, float(value)),
    "warmup": lambda curve, value, case: warms_up(curve, value["start_below"], value["until"]),
    "peak_below": lambda curve, value, case: (peak_of(curve) < value * 1.0001, f"its peak is {peak_of(curve):.3g}"),
    "peak": lambda curve, value, case: peak_in(curve, value[0], value[1]),
    "drops_at": lambda curve, value, case: drops_at(curve, value, float(case.get("epochs", 100))),
    "monotone": lambda curve, value, case: monotone(curve),
    "holds": lambda curve, value, case: holds(curve, float(value)),
    "values": lambda curve, value, case: values_at(curve, value),
    "cycles": lambda curve, value, case: cycles(curve, int(value)),
}
