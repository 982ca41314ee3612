"""What the code of an answer really does, simulated: repairs, choices, and the code in answers to scenarios.

Nothing of an answer is executed: lright reads it. An answer that is empty, cannot be read or simulated gets 0 and the
reason, never an exception. What is decided here in so many words:

- A repair must be a schedule that yields the intended learning rate; a rate written by hand that does the same is as
  good (the curve is what counts), a script that no longer trains for as long is not.
- Comments, formatting and the order of definitions count for nothing, neither good nor bad.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...finding import INFO, Curve
from ..nouns import OUTCOME, Answer, Problem, Score
from . import code, plateau
from .complete import candidates, completed
from .curves import PROPERTIES, matches
from .diagnosis import diagnosed, numbered
from .faults import present
from .simulate import Drawn, drawn, unreadable
from .unrelated import unchanged

NOT_KEY = ("clean", "parses")


def score(criterion: str, value: float, why: str) -> Score:
    """An outcome: key, as what was asked for must be right, unless it is among those that are not."""
    return Score(criterion, OUTCOME, value, why, criterion not in NOT_KEY)


def nothing(problem: Problem, why: str) -> tuple[Score, ...]:
    """0 for every criterion."""
    return tuple(score(criterion, 0.0, why) for criterion in problem.criteria)


# -- repair -----------------------------------------------------------------------------------------------------------


def grade_repair(problem: Problem, answer: Answer) -> tuple[Score, ...]:
    """What a repair is worth: ``parses``, ``curve``, ``clean``, ``fault-N fixed``, ``unrelated``."""
    broken = problem.files[problem.expected["path"]]
    text, given = code.repaired(problem, answer)
    if text is None:
        return nothing(problem, given)
    error = unreadable(text)
    if error:
        return nothing(problem, error)
    if code.same_code(text, broken):
        return nothing(problem, "the code is what it was")
    seen = drawn(text)
    curve = _as_meant(problem, text, seen)
    kept, why = unchanged(broken, str(problem.expected["original"]), text)
    other = _others_changed(problem, answer)
    values = {
        "parses": (1.0, given),
        "curve": curve,
        "clean": _clean(problem, seen),
        "unrelated": (0.0, other) if other else (kept, why),
    }
    for number, fault in enumerate(problem.expected["faults"], 1):
        values[f"fault-{number} fixed"] = _fixed(text, fault, seen, curve)
    return tuple(score(name, *values[name]) for name in problem.criteria)


def _as_meant(problem: Problem, text: str, seen: Drawn) -> tuple[float, str]:
    """Whether the learning rate is the one that was meant: its curve, or how it waits for a metric."""
    if seen.error:
        return 0.0, seen.error
    if problem.expected["curves"]:
        good, why = matches(seen.curves, problem.expected["curves"])
        return float(good), why
    meant = problem.expected["plateau"]
    good, why = plateau.right(plateau.reading_of(text, seen.settings), meant["direction"] or meant["mode"])
    return float(good), why


def _clean(problem: Problem, seen: Drawn) -> tuple[float, str]:
    """Whether ``lright check`` finds nothing of severity warning or error that the clean script did not have."""
    if seen.error or seen.report is None:
        return 0.0, seen.error
    left = [one for one in seen.report.findings if one.severity != INFO and one.rule not in problem.expected["noted"]]
    return (0.0, f"{left[0].rule}: {left[0].message}") if left else (1.0, "lright check finds nothing")


def _fixed(text: str, fault: Mapping[str, Any], seen: Drawn, curve: tuple[float, str]) -> tuple[float, str]:
    """Whether one planted fault is gone; one that only the curve shows is gone when the curve is right."""
    if seen.error:
        return 0.0, seen.error
    there = present(text, fault)
    if there is None:
        return curve
    if not there and not seen.curves and not curve[0]:
        return 0.0, "there is no schedule any more that could be right"
    return (0.0, f"{fault['name']} is still there") if there else (1.0, f"{fault['name']} is gone")


def _others_changed(problem: Problem, answer: Answer) -> str:
    """Which other file of the project an answer changed; empty where none."""
    path = problem.expected["path"]
    for name, text in problem.files.items():
        given = answer.files.get(name)
        if name != path and given is not None and code.same_code(given, text) is not True:
            return f"it changes {name}"
    return ""


# -- properties of a curve --------------------------------------------------------------------------------------------


def grade_curve(problem: Problem, answer: Answer, criterion: str) -> Score:
    """What the code in an answer does, against the ``curve`` of a scenario's criterion."""
    spec = problem.expected["criteria"][criterion]
    value, why = _yields(problem, answer, dict(spec.get("curve", {})))
    return Score(criterion, OUTCOME, value, why, bool(spec.get("key", False)))


