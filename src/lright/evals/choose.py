"""Which problems are asked: kinds, tags and ids by name, and repair tasks of somebody's own scripts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from ..errors import LrightError, UsageError
from .nouns import KINDS, SCENARIO, Problem
from .problems import load

PER_SCRIPT = 2  # repair tasks that one script gives
LARGEST = 100_000  # bytes of a script that is worth a repair task
SCHEDULED = re.compile(r"sched\w*\.step|\[['\"]lr['\"]\]", re.IGNORECASE)  # what has nothing of it is not read for long


def chosen(words: str = "", seed: int = 0, scripts: str = "") -> tuple[Problem, ...]:
    """The problems of these kinds, tags or ids, separated by commas (all for ""), and those made of the scripts below
    a folder. Raises UsageError for a word that names none, and LrightError for a folder that gives none.

    >>> [problem.id for problem in chosen("seed-2-plateau")]
    ['seed-2-plateau']
    """
    wanted = [word.strip() for word in words.split(",") if word.strip()]
    every = load(_kinds(wanted), seed=seed) + (tuple(_of_scripts(scripts, seed)) if scripts else ())
    known = {name for problem in every for name in _names(problem)} | set(KINDS)
    for word in wanted:
        if word not in known:
            close = get_close_matches(word, known, n=1)
            hint = f": did you mean {close[0]!r}?" if close else "; --list shows them"
            raise UsageError(f"--problems: no kind, tag or id {word!r}{hint}")
    return tuple(problem for problem in every if not wanted or set(wanted) & _names(problem))


def _kinds(wanted: Sequence[str]) -> Collection[str]:
    """The kinds that these words can be about: making repair tasks takes seconds, and a scenario need not wait."""
    named = {word for word in wanted if word in KINDS}
    others = set(wanted) - named
    if not wanted or not others <= {name for problem in load([SCENARIO]) for name in _names(problem)}:
        return KINDS
    return named | {SCENARIO} if others else named


def _names(problem: Problem) -> set[str]:
    return {problem.id, problem.kind, *problem.tags}


def _of_scripts(folder: str, seed: int) -> Iterator[Problem]:
    """Repair tasks made of the clean scripts below a folder; a script that nothing can be planted in gives none."""
    from .problems.repair import repair_from

    paths = sorted(path for path in Path(folder).rglob("*.py") if path.is_file() and path.stat().st_size <= LARGEST)
    if not paths:
        raise LrightError(f"--scripts {folder}: no Python file there")
    made = 0
    for path in paths:
        name = "-".join(path.relative_to(folder).with_suffix("").parts)
        text = path.read_text("utf-8", errors="replace")
        for turn in range(PER_SCRIPT if SCHEDULED.search(text) else 0):
            problem = repair_from(text, 1 + turn, seed + turn, name, path.name)
            if problem is not None:
                made += 1
                yield problem
    if not made:
        raise LrightError(f"--scripts {folder}: no script there is clean and read well enough to plant a fault in")
