"""Asking rules: what one finds, and what is left of it where one mistake has several names."""

from __future__ import annotations

from collections.abc import Sequence

from ..case import Case
from ..errors import LrightError
from ..finding import INFO, Finding
from ..records import replace
from .base import Rule


def by(rule: Rule, case: Case) -> list[Finding]:
    """What one rule finds; a rule that stumbles over something unknown has not judged, and says so as skipped."""
    try:
        return list(rule.check(case))
    except LrightError as error:
        case.stumbled[rule.id] = str(error)
        return []


def explained(found: Sequence[Finding]) -> list[Finding]:
    """One bug, one finding: those that another explains are listed under it."""
    kept = list(found)
    for finding in found:
        if finding not in kept or not finding.covers:
            continue
        subjects = set(finding.subjects)
        covered = [
            other
            for other in kept
            if other is not finding
            and other.rule in finding.covers
            and subjects & set(other.subjects)
            and (finding.severity != INFO or other.severity == INFO)  # what is only worth knowing hides nothing
        ]
        kept = [other for other in kept if not any(other is one for one in covered)]
        position = next(i for i, other in enumerate(kept) if other is finding)
        kept[position] = replace(finding, covers=tuple(dict.fromkeys(other.rule for other in covered)))
    return kept
