"""Every exported snippet is run with the real framework, and the LRs that its optimizer used are compared.

Each runs 12 epochs of 7 batches (or what the case says). What is compared: the LR of every update with
`Snippet.expected`, and that with the pure schedule under the convention which the snippet states: per-epoch steps hold
the LR, the Trainer's warmup and OneCycleLR are an update off, Keras and optax count in float32.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import subprocess
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lright.clock import Budget
from lright.doctor import check_source
from lright.errors import LrightError
from lright.schedule import Schedule, one_cycle, plateau
from lright.schedule.export import FRAMEWORKS, Snippet, export

EPOCHS, BATCHES, PEAK = 12, 7, 0.1
BUDGET = Budget("12ep", batches_per_epoch=BATCHES)
MODULES = {
    "torch": "torch", "lightning": "lightning", "transformers": "transformers", "accelerate": "accelerate",
    "timm": "timm", "keras": "keras", "optax": "optax",
}  # fmt: skip

SCHEDULES = [
    "hold",
    "hold at 0.5",
    "warmup 3ep > hold",
    "cosine to 0",
    "cosine to 0.1 over 6ep",
    "warmup 3ep > cosine to 0",
    "warmup 3ep > cosine to 0.01",
    "warmup 10 updates > cosine to 1e-4 abs",
    "warmup 5% > cosine to 0",
    "warmup 3ep from 0.1 > cosine to 0",
    "warmup 1ep > cosine to 0 k 1.5",
    "linear to 0",
    "warmup 3ep > linear to 0",
    "warmup 5% > linear to 0.1",
    "step every 4ep gamma 0.1",
    "step every 20 updates gamma 0.5",
    "multi-step at 4ep, 8ep gamma 0.1",
    "warmup 3ep > multi-step at 4ep, 6ep gamma 0.1",
    "warmup 3ep > step every 3ep gamma 0.1",
    "exponential to 0.01",
    "warmup 3ep > exponential to 0.01",
    "exp-decay every 2ep gamma 0.5",
    "polynomial to 0 power 0.9",
    "warmup 3ep > polynomial to 0.01 power 2",
    "warmup 5% > hold > 1-sqrt to 0 over 20%",
    "warmup 10 updates > hold > 1-sqrt to 0.1 over 20 updates",
    "warmup 3ep > hold > linear to 0 over 3ep",
    "warmup 3ep > hold 6ep > cosine to 0",
    "hold > 1-sqrt to 0 over 20%",
    "warmup 10 updates > inverse-sqrt timescale 10 updates",
    "warmup 1ep > inverse-sqrt timescale 1ep",
    "warmup 3ep > inverse-sqrt timescale 9 updates",
    "noam warmup 10 updates",
    "power-law timescale 10 updates exponent 1",
    "cosine to 1 from 0.04 over 30% > cosine to 4e-06",
    "linear to 1 from 0.1 over 3ep > linear to 0.001",
    "restarts to 0 period 4ep",
    "restarts to 0 period 2ep mult 2",
    "restarts to 0.1 period 4ep decay 0.5",
    "warmup 2ep > restarts to 0 period 20 updates",
    "rex to 0",
    "warmup 3ep > rex to 0.1",
    "tanh to 0",
    "power to 0 power 3",
    "1-square to 0",
    "triangular from 0.1 to 1 period 4ep",
    "points 0ep: 0.1, 3ep: 1, 9ep: 1, 12ep: 0",
    "linear to 0.1 over 6ep > cosine to 0",
]


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """No progress bars, no files where the tests run, Keras on torch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "torch")
        patch.setenv("JAX_PLATFORMS", "cpu")
        patch.setenv("TRANSFORMERS_VERBOSITY", "error")
        yield


# Running a snippet: the LRs that its updates used.


