"""How often things happen in a recorded run: the beat of its passes, updates and ticks, from what was counted.

A recorder sees no loops. It sees that a pass over the loader began before update 391 and another before update 782,
that an update was made at every fourth batch, and that a scheduler was stepped 98 times in each pass. From such counts
the loops are told that must have made them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median_low

from ...records import record
from ...trace import UNKNOWN, Pass, Ticks, Trace, Updates

LOOKED_AT = 2000  # single updates and ticks, for what is told by their order
ENOUGH = 8  # updates of a pass that is not over, before its beat is told
EACH_BATCH, EACH_UPDATE, EACH_EPOCH, EACH_EVALUATION, ONLY_ONCE = "batch", "update", "epoch", "evaluation", "once"


@record(frozen=True, slots=True)
class Rhythm:
    """The beat of one optimizer's updates.

    ``passes``: the passes over its loader that held updates, as (epoch, first update, stop); the last one is over only
    if ``over``. ``batches`` of a pass, and the ``updates`` made in it (None: not known yet); ``every``: batches for one
    update, ``rest``: whether what is left of a pass makes one too. ``steady``: whether all that is the same in every
    pass.
    """

    loader: int
    passes: tuple[tuple[int, int, int], ...]
    over: bool
    batches: int | None
    updates: int | None
    every: int = 1
    rest: bool = False
    steady: bool = True

    @property
    def complete(self) -> tuple[tuple[int, int, int], ...]:
        return self.passes if self.over else self.passes[:-1]


@record(frozen=True, slots=True)
class Beat:
    """How often something happens: in every ``unit``, or only in ``every`` so many of them, ``times`` at once;
    ``before`` the update of its batch or epoch. ``since`` and ``until``: only from or before an epoch.
    ``irregular``: at no beat that could be told."""

    unit: str
    every: int = 1
    times: int = 1
    before: bool = False
    since: int = 0
    until: int | None = None
    irregular: bool = False


def rhythm(trace: Trace, updates: Updates, begun: Sequence[Pass], over: bool) -> Rhythm:
    """The beat of the updates of the last piece of a run; ``begun``: the passes of that piece."""
    first = updates.joints[-1] if updates.joints and updates.joints[-1] < len(updates) else 0
    start, stop = updates.numbers[first], updates.numbers[-1] + 1
    loader, passes = _passes([one for one in begun if one.training], start, stop)
    every = _batches_an_update(updates, first)
    if not passes:
        return Rhythm(UNKNOWN, (), over, None, None, every)
    complete = passes if over else passes[:-1]
    counts = [stop - start for _, start, stop in complete]
    length = trace.loaders.get(loader, {}).get("length")
    highest = [_highest_batch(updates, first, one) for one in complete] or [0]
    batches = length if isinstance(length, int) and length > 0 else None
    if complete and (batches is None or not 0 <= batches - max(highest) < max(every, 1)):
        batches = max(highest) or None  # left early, or of no known length
    steady = not counts or max(counts) - min(counts) <= 1
    rest = bool(batches and every > 1 and batches % every and complete and min(highest) == batches)
    made = median_low(counts) if counts else None
    return Rhythm(loader, tuple(passes), over, batches, made, every, rest, steady)


def _passes(begun: Sequence[Pass], start: int, stop: int) -> tuple[int, list[tuple[int, int, int]]]:
    """The loader that is trained on and its passes that hold updates."""
    found: dict[int, list[tuple[int, int, int]]] = {}
    for position, one in enumerate(begun):
        later = next((other.update for other in begun[position + 1 :] if other.loader == one.loader), stop)
        following = begun[position + 1].update if position + 1 < len(begun) else stop
        if following > one.update or later > one.update and begun[position + 1].update == one.update:
            found.setdefault(one.loader, []).append((one.epoch, max(one.update, start), later))
    if not found:
        return UNKNOWN, []
    loader = max(found, key=lambda number: (len(found[number]), found[number][-1][1]))  # of two, the later
    return loader, [one for one in found[loader] if one[2] > one[1]]


def _highest_batch(updates: Updates, first: int, one: tuple[int, int, int]) -> int:
    """The batch with which the last update of a pass was made."""
    position = min(max(one[2] - 1 - updates.numbers[first] + first, first), len(updates) - 1)
    return max(updates.batches[position], 0)


def _batches_an_update(updates: Updates, first: int) -> int:
    """How many batches make an update: the usual distance between two, or the usual number of backward passes."""
    last = min(first + LOOKED_AT, len(updates))
    batches, epochs = updates.batches[first:last], updates.epochs[first:last]
    steps = [
        batches[at] - batches[at - 1] for at in range(1, len(batches)) if epochs[at] == epochs[at - 1] != UNKNOWN
    ]
    if len(steps) >= 2 and batches[-1] != UNKNOWN:
        usual, times = Counter(steps).most_common(1)[0]
        return usual if usual > 1 and times >= 0.8 * len(steps) else 1
    backwards = Counter(updates.backwards[first:last])
    usual, times = backwards.most_common(1)[0]
    return usual if usual > 1 and times >= 0.8 * (last - first) else 1


def beat(
    positions: Sequence[int], ticks: Ticks, rhythm: Rhythm, updates: Updates
) -> Beat | None:
    """The beat of some ticks of a scheduler (all of one place in the code); None while it cannot be told."""
    epochs = Counter(ticks.epochs[position] for position in positions)
    complete = [epoch for epoch, _, _ in rhythm.complete]
    crowd = _at_one_update(positions, ticks)
    if crowd >= 3 and crowd > rhythm.every and not any(ticks.training[p] for p in positions[:LOOKED_AT]):
        return Beat(EACH_EVALUATION, times=crowd)
    if not rhythm.passes:
        return _without_passes(positions, ticks, rhythm, updates, crowd)
    if len(positions) == 1 and (len(complete) > 1 or rhythm.over):
        return Beat(ONLY_ONCE, before=ticks.updates[positions[0]] <= updates.numbers[0])
    if not complete:
        return _in_first_pass(positions, ticks, rhythm, updates, crowd)
    counts = [epochs[epoch] for epoch in complete]
    if epochs[UNKNOWN] == 1 and counts[-1] in (0, 1) and len(counts) > 1:  # before the first pass, not after the last
        counts = [1 if count == 0 else count for count in counts]
    since, until, inside = _part(counts)
    usual = median_low(inside) if inside else 0
    if not usual:
        return Beat(EACH_EPOCH, irregular=True)
    slack = max(1.0, 0.02 * usual) if usual > 4 else 0.0
    if any(abs(count - usual) > slack for count in inside[1:]) or abs(inside[0] - usual) > max(slack, 1):
        return _sparse(counts, positions, ticks, updates)
    return _named(usual, positions, ticks, rhythm, updates, crowd, complete[since] if since else 0,
                  complete[until] if until is not None else None)  # fmt: skip


def _named(
    count: int, positions: Sequence[int], ticks: Ticks, rhythm: Rhythm, updates: Updates, crowd: int, since: int,
    until: int | None,
) -> Beat:  # fmt: skip
    """The beat of something that happens ``count`` times in every pass."""
    batches, made = rhythm.batches or 0, rhythm.updates or 0
    before = _before(positions, ticks, updates)
    if made > 1 and abs(count - made) <= max(1.0, 0.02 * made):
        return Beat(EACH_UPDATE, 1, 1, before, since, until)
    if rhythm.every > 1 and batches and abs(count - batches) <= max(1.0, 0.02 * batches):
        return Beat(EACH_BATCH, 1, 1, before, since, until)
    if made > 1 and crowd > 1 and abs(count - crowd * made) <= crowd + 0.02 * count:
        return Beat(EACH_UPDATE, 1, crowd, before, since, until)
    if count == 1 or count == crowd:
        early = ticks.updates[positions[0]] <= updates.numbers[0]
        return Beat(EACH_EPOCH, 1, count, early, since, until)
    if made > count:
        every = round(made / count)
        return Beat(EACH_UPDATE, every, 1, before, since, until, irregular=abs(made // every - count) > 1)
    return Beat(EACH_BATCH, irregular=True)


def _part(counts: Sequence[int]) -> tuple[int, int | None, list[int]]:
    """The passes in which something happens, if these are the last or the first of all: (since, until, counts)."""
    since = next((at for at, count in enumerate(counts) if count), 0)
    until = len(counts) - next((at for at, count in enumerate(reversed(counts)) if count), 0)
    if not any(counts) or (since and until < len(counts)):
        return 0, None, list(counts)
    return since if since > 1 or not since else 0, until if until < len(counts) else None, list(counts[since:until])


def _sparse(counts: Sequence[int], positions: Sequence[int], ticks: Ticks, updates: Updates) -> Beat:
    """Every so many epochs, or at no beat."""
    happened = [at for at, count in enumerate(counts) if count]
    steps = {second - first for first, second in zip(happened, happened[1:], strict=False)}
    if len(steps) == 1 and max(counts) == 1 and len(happened) >= 3:
        return Beat(EACH_EPOCH, steps.pop())
    return Beat(EACH_EPOCH, irregular=True)


def _in_first_pass(
    positions: Sequence[int], ticks: Ticks, rhythm: Rhythm, updates: Updates, crowd: int
) -> Beat | None:
    """What can be told while the first pass goes on: only that which happens all the time."""
    _, start, stop = rhythm.passes[-1]
    made, count = stop - start, len(positions)
    if made < ENOUGH:
        return None
    before = _before(positions, ticks, updates)
    if abs(count - made) <= max(1.0, 0.02 * made):
        return Beat(EACH_UPDATE, before=before)
    if rhythm.every > 1 and abs(count - made * rhythm.every) <= max(rhythm.every, 0.02 * count):
        return Beat(EACH_BATCH, before=before)
    if crowd > 1 and abs(count - crowd * made) <= crowd:
        return Beat(EACH_UPDATE, 1, crowd, before)
    return None


def _without_passes(
    positions: Sequence[int], ticks: Ticks, rhythm: Rhythm, updates: Updates, crowd: int
) -> Beat | None:
    """A training that draws its batches without a loader."""
    made, count = len(updates), len(positions)
    if made < ENOUGH:
        return None
    before = _before(positions, ticks, updates)
    if abs(count - made) <= max(1.0, 0.02 * made):
        return Beat(EACH_UPDATE, before=before)
    if rhythm.every > 1 and abs(count - made * rhythm.every) <= max(rhythm.every, 0.02 * count):
        return Beat(EACH_BATCH, before=before)
    if crowd > 1 and abs(count - crowd * made) <= crowd:
        return Beat(EACH_UPDATE, 1, crowd, before)
    if count == 1:
        return Beat(ONLY_ONCE, before=ticks.updates[positions[0]] == 0) if rhythm.over else None
    steps = Counter(_differences([ticks.updates[p] for p in positions[:LOOKED_AT]]))
    usual, times = steps.most_common(1)[0]
    if usual > 1 and times >= 0.9 * sum(steps.values()):
        return Beat(EACH_UPDATE, usual)
    return Beat(EACH_UPDATE, irregular=True)


def _differences(numbers: Sequence[int]) -> list[int]:
    return [second - first for first, second in zip(numbers, numbers[1:], strict=False)]


def _at_one_update(positions: Sequence[int], ticks: Ticks) -> int:
    """How many of the ticks usually fall between two updates."""
    counted = Counter(ticks.updates[position] for position in positions[-LOOKED_AT:])
    return median_low(counted.values()) if counted else 0


def _before(positions: Sequence[int], ticks: Ticks, updates: Updates) -> bool:
    """Whether the tick of a batch comes before its update."""
    if ticks.updates[positions[0]] > updates.numbers[0]:
        return False  # the first one came after an update
    seen = min(len(updates), LOOKED_AT)
    batches = {(updates.epochs[at], updates.batches[at]): updates.numbers[at] for at in range(seen)}
    votes: Counter[bool] = Counter()
    for position in positions[:LOOKED_AT]:
        number = batches.get((ticks.epochs[position], ticks.batches[position]))
        if number is not None and ticks.batches[position] != UNKNOWN:
            votes[ticks.updates[position] <= number] += 1
    if votes:
        return votes[True] > votes[False]
    return updates.numbers[0] not in updates.skips


def passes_planned(rhythm: Rhythm, total: int | None) -> int | None:
    """How many passes the whole training makes, where its updates are known."""
    if total is None or not rhythm.updates:
        return len(rhythm.passes) if rhythm.over and rhythm.passes else None
    return max(math.ceil(total / rhythm.updates - 0.01), 1)
