"""The callback for Lightning, with the real library."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from lightning.pytorch import LightningModule, Trainer  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from lright.lightning import Watch  # noqa: E402
from lright.trace import Trace  # noqa: E402


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Line(LightningModule):
    """Fits a line; ``lr`` so high that it diverges, on demand."""

    def __init__(self, lr: float = 0.1, broken_at: int | None = None, interrupted_at: int | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(2, 1)
        self.lr = lr
        self.broken_at = broken_at
        self.interrupted_at = interrupted_at

    def _loss(self, batch: Any) -> Any:
        return torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        if self.global_step == self.broken_at:
            raise ValueError("no data")
        if self.global_step == self.interrupted_at:
            raise KeyboardInterrupt
        loss = self._loss(batch)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val_loss", self._loss(batch))

    def configure_optimizers(self) -> Any:
        groups = [{"params": [self.layer.weight]}, {"params": [self.layer.bias], "lr": self.lr / 10}]
        optimizer = torch.optim.SGD(groups, lr=self.lr)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)]


class Pair(LightningModule):
    """Two optimizers, stepped by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.one, self.two = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)

    def training_step(self, batch: Any, batch_idx: int) -> None:
        for model, optimizer in zip((self.one, self.two), self.optimizers()):
            optimizer.zero_grad()
            self.manual_backward(torch.nn.functional.mse_loss(model(batch[0]), batch[1]))
            optimizer.step()

    def configure_optimizers(self) -> Any:
        return [torch.optim.SGD(self.one.parameters(), lr=0.1), torch.optim.Adam(self.two.parameters(), lr=0.01)]


def loader() -> Any:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 2, generator=generator)
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=8)


def fit(model: Any, watch: Watch, folder: Path, validation: bool = True, **options: Any) -> Any:
    options = {"max_epochs": 3, "logger": False, "enable_checkpointing": False, "enable_progress_bar": False, **options}
    trainer = Trainer(
        accelerator="cpu", devices=1, callbacks=[watch], default_root_dir=folder, enable_model_summary=False, **options
    )
    trainer.fit(model, loader(), loader() if validation else None)
    return trainer


def test_every_update_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    fit(Line(), Watch(str(path)), tmp_path)
    trace = Trace.read(path)
    assert trace.ended == "finished"
    [updates] = trace.updates.values()
    assert list(updates.numbers) == list(range(24))
    assert updates.rates(0) == pytest.approx([0.1] * 8 + [0.05] * 8 + [0.025] * 8)
    assert updates.rates(1) == pytest.approx([0.01] * 8 + [0.005] * 8 + [0.0025] * 8)
    assert updates.losses[0] > updates.losses[-1] > 0
    assert list(updates.epochs) == [0] * 8 + [1] * 8 + [2] * 8
    assert list(updates.batches) == [*range(1, 9)] * 3
    assert trace.optimizers[0]["class"] == "SGD"
    assert trace.schedulers[0]["class"] == "StepLR"
    assert trace.schedulers[0]["arguments"] == {"step_size": 1, "gamma": 0.5}
    assert list(trace.ticks[0].updates) == [8, 16, 24]
    assert (trace.schedulers[0]["optimizer"], trace.writes) == (0, [])


