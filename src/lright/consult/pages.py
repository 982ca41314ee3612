"""Plans and answers as pages for people, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ..advise.answer import DOUBTFUL, SECTIONS, Answer, Point
from ..advise.plan import Plan
from ..advise.sources import described
from ..advise.template import number, shown
from ..errors import LrightError
from ..quantity import Unit
from ..render.advice import Choice, Item, Page, Section
from ..render.chart import Curve
from ..setting import ASSUMED, INFERRED, Setting

VERSION = 1
TITLES = {
    "why": "Why", "fix": "What to do", "verify": "How to check it", "alternatives": "Or instead", "cautions": "Mind",
}  # fmt: skip
UNSURE_BELOW = 4.0  # evidence below which an answer says that it may be beside the question
UNSURE = "(lright is not sure that this is what you ask.)"
BRIEF = 3  # points of a diagnosis that is told beside the first one, in a short answer
SHOWN = {"why": 8, "fix": 6, "verify": 4, "alternatives": 4, "cautions": 5}  # points of a short answer


# What was understood


def heard(setting: Setting) -> str:
    """The facts in one line, as they were understood.

    >>> heard(Setting.of(model="vit-b16", pretrained=False, lr=1e-3, epochs=100))
    'model vit-b16 · from scratch · lr 0.001 · 100 epochs'
    """
    told = [(name, known) for name, known in setting.facts.items() if known.certainty not in (ASSUMED, INFERRED)]
    parts = [_fact(name, known.value) for name, known in told]
    return " · ".join(part for part in parts if part)


_COUNTS = {"epochs": "epochs", "steps": "updates", "samples": "samples", "tokens": "tokens", "processes": "processes",
           "batches_per_epoch": "batches an epoch", "parameters": "parameters"}  # fmt: skip


def _fact(name: str, value: Any) -> str:
    if name == "pretrained":
        return "pretrained" if value else "from scratch"
    if name == "warmup" and value == "0":
        return "no warmup"
    if name == "scheduler" and value == "constant":
        return "constant LR"
    if name == "ticked":
        return {"never": "never stepped", "both": "stepped per batch and per epoch"}.get(value, f"stepped per {value}")
    if isinstance(value, bool):
        return name.replace("_", " ") if value else ""
    if name in _COUNTS:
        return f"{number(value)} {_COUNTS[name]}"
    return f"{name.replace('_', ' ')} {shown(value)}"


# Pages


def of_plan(plan: Plan, full: bool = False) -> Page:
    """A plan as a page."""
    unit = {"validation": "each validation"}.get(plan.unit, f"each {plan.unit}")
    word = "measured" if "measured_lr" in plan.setting.facts else "usual"
    span = f" ({word} {number(plan.low)} to {number(plan.high)})" if plan.low and plan.high else ""
    sections = list(_code_of(plan))
    sections += _listed("Or instead", [Item(f"{one.text}", one.sources) for one in plan.alternatives])
    sections += _listed("Mind", [Item(one.text, one.sources) for one in plan.cautions])
    sections += _listed("Measure next", [Item(one) for one in plan.measure])
    sections += _listed("Would change it: tell us", [Item(one) for one in plan.questions])
    choices = tuple(Choice(one.topic, one.choice, one.text, one.sources, one.changes) for one in plan.reasons)
    cited = [source for one in plan.reasons for source in one.sources]
    cited += [source for one in plan.alternatives for source in one.sources]
    cited += [source for one in plan.cautions for source in one.sources]
    if full:
        sections += _sources(cited)
    footer = [f"Assumed: {'; '.join(plan.assumptions)}."] if plan.assumptions else []
    if not full:
        footer.append("Sources in brackets: --full spells them out.")
    return Page(
        heard(plan.setting), f"{plan.text}   peak LR {number(plan.peak)}{span}, stepped after {unit}",
        curve(plan), choices, tuple(sections), tuple(footer),
    )  # fmt: skip


def _code_of(plan: Plan) -> Iterator[Section]:
    from .code import exported, framework_of, notes

    try:
        made = exported(plan.schedule, plan.peak, plan, None if plan.unit == "validation" else plan.unit)
    except LrightError as error:
        yield Section(f"Code ({plan.framework})", (Item(str(error)),))
        return
    yield Section(f"Code ({framework_of(plan)})", (), made.code, notes(made, plan))


def of_answer(answer: Answer, full: bool = False, plot: bool = False) -> Page:
    """An answer as a page: short, or with everything."""
    sections: list[Section] = []
    also = [one for one in answer.diagnoses if one.message != answer.verdict]
    doubtful = bool(answer.diagnoses) and answer.diagnoses[0].evidence < DOUBTFUL
    title = "Or is it rather one of these?" if doubtful else "Also"
    sections += _listed(title, [Item(f"{one.message}") for one in also])
    shown = answer.points if full else list(_short(answer))
    for section in SECTIONS:
        points = [point for point in shown if point.section == section]
        sections += _listed(TITLES[section], _items(points, None if full else SHOWN[section]))
        if section == "fix":
            sections += [Section(_titled(one.title), (), one.text, one.notes if full else ()) for one in answer.code]
    sections += _listed("Tell us, it may change the answer", [Item(one) for one in answer.questions])
    if full:
        sections += _sources(answer.sources)
    understood = heard(answer.setting)
    line = f"Understood: {understood} (wrong? --set NAME=VALUE)" if understood else ""
    footer = [] if full or not answer.on_topic else ["--full tells more, with all sources; --plot draws the schedule."]
    picture = curve(answer.plan) if plot and answer.plan is not None else None
    unsure = bool(answer.diagnoses) and answer.diagnoses[0].evidence < UNSURE_BELOW
    sure = f" {UNSURE}" if unsure else ""
    return Page(line, answer.verdict + sure, picture, (), tuple(sections), tuple(footer))


def _short(answer: Answer) -> Iterable[Point]:
    """All points of the first diagnosis and what belongs to none; of each other diagnosis the first two."""
    beside = {one.topic: BRIEF for one in answer.diagnoses[1:]}
    for point in answer.points:
        matter = point.id.partition(".")[0]
        left = beside.get(matter, 1)
        if matter in beside:
            beside[matter] = left - 1
        if left > 0:
            yield point


def _titled(title: str) -> str:
    return f"Code: {title}"


def _items(points: Iterable[Point], most: int | None) -> list[Item]:
    return [Item(point.text, point.sources) for point in points][:most]


def _listed(title: str, items: list[Item]) -> list[Section]:
    return [Section(title, tuple(items))] if items else []


def _sources(cited: Iterable[str]) -> list[Section]:
    return _listed("Sources", [Item(described(source)) for source in dict.fromkeys(cited)])


def curve(plan: Plan) -> Curve | None:
    """The curve of a plan; none for a schedule that a metric decides."""
    if plan.shape == "plateau-now":
        return None
    resolved = plan.resolved
    unit = Unit.EPOCH if plan.budget.batches_per_epoch else Unit.UPDATE
    return Curve(plan.text, resolved.points(400, unit), "epochs" if unit is Unit.EPOCH else "updates")


# JSON


def json_of_plan(plan: Plan) -> str:
    """A plan as one JSON document."""
    return json.dumps({"version": VERSION, **plan_data(plan, code=True)}, indent=2, allow_nan=False)


def plan_data(plan: Plan, code: bool = False) -> dict[str, Any]:
    """A plan as plain dicts."""
    data: dict[str, Any] = {
        "facts": plan.setting.to_json(),
        "schedule": plan.text,
        "title": plan.title,
        "peak": plan.peak,
        "range": [plan.low, plan.high] if plan.low is not None else None,
        "stepped": plan.unit,
        "updates": _updates(plan),
        "reasons": [
            {
                "topic": one.topic, "choice": one.choice, "text": one.text, "sources": list(one.sources),
                "changes": one.changes,
            }
            for one in plan.reasons
        ],
        "assumptions": plan.assumptions,
        "alternatives": [
            {"schedule": one.schedule, "text": one.text, "sources": list(one.sources)} for one in plan.alternatives
        ],
        "cautions": [{"text": one.text, "sources": list(one.sources)} for one in plan.cautions],
        "measure": plan.measure,
        "questions": plan.questions,
    }
    if code:
        data["code"] = {section.title: section.code for section in _code_of(plan) if section.code}
    return data


def _updates(plan: Plan) -> int | None:
    try:
        return plan.budget.updates
    except LrightError:
        return None


def json_of_answer(answer: Answer, text: str) -> str:
    """An answer as one JSON document; ``text`` is what a person would read."""
    data = {
        "version": VERSION,
        "on_topic": answer.on_topic,
        "facts": {
            **answer.setting.to_json(),
            "symptoms": [
                {
                    "kind": one.kind, "epoch": one.epoch, "step": one.step, "values": list(one.values),
                    "origin": one.origin,
                }
                for one in answer.setting.symptoms
            ],
        },
        "unknown": answer.unknown,
        "verdict": answer.verdict,
        "diagnosis": [
            {"rule": one.rule or None, "topic": one.topic, "certainty": one.certainty, "message": one.message}
            for one in answer.diagnoses
        ],
        "points": [
            {"id": one.id, "section": one.section, "text": one.text, "source": list(one.sources)}
            for one in answer.points
        ],
        "plan": None if answer.plan is None else plan_data(answer.plan),
        "code": {one.title: one.text for one in answer.code},
        "questions": answer.questions,
        "text": text,
    }
    return json.dumps(data, indent=2, allow_nan=False)
