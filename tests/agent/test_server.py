"""The MCP server through a real client: every tool, resource and prompt, over both transports."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp")

import anyio
import anyio.from_thread
import httpx2
import jsonschema
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from lright.agent.server import runs

ROOT = Path(__file__).resolve().parent.parent.parent
MENDED = "-        scheduler.step()\n+    scheduler.step()"
TINY = """\
import argparse
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=1)
args = parser.parse_args()
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
for epoch in range(args.epochs):
    for _ in range(40):
        x = torch.randn(16, 4)
        loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
print("the script spoke")
"""
SLOW = "import sys, time, os\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(120)\n"


def filled(folder: Path) -> Path:
    for name in ("cifar_cosine.py", "clean_imagenet_step.py"):
        (folder / name).write_bytes((ROOT / "examples" / name).read_bytes())
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return filled(tmp_path)


def environment() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT / "src"), "PATH": os.environ["PATH"]}


def serve(folder: Path, *options: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable, args=["-m", "lright", "mcp", "--root", str(folder), *options], env=environment()
    )


def talk(server: Any, conversation: Callable[[Client], Awaitable[None]]) -> None:
    async def go() -> None:
        with anyio.fail_after(120):
            async with Client(server) as client:
                await conversation(client)

    anyio.run(go)


CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("check", {"path": "cifar_cosine.py"}, "LR101"),
    ("check", {"path": "cifar_cosine.py", "detail": True}, "LR101"),
    ("check", {"path": "clean_imagenet_step.py"}, "nothing wrong found"),
    ("check", {"path": "."}, "2 files checked"),
    ("check", {"source": "import torch"}, "no learning-rate schedule is seen"),
    ("check", {"path": "cifar_cosine.py", "set": {"args.epochs": 30}, "processes": 2}, "11,730 times"),
    ("check", {"path": "cifar_cosine.py", "arguments": ["--epochs", "3"]}, "1,173 times"),
    ("check", {"path": "cifar_cosine.py", "ignore": ["LR101"], "severity": "error"}, "nothing wrong found"),
    ("fix", {"path": "cifar_cosine.py"}, "nothing to mend"),
    ("fix", {"path": "cifar_cosine.py", "unsafe": True}, MENDED),
    ("explain", {}, "LR611"),
    ("explain", {"rules": ["LR101"]}, "good:"),
    ("plot", {"schedule": "warmup 5ep > cosine to 0", "peak": 0.1, "epochs": 90, "steps_per_epoch": 9}, "90 epochs"),
    ("plot", {"schedule": "StepLR(30)", "format": "svg"}, "<svg"),
    ("plot", {"path": "cifar_cosine.py"}, "updates"),
    ("schedule_parse", {"schedule": "warmup 5ep>cosine to 0", "epochs": 9}, "warmup 5ep > cosine to 0"),
    ("plan", {"model": "vit-b16", "epochs": 100, "facts": {"batch_size": 512}}, "warmup"),
    ("plan", {"path": "cifar_cosine.py", "detail": True}, "cosine"),
    ("ask", {"question": "my val loss is stuck at 0.15 since epoch 20, Adam 1e-3"}, "plateau"),
    ("ask", {"question": "what is wrong?", "path": "cifar_cosine.py", "detail": True}, "Proved on your code"),
    ("recipes", {}, "resnet50"),
    ("recipes", {"query": "gpt2", "framework": "torch"}, "600,000 updates"),
]  # fmt: skip


async def every_tool(client: Client) -> None:
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"check", "fix", "explain", "plot", "schedule_parse", "plan", "ask", "recipes"}
    for tool in tools.values():
        assert tool.description and tool.annotations and tool.annotations.read_only_hint
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.input_schema["additionalProperties"] is False
        assert all("description" in one for one in tool.input_schema["properties"].values()), tool.name
    for name, arguments, wanted in CALLS:
        told = await client.call_tool(name, arguments)
        assert not told.is_error, told
        assert wanted in told.content[0].text, (name, arguments)  # type: ignore[union-attr]
        schema = tools[name].output_schema
        assert schema is not None
        jsonschema.validate(told.structured_content, schema)
        jsonschema.validate(arguments, tools[name].input_schema)


async def every_page(client: Client) -> None:
    assert {str(one.uri) for one in (await client.list_resources()).resources} == {"lright://rules", "lright://recipes"}
    for uri, wanted in (("lright://rules", "LR611"), ("lright://rules/LR101", "Why it matters"),
                        ("lright://recipes", "- gpt2:"), ("lright://recipes/gpt2", "600,000 updates")):  # fmt: skip
        assert wanted in (await client.read_resource(uri)).contents[0].text  # type: ignore[union-attr]
    with pytest.raises(Exception, match="did you mean"):
        await client.read_resource("lright://rules/LR1011")
    prompts = (await client.list_prompts()).prompts
    assert len(prompts) == 5
    for prompt in prompts:
        told = await client.get_prompt(prompt.name, {one.name: "x\ny" for one in prompt.arguments or ()})
        assert "'x y'" in told.messages[0].content.text  # type: ignore[union-attr]


class Reader:
    """A server that may only read, over stdio, and its client."""

    def __init__(self, folder: Path, portal: Any, client: Client) -> None:
        self.folder, self.portal, self.client = folder, portal, client

    def call(self, tool: str, **arguments: Any) -> Any:
        return self.portal.call(self.client.call_tool, tool, arguments)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = filled(tmp_path_factory.mktemp("reader"))
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(serve(folder))) as client,
    ):
        yield Reader(folder, portal, client)


def test_every_tool_over_stdio(reader: Reader) -> None:
    before = {path: path.read_bytes() for path in reader.folder.iterdir()}
    reader.portal.call(every_tool, reader.client)
    assert {path: path.read_bytes() for path in reader.folder.iterdir()} == before


def test_every_resource_and_prompt_over_stdio(reader: Reader) -> None:
    reader.portal.call(every_page, reader.client)


def test_short_answers_are_short(reader: Reader) -> None:
    for name, arguments, _ in CALLS:
        if not arguments.get("detail") and "format" not in arguments and name != "plan":
            told = reader.call(name, **arguments)
            assert len(json.dumps(told.structured_content)) < 13_000, (name, arguments)
    listed = reader.portal.call(reader.client.list_tools).tools
    assert len(json.dumps([tool.model_dump(mode="json", exclude_none=True) for tool in listed])) < 26_000


def test_wrong_calls_are_told_in_one_line(reader: Reader) -> None:
    for arguments, said in (
        ({"path": "cifar_cosine.py", "epoch": 3}, "check: epoch: is no argument of it. It takes path, source"),
        ({"path": 5}, "check: path: Input should be a valid string"), ({}, "give either path or source"),
        ({"path": "a.py", "source": "x"}, "give either path or source"), ({"path": "nothing.py"}, "no such file"),
        ({"path": "../x.py"}, "lies outside the root folder"), ({"source": "def"}, "not valid Python"),
        ({"source": "x = 1", "select": ["LR999"]}, "no rule 'LR999'"),
        ({"source": "x" * 3_000_000}, "larger than 2 MB"),
        ({"source": "(" * 5000}, "<source>"), ({"source": "x", "set": {"epochs": "nan"}}, "not finite"),
    ):  # fmt: skip
        told = reader.call("check", **arguments)
        text = told.content[0].text
        assert told.is_error and said in text and "\n" not in text, (arguments, text)


# Writing


def test_a_fix_is_written_where_both_sides_say_so(folder: Path) -> None:
    script = folder / "cifar_cosine.py"
    script.chmod(0o640)
    before = script.read_text()

    async def written(client: Client) -> None:
        await client.call_tool("fix", {"path": script.name, "unsafe": True})
        assert script.read_text() == before
        told = await client.call_tool("fix", {"path": script.name, "unsafe": True, "write": True})
        assert told.structured_content and told.structured_content["written"], told
        annotations = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}["fix"]
        assert annotations and annotations.destructive_hint

    talk(serve(folder, "--allow-write"), written)
    assert script.read_text() == before.replace("        scheduler.step()\n", "    scheduler.step()\n")
    assert script.stat().st_mode & 0o777 == 0o640
    assert {path.name for path in folder.iterdir()} == {"cifar_cosine.py", "clean_imagenet_step.py"}


# Over HTTP


class Http:
    """A server on a free port, and what it printed on the way."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-m", "lright", "mcp", "--root", str(folder), "--http", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **environment()}, text=True)
        self.said: list[str] = []
        assert self.process.stdout is not None
        while not self.said or not self.said[-1].startswith("http://"):
            line = self.process.stdout.readline()
            assert line, "the server ended"
            self.said.append(line.strip())
        self.url = self.said[-1]
        while True:  # it listens a little later than it speaks
            try:
                httpx2.get(self.url, timeout=5)
                return
            except httpx2.ConnectError:
                time.sleep(0.05)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(15)


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Http]:
    server = Http(filled(tmp_path_factory.mktemp("http")))
    yield server
    server.close()


