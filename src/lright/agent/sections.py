"""What the placeholders of the skill's templates stand for, one function each; every one gives Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from difflib import ndiff
from typing import Any

from ..clock import Budget
from ..errors import LrightError
from ..knowledge import load

Section = Callable[..., str]
SECTIONS: dict[str, Section] = {}
WIDTH, HEIGHT = 58, 4  # of a picture: an agent pays for every character


def section(function: Section) -> Section:
    """Register a function as the placeholder of its name."""
    SECTIONS[function.__name__] = function
    return function


def fenced(language: str, text: str) -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def source_list(sources: Iterable[str]) -> str:
    """Sources as they are cited; no brackets where there are none."""
    given = [sources] if isinstance(sources, str) else list(sources)
    return f" [{', '.join(given)}]" if given else ""


# Pictures and code, from the algebra of schedules.


@section
def curve(*specs: str, peak: str = "0.1", epochs: str = "90", steps: str = "100", height: str = str(HEIGHT)) -> str:
    """Schedules in words, or a framework's constructor, as one text picture. ASCII, which costs few tokens."""
    from ..render.chart import chart
    from ..render.plot import Options, plotted_spec

    options = Options(peak=float(peak), epochs=float(epochs), steps_per_epoch=int(steps))
    drawn = [plotted_spec(spec, options).curve for spec in specs]
    lines = chart(drawn, WIDTH, int(height), unicode=False)
    return fenced("text", "\n".join(lines))


@section
def code(
    schedule: str,
    total: str,
    peak: str,
    optimizer: str = "SGD",
    framework: str = "torch",
    step: str | None = None,
    clip: str | None = None,
) -> str:
    """A schedule as code of a framework: optimizer and scheduler."""
    from ..schedule import Schedule
    from ..schedule.export import export

    snippet = export(
        Schedule.parse(schedule), Budget(total), peak=float(peak), framework=framework, optimizer=optimizer, step=step,
        clip=None if clip is None else float(clip),
    )  # fmt: skip
    notes = "".join(f"\n# {note}" for note in snippet.notes)
    return fenced("python", snippet.setup.rstrip() + notes)


# The rules.


@section
def rule(name: str, bad: str = "0", good: str | None = None) -> str:
    """One rule: what is wrong, why it matters, and a bad example beside a good one, if not said the nearest."""
    one = _rule(name)
    pairs = [difference(one.bad[int(bad)], text) for text in one.good]
    shown = pairs[int(good)] if good else min(pairs, key=_changes)
    why = " ".join(one.why.split())
    return f"### {one.id} {one.slug} ({one.severity})\n\n{one.summary}. {why}\n\n{fenced('diff', shown)}"


def _changes(lines: str) -> int:
    return sum(line[:1] in ("-", "+") for line in lines.splitlines())


def difference(bad: str, good: str) -> str:
    """Both scripts in one: ``-`` lines are the bad one's alone, ``+`` lines the good one's, the rest is common.

    >>> difference("a\\nb\\n", "a\\nc\\n")
    '  a\\n- b\\n+ c'
    """
    lines = [line.rstrip() for line in ndiff(bad.splitlines(), good.splitlines()) if not line.startswith("?")]
    return "\n".join(lines)


def _rule(name: str) -> Any:
    from ..rules import all_rules

    found = [one for one in all_rules() if one.id == name]
    if not found:
        raise LrightError(f"there is no rule {name!r}")
    return found[0]


@section
def rules() -> str:
    """Every rule by its id and slug, a line a family."""
    from ..render.rulepage import FAMILIES
    from ..rules import all_rules

    families = []
    for family, title in FAMILIES.items():
        members = [f"{one.id} {one.slug}" for one in all_rules() if one.id[2] == family]
        families.append(f"- **{title}.** {', '.join(members)}.")
    return "\n".join(families)


@section
def size() -> str:
    """How many rules there are."""
    from ..rules import all_rules

    return f"{len(all_rules())} rules"


@section
def report(name: str, example: str = "0") -> str:
    """What `lright check --format json` says of a rule's bad example, without the long lists of points."""
    from ..doctor import check_source
    from ..finding import Report
    from ..render.jsonform import jsonform

    whole = json.loads(jsonform(Report([check_source(_rule(name).bad[int(example)], "train.py")])))
    for file in whole["files"]:
        for drawn in file["curves"]:
            drawn["points"] = drawn["points"][:2]
    found = next(one for one in whole["findings"] if one["rule"] == name)
    found["covers"] = found["covers"][:2]
    return fenced("json", compact(whole))


