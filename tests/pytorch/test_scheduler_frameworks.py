"""`lright.torch.Scheduler` in Lightning, Accelerate and transformers' Trainer, with the real libraries."""

from __future__ import annotations

import logging
import math
import warnings
from pathlib import Path
from typing import Any

import pytest

from lright import Schedule
from lright.schedule import hold, plateau

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

from lright.torch import Scheduler  # noqa: E402

TEXT = "warmup 4 updates > cosine to 0"
CURVE = Schedule.parse(TEXT).resolve(24, 0.1).curve().tolist()


def data(count: int = 48) -> Any:
    x = torch.randn(count, 3, generator=torch.Generator().manual_seed(0))
    return torch.utils.data.TensorDataset(x, x.sum(1, keepdim=True))


# Lightning.


def lightning_module(pl: Any, **config: Any) -> Any:
    class Module(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)
            self.used: list[float] = []

        def training_step(self, batch: Any, index: int) -> Any:
            return torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", 1.0 + self.current_epoch)

        def on_before_optimizer_step(self, optimizer: Any) -> None:
            self.used.append(optimizer.param_groups[0]["lr"])

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
            schedule = config.pop("schedule", TEXT)
            return [optimizer], [{"scheduler": Scheduler(optimizer, schedule, total=24), **config}]

    return Module()


def fit(pl: Any, module: Any, epochs: int, where: Path, **options: Any) -> Any:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", devices=1, logger=False, enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=False, default_root_dir=where, num_sanity_val_steps=0,
    )  # fmt: skip
    loader = torch.utils.data.DataLoader(data(), batch_size=4)
    trainer.fit(module, loader, options.pop("val", None), **options)
    return trainer


@pytest.fixture(scope="module")
def pl() -> Any:
    return pytest.importorskip("lightning.pytorch")


def test_lightning_steps_it_each_update(pl: Any, tmp_path: Path) -> None:
    module = lightning_module(pl, interval="step")
    fit(pl, module, 2, tmp_path)
    assert module.used == pytest.approx(CURVE)


def test_lightning_resumes_it(pl: Any, tmp_path: Path) -> None:
    first, second = lightning_module(pl, interval="step"), lightning_module(pl, interval="step")
    fit(pl, first, 1, tmp_path).save_checkpoint(tmp_path / "last.ckpt")
    fit(pl, second, 2, tmp_path, ckpt_path=tmp_path / "last.ckpt")
    assert first.used + second.used == pytest.approx(CURVE)


def test_lightnings_default_interval_does_no_lasting_harm(pl: Any, tmp_path: Path) -> None:
    """Stepped once an epoch, its time is still the updates: torch's own would be at step 1 of 24 here."""
    module = lightning_module(pl)
    trainer = fit(pl, module, 1, tmp_path)
    (config,) = trainer.lr_scheduler_configs
    assert config.interval == "epoch" and config.scheduler.last_epoch == 12
    assert config.scheduler.get_last_lr() == [pytest.approx(CURVE[12])]


def test_lightning_gives_it_a_metric(pl: Any, tmp_path: Path) -> None:
    schedule = hold() * plateau(factor=0.5, patience=0)
    module = lightning_module(pl, schedule=schedule, monitor="val_loss", reduce_on_plateau=True)
    fit(pl, module, 3, tmp_path, val=torch.utils.data.DataLoader(data(4), batch_size=4))
    assert [module.used[t] for t in (0, 12, 24)] == pytest.approx([0.1, 0.1, 0.05])
    assert module.lr_schedulers().get_last_lr() == [pytest.approx(0.025)]


# Accelerate.


@pytest.fixture
def accelerate() -> Any:
    library = pytest.importorskip("accelerate")
    state = pytest.importorskip("accelerate.state")

    def forget() -> None:
        state.AcceleratorState._reset_state()
        state.GradientState._reset_state()

    forget()
    yield library
    forget()


def accelerated(accelerator: Any, batch_size: int = 2) -> tuple[Any, Any, Any, Any]:
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = Scheduler(optimizer, TEXT, total=24)
    loader = torch.utils.data.DataLoader(data(), batch_size=batch_size)
    model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
    return model, optimizer, loader, scheduler


