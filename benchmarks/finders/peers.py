"""The other LR finders, run through their own libraries on our tasks: same batches, same number of iterations.

In an environment that has lright, torch, lightning and the packages of `data.py` (`make venv` and data.py's list):

    pip install torch-lr-finder==0.2.2 pytorch-ignite==0.5.5
    pip install --no-deps fastai==2.8.12 fastcore fasttransform "plum-dispatch<2.10" "fastprogress<1.1" fastdownload
    pip install --no-deps beartype pandas cloudpickle requests packaging pillow

(`--no-deps`: fastai's learner needs neither the torchvision nor the spacy that it names; fastprogress 1.1 would need
fasthtml.)

Each is asked the way its documentation shows, with its own defaults but for the number of iterations. Where the range
starts at the optimizer's LR (torch-lr-finder, ignite) that LR is 1e-7, as in torch-lr-finder's README. A peer that
raises, or says None, or whose package is absent, is reported as such: nothing is put in its place.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from .tasks import Task

LOWEST = 1e-7  # where torch-lr-finder and ignite start: the optimizer's LR in torch-lr-finder's README
Suggestions = dict[str, float]  # method -> suggested LR; NaN when it made none


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Peers print, warn and draw progress bars that cannot all be switched off."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


def fastai(task: Task, seed: int, iterations: int) -> Suggestions:
    """`Learner.lr_find` with its four suggestions, of which `valley` is the default."""
    import fastai.callback.schedule  # noqa: F401  gives Learner its lr_find
    from fastai.callback.schedule import minimum, slide, steep, valley
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

    model, optimizer = task.build(seed)
    loader = task.loader(seed, iterations)
    found: Suggestions = {}
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner(DataLoaders(loader, loader), model, loss_func=task.loss, path=folder)
        learner.opt = OptimWrapper(opt=optimizer)
        learner.lr_find(num_it=iterations, show_plot=False, suggest_funcs=None)
        lrs, losses = fastai_curve(learner, iterations)
    for name, suggest in {"minimum/10": minimum, "valley": valley, "slide": slide, "steep": steep}.items():
        found[f"fastai {name}"] = attempt(partial(_first, suggest, lrs, losses, iterations))
    return found


def fastai_curve(learner: Any, iterations: int) -> tuple[Any, Any]:
    """What `lr_find` hands to its suggestion functions (four calls, so that one that raises costs no other)."""
    import torch

    lrs = torch.tensor(learner.recorder.lrs[iterations // 10 : -5])
    losses = torch.stack([torch.as_tensor(loss) for loss in learner.recorder.losses[iterations // 10 : -5]])
    broken = torch.nonzero(torch.isnan(losses.view(-1)))
    end = int(broken.min()) if len(broken) else len(lrs)
    return lrs[:end], losses[:end]


def torch_lr_finder(task: Task, seed: int, iterations: int) -> Suggestions:
    """`LRFinder.range_test`, then the suggestion that `plot` makes."""
    from matplotlib.figure import Figure
    from torch_lr_finder import LRFinder

    model, optimizer = task.build(seed, lr=LOWEST)
    finder = LRFinder(model, optimizer, task.loss, device="cpu")
    finder.range_test(task.loader(seed, iterations), end_lr=10, num_iter=iterations)
    suggested = attempt(lambda: finder.plot(ax=Figure().subplots())[1])
    finder.reset()
    return {"torch-lr-finder": suggested}


def ignite(task: Task, seed: int, iterations: int) -> Suggestions:
    """`FastaiLRFinder` attached to a trainer."""
    from ignite.engine import create_supervised_trainer
    from ignite.handlers import FastaiLRFinder

    model, optimizer = task.build(seed, lr=LOWEST)
    trainer = create_supervised_trainer(model, optimizer, task.loss)
    finder = FastaiLRFinder()
    saved = {"model": model, "optimizer": optimizer}
    with finder.attach(trainer, to_save=saved, num_iter=iterations, end_lr=10.0) as finding:
        finding.run(task.loader(seed, iterations))
    return {"ignite": attempt(finder.lr_suggestion)}


def _first(suggest: Any, *given: Any) -> Any:
    return suggest(*given)[0]


def lightning(task: Task, seed: int, iterations: int) -> Suggestions:
    """`Tuner.lr_find`."""
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.tuner.tuning import Tuner

    model, optimizer = task.build(seed)

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.lr = model, 1e-3

        def training_step(self, batch: Any, number: int) -> Any:
            x, y = batch
            return task.loss(self.model(x), y)

        def configure_optimizers(self) -> Any:
            return optimizer

    with tempfile.TemporaryDirectory() as folder:
        off: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        trainer = Trainer(
            accelerator="cpu", max_epochs=1, default_root_dir=folder, enable_model_summary=False, barebones=False, **off
        )
        module, loader = Module(), task.loader(seed, iterations)
        found: Any = Tuner(trainer).lr_find(module, train_dataloaders=loader, num_training=iterations)
    return {"Lightning": attempt(lambda: found.suggestion())}


def attempt(suggest: Callable[[], Any]) -> float:
    """A suggestion, or NaN where a peer raises or says None."""
    try:
        with quiet():
            lr = suggest()
    except Exception:
        return math.nan
    return math.nan if lr is None else float(lr)


PEERS: dict[str, tuple[Callable[[Task, int, int], Suggestions], str, tuple[str, ...]]] = {
    "fastai": (fastai, "fastai", ("fastai minimum/10", "fastai valley", "fastai slide", "fastai steep")),
    "torch-lr-finder": (torch_lr_finder, "torch_lr_finder", ("torch-lr-finder",)),
    "pytorch-ignite": (ignite, "ignite", ("ignite",)),
    "lightning": (lightning, "lightning", ("Lightning",)),
}


def absent() -> dict[str, str]:
    """The peers that cannot be run here, and why."""
    return {name: "not installed" for name, (_, module, _) in PEERS.items() if find_spec(module) is None}


def versions() -> str:
    return ", ".join(f"{name} {version_of(name)}" for name in PEERS)


def version_of(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def suggestions(task: Task, seed: int, iterations: int, why: dict[str, str]) -> Suggestions:
    """What every installed peer suggests; NaN for a peer that raised, whose last reason goes into `why`."""
    found: Suggestions = {}
    for name, (run, module, methods) in PEERS.items():
        if find_spec(module) is None:
            continue
        try:
            with quiet():
                found |= run(task, seed, iterations)
        except Exception as error:
            why[name] = f"{type(error).__name__}: {error}"
            found |= dict.fromkeys(methods, math.nan)
    return found
