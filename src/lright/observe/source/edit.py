"""From a remedy in words to edits of the text, and from edits to the mended text.

A :class:`~lright.finding.Remedy` says what to do with statements, loops and arguments; :func:`render` finds
them in the source and answers with edits that touch nothing else: comments stay with their statement,
continuation lines move along, line ends and tabs stay what they are. What cannot be done without touching
more is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ...errors import LrightError
from ...finding import Edit, Remedy
from ...records import record
from ...timeline import Place
from .text import place_of, split_lines, tree_of

Position = tuple[int, int]  # line and column, from 1, in characters
_Line = tuple[str, bool]  # a line to insert, without its end, and whether it is to be indented


class EditError(LrightError):
    """A remedy cannot be rendered, or edits cannot be applied, without touching more than they say."""


def render(remedy: Remedy, source: str, tree: ast.Module | None = None) -> tuple[Edit, ...]:
    """The edits of ``source`` that carry out ``remedy`` and the steps in its ``then``, in rising order.

    ``tree`` is ``source`` as `ast` parses it, if it is at hand. Raises EditError where there is no such
    statement, or the layout does not allow it.

    >>> source = "for batch in loader:\\n    update()\\n    tick()  # decay\\n"
    >>> move = Remedy("move-after-loop", "", Place(3, 5, 3, 11), to=Place(1, 1, 3, 11))
    >>> print(apply(source, render(move, source)), end="")
    for batch in loader:
        update()
    tick()  # decay
    """
    editor = _Editor(source, tree or tree_of(source))
    for step in _flat(remedy):
        editor.do(step)
    return editor.finish()


def apply(source: str, edits: Sequence[Edit]) -> str:
    """``source`` with ``edits`` carried out, all positions counted in the unchanged text.

    Raises EditError for edits that overlap or lie outside the text.
    """
    lines = split_lines(source)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    pieces, done = [], 0
    for edit in _ordered(edits):
        start, end = (_offset(position, starts) for position in (edit.start, edit.end))
        pieces += [source[done:start], edit.text]
        done = end
    return "".join([*pieces, source[done:]])


def overlapping(first: Sequence[Edit], second: Sequence[Edit]) -> bool:
    """Whether the two groups of edits touch the same text, or one inserts where the other ends."""
    return any(a.start <= b.end and b.start <= a.end for a in first for b in second)


def _flat(remedy: Remedy) -> Iterator[Remedy]:
    yield remedy
    for step in remedy.then:
        yield from _flat(step)


def _ordered(edits: Sequence[Edit]) -> list[Edit]:
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.end))
    for first, second in pairwise(ordered):
        if first.end > second.start:
            raise EditError(f"two edits overlap at line {second.start[0]}: apply one and check again")
    return ordered


def _offset(position: Position, starts: Sequence[int]) -> int:
    line, column = position
    if 1 <= line <= len(starts) and column >= 1:
        offset = starts[line - 1] + column - 1
        if offset <= (starts[line] if line < len(starts) else starts[-1]):
            return offset
    raise EditError(f"the text has no line {line} with a column {column}: check the file again")


@record(frozen=True, slots=True)
class _Home:
    """Where a statement stands: its block, the node and the field that hold it, and the scope."""

    block: list[ast.stmt]
    owner: ast.AST
    field: str
    scope: ast.AST


@record(frozen=True, slots=True)
class _Items:
    """What stands between two brackets; the last item may come without a comma."""

    open: Position  # just after the opening bracket
    items: tuple[tuple[Position, Position], ...]
    commas: tuple[Position, ...]
    close: Position  # just before the closing bracket


class _Editor:
    """Collects the edits of one remedy."""

    def __init__(self, source: str, tree: ast.Module) -> None:
        self.lines = split_lines(source)
        self.tree = tree
        self.homes: dict[ast.stmt, _Home] = {}
        self.starts: dict[Position, ast.stmt] = {}
        self.edits: list[Edit] = []
        self.removed: list[ast.stmt] = []
        self._settle(tree, tree)

    def _settle(self, owner: ast.AST, scope: ast.AST) -> None:
        """Note the home of every statement below ``owner``."""
        if isinstance(owner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            scope = owner
        for name, value in ast.iter_fields(owner):
            if not isinstance(value, list):
                continue
            for child in value:
                if isinstance(child, ast.stmt):
                    self.homes[child] = _Home(value, owner, name, scope)
                    place = self.place(child)
                    self.starts[place.line, place.column] = child
                    self._settle(child, scope)
                elif isinstance(child, (ast.excepthandler, ast.match_case)):
                    self._settle(child, scope)

    # What each action does

    def do(self, remedy: Remedy) -> None:
        """Note the edits of one step."""
        action = getattr(self, "_do_" + remedy.action.replace("-", "_"), None)
        if action is None:
            raise EditError(f"there is no remedy called {remedy.action!r}")
        action(remedy)

    def _do_replace(self, remedy: Remedy) -> None:
        place = remedy.place
        text = f"({remedy.text})" if self._needs_parentheses(place, remedy.text) else remedy.text
        self._edit((place.line, place.column), (place.end_line, place.end_column), text)

    def _do_insert_argument(self, remedy: Remedy) -> None:
        call = self._node(remedy.place, ast.Call)
        if len(call.args) == 1 and isinstance(call.args[0], ast.GeneratorExp):
            raise EditError(f"line {call.lineno}: a bare generator allows no second argument")
        keyword = _keyword(remedy.text)
        items = self._items(call)
        if keyword is not None and keyword in [other.arg for other in call.keywords]:
            raise EditError(f"line {call.lineno}: the call already has the argument {keyword}")
        if keyword is None and call.keywords:
            first = min((self.place(other) for other in call.keywords), key=lambda place: place.line)
            self._insert_item(items, self._index(items, first), remedy.text)
        else:
            self._append_item(items, remedy.text)

    def _do_add_entry(self, remedy: Remedy) -> None:
        self._append_item(self._items(self._node(remedy.place, ast.Dict)), remedy.text)

    def _do_remove_argument(self, remedy: Remedy) -> None:
        start = (remedy.place.line, remedy.place.column)
        for call in ast.walk(self.tree):
            if isinstance(call, ast.Call) and any(self._is_at(argument, start) for argument in _arguments(call)):
                items = self._items(call)
                self._remove_item(items, self._index(items, remedy.place))
                return
        raise EditError(f"no argument of a call stands at {remedy.place}")

    def _do_delete(self, remedy: Remedy) -> None:
        self.removed.append(self._statement(remedy.place))

    def _do_move_after_loop(self, remedy: Remedy) -> None:
        statement, loop = self._statement(remedy.place), self._loop(remedy)
        if statement not in list(ast.walk(loop)):
            raise EditError(f"the statement at {remedy.place} is not inside the loop at {remedy.to}")
        self._move(statement, loop, after=True)

    def _do_move_to_loop_end(self, remedy: Remedy) -> None:
        statement, last = self._statement(remedy.place), self._loop(remedy).body[-1]
        if statement is last:
            raise EditError(f"the statement at {remedy.place} already is the last of its loop")
        self._move(statement, last, after=True)

    def _do_move_before(self, remedy: Remedy) -> None:
        self._move(self._statement(remedy.place), self._statement(_target(remedy)), after=False)

    def _do_move_after(self, remedy: Remedy) -> None:
        self._move(self._statement(remedy.place), self._statement(_target(remedy)), after=True)

    def _do_insert_before(self, remedy: Remedy) -> None:
        self._insert(_new_lines(remedy.text), self._statement(remedy.place), after=False)

    def _do_insert_after(self, remedy: Remedy) -> None:
        self._insert(_new_lines(remedy.text), self._statement(remedy.place), after=True)

    # Finding what a remedy names

    def place(self, node: ast.AST) -> Place:
        """Where ``node`` stands."""
        return place_of(node, self.lines)

    def _statement(self, place: Place) -> ast.stmt:
        """The statement that begins at ``place``, or the simple statement around it."""
        statement = self.starts.get((place.line, place.column))
        if statement is not None:
            return statement
        around = [node for node in self.homes if _contains(self.place(node), place)]
        if around and not _is_compound(around[-1]):  # outer ones were noted first
            return around[-1]
        raise EditError(f"no statement stands at {place}")

    def _loop(self, remedy: Remedy) -> ast.For | ast.AsyncFor | ast.While:
        loop = self._statement(_target(remedy))
        if isinstance(loop, (ast.For, ast.AsyncFor, ast.While)):
            return loop
        raise EditError(f"no loop stands at {remedy.to}")

    def _node(self, place: Place, kind: type[_Expression]) -> _Expression:
        for node in ast.walk(self.tree):
            if isinstance(node, kind) and self.place(node) == place:
                return node
        raise EditError(f"no {kind.__name__.lower()} stands at {place}")

    def _is_at(self, node: ast.AST, start: Position) -> bool:
        if node.lineno != start[0]:  # type: ignore[attr-defined]
            return False
        place = self.place(node)
        return (place.line, place.column) == start

    # Statements: cutting, moving, inserting

    def _move(self, statement: ast.stmt, anchor: ast.stmt, *, after: bool) -> None:
        line = statement.lineno
        if any(node is anchor for node in ast.walk(statement)):
            raise EditError(f"line {line}: a statement cannot move to a place inside itself")
        if self._is_elif(statement):
            raise EditError(f"line {line}: an elif cannot move without its if")
        if self.homes[statement].scope is not self.homes[anchor].scope:
            raise EditError(f"line {line}: the statement would move into another function")
        text = self._text(statement)
        self.removed.append(statement)
        self._insert(text, anchor, after=after)

    def _text(self, statement: ast.stmt) -> list[_Line]:
        """The lines of ``statement`` without their common indentation."""
        own, place = self._own_lines(statement), self.place(statement)
        first, last = own or (place.line, place.end_line)
        lines = [line.rstrip("\r\n") for line in self.lines[first - 1 : last]]
        indent = _indent(lines[0])
        if not own:  # it shares its lines with others
            lines[-1] = lines[-1][: place.end_column - 1]
            lines[0] = indent + lines[0][place.column - 1 :]
        inside = _string_lines(statement)
        return [
            (line[len(indent) :], True)
            if line.startswith(indent) and line.strip() and number not in inside
            else (line, False)
            for number, line in enumerate(lines, first)
        ]

    def _insert(self, text: Sequence[_Line], anchor: ast.stmt, *, after: bool) -> None:
        """Put ``text`` next to ``anchor``, at its indentation."""
        if self._is_elif(anchor):
            raise EditError(f"line {anchor.lineno}: nothing can stand next to an elif")
        own = self._own_lines(anchor, comments=False)
        if own is None:
            self._insert_in_line(text, anchor, after=after)
            return
        first, last = own
        indent, end = _indent(self.lines[first - 1]), self._line_end(last)
        body = "".join((indent if indented else "") + line + end for line, indented in text)
        self._insert_lines(last + 1 if after else first, body, end)

    def _insert_in_line(self, text: Sequence[_Line], anchor: ast.stmt, *, after: bool) -> None:
        """Next to one of several statements on a line, or after a colon: with a semicolon."""
        piece = text[0][0].rstrip("; \t").lstrip()
        if len(text) > 1 or "#" in piece or any(map(_is_compound, (anchor, *ast.parse(piece).body))):
            raise EditError(f"line {anchor.lineno}: several statements share this line: give each its own first")
        place = self.place(anchor)
        if after:
            end = (place.end_line, place.end_column)
            self._edit(end, end, f"; {piece}")
        else:
            start = (place.line, place.column)
            self._edit(start, start, f"{piece}; ")

    def _insert_lines(self, number: int, text: str, end: str) -> None:
        """Put whole lines before line ``number``; a text without a final line end stays without one."""
        last = self.lines[-1]
        if number > len(self.lines) and not _line_end(last):
            here = (len(self.lines), len(last) + 1)
            self._edit(here, here, end + text.removesuffix(end))
        else:
            self._edit((number, 1), (number, 1), text)

    def _remove_statements(self) -> None:
        for statement in self.removed:
            home = self.homes[statement]
            left = [other for other in home.block if other not in self.removed]
            may_be_empty = isinstance(home.owner, ast.Module) or self._is_elif(statement)
            if not left and not may_be_empty and statement is home.block[-1]:
                self._replace_by_pass(statement)
            elif self._is_elif(statement) and statement.orelse:  # type: ignore[attr-defined]
                raise EditError(f"line {statement.lineno}: an elif with an else cannot be removed")
            else:
                self._remove(statement, home.block)

    def _replace_by_pass(self, statement: ast.stmt) -> None:
        own, place = self._own_lines(statement), self.place(statement)
        start, end = (place.line, place.column), (place.end_line, place.end_column)
        if own:  # its comments go with it
            start = (own[0], place.column)
            end = (own[1], len(self.lines[own[1] - 1].rstrip("\r\n")) + 1)
        self._edit(start, end, "pass")

    def _remove(self, statement: ast.stmt, block: list[ast.stmt]) -> None:
        own = self._own_lines(statement)
        if own:
            self._remove_lines(*own)
            return
        index, place = block.index(statement), self.place(statement)
        after = self.place(block[index + 1]) if index + 1 < len(block) else None
        before = self.place(block[index - 1]) if index else None
        if after and after.line == place.end_line:
            self._edit((place.line, place.column), (after.line, after.column), "")
        elif before and before.end_line == place.line:
            self._edit((before.end_line, before.end_column), (place.end_line, place.end_column), "")
        else:
            raise EditError(f"line {statement.lineno}: the statement shares its line: give it its own first")

    def _remove_lines(self, first: int, last: int) -> None:
        if _line_end(self.lines[last - 1]):
            self._edit((first, 1), (last + 1, 1), "")
            return
        end = (last, len(self.lines[last - 1]) + 1)  # the text stays without a final line end
        start = (first - 1, len(self.lines[first - 2].rstrip("\r\n")) + 1) if first > 1 else (1, 1)
        self._edit(start, end, "")

    def _own_lines(self, statement: ast.stmt, *, comments: bool = True) -> tuple[int, int] | None:
        """The first and last line of a statement that shares them with no other, or None.

        The comments right above it belong to it where no other statement follows without a blank line: they
        then say what this one is for.
        """
        first, place = _first_line(statement), self.place(statement)
        before = self.lines[first - 1][: place.column - 1]
        behind = self.lines[place.end_line - 1][place.end_column - 1 :].strip().lstrip("; \t")
        joined = first > 1 and self.lines[first - 2].rstrip("\r\n").endswith("\\")
        if before.strip() or joined or (behind and not behind.startswith("#")):
            return None
        block = self.homes[statement].block
        last = place.end_line
        alone = statement is block[-1] or not self.lines[last].strip()
        while comments and alone and first > 1 and self.lines[first - 2].startswith(before + "#"):
            first -= 1
        return first, last

    def _line_end(self, number: int) -> str:
        """How line ``number`` ends; the last one, which may not, as the first."""
        return _line_end(self.lines[number - 1]) or _line_end(self.lines[0]) or "\n"

    def _is_elif(self, statement: ast.stmt) -> bool:
        if not isinstance(statement, ast.If) or self.homes[statement].field != "orelse":
            return False
        place = self.place(statement)
        return self.lines[place.line - 1][place.column - 1 :].startswith("elif")

    # Items between brackets: arguments and dict entries

    def _items(self, node: ast.Call | ast.Dict) -> _Items:
        opens: list[Position] = []
        top: dict[int, list[Position]] = {}  # commas by depth
        spans: dict[int, list[tuple[Position, Position]]] = {}
        fresh: dict[int, bool] = {}
        found: _Items | None = None
        for text, start, end in self._tokens(self.place(node)):
            depth = len(opens)
            if text in (")", "]", "}"):
                found = _Items(opens.pop(), tuple(spans[depth]), tuple(top[depth]), start)
                depth -= 1
            elif text == ",":
                top[depth].append(start)
                fresh[depth] = True
                continue
            if depth:
                _extend(spans[depth], start, end, fresh[depth])
                fresh[depth] = False
            if text in ("(", "[", "{"):
                opens.append(end)
                depth += 1
                top[depth], spans[depth], fresh[depth] = [], [], True
        assert found is not None  # a call and a dict display end with a bracket
        return found

    def _tokens(self, place: Place) -> Iterator[tuple[str, Position, Position]]:
        """The tokens in ``place`` that are not layout, with their positions in the whole text."""
        import tokenize

        lines = [line.rstrip("\r\n") + "\n" for line in self.lines[place.line - 1 : place.end_line]]
        lines[-1] = lines[-1][: place.end_column - 1] + ")"  # in brackets line ends and indentation mean nothing
        lines[0] = "(" + lines[0][place.column - 1 :]
        layout = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER)
        tokens = [token for token in tokenize.generate_tokens(iter(lines).__next__) if token.type not in layout]

        def where(position: Position) -> Position:
            row, column = position
            return row + place.line - 1, column + (place.column - 1 if row == 1 else 1)

        for token in tokens[1:-1]:
            yield token.string, where(token.start), where(token.end)

    def _index(self, items: _Items, place: Place) -> int:
        for index, (start, end) in enumerate(items.items):
            if start <= (place.line, place.column) < end:
                return index
        raise EditError(f"no argument stands at {place}")

    def _append_item(self, items: _Items, text: str) -> None:
        if not items.items:
            self._edit(items.open, items.open, text)
            return
        start, end = items.items[-1]
        if not self._begins_line(start):
            self._edit(end, end, f", {text}")
            return
        comma = items.commas[-1] if len(items.commas) == len(items.items) else None
        tail = (comma[0], comma[1] + 1) if comma else end
        indent, line_end = _indent(self.lines[start[0] - 1]), self._line_end(tail[0])
        new, missing = (f"{indent}{text},", "") if comma else (indent + text, ",")
        if items.close[0] == tail[0]:  # the bracket closes on the line of the last item
            self._edit(tail, tail, missing + line_end + new)
        else:
            self._edit(tail, tail, missing)
            self._edit((tail[0] + 1, 1), (tail[0] + 1, 1), new + line_end)

    def _insert_item(self, items: _Items, index: int, text: str) -> None:
        start = items.items[index][0]
        gap = " "
        if self._begins_line(start):
            gap = self._line_end(start[0]) + _indent(self.lines[start[0] - 1])
        self._edit(start, start, f"{text},{gap}")

    def _remove_item(self, items: _Items, index: int) -> None:
        start, end = items.items[index]
        comma = items.commas[index] if index < len(items.commas) else None
        tail = (comma[0], comma[1] + 1) if comma else end
        behind = self.lines[tail[0] - 1][tail[1] - 1 :].strip()
        if self._begins_line(start) and (not behind or behind.startswith("#")):
            self._remove_lines(start[0], tail[0])
        elif len(items.items) == 1:
            self._edit(start, tail, "")
        elif index + 1 < len(items.items):
            self._edit(start, items.items[index + 1][0], "")
        else:
            self._edit(items.commas[index - 1], end, "")

    def _begins_line(self, start: Position) -> bool:
        return not self.lines[start[0] - 1][: start[1] - 1].strip()

    def _needs_parentheses(self, place: Place, text: str) -> bool:
        """Whether ``text`` in place of an operand would be torn apart by the operators around it."""
        try:
            new = ast.parse(text.strip(), mode="eval").body
        except SyntaxError:
            return False
        if not isinstance(new, (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Lambda, ast.Await)):
            return False
        around = (
            ast.BinOp,
            ast.UnaryOp,
            ast.BoolOp,
            ast.Compare,
            ast.Attribute,
            ast.Subscript,
            ast.Starred,
            ast.Await,
        )
        for parent in ast.walk(self.tree):
            for child in ast.iter_child_nodes(parent):
                if isinstance(child, ast.expr) and child.lineno == place.line and self.place(child) == place:
                    held = isinstance(parent, ast.Subscript) and child is parent.slice
                    return isinstance(parent, around) and not held
        return False

    # Putting it together

    def _edit(self, start: Position, end: Position, text: str) -> None:
        if text or start != end:
            self.edits.append(Edit(start, end, text))

    def finish(self) -> tuple[Edit, ...]:
        """Every edit, in rising order."""
        self._remove_statements()
        return tuple(_ordered(self.edits))


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    _Expression = TypeVar("_Expression", ast.Call, ast.Dict)


def _extend(spans: list[tuple[Position, Position]], start: Position, end: Position, fresh: bool) -> None:
    """Let the last item reach to ``end``, or begin a ``fresh`` one."""
    if fresh:
        spans.append((start, end))
    else:
        spans[-1] = (spans[-1][0], end)


def _target(remedy: Remedy) -> Place:
    if remedy.to is None:
        raise EditError(f"the remedy {remedy.action} does not say where to")
    return remedy.to


def _keyword(argument: str) -> str | None:
    """The name in ``name=value``; None for a bare value."""
    try:
        call = ast.parse(f"f({argument})", mode="eval").body
    except SyntaxError:
        raise EditError(f"{argument!r} is no argument of a call") from None
    assert isinstance(call, ast.Call)
    return call.keywords[0].arg if call.keywords else None


def _arguments(call: ast.Call) -> Iterator[ast.AST]:
    yield from call.args
    for keyword in call.keywords:
        yield keyword
        yield keyword.value


def _contains(outer: Place, inner: Place) -> bool:
    return (outer.line, outer.column) <= (inner.line, inner.column) and (
        inner.end_line,
        inner.end_column,
    ) <= (
        outer.end_line,
        outer.end_column,
    )


def _is_compound(statement: ast.stmt) -> bool:
    return hasattr(statement, "body") or hasattr(statement, "cases")


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(node.lineno for node in decorators)])


def _string_lines(statement: ast.stmt) -> set[int]:
    """The lines that begin inside a string: their white space is part of its value."""
    inside: set[int] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))):
            inside.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    return inside


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t\f"))]


def _new_lines(text: str) -> list[_Line]:
    return [(line, bool(line.strip())) for line in text.splitlines()]


def _line_end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]
