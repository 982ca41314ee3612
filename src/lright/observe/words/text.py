"""Which lines of a question are Python and which are prose.

Two names side by side without an operator between them do not occur in Python unless one of them is a keyword, and
occur in nearly every line of prose: that is the whole test. A run of lines is code when one of its lines could be
nothing else (an assignment of a call, a loop, a dotted call).
"""

from __future__ import annotations

import re

from .heard import Code

STRONG, WEAK, INNER, PROSE, BLANK = "strong", "weak", "inner", "prose", "blank"

_KEYWORDS = frozenset(
    "and as assert async await break class continue def del elif else except finally for from global if import in is "
    "lambda nonlocal not or pass raise return try while with yield".split()
)
_QUOTED = r"""(?<![A-Za-z0-9])[fFrRbBuU]{0,2}("[^"\n]*"|'[^'\n]*')|(?:^|(?<=\s))#.*"""
_SEVERAL = r"[A-Za-z_]\w*\s*,.*?[^ ]=[^ =]"  # "Adam, betas=(0.9, 0.95)" is prose, "x, y = f()" is not
_REMARK = r"[=\d.]+ \([a-z]"  # lr=0.001 (constant)
_PAIR = r"([\w\])\"%]+)[ \t]+(?=([\w\"]+))"
_STATEMENT = (
    r"for [\w, ()*]+ in \S.*:|while (?:True|1|.*[<>=(].*):|(?:async )?(?:with [\w.]+\(.*:|def \w+\()|class \w+[(:]"
    r"|import [\w., ]+$|from [\w.]+ import [\w(*]|@\w[\w.]*(?:\(.*\))?$"
)
_CLAUSE = r"(?:if|elif) .*[\w)\]]:|(?:else|try|finally):|except\b.*:|return\b|raise \w|(?:pass|break|continue|\.\.\.)$"
_ASSIGNED = r"[A-Za-z_][\w.\[\]]*(?:\s*,\s*[A-Za-z_*][\w.\[\]]*)*\s*(?::\s*[\w.\[\]]+\s*)?(?:[-+*/%@|&]|\*\*|//)?=(?!=)"
_CALLED = r"(?:await )?[A-Za-z_]\w*(?:\.\w+)*\("
_FENCE = r"\s*(`{3,}|~{3,})\s*(\S*)"
_PYTHON = ("python", "py", "python3", "pycon", "ipython")


def split(text: str) -> tuple[str, tuple[Code, ...]]:
    """The text with its code blanked out, character for character, and the code.

    >>> prose, code = split("My loop:\\nfor x in loader:\\n    scheduler.step()\\nWhat is wrong?")
    >>> code
    (Code(text='for x in loader:\\n    scheduler.step()', line=2),)
    >>> prose.split()
    ['My', 'loop:', 'What', 'is', 'wrong?']
    """
    lines = text.split("\n")
    owners = _fenced(lines)
    _unfenced(lines, owners)
    blocks: dict[int, list[int]] = {}
    for index, owner in enumerate(owners):
        if owner > 0:
            blocks.setdefault(owner, []).append(index)
    kept = [line if owner == 0 else " " * len(line) for line, owner in zip(lines, owners)]
    code = [_dedented([lines[i] for i in block], block[0] + 1) for block in blocks.values()]
    return "\n".join(kept), tuple(sorted((one for one in code if one.text.strip()), key=lambda one: one.line))


_COMMENT = r"(?:^|(?<=\s))#(?!!)([^\n]*)"


def with_comments(text: str, masked: str) -> str:
    """The prose with the comments of the code, each a sentence of its own."""
    if "#" not in text or text == masked:
        return masked
    signs = list(masked)
    for found in re.finditer(_COMMENT, text):
        if masked[found.start()] == " " and masked[found.start() : found.end()].isspace():
            signs[found.start() : found.end()] = "." + text[found.start() + 1 : found.end()]
    return "".join(signs)


def _fenced(lines: list[str]) -> list[int]:
    """For each line the number of the fenced block it is in; 0 for none yet and -1 for the fences themselves."""
    owners = [0] * len(lines)
    index = number = 0
    if not any("```" in line or "~~~" in line for line in lines):
        return owners
    while index < len(lines):
        opened = re.match(_FENCE, lines[index])
        if not opened:
            index += 1
            continue
        mark, language = opened.groups()
        end = index + 1
        while end < len(lines) and not lines[end].strip().startswith(mark):
            end += 1
        if opened.end() < len(lines[index].rstrip()):  # ```inline``` on one line, or a fence with prose after it
            index += 1
            continue
        owners[index] = -1
        if end < len(lines):
            owners[end] = -1
        body = range(index + 1, end)
        if language.lower() in _PYTHON or any(kind(lines[i]) == STRONG for i in body):
            number += 1
            for i in body:
                owners[i] = number
        index = end + 1
    return owners


