"""The learning-rate curves of a training: what every optimizer's rate really does."""

from __future__ import annotations

from collections.abc import Mapping

from .case import Case, Outcome, sample
from .finding import Curve
from .play import CannotPlay, Moment, Play
from .quantity import Expr, Scalar, Sym
from .records import replace
from .schedule import emulate
from .situation import Optimizer, Scheduler
from .timeline import BATCH

POINTS = 240
EPOCHS = 2000  # as many are compared


def of_training(case: Case) -> list[Curve]:
    """One curve for every optimizer and group whose learning rate is known at every update. Unknown lengths leave an
    optimizer out, unless only the length of an epoch is unknown and the rate does not depend on it: such a curve is
    drawn over epochs. An unknown rate is drawn as 1."""
    if case.known():
        return _under(case, {}, POINTS)
    per_epoch = _epoch_lengths(case)
    if per_epoch is None:
        return []
    short, long = (_under(case, dict.fromkeys(per_epoch, batches), EPOCHS * batches) for batches in (1, 3))
    return [
        replace(curve, unit="epoch", points=_thinned(curve.points))
        for curve, other in zip(short, long)
        if _same_over_epochs(curve, other)
    ]


def _thinned(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    return tuple(points[position] for position in sample(len(points), POINTS))


def _epoch_lengths(case: Case) -> list[str] | None:
    """The loader lengths that, once given, leave nothing unknown; None where more than they is."""
    loops = case.training_loops()
    names = [loop.trips.name for loop in loops if loop.kind == BATCH and isinstance(loop.trips, Sym)]
    given = dict.fromkeys(names, 1)
    values = case.training.values(given)
    if not names or any(
        loop.trips is None or loop.trips.number(values) is None for loop in loops if loop.kind != BATCH
    ):
        return None
    if any(case.arguments(s, given) is None for s in case.schedulers() if s.known and not s.plateau):
        return None
    return names


def _same_over_epochs(short: Curve, long: Curve) -> bool:
    """Whether longer epochs give the same rate at the start of every epoch as epochs of one batch."""
    if not short.points or not long.points or short.points[-1][0] >= EPOCHS:
        return False
    if len({lr for _, lr in (*short.points, *long.points)}) == 1:
        return True
    updates, epochs = long.points[-1][0] + 1, short.points[-1][0] + 1
    by_update = dict(long.points)
    pairs = [(lr, by_update[x * updates / epochs]) for x, lr in short.points if x * updates / epochs in by_update]
    return len(pairs) > 1 and all(abs(one - three) <= 1e-9 * max(abs(one), 1e-30) for one, three in pairs)


def _under(case: Case, witness: Mapping[str, Scalar], points: int) -> list[Curve]:
    found: list[Curve] = []
    for optimizer in case.training.optimizers.values():
        if case.updates(optimizer):
            found += _of_optimizer(case, optimizer, witness, points)
    several = len({curve.optimizer for curve in found}) > 1
    return [replace(curve, label=_label(curve, several)) for curve in found] if len(found) > 1 else found


def _label(curve: Curve, several: bool) -> str:
    """A legend for a curve among others."""
    group = f"group {curve.group}"
    return f"{curve.optimizer} {group}".strip() if several and curve.group else curve.optimizer if several else group


def _of_optimizer(case: Case, optimizer: Optimizer, witness: Mapping[str, Scalar], points: int) -> list[Curve]:
    schedulers = [s for s in case.all_schedulers() if s.optimizer == optimizer.number]
    ticking = [s for s in schedulers if case.ticks(s) or case.escapes(s)]
    writes = case.training.of("write", optimizer.number)
    if any(not s.known or s.plateau or case.escapes(s) or _disturbed(case, s) for s in ticking):
        return []
    if len(ticking) == 1 and not writes:
        outcome = case.outcome(ticking[0], witness) or _told(case, optimizer, ticking[0], witness)
        if outcome is None or outcome.play.guessed:
            return []
        made = [outcome.curve(group, points, example=False) for group in range(len(optimizer.groups))]
        return [curve for curve in made if curve is not None and _whole(curve, outcome)]
    play = case.play(optimizer, witness)
    if play is None or not play.updates or play.guessed and (ticking or writes):
        return []
    if not optimizer.seen and not writes:  # its own rate is not known, but what is written into it may be
        return []
    if not ticking and not writes:
        return _constant(case, optimizer, play, witness)
    outcomes = {s.number: case.outcome(s, witness) for s in ticking}
    curve = _by_last_event(case, optimizer, play, outcomes, witness, points)
    return [curve] if curve is not None else []


def _told(case: Case, optimizer: Optimizer, scheduler: Scheduler, witness: Mapping[str, Scalar]) -> Outcome | None:
    """The outcome of a scheduler that is told the time, whole epochs or not, by every one of its steps."""
    if not all(tick.argument is not None for tick in case.ticks(scheduler)):
        return None
    try:
        play = Play(case.training, optimizer.number, [scheduler.number], witness, case.remade(scheduler))
    except (CannotPlay, RecursionError):
        return None
    return Outcome(case, scheduler, optimizer, play, witness) if play.updates else None


def _whole(curve: Curve, outcome: Outcome) -> bool:
    """Whether the rate is known up to the last update, or to the one before which the script raises."""
    return bool(curve.points) and (outcome.raised is not None or curve.points[-1][0] == outcome.updates - 1)


def _disturbed(case: Case, scheduler: Scheduler) -> bool:
    """Whether its count does not tell the rate: it is made anew during training, or groups are added behind its
    back."""
    if len(case.remade(scheduler)) < len(scheduler.loops):
        return True
    made = next((site.order for site in case.training.of("build", scheduler.number)), -1)
    return any(site.order > made for site in case.training.of("add-group", scheduler.optimizer))


def _constant(case: Case, optimizer: Optimizer, play: Play, witness: Mapping[str, Scalar]) -> list[Curve]:
    found = []
    for number, group in enumerate(optimizer.groups):
        lr = case.number(group.get("lr"), witness)
        if lr is not None:
            points = ((0.0, float(lr)), (float(play.updates - 1), float(lr)))
            found.append(Curve(points, "update", "", optimizer.text, number, None, "hold"))
    return found


def _by_last_event(
    case: Case,
    optimizer: Optimizer,
    play: Play,
    outcomes: Mapping[int, Outcome | None],
    witness: Mapping[str, Scalar],
    points: int,
) -> Curve | None:
    """Several writers: the last one before an update has the word. Exact for rates written by hand and for schedulers
    that compute the rate anew at each tick; recursive ones that bend a rate they find are left out."""
    if any(outcome is None or outcome.scheduler.name not in _ABSOLUTE for outcome in outcomes.values()):
        return None
    found = []
    for update in sample(play.updates, points):
        lr = _lr_at(case, optimizer, play.before(update), outcomes, witness)
        if lr is None:
            return None
        found.append((float(update), lr))
    return Curve(tuple(found), "update", "", optimizer.text, 0, None, "hold")


_ABSOLUTE = frozenset(("LambdaLR", "OneCycleLR", "CyclicLR", "CosineAnnealingWarmRestarts")) | {
    name for name, framework in emulate.FRAMEWORKS.items() if framework != "torch"
}


def _lr_at(
    case: Case,
    optimizer: Optimizer,
    moment: Moment,
    outcomes: Mapping[int, Outcome | None],
    witness: Mapping[str, Scalar],
) -> float | None:
    if moment.last is None:
        first = next(iter(outcomes.values()), None)
        return first.lr_at_tick(0) if first is not None else case.number(optimizer.groups[0].get("lr"), witness)
    event, trips = moment.last
    if event.kind == "tick":
        outcome = outcomes.get(event.subject)
        return outcome.lr_at_tick(moment.counts.get(("tick", event.subject), 0)) if outcome is not None else None
    return case.number(event.value, {**witness, **trips}) if isinstance(event.value, Expr) else None
