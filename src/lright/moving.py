"""What a remedy must take along: a step() under a test of its own moves with the test, one for each of several
schedulers with its loop. What would take a whole constructor away is no remedy."""

from __future__ import annotations

from collections.abc import Sequence

from .case import periodic
from .finding import Remedy
from .records import replace
from .situation import Training
from .timeline import Branch, Place, Site, sites


def whole(remedy: Remedy, trainings: Sequence[Training], lines: Sequence[str]) -> Remedy | None:
    """The remedy with all that belongs to what it moves; None where it cannot be carried out without harm."""
    if remedy.action in ("replace", "remove-argument") and remedy.place in _constructors(trainings):
        return None  # an argument that came in by ** has no place of its own
    place: Place | None = remedy.place
    if remedy.action.startswith("move"):
        for training in trainings[:1]:
            for site in training.of("tick"):
                if site.place == remedy.place and place is not None:
                    place = _moved(site, remedy.to, lines)
    then = [whole(step, trainings, lines) for step in remedy.then]
    if place is None or None in then:
        return None
    return replace(remedy, place=place, then=tuple(step for step in then if step is not None))


def _constructors(trainings: Sequence[Training]) -> set[Place]:
    return {
        place
        for training in trainings
        for place in (
            *(made.place for made in training.optimizers.values()),
            *(made.place for made in training.schedulers.values()),
            *(made.call for made in training.schedulers.values()),
        )
        if place is not None
    }


def _moved(site: Site, to: Place | None, lines: Sequence[str]) -> Place | None:
    """The statement to move for a step(): itself, the test around it, or the loop over several schedulers."""
    spread = site.event.data.get("spread")
    if isinstance(spread, Place) and (to is None or not _inside(to, spread)):
        return spread if site.event.data.get("alone") else None
    guards = [
        guard
        for guard in site.guards_below(site.loops[-1] if site.loops else None)
        if not guard.branch.origin and periodic(guard) is None and guard.branch.place != site.place
    ]
    if not guards:
        return site.place
    branch = guards[0].branch
    if to is not None and _inside(to, branch.place):
        return site.place
    written = lines[branch.place.line - 1][branch.place.column - 1 :]
    return branch.place if _only_ticks(branch) and written.startswith("if") else None


def _only_ticks(branch: Branch) -> bool:
    return all(site.event.kind == "tick" for arm in branch.arms for site in sites(arm))


def _inside(inner: Place, outer: Place) -> bool:
    return (outer.line, outer.column) <= (inner.line, inner.column) and (inner.end_line, inner.end_column) <= (
        outer.end_line,
        outer.end_column,
    )
