"""Keeping a script from writing checkpoints and logs while its learning rate is being tried out.

What is withheld is what training code is known to write with: :func:`torch.save`, safetensors, the checkpoints of
Lightning, transformers and Accelerate, TensorBoard, Weights & Biases and others. Whatever else a script writes (a file
it opens itself) it writes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from .imports import when_imported

# Trackers that can be told to be silent before they start.
SILENT = {
    "WANDB_MODE": "disabled", "COMET_MODE": "disabled", "NEPTUNE_MODE": "debug", "SWANLAB_MODE": "disabled",
    "CLEARML_OFFLINE_MODE": "1", "AIM_DISABLED": "1",
}  # fmt: skip

# What a writer of TensorBoard does with its file.
BOARD = (
    "__init__", "get_logdir", "add_event", "add_summary", "add_graph", "add_onnx_graph", "flush", "close", "reopen",
)  # fmt: skip

Withheld = dict[str, None]
Wrapping = Callable[[Callable[..., Any]], Callable[..., None]]


@contextmanager
def withheld(kept: Withheld, apart: Path | None = None) -> Iterator[None]:
    """Withhold checkpoints and logs; what they were goes into ``kept``. ``apart``: a folder in which what
    :func:`torch.save` writes is kept for this process, so that it can load again what it saved."""
    with ExitStack() as stack:
        stack.enter_context(_environment(SILENT))
        stack.enter_context(_moves(kept))
        stack.enter_context(when_imported(_patches(kept)))
        if apart is not None:
            stack.enter_context(when_imported({"torch": lambda torch: _apart(torch, apart, kept)}))
        yield


def _patches(kept: Withheld) -> dict[str, Callable[[ModuleType], object]]:
    def file(position: int, name: str) -> Wrapping:
        """A function that writes a file, of which it is told in an argument."""

        def make(function: Callable[..., Any]) -> Callable[..., None]:
            def nothing(*args: Any, **kwargs: Any) -> None:
                target = args[position] if len(args) > position else kwargs.get(name, "")
                kept[_named(target)] = None

            return nothing

        return make

    def silent(what: str) -> Wrapping:
        def make(function: Callable[..., Any]) -> Callable[..., None]:
            def nothing(*args: Any, **kwargs: Any) -> None:
                kept[what] = None

            return nothing

        return make

    def patch(*targets: tuple[str, Wrapping]) -> Callable[[ModuleType], None]:
        def apply(module: ModuleType) -> None:
            for dotted, make in targets:
                *way, last = dotted.split(".")
                owner: Any = module
                for step in way:
                    owner = getattr(owner, step, None)
                if owner is not None and hasattr(owner, last):
                    setattr(owner, last, make(getattr(owner, last)))

        return apply

    board = "TensorBoard events"
    return {
        "torch": patch(("save", file(1, "f"))),
        "safetensors.torch": patch(("save_file", file(1, "filename")), ("save_model", file(1, "filename"))),
        "lightning.pytorch.trainer.trainer": patch(("Trainer.save_checkpoint", file(1, "filepath"))),
        "pytorch_lightning.trainer.trainer": patch(("Trainer.save_checkpoint", file(1, "filepath"))),
        "lightning.fabric.loggers.csv_logs": patch(("_ExperimentWriter.save", silent("Lightning's CSV log"))),
        "lightning_fabric.loggers.csv_logs": patch(("_ExperimentWriter.save", silent("Lightning's CSV log"))),
        "transformers.trainer": patch(
            ("Trainer._save_checkpoint", silent("the Trainer's checkpoints")),
            ("Trainer.save_model", file(1, "output_dir")),
        ),
        "accelerate.accelerator": patch(
            ("Accelerator.save_state", file(1, "output_dir")), ("Accelerator.save_model", file(2, "save_directory"))
        ),
        "torch.utils.tensorboard.writer": patch(*((f"FileWriter.{name}", silent(board)) for name in BOARD)),
        "tensorboardX.writer": patch(*((f"FileWriter.{name}", silent(board)) for name in BOARD)),
        "mlflow": patch(
            *((name, silent("MLflow's log")) for name in ("log_metric", "log_metrics", "log_param", "log_params")),
            *((name, silent("MLflow's log")) for name in ("log_artifact", "log_artifacts", "log_figure", "log_dict")),
        ),
    }  # fmt: skip


def _apart(torch: Any, folder: Path, kept: Withheld) -> None:
    """Let ``torch.save`` write into ``folder`` and ``torch.load`` look there first."""
    import importlib

    folder.mkdir(parents=True, exist_ok=True)
    save, load = importlib.import_module("torch.serialization").save, torch.load
    places: dict[str, Path] = {}

    def into_folder(value: Any, f: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(f, (str, os.PathLike)):
            name = os.path.abspath(_named(f))
            kept[_named(f)] = None
            f = places.setdefault(name, folder / f"{len(places)}-{os.path.basename(name)}")
        save(value, f, *args, **kwargs)

    def from_folder(f: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(f, (str, os.PathLike)):
            f = places.get(os.path.abspath(_named(f)), f)
        return load(f, *args, **kwargs)

    torch.save, torch.load = into_folder, from_folder


def _named(target: object) -> str:
    """What a save was to write, as a path, or in words where it goes to memory."""
    if isinstance(target, (str, os.PathLike)):
        return os.fspath(target) if isinstance(os.fspath(target), str) else repr(target)
    return str(getattr(target, "name", type(target).__name__))


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


@contextmanager
def _moves(kept: Withheld) -> Iterator[None]:
    """Moving or copying a file that was withheld does nothing either: "write beside it, then replace" goes on."""
    owners: list[tuple[Any, str]] = [(os, "replace"), (os, "rename"), (os, "link"), (os, "symlink")]
    owners += [(shutil, "copy"), (shutil, "copyfile"), (shutil, "copy2"), (shutil, "move")]
    before = [(owner, name, getattr(owner, name)) for owner, name in owners]

    def make(function: Callable[..., Any]) -> Callable[..., Any]:
        def unless_withheld(source: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(source, (str, os.PathLike)) and _named(source) in kept:
                kept[_named(target)] = None
                return target
            return function(source, target, *args, **kwargs)

        return unless_withheld

    for owner, name, function in before:
        setattr(owner, name, make(function))
    try:
        yield
    finally:
        for owner, name, function in before:
            setattr(owner, name, function)
