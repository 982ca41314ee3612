"""What is odd about a schedule alone, before anybody trains with it.

>>> from lright.schedule.text import parse
>>> for note in parse("linear to 1 from 0 over 5ep > cosine to 2").lint():
...     print(note.code, "-", note.message)
zero-first-step - update 0 uses 0: it changes nothing; start at a small value, such as 1/(warmup updates + 1)
floor-above-peak - cosine goes to 2, above the peak: write its target as a fraction of the peak, or as 'abs'
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..clock import Budget
from ..quantity import Unit
from .phases import Phase, Product, Schedule, Sequence
from .resolve import Resolved, Segment, resolve
from .shapes import SCALAR, Family, Kind
from .values import Absolute

# A training of round numbers, to look at a schedule that comes without one.
_WITNESS = Budget(epochs=1000, batches_per_epoch=1000, dataset=128_000, batch_size=128, tokens_per_sample=512)


class Note(NamedTuple):
    """Something odd: a code, a sentence for people, and where (``update``) it shows, if at one place.

    Codes: never-reaches-peak, milestone-past-end, zero-first-step, rise-after-end, jump-at-handover,
    floor-above-peak, truncated-warmup, truncated.
    """

    code: str
    message: str
    update: int | None = None


def lint(schedule: Schedule, budget: Budget | None, peak: float | None) -> list[Note]:
    """See :meth:`Schedule.lint`. Without a budget only what holds in every training is said."""
    if peak is None and _absolute(schedule):
        peak = 1.0
    resolved = resolve(schedule, budget or _WITNESS, peak)
    notes = [*_start(resolved), *_floors(resolved), *_jumps(resolved), *_cycle(resolved, budget)]
    if not _cut_warmup(resolved):
        notes += _never(resolved)
    if budget is not None:
        notes += [*_cuts(resolved), *_milestones(resolved)]
    return notes


def _absolute(schedule: Schedule) -> bool:
    """Whether absolute values occur, so that a peak is needed to place them."""
    if isinstance(schedule, Sequence):
        return any(_absolute(part) for part in schedule.parts)
    if isinstance(schedule, Product):
        return _absolute(schedule.base)
    if not isinstance(schedule, Phase):
        return False
    points = (point.value for point in dict(schedule.params).get("points", ()))
    return any(isinstance(value, Absolute) for value in (schedule.start, schedule.to, *points))


def _start(resolved: Resolved) -> Iterator[Note]:
    if resolved.updates and resolved(0) == 0:
        yield Note(
            "zero-first-step",
            "update 0 uses 0: it changes nothing; start at a small value, such as 1/(warmup updates + 1)",
            0,
        )


def _floors(resolved: Resolved) -> Iterator[Note]:
    one = 1.0 if resolved.peak is None else resolved.peak
    for segment, factor in resolved.segments():
        falls = segment.phase.shape.family is Family.ANNEAL or segment.phase.shape.name == "restarts"
        if factor == 0 and falls and segment.phase.shape.name != "warmup" and segment.to > one * (1 + 1e-9):
            yield Note(
                "floor-above-peak",
                f"{segment.phase.shape.name} goes to {segment.to:g}, above the peak"
                f"{'' if resolved.peak is None else f' of {one:g}'}: "
                "write its target as a fraction of the peak, or as 'abs'",
                segment.begin,
            )


def _jumps(resolved: Resolved) -> Iterator[Note]:
    """Hand-overs at which the value changes by more than a tenth of the peak at once."""
    one = 1.0 if resolved.peak is None else resolved.peak
    for before, after in _neighbours(resolved):
        first = float(after.evaluate(after.begin, SCALAR))
        if abs(first - before.final) > 0.1 * one:
            yield Note(
                "jump-at-handover",
                f"the value jumps from {before.final:g} to {first:g} between {before.phase.shape.name} and "
                f"{after.phase.shape.name}: leave out 'from' to go on smoothly",
                after.begin,
            )


def _neighbours(resolved: Resolved) -> Iterator[tuple[Segment, Segment]]:
    for track in resolved.tracks():
        for before, after in zip(track.pieces[:-1], track.pieces[1:], strict=True):
            if isinstance(before, Segment) and isinstance(after, Segment):
                yield before, after


def _never(resolved: Resolved) -> Iterator[Note]:
    one = 1.0 if resolved.peak is None else resolved.peak
    within = resolved.points(2000) if resolved.length else []
    highest = max((value for _, value in within), default=0.0)
    ends_at_peak = any(
        segment.final >= one * (1 - 1e-6) and segment.end <= resolved.updates for segment, _ in resolved.segments()
    )
    if within and highest < one * 0.99 and not ends_at_peak:
        yield Note(
            "never-reaches-peak",
            f"the highest value is {highest:.4g}, {highest / one:.3g} of the peak: state the peak you mean",
        )


def _cut_warmup(resolved: Resolved) -> bool:
    return any(s.phase.shape.name == "warmup" and s.end > resolved.updates for s, _ in resolved.segments())


def _cuts(resolved: Resolved) -> Iterator[Note]:
    for segment, _ in resolved.segments():
        if segment.end <= resolved.updates:
            continue
        name, ends = segment.phase.shape.name, resolved.updates
        length = "" if segment.phase.length is None else f" of {segment.phase.length}"
        if name == "warmup":
            yield Note(
                "truncated-warmup",
                f"the warmup{length} ends at update {segment.end}, training at {ends}: it is cut off",
                ends,
            )
        else:
            what = "begins" if segment.begin >= ends else "ends"
            at = segment.begin if segment.begin >= ends else segment.end
            yield Note("truncated", f"{name}{length} {what} at update {at}, training ends at {ends}: it is cut", ends)


def _milestones(resolved: Resolved) -> Iterator[Note]:
    for segment, _ in resolved.segments():
        for name, value in segment.phase.params:
            if segment.phase.shape.params[name] is not Kind.LENGTHS:
                continue
            for at in value:
                when = segment.begin + resolved.budget.convert(at, Unit.UPDATE).number
                if when >= min(segment.end, resolved.updates):
                    yield Note(
                        "milestone-past-end",
                        f"the milestone {at} comes at update {when:g}, but "
                        f"{'training' if segment.end >= resolved.updates else 'its phase'} ends at "
                        f"{min(segment.end, resolved.updates)}: no update ever uses it",
                        round(when),
                    )


def _cycle(resolved: Resolved, budget: Budget | None) -> Iterator[Note]:
    for track in resolved.tracks():
        if track.behaviour != "cycle" or (budget is not None and resolved.updates <= track.end):
            continue
        first, last = float(track.evaluate(track.begin, SCALAR)), track.final
        if first > last:
            yield Note(
                "rise-after-end",
                f"past its end at update {track.end} the value rises from {last:g} to {first:g} again",
                track.end,
            )
