"""A training put back bit for bit."""

from __future__ import annotations

import os
import random
import signal
from collections import deque
from typing import Any

import pytest

pytest.importorskip("torch")
import numpy as np
import torch
from torch import Tensor, nn

from lright.errors import LrightError
from lright.torch.restore import Snapshot

pytestmark = pytest.mark.torch


def layer_and_optimizer(steps: int = 0, **options: Any) -> tuple[nn.Linear, torch.optim.Optimizer]:
    layer = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1, **options)
    train(layer, optimizer, steps)
    return layer, optimizer


def train(layer: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 3) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        layer(torch.randn(4, 3)).square().mean().backward()
        optimizer.step()


def test_weights_are_the_same_objects_with_the_same_bits() -> None:
    layer, optimizer = layer_and_optimizer()
    weight, bits, address = layer.weight, layer.weight.detach().clone(), layer.weight.data_ptr()
    snapshot = Snapshot(layer, optimizer)
    train(layer, optimizer)
    assert not torch.equal(layer.weight, bits)
    snapshot.restore()
    assert layer.weight is weight and weight.data_ptr() == address and torch.equal(weight, bits)


def test_empty_optimizer_state_is_empty_again() -> None:
    layer, optimizer = layer_and_optimizer()
    state = optimizer.state
    snapshot = Snapshot(layer, optimizer)
    train(layer, optimizer)
    snapshot.restore()
    assert optimizer.state is state and len(state) == 0


@pytest.mark.parametrize("kind", ["foreach", "fused", "plain"])
def test_optimizer_state_is_put_back_in_place(kind: str) -> None:
    layer, optimizer = layer_and_optimizer(2, **({} if kind == "plain" else {kind: True}))
    state = optimizer.state[layer.weight]
    tensors = {name: (value, value.clone()) for name, value in state.items()}
    snapshot = Snapshot(layer, optimizer)
    train(layer, optimizer)
    optimizer.state.clear()  # even where it was thrown away
    snapshot.restore()
    assert optimizer.state[layer.weight] is state
    for name, (tensor, before) in tensors.items():
        assert state[name] is tensor and torch.equal(tensor, before)


def test_restores_as_often_as_asked() -> None:
    layer, optimizer = layer_and_optimizer(1)
    snapshot = Snapshot(layer, optimizer)
    results = []
    for _ in range(2):
        train(layer, optimizer)
        results.append(layer.weight.detach().clone())
        snapshot.restore()
    assert torch.equal(*results)


def test_tensor_lr_and_groups() -> None:
    rate = torch.tensor(0.1)
    layer = nn.Linear(3, 2)
    optimizer = torch.optim.SGD([{"params": [layer.weight], "lr": rate}, {"params": [layer.bias], "lr": 0.2}])
    groups = list(optimizer.param_groups)
    snapshot = Snapshot(layer, optimizer)
    rate.fill_(5.0)
    optimizer.param_groups[1].update(lr=7.0, extra=1)
    optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(1))]})
    snapshot.restore()
    assert optimizer.param_groups[0]["lr"] is rate and rate == torch.tensor(0.1)
    assert optimizer.param_groups[1]["lr"] == 0.2 and "extra" not in optimizer.param_groups[1]
    assert len(optimizer.param_groups) == 2 and all(a is b for a, b in zip(optimizer.param_groups, groups))


def test_gradients_none_stays_none_and_others_keep_their_tensor() -> None:
    layer = nn.Linear(3, 2)
    layer.weight.grad = grad = torch.ones(2, 3)
    snapshot = Snapshot(layer)
    layer(torch.ones(3)).sum().backward()
    assert layer.bias.grad is not None
    layer.weight.grad.zero_()
    layer.zero_grad()
    snapshot.restore()
    assert layer.weight.grad is grad and torch.equal(grad, torch.ones(2, 3))
    assert layer.bias.grad is None


def test_modes_flags_and_requires_grad_of_every_module() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout())
    model[1].eval()
    model[0].bias.requires_grad_(False)
    snapshot = Snapshot(model)
    model.eval()
    model.requires_grad_(True)
    model[2].p = 0.9  # type: ignore[assignment]
    snapshot.restore()
    assert [module.training for module in model.modules()] == [True, True, False, True]
    assert [weight.requires_grad for weight in model[0].parameters()] == [True, False]
    assert model[2].p == 0.5


def test_buffers_also_those_that_were_replaced() -> None:
    class Counts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen: Tensor
            self.register_buffer("seen", torch.zeros(1))
            self.steps = 0
            self.history: list[int] = []
            self.recent: deque[Tensor] = deque(maxlen=2)
            self.noise = random.Random(1)

        def forward(self, x: Tensor) -> Tensor:
            self.seen = self.seen + 1
            self.steps += 1
            self.history.append(self.steps)
            self.recent.append(x)
            self.cache = x
            self.noise.random()
            return x

    counts = Counts()
    seen, history, expected = counts.seen, counts.history, random.Random(1).random()
    snapshot = Snapshot(counts)
    for _ in range(3):
        counts(torch.ones(1))
    snapshot.restore()
    assert counts.seen is seen and seen.item() == 0
    assert counts.steps == 0 and counts.history is history and history == [] and not counts.recent
    assert not hasattr(counts, "cache")
    assert counts.noise.random() == expected