def test_everything_over_http(http: Http) -> None:
    assert http.url.startswith("http://127.0.0.1:")

    async def conversation(client: Client) -> None:
        await every_tool(client)
        await every_page(client)

    talk(http.url, conversation)


HELLO = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "0"}}}  # fmt: skip
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


def test_a_page_of_the_web_does_not_get_through(http: Http) -> None:
    """DNS rebinding: a foreign Host or Origin is refused, whatever it asks for."""
    assert httpx2.post(http.url, json=HELLO, headers=ACCEPT).status_code == 200
    for header, status in (({"Host": "evil.example"}, 421), ({"Origin": "http://evil.example"}, 403),
                           ({"Host": "127.0.0.1.evil.example:80"}, 421), ({"Origin": "null"}, 403)):  # fmt: skip
        assert httpx2.post(http.url, json=HELLO, headers={**ACCEPT, **header}).status_code == status
    assert httpx2.post(http.url, content=b"x" * (5 * 2**20), headers=ACCEPT).status_code == 413
    for junk in (b"", b"{", b"[" * 100_000, b"\xff", b"null", b'{"jsonrpc":"2.0","id":{},"method":5}'):
        assert 400 <= httpx2.post(http.url, content=junk, headers=ACCEPT).status_code < 500
    assert httpx2.post(http.url, json=HELLO, headers=ACCEPT).status_code == 200


