"""The full report for people: every finding with its code, its curves and its fix, then a summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..finding import ERROR, INFO, SEVERITIES, WARNING, Curve, Edit, FileReport, Finding, Fix, Report
from ..records import replace
from .code import changes, excerpt, lines_of
from .screen import Screen, columns

Apply = Callable[[str, Sequence[Edit]], str]

DETAILED = 3  # with more files than this, clean ones are only counted
TOGETHER = 3  # more curves than this are told in words
LABEL = 9  # columns of the words in front of the facts on a finding
CHART_ROWS = 6
REASONS = 3  # reasons for skipping rules that are told; the rest is counted

STYLE = {ERROR: "red", WARNING: "yellow", INFO: "blue"}
WHEN = {
    "default": "in a default run",
    "resume": "on resume",
    "processes>1": "with more than one process",
    "accumulation>1": "with gradient accumulation",
    "data-size": "with some sizes of the data",
}


def full(report: Report, screen: Screen, apply: Apply, *, severity: str = WARNING) -> Iterator[str]:
    """The lines of the report on ``screen``: findings of at least ``severity``, the others counted.

    ``apply`` carries out the edits of a fix on a source.
    """
    detailed = len(report.files) <= DETAILED
    for file in report.files:
        shown = visible(file.findings, severity)
        drawn: set[tuple[Curve | None, Curve | None]] = set()
        for finding in shown:
            yield from _finding(file, finding, screen, apply, repeated=(finding.intended, finding.actual) in drawn)
            drawn.add((finding.intended, finding.actual))
        if not shown and detailed:
            yield from _clean(file, screen)
        if shown or detailed:
            yield from _circumstances(file, screen)
    yield from summary(report, screen, severity=severity)


def visible(findings: Sequence[Finding], severity: str) -> list[Finding]:
    """Those of at least ``severity``, by place."""
    floor = SEVERITIES.index(severity)
    kept = [finding for finding in findings if SEVERITIES.index(finding.severity) >= floor]
    return sorted(kept, key=lambda finding: (finding.place, finding.rule))


def summary(report: Report, screen: Screen, *, severity: str = WARNING) -> Iterator[str]:
    """What was found in all, and what can be done about it."""
    shown = [finding for file in report.files for finding in visible(file.findings, severity)]
    hidden = [finding for file in report.files for finding in file.findings if finding not in shown]
    count = {name: sum(finding.severity == name for finding in shown) for name in SEVERITIES}
    words = [plural(count[name], name) for name in (ERROR, WARNING) if count[name]]
    if count[INFO]:
        words.append(f"{count[INFO]} info")
    verdict = ", ".join(words) or "nothing wrong found"
    style = ("bold", "red") if count[ERROR] else ("bold", "yellow") if shown else ("bold", "green")
    files = plural(len(report.files), "file")
    unread = f" ({len(report.failures)} not read)" if report.failures else ""
    yield f"{files} checked{unread}: {screen.paint(verdict, *style)}"
    safe = sum(finding.fix is not None and finding.fix.safe for finding in shown)
    unsafe = sum(finding.fix is not None and not finding.fix.safe for finding in shown)
    if safe:
        yield f"{safe} fixable with --fix" + (f", {unsafe} more with --fix --unsafe-fixes" if unsafe else "")
    elif unsafe:
        yield from screen.wrap(f"{unsafe} fixable with --fix --unsafe-fixes (--diff --unsafe-fixes shows how)")
    for name in (WARNING, INFO):
        below = sum(finding.severity == name for finding in hidden)
        if below:
            what = f"{below} more worth knowing" if name == INFO else f"{below} more {plural(below, name).split()[1]}"
            yield screen.paint(f"{what}: --severity {name} shows {'it' if below == 1 else 'them'}", "dim")


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "file"), plural(1200, "batch")
    ('1 file', '1,200 batches')
    """
    return f"{count:,} {noun if count == 1 else plural_of(noun)}"


def plural_of(noun: str) -> str:
    """The plural of a unit or another noun of ours."""
    return noun + ("es" if noun.endswith("tch") else "s")


# One finding


