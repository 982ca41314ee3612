"""`lright recipes` and `lright compare`: published recipes as a table, one of them in full, two curves side by side."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ..clock import Budget, Length, MissingFact, plural
from ..errors import LrightError
from ..quantity import Unit
from ..records import record, replace
from ..schedule import Schedule
from .chart import Curve, chart, number_text
from .plot import POINTS, Options, Plotted, plot_command, plotted_spec
from .screen import Screen, columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..advise.recipes import Recipe
    from ..schedule import Resolved
    from ..schedule.export import Snippet

FORMATS = ("text", "svg", "png", "html", "csv", "json")
MARK = "~"  # stands after what is from memory
# Names of optimizers where they are not the word in capitals; what torch has no class of, with a near one that it has.
_SPELLED = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "adafactor": "Adafactor", "adadelta": "Adadelta",
            "muon": "Muon", "normuon": "NorMuon"}  # fmt: skip
_STAND_INS = {"lamb": "AdamW", "lars": "SGD", "muon": "AdamW", "normuon": "AdamW"}


# All of them.


def table(recipes: Sequence[Recipe], screen: Screen) -> Iterator[str]:
    """The recipes by task: name and title, and below them optimizer, peak, schedule and length."""
    domain = ""
    for one in recipes:
        if one.domain != domain:
            if domain:
                yield ""
            domain = one.domain
            title = task(domain)
            yield screen.paint(title[0].upper() + title[1:], "bold", "cyan")
        name = one.id + MARK * _recalled(one)
        yield screen.clip(f"{screen.paint(name, 'bold')}{' ' * max(28 - len(name), 1)}{one.title}", _room(screen))
        how = f"{optimizer_name(one)} at {number_text(one.peak)}: {one.schedule}, {_short(one.total)}"
        yield from screen.wrap(how, " " * 6, " " * 4)
    yield ""
    if any(map(_recalled, recipes)):
        yield f"{MARK} partly or wholly from memory: 'lright recipes NAME' says what."
    yield "lright recipes NAME shows one in full; lright compare NAME NAME two of them."


_TASKS = {"nlp": "language understanding", "language-model": "language models", "rl": "reinforcement learning",
          "gan": "GANs", "tabular": "tables", "graph": "graphs", "time-series": "time series",
          "self-supervised": "self-supervised learning"}  # fmt: skip


def task(domain: str) -> str:
    """The task in words."""
    return _TASKS.get(domain, domain)


def _room(screen: Screen) -> int:
    return screen.width + (8 if screen.color else 0)  # colour codes take no columns


def _recalled(one: Recipe) -> bool:
    return bool(one.memory) or one.verified == "memory"


def _short(total: str) -> str:
    """A length with few zeros: 600k updates."""
    number, _, unit = total.partition(" ")
    for size, suffix in ((1_000_000, "M"), (1_000, "k")):
        if number.isdigit() and int(number) % size == 0:
            return f"{int(number) // size}{suffix} {unit}".strip()
    return f"{int(number):,} {unit}" if number.isdigit() else total


def as_json(recipes: Sequence[Recipe]) -> str:
    """The recipes as JSON: version 1, ``recipes``."""
    import json

    return json.dumps({"version": 1, "recipes": [one.to_json() for one in recipes]}, indent=2)


# One of them.


def page_command(
    one: Recipe, screen: Screen, framework: str | None = None, output: str | None = None, format: str | None = None
) -> str:
    """A recipe in full, or its curve as a picture or as data, in ``format`` or as the ending of ``output`` says."""
    if output is None and format in (None, "text"):
        return "\n".join(page(one, screen, framework))
    if output is None and format == "json":
        return page_json(one, framework or "torch")
    resolved = one.resolve()
    lines = tuple(str(resolved).splitlines())
    return plot_command([Plotted(one.id, _curve(one.id, resolved), lines)], None, output, format, screen).rstrip("\n")


def page(one: Recipe, screen: Screen, framework: str | None = None) -> Iterator[str]:
    """Everything about one recipe: the curve, the phases, the facts with their source, and code.

    Without ``framework`` the code is the optimizer and scheduler for torch, with it the whole training.
    """
    resolved = one.resolve()
    yield from screen.wrap(f"{one.id}: {one.title}")
    yield ""
    yield from chart([_curve(one.id, resolved)], screen.width - 2, unicode=screen.unicode, color=screen.color)
    yield ""
    yield from screen.wrap(_marker(one)("schedule", one.schedule))
    yield ""
    yield from phases(resolved)
    for label, text in facts(one, resolved):
        yield from _fact(label, text, screen)
    yield from _code_lines(one, screen, framework)


def _fact(label: str, text: str, screen: Screen) -> Iterator[str]:
    first, *rest = screen.wrap(text, " " * 12, " " * 12)
    yield f"{screen.paint(label, 'bold')}{first[len(label):]}"
    yield from rest


def phases(resolved: Resolved) -> Iterator[str]:
    """The phases as a table, if there are several; factors that change nothing are left out."""
    table = [row for row in resolved.table() if not (row.factor and row.first == row.last == 1)]
    if len(table) < 2:
        return
    size = _size(resolved)
    lines = [("phase", "epochs" if _in_epochs(resolved) else "", "updates", "LR")]
    for row in table:
        times = "x " if row.factor else ""
        level = f"{times}{number_text(row.first)}"
        if row.first != row.last:
            level += f" to {times}{number_text(row.last)}"
        epochs = f"{_counted(row.begin / size)} to {_counted(row.end / size)}" if _in_epochs(resolved) else ""
        lines.append((times + row.phase, epochs, f"{row.begin:,} to {row.end:,}", level))
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    for phase, epochs, updates, level in lines:
        cells = (phase.ljust(widths[0]), epochs.ljust(widths[1]), updates.ljust(widths[2]), level)
        yield "  ".join(cell for cell in cells if cell)
    if resolved.length > resolved.updates:
        yield "The training ends before the schedule does."
    yield ""


def facts(one: Recipe, resolved: Resolved) -> Iterator[tuple[str, str]]:
    """What is known of a recipe, line by line: (label, text). What is from memory is marked."""
    mark = _marker(one)
    start = "fine-tuning" if one.pretrained else "from scratch"
    samples = f", {mark('samples', f'{one.samples:,}')} samples" if one.samples else ""
    yield "task", f"{task(one.domain)}, {_FAMILIES.get(one.family, one.family)}, {start}"
    yield "data", f"{one.dataset}{samples}"
    yield "optimizer", mark("optimizer", optimizer_text(one, mark))
    yield "peak LR", f"{_peaks(one, mark)}{_batch(one, mark)}"
    if one.scaling != "none":
        yield "scaling", one.scaling
    yield "training", _training(one, resolved, mark)
    drops = _drops(one, resolved)
    if drops:
        yield "drops", drops
    yield "LR moves", "never" if one.schedule == "hold" else _MOVES.get(one.stepped, f"once an {one.stepped}")
    if "plateau" in one.schedule:
        yield "the curve", "is that of a metric that keeps improving; a run decides when the LR falls"
    if one.clip:
        yield "clip", f"gradient norm {mark('clip', number_text(one.clip))}"
    yield "source", f"{one.source['title']}: {one.source['where']} ({one.source['ref']})"
    yield "values", _VERIFIED[one.verified] + (f"; {MARK} from memory" if one.memory else "")
    if one.notes:
        yield "notes", one.notes


_FAMILIES = {"cnn": "CNN", "rnn": "RNN", "unet": "U-Net", "gnn": "graph network", "mlp": "MLP"}
_MOVES = {"update": "at every update", "epoch": "once an epoch", "never": "never"}
_VERIFIED = {
    "read": "read in the source",
    "second-hand": "second-hand: as others quote the source",
    "memory": "from memory, all of them: look them up before you rely on them",
}


def _marker(one: Recipe) -> Any:
    def mark(name: str, text: str) -> str:
        return text + MARK if name in one.memory else text

    return mark


def optimizer_name(one: Recipe) -> str:
    """The optimizer as people write it."""
    name = str(one.optimizer["name"])
    return _SPELLED.get(name, name.upper())


def optimizer_text(one: Recipe, mark: Any = lambda name, text: text) -> str:
    """The optimizer and its numbers."""
    known = one.optimizer
    parts = [optimizer_name(one) + (mark("nesterov", " with Nesterov") if known.get("nesterov") else "")]
    if known.get("momentum"):
        parts.append(mark("momentum", f"momentum {number_text(known['momentum'])}"))
    if "betas" in known:
        parts.append(mark("betas", "betas " + " and ".join(number_text(beta) for beta in known["betas"])))
    if "eps" in known:
        parts.append(f"eps {number_text(known['eps'])}")
    if "weight_decay" in known:
        decay = known["weight_decay"]
        parts.append(mark("weight_decay", f"weight decay {number_text(decay)}" if decay else "no weight decay"))
    return ", ".join(parts)


def _peaks(one: Recipe, mark: Any) -> str:
    if not one.groups:
        return str(mark("peak", number_text(one.peak)))
    shown = [f"{mark('peak', number_text(lr))} ({name})" for name, lr in one.groups.items()]
    return ", ".join([shown[0].replace(")", ", drawn)"), *shown[1:]])


def _batch(one: Recipe, mark: Any) -> str:
    if one.batch:
        return f"; batch: {mark('batch', one.batch)}"
    if one.batch_size is None:
        return ""
    size = mark("batch_size", f"{one.batch_size:,}")
    if one.sequence is None:
        return f", at a batch of {size}"
    tokens = f"{one.batch_size * one.sequence:,}"
    return f", at a batch of {size} sequences of {mark('sequence', f'{one.sequence:,}')} tokens ({tokens} tokens)"


def _training(one: Recipe, resolved: Resolved, mark: Any) -> str:
    total = resolved.budget.total
    if total is None or total.unit is Unit.UPDATE or total.unit is None:
        return f"{mark('total', f'{resolved.updates:,}')} updates"
    amount = one.total if total.unit is not Unit.EPOCH else _counted(total.number, "epochs")
    note = MARK if "updates_per_epoch" in one.memory else ""
    return f"{mark('total', amount)}, {resolved.updates:,}{note} updates"


def _drops(one: Recipe, resolved: Resolved) -> str:
    """Where a staircase falls, if it does so a few times only."""
    size, word = _size(resolved), "epoch" if _in_epochs(resolved) else "update"
    for segment, factor in resolved.segments():
        if factor == 0 and segment.phase.shape.name in ("step", "multi-step"):
            times = [t for t in segment.breaks() if t < resolved.updates]
            if len(times) <= 4:
                return ", ".join(f"to {number_text(resolved(t))} at {word} {_counted(t / size)}" for t in times)
    return ""


def _counted(number: float, unit: str = "") -> str:
    text = f"{number:,.0f}" if abs(number - round(number)) < 1e-6 or number >= 100 else f"{number:.3g}"
    return f"{text} {unit.removesuffix('s') if text == '1' else unit}".strip()


def _in_epochs(resolved: Resolved) -> bool:
    total = resolved.budget.total
    return total is not None and total.unit is Unit.EPOCH


def _size(resolved: Resolved) -> float:
    """The updates of one unit of the axis."""
    return resolved.budget.convert(Length(1, Unit.EPOCH), Unit.UPDATE).number if _in_epochs(resolved) else 1.0


def _curve(label: str, resolved: Resolved) -> Curve:
    unit = Unit.EPOCH if _in_epochs(resolved) else Unit.UPDATE
    return Curve(label, _seen(resolved.points(POINTS, unit)), plural(unit))


def _seen(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """The points without a jump at the very end, which no update sees."""
    (before, last), (end, _) = points[-2:]
    return [*points[:-1], (end, last)] if end - before < 0.1 * end / POINTS else points


# Its code.


def _code_lines(one: Recipe, screen: Screen, framework: str | None) -> Iterator[str]:
    yield ""
    try:
        made = snippet(one, framework or "torch")
    except LrightError as error:
        yield from screen.wrap(f"No code for {framework or 'torch'}: {error}")
        return
    yield screen.paint(f"In {framework or 'torch'}:", "bold", "cyan")
    for line in (made.code if framework else made.setup).strip("\n").splitlines():
        yield f"  {line}".rstrip()
    notes = [*_code_notes(one), *made.notes]
    if not framework:
        notes.append(f"the whole training: lright recipes {one.id} --framework torch")
    for note in notes:
        yield from screen.wrap(note, "  ", "- ")


def snippet(one: Recipe, framework: str) -> Snippet:
    """The recipe as code for a framework. Raises :class:`LrightError` where the framework cannot do it."""
    from ..schedule.export import export

    known = one.optimizer
    betas = (float(known["betas"][0]), float(known["betas"][1])) if "betas" in known else None
    return export(
        one.sequential(),
        one.budget(),
        peak=one.peak,
        framework=framework,
        optimizer=_STAND_INS.get(known["name"], optimizer_name(one)),
        weight_decay=known.get("weight_decay"),
        betas=betas,
        momentum=known.get("momentum", 0.0),
        clip=one.clip,
        step="update" if "update" in one.stepped else None,
    )


def _code_notes(one: Recipe) -> Iterator[str]:
    if one.code:
        yield f"written in sequence, since no framework multiplies schedules: {one.code}"
    stand_in = _STAND_INS.get(str(one.optimizer["name"]))
    if stand_in:
        yield f"{stand_in} stands in for {optimizer_name(one)}: put yours in, since the LR belongs to it"
    if one.optimizer.get("nesterov"):
        yield "the recipe has Nesterov's momentum: add nesterov=True"
    if one.groups:
        yield f"one LR for all parameters; the groups have {', '.join(_group_texts(one))}"


def _group_texts(one: Recipe) -> list[str]:
    return [f"{number_text(lr)} ({name})" for name, lr in one.groups.items()]


def page_json(one: Recipe, framework: str = "torch") -> str:
    """One recipe as JSON: version 1, ``recipe``, ``updates``, ``phases``, ``curve`` and ``code``."""
    import json

    resolved = one.resolve()
    curve = _curve(one.id, resolved)
    phases = [
        {"phase": row.phase, "length": row.length, "begin": row.begin, "end": row.end, "from": row.first,
         "to": row.last, "factor": row.factor} for row in resolved.table()
    ]  # fmt: skip
    document = {
        "version": 1,
        "recipe": one.to_json(),
        "updates": resolved.updates,
        "phases": phases,
        "curve": {"unit": curve.x_unit, "points": [[x, y] for x, y in curve.points]},
        "code": _code_json(one, framework),
    }
    return json.dumps(document, indent=2)


def _code_json(one: Recipe, framework: str) -> dict[str, object]:
    try:
        made = snippet(one, framework)
    except LrightError as error:
        return {"framework": framework, "code": None, "notes": [str(error)]}
    return {"framework": framework, "code": made.code, "notes": [*_code_notes(one), *made.notes]}


# Two of them, or of anything that can be plotted.


@record(frozen=True, slots=True)
class Side:
    """One of two curves: ``points`` are (time, LR) in ``unit``, ``updates`` the length in updates where it is known."""

    name: str
    schedule: str
    points: Sequence[tuple[float, float]]
    unit: str
    updates: int | None = None
    recipe: Recipe | None = None
    batch: str = ""
    batch_size: float | None = None  # of all processes, for one update
    remarks: tuple[str, ...] = ()

    @property
    def length(self) -> float:
        """How long it is, in its unit."""
        return self.points[-1][0]

    @property
    def highest(self) -> float:
        """The highest LR."""
        return max(y for _, y in self.points)

    @property
    def reached(self) -> float:
        """The share of the run after which it has its highest LR."""
        enough = self.highest * (1 - 1e-5)
        return next(x for x, y in self.points if y >= enough) / self.length

    def at(self, share: float) -> float:
        """The LR after a share of the run."""
        x = share * self.length
        place = bisect_right(self.points, (x, float("inf")))
        if place == len(self.points):
            return self.points[-1][1]
        (x0, y0), (x1, y1) = self.points[max(place - 1, 0)], self.points[place]
        return y0 + (y1 - y0) * (x - x0) / (x1 - x0) if x1 > x0 else y1

    @property
    def mean(self) -> float:
        """The mean LR: the area under the curve over the length."""
        return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(self.points)) / self.length


class Row(NamedTuple):
    """A line of the comparison: what is compared, and what it is on both sides."""

    what: str
    a: str
    b: str


def compare_command(
    specs: Sequence[str],
    recipes: Sequence[Recipe | None],
    options: Options,
    screen: Screen,
    output: str | None = None,
    format: str | None = None,
) -> str:
    """Compare two curves: drawn on one axis, a table of what differs, and the main things in words.

    ``recipes`` has the recipe that a spec names, None where it is a schedule or a constructor of a framework.
    """
    first, second = sides(specs, recipes, options)
    if output is None and format in (None, "text"):
        return "\n".join(comparison(first, second, screen))
    if output is None and format == "json":
        return comparison_json(first, second)
    both = [Plotted(f"{letter}: {side.name}", curve, (), side.remarks)
            for letter, side, curve in zip("AB", (first, second), _drawn(first, second)[0])]  # fmt: skip
    return plot_command(both, None, output, format, screen).rstrip("\n")


def sides(specs: Sequence[str], recipes: Sequence[Recipe | None], options: Options) -> tuple[Side, Side]:
    """The two sides. What is no recipe takes over the training of the other side's, if that is one."""
    known = [one for one in recipes if one is not None]
    first, second = (
        _recipe_side(one, options) if one else _spec_side(spec, options, known[0] if known else None)
        for spec, one in zip(specs, recipes)
    )
    return first, second


