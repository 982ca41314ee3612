"""What the README and the docs show is run: Python blocks as they stand, `$ lright` lines with their output.

`python tests/test_docs.py --update` writes the output that lright gives today into the pages.
"""

from __future__ import annotations

import doctest
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])


class Block(NamedTuple):
    """A fenced block: its language, the number of its first inner line (from 0), its lines without ends."""

    language: str
    start: int
    lines: list[str]


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a Markdown text, at any indentation."""
    language, start, indent = "", 0, ""
    inner: list[str] = []
    for number, line in enumerate(text.splitlines()):
        stripped = line.strip()
        if not start and stripped.startswith("```"):
            language, start, indent = stripped[3:].split(" ")[0], number + 1, line[: line.index("`")]
            inner = []
        elif start and stripped == "```":
            yield Block(language, start, inner)
            start = 0
        elif start:
            inner.append(line.removeprefix(indent))


def commands(block: Block) -> Iterator[tuple[int, str, list[str]]]:
    """The `$ lright` lines of a block: where the output starts, the command, and the output as shown."""
    starts = [i for i, line in enumerate(block.lines) if line.startswith("$ ")]
    for here, there in zip(starts, [*starts[1:], len(block.lines)], strict=True):
        command = block.lines[here][2:]
        if command.split(" ")[0] == "lright":
            yield block.start + here + 1, command, block.lines[here + 1 : there]


def output(command: str) -> list[str]:
    """What a command prints at 80 columns without colour. It must end with 0, or with 1: findings."""
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    argv = [sys.executable, "-m", "lright", *shlex.split(command, comments=True)[1:]]
    done = subprocess.run(
        argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    text = done.stdout.decode("utf-8")
    crashed = done.returncode not in (0, 1) or "Traceback (most recent call last)" in text
    assert not crashed, f"`{command}` ended with {done.returncode}:\n{text}"
    return [line.rstrip() for line in text.rstrip("\n").splitlines()]


def shown(page: Path, language: str) -> list[Block]:
    """The blocks of one language in a page."""
    return [block for block in blocks(page.read_text("utf-8")) if block.language == language]


def identity(page: Path) -> str:
    """A page's name in the test report."""
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [p for p in PAGES if shown(p, "console")], ids=identity)
def test_commands_print_what_the_page_shows(page: Path) -> None:
    """If this fails because the output is meant to have changed: `make docs-update`."""
    for block in shown(page, "console"):
        for start, command, expected in commands(block):
            got = "\n".join(output(command))
            where = f"{identity(page)}:{start}: `{command}`"
            assert got == "\n".join(expected).rstrip("\n"), where


@pytest.mark.parametrize("page", [p for p in PAGES if shown(p, "python")], ids=identity)
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of one page share their names, as a reader would expect."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "docs"}
    for block in shown(page, "python"):
        where, text = f"{identity(page)}:{block.start + 1}", "\n".join(block.lines) + "\n"
        if text.startswith(">>>"):
            example = doctest.DocTestParser().get_doctest(text, names, where, identity(page), block.start)
            printed: list[str] = []
            write: Callable[[str], object] = printed.append
            runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
            failed = runner.run(example, out=write, clear_globs=False).failed
            names.update(example.globs)
            assert not failed, "".join(printed)
        else:
            exec(compile(text, where, "exec"), names)


def update(page: Path) -> None:
    """Write today's output into a page."""
    lines = page.read_text("utf-8").splitlines()
    found = [entry for block in shown(page, "console") for entry in commands(block)]
    for start, command, old in reversed(found):
        lines[start : start + len(old)] = output(command)
    page.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit("usage: python tests/test_docs.py --update")
    for each in PAGES:
        update(each)
