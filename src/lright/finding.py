"""What lright says: findings, remedies, fixes and reports. Plain immutable data; renderers draw it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .records import field, record
from .setting import Setting
from .timeline import Place

ERROR, WARNING, INFO = "error", "warning", "info"
SEVERITIES = (INFO, WARNING, ERROR)  # rising
PROVEN, LIKELY = "proven", "likely"


@record(frozen=True, slots=True)
class Related:
    """Another place that has to do with a finding, and what happens there."""

    place: Place
    message: str


@record(frozen=True, slots=True)
class Curve:
    """A learning rate over training time, as ``(t, lr)`` points in rising t. ``unit`` is what t counts.

    ``ends``: what the schedule does once it is over: hold, rise, raise or unknown.
    """

    points: tuple[tuple[float, float], ...]
    unit: str = "update"
    label: str = ""
    optimizer: str = ""
    group: int = 0
    scheduler: str | None = None
    ends: str = "unknown"


@record(frozen=True, slots=True)
class Edit:
    """Replace the text between two positions (1-based line and column, in characters) by ``text``."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


@record(frozen=True, slots=True)
class Remedy:
    """What would mend a finding, said abstractly; the observer that knows the text renders it as edits.

    ``action`` is one of

    - ``replace``: put ``text`` in place of the expression at ``place``;
    - ``insert-argument``: add ``text`` (``name=value`` or a bare value) to the call at ``place``;
    - ``remove-argument``: drop the argument that stands at ``place`` (with its comma);
    - ``delete``: remove the statement at ``place`` (leaving ``pass`` where a block would be empty);
    - ``move-after-loop``: take the statement at ``place`` out of the loop at ``to`` and put it right after it;
    - ``move-before`` / ``move-after``: move the statement at ``place`` before / after the statement at ``to``, at that
      statement's indentation;
    - ``move-to-loop-end``: make the statement at ``place`` the last of the body of the loop at ``to``;
    - ``insert-before`` / ``insert-after``: a new statement ``text`` before / after the statement at ``place``, same
      indentation;
    - ``add-entry``: add ``text`` (``"key": value``) to the dict display at ``place``.

    Steps in ``then`` are applied together with it.
    """

    action: str
    title: str
    place: Place
    text: str = ""
    to: Place | None = None
    safe: bool = False
    then: tuple[Remedy, ...] = ()


@record(frozen=True, slots=True)
class Fix:
    """A remedy as edits of the text. ``verified``: the edited source was analysed again and the finding is gone."""

    title: str
    safe: bool
    edits: tuple[Edit, ...]
    verified: bool
    after: Curve | None = None  # the curve of the mended script
    alternatives: tuple[str, ...] = ()  # titles of other fixes that would do


@record(frozen=True, slots=True)
class Finding:
    """One mistake at one place. ``numbers`` are the figures of the message, for machines."""

    rule: str
    slug: str
    severity: str
    certainty: str
    place: Place
    message: str
    conditions: tuple[str, ...] = ("default",)
    numbers: Mapping[str, float | int | str | bool | None] = field(default_factory=dict)
    covers: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    intended: Curve | None = None
    actual: Curve | None = None
    subjects: tuple[int, ...] = ()  # the objects (schedulers, optimizers) it is about
    fix: Fix | None = None
    unless: tuple[str, ...] = ()  # what, if known, could change the verdict


@record(frozen=True, slots=True)
class Skipped:
    """A rule that could not judge, and why."""

    rule: str
    reason: str


@record(frozen=True, slots=True)
class FileReport:
    """What was seen in one input."""

    path: str
    findings: tuple[Finding, ...]
    assumed: Mapping[str, float | int | str | bool | None]
    unknown: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    curves: tuple[Curve, ...]
    source: str = ""
    checked: tuple[str, ...] = ()  # in words: what was looked at (schedulers, updates, ticks)
    undefined: tuple[str, ...] = ()  # names that nothing in the script gives a value
    setting: Setting = field(default_factory=Setting)  # what it shows of what is trained, and with what


@record(frozen=True, slots=True)
class Failure:
    """An input that could not be read."""

    path: str
    message: str


@record(frozen=True, slots=True)
class Report:
    """Everything one command says."""

    files: Sequence[FileReport]
    failures: Sequence[Failure] = ()

    def worst(self) -> str | None:
        """The highest severity found, or None."""
        found = {finding.severity for file in self.files for finding in file.findings}
        return next((severity for severity in reversed(SEVERITIES) if severity in found), None)
