"""The command line of a script, read without running it, against the real argparse."""

from __future__ import annotations

import contextlib
import io
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lright.errors import UsageError
from lright.observe.source import parse
from lright.observe.source.structure import read_world
from lright.observe.source.text import split_lines
from lright.observe.source.values import Instance, Items

HEAD = "import argparse\nparser = argparse.ArgumentParser()\n"
END = "args = parser.parse_args()\n"


def real(source: str, arguments: list[str]) -> dict[str, Any] | None:
    """What argparse makes of it; None where it refuses."""
    names: dict[str, Any] = {}
    with mock.patch("sys.argv", ["train.py", *arguments]), contextlib.redirect_stderr(io.StringIO()):
        try:
            exec(source, names)
        except SystemExit:
            return None
    return dict(vars(names["args"]))


def seen(source: str, arguments: list[str]) -> dict[str, Any]:
    """What lright reads."""
    _, reader = read_world(parse(source, "train.py"), split_lines(source), {}, {}, arguments)
    args = reader.module.names["args"]
    assert isinstance(args, Instance)
    return {
        name: [reader.known(item) for item in value.items] if isinstance(value, Items) else reader.known(value)
        for name, value in args.attributes.items()
    }


def agree(source: str, arguments: list[str]) -> None:
    want = real(source, arguments)
    assume(want is not None)
    assert seen(source, arguments) == want, (source, arguments)


words = st.sampled_from(("epochs", "lr", "batch-size", "warmup_steps", "min-lr", "gamma", "seed", "name", "decay"))
integers, reals = st.integers(-50, 999), st.floats(-9, 9, allow_nan=False).map(lambda x: round(x, 4))
texts = st.sampled_from(("cosine", "sgd", "runs/a.b", "x1"))
KINDS = {"int": integers, "float": st.one_of(integers, reals), "str": texts}


@st.composite
def declared(draw: st.DrawFn) -> tuple[str, list[list[str]]]:
    """Lines that declare options, and for each some ways of giving it."""
    lines, given = [], []
    shorts = iter("abcdfgik")
    for name in draw(st.lists(words, min_size=1, max_size=5, unique=True)):
        short = next(shorts)
        flags = draw(
            st.sampled_from(((f"--{name}",), (f"-{short}", f"--{name}"), (f"--{name}", f"--{name}x"), (f"-{short}",)))
        )
        spelled = ", ".join(map(repr, flags))
        flag = draw(st.sampled_from(flags))
        action = draw(
            st.sampled_from(
                ("store", "store", "store", "store_true", "store_false", "count", "const", "many", "append", "both")
            )
        )
        dest = draw(st.sampled_from(("", "", f", dest='{name.replace('-', '_')}_value'")))
        kind = draw(st.sampled_from(sorted(KINDS)))
        value, default = draw(KINDS[kind]), draw(KINDS[kind])
        typed = "" if kind == "str" else f", type={kind}"
        default_text = draw(st.sampled_from((f", default={default!r}", f", default={str(default)!r}", "")))
        choice: list[str] = [flag, str(value)]
        if len(flag) > 2 and flag.startswith("--"):
            choice = draw(st.sampled_from((choice, [f"{flag}={value}"])))
        if action in ("store_true", "store_false"):
            lines.append(f"parser.add_argument({spelled}{dest}, action={action!r})")
            choice = [flag]
        elif action == "count":
            lines.append(f"parser.add_argument({spelled}{dest}, action='count', default=0)")
            choice = [flag] * draw(st.integers(1, 3))
        elif action == "const":
            lines.append(f"parser.add_argument({spelled}{dest}, action='store_const', const=7{default_text})")
            choice = [flag]
        elif action == "many":
            some = draw(st.lists(KINDS[kind], min_size=1, max_size=3))
            lines.append(f"parser.add_argument({spelled}{dest}, nargs='+'{typed}, default={[default]!r})")
            choice = [flag, *map(str, some)]
        elif action == "append":
            lines.append(f"parser.add_argument({spelled}{dest}, action='append'{typed})")
            choice = [part for one in draw(st.lists(KINDS[kind], min_size=1, max_size=3)) for part in (flag, str(one))]
        elif action == "both" and flags[0].startswith("--") and len(flags) == 1:
            lines.append(f"parser.add_argument({spelled}{dest}, action=argparse.BooleanOptionalAction, default=True)")
            choice = [draw(st.sampled_from((flag, f"--no-{flag[2:]}")))]
        else:
            lines.append(f"parser.add_argument({spelled}{dest}{typed}{default_text})")
        if draw(st.booleans()):
            given.append(choice)
    return HEAD + "\n".join(lines) + "\n" + END, draw(st.permutations(given))


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(declared())
def test_options_as_argparse_reads_them(parser: tuple[str, list[list[str]]]) -> None:
    source, given = parser
    agree(source, [part for parts in given for part in parts])


