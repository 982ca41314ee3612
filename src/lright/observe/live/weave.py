"""The timeline of a recorded run: events put into the loops that their beats tell of."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...quantity import Expr, Lit, Op, Sym
from ...rules.recorded import SCHEDULERS, place_of
from ...situation import Scheduler
from ...timeline import EVALUATION, OTHER, Block, Branch, Event, Loop, Place
from ...trace import UNKNOWN, Ticks, Updates
from .beats import EACH_BATCH, EACH_EPOCH, EACH_EVALUATION, EACH_UPDATE, ONLY_ONCE, Beat, Rhythm, beat
from .things import metric_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from .read import Fold

    Node = Union[Loop, Branch, Event]

NOWHERE = Place(1, 1, 1, 1)
EPOCH_INDEX, BATCH_INDEX = Sym("@epoch", "epoch"), Sym("@batch", "batch")


def weave(fold: Fold, main: Updates) -> None:
    """Put everything that was seen into the timeline of the training."""
    _Weaver(fold, main).weave()


class _Weaver:
    """Collects what happens before and after the update, in every batch, update and epoch, and lays it out."""

    def __init__(self, fold: Fold, main: Updates) -> None:
        self.fold = fold
        self.trace = fold.trace
        self.training = fold.training
        self.main = main
        self.rhythm = fold.main
        self.ahead: list[Node] = []  # before the loops
        self.slots: dict[tuple[str, bool, int], list[Node]] = {}

    def weave(self) -> None:
        root = self.training.root.nodes
        for number in self.training.optimizers:
            root.append(event("build", NOWHERE, number, object="optimizer"))
        for scheduler in self.training.schedulers.values():
            built = self.fold.epoch.body.nodes if scheduler.loops else root
            built.append(event("build", scheduler.place, scheduler.number, object="scheduler"))
        self._loads(root)
        for scheduler in self.training.top_schedulers():
            self._steps(scheduler)
        self._writes()
        root += self.ahead
        self._batch()
        if not self.rhythm.passes:
            root.append(self.fold.batch)
            return
        self._new_groups()
        self.fold.epoch.body.nodes += [
            *self._slot(EACH_EPOCH, before=True), self.fold.batch, *self.fold.evaluations.values(),
            *self._slot(EACH_EPOCH, before=False),
        ]  # fmt: skip
        root.append(self.fold.epoch)

    def _slot(self, unit: str, before: bool, optimizer: int = 0) -> list[Node]:
        """What happens in every ``unit``, before or after the update (of one optimizer, where it goes with its
        updates)."""
        return self.slots.setdefault((unit, before, optimizer), [])

    def _batch(self) -> None:
        """The body of the loop over batches: backward, and the updates every so many of them."""
        body = self.fold.batch.body.nodes
        body += [*self._slot(EACH_BATCH, before=True), event("backward", NOWHERE, 0)]
        for every in sorted({rhythm.every for rhythm in self.fold.rhythms.values()}):
            inside: list[Node] = []
            for number, rhythm in self.fold.rhythms.items():
                if rhythm.every == every:
                    update = event("update", self.training.optimizers[number].place, number)
                    inside += [*self._slot(EACH_UPDATE, True, number), update, *self._slot(EACH_UPDATE, False, number)]
            if every > 1:
                test = self._every_so_many(every)
                inside = [Branch(NOWHERE, test, "accumulation", (Block(inside), Block()))]
            body += inside
        body += self._slot(EACH_BATCH, before=False)

    def _every_so_many(self, every: int) -> Expr:
        """The test that lets an update happen: every so many batches, perhaps at the last one too."""
        here = BATCH_INDEX + 1
        test: Expr = Op("==", (Op("%", (here, Lit(every))), Lit(0)))
        if self.rhythm.rest and self.fold.batch.trips is not None:
            test = Op("or", (test, Op("==", (here, self.fold.batch.trips))))
        return test

    # -- ticks ------------------------------------------------------------------------------------------------------

    def _steps(self, scheduler: Scheduler) -> None:
        """Every place where a scheduler is stepped, at its beat."""
        ticks = self._ticks_of(scheduler)
        first = ticks.joints[-1] if ticks is not None and ticks.joints else 0
        if ticks is None or first >= len(ticks):
            self._unstepped(scheduler)
            return
        owner = scheduler.optimizer if scheduler.optimizer in self.fold.rhythms else self.main.optimizer
        rhythm, updates = self.fold.rhythms[owner], self.trace.updates[owner]
        for place, positions in _places(ticks, first).items():
            found = beat(positions, ticks, rhythm, updates)
            if found is None:
                scheduler.escapes.append(NOWHERE)
                scheduler.escape_reason = "how often it is stepped cannot be told before an epoch is over"
            else:
                self._step(self._tick(scheduler, ticks, positions, place), found, owner, rhythm)

    def _step(self, tick: Event, found: Beat, owner: int, rhythm: Rhythm) -> None:
        """Put a tick where it belongs."""
        if found.unit == EACH_EVALUATION:
            self._in_evaluation(tick, found.times)
        elif found.unit == ONLY_ONCE:
            (self.ahead if found.before else self._slot(EACH_EPOCH, before=False)).append(guarded(tick, None))
        else:
            node = _tested(_repeated(tick, found.times), found, rhythm)
            self._slot(found.unit, found.before, owner if found.unit == EACH_UPDATE else 0).append(node)

    def _ticks_of(self, scheduler: Scheduler) -> Ticks | None:
        """Its ticks, and those of the ones that were made in its place."""
        numbers = [scheduler.number - SCHEDULERS, *self.fold.again.get(scheduler.number, ())]
        parts = [self.trace.ticks[number] for number in numbers if number in self.trace.ticks]
        if len(parts) < 2:
            return parts[0] if parts else None
        merged = Ticks(scheduler.number)
        for part in parts:
            merged.extend(part)
        return merged

    def _unstepped(self, scheduler: Scheduler) -> None:
        """A scheduler that was not stepped so far: that says little before an epoch is over."""
        complete = self.rhythm.complete
        long = len(complete) >= 2 or self.fold.over and (complete or not self.rhythm.passes)
        updates = self.trace.updates.get(scheduler.optimizer if scheduler.optimizer is not None else UNKNOWN)
        if not long or updates is None or not len(updates) or updates.lrs[0] != updates.lrs[-1]:
            scheduler.escapes.append(NOWHERE)
            scheduler.escape_reason = "it was not stepped so far, as far as its steps are heard"

    def _tick(self, scheduler: Scheduler, ticks: Ticks, positions: Sequence[int], place: str) -> Event:
        """One call of step(), with what it is given."""
        data: dict[str, object] = {"method": "step", "argument": None, "keyword": None, "expr": None, "text": ""}
        given = ticks.arguments[positions[-1]]
        if given == given and not scheduler.plateau:
            data |= {"argument": given, "text": "epoch", "expr": self._epoch_given(ticks, positions)}
        if scheduler.plateau and any(ticks.metrics[p] == ticks.metrics[p] for p in positions):
            metric = metric_of(self.trace, scheduler, ticks, positions)
            data |= {"argument": metric.text, "text": metric.text, "metric": metric}
        return Event("tick", place_of(place), scheduler.number, "", None, data)

    def _epoch_given(self, ticks: Ticks, positions: Sequence[int]) -> Expr | None:
        """The epoch passed to step() as an expression of the loop's index, if it is one."""
        first = self.rhythm.passes[0][0] if self.rhythm.passes else 0
        shifts = {ticks.arguments[p] - (ticks.epochs[p] - first) for p in positions if ticks.epochs[p] != UNKNOWN}
        shift = shifts.pop() if len(shifts) == 1 else math.nan
        if not math.isfinite(shift) or shift != int(shift):
            return None
        return EPOCH_INDEX + int(shift) if shift else EPOCH_INDEX

    def _in_evaluation(self, tick: Event, batches: int) -> None:
        """Put a tick into the loop over the data of validation."""
        loops = self.fold.evaluations
        if not loops:
            loops[UNKNOWN] = evaluation(0, Lit(batches))
        fitting = [loop for loop in loops.values() if self.training.number(loop.trips) == batches]
        (fitting or list(loops.values()))[0].body.nodes.append(tick)

    # -- the rest ---------------------------------------------------------------------------------------------------

    def _writes(self) -> None:
        """Writes by hand, where they come at the beat of the batches or epochs."""
        rows = [row for row in self.trace.writes if row.get("optimizer", 0) == self.main.optimizer]
        complete, made = self.rhythm.complete, self.rhythm.updates or 1
        if not rows or not complete:
            return
        counts = [sum(start <= row.get("update", UNKNOWN) < stop for row in rows) for _, start, stop in complete]
        write = event("write", NOWHERE, self.main.optimizer, Sym("@written", "the LR written by hand"))
        usual = counts[1:] or counts
        if made > 1 and min(usual) >= 0.9 * made:
            self._slot(EACH_BATCH, before=False).append(write)
        elif min(usual) >= 1 and max(usual) <= 2 and len(complete) >= 3:
            self._slot(EACH_EPOCH, before=False).append(write)
        else:
            self._slot(EACH_EPOCH, before=False).append(guarded(write, None))

    def _new_groups(self) -> None:
        """Parameter groups that were added on the way."""
        track = self.main
        first = track.joints[-1] if track.joints and track.joints[-1] < len(track) else 0
        before = len(track.lrs[first])
        if len(track.lrs[-1]) <= before:
            return
        number = track.numbers[next(at for at in range(first, len(track)) if len(track.lrs[at]) > before)]
        trip = next((k for k, (_, start, stop) in enumerate(self.rhythm.passes) if start <= number < stop), 0)
        added = event("add-group", NOWHERE, track.optimizer, group={})
        self.fold.epoch.body.nodes.append(guarded(added, Op("==", (EPOCH_INDEX, Lit(trip)))))

    def _loads(self, root: list[Node]) -> None:
        """States that were loaded before the first update of a later piece."""
        loaded = any(row["kind"] == "load" and row["what"] == "scheduler" for row in self.trace.states)
        if self.training.condition == "resume" and loaded:
            for scheduler in self.training.top_schedulers():
                root.append(event("load", scheduler.place, scheduler.number, object="scheduler"))