def grade_choice(problem: Problem, answer: Answer) -> tuple[Score, ...]:
    """What the schedule that an answer's code yields is worth: ``runs``, the properties asked for, ``clean``."""
    script, why = scripted(problem, answer)
    if not script:
        return nothing(problem, why)
    case = problem.expected["case"]
    seen = drawn(script, case)
    if seen.error or not (seen.curves or plateau.reading_of(script, seen.settings)):
        return nothing(problem, seen.error or "no learning rate can be read from its code")
    found = [score("runs", 1.0, "its code can be simulated")]
    for name, wanted in problem.expected["criteria"].items():
        found.append(score(name, *_holds(script, seen, wanted, case)))
    return (*found, score("clean", *_holds(script, seen, {"clean": True}, case)))


def scripted(problem: Problem, answer: Answer) -> tuple[str, str]:
    """The first code that an answer stands by, as a whole script; empty and why where it has none."""
    text = answer.text
    changed = [name for name in sorted(answer.files) if name.endswith(".py")]
    given = [answer.files[name] for name in changed if answer.files[name] != problem.files.get(name)]
    found = given[:1] or candidates(text)
    if not found:
        return "", "it shows no code that makes a schedule"
    return completed(found[0], problem.expected["case"], problem.prompt, text[:4000]), ""


def _yields(problem: Problem, answer: Answer, wanted: Mapping[str, Any]) -> tuple[float, str]:
    """Whether an answer's code has all the properties of a criterion."""
    script, why = scripted(problem, answer)
    if not script:
        return 0.0, why
    case = problem.expected["case"]
    seen = drawn(script, case)
    if seen.error:
        return 0.0, seen.error
    return _holds(script, seen, wanted, case)


def _holds(script: str, seen: Drawn, wanted: Mapping[str, Any], case: Mapping[str, float]) -> tuple[float, str]:
    """Whether a simulated script has all of some properties: 1 and all that was seen, or 0 and what is missing."""
    said = []
    for name, value in wanted.items():
        good, why = _property(script, seen, name, value, case)
        if not good:
            return 0.0, why
        said.append(why)
    return 1.0, "; ".join(said)


def _property(script: str, seen: Drawn, name: str, value: Any, case: Mapping[str, float]) -> tuple[bool, str]:
    """Whether one property holds, and what was seen."""
    if name == "plateau":
        return plateau.right(plateau.reading_of(script, seen.settings), value["mode"])
    if name == "clean":
        loud = [one for one in seen.findings if one.rule < "LR5"]
        return not loud, f"{loud[0].rule}: {loud[0].message}" if loud else "lright check finds nothing"
    if not seen.curves or not seen.curves[0].points:
        return False, "no learning rate can be read from its code"
    curve = seen.curves[0]
    if name == "length":
        return _long_enough(seen, curve, float(value["epochs"]))
    known = PROPERTIES.get(name)
    return known(curve, value, case) if known else (False, f"no property is called {name}")


def _long_enough(seen: Drawn, curve: Curve, epochs: float) -> tuple[bool, str]:
    """Whether the training is as long as it was said to be; one whose length is not told passes."""
    told = seen.report.setting.number("epochs") if seen.report is not None else None
    if told is None and curve.unit == "epoch":
        told = curve.points[-1][0] + 1
    if told is None:
        return True, "its epochs are not told"
    return abs(told - epochs) < 1, f"it trains {told:g} epochs"


# -- reading ----------------------------------------------------------------------------------------------------------


def grade_reading(problem: Problem, answer: Answer) -> tuple[Score, ...]:
    """Whether an answer asserts the right diagnosis, and reads the number off that was asked for."""
    good, why = diagnosed(answer.text, problem.expected["diagnosis"])
    found = [score("diagnosis", float(good), why)]
    if "number" in problem.expected:
        good, why = numbered(answer.text, problem.expected["number"])
        found.append(score("number", float(good), why))
    return tuple(found)
