"""Mending a script: fixes carried out round by round, each result checked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .errors import ReadError
from .finding import FileReport, Finding, Fix
from .records import record

ROUNDS = 10  # of mending one file; each may open the way for the next


@record(frozen=True, slots=True)
class Mended:
    """A script after mending: its text, what is to be said of it now, and the findings whose fixes were carried out."""

    text: str
    report: FileReport
    done: tuple[Finding, ...]


def mend(
    text: str,
    report: FileReport,
    check: Callable[[str], FileReport],
    wanted: Callable[[FileReport], Sequence[Finding]],
) -> Mended:
    """Carry out the fixes that are ``wanted`` until none is left. ``check`` looks at the text after each round."""
    everything: list[Finding] = []
    for _ in range(ROUNDS):
        text, report, done = _round(text, report, check, wanted(report))
        everything += done
        if not done:
            break
    return Mended(text, report, tuple(everything))


def _round(
    text: str, report: FileReport, check: Callable[[str], FileReport], wanted: Sequence[Finding]
) -> tuple[str, FileReport, list[Finding]]:
    """Carry out the fixes that do not touch each other and together leave a readable file."""
    from .observe.source.edit import apply, overlapping

    chosen: list[tuple[Finding, Fix]] = []
    for finding in wanted:
        fix = finding.fix
        if fix is None or not fix.edits or any(overlapping(fix.edits, other.edits) for _, other in chosen):
            continue
        chosen.append((finding, fix))
    while chosen:
        edited = apply(text, [edit for _, fix in chosen for edit in fix.edits])
        try:
            return edited, check(edited), [finding for finding, _ in chosen]
        except ReadError:
            chosen.pop()
    return text, report, []
