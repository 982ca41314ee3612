"""Starting a script in a process of its own, and following it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import LrightError, ReadError
from .job import End, Job

POLL = 0.05  # seconds between two looks at the process
GRACE = 10.0  # seconds that an interrupted script has to come to an end


@contextmanager
def folder() -> Iterator[str]:
    """A folder in which two processes leave notes for each other."""
    with tempfile.TemporaryDirectory(prefix="lright-", ignore_cleanup_errors=True) as path:
        yield path


def is_main_process() -> bool:
    """Whether this is the process that speaks: under torchrun, the one of rank 0."""
    return os.environ.get("RANK", "0") == "0"


def checked(script: str, module: bool) -> str:
    """The script's path; ReadError where there is none."""
    if not module and not Path(script).is_file():
        reason = "is a folder: name the script" if Path(script).is_dir() else "is not there"
        raise ReadError(script, reason)
    return script


class Ended:
    """How the process of a script came to its end. ``output`` is what it printed, where that was kept."""

    def __init__(self, end: End, code: int, output: str, seconds: float, timed_out: bool) -> None:
        self.end = end
        self.code = code
        self.output = output
        self.seconds = seconds
        self.timed_out = timed_out


def launch(
    job: Job,
    *,
    quiet: bool = False,
    follow: Callable[[Mapping[str, Any]], object] | None = None,
    timeout: float | None = None,
    cancelled: Callable[[], bool] | None = None,
    environment: Mapping[str, str] | None = None,
    python: str = sys.executable,
) -> Ended:
    """Run a job to its end. ``quiet``: keep what it prints (standard output and errors together) instead of showing
    it. ``follow`` is told of its progress some times a second."""
    for name in ("end.json", "progress.json"):
        (Path(job.folder) / name).unlink(missing_ok=True)
    command = [python, "-m", "lright.drive.inside", str(job.write())]
    kept = Path(job.folder) / "output.txt"
    start = time.monotonic()
    with open(kept, "wb") as file:
        sink = file if quiet else None
        process = subprocess.Popen(
            command, stdout=sink, stderr=subprocess.STDOUT if quiet else None, env=importing(environment or {})
        )
        timed_out = _wait(process, job, follow, timeout, cancelled)
    output = kept.read_text("utf-8", "replace") if quiet else ""
    end = End.read(job.folder) or _silent(process.returncode)
    return Ended(end, process.returncode, output, time.monotonic() - start, timed_out)


def importing(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process, in which lright itself can be imported."""
    home = Path(__file__).resolve().parents[2]
    if home.name in ("site-packages", "dist-packages"):  # installed: it is found there
        return {**os.environ, **more}
    path = [str(home), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), **more}


def _wait(
    process: subprocess.Popen[bytes], job: Job, follow: Callable[[Mapping[str, Any]], object] | None,
    timeout: float | None, cancelled: Callable[[], bool] | None,
) -> bool:  # fmt: skip
    """Until the process is over; True if it took longer than it was given."""
    start = time.monotonic()
    interrupted = timed_out = False
    while True:
        try:
            process.wait(POLL)
            return timed_out
        except subprocess.TimeoutExpired:
            pass
        except KeyboardInterrupt:  # the process has got it too: it is given time to end well
            if interrupted:
                process.kill()
            interrupted, timeout = True, time.monotonic() - start + GRACE
            continue
        if follow is not None:
            told = _progress(job.folder)
            if told is not None:
                follow(told)
        late = timeout is not None and time.monotonic() - start > timeout
        if late or (cancelled is not None and cancelled()):
            timed_out = late and not interrupted
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()


def _progress(where: str) -> Mapping[str, Any] | None:
    path = Path(where) / "progress.json"
    try:
        told: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return told


def _silent(code: int) -> End:
    """The end of a process that said nothing: killed, or ended by the script itself."""
    if code < 0:
        name = signal.Signals(-code).name if -code in {s.value for s in signal.Signals} else str(-code)
        return End("crashed", f"its process was ended by {name}")
    return End("crashed" if code else "finished", f"it ended with exit code {code}" if code else "")


def last_lines(output: str, count: int = 15) -> str:
    """The end of what a script printed, indented."""
    return "\n".join(f"  {line}" for line in output.rstrip().splitlines()[-count:])


def failed(ended: Ended, what: str) -> LrightError:
    """What to say of a script that did not get as far as it was needed."""
    told = f"{what}: {ended.end.message or 'it ended'}"
    return LrightError(f"{told}\n{last_lines(ended.output)}" if ended.output.strip() else told)
