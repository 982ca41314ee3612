"""What forms of syntax mean, and which settings would turn a test; what names mean is in :mod:`.vocabulary`."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from ...quantity import FAILURES, Expr, Lit, Op, Scalar, Sym
from ...situation import Fact
from .vocabulary import (
    direction,
    is_accumulation,
    is_processes,
    is_resume,
    is_resume_flag,
    last_part,
    micro_steps,
    names_data,
    names_epoch,
    names_evaluation,
    names_loader,
    names_main_process,
    names_optimizer,
    names_rank,
    names_scaler,
    names_scheduler,
    names_step,
    names_training,
    names_validation,
    phase,
    unit_hint,
)

__all__ = [
    "direction",
    "is_accumulation",
    "is_processes",
    "last_part",
    "micro_steps",
    "names_data",
    "names_epoch",
    "names_evaluation",
    "names_loader",
    "names_optimizer",
    "names_scaler",
    "names_scheduler",
    "names_step",
    "names_training",
    "names_validation",
    "phase",
    "unit_hint",
]


def source(node: ast.AST) -> str:
    """A piece of syntax as one line of text, shortened. Remembered on the node: every world asks again."""
    known = getattr(node, "_lright_text", None)
    if isinstance(known, str):
        return known
    text = _written(node)
    text = text if len(text) <= 80 else text[:77] + "..."
    node._lright_text = text  # type: ignore[attr-defined]
    return text


def _written(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, (ast.Name, ast.Attribute)):
        return f"{_written(node.value)}.{node.attr}"
    if isinstance(node, ast.Constant):
        return repr(node.value)
    try:
        return " ".join(ast.unparse(node).split())
    except (ValueError, RecursionError):
        return type(node).__name__


def option_name(text: str) -> str | None:
    """The name under which a person would set it; None for what is no setting."""
    return None if "(" in text else last_part(text)


def aliases(text: str, option: str | None) -> Iterator[str]:
    """The names by which a setting may be given: as the script writes it, and its last part."""
    yield text
    if "(" not in text:
        yield last_part(text)
    if option:
        yield option
        yield option.replace("_", "-")


# -- syntax -----------------------------------------------------------------------------------------------------------


def is_main_guard(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and isinstance(test.ops[0], ast.Eq)
    )


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of a chain of attributes, "" for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Call):
        inner = dotted(node.func)
        return ".".join([inner, *reversed(parts)]) if inner else ""
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def is_no_grad(node: ast.expr) -> bool:
    """``torch.no_grad()``, ``inference_mode()``, ``set_grad_enabled(False)``."""
    if isinstance(node, ast.Call):
        name = dotted(node.func).rsplit(".", 1)[-1]
        if name == "set_grad_enabled":
            return bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value is False
        return name in ("no_grad", "inference_mode")
    return dotted(node).rsplit(".", 1)[-1] in ("no_grad", "inference_mode")


def expects_error(node: ast.expr) -> bool:
    """``pytest.raises(...)``, ``self.assertRaises(...)``: what stands there is meant to fail."""
    return isinstance(node, ast.Call) and dotted(node.func).endswith((".raises", ".assertRaises", ".assertRaisesRegex"))


def gives_up(body: Sequence[ast.stmt]) -> bool:
    """Whether statements end the program with a complaint."""
    last = body[-1] if body else None
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        return dotted(last.value.func) in ("exit", "quit", "sys.exit", "os._exit", "parser.error", "parser.exit")
    return isinstance(last, ast.Raise)


def is_no_grad_decorated(node: ast.AST) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(map(is_no_grad, node.decorator_list))


def nodes(tree: ast.Module) -> Sequence[ast.AST]:
    """Every node of a file, outermost first. Listed once for all who look through the whole file."""
    known: Sequence[ast.AST] | None = getattr(tree, "_lright_nodes", None)
    if known is None:
        known = list(ast.walk(tree))
        tree._lright_nodes = known  # type: ignore[attr-defined]
    return known


def is_generator(node: ast.AST) -> bool:
    if isinstance(node, ast.Lambda):
        return False
    known = getattr(node, "_lright_generator", None)
    if known is None:
        known = any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in ast.walk(node))
        node._lright_generator = known  # type: ignore[attr-defined]
    return bool(known)


def returns(body: Sequence[ast.stmt]) -> list[ast.Return]:
    """The return statements of a function, without those of functions inside it."""
    found: list[ast.Return] = []
    for statement in body:
        if isinstance(statement, ast.Return):
            found.append(statement)
        elif not isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            for part in ("body", "orelse", "finalbody"):
                found += returns(getattr(statement, part, ()))
    return found


def match_as_if(node: ast.Match) -> ast.If:
    """A match statement as the chain of tests it stands for; patterns other than constants are unknown tests."""
    chain: list[ast.stmt] = []
    for case in reversed(node.cases):
        test = _pattern_test(node.subject, case.pattern)
        if test is None and case.guard is None:
            chain = list(case.body)
            continue
        unknown = ast.copy_location(ast.Name("match", ast.Load()), node.subject)
        made = ast.If(test or case.guard or unknown, case.body, chain)
        chain = [ast.copy_location(made, case.body[0])]
    if chain and isinstance(chain[0], ast.If):
        return chain[0]
    return ast.copy_location(
        ast.If(ast.copy_location(ast.Constant(True), node.subject), chain or [ast.Pass()], []), node
    )


def _pattern_test(subject: ast.expr, pattern: ast.pattern) -> ast.expr | None:
    if isinstance(pattern, ast.MatchValue):
        return ast.copy_location(ast.Compare(subject, [ast.Eq()], [pattern.value]), pattern)
    if isinstance(pattern, ast.MatchOr):
        tests = [_pattern_test(subject, inner) for inner in pattern.patterns]
        if all(test is not None for test in tests):
            return ast.copy_location(ast.BoolOp(ast.Or(), [test for test in tests if test is not None]), pattern)
    if isinstance(pattern, ast.MatchAs) and pattern.pattern is None:
        return None
    return ast.copy_location(ast.Name("match", ast.Load()), pattern)


def test_origin(test: ast.expr) -> str:
    """What a test asks for, where that is recognised: ``main process``, or nothing."""
    return "main process" if names_rank(source(test)) and _picks_one(test) else ""


def _picks_one(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp):
        return any(_picks_one(value) for value in test.values)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _names_rank(test.operand) and "main" not in source(test.operand)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        right = test.comparators[0]
        if isinstance(test.ops[0], ast.Eq):
            return _names_rank(test.left) and isinstance(right, ast.Constant) and right.value == 0
        if isinstance(test.ops[0], ast.In):
            return _names_rank(test.left)
        return False
    return _names_rank(test) and names_main_process(source(test))


def _names_rank(node: ast.expr) -> bool:
    return names_rank(dotted(node) or source(node))


_RELEVANT_ATTRIBUTES = frozenset(
    ("step", "step_update", "load_state_dict", "state_dict", "param_groups", "add_param_group", "backward")
)


def relevant(nodes: Sequence[ast.stmt], functions: frozenset[str]) -> bool:
    """Whether statements may have to do with the learning rate."""
    return any(_statement_matters(statement, functions) for statement in nodes)


def _statement_matters(statement: ast.stmt, functions: frozenset[str]) -> bool:
    known = getattr(statement, "_lright_matters", None)
    if known is None:
        known = any(_relevant(node, functions) for node in ast.walk(statement))
        statement._lright_matters = known  # type: ignore[attr-defined]
    return bool(known)


def _relevant(node: ast.AST, functions: frozenset[str]) -> bool:
    if isinstance(node, ast.Attribute):
        return (
            node.attr in _RELEVANT_ATTRIBUTES
            or node.attr.endswith("LR")
            or node.attr in functions
            or names_scheduler(node.attr)
        )
    if isinstance(node, ast.Name):
        return node.id in functions or node.id.endswith("LR") or names_scheduler(node.id) or names_optimizer(node.id)
    return False


def relevant_functions(tree: ast.Module) -> frozenset[str]:
    """The functions of a file that may have to do with the learning rate, directly or through others."""
    bodies = {node.name: node for node in nodes(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    mentioned = {
        name: {
            n.attr if isinstance(n, ast.Attribute) else n.id
            for n in ast.walk(body)
            if isinstance(n, (ast.Attribute, ast.Name))
        }
        for name, body in bodies.items()
    }
    found = {
        name
        for name, names in mentioned.items()
        if names & _RELEVANT_ATTRIBUTES or any(n.endswith("LR") or names_scheduler(n) for n in names)
    }
    while True:
        more = {name for name, names in mentioned.items() if name not in found and names & found}
        if not more:
            return frozenset(found)
        found |= more


def stated(test: Expr) -> Iterator[tuple[str, Scalar]]:
    """The symbols whose value follows from a test that holds: ``kind == "plateau"``, also within ``and``."""
    if isinstance(test, Op) and test.name == "and":
        for arg in test.args:
            yield from stated(arg)
    elif isinstance(test, Op) and test.name == "==":
        left, right = test.args
        if isinstance(left, Sym) and isinstance(right, Lit) and isinstance(right.value, str):
            yield left.name, right.value


# -- which settings would turn a test ---------------------------------------------------------------------------------


def turning(test: Expr, decided: bool | None, facts: Mapping[str, Fact]) -> Iterator[tuple[str, Scalar]]:
    """Settings ``(symbol, value)`` under which ``test`` would come out otherwise (or come out at all)."""
    if isinstance(test, Op) and test.name == "not":
        yield from turning(test.args[0], None if decided is None else not decided, facts)
    elif isinstance(test, Op) and test.name in ("and", "or"):
        for arg in test.args:
            yield from turning(arg, decided, facts)
    elif isinstance(test, Sym):
        fact = facts.get(test.name)
        if fact is not None and fact.option and decided is not True:
            yield test.name, _truthy(fact)
        elif fact is not None and fact.option and isinstance(fact.value, bool):
            yield test.name, False
    elif isinstance(test, Op) and test.name in ("==", "!=", "<", "<=", ">", ">=", "is", "in"):
        yield from _turning_comparison(test, decided, facts)


def _turning_comparison(test: Op, decided: bool | None, facts: Mapping[str, Fact]) -> Iterator[tuple[str, Scalar]]:
    left, right = test.args
    if not isinstance(left, Sym):
        left, right = right, left
        if not isinstance(left, Sym):
            return
    fact = facts.get(left.name)
    if fact is None or not fact.option:
        return
    try:
        value = right.evaluate({})
    except FAILURES:  # anything but a constant is no setting to try
        return
    if test.name == "==" and decided is not True:
        yield left.name, value
    elif test.name == "is" and value is None and decided is not False:
        yield left.name, _truthy(fact)
    elif test.name == "!=" and value is None and decided is not True:
        yield left.name, _truthy(fact)
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and decided is not True:
        if test.name in (">", ">=") and test.args[0] is left:
            yield left.name, _larger(fact, value)


def _larger(fact: Fact, bound: float) -> Scalar:
    if is_accumulation(fact.text):
        return 4
    name = fact.text.lower()
    if "warm" in name or "epoch" in name:
        return int(bound) + 5
    return int(bound) + (1000 if "step" in name or "iter" in name else 1)  # max_steps=1 would be no training


def _truthy(fact: Fact) -> Scalar:
    if isinstance(fact.value, bool):
        return True
    if isinstance(fact.value, (int, float)):
        return _larger(fact, fact.value)
    return "given"


def condition(fact: Fact, value: Scalar) -> str:
    """How a setting is called in the conditions of a finding."""
    name = fact.option or last_part(fact.text)
    if fact.origin == "first run":
        return "resume"
    if is_accumulation(name):
        return "accumulation>1"
    if is_processes(name):
        return "processes>1"
    if is_resume(name) and not isinstance(value, (bool, int)) or is_resume_flag(name):
        return "resume"
    return f"option:{name}={value}"


_TORCH_OPTIM = frozenset(
    ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "LBFGS")
)


def defined_by_star(name: str) -> bool:
    """Whether a ``from module import *`` plausibly brought this name."""
    from ...schedule import emulate

    return name in emulate.NAMES or name in _TORCH_OPTIM or name in ("DataLoader", "TensorDataset", "tqdm")
