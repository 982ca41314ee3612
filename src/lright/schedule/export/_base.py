"""What all frameworks share: the request, lengths as code, and the schedule taken apart into phases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ...clock import Budget, Length
from ...errors import LrightError
from ...quantity import Unit
from ..metric import MetricFactor
from ..phases import Phase, Product, Schedule, Sequence, make, sequence
from ..resolve import Resolved
from ..shapes import Family, Kind
from ..values import Share

WITNESS = 100  # updates of an epoch where nobody knows them: only code is made of it, no number


class Snippet:
    """Code for one framework.

    ``code`` is complete; ``setup`` is its optimizer and scheduler alone; ``notes`` say where its curve differs from
    the pure schedule; ``unit`` is how often it advances, "epoch" or "update".
    """

    __slots__ = ("code", "setup", "notes", "unit", "_curve")

    def __init__(
        self, code: str, setup: str, notes: Iterable[str], unit: str, curve: Callable[[int], float] | None
    ) -> None:
        self.code = code
        self.setup = setup
        self.notes = tuple(notes)
        self.unit = unit
        self._curve = curve

    def expected(self, t: int) -> float:
        """The LR that update ``t`` >= 0 uses when the code runs, by the framework's conventions.

        Raises :class:`LrightError` where a metric or unknown lengths decide it.

        >>> from lright.schedule import linear
        >>> from lright.schedule.export import export
        >>> export(linear(), Budget("10ep", batches_per_epoch=7), peak=1.0).expected(7)
        0.9
        """
        if t < 0:
            raise LrightError(f"updates count from 0: there is no LR at {t}")
        if self._curve is None:
            raise LrightError("the LR is known only in the run: a metric decides it, or Budget lacks batches_per_epoch")
        return self._curve(t)

    def __repr__(self) -> str:
        return f"Snippet(unit={self.unit!r}, notes={self.notes!r})"


class Optimizer(NamedTuple):
    """An optimizer by its name in the framework, and its options."""

    name: str
    lr: float
    weight_decay: float | None
    betas: tuple[float, float] | None
    momentum: float

    @property
    def heavy_ball(self) -> bool:
        return self.name.lower() in ("sgd", "rmsprop")

    @property
    def adaptive(self) -> bool:
        return any(word in self.name.lower() for word in ("adam", "lion", "lamb"))


class Job(NamedTuple):
    """What :func:`export` was asked for, checked."""

    schedule: Schedule
    budget: Budget
    peak: float
    optimizer: Optimizer
    clip: float | None
    accumulate: int
    step: str | None


class Count(NamedTuple):
    """A number of ticks: the code that computes it, and what it comes to."""

    text: str
    value: float

    @property
    def whole(self) -> int:
        return round(self.value)


class Part(NamedTuple):
    """A phase with its place in ticks. ``start`` and ``to`` are multiples of the peak; ``rising`` marks a first
    warmup, which starts at 1/(n + 1) of its target; ``params`` has a :class:`Count` (or several) for each length."""

    name: str
    phase: Phase
    begin: Count
    n: Count
    start: float
    to: float
    rising: bool
    last: bool
    params: dict[str, Any]

    @property
    def shape(self) -> str:
        return self.phase.shape.name

    @property
    def plain(self) -> str:
        """The shape, warmups under the name of what they rise by; k-decay is no plain cosine or polynomial."""
        shape = str(self.params["shape"]) if self.shape == "warmup" else self.shape
        return shape if self.params.get("k", 1.0) == 1.0 else f"{shape} k"

    @property
    def warms(self) -> bool:
        """Whether it is a linear warmup that begins the schedule above 0 and ends at the peak."""
        return self.shape == "warmup" and self.plain == "linear" and self.begin.value == 0 and self.to == 1 > self.start

    @property
    def start_text(self) -> str:
        """The start as a multiple of the peak."""
        share = f"1 / ({self.n.text} + 1)"
        return number(self.start) if not self.rising else share if self.to == 1 else f"{number(self.to)} * {share}"


class Ticks:
    """What the schedule counts in the code: epochs, updates, or an odd count of the framework's.

    ``per_epoch`` is the code for the ticks of an epoch (None: nobody knows it there) and ``total`` that for all of
    them; ``flush`` whether left-over batches of an epoch make an update; ``scale`` the ticks that one update takes.
    Names that the code uses are defined by :meth:`lines`.
    """

    def __init__(
        self,
        job: Job,
        unit: str,
        *,
        per_epoch: str | None = None,
        total: str | None = None,
        flush: bool = True,
        scale: Count | None = None,
        word: str = "",
        batches: bool = False,
    ) -> None:
        self.unit = unit
        self.word = word or unit
        self.scale = scale or Count("", 1)
        self.names: dict[str, str] = {}
        self.accumulate = job.accumulate
        self.given = job.budget.total
        self.budget, self.guessed = _bound_budget(job, flush)
        self.known = not self.guessed or (self.given is not None and self.given.unit is not Unit.EPOCH)
        self.upe = round(self.budget.convert(Length(1, Unit.EPOCH), Unit.UPDATE).number)
        every = (
            self.budget.convert(Length(1, Unit.EPOCH), Unit.BATCH).number if batches else self.upe * self.scale.value
        )
        self.per_epoch = round(every)
        self.per_epoch_name = f"{self.word}s_per_epoch"
        self.total = self._total(per_epoch, total)

    @property
    def epochs(self) -> int | None:
        """The whole epochs of the training, where that is how it is given."""
        return whole_epochs(self.given)

    def _total(self, per_epoch: str | None, total: str | None) -> Count:
        given = self.given
        assert given is not None
        if self.epochs is not None:
            self.names["epochs"] = str(self.epochs)
        if self.guessed and given.unit is Unit.EPOCH and self.epochs is None:
            raise LrightError(f"a training of {given} ends within an epoch: give batches_per_epoch too")
        if self.unit == "epoch":
            if self.epochs is None:
                raise LrightError(f"a training of {given} is not stepped per epoch: use step='update', or whole epochs")
            return Count("epochs", self.epochs)
        if self.accumulate > 1:
            self.names["accumulate"] = str(self.accumulate)
        if per_epoch:
            self.names[self.per_epoch_name] = per_epoch
        name = f"total_{self.word}s"
        if given.unit is Unit.EPOCH:
            amount = "epochs * {}" if self.epochs else f"round({given.number} * {{}})"
            text, value = amount.format(self.per_epoch_name), round(given.number * self.per_epoch)
        else:
            updates = self.budget.updates
            text, value = self._scaled(updates)
        self.names[name] = total or text
        return Count(name, value)

    def _scaled(self, updates: int) -> tuple[str, int]:
        text = digits(updates) + (f" * {self.scale.text}" if self.scale.text else "")
        return text, round(updates * self.scale.value)

    def length(self, length: Length) -> Count:
        """A length of the schedule in ticks."""
        if self.unit == "epoch":
            epochs = self.budget.convert(length, Unit.EPOCH).number
            if not _whole(epochs):
                raise LrightError(f"{length} is {epochs:.4g} epochs, no whole ones: use step='update'")
            return Count(str(round(epochs)), round(epochs))
        amount = float(length.number)
        shown = number(amount)
        if length.unit is None:
            return Count(f"round({shown} * {self.total.text})", round(amount * self.total.value))
        if length.unit is Unit.EPOCH and self.per_epoch_name in self.names:
            self.known = self.known and not self.guessed
            text = f"{shown} * {self.per_epoch_name}"
            return Count(text if _whole(amount) else f"round({text})", round(amount * self.per_epoch))
        if self.guessed and length.unit is not Unit.UPDATE:
            raise LrightError(
                f"{length} of a training of {self.given} cannot be counted: give batches_per_epoch as well"
            )
        return Count(*self._scaled(round(self.budget.convert(length, Unit.UPDATE).number)))

    def define(self, name: str, count: Count, what: str = "") -> Count:
        """``count`` under a name of its own, such as warmup_epochs, or decay_start."""
        what = what or f"{self.word}s"
        base, again = f"{name}_{what}", 2
        while base in self.names:
            base, again = f"{name}{again}_{what}", again + 1
        self.names[base] = count.text
        return Count(base, count.value)

    def lines(self, *uses: str) -> list[str]:
        """The definitions of the names that ``uses`` need, in order."""
        kept: list[str] = []
        for name, text in reversed(self.names.items()):
            if any(re.search(rf"(?<![\w.]){name}\b(?!=)", use) for use in (*uses, *kept)):
                kept.append(f"{name} = {text}")
        return kept[::-1]


class Curve(NamedTuple):
    """A schedule taken apart: its phases in ticks, the LR at each tick, and the metric that multiplies it."""

    parts: list[Part]
    ticks: Ticks
    metric: MetricFactor | None
    resolved: Resolved

    @property
    def warmup(self) -> Part | None:
        return self.parts[0] if self.parts[0].warms else None

    @property
    def shapes(self) -> tuple[str, ...]:
        return tuple("warmup" if part.warms else part.plain for part in self.parts)

    def snippet(
        self, code: str, setup: str, notes: Iterable[str], lr: Callable[[int], float] | None = None, offset: int = 0
    ) -> Snippet:
        """The finished snippet; ``lr`` is the LR after so many ticks, if it is not the schedule's."""
        ticks, value = self.ticks, lr or self.resolved
        per = ticks.upe if ticks.unit == "epoch" else 0
        scale = round(ticks.scale.value)
        known = ticks.known and self.metric is None

        def curve(t: int) -> float:
            return value(t // per if per else t * scale + offset)

        held = ["stepped once per epoch: the LR is held through an epoch"] if ticks.unit == "epoch" else []
        varies = self.shapes != ("hold",)
        return Snippet(code, setup, [*(held if varies else []), *notes], ticks.unit, curve if known else None)


def take_apart(job: Job, ticks: Ticks) -> Curve:
    """The phases of the schedule in ``ticks``."""
    base, metric = _split(job.schedule)
    phases = [one for phase in _phases(base) for one in _spread(phase)]
    counts = _lengths(phases, ticks)
    left = ticks.total.value - sum(count.value for count in counts if count is not None)
    if None not in counts and left > 0:
        phases, counts = [*phases, make("hold", None, None, None)], [*counts, None]
    parts: list[Part] = []
    params = [{name: _param(phase, name, value, ticks) for name, value in phase.params} for phase in phases]
    timed = [_timed(phase, count, max(left, 0), made) for phase, count, made in zip(phases, counts, params)]
    resolved = sequence(timed).resolve(Budget(updates=max(round(ticks.total.value), 1)), job.peak)
    for index, ((segment, _), phase) in enumerate(zip(resolved.segments(), phases)):
        begin = _begin(counts, index, ticks)
        if " " in begin.text:
            begin = ticks.define(_name(phase, segment.start, segment.final), begin, "start")
        n = counts[index] or _rest(counts, ticks, max(left, 0))
        aim = segment.to if phase.shape.family is Family.SWING else segment.final
        start, to = _neat(segment.start / job.peak), _neat(aim / job.peak)
        rising = index == 0 and phase.shape.name == "warmup" and phase.start is None
        last = index == len(phases) - 1
        parts.append(Part(_name(phase, start, to), phase, begin, n, start, to, rising, last, params[index]))
    return Curve(_seen(parts, ticks.total.value), ticks, metric, resolved)


def unit_of(job: Job, *, epochs: bool = True) -> str:
    """How often the schedule advances: as asked, or per epoch where it is written so and the framework can."""
    if _split(job.schedule)[1] is not None:
        if job.step == "update":
            raise LrightError("a plateau looks at the metric once per epoch: leave out step='update'")
        return "epoch"
    if job.step is not None:
        return job.step
    base = _split(job.schedule)[0]
    phases = _phases(base)
    total = job.budget.total
    if not epochs or total is None or total.unit is not Unit.EPOCH or not _whole(total.number):
        return "update"
    return "epoch" if all(_in_epochs(phase) for phase in phases) and not one_cycled(phases) else "update"


def one_cycled(phases: Iterable[Phase]) -> bool:
    """Whether the phases are those of :func:`~lright.schedule.one_cycle`, which is stepped per update."""
    rise, *falls = phases
    return bool(falls) and rise.shape.name in ("cosine", "linear") and rise.to == 1.0 and rise.start is not None


def _in_epochs(phase: Phase) -> bool:
    """Whether every length is in whole epochs, and no anneal so short that steps per epoch make a stair of it."""
    lengths = [length for length in (phase.length, *_param_lengths(phase)) if length is not None]
    if not all(isinstance(one, Length) and one.unit is Unit.EPOCH and _whole(one.number) for one in lengths):
        return False
    short = isinstance(phase.length, Length) and phase.length.number < 3
    return phase.shape.name not in ("noam", "inverse-sqrt") and not (short and phase.shape.family is Family.ANNEAL)


def _param_lengths(phase: Phase) -> list[Length]:
    found: list[Length] = []
    for name, value in phase.params:
        kind = phase.shape.params[name]
        if kind is Kind.LENGTH:
            found.append(value)
        elif kind is Kind.LENGTHS:
            found.extend(value)
        elif kind is Kind.POINTS:
            found.extend(point.at for point in value)
    return found


def whole_epochs(total: Length | None) -> int | None:
    """The epochs of a training that is given in whole ones."""
    return round(total.number) if total is not None and total.unit is Unit.EPOCH and _whole(total.number) else None


def _split(schedule: Schedule) -> tuple[Schedule, MetricFactor | None]:
    """The schedule without its metric, which may multiply a constant LR, after a warmup or not."""
    if isinstance(schedule, MetricFactor):
        return make("hold", None, 1.0, None), _plateau(schedule)
    if isinstance(schedule, Sequence) and isinstance(schedule.parts[-1], (Product, MetricFactor)):
        last, metric = _split(schedule.parts[-1])
        return sequence([*schedule.parts[:-1], last]), metric
    if isinstance(schedule, Product):
        rest = [factor for factor in schedule.factors if not isinstance(factor, MetricFactor)]
        metrics = [factor for factor in schedule.factors if isinstance(factor, MetricFactor)]
        if len(rest) > 1 or len(metrics) != 1:
            raise LrightError(f"'{schedule}' multiplies schedules, which no framework has: write phases in sequence")
        base = rest[0] if rest else make("hold", None, 1.0, None)
        shapes = [phase.shape.name for phase in _phases(base)]
        if shapes not in (["hold"], ["warmup", "hold"], ["warmup"]):
            raise LrightError(f"'{base}' moves by itself: a plateau goes with a constant LR, or 'warmup 5ep > hold'")
        return base, _plateau(metrics[0])
    return schedule, None


def _plateau(metric: MetricFactor) -> MetricFactor:
    if metric.name != "plateau":
        raise LrightError(f"no framework has {metric.name}: use plateau(factor=0.5, patience=5)")
    return metric


def _phases(schedule: Schedule) -> list[Phase]:
    if isinstance(schedule, Phase):
        return [schedule]
    if isinstance(schedule, Sequence):
        if schedule.end != "hold":
            raise LrightError(f"'{schedule}' says {schedule.end} past its end: export one that holds (restarts cycle)")
        return [phase for part in schedule.parts for phase in _phases(part)]
    raise LrightError(f"'{schedule}' multiplies schedules inside a sequence: write phases in sequence")


def _spread(phase: Phase) -> list[Phase]:
    """A phase through points as the anneals between them."""
    if phase.shape.family is not Family.POINTS:
        return [phase]
    points, via = phase.param("points"), phase.param("via")
    found = []
    if points[0].at.number > 0:
        found.append(make("hold", points[0].at, points[0].value, None))
    for first, second in zip(points, points[1:]):
        length = second.at - first.at
        if length.number > 0:
            stays = via == "hold" or first.value == second.value
            arguments = (length, first.value, None) if stays else (length, first.value, second.value)
            found.append(make("hold" if stays else via, *arguments))
    if via == "hold":
        found.append(make("hold", None, points[-1].value, None))
    return found


def _lengths(phases: list[Phase], ticks: Ticks) -> list[Count | None]:
    """How long each phase is; None for the one that takes what the others leave."""
    weights = [phase.length.weight for phase in phases if isinstance(phase.length, Share)]
    if len(weights) > 1:
        raise LrightError("phases that share what is left are not exported: give all but one a length")
    counts: list[Count | None] = []
    for phase in phases:
        if not isinstance(phase.length, Length):
            counts.append(None)
            continue
        name = _name(phase, 0.0, 0.0)
        counts.append(ticks.define(name, ticks.length(phase.length)))
    return counts


def _rest(counts: list[Count | None], ticks: Ticks, left: float) -> Count:
    return Count(" - ".join([ticks.total.text, *(count.text for count in counts if count)]), left)


def _begin(counts: list[Count | None], index: int, ticks: Ticks) -> Count:
    """Where a phase begins: counted from the front, or from the end when an open one comes before it."""
    before = counts[:index]
    ahead = [count for count in before if count is not None]
    if len(ahead) == len(before):
        return Count(" + ".join(count.text for count in ahead) or "0", sum(count.value for count in ahead))
    after = [count for count in counts[index:] if count is not None]
    text = " - ".join([ticks.total.text, *(count.text for count in after)])
    return Count(text, ticks.total.value - sum(count.value for count in after))


def _timed(phase: Phase, count: Count | None, left: float, params: dict[str, Any]) -> Phase:
    """The phase with all its lengths in ticks, called updates: so the algebra draws what the code does."""
    n = left if count is None else count.value
    given = tuple((name, _in_updates(value)) for name, value in params.items())
    return Phase(phase.shape, Length(n, Unit.UPDATE), phase.start, phase.to, given)


def _in_updates(value: Any) -> Any:
    if isinstance(value, Count):
        return Length(value.value, Unit.UPDATE)
    return tuple(_in_updates(one) for one in value) if isinstance(value, list) else value


def _param(phase: Phase, name: str, value: Any, ticks: Ticks) -> Any:
    kind = phase.shape.params[name]
    if kind is Kind.LENGTH:
        count = ticks.length(value)
        return ticks.define(name, count) if name == "timescale" else count
    if kind is Kind.LENGTHS:
        return sorted((ticks.length(one) for one in value), key=lambda count: count.value)
    return value


def _name(phase: Phase, start: float, to: float) -> str:
    """What the code calls a phase."""
    shape = phase.shape
    if shape.name in ("warmup", "hold"):
        return shape.name
    if shape.family is Family.ANNEAL:
        return "rise" if phase.to == 1.0 or to > start else "decay"
    return shape.name.replace("-", "_")


def _seen(parts: list[Part], total: float) -> list[Part]:
    """Those that training comes to; others leave nothing behind."""
    seen = [part for part in parts if part.n.value > 0 and part.begin.value < total] or parts[:1]
    return [*seen[:-1], seen[-1]._replace(last=True)]


def _bound_budget(job: Job, flush: bool) -> tuple[Budget, bool]:
    """The budget as the exported loop accumulates, and whether the length of an epoch is made up in it."""
    given = job.budget
    if given.total is None or given.total.is_symbolic:
        raise LrightError("how long is the training? give a Budget with epochs or updates, such as Budget('90ep')")
    names = ("dataset", "batch_size", "batch_scope", "drop_last", "processes", "tokens_per_sample", "validate_every")
    fields: dict[str, Any] = {name: getattr(given, name) for name in names}

    def budget(batches: Any) -> Budget:
        remainder = "flush" if flush else "drop"
        return Budget(given.total, batches_per_epoch=batches, accumulate=job.accumulate, remainder=remainder, **fields)

    count = given.batch_count
    if isinstance(count, (int, float)):
        return budget(given.batches_per_epoch), False
    made = WITNESS
    if given.total.unit is Unit.UPDATE:
        made = max(round(given.total.number / 100), 1)
    return budget(made * job.accumulate), True


# Text.


def number(value: float) -> str:
    """A number as people write it in code.

    >>> number(0.1), number(1e-05), number(90.0), number(0.30000000000000004)
    ('0.1', '1e-5', '90', '0.3')
    """
    value = _neat(value)
    text = str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return re.sub(r"e([-+])0+(\d)", r"e\1\2", text)


def digits(value: int) -> str:
    """A whole number, in groups where it is long.

    >>> digits(391), digits(35190)
    ('391', '35_190')
    """
    return f"{value:_}" if value >= 10_000 else str(value)


def _neat(value: float) -> float:
    return float(f"{value:.12g}")


def _whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-9


def indent(lines: Iterable[str], by: int = 1) -> str:
    """Lines as one indented text."""
    return "\n".join("    " * by + line if line else "" for line in "\n".join(lines).split("\n"))


def call(function: str, *arguments: str, **keywords: object) -> str:
    """A call as code, keywords without a value (None) left out; broken into lines where it is long.

    >>> call("LinearLR", "optimizer", total_iters="5", end_factor=None)
    'LinearLR(optimizer, total_iters=5)'
    """
    given = [*arguments, *(f"{name}={value}" for name, value in keywords.items() if value is not None)]
    flat = f"{function}({', '.join(given)})"
    if len(flat) <= 100:
        return flat
    return f"{function}(\n" + "".join(f"    {one},\n" for one in given) + ")"


def module(imports: Iterable[str], *blocks: str) -> str:
    """A module of imports (those that the blocks use) and blocks with two empty lines between."""
    body = "\n\n\n".join(block.rstrip() for block in blocks if block)
    groups: dict[bool, list[str]] = {True: [], False: []}
    for line in imports:
        if _used(line, body):
            groups[line == "import math"].append(line)
    heads = ["\n".join(lines) for lines in groups.values() if lines]
    return "\n\n".join(heads) + "\n\n\n" + body + "\n"


def _used(line: str, body: str) -> bool:
    if " import " in line:
        names = line.split(" import ")[1].split(", ")
    else:
        names = [line.split()[-1].split(".")[0]]
    return any(re.search(rf"(?<![\w.]){name}\b", body) for name in names)


def from_import(origin: str, names: Iterable[str], body: str) -> str:
    """``from origin import`` those of the names that ``body`` uses."""
    used = sorted(name for name in names if re.search(rf"\b{name}\(", body) or re.search(rf"\b{name}\b\)", body))
    return f"from {origin} import {', '.join(used)}" if used else ""
