"""CPU of one start, whole process: `python -m benchmarks.startup [--write]`. The bar is 150 ms."""

from __future__ import annotations

import sys
from pathlib import Path

from .measure import process_cpu, report, setting, table

BAR = 0.150
CLEAN = "examples/clean_imagenet_step.py"
FAULTY = "examples/cifar_cosine.py"


def main() -> int:
    lright = [sys.executable, "-m", "lright"]
    bare = process_cpu([sys.executable, "-c", "pass"])
    cases = {
        "`lright --help`": [*lright, "--help"],
        "`lright check`, one clean file with its curve": [*lright, "check", CLEAN],
        "`lright check`, one finding with its proved fix": [*lright, "check", FAULTY],
    }
    times = {name: process_cpu(argv) for name, argv in cases.items()}
    ruff = Path(sys.executable).with_name("ruff")
    if ruff.exists():
        times["`ruff check`, the same clean file (a peer, written in Rust)"] = process_cpu(
            [str(ruff), "check", "--no-cache", CLEAN]
        )
    rows = [["`python -c pass`", f"{bare * 1e3:.0f} ms", "1.0"]]
    rows += [[name, f"{cpu * 1e3:.0f} ms", f"{cpu / bare:.1f}"] for name, cpu in times.items()]
    text = f"{setting()}; the bar for the first two lines of lright: {BAR * 1e3:.0f} ms.\n\n"
    report("startup", text + table(["what", "CPU", "times bare Python"], rows), write="--write" in sys.argv)
    return int(max(times[name] for name in list(cases)[:2]) > BAR)


if __name__ == "__main__":
    raise SystemExit(main())
