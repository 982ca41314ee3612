"""LR301: the scheduler drives an optimizer that is not the one being updated."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Tick
from ..finding import Finding
from ..situation import Optimizer, Scheduler
from ..timeline import OUTER, Loop
from . import wiring
from .base import LIKELY, Related, Remedy, Rule

_COMMON = frozenset("opt optim optimizer optimiser sched scheduler lr schedule self the learning rate step".split())


class SchedulerOnAnotherOptimizer(Rule):
    id = "LR301"
    slug = "scheduler-on-another-optimizer"
    severity = "error"
    summary = "The scheduler was built on an optimizer other than the one that is updated"
    why = """A scheduler writes into the optimizer it was built with. If that optimizer is replaced afterwards,
or if the wrong one of two was passed, the scheduler goes on lowering a learning rate nobody uses, while the
optimizer that trains keeps its own. Nothing fails and get_last_lr() prints the planned values."""
    bad = (
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()
""",
        """\
import torch
from torch.optim.lr_scheduler import StepLR

generator, critic = torch.nn.Linear(4, 10), torch.nn.Linear(10, 1)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=100)
opt_g = torch.optim.Adam(generator.parameters(), lr=2e-4)
opt_d = torch.optim.Adam(critic.parameters(), lr=2e-4)
sched_g = StepLR(opt_g, step_size=10, gamma=0.5)
sched_d = StepLR(opt_g, step_size=10, gamma=0.5)
for epoch in range(30):
    for (x,) in loader:
        opt_d.zero_grad()
        (critic(generator(torch.randn(100, 4))).mean() - critic(x).mean()).backward()
        opt_d.step()
        opt_g.zero_grad()
        (-critic(generator(torch.randn(100, 4))).mean()).backward()
        opt_g.step()
    sched_g.step()
    sched_d.step()
""",
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[20, 30, 40])
seen = 0
for epoch in range(50):
    for (x,) in loader:
        optimizer.zero_grad()
        loss = model(x).pow(2).mean()
        if seen == 0:
            optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        loss.backward()
        optimizer.step()
        seen += 1
    scheduler.step()
""",
    )
    good = (
        """\
import torch
from torch.optim.lr_scheduler import StepLR

body, head = torch.nn.Linear(10, 10), torch.nn.Linear(10, 1)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=100)
opt_head = torch.optim.Adam(head.parameters(), lr=1e-3)
for epoch in range(2):
    for (x,) in loader:
        opt_head.zero_grad()
        head(body(x)).pow(2).mean().backward()
        opt_head.step()
opt_all = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=1e-4)
scheduler = StepLR(opt_all, step_size=10, gamma=0.5)
for epoch in range(30):
    for (x,) in loader:
        opt_all.zero_grad()
        head(body(x)).pow(2).mean().backward()
        opt_all.step()
    scheduler.step()
""",
        """\
import torch
from torch.optim.lr_scheduler import ExponentialLR

actor, critic = torch.nn.Linear(10, 2), torch.nn.Linear(10, 1)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=100)
actor_optimizer = torch.optim.Adam(actor.parameters(), lr=1e-4)
critic_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)
scheduler = ExponentialLR(actor_optimizer, gamma=0.95)
for epoch in range(30):
    for (x,) in loader:
        critic_optimizer.zero_grad()
        critic(x).pow(2).mean().backward()
        critic_optimizer.step()
        actor_optimizer.zero_grad()
        actor(x).pow(2).mean().backward()
        actor_optimizer.step()
    scheduler.step()
