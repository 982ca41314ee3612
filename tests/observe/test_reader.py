# ruff: noqa: E501 - small scripts stand on one line each
"""What the reader knows after reading: facts and their origins, settings, worlds, loops, objects, units."""

from __future__ import annotations

from typing import Any

import pytest

from lright.errors import ReadError
from lright.observe.source import read
from lright.quantity import BATCHES_PER_EPOCH, BATCHES_PER_UPDATE, EPOCHS, Scalar
from lright.situation import Fact, Training
from lright.timeline import BATCH, EPOCH, EVALUATION, Loop

SCRIPT = """\
import argparse
import torch
from torch.utils.data import DataLoader, TensorDataset

WARMUP = 5
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=90)
parser.add_argument("--batch-size", type=int, default=128)
parser.add_argument("--accum", type=int, default=1)
parser.add_argument("--resume", default="")
parser.add_argument("--cosine", action="store_true")
args = parser.parse_args()
data = TensorDataset(torch.randn(50000, 10))
loader = DataLoader(data, batch_size=args.batch_size, shuffle=True)
val_loader = DataLoader(unknown_data, batch_size=64)
model = torch.nn.Linear(10, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
if args.cosine:
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
else:
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30)
if args.resume:
    optimizer.load_state_dict(torch.load(args.resume))
for epoch in range(args.epochs):
    for i, (x,) in enumerate(loader):
        model(x).mean().backward()
        if (i + 1) % args.accum == 0:
            optimizer.step()
            optimizer.zero_grad()
    with torch.no_grad():
        for (x,) in val_loader:
            model(x)
    scheduler.step()
"""


def default(
    source: str = SCRIPT, settings: dict[str, Scalar] | None = None, arguments: tuple[str, ...] = ()
) -> Training:
    found = read(source, "train.py", settings, arguments).default
    assert found is not None
    return found


def fact(training: Training, text: str) -> Fact:
    return next(f for f in training.facts.values() if f.text == text)


def loops(training: Training) -> dict[str, Loop]:
    found: dict[str, Loop] = {}
    for site in training.sites:
        for step in site.loops:
            found.setdefault(step.kind, step)
    return found


def test_facts_know_where_they_are_from() -> None:
    training = default()
    epochs = fact(training, "args.epochs")
    assert (epochs.value, epochs.known, epochs.origin, epochs.option) == (90, True, "argparse", "epochs")
    assert epochs.place is not None and epochs.place.line == 7
    assert (fact(training, "WARMUP").value, fact(training, "WARMUP").origin) == (5, "literal")
    assert training.number(loops(training)[BATCH].trips) == 391
    lengths = [training.number(found.length) for found in training.loaders.values()]
    assert lengths == [391, None]


def test_loops_have_kinds_and_trips() -> None:
    training = default()
    found = loops(training)
    assert training.number(found[EPOCH].trips) == 90
    assert found[EPOCH].variable == "epoch"
    assert found[BATCH].text == "enumerate(loader)"
    assert EVALUATION not in found  # nothing happens in it
    assert [site.event.kind for site in training.sites if site.within(found[EPOCH])] == [
        "backward", "update", "zero-grad", "tick",
    ]  # fmt: skip


def test_units_are_proven_by_use() -> None:
    training = default()
    units = {f.text: training.units.get(f.name) for f in training.facts.values()}
    assert units["args.epochs"] == EPOCHS
    assert units["args.accum"] == BATCHES_PER_UPDATE
    assert units["len(loader)"] == BATCHES_PER_EPOCH
    assert fact(training, "args.epochs").name in training.proven_units


@pytest.mark.parametrize("name", ["args.epochs", "epochs"])
def test_settings_by_any_of_their_names(name: str) -> None:
    training = default(settings={name: 7})
    assert fact(training, "args.epochs").origin == "--set"
    assert training.number(loops(training)[EPOCH].trips) == 7


def test_settings_of_lengths_and_constants() -> None:
    assert (
        default(settings={"len(loader)": 100}).number(loops(default(settings={"len(loader)": 100}))[BATCH].trips) == 100
    )
    assert (
        default(settings={"batch-size": 500}).number(loops(default(settings={"batch-size": 500}))[BATCH].trips) == 100
    )
    assert fact(default(settings={"WARMUP": 9}), "WARMUP").value == 9


def test_settings_that_the_script_lacks_are_reported() -> None:
    notes = read(SCRIPT, "train.py", {"epoch_count": 3, "epochs": 4}).notes
    assert notes == ["--set epoch_count: the script has no such value"]


def test_the_command_line_overrules_defaults() -> None:
    training = default(arguments=("--epochs", "12", "--cosine"))
    assert fact(training, "args.epochs").origin == "command line"
    assert [s.name for s in training.schedulers.values()] == ["CosineAnnealingLR"]
    assert [s.name for s in default().schedulers.values()] == ["StepLR"]


def test_worlds_have_conditions() -> None:
    found = {t.condition: t for t in read(SCRIPT, "train.py").trainings}
    assert {"default", "resume", "option:cosine=True"} <= set(found)
    assert [s.name for s in found["option:cosine=True"].schedulers.values()] == ["CosineAnnealingLR"]
    assert found["resume"].of("load") and not found["default"].of("load")
    given = {t.condition for t in read(SCRIPT, "train.py", {"cosine": True}).trainings}
    assert "option:cosine=True" not in given  # what is said is not varied


