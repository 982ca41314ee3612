"""What the rules about wiring and resuming ask alike: which schedulers write the learning rate from scratch, and which
events happen together."""

from __future__ import annotations

from collections.abc import Iterator

from ..case import Case
from ..finding import Remedy
from ..quantity import Expr, Lit, Op, Sym
from ..schedule import emulate
from ..situation import Optimizer, Scheduler, Training
from ..timeline import BATCH, EPOCH, Loop, Place, Site

# Measured with torch 2.13: what these write does not depend on the learning rate they find.
_FROM_SCRATCH = frozenset(("LambdaLR", "OneCycleLR", "CyclicLR", "CosineAnnealingWarmRestarts"))
# These multiply what they find; a factor put in by hand stays in.
_FACTORS = frozenset(("StepLR", "MultiStepLR", "ExponentialLR", "MultiplicativeLR", "ConstantLR", "LinearLR"))


def from_scratch(scheduler: Scheduler) -> bool:
    """Whether each step writes the learning rate anew (a function of the step count), whatever it was before."""
    if not scheduler.known or scheduler.plateau:
        return False
    return scheduler.name in _FROM_SCRATCH or emulate.FRAMEWORKS.get(scheduler.name) in ("timm", "transformers")


def multiplies(scheduler: Scheduler) -> bool:
    """Whether each step multiplies the learning rate it finds by a factor of its own."""
    return scheduler.name in _FACTORS or scheduler.plateau


def build_site(training: Training, number: int) -> Site | None:
    """Where an object is made."""
    return next((site for site in training.of("build", number)), None)


def exclusive(first: Site, second: Site) -> bool:
    """Whether two sites stand in different arms of one branch."""
    arms = {id(guard.branch): guard.arm for guard in first.guards}
    return any(arms.get(id(guard.branch), guard.arm) != guard.arm for guard in second.guards)


def period(first: Site, second: Site) -> Loop | None:
    """The innermost loop over epochs or batches around both."""
    shared = [loop for loop in first.loops if second.within(loop) and loop.kind in (EPOCH, BATCH)]
    return shared[-1] if shared else None


def regular(case: Case, site: Site) -> bool:
    """Whether a site happens in every period, or in every so many: under no test of the epoch or of anything
    unknown."""
    if case.rate(site).conditional:
        return False
    loop = site.innermost(EPOCH, BATCH)
    guards = [guard for guard in site.guards_below(loop) if guard.branch.origin != "main process"]
    every = case.rate(site).every is not None or case.rate(site).unit == "update"
    return not guards or every and len(guards) == 1 and not _limited(case, guards[0].branch.test)


def _limited(case: Case, test: Expr | None) -> bool:
    """Whether it asks for more than every so many trips: ``step % 50 == 0 and step <= 1000``."""
    if not isinstance(test, Op) or test.name not in ("and", "if"):
        return False
    parts = [part for part in test.args if not case.value(part) and not _periodic(part)]
    return bool(parts)


def _periodic(expr: Expr) -> bool:
    if not isinstance(expr, Op):
        return False
    return expr.name == "%" or (expr.name in ("==", "not", "or") and any(map(_periodic, expr.args)))


def leaves(training: Training, optimizer: Optimizer) -> bool:
    """Whether an optimizer is handed to code that was not read."""
    return bool(training.of("escape", optimizer.number) or training.of("prepare", optimizer.number))


def name_of(thing: Scheduler | Optimizer) -> str:
    """What a person calls it: the variable, or the class."""
    return thing.text or thing.name or "the optimizer"


def titled(scheduler: Scheduler) -> str:
    """The variable with its class: ``scheduler (StepLR)``."""
    return (
        f"{scheduler.text} ({scheduler.name})"
        if scheduler.text and scheduler.seen
        else scheduler.text or scheduler.name
    )


def groups_differ(case: Case, optimizer: Optimizer) -> bool:
    """Whether the learning rates of its groups surely differ: as numbers, or as multiples of an unknown one."""
    rates = [group.get("lr") for group in optimizer.groups]
    if len(rates) < 2 or any(rate is None for rate in rates):
        return False
    found = [tuple(approximate(case, rate, unknown) for unknown in (0.37, 0.0113)) for rate in rates]
    return all(None not in values for values in found) and len(set(found)) > 1


def approximate(case: Case, expr: Expr | None, unknown: float, **given: float) -> float | None:
    """A number for ``expr`` in which every unknown symbol is ``unknown`` (for telling forms apart)."""
    if expr is None:
        return None
    witness = {}
    for name in case.training.behind(expr):
        if not case.training.is_known(name) and name not in case.training.definitions:
            witness[name] = unknown
    return case.number(expr, {**witness, **given})


def symbols(expr: Expr) -> Iterator[Sym]:
    """The symbols in an expression, as written."""
    if isinstance(expr, Sym):
        yield expr
    elif isinstance(expr, Op):
        for arg in expr.args:
            yield from symbols(arg)


def factor_of(expr: object, symbol: str) -> Expr | None:
    """F where ``expr`` is ``symbol * F`` or ``symbol / G`` with F free of the symbol; None where it has
    another form."""
    if isinstance(expr, Sym):
        return Lit(1.0) if expr.name == symbol else None
    if not isinstance(expr, Op) or expr.name not in ("*", "/"):
        return None
    left, right = expr.args
    inside = [symbol in arg.symbols() for arg in expr.args]
    if inside == [True, False]:
        inner = factor_of(left, symbol)
        return None if inner is None else inner * right if expr.name == "*" else inner / right
    if inside == [False, True] and expr.name == "*":
        inner = factor_of(right, symbol)
        return None if inner is None else left * inner
    return None


def dropped(scheduler: Scheduler, tick: Place) -> tuple[Remedy, ...]:
    """Taking a scheduler out, with its only step(); nothing where the script mentions it elsewhere."""
    if not scheduler.text or scheduler.mentions != 1:
        return ()
    step = Remedy("delete", "drop its step()", tick)
    return (Remedy("delete", f"drop {scheduler.text}", scheduler.place, then=(step,)),)
