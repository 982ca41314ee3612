"""Repair tasks: a training project with one to three faults, and a request in a user's words.

The scripts come from three places: the generator of correct scripts and its plants, the rules' own bad examples with
the good one that answers them, and any clean script with faults put in by :mod:`.mutate`. Each is dressed in unrelated
code until it has the size of a real file. A fault is kept only where it shows: the simulated learning rate is another
one, or a rule names it; and where the clean script shows neither.
"""

from __future__ import annotations

import ast
import difflib
import io
import random
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...finding import INFO
from ..grade.curves import as_data
from ..grade.faults import present
from ..grade.plateau import reading_of
from ..grade.simulate import Drawn, drawn, speaks
from ..nouns import REPAIR, Problem
from ..planted import FAULTS, Case, make
from ..planted.recipes import Writer
from ..planted.styles import draw
from . import symptoms
from .mutate import OPERATORS, Text
from .padding import padded

PATH = "train.py"
SIZES = (30, 60, 100, 150, 220, 300)


@dataclass(frozen=True)
class Pair:
    """A clean script, the broken one, and what was done to it."""

    original: str
    broken: str
    faults: tuple[Mapping[str, Any], ...]
    conditions: tuple[str, ...]
    tags: tuple[str, ...]


def tasks(size: int = 24, seed: int = 0) -> Iterator[Problem]:
    """So many repair tasks; the same seed gives the same."""
    from_where = (_of_generator, _of_operators, _of_rules)
    made: set[str] = set()
    number = attempt = 0
    while number < size:
        rng = random.Random(f"repair:{seed}:{number}:{attempt}")
        pair = from_where[number % 3](rng, number // 3 + 40 * attempt + 7 * seed)
        problem = _problem(f"repair-{seed}-{number:03d}", pair, rng, number) if pair is not None else None
        if problem is None or problem.files[PATH] in made:
            attempt += 1
            continue
        made.add(problem.files[PATH])
        yield problem
        number, attempt = number + 1, 0


def repair_from(text: str, faults: int = 1, seed: int = 0, name: str = "script", path: str = PATH) -> Problem | None:
    """A repair task from any clean script that lright reads; None where no fault can be put in that shows.

    >>> print(repair_from("print('no training here')"))
    None
    """
    rng = random.Random(f"from:{name}:{seed}")
    pair = _spoiled(text, faults, rng)
    if pair is None:
        return None
    return _task(f"repair-{name}-{seed}-{faults}", pair, rng, {path: pair.broken}, path, pair.original)


# -- where scripts come from ------------------------------------------------------------------------------------------


def _of_generator(rng: random.Random, number: int) -> Pair | None:
    """A drawn script with one planted fault."""
    loud = [one for one in FAULTS if not one.any_severity]
    return of_case(make(loud[(number * 11) % len(loud)], f"repair:{rng.random()}", "case"))


def of_case(case: Case) -> Pair | None:
    """A generator's case as a pair, if its rules speak of it."""
    rules = [rule for rule in sorted(case.fits) if speaks(case.source, (rule,)) and not speaks(case.original, (rule,))]
    rules.sort(key=lambda rule: rule != case.rule)
    fault = {"name": case.plant.replace("_", "-"), "rules": rules}
    conditions = () if "default" in case.conditions else tuple(sorted(case.conditions))
    return Pair(case.original, case.source, (fault,), conditions, ("planted", case.rule)) if rules else None


def _of_operators(rng: random.Random, number: int) -> Pair | None:
    """A drawn script with one to three faults put in."""
    unit, kind, lead = _KINDS[number % len(_KINDS)]
    plan = draw(rng, unit=unit, kind=kind, resume=rng.random() < 0.2, early_stop=False, ddp=False, data="known")
    count = (1, 2, 3, 2)[number % 4]
    pair = _spoiled(Writer(rng, plan).write().source(), count, rng, lead)
    return pair if pair is not None and len(pair.faults) == count else None


_KINDS = (  # what the script's schedule counts, the schedule, and the fault that is tried first
    ("epoch", "cosine", "tick-into-batch-loop"),
    ("update", "onecycle", "length-cut"),
    ("epoch", "multistep", "milestones-past-the-end"),
    ("epoch", "sequential", "warmup-not-subtracted"),
    ("val", "plateau", "mode-reversed"),
    ("update", "hf_cosine", "tick-out-of-batch-loop"),
    ("epoch", "steplr", "optimizer-made-again"),
    ("update", "cosine", "length-in-epochs"),
    ("epoch", "linear", "tick-removed"),
    ("update", "sequential", "warmup-not-subtracted"),
    ("epoch", "exponential", "gamma-changed"),
    ("val", "plateau", "metric-of-training"),
    ("epoch", "polynomial", "length-stretched"),
)


def _of_rules(rng: random.Random, number: int) -> Pair | None:
    """A bad example of a rule, and the good one that is closest to it."""
    from ... import rules

    families = [rule for rule in rules.chosen((), (), runs=False) if rule.id < "LR5" and rule.bad and rule.good]
    rule = families[(number * 5 + 2) % len(families)]
    bad = rng.choice(rule.bad)
    alike = {difflib.SequenceMatcher(None, bad, text, False).ratio(): text for text in rule.good if _pair(bad, text)}
    if not alike or max(alike) < 0.93 or not speaks(bad, (rule.id,)):
        return None
    good = alike[max(alike)]
    found = [one for one in drawn(bad).findings if one.rule == rule.id]
    conditions = found[0].conditions if found and "default" not in found[0].conditions else ()
    original, broken = without_comments(good), without_comments(bad)
    if rng.random() < 0.5:
        original, broken = in_main(original), in_main(broken)
    fault = {"name": rule.slug, "rules": [rule.id]}
    return Pair(original, broken, (fault,), tuple(conditions), ("rule", rule.id))


def _pair(bad: str, good: str) -> bool:
    """Whether one example can be the other mended: the same schedulers, in a training of the same length."""
    return all(re.findall(what, bad) == re.findall(what, good) for what in (r"\b[A-Z]\w*(?:LR|Restarts|Plateau)\(",
               r"(?im)^.*\bepochs\b = .*$", r"range\(.*\)"))  # fmt: skip


def without_comments(text: str) -> str:
    """A script without its comments: an example's say what is wrong with it.

    >>> without_comments("a = 1  # wrong\\n# here\\nb = '#'\\n")
    "a = 1\\nb = '#'\\n"
    """
    lines = text.splitlines()
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(text).readline))):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
            if not lines[row - 1]:
                del lines[row - 1]
    return "\n".join(lines) + "\n"


