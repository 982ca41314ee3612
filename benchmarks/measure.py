"""What the speed benchmarks share: a whole process's CPU, and figures written into the docs."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"


def process_cpu(argv: Sequence[str], *, repeat: int = 7, codes: Sequence[int] = (0, 1)) -> float:
    """User plus system seconds of a whole process, children included: the best of `repeat` runs.

    Compiled modules are kept between runs, as on any ordinary machine, so the first run may be slower.
    """
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times = []
    for _ in range(repeat):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode not in codes:
            sys.exit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr.decode()}")
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def setting() -> str:
    """The machine a figure was taken on, in words that name no machine."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"Python {platform.python_version()}, {machine}"


def report(section: str, text: str, *, write: bool) -> None:
    """Print the figures and, if asked, put them between this section's marks in docs/benchmarks.md."""
    print(text)
    if write:
        page = PAGE.read_text("utf-8")
        start, end = f"<!-- {section} -->", f"<!-- /{section} -->"
        head, tail = page.partition(start)[0], page.partition(end)[2]
        PAGE.write_text(f"{head}{start}\n{text}\n{end}{tail}", "utf-8")
