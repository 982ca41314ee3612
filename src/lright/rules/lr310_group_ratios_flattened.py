"""LR310: parameter groups with learning rates of their own are all given the same one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..case import Case
from ..finding import Finding
from ..quantity import Expr
from ..situation import Argument, Optimizer, Scheduler
from . import wiring
from .base import PROVEN, Related, Remedy, Rule

_HEAD = """\
import torch

body, head = torch.nn.Linear(10, 10), torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=100)
LR = 1e-3
optimizer = torch.optim.AdamW([
    {"params": body.parameters(), "lr": LR * 0.1},
    {"params": head.parameters()},
], lr=LR)
"""
_STEP = """\
    for (x,) in loader:
        optimizer.zero_grad()
        head(body(x)).pow(2).mean().backward()
        optimizer.step()
"""


class GroupRatiosFlattened(Rule):
    id = "LR310"
    slug = "group-ratios-flattened"
    severity = "warning"
    summary = "Parameter groups with different learning rates are all given the same one"
    why = """OneCycleLR and CyclicLR take their learning rates from max_lr (and base_lr), not from the
optimizer: a single number there makes the learning rates of all groups equal, and a small one for a pretrained
body becomes as high as that of the new head. The same happens when one value is written into every group by
hand."""
    bad = (
        _HEAD
        + """\
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=LR, total_steps=20)
for epoch in range(20):
"""
        + _STEP
        + """\
    scheduler.step()
""",
        _HEAD
        + """\
for epoch in range(20):
    for group in optimizer.param_groups:
        group["lr"] = LR * 0.9 ** epoch
"""
        + _STEP,
    )
    good = (
        _HEAD
        + """\
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=[LR * 0.1, LR], total_steps=20)
for epoch in range(20):
"""
        + _STEP
        + """\
    scheduler.step()
""",
        _HEAD
        + """\
for group in optimizer.param_groups:
    group["base"] = group["lr"]
for epoch in range(20):
    for group in optimizer.param_groups:
        group["lr"] = group["base"] * 0.9 ** epoch
"""
        + _STEP,
    )
    sources = ("torch 2.13 documentation: max_lr is a float or a list with one value for each group",)
    fix_safety = "Unsafe: the groups' own learning rates are put in as a list of peaks."
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for optimizer in case.training.optimizers.values():
            if not optimizer.seen or not wiring.groups_differ(case, optimizer):
                continue
            driven = False
            for scheduler in case.schedulers():
                if scheduler.optimizer == optimizer.number:
                    driven = True
                    yield from self._scheduled(case, optimizer, scheduler)
            if not driven:
                yield from self._written(case, optimizer)

    def _scheduled(self, case: Case, optimizer: Optimizer, scheduler: Scheduler) -> Iterator[Finding]:
        peak = scheduler.arguments.get("max_lr")
        if scheduler.name not in ("OneCycleLR", "CyclicLR") or peak is None or not isinstance(peak.value, Expr):
            return
        rates = self._rates(case, optimizer)
        message = (
            f"the {len(optimizer.groups)} parameter groups have learning rates of their own{rates}, but "
            f"max_lr={peak.text} gives all of them the same"
        )
        yield self.finding(
            peak.place, message, certainty=PROVEN, remedies=self._remedies(case, optimizer, peak),
            related=[Related(optimizer.place, "groups with different learning rates")],
            subjects=[scheduler.number, optimizer.number],
        )  # fmt: skip

    def _written(self, case: Case, optimizer: Optimizer) -> Iterator[Finding]:
        for write in case.training.of("write", optimizer.number):
            value = write.event.value
            if write.event.data.get("group") is not None or not isinstance(value, Expr) or not write.loops:
                continue
            if not wiring.regular(case, write) or not self._same_for_all(case, value):
                continue
            rates = self._rates(case, optimizer)
            message = (
                f"the {len(optimizer.groups)} parameter groups have learning rates of their own{rates}, but here one "
                "value is written into all of them"
            )
            yield self.finding(
                write.place, message, related=[Related(optimizer.place, "groups with different learning rates")],
                subjects=[optimizer.number],
            )  # fmt: skip
            return

    def _same_for_all(self, case: Case, value: Expr) -> bool:
        """A value made of numbers, settings and counters only: nothing of the group goes into it."""
        facts, defined = case.training.facts, case.training.definitions
        return all(name in facts or name in defined or name.startswith("@") for name in value.symbols())

    def _rates(self, case: Case, optimizer: Optimizer) -> str:
        found = [case.number(group.get("lr")) for group in optimizer.groups]
        known = list(dict.fromkeys(rate for rate in found if rate is not None))
        return f" ({', '.join(f'{rate:g}' for rate in known[:6])})" if len(known) > 1 else ""

    def _remedies(self, case: Case, optimizer: Optimizer, peak: Argument) -> list[Remedy]:
        texts = [case.source(group.get("lr")) for group in optimizer.groups]
        if len(texts) > 8 or any(text is None for text in texts):
            return []
        value = f"[{', '.join(str(text) for text in texts)}]"
        return [Remedy("replace", f"a peak for each group: max_lr={value}", peak.place, value)]


RULE = GroupRatiosFlattened()
