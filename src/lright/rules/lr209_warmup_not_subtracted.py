"""LR209: the decay after a warmup is as long as the whole training."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Outcome
from ..finding import INFO, WARNING, Finding
from ..quantity import Expr
from ..situation import Argument, Scheduler
from . import examples
from .base import LIKELY, PROVEN, Related, Remedy, Rule
from .lr208_warmup_too_long import rising
from .spans import COSINES, DECAYS, Span, call, factor, literal, same_unit, spans

MATTERS = 0.02  # of the training: a shorter warmup changes next to nothing


class WarmupNotSubtracted(Rule):
    id = "LR209"
    slug = "warmup-not-subtracted"
    severity = WARNING
    summary = "The decay after the warmup is as long as the whole training, and is cut off"
    why = """SequentialLR starts the clock of every phase anew: a cosine that follows 10 epochs of warmup
has all epochs but those 10 for itself. With T_max=epochs it is cut off 10 epochs before its floor. With 10
of 100 epochs that leaves 2.4% of the peak, with 30 of 100 already 20%."""
    bad = (
        examples.per_epoch(
            "warmup = lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=10)\n"
            "decay = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n"
            "scheduler = lr_scheduler.SequentialLR(optimizer, [warmup, decay], milestones=[10])\n"
        ),
        examples.per_batch(
            "total = EPOCHS * len(loader)\n"
            "warm = total // 10\n"
            "warmup = lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=warm)\n"
            "decay = lr_scheduler.CosineAnnealingLR(optimizer, T_max=total)\n"
            "scheduler = lr_scheduler.SequentialLR(optimizer, schedulers=[warmup, decay], milestones=[warm])\n"
        ),
    )
    good = (
        examples.per_epoch(
            "warmup = lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=10)\n"
            "decay = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS - 10)\n"
            "scheduler = lr_scheduler.SequentialLR(optimizer, [warmup, decay], milestones=[10])\n"
        ),
        examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n"),
    )
    sources = ("measured with torch 2.13: a phase of SequentialLR begins at its own epoch 0",)
    fix_safety = "Safe: the warmup is subtracted from the length of the decay."
    covers = ("LR202",)

    def check(self, case: Case) -> Iterable[Finding]:
        for found in spans(case):
            if not found.comparable or not same_unit(found):
                continue
            if found.scheduler.name == "SequentialLR":
                yield from self._sequence(found)
        yield from self._by_hand(case)

    def _sequence(self, found: Span) -> Iterable[Finding]:
        children = found.case.children(found.scheduler)
        milestones = found.scheduler.arguments.get("milestones")
        if len(children) < 2 or milestones is None or not isinstance(milestones.value, list) or not milestones.value:
            return
        start, decay = milestones.value[-1], children[-1]
        length = decay.arguments.get(DECAYS.get(decay.name, ""))
        if length is None or not isinstance(start, Expr) or (decay.name == "LinearLR" and rising(found.case, decay)):
            return
        if all(self._whole(found.case, outcome, start, length) for outcome in found.outcomes):
            text = self._difference(found, length, start)
            yield self._finding(found, decay, length, start, text)

    def _whole(self, case: Case, outcome: Outcome, start: Expr, length: Argument) -> bool:
        """Whether the decay is as long as the training, though it begins later."""
        begins, takes = case.number(start, outcome.witness), case.number(length.value, outcome.witness)
        if begins is None or takes is None or begins < 1:
            return False
        return abs(takes - outcome.ticks) <= max(1.0, 0.01 * outcome.ticks) and begins + takes > outcome.ticks + 1

    def _difference(self, found: Span, length: Argument, start: Expr) -> str | None:
        """The length less the warmup, spelled as the script spells both."""
        milestones = found.scheduler.arguments["milestones"].text.strip()
        if milestones[:1] in "[(" and "," not in milestones.rstrip("]), "):
            spelled: str | None = milestones.strip("[](),\n ")
            if milestones.count("(") > 0:
                spelled = milestones[1:-1].strip().rstrip(",")
        else:
            spelled = found.case.source(start)
        if spelled is None:
            return None
        plain = factor(spelled) if any(sign in spelled for sign in "+-") else spelled
        return f"{length.text} - {plain}"

    def _finding(self, found: Span, decay: Scheduler, length: Argument, start: Expr, text: str | None) -> Finding:
        outcome = found.outcome
        begins, takes = (
            found.case.number(start, outcome.witness) or 0.0,
            found.case.number(length.value, outcome.witness) or 1.0,
        )
        left = max(begins + takes - outcome.ticks, 0)
        name = f"{DECAYS[decay.name]}={length.text}"
        if found.exact:
            unit = "epochs" if found.per_epoch else "steps"
            message = f"{name} is the whole training, but {begins:,.0f} of its {outcome.ticks:,} {unit} are warmup"
            message += f": the decay is cut off {left:,.0f} {unit} before its end"
        else:
            message = (
                f"{name} is the whole training, but {begins / outcome.ticks:.0%} of it is warmup: the decay is cut off"
            )
        remedies = []
        if text is not None:
            remedies.append(Remedy("replace", f"{DECAYS[decay.name]}={text}", length.place, text, safe=True))
        return self.finding(
            length.place,
            message,
            severity=WARNING if begins >= MATTERS * outcome.ticks else INFO,
            certainty=LIKELY if literal(length) else PROVEN,
            numbers={"warmup": begins, "length": takes, "ticks": outcome.ticks} if found.exact else {},
            related=[Related(call(found.scheduler), "the warmup comes first here"), *found.related()],
            remedies=remedies,
            actual=outcome.curve(label="actual"),
            subjects=[found.scheduler.number, decay.number],
            unless=found.unless(),
        )

    def _by_hand(self, case: Case) -> Iterable[Finding]:
        """A warmup scheduler stepped first and a decay stepped from then on, without SequentialLR."""
        known = [found for found in spans(case) if found.comparable and same_unit(found)]
        for warmup in known:
            for decay in known:
                if warmup.scheduler.optimizer != decay.scheduler.optimizer or warmup.scheduler is decay.scheduler:
                    continue
                if warmup.scheduler.name != "LinearLR" or not rising(case, warmup.scheduler):
                    continue
                length = decay.length()
                if decay.scheduler.name not in COSINES or length is None:
                    continue
                pairs = list(zip(warmup.outcomes, decay.outcomes, strict=True))
                whole = [case.number(length.value, outcome.witness) for outcome in decay.outcomes]
                if any(w.ticks + d.ticks > d.updates * 1.01 and not decay.per_epoch for w, d in pairs):
                    continue  # both are stepped all the time: no hand-over
                if decay.per_epoch and any((d.epochs or 0) + 1 < w.ticks + d.ticks for w, d in pairs):
                    continue
                if all(n is not None and abs(n - w.ticks - d.ticks) <= 1 and w.ticks > MATTERS * n
                       for n, (w, d) in zip(whole, pairs, strict=True)):  # fmt: skip
                    yield self._hand_over(warmup, decay, length)

    def _hand_over(self, warmup: Span, decay: Span, length: Argument) -> Finding:
        name = f"{DECAYS[decay.scheduler.name]}={length.text}"
        message = f"{name} is the whole training, but {decay.name} is stepped only after the warmup"
        if decay.exact:
            message += f", {decay.outcome.ticks:,} times: it is cut off {warmup.outcome.ticks:,} steps before its end"
        return self.finding(
            length.place,
            message,
            certainty=LIKELY,
            numbers={"warmup": warmup.outcome.ticks, "ticks": decay.outcome.ticks} if decay.exact else {},
            related=[Related(call(decay.scheduler), "built here"), *warmup.related(), *decay.related()],
            actual=decay.outcome.curve(label="actual"),
            subjects=[decay.scheduler.number],
            unless=decay.unless(),
        )


RULE = WarmupNotSubtracted()
