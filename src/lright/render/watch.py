"""The report at the end of a watched training: what it did, whether the LR was the one that `lright check` predicted,
and what was found.

>>> from lright.trace import Trace
>>> rows = [{"kind": "update", "update": n, "lr": [0.1 - n / 1000], "loss": 2.0 - n / 100} for n in range(100)]
>>> trace = Trace.of([*rows, {"kind": "end", "reason": "finished"}])
>>> print("\\n".join(list(page(trace, Screen(width=60)))[:7]))
100 updates, finished
<BLANKLINE>
                LR first  highest  last
  optimizer     0.1       0.1      0.001
<BLANKLINE>
  loss          1.98 at first, 1.03 at last, lowest 1.03 at
                update 97 (means of 5 updates)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate

from ..finding import Curve
from ..records import field, record, replace
from .chart import Curve as ChartCurve
from .chart import chart, number_text
from .live import duration
from .screen import Screen
from .terminal import STYLE, plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..trace import Readings, Row, Trace, Updates

VERSION = 1
SAME = 1e-3  # two learning rates that differ by less are the same one: our judgement; frameworks round at 1e-7
NEGLIGIBLE = 1e-6  # of the peak: below it, rates are compared with it and not with each other
POINTS = 600  # of a curve that is drawn or told
ROWS = 12  # of a chart
GROUPS, METRICS = 8, 10  # as many parameter groups and metrics have a row of their own
FINDING = ("rule", "slug", "severity", "update", "message")
LOWER = ("loss", "error", "err", "perplexity", "ppl", "wer", "cer", "mse", "mae", "rmse", "nll")
HIGHER = ("acc", "accuracy", "f1", "auc", "score", "map", "bleu", "rouge", "iou", "dice", "precision", "recall", "top1")


@record(frozen=True, slots=True)
class Rates:
    """The learning rate of parameter groups that all had the same one: at the first update, the last, and the highest
    with the update it was first reached at."""

    optimizer: int
    name: str
    groups: tuple[int, ...]
    first: float
    last: float
    highest: float
    highest_at: int


@record(frozen=True, slots=True)
class Losses:
    """The loss as means over ``window`` updates, first, last and lowest; ``broken`` losses were NaN or infinite."""

    first: float
    last: float
    lowest: float
    lowest_at: int
    window: int
    broken: int


@record(frozen=True, slots=True)
class Metric:
    """A value that the training computed. ``better``: lower, higher, or empty where the name does not tell."""

    name: str
    count: int
    last: float
    lowest: float
    lowest_at: int
    highest: float
    highest_at: int
    better: str


@record(frozen=True, slots=True)
class Compared:
    """The LR of one group against the predicted one, at ``places`` updates of which a prediction is known.

    ``largest`` is the largest relative difference and ``largest_at`` its update. Where they part, ``parts_at`` is the
    first of the updates with a difference, ``same_until`` the last one before it that has none (None: there is none).
    """

    optimizer: int
    group: int
    places: int
    largest: float
    largest_at: int
    same_until: int | None = None
    parts_at: int | None = None
    real: float = math.nan  # at parts_at
    predicted: float = math.nan


@record(frozen=True, slots=True)
class WatchReport:
    """What is told of a watched run. ``curve`` is the LR it really took, ``predicted`` the one that was predicted, both
    of the group that stands for the training."""

    script: str
    ended: str
    message: str
    pieces: int
    updates: int
    skipped: int
    epochs: int
    rates: tuple[Rates, ...]
    seconds: float | None = None
    losses: Losses | None = None
    metrics: tuple[Metric, ...] = ()
    curve: Curve | None = None
    predicted: Curve | None = None
    predicted_updates: int | None = None
    compared: tuple[Compared, ...] = ()
    predictable: bool = False  # there was a prediction, be it for this run or not
    findings: Sequence[Row] = field(default_factory=list)
    replaced: bool = False  # the run was made with another schedule


def page(
    trace: Trace, screen: Screen, predicted: Sequence[Curve] = (), seconds: float | None = None, replaced: bool = False
) -> Iterator[str]:
    """The lines of the report on a run. ``predicted``: the curves that `lright check` draws of the script;
    ``replaced``: the run was made with another schedule, and they are what the script has itself."""
    return terminal(replace(report_of(trace, predicted, seconds), replaced=replaced), screen)


def as_dict(trace: Trace, predicted: Sequence[Curve] = (), seconds: float | None = None) -> dict[str, object]:
    """The report on a run as JSON takes it; the schema is `lright/schemas/watch-v1.schema.json`."""
    return told(report_of(trace, predicted, seconds))


# Making it


def report_of(trace: Trace, predicted: Sequence[Curve] = (), seconds: float | None = None) -> WatchReport:
    """What is to be told of a run."""
    main = trace.main
    tracks = [trace.updates[number] for number in sorted(trace.updates) if len(trace.updates[number])]
    pairs = _paired(tracks, predicted)
    last = trace.pieces[-1] if trace.pieces else None
    curve = _curve(main, main.main) if main else None
    of_main = next((two for track, two in pairs if track is main and main and two.group == main.main), None)
    expected = None
    if of_main is not None and of_main.unit == "epoch":  # how many updates that is, nobody predicted
        of_main = _over_updates(of_main, trace)
    elif of_main is not None:
        expected = round(of_main.points[-1][0]) + 1
    return WatchReport(
        str(trace.pieces[0].start.get("script", "")) if trace.pieces else "",
        trace.ended,
        str(last.end.get("message", "")) if last else "",
        len(trace.pieces),
        len(set(main.numbers)) if main else 0,
        len(main.skips) if main else 0,
        len(trace.epochs()),
        tuple(one for track in tracks for one in _rates(trace, track)),
        seconds,
        _losses(main) if main else None,
        tuple(_metric(readings) for readings in trace.metrics.values() if len(readings)),
        curve,
        of_main,
        expected,
        tuple(filter(None, (_compared(trace, track, two) for track, two in pairs))),
        bool(predicted),
        list(trace.findings),
    )


def _paired(tracks: Sequence[Updates], predicted: Sequence[Curve]) -> list[tuple[Updates, Curve]]:
    """The predicted curves with the updates of the optimizer they are about: optimizers in the order of the script."""
    names = list(dict.fromkeys(curve.optimizer for curve in predicted if curve.points))
    if len(names) != len(tracks):
        return []
    return [
        (track, curve)
        for name, track in zip(names, tracks)
        for curve in predicted
        if curve.points and curve.optimizer == name and curve.group < max(map(len, track.lrs))
    ]


def _by_update(updates: Updates, group: int) -> dict[int, float]:
    """The LR by update number. A resumed run may have made some twice: the later one counts."""
    return dict(sorted(zip(updates.numbers, updates.rates(group))))


def _curve(updates: Updates, group: int) -> Curve:
    points = [(float(number), lr) for number, lr in _by_update(updates, group).items()]
    return Curve(tuple(_thinned(points)), "update", "real", group=group)


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most about POINTS of them, with the lowest and the highest of every stretch that is left out."""
    each = -(-len(points) // (POINTS // 2))
    if each <= 2:
        return points
    kept = {points[0], points[-1]}
    for start in range(0, len(points), each):
        part = points[start : start + each]
        kept |= {min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])}
    return sorted(kept)


