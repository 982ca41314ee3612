"""LR219: ReduceLROnPlateau waits longer than the training lasts."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import EVERY_EPOCH, Case
from ..finding import WARNING, Finding
from ..quantity import Expr, Op
from ..situation import Argument, Scheduler
from ..timeline import EPOCH, Loop
from .base import LIKELY, PROVEN, Related, Rule
from .spans import call, continues, unknown_in

_SETUP = """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
val_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(5000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
"""
_LOOP = """\
for epoch in range(60):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    with torch.no_grad():
        val_loss = sum(model(x).pow(2).mean().item() for (x,) in val_loader)
    scheduler.step(val_loss)
"""
_STOP = """\
    if val_loss < best:
        best, waited = val_loss, 0
    else:
        waited += 1
    if waited >= 10:
        break
"""


def _script(patience: int, stop: bool = True) -> str:
    schedule = f"scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience={patience})\n"
    return _SETUP + schedule + ('best, waited = float("inf"), 0\n' if stop else "") + _LOOP + (_STOP if stop else "")


class PatienceOutlivesTraining(Rule):
    id = "LR219"
    slug = "patience-outlives-training"
    severity = WARNING
    summary = "The plateau's patience is as long as the early stopping's, or as the training"
    why = """ReduceLROnPlateau lowers the learning rate after more than `patience` epochs without
improvement. If early stopping gives up after as many, or the training is no longer than that, it never
comes to it: the learning rate stays where it was, and the runs that a reduction would have helped are the
ones that are stopped."""
    bad = (_script(10), _script(100, stop=False))
    good = (_script(4), _script(10, stop=False))
    sources = ("torch 2.13: reduced when the number of bad epochs exceeds patience (default 10)",)
    fix_safety = "None: which of the two should give is a choice."

    def check(self, case: Case) -> Iterable[Finding]:
        if continues(case):
            return
        for scheduler in case.schedulers():
            patience = self._patience(case, scheduler)
            if patience is None or case.escapes(scheduler):
                continue
            ticks = case.ticks(scheduler)
            if len(ticks) != 1 or ticks[0].rate.unit != EVERY_EPOCH or ticks[0].rate.every is not None:
                continue
            epoch = ticks[0].site.innermost(EPOCH)
            if epoch is None or ticks[0].rate.conditional:
                continue
            stop = self._early_stop(case, epoch)
            if stop is not None and patience >= stop[0]:
                yield self._finding(
                    case, scheduler, patience, stop[0], f"early stopping after {stop[0]:g}", stop[1], epoch
                )
                continue
            trips = None if unknown_in(case, [epoch.trips]) else case.number(epoch.trips)
            if trips is not None and 1 < trips <= patience:
                yield self._finding(case, scheduler, patience, trips, f"{trips:g} epochs of training", PROVEN, epoch)

    def _patience(self, case: Case, scheduler: Scheduler) -> float | None:
        if scheduler.name != "ReduceLROnPlateau":
            return None
        argument = scheduler.arguments.get("patience")
        if argument is None:
            return 10.0 if "**" not in scheduler.arguments else None
        return case.number(argument.value)

    def _early_stop(self, case: Case, loop: Loop) -> tuple[float, str] | None:
        """After how many epochs without improvement the loop is left."""
        for test in loop.breaks:
            for part in _comparisons(test):
                left, right = part.args
                limit = case.number(right)
                if limit is None or limit < 2 or not self._waits(case, left):
                    continue
                return limit + (1 if part.name == ">" else 0), PROVEN if "if" in _names(left) else LIKELY
        return None

    def _waits(self, case: Case, expr: Expr) -> bool:
        """A counter that goes up by one while something unknown does not improve."""
        if "if" in _names(expr):
            return bool(unknown_in(case, [expr]))
        texts = [fact.text.lower() for name in expr.symbols() if (fact := case.training.facts.get(name)) is not None]
        texts += [name[1:].partition(":")[0].lower() for name in expr.symbols() if name.startswith("@")]
        words = ("patience", "wait", "bad", "improve", "counter", "stop", "since")
        return "+" in _names(expr) and any(word in text for text in texts for word in words)

    def _finding(
        self, case: Case, scheduler: Scheduler, patience: float, limit: float, against: str, certainty: str, loop: Loop
    ) -> Finding:
        argument: Argument | None = scheduler.arguments.get("patience")
        written = f"patience={argument.text}" if argument is not None else "patience=10, the default"
        shown = "" if argument is None or argument.text == f"{patience:g}" else f" ({patience:g})"
        return self.finding(
            argument.place if argument is not None else call(scheduler),
            f"{written}{shown} outlasts {against}: the learning rate is never reduced",
            certainty=certainty,
            numbers={"patience": patience, "limit": limit},
            related=[
                Related(call(scheduler), "built here"),
                Related(case.ticks(scheduler)[0].site.place, "stepped here, once per epoch"),
                Related(loop.header or loop.place, "the training"),
            ],
            subjects=[scheduler.number],
        )


def _comparisons(test: Expr | None) -> Iterable[Op]:
    if isinstance(test, Op):
        if test.name in (">=", ">", "=="):
            yield test
        elif test.name in ("and", "or", "if"):
            for arg in test.args[1 if test.name == "if" else 0 :]:
                yield from _comparisons(arg)


def _names(expr: Expr) -> set[str]:
    if not isinstance(expr, Op):
        return set()
    return {expr.name}.union(*(_names(arg) for arg in expr.args))


RULE = PatienceOutlivesTraining()
