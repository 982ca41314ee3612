"""Recipes: every one resolves, is drawn and told, and some curves are those of the code they were read in."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lright.advise import recipes as room
from lright.advise.recipes import Recipe, matching, recipe, recipes
from lright.cli import main
from lright.errors import LrightError
from lright.knowledge import COMPILED, build
from lright.render.plot import Options
from lright.render.recipes import Side, page, sides, words
from lright.render.screen import Screen
from lright.schedule import Schedule
from lright.setting import DOMAINS, FAMILIES, Setting

ALL = pytest.mark.parametrize("one", recipes(), ids=lambda one: one.id)
STAIRS = {"resnet50", "mobilenet-v2"}


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told(capsys, *arguments))
    return found


# The data.


def test_the_compiled_table_is_that_of_the_yaml() -> None:
    written = yaml.safe_load((build.HERE / "recipes.yaml").read_text("utf-8"))
    compiled = json.loads(Path(COMPILED, "recipes.json").read_text("utf-8"))
    assert [entry["id"] for entry in written] == list(compiled), "python -m lright.knowledge.build"
    assert all(compiled[entry["id"]] == entry for entry in written), "python -m lright.knowledge.build"


def test_every_name_is_given_once() -> None:
    names = [room._plain(name) for one in recipes() for name in {room._plain(n) for n in (one.id, *one.aliases)}]
    assert len(recipes()) == 77
    assert sorted(set(names)) == sorted(names)


@ALL
def test_the_fields_are_sane(one: Recipe) -> None:
    assert one.domain in DOMAINS and one.family in FAMILIES
    assert one.verified in ("read", "second-hand", "memory")
    assert set(one.source) == {"title", "ref", "where"} and all(one.source.values())
    assert 0 < one.peak < 100 and all(lr > 0 for lr in one.groups.values())
    known = {*Recipe.__annotations__, *one.optimizer}
    assert set(one.memory) <= known and len(set(one.memory)) == len(one.memory)
    assert str(Schedule.parse(str(one.parsed()))) == str(one.parsed())


@ALL
def test_every_value_is_finite_and_within_the_peak(one: Recipe) -> None:
    lr = one.resolve()
    values = [lr(lr.updates * share / 400) for share in range(401)] + [value for _, value in lr.points()]
    assert all(math.isfinite(value) and value >= 0 for value in values)
    highest = 1.52 if one.id == "modded-nanogpt" else 1.0
    assert 0.97 * one.peak <= max(values) <= highest * one.peak * (1 + 1e-9)  # a cosine that runs under a warmup: less


@ALL
def test_the_form_for_code_is_nearly_the_same(one: Recipe) -> None:
    lr, code = one.resolve(), one.sequential().resolve(one.budget(), one.peak)
    apart = max(abs(lr(t) - code(t)) for t in range(0, lr.updates, max(lr.updates // 997, 1)))
    assert apart <= 0.015 * one.peak


@ALL
@pytest.mark.parametrize("width", [40, 80])
def test_every_page_is_told(one: Recipe, width: int) -> None:
    lines = list(page(one, Screen(width=width)))
    text = "\n".join(lines)
    assert one.title.split()[0] in text and "No code" not in text
    assert ("~" in text) == bool(one.memory)
    code = next(index for index, line in enumerate(lines) if line == "In torch:")
    assert width < 80 or all(len(line) <= width for line in lines[:code])


@pytest.mark.parametrize("name", sorted(STAIRS | {"gpt2", "lstm-lm", "resnet50-goyal-8k"}))
@pytest.mark.parametrize("framework", ["torch", "transformers", "timm", "keras", "optax"])
def test_code_compiles(name: str, framework: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "recipes", name, "--framework", framework, "--format", "json")
    if found["code"]["code"] is not None:
        compile(found["code"]["code"], name, "exec")
    else:
        assert found["code"]["notes"]


# Curves against the code they were read in, computed by hand.


def test_resnet50_drops_at_30_and_60() -> None:
    lr, epoch = recipe("resnet50").resolve(), 5005
    assert [lr(0), lr(30 * epoch - 1)] == [0.1, 0.1]
    assert [lr(30 * epoch), lr(60 * epoch - 1), lr(60 * epoch), lr(90 * epoch - 1)] == pytest.approx(
        [0.01, 0.01, 0.001, 0.001]
    )


def test_goyal_warms_up_over_5_epochs_and_drops_at_30_60_80() -> None:
    lr, epoch = recipe("goyal").resolve(), 157
    assert lr(0) == pytest.approx(0.1)
    assert lr(5 * epoch // 2) == pytest.approx(0.1 + (3.2 - 0.1) * (5 * epoch // 2) / (5 * epoch))
    assert [lr(5 * epoch), lr(30 * epoch - 1)] == pytest.approx([3.2, 3.2])
    assert [lr(at * epoch) for at in (30, 60, 80)] == pytest.approx([0.32, 0.032, 0.0032])


def test_gpt2_is_nanogpts_get_lr() -> None:
    lr = recipe("gpt2").resolve()

    def get_lr(it: int) -> float:
        if it < 2000:
            return 6e-4 * (it + 1) / (2000 + 1)
        ratio = (it - 2000) / (600_000 - 2000)
        return 6e-5 + 0.5 * (1 + math.cos(math.pi * ratio)) * (6e-4 - 6e-5)

    for it in (0, 1, 1999, 2000, 301_000, 599_999):
        assert lr(it) == pytest.approx(get_lr(it), rel=1e-9)


def test_berts_line_runs_under_its_warmup() -> None:
    lr = recipe("bert-pretrain").resolve()
    assert [lr(0), lr(5000)] == pytest.approx([0, 5e-5])
    for t in (10_000, 500_000, 999_999):
        assert lr(t) == pytest.approx(1e-4 * (1 - t / 1e6))


def test_transformer_base_is_the_formula() -> None:
    lr = recipe("transformer-base").resolve()
    for n in (1, 2000, 4000, 16_000, 100_000):
        assert lr(n - 1) == pytest.approx(512**-0.5 * min(n**-0.5, n * 4000**-1.5), rel=1e-5)


def test_t5_is_flat_and_then_one_over_the_root() -> None:
    lr = recipe("t5").resolve()
    assert [lr(n) for n in (0, 9999, 40_000, 500_000)] == pytest.approx([0.01, 0.01, 0.005, 500_000**-0.5])


def test_deits_cosine_runs_from_epoch_0() -> None:
    lr, epoch = recipe("deit-s").resolve(), 1252
    for at in (5, 50, 150, 299):
        assert lr(at * epoch) == pytest.approx(1e-5 + (1e-3 - 1e-5) * (1 + math.cos(math.pi * at / 300)) / 2, rel=1e-9)
    assert lr(0) == pytest.approx(1e-6)


def test_faster_rcnn_warms_up_over_1000_updates_and_drops_at_16_and_22() -> None:
    lr, epoch = recipe("faster-rcnn").resolve(), 7393
    assert [lr(0), lr(1000), lr(16 * epoch), lr(22 * epoch)] == pytest.approx([2e-5, 0.02, 0.002, 0.0002])


def test_modded_nanogpt_is_its_get_lr() -> None:
    lr = recipe("modded-nanogpt").resolve()

    def get_lr(step: int) -> float:
        value = 1.0 if step < 423 else 1.52 if step < 847 else 1.73
        if step >= 508:
            t = min(1.0, (step - 508) / (1270 - 508))
            value = value * (1 - t) + 0.15 * t
        return 0.023 * value

    assert [lr(step) for step in range(1270)] == pytest.approx([get_lr(step) for step in range(1270)], rel=1e-5)
    assert lr(1284) == pytest.approx(0.023 * 0.15)


def test_patchtst_weather_is_type3() -> None:
    lr, epoch = recipe("patchtst-weather").resolve(), 285

    def after(number: int) -> float:  # adjust_learning_rate(epoch) is called after epoch number `epoch`, from 1
        return 1e-4 if number < 3 else 1e-4 * 0.9 ** (number - 3)

    assert [lr(at * epoch) for at in range(1, 12)] == pytest.approx([after(at) for at in range(1, 12)])


def test_gpt3_is_at_a_tenth_from_260b_tokens_on() -> None:
    lr = recipe("gpt3").resolve()
    assert [lr(0.26 / 0.3 * lr.updates + 1), lr(lr.updates)] == pytest.approx([6e-6, 6e-6], rel=1e-6)
    assert lr(375e6 / (1536 * 2048)) == pytest.approx(6e-5, rel=1e-4)


# Finding one.


def test_names_may_be_spelled_as_people_do() -> None:
    assert recipe("GPT2") is recipe("gpt2_nanogpt") is recipe("gpt2")
    assert recipe("ResNet50 Goyal 8k").id == "resnet50-goyal-8k"


def test_an_unknown_name_gets_one_line_with_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LrightError, match="did you mean 'resnet50'"):
        recipe("resnt50")
    for arguments in (["recipes", "resnt50"], ["compare", "resnt50", "gpt2"]):
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "did you mean 'resnet50'" in error


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"model": "resnet50"}, "resnet50"),
        ({"model": "resnet18", "domain": "classification", "dataset": "cifar10"}, "resnet50"),
        ({"model": "ResNet-50", "optimizer": "lamb"}, "resnet50-rsb-a1"),
        ({"model": "vit_b_16", "pretrained": True}, "vit-finetune"),
        ({"model": "bert", "pretrained": True}, "bert-finetune"),
        ({"model": "bert", "pretrained": False}, "bert-pretrain"),
        ({"domain": "nlp", "pretrained": True, "family": "transformer"}, "bert-finetune"),
        ({"domain": "language-model", "family": "transformer"}, "gpt2"),
        ({"model": "llama", "adapter": "qlora", "pretrained": True}, "qlora-guanaco"),
        ({"domain": "rl", "algorithm": "PPO"}, "ppo-atari"),
        ({"domain": "rl", "algorithm": "sac"}, "sac-mujoco"),
        ({"model": "unet", "domain": "segmentation"}, "nnunet"),
        ({"domain": "gan"}, "stylegan2-ada"),
    ],
)
def test_the_nearest_recipe(facts: dict[str, Any], expected: str) -> None:
    assert matching(Setting.of(**facts))[0].id == expected


def test_what_says_nothing_has_no_recipe_near() -> None:
    assert matching(Setting()) == [] == matching(Setting.of(epochs=90, lr=0.1))


# The commands.


def test_the_table_has_all_and_words_choose(capsys: pytest.CaptureFixture[str]) -> None:
    everything = told(capsys, "recipes")
    assert all(f"\n{one.id}" in everything for one in recipes())
    assert all(len(line) <= 80 for line in everything.splitlines())
    some = told(capsys, "recipes", "bert")
    assert "bert-finetune" in some and "resnet50" not in some
    assert told(capsys, "recipes", "speech", "adamw").startswith("whisper: ")  # one is left: it is shown
    assert len(document(capsys, "recipes", "--format", "json")["recipes"]) == 77


def test_a_recipe_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "recipes", "gpt2", "--format", "json")
    assert found["version"] == 1 and found["recipe"]["id"] == "gpt2" and found["updates"] == 600_000
    assert found["curve"]["points"][-1] == pytest.approx([600_000, 6e-5])


def test_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "recipes", "gpt2", "-o", str(tmp_path / "one.svg"))
    told(capsys, "compare", "gpt2", "vit-b16", "-o", str(tmp_path / "two.svg"))
    assert all((tmp_path / name).read_text("utf-8").startswith("<svg") for name in ("one.svg", "two.svg"))
    assert main(["recipes", "bert", "-o", str(tmp_path / "x.svg")]) == 2


def side(spec: str, other: str = "resnet50", **options: Any) -> Side:
    specs = (spec, other)
    return sides(specs, [room.find(spec), room.find(other)], Options(**options))[0]


def test_a_schedule_takes_over_the_training_of_the_recipe() -> None:
    one = side("warmup 5ep > cosine to 0")
    assert (one.updates, one.unit) == (450_450, "epochs") and one.highest == pytest.approx(0.1)
    assert one.reached == pytest.approx(5 / 90)
    assert one.at(47.5 / 90) == pytest.approx(0.05, rel=1e-3)


def test_the_last_drop_of_a_staircase_is_not_seen() -> None:
    assert side("resnet50").at(1) == pytest.approx(0.001)
    assert side("resnet50").mean == pytest.approx((0.1 + 0.01 + 0.001) / 3, rel=1e-4)


def test_constructors_of_frameworks() -> None:
    stepped = side("StepLR(30)")
    assert [stepped.at(share) for share in (0.1, 0.5, 0.9)] == pytest.approx([0.1, 0.01, 0.001])
    assert side("CosineAnnealingLR(T_max=450450)").at(0.5) == pytest.approx(0.05, rel=1e-3)
    cycle = side("OneCycleLR(0.1, total_steps=100)", "StepLR(30)")
    assert cycle.length == 100 and cycle.at(1) == pytest.approx(4e-7)


def test_options_change_the_training_of_both() -> None:
    one = side("resnet50", "vit-b16", epochs=60.0, batch_size=512)
    assert (one.updates, one.batch_size) == (60 * 2503, 512)


def test_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "compare", "resnet50", "resnet50-goyal-8k")
    assert "B goes 32 times as high as A, as much as its batch is larger (linear scaling)." in text
    assert all(len(line) <= 80 for line in text.splitlines())
    found = document(capsys, "compare", "gpt2", "vit-b16", "--format", "json")
    assert found["version"] == 1 and found["a"]["updates"] == 600_000 and found["b"]["unit"] == "epochs"
    assert found["a"]["lr"]["100"] == pytest.approx(6e-5)


def test_every_pair_can_be_told() -> None:
    everything = [sides((one.id, "gpt2"), [one, recipe("gpt2")], Options())[0] for one in recipes()]
    for first, second in zip(everything, everything[1:], strict=False):
        assert all(sentence.endswith(".") and "nan" not in sentence for sentence in words(first, second))


def test_the_same_twice(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "compare", "gpt2", "gpt2")
    assert "nearly the same shape" in text and "LR at 50%" not in text.partition("The same:")[0]


@pytest.mark.parametrize(
    "arguments",
    [["compare", "gpt2"], ["compare", "gpt2", "warmup 5ep > cosine to 0"], ["compare", "gpt2", "StepLR("],
     ["recipes", "--framework", "torch"], ["recipes", "gpt2", "--framework", "tensorflow"],
     ["recipes", "gpt2", "--format", "png"]],
)  # fmt: skip
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["recipes"], ["recipes", "gpt2"], ["compare", "gpt2", "vit-b16"]])
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    code = (
        f"import sys; from lright.cli import main; main({arguments!r});"
        "print(sorted({'torch', 'numpy', 'yaml', 'dataclasses', 'matplotlib'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8")
    assert done.stderr.strip() == "[]"
