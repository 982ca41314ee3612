"""Plans over a grid of situations: they are made, they name their sources, and their code passes our own check."""

from __future__ import annotations

import json
import math

import pytest

from advise.situations import situations
from lright.advise.plan import Plan, named, plan
from lright.advise.sources import is_known
from lright.consult import pages
from lright.consult.code import exported
from lright.doctor import Options, check_source
from lright.errors import LrightError
from lright.render.advice import markdown, terminal
from lright.render.screen import Screen
from lright.rules import all_rules
from lright.rules.choices import ChoiceRule
from lright.setting import Setting

GRID = list(situations(400))  # benchmarks/plans.py goes over 5,000
CHECKED = 60  # of them have their code checked, which takes longer


def planned(**facts: str | float | bool) -> Plan:
    return plan(named(Setting.of("test", **facts)))


@pytest.mark.parametrize("number", range(0, len(GRID), 40))
def test_every_situation_has_a_plan_with_sources(number: int) -> None:
    for setting in GRID[number : number + 40]:
        made = plan(setting)
        assert made.reasons and all(one.sources and one.text for one in made.reasons)
        cited = [source for one in (*made.reasons, *made.cautions) for source in one.sources]
        cited += [source for one in made.alternatives for source in one.sources]
        assert all(map(is_known, cited)), cited
        assert made.peak > 0
        assert all(math.isfinite(lr) and lr >= 0 for _, lr in made.resolved.points(60))
        assert "".join(terminal(pages.of_plan(made), Screen())) and "".join(markdown(pages.of_plan(made, True)))
        json.loads(pages.json_of_plan(made))


@pytest.mark.parametrize("number", range(0, CHECKED, 10))
def test_the_code_of_a_plan_passes_the_check(number: int) -> None:
    for setting in GRID[number : number + 10]:
        made = plan(setting)
        step = None if made.unit == "validation" else made.unit
        code = exported(made.schedule, made.peak, made, step, "torch").code
        found = [one for one in check_source(code, "plan.py", Options(fixes=False)).findings if one.severity != "info"]
        assert not found, f"{made.text}, {made.unit}: {found[0].rule} {found[0].message}"


def test_a_plan_keeps_the_rules_on_choices() -> None:
    """What the catalogue says of choices, it does not say of what we propose."""
    judges = [rule for rule in all_rules() if isinstance(rule, ChoiceRule)]
    assert judges
    for setting in GRID:
        made = plan(setting)
        proposal = Setting(dict(made.setting.facts))
        proposal.know("lr", made.peak, "the plan")
        proposal.know("warmup", "5%" if made.text.startswith("warmup") else "0", "the plan")
        proposal.know("scheduler", "LambdaLR" if made.text not in ("hold", "plateau") else "constant", "the plan")
        for rule in judges:
            told = {one.rule for one in rule.judge(setting)}
            for verdict in rule.judge(proposal):
                assert verdict.severity == "info" or verdict.rule in told, f"{made.text} at {made.peak}: {verdict}"


def test_the_case_of_the_readme() -> None:
    made = planned(
        model="vit-b16", pretrained=False, optimizer="adamw", lr=1e-3, epochs=100, samples=50_000, batch_size=128
    )
    assert made.text == "warmup 5ep from 0.01 > cosine to 0"
    assert (made.peak, made.unit) == (0.001, "epoch")
    assert made.resolved(5 * 391) == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("facts", "shape"),
    [
        ({"domain": "rl", "algorithm": "ppo", "steps": 100_000}, "linear to 0"),
        ({"domain": "rl", "algorithm": "sac", "steps": 100_000}, "hold"),
        ({"domain": "gan", "epochs": 100}, "hold"),
        ({"model": "bert-base", "epochs": 3}, "warmup 10% > linear to 0"),
        (
            {"model": "gpt2", "pretrained": False, "steps": 600_000, "beta2": 0.95},
            "warmup 1800 updates > cosine to 0.1",
        ),
        ({"goal": "open-end", "family": "cnn"}, "hold"),
        ({"optimizer": "prodigy", "family": "cnn", "epochs": 10}, "cosine to 0"),
        ({"model": "faster-rcnn", "epochs": 12}, "warmup 500 updates > multi-step at 66.7%, 91.7% gamma 0.1"),
    ],
)
def test_the_usual_choices(facts: dict[str, str | float | bool], shape: str) -> None:
    assert planned(**facts).text == shape


def test_an_unstable_run_above_the_range_is_lowered() -> None:
    from lright.setting import Symptom

    setting = Setting.of("test", model="vit-b16", pretrained=False, optimizer="adamw", lr=0.01, epochs=100)
    setting.symptoms.append(Symptom("nan", epoch=1))
    made = plan(setting)
    assert made.high is not None and made.peak <= made.high


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("epochs", "many", "no number"),
        ("epochs", "-3", "0 or more"),
        ("epochs", "nan", "finite"),
        ("batch_size", "1.5", "whole number"),
        ("domain", "cooking", "write one of"),
        ("warmup", "five", "warmup='five'"),
        ("pretrained", "maybe", "neither yes nor no"),
        ("epohs", 3, "there is no fact 'epohs'"),
        ("momentum", 3, "between 0 and 1"),
    ],
)
def test_bad_facts_get_one_clear_line(name: str, value: str, said: str) -> None:
    with pytest.raises(LrightError) as raised:
        Setting.of("test", **{name: value})
    assert said in str(raised.value) and "\n" not in str(raised.value)