def test_batch_norm_statistics() -> None:
    norm = nn.BatchNorm1d(3)
    norm(torch.randn(8, 3))
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    snapshot = Snapshot(norm)
    norm(torch.randn(8, 3) * 100)
    snapshot.restore()
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())


def test_parametrizations() -> None:
    layer = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 3))
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    snapshot = Snapshot(layer)
    train(layer, torch.optim.SGD(layer.parameters(), lr=1.0))
    snapshot.restore()
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


def test_generators_of_python_numpy_and_torch() -> None:
    own = torch.Generator().manual_seed(3)
    numpys = np.random.default_rng(3)

    def draw() -> list[float]:
        return [
            random.random(),
            float(np.random.random()),
            float(torch.rand(())),
            float(torch.rand((), generator=own)),
            float(numpys.random()),
        ]

    snapshot = Snapshot(own, [numpys])
    first = draw()
    draw()
    snapshot.restore()
    assert draw() == first


def test_grad_scaler() -> None:
    layer = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", growth_interval=1)

    def update() -> None:
        scaler.scale(layer(torch.ones(3)).sum()).backward()
        scaler.step(optimizer)
        scaler.update()

    fresh = Snapshot(layer, optimizer, scaler)
    update()
    assert scaler._scale is not None
    used, before = Snapshot(layer, optimizer, scaler), scaler.state_dict()
    update()
    assert scaler.state_dict() != before
    used.restore()
    assert scaler.state_dict() == before
    fresh.restore()
    assert scaler._scale is None


@pytest.mark.filterwarnings("error")
def test_scheduler_and_no_warning_later() -> None:
    layer = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.SequentialLR(
        optimizer,
        [torch.optim.lr_scheduler.LinearLR(optimizer), torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)],
        [2],
    )
    rate, state = optimizer.param_groups[0]["lr"], str(scheduler.state_dict())
    snapshot = Snapshot(layer, optimizer, scheduler)
    train(layer, optimizer)
    for _ in range(4):
        scheduler.step()
    snapshot.restore()
    assert optimizer.param_groups[0]["lr"] == rate and str(scheduler.state_dict()) == state
    assert not hasattr(optimizer, "_opt_called")  # the right order is still to be seen: a wrong one is still told
    train(layer, optimizer)
    scheduler.step()


def test_data_loader_generators_and_epochs() -> None:
    class Noisy(torch.utils.data.Dataset[Tensor]):
        def __init__(self) -> None:
            self.random = np.random.default_rng(0)
            self.asked = 0

        def __len__(self) -> int:
            return 8

        def __getitem__(self, index: int) -> Tensor:
            self.asked += 1
            return torch.tensor(float(self.random.random()) + index)

    noisy = Noisy()
    loader = torch.utils.data.DataLoader(noisy, shuffle=True, generator=torch.Generator().manual_seed(1))
    snapshot = Snapshot(loader)
    first = torch.cat(list(loader))
    assert not torch.equal(torch.cat(list(loader)), first)
    snapshot.restore()
    assert torch.equal(torch.cat(list(loader)), first)
    assert noisy.asked == 8


def test_tensors_that_torch_does_not_change_are_left_alone() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("spread", torch.zeros(1).expand(4))
            with torch.inference_mode():
                self.register_buffer("frozen", torch.zeros(2))
            self.register_buffer("meta", torch.zeros(2, device="meta"))

    odd = Odd()
    spread = odd.spread
    snapshot = Snapshot(odd)
    odd.spread = torch.ones(4)
    snapshot.restore()
    assert odd.spread is spread


def test_weight_that_was_given_another_shape() -> None:
    layer = nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    snapshot = Snapshot(layer)
    layer.weight.data = torch.zeros(5, 5, dtype=torch.float64)
    snapshot.restore()
    assert torch.equal(layer.weight, before) and layer.weight.dtype is torch.float32


def test_dictionaries_and_tied_weights() -> None:
    model = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    model[1].weight = model[0].weight
    counters: dict[str, Any] = {"steps": 1, "mean": torch.zeros(1), "inner": {"a": [1]}}
    mean = counters["mean"]
    snapshot = Snapshot(model, counters)
    counters["inner"]["a"].append(2)
    counters.update(steps=5, mean=torch.ones(1), new=1)
    model[1].weight = nn.Parameter(torch.zeros(2, 2))
    snapshot.restore()
    assert counters == {"steps": 1, "mean": mean, "inner": {"a": [1]}}
    assert model[1].weight is model[0].weight


def test_what_cannot_be_restored_is_named() -> None:
    with pytest.raises(LrightError, match="object cannot be restored: give objects with state_dict"):
        Snapshot(object())
    with pytest.raises(LrightError, match="lazy parameters"):
        Snapshot(nn.LazyLinear(3))


def test_ctrl_c_waits_until_all_is_put_back() -> None:
    class Interrupting(dict[str, int]):
        def __setitem__(self, name: str, value: int) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            super().__setitem__(name, value)

    things = Interrupting(first=1), {"second": 2}
    snapshot = Snapshot(*things)
    things[0].update(first=10)
    things[1]["second"] = 20
    with pytest.raises(KeyboardInterrupt):
        snapshot.restore()
    assert things == ({"first": 1}, {"second": 2})
