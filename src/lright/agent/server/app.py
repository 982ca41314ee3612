"""The tools, resources and prompts as an MCP server, over stdio or loopback HTTP.

The one module that knows the protocol. What a tool takes and gives is read from the function of that name in ``tools``
or ``runs`` and the types in ``answers``.
"""

from __future__ import annotations

import hmac
import inspect
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field, ValidationError

from ... import __version__
from ...errors import LrightError
from ...records import record
from . import answers, prompts, runs, tools
from .confine import Root
from .pool import Pool

LARGEST_CALL = 2 * 2**20  # characters of the arguments of one call
HTTP_BODY = 4 * 2**20  # bytes of a request over HTTP
RUNS_AT_ONCE = 2

INSTRUCTIONS = """\
lright knows learning-rate schedules. check a training script after you write or change it; fix gives a proved diff; \
ask answers a user's question in their words; plan chooses a schedule before you write one; recipes tells what others \
used; plot and schedule_parse show what a schedule does. Scripts are read, not executed. Paths are relative to the \
root folder. A result without findings is health only where its notes are empty."""


@record(frozen=True)
class Served:
    """What a server is started with."""

    root: Root
    run: bool = False
    write: bool = False
    seconds: float = 20.0


def server(served: Served) -> MCPServer[Pool]:
    """The server, ready to be run."""
    desk = _Desk(served)
    made: MCPServer[Pool] = MCPServer(
        "lright", title="lright: a doctor for learning-rate schedules", version=__version__, instructions=INSTRUCTIONS,
        tools=list(desk.tools()), lifespan=desk.lifespan, log_level="ERROR", subscriptions=False,
    )  # fmt: skip
    _resources(made, desk)
    prompts.register(made)
    return made


