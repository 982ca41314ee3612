"""LR213: training starts at a learning rate of 0."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Outcome
from ..finding import INFO, WARNING, Finding
from . import examples
from .base import PROVEN, Related, Rule
from .spans import LAMBDAS, Span, call, last_tick, spans

SCANNED = 2000


class ZeroLrStart(Rule):
    id = "LR213"
    slug = "zero-lr-start"
    severity = INFO
    summary = "The first update, or a whole epoch, runs at a learning rate of 0"
    why = """A warmup of t / warmup_steps is 0 at t = 0. Stepped per batch that wastes one update, which is
harmless and found in well-known code. Stepped per epoch it wastes the whole first epoch: every batch is
computed and no weight moves. (t + 1) / warmup_steps starts one step higher. The warmup schedules of
transformers start at 0 by design and are not reported for it."""
    bad = (
        examples.per_epoch("scheduler = lr_scheduler.LambdaLR(optimizer, lambda epoch: min(1.0, epoch / 5))\n"),
        examples.per_batch("scheduler = lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 500))\n"),
    )
    good = (
        examples.per_epoch("scheduler = lr_scheduler.LambdaLR(optimizer, lambda epoch: min(1.0, (epoch + 1) / 5))\n"),
        examples.per_batch("scheduler = lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 500))\n"),
    )
    sources = ("follows from the formula; DINO, MoCo v3 and nanoGPT start at 0 for one update",)
    fix_safety = "None: the function is yours."
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        if case.training.trace is not None:
            yield from self._recorded(case)
            return
        for found in spans(case):
            designed = found.scheduler.framework == "transformers" or found.scheduler.name.startswith("get_")
            first = [self._first_above(outcome) for outcome in found.outcomes]
            if designed or any(tick is None for tick in first) or not all(first):
                continue
            epochs = [
                self._epochs(found, outcome, tick or 0) for outcome, tick in zip(found.outcomes, first, strict=True)
            ]
            long = all(e is not None and e >= 0.99 for e in epochs)
            if long:
                spent = epochs[0] or 1.0
                message = f"{found.name} starts at a learning rate of 0: "
                message += (
                    "the first epoch trains nothing" if spent < 1.5 else f"the first {spent:.3g} epochs train nothing"
                )
            else:
                message = f"{found.name} starts at a learning rate of 0: the first update changes nothing"
            argument = found.scheduler.arguments.get("lr_lambda") if found.scheduler.name in LAMBDAS else None
            related = [Related(argument.place, "its function is 0 at 0")] if argument is not None else []
            yield self.finding(
                call(found.scheduler),
                message,
                severity=WARNING if long else INFO,
                certainty=PROVEN,
                related=[*related, *found.related()],
                actual=found.outcome.curve(label="actual"),
                subjects=[found.scheduler.number],
                unless=found.unless(),
            )

    def _recorded(self, case: Case) -> Iterable[Finding]:
        """The updates at an LR of 0 that a run began with."""
        from .recorded import runs

        for run in runs(case):
            names = run.schedulers()
            first = next((at for at, rate in enumerate(run.opening_rates(SCANNED)) if rate > 0), 0)
            if not first or any(name.startswith("get_") for name in names):
                continue
            passes = max(run.updates.epochs[first] - run.updates.epochs[0], 0)
            what = "the first update changes nothing" if first == 1 else f"the first {first:,} updates change nothing"
            if passes:
                what = "the first epoch trains nothing" if passes == 1 else f"the first {passes} epochs train nothing"
            yield self.finding(
                run.place,
                f"{names[0] if names else 'The training'} starts at a learning rate of 0: {what}",
                severity=WARNING if passes else INFO,
                numbers={"update": run.number(0), "updates": first},
                subjects=run.driven_by() or [run.updates.optimizer],
            )

    def _first_above(self, outcome: Outcome) -> int | None:
        """The first tick with a learning rate above 0; None if there is none."""
        last = last_tick(outcome)
        for tick in range(min(last, SCANNED) + 1):
            lr = outcome.lr_at_tick(tick)
            if lr is None:
                return None
            if lr > 0:
                return tick
        return None

    def _epochs(self, found: Span, outcome: Outcome, tick: int) -> float | None:
        if found.per_epoch and not any(t.rate.every for t in found.ticks):
            return float(tick)
        return outcome.epoch_of(outcome.update_after_tick(tick))


RULE = ZeroLrStart()
