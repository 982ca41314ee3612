"""The callback for transformers' Trainer, with the real library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
transformers = pytest.importorskip("transformers")

from lright.trace import Trace  # noqa: E402
from lright.transformers import Watch  # noqa: E402


class Line(torch.nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, broken_at: int | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(2, 1)
        self.calls = 0
        self.broken_at = broken_at

    def forward(self, x: Any, labels: Any) -> dict[str, Any]:
        self.calls += 1
        if self.calls == self.broken_at:
            raise ValueError("no data")
        return {"loss": torch.nn.functional.mse_loss(self.layer(x), labels)}


class Data(torch.utils.data.Dataset):  # type: ignore[misc, name-defined]
    x = torch.randn(32, 2, generator=torch.Generator().manual_seed(0))

    def __len__(self) -> int:
        return 32

    def __getitem__(self, at: int) -> dict[str, Any]:
        return {"x": self.x[at], "labels": self.x[at].sum().reshape(1)}


def train(folder: Path, watch: Watch, model: Any = None, resume: bool = False, **options: Any) -> Any:
    told = {
        "num_train_epochs": 2, "per_device_train_batch_size": 4, "learning_rate": 0.1, "logging_steps": 4,
        "lr_scheduler_type": "cosine", "warmup_steps": 4, "eval_strategy": "epoch", "save_strategy": "no",
        "report_to": [], "use_cpu": True, "disable_tqdm": True, "max_grad_norm": 0.0, "prediction_loss_only": True,
    } | options  # fmt: skip
    trainer = transformers.Trainer(
        model=model or Line(), args=transformers.TrainingArguments(output_dir=str(folder / "out"), **told),
        train_dataset=Data(), eval_dataset=Data(), callbacks=[watch],
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def test_every_update_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    train(tmp_path, Watch(str(path)))
    trace = Trace.read(path)
    assert trace.ended == "finished"
    [updates] = trace.updates.values()
    assert list(updates.numbers) == list(range(16))
    assert updates.rates()[:5] == pytest.approx([0.0, 0.025, 0.05, 0.075, 0.1])
    assert updates.rates()[-1] < 0.01
    assert updates.losses[0] > updates.losses[-1] > 0
    assert list(updates.epochs) == [0] * 8 + [1] * 8
    assert updates.grad_norms[0] > 0
    schedule = trace.schedulers[0]
    assert (schedule["class"], schedule["framework"]) == ("get_cosine_schedule_with_warmup", "transformers")
    assert schedule["arguments"] == {"num_warmup_steps": 4, "num_training_steps": 16, "num_cycles": 0.5}
    assert list(trace.ticks[0].updates) == list(range(1, 17))
    assert (schedule["optimizer"], trace.writes) == (0, [])


def test_what_the_trainer_logs(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    train(tmp_path, Watch(str(path)))
    trace = Trace.read(path)
    assert list(trace.metrics["eval_loss"].updates) == [8, 16]
    logged, updates = trace.metrics["loss"], trace.updates[0]
    assert list(logged.updates) == [4, 8, 12, 16]
    assert logged.values[0] == pytest.approx(sum(updates.losses[:4]) / 4, abs=1e-3)
    assert {"eval_loss", "loss", "train_loss"} <= {*trace.metrics} <= {"eval_loss", "loss", "train_loss", "eval loss"}


def test_accumulated_losses_are_undivided(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    train(tmp_path, Watch(str(path)), gradient_accumulation_steps=2, num_train_epochs=1, logging_steps=1)
    trace = Trace.read(path)
    assert list(trace.updates[0].backwards) == [2] * 4
    assert list(trace.updates[0].losses) == pytest.approx(list(trace.metrics["loss"].values), abs=1e-3)


def test_it_stops_a_run_that_diverges(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    watch = Watch(str(path), stop_on=["diverged"])
    trainer = train(tmp_path, watch, learning_rate=50.0, lr_scheduler_type="constant", optim="sgd", num_train_epochs=50)
    assert trainer.state.global_step < 350
    assert Trace.read(path).ended == "stopped"


def test_a_training_that_raised_is_ended_by_the_next(tmp_path: Path) -> None:
    before = torch.Tensor.backward
    watch = Watch(str(tmp_path / "trace.jsonl"))
    with pytest.raises(ValueError, match="no data"):
        train(tmp_path, watch, Line(broken_at=6))
    first = watch.session
    assert first is not None
    train(tmp_path, watch)
    assert not first.active
    assert torch.Tensor.backward is before
    assert [piece.end["reason"] for piece in Trace.read(tmp_path / "trace.jsonl").pieces] == ["interrupted", "finished"]


def test_a_resumed_run_counts_on(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    train(tmp_path, Watch(str(path)), save_strategy="epoch", max_steps=8)
    train(tmp_path, Watch(str(path)), save_strategy="epoch", resume=True)
    trace = Trace.read(path)
    assert list(trace.updates[0].numbers) == list(range(8, 16))
    assert ("load", "optimizer") in {(row["kind"], row["what"]) for row in trace.states}
