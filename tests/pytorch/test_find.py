"""The range test from code: what it takes, what it leaves behind (nothing), what it refuses."""

from __future__ import annotations

import io
import math
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("torch")
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import lright.torch.find as room
from lright.errors import LrightError
from lright.find import LrFind, Search, Segment
from lright.torch.find import find_lr

pytestmark = pytest.mark.torch

QUICK: dict[str, Any] = {"steps": 20, "progress": False}


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)


@pytest.fixture
def segments(monkeypatch: pytest.MonkeyPatch) -> list[Segment]:
    """The segments of the searches that a test makes."""
    made: list[Segment] = []

    class Recorded(Search):
        def __iter__(self) -> Iterator[Segment]:
            for segment in super().__iter__():
                made.append(segment)
                yield segment

    monkeypatch.setattr(room, "Search", Recorded)
    return made


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))


def samples(count: int = 64) -> TensorDataset:
    generator = torch.Generator().manual_seed(7)
    inputs = torch.randn(count, 4, generator=generator)
    return TensorDataset(inputs, inputs[:, :3].argmax(1))


def batches(size: int = 16) -> list[tuple[Tensor, Tensor]]:
    inputs, targets = samples().tensors
    return list(zip(torch.split(inputs, size), torch.split(targets, size)))


def bits(value: Any) -> Any:
    """Something that is equal only if every bit is."""
    if isinstance(value, Tensor):
        return (value.dtype, value.shape, value.detach().contiguous().view(-1).numpy().tobytes())
    if isinstance(value, dict):
        return {name: bits(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [bits(inner) for inner in value]
    return value


OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=0.01, foreach=False),
    "foreach": lambda weights: torch.optim.AdamW(weights, lr=0.01, foreach=True, amsgrad=True),
    "fused": lambda weights: torch.optim.AdamW(weights, lr=torch.tensor(0.01), fused=True),
    "tensor lr": lambda weights: torch.optim.AdamW(weights, lr=torch.tensor(0.01), foreach=False),
    "lbfgs": lambda weights: torch.optim.LBFGS(weights, lr=0.1, max_iter=3, history_size=2),
}


def trained(
    make: Callable[[Any], torch.optim.Optimizer], find_at: str, workers: int = 0, persistent: bool = False
) -> Any:
    """All that two epochs leave behind, with a find before, between or in the midst of them, or none."""
    torch.manual_seed(1), random.seed(1), np.random.seed(1)
    model, loss_of = network(), nn.CrossEntropyLoss()
    loader = DataLoader(
        samples(), 16, shuffle=True, num_workers=workers, generator=torch.Generator().manual_seed(5),
        persistent_workers=persistent,
    )  # fmt: skip
    optimizer = make(model.parameters())
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)
    losses = []

    def find() -> None:
        found = find_lr(model, optimizer, loss_of, loader, validation=loader, seeds=2, trials=1, trial_steps=5, **QUICK)
        assert isinstance(found, LrFind)

    for epoch in range(2):
        if find_at == ("before", "between")[epoch]:
            find()
        for number, (x, y) in enumerate(loader):
            if find_at == "midst" and number == 2 and epoch == 1:
                find()

            def closure() -> Any:
                optimizer.zero_grad()
                loss = loss_of(model(x), y)  # noqa: B023
                loss.backward()
                return loss.detach()

            losses.append(float(optimizer.step(closure)))
            scheduler.step()
    drawn = [float(torch.rand(())), random.random(), float(np.random.random())]
    grads = [weight.grad for weight in model.parameters()]
    return bits([losses, model.state_dict(), optimizer.state_dict(), scheduler.state_dict(), grads, drawn])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_training_with_a_find_in_it_is_the_same_to_the_last_bit(kind: str) -> None:
    without = trained(OPTIMIZERS[kind], "nowhere")
    for find_at in ("before", "between", "midst"):
        assert trained(OPTIMIZERS[kind], find_at) == without


