"""The tracker for Accelerate, with the real library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
accelerate = pytest.importorskip("accelerate")

from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from lright.accelerate import Watch  # noqa: E402
from lright.trace import Trace  # noqa: E402


def train(watch: Watch, lr: float = 0.1, parts: int = 1, epochs: int = 2, end: bool = True) -> Any:
    torch.manual_seed(0)
    accelerator = accelerate.Accelerator(cpu=True, log_with=watch, gradient_accumulation_steps=parts)
    accelerator.init_trackers("line", {"lr": lr})
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.5)
    x = torch.randn(64, 2)
    loader = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=8)
    model, optimizer, scheduler, loader = accelerator.prepare(model, optimizer, scheduler, loader)
    for epoch in range(epochs):
        for inputs, targets in loader:
            with accelerator.accumulate(model):
                loss = torch.nn.functional.mse_loss(model(inputs), targets)
                accelerator.backward(loss)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
            if watch.stopping:
                break
        accelerator.log({"train/loss": loss.item(), "epoch": epoch}, step=epoch)
        if watch.stopping:
            break
    if end:
        accelerator.end_training()
    return accelerator


def test_every_update_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    accelerator = train(Watch(str(path)))
    assert accelerator.get_tracker("lright", unwrap=True).recorder.findings == []
    trace = Trace.read(path)
    assert trace.ended == "finished"
    updates = trace.updates[0]
    assert updates.rates() == pytest.approx([0.1] * 4 + [0.05] * 4 + [0.025] * 4 + [0.0125] * 4)
    assert list(updates.epochs) == [0] * 8 + [1] * 8
    assert (trace.schedulers[0]["class"], trace.schedulers[0]["optimizer"], trace.writes) == ("StepLR", 0, [])
    assert len(trace.ticks[0]) == 16
    assert list(trace.metrics["train/loss"].updates) == [8, 16]
    assert "epoch" not in trace.metrics


def test_accumulated_losses_are_undivided(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole.jsonl", tmp_path / "parts.jsonl"
    train(Watch(str(whole)), lr=0.0, epochs=1)
    accelerate.state.GradientState._reset_state()
    train(Watch(str(parts)), lr=0.0, parts=2, epochs=1)
    accelerate.state.GradientState._reset_state()
    each, pairs = Trace.read(whole).updates[0].losses, Trace.read(parts).updates[0]
    assert list(pairs.losses) == pytest.approx([(a + b) / 2 for a, b in zip(each[::2], each[1::2])])


def test_it_says_when_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    train(Watch(str(path), stop_on=["diverged"]), lr=50.0, epochs=200)
    trace = Trace.read(path)
    assert trace.ended == "stopped"
    assert len(trace.updates[0]) < 1600


SCRIPT = """
import sys
sys.path[:0] = {paths!r}
from test_accelerate import Watch, train
train(Watch({path!r}), end=False)
{last}
"""


@pytest.mark.parametrize(("last", "reason"), [("", "finished"), ("raise ValueError('no data')", "crashed")])
def test_a_process_that_leaves_ends_its_trace(tmp_path: Path, last: str, reason: str) -> None:
    import lright

    path = str(tmp_path / "trace.jsonl")
    paths = [str(Path(__file__).parent), str(Path(lright.__file__).parent.parent)]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(paths=paths, path=path, last=last)], capture_output=True, text=True
    )
    assert ("no data" in done.stderr) == (reason == "crashed"), done.stderr
    trace = Trace.read(path)
    assert (trace.ended, len(trace.updates[0])) == (reason, 16)