def test_over_http_writing_needs_the_token_that_was_told(folder: Path) -> None:
    server = Http(folder, "--allow-write")
    try:
        header = server.said[0].partition(": ")[2]
        assert header.startswith("Bearer ")
        for wrong in ({}, {"Authorization": "Bearer x"}, {"Authorization": header + "x"}):
            assert httpx2.post(server.url, json=HELLO, headers={**ACCEPT, **wrong}).status_code == 401

        async def conversation(client: Client) -> None:
            assert not (await client.call_tool("check", {"path": "cifar_cosine.py"})).is_error

        async def go() -> None:
            async with (
                httpx2.AsyncClient(headers={"Authorization": header}) as sender,
                Client(streamable_http_client(server.url, http_client=sender)) as client,
            ):
                await conversation(client)

        anyio.run(go)
    finally:
        server.close()


# Running


def test_without_the_flag_nothing_that_runs_is_there(reader: Reader) -> None:
    script = reader.folder / "act.py"
    script.write_text("open('executed', 'w')\n")
    for name in ("find", "watch", "run"):
        told = reader.call(name, path="act.py")
        assert told.is_error and "Unknown tool" in told.content[0].text
    script.unlink()
    assert not (reader.folder / "executed").exists()


def test_without_the_flag_nothing_is_written(reader: Reader) -> None:
    told = reader.call("fix", path="cifar_cosine.py", unsafe=True, write=True)
    assert told.is_error and "--allow-write" in told.content[0].text


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
def test_with_the_flag_scripts_run(folder: Path) -> None:
    (folder / "tiny.py").write_text(TINY)

    async def conversation(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}

        async def call(name: str, **arguments: Any) -> dict[str, Any]:
            told = await client.call_tool(name, {"path": "tiny.py", **arguments})
            assert not told.is_error and told.structured_content, told
            jsonschema.validate(told.structured_content, tools[name].output_schema or {})
            return dict(told.structured_content)

        found = await call("find", steps=60, arguments=["--epochs", "9"])
        assert found["code"] == 0 and found["report"]["format"] == "lright-find"
        seen = await call("watch", arguments=["--epochs", "2"])
        assert seen["report"] and "the script spoke" in seen["output"]
        other = await call("run", schedule="warmup 10% > cosine to 0", peak=0.05, arguments=["--epochs", "2"])
        assert other["report"] and other["ended"] == "finished"
        told = await client.call_tool("watch", {"path": "tiny.py", "arguments": ["--nonsense"]})
        assert told.is_error or told.structured_content["code"]

    talk(serve(folder, "--allow-run"), conversation)
    assert {path.name for path in folder.iterdir()} - {"__pycache__"} == {
        "tiny.py", "cifar_cosine.py", "clean_imagenet_step.py"
    }  # fmt: skip


