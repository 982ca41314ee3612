"""LR401: a checkpoint brings back the model and the optimizer, but not the scheduler."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import EVERY_EPOCH, Case
from ..finding import INFO, Finding
from ..quantity import Op
from ..situation import Formula, Optimizer, Scheduler
from ..timeline import BATCH, EPOCH, Place, Site
from . import wiring
from .base import LIKELY, PROVEN, Related, Remedy, Rule

_HEAD = """\
import os
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
start_epoch = 0
if os.path.isfile("last.pt"):
    checkpoint = torch.load("last.pt")
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
"""
_LOOP = """\
    start_epoch = checkpoint["epoch"] + 1
for epoch in range(start_epoch, 90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()
    state = {{"model": model.state_dict(), "optimizer": optimizer.state_dict(), {}"epoch": epoch}}
    torch.save(state, "last.pt")
"""


class SchedulerNotCheckpointed(Rule):
    id = "LR401"
    slug = "scheduler-not-checkpointed"
    severity = "warning"
    summary = "The checkpoint restores model and optimizer, but not the scheduler"
    why = """The optimizer's state holds the current learning rate, but not how far the schedule is: that is in the
scheduler. Without its state a resumed run starts the schedule from step 0 with the epochs already done. Drops come as
many epochs late as were done before, a cosine begins anew from a lowered learning rate, closed forms such as LambdaLR
and OneCycleLR jump back to their first value. Only a constant factor per step (ExponentialLR) goes on unharmed."""
    bad = (
        _HEAD + _LOOP.format(""),
        _HEAD + _LOOP.format('"scheduler": scheduler.state_dict(), '),
    )
    good = (
        _HEAD
        + '    scheduler.load_state_dict(checkpoint["scheduler"])\n'
        + _LOOP.format('"scheduler": scheduler.state_dict(), '),
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()
    torch.save(model.state_dict(), "weights.pt")
""",
    )
    sources = (
        "torch 2.13, measured: with build, then loading of the optimizer only, StepLR, CosineAnnealingLR, LinearLR, "
        "LambdaLR and OneCycleLR leave the uninterrupted curve, ExponentialLR does not",
    )
    fix_safety = """Unsafe: checkpoints written before the change have no such entry and cannot be loaded any more."""
    covers = ("LR402", "LR404")

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.all_schedulers():
            optimizer = self._owner(case, scheduler)
            if optimizer is None or case.escapes(scheduler) or not case.ticks(scheduler):
                continue
            saves = self._saves(case, optimizer)
            loads = [s for s in self._loads(case, "optimizer", optimizer.number) if self._trains_on(case, optimizer, s)]
            if not saves or not loads or self._restored(case, scheduler, loads[-1]):
                continue
            yield self._finding(case, scheduler, saves, loads[-1])

    def _owner(self, case: Case, scheduler: Scheduler) -> Optimizer | None:
        """Its optimizer; of a scheduler that comes from elsewhere the only one there is."""
        found = case.optimizer(scheduler)
        if found is None and not scheduler.seen and len(case.training.optimizers) == 1:
            found = next(iter(case.training.optimizers.values()))
        return found

    def _saves(self, case: Case, optimizer: Optimizer) -> list[Site]:
        """Where the optimizer's state is saved, if all that is saved with it is seen."""
        found = []
        for site in case.training.of("save"):
            held: list[tuple[str, int]] = site.event.data.get("held") or []  # type: ignore[assignment]
            if any(kind == "optimizer" and number in (0, optimizer.number) for kind, number in held):
                if site.event.data.get("open"):
                    return []
                found.append(site)
        return found

    def _loads(self, case: Case, kind: str, number: int) -> list[Site]:
        return [
            site
            for site in case.training.of("load")
            if site.event.data.get("object") == kind and site.event.subject in (0, number)
        ]

    def _trains_on(self, case: Case, optimizer: Optimizer, load: Site) -> bool:
        """Whether training follows the loading: a checkpoint loaded for a last test is none to go on from. Methods that
        nobody calls are read in the order they stand in, which says nothing."""
        uncalled = case.training.entry not in ("<module>", load.event.function)
        return uncalled or any(site.order > load.order for site in case.updates(optimizer))

    def _restored(self, case: Case, scheduler: Scheduler, load: Site) -> bool:
        """Whether the schedule finds its place again: by its state, by an absolute position, or by being run up."""
        if self._loads(case, "scheduler", scheduler.number) or "last_epoch" in scheduler.arguments:
            return True
        if case.training.of("set", scheduler.number):
            return True
        for tick in case.ticks(scheduler):
            if tick.has_argument and not scheduler.plateau:
                return True
            if not any(loop.kind in (EPOCH, BATCH) for loop in tick.site.loops):
                return True
        writes = case.training.of("write", scheduler.optimizer)
        return any(
            wiring.exclusive(site, load) is False and not site.loops and site.order > load.order for site in writes
        )

    def _finding(self, case: Case, scheduler: Scheduler, saves: list[Site], load: Site) -> Finding:
        name = wiring.titled(scheduler)
        kept = any(
            ("scheduler", scheduler.number) in (site.event.data.get("held") or [])  # type: ignore[operator]
            for site in case.training.of("save")
        )
        harmless = _constant_factor(scheduler)
        lost = "is saved but never loaded" if kept else "is neither saved nor loaded"
        message = f"the checkpoint brings back model and optimizer, but {name} {lost}: {self._effect(case, scheduler)}"
        severity = INFO if harmless else None
        place = load.place if kept else saves[0].place
        related = [Related(load.place, "the optimizer is restored here")]
        related += [Related(site.place, "the checkpoint is written here") for site in saves[:2]]
        related.append(Related(scheduler.place, "the scheduler"))
        route: tuple[Place, ...] = load.event.data.get("route") or ()  # type: ignore[assignment]
        related += [Related(call, "called from here") for call in route[-1:]]
        return self.finding(
            place, message, severity=severity, certainty=PROVEN if scheduler.known else LIKELY, conditions=("resume",),
            related=related, remedies=self._remedies(case, scheduler, saves, load, kept), subjects=[scheduler.number],
        )  # fmt: skip

    def _effect(self, case: Case, scheduler: Scheduler) -> str:
        if _constant_factor(scheduler):
            return "with a constant factor per step this does no harm, with any other schedule it would"
        if scheduler.plateau:
            return "after a restart it has forgotten the best value and the epochs without progress"
        loop = case.epochs()
        begun = isinstance(loop, Op) and loop.name == "-"  # range(start_epoch, epochs)
        epochs = case.number(loop.args[0] if begun else loop)  # type: ignore[union-attr]
        per_epoch = all(tick.rate.unit == EVERY_EPOCH for tick in case.ticks(scheduler))
        if epochs is not None and epochs >= 4 and per_epoch:
            half = int(epochs // 2)
            return f"resumed after epoch {half} of {epochs:g}, it starts from step 0 again, {half} epochs behind"
        return "after a restart it counts from step 0 again"

    def _remedies(self, case: Case, scheduler: Scheduler, saves: list[Site], load: Site, kept: bool) -> list[Remedy]:
        """The same two lines for the scheduler that are there for the optimizer."""
        optimizer = self._owner(case, scheduler)
        checkpoint = load.event.data.get("checkpoint")
        if optimizer is None or not scheduler.text or not checkpoint:
            return []
        functions = {load.event.function, scheduler.function, *(site.event.function for site in saves)}
        if not (scheduler.text.startswith("self.") or scheduler.function == "<module>" or len(functions) == 1):
            return []
        key = self._saved_key(scheduler, saves) if kept else _key(str(load.event.data["entry"]))
        if key is None:
            return []
        state = f"{checkpoint}[{key!r}]".replace("'", '"')
        line = Remedy("insert-after", "", load.place, f"{scheduler.text}.load_state_dict({state})")
        if kept:
            return [Remedy(line.action, f"load {scheduler.text} too", line.place, line.text)]
        places = list(dict.fromkeys(site.event.data.get("dict_place") for site in saves))
        if any(place is None for place in places):
            return []
        entry = f'"{key}": {scheduler.text}.state_dict()'
        rest = [Remedy("add-entry", "", place, entry) for place in places[1:]]  # type: ignore[arg-type]
        title = f"save and load {scheduler.text} too"
        return [Remedy("add-entry", title, places[0], entry, then=(*rest, line))]  # type: ignore[arg-type]

    def _saved_key(self, scheduler: Scheduler, saves: list[Site]) -> str | None:
        """Under which name the scheduler's state is saved."""
        written = f"{scheduler.text}.state_dict()"
        for site in saves:
            entries: dict[str, str] = site.event.data["entries"]  # type: ignore[assignment]
            if written in entries:
                return entries[written]
        return None


def _key(optimizer_key: str) -> str:
    """The name for the scheduler's entry after that of the optimizer's."""
    for old in ("optimizer", "optim", "opt"):
        if old in optimizer_key:
            return optimizer_key.replace(old, "scheduler")
    return "scheduler"


def _constant_factor(scheduler: Scheduler) -> bool:
    """Whether every step does the same, wherever it is."""
    if scheduler.name == "ExponentialLR":
        return True
    argument = scheduler.arguments.get("lr_lambda")
    constant = argument is not None and isinstance(argument.value, Formula)
    if scheduler.name != "MultiplicativeLR" or not constant or argument is None:
        return False
    formula = argument.value
    return isinstance(formula, Formula) and formula.variable not in formula.expr.symbols()


RULE = SchedulerNotCheckpointed()
