"""The tools that execute the user's script: find, watch and run, for servers that were started with --allow-run.

Each is a command line of lright in a process group of its own, without a shell, ended with everything it started when
its time is over or nobody waits for it any more. The functions here make the command lines.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import anyio
import anyio.abc

from ...drive.launch import importing
from ...errors import LrightError, ReadError, UsageError
from .confine import Root

if TYPE_CHECKING:
    from .answers import RunAnswer

MOST_SECONDS = 3600.0
KEPT = 2 * 2**20  # bytes of what is printed that are kept; the rest is read and dropped
SHOWN = 4000  # characters of what is printed besides the report
GRACE = 3.0  # seconds that an interrupted run has to come to an end
LONG = 60  # items from which a list of a report is left out

Script = Annotated[str, "the training script in the root folder, as a path from it"]
Arguments = Annotated[list[str], "the script's own command line, as in ['--epochs', '1']"]
Seconds = Annotated[float, "how long it may take; it is ended then"]
Stop = Annotated[str, "stop the script on 'diverged', or on a rule such as LR101; several with commas"]
Schedule = Annotated[str, "in words, as in 'warmup 5% > cosine to 0'; none: the script's own"]
Command = list[str]  # what a tool here makes; what comes of it is a RunAnswer
Updates = Annotated[int, "how many updates the run makes, if the script hides it; 0: not known"]


def find(
    root: Root, path: Script, arguments: Arguments = [], seconds: Seconds = 600,  # noqa: B006 - never changed
    steps: Annotated[int, "updates of the sweep; 0: 200"] = 0,
    trials: Annotated[int, "train briefly at so many rates around the suggestion: 0, or 3 and more"] = 0,
) -> Command:  # fmt: skip
    """RUNS the user's script: an LR range test that raises the learning rate from update to update and reads the loss,
    then stops it. Use it when the user wants the learning rate that the training really takes. Its checkpoints and
    logs are withheld; it takes as long as some hundred updates."""
    options = ["--no-progress"]
    options += [f"--steps={_count('steps', steps)}"] if steps else []
    options += [f"--trials={_count('trials', trials)}"] if trials else []
    return _command("find", root, path, arguments, options)


def watch(
    root: Root, path: Script, arguments: Arguments = [], seconds: Seconds = 600, stop_on: Stop = ""  # noqa: B006
) -> Command:
    """RUNS the user's script as it is, to its end, and reports what its learning rate and its loss really did, judged
    by the rules of check. Use it when reading the script is not enough and the user agreed to a run; keep it short with
    the script's own arguments. It saves what the script saves."""
    return _command("watch", root, path, arguments, ["--no-view", *_stop(stop_on)])


def run(
    root: Root, path: Script, schedule: Schedule = "", arguments: Arguments = [], seconds: Seconds = 600,  # noqa: B006
    peak: Annotated[float, "its highest learning rate; 0: that of the script"] = 0,
    scale: Annotated[float, "the script's own learning rate times this; 0: as it is"] = 0,
    updates: Updates = 0, stop_on: Stop = "",
) -> Command:  # fmt: skip
    """RUNS the user's script, unchanged, with another learning-rate schedule put in its place, and reports like watch.
    Use it to try a schedule before it is written into the script. It saves what the script saves."""
    options = ["--no-view", *_stop(stop_on)]
    options += [f"--schedule={_line('schedule', schedule)}"] if schedule else []
    options += [f"--peak={_positive('peak', peak)}"] if peak else []
    options += [f"--scale={_positive('scale', scale)}"] if scale else []
    options += [f"--updates={_count('updates', updates)}"] if updates else []
    return _command("run", root, path, arguments, options)


RUNS: Mapping[str, Callable[..., Any]] = {"find": find, "watch": watch, "run": run}


def _command(tool: str, root: Root, path: str, arguments: Sequence[str], options: Sequence[str]) -> Command:
    """The command line; ``{trace}`` stands for a file that is gone afterwards."""
    if not path.endswith(".py"):
        raise ReadError(path[:60], "is no Python script")
    root.read(path)
    if sum(map(len, arguments)) > 10_000 or any("\0" in one for one in arguments):
        raise UsageError("the script's arguments are longer than 10,000 characters, or hold a NUL")
    record = [] if tool == "find" else ["--record={trace}"]
    script = os.path.join(os.curdir, *root.parts(path))
    return [tool, script, "--format=json", *options, *record, "--", *arguments]


def _stop(words: str) -> list[str]:
    return [f"--stop-on={_line('stop_on', words)}"] if words else []


def _line(name: str, text: str) -> str:
    if len(text) > 500 or not text.isprintable():
        raise UsageError(f"{name} is longer than 500 characters, or holds what cannot be printed")
    return text


