"""The runs that are done, kept in a file of lines: a killed ablation goes on where it was.

Each line is a JSON object that says all about one run; a later line for the same key replaces an earlier one, and a
line torn by a kill is passed over. What was interrupted is not kept: it is run again.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..drive.measured import INTERRUPTED, Measured
from ..errors import LrightError
from .job import Job, Outcome, thinned
from .plan import FORMAT


class Store:
    """Outcomes by key, in ``path``. Reads it at once; makes it, and the folder it is in, with the first outcome.

    Raises LrightError for a file that is something else.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.torn = 0  # lines that could not be read
        self._measured: dict[str, Measured] = {}
        if self.path.exists():
            self._read()

    def _read(self) -> None:
        try:
            lines = self.path.read_text("utf-8").splitlines()
        except (OSError, UnicodeError) as error:
            raise LrightError(f"{self.path} cannot be read ({error}): name another file with --store") from None
        rows = [row for row in map(_row, lines) if row is not None]
        self.torn = len(lines) - len(rows)
        if lines and not rows:
            raise LrightError(f"{self.path} holds no runs of lright ablate: name another file with --store")
        self._measured = {row["key"]: _measured(row) for row in rows if row.get("format") == FORMAT}

    def __contains__(self, key: str) -> bool:
        return key in self._measured

    def outcome(self, key: str, job: Job) -> Outcome | None:
        """What is kept of a run, None where it has not been run."""
        return Outcome(job, self._measured[key]) if key in self._measured else None

    def add(self, key: str, outcome: Outcome) -> None:
        """Keep an outcome, on the disk before this returns."""
        if outcome.measured.ended == INTERRUPTED:
            return
        self._measured[key] = outcome.measured
        line = json.dumps(_line(key, outcome), allow_nan=False) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file:
                if file.tell() and not self._ends_a_line():
                    line = "\n" + line
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise LrightError(f"{self.path} cannot be written ({error.strerror}): name another with --store") from None

    def _ends_a_line(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and {"key", "ended"} <= row.keys() else None


def _line(key: str, outcome: Outcome) -> dict[str, object]:
    job, measured = outcome.job, outcome.measured
    return {
        "kind": "run",
        "format": FORMAT,
        "key": key,
        "schedule": job.cell.schedule,
        "factor": job.cell.peak.factor,
        "peak": job.cell.peak.lr,
        "seed": job.seed,
        "ended": measured.ended,
        "final": _text(measured.final),
        "best": _text(measured.best),
        "updates": measured.updates,
        "own_peak": measured.own_peak,
        "seconds": round(measured.seconds, 3),
        "message": measured.message,
        "values": [[update, _text(value)] for update, value in thinned(measured.values)],
    }


def _measured(row: Mapping[str, Any]) -> Measured:
    return Measured(
        tuple((update, float(value)) for update, value in row["values"]),
        final=None if row["final"] is None else float(row["final"]),
        best=None if row["best"] is None else float(row["best"]),
        updates=row["updates"],
        ended=row["ended"],
        message=row["message"],
        seconds=row["seconds"],
        own_peak=row["own_peak"],
    )


def _text(value: float | None) -> float | str | None:
    """A number as JSON can have it: those that are none as their names, which ``float`` reads."""
    return value if value is None or math.isfinite(value) else str(value)
