"""What frameworks have of their own: optimizers and schedulers that are none of PyTorch's, and what they log."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .imports import when_imported

if TYPE_CHECKING:
    from .conductor import Conductor


@contextmanager
def heard(conductor: Conductor) -> Iterator[None]:
    """Let the conductor hear fastai's optimizers, timm's schedulers and the metrics that loggers are given."""
    with ExitStack() as stack:
        stack.enter_context(
            when_imported(
                {
                    "fastai.optimizer": functools.partial(_fastai, conductor),
                    "timm.scheduler.scheduler": functools.partial(_timm, conductor),
                    **{name: functools.partial(patch, conductor) for name, patch in LOGGERS.items()},
                }
            )
        )
        yield


def wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Replace ``owner.name`` by a call of ``around(the function, its arguments)``."""
    function = getattr(owner, name, None)
    if function is None:
        return

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return around(function, *args, **kwargs)

    setattr(owner, name, wrapper)


def _fastai(conductor: Conductor, module: ModuleType) -> None:
    """fastai's own Optimizer; its OptimWrapper ends in one of PyTorch's, which is heard already."""

    def step(function: Callable[..., Any], optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        for listener in conductor.listeners:
            listener.before_update(optimizer)
        result = function(optimizer, *args, **kwargs)
        for listener in conductor.listeners:
            listener.after_update(optimizer)
        return result

    wrap(module.Optimizer, "step", step)


def _timm(conductor: Conductor, module: ModuleType) -> None:
    """timm's schedulers count epochs and updates by arguments: a call with an effect is a tick."""
    from ...torch.instruments import place_of_caller

    def tell(scheduler: Any, metric: Any, time: Any) -> None:
        for listener in conductor.listeners:
            listener.tick(scheduler, metric, time, place_of_caller())

    def step(function: Callable[..., Any], scheduler: Any, epoch: Any, metric: Any = None) -> Any:
        result = function(scheduler, epoch=epoch, metric=metric)
        tell(scheduler, metric, epoch)
        return result

    def step_update(function: Callable[..., Any], scheduler: Any, num_updates: Any, metric: Any = None) -> Any:
        result = function(scheduler, num_updates=num_updates, metric=metric)
        if not getattr(scheduler, "t_in_epochs", False):
            tell(scheduler, metric, num_updates)
        return result

    wrap(module.Scheduler, "step", step)
    wrap(module.Scheduler, "step_update", step_update)


# Loggers: what a script tells of its own metrics


def _numbers(told: Any) -> dict[str, float]:
    found = {}
    for name, value in dict(told or {}).items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            found[str(name)] = float(value)
        elif getattr(value, "numel", None) and value.numel() == 1:
            found[str(name)] = float(value)
    return found


def _transformers(conductor: Conductor, module: ModuleType) -> None:
    def log(function: Callable[..., Any], trainer: Any, logs: Any, *args: Any, **kwargs: Any) -> Any:
        conductor.metrics(_numbers(logs))
        return function(trainer, logs, *args, **kwargs)

    wrap(module.Trainer, "log", log)


def _lightning(conductor: Conductor, module: ModuleType) -> None:
    def log_metrics(function: Callable[..., Any], connector: Any, metrics: Any, *args: Any, **kwargs: Any) -> Any:
        conductor.metrics(_numbers(metrics))
        return function(connector, metrics, *args, **kwargs)

    wrap(module._LoggerConnector, "log_metrics", log_metrics)


def _accelerate(conductor: Conductor, module: ModuleType) -> None:
    def log(function: Callable[..., Any], accelerator: Any, values: Any, *args: Any, **kwargs: Any) -> Any:
        conductor.metrics(_numbers(values))
        return function(accelerator, values, *args, **kwargs)

    wrap(module.Accelerator, "log", log)


def _tensorboard(conductor: Conductor, module: ModuleType) -> None:
    def add_scalar(function: Callable[..., Any], writer: Any, tag: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        conductor.metrics(_numbers({tag: value}))
        return function(writer, tag, value, *args, **kwargs)

    wrap(module.SummaryWriter, "add_scalar", add_scalar)


def _wandb(conductor: Conductor, module: ModuleType) -> None:
    def log(function: Callable[..., Any], data: Any = None, *args: Any, **kwargs: Any) -> Any:
        conductor.metrics(_numbers(data))
        return function(data, *args, **kwargs)

    wrap(module, "log", log)


LOGGERS: dict[str, Callable[[Conductor, ModuleType], None]] = {
    "transformers.trainer": _transformers,
    "lightning.pytorch.trainer.connectors.logger_connector.logger_connector": _lightning,
    "pytorch_lightning.trainer.connectors.logger_connector.logger_connector": _lightning,
    "accelerate.accelerator": _accelerate,
    "torch.utils.tensorboard.writer": _tensorboard,
    "tensorboardX.writer": _tensorboard,
    "wandb": _wandb,
}
