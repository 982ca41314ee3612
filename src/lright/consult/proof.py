"""What the code of a question proves: a fragment is made whole with what the words say, and checked like any script."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..errors import LrightError
from ..finding import FileReport, Finding
from ..setting import Setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..observe.words import Heard

# How a scheduler is written whose arguments nobody told: as people mean it, with lengths in epochs.
_USUAL = {
    "CosineAnnealingLR": "T_max={epochs}", "StepLR": "step_size=30", "MultiStepLR": "milestones=[30, 60]",
    "ExponentialLR": "gamma=0.95", "CosineAnnealingWarmRestarts": "T_0=10", "ReduceLROnPlateau": "",
    "OneCycleLR": "max_lr={lr}, epochs={epochs}, steps_per_epoch=len(train_loader)",
}  # fmt: skip
LONGEST = 60  # lines of a question's code that are shown again, mended


def checked(heard: Heard, setting: Setting, code: str | None, path: str) -> tuple[FileReport | None, int]:
    """The report on a script, or on the fragment in a question, and how many lines were put before it."""
    from ..doctor import check_source

    if code is not None:
        return check_source(code, path), 0
    fragment = "\n\n".join(part.text for part in heard.code)
    before = preamble(fragment, heard, setting) if fragment else None
    if before is None:
        return None, 0
    try:
        return check_source("\n".join([*before, fragment, ""]), "<question>"), len(before)
    except LrightError:
        return None, 0  # no Python after all; the words must do


def shown(heard: Heard) -> Setting:
    """What the code of a question shows of the training, whether or not there is anything to check in it."""
    from ..observe import source

    fragment = "\n\n".join(part.text for part in heard.code)
    try:
        tree = ast.parse(fragment)
    except SyntaxError:
        return Setting()
    made = {name for node in ast.walk(tree) if isinstance(node, (ast.Assign, ast.AnnAssign)) for name in _targets(node)}
    before = ["import torch, timm, torchvision", *_imports(tree, made)]
    setting = source.read("\n".join([*before, fragment, ""]), "<question>").setting
    for name in ("scheduler", "warmup", "ticked"):
        setting.facts.pop(name, None)  # a fragment that steps nothing shows nothing of what is not in it
    return setting


def preamble(fragment: str, heard: Heard, setting: Setting) -> list[str] | None:
    """The lines that a fragment lacks to be whole; None where it steps no scheduler, or one that nobody knows."""
    try:
        tree = ast.parse(fragment)
    except SyntaxError:
        return None
    made = {name for node in ast.walk(tree) if isinstance(node, (ast.Assign, ast.AnnAssign)) for name in _targets(node)}
    stepped = list(dict.fromkeys(_stepped(tree)))
    if not stepped:
        return None
    lines = ["import torch", *_imports(tree, made)]
    epochs = setting.number("epochs")
    bound = next((name for name in _bounds(tree) if name not in made), "")
    if bound and epochs:
        lines.append(f"{bound} = {epochs:g}")
    length = bound or (f"{epochs:g}" if epochs else "100")
    optimizer = next((name for name in (*stepped, *_names(tree)) if "opt" in name.lower()), "optimizer")
    if optimizer not in made:
        lines.append(f"{optimizer} = torch.optim.{_optimizer(setting)}(model.parameters(), lr={_lr(setting)})")
    for name in stepped:
        if name in made or name == optimizer:
            continue
        written = _scheduler(heard, setting, length, optimizer)
        if written is None:
            return None
        lines.append(f"{name} = {written}")
    return lines


_MODULES = {
    "torch.optim": ("SGD", "Adam", "AdamW", "RMSprop", "NAdam", "RAdam", "Adagrad", "Adadelta"),
    "torch.utils.data": ("DataLoader",),
    "torch.cuda.amp": ("GradScaler", "autocast"),
}


def _imports(tree: ast.AST, made: set[str]) -> list[str]:
    """Imports for the classes of torch that the fragment uses by their bare names."""
    brought = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))
               for alias in node.names}  # fmt: skip
    used = set(_names(tree)) - brought - made
    lines = [f"from {module} import {', '.join(found)}" for module, names in _MODULES.items()
             if (found := [name for name in names if name in used])]  # fmt: skip
    schedulers = sorted(name for name in used if name.endswith("LR") or name == "CosineAnnealingWarmRestarts")
    lines += [f"from transformers import {name}" for name in sorted(used) if "_schedule" in name and name[:4] == "get_"]
    lines += [f"from timm.scheduler import {name}" for name in sorted(used) if name.endswith("LRScheduler")]
    named = {"optim": "import torch.optim as optim", "lr_scheduler": "from torch.optim import lr_scheduler",
             "nn": "from torch import nn"}  # fmt: skip
    lines += [line for name, line in named.items() if name in used]
    return lines + ([f"from torch.optim.lr_scheduler import {', '.join(schedulers)}"] if schedulers else [])


def _stepped(tree: ast.AST) -> Iterator[str]:
    """The names, or attributes, whose step() is called and that look like a scheduler or an optimizer."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "step":
            name = _last(node.func.value)
            if any(part in name.lower() for part in ("sch", "opt", "lr")):
                yield name


def _last(node: ast.expr) -> str:
    """The name of an object: ``sch`` of ``sch`` and of ``self.sch``."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _names(tree: ast.AST) -> Iterator[str]:
    return (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def _targets(node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return (_last(one) for target in targets for one in ast.walk(target) if isinstance(one, (ast.Name, ast.Attribute)))


def _bounds(tree: ast.AST) -> Iterator[str]:
    """The names that say how often a loop runs."""
    for node in ast.walk(tree):
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) == "range":
            yield from (one.id for one in node.iter.args if isinstance(one, ast.Name))


def _optimizer(setting: Setting) -> str:
    return {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop"}.get(setting.text("optimizer"), "SGD")


def _lr(setting: Setting) -> str:
    return f"{setting.number('lr') or 0.1:g}"


def _scheduler(heard: Heard, setting: Setting, length: str, optimizer: str) -> str | None:
    """The constructor of the scheduler that the words name."""
    name = setting.text("scheduler")
    if name not in _USUAL:
        return None
    told = next((call for call in heard.calls if call.name == name), None)
    values = [_USUAL[name].format(epochs=length, lr=_lr(setting))]
    if told is not None and (told.arguments or told.positional):
        values = [str(one) for one in told.positional if "opt" not in str(one)]
        values += [f"{key}={value}" for key, value in told.arguments.items() if key != "optimizer"]
    return f"torch.optim.lr_scheduler.{name}({', '.join([optimizer, *filter(None, values)])})"


def mended(report: FileReport | None, finding: Finding, before: int) -> str:
    """The code after the proved fix of a finding, without what was put before it; empty where it is too long."""
    if report is None or finding.fix is None or len(report.source.splitlines()) > LONGEST:
        return ""
    lines = report.source.splitlines(keepends=True)
    for edit in sorted(finding.fix.edits, key=lambda one: one.start, reverse=True):
        (line, column), (last, end) = edit.start, edit.end
        tail = lines[last - 1][end - 1 :] if last <= len(lines) else ""
        head = lines[line - 1][: column - 1] if line <= len(lines) else ""
        lines[line - 1 : last] = (head + edit.text + tail).splitlines(keepends=True)
    return "".join(lines[before:]).strip("\n")
