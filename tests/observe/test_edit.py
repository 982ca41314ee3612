"""Remedies as edits: what moves, what stays, and what is refused."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lright.errors import LrightError
from lright.finding import Edit, Remedy
from lright.observe.source.edit import apply, render
from lright.observe.source.text import place_of, split_lines
from lright.timeline import Place


def at(source: str, piece: str, number: int = 1) -> Place:
    """Where the ``number``-th ``piece`` stands in ``source``."""
    start = -1
    for _ in range(number):
        start = source.index(piece, start + 1)
    lines = split_lines(source[:start]) or [""]
    if lines[-1].endswith(("\n", "\r")):
        lines.append("")
    body = split_lines(piece)
    end_line = len(lines) + len(body) - 1
    end_column = len(body[-1]) + 1 + (len(lines[-1]) if len(body) == 1 else 0)
    return Place(len(lines), len(lines[-1]) + 1, end_line, end_column)


def mended(source: str, action: str, piece: str, text: str = "", to: str = "", number: int = 1) -> str:
    target = at(source, to) if to else None
    remedy = Remedy(action, "", at(source, piece, number), text, target)
    result = apply(source, render(remedy, source))
    ast.parse(result)
    return result


LOOP = """\
for epoch in range(90):
    for batch in loader:
        loss.backward()
        optimizer.step()
        scheduler.step()  # decay

    print(epoch)
"""


def test_move_after_loop() -> None:
    assert (
        mended(LOOP, "move-after-loop", "scheduler.step()", to="for batch")
        == """\
for epoch in range(90):
    for batch in loader:
        loss.backward()
        optimizer.step()
    scheduler.step()  # decay

    print(epoch)