def _recipe_side(one: Recipe, options: Options) -> Side:
    resolved = one.parsed().resolve(_budget(one, options), options.peak or one.peak)
    side = _resolved_side(one.id, one.schedule, resolved)
    size: float | None = one.batch_size
    text = _batch(one, lambda name, text: text)[2:].removeprefix("at a batch of ").removeprefix("batch: ")
    if size is not None and (options.batch_size or options.accumulate or options.processes):
        size = (options.batch_size or size) * (options.accumulate or 1) * (options.processes or 1)
        text = f"{size:,}"
    return replace(side, recipe=one, batch=text, batch_size=size)


def _resolved_side(name: str, text: str, resolved: Resolved) -> Side:
    curve = _curve(name, resolved)
    return Side(name, text, curve.points, curve.x_unit, resolved.updates)


def _budget(one: Recipe, options: Options) -> Budget:
    """The training of a recipe, changed as the options say."""
    if not any(options[1:]):
        return one.budget()
    sized = options.samples or options.batch_size
    return Budget(
        one.total if options.epochs is None else Length(options.epochs, Unit.EPOCH),
        batches_per_epoch=options.steps_per_epoch or (None if sized else one.updates_per_epoch),
        dataset=options.samples or one.samples,
        batch_size=options.batch_size or one.batch_size,
        tokens_per_sample=one.sequence,
        accumulate=options.accumulate,
        processes=options.processes,
    )


