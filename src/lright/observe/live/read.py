"""A recorded run as a situation: its objects, its numbers, and its timeline folded from what was seen.

The loops that made the rows are put together again from their beats (:mod:`.beats`): epochs, batches in them, an
update every so many batches, evaluations, and at each place where a scheduler is stepped a tick. The rules then judge
it as they judge a script, with the difference that every number is known and nothing is known by its name.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ...quantity import BATCHES, BATCHES_PER_EPOCH, EPOCHS, UPDATES, Dimension, Expr, Lit, Op, Sym
from ...rules.recorded import SCHEDULERS, direction, judges, place_of
from ...schedule import emulate
from ...situation import Argument, Fact, Loader, Metric, Optimizer, Scheduler, Situation, Training
from ...timeline import BATCH, EPOCH, EVALUATION, OTHER, Block, Branch, Event, Loop, Place
from ...trace import UNKNOWN, Pass, Piece, Ticks, Trace, Updates
from .beats import (
    EACH_BATCH,
    EACH_EPOCH,
    EACH_EVALUATION,
    EACH_UPDATE,
    ONLY_ONCE,
    Beat,
    Rhythm,
    beat,
    passes_planned,
    rhythm,
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...trace import Row

UNUSED = 900  # the number of an optimizer that makes no updates
LOADERS = 2000  # the number of the first loader, among all objects
NOWHERE = Place(1, 1, 1, 1)
EPOCH_INDEX, BATCH_INDEX = Sym("@epoch", "epoch"), Sym("@batch", "batch")
ONE_PROCESS = "only the main process is recorded, and the others may do something else"
OPEN_END = "how long the run will be is not known: it goes on, and nobody has said"
UNSTEADY = "the updates come at no steady beat"
NO_ORDER = "the order in which objects are made and their states loaded is not recorded"

AS_NUMBERS = "an LR that is written by hand is seen as numbers, not as the factor it came from"

# Rules that hold a schedule against the length of the training.
OF_LENGTH = ("LR101", "LR102", "LR105", "LR201", "LR202", "LR203", "LR205", "LR217")


def read(trace: Trace) -> Situation:
    """What a trace shows of the training: of its last piece, where it was resumed.

    >>> from lright.rules.example_runs import falling, made
    >>> [training.condition for training in read(made(50, 0.1, falling())).trainings]
    ['default']
    """
    folded = _Fold(trace)
    situation = Situation([folded.training], skipped=list(folded.skipped()))
    situation.trainings[0].trace = trace
    return situation


def glance(trace: Trace) -> Situation:
    """A trace without its timeline: what the rules on behaviour look at."""
    return Situation([_empty(trace)])


def _empty(trace: Trace) -> Training:
    return Training("default", Block(), {}, {}, {}, {}, {}, {}, trace=trace)


class _Fold:
    """Puts the training of the last piece together."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.piece = trace.pieces[-1] if trace.pieces else Piece({})
        self.over = trace.ended == "finished"
        self.training = _empty(trace)
        self.rhythms: dict[int, Rhythm] = {}
        self.planned: int | None = None  # passes, or updates where there are no passes
        self.epoch = Loop(NOWHERE, EPOCH_INDEX.name, None, "epochs", Block(), kind=EPOCH)
        self.batch = Loop(NOWHERE, BATCH_INDEX.name, None, "batches", Block(), kind=BATCH)
        self.evaluations: dict[int, Loop] = {}
        self.again: dict[int, list[int]] = {}  # the schedulers that were made anew in the place of another
        main = trace.main
        if main is None:
            return
        self._condition()
        self._objects()
        begun: Sequence[Pass] = trace.passes[self.piece.passes :]
        for number, updates in trace.updates.items():
            if len(updates):
                self.rhythms[number] = rhythm(trace, updates, begun, self.over)
        self.main = self.rhythms[main.optimizer]
        self._lengths(main)
        self._loops(begun)
        self._owners(main)
        if self.main.every > 1:
            self._in_batches()
        self._timeline(main)

    def skipped(self) -> Iterator[tuple[str, str]]:
        """The rules that cannot judge what was seen, with the reason."""
        if self.trace.main is None:
            return
        if self.planned is None:
            yield from ((rule, OPEN_END) for rule in OF_LENGTH if rule != "LR217" or self.trace.ended != "crashed")
        elif not self.main.steady:
            yield from ((rule, UNSTEADY) for rule in OF_LENGTH)
        yield "LR116", ONE_PROCESS
        yield "LR402", NO_ORDER
        yield "LR303", AS_NUMBERS

    # -- objects ----------------------------------------------------------------------------------------------------

    def _condition(self) -> None:
        """A later piece of a run is the rest of a training that began earlier."""
        if len(self.trace.pieces) > 1:
            self.training.condition = "resume"
            self.training.default = _empty(self.trace)

    def _objects(self) -> None:
        for number, updates in self.trace.updates.items():
            self.training.optimizers[number] = _optimizer(number, self.trace.optimizers.get(number, {}), updates)
        for number, row in self.trace.loaders.items():
            self._loader(number, row)
        for made, row in self.trace.builds[self.piece.builds :]:
            if row["kind"] == "scheduler":
                self._scheduler(row, made)
        for scheduler in self.training.schedulers.values():
            if scheduler.parent is not None and scheduler.parent in self.training.schedulers:
                parent = self.training.schedulers[scheduler.parent]
                parent.children = (*parent.children, scheduler.number)
        if self.training.default is not None:
            for _, row in self.trace.builds[: self.piece.builds]:
                if row["kind"] == "scheduler":
                    earlier = _scheduler(row)
                    self.training.default.schedulers[earlier.number] = earlier

    def _loader(self, number: int, row: Row) -> None:
        length = Sym(f"len#{number}", f"len(loader {number})" if len(self.trace.loaders) > 1 else "len(loader)")
        known = row.get("length")
        self._fact(length, known if isinstance(known, int) else None, BATCHES_PER_EPOCH)
        size = row.get("batch_size")
        text = length.text.removeprefix("len(").removesuffix(")")
        self.training.loaders[LOADERS + number] = Loader(
            LOADERS + number, text, None, length, None, Lit(size) if isinstance(size, int) else None
        )

    def _fact(self, symbol: Sym, value: int | None, unit: Dimension) -> None:
        self.training.facts[symbol.name] = Fact(symbol.name, symbol.text, value, value is not None, "recorded")
        self.training.units[symbol.name] = unit

    def _scheduler(self, row: Row, made: int) -> None:
        """A scheduler; one that is made again and again at one place is one that is made in a loop."""
        scheduler = _scheduler(row)
        twins = [
            other
            for other in self.training.schedulers.values()
            if (other.name, other.optimizer, other.text) == (scheduler.name, scheduler.optimizer, scheduler.text)
            and other.place == scheduler.place != NOWHERE
            and other.parent is None
        ]
        if twins and made and scheduler.parent is None:
            twins[0].loops = (self.epoch,)
            self.again.setdefault(twins[0].number, []).append(row["scheduler"])
            return
        self.training.schedulers[scheduler.number] = scheduler

    # -- lengths and loops ------------------------------------------------------------------------------------------

    def _lengths(self, main: Updates) -> None:
        """How long the training is, where that is known: it is over, or a scheduler refused to go on."""
        refused = "Tried to step" in str(self.piece.end.get("message"))
        total = self.trace.expected or (main.numbers[-1] + 1 if self.over or refused else None)
        if self.main.passes:
            self.planned = passes_planned(self.main, total)
        else:
            self.planned = total * self.main.every if total is not None else None

    def _loops(self, begun: Sequence[Pass]) -> None:
        """The loops over epochs, batches and evaluations."""
        passes = bool(self.main.passes)
        unknown = Sym("epochs", "the number of epochs") if passes else Sym("updates", "the number of updates")
        trips: Expr = unknown if self.planned is None else Lit(self.planned)
        if self.planned is None:
            self._fact(unknown, None, EPOCHS if passes else UPDATES)
        self.training.units |= {EPOCH_INDEX.name: EPOCHS, BATCH_INDEX.name: BATCHES}
        if not passes:
            self.batch.trips = trips
            return
        self.epoch.trips = trips
        loader = self.training.loaders.get(LOADERS + self.main.loader)
        if loader is not None:
            self.batch.over, self.batch.text = loader.number, loader.text
        length = self.training.facts[loader.length.name].value if loader is not None else None
        if loader is not None and (self.main.batches is None or length == self.main.batches):
            self.batch.trips = loader.length
        elif self.main.batches is not None:
            self.batch.trips = Lit(self.main.batches)
        for one in begun:
            if not one.training and one.loader not in self.evaluations:
                self.evaluations[one.loader] = self._evaluation(LOADERS + one.loader)

    def _evaluation(self, number: int | None, trips: Expr | None = None) -> Loop:
        loader = self.training.loaders.get(number) if number is not None else None
        return Loop(
            NOWHERE, f"@evaluation{len(self.evaluations)}", loader.length if loader is not None else trips,
            "the data of validation", Block(), over=loader.number if loader is not None else None, kind=EVALUATION,
            evaluating=True,
        )  # fmt: skip

    def _owners(self, main: Updates) -> None:
        """The optimizers of schedulers whose own is none that makes updates: where there is one optimizer only, a
        wrapper of it, or, if its LR never moved, another that is not in use."""
        lost = [s for s in self.training.schedulers.values() if s.optimizer not in self.training.optimizers]
        for scheduler in lost:
            alone = len(self.training.optimizers) == 1
            if not alone or not self.trace.ticks.get(scheduler.number - SCHEDULERS):
                continue
            if main.lrs[0] != main.lrs[-1]:
                scheduler.optimizer = main.optimizer
                continue
            other = Optimizer(UNUSED, "optimizer", "another optimizer", scheduler.place)
            self.training.optimizers[UNUSED] = other
            scheduler.optimizer = UNUSED

    def _in_batches(self) -> None:
        """A length that is exactly that of the training in batches, where several make an update, counts batches."""
        if self.planned is None or not self.main.passes or self.batch.trips is None or self.main.batches is None:
            return
        for scheduler in self.training.schedulers.values():
            for argument in scheduler.arguments.values():
                if argument.value == Lit(self.planned * self.main.batches) and isinstance(self.batch.trips, Sym):
                    argument.value = Op("*", (Lit(self.planned), self.batch.trips))

    # -- the timeline -----------------------------------------------------------------------------------------------

    def _timeline(self, main: Updates) -> None:
        """Everything in its place: what is built, the loops, and in them updates and ticks."""
        root = self.training.root.nodes
        for number in self.training.optimizers:
            root.append(_event("build", NOWHERE, number, object="optimizer"))
        rebuilt = [s for s in self.training.schedulers.values() if s.loops]
        for scheduler in self.training.schedulers.values():
            built = self.epoch.body.nodes if scheduler in rebuilt else root
            built.append(_event("build", scheduler.place, scheduler.number, object="scheduler"))
        self._loads(root)
        ahead: list[Event | Branch | Loop] = []
        after: dict[str, list[Event | Branch | Loop]] = {EACH_BATCH: [], EACH_UPDATE: [], EACH_EPOCH: []}
        before: dict[str, list[Event | Branch | Loop]] = {EACH_BATCH: [], EACH_UPDATE: [], EACH_EPOCH: []}
        for found, event in self._ticks():
            node = _repeated(event, found.times) if found.unit != EACH_EVALUATION else event
            if found.unit == ONLY_ONCE:
                (ahead if found.before else after[EACH_EPOCH]).append(_guarded(node, None))
            elif found.unit == EACH_EVALUATION:
                self._in_evaluation(event, found.times)
            else:
                place = before if found.before else after
                place[found.unit].append(self._tested(node, found))
        after_writes = self._writes(main)
        root += ahead
        body = self.batch.body.nodes
        body += [*before[EACH_BATCH], *([] if self.main.every > 1 else before[EACH_UPDATE])]
        body.append(_event("backward", NOWHERE, 0))
        updates: list[Event | Branch | Loop] = [
            _event("update", self.training.optimizers[number].place, number) for number in self.rhythms
        ]
        inside = [*(before[EACH_UPDATE] if self.main.every > 1 else []), *updates]
        if self.main.every > 1:
            arms = Block([*inside, *after[EACH_UPDATE]]), Block()
            body.append(Branch(NOWHERE, self._every_update(), "accumulation", arms))
        else:
            body += [*inside, *after[EACH_UPDATE]]
        body += [*after[EACH_BATCH], *after_writes[EACH_BATCH]]
        if not self.main.passes:
            root.append(self.batch)
            return
        self._new_groups(main)
        self.epoch.body.nodes += [
            *before[EACH_EPOCH], self.batch, *self.evaluations.values(), *after[EACH_EPOCH], *after_writes[EACH_EPOCH],
        ]  # fmt: skip
        root.append(self.epoch)

    def _every_update(self) -> Expr:
        """The test that lets an update happen: every so many batches, perhaps at the last one too."""
        here = BATCH_INDEX + 1
        test: Expr = Op("==", (Op("%", (here, Lit(self.main.every))), Lit(0)))
        if self.main.rest and self.batch.trips is not None:
            test = Op("or", (test, Op("==", (here, self.batch.trips))))
        return test

    def _tested(self, node: Event | Loop, found: Beat) -> Event | Loop | Branch:
        """The node under the tests of its beat."""
        if found.irregular:
            return _guarded(node, None)
        if found.every > 1:
            index = EPOCH_INDEX if found.unit == EACH_EPOCH else BATCH_INDEX
            every = found.every * (self.main.every if found.unit == EACH_UPDATE else 1)
            node = _guarded(node, Op("==", (Op("%", (index + 1, Lit(every))), Lit(0))))  # type: ignore[assignment]
        if found.since:
            return _guarded(node, Op(">=", (EPOCH_INDEX, Lit(found.since))))
        if found.until is not None:
            return _guarded(node, Op("<", (EPOCH_INDEX, Lit(found.until))))
        return node

    def _ticks(self) -> Iterator[tuple[Beat, Event]]:
        """Every place where a scheduler is stepped, with its beat."""
        for scheduler in self.training.schedulers.values():
            if scheduler.parent is not None:
                continue
            ticks = self._ticks_of(scheduler)
            first = ticks.joints[-1] if ticks is not None and ticks.joints else 0
            if ticks is None or first >= len(ticks):
                self._unstepped(scheduler)
                continue
            own = self.rhythms.get(scheduler.optimizer if scheduler.optimizer is not None else -1, self.main)
            updates = self.trace.updates.get(scheduler.optimizer or 0, self.trace.main)
            assert updates is not None
            for place, positions in _places(ticks, first).items():
                found = beat(positions, ticks, own, updates)
                if found is None:
                    scheduler.escapes.append(NOWHERE)
                    scheduler.escape_reason = "how often it is stepped cannot be told before an epoch is over"
                    continue
                yield found, self._tick(scheduler, ticks, positions, place, found)

    def _ticks_of(self, scheduler: Scheduler) -> Ticks | None:
        """Its ticks, and those of the ones that were made in its place."""
        own = self.trace.ticks.get(scheduler.number - SCHEDULERS)
        again = self.again.get(scheduler.number, ())
        others = [self.trace.ticks[number] for number in again if number in self.trace.ticks]
        if not others:
            return own
        merged = Ticks(scheduler.number)
        for part in [own, *others] if own is not None else others:
            merged.extend(part)
        return merged

    def _unstepped(self, scheduler: Scheduler) -> None:
        """A scheduler that was not stepped so far: that says little before an epoch is over."""
        long = len(self.main.complete) >= 2 or self.over and (self.main.complete or not self.main.passes)
        updates = self.trace.updates.get(scheduler.optimizer if scheduler.optimizer is not None else -1)
        if not long or updates is None or updates.lrs[0] != updates.lrs[-1]:
            scheduler.escapes.append(NOWHERE)
            scheduler.escape_reason = "it was not stepped so far, as far as its steps are heard"

    def _tick(
        self, scheduler: Scheduler, ticks: Ticks, positions: Sequence[int], place: str, found: Beat
    ) -> Event:
        """One call of step(), with what it is given."""
        at = place_of(place)
        data: dict[str, object] = {"method": "step", "argument": None, "keyword": None, "expr": None, "text": ""}
        given = ticks.arguments[positions[-1]]
        if given == given and not scheduler.plateau:
            data |= {"argument": given, "text": "epoch", "expr": self._epoch_given(ticks, positions)}
        if scheduler.plateau and any(ticks.metrics[p] == ticks.metrics[p] for p in positions):
            metric = self._metric(scheduler, ticks, positions)
            data |= {"argument": metric.text, "text": metric.text, "metric": metric}
        return Event("tick", at, scheduler.number, "", None, data)

    def _epoch_given(self, ticks: Ticks, positions: Sequence[int]) -> Expr | None:
        """The epoch passed to step() as an expression of the loop's index, if it is one."""
        first = self.main.passes[0][0] if self.main.passes else 0
        shifts = {ticks.arguments[p] - (ticks.epochs[p] - first) for p in positions if ticks.epochs[p] != UNKNOWN}
        if len(shifts) != 1:
            return None
        shift = shifts.pop()
        if not math.isfinite(shift) or shift != int(shift):
            return None
        return EPOCH_INDEX + int(shift) if shift else EPOCH_INDEX

    def _metric(self, scheduler: Scheduler, ticks: Ticks, positions: Sequence[int]) -> Metric:
        """What ReduceLROnPlateau is fed: a value that was recorded elsewhere too, or a number of which nothing is
        known."""
        fed = [(ticks.updates[p], ticks.metrics[p]) for p in positions[-20:] if math.isfinite(ticks.metrics[p])]
        for readings in self.trace.metrics.values():
            known = {round(value, 9) for value in readings.values[-200:] if math.isfinite(value)}
            for sign in (1, -1):
                if len(fed) >= 2 and all(_near(sign * value, known) for _, value in fed):
                    phase = "validation" if judges(readings.name) else None
                    text = readings.name if sign == 1 else f"-{readings.name}"
                    return Metric(text, direction(readings.name), phase, negated=sign == -1)
        updates = self.trace.updates.get(scheduler.optimizer or 0)
        if updates is not None and len(fed) >= 2:
            last = [self._last_loss(updates, update) for update, _ in fed]
            pairs = zip(last, fed, strict=True)
            if all(loss is not None and math.isclose(loss, value, rel_tol=1e-6) for loss, (_, value) in pairs):
                return Metric("the loss of the last batch", "min", "train", last_batch=True)
        return Metric("a metric", None, None)

    def _last_loss(self, updates: Updates, update: int) -> float | None:
        position = update - 1 - updates.numbers[0]
        return updates.losses[position] if 0 <= position < len(updates) else None

    def _in_evaluation(self, event: Event, batches: int) -> None:
        """Put a tick into the loop over the data of validation."""
        if not self.evaluations:
            self.evaluations[UNKNOWN] = self._evaluation(None, Lit(batches))
        fitting = [loop for loop in self.evaluations.values() if self.training.number(loop.trips) == batches]
        (fitting or list(self.evaluations.values()))[0].body.nodes.append(event)

    def _writes(self, main: Updates) -> dict[str, list[Event | Branch | Loop]]:
        """Writes by hand, where they come at the beat of the batches or epochs."""
        found: dict[str, list[Event | Branch | Loop]] = {EACH_BATCH: [], EACH_EPOCH: []}
        rows = [row for row in self.trace.writes if row.get("optimizer", 0) == main.optimizer]
        complete = self.main.complete
        if not rows or not self.main.passes or not complete:
            return found
        counts = [sum(start <= row.get("update", UNKNOWN) < stop for row in rows) for _, start, stop in complete]
        event = _event("write", NOWHERE, main.optimizer, Sym("@written", "the LR written by hand"))
        made = self.main.updates or 1
        everywhere = counts[1:] or counts
        if made > 1 and min(everywhere) >= 0.9 * made:
            found[EACH_BATCH].append(event)
        elif min(everywhere) >= 1 and max(everywhere) <= 2 and len(complete) >= 3:
            found[EACH_EPOCH].append(event)
        else:
            found[EACH_EPOCH].append(_guarded(event, None))
        return found

    def _new_groups(self, main: Updates) -> None:
        """Parameter groups that were added on the way."""
        first = main.joints[-1] if main.joints and main.joints[-1] < len(main) else 0
        if len(main.lrs[-1]) <= len(main.lrs[first]):
            return
        at = next(at for at in range(first, len(main)) if len(main.lrs[at]) > len(main.lrs[first]))
        number = main.numbers[at]
        trip = next((k for k, (_, start, stop) in enumerate(self.main.passes) if start <= number < stop), 0)
        event = _event("add-group", NOWHERE, main.optimizer, group={})
        self.epoch.body.nodes.append(_guarded(event, Op("==", (EPOCH_INDEX, Lit(trip)))))

    def _loads(self, root: list[Event | Branch | Loop]) -> None:
        """States that were loaded before the first update of this piece."""
        if self.training.condition != "resume":
            return
        for row in self.trace.states:
            if row["kind"] == "load" and row["what"] == "scheduler":
                for scheduler in self.training.top_schedulers():
                    root.append(_event("load", scheduler.place, scheduler.number, object="scheduler"))
                return


