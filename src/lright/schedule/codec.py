"""The JSON form of schedules: the same words as the text form, as dicts.

>>> from lright.schedule.text import parse
>>> data = to_json(parse("warmup 5ep > cosine to 0 over 20%"))
>>> data
{'phases': [{'phase': 'warmup', 'over': '5ep', 'to': 1}, {'phase': 'cosine', 'over': '20%', 'to': 0}]}
>>> from_json(data) == parse("warmup 5ep > cosine to 0 over 20%")
True
"""

from __future__ import annotations

from typing import Any

from ..clock import Length
from ..errors import LrightError
from .metric import METRIC_DEFAULTS, MetricFactor, make_metric
from .phases import Phase, Product, Schedule, Sequence, make, product, sequence
from .shapes import SHAPES
from .values import Absolute, Point, Share


def to_json(schedule: Schedule) -> dict[str, Any]:
    """``schedule`` as dicts, lists, strings and numbers. Symbolic lengths must be bound first."""
    if isinstance(schedule, Sequence):
        data: dict[str, Any] = {"phases": [to_json(part) for part in schedule.parts]}
        return data if schedule.end == "hold" else {**data, "end": schedule.end}
    if isinstance(schedule, Product):
        return {"product": [to_json(factor) for factor in schedule.factors]}
    if isinstance(schedule, MetricFactor):
        return {"metric": schedule.name, "every": _plain(schedule.every), **dict(schedule.params)}
    assert isinstance(schedule, Phase)
    data = {"phase": schedule.shape.name}
    for key, value in (("over", schedule.length), ("from", schedule.start), ("to", schedule.to)):
        if value is not None:
            data[key] = _plain(value)
    for key, value in schedule.params:
        if value != schedule.shape.defaults.get(key, schedule):
            data[key] = _plain(value)
    return data


def from_json(data: object) -> Schedule:
    """The schedule that :func:`to_json` wrote; :class:`LrightError` names what is wrong."""
    if not isinstance(data, dict):
        raise LrightError(f"a schedule is a JSON object with 'phase', 'phases', 'product' or 'metric', not {data!r}")
    if "phases" in data:
        _only(data, "phases", "end")
        return sequence([from_json(part) for part in _list(data, "phases")], str(data.get("end", "hold")))
    if "product" in data:
        _only(data, "product")
        return product([from_json(factor) for factor in _list(data, "product")])
    if "metric" in data:
        name = _known(data, "metric", METRIC_DEFAULTS)
        options = {key: value for key, value in data.items() if key not in ("metric", "every")}
        return make_metric(name, data.get("every", "1 validation"), options)
    name = _known(data, "phase", SHAPES)
    _only(data, "phase", "over", "from", "to", *SHAPES[name].params)
    params = {key: data[key] for key in SHAPES[name].params if key in data}
    return make(name, data.get("over"), data.get("from"), data.get("to"), **params)


def _plain(value: object) -> object:
    if isinstance(value, Length) and value.is_symbolic:
        raise LrightError(f"the length '{value}' is symbolic: give its symbols values with bind() first")
    if isinstance(value, Point):
        return [_plain(value.at), _plain(value.value)]
    if isinstance(value, (Length, Share, Absolute)):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _list(data: dict[str, Any], key: str) -> list[Any]:
    if not isinstance(data[key], list) or not data[key]:
        raise LrightError(f"{key!r} of a schedule must be a list with something in it, not {data[key]!r}")
    return list(data[key])


def _known(data: dict[str, Any], key: str, names: dict[str, Any]) -> str:
    name = data.get(key)
    if name not in names:
        raise LrightError(f"{key!r} of a schedule must be one of {', '.join(names)}, not {name!r}")
    return str(name)


def _only(data: dict[str, Any], *keys: str) -> None:
    unknown = next((key for key in data if key not in keys), None)
    if unknown is not None:
        raise LrightError(f"{unknown!r} is unknown in {data!r}: it may hold {', '.join(keys)}")
