"""Run the script of a job as `python script.py ARGUMENTS` would, with somebody listening."""

from __future__ import annotations

import builtins
import os
import sys
import traceback
import types
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from ...errors import LrightError
from ..job import CRASHED, FINISHED, INTERRUPTED, STOPPED, End, Job
from .conductor import Conductor, Enough


def main() -> int:
    """The exit code of the script: 0 too where it was stopped because enough was seen."""
    job = Job.read(sys.argv[1])
    conductor = _conductor(job)
    end, code = _run(job, conductor)
    conductor.finish(end)
    end.write(job.folder)
    sys.stdout.flush()
    sys.stderr.flush()
    if end.reason == STOPPED:  # what the script left running must not keep it
        os._exit(0)
    return code


def _conductor(job: Job) -> Conductor:
    if job.mode == "find":
        from .finding import Finding

        return Finding(job)
    from .recording import Recording

    if job.mode == "watch":
        return Recording(job)
    from .scheduling import Scheduling

    return Scheduling(job)


def _run(job: Job, conductor: Conductor) -> tuple[End, int]:
    """Run the script to whatever end it comes to."""
    start = _prepare(job)
    reason, message, code = FINISHED, "", 0
    with ExitStack() as stack:
        conductor.install(stack)
        try:
            start()
        except Enough as enough:
            reason, message = STOPPED, str(enough)
        except KeyboardInterrupt:
            reason, code = INTERRUPTED, 130
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
            reason, message = (FINISHED, "") if not code else (CRASHED, f"the script ended with exit code {stop.code}")
            if isinstance(stop.code, str):
                print(stop.code, file=sys.stderr)
        except LrightError as error:
            reason, message, code = CRASHED, f"lright: {error}", 2
        except BaseException as error:  # noqa: BLE001 - whatever the script raises is told as Python tells it
            reason, message, code = CRASHED, _told(error), 1
            _print(error)
    if conductor.enough and reason != INTERRUPTED:  # a script may catch what stops it, and stumble on
        reason, message, code = STOPPED, "", 0
    return conductor.ended(reason, message), code


def _prepare(job: Job) -> Callable[[], object]:
    """Make this process look like `python script.py`; gives what runs it."""
    if job.module:
        import runpy

        sys.argv = [job.script, *job.arguments]
        sys.path[0] = os.getcwd()
        return lambda: runpy.run_module(job.script, run_name="__main__", alter_sys=True)
    sys.argv = [job.script, *job.arguments]
    sys.path[0] = str(Path(job.script).resolve().parent)
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=job.script, __builtins__=builtins)
    code = compile(Path(job.script).read_bytes(), job.script, "exec")
    sys.modules["__main__"] = module
    return lambda: exec(code, module.__dict__)


def _own(error: BaseException) -> traceback.TracebackException:
    """The error without the frames of lright that it came through."""
    told = traceback.TracebackException.from_exception(error)
    here = str(Path(__file__).parent.parent.parent)
    kept = [frame for frame in told.stack if not frame.filename.startswith(here)]
    told.stack = traceback.StackSummary.from_list(kept or list(told.stack))
    return told


def _print(error: BaseException) -> None:
    print("".join(_own(error).format()), end="", file=sys.stderr)


def _told(error: BaseException) -> str:
    stack = _own(error).stack
    where = f" ({os.path.basename(stack[-1].filename)}:{stack[-1].lineno})" if stack else ""
    return " ".join(f"{type(error).__name__}: {error}".split()) + where


if __name__ == "__main__":
    sys.exit(main())
