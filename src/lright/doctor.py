"""The doctor: runs observer, rules and remedies in order, and reports."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from copy import copy

from . import rules
from .case import Case
from .errors import LrightError
from .finding import INFO, PROVEN, Curve, FileReport, Finding, Fix, Remedy, Skipped
from .moving import whole
from .origins import with_origins
from .play import CannotPlay, Play
from .quantity import Expr, Op, Scalar
from .records import field, record, replace
from .rules.base import Rule
from .rules.judging import by, explained
from .situation import Loader, Situation, Training
from .timeline import Loop


@record(frozen=True)
class Options:
    """How to check.

    ``arguments``: the command line that the script's own parser reads. ``settings``: values of names as the script
    writes
    them, as text. ``processes``: how many run the script. ``select`` and ``ignore``: rules by id, slug or prefix.
    ``fixes``: whether fixes are worked out and proved (it takes as long as the check itself, once for each finding).
    """

    arguments: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    processes: int | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fixes: bool = True


def check_source(source: str, path: str, options: Options | None = None) -> FileReport:
    """Check one script. Raises :class:`ReadError` where it is not Python.

    >>> report = check_source("import torch", "train.py")
    >>> report.findings
    ()
    """
    return _examine(source, path, options or Options())


@record(frozen=True)
class Foretold:
    """What reading a script says of its run: how many ``updates`` the optimizer that makes most of them makes (None:
    not known), its learning-rate ``curves``, the names that are ``unknown``, and the ``lengths`` of the loaders it
    trains on, as ``--set`` takes them."""

    updates: int | None
    curves: tuple[Curve, ...]
    unknown: tuple[str, ...]
    lengths: tuple[str, ...] = ()


def foretell(source: str, path: str, options: Options | None = None) -> Foretold:
    """Read a script for its updates and curves alone. Raises :class:`ReadError` where it is not Python.

    >>> foretell("import torch", "train.py").updates is None
    True
    """
    from .observe import source as observer

    asked = options or Options()
    settings = {name: scalar(text) for name, text in asked.settings.items()}
    situation = observer.read(source, path, settings, asked.arguments, asked.processes)
    if situation.default is None:
        return Foretold(None, (), ())
    case = Case(situation.default)
    updates = [_updates_of(case, number) for number in situation.default.optimizers]
    known = [count for count in updates if count]
    return Foretold(max(known, default=None), tuple(curves(case)), tuple(_unknown(case)), tuple(_trained_on(case)))


def _trained_on(case: Case) -> list[str]:
    """The lengths of the loaders that training loops run over, as the script writes them."""
    loops, facts = case.training_loops(), case.training.facts
    loaders = [one for one in case.training.loaders.values() if any(_runs_over(loop, one) for loop in loops)]
    return [facts[one.length.name].text for one in loaders if one.length.name in facts]


def _updates_of(case: Case, optimizer: int) -> int | None:
    """How many updates an optimizer makes, without assuming anything."""
    try:
        play = Play(case.training, optimizer, (), {})
    except (CannotPlay, RecursionError):
        return None
    return None if play.guessed else play.updates


def _examine(source: str, path: str, options: Options, proving: bool = False) -> FileReport:
    """Check one script; ``proving``: to see whether a fix mends it, so that nobody looks at pictures of mistakes."""
    from .observe import source as observer

    settings = {name: scalar(text) for name, text in options.settings.items()}
    situation = observer.read(source, path, settings, options.arguments, options.processes)
    cases = [Case(training, drawing=not proving) for training in worlds(situation)]
    applied = rules.chosen(options.select, options.ignore, runs=False)
    findings = _judged(cases, applied)
    main = cases[0] if cases else None
    if options.fixes:
        before = _Before(
            source, path, options, findings, frozenset(_unknown(main)), situation.undefined, situation.trainings
        )
        findings = [_with_fix(finding, before) for finding in findings]
    if main is not None:
        main.drawing = True
    return FileReport(
        path,
        tuple(findings),
        _assumed(main),
        tuple(_unknown(main)),
        tuple(_skipped(cases, applied, findings, situation)),
        tuple(curves(main)) if main is not None else (),
        source,
        tuple(_checked(cases)),
        tuple(sorted(situation.undefined)),
        situation.setting,
    )


def scalar(text: str) -> Scalar:
    """A setting as a person types it: a number, a truth value, None, or text.

    >>> scalar("90"), scalar("1e-3"), scalar("true"), scalar("cosine")
    (90, 0.001, True, 'cosine')
    """
    named: dict[str, Scalar] = {"true": True, "false": False, "none": None}
    if text.lower() in named:
        return named[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text.strip("\"'")


# -- worlds -----------------------------------------------------------------------------------------------------------


def worlds(situation: Situation) -> list[Training]:
    """The trainings to judge: those that were read, and the default ones under several processes and accumulation."""
    found = list(situation.trainings)
    for training in situation.trainings:
        if training.condition != "default":
            continue
        accumulated = _with_accumulation(training)
        if accumulated is not None:
            found.append(accumulated)
        if "processes" in training.facts and training.facts["processes"].origin == "assumed":
            found.append(_changed(training, {"processes": 4}, "processes>1"))
    return found


def _with_accumulation(training: Training) -> Training | None:
    """The same training with an accumulation factor of 4 where the script has one that is 1 (or not known)."""
    factor = Case(training).accumulation(None)
    if not isinstance(factor, Expr):
        return None
    names = [n for n in factor.symbols() if n in training.facts]
    if len(names) != 1 or isinstance(factor, Op):
        return None
    fact = training.facts[names[0]]
    if fact.origin in ("--set", "command line") or (fact.known and fact.value not in (1, None)):
        return None
    return _changed(training, {names[0]: 4}, "accumulation>1")


def _changed(training: Training, values: Mapping[str, Scalar], condition: str) -> Training:
    facts = dict(training.facts)
    for name, value in values.items():
        fact = copy(facts[name])
        fact.value, fact.known, fact.origin = value, True, "world"
        facts[name] = fact
    return replace(training, facts=facts, condition=condition)


# -- findings
# -----------------------------------------------------------------------------------------------------------


def _judged(cases: Sequence[Case], applied: Sequence[Rule]) -> list[Finding]:
    """The findings of all worlds: the same one found in several is told once, with the conditions of all."""
    merged: dict[tuple[str, int, str], Finding] = {}
    for case in cases:
        found = [finding for rule in applied for finding in by(rule, case)]
        for finding in explained(found):
            if not finding.conditions:
                finding = replace(finding, conditions=(case.training.condition,))
            if finding.unless and finding.certainty == PROVEN:
                finding = replace(finding, unless=())
            if finding.unless:
                finding = replace(finding, unless=tuple(_named(case, finding.unless)))
            finding = with_origins(finding, case.training)
            key = (finding.rule, finding.place.line, case.training.entry)
            known = merged.get(key)
            if known is None:
                merged[key] = finding
            elif "default" not in known.conditions:
                conditions = tuple(dict.fromkeys((*known.conditions, *finding.conditions)))
                merged[key] = replace(known, conditions=conditions)
    return sorted(_unique(merged.values()), key=lambda f: (f.place.line, f.place.column, f.rule))


def _unique(findings: Iterable[Finding]) -> list[Finding]:
    """One place read through several entries is one mistake."""
    found: dict[tuple[str, int, int], Finding] = {}
    for finding in findings:
        key = (finding.rule, finding.place.line, finding.place.column)
        if key not in found:
            found[key] = finding
    return list(found.values())


# -- fixes
# --------------------------------------------------------------------------------------------------------------


@record(frozen=True)
class _Before:
    """The script as it was, for a fix to be held against."""

    source: str
    path: str
    options: Options
    findings: Sequence[Finding]
    unknown: frozenset[str]
    undefined: frozenset[str]
    trainings: Sequence[Training]


def _with_fix(finding: Finding, before: _Before) -> Finding:
    """The finding with the first remedy that proves itself, the others named."""
    lines = before.source.splitlines()
    for position, remedy in enumerate(finding.remedies):
        carried = whole(remedy, before.trainings, lines)
        fix = _proved(finding, carried, before) if carried is not None else None
        if fix is not None:
            others = tuple(other.title for other in finding.remedies[position + 1 :])
            return replace(finding, fix=replace(fix, alternatives=others))
    return finding


def _proved(finding: Finding, remedy: Remedy, before: _Before) -> Fix | None:
    """The remedy as a fix, if it is one: the edited source is read again, the finding is gone, no other of severity
    warning or error has come, nothing has become unknown, and the curve is the one that was meant."""
    from .observe.source import edit

    try:
        edits = edit.render(remedy, before.source)
        mended = edit.apply(before.source, edits)
        after = _examine(mended, before.path, replace(before.options, fixes=False), proving=True)
    except LrightError:
        return None
    known = _counted(before.findings)
    known[finding.rule] = known.get(finding.rule, 0) - 1
    if any(count > known.get(rule, 0) for rule, count in _counted(after.findings).items()):
        return None
    if set(after.unknown) - before.unknown or set(after.undefined) - before.undefined:  # not in scope there
        return None
    curve = _curve_of(finding, after)
    if curve is not None and finding.intended is not None and not _close(curve, finding.intended):
        return None
    return Fix(remedy.title, remedy.safe, edits, True, curve)


def _curve_of(finding: Finding, report: FileReport) -> Curve | None:
    """The curve of the scheduler that a finding is about."""
    if finding.actual is not None:
        for curve in report.curves:
            if curve.scheduler == finding.actual.scheduler and curve.group == finding.actual.group:
                return curve
    return next(iter(report.curves), None)


def _close(curve: Curve, meant: Curve) -> bool:
    """Whether two curves are the same schedule, up to the steps of one that moves once per epoch."""
    if curve.unit != meant.unit or not meant.points:
        return True
    peak = max(abs(lr) for _, lr in meant.points)
    distances = [abs(_at(curve, t) - lr) for t, lr in meant.points]
    return sum(distances) / len(distances) <= 0.05 * peak


def _at(curve: Curve, t: float) -> float:
    """The rate at ``t``: that of the last point up to it, on the way to the next."""
    position = bisect_right(curve.points, (t, float("inf"))) - 1
    left = curve.points[max(position, 0)]
    right = curve.points[min(position + 1, len(curve.points) - 1)]
    if right[0] <= left[0]:
        return left[1]
    return left[1] + (right[1] - left[1]) * min(max((t - left[0]) / (right[0] - left[0]), 0.0), 1.0)


def _counted(findings: Iterable[Finding]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for finding in findings:
        if finding.severity != INFO:
            counts[finding.rule] = counts.get(finding.rule, 0) + 1
    return counts


# -- the rest of the report
# ---------------------------------------------------------------------------------------------


def _assumed(case: Case | None) -> dict[str, Scalar]:
    """The values that the verdicts rest on and that a person may change: defaults, known data sets, processes."""
    if case is None:
        return {}
    wanted = {"argparse", "dataset", "assumed", "--set", "command line", "default argument"}
    mentioned: set[str] = set()
    for loop in case.training_loops():
        if loop.trips is not None:
            mentioned |= case.training.behind(loop.trips)
    for scheduler in case.training.schedulers.values():
        for argument in scheduler.arguments.values():
            if isinstance(argument.value, Expr):
                mentioned |= case.training.behind(argument.value)
    for optimizer in case.training.optimizers.values():
        for group in optimizer.groups:
            lr = group.get("lr")
            if lr is not None:
                mentioned |= case.training.behind(lr)
    facts = case.training.facts
    return {
        facts[name].text: facts[name].value
        for name in facts
        if name in mentioned and facts[name].known and facts[name].origin in wanted
    }


def _unknown(case: Case | None) -> list[str]:
    """What is not known, as a person would set it."""
    return [] if case is None else _named(case, case.unknowns())


def _named(case: Case, symbols: Iterable[str]) -> list[str]:
    """Unknown symbols as the script writes them: the length of a loader rather than what it is computed from."""
    facts = case.training.facts
    names: dict[str, None] = {}
    inside: set[str] = set()
    for loader in case.training.loaders.values():
        if case.number(loader.length) is None and loader.length.name in facts:
            inside |= case.training.behind(loader.length) - {loader.length.name}
            if any(_runs_over(loop, loader) for loop in case.training_loops()):
                names[facts[loader.length.name].text] = None
    for name in symbols:
        if name in facts and not (name in inside and facts[name].text.startswith("len(")):
            names[facts[name].text] = None
    return list(names)


def _runs_over(loop: Loop, loader: Loader) -> bool:
    return loop.over == loader.number or loop.trips == loader.length


def _skipped(
    cases: Sequence[Case], applied: Sequence[Rule], findings: Sequence[Finding], situation: Situation
) -> list[Skipped]:
    found = {finding.rule for finding in findings} | {rule for f in findings for rule in f.covers}
    skipped = [Skipped("*", note) for note in situation.notes]
    skipped += [Skipped(rule, reason) for rule, reason in situation.skipped]
    for rule in applied:
        reasons = [case.stumbled[rule.id] for case in cases if rule.id in case.stumbled]
        reasons += [reason for reason in (rule.skipped(case) for case in cases[:1]) if reason]
        if reasons and rule.id not in found:
            skipped.append(Skipped(rule.id, reasons[0]))
    return skipped


def curves(case: Case) -> list[Curve]:
    """The learning rate of every optimizer, as far as it is known."""
    from .curves import of_training

    return of_training(case)


def _checked(cases: Sequence[Case]) -> list[str]:
    """In words: what was looked at."""
    lines = []
    for case in cases:
        if case.training.condition != "default":
            continue
        where = "" if case.training.entry == "<module>" else f" ({case.training.entry})"
        for optimizer in case.training.optimizers.values():
            updates = case.updates(optimizer)
            if not updates:
                continue
            name = optimizer.text or optimizer.name or "optimizer"
            stepped = [s for s in case.all_schedulers() if s.optimizer == optimizer.number]
            parts = [f"{s.text or s.name} {_ticked(case, s)}" for s in stepped]
            written = [site for site in case.training.of("write", optimizer.number) if site.loops]
            if written:
                parts.append(f"its learning rate is written by hand {_rate_words(case, written)}")
            parts = parts or ["no scheduler"]
            lines.append(f"{name}{where}: updated {_rate_words(case, updates)}; {', '.join(parts)}")
    return lines


def _ticked(case: Case, scheduler: object) -> str:
    ticks = case.ticks(scheduler)  # type: ignore[arg-type]
    if not ticks:
        return "stepped in code that was not read" if case.escapes(scheduler) else "never stepped"  # type: ignore[arg-type]
    return "stepped " + " and ".join(dict.fromkeys(str(tick.rate) for tick in ticks))


def _rate_words(case: Case, updates: Sequence[object]) -> str:
    return " and ".join(dict.fromkeys(str(case.rate(site)) for site in updates))  # type: ignore[arg-type]
