"""How long the run of a script is: read from its source, with what is measured while it runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import LrightError
from .job import Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..doctor import Foretold


def updates_of(job: Job, batches: int | None = None) -> int | None:
    """How many optimizer updates the script makes under its arguments; None where that is not seen."""
    foretold = foretold_of(job, batches)
    return foretold.updates if foretold is not None else None


def foretold_of(job: Job, batches: int | None = None) -> Foretold | None:
    """What reading the script says of its run; None for a module, for what is no Python, and for a script whose values
    are set in ways that are not read.

    ``batches``: the length of the training loader as it was seen in a run: the data may be others than the text says.
    """
    from ..doctor import Options, foretell

    if job.module:
        return None
    source = Path(job.script).read_text("utf-8", "replace")
    if not _says_its_values(source, job.arguments):
        return None
    try:
        foretold = foretell(source, job.script, Options(job.arguments))
        if batches and foretold.lengths:
            measured = dict.fromkeys(foretold.lengths, str(batches))
            foretold = foretell(source, job.script, Options(job.arguments, measured))
    except LrightError:  # a script that cannot be read says nothing of its length
        return None
    return foretold


def _says_its_values(source: str, arguments: Sequence[str]) -> bool:
    """Whether what the names of a script stand for can be read: not where it executes other files over them (nanoGPT's
    configurator), nor where something else than argparse reads its command line."""
    if re.search(r"\bexec\(", source):
        return False
    return not arguments or re.search(r"\bArgumentParser\(", source) is not None
