"""The problems: always the same, fair, without their answers in them, and graded right at both ends."""

from __future__ import annotations

import ast
import difflib
import random
import re

import pytest

from lright.evals.grade import grade
from lright.evals.grade.simulate import drawn
from lright.evals.nouns import Answer, Graded, Problem
from lright.evals.planted import FAULTS, make
from lright.evals.problems import load
from lright.evals.problems.mutate import OPERATORS, Text
from lright.evals.problems.repair import _task, of_case, repair_from, without_comments

CLEAN = """\
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

def train(model, loader, epochs=90):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = CosineAnnealingLR(optimizer, T_max=epochs)
    for epoch in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        scheduler.step()
"""


@pytest.fixture(scope="module")
def repairs() -> tuple[Problem, ...]:
    return load(kinds=["repair"])


def solved(problem: Problem, answer: Answer) -> bool:
    return Graded(problem.id, "test", 0, answer, grade(problem, answer)).solved


def both_ends(problem: Problem) -> None:
    """The intended original meets every criterion; the broken script itself is no answer."""
    path, original = problem.expected["path"], problem.expected["original"]
    scores = grade(problem, Answer("done", {path: original}))
    assert [score.criterion for score in scores] == list(problem.criteria)
    assert all(score.value == 1 for score in scores), (problem.id, [s for s in scores if s.value != 1])
    broken = problem.files[path]
    for answer in (Answer("done", {path: broken}), Answer(f"```python\n{broken}```")):
        assert not solved(problem, answer), problem.id
        assert not any(score.value for score in grade(problem, answer))


def test_the_default_set() -> None:
    found = [*load(kinds=["scenario"]), *load(kinds=["choice", "reading"])]
    assert len({problem.id for problem in found}) == len(found)
    assert [problem.id for problem in load(kinds=["choice", "reading"])] == [
        p.id for p in found if p.kind != "scenario"
    ]
    assert load(kinds=["reading"], size=4) == load(kinds=["reading"], size=6)[:4]
    assert load(kinds=["reading"], size=4, seed=1) != load(kinds=["reading"], size=4)
    assert {problem.tags[0] for problem in load(kinds=["scenario"])} == {"seed", "paraphrase", "pressure"}
    assert len(load(kinds=["scenario"], tags=["seed"])) == 6


def test_scenarios_inherit() -> None:
    by_id = {problem.id: problem for problem in load(kinds=["scenario"])}
    assert by_id["para-1a"].criteria == by_id["seed-1-schedule-or-not"].criteria
    hurried = by_id["pressure-hurry-vit"]
    assert "short-answer-first" in hurried.criteria and "w-warmup-optional" in hurried.criteria
    assert hurried.expected["case"]["epochs"] == 100


def test_repairs_are_always_the_same(repairs: tuple[Problem, ...]) -> None:
    assert load(kinds=["repair"], size=2) == repairs[:2]
    assert len(repairs) == 24
    assert {len(problem.expected["faults"]) for problem in repairs} == {1, 2, 3}
    sizes = [len(problem.files["train.py"].splitlines()) for problem in repairs]
    assert min(sizes) < 35 and max(sizes) > 250
    assert any(len(problem.files) == 2 for problem in repairs)
    assert {problem.tags[0] for problem in repairs} == {"planted", "operators", "rule"}


def test_no_problem_gives_its_answer_away(repairs: tuple[Problem, ...]) -> None:
    for problem in repairs:
        assert not re.search(r"\bLR\d\d\d\b|lright", problem.prompt), problem.id
        for fault in problem.expected["faults"]:
            assert fault["name"] not in problem.prompt and fault["name"].replace("-", " ") not in problem.prompt
        text = problem.files["train.py"]
        ast.parse(text)
        assert not re.search(r"#.*(?:wrong|bug|fault|should|step)", text, re.IGNORECASE), problem.id
    for problem in load(kinds=["reading"], size=13):
        assert problem.expected["diagnosis"] not in problem.prompt.lower()


def test_both_ends_of_every_default_repair(repairs: tuple[Problem, ...]) -> None:
    for problem in repairs:
        both_ends(problem)


def test_both_ends_of_a_sample_of_more_repairs() -> None:
    """Every sixth plant, and some of another seed."""
    _sample(FAULTS[5::6])
    for problem in load(kinds=["repair"], size=8, seed=1):
        both_ends(problem)


def _sample(faults: list) -> None:  # type: ignore[type-arg]
    made = 0
    for number, fault in enumerate(faults):
        rng = random.Random(number)
        pair = of_case(make(fault, f"sample:{number}", "case"))
        if pair is None:
            continue
        problem = _task(f"sample-{number}", pair, rng, {"train.py": pair.broken}, "train.py", pair.original)
        if problem is not None:
            both_ends(problem)
            made += 1
    assert made >= 0.6 * len(faults)


@pytest.mark.parametrize("seed", range(3))
def test_a_script_of_somebody_is_spoiled(seed: int) -> None:
    problem = repair_from(CLEAN, faults=2, seed=seed, name="mine")
    assert problem is not None
    assert problem == repair_from(CLEAN, faults=2, seed=seed, name="mine")
    assert problem.files["train.py"] != CLEAN
    assert drawn(problem.files["train.py"]).findings or drawn(problem.files["train.py"]).curves
    both_ends(problem)


def test_what_cannot_be_spoiled_is_left_out() -> None:
    assert repair_from("print('hello')") is None
    assert repair_from("def f(:") is None


def test_operators_write_python() -> None:
    for name, operator in OPERATORS.items():
        for version in operator(Text(CLEAN)):
            ast.parse(version)
            assert version != CLEAN, name


def test_comments_are_taken_out() -> None:
    assert without_comments("x = 1  # Step after each batch\ny = '# no comment'\n") == "x = 1\ny = '# no comment'\n"


def test_a_repair_may_come_in_any_form(repairs: tuple[Problem, ...]) -> None:
    """As a diff, formatted anew, or as the functions that changed."""
    for problem in repairs[::3]:
        original, broken = problem.expected["original"], problem.files["train.py"]
        diff = "".join(difflib.unified_diff(broken.splitlines(True), original.splitlines(True), "a", "b"))
        new = {node.name: node for node in ast.walk(ast.parse(original)) if isinstance(node, ast.FunctionDef)}
        old = {node.name: node for node in ast.walk(ast.parse(broken)) if isinstance(node, ast.FunctionDef)}
        changed = [name for name in new if name in old and ast.dump(new[name]) != ast.dump(old[name])]
        forms = [f"```diff\n{diff}```", f"```python\n{ast.unparse(ast.parse(original))}\n```"]
        forms += ["\n".join(f"```python\n{ast.unparse(new[name])}\n```" for name in changed)] if changed else []
        for text in forms:
            assert solved(problem, Answer(text)), (problem.id, text[:200])
