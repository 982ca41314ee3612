"""The tools, as plain functions: arguments in, an answer out. Their docstrings are what agents read of them.

They run in worker processes. Nothing of the user is executed here: scripts are parsed, words are read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from ...errors import ReadError, UsageError
from ...records import record
from .confine import Root

if TYPE_CHECKING:
    from ...doctor import Options
    from ...finding import FileReport, Finding, Report
    from ...observe.source.files import Input
    from ...render import plot as plots
    from .answers import (
        AskAnswer,
        CheckAnswer,
        CurveAnswer,
        ExplainAnswer,
        FindingAnswer,
        FixAnswer,
        PhaseAnswer,
        PlanAnswer,
        PlotAnswer,
        RecipesAnswer,
        RuleAnswer,
        ScheduleAnswer,
        Severity,
    )

LISTED, LISTED_IN_DETAIL = 40, 400  # findings of one answer
LONGEST = 400_000  # characters of a script
LONGEST_QUESTION = 10_000
LONGEST_WORDS = 2_000  # of a schedule, a query
POINTS = 20
FIXED = 20  # findings of a script up to which fixes are worked out: each takes as long as the check
SOURCE = "<source>"

# What an argument is for, told once.
Path = Annotated[str, "a script in the root folder, as a path from it (give this or source)"]
Paths = Annotated[str, "a script or folder in the root folder, as a path from it (give this or source)"]
Source = Annotated[str, "the text of a script, instead of path"]
Given = Annotated[list[str], "the command line that the script would be started with, as in ['--epochs', '90']"]
Values = Annotated[
    dict[str, str | int | float | bool], "values of names as the script writes them: {'len(train_loader)': 391}"
]
Processes = Annotated[int, "how many processes train together; 0: not known"]
Rules = Annotated[list[str], "rules by id, slug or family: ['LR101', 'LR2']"]
Words = Annotated[str, "a schedule in words, as in 'warmup 5ep > cosine to 0'"]
Detail = Annotated[bool, "everything rather than the short answer"]
Peak = Annotated[float, "the highest learning rate; 0: not known"]
Epochs = Annotated[float, "epochs of the training; 0: not known"]
StepsPerEpoch = Annotated[int, "batches of an epoch; 0: not known"]


@record(frozen=True)
class Desk:
    """Where the tools work: the folder they see, and whether they may write in it."""

    root: Root
    writes: bool = False


# Checking


def check(
    desk: Desk, path: Paths = "", source: Source = "", arguments: Given = [], set: Values = {},  # noqa: B006 - never changed
    processes: Processes = 0, select: Rules = [], ignore: Rules = [],  # noqa: B006
    severity: Annotated[Severity, "the least that is listed"] = "warning", detail: Detail = False,
) -> CheckAnswer:  # fmt: skip
    """Find what is wrong with the learning-rate schedule of a PyTorch training script: how often it is stepped, how
    long it is, who controls the LR, what a resume does. Use it whenever you write, change or review training code with
    an optimizer or a scheduler. The script is read, never executed."""
    from ...finding import Failure, Report
    from ...render.terminal import visible

    options = _options(arguments, set, processes, select, ignore)
    reports: list[FileReport] = []
    failures: list[Failure] = []
    inputs = [_Source(source)] if _one_of(path, source) else _named(desk.root, path)
    for one in inputs:
        try:
            reports.append(_examined(one.text(), one.name, options))
        except ReadError as error:
            failures.append(Failure(one.name, error.reason))
    if not reports and len(failures) == 1:
        raise ReadError(failures[0].path, failures[0].message)
    report = Report(reports, failures)
    shown = [(one, finding) for one in reports for finding in visible(one.findings, severity)]
    most = LISTED_IN_DETAIL if detail else LISTED
    return {
        "summary": _summary(report, severity),
        "findings": [_finding(one.path, finding) for one, finding in shown[:most]],
        "left_out": max(len(shown) - most, 0),
        "milder": sum(len(one.findings) for one in reports) - len(shown),
        "assumed": {name: _finite(value) for one in reports for name, value in one.assumed.items()},
        "unknown": list(dict.fromkeys(name for one in reports for name in one.unknown))[:most],
        "notes": [note for one in reports for note in _notes(one)][:most],
        "unread": [{"path": failure.path, "message": failure.message} for failure in failures[:most]],
        "detail": _document(report) if detail else None,
    }


class _Source:
    """A script that was given as text."""

    name = SOURCE

    def __init__(self, source: str) -> None:
        self.source = source

    def text(self) -> str:
        if len(self.source) > LONGEST:
            raise ReadError(self.name, f"is longer than {LONGEST:,} characters: no training script is")
        return self.source


class _File:
    """A script in the root folder."""

    def __init__(self, root: Root, name: str) -> None:
        self.root, self.name = root, name

    def text(self) -> str:
        return _input(self.root, self.name).text


def _named(root: Root, path: str) -> Sequence[_File]:
    if not root.is_folder(path):
        return [_File(root, root.relative(path))]
    below = root.scripts(path)
    if not below:
        raise ReadError(path, "holds no Python file: name a folder that does")
    return [_File(root, name) for name in below]


def _input(root: Root, path: str) -> Input:
    from ...observe.source.files import decode, shown

    found = decode(root.read(path), path)
    if len(found.text) > LONGEST:
        raise ReadError(shown(path), f"is longer than {LONGEST:,} characters: no training script is")
    return found


def _one_of(path: str, source: str) -> bool:
    """Whether it is the source; UsageError where it is both or neither."""
    if bool(path) == bool(source):
        raise UsageError("give either path or source")
    return bool(source)


def _examined(text: str, name: str, options: Options) -> FileReport:
    """The report with fixes, unless there are so many findings that they would take all the time there is."""
    from ...records import replace

    if text.count(".step(") <= 2 * FIXED:  # nearly every script: it has no room for that many
        return _checked(text, name, options)
    plain = _checked(text, name, replace(options, fixes=False))
    return _checked(text, name, options) if 0 < len(plain.findings) <= FIXED else plain


def _checked(text: str, name: str, options: Options) -> FileReport:
    from ...doctor import check_source

    try:
        return check_source(text, name, options)
    except (RecursionError, MemoryError):
        raise ReadError(name, "is nested too deeply, or too large: simplify its longest expression") from None


def _options(
    arguments: Sequence[str], values: Mapping[str, object], processes: int, select: Sequence[str], ignore: Sequence[str]
) -> Options:
    from ...doctor import Options
    from ...naming import rule_ids

    return Options(
        tuple(arguments), {name.strip(): _text(name, value) for name, value in values.items()}, processes or None,
        rule_ids(select, "select"), rule_ids(ignore, "ignore"),
    )  # fmt: skip


def _text(name: str, value: object) -> str:
    if not name.strip():
        raise UsageError("a value in set has no name")
    text = str(value).strip()
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        raise UsageError(f"set: {name} is not finite")
    return text


def _finding(path: str, finding: Finding) -> FindingAnswer:
    fix = finding.fix
    return {
        "rule": finding.rule, "severity": _severity(finding.severity), "certainty": finding.certainty, "path": path,
        "line": finding.place.line, "message": " ".join(finding.message.split()),
        "conditions": list(finding.conditions), "fix": fix.title if fix else None, "safe": fix.safe if fix else None,
    }  # fmt: skip


def _severity(word: str) -> Severity:
    return "error" if word == "error" else "warning" if word == "warning" else "info"


def _summary(report: Report, severity: str) -> str:
    from ...render.screen import Screen
    from ...render.terminal import summary

    return next(iter(summary(report, Screen(), severity=severity)))


def _notes(report: FileReport) -> list[str]:
    """What kept lright from seeing something, and how many rules could not judge."""
    notes = [f"{report.path}: {one.reason}" for one in report.skipped if one.rule == "*"]
    if not report.checked and not report.curves:
        notes.append(f"{report.path}: no learning-rate schedule is seen in it")
    if len(report.findings) > FIXED:
        notes.append(f"{report.path}: {len(report.findings)} findings; no fixes were worked out for so many")
    silent = [one.rule for one in report.skipped if one.rule != "*"]
    if silent:
        few = ", ".join(silent[:5]) + (" ..." if len(silent) > 5 else "")
        notes.append(f"{report.path}: {len(silent)} rules could not judge ({few}); detail says why")
    return notes


def _document(report: Report) -> dict[str, Any]:
    from ...render.jsonform import jsonform

    told: dict[str, Any] = json.loads(jsonform(report))
    return told


# Mending


def fix(
    desk: Desk, path: Path = "", source: Source = "", arguments: Given = [], set: Values = {},  # noqa: B006
    processes: Processes = 0, select: Rules = [], ignore: Rules = [],  # noqa: B006
    unsafe: Annotated[bool, "also fixes that make a choice for you; read the diff"] = False,
    write: Annotated[bool, "change the file too; needs a server started with --allow-write"] = False,
) -> FixAnswer:  # fmt: skip
    """Mend what check found: a unified diff, each fix proved by analysing the mended script again. Nothing is written
    unless write is given and allowed. Call it with unsafe=true to see fixes that make a choice between readings, and
    say so to the user."""
    from ...mend import mend
    from ...observe.source.files import encode
    from ...render.code import unified

    if write and not desk.writes:
        raise UsageError("this server may not write: it was started without --allow-write; apply the diff yourself")
    text_only = _one_of(path, source)
    if write and text_only:
        raise UsageError("write changes a file: give path, not source")
    options = _options(arguments, set, processes, select, ignore)
    read = None if text_only else _input(desk.root, path)
    text = read.text if read is not None else _Source(source).text()
    name = SOURCE if text_only else desk.root.relative(path)
    mended = mend(
        text, _checked(text, name, options), lambda edited: _checked(edited, name, options), _wanted(unsafe)
    )
    if write and read is not None and mended.done:
        desk.root.write(path, encode(mended.text, read), read.data)
    return {
        "diff": "".join(unified(text, mended.text, name)),
        "done": [
            {"rule": one.rule, "line": one.place.line, "title": one.fix.title, "safe": one.fix.safe,
             "certainty": one.certainty, "verified": one.fix.verified, "alternatives": list(one.fix.alternatives)}
            for one in mended.done if one.fix is not None
        ],
        "left": [_finding(name, one) for one in mended.report.findings if one.severity != "info"][:LISTED],
        "written": bool(write and mended.done),
    }  # fmt: skip


def _wanted(unsafe: bool) -> Callable[[FileReport], list[Finding]]:
    def wanted(report: FileReport) -> list[Finding]:
        found = [one for one in report.findings if one.severity != "info"]
        return [one for one in found if one.fix and (one.fix.safe or unsafe)]

    return wanted


# The catalogue


def explain(
    desk: Desk, rules: Annotated[list[str], "ids, slugs or families; none: the list of all rules in short"] = []  # noqa: B006
) -> ExplainAnswer:
    """Tell what a rule such as LR101 looks for, why it matters, with a bad and a good example and sources. Use it to
    explain a finding to the user, or without rules to see the whole catalogue in one line each."""
    from ...naming import rule_ids
    from ...rules import all_rules

    chosen = rule_ids(rules, "rules")
    if len(chosen) > 12:
        raise UsageError(f"that names {len(chosen)} rules: ask for at most 12, or for none to list all in short")
    return {"rules": [_rule(one, bool(chosen)) for one in all_rules() if one.id in chosen or not chosen]}


def _rule(one: Any, full: bool) -> RuleAnswer:
    from ...render.rulepage import examples

    told: RuleAnswer = {"id": one.id, "slug": one.slug, "severity": one.severity, "summary": one.summary}
    if not full:
        return told
    bad, good = (examples(one, which)[:1] for which in ("bad", "good"))
    return {
        **told, "why": one.why.strip(), "bad": "".join(bad), "good": "".join(good), "fix_safety": one.fix_safety,
        "sources": list(one.sources),
    }  # fmt: skip


# Drawing and reading schedules


def plot(
    desk: Desk,
    schedule: Annotated[str, "a schedule in words, or a constructor as in 'StepLR(30) every epoch'"] = "",
    path: Path = "", source: Source = "",
    format: Annotated[Literal["text", "svg"], "text to read, svg to show"] = "text",
    peak: Peak = 0, epochs: Epochs = 0, steps_per_epoch: StepsPerEpoch = 0,
    arguments: Given = [], set: Values = {}, processes: Processes = 0,  # noqa: B006
) -> PlotAnswer:  # fmt: skip
    """Draw the learning rate over the whole training, of a schedule in words or of a script as it really steps. Use it
    to show a user what a schedule does, or to compare what was meant with what happens. peak, epochs and
    steps_per_epoch are for a schedule in words; a script takes set and arguments."""
    from ...doctor import Options, check_source
    from ...render import plot as plots
    from ...render.screen import Screen

    if (schedule != "") + (path != "") + (source != "") != 1:
        raise UsageError("give one of schedule, path and source")
    if schedule:
        drawn = [plots.plotted_spec(_short(schedule, "schedule"), _training(peak, epochs, steps_per_epoch, processes))]
    else:
        one = _Source(source) if source else _named(desk.root, path)[0]
        asked = _options(arguments, set, processes, (), ())
        options = Options(asked.arguments, asked.settings, asked.processes, fixes=False)
        drawn = plots.of_report(check_source(one.text(), one.name, options))[:8]
    drawing = plots.svg(drawn) if format == "svg" else plots.terminal(drawn, Screen(width=80))
    return {"format": format, "drawing": drawing, "curves": [_curve(item) for item in drawn]}


def _curve(item: plots.Plotted) -> CurveAnswer:
    points = [(x, y) for x, y in item.curve.points if math.isfinite(x) and math.isfinite(y)]
    stride = max(math.ceil(len(points) / POINTS), 1)
    few = [*points[:-1:stride], *points[-1:]]
    return {
        "label": item.label, "unit": item.curve.x_unit, "points": [[x, y] for x, y in few],
        "raises": item.curve.raises, "remarks": list(item.remarks),
    }  # fmt: skip


def _training(peak: float, epochs: float, steps_per_epoch: int, processes: int = 0) -> plots.Options:
    from ...render.plot import Options

    for name, value in (("peak", peak), ("epochs", epochs), ("steps_per_epoch", steps_per_epoch)):
        if not 0 <= value < 1e15:
            raise UsageError(f"{name}: {value:g} is no number that a training has")
    return Options(peak or None, epochs or None, steps_per_epoch or None, processes=processes or None)


def _short(text: str, what: str, most: int = LONGEST_WORDS) -> str:
    if len(text) > most:
        raise UsageError(f"the {what} is longer than {most:,} characters: say it in fewer")
    return text


def schedule_parse(
    desk: Desk, schedule: Words, peak: Peak = 0, epochs: Epochs = 0, steps_per_epoch: StepsPerEpoch = 0
) -> ScheduleAnswer:
    """Read a schedule in words and tell its normal form, its phases in updates, its value at the joints, and what is
    odd about it (a warmup that is cut, a floor above the peak). Use it to check that a schedule says what you mean
    before you write code for it."""
    from ...render.plot import resolved_spec
    from ...schedule import Schedule

    parsed = Schedule.parse(_short(schedule, "schedule"))
    known = _training(peak, epochs, steps_per_epoch)
    drawn = resolved_spec(schedule.strip(), parsed, known)
    resolved = drawn.resolved
    assert resolved is not None
    joints = {0, *(row.begin for row in resolved.table()), resolved.updates - 1, resolved.updates}
    times = sorted(t for t in joints if 0 <= t <= resolved.updates)[:60]
    values = [(t, resolved(t)) for t in times]
    return {
        "schedule": str(parsed), "form": parsed.to_json(), "updates": resolved.updates,
        "phases": [_phase(row) for row in resolved.table()[:60]],
        "values": [[t, lr] for t, lr in values if math.isfinite(lr)],
        "notes": list(drawn.remarks),
    }  # fmt: skip


def _phase(row: Any) -> PhaseAnswer:
    return {
        "phase": row.phase, "length": row.length, "begin": row.begin, "end": row.end,
        "first": row.first if math.isfinite(row.first) else None,
        "last": row.last if math.isfinite(row.last) else None, "factor": row.factor,
    }  # fmt: skip


# Advice

_FACTS = "other facts by name, as in {'domain': 'detection', 'clip': 1.0}; an unknown name is refused with the list"


def plan(
    desk: Desk,
    model: Annotated[str, "by its usual name: resnet50, vit-b16, bert, gpt2"] = "",
    dataset: Annotated[str, "by its name"] = "",
    optimizer: Annotated[str, "sgd, adam, adamw ..."] = "",
    epochs: Epochs = 0,
    steps: Annotated[float, "optimizer updates of the whole training; 0: not known"] = 0,
    batch_size: Annotated[int, "of one process; 0: not known"] = 0,
    pretrained: Annotated[Literal["", "yes", "no"], "whether it starts from trained weights"] = "",
    framework: Annotated[str, "what the code is to be for: torch, lightning, transformers, keras ..."] = "",
    facts: Annotated[dict[str, str | int | float | bool], _FACTS] = {},  # noqa: B006
    path: Annotated[str, "read facts from a script, a YAML file, or what `lright find --save` wrote"] = "",
    detail: Detail = False,
) -> PlanAnswer:
    """Choose the learning-rate schedule for a training: shape, peak, warmup and floor, each with its reason and source,
    and the code. Use it before you write a schedule, or when a user asks what to use. Leave out what you do not know;
    it says what it assumed and what would change the plan."""
    from ...advise.plan import named
    from ...advise.plan import plan as made_for
    from ...consult import pages
    from ...consult.origins import facts_in
    from ...setting import Setting

    told: dict[str, object] = {
        "model": model, "dataset": dataset, "optimizer": optimizer, "epochs": epochs, "steps": steps,
        "batch_size": batch_size, "pretrained": pretrained, "framework": framework,
    }  # fmt: skip
    setting = Setting()
    for name, value in [*((name, value) for name, value in told.items() if value), *facts.items()]:
        if isinstance(value, (str, int, float)):
            setting.know(name.replace("-", "_")[:60], value if not isinstance(value, str) else value[:200], "said")
    if path:
        setting = setting.merged(facts_in(_input(desk.root, path).text, desk.root.relative(path)))
    if not setting.facts:
        raise UsageError("nothing is known of the training: say model, optimizer and epochs, or path")
    made = made_for(named(setting))
    data = pages.plan_data(made, code=True)
    return {
        "schedule": made.text, "peak": made.peak, "usual": data["range"], "stepped": made.unit,
        "updates": data["updates"], "facts": {name: known.value for name, known in made.setting.facts.items()},
        "reasons": [{"topic": one.topic, "choice": one.choice, "text": one.text, "sources": list(one.sources)}
                    for one in made.reasons],
        "code": "\n".join(data["code"].values()), "cautions": [one.text for one in made.cautions],
        "assumed": list(made.assumptions), "questions": list(made.questions), "detail": data if detail else None,
    }  # fmt: skip


def ask(
    desk: Desk,
    question: Annotated[str, "in the user's own words: what is trained, with what, and what happens"],
    path: Annotated[str, "a script in the root folder that belongs to it"] = "",
    code: Annotated[str, "the text of a script that belongs to it, instead of path"] = "",
    facts: Annotated[dict[str, str | int | float | bool], "facts that correct what is read from the words"] = {},  # noqa: B006
    detail: Detail = False,
) -> AskAnswer:
    """Answer a question about learning rates: a loss that is stuck, NaN, a spike, whether to schedule or warm up. Pass
    the user's words as they are, with the script if there is one: what it proves goes first. Rules, data and
    arithmetic, no language model; it shows what it understood and asks for what it lacks."""
    from ...advise.answer import SECTIONS
    from ...consult import ask as answered
    from ...consult import pages

    if path and code:
        raise UsageError("give either path or code")
    name = desk.root.relative(path) if path else "train.py"
    script = _input(desk.root, path).text if path else _Source(code).text() if code else None
    corrected = {key.replace("-", "_")[:60]: str(value)[:200] for key, value in facts.items()}
    try:
        given = answered(_short(question, "question", LONGEST_QUESTION), script, corrected, name)
    except RecursionError:
        raise ReadError(name, "is nested too deeply") from None
    short = pages.of_answer(given, full=False)
    said = {pages.TITLES[section]: section for section in SECTIONS}
    points: dict[str, list[str]] = {section: [] for section in SECTIONS}
    for part in short.sections:
        if part.title in said:
            points[said[part.title]] += [item.text + _cited(item.sources) for item in part.items]
    return {
        "on_topic": given.on_topic, "verdict": given.verdict, "understood": pages.heard(given.setting),
        "diagnosis": [{"rule": one.rule or None, "topic": one.topic, "certainty": one.certainty, "message": one.message}
                      for one in given.diagnoses],
        "why": points["why"], "do": points["fix"], "verify": points["verify"],
        "alternatives": points["alternatives"], "cautions": points["cautions"],
        "code": {one.title: one.text for one in given.code},
        "schedule": given.plan.text if given.plan else None, "peak": given.plan.peak if given.plan else None,
        "questions": list(given.questions), "detail": json.loads(pages.json_of_answer(given, "")) if detail else None,
    }  # fmt: skip


def _cited(sources: Sequence[str]) -> str:
    return f" [{', '.join(sources)}]" if sources else ""


def recipes(
    desk: Desk,
    query: Annotated[str, "a name (resnet50, gpt2), or what it is about (bert fine-tuning); none: all of them"] = "",
    framework: Annotated[str, "for a single one: its whole training as code for torch, transformers, keras ..."] = "",
) -> RecipesAnswer:
    """Look up how a model was really trained: optimizer, peak learning rate, schedule and length of published recipes,
    with their sources. Use it when a user wants to reproduce a result or asks what others used. One match is told in
    full, with code."""
    from ...advise import recipes as known
    from ...render import recipes as pages
    from ...render.screen import Screen
    from ...schedule.export import FRAMEWORKS

    text = _short(query, "query", 200)
    if framework and framework not in FRAMEWORKS:
        raise UsageError(f"framework {framework[:40]!r} is none of {', '.join(FRAMEWORKS)}")
    found = known.named(text) or known.having(text) or [known.recipe(text)]
    one = found[0] if len(found) == 1 else None
    return {
        "recipes": [{"id": each.id, "title": each.title, "optimizer": pages.optimizer_name(each), "peak": each.peak,
                     "schedule": each.schedule, "total": each.total, "verified": each.verified}
                    for each in found[:LISTED]],
        "left_out": max(len(found) - LISTED, 0),
        "page": "\n".join(pages.page(one, Screen(width=100), framework or None)) if one else "",
    }  # fmt: skip


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


TOOLS: Mapping[str, Callable[..., Any]] = {
    one.__name__: one for one in (check, fix, explain, plot, schedule_parse, plan, ask, recipes)
}