def test_losses_are_those_that_were_made(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    fit(Line(), Watch(str(path)), tmp_path)
    twin, told = Line(), []
    [optimizer], [scheduler] = twin.configure_optimizers()
    for _ in range(3):
        for batch in loader():
            optimizer.zero_grad()
            loss = twin._loss(batch)
            loss.backward()
            optimizer.step()
            told.append(loss.item())
        scheduler.step()
    assert list(Trace.read(path).updates[0].losses) == pytest.approx(told)


def test_gradient_norms_belong_to_their_update(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    fit(Line(), Watch(str(path), sample=1), tmp_path, max_epochs=1)
    twin = Line()
    [optimizer], _ = twin.configure_optimizers()
    told = []
    for batch in loader():
        optimizer.zero_grad()
        twin._loss(batch).backward()
        gradients = [p.grad for p in twin.parameters() if p.grad is not None]
        told.append(float(torch.cat([gradient.flatten() for gradient in gradients]).norm()))
        optimizer.step()
    updates = Trace.read(path).updates[0]
    assert list(updates.grad_norms) == pytest.approx(told)
    assert len(updates.ratios) == 8


def test_what_the_module_logs_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    fit(Line(), Watch(str(path)), tmp_path)
    metrics = Trace.read(path).metrics
    assert list(metrics["val_loss"].updates) == [8, 16, 24]
    assert metrics["val_loss"].values[0] > metrics["val_loss"].values[-1]
    assert metrics["train_loss"].updates[-1] == 24


def test_the_trial_of_the_validation_is_no_evaluation(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    fit(Line(), Watch(str(path)), tmp_path, num_sanity_val_steps=2)
    assert Trace.read(path).metrics["eval loss"].updates[0] == 8


def test_accumulated_losses_are_undivided(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole.jsonl", tmp_path / "parts.jsonl"
    fit(Line(lr=0.0), Watch(str(whole)), tmp_path, max_epochs=1)
    fit(Line(lr=0.0), Watch(str(parts)), tmp_path, max_epochs=1, accumulate_grad_batches=2)
    each, pairs = Trace.read(whole).updates[0].losses, Trace.read(parts).updates[0]
    assert list(pairs.losses) == pytest.approx([(a + b) / 2 for a, b in zip(each[::2], each[1::2])])
    assert list(pairs.backwards) == [2] * 4


def test_two_optimizers(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    fit(Pair(), Watch(str(path)), tmp_path, validation=False, max_epochs=1)
    trace = Trace.read(path)
    assert [trace.optimizers[number]["class"] for number in (0, 1)] == ["SGD", "Adam"]
    assert [len(updates) for updates in trace.updates.values()] == [8, 8]


def test_it_stops_a_run_that_diverges(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trace.jsonl"
    watch = Watch(str(path), stop_on=["diverged"])
    fit(Line(lr=50.0), watch, tmp_path, max_epochs=200)
    trace = Trace.read(path)
    assert trace.ended == "stopped"
    assert trace.length < 1600
    assert watch.session is not None
    assert "LR607" in {finding.rule for finding in watch.session.recorder.findings}
    assert capsys.readouterr().err.startswith("lright: LR6")


@pytest.mark.parametrize(("fault", "reason", "message"), [
    ({"broken_at": 5}, "crashed", "ValueError: no data"), ({"interrupted_at": 5}, "interrupted", ""),
])  # fmt: skip
def test_an_end_before_its_time(tmp_path: Path, fault: dict[str, int], reason: str, message: str) -> None:
    path = tmp_path / "trace.jsonl"
    with pytest.raises((ValueError, KeyboardInterrupt, SystemExit)):
        fit(Line(**fault), Watch(str(path)), tmp_path)
    trace = Trace.read(path)
    assert (trace.ended, trace.pieces[0].end["message"]) == (reason, message)
    assert len(trace.updates[0]) == 5


def test_nothing_listens_after_a_fit(tmp_path: Path) -> None:
    before = torch.Tensor.backward
    fit(Line(), Watch(str(tmp_path / "trace.jsonl")), tmp_path, max_epochs=1)
    assert torch.Tensor.backward is before


def test_a_resumed_run_counts_on(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    with pytest.raises(ValueError, match="no data"):
        fit(Adam(broken_at=12), Watch(str(path)), tmp_path, enable_checkpointing=True)
    [checkpoint] = tmp_path.rglob("*.ckpt")
    trainer = Trainer(
        accelerator="cpu", max_epochs=3, logger=False, enable_progress_bar=False, callbacks=[Watch(str(path))],
        default_root_dir=tmp_path, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(Adam(), loader(), ckpt_path=checkpoint)
    trace = Trace.read(path)
    assert len(trace.pieces) == 2
    assert list(trace.updates[0].numbers) == [*range(12), *range(8, 24)]


class Adam(Line):
    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.01)
