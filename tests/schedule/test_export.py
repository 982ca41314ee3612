"""Every exported snippet is run with the real framework, and the LRs that its optimizer used are compared.

Each runs 12 epochs of 2 batches (or what the case says). What is compared: the LR of every update with
`Snippet.expected`, and that with the pure schedule under the convention which the snippet states: per-epoch steps hold
the LR, the Trainer's warmup and OneCycleLR are an update off, Keras and optax count in float32.
"""

from __future__ import annotations

import functools
import subprocess
import sys
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
from schedule.peers import timm_schedulers

EPOCHS, BATCHES, PEAK = 12, 2, 0.1
BUDGET = Budget("12ep", batches_per_epoch=BATCHES)

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
    "step every 9 updates gamma 0.5",
    "multi-step at 4ep, 8ep gamma 0.1",
    "warmup 3ep > multi-step at 4ep, 6ep gamma 0.1",
    "warmup 3ep > step every 3ep gamma 0.1",
    "exponential to 0.01",
    "warmup 3ep > exponential to 0.01",
    "exp-decay every 2ep gamma 0.5",
    "polynomial to 0 power 0.9",
    "warmup 3ep > polynomial to 0.01 power 2",
    "warmup 5% > hold > 1-sqrt to 0 over 20%",
    "warmup 5 updates > hold > 1-sqrt to 0.1 over 10 updates",
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
    "warmup 2ep > restarts to 0 period 8 updates",
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
        patch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # so few updates are not worth them
        patch.setenv("TRANSFORMERS_VERBOSITY", "error")
        patch.setattr("gc.collect", lambda *_: 0)  # the frameworks call it after every training, at 0.2 s a time
        yield


# Running a snippet: the LRs that its updates used.


@functools.cache
def library(name: str) -> Any:
    """The framework, or a skip that says what is missing."""
    reason = f"{name} is not installed: its snippets are not run"
    if name in ("torch", "lightning", "transformers", "accelerate", "timm", "keras"):
        pytest.importorskip("torch", reason="torch is not installed: no snippet of its family is run")
    if name == "timm":
        return timm_schedulers() or pytest.skip(reason)
    if name == "optax":
        pytest.importorskip("jax", reason="jax is not installed: optax snippets are not run")
    return pytest.importorskip(name, reason=reason)


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


def loader_of(batches: int) -> Any:
    import torch

    data = torch.utils.data.TensorDataset(torch.zeros(batches * 2, 3), torch.zeros(batches * 2, 1))
    return torch.utils.data.DataLoader(data, batch_size=2)


def run_loop(space: dict[str, Any], batches: int) -> None:
    import torch

    if "Accelerator" in space:
        space["Accelerator"] = functools.partial(space["Accelerator"], cpu=True)
    space["print"] = lambda *_: None
    space["train"](torch.nn.Linear(3, 1), loader_of(batches), loader_of(1), steady)


def run_lightning(space: dict[str, Any], batches: int) -> None:
    import torch

    lightning = space["L"]
    trainer = functools.partial(
        lightning.Trainer, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, accelerator="cpu", num_sanity_val_steps=0,
    )  # fmt: skip
    space["L"] = SimpleNamespace(Trainer=trainer)
    validation = loader_of(1) if "lr_scheduler_step" in vars(space["Model"]) or "ReduceLROnPlateau" in space else None
    loader = loader_of(batches)
    space["train"](torch.nn.Linear(3, 1), loader, validation, steady)


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
    used: list[float] = []
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
    validation = loader_of(1) if "callbacks" in space["train"].__code__.co_varnames else None  # slow, and seldom needed
    space["train"](model, loader_of(batches), validation, lambda y, x: keras.ops.sum(x) * 0 + 1)
    return used


def made(text: str | Schedule, framework: str, budget: Budget | str = BUDGET, **options: Any) -> Snippet:
    schedule = Schedule.parse(text) if isinstance(text, str) else text
    chosen = {"optimizer": "SGD", "momentum": 0.0, **options}
    return export(schedule, budget, framework=framework, **{"peak": PEAK, **chosen})


