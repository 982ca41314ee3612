"""The code of an answer: which blocks it has, which of them it stands by, and the changed file of a repair.

A repair may come as changed files, as the whole file, as a unified diff, or as a piece of the file: a function, a loop,
some assignments. A piece is put in the place of what it redefines, where that is unambiguous; otherwise the answer
changes nothing, and the reason says so.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..nouns import Answer, Problem

LONGEST = 400_000  # characters of an answer that are looked at
MOST = 60  # blocks
_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})[ \t]*([^\n`]*)$")
_WRONG = re.compile(
    r"\b(?:wrong|incorrect|broken|buggy|original|before|currently?|your (?:current |present )?(?:code|loop|version)|"
    r"you have|instead of|do(?: not|n't) (?:do|write|use)|never|bad|problem(?:atic)?)\b|❌|✗|⛔",
    re.IGNORECASE,
)
_RIGHT = re.compile(
    r"\b(?:correct(?:ed)?|right|fix(?:ed)?|after|should be|final|complete|full|updated|change (?:it |this )?to|new|"
    r"good|use"
    r"|replace\w*|with)\b|✅|✓",
    re.IGNORECASE,
)
_FINAL = re.compile(r"\b(?:final|complete|full|whole|entire)\b", re.IGNORECASE)
_ELIDED = re.compile(
    r"^(\s*)(?:#\s*(?:\.\.\.|…).*|(?:\.\.\.|…)\s*|#.*\b(?:unchanged|as before|same as|existing|rest of|omitted|"
    r"your)\b.*)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Block:
    """A piece of code in an answer, and the words right before it."""

    text: str
    language: str = ""
    before: str = ""

    @property
    def diff(self) -> bool:
        """Whether it is a diff."""
        return self.language in ("diff", "patch") or bool(
            re.search(r"^@@", self.text, re.MULTILINE) and re.search(r"^[-+]", self.text, re.MULTILINE)
        )

    @property
    def wrong(self) -> bool:
        """Whether it is shown as what not to do: the last words before it, or its first comment, say so."""
        first = self.text.lstrip().split("\n", 1)[0]
        comment = first if first.startswith("#") else ""
        for words in (comment, self.before):
            bad, good = _last(_WRONG, words), _last(_RIGHT, words)
            if bad >= 0 or good >= 0:
                return bad > good
        return False

    @property
    def final(self) -> bool:
        """Whether it is called the whole or final version."""
        return bool(_FINAL.search(self.before))


def meant(found: Sequence[Block]) -> list[Block]:
    """The blocks that an answer stands by: not those shown as wrong, unless there are no others (then the words before
    them speak of what they replace)."""
    return [block for block in found if not block.wrong] or list(found)


def _last(pattern: re.Pattern[str], words: str) -> int:
    return max((found.start() for found in pattern.finditer(words)), default=-1)


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a text; where it has none, its indented ones, or all of it if it is Python.

    >>> [block.text for block in blocks("Use\\n```python\\nx = 1\\n```\\n")]
    ['x = 1\\n']
    """
    text = text[:LONGEST].replace("\r\n", "\n")
    found = list(_fenced(text))
    return found[:MOST] if found else [*_indented(text)][:MOST] or _whole(text)


def _fenced(text: str) -> Iterator[Block]:
    inside: list[str] | None = None
    mark, language, before = "", "", ""
    words: list[str] = []
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if inside is None:
            if fence:
                inside, mark, language = [], fence.group(1), fence.group(2).strip().lower().split(" ")[0].strip("{.}")
                before = " ".join(words[-2:])[-200:]
            elif line.strip():
                words.append(line.strip())
        elif fence and fence.group(1).startswith(mark) and not fence.group(2).strip():
            yield Block(_clean(inside), language, before)
            inside, words = None, []
        else:
            inside.append(line)
    if inside:
        yield Block(_clean(inside), language, before)


def _clean(lines: Sequence[str]) -> str:
    """A block's text without common indentation and prompts."""
    if lines and all(line.startswith((">>>", "...")) or not line.strip() for line in lines):
        lines = [line[4:] for line in lines]
    return textwrap.dedent("\n".join(lines)).strip("\n") + "\n"


