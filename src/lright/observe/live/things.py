"""The things of a recorded run: its optimizers and schedulers with their arguments, and what a plateau is fed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...quantity import Expr, Lit, Sym
from ...rules.recorded import SCHEDULERS, direction, judges, place_of
from ...schedule import emulate
from ...situation import Argument, Metric, Optimizer, Scheduler
from ...timeline import Place
from ...trace import Ticks, Trace, Updates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...trace import Row

LATEST = 20  # steps of a plateau scheduler that are held against the recorded values


def optimizer_of(number: int, row: Row, updates: Updates) -> Optimizer:
    """An optimizer as its row tells it; where there is none, by its LRs."""
    name = str(row.get("class", "optimizer"))
    groups: list[dict[str, Expr | None]] = []
    rates = updates.lrs[0] if updates.lrs else ()
    for group in row.get("groups") or ({"lr": rate} for rate in rates):
        kept = {key: Lit(group[key]) for key in ("lr", "momentum", "weight_decay") if _plain(group.get(key))}
        groups.append(dict(kept))
    return Optimizer(number, name, name, place_of(row.get("at")), groups)


def scheduler_of(row: Row) -> Scheduler:
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
    return Lit(value) if value is None or isinstance(value, (int, float, str)) else Sym(f"?{name}", name)


def _plain(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return f"{value:g}" if isinstance(value, float) else repr(value) if isinstance(value, str) else str(value)


def metric_of(trace: Trace, scheduler: Scheduler, ticks: Ticks, positions: Sequence[int]) -> Metric:
    """What ReduceLROnPlateau is fed: a value that was recorded elsewhere too, or a number of which nothing is known."""
    fed = [(ticks.updates[p], ticks.metrics[p]) for p in positions[-LATEST:] if math.isfinite(ticks.metrics[p])]
    for readings in trace.metrics.values():
        known = {round(value, 9) for value in readings.values[-200:] if math.isfinite(value)}
        for sign in (1, -1):
            if len(fed) >= 2 and all(_near(sign * value, known) for _, value in fed):
                phase = "validation" if judges(readings.name) else None
                text = readings.name if sign == 1 else f"-{readings.name}"
                return Metric(text, direction(readings.name), phase, negated=sign == -1)
    updates = trace.updates.get(scheduler.optimizer or 0)
    if updates is not None and len(fed) >= 2:
        last = [_last_loss(updates, update) for update, _ in fed]
        pairs = zip(last, fed, strict=True)
        if all(loss is not None and math.isclose(loss, value, rel_tol=1e-6) for loss, (_, value) in pairs):
            return Metric("the loss of the last batch", "min", "train", last_batch=True)
    return Metric("a metric", None, None)


def _last_loss(updates: Updates, update: int) -> float | None:
    position = update - 1 - updates.numbers[0]
    return updates.losses[position] if 0 <= position < len(updates) else None


def _near(value: float, known: set[float]) -> bool:
    return any(math.isclose(value, one, rel_tol=1e-6, abs_tol=1e-9) for one in known)
