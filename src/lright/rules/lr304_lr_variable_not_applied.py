"""LR304: a learning-rate variable is decayed, and nothing uses it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..case import Case
from ..finding import Finding
from ..situation import Optimizer, Training
from . import wiring
from .base import LIKELY, Related, Remedy, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast

# What a learning rate goes into without changing the training.
_SHOWN = frozenset(
    """print format info debug warning error log write append add_scalar add_scalars set_description set_postfix
    set_postfix_str log_metrics update save dict str repr round""".split()
)
_NOT_RATES = frozenset(
    "scale mult history log logs list meter sum step steps scheduler decay factor finder lrs".split()
)
_HEAD = """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
lr = 0.1
"""
_STEP = """\
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
"""


class LrVariableNotApplied(Rule):
    id = "LR304"
    slug = "lr-variable-not-applied"
    severity = "error"
    summary = "A learning-rate variable is decayed but never reaches the optimizer"
    why = """An optimizer copies the learning rate when it is built. Changing the variable afterwards changes a
number in the script and whatever is printed from it; the optimizer goes on with the first value until its
param_groups are written."""
    bad = (
        _HEAD
        + """\
optimizer = torch.optim.SGD(model.parameters(), lr=lr)
for epoch in range(90):
"""
        + _STEP
        + """\
    lr = lr * 0.95
    print(f"epoch {epoch}: lr {lr:.4f}")
""",
        _HEAD
        + """\
