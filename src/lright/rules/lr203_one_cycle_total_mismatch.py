"""LR203: OneCycleLR's number of steps is not the number of its step() calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..case import Case
from ..finding import ERROR, Finding
from . import examples
from .base import PROVEN, Related, Remedy, Rule
from .spans import Span, call, last_tick, same_unit, spans, training_length, unjudged
from .ticking import rate_text

MARGIN = 1.10


class OneCycleTotalMismatch(Rule):
    id = "LR203"
    slug = "one-cycle-total-mismatch"
    severity = ERROR
    summary = "OneCycleLR's number of steps is not the number of times it is stepped"
    why = """OneCycleLR comes down in the last part of total_steps (or epochs * steps_per_epoch) and counts
every step() against it. One call too many raises the learning rate to more than a hundred times its end
value, the next raises ValueError: a training of hours is lost in its last epoch. Too few calls end it at a
high learning rate, before the annealing that the method is about. A frequent cause is len(dataset) //
batch_size, which is one batch short of len(loader) whenever the data do not divide and drop_last is not
set."""
    bad = (
        examples.per_batch(
            "scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, epochs=5, steps_per_epoch=len(loader))\n"
        ),
        examples.per_batch(
            "steps = len(dataset) // 128\n"
            "scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, epochs=EPOCHS, steps_per_epoch=steps)\n"
        ),
    )
    good = (
        examples.per_batch(
            "scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, epochs=EPOCHS, steps_per_epoch=len(loader))\n"
        ),
        examples.per_epoch(
            "scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=EPOCHS)\n",
            optimizer="SGD(model.parameters(), lr=0.1, momentum=0.9)",
        ),
    )
    sources = ("measured with torch 2.13: total_steps=100 gives 4e-6, then 5e-4, then ValueError at the 102nd step",)
    fix_safety = "Unsafe: the number of step() calls is offered as total_steps."
    covers = ("LR201", "LR202", "LR211", "LR214", "LR217", "LR611")

    def skipped(self, case: Case) -> str | None:
        return unjudged(case) if any(s.name == "OneCycleLR" for s in case.schedulers()) else None
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for found in spans(case):
            if found.scheduler.name == "OneCycleLR" and found.comparable and same_unit(found):
                yield from self._judge(found)

    def _judge(self, found: Span) -> Iterable[Finding]:
        lengths = [o.emulated.length if o.emulated is not None else None for o in found.outcomes]
        pairs = [(length, o.ticks) for length, o in zip(lengths, found.outcomes, strict=True) if length]
        if len(pairs) < len(found.outcomes):
            return
        if all(length < ticks for length, ticks in pairs):
            yield self._short(found)
        elif any(length < ticks for length, ticks in pairs) and all(length <= ticks for length, ticks in pairs):
            yield self._short(found, ("data-size",))
        elif all(length > MARGIN * ticks for length, ticks in pairs):
            yield self._long(found)

    def _short(self, found: Span, conditions: tuple[str, ...] = ()) -> Finding:
        outcome = next(o for o in found.outcomes if o.emulated is not None and (o.emulated.length or 0) < o.ticks)
        length = outcome.emulated.length if outcome.emulated is not None and outcome.emulated.length else 0
        name = f"{found.name} ({self._written(found)})"
        if conditions:
            message = (
                f"{name} is too short unless the data divide evenly into batches: step() raises ValueError at the end"
            )
        elif not found.exact:
            message = f"{name} ends after {found.moment(length)}: the next steps raise ValueError"
        else:
            message = f"{name} allows {length:,} steps, but it is stepped {outcome.ticks:,} times: "
            message += f"ValueError after {found.moment(length + 1)}"
        numbers: dict[str, float | int] = {"length": length, "ticks": outcome.ticks} if found.exact else {}
        return self._finding(found, message, numbers, conditions)

    def _long(self, found: Span) -> Finding:
        outcome = found.outcome
        length = outcome.emulated.length if outcome.emulated is not None and outcome.emulated.length else 0
        final, extremes = outcome.lr_at_tick(last_tick(outcome)) or 0.0, outcome.extremes()
        share = final / extremes[1] if extremes and extremes[1] else 0.0
        name = f"{found.name} ({self._written(found)})"
        if found.exact:
            message = f"{name} is made for {length:,} steps, but it is stepped {outcome.ticks:,} times"
            message += f": the training ends at {rate_text(final)}, {share:.0%} of the peak"
        else:
            message = f"{name} is {length / outcome.ticks:.3g} times as long as the training"
            message += f", which ends at {share:.0%} of the peak"
        numbers: dict[str, float | int] = {}
        if found.exact:
            numbers = {"length": length, "ticks": outcome.ticks, "final_lr": final}
        return self._finding(found, message, numbers, ())

    def _finding(
        self, found: Span, message: str, numbers: Mapping[str, float | int], conditions: tuple[str, ...]
    ) -> Finding:
        arguments = found.scheduler.arguments
        named = [arguments[n] for n in ("total_steps", "epochs", "steps_per_epoch") if n in arguments]
        related = [Related(a.place, "its number of steps") for a in named]
        return self.finding(
            call(found.scheduler),
            message,
            certainty=PROVEN,
            conditions=conditions,
            numbers=dict(numbers),
            related=[*related, *found.related()],
            remedies=self._remedies(found),
            actual=found.outcome.curve(label="actual"),
            subjects=[found.scheduler.number],
            unless=found.unless(),
        )

    def _written(self, found: Span) -> str:
        arguments = found.scheduler.arguments
        named = [n for n in ("total_steps", "epochs", "steps_per_epoch") if n in arguments]
        return ", ".join(f"{n}={arguments[n].text}" for n in named)

    def _remedies(self, found: Span) -> list[Remedy]:
        arguments, text = found.scheduler.arguments, training_length(found)
        if text is None:
            return []
        if "total_steps" in arguments:
            return [Remedy("replace", f"total_steps={text}", arguments["total_steps"].place, text)]
        epochs, steps = arguments.get("epochs"), arguments.get("steps_per_epoch")
        loops = [loop for loop in found.ticks[0].site.loops if loop not in found.case.remade(found.scheduler)]
        if epochs is None or steps is None or len(loops) != 2:
            return []
        spelled = [found.case.source(loop.trips) for loop in loops]
        if spelled[0] is None or spelled[1] is None:
            return []
        then = Remedy("replace", "", steps.place, spelled[1])
        title = f"epochs={spelled[0]}, steps_per_epoch={spelled[1]}"
        return [Remedy("replace", title, epochs.place, spelled[0], then=(then,))]


RULE = OneCycleTotalMismatch()
