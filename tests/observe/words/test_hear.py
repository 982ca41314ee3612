"""Reading questions: code and prose apart, calls, rows of numbers, the six prompts, and texts that mean harm."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lright.observe.words import Heard, build, hear, lexer
from lright.observe.words.grammar import patterns
from lright.observe.words.guards import guards
from observe.words.corpus import figures

LOOP = """\
for epoch in range(epochs):
    for batch in train_loader:
        loss = train_step(batch)
        optimizer.step()
        scheduler.step()  # Step after each batch

    validate(model)"""


def codes(text: str) -> list[str]:
    return [one.text for one in hear(text).code]


def test_a_loop_stays_in_one_piece() -> None:
    heard = hear(f"My learning rate dies.\n\nMy training loop:\n{LOOP}\nWhat is wrong?")
    assert [(one.text, one.line) for one in heard.code] == [(LOOP, 4)]
    assert heard.prose.split("\n")[0] == "My learning rate dies." and heard.prose.endswith("What is wrong?")
    assert heard.setting["ticked"] == "batch"


def test_a_single_line_is_code() -> None:
    text = "My code:\nscheduler = OneCycleLR(optimizer, max_lr=0.1)\n\nWhat's wrong?"
    assert codes(text) == ["scheduler = OneCycleLR(optimizer, max_lr=0.1)"]


def test_fences_and_indentation() -> None:
    assert codes("Look:\n```python\nx = 1\n```\nWhy?") == ["x = 1"]
    assert codes("Look:\n\n    opt = Adam(net.parameters(), lr=1e-3)\n\nWhy?") == [
        "opt = Adam(net.parameters(), lr=1e-3)"
    ]
    assert codes("```\nepoch 1  loss 0.5\nepoch 2  loss 0.4\n```") == []
    assert codes("```python\nfor x in y:\n    f(x)") == ["for x in y:\n    f(x)"]


@pytest.mark.parametrize(
    "line",
    [
        "I use OneCycleLR(optimizer, max_lr=0.1) for 20 epochs",
        "lr=0.1, bs=128, epochs=90",
        "lr=0.001 (constant)",
        "Adam, betas=(0.9, 0.95)",
        "for my model, I tried:",
        "with the following settings:",
        "if it diverges:",
        "- model: ResNet-50",
        "loss=0.5 acc=0.8 lr=0.1",
        "Thanks!",
        "`scheduler.step()` comes after the loop.",
        "epoch 3: loss=0.5, lr=0.001",
    ],
)
def test_prose_is_not_code(line: str) -> None:
    heard = hear(f"Hello.\n{line}\nWhat now?")
    assert not heard.code and line in heard.prose


def test_an_open_bracket_takes_the_next_lines() -> None:
    text = "Here:\nscheduler = OneCycleLR(\n    optimizer,\n    max_lr=0.1,\n)\nIt dies."
    assert codes(text) == ["scheduler = OneCycleLR(\n    optimizer,\n    max_lr=0.1,\n)"]
    assert hear(text).calls[0].arguments == {"max_lr": 0.1}


def test_a_traceback_is_prose() -> None:
    text = (
        'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n    scheduler.step()\nValueError: no'
    )
    heard = hear(text)
    assert not heard.code and heard.setting.saw("raises")


@pytest.mark.parametrize(
    ("code", "ticked"),
    [
        ("for epoch in range(9):\n    for b in loader:\n        opt.step()\n    scheduler.step()", "epoch"),
        ("for epoch in range(9):\n    for b in loader:\n        opt.step()\n        scheduler.step()", "batch"),
        ("for e in range(9):\n    for b in loader:\n        sched.step()\n    sched.step()", "both"),
        ("for b in loader:\n    if (i + 1) % accum == 0:\n        scheduler.step()", "update"),
        ("scheduler.step()", None),
        ("for epoch in range(9):\n    optimizer.step()", None),
    ],
)
def test_where_step_stands(code: str, ticked: str | None) -> None:
    assert hear(f"```python\n{code}\n```").setting.get("ticked") == ticked


def test_settings_in_code() -> None:
    heard = hear(
        "```python\nEPOCHS, BS = 50, 32\nopt = torch.optim.AdamW(net.parameters(), lr=3e-4, betas=(0.9, 0.95))\n```"
    )
    facts = {name: heard.setting[name] for name in heard.setting}
    assert facts == {"epochs": 50, "batch_size": 32, "optimizer": "adamw", "lr": 3e-4, "beta2": 0.95}


@pytest.mark.parametrize(
    ("text", "name", "arguments", "positional"),
    [
        ("OneCycleLR(opt, epochs=len(l))", "OneCycleLR", {"epochs": "len(l)"}, ["opt"]),
        ("CosineAnnealingLR with T_max=100 and eta_min=1e-5", "CosineAnnealingLR", {"T_max": 100, "eta_min": 1e-5}, []),
        ("StepLR(30, 0.1)", "StepLR", {}, [30, 0.1]),
        ("ReduceLROnPlateau(SGD 0.1, patience=2)", "ReduceLROnPlateau", {"patience": 2}, ["SGD 0.1"]),
        ("T_max=1, eta_min=1e-4", "CosineAnnealingLR", {"T_max": 1, "eta_min": 1e-4}, []),
        ("MultiStepLR(opt, milestones=[30,60,90])", "MultiStepLR", {"milestones": [30, 60, 90]}, ["opt"]),
        ("reduce on plateau, patience 5, factor of 0.5", "ReduceLROnPlateau", {"patience": 5, "factor": 0.5}, []),
        ("get_wsd_schedule(opt, 500, 10_000)", "get_wsd_schedule", {}, ["opt", 500, 10000]),
    ],
)  # fmt: skip
def test_calls(text: str, name: str, arguments: dict[str, object], positional: list[object]) -> None:
    calls = hear(text).calls
    assert [(one.name, one.arguments, one.positional) for one in calls] == [(name, arguments, positional)]


def test_rows_of_numbers() -> None:
    heard = hear("Loss went from 0.5 → 0.2 → 0.15. Then 18.35, 18.32, 17.59, 17.4.")
    assert [(one.metric, one.values) for one in heard.series] == [
        ("loss", (0.5, 0.2, 0.15)),
        ("", (18.35, 18.32, 17.59, 17.4)),
    ]
    assert hear("```python\nmilestones = [30, 60]\nf(x)\n```").numbers["milestones"] == (30, 60)
    level = hear("val ce: .9/.6/.44/.4/.4/.4").setting.saw("plateau")
    assert level and level.values == (0.4,)
    assert hear("val loss: 0.9, 0.6, 0.5").series[0].metric == "val loss"
    assert hear("MultiStep with drops at epochs 30, 60 and 80").numbers["milestones"] == (30, 60, 80)


def test_what_was_heard_is_shown_with_its_words() -> None:
    heard = hear("We use bs 2048 and\nit never converges, loss is NaN.")
    assert ("batch_size", 2048, "bs 2048") in heard.spans()
    assert all(words for _, _, words in heard.spans())


def test_every_guard_is_there() -> None:
    assert {pattern.guard for pattern in patterns()} - {""} <= set(guards())


def test_the_lexicon_is_compiled() -> None:
    with open(build.COMPILED, encoding="utf-8") as file:
        assert file.read() == build.compiled(), "run python -m lright.observe.words.build"


PIECES = st.sampled_from(
    "lr|=|1e-3|(|)|[|\n|    |for | in |:|0.1|epochs|warmup|```|loss|->|,|scheduler.step()|StepLR(|no|NaN|%|1,000|10^-3"
    "|x|8|GPUs|'|\"|#|…|\x00|²|é".split("|")
)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.text(max_size=300), st.lists(PIECES, max_size=80).map("".join), st.lists(PIECES, max_size=80).map(" ".join)
    )
)
def test_any_text_can_be_heard(text: str) -> None:
    heard = hear(text)
    assert isinstance(heard, Heard)
    assert heard.prose.count("\n") == heard.text.count("\n")


HARMFUL = [
    "(" * 20_000,
    "StepLR(" * 2_800,
    "lr = " * 4_000,
    "1" * 20_000,
    "warmup of for over " * 1_000,
    "a " * 10_000,
    "x = [" * 4_000,
    "for epoch in range(9):\n    " * 800,
    "0.1 -> " * 2_800,
    "1, " * 6_600,
    "at about around ~ " * 1_100,
    "NaN " * 5_000,
    "val loss goes up and " * 950,
    "```\n" * 5_000,
    "'" * 20_000,
    "a-" * 10_000,
    "batch size of " * 1_400,
    "EPOCH 1 of " * 1_800,
    '"a" ' * 5_000,
    "x, " * 6_000 + "= 1",
    "a.b" * 6_600,
    " " * 20_000,
    "1e" * 10_000,
    "10 ^ " * 4_000,
    "scheduler.step() every " * 870,
]


@pytest.mark.parametrize("text", HARMFUL, ids=lambda text: text[:12])
def test_no_text_takes_long(text: str) -> None:
    hear("warm the caches, lr 0.1")
    started = time.process_time()
    hear(text)
    assert time.process_time() - started < 2  # ours take less than half a second; machines differ


@pytest.mark.parametrize(
    ("questions", "precision", "recall"),
    [("s", 0.97, 0.85), ("a", 0.97, 0.8), ("b", 0.94, 0.72), ("c", 0.9, 0.6)],
)
def test_facts_of_real_questions(questions: str, precision: float, recall: float) -> None:
    """A wrong fact is worse than a missing one; the question sets are described in the data folder."""
    right, wrong, missing = figures(questions)
    assert right / (right + wrong) >= precision
    assert right / (right + wrong + missing) >= recall


def test_numbers() -> None:
    texts = ["50k", "1.2M", "50,000", "3 hundred", ".001", "0.1%", "2e9", "1.2 million", "1e-3", "10^-3", "3x10^-4"]
    assert [lexer.items(f"({text})")[1].value for text in texts] == pytest.approx(
        [50e3, 1.2e6, 5e4, 300, 0.001, 0.001, 2e9, 1.2e6, 1e-3, 1e-3, 3e-4]
    )