def _indented(text: str) -> Iterator[Block]:
    words = ""
    lines: list[str] = []
    for line in [*text.split("\n"), "end"]:
        if line.startswith(("    ", "\t")) or (lines and not line.strip()):
            lines.append(line)
            continue
        code = _clean(lines) if lines else ""
        if code.strip() and parsed(code) is not None:
            yield Block(code, "", words)
        if line.strip():
            words = line.strip()[-200:]
        lines = []


def _whole(text: str) -> list[Block]:
    tree = parsed(text)
    if tree is None or not any(
        isinstance(node, (ast.Assign, ast.For, ast.Import, ast.FunctionDef)) for node in tree.body
    ):
        return []
    return [Block(text)]


def inline(text: str) -> str:
    """Calls in the running text, between backticks, that are Python: ``CosineAnnealingLR(optimizer, T_max=90)``."""
    found = re.findall(r"`([^`\n]*\w\([^`\n]*\))`", text[:LONGEST])
    return "\n".join(line for line in found if parsed(line) is not None)


def parsed(text: str) -> ast.Module | None:
    """A text's tree; None where it is no Python."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def with_gaps(text: str) -> str:
    """Comments that stand for left-out code as the statement ``...``, if that leaves it Python."""
    changed = "\n".join(_ELIDED.sub(r"\1...", line) for line in text.split("\n"))
    return changed if parsed(changed) is not None else text


# -- the changed file -------------------------------------------------------------------------------------------------


def repaired(problem: Problem, answer: Answer) -> tuple[str | None, str]:
    """The changed file of a repair and how it was given; None and why where there is none."""
    path = str(problem.expected.get("path", "train.py"))
    broken = problem.files.get(path, "")
    given = file_of(answer.files, path)
    if given is not None and given.strip() and given != broken:
        return given, "the file was changed"
    if answer.files and given is not None and not given.strip():
        return None, "the file was emptied"
    found = blocks(answer.text)
    mine = [block for block in found if not _elsewhere(block, path, problem.files)]
    for way in (_by_diff, _by_whole_file, _by_pieces):
        text, reason = way(mine, broken)
        if text is not None or reason:
            return text, reason
    return None, "it shows no code" if not found else "its code cannot be put into the file unambiguously"


def file_of(files: Mapping[str, str], path: str) -> str | None:
    """A file among the changed ones by its path, or by its name where only one has it."""
    if path in files:
        return files[path]
    name = path.rsplit("/", 1)[-1]
    same = [text for key, text in files.items() if key.replace("\\", "/").rsplit("/", 1)[-1] == name]
    return same[0] if len(same) == 1 else None


def _elsewhere(block: Block, path: str, files: Mapping[str, str]) -> bool:
    """Whether a block is headed with the name of another file."""
    head = f"{block.before[-80:]} {block.text[:60]}"
    return any(other != path and other in head and path not in head for other in files)


def _by_diff(found: Sequence[Block], broken: str) -> tuple[str | None, str]:
    """Every diff applied, hunk by hunk, where its old lines stand."""
    text = broken
    diffs = [block for block in found if block.diff]
    for block in diffs:
        for old, new, at in _hunks(block.text):
            changed = _replaced(text, old, new, at)
            if changed is None:
                return None, "its diff does not apply"
            text = changed
    return (text, "a diff was given") if diffs and text != broken else (None, "")


def _hunks(text: str) -> Iterator[tuple[list[str], list[str], int]]:
    """The old lines, the new lines and the first line number of every hunk."""
    old: list[str] = []
    new: list[str] = []
    at = 0
    for line in [*text.rstrip("\n").split("\n"), "@@"]:
        if line.startswith("@@"):
            if old != new:
                yield old, new, at
            number = re.match(r"@@ -(\d+)", line)
            old, new, at = [], [], int(number.group(1)) if number else 0
        elif line.startswith(("--- ", "+++ ", "diff ", "index ", "\\")):
            continue
        elif line.startswith("-"):
            old.append(line[1:])
        elif line.startswith("+"):
            new.append(line[1:])
        else:
            old.append(line[1:] if line.startswith(" ") else line)
            new.append(old[-1])


def _replaced(text: str, old: list[str], new: list[str], at: int) -> str | None:
    """A text with some lines in the place of others that stand there once, or nearest to a line number."""
    lines = text.split("\n")
    if not any(line.strip() for line in old):
        return None
    wanted = [line.rstrip() for line in old]
    for key in (str.rstrip, str.strip):
        have = [key(line) for line in lines]
        want = [key(line) for line in wanted]
        places = [n for n in range(len(have) - len(want) + 1) if have[n] == want[0] and have[n : n + len(want)] == want]
        if len(places) > 1 and not at:
            return None
        if places:
            start = min(places, key=lambda place: abs(place + 1 - at))
            shift = _indent(lines[start]) - _indent(old[0])
            moved = [" " * shift + line if shift > 0 and line.strip() else line for line in new]
            return "\n".join([*lines[:start], *moved, *lines[start + len(want) :]])
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _by_whole_file(found: Sequence[Block], broken: str) -> tuple[str | None, str]:
    """The first block that has most of the file and is another; one that is called final or complete goes first. A
    changed file is meant, whatever the words before it say of the file as it was, unless there is another one."""
    files = []
    for block in sorted(found, key=lambda block: block.wrong):
        tree = None if block.diff else parsed(block.text)
        if tree is None or _imports(broken) and not _imports(block.text):
            continue  # a piece, however large: it could not run
        if with_gaps(block.text) == block.text and coverage(tree, broken) >= 0.6:
            files.append(block)
    changed = [block for block in files if same_code(block.text, broken) is False]
    if not files:
        return None, ""
    if not changed:
        return files[0].text, "the file is given as it was"
    return next((block.text for block in reversed(changed) if block.final), changed[0].text), "the whole file was given"


def _imports(text: str) -> bool:
    """Whether a script imports anything at its head."""
    tree = parsed(text)
    return tree is not None and any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in tree.body)


def coverage(tree: ast.Module, broken: str) -> float:
    """The share of a file's statements that a tree has."""
    whole = parsed(broken)
    if whole is None:
        return 0.0
    have, want = Counter(_heads(tree)), Counter(_heads(whole))
    return sum((have & want).values()) / max(sum(want.values()), 1)