def event(kind: str, place: Place, subject: int, value: object = None, **data: object) -> Event:
    """An event with its data."""
    return Event(kind, place, subject, "", value, dict(data))


def evaluation(number: int, trips: Expr | None, over: int | None = None) -> Loop:
    """A loop over the data of validation."""
    return Loop(
        NOWHERE, f"@evaluation{number}", trips, "the data of validation", Block(), over=over, kind=EVALUATION,
        evaluating=True,
    )  # fmt: skip


def guarded(node: Node, test: Expr | None) -> Branch:
    """A node under a test; None is one that cannot be told."""
    return Branch(NOWHERE, test, "" if test is None else str(test), (Block([node]), Block()))


def _tested(node: Node, found: Beat, rhythm: Rhythm) -> Node:
    """The node under the tests of its beat."""
    if found.irregular:
        return guarded(node, None)
    if found.every > 1:
        index = EPOCH_INDEX if found.unit == EACH_EPOCH else BATCH_INDEX
        every = found.every * (rhythm.every if found.unit == EACH_UPDATE else 1)
        node = guarded(node, Op("==", (Op("%", (index + 1, Lit(every))), Lit(0))))
    if found.since:
        return guarded(node, Op(">=", (EPOCH_INDEX, Lit(found.since))))
    if found.until is not None:
        return guarded(node, Op("<", (EPOCH_INDEX, Lit(found.until))))
    return node


def _repeated(tick: Event, times: int) -> Node:
    """An event that happens several times at once."""
    return tick if times == 1 else Loop(NOWHERE, "@again", Lit(times), "", Block([tick]), kind=OTHER)


def _places(ticks: Ticks, first: int) -> dict[str, list[int]]:
    """The positions of the ticks by the place of the call."""
    if len(set(ticks.places[first:])) == 1:
        return {ticks.places[first]: list(range(first, len(ticks)))}
    found: dict[str, list[int]] = {}
    for position in range(first, len(ticks)):
        found.setdefault(ticks.places[position], []).append(position)
    return found
