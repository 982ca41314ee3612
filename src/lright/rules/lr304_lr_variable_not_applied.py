"""LR304: a learning-rate variable is decayed, and nothing uses it."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import Finding
from ..situation import Decay, Optimizer
from . import wiring
from .base import LIKELY, Related, Remedy, Rule

_HEAD = """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
lr = 0.1
"""
_STEP = """\
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
"""


class LrVariableNotApplied(Rule):
    id = "LR304"
    slug = "lr-variable-not-applied"
    severity = "error"
    summary = "A learning-rate variable is decayed but never reaches the optimizer"
    why = """An optimizer copies the learning rate when it is built. Changing the variable afterwards changes a
number in the script and whatever is printed from it; the optimizer goes on with the first value until its
param_groups are written."""
    bad = (
        _HEAD
        + """\
optimizer = torch.optim.SGD(model.parameters(), lr=lr)
for epoch in range(90):
"""
        + _STEP
        + """\
    lr = lr * 0.95
    print(f"epoch {epoch}: lr {lr:.4f}")
""",
        _HEAD
        + """\
optimizer = torch.optim.Adam(model.parameters(), lr=lr)
for epoch in range(90):
    new_lr = lr * 0.5 ** (epoch // 10)
"""
        + _STEP,
    )
    good = (
        _HEAD
        + """\
optimizer = torch.optim.SGD(model.parameters(), lr=lr)
for epoch in range(90):
"""
        + _STEP
        + """\
    lr = lr * 0.95
    for group in optimizer.param_groups:
        group["lr"] = lr
""",
        _HEAD
        + """\
for epoch in range(90):
    for (x,) in loader:
        model.zero_grad()
        model(x).pow(2).mean().backward()
        for p in model.parameters():
            p.data.add_(p.grad, alpha=-lr)
    lr /= 1.1
""",
    )
    sources = ("torch 2.13: lr is stored in param_groups when the optimizer is built",)
    fix_safety = "Unsafe: writing the value into every group is offered; it gives all groups one learning rate."

    def check(self, case: Case) -> Iterable[Finding]:
        training = case.training
        optimizer = self._left_alone(case)
        if optimizer is None:
            return
        for decay in training.decays:
            if all(line == optimizer.place.line for line in decay.uses):
                yield self._finding(case, optimizer, decay)

    def _left_alone(self, case: Case) -> Optimizer | None:
        """The optimizer of a training in which nothing changes a learning rate."""
        training = case.training
        if training.of("write") or any(case.escapes(s) or case.ticks(s) for s in case.all_schedulers()):
            return None
        updated = [o for o in training.optimizers.values() if any(site.loops for site in case.updates(o))]
        if not updated or any(not o.seen or o.loops or wiring.leaves(training, o) for o in updated):
            return None
        return updated[0]

    def _finding(self, case: Case, optimizer: Optimizer, decay: Decay) -> Finding:
        name, owner = decay.name, wiring.name_of(optimizer)
        message = (
            f"{name} is decayed here, but nothing hands it to {owner}: the optimizer keeps the learning rate of line "
            f"{optimizer.place.line}"
        )
        own = case.number(optimizer.groups[0].get("lr"))
        if own is not None and len(optimizer.groups) == 1:
            message += f" ({own:g}) for the whole training"
        remedies = []
        if optimizer.text and len(optimizer.groups) == 1:
            text = f"for group in {optimizer.text}.param_groups: group['lr'] = {name}"
            remedies.append(Remedy("insert-after", f"write {name} into {owner}", decay.place, text))
        return self.finding(
            decay.place,
            message,
            certainty=LIKELY,
            related=[Related(optimizer.place, "keeps the learning rate given here")],
            remedies=remedies,
            subjects=[optimizer.number],
        )


RULE = LrVariableNotApplied()