def _count(name: str, value: int) -> int:
    if not 0 < value < 10**9:
        raise UsageError(f"{name}: give a whole number from 1")
    return value


def _positive(name: str, value: float) -> float:
    if not 0 < value < 1e9:
        raise UsageError(f"{name}: give a number above 0")
    return value


# Carrying it out

_PLAIN = {"NO_COLOR": "1", "COLUMNS": "100", "PYTHONUNBUFFERED": "1"}


async def carried_out(root: Root, command: Sequence[str], seconds: float) -> RunAnswer:
    """Run a command line of lright in the root folder, for so many seconds at most."""
    if not 0 < seconds <= MOST_SECONDS:
        raise UsageError(f"seconds: give a number up to {MOST_SECONDS:g}")
    with tempfile.TemporaryDirectory(prefix="lright-mcp-", ignore_cleanup_errors=True) as folder:
        filled = [word.replace("{trace}", os.path.join(folder, "trace.jsonl")) if word.startswith("--record=") else word
                  for word in command]  # fmt: skip
        start = time.monotonic()
        process = await anyio.open_process(
            [sys.executable, "-m", "lright", *filled], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=root.folder, env=importing(_PLAIN), start_new_session=True,
        )  # fmt: skip
        out, errors = bytearray(), bytearray()
        timed_out = True
        try:
            with anyio.move_on_after(seconds):
                async with anyio.create_task_group() as group:
                    group.start_soon(_kept, process.stdout, out)
                    group.start_soon(_kept, process.stderr, errors)
                    await process.wait()
                    group.start_soon(_late, group.cancel_scope)
                timed_out = False
        finally:
            await _end(process)
    return _answer(process.returncode, timed_out, time.monotonic() - start, out, errors)


async def _kept(stream: anyio.abc.ByteReceiveStream | None, kept: bytearray) -> None:
    """Read a stream to its end and keep the last of it."""
    assert stream is not None
    async for chunk in stream:
        kept += chunk
        del kept[:-KEPT]


async def _late(scope: anyio.CancelScope) -> None:
    """The process is over, and what it left running may still hold its output: that is not waited for."""
    await anyio.sleep(1.0)
    scope.cancel()


async def _end(process: anyio.abc.Process) -> None:
    """End the process and all that it started, gently first; whoever is in a hurry."""
    with anyio.CancelScope(shield=True):
        if process.returncode is None:
            _signal(process.pid, signal.SIGINT)
            with anyio.move_on_after(GRACE):
                await process.wait()
        _signal(process.pid, signal.SIGKILL)  # the group outlives its leader
        with anyio.move_on_after(GRACE):
            await process.aclose()


def _signal(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return  # nobody is left in it


def _answer(code: int | None, timed_out: bool, seconds: float, out: bytearray, errors: bytearray) -> RunAnswer:
    printed, complaints = out.decode("utf-8", "replace"), errors.decode("utf-8", "replace").strip()
    report, rest = _report(printed)
    if report is None and not timed_out and code:
        raise LrightError(complaints.removeprefix("lright: ")[-SHOWN:] or f"it ended with exit code {code}")
    told = "\n".join(filter(None, [rest.strip(), complaints]))
    return {
        "code": None if timed_out else code, "ended": "timed out" if timed_out else "finished",
        "seconds": round(seconds, 1), "report": report, "output": _printable(told)[-SHOWN:],
    }  # fmt: skip


def _report(printed: str) -> tuple[dict[str, Any] | None, str]:
    """The JSON document at the end of what was printed, and the rest."""
    start = printed.rfind("\n{\n") + 1 if "\n{\n" in printed else 0
    try:
        found = json.loads(printed[start:])
    except ValueError:
        return None, printed
    return (_shortened(found), printed[:start]) if isinstance(found, dict) else (None, printed)


def _shortened(value: Any) -> Any:
    """A report without lists that are too long to read, such as curves."""
    if isinstance(value, dict):
        return {name: _shortened(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_shortened(one) for one in value] if len(value) <= LONG else f"{len(value)} values, left out"
    if isinstance(value, float) and value != value:
        return None
    return value


def _printable(text: str) -> str:
    """What a script printed, without what would move a cursor or change a colour."""
    return re.sub(r"[^\S\n]+$|[^\n\t -~\u00a0-\U0010ffff]", "", text, flags=re.MULTILINE)


def text_of(answer: Mapping[str, Any]) -> str:
    """The answer in few lines."""
    head = f"{answer['ended']} after {answer['seconds']:g} seconds, exit code {answer['code']}"
    report = json.dumps(answer["report"], indent=1) if answer["report"] else "no report"
    return "\n".join(filter(None, [head, report, answer["output"]]))
