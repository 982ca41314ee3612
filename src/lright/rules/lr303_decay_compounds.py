"""LR303: a decay meant for the initial learning rate is applied to the decayed one, over and over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..case import Case
from ..finding import Finding
from ..quantity import Expr, Op, Scalar
from ..timeline import BATCH, EPOCH, Loop, Site
from . import wiring
from .base import LIKELY, PROVEN, Remedy, Rule

_HEAD = """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
lr = 0.1
optimizer = torch.optim.SGD(model.parameters(), lr=lr)
"""
_STEP = """\
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
"""


class DecayCompounds(Rule):
    id = "LR303"
    slug = "decay-compounds"
    severity = "error"
    summary = "A decay formula for the initial learning rate is applied to the decayed one every time"
    why = """lr * 0.1 ** (epoch // 30) is the learning rate of an epoch if lr is the initial one. Applied to the
learning rate that the last epoch left, it divides by 10 in every epoch from 30 on and by 100 in every epoch
from 60 on: within a few epochs nothing is learned any more. A factor that is the same each time (lr *= 0.95) is
a plain exponential decay and is fine."""
    bad = (
        _HEAD
        + """\
for epoch in range(90):
    for group in optimizer.param_groups:
        group["lr"] = group["lr"] * 0.1 ** (epoch // 30)
"""
        + _STEP,
        _HEAD
        + """\
for epoch in range(90):
    lr = lr * (1 - epoch / 90) ** 0.9
    for group in optimizer.param_groups:
        group["lr"] = lr
"""
        + _STEP,
    )
    good = (
        _HEAD
        + """\
for epoch in range(90):
    for group in optimizer.param_groups:
        group["lr"] = lr * 0.1 ** (epoch // 30)
"""
        + _STEP,
        _HEAD
        + """\
for epoch in range(90):
    for group in optimizer.param_groups:
        group["lr"] *= 0.95
"""
        + _STEP,
        _HEAD
        + """\
for epoch in range(90):
    if epoch in (30, 60, 80):
        lr = lr * 0.1
        for group in optimizer.param_groups:
            group["lr"] = lr
"""
        + _STEP,
    )
    sources = ("arithmetic: the factors of all epochs multiply",)
    fix_safety = """Unsafe: the formula is put on the optimizer's own learning rate, which is what it nearly always
means."""
    covers = ("LR211", "LR310")
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for write in case.training.of("write"):
            if case.rate(write).conditional or not isinstance(write.event.value, Expr):
                continue
            for loop in write.loops:
                found = self._compounding(case, write, loop) if loop.kind in (EPOCH, BATCH) else None
                if found is not None:
                    yield self._finding(case, write, loop, found)
                    break

    def _compounding(self, case: Case, write: Site, loop: Loop) -> Expr | None:
        """The factor put on a learning rate that was already decayed, where it depends on the trip."""
        value = write.event.value
        assert isinstance(value, Expr)
        carried = [name for name in value.symbols() if name.startswith("@") and name.endswith(f":{loop.index}")]
        for symbol in (f"lr#{write.event.subject}", *carried):
            factor = wiring.factor_of(value, symbol)
            factor = _in_trips(case, factor, loop) if factor is not None else None
            if factor is None or not _follows(factor, loop.index) or _ratio(factor, loop.index):
                continue
            outcomes = [self._products(case, loop, factor, witness) for witness in case.witnesses()]
            if outcomes and all(found is not None for found in outcomes):
                return factor
        return None

    def _products(
        self, case: Case, loop: Loop, factor: Expr, witness: Mapping[str, Scalar]
    ) -> tuple[int, float, float] | None:
        """Trips, the last factor and the product of all, if the factors fall and their product falls much further."""
        trips = case.number(loop.trips, witness) if loop.trips is not None else None
        if trips is None or trips < 3:
            return None
        product, last, lowest = 1.0, 1.0, 1.0
        count = min(int(trips), 400)
        for trip in range(count):
            value = case.number(factor, {**witness, loop.index: trip})
            if value is None or value < 0 or (trip and value > last * (1 + 1e-9)) or value > 1.0001:
                return None
            if value == 0:
                break  # a ramp that ends at nothing
            last, product, lowest = value, product * value, min(lowest, value)
        return (count, last, product) if lowest < 0.999 and _far_below(count, last, product) else None

    def _finding(self, case: Case, write: Site, loop: Loop, factor: Expr) -> Finding:
        found = self._products(case, loop, factor, case.witnesses()[0])
        assert found is not None
        trips, last, product = found
        what = "epoch" if loop.kind == EPOCH or loop.epoch_like else "batch"
        message = (
            f"each {what} decays the learning rate that the {what} before has left, with a factor made for the initial "
            "one"
        )
        numbers: dict[str, float | int | str | bool | None] = {}
        if case.known():
            numbers = {"trips": trips, "meant": last, "factor": product}
            reached = "0" if product < 1e-300 else f"{product:.1g}"
            message += (
                f": after {trips} {what}{'es' if what == 'batch' else 's'} it is at {reached} of where it began, "
                f"where the formula says {last:.2g}"
            )
        sure = case.training.optimizers[write.event.subject].seen
        return self.finding(
            write.place, message, certainty=PROVEN if sure else LIKELY, numbers=numbers,
            remedies=self._remedies(case, write), subjects=[write.event.subject],
        )  # fmt: skip

    def _remedies(self, case: Case, write: Site) -> list[Remedy]:
        """The same factor on the optimizer's own learning rate, where the script writes one next to the other."""
        optimizer = case.training.optimizers[write.event.subject]
        written, old = (str(write.event.data.get(name, "")) for name in ("target", "text"))
        operator = write.event.data.get("operator")
        base = optimizer.arguments.get("lr")
        if len(optimizer.groups) != 1 or base is None or optimizer.function != write.event.function:
            return []
        if operator == "*":
            value = f"{base.text} * {old}"
        elif operator == "" and written in old:
            value = old.replace(written, base.text)
        else:
            return []
        if base.text == written:
            return []
        title = f"decay the initial learning rate: {written} = {value}"
        return [Remedy("replace", title, write.place, f"{written} = {value}")]


def _far_below(count: int, last: float, product: float) -> bool:
    """Whether the product of the factors is far from the last of them, for the trips that were tried."""
    return product < 0.5 * last or count > 20 and product < last**5


def _in_trips(case: Case, factor: Expr, loop: Loop) -> Expr:
    """With what the loop counts by hand said in its trips: ``step += 1``."""
    counted = {name: e for name, e in case.training.definitions.items() if name.endswith(f":{loop.index}")}
    return factor.substituted({name: e for name, e in counted.items() if isinstance(e, Op)})


def _follows(expr: Expr, index: str) -> bool:
    """Whether the value itself, not only a choice between values, depends on the trip."""
    if not isinstance(expr, Op):
        return index in expr.symbols()
    return any(_follows(arg, index) for arg in expr.args[1 if expr.name == "if" else 0 :])


def _ratio(expr: Expr, index: str) -> bool:
    """A quotient of two values of a curve: the right way to move along it."""
    if not isinstance(expr, Op):
        return False
    if expr.name == "/" and all(index in arg.symbols() for arg in expr.args):
        return True
    return any(_ratio(arg, index) for arg in expr.args)


RULE = DecayCompounds()
