"""A script under construction: tagged lines, structured calls, and the edits a plant may make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

INDENT = "    "


@dataclass
class Line:
    """One source line: text without indentation, depth, what it is for, whether it is a defect."""

    text: str
    depth: int = 0
    tags: frozenset[str] = frozenset()
    defect: bool = False


@dataclass
class Call:
    """A statement ``prefix func(args)``; arguments can be changed and the statement written again."""

    prefix: str
    func: str
    args: list[tuple[str, str]]
    split: bool = False

    def lines(self) -> list[tuple[int, str]]:
        """The statement as (extra depth, text): on one line, or one argument a line."""
        texts = [f"{name}={value}" if name else value for name, value in self.args]
        if not self.split:
            return [(0, f"{self.prefix}{self.func}({', '.join(texts)})")]
        return [(0, f"{self.prefix}{self.func}("), *((1, f"{text},") for text in texts), (0, ")")]


@dataclass
class Block:
    """Lines in the making; ``with block.deeper(text)`` opens a suite."""

    depth: int = 0
    lines: list[Line] = field(default_factory=list)

    def add(self, text: str, *tags: str) -> None:
        """Append one line at the present depth."""
        self.lines.append(Line(text, self.depth if text else 0, frozenset(tags)))

    @contextmanager
    def deeper(self, text: str, *tags: str) -> Iterator[None]:
        """Append a line that opens a suite, and write the suite."""
        self.add(text, *tags)
        self.depth += 1
        yield
        self.depth -= 1


class Script:
    """A whole script. Tags find places; plants edit them and mark the lines that are wrong."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.calls: dict[str, Call] = {}
        self.names: dict[str, str] = {}
        self.facts: dict[str, str | int | float | bool | None] = {}

    def find(self, tag: str) -> list[int]:
        """Indices of the lines with a tag, in order."""
        return [index for index, line in enumerate(self.lines) if tag in line.tags]

    def at(self, tag: str) -> int:
        """Index of the first line with a tag; KeyError when there is none."""
        found = self.find(tag)
        if not found:
            raise KeyError(tag)
        return found[0]

    def has(self, tag: str) -> bool:
        """Whether any line carries the tag."""
        return bool(self.find(tag))

    def mark(self, *tags: str) -> None:
        """Mark every line with one of the tags as a defect line."""
        for tag in tags:
            for index in self.find(tag):
                self.lines[index].defect = True

    def remove(self, tag: str) -> str:
        """Take the tagged line out; returns its text."""
        return self.lines.pop(self.at(tag)).text

    def insert(self, index: int, text: str, depth: int, *tags: str, defect: bool = True) -> None:
        """Put a line in front of an index."""
        self.lines.insert(index, Line(text, depth, frozenset(tags), defect))

    def after(self, tag: str, *texts: str, deeper: int = 0, defect: bool = True) -> None:
        """Put lines after the last line with a tag, at its depth; leading spaces deepen it."""
        index = self.find(tag)[-1]
        depth = self.lines[index].depth + deeper
        for offset, text in enumerate(texts, 1):
            inner = (len(text) - len(text.lstrip())) // len(INDENT)
            self.insert(index + offset, text.lstrip(), depth + inner, "planted", defect=defect)

    def before(self, tag: str, *texts: str, defect: bool = True) -> None:
        """Put lines in front of the first line with a tag, at its depth."""
        index = self.at(tag)
        depth = self.lines[index].depth
        for offset, text in enumerate(texts):
            inner = (len(text) - len(text.lstrip())) // len(INDENT)
            self.insert(index + offset, text.lstrip(), depth + inner, "planted", defect=defect)

    def inside(self, tag: str, *texts: str) -> None:
        """Put lines at the head of the suite that the tagged line opens."""
        self.after(tag, *texts, deeper=1)

    def edit(self, tag: str, old: str, new: str, defect: bool = True) -> None:
        """Replace text in every tagged line that has it; KeyError when none has."""
        touched = [self.lines[index] for index in self.find(tag) if old in self.lines[index].text]
        if not touched:
            raise KeyError(f"{old!r} in {tag}")
        for line in touched:
            line.text = line.text.replace(old, new)
            line.defect = line.defect or defect

    def rewrite(self, tag: str) -> None:
        """Write a changed call again in place, as defect lines."""
        found = self.find(tag)
        first = self.lines[found[0]]
        for index in reversed(found):
            self.lines.pop(index)
        for offset, (extra, text) in enumerate(self.calls[tag].lines()):
            self.lines.insert(found[0] + offset, Line(text, first.depth + extra, first.tags, True))

    def set_arg(self, tag: str, name: str, value: str | None) -> None:
        """Change, add or (None) drop an argument of a tagged call."""
        call = self.calls[tag]
        if value is None:
            call.args = [pair for pair in call.args if pair[0] != name]
        elif any(key == name for key, _ in call.args):
            call.args = [(key, value if key == name else old) for key, old in call.args]
        else:
            call.args.append((name, value))
        self.rewrite(tag)

    def arg(self, tag: str, name: str) -> str:
        """The text of an argument of a tagged call; KeyError when it has none."""
        return dict(self.calls[tag].args)[name]

    def replace_call(self, tag: str, func: str, args: list[tuple[str, str]]) -> None:
        """Put another constructor in the place of a tagged call, keeping what it is assigned to."""
        self.calls[tag].func = func
        self.calls[tag].args = args
        self.rewrite(tag)

    def source(self) -> str:
        """The script as text."""
        return "".join(f"{INDENT * line.depth}{line.text}".rstrip() + "\n" for line in self.lines)

    def defects(self) -> list[int]:
        """1-based numbers of the defect lines."""
        return [number for number, line in enumerate(self.lines, 1) if line.defect]
