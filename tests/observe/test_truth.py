"""Curves read from a script against the learning rates that torch really used when the script was run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")

from observe import truth

DATA = Path(__file__).parent.parent / "data"
OWN = sorted((DATA / "truth").glob("*.py"))
TRAPS = ("full_batch_flat", "lr_finder_has_its_own_scheduler", "one_cycle_over_epochs", "schedulers_in_a_list")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def drawn(source: str) -> int:
    """How many curves a script says it has, in its first line: ``# curves: 1``."""
    first = source.splitlines()[0]
    assert first.startswith("# curves:"), "the first line says how many curves there are to be drawn"
    return int(first.split(":")[1])


@pytest.mark.torch
@pytest.mark.parametrize("script", OWN, ids=lambda script: script.stem)
def test_curves_are_what_training_does(script: Path) -> None:
    source = script.read_text(encoding="utf-8")
    arguments = truth.arguments_of(source)
    found = truth.compare(source, truth.run(source, arguments), arguments)
    assert found.wrong == []
    assert found.drawn == drawn(source)


@pytest.mark.torch
@pytest.mark.parametrize("name", TRAPS)
def test_curves_of_traps_are_what_training_does(name: str) -> None:
    source = (DATA / "traps" / f"{name}.py").read_text(encoding="utf-8")
    real = truth.run(source, quick=True, limit=6_000)
    assert real.rates
    assert truth.compare(source, real).wrong == []


@pytest.mark.torch
def test_curves_of_generated_scripts_are_what_training_does() -> None:
    """Correct scripts and planted faults alike: what lright shows is what happens."""
    from benchmarks.planted import generate

    cases = generate(seed=7, per_rule=2)
    sources = [source for case in cases for source in (case.original, case.source)]
    absent = ("import data", "from data", "torchvision", "np.load", "distributed")
    plain = [s for s in sources if not any(word in s for word in absent)]
    compared = 0
    for source in random.Random(7).sample(plain, 10):
        real = truth.run(source, quick=True, limit=2_500)
        if real.rates:
            found = truth.compare(source, real)
            assert found.wrong == [], source
            compared += found.drawn
    assert compared >= 5


def test_the_recorder_sees_what_happens() -> None:
    source = """
import torch
w = torch.nn.Parameter(torch.zeros(1))
fixed = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=7.0)
opt = torch.optim.SGD([w], lr=1.0)
sched = torch.optim.lr_scheduler.SequentialLR(opt, [
    torch.optim.lr_scheduler.ConstantLR(opt, 0.5, 2), torch.optim.lr_scheduler.ExponentialLR(opt, 0.5)], [2])
for _ in range(4):
    opt.step()
    sched.step()
raise ValueError("enough")
"""
    real = truth.run(source)
    assert real.rates == [[(0.5,), (0.5,), (1.0,), (0.5,)]]
    assert real.ticks == [4]
    assert real.error == "ValueError: enough"


def test_a_wrong_curve_is_noticed() -> None:
    source = (DATA / "truth" / "plain_epochs.py").read_text(encoding="utf-8")
    real = truth.run(source)
    changed = source.replace("gamma=0.1", "gamma=0.2")
    assert any("at update" in line for line in truth.compare(changed, real).wrong)
    longer = source.replace("range(9)", "range(10)")
    assert any("updates read" in line for line in truth.compare(longer, real).wrong)
