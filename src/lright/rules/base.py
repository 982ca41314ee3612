"""What a rule is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..case import Case
from ..finding import ERROR, LIKELY, PROVEN, Curve, Finding, Related, Remedy
from ..timeline import Place

__all__ = ["LIKELY", "PROVEN", "Related", "Remedy", "Rule"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..setting import Setting
    from ..trace import Trace

Numbers = Mapping[str, "float | int | str | bool | None"]


class Rule:
    """One mistake: how to see it, why it matters, and how to mend it.

    Subclasses fill in the class attributes and :meth:`check`. ``bad`` and ``good`` are complete small scripts; the
    tests
    run every one through the reader: each ``bad`` gives a finding of this rule (and of no other of severity warning or
    error), each ``good`` gives none at all. ``covers`` names the rules this one explains: where both speak of the
    same scheduler, this one is shown and the other listed under it.
    """

    id: str = ""
    slug: str = ""
    severity: str = ERROR
    summary: str = ""  # one line, no full stop
    why: str = ""  # paragraphs
    bad: tuple[str, ...] = ()
    good: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    fix_safety: str = ""  # what is offered, and whether it is safe
    covers: tuple[str, ...] = ()
    on: bool = True  # False: only where --select names it
    live: bool = False  # whether it judges recorded runs too
    bad_settings: tuple[Setting, ...] = ()  # examples of what no script shows
    good_settings: tuple[Setting, ...] = ()
    bad_traces: tuple[Callable[[], Trace], ...] = ()  # recorded runs, where only a run shows it
    good_traces: tuple[Callable[[], Trace], ...] = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """The findings of this rule in one training."""
        raise NotImplementedError

    def skipped(self, case: Case) -> str | None:
        """Why this rule could not judge, where it could not; None where it did."""
        return None

    def finding(
        self,
        place: Place,
        message: str,
        *,
        severity: str | None = None,
        certainty: str = PROVEN,
        conditions: tuple[str, ...] = (),
        numbers: Numbers | None = None,
        related: Iterable[Related] = (),
        remedies: Iterable[Remedy] = (),
        intended: Curve | None = None,
        actual: Curve | None = None,
        subjects: Iterable[int] = (),
        unless: Iterable[str] = (),
    ) -> Finding:
        """A finding of this rule. No ``conditions`` means those of the world it was found in."""
        return Finding(
            self.id, self.slug, severity or self.severity, certainty, place, message, conditions, numbers or {},
            self.covers, tuple(related), tuple(remedies), intended, actual, tuple(subjects), None, tuple(unless),
        )  # fmt: skip
