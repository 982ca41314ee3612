"""`lright mcp`: the tools for agents, as a server."""

from __future__ import annotations

import os
import sys

from ..errors import LrightError, UsageError
from .options import parse, parser_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

TOKEN = "LRIGHT_MCP_TOKEN"


def mcp(arguments: list[str]) -> int:
    """Serve lright's tools to an agent over MCP, confined to one folder: at standard input and output, or over HTTP on
    this machine. Scripts are read, never executed and never changed, unless you allow it."""
    from importlib.util import find_spec

    asked = parse(_mcp_parser(), arguments)
    if os.name != "posix":
        raise LrightError("lright mcp confines itself by means that Windows lacks: run it in WSL")
    # `python -m` imports from the folder it is started in, and a json.py of the project is no part of lright.
    sys.path[:] = [path for path in sys.path if os.path.realpath(path or os.curdir) != os.getcwd()]
    from ..agent.server.confine import Root

    root = Root(asked.root)
    if find_spec("mcp") is None:
        raise LrightError("the server needs the package mcp: pip install 'lright[mcp]'")
    from ..agent.server import app

    served = app.Served(root, asked.allow_run, asked.allow_write, asked.seconds)
    if asked.http is None:
        app.over_stdio(served)
    else:
        app.over_http(served, asked.http, _token(asked), lambda text: print(text, flush=True))
    return 0


def _token(asked: argparse.Namespace) -> str:
    """What a client over HTTP has to send. Other users of this machine reach the port too, so whoever may write or run
    has to know it; it is made and told where none is given."""
    given = os.environ.get(TOKEN, "")
    if given or not (asked.allow_run or asked.allow_write):
        return given
    from secrets import token_urlsafe

    made = token_urlsafe(24)
    print(f"Authorization: Bearer {made}", flush=True)
    return made


def _mcp_parser() -> argparse.ArgumentParser:
    parser = parser_of("mcp", "[--root DIR] [OPTIONS]", mcp)
    option = parser.add_argument
    option("--root", default=".", metavar="DIR", help="the folder that it sees, and no other (default: this one)")
    told = f"serve HTTP on 127.0.0.1 instead of stdio (0 or no number: a free port, printed); {TOKEN} locks it"
    option("--http", nargs="?", type=_port, const=0, metavar="PORT", help=told)
    option("--allow-write", action="store_true", help="the tool fix may change files, where a call asks for it")
    option("--allow-run", action="store_true", help="also the tools that execute scripts: find, watch, run")
    option("--seconds", type=_seconds, default=20.0, metavar="S", help="that a call may take (default: 20)")
    return parser


def _port(word: str) -> int:
    if word.isascii() and word.isdigit() and int(word) < 65536:
        return int(word)
    raise UsageError(f"--http: {word!r} is no port: give a number up to 65535")


def _seconds(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = 0.0
    if 0 < value <= 600:
        return value
    raise UsageError(f"--seconds: {word!r} is no number of seconds up to 600")
