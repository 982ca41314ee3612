"""LR207: the length of a dataset where batches are counted, or of the wrong loader."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..case import Case
from ..finding import ERROR, Finding
from ..quantity import SAMPLES_PER_BATCH, SAMPLES_PER_EPOCH, Dimension, Expr, Op, Sym, Unit
from ..situation import Argument, Loader, Scheduler
from . import examples
from .base import LIKELY, PROVEN, Related, Remedy, Rule
from .spans import Span, call, parts, spans, training_loop

Mend = Callable[[Expr], Expr]
Change = tuple[
    Scheduler, str, Argument, Expr, Expr
]  # an argument of a scheduler, a length in it, and what that should be


class DatasetLengthForLoader(Rule):
    id = "LR207"
    slug = "dataset-length-for-loader"
    severity = ERROR
    summary = "The length of a dataset (or of another loader) stands where the batches of training are counted"
    why = """len(dataset) counts samples, len(loader) counts batches. A schedule sized with the first and
stepped per batch is batch_size times too long: the learning rate hardly moves. Dividing len(loader) by the
batch size makes it as much too short, and the length of the validation loader has nothing to do with the
training."""
    bad = (
        examples.per_batch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS * len(dataset))\n"),
        examples.per_batch(
            "steps = len(loader) // 128\n"
            "scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, epochs=EPOCHS, steps_per_epoch=steps)\n"
        ),
    )
    good = (
        examples.per_batch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS * len(loader))\n"),
        examples.per_batch(
            "steps = -(-len(dataset) // 128)\n"
            "scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS * steps)\n"
        ),
    )
    sources = ("torch documentation: len() of a DataLoader is its number of batches",)
    fix_safety = "Safe: the length of the loader that is trained on is put in place of the other."
    covers = ("LR102", "LR201", "LR202", "LR203", "LR205", "LR206", "LR208", "LR211", "LR217")

    def check(self, case: Case) -> Iterable[Finding]:
        for found in spans(case):
            loop = training_loop(found)
            loader = case.training.loaders.get(loop.over) if loop is not None and loop.over is not None else None
            if found.per_epoch or loader is None:
                continue
            for reason, mend in self._suspects(found, loader):
                changed = list(self._mended(found, mend))
                if changed:
                    yield self._finding(found, reason, changed)
                    break

    def _suspects(self, found: Span, loader: Loader) -> Iterable[tuple[str, Mend]]:
        """What may be wrong with an expression: a sentence on it, and the expression set right (itself if it is)."""
        units, length = found.case.training.units, loader.length

        def samples(expr: Expr) -> Expr:
            dimension = found.case.training.dimension(expr)
            if dimension is None or dimension.power(Unit.SAMPLE) != 1 or dimension.power(Unit.BATCH) != 0:
                return expr
            if dimension.power(Unit.PROCESS) != 0 or found.case.divided_by_batch_size(expr):
                return expr
            names = [name for name in expr.symbols() if units.get(name) == SAMPLES_PER_EPOCH]
            return expr.substituted(dict.fromkeys(names, length))

        def divided(expr: Expr) -> Expr:
            if not isinstance(expr, Op):
                return expr
            if expr.name in ("//", "/") and expr.args[0] == length and self._batch_size(found, loader, expr.args[1]):
                return length
            return Op(expr.name, tuple(divided(arg) for arg in expr.args))

        others = {
            other.length.name: other for other in found.case.training.loaders.values() if other.number != loader.number
        }

        def other_loader(expr: Expr) -> Expr:
            names = [name for name in expr.symbols() if name in others and self._differs(found, loader, others[name])]
            return expr.substituted(dict.fromkeys(names, length)) if length.name not in expr.symbols() else expr

        yield "counts samples, but the scheduler is stepped once per batch", samples
        yield "divides the number of batches by the batch size once more", divided
        yield f"counts the batches of another loader than {loader.text}, which is trained on", other_loader

    def _batch_size(self, found: Span, loader: Loader, expr: Expr) -> bool:
        dimension = found.case.training.dimension(expr)
        if dimension == SAMPLES_PER_BATCH or expr == loader.batch_size:
            return True
        if dimension is not None and next(expr.symbols(), None) is not None:
            return False  # it counts something else, of the same number by chance
        number = found.case.number(expr)
        return number is not None and number > 1 and number == found.case.number(loader.batch_size)

    def _differs(self, found: Span, loader: Loader, other: Loader) -> bool:
        """Whether another loader is surely no training loader and of another length."""
        looped = [step for site in found.case.updates(None) for step in site.loops if step.over == other.number]
        ours, theirs = found.case.number(loader.length), found.case.number(other.length)
        return not looped and (ours is None or theirs is None or ours != theirs)

    def _mended(self, found: Span, mend: Mend) -> Iterable[Change]:
        members = [found.scheduler, *found.case.children(found.scheduler)]
        for scheduler in members:
            for name, argument in scheduler.arguments.items():
                if isinstance(argument.value, Expr) and self._counts(found.case, argument.value):
                    if mend(argument.value) != argument.value:
                        yield scheduler, name, argument, argument.value, mend(argument.value)
                elif name == "lr_lambda":
                    for length in found.case.lengths(scheduler):
                        if self._counts(found.case, length.expr) and mend(length.expr) != length.expr:
                            yield scheduler, name, argument, length.expr, mend(length.expr)

    def _counts(self, case: Case, expr: Expr) -> bool:
        """Whether it is a length at all: only those of datasets and loaders are."""
        known = {loader.length.name for loader in case.training.loaders.values()}
        units = case.training.units
        return any(
            isinstance(part, Sym) and (part.name in known or units.get(part.name, Dimension()) == SAMPLES_PER_EPOCH)
            for part in parts(expr)
        )

    def _finding(self, found: Span, reason: str, changed: list[Change]) -> Finding:
        case, outcome = found.case, found.outcome
        scheduler, name, argument, wrong, right = changed[-1]
        message = f"{wrong} in {found.name}" if name == "lr_lambda" else f"{name}={argument.text}"
        message += f" {reason}"
        numbers: dict[str, float | int | str | bool | None] = {}
        is_, should = case.number(wrong), case.number(right)
        if is_ is not None and should is not None and should > 0:
            numbers = {"is": is_, "should_be": should}
            message += f": {is_:,.0f}, where {should:,.0f} would be meant"
        steps: list[Remedy] = []
        for _, named, one, _, new in changed:
            text = case.source(new)
            if text is None or named == "lr_lambda":
                steps = []
                break
            steps.append(Remedy("replace", f"{named}={text}", one.place, text))
        first = steps[0] if steps else None
        remedies = (
            [Remedy("replace", first.title, first.place, first.text, safe=True, then=tuple(steps[1:]))] if first else []
        )
        sure = "samples" in reason and case.proven(wrong) or "another loader" in reason
        related = [Related(one.place, named) for _, named, one, _, _ in changed]
        return self.finding(
            call(scheduler),
            message,
            certainty=PROVEN if sure else LIKELY,
            numbers=numbers,
            related=[*related, *found.related()],
            remedies=remedies,
            actual=outcome.curve(label="actual"),
            subjects=[found.scheduler.number, scheduler.number],
            unless=found.unless(),
        )


RULE = DatasetLengthForLoader()
