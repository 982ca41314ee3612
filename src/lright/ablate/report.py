"""An ablation told in a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import stdev

from ..render.ablate import Bar, forest
from ..render.screen import Screen, columns
from .compare import AS_IT_IS, Comparison, Entrant, Tried
from .job import Peak
from .words import Words, counted

NOTHING = "No difference that chance alone could not have made."


def text(words: Words, screen: Screen) -> str:
    """All of it for a terminal."""
    blocks = [_heading(words, screen), _table(words, screen), _gains(words, screen)]
    shown, hidden = list(words.shown()), list(words.hidden())
    blocks.append([screen.paint("What the data show", "bold"), *_listed(shown or [NOTHING], screen)])
    if hidden:
        blocks.append([screen.paint("What they do not show", "bold"), *_listed(hidden, screen)])
    blocks.append([screen.paint("How", "bold"), *_listed(list(words.method()), screen)])
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _heading(words: Words, screen: Screen) -> list[str]:
    plan = words.plan
    counts = ", ".join((
        counted(len(plan.schedules), "schedule"), counted(len(plan.peaks), "peak"), counted(len(plan.seeds), "seed"),
    ))  # fmt: skip
    done = len(words.analysis.outcomes)
    runs = f"{done} runs" if done == words.planned else f"{done} of {words.planned} runs so far"
    title = screen.paint(f"{plan.metric} of {plan.script}, {plan.take} value, {_better(plan.mode)}", "bold")
    return [title, f"{counts}: {runs}"]


def _table(words: Words, screen: Screen) -> list[str]:
    """The mean and the standard deviation over the seeds of every cell, in as many tables as fit."""
    entrants = words.schedules
    room = max(screen.width // 3, 12)
    names = [screen.clip(entrant.name, room) for entrant in entrants]
    margin = max(columns(name) for name in ["at the peak", *names]) + 2
    grid = [[_cell(words, entrant, one) for one in entrant.tried] for entrant in entrants]
    heads = [words.peak(peak) for peak in words.plan.peaks]
    width = max(columns(text) for row in [*grid, heads] for text in row) + 2
    each = max((screen.width - margin) // width, 1)
    lines = []
    for first in range(0, len(heads), each):
        lines += [""] if first else []
        rows = [("at the peak", heads), *zip(names, grid, strict=True)]
        for name, cells in rows:
            shown = "".join(f"{cell:>{width}}" for cell in cells[first : first + each])
            lines.append(f"{name}{' ' * (margin - columns(name))}{shown}".rstrip())
    notes = ["mean and standard deviation over the seeds"] if len(words.plan.seeds) > 1 else ["the value of one run"]
    notes += ["* the best peak of the schedule"] if len(words.plan.peaks) > 1 else []
    if any("div" in cell for row in grid for cell in row):
        notes.append("div: runs that diverged")
    if any("fail" in cell for row in grid for cell in row):
        notes.append("fail: runs that crashed or gave no value")
    return [*lines, *screen.wrap("; ".join([*notes, *_apart(words)]), "  ", "  ")]


def _apart(words: Words) -> list[str]:
    """The script as it stands, where its own LR is none of the peaks."""
    untouched = [one for one in words.analysis.outcomes if one.job.cell.is_untouched]
    if Peak(factor=1) in words.plan.peaks or not untouched:
        return []
    value = untouched[0].value(words.plan.mode, words.plan.take)
    told = untouched[0].why if value is None else words.number(value)
    return [f"{AS_IT_IS} (peak {words.peak(untouched[0].job.cell.peak)}, seed {untouched[0].job.seed}): {told}"]


def _cell(words: Words, entrant: Entrant, one: Tried) -> str:
    parts = []
    if one.mean is not None:
        spread = f" ±{words.number(stdev(one.values.values())).removeprefix('0')}" if len(one.values) > 1 else ""
        parts.append(words.number(one.mean) + spread)
    parts += [f"{len(one.diverged)} div"] if one.diverged else []
    parts += [f"{len(one.failed)} fail"] if one.failed else []
    star = "*" if one is entrant.best and len(entrant.tried) > 1 else " "
    return (", ".join(parts) or "-") + star


def _gains(words: Words, screen: Screen) -> list[str]:
    """The gains drawn, and in numbers."""
    lines = []
    for title, compared in _groups(words):
        labels = [one.first.name for one in compared]
        if len({one.second.name for one in compared}) > 1:
            labels = [f"{one.first.name} over {one.second.name}" for one in compared]
        bars = [bar(one, label) for one, label in zip(compared, labels, strict=True)]
        lines += [screen.paint(title, "bold"), *forest(bars, screen)]
        room = max(screen.width - 46, 14)
        for one, label in zip(compared, labels, strict=True):
            short = screen.clip(label, room)
            mean = words.gain(one.summary.mean)
            p = f"p {_p(one.p)}" if math.isfinite(one.low) else ""
            verdict = f"{one.verdict:<8} {p}".rstrip()
            lines.append(f"  {short}{' ' * (room - columns(short))} {mean} {words.interval(one)} {verdict}".rstrip())
        lines.append("")
    return lines[:-1]


def _groups(words: Words) -> list[tuple[str, list[Comparison]]]:
    """The comparisons in the order in which they are told."""
    base = words.analysis.baseline.name
    against = [one for one in words.analysis.comparisons if one.second.name == base]
    alone = [one for one in words.analysis.comparisons if one.second.name == AS_IT_IS]
    others = [one for one in words.analysis.comparisons if one.second.name not in (base, AS_IT_IS)]
    name = others[0].second.name if len({one.second.name for one in others}) == 1 else "one another"
    tuned = ", each at its own best peak" if len(words.plan.peaks) > 1 and len(words.plan.schedules) > 1 else ""
    groups = [
        (f"Gain over {base}{tuned}", against),
        (f"Gain over {name}", others),
        (f"Gain of own at its best peak over {AS_IT_IS}", alone),
    ]
    return [(title, compared) for title, compared in groups if compared]


def bar(one: Comparison, label: str) -> Bar:
    """A comparison as it is drawn."""
    settled = one.verdict != "unclear"
    return Bar(label, one.summary.mean, one.low, one.high, tuple(one.gains.values()), settled, one.second.name)


def _better(mode: str) -> str:
    return f"{'lower' if mode == 'min' else 'higher'} is better"


def _p(p: float) -> str:
    return "<.001" if p < 0.001 else f"{p:.2g}".removeprefix("0")


def _listed(sentences: Sequence[str], screen: Screen) -> list[str]:
    return [line for sentence in sentences for line in screen.wrap(sentence, "  ", "- ")]