def _spec_side(spec: str, options: Options, other: Recipe | None) -> Side:
    called = "(" in spec and spec.partition("(")[0].strip().replace(".", "").isidentifier()
    if other is None:
        return _constructed(spec, options) if called else _plotted_side(spec, spec, (), options)
    budget, peak = _budget(other, options), options.peak or other.peak
    if called:
        return _constructed(spec, _as_options(budget, peak))
    try:
        side = _resolved_side(spec, spec, Schedule.parse(spec).resolve(budget, peak))
    except MissingFact as error:
        raise LrightError(f"'{spec}' in the training of {other.id}: {error}") from None
    shared = "" if any(options[1:]) else f"drawn in the training of {other.id}"
    rated = "" if options.peak else f"with its peak of {number_text(peak)}"
    return side if options.peak and not shared else _remarked(side, " ".join(filter(None, (shared, rated))))


def _remarked(side: Side, remark: str) -> Side:
    return replace(side, remarks=(remark,))


def _constructed(spec: str, options: Options) -> Side:
    """The side of a framework's constructor: over its own length, where no training is known."""
    if options.epochs or spec.rstrip()[-1] != ")":
        return _plotted_side(spec, *_ticked(spec, options), options)
    side = _plotted_side(spec, spec, (), options._replace(epochs=_own_length(spec) or USUAL_STEPS))
    # A run of n steps sees the LR after 0 to n - 1 ticks.
    points = [*side.points[:-1], (side.length, side.points[-2][1])]
    return replace(side, points=points, unit="scheduler steps")