def in_main(text: str) -> str:
    """A flat script with its body in ``main``; one that is not flat stays as it is."""
    tree = ast.parse(text)
    heads = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    kept = (ast.FunctionDef, ast.ClassDef)
    if not heads or tree.body[: len(heads)] != heads or any(isinstance(node, kept) for node in tree.body):
        return text
    if any(isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" in node.value
           for node in ast.walk(tree)):  # fmt: skip
        return text
    lines = text.splitlines()
    end = heads[-1].end_lineno or 1
    body = [f"    {line}" if line else "" for line in lines[end:]]
    while body and not body[0]:
        body.pop(0)
    return "\n".join(
        [*lines[:end], "", "", "def main():", *body, "", "", 'if __name__ == "__main__":', "    main()", ""]
    )


# -- putting faults in ------------------------------------------------------------------------------------------------


def _spoiled(text: str, count: int, rng: random.Random, lead: str = "") -> Pair | None:
    """A clean script with so many faults (fewer where no more fit), ``lead`` tried first; None where none shows."""
    clean = drawn(text)
    if clean.error or clean.report is None:
        return None
    faults: list[Mapping[str, Any]] = []
    conditions: list[str] = []
    broken, before = text, clean
    order = list(OPERATORS)
    rng.shuffle(order)
    order.sort(key=lambda name: name != lead)
    alone = "gradients-not-zeroed"  # never alone: it has nothing to do with the learning rate
    if count > 1 and rng.random() < 0.3:
        order.insert(1, order.pop(order.index(alone)))
    else:
        order.sort(key=lambda name: name == alone)
    for name in order:
        if len(faults) == count:
            break
        if any(family(name) == family(str(old["name"])) for old in faults):
            continue  # two edits of one place would be one fault, or none
        for version in _versions(broken, name, rng):
            after = drawn(version)
            fault = _fault(name, text, version, before, after)
            if fault is None or (fault.get("lacks") and not faults):
                continue
            if all(present(version, old) is not False for old in faults):
                conditions += _conditions(fault, after)
                faults, broken, before = [*faults, fault], version, after
                break
    return Pair(text, broken, tuple(faults), tuple(conditions), ("operators",)) if faults else None


def family(name: str) -> str:
    """What an operator edits: the step of the scheduler, a length, or a thing of its own."""
    first = name.split("-")[0]
    return first if first in ("tick", "length", "metric") else name


def _versions(text: str, name: str, rng: random.Random) -> list[str]:
    """What an operator makes of a script, in an order drawn by chance."""
    found = [version for version in OPERATORS[name](Text(text)) if version != text]
    rng.shuffle(found)
    return found[:4]


