"""Lines, columns and places: where a piece of syntax stands in the text as a person counts it.

`ast` counts lines from 1 and columns from 0 **in UTF-8 bytes**; a :class:`~lright.timeline.Place` counts
both from 1 and columns **in characters**. Lines end where Python's own tokenizer ends them: at LF, CRLF or
a lone CR, and not at form feeds or Unicode separators, where `str.splitlines` would.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from ...timeline import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast


def split_lines(source: str) -> list[str]:
    r"""The lines of ``source`` with their line ends; joined they give ``source`` again.

    >>> split_lines("a\r\n\fb\nc")
    ['a\r\n', '\x0cb\n', 'c']
    >>> split_lines("a\n")
    ['a\n']
    """
    return list(io.StringIO(source, newline=""))


def place_of(node: ast.AST, lines: Sequence[str]) -> Place:
    """Where ``node`` (a statement, an expression ...) stands; ``lines`` come from :func:`split_lines`.

    >>> import ast
    >>> source = "é = step(1)"
    >>> str(place_of(ast.parse(source).body[0].value, split_lines(source)))
    '1:5'
    """
    line, end_line = node.lineno, node.end_lineno  # type: ignore[attr-defined]
    return Place(
        line,
        column(lines[line - 1], node.col_offset),  # type: ignore[attr-defined]
        end_line,
        column(lines[end_line - 1], node.end_col_offset),  # type: ignore[attr-defined]
    )


def column(line: str, offset: int) -> int:
    """The 1-based column in characters of the UTF-8 byte ``offset`` in ``line``.

    >>> column("é = 1", 3)
    3
    """
    if line.isascii():
        return offset + 1
    return len(line.encode("utf-8")[:offset].decode("utf-8", "replace")) + 1


def position(lines: Sequence[str], line: int, column: int) -> int:
    r"""The index in the whole text of a 1-based ``line`` and ``column``; slow for one-off use.

    >>> position(split_lines("ab\r\ncd"), 2, 2)
    5
    """
    return sum(map(len, lines[: line - 1])) + column - 1


def tree_of(source: str) -> ast.Module:
    """The syntax tree, also of ``tensor.cuda(async=True)``, which was Python until 3.7 made ``async`` a keyword."""
    import ast

    try:
        return ast.parse(source)
    except SyntaxError:
        if "async" not in source:
            raise
        import re

        older = re.sub(r"\basync(?=\s*=[^=])", "_sync", source)  # as long as it was: places stay
        if older == source:
            raise
        return ast.parse(older)