@pytest.mark.parametrize("persistent", [False, True])
def test_the_same_with_worker_processes(persistent: bool) -> None:
    without = trained(OPTIMIZERS["sgd"], "nowhere", 2, persistent)
    for find_at in ("between", "midst"):
        assert trained(OPTIMIZERS["sgd"], find_at, 2, persistent) == without


def make() -> tuple[nn.Sequential, torch.optim.Optimizer]:
    model = network()
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def test_the_answer() -> None:
    model, optimizer = make()
    found = find_lr(model, optimizer, nn.CrossEntropyLoss(), batches(), steps=100, progress=False)
    assert 1e-6 < found.suggestion < 10
    assert len(found.curve.losses) > 50
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_sweeps_of_one_seed_are_equal_and_others_see_other_batches(segments: list[Segment]) -> None:
    model, optimizer = make()
    for data in (batches(), DataLoader(samples(), 16, shuffle=True)):
        for _ in range(2):
            find_lr(model, optimizer, nn.CrossEntropyLoss(), data, seeds=2, **QUICK)
        first, second, again, _ = [segment.losses for segment in segments]
        assert first == again != second
        segments.clear()


# What can be driven


def test_dictionaries_with_a_loss_of_the_model_or_with_labels() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x: Tensor, labels: Tensor | None = None) -> Any:
            scores = self.layer(x)
            return scores if labels is None else {"loss": nn.functional.cross_entropy(scores, labels)}

    model = Own()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    data = [{"x": x, "labels": y} for x, y in batches()]
    own = find_lr(model, optimizer, data=data, **QUICK)
    compared = find_lr(model, optimizer, nn.CrossEntropyLoss(), data, **QUICK)
    forward = find_lr(
        model, optimizer, data=data, forward=lambda m, batch: m(batch["x"], batch["labels"])["loss"], **QUICK
    )
    assert own.curve.losses == compared.curve.losses == forward.curve.losses


def test_several_inputs_and_a_function_that_gives_batches() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Bilinear(4, 4, 1)

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return self.layer(a, b)  # type: ignore[no-any-return]

    model = Two()

    def give() -> tuple[Tensor, Tensor, Tensor]:
        a, b = torch.randn(2, 8, 4)
        return a, b, (a * b).sum(1, keepdim=True)

    find_lr(model, torch.optim.Adam(model.parameters()), nn.MSELoss(), give, **QUICK)


def test_groups_keep_their_ratio() -> None:
    model = nn.Linear(4, 3)
    rates: list[list[float]] = []
    for first in (0.02, torch.tensor(0.02)):
        groups: list[dict[str, Any]] = [{"params": [model.weight], "lr": first}, {"params": [model.bias], "lr": 0.1}]
        optimizer = torch.optim.SGD(groups)
        optimizer.register_step_pre_hook(lambda o, *_: rates.append([float(group["lr"]) for group in o.param_groups]))
        find_lr(model, optimizer, nn.CrossEntropyLoss(), batches(), **QUICK)
        assert optimizer.param_groups[0]["lr"] is first
    assert rates[0] == pytest.approx([2e-7, 1e-6]) and all(a == pytest.approx(b / 5) for a, b in rates)
    assert len(rates) <= 40


def test_a_warmup_that_starts_at_zero_does_not_flatten_the_groups() -> None:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD([{"params": [model.weight], "lr": 0.01}, {"params": [model.bias], "lr": 0.1}])
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda tick: min(1.0, tick / 10))
    rates: list[float] = []
    optimizer.register_step_pre_hook(lambda o, *_: rates.append(o.param_groups[0]["lr"]))
    find_lr(model, optimizer, nn.CrossEntropyLoss(), batches(), **QUICK)
    assert rates[0] == pytest.approx(1e-7)
    assert [group["lr"] for group in optimizer.param_groups] == [0, 0]