def _finding(file: FileReport, finding: Finding, screen: Screen, apply: Apply, *, repeated: bool) -> Iterator[str]:
    place = screen.paint(f"{file.path}:{finding.place}:", "bold")
    level = screen.paint(finding.severity, "bold", STYLE[finding.severity])
    yield f"{place} {level} {screen.paint(finding.rule, 'bold')} {finding.slug}"
    yield ""
    yield from screen.wrap(finding.message, "  ")
    yield ""
    yield from _code(file, finding, screen)
    if repeated and finding.actual:
        yield from _row("curve", "as above", screen)
    else:
        yield from _curves(finding, screen)
    yield from _facts(finding, screen)
    if finding.fix:
        yield from _fix(file, finding.fix, screen, apply, _gutter(finding))
    elif finding.remedies:
        yield from _row("try", "; or ".join(remedy.title for remedy in finding.remedies), screen)
    yield ""


def _code(file: FileReport, finding: Finding, screen: Screen) -> Iterator[str]:
    lines = lines_of(file.source)
    gutter = _gutter(finding)
    yield from excerpt(lines, finding.place, screen, gutter=gutter)
    before = 0
    for related in finding.related:
        shown = excerpt(lines, related.place, screen, gutter=gutter, context=0, mark="-", note=related.message)
        if related.place.line == before and columns(lines[before - 1]) <= screen.width - gutter - 3:
            shown = shown[1:]  # the line itself stands there already
        else:
            yield ""
        before = related.place.line
        yield from shown
    yield ""


def _gutter(finding: Finding) -> int:
    """The columns for line numbers, the same in all that is shown of a finding."""
    places = [finding.place, *(related.place for related in finding.related)]
    return len(str(max(place.end_line for place in places) + 2)) + 4


def _facts(finding: Finding, screen: Screen) -> Iterator[str]:
    when = "always" if not finding.conditions else " or ".join(map(_when, finding.conditions))
    certainty = "" if finding.certainty == "proven" else f" ({finding.certainty}, not proven)"
    yield from _row("shows", when + certainty, screen)
    if finding.covers:
        yield from _row("explains", ", ".join(finding.covers), screen)
    if finding.unless:
        yield from _row("depends", f"on {', '.join(finding.unless)}: another value may change the verdict", screen)


def _when(condition: str) -> str:
    if condition.startswith("option:"):
        return "with " + condition.removeprefix("option:")
    return WHEN.get(condition, condition)


def _fix(file: FileReport, fix: Fix, screen: Screen, apply: Apply, gutter: int) -> Iterator[str]:
    how = "safe: --fix" if fix.safe else "unsafe: --fix --unsafe-fixes"
    yield from _row("fix", f"{fix.title} ({how})", screen)
    yield ""
    yield from changes(file.source, apply(file.source, fix.edits), screen, gutter=gutter)
    yield ""
    if fix.verified:
        yield from _row("proved", "analysed again with it: the finding is gone, no new one came", screen)
    if fix.alternatives:
        yield from _row("or", "; or ".join(fix.alternatives), screen)


def _row(label: str, text: str, screen: Screen) -> Iterator[str]:
    """A fact with the word for it in front: ``  fix      move the step out of the loop``."""
    indent = " " * (LABEL + 2)
    first, *rest = screen.wrap(text, indent, f"  {label:<{LABEL}}")
    yield f"  {screen.paint(label, 'cyan')}{first[2 + len(label) :]}"
    yield from rest


# Curves


def _curves(finding: Finding, screen: Screen) -> Iterator[str]:
    if finding.actual is None:
        return
    from .chart import side_by_side

    inner, actual = screen.width - 2, finding.actual
    other = finding.intended or _mended(finding)
    title = _title("real", actual)
    if other is None:
        drawn = _chart([actual], inner, screen, title)
    else:
        half = (inner - 2) // 2
        box = _shared_box(other, actual)
        fails = actual.ends == "raise"  # where it does is seen against the whole training
        real = _chart([actual], half, screen, title + _part(other, actual), box, wide=fails)
        if finding.intended:
            left, right = _chart([other], half, screen, _title("planned", other), box), real
        else:
            left, right = real, _chart([other], half, screen, "with the fix", box)
        drawn = side_by_side(left, right, inner)
    yield from ("  " + line if line else "" for line in drawn)
    yield ""


def _mended(finding: Finding) -> Curve | None:
    """The curve with the fix, where it is another one."""
    after = finding.fix.after if finding.fix else None
    same = after and finding.actual and after.points == finding.actual.points
    return after if after and after.points and not same else None


def _title(what: str, curve: Curve) -> str:
    return what if curve.label in ("", "planned", "intended", "actual", "real") else f"{what}: {curve.label}"


def _part(whole: Curve, part: Curve) -> str:
    """What to add to the title of a curve that is known or shown for the first part of the training only."""
    end, last = whole.points[-1][0] if whole.points else 0.0, part.points[-1][0] if part.points else 0.0
    if part.ends == "raise" or whole.unit != part.unit or last >= 0.9 * end:
        return ""
    return f", the first {100 * last / end:.2g}% of training"