USUAL_STEPS = 100  # of a scheduler that has no length of its own


def _own_length(spec: str) -> int | None:
    from ..schedule.emulate import Optimizer, emulated_from_text

    return emulated_from_text(spec, Optimizer(lr=1.0)).length


def _plotted_side(name: str, spec: str, remarks: tuple[str, ...], options: Options) -> Side:
    plotted = plotted_spec(spec, options)
    if plotted.curve.raises:
        raise LrightError(f"{name} fails on the way: {plotted.remarks[-1]}")
    try:
        updates = options.budget().updates
    except MissingFact:
        updates = None
    points, said = _seen(plotted.curve.points), (*remarks, *plotted.remarks)
    return Side(name, name, points, plotted.curve.x_unit, updates, remarks=said)


def _as_options(budget: Budget, peak: float) -> Options:
    """A training as options; one that knows no epochs is a single long one."""
    total, batches = budget.total, budget.batch_count
    if total is not None and total.unit is Unit.EPOCH and isinstance(batches, (int, float)):
        return Options(peak, total.number, int(batches))
    return Options(peak, 1, budget.updates)


def _ticked(spec: str, options: Options) -> tuple[str, tuple[str, ...]]:
    """A constructor with its ticks, chosen to fit its length where nobody said and the training is known."""
    if spec.rstrip()[-1] != ")" or not options.epochs:
        return spec, ()
    length = _own_length(spec)
    many = options.epochs > 1 and (length is None or length <= 2 * options.epochs)
    rate, other = ("every epoch", "every update") if many else ("every update", "every epoch")
    return f"{spec} {rate}", (f"taken as stepped {rate}; write '{spec} {other}' if it is not",)