optimizer = torch.optim.Adam(model.parameters(), lr=lr)
for epoch in range(90):
    new_lr = lr * 0.5 ** (epoch // 10)
"""
        + _STEP,
    )
    good = (
        _HEAD
        + """\
optimizer = torch.optim.SGD(model.parameters(), lr=lr)
for epoch in range(90):
"""
        + _STEP
        + """\
    lr = lr * 0.95
    for group in optimizer.param_groups:
        group["lr"] = lr
""",
        _HEAD
        + """\
for epoch in range(90):
    for (x,) in loader:
        model.zero_grad()
        model(x).pow(2).mean().backward()
        for p in model.parameters():
            p.data.add_(p.grad, alpha=-lr)
    lr /= 1.1
""",
    )
    sources = ("torch 2.13: lr is stored in param_groups when the optimizer is built",)
    fix_safety = "Unsafe: writing the value into every group is offered; it gives all groups one learning rate."

    def check(self, case: Case) -> Iterable[Finding]:
        training = case.training
        optimizer = self._left_alone(case)
        if optimizer is None or "tree" not in training.notes:
            return
        for statement, target, loop in _decays(training):
            if not _used(training, target, loop, optimizer):
                yield self._finding(case, optimizer, statement, target)

    def _left_alone(self, case: Case) -> Optimizer | None:
        """The optimizer of a training in which nothing changes a learning rate."""
        training = case.training
        if training.of("write") or any(case.escapes(s) or case.ticks(s) for s in case.all_schedulers()):
            return None
        updated = [o for o in training.optimizers.values() if any(site.loops for site in case.updates(o))]
        if not updated or any(not o.seen or o.loops or wiring.leaves(training, o) for o in updated):
            return None
        return updated[0]

    def _finding(self, case: Case, optimizer: Optimizer, statement: ast.stmt, target: ast.expr) -> Finding:
        name, owner = wiring.text_of(target), wiring.name_of(optimizer)
        place = wiring.place_of(case.training, statement)
        message = (
            f"{name} is decayed here, but nothing hands it to {owner}: the optimizer keeps the learning rate of line "
            f"{optimizer.place.line}"
        )
        own = case.number(optimizer.groups[0].get("lr"))
        if own is not None and len(optimizer.groups) == 1:
            message += f" ({own:g}) for the whole training"
        remedies = []
        if optimizer.text and len(optimizer.groups) == 1:
            text = f"for group in {optimizer.text}.param_groups: group['lr'] = {name}"
            remedies.append(Remedy("insert-after", f"write {name} into {owner}", place, text))
        return self.finding(
            place, message, certainty=LIKELY, related=[Related(optimizer.place, "keeps the learning rate given here")],
            remedies=remedies, subjects=[optimizer.number],
        )  # fmt: skip


def _decays(training: Training) -> Iterator[tuple[ast.stmt, ast.expr, ast.stmt]]:
    """Statements of the training loop that give a learning-rate variable a smaller value, with the outermost loop."""
    import ast

    lines = {loop.place.line for site in training.updates() for loop in site.loops}
    tree: ast.Module = training.notes["tree"]  # type: ignore[assignment]
    reached: set[int] = training.notes["reached"]  # type: ignore[assignment]
    seen: set[int] = set()
    for loop in ast.walk(tree):
        if not isinstance(loop, (ast.For, ast.While)) or loop.lineno not in lines:
            continue
        counters = (
            {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)} if isinstance(loop, ast.For) else set()
        )
        for statement in ast.walk(loop):
            if id(statement) in seen or id(statement) not in reached:
                continue
            target = _decayed(statement, counters)
            if target is not None:
                seen.add(id(statement))
                yield statement, target, loop  # type: ignore[misc]


def _decayed(statement: ast.AST, counters: set[str]) -> ast.expr | None:
    import ast

    found: ast.expr | None
    if isinstance(statement, ast.AugAssign):
        found = statement.target if isinstance(statement.op, (ast.Mult, ast.Div)) else None
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        found = statement.targets[0] if _shrinks(statement, counters) else None
    else:
        return None
    return found if isinstance(found, (ast.Name, ast.Attribute)) and _names_rate(found) else None


def _shrinks(statement: ast.Assign, counters: set[str]) -> bool:
    """``lr = lr * 0.5``, ``lr = base * 0.1 ** (epoch // 30)``, also inside max() or min()."""
    import ast

    value: ast.expr = statement.value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in ("max", "min"):
        value = next((part for part in value.args if isinstance(part, ast.BinOp)), value)
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, (ast.Mult, ast.Div)):
        return False
    own = ast.unparse(statement.targets[0])
    names = {ast.unparse(part) for part in ast.walk(value) if isinstance(part, (ast.Name, ast.Attribute))}
    return own in names or bool(names & counters)


def _names_rate(node: ast.expr) -> bool:
    import ast

    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    words = name.lower().strip("_").split("_")
    rate = "lr" in words or ("learning" in words and "rate" in words)
    return rate and not _NOT_RATES & set(words)


def _used(training: Training, target: ast.expr, loop: ast.stmt, optimizer: Optimizer) -> bool:
    """Whether the variable goes anywhere but into its own next value, a comparison, or a print."""
    import ast

    name = ast.unparse(target)
    tree: ast.Module = training.notes["tree"]  # type: ignore[assignment]
    reached: set[int] = training.notes["reached"]  # type: ignore[assignment]
    everywhere = isinstance(target, ast.Attribute)
    functions = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))]
    if everywhere:
        scopes: list[ast.AST] = [tree]
    else:
        binding = [f for f in functions if not _binds(f, name)]
        scopes = [loop, *binding]
    for scope in scopes:
        for statement, used in _loads(scope, name, reached):
            if _decayed(statement, set()) is not None and ast.unparse(_decayed(statement, set())) == name:  # type: ignore[arg-type]
                continue
            if everywhere and getattr(statement, "lineno", 0) == optimizer.place.line:
                continue
            if used:
                return True
    return False


def _binds(function: ast.AST, name: str) -> bool:
    """Whether a function has a variable of its own of that name."""
    import ast

    arguments = function.args  # type: ignore[attr-defined]
    parameters = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    shared = {n for part in ast.walk(function) if isinstance(part, (ast.Global, ast.Nonlocal)) for n in part.names}
    stored = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return name in parameters or name in stored - shared


def _loads(scope: ast.AST, name: str, reached: set[int]) -> Iterator[tuple[ast.stmt, bool]]:
    """Every mention of a name in a statement that is reached, and whether something is done with it there."""
    import ast

    def visit(node: ast.AST, statement: ast.stmt, harmless: bool) -> Iterator[tuple[ast.stmt, bool]]:
        if isinstance(node, ast.stmt):
            statement = node
            if id(node) not in reached and not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                return
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load) and ast.unparse(node) == name:
            yield statement, not harmless
            return
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            harmless = harmless or called in _SHOWN
        elif isinstance(node, (ast.JoinedStr, ast.Compare)):
            harmless = True
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            harmless = harmless or (isinstance(node.left, ast.Constant) and isinstance(node.left.value, str))
        for child in ast.iter_child_nodes(node):
            yield from visit(child, statement, harmless)

    yield from visit(scope, scope, False)  # type: ignore[arg-type]


RULE = LrVariableNotApplied()