class _Desk:
    """Takes calls and gives them to who does the work."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._pool = Pool(served.root.folder, writes=served.write, seconds=served.seconds)
        self._running = 0

    @asynccontextmanager
    async def lifespan(self, _: Any) -> AsyncIterator[Pool]:
        async with self._pool.open() as pool:
            yield pool

    def tools(self) -> list[Tool]:
        """Those that read; and with --allow-run those that execute, which are not there otherwise."""
        found = [_tool(name, function, self._reads(name), self._served) for name, function in tools.TOOLS.items()]
        if self._served.run:
            found += [_tool(name, function, self._runs(name), self._served) for name, function in runs.RUNS.items()]
        return found

    def _reads(self, name: str) -> Callable[..., Awaitable[CallToolResult]]:
        async def call(**arguments: Any) -> CallToolResult:
            return await _told(self.read(name, arguments))

        return call

    async def read(self, name: str, arguments: Mapping[str, Any]) -> tuple[Any, str]:
        """The answer of a tool that reads: its data, and its text."""
        answer = await self._pool.call(name, arguments)
        return answer["data"], answer["text"]

    def _runs(self, name: str) -> Callable[..., Awaitable[CallToolResult]]:
        async def call(**arguments: Any) -> CallToolResult:
            return await _told(self._run(name, arguments))

        return call

    async def _run(self, name: str, arguments: Mapping[str, Any]) -> tuple[Any, str]:
        if self._running >= RUNS_AT_ONCE:
            raise LrightError(f"{RUNS_AT_ONCE} scripts are running already: wait for one of them")
        self._running += 1
        try:
            root = self._served.root
            answer = await runs.carried_out(root, runs.RUNS[name](root, **arguments), arguments["seconds"])
        finally:
            self._running -= 1
        return answer, runs.text_of(answer)


async def _told(work: Awaitable[tuple[Any, str]]) -> CallToolResult:
    """A result, or an error with one line for whoever called."""
    try:
        data, text = await work
    except LrightError as error:
        return CallToolResult(content=[TextContent(type="text", text=str(error))], is_error=True)
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=data)


class _Tool(Tool):
    """A tool that refuses what is too large, and says in one line what is wrong with a call."""

    async def run(self, arguments: dict[str, Any], context: Any, convert_result: bool = False) -> Any:
        if _size(arguments) > LARGEST_CALL:
            raise ToolError(f"{self.name}: the arguments are larger than {LARGEST_CALL // 2**20} MB: give less at once")
        try:
            return await super().run(arguments, context, convert_result)
        except UnexpectedToolError:
            raise ToolError(f"{self.name}: this is a mistake of lright, not of the call: please report it") from None
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(_wrong(self.name, error.__cause__, self.parameters)) from None
            raise


def _size(value: Any) -> int:
    """About how many characters a value has, without a copy of it, however deep it is."""
    size, left = 0, [value]
    while left and size <= LARGEST_CALL:
        one = left.pop()
        size += len(one) if isinstance(one, str) else 8
        if isinstance(one, dict):
            left += [*one, *one.values()]
        elif isinstance(one, list):
            left += one
    return size


def _wrong(name: str, error: ValidationError, schema: Mapping[str, Any]) -> str:
    """What is wrong with the arguments, and which there are; nothing of their values."""
    said = []
    for one in error.errors(include_input=False, include_url=False, include_context=False)[:3]:
        place = ".".join(str(part) for part in one["loc"])[:60]
        said.append(f"{place}: {'is no argument of it' if one['type'] == 'extra_forbidden' else one['msg'][:200]}")
    return f"{name}: {'; '.join(said)}. It takes {', '.join(schema['properties'])}"


# Signatures


def _tool(name: str, function: Callable[..., Any], call: Callable[..., Any], served: Served) -> Tool:
    """A tool that takes what ``function`` takes besides its first argument, and nothing else."""
    hints = get_type_hints(function, {**vars(inspect.getmodule(function)), **vars(answers)}, include_extras=True)
    _, *parameters = inspect.signature(function).parameters.values()
    call.__name__, call.__doc__ = name, " ".join((function.__doc__ or "").split())
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [one.replace(annotation=_described(hints[one.name]), kind=one.KEYWORD_ONLY) for one in parameters],
        return_annotation=Annotated[CallToolResult, answers.RunAnswer if name in runs.RUNS else hints["return"]],
    )
    tool = _Tool.from_function(call, title=f"lright {name.replace('_', ' ')}", annotations=_nature(name, served))
    model = tool.fn_metadata.arg_model
    model.model_config["extra"] = "forbid"  # a misspelt argument is an error, not a default
    model.model_rebuild(force=True)
    tool.parameters = _untitled(model.model_json_schema(by_alias=True))
    tool.fn_metadata.output_schema = _untitled(tool.fn_metadata.output_schema)
    return tool


def _untitled(schema: Any) -> Any:
    """A schema without the titles that only repeat the names: agents pay for every word."""
    if isinstance(schema, dict):
        named = {"properties", "$defs"}
        return {
            key: {name: _untitled(one) for name, one in value.items()} if key in named else _untitled(value)
            for key, value in schema.items()
            if not (key == "title" and isinstance(value, str))
        }
    return [_untitled(one) for one in schema] if isinstance(schema, list) else schema


def _described(hint: Any) -> Any:
    """A type with its description as schemas take it."""
    if get_origin(hint) is not Annotated:
        return hint
    kind, description = get_args(hint)
    return Annotated[kind, Field(description=description)]


def _nature(name: str, served: Served) -> ToolAnnotations:
    """What a client may tell its user of a tool."""
    if name in runs.RUNS:
        return ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
        )
    writes = name == "fix" and served.write
    return ToolAnnotations(
        read_only_hint=not writes, destructive_hint=writes, idempotent_hint=True, open_world_hint=False
    )


def _resources(made: MCPServer[Pool], desk: _Desk) -> None:
    async def page(name: str, **arguments: str) -> str:
        try:
            _, text = await desk.read(f"page:{name}", arguments)
        except LrightError as error:
            raise ResourceNotFoundError(str(error)) from None
        return text

    @made.resource("lright://rules", title="the catalogue of rules", mime_type="text/markdown")
    async def rules() -> str:
        """All rules, one line each."""
        return await page("rules")

    @made.resource("lright://rules/{id}", title="one rule", mime_type="text/plain")
    async def rule(id: str) -> str:
        """What a rule looks for, why, a bad and a good example, sources."""
        return await page("rule", id=id)

    @made.resource("lright://recipes", title="published recipes", mime_type="text/markdown")
    async def recipes() -> str:
        """All published recipes, one line each."""
        return await page("recipes")

    @made.resource("lright://recipes/{id}", title="one recipe", mime_type="text/plain")
    async def recipe(id: str) -> str:
        """A published recipe in full: curve, facts, source, code."""
        return await page("recipe", id=id)


# Transports


def over_stdio(served: Served) -> None:
    """Serve the client at standard input and output until it is gone."""
    server(served).run("stdio")


def over_http(served: Served, port: int, token: str, said: Callable[[str], object]) -> None:
    """Serve clients on this machine; ``said`` is told the address. With a ``token`` only those who send it."""
    inlet = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    inlet.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        inlet.bind(("127.0.0.1", port))
    except OSError as error:
        raise LrightError(f"port {port}: {error.strerror}; --http without a number takes a free one") from None
    bound = inlet.getsockname()[1]
    anyio.run(_serve, served, inlet, bound, token, said)


async def _serve(
    served: Served, inlet: socket.socket, port: int, token: str, said: Callable[[str], object]
) -> None:
    import uvicorn

    names = [f"{host}:{port}" for host in ("127.0.0.1", "localhost")]
    checks = TransportSecuritySettings(allowed_hosts=names, allowed_origins=[f"http://{name}" for name in names])
    app = server(served).streamable_http_app(
        max_request_body_size=HTTP_BODY, max_sessions=100, transport_security=checks
    )
    guarded: Any = _only_with(token, app) if token else app
    config = uvicorn.Config(guarded, log_level="error", access_log=False, timeout_graceful_shutdown=2)
    said(f"http://127.0.0.1:{port}/mcp")
    await uvicorn.Server(config).serve(sockets=[inlet])


def _only_with(token: str, app: Any) -> Any:
    """The application for those who know the token; the others get 401 and nothing else."""
    from starlette.responses import PlainTextResponse

    wanted = f"Bearer {token}".encode()

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        given = dict(scope.get("headers") or ()).get(b"authorization", b"")
        if scope["type"] == "http" and not hmac.compare_digest(given, wanted):
            refusal = PlainTextResponse("lright mcp: send the token that it was started with", status_code=401)
            await refusal(scope, receive, send)
            return
        await app(scope, receive, send)

    return guarded


