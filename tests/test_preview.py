"""`lright.preview` on live schedulers: the future is right, and nothing has changed."""

from __future__ import annotations

import copy
import importlib.util
import math
import sys
import types
import warnings
from typing import Any

import pytest

from lright import LrightError, preview

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch.optim import SGD, AdamW  # noqa: E402
from torch.optim import lr_scheduler as S  # noqa: E402


def adamw(lr: Any = 0.1) -> Any:
    weights = [torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(2))]
    optimizer = AdamW([{"params": weights[:1]}, {"params": weights[1:], "lr": lr / 10}], lr=lr)
    for weight in weights:
        weight.grad = torch.ones_like(weight)
    optimizer.step()
    return optimizer


def decays(epoch: int) -> float:
    return 0.9**epoch


class Counting:
    """A callable with a state that calls change."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, epoch: int) -> float:
        self.calls += 1
        return 1 / self.calls


def nested(optimizer: Any) -> Any:
    inner = S.SequentialLR(optimizer, [S.LinearLR(optimizer, 0.1, total_iters=5), S.ExponentialLR(optimizer, 0.9)], [5])
    return S.SequentialLR(optimizer, [inner, S.CosineAnnealingLR(optimizer, 30)], [20])


MAKERS = {
    "lambda": lambda o: S.LambdaLR(o, [decays, lambda e: 1 / (e + 1)]),
    "object": lambda o: S.LambdaLR(o, Counting()),
    "multiplicative": lambda o: S.MultiplicativeLR(o, lambda e: 0.95),
    "step": lambda o: S.StepLR(o, 10),
    "multistep": lambda o: S.MultiStepLR(o, [10, 20]),
    "constant": lambda o: S.ConstantLR(o, 0.5, 5),
    "linear": lambda o: S.LinearLR(o, 0.1, total_iters=5),
    "exponential": lambda o: S.ExponentialLR(o, 0.9),
    "polynomial": lambda o: S.PolynomialLR(o, 30, 0.9),
    "cosine": lambda o: S.CosineAnnealingLR(o, 20),
    "restarts": lambda o: S.CosineAnnealingWarmRestarts(o, 10, 2),
    "cyclic": lambda o: S.CyclicLR(o, 0.01, 0.1, 10, cycle_momentum=False),
    "cyclic-own": lambda o: S.CyclicLR(o, 0.01, 0.1, 10, scale_fn=lambda x: 0.5**x, cycle_momentum=False),
    "onecycle": lambda o: S.OneCycleLR(o, [0.1, 0.2], total_steps=60),
    "chained": lambda o: S.ChainedScheduler([S.ConstantLR(o, 0.5, 5), S.ExponentialLR(o, 0.9)]),
    "nested": nested,
}


def snapshot(optimizer: Any, scheduler: Any) -> Any:
    """Everything in the two objects that can be compared, bit for bit."""

    def plain(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return ("tensor", value.detach().numpy().tobytes(), str(value.dtype), id(value))
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if isinstance(value, (int, float, str, bool, type(None))):
            return value.hex() if isinstance(value, float) else value
        if isinstance(value, (S.LRScheduler, Counting)):
            return plain(vars(value))
        return id(value)

    return plain([optimizer.state_dict(), vars(optimizer), optimizer.param_groups, vars(scheduler)])


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("before", [0, 7])
def test_the_future_is_what_happens_and_nothing_changes(name: str, before: int) -> None:
    optimizer = adamw()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = MAKERS[name](optimizer)
        for _ in range(before):
            optimizer.step()
            scheduler.step()
    seen = snapshot(optimizer, scheduler)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        future = preview(scheduler, 40)
    assert snapshot(optimizer, scheduler) == seen
    real = [[group["lr"]] for group in optimizer.param_groups]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(40):
            optimizer.step()
            scheduler.step()
            for values, group in zip(real, optimizer.param_groups, strict=True):
                values.append(group["lr"])
    assert [[lr for _, lr in points] for points in future.curves] == real
    assert [step for step, _ in future.points] == list(range(41))


def test_momentum_is_not_touched() -> None:
    optimizer = SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1, momentum=0.9)
    scheduler = S.OneCycleLR(optimizer, 0.1, total_steps=20)
    before = copy.deepcopy(optimizer.param_groups[0]["momentum"])
    preview(scheduler, 10)
    assert optimizer.param_groups[0]["momentum"] == before


def test_an_lr_in_a_tensor() -> None:
    tensor = torch.tensor(0.1)
    optimizer = AdamW([torch.nn.Parameter(torch.ones(1))], lr=tensor)
    scheduler = S.ExponentialLR(optimizer, 0.5)
    points = preview(scheduler, 3).points
    assert optimizer.param_groups[0]["lr"] is tensor
    assert float(tensor) == pytest.approx(0.1)
    assert [lr for _, lr in points] == pytest.approx([0.1, 0.05, 0.025, 0.0125])


def test_what_raises_ends_the_curve() -> None:
    scheduler = S.OneCycleLR(adamw(), 0.1, total_steps=10)
    future = preview(scheduler, 40)
    assert len(future.points) == 11
    assert isinstance(future.raised, ValueError)
    assert "step 11 raises ValueError" in repr(future)


def test_no_parameters_are_copied() -> None:
    class Heavy(torch.nn.Parameter):  # type: ignore[misc,name-defined]
        def __deepcopy__(self, memo: dict[int, Any]) -> Any:
            raise AssertionError("a parameter was copied")

    optimizer = SGD([Heavy(torch.ones(1))], lr=0.1)
    assert len(preview(S.StepLR(optimizer, 2), 5).points) == 6


def test_a_metric_has_no_future() -> None:
    with pytest.raises(LrightError, match="follows a metric"):
        preview(S.ReduceLROnPlateau(adamw()), 10)


@pytest.mark.parametrize("what", [object(), None, 3])
def test_what_is_no_scheduler_is_refused(what: object) -> None:
    with pytest.raises(LrightError, match="is no scheduler"):
        preview(what, 10)


def test_zero_steps_are_refused() -> None:
    with pytest.raises(LrightError, match="at least one step"):
        preview(S.StepLR(adamw(), 2), 0)


def test_groups_that_agree_are_drawn_once() -> None:
    optimizer = SGD([{"params": [torch.nn.Parameter(torch.ones(1))]} for _ in range(3)], lr=0.1)
    optimizer.param_groups[2]["lr"] = 0.01
    text = preview(S.StepLR(optimizer, 10), 30).plot(unicode=False)
    assert "groups 0, 1" in text
    assert "group 2" in text
    assert text.isascii()


def test_timm_is_told_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "timm", raising=False)  # another test's stub
    found = importlib.util.find_spec("timm")
    if found is None or found.submodule_search_locations is None:
        pytest.skip("timm is not installed")
    stub = types.ModuleType("timm")  # its schedulers need no torchvision, its front door does
    stub.__path__ = list(found.submodule_search_locations)
    monkeypatch.setitem(sys.modules, "timm", stub)
    from timm.scheduler.cosine_lr import CosineLRScheduler

    scheduler = CosineLRScheduler(adamw(), t_initial=10)
    points = preview(scheduler, 10).points
    assert points[5][1] == pytest.approx(0.1 * (1 + math.cos(math.pi / 2)) / 2)