def compact(value: Any, indent: str = "") -> str:
    """JSON in which what is short stands in one line.

    >>> compact({"a": [1, 2]})
    '{"a": [1, 2]}'
    """
    short = json.dumps(value, ensure_ascii=False)
    if len(short) + len(indent) <= 118 or not isinstance(value, (dict, list)):
        return short
    inner = indent + " "
    if isinstance(value, list):
        return "[\n" + ",\n".join(inner + compact(one, inner) for one in value) + f"\n{indent}]"
    rows = [f"{inner}{json.dumps(name)}: {compact(one, inner)}" for name, one in value.items()]
    return "{\n" + ",\n".join(rows) + f"\n{indent}}}"


# What lright knows.


@section
def decisions(table: str, *leave_out: str) -> str:
    """A table of the decision framework: in order, the first row that holds is taken."""
    rows = ["| if | then | because |", "|---|---|---|"]
    for row in _yaml("decisions.yaml")[table]:
        if row["id"] in leave_out:
            continue
        then = row.get("title") or _warmup(row)
        condition = "in all other cases" if row["when"] == "True" else row["when"]
        because = _plain(row["because"]) + source_list(row["source"])
        rows.append(f"| {_cell(condition)} | {_cell(then)} | {_cell(because)} |")
    return "\n".join(rows)


def _warmup(row: Mapping[str, Any]) -> str:
    """The length of a warmup in words."""
    amounts = {
        "share": f"{row.get('share', 0):.0%} of the run",
        "steps": f"{row.get('steps', 0):,} updates",
        "epochs": f"{row.get('epochs', 0)} epochs",
        "adam": "2/(1-beta2) updates",
        "vision": "5% of the run, at least 2/(1-beta2) updates",
    }
    amount = amounts.get(row["length"], str(row["length"]))
    most = f", {row['most']:.0%} of the run at most" if "most" in row else ""
    return amount + most


def _plain(text: str) -> str:
    """A sentence of the knowledge without its placeholders for one case."""
    names = {"{optimizer_title}": "the optimizer", "{adam_floor} = ": "", "{warmup}": "the one given"}
    for name, words in names.items():
        text = text.replace(name, words)
    return text


def _cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def _yaml(name: str) -> Any:
    """A file of the knowledge as people wrote it: its conditions are still words there."""
    import yaml

    from ..knowledge.build import HERE

    return yaml.safe_load((HERE / name).read_text("utf-8"))


@section
def excuses(*only: str) -> str:
    """What people say against a schedule, what is true in it, and the answer."""
    parts = []
    for name, one in load("excuses").items():
        if only and name not in only:
            continue
        parts.append(
            f"- **\"{one['says'][0][0].upper()}{one['says'][0][1:]}\"** True: {one['true_part']} But: {one['answer']}"
            f"{source_list(one['source'])} Do: {one['what_to_do']}"
        )
    return "\n".join(parts)


@section
def recipes(*domains: str) -> str:
    """The published recipes of some domains, one a line."""
    from ..advise.recipes import recipes as all_recipes
    from ..render.chart import number_text
    from ..render.recipes import optimizer_name

    rows = ["| recipe | optimizer, peak LR, batch | schedule | length |", "|---|---|---|---|"]
    for one in all_recipes():
        if one.domain not in domains:
            continue
        mark = "~" if one.memory or one.verified == "memory" else ""
        how = f"{optimizer_name(one)} {number_text(one.peak)}" + (f", {one.batch_size:,}" if one.batch_size else "")
        rows.append(f"| {one.id}{mark} | {how} | {_cell(one.schedule)} | {one.total} |")
    return "\n".join(rows)


@section
def fact(*names: str) -> str:
    """Facts as bullets, each with its id."""
    known = load("facts")
    missing = [name for name in names if name not in known]
    if missing:
        raise LrightError(f"there is no fact {', '.join(missing)}")
    return "\n".join(f"- {' '.join(known[name]['claim'].split())} [{name}]" for name in names)


@section
def facts(*topics: str) -> str:
    """All facts of some topics as bullets."""
    return fact(*(name for name, one in load("facts").items() if one["topic"] in topics))


def sources(ids: Iterable[str]) -> str:
    """What stands behind ids; those that share it share a line. Ids are in code marks: they cite nothing here."""
    from ..advise.sources import described

    behind: dict[str, list[str]] = {}
    for name in ids:
        origin = described(name).removeprefix(f"{name}: ")
        behind.setdefault(" ".join(origin.split()), []).append(f"`{name}`")
    return "\n".join(f"- {', '.join(names)}: {origin}" for origin, names in behind.items())