def _rates(trace: Trace, updates: Updates) -> Iterator[Rates]:
    name = str(trace.optimizers.get(updates.optimizer, {}).get("class", "optimizer"))
    alike: dict[tuple[float, float, float, int], list[int]] = {}
    for group in range(max(map(len, updates.lrs))):
        rates = updates.rates(group)
        highest = max(rates)
        key = (rates[0], rates[-1], highest, updates.numbers[rates.index(highest)])
        alike.setdefault(key, []).append(group)
    for (first, last, highest, at), groups in alike.items():
        yield Rates(updates.optimizer, name, tuple(groups), first, last, highest, at)


def _losses(updates: Updates) -> Losses | None:
    known = [(number, loss) for number, loss in zip(updates.numbers, updates.losses) if math.isfinite(loss)]
    if not known:
        return None
    window = max(1, min(100, len(known) // 20))
    sums = list(accumulate((loss for _, loss in known), initial=0.0))
    means = [(end - start) / window for start, end in zip(sums, sums[window:])]
    lowest = min(range(len(means)), key=means.__getitem__)
    middle = known[lowest + window // 2][0]
    return Losses(means[0], means[-1], means[lowest], middle, window, len(updates.broken))


def _metric(readings: Readings) -> Metric:
    values = list(readings.values)
    finite = [at for at, value in enumerate(values) if math.isfinite(value)] or [len(values) - 1]
    low, high = min(finite, key=values.__getitem__), max(finite, key=values.__getitem__)
    at = readings.updates
    return Metric(readings.name, len(values), values[-1], values[low], at[low], values[high], at[high],
                  _better(readings.name))  # fmt: skip


def _better(name: str) -> str:
    """Which values of a metric are the better ones, by its name.

    >>> _better("val_loss"), _better("eval/top1 accuracy"), _better("lr")
    ('lower', 'higher', '')
    """
    words = "".join(char if char.isalnum() else " " for char in name.lower()).split()
    return "lower" if set(words) & set(LOWER) else "higher" if set(words) & set(HIGHER) else ""


# Against the prediction


def _over_updates(curve: Curve, trace: Trace) -> Curve:
    """A curve over epochs as one over the updates at which the epochs of this run began; those it had, alone."""
    starts = {one.epoch: one.update for one in trace.epochs() if one.update >= 0}
    points = [(float(starts[int(t)]), lr) for t, lr in curve.points if t == int(t) and int(t) in starts]
    return replace(curve, points=tuple(points), unit="update")


def _compared(trace: Trace, updates: Updates, curve: Curve) -> Compared | None:
    """The real LR against the predicted one, at the updates of the points of the prediction: it is exact there."""
    curve = _over_updates(curve, trace) if curve.unit == "epoch" else curve
    real = _by_update(updates, curve.group)
    expected = {int(t): lr for t, lr in curve.points if t == int(t)}
    if len(set(expected.values())) == 1:  # a constant is known everywhere
        until = max(expected)
        expected = {number: curve.points[0][1] for number in real if number <= until}
    places = sorted(number for number in expected if number in real)
    if not places:
        return None
    least = NEGLIGIBLE * max(map(abs, expected.values()))
    apart = {number: _difference(real[number], expected[number], least) for number in places}
    largest = max(places, key=apart.__getitem__)
    found = Compared(updates.optimizer, curve.group, len(places), apart[largest], largest)
    parts = next((number for number in places if apart[number] > SAME), None)
    if parts is None:
        return found
    before = max((number for number in places if number < parts), default=None)
    return replace(found, same_until=before, parts_at=parts, real=real[parts], predicted=expected[parts])


def _difference(real: float, expected: float, least: float) -> float:
    """How far apart two rates are, relative to the expected one, or to ``least`` where that is smaller."""
    if real == expected:
        return 0.0
    difference = abs(real - expected) / max(abs(expected), least, 1e-300)
    return difference if math.isfinite(difference) else math.inf


# On a terminal


LABEL = 14  # columns of the words in front


def terminal(report: WatchReport, screen: Screen) -> Iterator[str]:
    """The lines of the report."""
    yield from (screen.paint(text, "bold") for text in screen.wrap(_headline(report)))
    if report.message:
        yield from screen.wrap(report.message, "  ")
    if report.rates:
        yield ""
        yield from _table(report, screen)
    if report.losses or report.metrics:
        yield ""
    if report.losses:
        yield from _row("loss", _loss_text(report.losses), screen)
    for metric in report.metrics[:METRICS]:
        yield from _row(metric.name, _metric_text(metric), screen)
    if len(report.metrics) > METRICS:
        yield f"  and {plural(len(report.metrics) - METRICS, 'metric')} more"
    if report.curve is not None and report.curve.points:
        yield ""
        yield from _picture(report, screen)
    yield ""
    yield from _found(report, screen)


def _headline(report: WatchReport) -> str:
    parts = [plural(report.updates, "update")]
    if report.epochs:
        parts[0] += f" in {plural(report.epochs, 'epoch')}"
    if report.skipped:
        parts.append(f"{report.skipped:,} more skipped")
    if report.pieces > 1:
        parts.append(f"{report.pieces} pieces of one run")
    if report.seconds is not None:
        parts.append(duration(report.seconds))
    parts.append(report.ended or "no end is recorded: killed, or still running")
    return f"{report.script}: " * bool(report.script) + ", ".join(parts)


def _table(report: WatchReport, screen: Screen) -> Iterator[str]:
    """First, highest and last LR, a row for all groups with the same."""
    several = len({one.optimizer for one in report.rates}) > 1
    rows = [(_group_name(one, several, report), one) for one in report.rates[:GROUPS]]
    width = max(LABEL if screen.width >= 60 else 0, *(len(name) + 2 for name, _ in rows))
    first = max(len("LR first"), *(len(number_text(one.first)) for _, one in rows)) + 2
    high = max(len("highest"), *(len(_highest(one)) for _, one in rows))
    yield screen.paint(f"  {'':<{width}}{'LR first':<{first}}{'highest':<{high + 2}}last", "dim")
    for name, one in rows:
        label = f"  {screen.paint(name, 'cyan')}{'':<{width - len(name)}}"
        yield f"{label}{number_text(one.first):<{first}}{_highest(one):<{high + 2}}{number_text(one.last)}"
    rest = report.rates[GROUPS:]
    if rest:
        groups = plural(sum(len(one.groups) for one in rest), "group")
        low, high_lr = min(one.highest for one in rest), max(one.highest for one in rest)
        yield f"  and {groups} more, highest {number_text(low)} to {number_text(high_lr)}"


def _highest(one: Rates) -> str:
    at = f" at {one.highest_at:,}" if one.highest != one.first else ""
    return number_text(one.highest) + at


def _group_name(one: Rates, several: bool, report: WatchReport) -> str:
    name = f"{one.name} {one.optimizer}" if several else one.name
    if sum(other.optimizer == one.optimizer for other in report.rates) == 1:
        return name
    return f"{name} {'groups' if len(one.groups) > 1 else 'group'} {_ranges(one.groups)}"


def _ranges(numbers: Sequence[int]) -> str:
    """Rising numbers, runs of them put together.

    >>> _ranges((0, 1, 2, 5, 7, 8))
    '0-2, 5, 7-8'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def _row(label: str, text: str, screen: Screen) -> Iterator[str]:
    width = max(LABEL, len(label) + 2)
    first, *rest = screen.wrap(text, " " * (LABEL + 2), f"  {label:<{width}}")
    yield f"  {screen.paint(label, 'cyan')}{first[2 + len(label) :]}"
    yield from rest


def _loss_text(losses: Losses) -> str:
    first, last, lowest = map(number_text, (losses.first, losses.last, losses.lowest))
    over = f" (means of {losses.window} updates)" if losses.window > 1 else ""
    broken = f"; {losses.broken:,} NaN or infinite" if losses.broken else ""
    return f"{first} at first, {last} at last, lowest {lowest} at update {losses.lowest_at:,}{over}{broken}"


def _metric_text(metric: Metric) -> str:
    last = f"{number_text(metric.last)} at last"
    if metric.count == 1:
        return last
    low = f"lowest {number_text(metric.lowest)}{_at(metric.lowest_at)}"
    high = f"highest {number_text(metric.highest)}{_at(metric.highest_at)}"
    return f"{last}, " + {"lower": low, "higher": high}.get(metric.better, f"{low}, {high}")


def _at(update: int) -> str:
    return f" at update {update:,}" if update >= 0 else ""


def _picture(report: WatchReport, screen: Screen) -> Iterator[str]:
    """The LR it really took, and the predicted one with the words for how they compare."""
    apart = [one for one in report.compared if one.parts_at is not None]
    style = ("bold", "yellow") if apart else ("bold", "green") if report.compared else ("bold",)
    yield from (screen.paint(text, *style) for text in screen.wrap(verdict(report)))
    curves = _drawn(report, bool(apart))
    if len(curves) > 1 or len({lr for _, lr in curves[0].points}) > 1:  # a constant needs no picture
        yield from chart(curves, screen.width - 2, ROWS, unicode=screen.unicode, color=screen.color)


def _drawn(report: WatchReport, apart: bool) -> list[ChartCurve]:
    """The real curve, and the predicted one as far as it is another: where they part, or the run was too short."""
    real = report.curve.points if report.curve is not None else ()
    end = real[-1][0] if real else 0.0
    other = report.predicted.points if report.predicted is not None else ()
    if not apart:
        other = tuple(point for point in other if point[0] >= end)
    curves = [ChartCurve("this run", real)]
    if report.replaced and end:
        other = tuple(point for point in other if point[0] <= end)
    label = "the script's own" if report.replaced else "lright check predicted"
    return [*curves, ChartCurve(label, other)] if len(other) > 1 else curves


def verdict(report: WatchReport) -> str:
    """Whether the LR was the predicted one, in a sentence or two."""
    if report.replaced:
        return "The learning rate of this run, in place of the script's own"
    if not report.compared and report.predictable:
        return "The learning rate of this run; what lright check predicts is about other optimizers or updates"
    if not report.compared:
        return "The learning rate of this run"
    which = _which(report.compared) if sum(len(one.groups) for one in report.rates) > len(report.compared) else ""
    apart = [one for one in report.compared if one.parts_at is not None]
    if apart:
        first = min(apart, key=lambda one: one.parts_at or 0)
        return _parting(first, len(report.compared) > 1 or bool(which)) + _length(report)
    largest = max(one.largest for one in report.compared)
    if not largest:
        return f"The learning rate{which} was exactly as predicted by lright check{_length(report)}"
    difference = f"the largest relative difference is {number_text(largest)}"
    return f"The learning rate{which} was as predicted by lright check: {difference}{_length(report)}"


def _which(compared: Sequence[Compared]) -> str:
    """Of what it was, where not all groups of all optimizers were compared."""
    names = [f"optimizer {number}" for number in sorted({one.optimizer for one in compared})]
    if len(names) == 1:
        groups = [one.group for one in compared]
        return f" of {'groups' if len(groups) > 1 else 'group'} {_ranges(groups)}"
    return f" of {' and '.join(names)}"


def _parting(one: Compared, several: bool) -> str:
    which = f" of group {one.group}" + f", optimizer {one.optimizer}," * bool(one.optimizer) if several else ""
    at = f"at update {one.parts_at:,}"
    if one.same_until is not None and one.parts_at is not None and one.parts_at - one.same_until > 1:
        at = f"between updates {one.same_until:,} and {one.parts_at:,}"
    values = f"{number_text(one.real)} instead of {number_text(one.predicted)} at {one.parts_at:,}"
    if number_text(one.real) == number_text(one.predicted):
        values = f"{one.real:.6g} instead of {one.predicted:.6g} at {one.parts_at:,}"
    return f"The learning rate{which} parts from the one lright check predicted {at}: {values}"


def _length(report: WatchReport) -> str:
    """What to add where the run was shorter or longer than the prediction."""
    expected = report.predicted_updates
    if expected is None or report.curve is None or not report.curve.points:
        return ""
    made = round(report.curve.points[-1][0]) + 1
    if made < expected:
        return f"; {made:,} of {expected:,} predicted updates were made"
    return f"; {plural(made - expected, 'update')} more than predicted" if made > expected else ""


def _found(report: WatchReport, screen: Screen) -> Iterator[str]:
    if not report.findings:
        yield screen.paint("nothing wrong found", "bold", "green")
        return
    for row in report.findings:
        severity = row.get("severity") or "warning"
        at = _at(row["update"]) if row.get("update") is not None else ""
        slug = f" {row['slug']}" if row.get("slug") else ""
        rule = screen.paint(row["rule"], "bold")
        yield f"{screen.paint(severity, 'bold', STYLE.get(severity, 'yellow'))} {rule}{slug}{at}"
        yield from screen.wrap(row["message"], "  ")


# For programs


def told(report: WatchReport) -> dict[str, object]:
    """The report for JSON: what is not finite is None."""
    return {
        "version": VERSION,
        "script": report.script,
        "ended": report.ended,
        "message": report.message,
        "pieces": report.pieces,
        "updates": report.updates,
        "skipped": report.skipped,
        "epochs": report.epochs,
        "seconds": report.seconds,
        "rates": [_plain(one) for one in report.rates],
        "loss": _plain(report.losses) if report.losses else None,
        "metrics": [{**_plain(one), "better": one.better or None} for one in report.metrics],
        "curve": _points(report.curve),
        "predicted": _points(report.predicted),
        "predicted_updates": report.predicted_updates,
        "compared": [{**_plain(one), "as_predicted": one.parts_at is None} for one in report.compared],
        "verdict": verdict(report),
        "findings": [{name: row.get(name) for name in FINDING} for row in report.findings],
    }


def _plain(one: Rates | Losses | Metric | Compared) -> dict[str, object]:
    values = {name: getattr(one, name) for name in type(one).__annotations__}
    return {name: _finite(list(value) if isinstance(value, tuple) else value) for name, value in values.items()}


def _points(curve: Curve | None) -> list[list[float]] | None:
    if curve is None:
        return None
    return [[t, lr] for t, lr in curve.points if math.isfinite(lr)]


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
