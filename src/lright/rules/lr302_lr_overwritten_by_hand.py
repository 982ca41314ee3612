"""LR302: a learning rate written by hand and a scheduler fight over the same optimizer."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import Finding
from ..quantity import Expr, Sym
from ..situation import Optimizer, Scheduler
from ..timeline import Site
from . import wiring
from .base import LIKELY, PROVEN, Related, Rule


class LrOverwrittenByHand(Rule):
    id = "LR302"
    slug = "lr-overwritten-by-hand"
    severity = "warning"
    summary = "The learning rate is written by hand while a scheduler sets it too"
    why = """Whoever writes last before an update decides. LambdaLR, OneCycleLR, CyclicLR, warm restarts and the
schedules of transformers and timm compute the learning rate from their step count and drop what was written by
hand; StepLR, CosineAnnealingLR and the other recursive ones take the written value as their own last one and go
on from it. Either way the learning rate follows neither plan. A manual warmup that ends before the scheduler
takes over is fine."""
    bad = (
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
for epoch in range(90):
    for group in optimizer.param_groups:
        group["lr"] = 0.1 * 0.1 ** (epoch // 30)
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()
""",
        """\
import torch

def adjust_learning_rate(optimizer, epoch):
    lr = 1e-3 * 0.5 ** (epoch // 5)
    for group in optimizer.param_groups:
        group["lr"] = lr

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=100)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-3, total_steps=20 * len(loader))
for epoch in range(20):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
        scheduler.step()
    adjust_learning_rate(optimizer, epoch)
""",
    )
    good = (
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
decay = lambda epoch: (1 - epoch / 90) * 0.99 + 0.01
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda=decay)
warmup = 3 * len(loader)
for epoch in range(90):
    for i, (x,) in enumerate(loader):
        step = i + epoch * len(loader)
        if step <= warmup:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * decay(epoch) * step / warmup
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()
""",
        """\
import argparse
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--cosine", action="store_true")
args = parser.parse_args()
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    if args.cosine:
        scheduler.step()
    else:
        for group in optimizer.param_groups:
            group["lr"] = 0.1 * 0.1 ** ((epoch + 1) // 30)
""",
    )
    sources = (
        "torch 2.13, measured: after a write by hand LambdaLR and OneCycleLR ignore it, ExponentialLR keeps it, "
        "CosineAnnealingLR bends",
    )
    fix_safety = (
        "Unsafe: the script does not say which of the two was meant; dropping the scheduler is offered where nothing "
        "else uses it."
    )
    covers = ("LR108", "LR305", "LR310", "LR213")
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for optimizer in case.training.optimizers.values():
            writes = [site for site in case.training.of("write", optimizer.number) if self._in_training(case, site)]
            if not writes:
                continue
            for scheduler in case.schedulers():
                if scheduler.optimizer == optimizer.number and not case.escapes(scheduler):
                    finding = self._fight(case, optimizer, scheduler, writes)
                    if finding is not None:
                        yield finding
                        break

    def _in_training(self, case: Case, write: Site) -> bool:
        """Written in every period, with a value of its own."""
        value = write.event.value
        if not isinstance(value, Expr) or not wiring.regular(case, write):
            return False
        current = f"lr#{write.event.subject}"
        relative = wiring.factor_of(value, current)
        if relative is None and current in value.symbols():
            return False
        if isinstance(value, Sym) and value.name not in case.training.facts and not value.name.startswith("@"):
            return False
        return relative is None

    def _fight(self, case: Case, optimizer: Optimizer, scheduler: Scheduler, writes: list[Site]) -> Finding | None:
        ticks = [tick.site for tick in case.ticks(scheduler)]
        for write in writes:
            for tick in ticks:
                both = wiring.period(write, tick)
                if both is None or wiring.exclusive(write, tick) or not wiring.regular(case, tick):
                    continue
                return self._finding(case, optimizer, scheduler, write, tick)
        return None if ticks else self._unused(case, optimizer, scheduler, writes)

    def _finding(self, case: Case, optimizer: Optimizer, scheduler: Scheduler, write: Site, tick: Site) -> Finding:
        name = wiring.titled(scheduler)
        effect = self._effect(case, optimizer, scheduler)
        message = f"the learning rate is written by hand here and set by {name} on line {tick.place.line}: {effect}"
        remedies = wiring.dropped(scheduler, tick.place)
        return self.finding(
            write.place, message, certainty=PROVEN if optimizer.seen else LIKELY,
            related=[Related(tick.place, f"{name} sets it here"), Related(scheduler.place, "the scheduler")],
            remedies=remedies, subjects=[scheduler.number, optimizer.number],
        )  # fmt: skip

    def _effect(self, case: Case, optimizer: Optimizer, scheduler: Scheduler) -> str:
        last = self._last_words(case, optimizer)
        if wiring.from_scratch(scheduler):
            bent = f"{scheduler.name} computes it from its step count and drops the written value"
        elif scheduler.plateau:
            bent = "every reduction is undone by the next write"
        elif wiring.multiplies(scheduler):
            bent = f"{scheduler.name} multiplies the written value in place of its own"
        else:
            bent = f"{scheduler.name} goes on from the written value, off its own curve"
        if last == {"write"}:
            return f"every update sees the value written by hand, so {scheduler.text or scheduler.name} has no effect"
        if last == {"tick"} and wiring.from_scratch(scheduler):
            return f"{bent} before any update sees it"
        return bent

    def _last_words(self, case: Case, optimizer: Optimizer) -> set[str]:
        """What set the learning rate last before updates: ``tick``, ``write`` or both (the start aside)."""
        play = case.play(optimizer)
        if play is None or play.updates < 2:
            return set()
        found = set()
        for update in {play.updates * part // 16 for part in range(1, 16)} | {play.updates - 1}:
            last = play.before(update).last
            if last is not None:
                found.add(last[0].kind)
        return found

    def _unused(self, case: Case, optimizer: Optimizer, scheduler: Scheduler, writes: list[Site]) -> Finding | None:
        """Never stepped, but its construction has set the learning rate of the first period."""
        if not scheduler.known or scheduler.plateau or not optimizer.seen:
            return None
        play = case.play(optimizer)
        if play is not None and play.updates and play.before(0).last is not None:
            return None
        first = self._first_rates(case, scheduler, optimizer)
        if scheduler.name not in ("OneCycleLR", "CyclicLR") and (first is None or first[0] == first[1]):
            return None
        if play is None and any(site.order < update.order for site in writes for update in case.updates(optimizer)):
            return None
        starts = f" of {first[0]:g} in place of {first[1]:g}" if first is not None else ""
        message = (
            f"{wiring.titled(scheduler)} is never stepped but sets the first learning rate{starts} when it is built; "
            "from then on the learning rate is written by hand here"
        )
        return self.finding(
            writes[0].place, message, related=[Related(scheduler.place, "built here, never stepped")],
            subjects=[scheduler.number, optimizer.number],
        )  # fmt: skip

    def _first_rates(self, case: Case, scheduler: Scheduler, optimizer: Optimizer) -> tuple[float, float] | None:
        """The learning rate after construction, and the optimizer's own."""
        outcome = case.outcome(scheduler)
        own = case.number(optimizer.groups[0].get("lr"))
        first = outcome.lr_at_tick(0) if outcome is not None else None
        return (first, own) if first is not None and own is not None else None


RULE = LrOverwrittenByHand()