def agree(framework: str, used: list[float], snippet: Snippet, count: int) -> None:
    assert len(used) == count, (len(used), snippet.code)
    rel, least = (2e-4, 2e-6 * PEAK) if framework in ("keras", "optax") else (1e-9, 1e-12)
    expected = [snippet.expected(t) for t in range(count)]
    assert used == pytest.approx(expected, rel=rel, abs=least), snippet.code


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


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_accumulation_and_clipping(framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """5 batches an epoch, 2 an update: most frameworks make a third update of the last batch, two carry it over."""
    monkeypatch.chdir(tmp_path)
    budget = Budget("4ep", batches_per_epoch=5)
    for text in ("warmup 25% > cosine to 0", "hold > 1-sqrt to 0 over 50%"):
        snippet = made(text, framework, budget, accumulate=2, clip=1.0, step="update")
        used = run(framework, snippet, 5, 2)
        carried = framework in ("keras", "optax")
        assert ("carr" in str(snippet.notes)) is carried
        agree(framework, used, snippet, 10 if carried else 12)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_length_of_an_epoch_is_found_at_run_time(
    framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("warmup 25% > cosine to 0", "warmup 1ep > hold > rex over 2ep"):
        unknown, known = made(text, framework, "4ep"), made(text, framework, Budget("4ep", batches_per_epoch=5))
        assert unknown.code == known.code
        with pytest.raises(LrightError, match="batches_per_epoch"):
            unknown.expected(0)
        agree(framework, run(framework, unknown, 5), known, 20)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_training_counted_in_updates(framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("warmup 25% > cosine to 0", "warmup 3 updates > hold > 1-sqrt to 0 over 5 updates"):
        snippet = made(text, framework, "13 updates")
        used = run(framework, snippet, 5)
        whole = framework == "keras"  # which trains whole epochs
        assert ("whole epochs" in str(snippet.notes)) is whole
        agree(framework, used, snippet, 15 if whole else 13)


@pytest.mark.parametrize("framework", [name for name in FRAMEWORKS if name != "transformers"])
@pytest.mark.parametrize("warm", [False, True])
def test_plateau(framework: str, warm: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The metric never improves: after patience epochs more the LR falls."""
    monkeypatch.chdir(tmp_path)
    metric = plateau(factor=0.5, patience=1, floor=0.1)
    schedule = Schedule.parse("warmup 3ep > hold") if warm else Schedule.parse("hold")
    snippet = made(schedule * metric, framework)
    with pytest.raises(LrightError, match="metric"):
        snippet.expected(0)
    used = run(framework, snippet)
    assert len(used) == EPOCHS * BATCHES
    if framework == "keras" and warm:  # it counts from the first epoch on, and the warmup writes over what it did
        assert used[0] < used[BATCHES] < used[3 * BATCHES] == pytest.approx(PEAK)
        assert used[-1] < PEAK / 2
        return
    if framework == "optax" and warm:  # a factor on the schedule, from the first epoch on
        assert used[-1] == pytest.approx(PEAK * 0.1, rel=1e-3)
        return
    told = Schedule.parse("warmup 3ep > hold * plateau factor 0.5 patience 1 floor 0.1") if warm else schedule * metric
    pure = told.resolve(Budget("12ep", batches_per_epoch=1), peak=PEAK, metrics=[1.0] * EPOCHS)
    early = 1 if framework == "optax" else 0  # it scales the last update of the epoch already
    assert used == pytest.approx([pure((t + early) // BATCHES) for t in range(len(used))], rel=1e-5)


def test_plateau_of_the_trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    schedule = Schedule.parse("hold * plateau factor 0.5 patience 1")
    used = run("transformers", made(schedule, "transformers"))
    pure = schedule.resolve(Budget("12ep", batches_per_epoch=1), peak=PEAK, metrics=[1.0] * EPOCHS)
    assert used == pytest.approx([pure(t // BATCHES) for t in range(len(used))], rel=1e-9)
    with pytest.raises(LrightError, match="framework='torch'"):
        made("warmup 3ep > hold * plateau", "transformers")


def test_a_prepared_scheduler_on_two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accelerate steps it twice for an update, as it does for each of two processes; the loader has 3 of 5 batches."""
    accelerate = library("accelerate")
    monkeypatch.setattr(accelerate.Accelerator, "num_processes", 2)
    monkeypatch.setattr("accelerate.scheduler.AcceleratorState", lambda: SimpleNamespace(num_processes=2))
    for text in ("warmup 25% > cosine to 0", "hold > rex over 50%"):
        snippet = made(text, "accelerate", Budget("4ep", batches_per_epoch=3, processes=2))
        agree("accelerate", run("accelerate", snippet, 5), snippet, 12)


@pytest.mark.parametrize("name", ["AdamW", "Adam", "SGD"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_optimizers(framework: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    snippet = export(
        Schedule.parse("warmup 25% > linear to 0"), Budget("2ep", batches_per_epoch=3), peak=1e-3, framework=framework,
        optimizer=name, weight_decay=0.05, betas=(0.9, 0.95), momentum=0.8, clip=1.0,
    )  # fmt: skip
    assert "0.05" in snippet.code and ("0.8" if name == "SGD" else "0.95") in snippet.code
    run(framework, snippet, 3)


VARIANTS: list[dict[str, Any]] = [
    {}, {"step": "update"}, {"accumulate": 4, "clip": 1.0}, {"budget": "500 updates"}, {"budget": "12ep"},
    {"budget": "500 updates", "accumulate": 4}, {"optimizer": "AdamW", "betas": (0.9, 0.95), "peak": 1e-3},
]  # fmt: skip


@pytest.mark.parametrize("framework", ["torch", "timm", "accelerate"])
def test_lright_finds_nothing_in_it(framework: str) -> None:
    budget = Budget("12ep", batches_per_epoch=50)
    plateaus = ["hold * plateau factor 0.5 patience 5", "warmup 3ep > hold * plateau patience 5"]
    for index, written in enumerate([*SCHEDULES, *plateaus]):
        text = written.replace("10 updates", "100 updates").replace("9 updates", "200 updates")
        other = VARIANTS[1 + index % (len(VARIANTS) - 1)]
        for variant in [{}, other] if framework == "torch" else [{}]:
            try:
                snippet = made(text, framework, **{"budget": budget, **variant})
            except LrightError as error:
                assert "step='update'" in str(error), text
                continue
            report = check_source(snippet.code, "train.py")
            found = [(f.rule, f.message) for f in report.findings if f.rule != "LR214"]  # ends within a cycle: it does
            assert not found, snippet.code


def test_one_cycle_is_the_framework_s() -> None:
    snippet = made(one_cycle(), "torch")
    assert "OneCycleLR(optimizer, max_lr=0.1, total_steps=total_updates, pct_start=0.3" in snippet.code
    assert snippet.unit == "update"


@pytest.mark.parametrize(
    ("schedule", "options", "remedy"),
    [
        ("cosine * step every 3ep gamma 0.5", {}, "in sequence"),
        ("cosine * plateau", {}, "constant LR"),
        ("hold * greedy", {}, "plateau"),
        ("cosine over 1ep, cycle", {}, "restarts"),
        ("hold * plateau", {"step": "update"}, "leave out"),
        ("warmup 5% > cosine", {"step": "epoch"}, "step='update'"),
        ("cosine", {"framework": "caffe"}, "torch, lightning"),
        ("cosine", {"step": "batch"}, "'update'"),
        ("cosine", {"accumulate": 0}, "1 or more"),
        ("cosine", {"peak": 0.0}, "greater than 0"),
        ("cosine", {"optimizer": "os.system"}, "class"),
        ("cosine", {"framework": "optax", "step": "epoch"}, "updates"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(schedule: str, options: dict[str, Any], remedy: str) -> None:
    text, _, cycle = schedule.partition(", ")
    wanted = Schedule.parse(text).past_end(cycle) if cycle else Schedule.parse(text)
    with pytest.raises(LrightError, match=remedy):
        export(wanted, BUDGET, **{"peak": PEAK, **options})


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_training_that_ends_within_an_epoch(framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "warmup 1ep > cosine to 0"
    snippet = made(text, framework, Budget("2.5ep", batches_per_epoch=4))
    agree(framework, run(framework, snippet, 4), snippet, 12 if framework == "keras" else 10)
    with pytest.raises(LrightError, match="batches_per_epoch"):
        made(text, framework, "2.5ep")


def test_training_counted_in_samples() -> None:
    snippet = made("warmup 10% > cosine", "torch", Budget(samples=6400, batch_size=64))
    assert "total_updates = 100\n" in snippet.setup
    assert snippet.expected(10) == PEAK


def test_it_needs_no_framework() -> None:
    program = (
        "import sys; from lright.schedule.export import *; from lright.schedule import *;"
        "[export(warmup('5%') >> rex(), '90ep', peak=1, framework=one) for one in FRAMEWORKS];"
        "assert not {'torch', 'numpy', 'yaml', 'keras', 'optax'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
