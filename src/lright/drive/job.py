"""What is asked of a script that runs under instruments, and what it leaves behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ..records import field, record

FINISHED, STOPPED, INTERRUPTED, CRASHED = "finished", "stopped", "interrupted", "crashed"
KEPT, WITHHELD, APART = "kept", "withheld", "apart"


@record(frozen=True)
class Job:
    """A script to run and what to do while it runs. ``folder`` is where the two processes leave notes for each other.

    ``mode`` is find, watch or run; ``options`` are those of the mode. ``module``: the script is a module's dotted name.
    ``seed`` moves every seed that the script sets, and is the seed where it sets none. ``saves`` says what becomes of
    its checkpoints and logs: "kept" as always, "withheld", or "apart": what ``torch.save`` writes goes to a folder of
    this run, and ``torch.load`` finds it there.
    """

    mode: str
    script: str
    arguments: tuple[str, ...] = ()
    folder: str = ""
    module: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    seed: int | None = None
    saves: str = KEPT

    def write(self) -> Path:
        """Put it down in its folder; gives the file."""
        path = Path(self.folder) / "job.json"
        path.write_text(json.dumps(_told(self)), "utf-8")
        return path

    @classmethod
    def read(cls, path: str) -> Job:
        told = json.loads(Path(path).read_text("utf-8"))
        return cls(**{**told, "arguments": tuple(told["arguments"])})


@record(frozen=True)
class End:
    """How the script ended; ``message`` says what it raised. ``updates`` were made in all."""

    reason: str
    message: str = ""
    updates: int = 0
    withheld: tuple[str, ...] = ()  # what it wanted to write and was kept from
    planned: int | None = None  # the updates that a schedule of ours was made for
    own_peak: float | None = None  # the highest LR that the script itself gave its optimizer

    def write(self, folder: str) -> None:
        (Path(folder) / "end.json").write_text(json.dumps(_told(self)), "utf-8")

    @classmethod
    def read(cls, folder: str) -> End | None:
        """What the script's process put down, None where it could not."""
        path = Path(folder) / "end.json"
        if not path.exists():
            return None
        told = json.loads(path.read_text("utf-8"))
        return cls(**{**told, "withheld": tuple(told["withheld"])})


def _told(record_: object) -> dict[str, object]:
    """A record as JSON takes it."""
    return {name: getattr(record_, name) for name in type(record_).__annotations__}