HEAD = """\
import math, torch
from dataclasses import dataclass
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.randn(100, 2)), batch_size=10)
model = torch.nn.Linear(2, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
"""


def trips(body: str, **settings: Any) -> float | None:
    """How often the update in a script happens, counted by playing it."""
    from lright.case import Case

    training = read(HEAD + body, "train.py", settings).default
    assert training is not None
    case = Case(training)
    play = case.play(next(iter(training.optimizers.values())), {})
    return None if play is None else play.updates


@pytest.mark.parametrize(
    ("body", "updates"),
    [
        ("for i in range(3, 10, 2):\n    opt.step()", 4),
        ("for i in range(10, 0, -3):\n    opt.step()", 4),
        ("for i, x in enumerate(loader, 5):\n    opt.step()", 10),
        ("for a, b in zip(range(7), loader):\n    opt.step()", 7),
        ("for x in [1, 2, 3]:\n    opt.step()", 3),
        ("n = 0\nwhile n < 25:\n    opt.step()\n    n += 10", 3),
        ("n = 0\nwhile n <= 20:\n    n += 10\n    opt.step()", 3),
        ("n = 9\nwhile n > 0:\n    n -= 2\n    opt.step()", 5),
        ("n = 0\nwhile True:\n    opt.step()\n    n += 1\n    if n == 6:\n        break", 6),
        ("n = 0\nwhile True:\n    if n == 6:\n        break\n    n += 1\n    opt.step()", 6),
        ("for i in range(20):\n    if i >= 6:\n        break\n    opt.step()", 6),
        ("for i in range(20):\n    opt.step()\n    if i >= 6:\n        break", 7),
        ("for i in range(20):\n    if i % 3:\n        continue\n    opt.step()", 7),
        ("for i in range(20):\n    if i % 3 != 0:\n        pass\n    else:\n        opt.step()", 7),
        ("for e in range(4):\n    for x in loader:\n        opt.step()\n        break", 4),
        ("seen = 0\nfor x in loader:\n    seen += 1\n    if seen % 4 == 0:\n        opt.step()\n        if seen >= 8:\n            break", 2),
        ("for e in range(3):\n    for i, x in enumerate(loader):\n        if (i + 1) % 4 == 0 or i == len(loader) - 1:\n            opt.step()", 9),
        ("def f(n=4):\n    for _ in range(n):\n        opt.step()\nf()\nf(2)", 6),
        ("f = lambda n: n * 2\nfor _ in range(f(3)):\n    opt.step()", 6),
        ("class T:\n    def __init__(self, n):\n        self.n = n\n    def go(self):\n        for _ in range(self.n):\n            opt.step()\nT(5).go()", 5),
        ("@dataclass\nclass C:\n    n: int = 3\n    m: int = 2\nc = C(m=4)\nfor _ in range(c.n * c.m):\n    opt.step()", 12),
        ("cfg = {'n': 2, 'deep': {'m': 3}}\nfor _ in range(cfg['n'] * cfg['deep']['m'] + cfg.get('k', 1)):\n    opt.step()", 7),
        ("n, m = 2, 3\nn, m = m, n\nfor _ in range(n - m):\n    opt.step()", 1),
        ("for _ in range(math.ceil(len(loader) / 4)):\n    opt.step()", 3),
        ("for _ in range(max(2, min(9, len(loader) * 10 // 25))):\n    opt.step()", 4),
        ("x = 3 if len(loader) > 5 else 8\nfor _ in range(x):\n    opt.step()", 3),
        ("try:\n    import nothing\n    n = 3\nexcept ImportError:\n    n = 3\nfor _ in range(n):\n    opt.step()", 3),
        ("with open('x') as f:\n    for _ in range(2):\n        opt.step()", 2),
        ("if __name__ == '__main__':\n    for _ in range(2):\n        opt.step()", 2),
        ("for _ in range(n_unknown):\n    opt.step()", None),
    ],
)  # fmt: skip
def test_updates_are_counted(body: str, updates: int | None) -> None:
    assert trips(body) == updates


def test_unknown_trips_can_be_set() -> None:
    assert trips("for _ in range(n_unknown):\n    opt.step()", n_unknown=6) == 6


def test_uncalled_functions_are_trainings_of_their_own() -> None:
    source = "def train(model, loader, optimizer):\n    for x in loader:\n        optimizer.step()\n"
    found = read(source, "lib.py").trainings
    assert [t.entry for t in found] == ["train"]


def test_branches_that_cannot_be_decided_are_both_read() -> None:
    training = default(HEAD + "if unknown:\n    opt.step()\nelse:\n    print(opt)\n    opt.step()\n")
    assert [len(site.guards) for site in training.updates()] == [1, 1]


def test_what_is_not_python_is_refused() -> None:
    with pytest.raises(ReadError, match="line 2: not valid Python 3"):
        read("x = 1\nprint 'two'\n", "old.py")
    with pytest.raises(ReadError, match=r"old\.py"):
        read("\x00", "old.py")


def test_nothing_is_executed(tmp_path: Any) -> None:
    mark = tmp_path / "ran"
    read(f"open({str(mark)!r}, 'w').write('x')\nimport torch\n__import__('os').mkdir({str(mark)!r})\n", "train.py")
    assert not mark.exists()
