"""Schedules against the training they are for: what the rules on lengths (2xx) share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from ..case import EVERY_BATCH, EVERY_EPOCH, EVERY_UPDATE, Case, Outcome, Tick, sample
from ..finding import Related, Remedy
from ..quantity import BATCHES_PER_EPOCH, Expr, Lit, Op, Sym, Unit
from ..records import record
from ..situation import Argument, Formula, Scheduler
from ..timeline import BATCH, EPOCH, Guard, Loop, Place

# Shapes that come down to a floor once and have a length of their own, with the argument that states it.
DECAYS = {
    "CosineAnnealingLR": "T_max",
    "LinearLR": "total_iters",
    "PolynomialLR": "total_iters",
    "get_linear_schedule_with_warmup": "num_training_steps",
    "get_cosine_schedule_with_warmup": "num_training_steps",
    "get_polynomial_decay_schedule_with_warmup": "num_training_steps",
    "get_cosine_with_min_lr_schedule_with_warmup": "num_training_steps",
    "get_cosine_with_min_lr_schedule_with_warmup_lr_rate": "num_training_steps",
    "get_cosine_with_hard_restarts_schedule_with_warmup": "num_training_steps",
    "get_scheduler": "num_training_steps",
    "CosineLRScheduler": "t_initial",
    "TanhLRScheduler": "t_initial",
    "PolyLRScheduler": "t_initial",
}
COSINES = frozenset(name for name in DECAYS if "osine" in name) | {"get_scheduler"}
SEQUENCES = ("SequentialLR", "ChainedScheduler")
LAMBDAS = ("LambdaLR",)
_RATES = ("max_lr", "base_lr", "eta_min", "lr_min", "min_lr", "lr_end")  # say how high, not how long
_STEADY = (EVERY_EPOCH, EVERY_BATCH, EVERY_UPDATE)


@record(frozen=True)
class Span:
    """A scheduler, what steps it, and what it does to the learning rate under every set of numbers that is tried.

    ``comparable``: its length and the number of its ticks depend on the same unknown numbers, if on any: what holds
    for all that are tried then holds. ``exact``: none of them is unknown.
    """

    case: Case
    scheduler: Scheduler
    ticks: tuple[Tick, ...]
    outcomes: tuple[Outcome, ...]
    comparable: bool
    exact: bool

    @property
    def outcome(self) -> Outcome:
        return self.outcomes[0]

    @property
    def name(self) -> str:
        return self.scheduler.text or self.scheduler.name

    @property
    def per_epoch(self) -> bool:
        return all(tick.rate.unit == EVERY_EPOCH for tick in self.ticks)

    def last(self) -> Scheduler:
        """The phase that is in force at the end."""
        return last_phase(self.case, self.scheduler)

    def length(self) -> Argument | None:
        """The argument that says how long it is."""
        last = self.last()
        return last.arguments.get(DECAYS.get(last.name, ""))

    def place(self) -> Place:
        """Where its length stands; the call if it stands nowhere."""
        argument = self.length()
        return argument.place if argument is not None else call(self.scheduler)

    def written(self) -> str:
        """Its length as the script writes it: ``T_max=20``."""
        argument = self.length()
        return f"{DECAYS[self.last().name]}={argument.text}" if argument is not None else ""

    def moment(self, tick: int, outcome: Outcome | None = None) -> str:
        """When so many ticks are made: "20 of 90 epochs", "1,000 of 5,000 updates", or a share of the training."""
        outcome = outcome or self.outcome
        if not self.exact:
            return f"{min(tick / max(outcome.ticks, 1), 1):.0%} of the training"
        if self.per_epoch and not any(t.rate.every for t in self.ticks):
            return f"{min(tick, outcome.ticks):,} of {outcome.ticks:,} epochs"
        update = outcome.update_after_tick(tick)
        epoch = outcome.epoch_of(update)
        where = f" (epoch {epoch:.3g} of {outcome.epochs:g})" if epoch is not None and outcome.epochs else ""
        return f"{update:,} of {outcome.updates:,} updates{where}"

    def related(self) -> list[Related]:
        """The step() call and the construction."""
        found = [Related(self.ticks[0].site.place, f"stepped here, {self.ticks[0].rate}")]
        if self.length() is not None and call(self.scheduler) != self.place():
            found.append(Related(call(self.scheduler), "built here"))
        return found

    def unless(self) -> tuple[str, ...]:
        return () if self.case.known() else tuple(self.case.unknowns())


def spans(case: Case) -> Iterator[Span]:
    """The schedulers whose ticks are all seen and whose learning rate can be worked out.

    Runs that continue others are left out: their length is that of the whole, their ticks are those of the rest.
    """
    if continues(case):
        return
    if "spans" not in case.shared:
        found = [span(case, scheduler) for scheduler in case.schedulers()]
        case.shared["spans"] = [one for one in found if one is not None]
    yield from case.shared["spans"]  # type: ignore[misc]


def continues(case: Case) -> bool:
    """Whether this is the rest of a training that began earlier."""
    condition = case.training.condition.lower()
    name = condition.partition("=")[0]
    return condition.startswith("resume") or any(
        word in name for word in ("resume", "start", "ckpt", "checkpoint", "last_epoch")
    )


def span(case: Case, scheduler: Scheduler) -> Span | None:
    """One scheduler against its training; None where that cannot be judged."""
    if not scheduler.known or scheduler.plateau or scheduler.prepared or case.escapes(scheduler):
        return None
    ticks = case.ticks(scheduler)
    if not ticks or any(not steady(scheduler, tick) for tick in ticks):
        return None
    if any(loop.kind in (EPOCH, BATCH) for loop in scheduler.loops):
        return None  # made anew inside the training: another rule's business
    outcomes = []
    for witness in case.witnesses():
        outcome = case.outcome(scheduler, witness)
        if outcome is None or outcome.ticks == 0:
            return None
        outcomes.append(outcome)
    again = case.remade(scheduler)
    unknown_ticks = unknown_in(case, [o.trips for tick in ticks for o in tick.site.loops if o not in again])
    unknown_lengths = unknown_in(case, lengths_in(case, scheduler))
    return Span(
        case,
        scheduler,
        tuple(ticks),
        tuple(outcomes),
        unknown_ticks == unknown_in(case, lengths_in(case, scheduler, _RATES)),
        not unknown_ticks and not unknown_lengths,
    )


def unjudged(case: Case) -> str | None:
    """Why a schedule could not be held against its training; None where all could."""
    judged = {found.scheduler.number: found for found in spans(case)}
    for scheduler in case.schedulers():
        name = scheduler.text or scheduler.name
        found = judged.get(scheduler.number)
        if scheduler.plateau or not scheduler.known:
            continue
        if case.escapes(scheduler):
            return f"{name}: {scheduler.escape_reason}"
        if found is None and case.ticks(scheduler):
            return f"{name}: how often it is stepped, or one of its arguments, is not known"
        if found is not None and not found.comparable:
            return f"{name}: its length or that of the training is not known"
    return None


def steady(scheduler: Scheduler, tick: Tick) -> bool:
    """Whether a step() call happens at a known rate and counts by itself (or is told what it would have counted)."""
    if tick.rate.unit not in _STEADY or tick.rate.conditional:
        return False
    return not tick.has_argument or scheduler.framework == "timm" or _told_epoch(scheduler, tick)


def _told_epoch(scheduler: Scheduler, tick: Tick) -> bool:
    """``step(epoch)``, once per epoch, of a scheduler that does with it what its own count would do."""
    closed = scheduler.name in (
        "CosineAnnealingLR",
        "PolynomialLR",
        "LinearLR",
        "StepLR",
        "MultiStepLR",
        "ExponentialLR",
    )
    loop = tick.site.innermost(EPOCH)
    if not closed or loop is None or tick.rate.unit != EVERY_EPOCH or tick.argument is None:
        return False
    here = Sym(loop.index)
    return tick.argument == here or tick.argument == here + 1


def same_unit(found: Span) -> bool:
    """Whether what the lengths count does not contradict what the ticks count (names alone do not count as proof)."""
    for length in found.case.lengths(found.scheduler):
        if length.unit is None or (found.per_epoch and not found.case.proven(length.expr)):
            continue
        if found.per_epoch is not (length.unit is Unit.EPOCH):
            return False
    return True


def throughout(outcome: Outcome) -> bool:
    """Whether it is stepped until the end of the training (a warmup that hands over by hand is not)."""
    stepped = outcome.update_after_tick(outcome.ticks - 1)
    return stepped >= 0.8 * (outcome.updates - 1) or outcome.ticks <= 2


def last_phase(case: Case, scheduler: Scheduler) -> Scheduler:
    """The innermost scheduler that is in force at the end."""
    while scheduler.children and scheduler.name in SEQUENCES:
        children = case.children(scheduler)
        decaying = [child for child in children if child.name in DECAYS]
        scheduler = children[-1] if scheduler.name == "SequentialLR" or not decaying else decaying[-1]
    return scheduler


def call(scheduler: Scheduler) -> Place:
    """Where it is built."""
    return scheduler.call or scheduler.place


def lengths_in(case: Case, scheduler: Scheduler, but: Collection[str] = ()) -> list[Expr | None]:
    """Every expression among the arguments (those called ``but`` aside), phases included."""
    found: list[Expr | None] = []
    for name, argument in scheduler.arguments.items():
        if name in but:
            continue
        for value in argument.value if isinstance(argument.value, list) else [argument.value]:
            if isinstance(value, Formula):
                found.append(value.expr)
            elif isinstance(value, Expr):
                found.append(value)
    for child in case.children(scheduler):
        found += lengths_in(case, child, but)
    return found


def unknown_in(case: Case, exprs: Iterable[Expr | None]) -> set[str]:
    """The symbols without a value that expressions depend on, through definitions."""
    training = case.training
    behind = {name for expr in exprs if expr is not None for name in training.behind(expr)}
    open_ends = {name for name in behind if not training.is_known(name) and name not in training.definitions}
    return {name for name in open_ends if name in training.facts or not name.startswith("@")}


def last_tick(outcome: Outcome) -> int:
    """How many ticks the last update has seen."""
    moment = outcome.play.before(outcome.updates - 1)
    count = moment.counts.get(("tick", outcome.scheduler.number), 0)
    ticks = outcome.case.ticks(outcome.scheduler)
    told = any(tick.has_argument for tick in ticks) and outcome.scheduler.framework != "timm"
    return min(count, outcome.ticks - 1) if told else count


def highest(outcome: Outcome, first: int, last: int, points: int = 200) -> float | None:
    """The highest learning rate between two ticks, both included (sampled)."""
    if last < first:
        return None
    seen = [outcome.lr_at_tick(first + offset) for offset in sample(last - first + 1, points)]
    known = [lr for lr in seen if lr is not None]
    return max(known) if known else None


def agreed(verdicts: Sequence[str | None]) -> str | None:
    """What all say, None if they differ."""
    return verdicts[0] if verdicts and all(v == verdicts[0] for v in verdicts) else None


def contains(expr: Expr, *names: str) -> bool:
    """Whether one of some operations occurs in an expression."""
    return isinstance(expr, Op) and (expr.name in names or any(contains(arg, *names) for arg in expr.args))


def per_loader(case: Case, expr: Expr) -> bool:
    """Whether the batches of a loader are counted in it, times whatever."""
    return any(case.training.units.get(name) == BATCHES_PER_EPOCH for name in expr.symbols())


def parts(expr: Expr) -> Iterator[Expr]:
    """An expression and everything in it."""
    yield expr
    if isinstance(expr, Op):
        for arg in expr.args:
            yield from parts(arg)


def factor(text: str) -> str:
    """A text that can be multiplied or divided as it stands."""
    plain = text.replace("_", "").replace(".", "").isalnum() or (text.endswith((")", "]")) and " " not in text)
    return text if plain else f"({text})"


def literal(argument: Argument | None) -> bool:
    """Whether an argument is written as a bare number."""
    return argument is not None and isinstance(argument.value, Lit)


def training_loop(found: Span) -> Loop | None:
    """The loop over batches in which the optimizer is updated."""
    for site in found.case.updates(found.scheduler.optimizer):
        loop = site.innermost(BATCH)
        if loop is not None:
            return loop
    return None


def end_of(found: Span, outcome: Outcome) -> int | None:
    """The tick at which the schedule is at its floor for the first time; None where it has no end of its own."""
    last = found.last()
    if last.name in DECAYS:
        return outcome.emulated.length if outcome.emulated is not None else None
    if last.name in LAMBDAS and last is found.scheduler and not _cyclic(last):
        return _end_of_function(found, outcome)
    return None


def _cyclic(scheduler: Scheduler) -> bool:
    argument = scheduler.arguments.get("lr_lambda")
    values = argument.value if argument is not None else None
    formulas = values if isinstance(values, list) else [values]
    return any(
        isinstance(part, Op) and part.name in ("%", "//", "sin") and f.variable in part.args[0].symbols()
        for f in formulas
        if isinstance(f, Formula)
        for part in parts(f.expr)
    )


def _end_of_function(found: Span, outcome: Outcome) -> int | None:
    """For a function of the user's: one of its lengths, or the sum of two (a warmup and what follows), at which it
    has come down to zero."""
    numbers: set[int] = set()
    for length in found.case.lengths(found.scheduler):
        number = found.case.number(length.expr, outcome.witness)
        if number is not None and number >= 2 and number == int(number):
            numbers.add(int(number))
    numbers |= {a + b for a in numbers for b in numbers if a != b}
    for end in sorted(numbers):
        here, before = outcome.lr_at_tick(end), outcome.lr_at_tick(end - 1)
        top = highest(outcome, 0, end)
        if here is None or before is None or top is None or not here < before:
            continue
        if here <= 1e-6 * top or here <= 0.5 * top and _turns(outcome, end):
            return end
    return None


def _turns(outcome: Outcome, end: int) -> bool:
    """Whether a smooth descent stops there, above zero: a cosine to a floor."""
    around = [outcome.lr_at_tick(end + offset) for offset in (-2, -1, 0, 1)]
    known = [lr for lr in around if lr is not None]
    return len(known) == 4 and known[0] > known[1] > known[2] <= known[3]


def fit(found: Span) -> list[Remedy]:
    """The schedule made as long as the training."""
    argument = found.length()
    if argument is None or found.last() is not found.scheduler or len(found.ticks) != 1:
        return []
    text = training_length(found)
    if text is None or text == argument.text:
        return []
    name = DECAYS[found.last().name]
    return [Remedy("replace", f"make the schedule as long as the training: {name}={text}", argument.place, text)]


def training_length(found: Span) -> str | None:
    """How often the scheduler is stepped, as the script can write it."""
    case, tick = found.case, found.ticks[0]
    if tick.rate.every is not None or tick.rate.conditional:
        return None
    total: Expr | None = None
    for loop in tick.site.loops:
        if loop in case.remade(found.scheduler):
            continue
        if (
            loop.trips is None
            or not isinstance(loop.trips, (Sym, Lit))
            and contains(loop.trips, "if", "min", "max", "ceil")
        ):
            return None
        total = loop.trips if total is None else total * loop.trips
    if total is None or tick.rate.unit == EVERY_UPDATE:
        return None
    for guard in tick.site.guards_below(tick.site.loops[-1]):
        left = _not_stepped(guard, tick.site.loops[-1])
        if left is None or len(tick.site.loops) > 1 and tick.site.loops[-2] not in case.remade(found.scheduler):
            return None
        total = total - left
    return case.source(total)


def _not_stepped(guard: Guard, loop: Loop) -> Expr | None:
    """How many of the first trips a test leaves out: ``if epoch >= warmup``."""
    test = guard.branch.test
    if not isinstance(test, Op) or len(test.args) != 2 or test.args[0] != Sym(loop.index):
        return None
    shifts = {(0, ">="): 0, (0, ">"): 1, (1, "<"): 0, (1, "<="): 1}
    shift = shifts.get((guard.arm, test.name))
    return None if shift is None else test.args[1] + shift if shift else test.args[1]
