"""The questions under tests/data/words with the facts that a reader finds in them, and how hear() does on them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lright.knowledge.lookup import architecture
from lright.observe.words import Heard, hear

DATA = Path(__file__).parents[2] / "data" / "words"
SAME = {
    "wd": "weight_decay", "peak_lr": "lr", "peak": "lr", "steps_per_epoch": "batches_per_epoch", "examples": "samples",
    "num_gpus": "processes", "lr_end": "floor", "min_lr": "floor", "eta_min": "floor", "library": "framework",
    "warmup_steps": "warmup", "lr_warmup_steps": "warmup", "train_batch_size": "batch_size", "max_steps": "steps",
    "gradient_accumulation_steps": "accumulation", "grad_accum": "accumulation", "algo": "algorithm",
    "max_train_steps": "steps", "lr_scheduler": "scheduler", "learning_rate": "lr", "effective_batch": "global_batch",
}  # fmt: skip
FACTS = frozenset(
    "epochs batch_size samples batches_per_epoch lr optimizer scheduler model dataset weight_decay processes floor "
    "warmup framework accumulation algorithm steps momentum tokens".split()
)
NUMBERS = frozenset(
    "max_lr T_max step_size gamma milestones patience factor T_0 T_mult pct_start threshold cooldown".split()
)
KINDS = frozenset(("cnn", "transformer", "mlp", "lstm", "unet", "gan"))  # models by their family
LIBRARIES = {"pytorch": "torch", "diffusers": "accelerate", "jax": "optax", "tensorflow": "keras", "flax": "optax"}


@cache
def questions() -> list[tuple[str, str, Mapping[str, Any]]]:
    """Every question: its id, its text and its facts."""
    found = [
        (q["id"], q["prompt"], q["facts"]) for q in yaml.safe_load((DATA / "seed_paraphrases.yaml").read_text("utf-8"))
    ]
    for path in sorted(DATA.glob("questions_*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            question = json.loads(line)
            found.append((question["id"], question["prompt"], question["facts"]))
    return found


def judged(name: str) -> Iterator[tuple[str, str, object, object, str]]:
    """For every labelled fact of the questions whose id begins with ``name``: the id, the fact, what it is, what was
    heard, and "right", "wrong" or "missing"."""
    for identity, prompt, facts in questions():
        if not identity.startswith(name):
            continue
        heard = hear(prompt)
        for key, wanted in facts.items():
            fact = SAME.get(key, key)
            if fact not in FACTS | NUMBERS or wanted is None or isinstance(wanted, dict):
                continue
            if (isinstance(wanted, list) and fact != "milestones") or (fact == "model" and not _model(str(wanted))):
                continue
            got = _heard(heard, fact)
            if got is None:
                yield identity, fact, wanted, None, "missing"
            else:
                yield identity, fact, wanted, got, "right" if _same(fact, wanted, got) else "wrong"


def _heard(heard: Heard, fact: str) -> Any:
    if fact == "max_lr" and "max_lr" not in heard.numbers:
        return heard.setting.get("lr")
    if fact == "batch_size" and "global_batch" in heard.numbers:
        return heard.numbers["global_batch"][0]
    if fact == "model" and fact not in heard.setting:
        return heard.setting.get("family")
    if fact in heard.setting:
        return heard.setting[fact]
    if fact == "floor":
        found = heard.numbers.get("eta_min") or heard.numbers.get("min_lr")
        return found[0] if found else None
    if fact in NUMBERS:
        found = heard.numbers.get(fact)
        if found:
            return found if fact == "milestones" else found[0]
        for call in heard.calls:
            if fact in call.arguments:
                return None if isinstance(call.arguments[fact], str) else call.arguments[fact]
    return None


def _model(name: str) -> Mapping[str, Any]:
    """The entry of a model, or of the first word of its name that is one."""
    return architecture(name) or next(filter(None, map(architecture, name.split())), {})


def _same(fact: str, wanted: Any, got: Any) -> bool:
    if fact == "milestones":
        return list(got) == list(wanted)
    if fact == "warmup":
        amount = re.match(r"[\d.]+", str(got))
        return amount is not None and float(amount.group()) == float(wanted)
    if isinstance(wanted, (int, float)):
        return isinstance(got, (int, float)) and abs(got - wanted) <= 1e-9 * abs(wanted)
    if fact == "model":
        known = _model(str(wanted))
        return str(got) in {str(known["id"]), str(known.get("family")) if known["id"] in KINDS else ""}
    if fact == "framework":
        return LIBRARIES.get(str(wanted).lower(), str(wanted).lower()) == str(got)
    plain = [re.sub(r"[^a-z0-9]", "", str(one).lower()) for one in (wanted, got)]
    if fact == "scheduler":
        return _family(plain[0]) == _family(plain[1])
    if fact == "dataset":
        return plain[0] in plain[1] or plain[1] in plain[0] or {"ilsvrc2012", "imagenet"} == set(plain)
    return plain[0].startswith(plain[1]) or plain[1].startswith(plain[0])


def _family(name: str) -> str:
    for word, family in (("restart", "sgdr"), ("onecycle", "onecycle"), ("plateau", "plateau"), ("cosine", "cosine"),
                         ("multistep", "multistep"), ("step", "step"), ("lin", "linear"), ("none", "constant"),
                         ("poly", "poly"), ("exp", "exp"), ("cycl", "cyclic"), ("sqrt", "sqrt")):  # fmt: skip
        if word in name:
            return family
    return name


def figures(name: str) -> tuple[int, int, int]:
    """How many labelled facts were right, wrong and missing."""
    verdicts = [verdict for *_, verdict in judged(name)]
    return verdicts.count("right"), verdicts.count("wrong"), verdicts.count("missing")
