"""What several rules of the clock ask about the ticks of a scheduler."""

from __future__ import annotations

from ..case import EVERY_BATCH, EVERY_EPOCH, EVERY_UPDATE, Case, Length, Outcome, Tick, periodic
from ..finding import Remedy
from ..quantity import Expr, Unit
from ..situation import Optimizer, Scheduler
from ..timeline import BATCH, EPOCH, Guard, Loop, Site

PER_BATCH = (EVERY_BATCH, EVERY_UPDATE)
IN_TRAINING = (EVERY_BATCH, EVERY_UPDATE, EVERY_EPOCH)
Numbers = dict[str, "float | int | str | bool | None"]


def name_of(scheduler: Scheduler) -> str:
    """How the script calls it."""
    return scheduler.text or scheduler.name


def counting(case: Case, scheduler: Scheduler) -> bool:
    """Whether its calls of step() are all seen and each counts as one tick: no plateau, no explicit epochs."""
    if not scheduler.known or scheduler.plateau or scheduler.framework == "timm" or case.escapes(scheduler):
        return False
    return not any(tick.has_argument for tick in case.ticks(scheduler))


def out_of_sight(case: Case) -> str | None:
    """Why ticks cannot be counted: the first scheduler that is handed to code that was not read."""
    for scheduler in case.schedulers():
        if case.escapes(scheduler):
            return f"{name_of(scheduler)}: {scheduler.escape_reason or 'handed to code that was not read'}"
        if not scheduler.known:
            return f"{name_of(scheduler)}: {scheduler.name} is not a scheduler whose steps are known"
    return None


def updates_of(case: Case, scheduler: Scheduler) -> list[Site]:
    """The updates of its optimizer; where that is not known, those of the only optimizer there is."""
    if scheduler.optimizer is not None:
        return case.updates(scheduler.optimizer)
    return case.updates(None) if len(case.training.optimizers) == 1 else []


def period(tick: Tick) -> Loop | None:
    """The training loop that the tick happens once (or every so often) in."""
    if tick.rate.unit == EVERY_EPOCH:
        found = tick.site.innermost(EPOCH, BATCH)
        return found if found is not None and (found.kind == EPOCH or found.epoch_like) else None
    return tick.site.innermost(BATCH) if tick.rate.unit in PER_BATCH else None


def certain(case: Case, guards: tuple[Guard, ...]) -> bool:
    """Whether the tests on the way surely let it through: settings that are known, accumulation, the main process."""
    values = case.training.values()
    for guard in guards:
        if periodic(guard) is not None or guard.branch.origin == "main process":
            continue
        test = guard.branch.test
        if test is not None and _of_epochs(case, test):
            continue  # in some epochs, and then at every batch
        if test is None or any(name.startswith("@") for name in test.symbols()):
            return False
        decided = test.number(values)
        if decided is None or bool(decided) is not (guard.arm == 0):
            return False
    return True


def _of_epochs(case: Case, test: Expr) -> bool:
    """Whether a test asks for the epoch and settings only: ``epoch >= warmup``."""
    epochs = {loop.index for loop in case.training_loops() if loop.kind == EPOCH}
    names = set(test.symbols())
    return bool(names & epochs) and all(name in epochs or name in case.training.facts for name in names)


def common_loop(first: Site, second: Site) -> Loop | None:
    """The innermost loop around both."""
    found = None
    for one, other in zip(first.loops, second.loops, strict=False):
        if one is not other:
            break
        found = one
    return found


def written(length: Length) -> str:
    """A length as the script writes it: ``T_max=epochs``."""
    arguments = length.scheduler.arguments
    if length.name == "steps_per_epoch" and "epochs" in arguments:
        return f"epochs={arguments['epochs'].text}, steps_per_epoch={length.argument.text}"
    return f"{length.name}={length.argument.text}"


def valued(case: Case, length: Length, numbers: Numbers) -> str:
    """A length as written, with its value where that is known and not what is written."""
    size = case.number(length.expr)
    text = written(length)
    if size is None:
        return text
    numbers["length"] = size
    return text if length.argument.text == f"{size:g}" else f"{text} ({size:,.10g})"


def size_of(outcome: Outcome) -> float | None:
    """The length of a schedule in ticks: what the scheduler says, or the largest of its lengths."""
    if outcome.emulated is not None and outcome.emulated.length:
        return outcome.emulated.length
    case = outcome.case
    found = [case.number(length.expr, outcome.witness) for length in case.lengths(outcome.scheduler)]
    known = [number for number in found if number is not None]
    return max(known) if known and len(known) == len(found) else None


def reads_as_epochs(outcome: Outcome) -> bool:
    """Whether its lengths, taken as epochs, fit the epochs of the training, at two or more ticks in each."""
    epochs, size = outcome.epochs, size_of(outcome)
    return bool(epochs and size) and size <= 1.5 * (epochs or 0) and outcome.ticks >= 2 * (epochs or 0)  # type: ignore[operator]


def unit_of(case: Case, scheduler: Scheduler) -> Unit | None:
    """The one unit that all its lengths with a unit count."""
    found = {length.unit for length in case.lengths(scheduler) if length.unit is not None}
    return found.pop() if len(found) == 1 else None


def after_update(case: Case, tick: Tick, optimizer: Optimizer | int | None) -> Remedy | None:
    """Step it once per optimizer update: at the end of the batch loop, or beside an update under accumulation."""
    updates = [site for site in case.updates(optimizer) if site.innermost(BATCH) is not None]
    if not updates:
        return None
    update = updates[-1]
    batch = update.innermost(BATCH)
    assert batch is not None
    if update.guards_below(batch):
        return Remedy("move-after", "step the scheduler after each optimizer update", tick.site.place, to=update.place)
    return Remedy("move-to-loop-end", "step the scheduler once per batch, after the optimizer update", tick.site.place,
                  to=batch.place)  # fmt: skip


def rate_text(rate: float) -> str:
    """A learning rate as people write it.

    >>> rate_text(0.1), rate_text(3.14159e-5)
    ('0.1', '3.14e-05')
    """
    return f"{rate:.3g}"


def times(count: float) -> str:
    """``once``, ``twice``, ``391 times``.

    >>> times(1), times(2), times(35190)
    ('once', 'twice', '35,190 times')
    """
    return {1: "once", 2: "twice"}.get(int(count), f"{count:,.0f} times")