def _heads(tree: ast.AST) -> Iterator[str]:
    """Every statement's first line, as Python would write it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            yield head(node)


def head(node: ast.stmt) -> str:
    """A statement as Python would write it, without the block that it opens."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        kind = "class" if isinstance(node, ast.ClassDef) else "def"
        arguments = "" if isinstance(node, ast.ClassDef) else f"({ast.unparse(node.args)})"
        return f"{kind} {node.name}{arguments}"
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}"
    if isinstance(node, (ast.If, ast.While)):
        return f"{'if' if isinstance(node, ast.If) else 'while'} {ast.unparse(node.test)}"
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return "with " + ", ".join(ast.unparse(item) for item in node.items)
    if isinstance(node, ast.Try):
        return "try"
    try:
        return ast.unparse(node)
    except (RecursionError, ValueError):
        return type(node).__name__


def same_code(one: str, other: str) -> bool | None:
    """Whether two texts are the same code but for formatting and comments; None where one is no Python."""
    first, second = parsed(one), parsed(other)
    if first is None or second is None:
        return None
    try:
        return ast.dump(first) == ast.dump(second)
    except RecursionError:
        return one == other


# -- pieces -----------------------------------------------------------------------------------------------------------


def _by_pieces(found: Sequence[Block], broken: str) -> tuple[str | None, str]:
    """The file with every piece in the place of what it redefines; the first of several for one place counts."""
    whole = parsed(broken)
    if whole is None:
        return None, ""
    done: set[str] = set()
    changed = False
    for block in meant(found):
        tree = None if block.diff else parsed(with_gaps(block.text))
        if tree is None or not tree.body:
            continue
        try:
            changed |= _spliced(tree, whole, done)
        except (RecursionError, ValueError):
            return None, "its code is nested too deeply"
    if not changed:
        return None, ""
    text = ast.unparse(ast.fix_missing_locations(whole))
    if same_code(text, broken):
        return broken, "the file is given as it was"
    return text, "pieces of the file were given"


