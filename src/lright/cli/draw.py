"""`lright plot`: the curves of schedules and scripts."""

from __future__ import annotations

import os
import sys

from .options import parse, parser_of, setting, split, training_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..render.plot import Plotted


def plot(arguments: list[str]) -> int:
    """Draw the curves of schedules: in words, as a framework's constructor, or those of a script."""
    from ..render.plot import Options, plot_command
    from ..render.screen import screen_of

    arguments, script_arguments = split(arguments)
    asked = parse(_plot_parser(), arguments)
    known = Options(**{name: getattr(asked, name) for name in Options._fields})
    drawn: list[str | Plotted] = []
    _for_words_only(asked)
    for spec in asked.paths:
        drawn += _of_script(spec, asked, script_arguments) if _is_script(spec) else [spec]
    print(plot_command(drawn, known, asked.output, asked.format, screen_of(sys.stdout)).rstrip("\n"))
    return 0


def _for_words_only(asked: argparse.Namespace) -> None:
    """Say it where an option about the training meets scripts alone, which say that themselves."""
    given = [name for name in ("peak", "epochs", "steps_per_epoch", "batch_size", "samples", "accumulate")
             if getattr(asked, name) is not None]  # fmt: skip
    if given and all(map(_is_script, asked.paths)):
        options = ", ".join("--" + name.replace("_", "-") for name in given)
        print(
            f"lright: {options} has no effect on a script: use --set NAME=VALUE, or -- and its own options",
            file=sys.stderr,
        )


def _is_script(spec: str) -> bool:
    return spec == "-" or spec.endswith(".py") or os.path.isfile(spec)


def _of_script(path: str, asked: argparse.Namespace, script_arguments: tuple[str, ...]) -> list[Plotted]:
    """The curves of a script, or a LrightError that says what they need."""
    from ..doctor import Options, check_source
    from ..observe.source import files
    from ..render.plot import of_report

    options = Options(script_arguments, dict(asked.set), asked.processes, fixes=False)
    name = "<stdin>" if path == files.STDIN else files.shown(path)
    return of_report(check_source(files.read(path).text, name, options))


def _plot_parser() -> argparse.ArgumentParser:
    parser = parser_of("plot", "SCHEDULE|SCRIPT... [OPTIONS] [-- SCRIPT ARGUMENTS]", plot)
    example = "as in 'warmup 5ep > cosine to 0', 'StepLR(30) every epoch' or train.py"
    parser.add_argument("paths", nargs="+", metavar="SCHEDULE|SCRIPT", help=example)
    known = parser.add_argument_group("the training").add_argument
    training_options(known)
    known(
        "--set",
        type=setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a value in the script",
    )
    drawn = parser.add_argument_group("the drawing").add_argument
    drawn("-o", "--output", metavar="FILE", help="write it to a file: .svg, .png, .html, .csv or .json")
    drawn(
        "--format",
        metavar="FORMAT",
        help="text, svg, png, html, csv or json (default: by the file, or text)",
    )
    return parser
