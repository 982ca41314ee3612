"""Make the agent skills: ``python -m lright.agent.build``, or with ``--check`` only see whether they are up to date.

A template is the page itself, with placeholders: ``{{rule LR101}}`` is what :func:`lright.agent.sections.rule` gives
for ``LR101``. Prose stands in the templates and nowhere else; rules, recipes, decisions, excuses and facts come from
where they are at home; curves and scheduler code come from the algebra of schedules. A source is cited as
``[fact_id, recipe-id]``, and the page of sources is made of what all pages cite.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from ..errors import LrightError
from . import sections
from .skill import SKILL, SMALL, folder

TEMPLATES = Path(__file__).parent / "templates"
PLACEHOLDER = re.compile(r"\{\{(\w+)((?:\s[^{}]*)?)\}\}")
SOURCES = "references/sources.md"


def built() -> dict[str, dict[str, str]]:
    """The text of every file of every skill, as it should be: skill to path to text."""
    paths = sorted(path.relative_to(TEMPLATES / SKILL).as_posix() for path in (TEMPLATES / SKILL).rglob("*.md"))
    pages = {path: page(TEMPLATES / SKILL / path) for path in paths}
    pages[SOURCES] += sections.sources(cited(pages.values())) + "\n"
    small = {"SKILL.md": page(TEMPLATES / SMALL / "SKILL.md")}
    cited(small.values())
    return {SKILL: pages, SMALL: small}


def page(template: Path) -> str:
    """One template with its placeholders filled in."""
    try:
        return PLACEHOLDER.sub(lambda found: filled(found[1], found[2]), template.read_text("utf-8"))
    except LrightError as error:
        raise LrightError(f"{template.name}: {error}") from None


def filled(name: str, given: str) -> str:
    """What one placeholder stands for: its words are the arguments, ``name=value`` those with a name.

    >>> filled("size", "").split()[1:]
    ['rules']
    """
    section = sections.SECTIONS.get(name)
    if section is None:
        raise LrightError(f"no section {name!r}: there are {', '.join(sorted(sections.SECTIONS))}")
    words = shlex.split(given)
    named = dict(word.split("=", 1) for word in words if re.match(r"\w+=", word))
    return section(*(word for word in words if not re.match(r"\w+=", word)), **named)


def cited(texts: Iterable[str]) -> list[str]:
    """The sources that pages cite, sorted. Raises :class:`LrightError` for one that nobody knows."""
    from ..advise.sources import is_known

    found: set[str] = set()
    for text in texts:
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        for group in re.findall(r"(?<![\w\]])\[([a-z][^\[\]]+)\](?!\()", prose):
            found |= {re.sub(r"\s+", " ", source.strip()) for source in group.split(",")}
    unknown = sorted(source for source in found if not is_known(source))
    if unknown:
        raise LrightError(f"cited, but no fact and no recipe: {', '.join(unknown)}")
    return sorted(source for source in found if " " not in source and source != "arithmetic")


def stale() -> list[Path]:
    """The files that differ from what the templates give, are missing, or are there although no template makes them."""
    wrong = []
    for name, pages in built().items():
        there = {path.relative_to(folder(name)).as_posix(): path for path in folder(name).rglob("*") if path.is_file()}
        for path in sorted({*pages, *there}):
            if path not in there or there[path].read_text("utf-8") != pages.get(path):
                wrong.append(folder(name) / path)
    return wrong


def write() -> int:
    """Write every file of every skill, and give their number."""
    count = 0
    for name, pages in built().items():
        for path, text in pages.items():
            target = folder(name) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
            count += 1
    return count


def main(arguments: list[str]) -> int:
    """Write the skills, or with ``--check`` give 1 where they are not up to date."""
    if arguments == ["--check"]:
        wrong = stale()
        for path in wrong:
            print(f"{path.relative_to(Path(__file__).parent)}: not up to date")
        return 1 if wrong else 0
    if arguments:
        print("usage: python -m lright.agent.build [--check]", file=sys.stderr)
        return 2
    print(f"{write()} files written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
