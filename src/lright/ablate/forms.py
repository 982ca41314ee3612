"""An ablation in other forms: a picture, JSON, CSV."""

from __future__ import annotations

import csv
import io
import json
import math

from ..render.ablate import Figure, Line, png, svg
from ..render.screen import Screen
from .compare import Comparison, Entrant
from .job import Outcome, Peak
from .report import bar, text
from .stats import LEVEL
from .words import Words, counted

VERSION = 1
FORMATS = ("text", "json", "csv", "svg", "png")


def drawn(words: Words, format: str, screen: Screen) -> str | bytes:
    """The report in one of `FORMATS`."""
    if format in ("svg", "png"):
        return svg(figure(words)) if format == "svg" else png(figure(words))
    return text(words, screen) if format == "text" else table(words) if format == "csv" else document(words)


def figure(words: Words) -> Figure:
    """The picture, to be drawn."""
    own = words.analysis.own_peak
    relative = own is None and any(peak.lr is None for peak in words.plan.peaks)

    def x(peak: Peak) -> float:
        return peak.rate(own or 1.0) or 1.0

    lines = [
        Line(
            entrant.name,
            tuple((x(one.cell.peak), one.mean) for one in entrant.tried if one.mean is not None),
            tuple((x(one.cell.peak), value) for one in entrant.tried for value in one.values.values()),
            tuple(x(one.cell.peak) for one in entrant.tried if one.diverged),
            x(entrant.best.cell.peak) if entrant.best and len(entrant.tried) > 1 else None,
        )
        for entrant in words.schedules
    ]
    bars = [bar(one, one.first.name) for one in words.analysis.comparisons]
    plan = words.plan
    seeds = counted(len(plan.seeds), "seed")
    gain = f"gain in {plan.metric}: to the right is better (intervals hold together with {LEVEL:.0%})"
    title = f"{plan.script}: {plan.metric}, {seeds}"
    return Figure(title, gain, tuple(bars), plan.metric, tuple(lines), plan.mode == "min", relative)


def table(words: Words) -> str:
    """One row a run, as CSV."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("schedule", "factor", "peak", "seed", "ended", "value", "updates", "seconds"))
    for one in words.analysis.outcomes:
        factor, lr = _peak(words, one.job.cell.peak).values()
        value = one.value(words.plan.mode, words.plan.take)
        rows.writerow((one.job.cell.schedule, factor, lr, one.job.seed, _ended(one), value, one.measured.updates,
                       round(one.measured.seconds, 3)))  # fmt: skip
    return out.getvalue()


def document(words: Words) -> str:
    """The document that `lright/schemas/ablate-v1.schema.json` describes."""
    plan, analysis = words.plan, words.analysis
    told = {
        "version": VERSION,
        "script": plan.script,
        "arguments": list(plan.arguments),
        "metric": plan.metric,
        "mode": plan.mode,
        "take": plan.take,
        "level": LEVEL,
        "baseline": analysis.baseline.name,
        "schedules": list(plan.schedules),
        "peaks": [_peak(words, peak) for peak in plan.peaks],
        "seeds": list(plan.seeds),
        "own_peak": analysis.own_peak,
        "planned": words.planned,
        "runs": [_run(words, one) for one in analysis.outcomes],
        "best": [_best(words, entrant) for entrant in words.schedules],
        "comparisons": [_comparison(one) for one in analysis.comparisons],
        "shown": list(words.shown()),
        "not_shown": list(words.hidden()),
        "method": list(words.method()),
    }
    return json.dumps(told, indent=2, allow_nan=False) + "\n"


def _peak(words: Words, peak: Peak) -> dict[str, float | None]:
    return {"factor": peak.factor, "lr": peak.rate(words.analysis.own_peak)}


def _run(words: Words, one: Outcome) -> dict[str, object]:
    return {
        "schedule": one.job.cell.schedule,
        "peak": _peak(words, one.job.cell.peak),
        "seed": one.job.seed,
        "ended": _ended(one),
        "value": one.value(words.plan.mode, words.plan.take),
        "updates": one.measured.updates,
        "seconds": one.measured.seconds,
        "message": one.measured.message,
    }


def _best(words: Words, entrant: Entrant) -> dict[str, object]:
    best = entrant.best
    return {
        "schedule": entrant.name,
        "peak": _peak(words, best.cell.peak) if best else None,
        "mean": best.mean if best else None,
        "edge": entrant.edge or None,
        "steady": entrant.is_steady,
    }


def _comparison(one: Comparison) -> dict[str, object]:
    known = one.summary.testable
    return {
        "first": one.first.name,
        "second": one.second.name,
        "gains": {str(seed): gain for seed, gain in one.gains.items()},
        "mean": one.summary.mean,
        "sd": one.summary.sd if known else None,
        "low": one.low if math.isfinite(one.low) else None,
        "high": one.high if math.isfinite(one.high) else None,
        "p": one.p if known else None,
        "verdict": one.verdict,
        "seeds_needed": one.needed,
        "withheld": one.withheld or None,
    }


def _ended(one: Outcome) -> str:
    if one.diverged:
        return "diverged"
    return "no value" if one.failed and one.measured.ended == "finished" else one.measured.ended
