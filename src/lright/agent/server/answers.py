"""What the tools give, as types: their schemas are made of these classes and the docstrings below their fields."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, with_config
from typing_extensions import NotRequired, TypedDict

documented = with_config(ConfigDict(use_attribute_docstrings=True))

Severity = Literal["error", "warning", "info"]
Scalar = float | int | str | bool | None


@documented
class FindingAnswer(TypedDict):
    """One mistake at one place."""

    rule: str
    """The id; the tool explain tells more of it."""
    severity: Severity
    certainty: str
    """proven: it follows from the script; likely: it rests on a usual reading of it."""
    path: str
    line: int
    message: str
    conditions: list[str]
    """When it bites: default is a plain run."""
    fix: str | None
    """What the tool fix would do; null where no fix could be proved."""
    safe: bool | None
    """Whether the script's own words leave one reading; false: the fix makes a choice, and needs unsafe."""


@documented
class Unread(TypedDict):
    """An input that could not be read, and why."""

    path: str
    message: str


@documented
class CheckAnswer(TypedDict):
    """What is wrong with the learning rate of scripts."""

    summary: str
    findings: list[FindingAnswer]
    left_out: int
    """Findings of that severity beyond those listed."""
    milder: int
    """Findings below the severity that was asked for."""
    assumed: dict[str, Scalar]
    """Values that the verdicts rest on; the argument set changes them."""
    unknown: list[str]
    """Names without a value that could change a verdict; give them with set."""
    notes: list[str]
    """What kept lright from seeing something. No finding is not health where this is not empty."""
    unread: list[Unread]
    detail: dict[str, Any] | None
    """Everything, as `lright check --format json` prints it (docs/json.md), where it was asked for."""


@documented
class FixDone(TypedDict):
    """One fix that was carried out."""

    rule: str
    line: int
    """In the unchanged script, or as the fixes before it left it."""
    title: str
    safe: bool
    certainty: str
    verified: bool
    """The mended script was analysed again: the finding is gone and nothing new came."""
    alternatives: list[str]
    """Other fixes that would do."""


@documented
class FixAnswer(TypedDict):
    """A mended script as a unified diff."""

    diff: str
    """Empty where nothing is to be mended."""
    done: list[FixDone]
    left: list[FindingAnswer]
    """What remains afterwards: without a proved fix, or with one that needs unsafe."""
    written: bool
    """Whether the file was changed: only if write was asked and the server was started with --allow-write."""


@documented
class RuleAnswer(TypedDict):
    """One rule of the catalogue. In a list of all rules only the first four are there."""

    id: str
    slug: str
    severity: Severity
    summary: str
    why: NotRequired[str]
    bad: NotRequired[str]
    good: NotRequired[str]
    fix_safety: NotRequired[str]
    sources: NotRequired[list[str]]


@documented
class ExplainAnswer(TypedDict):
    """Rules of the catalogue."""

    rules: list[RuleAnswer]


@documented
class CurveAnswer(TypedDict):
    """One curve in a few points."""

    label: str
    unit: str
    """What t counts."""
    points: list[list[float]]
    """[t, value], about twenty."""
    raises: bool
    """Whether the scheduler raises where the curve ends."""
    remarks: list[str]


@documented
class PlotAnswer(TypedDict):
    """A drawing."""

    format: Literal["text", "svg"]
    drawing: str
    curves: list[CurveAnswer]


@documented
class PhaseAnswer(TypedDict):
    """One phase of a schedule in this training."""

    phase: str
    length: str
    begin: int
    """The first update."""
    end: int
    """The update after its last."""
    first: float | None
    last: float | None
    factor: int
    """0 for the schedule itself, n for the n-th factor that is multiplied onto it."""


@documented
class ScheduleAnswer(TypedDict):
    """A schedule that was read."""

    schedule: str
    """Its normal form."""
    form: dict[str, Any]
    """The same as JSON."""
    updates: int
    phases: list[PhaseAnswer]
    values: list[list[float]]
    """[update, value] at the beginning, the joints and the end."""
    notes: list[str]
    """What is odd about it, and what had to be assumed."""


@documented
class ReasonAnswer(TypedDict):
    """One choice of a plan."""

    topic: str
    choice: str
    text: str
    sources: list[str]


@documented
class PlanAnswer(TypedDict):
    """The schedule for a training."""

    schedule: str
    peak: float
    usual: list[float] | None
    """The range in which the peak is usually found (or was measured)."""
    stepped: str
    """After what the scheduler is stepped: epoch, update or validation."""
    updates: int | None
    facts: dict[str, Scalar]
    reasons: list[ReasonAnswer]
    code: str
    cautions: list[str]
    assumed: list[str]
    questions: list[str]
    """What would change the plan, if you told it."""
    detail: dict[str, Any] | None
    """Everything, as `lright plan --format json` prints it, where it was asked for."""


@documented
class DiagnosisAnswer(TypedDict):
    """What may be the matter."""

    rule: str | None
    topic: str
    certainty: str
    """proven where the code shows it, else likely or possible."""
    message: str


@documented
class AskAnswer(TypedDict):
    """An answer to a question in words."""

    on_topic: bool
    """False: no question about learning rates, and declined."""
    verdict: str
    understood: str
    """The facts as they were read; the argument facts corrects them."""
    diagnosis: list[DiagnosisAnswer]
    why: list[str]
    do: list[str]
    verify: list[str]
    alternatives: list[str]
    cautions: list[str]
    code: dict[str, str]
    """Title to code."""
    schedule: str | None
    peak: float | None
    questions: list[str]
    detail: dict[str, Any] | None
    """Everything, as `lright ask --format json` prints it, where it was asked for."""


@documented
class RecipeAnswer(TypedDict):
    """A published recipe."""

    id: str
    title: str
    optimizer: str
    peak: float
    schedule: str
    total: str
    verified: str
    """read in the source, second-hand, or from memory."""


@documented
class RecipesAnswer(TypedDict):
    """Published recipes."""

    recipes: list[RecipeAnswer]
    left_out: int
    page: str
    """Where it is one: facts, source and phases in words, and code."""


@documented
class RunAnswer(TypedDict):
    """What came of running a script."""

    code: int | None
    """The exit code; null where it was ended."""
    ended: str
    """finished, or timed out."""
    seconds: float
    report: dict[str, Any] | None
    """The report as `lright find|watch|run --format json` prints it (docs/json.md), without long curves."""
    output: str
    """The end of what was printed besides."""
