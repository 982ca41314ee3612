"""Who answers, as solvers of inspect_ai: a model, an agent's command, or what was recorded."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from inspect_ai.model import ChatMessageSystem, ModelOutput, execute_tools, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import Tool, ToolSource, mcp_server_stdio, tool

from ..errors import LrightError
from .arms import Arm
from .nouns import Answer, Problem

TURNS = 12  # how often a model may call tools for one answer
SHOWN = 200_000  # bytes of an agent's output that are kept
SKILL_FOLDERS = (".claude/skills", ".agents/skills")  # where agents look for skills of a project

MISSING = "echo 'lright: not found' >&2; exit 127"  # stands before an installed lright on the path
KEPT = "lright_answer"


def answer_of(state: TaskState) -> Answer:
    """The answer that a solver has left; what it took is the business of whoever reads the sample."""
    kept = dict(state.metadata.get(KEPT, {}))
    kept["calls"] = tuple(kept.get("calls", ()))
    return Answer(**{"text": state.output.completion, **kept})


# -- recorded ---------------------------------------------------------------------------------------------------------


@solver
def replay(arm: Arm, transcripts: Mapping[tuple[str, str, int], Answer]) -> Solver:
    """Give the recorded answer of this problem, arm and epoch."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        key = (str(state.sample_id), arm.name, state.epoch - 1)
        if key not in transcripts:
            raise LrightError(f"no answer was recorded for problem {key[0]}, arm {key[1]}, epoch {key[2]}")
        _leave(state, transcripts[key])
        return state

    return solve


def _leave(state: TaskState, answer: Answer) -> None:
    state.output = ModelOutput.from_content("recorded", answer.text)
    state.metadata[KEPT] = {**vars(answer), "files": dict(answer.files), "calls": list(answer.calls)}


# -- a model ----------------------------------------------------------------------------------------------------------


@solver
def model(arm: Arm, problems: Mapping[str, Problem], system: str, tools: bool) -> Solver:
    """Ask a model; with tools it may read the skill's references, and the arm with tools has lright's MCP server."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.messages.insert(0, ChatMessageSystem(content=system))
        if not tools:
            return await generate(state)
        with tempfile.TemporaryDirectory(prefix="lright-eval-") as folder:
            files = problems[str(state.sample_id)].files
            _write(Path(folder), files)
            given: list[Tool | ToolSource] = [_reference(arm)] if len(arm.files) > 1 else []
            if arm.tools:
                given.append(_server(folder))
            await _converse(state, given)
            calls = [call.function for m in state.messages for call in getattr(m, "tool_calls", None) or ()]
            state.metadata[KEPT] = {"files": _changed(Path(folder), files), "calls": calls}
        return state

    return solve


async def _converse(state: TaskState, tools: list[Tool | ToolSource]) -> None:
    for turn in range(TURNS):
        last = turn == TURNS - 1
        state.output = await get_model().generate(state.messages, tools=[] if last else tools)
        state.messages.append(state.output.message)
        if last or not state.output.message.tool_calls:
            return
        done = await execute_tools(state.messages, tools)
        state.messages.extend(done.messages)


def _reference(arm: Arm) -> Tool:
    texts = arm.files

    @tool
    def read_skill_file() -> Tool:
        async def execute(name: str) -> str:
            """Read a file of the skill.

            Args:
                name: the path as the skill names it, such as references/warmup.md
            """
            return texts.get(name.strip().removeprefix("./"), f"no such file; there are {', '.join(sorted(texts))}")

        return execute

    return read_skill_file()


def _server(folder: str) -> ToolSource:
    arguments = ["-m", "lright", "mcp", "--root", folder]
    return mcp_server_stdio(name="lright", command=sys.executable, args=arguments)


# -- an agent's command -----------------------------------------------------------------------------------------------


@solver
def command(arm: Arm, line: str, timeout: float, problems: Mapping[str, Problem]) -> Solver:
    """Start an agent in a folder with the project: ``{prompt}`` in its command line is the question; without it the
    question comes on standard input. Its standard output is the answer, and the files are read back afterwards."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        files = problems[str(state.sample_id)].files
        with tempfile.TemporaryDirectory(prefix="lright-eval-") as made:
            project, beside = Path(made) / "project", Path(made) / "bin"
            _write(project, files)
            equip(arm, project, beside)
            started = time.monotonic()
            text = await _started(line, state.input_text, project, beside, timeout)
            answer = Answer(text, _changed(project, files), round(time.monotonic() - started, 2))
        _leave(state, answer)
        return state

    return solve


def equip(arm: Arm, project: Path, beside: Path) -> None:
    """Lay out what the arm gives: the skill where agents look for it, and `lright`, or a command that is not there."""
    if arm.skill:
        name = arm.skill
        for folder in SKILL_FOLDERS:
            _write(project / folder / name, arm.files)
    beside.mkdir(parents=True, exist_ok=True)
    program = beside / "lright"
    there = f'exec {shlex.quote(sys.executable)} -m lright "$@"'
    program.write_text(f"#!/bin/sh\n{there if arm.tools else MISSING}\n")
    program.chmod(0o755)
    if arm.tools:
        server = {"command": str(program), "args": ["mcp", "--root", "."]}
        (project / ".mcp.json").write_text(json.dumps({"mcpServers": {"lright": server}}, indent=2) + "\n")


async def _started(line: str, prompt: str, project: Path, beside: Path, timeout: float) -> str:
    """Run the command and give what it printed. Files stand in for pipes: a process that the agent leaves behind would
    hold a pipe open, and the answer would never be over."""
    words = _words(line)
    takes_it = any("{prompt}" in word for word in words)
    words = [word.replace("{prompt}", prompt) for word in words]
    environment = {**os.environ, "PATH": f"{beside}{os.pathsep}{os.environ.get('PATH', '')}"}
    asked, out, err = (beside / name for name in ("question", "out", "err"))
    asked.write_text("" if takes_it else prompt, "utf-8")
    with asked.open("rb") as given, out.open("wb") as said, err.open("wb") as complained:
        try:
            process = await asyncio.create_subprocess_exec(
                *words, cwd=project, env=environment, start_new_session=True,
                stdin=given, stdout=said, stderr=complained,
            )  # fmt: skip
        except OSError as error:
            raise LrightError(f"--agent: {words[0]!r} does not start: {error.strerror}") from None
        try:
            code = await asyncio.wait_for(process.wait(), timeout)
        except asyncio.TimeoutError:
            raise LrightError(f"the agent gave no answer within {timeout:g} s") from None
        finally:
            _end(process)
    if code:
        complaint = " ".join(_head(err).split())[-300:]
        raise LrightError(f"the agent ended with {code}: {complaint or 'it said nothing'}")
    return _head(out)


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise LrightError(f"--agent: {line!r} is no command line: {error}") from None
    if not words:
        raise LrightError("--agent: the command is empty")
    return words


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(SHOWN).decode(errors="replace")


def _end(process: asyncio.subprocess.Process) -> None:
    """End the agent and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # they have all ended by themselves


# -- files ------------------------------------------------------------------------------------------------------------


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def _changed(folder: Path, files: Mapping[str, str]) -> dict[str, str]:
    """The project's files as they are now, if any of them changed; nothing otherwise."""
    now: dict[str, str] = {}
    for name in files:
        path = folder / name
        readable = path.is_file() and not path.is_symlink() and path.stat().st_size < 1_000_000
        now[name] = path.read_text("utf-8", errors="replace") if readable else ""
    return now if now != dict(files) else {}

