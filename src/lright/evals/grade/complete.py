"""Fragments of code made into a whole training: what is missing is added, what is there stays as it is.

A fragment with a loop of its own keeps it, with ``scheduler.step()`` wherever it stands. One that only makes a
scheduler gets the usual loop, stepped as often as its lengths imply.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

from ..problems.mutate import OPTIMIZER, SCHEDULER, last
from .code import Block, blocks, inline, meant, parsed, with_gaps

_SCHEDULERS = re.compile(
    r"\b(\w*(?:CosineAnnealingLR|CosineAnnealingWarmRestarts|OneCycleLR|MultiStepLR|StepLR|ReduceLROnPlateau|LambdaLR|"
    r"LinearLR|ExponentialLR|PolynomialLR|SequentialLR))\b"
)
_USUAL = {
    "CosineAnnealingLR": "T_max={epochs}", "StepLR": "step_size={third}", "MultiStepLR": "milestones=[{third}, {late}]",
    "ExponentialLR": "gamma=0.95", "CosineAnnealingWarmRestarts": "T_0={epochs}", "ReduceLROnPlateau": "",
    "OneCycleLR": "max_lr={lr}, epochs={epochs}, steps_per_epoch=len(train_loader)",
}  # fmt: skip
_MODULES = (
    ("torch.optim", OPTIMIZER),
    ("torch.optim.lr_scheduler", re.compile(r"^(?:[A-Z]\w*LR|CosineAnnealingWarmRestarts|ReduceLROnPlateau|"
                                            r"ChainedScheduler"
                                            r"|ReduceLROnPlateau)$")),
    ("transformers", re.compile(r"^get_(?:\w+_)?schedule(?:r|_with_\w+)?$")),
    ("timm.scheduler", re.compile(r"^[A-Z]\w*LRScheduler$")),
    ("torch.utils.data", re.compile(r"^(?:DataLoader|TensorDataset)$")),
)  # fmt: skip
_NAMED = {
    "optim": "import torch.optim as optim", "lr_scheduler": "from torch.optim import lr_scheduler",
    "math": "import math",
    "nn": "from torch import nn", "F": "import torch.nn.functional as F", "np": "import numpy as np",
}  # fmt: skip
_PER_BATCH = re.compile(
    r"len\(|(?:(?:steps|iters|batches)_per_epoch|total_(?:steps|iters|updates)|num_(?:training_)?steps|"
    r"max_(?:steps|iters|iterations)|n_iter|t_total)\b(?!\s*=[^=])"
)


def candidates(text: str) -> list[str]:
    """The codes that an answer stands by, in the order in which they count: what is called final or complete, then
    all of it joined where the blocks are parts of one, then block by block. Blocks shown as wrong are left out."""
    found = [block for block in meant(blocks(text)) if not block.diff]
    found = [Block(with_gaps(block.text), block.language, block.before) for block in found]
    found = [block for block in found if block.language in PYTHON and parsed(block.text) is not None]
    useful = [block for block in found if relevant(block.text)]
    if not useful:
        line = inline(text)
        return [made_of(line)] if made_of(line) else []
    ordered = sorted(useful, key=lambda block: not (block.final and steps(block.text)))
    return [joined(block.text, [one.text for one in found]) for block in ordered]


PYTHON = ("", "python", "py", "python3", "pycon", "ipython", "text", "pytorch", "torch")


def relevant(text: str) -> bool:
    """Whether code makes or steps a scheduler, or writes a learning rate."""
    tree = parsed(text)
    return tree is not None and (bool(list(makers(tree))) or steps(text) or bool(_WRITES.search(text)))


_WRITES = re.compile(r"\[['\"]lr['\"]\]\s*\*?=")


def makers(tree: ast.AST) -> Iterator[ast.Call]:
    """The calls that make schedulers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and SCHEDULER.search(last(node.func)):
            yield node


def steps(text: str) -> bool:
    """Whether code steps a scheduler."""
    return any("sch" in name.lower() or "lr" in name.lower() or "warm" in name.lower() for name in stepped(text))


def stepped(text: str) -> list[str]:
    """The names of what is stepped."""
    tree = parsed(text)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree is not None else []
    return [last(call.func.value) for call in calls if isinstance(call.func, ast.Attribute)
            and call.func.attr in ("step", "step_update")]  # fmt: skip


def made_of(line: str) -> str:
    """Inline calls as statements: the first that makes a scheduler, given a name."""
    for one in line.split("\n"):
        tree = parsed(one)
        if tree is not None and list(makers(tree)):
            bare = isinstance(tree.body[0], ast.Expr)
            return f"scheduler = {one}" if bare else one
    return ""


