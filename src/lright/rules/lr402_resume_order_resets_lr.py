"""LR402: states are loaded in an order that changes the learning rate."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import EVERY_BATCH, EVERY_UPDATE, Case
from ..finding import Finding
from ..schedule import emulate
from ..situation import Optimizer, Scheduler
from ..timeline import Site
from . import wiring
from .base import PROVEN, Related, Remedy, Rule

# Measured with torch 2.13: optimizer loaded, scheduler built, scheduler loaded.
_ONE_STEP = frozenset(("LambdaLR", "OneCycleLR", "CyclicLR", "CosineAnnealingWarmRestarts"))
_HEAD = """\
import os
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
start_epoch = 0
"""
_OPTIMIZER = """\
    checkpoint = torch.load("last.pt")
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
"""
_WARMUP = """\
scheduler = SequentialLR(
    optimizer, [LinearLR(optimizer, start_factor=0.01, total_iters=5), CosineAnnealingLR(optimizer, T_max=85)],
    milestones=[5],
)
"""
_LAMBDA = """\
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda=lambda epoch: (1 - epoch / 90) ** 0.9)
"""
_RESUME = 'if os.path.isfile("last.pt"):\n'
_SCHEDULER = """\
    scheduler.load_state_dict(checkpoint["scheduler"])
    start_epoch = checkpoint["epoch"] + 1
"""
_LOOP = """\
for epoch in range(start_epoch, 90):
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


class ResumeOrderResetsLr(Rule):
    id = "LR402"
    slug = "resume-order-resets-lr"
    severity = "error"
    summary = "The optimizer's state is loaded before the scheduler is built, which changes the learning rate again"
    why = """Building a scheduler sets the learning rate of its first step. Built after the optimizer's state
was loaded, LinearLR, ConstantLR and a SequentialLR with a warmup multiply the restored learning rate by their
start factor, and because they go on from the current value the run stays that much too low; loading the
scheduler's state afterwards does not write the learning rate. LambdaLR, OneCycleLR and warm restarts are wrong
until their next step. Building first and loading both states afterwards is right for all of them."""
    bad = (
        _HEAD + _RESUME + _OPTIMIZER + _WARMUP + _RESUME + _SCHEDULER + _LOOP,
        _HEAD + _RESUME + _OPTIMIZER + _LAMBDA + _RESUME + _SCHEDULER + _LOOP,
    )
    good = (
        _HEAD + _WARMUP + _RESUME + _OPTIMIZER + _SCHEDULER + _LOOP,
        _HEAD
        + _RESUME
        + _OPTIMIZER
        + "scheduler = CosineAnnealingLR(optimizer, T_max=90)\n"
        + _RESUME
        + _SCHEDULER
        + _LOOP,
    )
    sources = (
        "torch 2.13, measured for every scheduler: uninterrupted against resumed; after the warmup LinearLR(0.1) stays "
        "10 times too low, building first and loading both is exact",
    )
    fix_safety = """Safe where the optimizer's state is loaded again right after the scheduler's: the
optimizer's state holds the learning rate that was saved."""
    covers = ("LR401",)
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            optimizer = case.optimizer(scheduler)
            built = wiring.build_site(case.training, scheduler.number)
            if optimizer is None or built is None or not scheduler.known or not case.ticks(scheduler):
                continue
            reset = self._reset(case, scheduler)
            before, after = self._loads(case, optimizer, built)
            own = [
                site
                for site in case.training.of("load", scheduler.number)
                if site.event.data.get("object") == "scheduler" and site.order > built.order
            ]
            if reset and before and not after and own:
                yield self._finding(case, scheduler, before[-1], own[-1], reset)

    def _loads(self, case: Case, optimizer: Optimizer, built: Site) -> tuple[list[Site], list[Site]]:
        """Where the optimizer's state is loaded: before the scheduler is built, and after."""
        loads = [
            site
            for site in case.training.of("load")
            if site.event.data.get("object") == "optimizer" and site.event.subject in (0, optimizer.number)
        ]
        before = [site for site in loads if site.order < built.order and not wiring.exclusive(site, built)]
        return before, [site for site in loads if site.order > built.order]

    def _reset(self, case: Case, scheduler: Scheduler) -> str | None:
        """``lasting``, ``step`` or None: how long the learning rate is wrong."""
        if scheduler.name in ("LinearLR", "ConstantLR"):
            name = "start_factor" if scheduler.name == "LinearLR" else "factor"
            argument = scheduler.arguments.get(name)
            start = case.number(argument.value) if argument is not None else 1 / 3
            return "lasting" if start is not None and start != 1 else None
        if scheduler.name == "SequentialLR":
            return self._reset(case, case.children(scheduler)[0]) and "lasting" if scheduler.children else None
        if scheduler.name == "ChainedScheduler":
            found = [self._reset(case, member) for member in case.children(scheduler)]
            return "lasting" if "lasting" in found else "step" if "step" in found else None
        if scheduler.name in _ONE_STEP or emulate.FRAMEWORKS.get(scheduler.name) == "transformers":
            return None if scheduler.plateau else "step"
        return None

    def _finding(self, case: Case, scheduler: Scheduler, load: Site, own: Site, reset: str) -> Finding:
        name = wiring.titled(scheduler)
        per_batch = all(tick.rate.unit in (EVERY_BATCH, EVERY_UPDATE) for tick in case.ticks(scheduler))
        if reset == "lasting":
            effect = "multiplies the restored learning rate by its start factor, which its own state does not undo"
        else:
            effect = "sets the learning rate of its first step, which stays in force until its next step()"
        message = f"{name} is built after the optimizer's state was loaded on line {load.place.line}: it {effect}"
        severity = "warning" if reset == "step" and per_batch else None
        remedies = []
        text = str(load.event.data.get("text", ""))
        if text and own.event.function == load.event.function:
            title = "load the optimizer's state once more, after the scheduler's"
            remedies.append(Remedy("insert-after", title, own.place, text, safe=True))
        return self.finding(
            scheduler.place, message, severity=severity, certainty=PROVEN, conditions=("resume",), remedies=remedies,
            related=[
                Related(load.place, "the optimizer's state is loaded here"),
                Related(own.place, "the scheduler's here"),
            ],
            subjects=[scheduler.number, *scheduler.children],
        )  # fmt: skip


RULE = ResumeOrderResetsLr()
