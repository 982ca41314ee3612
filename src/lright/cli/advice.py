"""`lright plan` and `lright ask`: what to use, with reasons."""

from __future__ import annotations

import sys

from ..errors import UsageError
from .options import one_of, parse, parser_of, say, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..render.advice import Page

FORMATS = ("text", "markdown", "json")


def plan(arguments: list[str]) -> int:
    """Plan the learning rate of a training: what it is, in flags, a YAML file or a script."""
    from ..consult import pages, planned

    parser = _plan_parser()
    asked = parse(parser, arguments)
    made = planned(_told(asked), *filter(None, (asked.measured, asked.origin)))
    if asked.format == "json":
        print(pages.json_of_plan(made))
    else:
        _show(pages.of_plan(made, asked.full), asked.format)
    return 0


def ask(arguments: list[str]) -> int:
    """Answer a question in your own words: as arguments, in a .md or .txt file, or on standard input (-)."""
    from ..consult import ask as answered
    from ..consult import pages
    from ..observe.source import files

    asked = parse(_ask_parser(), arguments)
    text = _question(" ".join(asked.paths))
    code = files.read(asked.code).text if asked.code else None
    answer = answered(text, code, {name.replace("-", "_"): value for name, value in asked.set}, asked.code or "")
    page = pages.of_answer(answer, asked.full, asked.plot)
    if asked.format == "json":
        from ..render.advice import markdown

        print(pages.json_of_answer(answer, "\n".join(markdown(page))))
    else:
        _show(page, asked.format)
    return 0


def _question(words: str) -> str:
    """The question: the words themselves, a file of that name, or standard input."""
    from ..observe.source import files

    if words in ("", "-"):
        return sys.stdin.read()
    return files.read(words).text if words.endswith((".md", ".txt")) and " " not in words else words


def _show(page: Page, format: str) -> None:
    from ..render import advice
    from ..render.screen import screen_of

    say(advice.markdown(page) if format == "markdown" else advice.terminal(page, screen_of(sys.stdout)))


def _told(asked: argparse.Namespace) -> dict[str, str]:
    """The facts given as options, by name."""
    from ..setting import FIELDS

    told = {name: getattr(asked, name) for name in FIELDS if getattr(asked, name) is not None}
    if asked.from_scratch:
        if told.get("pretrained"):
            raise UsageError("--from-scratch and --pretrained contradict each other: give one of them")
        told["pretrained"] = "no"
    return told


def _plan_parser() -> argparse.ArgumentParser:
    from ..setting import FIELDS

    parser = parser_of("plan", "[FACTS] [--from train.py|facts.yaml] [OPTIONS]", plan)
    option = parser.add_argument
    option("--from", dest="origin", metavar="FILE", help="read facts from a script (never executed) or a YAML file")
    option("--from-find", dest="measured", metavar="FILE", help="the LR that `lright find --save FILE` measured")
    option("--format", type=one_of(FORMATS), default="text", help="text, markdown or json")
    option("--full", action="store_true", help="spell out the sources")
    fact = parser.add_argument_group("facts (what you do not know, leave out)").add_argument
    fact("--from-scratch", action="store_true", help="weights start at random")
    for field in FIELDS.values():
        name = "--" + field.name.replace("_", "-")
        told = f"{field.doc}: {', '.join(field.choices)}" if field.choices else field.doc
        if field.kind == "flag":
            fact(name, nargs="?", const="yes", metavar="yes|no", help=told)
        else:
            fact(name, metavar=field.kind.upper(), help=told)
    return parser


def _ask_parser() -> argparse.ArgumentParser:
    parser = parser_of("ask", '"QUESTION" [--code train.py] [OPTIONS]', ask)
    option = parser.add_argument
    option("paths", nargs="*", metavar="QUESTION", help="what you train and what happens, in your own words")
    option("--code", metavar="FILE", help="a script that belongs to it: checked, never executed")
    option("--set", type=setting, action="append", default=[], metavar="NAME=VALUE", help="correct a fact")
    option("--format", type=one_of(FORMATS), default="text", help="text, markdown or json")
    option("--full", action="store_true", help="everything, with all sources")
    option("--plot", action="store_true", help="draw the schedule")
    return parser
