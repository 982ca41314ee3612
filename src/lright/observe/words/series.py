"""Numbers that follow one another: "0.5 -> 0.2 -> 0.15", "18.35, 18.32, 17.59"."""

from __future__ import annotations

from collections.abc import Sequence

from .heard import Series
from .lexer import Item
from .metrics import METRICS

Row = tuple[tuple[float, ...], int, int]  # values, the first item and the end


def read_series(text: str, items: Sequence[Item], milestones: list[Row]) -> list[Series]:
    """Rows of numbers with arrows between them (two suffice) or commas (three or more), and their metric.

    Rows of epochs at which the LR drops go to ``milestones``.
    """
    found = []
    index = 0
    while index < len(items):
        end, numbers = _row(items, index)
        if numbers and not any(one.taken for one in numbers):
            values = tuple(one.value for one in numbers)
            metric = _metric(items, index)
            dropping = not metric and _milestones(items, index)
            if dropping:
                milestones.append((values, index, end))
            elif metric or len(numbers) > 3 or (len(set(values)) == 1 and "." in numbers[0].text):
                found.append(Series(metric, values, text[items[index].start : items[end - 1].end]))
            if dropping or (found and found[-1].values == values):
                for one in numbers:
                    one.taken = True
        index = max(end, index + 1)
    return found


_CUTS = frozenset("MILESTONES drop decay cut reduce lower divide divided anneal drops decays halve step DOWN".split())


def _milestones(items: Sequence[Item], start: int) -> bool:
    """Whether the row that begins here tells when the LR drops: "drops at epochs 30, 60 and 80"."""
    before = items[max(0, start - 7) : start]
    near = [one for one in before if one.sentence == items[start].sentence]
    if any("MILESTONES" in one.tags for one in near):
        return True
    cut = any(one.tags & _CUTS for one in near) and not any(
        one.tags & {"LOSS", "VALLOSS", "TRAINLOSS", "ACC", "VALACC"} for one in near
    )
    return cut and bool(near) and any(one.tags & {"at", "EPOCHS", "EPOCH"} for one in near[-2:])


def _row(items: Sequence[Item], start: int) -> tuple[int, list[Item]]:
    """Where the row of numbers that begins at an item ends, and its numbers; none if it is too short for a row."""
    numbers: list[Item] = []
    arrows, at, end = 0, start, start + 1
    while at < len(items) and items[at].tags & {"NUM", "PCT"}:
        numbers.append(items[at])
        end = at + 1
        between = items[at + 1] if at + 1 < len(items) else None
        if between is None or not _joins(items, between, start, len(numbers)):
            break
        arrows += "ARROW" in between.tags
        at += 2
        if between.text == "," and at < len(items) and items[at].text in ("and", "then"):
            at += 1
    if len(numbers) >= 3 or (len(numbers) == 2 and (arrows or _milestones(items, start))):
        return end, numbers
    return start + 1, []


def _joins(items: Sequence[Item], between: Item, start: int, count: int) -> bool:
    """Whether something between two numbers makes them a row."""
    if "ARROW" in between.tags or between.text in (",", "then"):
        return True
    if between.text == "/":
        return _milestones(items, start) or "." in items[start].text
    if between.text == "and":
        return count > 1 or _milestones(items, start)
    return between.text == "to" and count > 1


def _metric(items: Sequence[Item], start: int) -> str:
    for other in range(start - 1, max(-1, start - 12), -1):
        if items[other].sentence != items[start].sentence and items[other].text not in ":":
            break
        for tag, metric in METRICS.items():
            if tag in items[other].tags:
                return metric
        if items[other].tags & {"LR", "CONSTLR"}:
            return "lr"
        if items[other].tags & {"MILESTONES", "BETAS", "EPOCH", "EPOCHS", "STEP", "STEPS", "BATCHSIZE", "BATCH"}:
            return ""
    return ""