@pytest.mark.parametrize(
    ("declaration", "arguments"),
    [
        ("'--epochs', type=int, default=90", "--ep 3"),
        ("'--epochs', type=int, default=90", "--epochs=3"),
        ("'-b', '--batch-size', type=int", "-b64"),
        ("'-b', '--batch-size', type=int", "-b=64"),
        ("'--lr', type=float, default='1e-3'", ""),
        ("'--lr', type=float", "--lr 1e-3"),
        ("'--lr', type=float", "--lr -0.5"),
        ("'--lr', type=float", "--lr=-1e-3"),
        ("'data', nargs='?', default='d'), parser.add_argument('epochs', type=int", "7"),
        ("'data', nargs='*'), parser.add_argument('epochs', type=int", "a b 7"),
        (
            "'--amp', dest='amp', action='store_true'), parser.add_argument('--no', dest='amp', action='store_false'",
            "--amp",
        ),
        ("'--amp', dest='amp', action='store_true'), parser.add_argument('--no', dest='amp', action='store_false'", ""),
        ("'--steps', type=int, nargs=2", "--steps 1 2"),
        ("'--steps', type=int, nargs='*', default=[3]", "--steps"),
        ("'--steps', type=int, nargs='?', const=5, default=1", "--steps"),
        ("'--steps', type=int, nargs='?', const=5, default=1", "--steps 9"),
        ("'--steps', type=int, nargs='?', const=5, default=1", ""),
        ("'epochs', type=int", "12"),
        ("'epochs', type=int, nargs='?', default=4", ""),
        ("'epochs', type=int, nargs='+'", "12 13"),
        ("'--name', choices=['a', 'b'], default='a'", "--name b"),
        ("'--name'", "--name=--odd"),
        ("'--name'", "--name="),
        ("'--flag', action='store_true'", "--flag"),
        ("'--flag', action='store_true', default=True", ""),
        ("'--no-flag', dest='flag', action='store_false'", "--no-flag"),
        ("'--flag', action='store_const', const=3, default=2", ""),
        ("'-v', action='count'", "-vvv"),
        ("'-v', '--verbose', action='count', default=0", "-v --verbose"),
        ("'--x', type=lambda s: int(s) * 2, default=1", ""),
        ("'--a-b_c', type=int, default=1", "--a-b_c 3"),
    ],
)
def test_ways_of_argparse(declaration: str, arguments: str) -> None:
    source = f"{HEAD}parser.add_argument({declaration})\n{END}"
    want = real(source, arguments.split())
    assert want is not None, "the test itself is wrong"
    assert seen(source, arguments.split()) == want


def test_groups_parents_subcommands_and_later_defaults() -> None:
    source = """import argparse
base = argparse.ArgumentParser(add_help=False)
base.add_argument("--lr", type=float, default=0.1)
parser = argparse.ArgumentParser(parents=[base])
group = parser.add_argument_group("schedule")
group.add_argument("--epochs", type=int, default=90)
either = parser.add_mutually_exclusive_group()
either.add_argument("--cosine", action="store_true")
either.add_argument("--step", action="store_true")
parser.set_defaults(epochs=30)
args = parser.parse_args()
"""
    for arguments in ([], ["--cosine", "--lr", "0.5"], ["--epochs", "3"]):
        assert seen(source, arguments) == real(source, arguments)


def test_parse_known_args_passes_over_the_rest() -> None:
    source = HEAD + "parser.add_argument('--lr', type=float, default=0.1)\nargs, rest = parser.parse_known_args()\n"
    assert seen(source, ["--lr", "0.3", "--other", "5"])["lr"] == 0.3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--nothing 3", "no such option; it has --epochs"),
        ("--epochs three", "expects an integer"),
        ("--lr much", "expects a number"),
        ("--epochs", "expects a value after it"),
    ],
)
def test_refusals_name_the_option(arguments: str, words: str) -> None:
    source = HEAD + "parser.add_argument('--epochs', type=int)\nparser.add_argument('--lr', type=float)\n" + END
    assert real(source, arguments.split()) is None
    with pytest.raises(UsageError, match=words):
        seen(source, arguments.split())