# -- small pieces ------------------------------------------------------------------------------------------------


def _event(kind: str, place: Place, subject: int, value: object = None, **data: object) -> Event:
    return Event(kind, place, subject, "", value, dict(data))


def _guarded(node: Event | Loop | Branch, test: Expr | None) -> Branch:
    return Branch(NOWHERE, test, "" if test is None else str(test), (Block([node]), Block()))


def _repeated(event: Event, times: int) -> Event | Loop:
    """An event that happens several times at once."""
    if times == 1:
        return event
    return Loop(NOWHERE, "@again", Lit(times), "", Block([event]), kind=OTHER)


def _near(value: float, known: set[float]) -> bool:
    return any(math.isclose(value, one, rel_tol=1e-6, abs_tol=1e-9) for one in known)


def _places(ticks: Ticks, first: int) -> dict[str, list[int]]:
    """The positions of the ticks by the place of the call."""
    found: dict[str, list[int]] = {}
    if len(set(ticks.places[first:])) == 1:
        return {ticks.places[first]: list(range(first, len(ticks)))}
    for position in range(first, len(ticks)):
        found.setdefault(ticks.places[position], []).append(position)
    return found


def _optimizer(number: int, row: Row, updates: Updates) -> Optimizer:
    name = str(row.get("class", "optimizer"))
    groups: list[dict[str, Expr | None]] = []
    for group in row.get("groups") or ({"lr": rate} for rate in updates.lrs[0]):
        kept = {key: Lit(group[key]) for key in ("lr", "momentum", "weight_decay") if _plain(group.get(key))}
        groups.append(dict(kept))
    return Optimizer(number, name, name, place_of(row.get("at")), groups)


