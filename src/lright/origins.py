"""Where the values behind a finding come from: the setting or assignment to change is often not in the call."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Finding, Related
from .quantity import Expr
from .records import replace
from .situation import Argument, Formula, Scheduler, Training
from .timeline import Place

MOST = 4  # places told beside those that the rule itself names


def with_origins(finding: Finding, training: Training) -> Finding:
    """The finding with the places that the arguments it speaks of come from."""
    if not finding.rule.startswith(("LR1", "LR2")):
        return finding
    told = {finding.place.line, *(related.place.line for related in finding.related)}
    added: list[Related] = []
    for argument in _arguments(finding, training):
        for place, message in _sources(argument, training):
            if place.line not in told and len(added) < MOST:
                told.add(place.line)
                added.append(Related(place, message))
    return replace(finding, related=(*finding.related, *added)) if added else finding


def _arguments(finding: Finding, training: Training) -> list[Argument]:
    """The arguments that the finding names; all of its scheduler where it names none."""
    schedulers = [training.schedulers[n] for n in finding.subjects if n in training.schedulers]
    family = [one for scheduler in schedulers for one in _family(scheduler, training)]
    held = [(name, argument) for scheduler in family for name, argument in scheduler.arguments.items()]
    named = [argument for name, argument in held if f"{name}=" in finding.message or argument.place == finding.place]
    return named or [argument for _, argument in held]


def _family(scheduler: Scheduler, training: Training) -> Iterator[Scheduler]:
    yield scheduler
    for number in scheduler.children:
        yield from _family(training.schedulers[number], training)


def _sources(argument: Argument, training: Training) -> Iterator[tuple[Place, str]]:
    if argument.origin is not None:
        yield argument.origin, f"{argument.text} comes from here"
    for value in argument.value if isinstance(argument.value, list) else [argument.value]:
        if isinstance(value, Formula):
            yield from _written(value)
        expr = value.expr if isinstance(value, Formula) else value
        for name in dict.fromkeys(expr.symbols()) if isinstance(expr, Expr) else ():
            fact = training.facts.get(name)
            if fact is not None and fact.known and fact.place is not None:
                yield fact.place, f"{fact.text} is set here"


def _written(formula: Formula) -> Iterator[tuple[Place, str]]:
    for place in formula.returns:
        yield place, "the factor is computed here"
