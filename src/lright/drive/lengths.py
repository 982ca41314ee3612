"""How long the run of a script is: read from its source, with what is measured while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import LrightError
from .job import Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..doctor import Foretold


def updates_of(job: Job, loaders: Sequence[int] = ()) -> int | None:
    """How many optimizer updates the script makes under its arguments; None where that is not seen."""
    foretold = foretold_of(job, loaders)
    return foretold.updates if foretold is not None else None


def foretold_of(job: Job, loaders: Sequence[int] = ()) -> Foretold | None:
    """What reading the script says of its run; None for a module, and for what is no Python.

    ``loaders``: lengths of the loaders seen so far in batches, the training loader's first; it stands for loader
    lengths that the source does not say.
    """
    from ..doctor import Options, foretell

    if job.module:
        return None
    source = Path(job.script).read_text("utf-8", "replace")
    try:
        foretold = foretell(source, job.script, Options(job.arguments))
        lengths = [name for name in foretold.unknown if name.startswith("len(")]
        if lengths and loaders:
            settings = dict.fromkeys(lengths, str(loaders[0]))
            foretold = foretell(source, job.script, Options(job.arguments, settings))
    except LrightError:  # a script that cannot be read says nothing of its length
        return None
    return foretold
