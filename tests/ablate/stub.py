"""A stand-in for the drive room: runs a script that prints its metric, with the LR as an argument."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from lright.drive.measured import Measured


def measure(
    script: str,
    arguments: Sequence[str],
    *,
    peak: float | None,
    scale: float | None,
    seed: int,
    cancelled: Callable[[], bool] | None = None,
    **told: Any,
) -> Measured:
    lr = peak if peak is not None else 0.1 * (1 if scale is None else scale)
    command = [sys.executable, "-S", script, *arguments, "--lr", str(lr), "--seed", str(seed)]
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        while process.poll() is None and not (cancelled and cancelled()):
            time.sleep(0.01)
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
    out, _ = process.communicate()
    values = tuple((i, float(line.split()[1])) for i, line in enumerate(out.splitlines()))
    if process.returncode:
        return Measured(ended="interrupted")
    return Measured(values, values[-1][1], min(v for _, v in values), len(values), "finished", "",
                    time.monotonic() - begun, 0.1)  # fmt: skip
