"""What is told of the arms: differences that are paired over clusters, criteria, costs, and the page they stand on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from xml.etree import ElementTree

import pytest

from lright.evals import page
from lright.evals.compare import costs, criteria, difference, rates, solved
from lright.evals.nouns import OUTCOME, WORDING, WRONG, Answer, Graded, Score, graded


def answer(problem: str, arm: str, epoch: int = 0, good: float = 1.0, wrong: float = 0.0, error: str = "") -> Graded:
    scores = (
        Score("curve", OUTCOME, good, key=True),
        Score("says-why", WORDING, 1.0),
        Score("w-nonsense", WRONG, wrong),
    )
    return Graded(problem, arm, epoch, Answer("text", seconds=2.0, tokens_out=30, error=error), scores)


def about(answers: list[Graded], clusters: Mapping[str, str] = {}) -> dict[str, object]:
    names = sorted({each.problem for each in answers})
    return {
        "subject": "a <model>", "date": "2026-01-01", "lright": "0", "note": "", "problems": len(names), "epochs": 1,
        "seed": 0,
        "arms": {"red": "nothing", "green-skill": "the skill"}, "kinds": dict.fromkeys(names, "repair"),
        "clusters": {name: clusters.get(name, name) for name in names},
    }  # fmt: skip


def test_a_wrong_statement_or_a_missed_key_criterion_unsolves() -> None:
    assert answer("p", "red").solved
    assert not answer("p", "red", good=0.0).solved
    assert not answer("p", "red", wrong=1.0).solved
    assert not Graded("p", "red", 0, Answer(""), ()).solved


def test_without_a_key_every_criterion_counts() -> None:
    scores = (Score("a", WORDING, 1.0), Score("b", WORDING, 0.0))
    assert not Graded("p", "red", 0, Answer("x"), scores).solved
    assert Graded("p", "red", 0, Answer("x"), scores[:1]).solved


def test_graded_answers_survive_json() -> None:
    before = answer("p", "red", 3)
    assert graded(json.loads(json.dumps(before.as_dict()))) == before


def test_epochs_and_paraphrases_do_not_multiply_the_evidence() -> None:
    answers = [answer("p", arm, epoch, good=float(arm != "red")) for arm in ("red", "green") for epoch in range(50)]
    answers += [answer("q", arm, 0, good=float(arm != "red")) for arm in ("red", "green")]
    found = difference(rates(answers, solved, {"q": "p"}), "green", "red")
    assert found is not None
    assert found.clusters == 1
    assert found.difference == 1.0
    assert (found.low, found.high, found.verdict) == (None, None, "not told apart")


def test_the_interval_is_the_t_interval_of_paired_differences() -> None:
    by_arm = {"red": {"a": 0.0, "b": 0.5, "c": 0.25}, "green": {"a": 1.0, "b": 0.5, "c": 1.0, "only-green": 1.0}}
    found = difference(by_arm, "green", "red")
    assert found is not None
    scipy_stats = pytest.importorskip("scipy.stats")
    low, high = scipy_stats.t.interval(0.95, 2, *_mean_and_error([1.0, 0.0, 0.75]))
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)
    assert difference(by_arm, "green", "nobody") is None


def test_what_differs_by_the_same_everywhere_is_told_from_six_on() -> None:
    def of(clusters: int) -> str:
        names = [str(number) for number in range(clusters)]
        found = difference({"red": dict.fromkeys(names, 0.0), "g": dict.fromkeys(names, 1.0)}, "g", "red")
        assert found is not None
        assert found.low is None
        return found.verdict

    assert (of(5), of(6)) == ("not told apart", "higher")  # 2 / 2**6 is below 5%, 2 / 2**5 is not


def _mean_and_error(values: list[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    spread = (sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5
    return mean, spread / len(values) ** 0.5


def test_criteria_that_tell_nothing_apart_are_known() -> None:
    answers = [answer("p", "red", good=0.0), answer("p", "green", good=1.0)]
    told = {each.name: each.discriminates for each in criteria(answers)}
    assert told == {"curve": True, "says-why": False, "w-nonsense": False}


def test_unjudged_is_not_zero() -> None:
    scores = (Score("curve", OUTCOME, None, "no code"),)
    found = criteria([Graded("p", "red", 0, Answer("x"), scores)])
    assert found[0].rates == {}
    assert found[0].unjudged == 1


def test_costs_are_medians_and_count_failures() -> None:
    found = costs([answer("p", "red"), answer("q", "red", error="late")])
    assert (found[0].answers, found[0].failed, found[0].seconds, found[0].tokens_out) == (2, 1, 2.0, 30.0)


def test_the_page_says_what_the_answers_say_and_escapes_it() -> None:
    answers = [answer(name, arm, good=float(arm == "green-skill" or name == "a")) for name in "abcd" for arm in
               ("red", "green-skill")]  # fmt: skip
    results = page.Results(answers, about(answers))
    html = page.html(results)
    assert "<model>" not in html
    assert "a &lt;model&gt;" in html
    assert "+75.0" in html
    assert "criteria that tell no arm from another" in html.lower()
    assert not re.search(r"<script|src=|href=", html)  # one file that loads nothing
    ElementTree.fromstring(page.picture(results))
    summary = json.loads(json.dumps(results.summary()))
    schema = files("lright").joinpath("schemas/eval-v1.schema.json").read_text("utf-8")
    pytest.importorskip("jsonschema").validate(summary, json.loads(schema))
    assert summary["rates"]["solved"]["all"] == {"red": 0.25, "green-skill": 1.0}
    assert "green-skill - red: +75.0" in "\n".join(page.terminal(results))