def _unfenced(lines: list[str], owners: list[int]) -> None:
    """Give every run of lines outside the fences that is code a number of its own."""
    number = max([*owners, 0])
    index = 0
    while index < len(lines):
        if owners[index] != 0 or kind(lines[index]) in (PROSE, BLANK, INNER) or _in_traceback(lines, index):
            index += 1
            continue
        run = _run(lines, owners, index)
        if any(kind(lines[i]) == STRONG for i in run):
            number += 1
            for i in run:
                owners[i] = number
        index = run[-1] + 1


def _in_traceback(lines: list[str], index: int) -> bool:
    return index > 0 and lines[index - 1].lstrip().startswith('File "')


def _run(lines: list[str], owners: list[int], start: int) -> list[int]:
    """The lines from ``start`` on that are one fragment: blank lines join code, an open bracket takes what follows."""
    last, depth, index = start, 0, start
    base = _indent(lines[start])
    while index < len(lines) and owners[index] == 0:
        seen = kind(lines[index])
        inside = _indent(lines[index]) > base and last == index - 1 and lines[last].rstrip().endswith(":")
        if seen == PROSE and not (inside and len(lines[index].split()) < 7):
            break
        if seen == INNER and not depth and not inside:
            break
        if seen != BLANK:
            depth = max(0, depth + _depth(lines[index]))
            last = index
        index += 1
    while last > start and lines[last].lstrip().startswith("#") and _indent(lines[last]) == 0:
        last -= 1  # a comment at the end may be a heading
    return list(range(start, last + 1))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _depth(line: str) -> int:
    bare = _bare(line)
    return sum(bare.count(one) for one in "([{") - sum(bare.count(one) for one in ")]}")


def _bare(line: str) -> str:
    """The line without its comment, with every string as ``""``."""
    return re.sub(_QUOTED, lambda found: '""' if found.group(1) else "", line[:2000]).strip()


def kind(line: str) -> str:
    """What one line could be.

    >>> [kind(line) for line in ("scheduler.step()", "lr = 0.1", "I use StepLR(opt, 30).", "lr=0.1, bs=32")]
    ['strong', 'weak', 'prose', 'prose']
    """
    bare = _bare(line)
    if not bare:
        return WEAK if line.strip() else BLANK
    if bare.endswith(("?", "!")) or (bare.endswith(".") and not bare.endswith("...")) or _side_by_side(bare):
        return PROSE
    if re.match(_STATEMENT, bare):
        return STRONG
    if re.match(_CLAUSE, bare) or not bare.strip(")]},: "):
        return WEAK
    assigned = re.match(_ASSIGNED, bare)
    if assigned and (
        re.match(_SEVERAL, assigned.group() + bare[assigned.end() : assigned.end() + 1]) or re.search(_REMARK, bare)
    ):
        return PROSE
    if assigned:
        return _assignment(bare[assigned.end() :])
    if re.match(_CALLED, bare) and bare.endswith((")", ",", "(", "[", "{", ");")):
        return STRONG
    return INNER if bare.endswith((",", ")", "]", "}")) or bare[0] in "([{*'\"" else PROSE


def _assignment(value: str) -> str:
    depth = 0
    for index, one in enumerate(value):
        depth += (one in "([{") - (one in ")]}")
        if one == "," and depth <= 0 and "=" in value[index:]:
            return PROSE  # lr=0.1, bs=32: settings in a row, no Python
    if depth < 0 or (value.rstrip().endswith(",") and depth == 0):
        return INNER  # an argument on a line of its own
    return STRONG if "(" in value or "[" in value else WEAK


def _side_by_side(bare: str) -> bool:
    return any(
        not (found.group(1).lower() in _KEYWORDS or found.group(2).lower() in _KEYWORDS)
        for found in re.finditer(_PAIR, bare)
    )


def _dedented(lines: list[str], first: int) -> Code:
    """The block without its common indentation; a line of prose inside a loop stands for a step and becomes one."""
    while lines and not lines[0].strip():
        lines, first = lines[1:], first + 1
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    margin = min((_indent(line) for line in lines if line.strip()), default=0)
    return Code("\n".join(line[margin:].rstrip() for line in lines), first)