@functools.cache
def library(name: str) -> Any:
    """The framework, or a skip that says what is missing."""
    reason = f"{name} is not installed: its snippets are not run"
    if name in ("torch", "lightning", "transformers", "accelerate", "timm", "keras"):
        pytest.importorskip("torch", reason="torch is not installed: no snippet of its family is run")
    if name == "timm":
        return timm_schedulers(reason)
    if name == "optax":
        pytest.importorskip("jax", reason="jax is not installed: optax snippets are not run")
    return pytest.importorskip(MODULES[name], reason=reason)


def timm_schedulers(reason: str) -> Any:
    """timm.scheduler, without running timm/__init__.py (which needs torchvision) unless somebody already has."""
    spec = importlib.util.find_spec("timm")
    if spec is None:
        pytest.skip(reason)
    if "timm" not in sys.modules:
        package = types.ModuleType("timm")
        package.__path__ = list(spec.submodule_search_locations or ())
        sys.modules["timm"] = package
    return importlib.import_module("timm.scheduler")


def run(framework: str, snippet: Snippet, batches: int = BATCHES, accumulate: int = 1) -> list[float]:
    """The LRs of all updates when the code of a snippet trains on ``batches`` batches an epoch."""
    library(framework)
    space: dict[str, Any] = {"__name__": "snippet"}
    runner = {"optax": run_optax, "keras": run_keras}.get(framework)
    if runner is not None:
        exec(compile(snippet.code, f"<{framework}>", "exec"), space)
        return runner(space, batches, accumulate)
    import torch
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    used: list[float] = []
    hook = register_optimizer_step_pre_hook(lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"]))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", message=".*lr_scheduler.*")
            exec(compile(snippet.code, f"<{framework}>", "exec"), space)
            torch.manual_seed(0)
            {"lightning": run_lightning, "transformers": run_trainer}.get(framework, run_loop)(space, batches)
    finally:
        hook.remove()
    return used


def steady(model_output: Any, y: Any) -> Any:
    """A loss that is always 1: a metric that never improves."""
    return model_output.sum() * 0 + 1


def run_loop(space: dict[str, Any], batches: int) -> None:
    import torch

    loader = [(torch.zeros(2, 3), torch.zeros(2, 1)) for _ in range(batches)]
    if "Accelerator" in space:
        data = torch.utils.data.TensorDataset(torch.zeros(batches * 2, 3), torch.zeros(batches * 2, 1))
        loader = torch.utils.data.DataLoader(data, batch_size=2)  # type: ignore[assignment]
        space["Accelerator"] = functools.partial(space["Accelerator"], cpu=True)
    space["print"] = lambda *_: None
    space["train"](torch.nn.Linear(3, 1), loader, loader[:1] if isinstance(loader, list) else loader, steady)


def run_lightning(space: dict[str, Any], batches: int) -> None:
    import torch

    lightning = space["L"]
    trainer = functools.partial(
        lightning.Trainer, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, accelerator="cpu", num_sanity_val_steps=0,
    )  # fmt: skip
    space["L"] = SimpleNamespace(Trainer=trainer)
    data = torch.utils.data.TensorDataset(torch.zeros(batches * 2, 3), torch.zeros(batches * 2, 1))
    loader = torch.utils.data.DataLoader(data, batch_size=2)
    space["train"](torch.nn.Linear(3, 1), loader, loader, steady)


