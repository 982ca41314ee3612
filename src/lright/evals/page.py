"""The report of an evaluation as one page: HTML without scripts, with its picture; and the picture alone as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from .compare import MEASURES, Cost, Criterion, Difference, costs, criteria, difference, rates
from .nouns import KINDS, LOOSE, OUTCOME, WORDING, WRONG, Graded

GOOD, BAD, NEITHER = "#009e73", "#d55e00", "#666"  # Okabe and Ito
TITLES = {
    "solved": "solved: every key criterion met, half of all, nothing wrong said",
    "outcome": "outcome: what its code or diagnosis does",
    "wording": "wording: what it says",
    "wrong": "wrong statements made (fewer is better)",
}

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0; font-size: 14px } td, th { padding: .2rem .6rem; text-align: right }
th { border-bottom: 1px solid #999; font-weight: 600 } td:first-child, th:first-child { text-align: left }
tr:nth-child(even) td { background: #f6f6f6 } .note { color: #555 } h2 { margin-top: 2.2rem } svg { max-width: 100% }
"""


class Results:
    """Everything a report says, computed once from the graded answers."""

    def __init__(self, answers: Sequence[Graded], about: Mapping[str, Any]) -> None:
        self.answers = answers
        self.about = about
        self.arms = list(dict.fromkeys(graded.arm for graded in answers))
        self.base = "red" if "red" in self.arms else self.arms[0]
        self.cluster: Mapping[str, str] = about["clusters"]
        self.kind: Mapping[str, str] = about["kinds"]
        self.costs: list[Cost] = costs(answers)
        self.criteria: list[Criterion] = criteria(answers)

    def kinds(self) -> list[str]:
        """The kinds of problems that were asked, in the order of the catalogue."""
        asked = {self.kind[graded.problem] for graded in self.answers}
        return [kind for kind in KINDS if kind in asked]

    def of_kind(self, kind: str) -> list[Graded]:
        """The answers to problems of a kind; to all for ""."""
        return [graded for graded in self.answers if kind in ("", self.kind[graded.problem])]

    def differences(self, measure: str, kind: str = "") -> list[Difference]:
        """Each arm against the base by a measure; and against the placebo, where there is one."""
        by_arm = rates(self.of_kind(kind), MEASURES[measure], self.cluster)
        pairs = [(arm, self.base) for arm in self.arms if arm != self.base]
        if "control" in self.arms:
            pairs += [(arm, "control") for arm in self.arms if arm not in (self.base, "control")]
        found = (difference(by_arm, arm, against) for arm, against in pairs)
        return [each for each in found if each is not None]

    def rate(self, measure: str, kind: str, arm: str) -> float | None:
        """An arm's mean over clusters."""
        values = rates(self.of_kind(kind), MEASURES[measure], self.cluster).get(arm, {})
        return sum(values.values()) / len(values) if values else None

    def summary(self) -> dict[str, Any]:
        """The figures as JSON: version 1."""
        return {
            "version": 1,
            "about": dict(self.about),
            "rates": {
                measure: {
                    kind or "all": {arm: self.rate(measure, kind, arm) for arm in self.arms}
                    for kind in ("", *self.kinds())
                }
                for measure in MEASURES
            },
            "differences": {
                measure: [vars(each) | {"verdict": each.verdict} for each in self.differences(measure)]
                for measure in MEASURES
            },
            "criteria": [vars(c) | {"discriminates": c.discriminates} for c in self.criteria],
            "costs": [vars(cost) for cost in self.costs],
        }


# -- words ------------------------------------------------------------------------------------------------------------


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f}%"


def _points(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:+.1f}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def terminal(results: Results) -> Iterator[str]:
    """The report for a terminal, a line at a time."""
    about = results.about
    asked = f"{about['problems']} problems, {_times(about['epochs'])} under each of {len(results.arms)} arms"
    yield f"{about['subject']}: {asked}"
    yield ""
    width = max(map(len, results.arms))
    heads = ("solved", "outcome", "wording", "wrong")
    yield f"{'arm':<{width}}  {heads[0]:>7} {heads[1]:>8} {heads[2]:>8} {heads[3]:>6} {'tokens out':>11} {'seconds':>8}"
    for cost in results.costs:
        shown = [_percent(results.rate(measure, "", cost.arm)) for measure in heads]
        yield (
            f"{cost.arm:<{width}}  {shown[0]:>7} {shown[1]:>8} {shown[2]:>8} {shown[3]:>6} "
            f"{cost.tokens_out:>11,.0f} {cost.seconds:>8.1f}"
        )
    yield ""
    yield "solved, in points, paired over problems, 95% interval"
    for each in results.differences("solved"):
        yield f"  {each.arm} - {each.against}: {_points(each.difference)} {_interval(each)}  {each.verdict}"
    failed = [f"{cost.arm} {cost.failed} of {cost.answers}" for cost in results.costs if cost.failed]
    if failed:
        yield f"no answer: {', '.join(failed)}"


def _interval(each: Difference) -> str:
    if each.low is None or each.high is None:
        return f"[the same on all {each.clusters}]" if each.clusters > 1 else "[one problem]"
    return f"[{_points(each.low)}, {_points(each.high)}]"


# -- the picture ------------------------------------------------------------------------------------------------------