def _shared_box(first: Curve, second: Curve) -> Box:
    from .chart import bounds

    return bounds([drawable(first), drawable(second)])


def _chart(
    curves: Sequence[Curve],
    width: int,
    screen: Screen,
    title: str,
    box: Box | None = None,
    *,
    wide: bool = True,
) -> list[str]:
    """The lines of a chart; with ``box`` at its height, and at its width too unless ``wide`` is False."""
    from .chart import bounds, chart

    drawn = [drawable(curve) for curve in curves]
    own = bounds(drawn)
    if box and wide:
        own = box
    elif box:
        own = replace(own, low=box.low, high=box.high)
    lines = chart(drawn, width, CHART_ROWS, unicode=screen.unicode, color=screen.color, box=own)
    return [screen.paint(screen.clip(title, width), "dim"), *lines]


def drawable(curve: Curve) -> ChartCurve:
    """A curve as charts take it."""
    from .chart import Curve as ChartCurve

    return ChartCurve(curve.label, curve.points, plural_of(curve.unit), curve.ends == "raise")


# What is said of a file besides its findings


def _clean(file: FileReport, screen: Screen) -> Iterator[str]:
    verdict = screen.paint("nothing wrong found", "bold", "green")
    yield f"{screen.paint(file.path + ':', 'bold')} {verdict}"
    yield ""
    if not file.checked and not file.curves:
        seen = " that could be followed" if file.skipped else " in it"
        yield from _row("checked", "no learning-rate schedule" + seen, screen)
    for number, text in enumerate(file.checked):
        yield from _row("" if number else "checked", text, screen)
    curves = [curve for curve in file.curves if curve.points]
    if not curves:
        return
    yield ""
    if len(curves) > TOGETHER or len({curve.unit for curve in curves}) > 1:
        for curve in curves:
            yield from screen.wrap(in_words(curve), "    ", "  ")
    else:
        title = curves[0].label if len(curves) == 1 else ""
        drawn = _chart(curves, screen.width - 2, screen, title or "learning rate")
        yield from ("  " + line for line in drawn)
    yield ""


def in_words(curve: Curve) -> str:
    """A curve in a line.

    >>> in_words(Curve(((0, 0.0), (10, 0.1), (100, 0.0)), "epoch", "one cycle", ends="raise"))
    'one cycle: 0, up to 0.1 after 10, then 0 after 100 epochs; then it raises'
    """
    from .chart import number_text

    (_, first), (end, last) = curve.points[0], curve.points[-1]
    peak_at, peak = max(curve.points, key=lambda point: point[1])
    climb = f", up to {number_text(peak)} after {peak_at:,.6g}" if peak > max(first, last) else ""
    then = {"rise": "; then it rises", "raise": "; then it raises"}.get(curve.ends, "")
    name = curve.label or curve.scheduler or "learning rate"
    return (
        f"{name}: {number_text(first)}{climb}, then {number_text(last)} after {end:,.6g} {plural_of(curve.unit)}{then}"
    )


def _circumstances(file: FileReport, screen: Screen) -> Iterator[str]:
    """What the verdicts on a file rest on, and what could not be judged."""
    if file.assumed:
        yield from _row("assumed", ", ".join(f"{name} = {value}" for name, value in file.assumed.items()), screen)
    if file.unknown:
        example = file.unknown[0]
        text = f'{", ".join(file.unknown)} (give it with --set "{example}=...")'
        yield from _row("unknown", text, screen)
    # What --set named in vain is told once, for all files.
    told = [skipped for skipped in file.skipped if not skipped.reason.startswith("--set ")]
    reasons: dict[str, list[str]] = {}
    for skipped in told:
        if skipped.rule == "*":
            yield from _row("note", skipped.reason, screen)
        else:
            reasons.setdefault(skipped.reason, []).append(skipped.rule)
    if not (file.assumed or file.unknown or told):
        return
    for number, (reason, rules) in enumerate(reasons.items()):
        if number == REASONS:
            more = sum(map(len, list(reasons.values())[REASONS:]))
            yield from _row("", f"and {plural(more, 'rule')} more: --format json lists them", screen)
            break
        yield from _row("" if number else "skipped", f"{', '.join(rules)}: {reason}", screen)
    yield ""


TYPE_CHECKING = False
if TYPE_CHECKING:
    from .chart import Box
    from .chart import Curve as ChartCurve
