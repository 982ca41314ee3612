"""LR404: a resumed run is made longer, but the scheduler gets its old length back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..case import Case
from ..finding import Finding
from ..quantity import Expr
from ..schedule import emulate
from ..situation import Argument, Scheduler, Training
from ..timeline import Place, Site
from . import wiring
from .base import PROVEN, Related, Remedy, Rule

# torch 2.13 and timm 1.0 keep their whole __dict__ in state_dict(); functions, as in transformers, hold no state.
_KEEP_NOTHING = frozenset(("LambdaLR", "MultiplicativeLR"))
_HEAD = """\
import os
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
"""
_LOAD = """\
if os.path.isfile("last.pt"):
    checkpoint = torch.load("last.pt")
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
{}    start_epoch = checkpoint["epoch"] + 1
"""
_RESTORE = '    scheduler.load_state_dict(checkpoint["scheduler"])\n'
_LOOP = """\
for epoch in range(start_epoch, epochs):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()
    torch.save({
        "model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(),
        "epoch": epoch,
    }, "last.pt")
"""


class ExtendedRunKeepsOldLength(Rule):
    id = "LR404"
    slug = "extended-run-keeps-old-length"
    severity = "warning"
    summary = "A longer schedule is asked for on resume, but load_state_dict brings the old length back"
    why = """The state of a torch or timm scheduler holds its arguments too: load_state_dict() silently puts
back T_max, total_iters, milestones or total_steps of the run that was saved, over those the scheduler was just
built with. A cosine reaches its floor at the old end and rises again, OneCycleLR raises. Resuming with the same
length is not affected."""
    bad = (
        _HEAD
        + 'start_epoch, epochs = 0, 150 if os.path.isfile("last.pt") else 100\n'
        + "scheduler = CosineAnnealingLR(optimizer, T_max=epochs)\n"
        + _LOAD.format(_RESTORE)
        + _LOOP,
        _HEAD
        + "start_epoch, epochs = 0, 100\n"
        + "scheduler = CosineAnnealingLR(optimizer, T_max=epochs)\n"
        + _LOAD.format("    epochs = 150\n    scheduler.T_max = epochs\n" + _RESTORE)
        + _LOOP,
    )
    good = (
        _HEAD
        + "start_epoch, epochs = 0, 100\n"
        + "scheduler = CosineAnnealingLR(optimizer, T_max=epochs)\n"
        + _LOAD.format(_RESTORE)
        + _LOOP,
        _HEAD
        + "start_epoch, epochs = 0, 100\n"
        + "scheduler = CosineAnnealingLR(optimizer, T_max=epochs)\n"
        + _LOAD.format(_RESTORE + "    epochs = 150\n    scheduler.T_max = epochs\n")
        + _LOOP,
    )
    sources = (
        "torch 2.13, measured: T_max 200 becomes 100 again, OneCycleLR with a new total_steps raises ValueError",
        "timm 1.0, measured: t_initial 200 becomes 100 again",
    )
    fix_safety = """Unsafe: the length is set after loading, so the schedule goes on from its present value to the new
end; the part already done is not redone."""
    covers = ("LR201", "LR202")
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.training.schedulers.values():
            if not scheduler.known or not scheduler.seen or not _keeps(scheduler):
                continue
            top = scheduler
            while top.parent is not None:
                top = case.training.schedulers[top.parent]
            loads = [s for s in case.training.of("load", top.number) if s.event.data.get("object") == "scheduler"]
            if not loads:
                continue
            yield from self._set_before(case, scheduler, loads[-1])
            yield from self._built_longer(case, scheduler, loads[-1])

    def _set_before(self, case: Case, scheduler: Scheduler, load: Site) -> Iterator[Finding]:
        lengths = {p.name for p in emulate.signature(scheduler.name) if p.counts in ("ticks", "list of ticks")}
        for site in case.training.of("set", scheduler.number):
            name = site.event.data.get("attribute")
            later = any(s.order > load.order for s in case.training.of("set", scheduler.number))
            if name in lengths and site.order < load.order and not later and not wiring.exclusive(site, load):
                remedy = Remedy("move-after", f"set {name} after loading", site.place, to=load.place)
                yield self._finding(scheduler, load, str(name), site.place, "set", remedy)

    def _built_longer(self, case: Case, scheduler: Scheduler, load: Site) -> Iterator[Finding]:
        before = _twin(case.training, scheduler)
        if before is None or any(s.order > load.order for s in case.training.of("set", scheduler.number)):
            return
        for parameter in emulate.signature(scheduler.name):
            now, then = scheduler.arguments.get(parameter.name), before.arguments.get(parameter.name)
            if parameter.counts not in ("ticks", "list of ticks") or now is None or then is None:
                continue
            if not self._differ(case, now, then):
                continue
            remedy = None
            plain = scheduler.text and parameter.counts == "ticks" and scheduler.function == load.event.function
            if plain and parameter.name in ("T_max", "total_iters", "total_steps", "step_size", "t_initial"):
                text = f"{scheduler.text}.{parameter.name} = {now.text}"
                remedy = Remedy("insert-after", f"set the length after loading: {text}", load.place, text)
            yield self._finding(scheduler, load, parameter.name, now.place, "given", remedy)

    def _differ(self, case: Case, now: Argument, then: Argument) -> bool:
        """Whether the lengths of a first and of a resumed run surely differ."""
        default = case.training.default
        if default is None or not isinstance(now.value, Expr) or not isinstance(then.value, Expr):
            return False
        other = Case(default)
        for unknown in (37.0, 53.0):
            first, second = wiring.approximate(other, then.value, unknown), wiring.approximate(case, now.value, unknown)
            if first is None or second is None or first == second:
                return False
        return True

    def _finding(
        self, scheduler: Scheduler, load: Site, name: str, place: Place, how: str, remedy: Remedy | None
    ) -> Finding:
        message = (
            f"this puts {name} back to that of the run that was saved: the other length {how} on line "
            f"{place.line} for the "
            f"resumed run is lost"
        )
        return self.finding(
            load.place, message, certainty=PROVEN, conditions=("resume",), remedies=[remedy] if remedy else [],
            related=[Related(place, f"{name} is {how} here"), Related(scheduler.place, "the scheduler")],
            subjects=[scheduler.number],
        )  # fmt: skip


def _keeps(scheduler: Scheduler) -> bool:
    return scheduler.name not in _KEEP_NOTHING and emulate.FRAMEWORKS.get(scheduler.name) != "transformers"


def _twin(training: Training, scheduler: Scheduler) -> Scheduler | None:
    """The same construction in a run that is not resumed."""
    if training.condition != "resume" or training.default is None:
        return None
    return next((s for s in training.default.schedulers.values() if s.place == scheduler.place), None)


RULE = ExtendedRunKeepsOldLength()