def picture(results: Results) -> str:
    """The arms' differences with their intervals, as one SVG."""
    pairs = [(measure, each) for measure in TITLES for each in results.differences(measure)]
    rows = [(measure, each) for measure, each in pairs if each.against == results.base]
    parts, y, before = list[str](), 30, ""
    for measure, each in rows:
        if measure != before:
            y += 16
            parts.append(f'<text x="12" y="{y}" font-weight="600">{escape(TITLES[measure])}</text>')
            y, before = y + 24, measure
        parts.extend(_row(each, y, _color(measure, each.verdict)))
        y += 24
    axis = [
        f'<line x1="{_x(v)}" x2="{_x(v)}" y1="30" y2="{y}" stroke="{"#999" if v == 0 else "#e4e4e4"}"/>'
        f'<text x="{_x(v)}" y="{y + 18}" text-anchor="middle" fill="#555">{f"{100 * v:+.0f}" if v else "0"}</text>'
        for v in (-1.0, -0.5, 0.0, 0.5, 1.0)
    ]
    title = f"{results.about['subject']}: against {results.base}, in points"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {y + 30}" width="760" height="{y + 30}" '
            'font-family="system-ui, sans-serif" font-size="13">',
            f'<rect width="760" height="{y + 30}" fill="#fff"/>',
            f'<text x="12" y="20" font-size="14">{escape(title[:100])}</text>',
            *axis,
            *parts,
            "</svg>\n",
        )
    )


def _x(value: float) -> float:
    return round(440 + 250 * max(-1.0, min(1.0, value)), 1)


def _color(measure: str, verdict: str) -> str:
    if verdict not in ("higher", "lower"):
        return NEITHER
    return GOOD if (verdict == "higher") != (measure == "wrong") else BAD


def _row(each: Difference, y: int, color: str) -> Iterator[str]:
    words = f"{each.arm}: {_percent(each.mean)}, {each.against} {_percent(each.base)}"
    yield f'<text x="24" y="{y + 4}">{escape(words)}</text>'
    if each.low is not None and each.high is not None:
        ends = f'x1="{_x(each.low)}" x2="{_x(each.high)}"'
        yield f'<line {ends} y1="{y}" y2="{y}" stroke="{color}" stroke-width="2"/>'
    yield f'<circle cx="{_x(each.difference)}" cy="{y}" r="5" fill="{color}"/>'


# -- the page ---------------------------------------------------------------------------------------------------------


def html(results: Results) -> str:
    """The report as one page."""
    head = ("<!doctype html>", '<html lang="en"><head><meta charset="utf-8">')
    return "\n".join((*head, *_body(results), "</body></html>", ""))


def _body(results: Results) -> Iterator[str]:
    about = results.about
    yield f"<title>lright eval: {escape(about['subject'])}</title><style>{STYLE}</style></head><body>"
    yield f"<h1>RED and GREEN: {escape(about['subject'])}</h1>"
    clusters = len(set(results.cluster.values()))
    yield (
        f"<p>{about['problems']} problems ({clusters} clusters), each asked {_times(about['epochs'])} under each arm; "
        f"{len(results.answers)} answers, {escape(about['date'])}, lright {escape(about['lright'])}. "
        f"{escape(about.get('note', ''))}</p>"
    )
    yield "<p>Arms: " + "; ".join(f"<b>{escape(n)}</b>, {escape(t)}" for n, t in about["arms"].items()) + ".</p>"
    yield picture(results)
    yield (
        '<p class="note">A dot is the mean paired difference, a bar its 95% t interval over clusters of problems; '
        "grey: not told apart (the interval holds 0). The figures hold for this subject and these problems.</p>"
    )
    yield "<h2>By kind of problem</h2>"
    yield from _kinds(results)
    yield "<h2>Differences</h2>"
    yield from _differences(results)
    yield "<h2>Cost</h2>"
    yield from _costs(results)
    yield "<h2>By criterion</h2>"
    yield from _criteria([c for c in results.criteria if c.discriminates], results.arms)
    same = [c for c in results.criteria if not c.discriminates]
    if same:
        yield "<h2>Criteria that tell no arm from another</h2>"
        yield from _criteria(same, results.arms)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    yield "</table>"


def _kinds(results: Results) -> Iterator[str]:
    rows = []
    for kind in ("", *results.kinds()):
        for measure in ("solved", "outcome", "wording", "wrong", "loose"):
            values = [results.rate(measure, kind, arm) for arm in results.arms]
            if any(value is not None for value in values):
                rows.append([f"{kind or 'all'}: {measure}", *map(_percent, values)])
    yield from _table(["", *results.arms], rows)


def _differences(results: Results) -> Iterator[str]:
    rows = [
        [measure, f"{d.arm} - {d.against}", str(d.clusters), _points(d.difference), _interval(d), d.verdict]
        for measure in TITLES
        for d in results.differences(measure)
    ]
    yield from _table(["measure", "arms", "clusters", "points", "95% interval", ""], rows)


def _costs(results: Results) -> Iterator[str]:
    rows = [
        [c.arm, f"{c.answers}", f"{c.failed}", f"{c.seconds:.1f}", f"{c.tokens_in:,.0f}", f"{c.tokens_out:,.0f}",
         f"{c.calls:g}"]
        for c in results.costs
    ]  # fmt: skip
    yield from _table(["arm", "answers", "failed", "seconds", "tokens in", "tokens out", "tool calls"], rows)
    yield '<p class="note">Medians of an answer. Tokens of a local agent are not known and read 0.</p>'


def _criteria(found: Sequence[Criterion], arms: Sequence[str]) -> Iterator[str]:
    titles = {OUTCOME: "outcome", WORDING: "said", WRONG: "wrong", LOOSE: "without source"}
    rows = [
        [f"{c.name} ({titles[c.kind]})", *(_percent(c.rates.get(arm)) for arm in arms), str(c.unjudged or "")]
        for c in found
    ]
    yield from _table(["criterion", *arms, "not judged"], rows)
