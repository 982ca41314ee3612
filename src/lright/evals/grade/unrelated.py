"""Whether a repair left alone what it was not about."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping

from .code import head, parsed

# What a repair of the learning rate may touch anywhere: schedules, their steps and lengths, checkpoints of them, logs.
_RATE = re.compile(
    r"sched|\blrs\b|_lr\b|\blr_|\blr\b|['\"]lr['\"]|warm|T_max|anneal|decay|gamma|milestone|plateau|\.step\(|zero_grad|"
    r"patience|total_steps|param_group|optim|\bopt\b|\.step$|steps_per|updates?_per|state_dict|checkpoint|ckpt|"
    r"epoch \+ 1|total_iters|n_warm|num_training_steps|val_loss|val_acc|train_loss|metric",
    re.IGNORECASE,
)
# What changes a training besides the learning rate, whoever writes it.
_MATTERS = re.compile(
    r"\bnn\.|\bDataLoader\(|Dataset\(|batch_size|criterion|loss_fn|backward\(|\bdropout|clip_grad|randn\(|randint\(|"
    r"\bmodel\b.*=|drop_last|shuffle|seed\(|\bforward\(|torch\.relu|softmax|transform|autocast|\bdevice\b.*=",
    re.IGNORECASE,
)
_SETTING = re.compile(r"epochs|batch_size|\bbs\b|accum|weight_decay|\bwd\b|momentum|\blr\b|learning_rate|base_lr", re.I)


def unchanged(broken: str, original: str, text: str) -> tuple[float, str]:
    """The share of the unrelated statements of a broken script that an answer still has; 0 where it changes what
    matters: the model, the data, the loss, the number of epochs."""
    trees = [parsed(one) for one in (broken, original, text)]
    if trees[0] is None or trees[1] is None or trees[2] is None:
        return 0.0, "it is no Python"
    before, meant, after = (Counter(_statements(tree)) for tree in trees if tree is not None)
    related = (before - meant) + (meant - before)
    alone = Counter({key: n for key, n in before.items() if key not in related and not _RATE.search(key)})
    lost = alone - after
    added = Counter({key: n for key, n in (after - before - meant).items() if not _RATE.search(key)})
    harm = next((key for key in lost if _MATTERS.search(key)), "")
    if harm:
        return 0.0, f"it changes what has nothing to do with this: {_short(harm)}"
    harm = next((key for key in added if _MATTERS.search(key)), "")
    if harm:
        return 0.0, f"it adds what has nothing to do with this: {_short(harm)}"
    wrong = _settings(trees[0], trees[1], trees[2])
    if wrong:
        return 0.0, wrong
    total = max(sum(alone.values()), 1)
    share = (1 - sum(lost.values()) / total) * (1 - min(0.5, sum(added.values()) / (2 * total)))
    return round(max(share, 0.0), 3), f"{sum(lost.values())} of {total} unrelated statements are gone or changed"


def _statements(tree: ast.AST) -> list[str]:
    """Every statement as Python writes it, docstrings left out."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not _docstring(node):
            found.append(re.sub(r"\s+", " ", head(node)))
    return found


def _docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _short(text: str) -> str:
    return text if len(text) <= 70 else text[:67] + "..."


def _settings(broken: ast.AST, original: ast.AST, text: ast.AST) -> str:
    """Which number of the training an answer sets to what neither script has; empty where none."""
    known: dict[str, set[str]] = {}
    for tree in (broken, original):
        for name, value in _numbers(tree):
            known.setdefault(name, set()).add(value)
    now: Mapping[str, str] = dict(_numbers(text))
    for name, value in now.items():
        if name in known and value not in known[name]:
            return f"it sets {name} to {value}"
    return ""


def _numbers(tree: ast.AST) -> list[tuple[str, str]]:
    """Constants that are given to names of settings: assignments, entries, defaults of options, arguments of the
    optimizer and the loader, and how often loops run."""
    found: list[tuple[str, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.value, ast.Constant):
            found.append((ast.unparse(node.targets[0]), _value(node.value)))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant):
            found.append((ast.unparse(node.target), _value(node.value)))
        elif isinstance(node, ast.Dict):
            found += [(key.value, _value(value)) for key, value in zip(node.keys, node.values)
                      if isinstance(key, ast.Constant) and isinstance(key.value, str)
                      and isinstance(value, ast.Constant)]  # fmt: skip
        elif isinstance(node, ast.Call):
            found += _arguments(node)
    return [(name, value) for name, value in found if _SETTING.search(name) and "warm" not in name.lower()]


def _arguments(call: ast.Call) -> list[tuple[str, str]]:
    name = (
        call.func.attr
        if isinstance(call.func, ast.Attribute)
        else call.func.id
        if isinstance(call.func, ast.Name)
        else ""
    )
    if name == "add_argument" and call.args and isinstance(call.args[0], ast.Constant):
        option = str(call.args[0].value).lstrip("-").replace("-", "_")
        return [(option, _value(one.value)) for one in call.keywords if one.arg == "default"
                and isinstance(one.value, ast.Constant)]  # fmt: skip
    if name in ("SGD", "Adam", "AdamW", "DataLoader"):
        return [(f"{name} {one.arg}", _value(one.value)) for one in call.keywords if one.arg
                and isinstance(one.value, ast.Constant)]  # fmt: skip
    if name in ("range", "trange") and len(call.args) <= 2:
        return [("epochs of a loop", _value(one)) for one in call.args[-1:] if isinstance(one, ast.Constant)]
    return []


def _value(node: ast.expr) -> str:
    """A constant so that 1e-3 and 0.001 are the same; text that is a number counts as one."""
    value = getattr(node, "value", None)
    try:
        return (
            f"{float(value):g}" if isinstance(value, (int, float, str)) and not isinstance(value, bool) else repr(value)
        )
    except ValueError:
        return repr(value)