def gradients_of(model: nn.Module, **how: Any) -> list[float]:
    """The norm of the gradient at every update of a find."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    norms = []

    def look(optimizer: Any, *_: Any) -> None:
        norms.append(float(torch.cat([w.grad.flatten() for w in optimizer.param_groups[0]["params"]]).norm()))

    optimizer.register_step_pre_hook(look)
    find_lr(model, optimizer, nn.CrossEntropyLoss(), batches(how.pop("size", 16)), **how, **QUICK)
    return norms


def test_clipping() -> None:
    model = nn.Linear(4, 3)
    assert max(gradients_of(model)) > 0.011
    assert max(gradients_of(model, clip=0.01)) < 0.011
    by_value = gradients_of(model, clip=lambda weights: nn.utils.clip_grad_value_(weights, 1e-3))
    assert max(by_value) <= 1e-3 * math.sqrt(15) + 1e-6


def test_accumulation_is_a_larger_batch(segments: list[Segment]) -> None:
    model = nn.Linear(4, 3)
    assert gradients_of(model, size=8, accumulate=2) == pytest.approx(gradients_of(model, size=16), rel=1e-4)
    assert segments[0].losses == pytest.approx(segments[1].losses, rel=1e-4)


@pytest.mark.parametrize("amp", ["bf16", torch.bfloat16, "fp16", True])
def test_autocast(amp: Any) -> None:
    seen = []
    model = nn.Linear(4, 3)
    model.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    find_lr(model, optimizer, nn.CrossEntropyLoss(), batches(), amp=amp, clip=1.0, **QUICK)
    assert set(seen) == {torch.float16 if amp == "fp16" else torch.bfloat16}
    assert all(weight.grad is None for weight in model.parameters())


def test_a_grad_scaler_that_skips_updates(segments: list[Segment]) -> None:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127, growth_interval=3)
    find_lr(model, optimizer, nn.CrossEntropyLoss(), batches(), scaler=scaler, clip=1.0, **QUICK)
    assert scaler._scale is None and scaler.get_scale() == 2.0**127
    assert 0.1 < segments[0].losses[0] < 10  # not the scaled one


def test_lbfgs_reports_the_loss_before_its_update(segments: list[Segment]) -> None:
    model = nn.Linear(4, 3)
    data = batches()
    before = nn.functional.cross_entropy(model(data[0][0]), data[0][1]).item()
    find_lr(model, torch.optim.LBFGS(model.parameters()), nn.CrossEntropyLoss(), data, clip=10.0, **QUICK)
    assert segments[0].losses[0] == pytest.approx(before)


def test_a_step_function_with_all_that_it_changes() -> None:
    model, optimizer = make()
    average = torch.optim.swa_utils.AveragedModel(model)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=1000)
    counts = {"steps": 0}
    loader = DataLoader(samples(), 16, shuffle=True, generator=torch.Generator().manual_seed(2))
    endless = (batch for _ in range(1000) for batch in loader)

    def step() -> Tensor:
        x, y = next(endless)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        scheduler.step()
        average.update_parameters(model)
        counts["steps"] += 1
        return loss

    def state() -> Any:
        generator = loader.generator
        assert generator is not None
        things = (model, optimizer, average, scheduler)
        return bits([*(thing.state_dict() for thing in things), counts["steps"], generator.get_state()])

    before = state()
    also = [average, scheduler, counts, loader]
    options: dict[str, Any] = {**QUICK, "trial_steps": 5}
    found = find_lr(
        step=step, model=model, optimizer=optimizer, also=also, trials=2, validation=lambda: 1.0, **options
    )
    assert found.trials and found.trials[0].validation == 1.0
    assert state() == before


def test_a_step_function_that_takes_a_batch_and_returns_a_number() -> None:
    model, optimizer = make()

    def step(batch: Any) -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(batch[0]), batch[1])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss.item()

    by_step = find_lr(step=step, model=model, optimizer=optimizer, data=batches(), **QUICK)
    assert by_step.curve.losses == find_lr(model, optimizer, nn.CrossEntropyLoss(), batches(), **QUICK).curve.losses


def test_validation_judges_trials_in_evaluation_mode(segments: list[Segment]) -> None:
    model, optimizer = make()
    modes = []
    model.register_forward_hook(lambda module, *_: modes.append((module.training, torch.is_grad_enabled())))
    options: dict[str, Any] = {**QUICK, "trial_steps": 5}
    find_lr(model, optimizer, nn.CrossEntropyLoss(), batches(), validation=batches(60), trials=1, **options)
    assert modes[-2:] == [(False, False)] * 2 and modes[-3] == (True, True)
    losses = [float(nn.functional.cross_entropy(torch.zeros(60, 3), y[:1].expand(60))) for _, y in batches(60)[:1]]
    assert segments[-1].validation_loss is not None and 0 < segments[-1].validation_loss < 5 * losses[0]
    assert model.training


def test_validation_is_the_mean_over_examples(segments: list[Segment]) -> None:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    options: dict[str, Any] = {**QUICK, "trial_steps": 5}
    inputs, targets = samples().tensors
    data = list(zip(torch.split(inputs, 60), torch.split(targets, 60)))  # 60 and 4

    def probe() -> float:
        with torch.no_grad():
            return float(nn.functional.cross_entropy(model(inputs), targets))

    for validation in (data, probe):
        find_lr(model, optimizer, nn.CrossEntropyLoss(), batches(), validation=validation, trials=1, **options)
    trials = [segment.validation_loss for segment in segments if segment.kind == "trial"]
    assert trials[0] == pytest.approx(trials[1])


def test_parts_in_evaluation_mode_stay_so_and_a_whole_model_is_trained() -> None:
    model, optimizer = make()
    seen: list[list[bool]] = []
    model.register_forward_pre_hook(lambda module, _: seen.append([m.training for m in module.modules()]))
    model[2].eval()
    find_lr(model, optimizer, nn.CrossEntropyLoss(), batches(), **QUICK)
    assert seen[0] == [True, True, True, False, True, True]
    model.eval()
    seen.clear()
    find_lr(model, optimizer, nn.CrossEntropyLoss(), batches(), **QUICK)
    assert all(seen[0]) and not any(module.training for module in model.modules())


def test_compiled_model_and_trainable_loss() -> None:
    model: Any = torch.compile(nn.Linear(4, 3), backend="eager")

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, scores: Tensor, targets: Tensor) -> Tensor:
            return nn.functional.cross_entropy(scores * self.scale, targets)

    loss = Scaled()
    optimizer = torch.optim.Adam([*model.parameters(), *loss.parameters()], lr=0.1)
    find_lr(model, optimizer, loss, batches(), **QUICK)
    assert loss.scale.item() == 1.0 and not optimizer.state


# Endings


def test_what_goes_wrong_is_raised_and_all_is_restored() -> None:
    model, optimizer = make()
    before = bits([model.state_dict(), torch.get_rng_state()])

    def failing(scores: Tensor, targets: Tensor, calls: list[int] = []) -> Tensor:  # noqa: B006
        calls.append(1)
        if len(calls) == 7:
            raise RuntimeError("out of something")
        return nn.functional.cross_entropy(scores, targets)

    with pytest.raises(RuntimeError, match="out of something"):
        find_lr(model, optimizer, failing, DataLoader(samples(), 16, shuffle=True), **QUICK)
    assert bits([model.state_dict(), torch.get_rng_state()]) == before
    assert not optimizer.state and optimizer.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize("after", [3, 60])
def test_ctrl_c_gives_what_there_is_if_it_is_enough(after: int) -> None:
    model, optimizer = make()
    before = bits(model.state_dict())
    calls = []

    def interrupted(scores: Tensor, targets: Tensor) -> Tensor:
        calls.append(1)
        if len(calls) == after:
            raise KeyboardInterrupt
        return nn.functional.cross_entropy(scores, targets)

    def find() -> LrFind:
        return find_lr(model, optimizer, interrupted, batches(), steps=100, progress=False)

    if after == 3:
        with pytest.raises(KeyboardInterrupt):
            find()
    else:
        found = find()
        assert found.interrupted and len(found.curve.losses) == 59
    assert bits(model.state_dict()) == before and optimizer.param_groups[0]["lr"] == 0.1


def test_a_training_that_raises_once_it_has_diverged(segments: list[Segment]) -> None:
    model = nn.Linear(4, 3)
    with torch.no_grad():
        model.weight.mul_(1e3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def strict(outputs: Tensor, targets: Tensor) -> Tensor:
        loss = outputs.square().square().mean()
        if not torch.isfinite(loss):
            raise ValueError("not a number")
        return loss

    find_lr(model, optimizer, strict, batches(), **QUICK)
    assert math.isnan(segments[0].losses[-1]) and math.isfinite(segments[0].losses[0])


def test_short_loaders_go_round_and_tell_their_sampler(monkeypatch: pytest.MonkeyPatch) -> None:
    class Epochs(torch.utils.data.Sampler[int]):
        def __init__(self) -> None:
            self.epoch = 3
            self.seen: list[int] = []

        def set_epoch(self, epoch: int) -> None:
            self.epoch = epoch

        def __iter__(self) -> Iterator[int]:
            self.seen.append(self.epoch)
            return iter(range(64))

        def __len__(self) -> int:
            return 64

    sampler = Epochs()
    model, optimizer = make()
    find_lr(model, optimizer, nn.CrossEntropyLoss(), DataLoader(samples(), 16, sampler=sampler), **QUICK)
    assert sampler.seen[:3] == [3, 4, 5] and sampler.epoch == 3


# A line on stderr


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "progress", "shown"),
    [(Terminal, None, True), (Terminal, False, False), (io.StringIO, None, False), (io.StringIO, True, True)],
)
def test_progress(monkeypatch: pytest.MonkeyPatch, stream: Any, progress: bool | None, shown: bool) -> None:
    monkeypatch.setattr(sys, "stderr", err := stream())
    model, optimizer = make()
    find_lr(model, optimizer, nn.CrossEntropyLoss(), batches(), steps=20, progress=progress)
    assert ("lright find: sweep 1 of 1, update 1 of 20, LR 1.00e-06" in err.getvalue()) is shown
    assert err.getvalue().endswith("\r") is shown


# Late losses, as from a GPU


def test_late_losses_are_the_same_losses(segments: list[Segment], monkeypatch: pytest.MonkeyPatch) -> None:
    model, optimizer = make()
    at_once = find_lr(model, optimizer, nn.CrossEntropyLoss(), batches(), steps=50, progress=False)
    monkeypatch.setattr(room, "_losses", lambda segment, optimizer, group: room._Late(segment, group))
    late = find_lr(model, optimizer, nn.CrossEntropyLoss(), batches(), steps=50, progress=False)
    assert late.curve == at_once.curve


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_no_update_waits_for_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network().cuda()
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    data = [(x.pin_memory(), y.pin_memory()) for x, y in batches()]
    find_lr(model, optimizer, nn.CrossEntropyLoss(), data, amp="bf16", **QUICK)
    drawn = torch.cuda.get_rng_state()
    drive = room._drive

    def strictly(*arguments: Any) -> None:
        torch.cuda.set_sync_debug_mode("error")
        try:
            drive(*arguments)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(room, "_drive", strictly)
    find_lr(model, optimizer, nn.CrossEntropyLoss(), data, amp="bf16", **QUICK)
    assert torch.equal(torch.cuda.get_rng_state(), drawn)


# What makes no sense


def refusals() -> dict[str, tuple[Callable[[nn.Module, Any], Any], str]]:
    cross = nn.CrossEntropyLoss()
    return {
        "empty loader": (lambda m, o: find_lr(m, o, cross, []), "the loader is empty"),
        "iterator": (lambda m, o: find_lr(m, o, cross, iter(batches())), "an iterator, which cannot be begun anew"),
        "no data": (lambda m, o: find_lr(m, o, cross), "needs data"),
        "odd data": (lambda m, o: find_lr(m, o, cross, 3), "the data are of type int"),
        "no model": (lambda m, o: find_lr(None, o, cross, batches()), "the model is missing: give an nn.Module"),
        "function": (lambda m, o: find_lr(print, o), "given as step="),  # type: ignore[arg-type]
        "no optimizer": (lambda m, o: find_lr(m, None, cross, batches()), "the optimizer is missing"),
        "frozen": (lambda m, o: find_lr(m.requires_grad_(False), o, cross, batches()), "no parameter .* is trainable"),
        "other model": (lambda m, o: find_lr(network(), o, cross, batches()), "made for another model"),
        "frozen model": (
            lambda m, o: find_lr(network().requires_grad_(False), o, cross, batches()),
            "Sequential has no trainable parameters",
        ),
        "vector loss": (
            lambda m, o: find_lr(m, o, nn.CrossEntropyLoss(reduction="none"), batches()),
            r"the loss has shape \(16,\): reduce it to one number",
        ),
        "detached": (lambda m, o: find_lr(m, o, lambda a, b: a.detach().sum(), batches()), "does not depend on any"),
        "loss": (lambda m, o: find_lr(m, o, batches(), cross), "loss is of type list"),  # type: ignore[arg-type]
        "both": (lambda m, o: find_lr(m, o, cross, batches(), forward=print), "not both"),  # type: ignore[arg-type]
        "own loss": (lambda m, o: find_lr(m, o, data=[x for x, _ in batches()]), "reduce it to one number"),
        "tensor batch": (lambda m, o: find_lr(m, o, cross, [x for x, _ in batches()]), "a batch is of type Tensor"),
        "dictionary": (lambda m, o: find_lr(m, o, cross, [{"a": 1, "b": 2}]), "which of a, b is the target"),
        "accumulate": (lambda m, o: find_lr(m, o, cross, batches(), accumulate=0), "accumulate=0"),
        "clip": (lambda m, o: find_lr(m, o, cross, batches(), clip=-1.0), "clip=-1.0"),
        "amp": (lambda m, o: find_lr(m, o, cross, batches(), amp="int4"), "amp='int4'"),
        "range": (lambda m, o: find_lr(m, o, cross, batches(), start=1.0, end=0.1), "range 1 to 0.1"),
        "step alone": (lambda m, o: find_lr(step=lambda: 1.0), "the optimizer is missing"),
        "step none": (lambda m, o: find_lr(optimizer=o, step=lambda: None), "the loss is missing: return"),
        "step text": (lambda m, o: find_lr(optimizer=o, step=lambda: "a"), "the loss is of type str"),
        "step and loss": (lambda m, o: find_lr(m, o, cross, step=lambda: 1.0, clip=1.0), "loss, clip: a step function"),
        "step and loader": (lambda m, o: find_lr(optimizer=o, step=lambda: 1.0, validation=[]), "is to be a function"),
        "also": (lambda m, o: find_lr(m, o, cross, batches(), also=[object()]), "object cannot be restored"),
        "validation": (lambda m, o: find_lr(m, o, cross, batches(), validation=[], trials=1), "validation loader is"),
        "distributed": (lambda m, o: find_lr(m, o, cross, batches(), distributed=True), "init_process_group"),
        "scaled closure": (
            lambda m, o: find_lr(m, torch.optim.LBFGS(m.parameters()), cross, batches(), amp="fp16"),
            "LBFGS takes a closure",
        ),
    }


@pytest.mark.parametrize("name", refusals())
def test_refusals(name: str) -> None:
    model, optimizer = make()
    before = bits(model.state_dict())
    attempt, message = refusals()[name]
    with pytest.raises(LrightError, match=message) as error:
        attempt(model, optimizer)
    assert "\n" not in str(error.value)
    assert bits(model.state_dict()) == before