"""
    )


def test_move_after_loop_takes_its_comment_and_keeps_crlf_and_tabs() -> None:
    source = "if x:\r\n\tfor b in c:\r\n\t\tgo()\r\n\r\n\t\t# decay\r\n\t\ttick(\r\n\t\t\t1,\r\n\t\t)\r\n"
    assert mended(source, "move-after-loop", "tick(", to="for b") == (
        "if x:\r\n\tfor b in c:\r\n\t\tgo()\r\n\r\n\t# decay\r\n\ttick(\r\n\t\t1,\r\n\t)\r\n"
    )


def test_a_comment_on_several_statements_stays() -> None:
    source = "for b in c:\n    # update\n    tick()\n    go()\n"
    assert mended(source, "move-after-loop", "tick()", to="for b") == ("for b in c:\n    # update\n    go()\ntick()\n")


def test_move_a_guard_with_its_only_statement() -> None:
    source = "for b in c:\n    go()\n    if b > 2:\n        tick()\n\n        log()\n"
    assert mended(source, "move-after-loop", "if b > 2:", to="for b") == (
        "for b in c:\n    go()\nif b > 2:\n    tick()\n\n    log()\n"
    )


def test_a_loop_left_empty_passes() -> None:
    source = "for b in c:\n    tick()  # decay\n"
    assert mended(source, "move-after-loop", "tick()", to="for b") == "for b in c:\n    pass\ntick()  # decay\n"


def test_strings_keep_their_lines() -> None:
    source = 'for b in c:\n    go()\n    tick("""\n    inside\n""", [\n        1])\n'
    assert mended(source, "move-after-loop", "tick", to="for b") == (
        'for b in c:\n    go()\ntick("""\n    inside\n""", [\n    1])\n'
    )


def test_no_final_line_end_stays_none() -> None:
    source = "for b in c:\n    go()\n    tick()"
    assert mended(source, "move-after-loop", "tick()", to="for b") == "for b in c:\n    go()\ntick()"
    assert mended(source, "delete", "tick()") == "for b in c:\n    go()"
    assert mended("tick()", "delete", "tick()") == ""


def test_one_line_loops() -> None:
    source = "for x in y: a(); b()\n"
    assert mended(source, "move-after-loop", "b()", to="for x") == "for x in y: a()\nb()\n"
    assert mended(source, "move-after-loop", "a()", to="for x") == "for x in y: b()\na()\n"
    assert mended(source, "move-to-loop-end", "a()", to="for x") == "for x in y: b(); a()\n"
    assert mended(source, "delete", "a()") == "for x in y: b()\n"
    assert mended(source, "insert-after", "a()", "c()") == "for x in y: a(); c(); b()\n"
    assert mended("if c: x()  # why\n", "delete", "x()") == "if c: pass  # why\n"
    assert mended("a(); b(); c()\n", "move-before", "c()", to="b()") == "a(); c(); b()\n"


def test_move_before_and_after() -> None:
    assert "        scheduler.step()  # decay\n        optimizer.step()\n" in mended(
        LOOP, "move-before", "scheduler.step()", to="optimizer.step()"
    )
    assert "    print(epoch)\n    scheduler.step()  # decay\n" in mended(
        LOOP, "move-after", "scheduler.step()", to="print(epoch)"
    )
    source = "a()\nif c:\n    b()\n    d()\n"
    assert mended(source, "move-after", "a()", to="b()") == "if c:\n    b()\n    a()\n    d()\n"
    assert mended(source, "move-before", "if c:", to="a()") == "if c:\n    b()\n    d()\na()\n"


def test_move_to_loop_end() -> None:
    source = "for b in c:\n    tick()\n    if b:\n        go()\nend()\n"
    assert mended(source, "move-to-loop-end", "tick()", to="for b") == (
        "for b in c:\n    if b:\n        go()\n    tick()\nend()\n"
    )


def test_insert_statements() -> None:
    assert "\n        scheduler.step()  # decay\n        if x:\n            y()\n\n" in mended(
        LOOP, "insert-after", "scheduler.step()", "if x:\n    y()"
    )
    assert mended("a()", "insert-after", "a()", "b()") == "a()\nb()"
    assert mended("# first\na()\r\n", "insert-before", "a()", "b()") == "# first\nb()\r\na()\r\n"
    assert mended("@d\ndef f(): pass\n", "insert-before", "def", "b()") == "b()\n@d\ndef f(): pass\n"


@pytest.mark.parametrize(
    ("source", "text", "result"),
    [
        ("f()", "x", "f(x)"),
        ("f(  # why\n)", "x", "f(x  # why\n)"),
        ("f(a, b=1)", "c=2", "f(a, b=1, c=2)"),
        ("f(a,)", "c=2", "f(a, c=2,)"),
        ("f((a), b=(1))", "c=2", "f((a), b=(1), c=2)"),
        ("f(a, b=1, **k)", "x", "f(a, x, b=1, **k)"),
        ("f(**k)", "c=2", "f(**k, c=2)"),
        ("f(g(1, 2), [3, 4], {5: 6})", "c=2", "f(g(1, 2), [3, 4], {5: 6}, c=2)"),
        ("f(\n    a,\n    b=1,  # b\n)", "c=2", "f(\n    a,\n    b=1,  # b\n    c=2,\n)"),
        ("f(\n    a,\n    b=1  # b\n)", "c=2", "f(\n    a,\n    b=1,  # b\n    c=2\n)"),
        ("f(\r\n    a,\r\n    b=1)", "c=2", "f(\r\n    a,\r\n    b=1,\r\n    c=2)"),
        ("f(\n    b=1,\n)", "x", "f(\n    x,\n    b=1,\n)"),
        ("f('é,)', 'ü')", "c=2", "f('é,)', 'ü', c=2)"),
        ("f(a)(b)", "c=2", "f(a)(b, c=2)"),
        ("(a\n    .f(x)\n  .g(y))", "c=2", "(a\n    .f(x)\n  .g(y, c=2))"),
    ],
)
def test_insert_argument(source: str, text: str, result: str) -> None:
    call = source[1:-1] if source.startswith("(a") else source
    assert mended(source, "insert-argument", call, text) == result


@pytest.mark.parametrize(
    ("source", "piece", "result"),
    [
        ("f(a)", "a", "f()"),
        ("f(a, b=1)", "a", "f(b=1)"),
        ("f(a, b=1)", "b=1", "f(a)"),
        ("f(a, b=1)", "1", "f(a)"),
        ("f(a, b=1,)", "b=1", "f(a,)"),
        ("f((a), (b))", "b", "f((a))"),
        ("f(\n    a,  # a\n    b=1,  # b\n)", "b=1", "f(\n    a,  # a\n)"),
        ("f(\n    a,  # a\n    b=1  # b\n)", "a", "f(\n    b=1  # b\n)"),
        ("f(\n    a,\n    b=1)", "b=1", "f(\n    a)"),
        ("f(a, g(b, c), d)", "g(b", "f(a, d)"),
    ],
)
def test_remove_argument(source: str, piece: str, result: str) -> None:
    assert mended(source, "remove-argument", piece) == result


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("save({})", "save({'s': s()})"),
        ("save({'m': m})", "save({'m': m, 's': s()})"),
        (
            "save({\n    'm': m,\n    **o,\n}, path)",
            "save({\n    'm': m,\n    **o,\n    's': s(),\n}, path)",
        ),
    ],
)
def test_add_entry(source: str, result: str) -> None:
    display = source[source.index("{") : source.index("}") + 1]
    assert mended(source, "add-entry", display, "'s': s()") == result


def test_replace_keeps_the_operators_around_it() -> None:
    assert mended("x = f(n)", "replace", "n", "a + b") == "x = f(a + b)"
    assert mended("x = n * 2", "replace", "n", "a + b") == "x = (a + b) * 2"
    assert mended("x = n.y", "replace", "n", "-a") == "x = (-a).y"
    assert mended("x = y[n]", "replace", "n", "-a") == "x = y[-a]"
    assert mended("é = 'é', n", "replace", "n", "len(loader)") == "é = 'é', len(loader)"


def test_steps_are_applied_together() -> None:
    second = Remedy("insert-argument", "", at(LOOP, "range(90)"), "1")
    first = Remedy("move-after-loop", "", at(LOOP, "scheduler.step()"), to=at(LOOP, "for batch"), then=(second,))
    result = apply(LOOP, render(first, LOOP))
    assert "range(90, 1)" in result and "\n    scheduler.step()  # decay\n" in result


def test_a_block_emptied_by_two_steps_passes() -> None:
    source = "if c:\n    a()\n    b()\nd()\n"
    remedy = Remedy("delete", "", at(source, "a()"), then=(Remedy("delete", "", at(source, "b()")),))
    assert apply(source, render(remedy, source)) == "if c:\n    pass\nd()\n"


def test_an_elif_without_else_is_deleted_whole() -> None:
    assert mended("if a:\n    b()\nelif c:\n    d()\ne()\n", "delete", "elif c") == "if a:\n    b()\ne()\n"
    assert mended("if a:\n    b()\nelse:\n    d()\n", "delete", "d()") == "if a:\n    b()\nelse:\n    pass\n"


@pytest.mark.parametrize(
    ("source", "action", "piece", "to", "text", "reason"),
    [
        ("a()\n", "paint", "a()", "", "", "there is no remedy called 'paint'"),
        ("for x in y:\n    a()\nb()\n", "move-after-loop", "b()", "for x", "", "is not inside the loop"),
        ("a()\nb()\n", "move-after-loop", "b()", "a()", "", "no loop stands at 1:1"),
        ("for x in y:\n    a()\n", "move-to-loop-end", "a()", "for x", "", "already is the last"),
        ("for x in y:\n    a()\n", "move-after", "for x", "a()", "", "inside itself"),
        ("def f():\n    a()\nb()\n", "move-after", "a()", "b()", "", "into another function"),
        (
            "if a:\n    b()\nelif c:\n    d()\ne()\n",
            "move-after",
            "elif c",
            "e()",
            "",
            "an elif cannot move",
        ),
        ("if a:\n    b()\nelif c:\n    d()\ne()\n", "move-after", "e()", "elif c", "", "next to an elif"),
        (
            "if a:\n    b()\nelif c:\n    d()\nelse: e()\n",
            "delete",
            "elif c",
            "",
            "",
            "an elif with an else",
        ),
        ("if c: x()\n", "insert-after", "x()", "", "if a: b()", "share this line"),
        ("if c: x()\n", "insert-after", "x()", "", "a()\nb()", "share this line"),
        ("if c: x()\n", "insert-argument", "c", "", "a", "no call stands at 1:4"),
        ("f(x for x in y)", "insert-argument", "f(x for x in y)", "", "a", "bare generator"),
        ("f(a=1)", "insert-argument", "f(a=1)", "", "a=2", "already has the argument a"),
        ("f(a=1)", "insert-argument", "f(a=1)", "", "a b", "is no argument"),
        ("f(a=1)", "remove-argument", "f(a", "", "", "no argument of a call stands at 1:1"),
        ("for x in y:\n    a()\n", "delete", "y", "", "", "no statement stands at 1:10"),
        ("a(); \\\n  b()\n", "delete", "b()", "", "", "shares its line"),
    ],
)
def test_what_is_refused(source: str, action: str, piece: str, to: str, text: str, reason: str) -> None:
    with pytest.raises(LrightError, match=reason):
        mended(source, action, piece, text, to)


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(LrightError, match="two edits overlap at line 1"):
        apply("abcdef", [Edit((1, 1), (1, 4), ""), Edit((1, 3), (1, 5), "")])
    assert apply("abcdef", [Edit((1, 4), (1, 4), "x"), Edit((1, 1), (1, 4), "y")]) == "yxdef"
    with pytest.raises(LrightError, match="no line 3"):
        apply("abc\n", [Edit((3, 1), (3, 1), "x")])


# Random programs: whatever is asked, the result parses, and what was not named stays as it was.

SIMPLE = (
    "tick()",
    "a(1)  # note",
    "b(\n{i}    'é', [2,\n{i}  3],\n{i})",
    "c = '''\n  deep\n'''",
    "d(); e()",
    "f();",
)
HEADS = ("for x in y:", "if p:", "while q:  # loop", "with r as s:", "try:")


@st.composite
def programs(draw: st.DrawFn) -> str:
    indent = draw(st.sampled_from(["    ", "\t", "  "]))

    def block(depth: int) -> Iterator[str]:
        here = indent * depth
        for _ in range(draw(st.integers(1, 3))):
            kind = draw(st.integers(0, 5))
            if kind == 0 and depth < 3:
                head = draw(st.sampled_from(HEADS))
                yield here + head
                yield from block(depth + 1)
                if head == "try:":
                    yield here + "except E:"
                    yield from block(depth + 1)
                elif head == "if p:" and draw(st.booleans()):
                    yield here + draw(st.sampled_from(["elif z:", "else:"]))
                    yield from block(depth + 1)
            elif kind == 1:
                yield (here + "for u in v: " + draw(st.sampled_from(["g()", "g(); tick()", "h(1); g(); tick()"])))
            else:
                yield here + draw(st.sampled_from(SIMPLE)).replace("{i}", here)
            if draw(st.integers(0, 3)) == 0:
                yield draw(st.sampled_from(["", here + "# a comment", "  "]))

    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = [*block(0), *(["def fn():", *block(1)] if draw(st.booleans()) else [])]
    text = "\n".join(lines) + draw(st.sampled_from(["\n", ""]))
    return text.replace("\n", end)


ACTIONS = (
    *("delete", "move-after-loop", "move-before", "move-after", "move-to-loop-end"),
    *("insert-before", "insert-after", "insert-argument", "remove-argument"),
)


@settings(max_examples=150, deadline=None)
@given(programs(), st.sampled_from(ACTIONS), st.data())
def test_any_remedy_leaves_the_rest_alone(source: str, action: str, data: st.DataObject) -> None:
    lines = split_lines(source)
    tree = ast.parse(source)
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    wanted: list[ast.AST] = [*nodes]
    if action == "insert-argument":
        wanted = [*calls]
    elif action == "remove-argument":
        wanted = [argument for call in calls for argument in call.args]
    assume(wanted)
    subject = data.draw(st.sampled_from(wanted), label="subject")
    target = data.draw(st.sampled_from(nodes), label="target")
    remedy = Remedy(
        action, "", place_of(subject, lines), text="new=1" if action == "insert-argument" else "new()",
        to=place_of(target, lines),
    )  # fmt: skip
    try:
        edits = render(remedy, source, tree)
    except LrightError as error:
        assert "\n" not in str(error)
        return
    result = apply(source, edits)
    ast.parse(result)
    assert ("\r\n" in result) >= ("\r\n" in source and len(split_lines(result)) > 2)
    if action != "delete":  # which may leave a blank line as the last
        assert result.endswith("\n") == source.endswith("\n") or not result

    before, after = _statements(tree), _statements(ast.parse(result))
    if action.startswith("move"):
        assert before == after, "the same statements, only elsewhere"
    if action == "delete":
        for inner in ast.walk(subject):
            if isinstance(inner, ast.stmt) and not hasattr(inner, "body"):
                before.remove(ast.dump(inner))
        assert before == after
    if action.startswith("insert-") and action != "insert-argument":
        assert sorted([*before, ast.dump(ast.parse("new()").body[0])]) == after
    kept = [line for line in lines if line.strip().startswith("#")]
    if action != "delete":
        assert sorted(line.strip() for line in kept) == sorted(
            line.strip() for line in split_lines(result) if line.strip().startswith("#")
        )


def _statements(tree: ast.Module) -> list[str]:
    """Every simple statement but ``pass``, in any order."""
    return sorted(
        ast.dump(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and not hasattr(node, "body") and not isinstance(node, ast.Pass)
    )
