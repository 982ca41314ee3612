"""What a scheduler is fed: direction, phase and making of a metric, from names and from where it was made."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...quantity import Expr, Op
from ...situation import Metric
from ...timeline import BATCH, EVALUATION, Event, Site
from . import vocabulary, words
from .reader import Reader
from .values import Choice, Items, Number, Unknown, Value

_EXTREMES = frozenset(("best", "lowest", "highest", "minimum", "maximum"))
_LOSS_FUNCTIONS = ("criterion", "loss", "entropy", "mse", "nll")
_DEPTH = 12


def describe(reader: Reader, site: Site) -> Metric | None:
    """The metric of a tick; None where it is stepped without an argument."""
    event = site.event
    node = event.data.get("argument")
    if not isinstance(node, ast.expr):
        return None
    negated, flipped, plain = _signs(node)
    value = event.value if isinstance(event.value, Value) else None
    texts = [words.source(plain)]
    if not negated and not flipped:
        texts += [root.symbol.text for root in list(_roots(reader, value))[:1]]
        texts += _averaged(value)
        negated = _is_negative(value) or len(texts) > 1 and texts[1].startswith("-") and not isinstance(plain, ast.Call)
    return Metric(
        str(event.data.get("text", "")),
        _direction(texts, flipped),
        _phase(reader, value, texts[0]),
        last_batch=_is_last_batch(reader, value, site),
        negated=negated,
        running=_is_extreme(texts[0]),
    )


def _averaged(value: Value | None) -> list[str]:
    """The names of what a mean or a sum is of."""
    found: list[str] = []
    while isinstance(value, Unknown) and value.call in ("mean", "average", "sum", "nanmean", "fmean") and value.sources:
        part = value.sources[0]
        value = part.items[0] if isinstance(part, Items) and part.items else part
        while isinstance(value, Unknown) and not value.call and len(value.sources) == 1:
            value = value.sources[0]
        if isinstance(value, Unknown):
            found.append("loss" if _names_loss(value.call) else value.symbol.text)
    return found


def _is_extreme(text: str) -> bool:
    """The best or worst value so far: it cannot go the other way."""
    words = {word for name in vocabulary.identifiers(text) for word in vocabulary.parts(name)}
    return bool(words & _EXTREMES) or text.startswith(("min(", "max(", "np.min(", "np.max("))


def _names_loss(call: str) -> bool:
    return any(word in call.lower() for word in _LOSS_FUNCTIONS)


def _signs(node: ast.expr) -> tuple[bool, bool, ast.expr]:
    """Whether it is negated, whether it is subtracted from 1 or 100, and what is left without that."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return True, False, node.operand
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        if isinstance(node.left, ast.Constant) and node.left.value in (1, 1.0, 100, 100.0):
            return False, True, node.right
    return False, False, node


def _is_negative(value: Value | None) -> bool:
    return isinstance(value, Number) and isinstance(value.expr, Op) and value.expr.name == "neg"


def _direction(texts: list[str], flipped: bool) -> str | None:
    """The direction by the first name that tells; accuracies of an unclear expression tell nothing."""
    for text in texts:
        found = words.direction(text)
        if found is not None:
            return {"min": "max", "max": "min"}[found] if flipped else found
    return None


def _phase(reader: Reader, value: Value | None, text: str) -> str | None:
    """Where it was measured: by what it was computed from, then by its name."""
    roots = list(_roots(reader, value))
    differentiated = any(root.differentiated for root in roots)
    evaluating = any(root.evaluating and not _trained_on(reader, root) for root in roots)
    if differentiated != evaluating:
        named = words.phase(text)
        if named is None or (named == "train") is differentiated:
            return "train" if differentiated else "validation"
        return None
    return words.phase(text) if not differentiated else None


def _trained_on(reader: Reader, value: Unknown) -> bool:
    """Whether it comes from a training loss: its mean is one even where it is computed after ``model.eval()``."""
    return any(root.differentiated for root in _roots(reader, value))


def _roots(reader: Reader, value: Value | None) -> Iterator[Unknown]:
    """What a value was computed from, itself first."""
    waiting: list[tuple[Value, int]] = [(value, 0)] if value is not None else []
    seen: set[int] = set()
    while waiting:
        found, depth = waiting.pop(0)
        if id(found) in seen or depth > _DEPTH:
            continue
        seen.add(id(found))
        if isinstance(found, Unknown):
            yield found
            waiting += [(part, depth + 1) for part in found.sources]
        elif isinstance(found, Number):
            waiting += [(part, depth + 1) for part in _behind(reader, found.expr)]
        elif isinstance(found, Choice):
            waiting += [(part, depth + 1) for part in found.all()]
        elif isinstance(found, Items):
            waiting += [(part, depth + 1) for part in found.items]


def _behind(reader: Reader, expr: Expr) -> list[Unknown]:
    return [reader.unknowns[name] for name in dict.fromkeys(expr.symbols()) if name in reader.unknowns]


def _is_last_batch(reader: Reader, value: Value | None, site: Site) -> bool:
    """A loss of one batch that is still there when the loop over batches is over."""
    for _ in range(_DEPTH):
        if isinstance(value, Number):
            behind = _behind(reader, value.expr)
            if len(behind) != 1 or _adds(value.expr):
                return False
            value = behind[0]
        if not isinstance(value, Unknown) or value.accumulates:
            return False
        loop = value.loops[-1] if value.loops else None
        if value.call and loop is not None and (value.differentiated or _names_loss(value.call)):
            return loop.kind in (BATCH, EVALUATION) and not loop.epoch_like and not site.within(loop)
        if len(value.sources) != 1:
            return False
        value = value.sources[0]
    return False


def _adds(expr: Expr) -> bool:
    return isinstance(expr, Op) and (expr.name in ("+", "-") or any(map(_adds, expr.args)))


def add_metrics(reader: Reader, sites: list[Site]) -> None:
    """Put a description of its argument into every tick that has one."""
    for site in sites:
        event: Event = site.event
        if event.kind == "tick" and event.data.get("argument") is not None:
            event.data["metric"] = describe(reader, site)
