"""LR312: the learning rate arrives as text."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import INFO, Finding
from ..quantity import Expr, Sym
from ..situation import Argument, Fact
from .base import Related, Remedy, Rule

_STEP = """\
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
"""
_LOOP = """\
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()
"""
_YAML = '''\
import torch
import yaml

config = yaml.safe_load("""
lr: {}
epochs: 90
""")
'''
_ARGPARSE = """\
import argparse
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--lr", {}default={})
args = parser.parse_args()
"""


class LrIsText(Rule):
    id = "LR312"
    slug = "lr-is-text"
    severity = "error"
    summary = "The learning rate is a text, not a number"
    why = """PyYAML follows YAML 1.1, where a number with an exponent needs a dot and a sign: 1e-3 is read as
text, 1.0e-3 as a number. argparse hands over text unless it is given type=float, and variables of the
environment are always text. torch then raises TypeError when it compares the learning rate with 0, or later in
the first computation with it."""
    bad = (
        _YAML.format("1e-3") + _STEP + 'optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"])\n' + _LOOP,
        _ARGPARSE.format("", '"0.1"') + _STEP + "optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)\n" + _LOOP,
    )
    good = (
        _YAML.format("1.0e-3") + _STEP + 'optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"])\n' + _LOOP,
        _YAML.format("1e-3") + _STEP
        + 'optimizer = torch.optim.AdamW(model.parameters(), lr=float(config["lr"]))\n' + _LOOP,
        _ARGPARSE.format("type=float, ", '"0.1"') + _STEP
        + "optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)\n" + _LOOP,
    )  # fmt: skip
    sources = (
        "PyYAML 6 (YAML 1.1 floats)",
        "argparse: type defaults to str",
        "torch 2.13: TypeError in the constructor",
    )
    fix_safety = "Safe: float() around the value gives the number that is written."
    covers = ("LR504", "LR217")

    def check(self, case: Case) -> Iterable[Finding]:
        for optimizer in case.training.optimizers.values():
            argument = optimizer.arguments.get("lr")
            if optimizer.seen and argument is not None:
                finding = self._judge(case, argument, "lr", optimizer.number)
                if finding is not None:
                    yield finding
        for scheduler in case.schedulers():
            argument = scheduler.arguments.get("max_lr")
            if argument is not None:
                finding = self._judge(case, argument, "max_lr", scheduler.number)
                if finding is not None:
                    yield finding

    def _judge(self, case: Case, argument: Argument, name: str, number: int) -> Finding | None:
        expr = argument.value
        if not isinstance(expr, Expr):
            return None
        fact = case.training.facts.get(expr.name) if isinstance(expr, Sym) else None
        value = case.value(expr)
        related = [Related(fact.place, "comes from here")] if fact is not None and fact.place is not None else []
        remedy = Remedy(
            "replace", f"{name}=float({argument.text})", argument.place, f"float({argument.text})", safe=True
        )
        if isinstance(value, str):
            message = f"{name}={argument.text} is the text {value!r}, not a number{_why(fact, value)}: TypeError"
            return self.finding(
                argument.place, message, related=related, remedies=[remedy], subjects=[number], numbers={"value": value}
            )
        if isinstance(value, float) and fact is not None and fact.origin == "argparse" and fact.untyped:
            option = fact.option or name
            message = (
                f"--{option} has no type=float: given on the command line it arrives as text and "
                f"{name}={argument.text} "
                "raises TypeError"
            )
            return self.finding(
                argument.place, message, severity=INFO, related=related, remedies=[remedy], subjects=[number],
                conditions=(f"option:{option}",),
            )  # fmt: skip
        return None


def _why(fact: Fact | None, value: str) -> str:
    if fact is None:
        return ""
    if fact.origin in ("argparse", "command line"):
        return " (argparse converts only with type=float)"
    if fact.origin == "environment":
        return " (variables of the environment are text)"
    exponent = "e" in value.lower() and fact.origin == "literal" and "[" in fact.text
    return " (YAML 1.1 reads an exponent only with a dot and a sign: 1.0e-3)" if exponent else ""


RULE = LrIsText()
