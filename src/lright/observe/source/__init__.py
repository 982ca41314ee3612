"""The observer of source code: a script's text becomes a situation. Nothing is executed or imported."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping, Sequence

from ...errors import ReadError
from ...quantity import Scalar
from ...situation import Situation
from . import words
from .text import split_lines, tree_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .reader import Reader

MAX_WORLDS = 10
_SIGNS = ("scheduler", "param_groups", ".step", "LR(", "optim")


def read(
    source: str,
    path: str = "<source>",
    settings: Mapping[str, Scalar] | None = None,
    arguments: Sequence[str] = (),
    processes: int | None = None,
) -> Situation:
    """Read a training script.

    ``settings`` gives values to names as the script writes them (``epochs``, ``args.lr``, ``len(train_loader)``),
    ``arguments`` is the command line the script's own parser reads, ``processes`` how many of them run it. Raises
    :class:`ReadError` where the text is not Python.

    >>> situation = read("import torch\\nopt = torch.optim.SGD([], lr=0.1)\\nfor e in range(3):\\n    opt.step()")
    >>> [loop.trips for site in situation.default.updates() for loop in site.loops]
    [3]
    """
    tree = parse(source, path)
    if not any(sign in source for sign in _SIGNS):
        # Most files of a project have nothing to do with training.
        return Situation([], notes=[_unused(name) for name in settings or {}])
    from .setting import describe  # most files never need it
    from .structure import read_world

    given = dict(settings or {})
    if processes is not None:
        given["processes"] = processes
    lines = split_lines(source)
    trainings, reader = read_world(tree, lines, {}, given, arguments)
    for training in trainings:
        describe(training, reader, path)
    situation = Situation(trainings)
    situation.notes = list(dict.fromkeys(reader.notes))
    situation.undefined = frozenset(reader.undefined)
    situation.notes += _frameworks(reader)
    unused = [name for name in given if name not in reader.used_settings and name != "processes"]
    situation.notes += [_unused(name) for name in unused]
    entries = frozenset(training.entry for training in trainings)
    for condition, world in worlds(reader):
        more, _ = read_world(tree, lines, world, given, arguments, entries, condition == "resume")
        for training in more:
            training.condition = condition
            training.default = next((t for t in trainings if t.entry == training.entry), None)
        situation.trainings += more
    return situation


_FRAMEWORKS = {
    "pytorch_lightning": "Lightning", "lightning": "Lightning", "fastai": "fastai", "keras": "Keras",
    "tensorflow": "TensorFlow", "ignite": "Ignite", "mmengine": "MMEngine", "mmcv": "MMCV", "deepspeed": "DeepSpeed",
    "composer": "Composer",
}  # fmt: skip


def _frameworks(reader: Reader) -> list[str]:
    """Silence must not look like health where a framework decides when schedulers tick."""
    from .values import External

    roots = {value.path.split(".")[0] for value in reader.module.names.values() if isinstance(value, External)}
    names = sorted({_FRAMEWORKS[root] for root in roots if root in _FRAMEWORKS})
    return [f"{name} is imported: what it does to the learning rate by itself is not read" for name in names]


def _unused(name: str) -> str:
    return f"--set {name}: the script has no such value"


def parse(source: str, path: str) -> ast.Module:
    """The syntax tree; :class:`ReadError` with the place where it is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in the user's strings are not our business
            return tree_of(source)
    except SyntaxError as error:
        raise ReadError(path, f"line {error.lineno}: not valid Python 3: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ReadError(path, f"cannot be parsed: {error}") from None


def worlds(reader: Reader) -> list[tuple[str, dict[str, Scalar]]]:
    """Other settings worth reading the script under, each with the condition it stands for."""
    found: dict[str, dict[str, Scalar]] = {}
    for flip in reader.flips:
        fact = reader.facts.get(flip.symbol)
        if fact is None or fact.origin in ("--set", "command line"):
            continue
        condition = words.condition(fact, flip.value)
        found.setdefault(condition, {})[fact.text] = flip.value
        if len(found) >= MAX_WORLDS:
            break
    return list(found.items())