def _scheduler(row: Row) -> Scheduler:
    """A scheduler as its row tells it."""
    name, framework = str(row["class"]), str(row.get("framework") or "torch")
    known = name in emulate.FRAMEWORKS and framework in ("torch", "timm", "transformers")
    number = SCHEDULERS + row["scheduler"]
    place = place_of(row.get("at"))
    parent = row.get("parent")
    made = Scheduler(
        number, name, emulate.FRAMEWORKS[name] if known else "own", known, name, place, row.get("optimizer"),
        _arguments(name, known, row.get("arguments") or {}, place),
        parent=SCHEDULERS + parent if isinstance(parent, int) else None, call=place,
    )  # fmt: skip
    return made


def _arguments(name: str, known: bool, given: Row, place: Place) -> dict[str, Argument]:
    """The arguments of a constructor; those that it does not have (what an object shows of itself) are left out."""
    if not known:
        return {}
    wanted = {parameter.name for parameter in emulate.signature(name)} - {"optimizer", "last_epoch", "schedulers"}
    return {
        key: Argument(_value(key, value), place, _text(value)) for key, value in given.items() if key in wanted
    }


def _value(name: str, value: object) -> object:
    if name == "lr_lambda":
        return Sym("?lr_lambda", "lr_lambda")
    if isinstance(value, list):
        return [_value(name, part) for part in value]
    return Lit(value) if value is None or _plain(value) or isinstance(value, (str, bool)) else Sym(f"?{name}", name)


def _plain(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return f"{value:g}" if isinstance(value, float) else repr(value) if isinstance(value, str) else str(value)
