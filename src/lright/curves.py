"""The learning-rate curves of a training: what every optimizer's rate really does."""

from __future__ import annotations

from collections.abc import Mapping

from .case import Case, Outcome, sample
from .finding import Curve
from .play import Moment, Play
from .quantity import Expr, Scalar
from .schedule import emulate
from .situation import Optimizer

POINTS = 240


def of_training(case: Case) -> list[Curve]:
    """One curve for every optimizer and group whose learning rate is known at every update. Unknown lengths leave an
    optimizer out; an unknown rate is drawn as 1."""
    if not case.known():
        return []
    found: list[Curve] = []
    for optimizer in case.training.optimizers.values():
        if case.updates(optimizer):
            found += _of_optimizer(case, optimizer)
    return found


def _of_optimizer(case: Case, optimizer: Optimizer) -> list[Curve]:
    schedulers = [s for s in case.all_schedulers() if s.optimizer == optimizer.number]
    ticking = [s for s in schedulers if case.ticks(s) or case.escapes(s)]
    writes = case.training.of("write", optimizer.number)
    if any(not s.known or s.plateau or case.escapes(s) for s in ticking):
        return []
    if len(ticking) == 1 and not writes:
        outcome = case.outcome(ticking[0])
        if outcome is None:
            return []
        made = [outcome.curve(group) for group in range(len(optimizer.groups))]
        return [curve for curve in made if curve is not None and curve.points]
    play = case.play(optimizer)
    if play is None or not play.updates or not optimizer.seen:
        return []
    if not ticking and not writes:
        return _constant(case, optimizer, play)
    curve = _by_last_event(case, optimizer, play, {s.number: case.outcome(s) for s in ticking})
    return [curve] if curve is not None else []


def _constant(case: Case, optimizer: Optimizer, play: Play) -> list[Curve]:
    found = []
    for number, group in enumerate(optimizer.groups):
        lr = case.number(group.get("lr"))
        if lr is not None:
            points = ((0.0, float(lr)), (float(play.updates - 1), float(lr)))
            found.append(Curve(points, "update", "", optimizer.text, number, None, "hold"))
    return found


def _by_last_event(
    case: Case, optimizer: Optimizer, play: Play, outcomes: Mapping[int, Outcome | None]
) -> Curve | None:
    """Several writers: the last one before an update has the word. Exact for rates written by hand and for schedulers
    that compute the rate anew at each tick; recursive ones that bend a rate they find are left out."""
    if any(outcome is None or outcome.scheduler.name not in _ABSOLUTE for outcome in outcomes.values()):
        return None
    points = []
    for update in sample(play.updates, POINTS):
        lr = _lr_at(case, optimizer, play.before(update), outcomes)
        if lr is None:
            return None
        points.append((float(update), lr))
    return Curve(tuple(points), "update", "", optimizer.text, 0, None, "hold")


_ABSOLUTE = frozenset(("LambdaLR", "OneCycleLR", "CyclicLR", "CosineAnnealingWarmRestarts")) | {
    name for name, framework in emulate.FRAMEWORKS.items() if framework != "torch"
}


def _lr_at(
    case: Case, optimizer: Optimizer, moment: Moment, outcomes: Mapping[int, Outcome | None]
) -> float | None:
    if moment.last is None:
        first = next(iter(outcomes.values()), None)
        return first.lr_at_tick(0) if first is not None else case.number(optimizer.groups[0].get("lr"))
    event, trips = moment.last
    if event.kind == "tick":
        outcome = outcomes.get(event.subject)
        return outcome.lr_at_tick(moment.counts.get(("tick", event.subject), 0)) if outcome is not None else None
    witness: dict[str, Scalar] = {**case.witnesses()[0], **trips}
    return case.number(event.value, witness) if isinstance(event.value, Expr) else None