def run_trainer(space: dict[str, Any], batches: int) -> None:
    import torch

    space["TrainingArguments"] = functools.partial(
        space["TrainingArguments"], report_to="none", save_strategy="no", disable_tqdm=True, use_cpu=True,
        logging_strategy="no", dataloader_pin_memory=False,
    )  # fmt: skip

    class Steady(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = torch.nn.Linear(3, 1)

        def forward(self, x: Any, labels: Any = None) -> Any:
            return {"loss": self.line(x).sum() * 0 + 1, "logits": labels}

    data = [{"x": torch.zeros(3), "labels": torch.zeros(1)} for _ in range(batches * 8)]
    space["train"](Steady(), data, data[:8])


def run_optax(space: dict[str, Any], batches: int, accumulate: int) -> list[float]:
    """Each batch has a parameter of its own, whose only update is the LR."""
    import jax.numpy as jnp
    import numpy as np

    places = iter(np.eye(400, dtype=np.float32))
    used = []

    class Loader:
        def __len__(self) -> int:
            return batches

        def __iter__(self) -> Iterator[Any]:
            for _ in range(batches):
                used.append(1)
                yield next(places)

    after = space["train"](jnp.zeros(400), Loader(), lambda params, batch: params @ batch + 1)
    lrs = [-float(value) * accumulate for value in np.asarray(after)[: len(used)]]
    return lrs[: len(lrs) // accumulate * accumulate : accumulate]


def run_keras(space: dict[str, Any], batches: int, accumulate: int) -> list[float]:
    keras = space["keras"]
    import torch

    used: list[float] = []
    data = torch.utils.data.TensorDataset(torch.zeros(batches * 2, 3), torch.zeros(batches * 2, 1))
    loader = torch.utils.data.DataLoader(data, batch_size=2)
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
    fit, build = model.fit, model.compile

    def compiled(optimizer: Any, loss: Any) -> None:
        update = optimizer._backend_update_step

        def recording(grads: Any, variables: Any, learning_rate: Any) -> None:
            used.append(float(learning_rate))
            update(grads, variables, learning_rate)

        optimizer._backend_update_step = recording
        build(optimizer=optimizer, loss=loss)

    model.compile, model.fit = compiled, functools.partial(fit, verbose=0)
    space["train"](model, loader, loader, lambda y, x: keras.ops.sum(x) * 0 + 1)
    return used


def made(text: str | Schedule, framework: str, budget: Budget | str = BUDGET, **options: Any) -> Snippet:
    schedule = Schedule.parse(text) if isinstance(text, str) else text
    chosen = {"optimizer": "SGD", "momentum": 0.0, **options}
    return export(schedule, budget, peak=PEAK, framework=framework, **chosen)


def agree(framework: str, used: list[float], snippet: Snippet, count: int) -> None:
    assert len(used) == count, (len(used), snippet.code)
    tolerance = {"rel": 2e-4, "abs": 2e-6 * PEAK} if framework in ("keras", "optax") else {"rel": 1e-9, "abs": 1e-12}
    expected = [snippet.expected(t) for t in range(count)]
    assert used == pytest.approx(expected, **tolerance), snippet.code


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("text", SCHEDULES)
def test_code_does_what_is_expected(text: str, framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    snippet = made(text, framework)
    agree(framework, run(framework, snippet), snippet, EPOCHS * BATCHES)


@pytest.mark.parametrize("text", SCHEDULES)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_is_expected_is_the_schedule(framework: str, text: str) -> None:
    """Exactly, or within two updates where the framework is known to be off."""
    snippet = made(text, framework)
    per = BATCHES if snippet.unit == "epoch" else 1
    pure = Schedule.parse(text).resolve(Budget("12ep", batches_per_epoch=BATCHES // per), peak=PEAK)
    loose = "Trainer's" in str(snippet.notes) or "OneCycleLR" in snippet.code
    for t in range(per * (1 if loose else 0), EPOCHS * BATCHES):
        now = snippet.expected(t)
        around = [pure(max(t // per + shift, 0)) for shift in ((-2, -1, 0, 1, 2) if loose else (0,))]
        assert min(around) - 1e-9 <= now <= max(around) + 1e-9, t


@pytest.mark.parametrize("framework", ["torch", "lightning", "accelerate", "timm"])
@pytest.mark.parametrize("text", ["warmup 3ep > cosine to 0", "step every 4ep gamma 0.1", "hold > rex over 4ep"])
def test_both_units(text: str, framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for unit in ("epoch", "update"):
        snippet = made(text, framework, step=unit)
        assert snippet.unit == unit
        agree(framework, run(framework, snippet), snippet, EPOCHS * BATCHES)