def joined(text: str, others: Sequence[str]) -> str:
    """A block with what it lacks from the others: the scheduler that it steps, or the loop that steps its own."""
    if loops(text) and not list(makers(ast.parse(text))):
        for other in others:
            tree = parsed(other)
            if other != text and tree is not None and list(makers(tree)) and not loops(other):
                return f"{other}\n{text}"
    if not loops(text) and not steps(text):
        for other in others:
            if other != text and loops(other) and steps(other) and not list(makers(ast.parse(other))):
                return f"{text}\n{other}"
    return text


def loops(text: str) -> bool:
    """Whether code has a loop that steps something."""
    tree = parsed(text)
    if tree is None:
        return False
    return any(isinstance(call, ast.Call) and last(call.func) in ("step", "step_update", "backward", "train_one_epoch")
               for node in ast.walk(tree) if isinstance(node, (ast.For, ast.While))
               for call in ast.walk(node))  # fmt: skip


def completed(text: str, case: Mapping[str, float], question: str = "", words: str = "") -> str:
    """A fragment as a whole script. ``question`` names what it takes for granted: optimizer, scheduler."""
    tree = parsed(text)
    if tree is None:
        return text
    text = with_updates(text if text.endswith("\n") else text + "\n", tree, case)
    tree = parsed(text) or tree
    bound = _bound(tree)
    body = text + _loop(text, tree, case)
    head = [*_imports(parsed(body) or tree, bound), *_values(tree, bound, case)]
    used = {node.id for node in ast.walk(parsed(body) or tree) if isinstance(node, ast.Name)}
    optimizer = next((name for name in ("optimizer", "opt", "optim_") if name in used), "optimizer")
    if optimizer not in bound and optimizer in used:
        head.append(f"{optimizer} = torch.optim.{_optimizer(question)}(model.parameters(), lr={case.get('lr', 0.1):g})")
    for name in dict.fromkeys(stepped(text)):
        if name and name not in bound and name != optimizer and re.search(r"sch|lr|warm", name):
            made = _usual(name, optimizer, case, question, words)
            head += [made] if made else []
    return "\n".join([*head, body])


def _bound(tree: ast.AST) -> set[str]:
    """Every name and attribute that code gives a value."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return found


def _imports(tree: ast.AST, bound: set[str]) -> list[str]:
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - bound
    lines = [] if "torch" in bound else ["import torch"]
    for module, pattern in _MODULES:
        names = sorted(name for name in used if pattern.search(name))
        lines += [f"from {module} import {', '.join(names)}"] if names else []
    return lines + [line for name, line in _NAMED.items() if name in used]


def _values(tree: ast.AST, bound: set[str], case: Mapping[str, float]) -> list[str]:
    """Values for the numbers that code takes for granted."""
    used = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    lines = []
    for name in dict.fromkeys(used):
        value = "" if name in bound else _value(name.lower(), case)
        if value:
            lines.append(f"{name} = {value}")
    return lines


def _value(name: str, case: Mapping[str, float]) -> str:
    epochs, batches = case.get("epochs", 100), case.get("batches", 40)
    if "warm" in name:
        return f"{max(1, epochs * 0.05):.0f}" if "ep" in name else f"{max(1, epochs * batches * 0.05):.0f}"
    if re.search(r"(?:steps|iters|batches|updates)_per_epoch|^num_batches$|^n_batches$", name):
        return f"{batches:g}"
    if re.search(
        r"(?:^|_)(?:total|max|num|n)_(?:training_|train_)?(?:steps|iters|iterations|updates)$|^t_total$", name
    ):
        return f"{epochs * batches:g}"
    if re.search(r"^(?:num_|n_|total_|max_)?epochs$|^max_epoch$", name):
        return f"{epochs:g}"
    if re.search(r"^(?:lr|learning_rate|max_lr|base_lr|peak_lr|initial_lr)$", name):
        return f"{case.get('lr', 0.1):g}"
    return ""


def _optimizer(question: str) -> str:
    found = re.search(r"\b(AdamW|Adam|SGD|RMSprop)\b", question, re.IGNORECASE)
    named = {"adamw": "AdamW", "adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop"}
    return named[found.group(1).lower()] if found else "SGD"


def _usual(name: str, optimizer: str, case: Mapping[str, float], question: str, words: str) -> str:
    """The scheduler that code steps and does not make: the one that the question names, as it writes it."""
    for source in (question, words):
        written = re.search(rf"(?:{_SCHEDULERS.pattern})\(([^()]*(?:\([^()]*\)[^()]*)*)\)", source)
        if written and "=" in written.group(2):
            arguments = [one.strip() for one in re.split(r",(?![^\[(]*[\])])", written.group(2))]
            kept = [one for one in arguments if one and not re.fullmatch(r"opt\w*", one)]
            made = f"{name} = torch.optim.lr_scheduler.{written.group(1)}({', '.join([optimizer, *kept])})"
            if parsed(made) is not None:
                return made
        named = _SCHEDULERS.search(source)
        if named and named.group(1) in _USUAL:
            epochs = case.get("epochs", 100)
            usual = _USUAL[named.group(1)].format(
                epochs=f"{epochs:g}",
                lr=f"{case.get('lr', 0.1):g}",
                third=f"{epochs // 3:g}",
                late=f"{epochs * 2 // 3:g}",
            )
            given = ", ".join([optimizer, *([usual] if usual else [])])
            return f"{name} = torch.optim.lr_scheduler.{named.group(1)}({given})"
    return ""


def with_updates(text: str, tree: ast.Module, case: Mapping[str, float]) -> str:
    """Code whose loop steps a scheduler and leaves the training to a function that is not shown, with the updates of
    the optimizer written out; a lone loop over batches gets its epochs."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    if any(last(call.func) == "backward" or (last(call.func) == "step" and updates(call)) for call in calls):
        return text
    outer = next((node for node in tree.body if isinstance(node, ast.For) and steps(ast.unparse(node))), None)
    if outer is None:
        return text
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    optimizer = next((one for one in ("optimizer", "opt", "optim_") if one in used), "optimizer")
    lines = text.split("\n")
    inner = next((node for node in ast.walk(outer) if isinstance(node, ast.For) and node is not outer), None)
    if inner is not None or not over_epochs(outer):
        first = (inner or outer).body[0]
        lines.insert(first.lineno - 1, " " * first.col_offset + f"{optimizer}.step()")
    else:
        first = outer.body[0]
        space = " " * first.col_offset
        lines[first.lineno - 1 : first.lineno - 1] = [
            f"{space}for _batch in train_loader:",
            f"{space}    {optimizer}.step()",
        ]
    if inner is None and not over_epochs(outer):
        start, end = outer.lineno - 1, (outer.end_lineno or outer.lineno) + 1
        lines[start:end] = [
            f"for epoch in range({case.get('epochs', 100):g}):",
            *(f"    {line}" for line in lines[start:end]),
        ]
    changed = "\n".join(lines)
    return changed if parsed(changed) is not None else text


