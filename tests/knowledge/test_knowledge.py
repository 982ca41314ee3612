"""The knowledge files hold what their readers count on: known ids, values in range, conditions, sources."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lright.errors import LrightError
from lright.knowledge import COMPILED, load, lookup, schema
from lright.knowledge.build import compiled
from lright.knowledge.conditions import holds
from lright.setting import DOMAINS, FAMILIES, Setting

pytest.importorskip("yaml")

ANSWER = ("true_part", "answer", "source", "what_to_do")
OWN = ("facts", "architectures", "optimizers", "excuses")


def _fact(**changes: Any) -> dict[str, Any]:
    fact = {"id": "one", "topic": "warmup", "claim": "It helps.", "holds_when": "always", "fails_when": "never",
            "source": {"title": "a paper"}, "verified": "read"}  # fmt: skip
    return {**fact, **changes}


def _optimizer(**changes: Any) -> dict[str, Any]:
    rate = {"when": "True", "low": 1e-4, "high": 1e-2, "start": 1e-3, "source": "our judgement"}
    scaling = {"rule": "sqrt", "source": "our judgement", "limits": "a start"}
    entry = {"id": "x", "title": "X", "names": ["x"], "adaptive": True, "libraries": {}, "scaling": scaling}
    return {**entry, "lrs": [rate], **changes}


# The files


def test_compiled_tables_are_up_to_date() -> None:
    texts = compiled()
    for name in OWN:
        with open(f"{COMPILED}/{name}.json", encoding="utf-8") as file:
            assert file.read() == texts[name], f"{name}: run `python -m lright.knowledge.build`"


@pytest.mark.parametrize("name", ["architectures", "optimizers", "excuses"])
def test_every_source_exists(name: str) -> None:
    known = {*load("facts"), *load("recipes"), *schema.NO_SOURCE}
    assert sorted(schema.cited(load(name)) - known) == []


def test_facts_can_be_shown_as_they_stand() -> None:
    for name, fact in load("facts").items():
        assert len(fact["claim"]) <= 400, name
        assert not re.search(r"—|/work|/home|\bTODO\b", str(fact)), name


def test_measured_facts_say_by_whom_or_with_what() -> None:
    for name, fact in load("facts").items():
        if fact["verified"] == "measured":
            text = f"{fact['source']['title']} {fact['source']['where']}"
            assert re.search(r"our measurement|measured", text), name


def test_own_measurements_do_not_pass_for_general_truths() -> None:
    for name, fact in load("facts").items():
        if name.startswith("own_"):
            assert re.search(r"our|tasks", fact["claim"].lower()), name
            assert fact["source"]["title"] == "our measurement"


def test_claims_without_a_source_are_marked() -> None:
    assert load("facts")["rubric_schedulers_plus_2_5pct"]["no_source_found"]
    assert "0.364" in load("facts")["rubric_schedulers_plus_2_5pct"]["claim"]


def test_there_is_enough() -> None:
    assert len(load("architectures")) >= 150
    assert len(load("facts")) >= 150
    assert len(load("excuses")) >= 24
    assert {entry.get("domain") for entry in load("architectures").values()} >= set(DOMAINS)
    assert {entry.get("family") for entry in load("architectures").values()} >= set(FAMILIES)


def test_excuses_are_answered_truth_first() -> None:
    for name, excuse in load("excuses").items():
        assert len(excuse["says"]) >= 5, name
        assert len(excuse["true_part"]) > 15 and len(excuse["answer"]) > 40, name


def test_an_excuse_belongs_to_one_entry() -> None:
    said = [phrase for excuse in load("excuses").values() for phrase in excuse["says"]]
    assert sorted({phrase for phrase in said if said.count(phrase) > 1}) == []


# Names


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("ViT-B/16", "ViT-B/16"), ("vit_base_patch16_224", "ViT-B/16"), ("vit_b_16", "ViT-B/16"),
        ("nn.TransformerEncoderLayer", "torch nn.TransformerEncoder"), ("ResNet-50", "ResNet-50"),
        ("bert-base-uncased", "a pretrained BERT"), ("BertForSequenceClassification", "a pretrained BERT"),
        ("nn.LSTM", "an LSTM"), ("U-Net", "U-Net"), ("Faster R-CNN", "Faster R-CNN"), ("stylegan2", "StyleGAN"),
        ("swin_tiny_patch4_window7_224", "Swin Transformer"), ("GPT-2", "GPT-2"), ("wav2vec2", "wav2vec 2.0"),
        ("meta-llama/Llama-2-7b-hf", "a pretrained Llama"), ("ppo", "PPO"), ("PatchTST", "PatchTST"), ("NeRF", "NeRF"),
    ],
)  # fmt: skip
def test_models_are_found_by_the_names_people_write(name: str, title: str) -> None:
    assert lookup.architecture(name)["title"] == title


@pytest.mark.parametrize(
    ("name", "norm"),
    [("bert", "post"), ("roberta", "post"), ("nn.TransformerEncoder", "post"), ("transformer-base", "post"),
     ("opennmt", "pre"), ("vit", "pre"), ("gpt2", "pre"), ("deit", "pre"), ("swin", "pre"), ("swin-v2", None)],
)  # fmt: skip
def test_where_transformers_normalise(name: str, norm: str | None) -> None:
    assert lookup.architecture(name).get("norm") == norm


@pytest.mark.parametrize(
    ("name", "identity"),
    [("AdamW", "adamw"), ("torch.optim.SGD", "sgd"), ("paged_adamw_8bit", "adamw"),
     ("AdamWScheduleFree", "schedulefree-adamw"), ("Prodigy", "prodigy"), ("L-BFGS", "lbfgs"),
     ("keras.optimizers.Nadam", "nadam"), ("optax.lion", "lion")],
)  # fmt: skip
def test_optimizers_are_found_by_the_names_people_write(name: str, identity: str) -> None:
    assert lookup.optimizer(name)["id"] == identity


# Learning rates


def _rate(optimizer: str, **facts: Any) -> dict[str, Any]:
    setting = Setting.of(**facts)
    known = {name: setting.get(name) for name in setting}
    rates = load("optimizers")[optimizer]["lrs"]
    found: dict[str, Any] = next(rate for rate in rates if holds(rate["when"], known))
    return found


@pytest.mark.parametrize(
    ("optimizer", "facts", "within"),
    [
        ("sgd", {"domain": "classification", "family": "cnn"}, 0.1),
        ("sgd", {"domain": "detection", "family": "cnn"}, 0.02),
        ("adamw", {"domain": "classification", "family": "transformer"}, 1e-3),
        ("adamw", {"domain": "language-model", "family": "transformer"}, 6e-4),
        ("adamw", {"domain": "language-model", "family": "transformer", "parameters": 7e9}, 3e-4),
        ("adamw", {"domain": "nlp", "family": "transformer", "pretrained": True}, 5e-5),
        ("adamw", {"domain": "language-model", "pretrained": True, "adapter": "lora"}, 2e-4),
        ("adam", {"domain": "gan"}, 2e-4),
        ("adam", {"domain": "rl", "algorithm": "dqn"}, 1e-4),
        ("adam", {"domain": "graph", "family": "gnn"}, 0.01),
        ("adam", {}, 1e-3),
        ("lion", {"domain": "language-model", "family": "transformer"}, 1e-4),
        ("lamb", {"domain": "classification", "family": "cnn"}, 5e-3),
    ],
)
def test_rates_of_usual_trainings_are_in_range(optimizer: str, facts: dict[str, Any], within: float) -> None:
    rate = _rate(optimizer, **facts)
    assert rate["low"] <= within <= rate["high"]


def test_fine_tuning_takes_lower_rates_than_training_from_scratch() -> None:
    for optimizer in ("adamw", "adam", "sgd", "lamb", "rmsprop"):
        facts = {"domain": "classification", "family": "transformer"}
        assert _rate(optimizer, **facts, pretrained=True)["start"] < _rate(optimizer, **facts)["start"]


def test_every_training_has_a_rate() -> None:
    for optimizer in load("optimizers"):
        for domain in DOMAINS:
            for family in FAMILIES:
                assert _rate(optimizer, domain=domain, family=family)["start"] > 0


# The checks


def test_checks_refuse_what_readers_could_not_use() -> None:
    wrong: list[tuple[Any, list[Any]]] = [
        (schema.facts, [_fact(verified="surely")]),
        (schema.facts, [_fact(claim="no sentence")]),
        (schema.facts, [_fact(), _fact()]),
        (schema.facts, [{"id": "one"}]),
        (schema.facts, {"one": _fact()}),  # type: ignore[list-item]
        (schema.architectures, [{"id": "a", "title": "A", "names": ["a"], "family": "fish"}]),
        (schema.architectures, [{"id": "a", "title": "A", "names": ["A"]}]),
        (schema.architectures, [{"id": i, "title": "A", "names": [n]} for i, n in (("a", "vit-b"), ("b", "vit_b"))]),
        (schema.optimizers, [_optimizer(lrs=[])]),
        (schema.optimizers, [_optimizer(lrs=[{**_optimizer()["lrs"][0], "low": 1}])]),
        (schema.optimizers, [_optimizer(scaling={"rule": "cubic", "source": "-", "limits": "-"})]),
        (schema.excuses, [{"id": "a", "says": ["Capital"], **dict.fromkeys(ANSWER, "-")}]),
    ]  # fmt: skip
    for check, entries in wrong:
        with pytest.raises(LrightError):
            check(entries)


def test_rates_like_those_of_another_are_written_out() -> None:
    like = {"optimizer": "x", "low": 0.1, "high": 0.5, "start": 0.2, "source": "a_rule"}
    other = {key: value for key, value in _optimizer(id="y", names=["y"], like=like).items() if key != "lrs"}
    rate = schema.optimizers([_optimizer(), other])["y"]["lrs"][0]
    assert (rate["low"], rate["high"], rate["start"]) == (1e-5, 5e-3, 2e-4)
    assert rate["source"] == ["a_rule", "our judgement"]