def test_a_run_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """Also what ignores being asked, and what its leader left behind."""
    child = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('up', flush=True); time.sleep(99)"
    parent = (
        f"import subprocess, sys; one = subprocess.Popen([sys.executable, '-c', {child!r}]); "
        "print(one.pid, flush=True); one.wait()"
    )

    async def go() -> int:
        process = await anyio.open_process([sys.executable, "-c", parent], start_new_session=True, stderr=None)
        told = ""
        assert process.stdout is not None
        while "up" not in told:
            told += (await process.stdout.receive()).decode()
        with anyio.CancelScope() as scope:
            scope.cancel()  # whoever waited for it is gone already
            await runs._end(process)
        return int(told.split()[0])

    number = anyio.run(go)
    end = time.monotonic() + 5
    while not gone(number):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
def test_a_run_is_ended_by_its_time_and_by_cancellation(folder: Path) -> None:
    (folder / "slow.py").write_text(SLOW)

    async def conversation(client: Client) -> None:
        told = await client.call_tool("watch", {"path": "slow.py", "seconds": 20})
        assert told.structured_content and told.structured_content["ended"] == "timed out", told
        assert gone(int((folder / "pid").read_text()))
        (folder / "pid").unlink()
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "watch", {"path": "slow.py"})
            while not (folder / "pid").exists() or not (folder / "pid").read_text():
                await anyio.sleep(0.1)
            group.cancel_scope.cancel()
        number = int((folder / "pid").read_text())
        with anyio.fail_after(10):
            while not gone(number):
                await anyio.sleep(0.1)
        assert not (await client.call_tool("check", {"path": "cifar_cosine.py"})).is_error

    talk(serve(folder, "--allow-run"), conversation)


def gone(number: int) -> bool:
    """Whether a process is no more (or dead and not yet buried)."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{number}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"


# The command line


def lright(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "lright", "mcp", *words], capture_output=True, text=True, input="")


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--root", "/nowhere/at/all"], "is no folder"), (["--http", "99999"], "is no port"),
     (["--seconds", "0"], "seconds"),
     (["--nonsense"], "unknown option")],
)  # fmt: skip
def test_wrong_usage_is_one_line(words: list[str], said: str) -> None:
    done = lright(*words)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1


def test_without_the_extra_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['mcp'] = None; from lright.cli import main; raise SystemExit(main(['mcp']))"
    known = {**os.environ, **environment()}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=known)
    assert done.returncode == 2 and "pip install 'lright[mcp]'" in done.stderr


def test_it_ends_with_its_client(folder: Path) -> None:
    done = lright("--root", str(folder))
    assert done.returncode == 0 and done.stdout == ""