def _fault(name: str, original: str, version: str, before: Drawn, after: Drawn) -> Mapping[str, Any] | None:
    """A fault as its grader knows it, if it shows: the rules that speak of it since, or another learning rate."""
    if after.error or after.report is None or before.report is None:
        return None
    if set(after.report.undefined) - set(before.report.undefined) or dict(after.settings) != dict(before.settings):
        return None  # a name that is not there: another mistake than the one that was meant
    if name == "gradients-not-zeroed":
        return {"name": name, "rules": [], "lacks": "zero_grad"}
    new = {one.rule for one in after.findings} - {one.rule for one in before.findings}
    rules = sorted(rule for rule in new if speaks(version, (rule,)) and not speaks(original, (rule,)))
    changed = bool(before.curves) and [one.points for one in after.curves] != [one.points for one in before.curves]
    if rules:
        return {"name": name, "rules": rules}
    return {"name": name, "rules": []} if changed and after.curves and not new else None


def _conditions(fault: Mapping[str, Any], after: Drawn) -> list[str]:
    """The conditions under which a fault bites, where a plain run does not show it."""
    found = [one.conditions for one in after.findings if one.rule in fault["rules"]]
    return [] if not found or any("default" in one for one in found) else list(found[0])


# -- the task ---------------------------------------------------------------------------------------------------------


def _problem(name: str, pair: Pair, rng: random.Random, number: int) -> Problem | None:
    """A pair as a task: dressed to a size, in one file or two."""
    lines = SIZES[(number * 5 + number // 6) % len(SIZES)]
    if number % 8 == 5:  # the rest of the project in a file of its own
        rest = padded(("import torch\n",), lines, rng)[0]
        names = [node.name for node in ast.parse(rest).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
        names = [one for one in names if one not in pair.broken][:3]
        line = f"from utils import {', '.join(sorted(names))}\n"
        files = {PATH: _after_imports(pair.broken, line), "utils.py": rest}
        return _task(name, pair, rng, files, PATH, _after_imports(pair.original, line))
    broken, original = padded((pair.broken, pair.original), lines, rng)
    return _task(name, pair, rng, {PATH: broken}, PATH, original)


def _after_imports(text: str, line: str) -> str:
    """A script with one more import behind those at its head."""
    lines = text.splitlines(keepends=True)
    at = 0
    for node in ast.parse(text).body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            break
        at = node.end_lineno or node.lineno
    return "".join([*lines[:at], line, *lines[at:]])


def _task(
    name: str, pair: Pair, rng: random.Random, files: Mapping[str, str], path: str, original: str
) -> Problem | None:
    """The task, if after all edits the clean script passes and the broken one shows every fault."""
    clean, broken = drawn(original), drawn(files[path])
    if clean.error or clean.report is None or broken.error or not _shows(pair, original, files[path], clean, broken):
        return None
    plateau = reading_of(original)
    if not clean.curves and plateau is None:
        return None  # nobody could say what its learning rate is meant to be
    epochs = clean.report.setting.number("epochs")
    words = symptoms.prompt(rng, path, clean.curves, broken.curves, pair.faults, pair.conditions, epochs, plateau)
    criteria = ["parses", "curve", "clean"]
    criteria += [f"fault-{number} fixed" for number in range(1, len(pair.faults) + 1)] + ["unrelated"]
    expected = {
        "path": path,
        "original": original,
        "curves": as_data(clean.curves),
        "plateau": plateau,
        "faults": [dict(one) for one in pair.faults],
        "places": places(original, files[path]),
        "noted": sorted(one.rule for one in clean.report.findings if one.severity != INFO),
    }
    tags = (*pair.tags, *(str(one["name"]) for one in pair.faults), f"faults-{len(pair.faults)}", *pair.conditions)
    return Problem(name, REPAIR, words, dict(files), tuple(criteria), expected, tuple(dict.fromkeys(tags)))


def _shows(pair: Pair, original: str, broken: str, clean: Drawn, spoiled: Drawn) -> bool:
    """Whether every fault is seen in the broken script and none in the clean one."""
    changed = bool(clean.curves) and [c.points for c in clean.curves] != [c.points for c in spoiled.curves]
    for fault in pair.faults:
        if present(original, fault) is True or present(broken, fault) is False:
            return False
        if present(broken, fault) is None and not changed:
            return False
    return True


def places(original: str, broken: str) -> list[int]:
    """The lines of the broken script that differ from the clean one, or stand where something was taken out."""
    matcher = difflib.SequenceMatcher(None, original.splitlines(), broken.splitlines(), False)
    found: list[int] = []
    for kind, _, _, start, end in matcher.get_opcodes():
        if kind != "equal":
            found += range(start + 1, max(end, start + 1) + 1)
    return found
