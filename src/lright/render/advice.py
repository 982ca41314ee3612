"""Plans and answers for people: in a terminal, or as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..records import record
from .chart import Curve, chart
from .screen import Screen

LABEL = 12  # columns of the words in front of the choices of a plan


@record(frozen=True, slots=True)
class Choice:
    """One choice of a plan: what about, what, why, the sources and what would change it."""

    topic: str
    choice: str
    text: str
    sources: tuple[str, ...] = ()
    changes: str = ""


@record(frozen=True, slots=True)
class Item:
    """One statement under a title, with its sources."""

    text: str
    sources: tuple[str, ...] = ()


@record(frozen=True, slots=True)
class Section:
    """A title and what stands under it: statements, or code."""

    title: str
    items: tuple[Item, ...] = ()
    code: str = ""
    notes: tuple[str, ...] = ()


@record(frozen=True, slots=True)
class Page:
    """What a command says: a first line on the facts, the verdict, a curve, choices and sections."""

    heard: str
    verdict: str
    curve: Curve | None = None
    choices: tuple[Choice, ...] = ()
    sections: tuple[Section, ...] = ()
    footer: tuple[str, ...] = ()
    rows: int = 9


def terminal(page: Page, screen: Screen) -> Iterator[str]:
    """The lines of a page on a terminal."""
    if page.heard:
        yield from (screen.paint(line, "dim") for line in screen.wrap(page.heard))
        yield ""
    yield from (screen.paint(line, "bold") for line in screen.wrap(page.verdict))
    if page.curve is not None:
        yield ""
        yield from chart([page.curve], screen.width - 2, page.rows, unicode=screen.unicode, color=screen.color)
    for choice in page.choices:
        yield ""
        yield from _choice(choice, screen)
    for section in page.sections:
        yield ""
        yield screen.paint(section.title, "bold")
        for item in section.items:
            yield from screen.wrap(item.text + _cited(item.sources, screen), "  ", "- ")
        if section.code:
            yield ""
            yield from (f"    {line}".rstrip() for line in section.code.splitlines())
        for note in section.notes:
            yield from screen.wrap(note, "    ", "    # ")
    if page.footer:
        yield ""
        for line in page.footer:
            yield from (screen.paint(one, "dim") for one in screen.wrap(line))


def _choice(choice: Choice, screen: Screen) -> Iterator[str]:
    indent = " " * LABEL
    head = f"{choice.topic:<{LABEL}}"
    if len(choice.topic) >= LABEL:
        head = choice.topic + "  "
    yield from screen.wrap(choice.choice, indent, head)
    yield from screen.wrap(choice.text + _cited(choice.sources, screen), indent)
    if choice.changes:
        yield from screen.wrap(f"Changes with: {choice.changes}.", indent)


def _cited(sources: Sequence[str], screen: Screen) -> str:
    return f" [{', '.join(sources)}]" if sources else ""


def markdown(page: Page) -> Iterator[str]:
    """The lines of a page as Markdown."""
    yield f"**{page.verdict}**"
    if page.heard:
        yield ""
        yield f"_{page.heard}_"
    for choice in page.choices:
        yield ""
        yield f"- **{choice.topic}: {choice.choice}.** {choice.text}{_linked(choice.sources)}"
        if choice.changes:
            yield f"  Changes with: {choice.changes}."
    for section in page.sections:
        yield ""
        yield f"### {section.title}"
        yield ""
        for item in section.items:
            yield f"- {item.text}{_linked(item.sources)}"
        if section.code:
            yield from ["", "```python", *section.code.splitlines(), "```"]
        for note in section.notes:
            yield from ["", f"> {note}"]
    for line in page.footer:
        yield ""
        yield f"_{line}_"


def _linked(sources: Sequence[str]) -> str:
    return f" [{', '.join(sources)}]" if sources else ""
