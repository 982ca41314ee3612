"""What a range test costs over the same updates in a bare loop: `python -m benchmarks.finders.overhead [--write]`.

200 updates of an MLP and of a CNN on Fashion-MNIST, from a DataLoader and from batches made beforehand, in one thread.
CPU time of the whole test, its saving, restoring and judging included, over that of the bare loop; the kinds take
turns, and the median of the ratios is kept. All sweep from 1e-6 to 0.1, where nothing diverges, so that all make
their 200 updates. Peers run where they are installed (see `peers.py`). fastai takes no batches made beforehand.

The bar: lright at most 1.05 with the MLP and batches made beforehand, the hardest case.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from ..measure import report, setting, table
from .data import load
from .peers import PEERS, quiet, versions

STEPS, BATCH = 200, 64
LOW, HIGH = 1e-6, 0.1
BAR = 1.05
Measured = Callable[[], object]  # what is timed, made ready by one of the functions below


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
    )


def cnn() -> nn.Module:
    convolutions = [nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU()]
    return nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(16 * 36, 10))


def start(make: Callable[[], nn.Module], lr: float = LOW) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = make()
    return model, torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)


def bare(make: Callable[[], nn.Module], data: Iterable[Any]) -> Measured:
    model, optimizer = start(make)

    def loop() -> None:
        for x, y in data:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return loop


def lright(make: Callable[[], nn.Module], data: Iterable[Any]) -> Measured:
    from lright.torch import find_lr

    model, optimizer = start(make)
    return lambda: (
        find_lr(model, optimizer, F.cross_entropy, data, start=LOW, end=HIGH, steps=STEPS, progress=False).suggestion
    )


def torch_lr_finder(make: Callable[[], nn.Module], data: Iterable[Any]) -> Measured:
    from torch_lr_finder import LRFinder, TrainDataLoaderIter

    model, optimizer = start(make)

    def test() -> None:
        finder = LRFinder(model, optimizer, F.cross_entropy, device="cpu")
        loader = data if isinstance(data, DataLoader) else TrainDataLoaderIter(data)
        finder.range_test(loader, end_lr=HIGH, num_iter=STEPS)
        finder.reset()

    return test


def ignite(make: Callable[[], nn.Module], data: Iterable[Any]) -> Measured:
    from ignite.engine import create_supervised_trainer
    from ignite.handlers import FastaiLRFinder

    model, optimizer = start(make)

    def test() -> None:
        trainer, finder = create_supervised_trainer(model, optimizer, F.cross_entropy), FastaiLRFinder()
        saved = {"model": model, "optimizer": optimizer}
        with finder.attach(trainer, to_save=saved, num_iter=STEPS, end_lr=HIGH) as finding:
            finding.run(data)
        finder.lr_suggestion()

    return test


def lightning(make: Callable[[], nn.Module], data: Iterable[Any]) -> Measured:
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.tuner.tuning import Tuner

    net, optimizer = start(make)

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.lr = net, LOW

        def training_step(self, batch: Any, number: int) -> Any:
            x, y = batch
            return F.cross_entropy(self.net(x), y)

        def configure_optimizers(self) -> Any:
            return optimizer

    off: Any = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    folder = tempfile.mkdtemp()
    trainer, module = Trainer(accelerator="cpu", max_epochs=1, default_root_dir=folder, **off), Module()
    options: Any = {"min_lr": LOW, "max_lr": HIGH, "num_training": STEPS}
    return lambda: Tuner(trainer).lr_find(module, train_dataloaders=data, **options)


def fastai(make: Callable[[], nn.Module], data: Iterable[Any]) -> Measured | None:
    if not isinstance(data, DataLoader):
        return None
    import fastai.callback.schedule  # noqa: F401  gives Learner its lr_find
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

    model, optimizer = start(make)
    learner = Learner(DataLoaders(data, data), model, loss_func=F.cross_entropy, path=tempfile.mkdtemp())
    learner.opt = OptimWrapper(opt=optimizer)
    return lambda: learner.lr_find(start_lr=LOW, end_lr=HIGH, num_it=STEPS, show_plot=False)


Kind = Callable[[Callable[[], nn.Module], Iterable[Any]], "Measured | None"]
KINDS: dict[str, Kind] = {"lright": lright}
OTHERS: dict[str, Kind] = {
    "torch-lr-finder": torch_lr_finder,
    "pytorch-ignite": ignite,
    "lightning": lightning,
    "fastai": fastai,
}


def seconds(kind: Kind, make: Callable[[], nn.Module], data: Iterable[Any]) -> float | None:
    """CPU seconds of one run; what happens before it (the model, a Trainer) is not counted."""
    with quiet():
        run = kind(make, data)
        if run is None:
            return None
        gc.collect()
        began = time.process_time()
        run()
        return time.process_time() - began


def ratios(kinds: dict[str, Kind], make: Callable[[], nn.Module], data: Iterable[Any], repeats: int) -> dict[str, str]:
    """Each kind's median ratio to the bare loop run just before it."""
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(repeats + 1):  # the first turn warms up
        for name, kind in kinds.items():
            basis, took = seconds(bare, make, data), seconds(kind, make, data)
            if turn and basis and took is not None:
                found[name].append(took / basis)
    return {name: f"{median(some):.3f}" if some else "-" for name, some in found.items()}


class Made:
    """Batches made beforehand. A bare list would be a list of loaders to Lightning."""

    def __init__(self, batches: list[Any]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.batches)


def datasets() -> dict[str, Iterable[Any]]:
    pictures = load("fashion")
    rows = slice(0, STEPS * BATCH)
    x, y = pictures.x[rows].repeat(2, 1, 1, 1)[: STEPS * BATCH], pictures.y[rows].repeat(2)[: STEPS * BATCH]
    return {
        "DataLoader": DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True),
        "prebatched": Made(list(zip(torch.split(x, BATCH), torch.split(y, BATCH)))),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    installed = {name for name, (_, module, _) in PEERS.items() if find_spec(module) is not None}
    kinds = KINDS | ({name: kind for name, kind in OTHERS.items() if name in installed} if given.peers else {})
    columns = {
        f"{kind}, {where}": ratios(kinds, make, data, given.repeats)
        for kind, make in (("MLP", mlp), ("CNN", cnn))
        for where, data in datasets().items()
    }
    rows = [[name, *(column[name] for column in columns.values())] for name in kinds]
    text = f"{setting()}, torch {torch.__version__}, one thread; median of {given.repeats} ratios of CPU time.\n"
    text += f"Peers: {versions()}.\n" if given.peers else ""
    report("finder-overhead", f"{text}\n{table(['range test', *columns], rows)}", write=given.write)
    return int(float(columns["MLP, prebatched"]["lright"]) > BAR)


if __name__ == "__main__":
    raise SystemExit(main())