def loop(accelerator: Any, parts: Any, epochs: int = 1) -> list[float]:
    model, optimizer, loader, scheduler = parts
    used = []
    for _ in range(epochs):
        for x, y in loader:
            with accelerator.accumulate(model):
                accelerator.backward(torch.nn.functional.mse_loss(model(x), y))
                if accelerator.sync_gradients:
                    used.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
    return used


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("processes", [1, 4])
def test_accelerate_ticks_it_once_an_update(
    accelerate: Any, accumulate: int, split: bool, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lengths are updates. With several processes a prepared scheduler is called once for each of them: no matter."""
    accelerator = accelerate.Accelerator(
        cpu=True,
        gradient_accumulation_steps=accumulate,
        dataloader_config=accelerate.DataLoaderConfiguration(split_batches=split),
    )
    parts = accelerated(accelerator, batch_size=2)
    other = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    torchs = torch.optim.lr_scheduler.LambdaLR(other, lambda t: 1.0)
    wrapped = type(parts[3])(torchs, [parts[1]], split_batches=split)
    monkeypatch.setitem(accelerate.PartialState._shared_state, "num_processes", processes)
    used = loop(accelerator, parts, epochs=accumulate)
    assert used == pytest.approx(CURVE)
    assert parts[3].scheduler.last_epoch == 24
    wrapped.step()
    assert torchs.last_epoch == (1 if split else processes)  # as torch's own would be called


def test_accelerate_resumes_it(accelerate: Any, tmp_path: Path) -> None:
    accelerator = accelerate.Accelerator(cpu=True)
    parts = accelerated(accelerator, batch_size=4)
    first = loop(accelerator, parts)
    accelerator.save_state(str(tmp_path))
    for kind in ("AcceleratorState", "GradientState"):
        getattr(accelerate.state, kind)._reset_state()
    accelerator = accelerate.Accelerator(cpu=True)
    parts = accelerated(accelerator, batch_size=4)
    accelerator.load_state(str(tmp_path))
    assert first + loop(accelerator, parts) == pytest.approx(CURVE)


def test_accelerate_skips_with_its_scaler(accelerate: Any) -> None:
    """Its optimizer swaps step() back and forth where there is a scaler: built before or after, updates are seen."""
    optimizers = pytest.importorskip("accelerate.optimizer")
    accelerate.Accelerator(cpu=True)
    weight = torch.nn.Parameter(torch.zeros(2))
    inner = torch.optim.SGD([weight], lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    before = Scheduler(inner, TEXT, total=24)
    optimizer = optimizers.AcceleratedOptimizer(inner, scaler=scaler)
    after = Scheduler(optimizer, {"weight_decay": "linear to 1 from 0"}, total=24)
    wrapped = pytest.importorskip("accelerate.scheduler").AcceleratedScheduler(before, [optimizer])
    positions = []
    for gradient in (math.inf, 1.0, math.nan, 1.0):
        weight.grad = torch.full((2,), gradient)
        scaler.scale(torch.zeros(1))
        optimizer.step()
        wrapped.step()
        after.step()
        positions.append((before.last_epoch, after.last_epoch))
    assert positions == [(0, 0), (1, 1), (1, 1), (2, 2)]


# transformers.


@pytest.fixture(scope="module")
def transformers() -> Any:
    library = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    library.logging.set_verbosity_error()
    return library


class Regression(torch.nn.Module):  # type: ignore[name-defined,misc]
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)

    def forward(self, x: Any, labels: Any) -> dict[str, Any]:
        out = self.layer(x)
        return {"loss": torch.nn.functional.mse_loss(out, labels), "logits": out}


def trainer(transformers: Any, where: Path, total: int = 24, **options: Any) -> tuple[Any, list[float]]:
    model = Regression()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = Scheduler(optimizer, TEXT, total=total)
    used: list[float] = []

    class Spy(transformers.TrainerCallback):  # type: ignore[misc]
        def on_pre_optimizer_step(self, *args: Any, **kwargs: Any) -> None:
            used.append(optimizer.param_groups[0]["lr"])

    arguments = transformers.TrainingArguments(
        output_dir=str(where), per_device_train_batch_size=2, max_steps=24, save_steps=10, logging_steps=1,
        report_to=[], use_cpu=True, disable_tqdm=True, max_grad_norm=0.0, **options,
    )  # fmt: skip
    items = [{"x": x, "labels": y} for x, y in data()]
    made = transformers.Trainer(
        model=model, args=arguments, train_dataset=items, optimizers=(optimizer, scheduler), callbacks=[Spy()]
    )
    return made, used


def test_the_trainer_takes_it_and_resumes_it(transformers: Any, tmp_path: Path) -> None:
    made, used = trainer(transformers, tmp_path)
    made.train()
    assert used == pytest.approx(CURVE)
    logged = [row["learning_rate"] for row in made.state.log_history if "learning_rate" in row]
    assert logged[:24] == pytest.approx(CURVE)
    resumed, used_again = trainer(transformers, tmp_path)
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-10"))
    assert used_again == pytest.approx(CURVE[10:])


def test_the_trainer_gathers_gradients(transformers: Any, tmp_path: Path) -> None:
    made, used = trainer(transformers, tmp_path, gradient_accumulation_steps=3)
    made.train()
    assert used == pytest.approx(CURVE)


def test_no_framework_is_told_anything_spurious(transformers: Any, tmp_path: Path) -> None:
    made, _ = trainer(transformers, tmp_path)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        made.train()
    assert not [str(one.message) for one in said if "schedul" in str(one.message).lower()]
