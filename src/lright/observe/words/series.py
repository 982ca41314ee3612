"""Numbers that follow one another: "0.5 -> 0.2 -> 0.15", "18.35, 18.32, 17.59"."""

from __future__ import annotations

from collections.abc import Sequence

from .heard import Series
from .lexer import Item
from .symptoms import METRICS


def read_series(text: str, items: Sequence[Item], milestones: list[list[float]]) -> list[Series]:
    """Rows of numbers with arrows between them (two suffice) or commas (three or more), and their metric.

    Rows of epochs at which the LR drops go to ``milestones``.
    """
    found = []
    index = 0
    while index < len(items):
        end, numbers = _row(items, index)
        if numbers and not any(one.taken for one in numbers):
            metric = _metric(items, index)
            if not metric and _milestones(items, index):
                for one in numbers:
                    one.taken = True
                milestones.append([one.value for one in numbers])
                index = end
                continue
            if metric or len(numbers) > 3:
                for one in numbers:
                    one.taken = True
                row = tuple(one.value for one in numbers)
                found.append(Series(metric, row, text[items[index].start : items[end - 1].end]))
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
    numbers: list[Item] = []
    arrows, at = 0, start
    while at < len(items) and items[at].tags & {"NUM", "PCT"}:
        numbers.append(items[at])
        between = items[at + 1] if at + 1 < len(items) else None
        after = items[at + 2] if at + 2 < len(items) else None
        if not between or not after:
            break
        if between.text == "," and after.text in ("and", "then") and at + 3 < len(items):
            after, at = items[at + 3], at + 1
        joined = (
            "ARROW" in between.tags
            or between.text in (",", "then")
            or (
                between.text in ("and", "to", "/")
                and (len(numbers) > 1 or (between.text != "to" and _milestones(items, start)))
            )
        )
        if not joined or not after.tags & {"NUM", "PCT"}:
            break
        arrows += "ARROW" in between.tags
        at += 2
    if len(numbers) >= 3 or (len(numbers) == 2 and (arrows or _milestones(items, start))):
        return items.index(numbers[-1]) + 1, numbers
    return start + 1, []


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
