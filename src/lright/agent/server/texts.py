"""Answers as text: what an agent reads where it does not read the structure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Answer = Mapping[str, Any]


def text_of(tool: str, answer: Answer) -> str:
    """The answer of a tool in few lines."""
    return "\n".join(_TEXTS[tool](answer))


def _check(answer: Answer) -> Iterator[str]:
    yield answer["summary"]
    yield from _findings(answer["findings"])
    if answer["left_out"]:
        yield f"... and {answer['left_out']} more"
    if answer["assumed"]:
        yield "assumed: " + ", ".join(f"{name} = {value}" for name, value in answer["assumed"].items())
    if answer["unknown"]:
        yield "unknown (give with set): " + ", ".join(answer["unknown"])
    yield from (f"note: {note}" for note in answer["notes"])
    yield from (f"not read: {one['path']}: {one['message']}" for one in answer["unread"])


def _findings(findings: Iterable[Answer]) -> Iterator[str]:
    for one in findings:
        likely = "" if one["certainty"] == "proven" else f" ({one['certainty']}, not proven)"
        yield f"{one['path']}:{one['line']}: {one['severity']} {one['rule']}: {one['message']}{likely}"
        if one["fix"]:
            yield f"  fix{'' if one['safe'] else ' (unsafe)'}: {one['fix']}"


def _fix(answer: Answer) -> Iterator[str]:
    for one in answer["done"]:
        how = "safe" if one["safe"] else "unsafe: it makes a choice"
        proof = "; analysed again: the finding is gone" if one["verified"] else ""
        yield f"{one['rule']}: {one['title']} ({how}{proof})"
        yield from (f"  or: {other}" for other in one["alternatives"])
    yield answer["diff"].rstrip("\n") or "nothing to mend"
    if answer["written"]:
        yield "written to the file"
    if answer["left"]:
        yield "left:"
        yield from _findings(answer["left"])


def _explain(answer: Answer) -> Iterator[str]:
    for one in answer["rules"]:
        yield f"{one['id']} {one['slug']} ({one['severity']}): {one['summary']}"
        if "why" not in one:
            continue
        yield from ("", one["why"])
        for title in ("bad", "good"):
            if one[title]:
                yield from ("", f"{title}:", one[title].rstrip())
        if one["fix_safety"]:
            yield from ("", f"the fix: {one['fix_safety']}")
        yield from (f"source: {source}" for source in one["sources"])
        yield ""


def _plot(answer: Answer) -> Iterator[str]:
    yield answer["drawing"].rstrip("\n")


def _schedule(answer: Answer) -> Iterator[str]:
    yield answer["schedule"]
    for row in answer["phases"]:
        times = "x " if row["factor"] else ""
        span = f"{_number(row['first'])} to {_number(row['last'])}"
        yield f"  {times}{row['phase']} ({row['length']}): updates {row['begin']} to {row['end']}, {span}"
    yield "values: " + ", ".join(f"{t}: {value:.4g}" for t, value in answer["values"])
    yield from (f"note: {note}" for note in answer["notes"])


def _number(value: float | None) -> str:
    return "no number" if value is None else f"{value:.4g}"


def _plan(answer: Answer) -> Iterator[str]:
    usual = answer["usual"]
    span = f" (usual {usual[0]:g} to {usual[1]:g})" if usual else ""
    yield f"{answer['schedule']}, peak LR {answer['peak']:g}{span}, stepped after each {answer['stepped']}"
    for one in answer["reasons"]:
        yield f"- {one['topic']}: {one['choice']}. {one['text']}{_cited(one['sources'])}"
    if answer["code"]:
        yield from ("", answer["code"].rstrip(), "")
    yield from _listed("mind", answer["cautions"])
    yield from _listed("assumed", answer["assumed"])
    yield from _listed("would change it, tell us", answer["questions"])


def _ask(answer: Answer) -> Iterator[str]:
    if answer["understood"]:
        yield f"understood: {answer['understood']}"
    yield answer["verdict"]
    yield from (f"also: {one['message']}" for one in answer["diagnosis"] if one["message"] != answer["verdict"])
    for title, name in (("why", "why"), ("what to do", "do"), ("how to check it", "verify"),
                        ("or instead", "alternatives"), ("mind", "cautions")):  # fmt: skip
        yield from _listed(title, answer[name])
    for title, code in answer["code"].items():
        yield from ("", f"code: {title}", code.rstrip(), "")
    yield from _listed("tell us, it may change the answer", answer["questions"])


def _listed(title: str, items: Iterable[str]) -> Iterator[str]:
    items = list(items)
    if items:
        yield f"{title}:"
        yield from (f"- {item}" for item in items)


def _cited(sources: Iterable[str]) -> str:
    named = ", ".join(sources)
    return f" [{named}]" if named else ""


def _recipes(answer: Answer) -> Iterator[str]:
    if answer["page"]:
        yield answer["page"]
        return
    for one in answer["recipes"]:
        yield f"{one['id']}: {one['title']}; {one['optimizer']} at {one['peak']:g}, {one['schedule']}, {one['total']}"
    if answer["left_out"]:
        yield f"... and {answer['left_out']} more: say more of what it is about"


_TEXTS = {
    "check": _check, "fix": _fix, "explain": _explain, "plot": _plot, "schedule_parse": _schedule, "plan": _plan,
    "ask": _ask, "recipes": _recipes,
}  # fmt: skip
