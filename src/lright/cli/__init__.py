"""The command line: a command is a function of one of these modules, which imports its own rooms when it is called.

Exit codes: 0 nothing is left to say, 1 findings (or a diff, or a file that could not be read among others),
2 wrong usage or nothing that could be read, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from .. import __version__
from ..errors import LrightError, UsageError

HELP = """\
lright: what your learning rate really does, what is wrong, and a proved fix.

usage: lright check [PATHS...] [OPTIONS] [-- SCRIPT ARGUMENTS]

  lright check train.py                  check a training script, never executed
  lright check train.py -- --epochs 90   as it would run under this command line
  lright check train.py --fix            carry out the safe fixes (--diff: look)
  lright check . --format concise        a whole folder, one line a finding
  lright plan --model vit-b16            the schedule to use, with reasons
  lright ask "my loss is stuck since"    an answer to a question in your words
  lright find train.py                   run it: the learning rate it wants
  lright watch train.py -- --epochs 90   run it: record, judge, report
  lright run train.py --schedule "..."   run it with another schedule
  lright ablate train.py --schedules ... what a schedule gains it, measured
  lright recipes resnet50                published recipes: curve, code, source
  lright compare resnet50 deit-s         two schedules on one axis
  lright plot train.py                   draw the learning rate of a script
  lright plot "warmup 5ep > cosine"      or of a schedule in words
  lright rules                           the rules
  lright explain LR101                   one rule: what, why, bad, good, fix
  lright skill install --for claude      teach your coding agent all this
  lright mcp --root .                    serve all this to an agent (MCP)
  lright eval --agent "claude -p"        measure it, with lright and without
  lright COMMAND --help                  all options of a command
  lright --version

Exit codes: 0 nothing to say, 1 findings, 2 wrong usage or nothing readable.
"""

# Where each command is: its module here, and its function there.
COMMANDS = {
    "check": ("check", "check"),
    "plan": ("advice", "plan"),
    "ask": ("advice", "ask"),
    "find": ("measure", "find"),
    "watch": ("measure", "watch"),
    "run": ("measure", "run"),
    "ablate": ("measure", "ablate"),
    "plot": ("draw", "plot"),
    "recipes": ("published", "recipes"),
    "compare": ("published", "compare"),
    "rules": ("catalogue", "rules"),
    "explain": ("catalogue", "explain"),
    "skill": ("agents", "skill"),
    "mcp": ("serving", "mcp"),
    "eval": ("evaluate", "evaluate"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit code.

    >>> main(["--version"])
    lright ...
    0
    """
    try:
        try:
            code = _run(list(sys.argv[1:] if arguments is None else arguments))
        except SystemExit as done:  # argparse, after --help
            code = done.code if isinstance(done.code, int) else 0
        sys.stdout.flush()
    except LrightError as error:
        print(f"lright: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


def _run(arguments: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0
    name, *rest = arguments
    if name in ("-V", "--version"):
        print(f"lright {__version__}")
        return 0
    if name in COMMANDS:
        return _command(name)(rest)
    if name.endswith(".py") or os.path.exists(name):
        raise UsageError(f"{name!r} is no command: did you mean 'lright check {name}'?")
    from .options import closest

    kind = "option" if name.startswith("-") else "command"
    raise UsageError(f"unknown {kind} {name!r}{closest(name, [*COMMANDS, '--help', '--version'])}")


def _command(name: str) -> Callable[[list[str]], int]:
    """The function of a command; its module is imported here, so that a command pays for itself alone."""
    from importlib import import_module

    module, function = COMMANDS[name]
    called: Callable[[list[str]], int] = getattr(import_module(f"{__name__}.{module}"), function)
    return called