# The comparison told.


def comparison(first: Side, second: Side, screen: Screen) -> Iterator[str]:
    """Both curves in one chart, a table of what differs, and the main differences in words."""
    for letter, side in zip("AB", (first, second)):
        yield from screen.wrap(f"{letter}: {_titled(side)}", "   ", "")
    yield ""
    curves, remark = _drawn(first, second)
    labelled = [Curve(screen.clip(f"{letter}: {curve.label}", screen.width // 2 - 8), curve.points, curve.x_unit)
                for letter, curve in zip("AB", curves)]  # fmt: skip
    yield from chart(labelled, screen.width - 2, unicode=screen.unicode, color=screen.color)
    if remark:
        yield from screen.wrap(remark, "  ", "  ")
    yield ""
    differing = [row for row in rows(first, second) if row.a != row.b]
    alike = [row.what for row in rows(first, second) if row.a == row.b]
    yield from _columns([Row("", "A", "B"), *differing], screen)
    if alike:
        yield ""
        yield from screen.wrap(f"The same: {', '.join(alike)}.")
    yield ""
    for sentence in words(first, second):
        yield from screen.wrap(sentence, "  ", "- ")
    for said in dict.fromkeys((*first.remarks, *second.remarks)):
        letters = "".join(letter for letter, side in zip("AB", (first, second)) if said in side.remarks)
        yield from screen.wrap(said if letters == "AB" else f"{letters}: {said}", "  ", "- ")


def _titled(side: Side) -> str:
    return f"{side.name}, {side.recipe.title}" if side.recipe else side.name


def _drawn(first: Side, second: Side) -> tuple[list[Curve], str]:
    """The curves on one axis: in shares where time or height would make one of them invisible, and what is so."""
    wide = max(first.length, second.length) > 4 * min(first.length, second.length)
    shared = first.unit != second.unit or wide
    high = max(first.highest, second.highest) > 8 * min(first.highest, second.highest)
    curves = [
        Curve(
            side.name,
            [(100 * x / side.length if shared else x, y / side.highest if high else y) for x, y in side.points],
            "% of the run" if shared else side.unit,
        )
        for side in (first, second)
    ]
    return curves, "each as a share of its own highest LR" if high else ""


def rows(first: Side, second: Side) -> list[Row]:
    """Everything that is compared."""
    both = (first, second)
    found = [
        Row("schedule", *(side.schedule for side in both)),
        Row("training", *map(_training_text, both)),
    ]
    one, other = first.recipe, second.recipe
    if one and other:
        found.append(Row("batch", *(side.batch or "not known" for side in both)))
        found.append(Row("optimizer", *map(optimizer_text, (one, other))))
        if _for_samples(*both):
            found.append(Row("highest LR a sample", *(number_text(_for_a_sample(side)) for side in both)))
    found.append(Row("highest LR", *(number_text(side.highest) for side in both)))
    found.append(Row("reached", *map(_reached_text, both)))
    found.append(Row("LR at the start", *(number_text(_round(side, 0)) for side in both)))
    for share in (25, 50, 75):
        found.append(Row(f"LR at {share}%", *(number_text(_round(side, share / 100)) for side in both)))
    found.append(Row("LR at the end", *(number_text(_round(side, 1)) for side in both)))
    found.append(Row("lowest after the peak", *(number_text(_floor(side)) for side in both)))
    found.append(Row("mean LR", *(number_text(side.mean) for side in both)))
    found.append(Row("mean / highest", *(_percent(side.mean / side.highest) for side in both)))
    return found


def _for_samples(first: Side, second: Side) -> bool:
    """Whether an LR for each sample of a batch says something about both."""
    recipes = [side.recipe for side in (first, second) if side.recipe and side.batch_size and not side.recipe.sequence]
    return len(recipes) == 2 and recipes[0].domain == recipes[1].domain != "rl"


def _for_a_sample(side: Side) -> float:
    return side.highest / (side.batch_size or 1)


def _round(side: Side, share: float) -> float:
    """The LR after a share of the run; 0 for what is 0 but for a rounding error."""
    value = side.at(share)
    return 0.0 if abs(value) < 1e-9 * side.highest else value


def _floor(side: Side) -> float:
    risen = side.reached * side.length
    lowest = min(y for x, y in side.points if x >= risen - 1e-9)
    return 0.0 if abs(lowest) < 1e-9 * side.highest else lowest


def _training_text(side: Side) -> str:
    updates = "" if side.updates is None else f"{side.updates:,} updates"
    if side.unit == "updates":
        return updates
    return ", ".join(filter(None, (_counted(side.length, side.unit), updates)))


def _reached_text(side: Side) -> str:
    share = side.reached
    if share * side.length < 1e-6:
        return "at once"
    parts = [] if side.unit == "updates" else [_counted(share * side.length, side.unit)]
    if side.updates is not None:
        parts.append(_counted(round(share * side.updates), "updates"))
    return f"after {', '.join(parts)} ({_percent(share)})"


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%" if share < 0.1 else f"{100 * share:.0f}%"


def _columns(lines: Sequence[Row], screen: Screen) -> Iterator[str]:
    """The table in two columns, each cell wrapped in its own."""
    left = max(columns(row.what) for row in lines) + 2
    each = (screen.width - left - 2) // 2
    cell = Screen(each, False, screen.unicode)
    for row in lines:
        a, b = cell.wrap(row.a), cell.wrap(row.b)
        for index in range(max(len(a), len(b))):
            what = row.what if index == 0 else ""
            halves = [side[index] if index < len(side) else "" for side in (a, b)]
            yield f"{what:<{left}}{halves[0]:<{each}}  {halves[1]}".rstrip()


def words(first: Side, second: Side) -> Iterator[str]:
    """The main differences as sentences."""
    yield _about_height(first, second)
    yield _about_warmup(first, second)
    yield _about_end(first, second)
    yield _about_shape(first, second)


def _about_height(first: Side, second: Side) -> str:
    high, low, ratio = ("A", "B", first.highest / second.highest)
    if ratio < 1:
        high, low, ratio = "B", "A", 1 / ratio
    if ratio < 1.005:
        return f"Both go up to {number_text(first.highest)}."
    times = f"{ratio:.3g} times" if ratio >= 1.1 else f"{100 * (ratio - 1):.2g}% above"
    of = "as high as" if ratio >= 1.1 else ""
    return " ".join(f"{high} goes {times} {of} {low}".split()) + f"{_as_scaled(first, second)}."


def _as_scaled(first: Side, second: Side) -> str:
    """Where the difference is what linear scaling with the batch makes of one LR."""
    if not _for_samples(first, second) or first.batch_size == second.batch_size:
        return ""
    ratio = _for_a_sample(first) / _for_a_sample(second)
    return ", as much as its batch is larger (linear scaling)" if abs(ratio - 1) < 0.005 else ""


def _about_warmup(first: Side, second: Side) -> str:
    rising = [side.reached * side.length > 1e-6 for side in (first, second)]
    if not any(rising):
        return "Neither warms up: both begin at their highest LR."
    if not all(rising):
        warm, cold = ("A", "B") if rising[0] else ("B", "A")
        side = first if rising[0] else second
        return f"{warm} rises {_reached_text(side).replace('after', 'for')}; {cold} begins at its highest LR."
    if abs(first.reached - second.reached) < 5e-4:
        return f"Both rise for {_percent(first.reached)} of the run."
    longer, shorter = sorted((first, second), key=lambda side: side.reached, reverse=True)
    letter = "A" if longer is first else "B"
    return f"{letter} rises for longer: {_percent(longer.reached)} of the run against {_percent(shorter.reached)}."


def _about_end(first: Side, second: Side) -> str:
    a, b = (_round(side, 1) / side.highest for side in (first, second))
    if abs(a - b) < 5e-4:
        return f"Both end at {_end_text(a)}."
    return f"A ends at {_end_text(a)}, B at {_end_text(b)}."


def _end_text(share: float) -> str:
    if share == 0:
        return "0"
    return "their highest LR" if share > 0.9995 else f"{_percent(share)} of the highest LR"


def _about_shape(first: Side, second: Side) -> str:
    """How far the curves are apart where both have risen, once height and length are taken out."""
    risen = max(first.reached, second.reached)
    risen = risen if risen < 0.95 else 0.0
    heights = {share: (first.at(share) / first.highest, second.at(share) / second.highest)
               for share in (index / 200 for index in range(201)) if share >= risen}  # fmt: skip
    gaps = {share: abs(a - b) for share, (a, b) in heights.items()}
    share = max(gaps, key=lambda one: gaps[one])
    if gaps[share] < 0.02:
        return f"{'After the rise they' if risen else 'They'} have nearly the same shape."
    higher = "A" if heights[share][0] > heights[share][1] else "B"
    where = {0.0: "at the start", 1.0: "at the end"}.get(share, f"after {_percent(share)} of the run")
    a, b = (_percent(side.mean / side.highest) for side in (first, second))
    area = f"the mean LR is {a} of the highest in {'A and ' + b + ' in B' if a != b else 'both'}"
    return f"The shapes differ most {where}, where {higher} is higher; {area}."


def comparison_json(first: Side, second: Side) -> str:
    """The comparison as JSON: version 1, the sides ``a`` and ``b``, ``rows`` and ``words``."""
    import json

    document: Mapping[str, object] = {
        "version": 1,
        "a": _side_json(first),
        "b": _side_json(second),
        "rows": [{"what": row.what, "a": row.a, "b": row.b, "differs": row.a != row.b} for row in rows(first, second)],
        "words": list(words(first, second)),
    }
    return json.dumps(document, indent=2)


def _side_json(side: Side) -> dict[str, object]:
    return {
        "name": side.name,
        "recipe": side.recipe.id if side.recipe else None,
        "schedule": side.schedule,
        "unit": side.unit,
        "length": side.length,
        "updates": side.updates,
        "highest": side.highest,
        "reached": side.reached,
        "lowest": _floor(side),
        "mean": side.mean,
        "lr": {str(share): _round(side, share / 100) for share in (0, 25, 50, 75, 100)},
        "points": [[x, y] for x, y in side.points],
        "remarks": list(side.remarks),
    }