def updates(call: ast.Call) -> bool:
    """Whether a ``step()`` is that of an optimizer, by the name of what it is called on."""
    owner = last(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    return bool(re.search(r"^(?:opt|scaler|accelerator)", owner))


def over_epochs(loop: ast.For) -> bool:
    """Whether a loop runs over epochs, by its names."""
    words = f"{ast.unparse(loop.target)} {ast.unparse(loop.iter)}".lower()
    return "ep" in words or ("range(" in words and "len(" not in words)


def _loop(text: str, tree: ast.Module, case: Mapping[str, float]) -> str:
    """The usual loop for code that has none: it steps the last scheduler that was made."""
    if loops(text) or any(isinstance(node, (ast.For, ast.While)) and steps(ast.unparse(node)) for node in tree.body):
        return ""
    made = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
            and SCHEDULER.search(last(node.value.func))]  # fmt: skip
    if not made:
        return ""
    final = max(made, key=lambda node: node.lineno)
    name, kind = ast.unparse(final.targets[0]), last(final.value.func) if isinstance(final.value, ast.Call) else ""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    optimizer = next((one for one in ("optimizer", "opt", "optim_") if one in used), "optimizer")
    batch = per_batch(text, kind, case)
    metric = "val_loss" if kind == "ReduceLROnPlateau" else ""
    if metric and re.search(r"mode\s*=\s*['\"]max", text):
        metric = "val_acc"
    lines = [
        f"for epoch in range({case.get('epochs', 100):g}):",
        "    for inputs, labels in train_loader:",
        f"        {optimizer}.zero_grad()",
        "        loss = criterion(model(inputs), labels)",
        "        loss.backward()",
        f"        {optimizer}.step()",
        *([f"        {name}.step()"] if batch else []),
        "    val_loss, val_acc = evaluate(model, val_loader)",
        *([] if batch else [f"    {name}.step({metric})"]),
    ]
    return "\n".join(lines) + "\n"


def per_batch(text: str, kind: str, case: Mapping[str, float]) -> bool:
    """Whether a scheduler that nobody steps is meant to be stepped at every batch, by its lengths."""
    if kind == "ReduceLROnPlateau":
        return False
    epochs = case.get("epochs", 100)
    numbers = [float(found) for found in re.findall(
        r"(?:T_max|total_iters|total_steps|num_training_steps)\s*=\s*(\d+(?:\.\d+)?)\b(?!\s*\*)", text)]  # fmt: skip
    if kind == "OneCycleLR":
        return not (numbers and max(numbers) <= epochs)
    return bool(_PER_BATCH.search(text)) or kind.startswith("get_") or any(value > 3 * epochs for value in numbers)
