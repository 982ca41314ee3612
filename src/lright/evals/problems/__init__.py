"""What is asked: scenarios in words, scripts to repair, schedules to choose, curves to read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache

from ..nouns import CHOICE, KINDS, READING, REPAIR, SCENARIO, Problem

SIZES = {REPAIR: 24, CHOICE: 10, READING: 10}  # the default set; scenarios are as many as there are


def load(
    kinds: Collection[str] = KINDS, tags: Collection[str] = (), size: int | None = None, seed: int = 0
) -> tuple[Problem, ...]:
    """The problems of these kinds that have one of the tags (all, where none is named), always in the same order.

    ``size``: how many of each kind that is generated. ``seed``: another seed, other problems. The same arguments give
    the same problems, and the first of a larger set are those of a smaller one.

    >>> [problem.id for problem in load(kinds=["scenario"], tags=["seed"])][:2]
    ['seed-1-schedule-or-not', 'seed-2-plateau']
    """
    found = [problem for kind in KINDS if kind in kinds for problem in _made(kind, size, seed)]
    return tuple(problem for problem in found if not tags or set(tags) & set(problem.tags))


@lru_cache(maxsize=32)
def _made(kind: str, size: int | None, seed: int) -> tuple[Problem, ...]:
    return tuple(_of(kind, size, seed))


def _of(kind: str, size: int | None, seed: int) -> Iterator[Problem]:
    """All problems of a kind. Its generator is imported when it is needed: repairing takes the whole doctor."""
    from . import choice, reading, repair, scenarios

    if kind == SCENARIO:
        return scenarios.tasks()
    makers = {REPAIR: repair.tasks, CHOICE: choice.tasks, READING: reading.tasks}
    return makers[kind](SIZES[kind] if size is None else size, seed)