""",
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.98)
second_stage = False
for epoch in range(50):
    for (x,) in loader:
        optimizer.zero_grad()
        loss = model(x).pow(2).mean()
        loss.backward()
        optimizer.step()
    if not second_stage:
        scheduler.step()
    if loss.item() < 0.01 and not second_stage:
        second_stage = True
        optimizer = torch.optim.Adam(model.parameters(), lr=5e-6)
""",
    )
    sources = ("torch 2.13: a scheduler keeps the optimizer object it was given and writes its param_groups",)
    fix_safety = """Moving the construction behind the second optimizer, or passing the optimizer whose name
fits, is unsafe: the script alone does not say which optimizer was meant."""
    covers = ("LR108", "LR305", "LR309", "LR601", "LR611")
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            optimizer = case.optimizer(scheduler)
            for child in case.children(scheduler):
                other = case.optimizer(child)
                if (
                    optimizer is not None
                    and other is not None
                    and other is not optimizer
                    and optimizer.seen
                    and other.seen
                ):
                    yield self._split(scheduler, child, optimizer, other)
                    break
            if (
                optimizer is None
                or not optimizer.seen
                or case.escapes(scheduler)
                or wiring.leaves(case.training, optimizer)
            ):
                continue
            ticks = case.ticks(scheduler)
            updated = self._instead(case, optimizer, ticks)
            if updated is not None:
                yield self._stale(case, scheduler, optimizer, updated, ticks)
                continue
            again = self._made_anew(case, optimizer, scheduler, ticks)
            if again is not None:
                yield self._left_behind(scheduler, optimizer, again, ticks)
                continue
            named = self._namesake(case, scheduler, optimizer)
            if named is not None and ticks:
                yield self._mixed_up(case, scheduler, optimizer, named)

    def _split(self, scheduler: Scheduler, child: Scheduler, optimizer: Optimizer, other: Optimizer) -> Finding:
        """A sequence on one optimizer whose phases are on another: torch refuses it."""
        message = (
            f"{wiring.titled(scheduler)} is built on {wiring.name_of(optimizer)} of line {optimizer.place.line}, but "
            f"its phase {wiring.titled(child)} on {wiring.name_of(other)} of line {other.place.line}: it "
            "raises ValueError"
        )
        return self.finding(
            scheduler.place,
            message,
            related=[Related(child.place, "the phase"), Related(optimizer.place, "the other optimizer")],
            subjects=[scheduler.number, child.number, optimizer.number],
        )

    def _instead(self, case: Case, optimizer: Optimizer, ticks: list[Tick]) -> Optimizer | None:
        """The optimizer that is updated where the scheduler ticks, if its own is not."""
        for tick in ticks:
            loop = _outermost(tick)
            if loop is None:
                continue
            updates = [site for site in case.training.updates() if site.within(loop)]
            owners = [case.training.optimizers[site.event.subject] for site in updates]
            if owners and optimizer not in owners and not any(wiring.exclusive(site, tick.site) for site in updates):
                seen = [owner for owner in owners if owner.seen]
                return seen[0] if len(seen) == len(owners) else None
        return None

    def _made_anew(self, case: Case, optimizer: Optimizer, scheduler: Scheduler, ticks: list[Tick]) -> Optimizer | None:
        """The optimizer that takes the name and the place of the scheduler's own one while training goes on, where the
        scheduler is stepped regardless and nobody gives it the new one."""
        loop = _outermost(ticks[0]) if ticks else None
        if loop is None or case.training.of("set", scheduler.number):
            return None
        if any(not tick.site.within(loop) or tick.site.guards_below(loop) for tick in ticks):
            return None
        driven = {other.optimizer for other in case.all_schedulers()}
        places = {site.place for site in case.updates(optimizer)}
        for other in case.training.optimizers.values():
            if other is optimizer or not other.seen or other.number in driven or other.text != optimizer.text:
                continue
            if any(inner is loop for inner in other.loops) and any(s.place in places for s in case.updates(other)):
                return other
        return None

    def _left_behind(self, scheduler: Scheduler, optimizer: Optimizer, again: Optimizer, ticks: list[Tick]) -> Finding:
        message = (
            f"{wiring.name_of(again)} is made anew here, during training, but {wiring.titled(scheduler)} keeps the one "
            f"of line {optimizer.place.line}: from then on its steps change nothing"
        )
        related = [Related(scheduler.place, "the scheduler"), Related(ticks[0].site.place, "stepped here")]
        return self.finding(
            again.place,
            message,
            severity="warning",
            certainty=LIKELY,
            related=related,
            subjects=[scheduler.number, optimizer.number],
        )

    def _namesake(self, case: Case, scheduler: Scheduler, optimizer: Optimizer) -> Optimizer | None:
        """Another optimizer, without a scheduler, to which the scheduler belongs by its name."""
        wanted = _words(scheduler.text)
        if not wanted or wanted & _words(optimizer.text) or not _words(optimizer.text):
            return None
        driven = {s.optimizer for s in case.all_schedulers()}
        fitting = [o for o in case.training.optimizers.values() if o.seen and _words(o.text) == wanted]
        if len(fitting) != 1 or fitting[0].number in driven or not case.updates(fitting[0]):
            return None
        return fitting[0]

    def _stale(
        self, case: Case, scheduler: Scheduler, optimizer: Optimizer, updated: Optimizer, ticks: list[Tick]
    ) -> Finding:
        name = wiring.titled(scheduler)
        again = updated.text == optimizer.text
        message = (
            f"{name} was built on the {optimizer.name} of line {optimizer.place.line}, but the {updated.name} "
            "built after it "
            f"on line {updated.place.line} is the one that is updated: its learning rate is never scheduled"
            if again and updated.place.line > scheduler.place.line
            else f"{name} changes the learning rate of {wiring.name_of(optimizer)} (line {optimizer.place.line}), but "
            f"{wiring.name_of(updated)} is the optimizer that is updated: its learning rate is never scheduled"
        )
        remedies = []
        if again and updated.loops == scheduler.loops and updated.function == scheduler.function:
            title = "build the scheduler after the optimizer that is updated"
            remedies.append(Remedy("move-after", title, scheduler.place, to=updated.place))
        related = [
            Related(updated.place, "the optimizer that is updated"),
            Related(ticks[0].site.place, "the scheduler is stepped here"),
        ]
        return self.finding(
            scheduler.place, message, related=related, remedies=remedies, subjects=[scheduler.number, optimizer.number],
            numbers={"scheduled_line": optimizer.place.line, "updated_line": updated.place.line},
        )  # fmt: skip

    def _mixed_up(self, case: Case, scheduler: Scheduler, optimizer: Optimizer, named: Optimizer) -> Finding:
        message = (
            f"{wiring.titled(scheduler)} is built on {optimizer.text}, and {named.text}, which its name belongs "
            "to, has no "
            "scheduler: its learning rate stays constant"
        )
        site = wiring.build_site(case.training, scheduler.number)
        at = site.event.data.get("optimizer_place") if site is not None else None
        remedies = []
        if at is not None:
            remedies.append(Remedy("replace", f"build it on {named.text}", at, named.text))  # type: ignore[arg-type]
        return self.finding(
            scheduler.place, message, certainty=LIKELY, remedies=remedies,
            related=[Related(named.place, f"{named.text} has no scheduler")],
            subjects=[scheduler.number, optimizer.number],
        )  # fmt: skip


def _outermost(tick: Tick) -> Loop | None:
    """The outermost loop of one training around a tick."""
    loops = [loop for loop in tick.site.loops if loop.kind != OUTER]
    return loops[0] if loops else None


def _words(name: str) -> frozenset[str]:
    """What a name says beside "optimizer" and "scheduler": ``optimizerG``, ``opt_g`` and ``g_optimizer`` say ``g``."""
    parts, word = [], ""
    for letter in name:
        if not letter.isalnum() or letter.isupper() and not word.isupper():
            parts.append(word)
            word = ""
        if letter.isalnum():
            word += letter
    return frozenset(part.lower() for part in [*parts, word] if part) - _COMMON


RULE = SchedulerOnAnotherOptimizer()
