"""The rules on choices: settings judged without a script, and what scripts show of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lright import rules
from lright.doctor import Options, check_source
from lright.finding import INFO, WARNING, Finding
from lright.knowledge import load
from lright.observe import source
from lright.rules import examples
from lright.rules.choices import ChoiceRule, Known, Verdict, judged, rate
from lright.rules.lr504_lr_out_of_range import TIMES, USUAL, unsuspicious
from lright.setting import ASSUMED, FIELDS, READ, Setting, Symptom

CHOICES = [rule for rule in rules.all_rules() if isinstance(rule, ChoiceRule)]


def said(symptom: Symptom | None = None, /, **facts: object) -> list[Verdict]:
    """What all rules on choices say of some facts."""
    setting = Setting.of(**facts)  # type: ignore[arg-type]
    if symptom is not None:
        setting.symptoms.append(symptom)
    return judged(setting, CHOICES)


def ids(verdicts: list[Verdict]) -> list[str]:
    return [verdict.rule for verdict in verdicts]


def found(script: str, *select: str) -> dict[str, Finding]:
    """The findings of the family in a script, by rule."""
    report = check_source(script, "train.py", Options(fixes=False, select=select))
    return {finding.rule: finding for finding in report.findings if finding.rule.startswith("LR5")}


# -- examples that are settings ---------------------------------------------------------------------------------------

SETTINGS = [
    pytest.param(rule, setting, which == "bad", id=f"{rule.id}-{which}-{number}")
    for rule in CHOICES
    for which in ("bad", "good")
    for number, setting in enumerate(getattr(rule, f"{which}_settings"))
]


@pytest.mark.parametrize(("rule", "setting", "wrong"), SETTINGS)
def test_examples_that_are_settings(rule: ChoiceRule, setting: Setting, wrong: bool) -> None:
    verdicts = rule.judge(setting)
    assert bool(verdicts) == wrong
    for verdict in verdicts:
        assert (verdict.rule, verdict.slug) == (rule.id, rule.slug)
        assert verdict.message and not verdict.message.endswith(".") and "None" not in verdict.message
        assert verdict.facts and set(verdict.facts) <= set(FIELDS)


def test_rules_for_words_alone_say_nothing_of_scripts() -> None:
    for rule in CHOICES:
        assert rule.in_code == bool(rule.bad), rule.id


# -- LR501 ------------------------------------------------------------------------------------------------------------

VIT = {"model": "vit-b16", "pretrained": False, "optimizer": "adamw", "warmup": "0"}


def test_a_vit_without_warmup_is_told_with_its_numbers() -> None:
    [verdict] = said(**VIT, lr=1e-3)
    assert verdict.rule == "LR501" and verdict.severity == INFO
    assert verdict.message.startswith("AdamW at 1e-3 on a ViT-B/16 from scratch with no warmup")
    assert "5-30 epochs" in verdict.message and "2,000 updates" in verdict.message
    assert verdict.numbers["floor"] == 2000


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ({"lr": 1e-3, "norm": "post", "model": "nn.Transformer"}, WARNING),
        ({"lr": 5e-3}, WARNING),
        ({"lr": 1e-3, "batch_size": 256, "processes": 8}, WARNING),
        ({"lr": 1e-3, "batch_size": 256}, INFO),
        ({"lr": 2e-4, "norm": "post"}, INFO),
    ],
)
def test_where_a_missing_warmup_is_a_warning(facts: dict[str, object], severity: str) -> None:
    verdicts = [verdict for verdict in said(**{**VIT, **facts}) if verdict.rule == "LR501"]
    assert [verdict.severity for verdict in verdicts] == [severity]


@pytest.mark.parametrize(
    "facts",
    [
        {"pretrained": True},
        {"warmup": "5 epochs"},
        {"optimizer": "sgd"},
        {"optimizer": "radam"},
        {"optimizer": "schedulefree-adamw"},
        {"lr": 1e-4},
        {"model": "resnet50"},
        {"adapter": "lora"},
        {"scheduler": "OneCycleLR"},
        {"model": "ft-transformer", "domain": "tabular", "lr": 3e-4},
    ],
)
def test_where_no_warmup_is_asked_for(facts: dict[str, object]) -> None:
    assert "LR501" not in ids(said(**{**VIT, "lr": 1e-3, **facts}))


def test_early_trouble_makes_it_a_warning_and_late_trouble_does_not() -> None:
    for epoch, severity in ((2, WARNING), (80, INFO)):
        verdicts = said(Symptom("nan", epoch=epoch), **VIT, lr=3e-4, epochs=100)
        assert [verdict.severity for verdict in verdicts if verdict.rule == "LR501"] == [severity]


# -- LR502 ------------------------------------------------------------------------------------------------------------

CONSTANT = {"scheduler": "constant", "epochs": 90, "samples": 50_000, "batch_size": 128, "lr": 0.1, "optimizer": "sgd"}


def test_a_constant_rate_on_a_known_budget() -> None:
    [verdict] = said(**CONSTANT, domain="classification")
    assert verdict.rule == "LR502" and verdict.severity == INFO
    assert "0.1 for all 90 epochs (35,190 updates)" in verdict.message


@pytest.mark.parametrize("domain", ["gan", "rl", "diffusion", "graph", "tabular"])
@pytest.mark.parametrize("goal", ["best", None])
def test_a_constant_rate_where_that_is_usual(domain: str, goal: str | None) -> None:
    assert not said(**CONSTANT, domain=domain, **({"goal": goal} if goal else {}))


@pytest.mark.parametrize(
    "facts",
    [
        {"ema": True},
        {"goal": "open-end"},
        {"goal": "reproduce"},
        {"optimizer": "schedulefree-sgd"},
        {"epochs": 2},
        {"adapter": "lora"},
    ],
)
def test_a_constant_rate_that_may_be_right(facts: dict[str, object]) -> None:
    assert not said(**{**CONSTANT, "domain": "classification", **facts})


def test_no_length_no_verdict() -> None:
    assert not said(scheduler="constant", domain="classification", lr=0.1, optimizer="sgd")


# -- LR503 ------------------------------------------------------------------------------------------------------------


def test_a_scaled_rate_without_a_ramp() -> None:
    facts = {"optimizer": "sgd", "family": "cnn", "warmup": "0", "lr": 3.2, "batch_size": 256, "processes": 32}
    [verdict] = said(**facts)
    assert verdict.rule == "LR503" and "batch of 8,192, 32 times the 0.1 that is stable at 256" in verdict.message
    assert not said(**{**facts, "warmup": "5 epochs"})
    assert not said(**{**facts, "lr": 0.1})
    assert not said(**{**facts, "lr": 0.4, "family": "transformer"})


def test_a_rate_that_is_known_to_work_is_the_reference() -> None:
    facts = {"optimizer": "adam", "family": "cnn", "warmup": "0", "reference_lr": 1e-3, "reference_batch": 64}
    assert ids(said(**facts, lr=8e-3, batch_size=512)) == ["LR503"]
    assert not said(**facts, lr=2e-3, batch_size=512)


# -- LR504, LR507 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ({"optimizer": "adam", "lr": 0.5, "family": "cnn"}, ["LR504"]),
        ({"optimizer": "adamw", "lr": 1e-2, "model": "bert-base-uncased", "pretrained": True}, ["LR504"]),
        ({"optimizer": "adamw", "lr": 3e-4, "model": "bert-base-uncased", "pretrained": True}, ["LR507"]),
        ({"optimizer": "adamw", "lr": 3e-5, "model": "bert-base-uncased", "pretrained": True}, []),
        ({"optimizer": "adamw", "lr": 3e-4, "model": "llama", "pretrained": True, "adapter": "lora"}, []),
        ({"optimizer": "adamw", "lr": 1e-3, "model": "vit-b16", "pretrained": True, "adapter": "head"}, []),
        ({"optimizer": "sgd", "lr": 0.1, "model": "resnet50"}, []),
        ({"optimizer": "adam", "lr": 1e-3}, []),
        ({"optimizer": "unheard-of", "lr": 50}, []),
        ({"lr": 50}, []),
    ],
)
def test_rates_against_the_recipes(facts: dict[str, object], wanted: list[str]) -> None:
    assert ids(said(**facts)) == wanted


def test_one_mistake_is_told_once() -> None:
    setting = Setting.of(optimizer="adamw", lr=1e-2, model="bert-base-uncased", pretrained=True)
    assert [rule.id for rule in CHOICES if rule.judge(setting)] == ["LR504", "LR507"]
    assert ids(judged(setting, CHOICES)) == ["LR504"]


@pytest.mark.parametrize("name", USUAL)
def test_the_rates_for_which_no_table_is_read_are_usual(name: str) -> None:
    low, high = USUAL[name]
    assert unsuspicious(Known(Setting.of(optimizer=name)), low)
    assert not unsuspicious(Known(Setting.of(optimizer=name, pretrained=True)), low)
    row = load("optimizers")[name]["lrs"][-1]
    assert row["low"] / TIMES <= low and high <= row["high"] * TIMES


def test_ranges_follow_the_batch() -> None:
    facts = {"optimizer": "sgd", "model": "resnet50", "warmup": "5 epochs"}
    assert not said(**facts, lr=3.2, batch_size=8192)
    assert ids(said(**facts, lr=3.2, batch_size=32)) == ["LR504"]
    assert not said(**facts, lr=3.2)
    assert not said(**facts, lr=1e-3, batch_size=4)


# -- LR505, LR509 -----------------------------------------------------------------------------------------------------


def test_where_a_cycle_peaks_and_where_it_stands() -> None:
    [verdict] = said(Symptom("unstable", epoch=10), scheduler="OneCycleLR", epochs=20, lr=0.1)
    assert "peaks at epoch 6" in verdict.message and "at epoch 10 the LR is 81% of the peak" in verdict.message


def test_weight_decay_by_its_half_life() -> None:
    [verdict] = said(optimizer="adamw", lr=3e-3, weight_decay=10.0, family="cnn")
    assert verdict.rule == "LR509" and "halved after 23 updates" in verdict.message
    assert not said(optimizer="adamw", lr=3e-3, weight_decay=0.3, family="cnn")
    assert not said(optimizer="sgd", lr=0.1, weight_decay=10.0)


# -- all --------------------------------------------------------------------------------------------------------------


def test_assumptions_are_no_grounds() -> None:
    setting = Setting.of(**CONSTANT)  # type: ignore[arg-type]
    setting.know("domain", "classification", certainty=ASSUMED)
    assert not judged(setting, CHOICES)


VALUES = {
    "domain": st.sampled_from(FIELDS["domain"].choices),
    "family": st.sampled_from(FIELDS["family"].choices),
    "model": st.sampled_from(["vit-b16", "bert-base-uncased", "resnet50", "nonsense"]),
    "pretrained": st.booleans(),
    "adapter": st.sampled_from(FIELDS["adapter"].choices),
    "norm": st.sampled_from(["pre", "post"]),
    "optimizer": st.sampled_from(["sgd", "adam", "adamw", "lion", "schedulefree-adamw", "nonsense"]),
    "lr": st.floats(0, 1e3),
    "weight_decay": st.floats(0, 1e3),
    "beta2": st.floats(0, 1),
    "batch_size": st.integers(1, 10_000),
    "samples": st.integers(1, 10_000_000),
    "epochs": st.floats(0, 1e4),
    "steps": st.integers(1, 10_000_000),
    "accumulation": st.integers(1, 64),
    "processes": st.integers(1, 64),
    "scheduler": st.sampled_from(["constant", "OneCycleLR", "CosineAnnealingLR", "one-cycle", "plateau"]),
    "warmup": st.sampled_from(["0", "5 epochs", "10%"]),
    "goal": st.sampled_from(FIELDS["goal"].choices),
    "reference_lr": st.floats(0, 10),
    "reference_batch": st.integers(1, 4096),
}


KINDS = st.sampled_from([None, "nan", "unstable", "stuck"])


@given(st.fixed_dictionaries({}, optional=VALUES), KINDS, st.floats(0, 500))
def test_any_setting_can_be_judged(facts: dict[str, object], kind: str | None, epoch: float) -> None:
    for verdict in said(Symptom(kind, epoch=epoch) if kind else None, **facts):
        assert set(verdict.facts) <= set(facts)
        assert "None" not in verdict.message and "nan" not in verdict.message


@pytest.mark.parametrize(
    ("value", "text"), [(1e-3, "1e-3"), (3.2, "3.2"), (2.5e-4, "2.5e-4"), (0.0, "0"), (0.05, "0.05")]
)
def test_rates_are_written_as_people_do(value: float, text: str) -> None:
    assert rate(value) == text


# -- scripts ----------------------------------------------------------------------------------------------------------


def shown(script: str) -> dict[str, object]:
    """The facts that a script shows."""
    setting = source.read(script, "train.py").setting
    return {name: known.value for name, known in setting.facts.items()}


def model(line: str, optimizer: str = "AdamW(model.parameters(), lr=1e-3)", **more: str) -> str:
    return examples.trained(line, optimizer, **more)


def test_a_script_shows_its_setting() -> None:
    script = model("from torchvision import models\nmodel = models.vit_b_16()\n", schedule="clip = 1.0\n")
    facts = shown(script)
    wanted = {
        "model": "vit-b16", "family": "transformer", "norm": "pre", "pretrained": False, "domain": "classification",
        "optimizer": "adamw", "lr": 1e-3, "scheduler": "constant", "warmup": "0", "epochs": 90, "batch_size": 128,
        "batches_per_epoch": 391, "framework": "torch",
    }  # fmt: skip
    assert {name: facts.get(name) for name in wanted} == wanted
    known = source.read(script, "train.py").setting.facts["lr"]
    assert known.origin == "train.py:8" and known.certainty == READ


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("import timm\nmodel = timm.create_model('vit_base_patch16_224', pretrained=True)\n",
         {"family": "transformer", "pretrained": True, "adapter": "none"}),
        ("import timm\nmodel = timm.create_model('resnet50.a1_in1k')\n",
         {"model": "resnet50", "family": "cnn", "pretrained": False}),
        ("from transformers import AutoModelForSequenceClassification as A\nmodel = A.from_pretrained('bert-base')\n",
         {"family": "transformer", "domain": "nlp", "pretrained": True}),
        ("from transformers import AutoTokenizer\ntokenizer = AutoTokenizer.from_pretrained('gpt2')\nmodel = make()\n",
         {"family": None, "model": None, "pretrained": None}),
        ("from torch import nn\nmodel = nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, norm_first=True), 2)\n",
         {"family": "transformer", "norm": "pre", "pretrained": False}),
        ("from torch import nn\nmodel = nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4), 2)\n",
         {"norm": "post"}),
        ("from torch import nn\nmodel = nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, **more), 2)\n",
         {"norm": None}),
        ("from torchvision import models\nmodel = models.resnet18(weights=models.ResNet18_Weights.DEFAULT)\n",
         {"model": "resnet18", "pretrained": True}),
        ("from torchvision import models\nmodel = models.resnet18(weights=chosen)\n",
         {"model": "resnet18", "pretrained": None}),
        ("from torchvision.models.detection import fasterrcnn_resnet50_fpn\nmodel = fasterrcnn_resnet50_fpn()\n",
         {"domain": "detection"}),
        ("from torchvision import models\nmodel = models.resnet18() if small else models.vit_b_16()\n",
         {"model": None, "family": None}),
        ("from vit_pytorch import ViT\nattention = 8\nmodel = ViT(image_size=224, heads=attention)\n",
         {"family": "transformer", "norm": None}),
        ("from peft import LoraConfig, get_peft_model\nmodel = get_peft_model(base, LoraConfig(r=8))\n",
         {"adapter": "lora", "pretrained": True}),
    ],
)  # fmt: skip
def test_models_are_known_by_how_they_are_made(line: str, wanted: dict[str, object]) -> None:
    facts = shown(model(line))
    assert {name: facts.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ("CosineAnnealingLR(optimizer, T_max=EPOCHS)", "0"),
        ("OneCycleLR(optimizer, max_lr=0.1, total_steps=EPOCHS)", "30%"),
        ("LinearLR(optimizer, start_factor=0.1, total_iters=5)", "5ep"),
        ("LambdaLR(optimizer, lambda epoch: 0.95 ** epoch)", "0"),
        ("LambdaLR(optimizer, lambda epoch: min(1.0, (epoch + 1) / 5))", None),
        ("LambdaLR(optimizer, unheard_of)", None),
        ("unheard.of.Schedule(optimizer)", None),
    ],
)
def test_a_warmup_is_none_only_where_it_surely_is(schedule: str, wanted: str | None) -> None:
    name = schedule if schedule.startswith("unheard") else f"lr_scheduler.{schedule}"
    assert shown(examples.per_epoch(f"scheduler = {name}\n")).get("warmup") == wanted


@pytest.mark.parametrize(
    "line",
    [
        "        optimizer.param_groups[0]['lr'] = 0.1 * 0.95 ** epoch\n",
        "    adjust_lr(optimizer, epoch)\n",
        "    train_further(optimizer)\n",
    ],
)
def test_a_rate_that_something_else_may_move_is_not_called_constant(line: str) -> None:
    facts = shown(examples.per_epoch("").replace("    scheduler.step()\n", line))
    assert "scheduler" not in facts and "warmup" not in facts


@pytest.mark.parametrize(
    ("more", "optimizer"),
    [
        ("import gymnasium\n", "Adam(model.parameters(), lr=1e-3)"),
        ("from torch_geometric.nn import GCNConv\n", "Adam(model.parameters(), lr=1e-2)"),
        ("discriminator = model\n", "Adam(model.parameters(), lr=2e-4)"),
        ("from diffusers import DDPMScheduler\n", "AdamW(model.parameters(), lr=1e-4)"),
        ("ema = torch.optim.swa_utils.AveragedModel(model)\n", "SGD(model.parameters(), lr=0.1)"),
        ("", "Adam([canvas], lr=5.0)"),
    ],
)
def test_constant_rates_of_scripts_stay_silent_where_they_are_usual(more: str, optimizer: str) -> None:
    script = examples.trained("from torchvision import models\nmodel = models.resnet18()\n" + more, optimizer)
    assert not found(script)


def test_a_loop_that_stops_early_has_no_known_end() -> None:
    script = model("from torchvision import models\nmodel = models.resnet18()\n", "SGD(model.parameters(), lr=0.1)")
    assert "LR502" in found(script)
    assert "LR502" not in found(script + "    if worse(model):\n        break\n")


def test_scripts_are_told_as_info_but_for_a_warmup_that_is_needed() -> None:
    encoder = "model = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(512, 8{}), 6)\n"
    assert found(model(encoder.format("")))["LR501"].severity == WARNING
    assert found(model(encoder.format(", norm_first=True")))["LR501"].severity == INFO
    too_high = found(model(encoder.format(", norm_first=True"), "Adam(model.parameters(), lr=0.9)"))["LR504"]
    assert too_high.severity == INFO and too_high.place.line == 7


def test_nothing_is_said_where_weights_may_be_loaded() -> None:
    encoder = "model = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(512, 8), 6)\n"
    assert "LR501" not in found(model(encoder + "model.load_state_dict(torch.load('weights.pt'))\n"))
    assert "LR501" not in found(model(encoder + "pretrained_path = None\nload_into(model, pretrained_path)\n"))


def test_a_rule_that_is_off_speaks_when_it_is_asked() -> None:
    script = examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n")
    assert "LR508" not in found(script)
    assert "LR508" in found(script, "LR508") and "LR508" in found(script, "LR5")
    assert "LR508" not in found(script + "    log({'lr': optimizer.param_groups[0]['lr']})\n", "LR508")
