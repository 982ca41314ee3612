"""The rules told to people: a table of all, a page for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .screen import Screen
from .terminal import STYLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..rules.base import Rule
    from ..setting import Setting
    from ..trace import Trace

FAMILIES = {
    "1": "Clock: how often the schedule advances",
    "2": "Length: how long the schedule is, against the training",
    "3": "Wiring: who controls the LR",
    "4": "Resume: what a restart does",
    "5": "Choice: the schedule does not suit the training",
    "6": "Behaviour: what a run shows",
}


def table(rules: Sequence[Rule], screen: Screen) -> Iterator[str]:
    """All rules by family: id, severity and slug, and below them what is wrong in a few words."""
    family = ""
    for rule in rules:
        if rule.id[2] != family:
            if family:
                yield ""
            family = rule.id[2]
            yield screen.paint(FAMILIES.get(family, f"LR{family}"), "bold", "cyan")
        level = screen.paint(f"{rule.severity:<7}", STYLE[rule.severity])
        yield f"{screen.paint(rule.id, 'bold')}  {level}  {rule.slug}"
        yield from screen.wrap(rule.summary, " " * len("LR101  "))
    yield ""
    yield "lright explain LR101 tells more of one."


def page(rule: Rule, screen: Screen) -> Iterator[str]:
    """Everything about one rule: what, why, bad, good, fix safety, sources."""
    level = screen.paint(rule.severity, "bold", STYLE[rule.severity])
    yield f"{screen.paint(f'{rule.id} {rule.slug}', 'bold')} ({level})"
    yield ""
    yield from screen.wrap(rule.summary)
    yield from _section("Why it matters", screen)
    for number, paragraph in enumerate(rule.why.strip().split("\n\n")):
        if number:
            yield ""
        yield from screen.wrap(paragraph)
    for title in ("Bad", "Good"):
        shown = examples(rule, title.lower())
        if shown:
            yield from _section(title, screen)
            for line in shown[0].strip("\n").splitlines():
                yield f"  {screen.paint(screen.bar, 'dim')} {line}".rstrip()
    if rule.fix_safety:
        yield from _section("The fix", screen)
        yield from screen.wrap(rule.fix_safety)
    if rule.sources:
        yield from _section("Sources", screen)
        for source in rule.sources:
            yield from screen.wrap(source, "  ", "- ")
    yield ""


def examples(rule: Rule, which: str) -> list[str]:
    """The ``bad`` or ``good`` examples of a rule: scripts, and descriptions and recorded runs where no script shows
    it."""
    settings, traces = getattr(rule, f"{which}_settings", ()), getattr(rule, f"{which}_traces", ())
    return [*getattr(rule, which), *map(described, settings), *(described_run(make()) for make in traces)]


def described(setting: Setting) -> str:
    """A setting as lines of text, what was seen last.

    >>> from lright.setting import Setting
    >>> described(Setting.of(goal="open-end", scheduler="OneCycleLR"))
    'goal: open-end\\nscheduler: OneCycleLR\\n'
    """
    lines = [f"{name.replace('_', ' ')}: {known.value}" for name, known in setting.facts.items()]
    for symptom in setting.symptoms:
        lines.append(f"seen: {symptom.kind}" + ("" if symptom.epoch is None else f" from epoch {symptom.epoch:g} on"))
    return "\n".join(lines) + "\n"


def described_run(trace: Trace, lines: int = 9) -> str:
    """A recorded run as lines of text: its schedulers, some of its updates, its metrics, and how it ended.

    >>> from lright.rules.example_runs import falling, made
    >>> print(described_run(made(100, 0.1, falling(), shaken=0), 3))
    update            LR          loss
         0           0.1           2.3
        50           0.1         1.633
        99           0.1         1.305
    finished after 100 updates
    <BLANKLINE>
    """
    updates = trace.main
    if updates is None:
        return "no updates\n"
    told = []
    for row in trace.schedulers.values():
        given = ", ".join(f"{name}={value}" for name, value in (row.get("arguments") or {}).items())
        told.append(f"{row['class']}({given})")
    told.append(f"{'update':>6}{'LR':>14}{'loss':>14}")
    last = len(updates) - 1
    for position in sorted({round(last * line / (lines - 1)) for line in range(lines)}):
        rate, loss = updates.rate(position), updates.losses[position]
        told.append(f"{updates.numbers[position]:>6}{rate:>14.4g}{loss:>14.4g}")
    for readings in trace.metrics.values():
        shown = [readings.values[round((len(readings) - 1) * part / 7)] for part in range(8)]
        told.append(f"{readings.name}, {len(readings)} evaluations: {' ... '.join(f'{value:.4g}' for value in shown)}")
    if updates.skips:
        told.append(f"{len(updates.skips)} updates skipped by the gradient scaler")
    if updates.joints:
        told.append(f"resumed at update {updates.numbers[updates.joints[0]]}")
    told.append(f"{trace.ended or 'still going on'} after {last + 1} updates")
    return "\n".join(told) + "\n"


def as_json(rules: Sequence[Rule]) -> str:
    """All rules as a JSON array of their pages."""
    import json

    fields = ("id", "slug", "severity", "summary", "why", "bad", "good", "fix_safety", "sources")

    def value(rule: Rule, field: str) -> object:
        return examples(rule, field) if field in ("bad", "good") else getattr(rule, field)

    return json.dumps([{field: value(rule, field) for field in fields} for rule in rules], indent=2)


def _section(title: str, screen: Screen) -> Iterator[str]:
    yield ""
    yield screen.paint(title, "bold", "cyan")
