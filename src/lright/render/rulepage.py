"""The rules told to people: a table of all, a page for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .screen import Screen
from .terminal import STYLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..rules.base import Rule
    from ..setting import Setting

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
    """The ``bad`` or ``good`` examples of a rule: scripts, and descriptions where no script shows it."""
    return [*getattr(rule, which), *map(described, getattr(rule, f"{which}_settings", ()))]


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
