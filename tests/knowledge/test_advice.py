"""The decisions and matters speak only of what exists: names, sources, topics, code that is code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lright
import lright.advise.workings  # it fills WORKINGS
from lright.advise.facts import WORKINGS
from lright.advise.sources import is_known
from lright.knowledge import load, matter
from lright.knowledge.advice import points
from lright.rules import all_rules
from lright.setting import FIELDS, SYMPTOMS

ROOT = Path(lright.__file__).parent
MATTERS = {name: matter(name) for name in load("matters")}
DECISIONS = load("decisions")
LABELLED = {
    "patience", "cooldown", "factor", "threshold", "T_max", "T_0", "T_mult", "eta_min", "min_lr", "max_lr", "pct_start",
    "div_factor", "final_div_factor", "gamma", "step_size", "milestones", "steps_per_epoch", "total_steps",
    "num_warmup_steps", "num_training_steps", "last_epoch", "resume_epoch", "gpus", "final_lr", "lr_bad", "lr_ok",
    "suggested", "step_size_up", "base_lr", "start_factor", "total_iters", "power", "decay_steps", "cycle_limit",
}  # fmt: skip
PLANNED = {
    "shape", "ends_in_cosine", "plan_text", "plan_title", "plan_peak", "plan_low", "plan_high", "plan_warmup",
    "plan_warmup_length", "proved",
}  # fmt: skip
NAMES = {*FIELDS, *WORKINGS, *LABELLED, *PLANNED}
MARKS = ("about", "saw", "found", "code", "told")
GAP = re.compile(r"\{(\w+)(?::[^{}]+)?\}")


def names(condition: Any) -> Iterator[str]:
    """The names in a compiled condition."""
    if isinstance(condition, str):
        yield condition
    elif condition[0] != "value":
        for operand in condition[1:]:
            yield from names(operand)


def conditions(node: Any) -> Iterator[Any]:
    """Every condition below a node."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "when":
                yield value
            else:
                yield from conditions(value)
    elif isinstance(node, list):
        for one in node:
            yield from conditions(one)


def texts(node: Any) -> Iterator[str]:
    """Every sentence below a node."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("text", "verdict", "because", "ask", "do"):
                yield from ([value] if isinstance(value, str) else texts(value))
            elif key != "when":
                yield from texts(value)
    elif isinstance(node, list):
        for one in node:
            yield from ([one] if isinstance(one, str) and "{" in one else texts(one))


def check_names(node: Any) -> None:
    for condition in conditions(node):
        for name in names(condition):
            kind, colon, what = name.partition(":")
            if not colon:
                assert name in NAMES, f"{name} is no fact, working or label"
            elif kind == "told":
                assert what in FIELDS, f"{what} is no fact"
            elif kind == "about":
                assert what in load("lexicon")["topics"], f"no topic is called {what}"
            elif kind == "saw":
                assert {what, what.removeprefix("lr-")} & {*SYMPTOMS, "early"}, f"no symptom is called {what}"
            else:
                assert kind in MARKS
    for text in texts(node):
        for gap in GAP.findall(text):
            assert gap in NAMES, f"{{{gap}}} is no fact, working or label: {text[:60]}"


@pytest.mark.parametrize("name", MATTERS)
def test_matters_name_what_exists(name: str) -> None:
    matter = MATTERS[name]
    check_names(matter)
    assert set(matter.get("covers", ())) <= set(MATTERS)
    rules = {rule.id for rule in all_rules()}
    planned = {f"LR60{digit}" for digit in range(10)} | {"LR610", "LR611"}  # what a run shows: named by words already
    assert matter.get("rule") is None or matter["rule"] in rules | planned


@pytest.mark.parametrize("name", MATTERS)
def test_every_point_has_a_source_that_exists(name: str) -> None:
    for point in points(MATTERS[name]):
        for source in point["source"]:
            assert is_known(source), f"{name}: {source!r} is no fact, no recipe and no plain words"


@pytest.mark.parametrize("name", MATTERS)
def test_code_of_matters_is_code(name: str) -> None:
    from lright.schedule import Schedule

    for snippet in MATTERS[name].get("code", ()):
        if "text" in snippet:
            ast.parse(GAP.sub("1", re.sub(r"\[\[|\]\]", "", snippet["text"])))
        if "schedule" in snippet:
            Schedule.parse(snippet["schedule"])


@pytest.mark.parametrize("decision", DECISIONS)
def test_decisions_name_what_exists(decision: str) -> None:
    check_names(DECISIONS[decision])
    for row in DECISIONS[decision]:
        for source in row.get("source", ()):
            assert is_known(source), f"{decision}/{row['id']}: {source!r}"


@pytest.mark.parametrize("decision", ["shape", "warmup", "floor", "stepping"])
def test_a_decision_always_has_a_row(decision: str) -> None:
    assert DECISIONS[decision][-1]["when"] == ["value", True]


def test_every_working_is_used() -> None:
    """Arithmetic that no sentence, condition or other working asks for is dead."""
    sources = "".join(path.read_text("utf-8") for path in ROOT.rglob("*.py"))
    asked = "".join(path.read_text("utf-8") for path in ROOT.glob("knowledge/**/*.yaml"))
    dead = [name for name in WORKINGS if not re.search(rf"\b{name}\b", asked) and sources.count(name) < 2]
    assert not dead