def _spliced(piece: ast.Module, whole: ast.Module, done: set[str]) -> bool:
    """Put a piece into a tree; whether anything of it had a place."""
    index = _Index(whole)
    heads = [node for node in piece.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    rest = [node for node in piece.body if node not in heads and not _gap(node)]
    places = [index.find(node) for node in rest]
    if not any(places) or any(_key(node) in done for node, place in zip(rest, places) if place):
        return False
    before: tuple[list[ast.stmt], ast.stmt] | None = None
    waiting: list[ast.stmt] = []
    for node, place in zip(rest, places):
        if place is None:
            if before is not None:
                body, after = before
                body.insert(body.index(after) + 1, node)
                before = (body, node)
            else:
                waiting.append(node)
            continue
        body, old = place
        done.add(_key(node))
        new = merged(node, old)
        at = body.index(old)
        body[at : at + 1] = [*waiting, new]
        waiting, before = [], (body, new)
    known = {ast.unparse(node) for node in whole.body if isinstance(node, (ast.Import, ast.ImportFrom))}
    at = 1 if ast.get_docstring(whole) else 0
    whole.body[at:at] = [node for node in heads if ast.unparse(node) not in known]
    return True


class _Index:
    """Where the statements of a tree stand, by what they define."""

    def __init__(self, tree: ast.Module) -> None:
        self.by_key: dict[str, list[tuple[list[ast.stmt], ast.stmt]]] = {}
        for node in ast.walk(tree):
            for name in ("body", "orelse", "finalbody"):
                body = getattr(node, name, None)
                if isinstance(body, list):
                    for statement in body:
                        if isinstance(statement, ast.stmt):
                            self.by_key.setdefault(_key(statement), []).append((body, statement))

    def find(self, node: ast.stmt) -> tuple[list[ast.stmt], ast.stmt] | None:
        """The one statement that a piece's statement stands for; of several, the one that is just the same."""
        found = self.by_key.get(_key(node), [])
        if len(found) < 2 or not hasattr(node, "body"):
            return found[0] if len(found) == 1 else None
        shares = [shared(node, old) for _, old in found]  # several methods of one name: the one that it is most like
        best, second = sorted(shares, reverse=True)[:2]
        return found[shares.index(best)] if best >= 0.4 and best >= second + 0.2 else None


def shared(one: ast.stmt, other: ast.stmt) -> float:
    """The share of the statements of two blocks that both have."""
    first, second = Counter(_heads(one)), Counter(_heads(other))
    return 2 * sum((first & second).values()) / max(sum(first.values()) + sum(second.values()), 1)


def _key(node: ast.stmt) -> str:
    """What a statement defines: a name, a loop by its header; any other by its text."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return f"def {node.name}"
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return f"= {ast.unparse(node.targets[0])}"
    if isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        return f"= {ast.unparse(node.target)}"
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return f"for {re.sub(r'[^a-z]', '', ast.unparse(node.iter).lower())}"
    return head(node)


def _gap(node: ast.stmt) -> bool:
    """Whether a statement is ``...``: left-out code."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is Ellipsis


def merged(new: ast.stmt, old: ast.stmt) -> ast.stmt:
    """A new statement in the place of an old one: where it leaves code out, what was there stays."""
    body, before = getattr(new, "body", None), getattr(old, "body", None)
    if not isinstance(body, list) or not isinstance(before, list) or type(new) is not type(old):
        return new
    if not any(_gap(node) for part in body if isinstance(part, ast.stmt) for node in ast.walk(part)
               if isinstance(node, ast.stmt)):  # fmt: skip
        return new
    kept = [statement for statement in before if isinstance(statement, ast.stmt)]
    result: list[ast.stmt] = []
    for statement in body:
        if _gap(statement):
            named = {_key(one) for one in body if not _gap(one)}
            while kept and _key(kept[0]) not in named:
                result.append(kept.pop(0))
            continue
        same = next((one for one in kept if _key(one) == _key(statement)), None)
        if same is not None:
            del kept[: kept.index(same) + 1]
            result.append(merged(statement, same))
        else:
            result.append(statement)
    new.body = result or [ast.Pass()]  # type: ignore[attr-defined]
    return new
