"""Reading the command line: what the commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ..errors import UsageError
from ..naming import closest as closest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import NoReturn


def parser_of(name: str, usage: str, command: Callable[[list[str]], int]) -> argparse.ArgumentParser:
    """The parser of a command, whose docstring is its description. It raises UsageError for what it does not know."""
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise UsageError(f"{message} (lright {name} --help lists the options)")

    return Parser(
        prog=f"lright {name}",
        usage=f"lright {name} {usage}",
        description=command.__doc__,
        allow_abbrev=False,
        # A width of its own spares argparse the import of shutil at every option.
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=32, width=80),
    )


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """The arguments as `argparse` reads them, options and paths in any order."""
    asked, rest = parser.parse_known_args(arguments)
    for word in rest:
        if word.startswith("-") and word != "-":
            known = [option for action in parser._actions for option in action.option_strings]
            parser.error(f"unknown option {word!r}{closest(word.partition('=')[0], known)}")
        if not hasattr(asked, "paths"):
            parser.error(f"{word!r} is one argument too many")
        asked.paths.append(word)
    return asked


def split(arguments: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """The arguments before ``--``, and the script's own after it."""
    if "--" not in arguments:
        return arguments, ()
    cut = arguments.index("--")
    return arguments[:cut], tuple(arguments[cut + 1 :])


def one_of(choices: Sequence[str]) -> Callable[[str], str]:
    """The type of an option that takes one of some words."""
    def choose(word: str) -> str:
        if word in choices:
            return word
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"{word!r} is none of {', '.join(choices)}{closest(word, choices)}")

    return choose


def setting(word: str) -> tuple[str, str]:
    """The type of `--set`: a name and its value, as in ``epochs=90``."""
    from argparse import ArgumentTypeError

    name, equals, value = word.partition("=")
    if value.strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
        raise ArgumentTypeError(f"{word!r} is not a finite number, as in --set epochs=90")
    if equals and name.strip():
        return name.strip(), value.strip()
    raise ArgumentTypeError(f"{word!r} is not of the form NAME=VALUE, as in --set epochs=90")


def count(word: str) -> int:
    """The type of an option that takes a whole number from 1."""
    if word.isascii() and word.isdigit() and int(word) > 0:
        return int(word)
    from argparse import ArgumentTypeError

    raise ArgumentTypeError(f"{word!r} is no count: give a whole number from 1")


def number(word: str) -> float:
    """The type of an option that takes a finite number above 0."""
    from argparse import ArgumentTypeError
    from math import isfinite

    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if isfinite(value) and value > 0:
        return value
    raise ArgumentTypeError(f"{word!r} is no number above 0")


def training_options(known: Callable[..., object]) -> None:
    """The options that say what training a schedule is drawn for."""
    known("--peak", type=number, metavar="LR", help="the highest learning rate (default: 1)")
    known("--epochs", type=number, metavar="N", help="how long it is")
    known("--steps-per-epoch", type=count, metavar="N", help="batches in an epoch")
    known("--batch-size", type=count, metavar="N", help="samples in a batch")
    known("--samples", type=count, metavar="N", help="samples in an epoch")
    known("--accumulate", type=count, metavar="N", help="batches for one optimizer update")
    known("--processes", type=count, metavar="N", help="how many processes train together")


def say(lines: Iterable[str]) -> None:
    """Print lines as they come."""
    for line in lines:
        print(line)
