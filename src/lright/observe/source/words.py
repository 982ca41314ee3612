"""What names and forms of syntax suggest: the reader's knowledge of how people write training scripts.

Nothing here proves anything; what is concluded from a name alone is marked as likely, not proven.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from ...quantity import (
    BATCHES,
    BATCHES_PER_EPOCH,
    BATCHES_PER_UPDATE,
    EPOCHS,
    PROCESSES,
    SAMPLES_PER_BATCH,
    SAMPLES_PER_EPOCH,
    UPDATES,
    Dimension,
    Expr,
    Op,
    Scalar,
    Sym,
)
from ...situation import Fact
from .values import External, Function, Value

_EVALUATION = re.compile(r"(^|_)(eval|evaluate|evaluation|valid|validate|validation|val|test|testing|infer|inference)(_|$)", re.I)
_TRAINING = re.compile(r"(^|_)(train|training|fit)(_|$)", re.I)
_RESUME = re.compile(r"resume|checkpoint|ckpt|restore|continue|pretrain|load|start_epoch", re.I)
_ACCUMULATION = re.compile(r"accum|update_freq|iter_size|grad_acc", re.I)
_PROCESSES = re.compile(r"world_size|distributed|n_?gpus?$|num_gpus|num_processes|multiprocessing|^ddp$|_ddp$|local_rank", re.I)
_RANK = re.compile(r"rank|main_process|is_master|is_main|primary|master_process", re.I)
_LOADER = re.compile(r"(loader|_dl|_iter|dataloader|data_?load\w*|batches)$|^(dl|loader|trainset_loader)$|^(train|val|test)_(dl|data|iter\w*|gen\w*)$", re.I)
_OPTIMIZER = re.compile(r"optim|^opt$|^opt_|_opt$|^(g|d)_?opt", re.I)
_SCHEDULER = re.compile(r"sched|lr_?policy|annealer|^lrs$", re.I)
_NOT_LR_SCHEDULER = re.compile(r"noise|diffusion|ddpm|ddim|beta_?sched|job|task|sampl|temperature|kl_|flow_?match", re.I)

_UNIT_WORDS: tuple[tuple[re.Pattern[str], Dimension], ...] = (
    (re.compile(r"(steps?|iters?|iterations?|batches|updates)_?per_?(epoch|ep)|(epoch_?(steps|iters|len\w*|size)|n_?batch(es)?|num_?batch(es)?|iters_per_ep)$", re.I), BATCHES_PER_EPOCH),
    (re.compile(r"accum|grad_acc|update_freq|iter_size", re.I), BATCHES_PER_UPDATE),
    (re.compile(r"(^|_)(world_?size|n_?gpus?|num_?gpus?|num_?processes|ngpus\w*)$", re.I), PROCESSES),
    (re.compile(r"batch_?size|(^|_)bs$|bsz", re.I), SAMPLES_PER_BATCH),
    (re.compile(r"epoch", re.I), EPOCHS),
    (re.compile(r"(^|_)(num_?(train_?)?samples|n_?samples|dataset_?size|train_?size|num_?examples)$", re.I), SAMPLES_PER_EPOCH),
    (re.compile(r"(^|_)((max|total|num|n|train|training|warmup|decay|warm_?up)_?)+(_?(train|training|optimization|warmup|decay))*_?(steps?|updates?|iters?|iterations?)$|^(steps|iters|iterations|updates)$", re.I), UPDATES),
)

_DIRECTIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"acc|f1|auc|m?ap(_|$|\d)|iou|dice|bleu|rouge|r2|precision|recall|top[_@]?[15]|psnr|ssim|ndcg|kappa|jaccard|accuracy|reward|correct|hit", re.I), "max"),
    (re.compile(r"loss|err|mse|rmse|mae|nll|ppl|perplexity|wer|cer|fid|\bce\b|entropy|cost|elbo", re.I), "min"),
)


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


@lru_cache(maxsize=None)
def last_part(text: str) -> str:
    """``epochs`` of ``args.epochs``, ``cfg["epochs"]`` or ``epochs``."""
    found = re.findall(r"[A-Za-z_]\w*", text)
    return found[-1] if found else text


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


@lru_cache(maxsize=None)
def unit_hint(text: str) -> Dimension | None:
    """What a name alone suggests that it counts."""
    if text.startswith("len("):
        inner = last_part(text)
        if _LOADER.search(inner):
            return BATCHES_PER_EPOCH
        if re.search(r"dataset|_set$|^trainset$|_ds$|samples", inner, re.I):
            return SAMPLES_PER_EPOCH
        return None
    name = last_part(text)
    if re.search(r"^(start|current|cur|this|best|last|resume|initial|begin)_?epoch$|^epoch$|_lr$|^lr$", name, re.I):
        return EPOCHS if "epoch" in name else None
    for pattern, dimension in _UNIT_WORDS:
        if pattern.search(name):
            return dimension
    return None


def micro_steps(text: str) -> bool:
    """A name that counts batches rather than updates (``iters`` of a loader)."""
    return re.search(r"iter|batch", last_part(text), re.I) is not None


@lru_cache(maxsize=None)
def direction(text: str) -> str | None:
    """``max`` for a metric that is better when larger, ``min`` for a loss, None where the name does not tell."""
    if re.search(r"loss(es)?$", last_part(text), re.I):  # dice_loss, iou_loss: a loss whatever it is made of
        return "min"
    found: set[str] = set()
    for pattern, which in _DIRECTIONS:
        if pattern.search(text):
            found.add(which)
    return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=None)
def phase(text: str) -> str | None:
    """``train`` or ``validation`` where the name of a metric tells."""
    if re.search(r"(^|[^a-z])(val|valid|validation|eval|test|dev)", text, re.I):
        return "validation"
    if re.search(r"(^|[^a-z])(train|tr_|running)", text, re.I):
        return "train"
    return None


@lru_cache(maxsize=None)
def names_evaluation(name: str) -> bool:
    """A function that evaluates, by its name."""
    return bool(_EVALUATION.search(_snake(name))) and not _TRAINING.search(_snake(name))


@lru_cache(maxsize=None)
def names_training(name: str) -> bool:
    return bool(_TRAINING.search(_snake(name)))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)


@lru_cache(maxsize=None)
def names_loader(name: str) -> bool:
    return bool(_LOADER.search(name))


@lru_cache(maxsize=None)
def names_optimizer(name: str) -> bool:
    return bool(_OPTIMIZER.search(name)) and not names_scheduler(name) and "state" not in name.lower()


@lru_cache(maxsize=None)
def names_scheduler(name: str) -> bool:
    lowered = name.lower()
    if "state" in lowered or "type" in lowered or lowered.endswith(("_name", "name", "_args", "_kwargs", "_config", "_cfg", "_params")):
        return False
    return bool(_SCHEDULER.search(name)) and not _NOT_LR_SCHEDULER.search(name)


@lru_cache(maxsize=None)
def names_validation(text: str) -> bool:
    return bool(re.search(r"(^|[^a-z])(val|valid|validation|eval|test|dev)", _snake(text), re.I))


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


def is_no_grad_decorated(node: ast.AST) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(map(is_no_grad, node.decorator_list))


def is_generator(node: ast.AST) -> bool:
    if isinstance(node, ast.Lambda):
        return False
    known = getattr(node, "_lright_generator", None)
    if known is None:
        known = any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in ast.walk(node))
        node._lright_generator = known  # type: ignore[attr-defined]
    return bool(known)


def decorated(reader: object, node: ast.FunctionDef | ast.AsyncFunctionDef, function: Function) -> Value:
    """A function behind its decorators: those that are known to leave it as it is are looked through."""
    return function


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
    return ast.copy_location(ast.If(ast.copy_location(ast.Constant(True), node.subject), chain or [ast.Pass()], []), node)


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
    return "main process" if _RANK.search(source(test)) and _picks_one(test) else ""


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
    return _names_rank(test) and re.search("main|master|primary|zero", source(test)) is not None


def _names_rank(node: ast.expr) -> bool:
    return bool(_RANK.search(dotted(node) or source(node)))


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
        return node.attr in _RELEVANT_ATTRIBUTES or node.attr.endswith("LR") or node.attr in functions or names_scheduler(node.attr)
    if isinstance(node, ast.Name):
        return node.id in functions or node.id.endswith("LR") or names_scheduler(node.id) or names_optimizer(node.id)
    return False


def relevant_functions(tree: ast.Module) -> frozenset[str]:
    """The functions of a file that may have to do with the learning rate, directly or through others."""
    bodies = {
        node.name: node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    mentioned = {
        name: {n.attr if isinstance(n, ast.Attribute) else n.id for n in ast.walk(body) if isinstance(n, (ast.Attribute, ast.Name))}
        for name, body in bodies.items()
    }
    found = {
        name for name, names in mentioned.items()
        if names & _RELEVANT_ATTRIBUTES or any(n.endswith("LR") or names_scheduler(n) for n in names)
    }
    while True:
        more = {name for name, names in mentioned.items() if name not in found and names & found}
        if not more:
            return frozenset(found)
        found |= more


def attributes_of(node: ast.AST) -> frozenset[str]:
    """The attribute names in a piece of syntax."""
    known = getattr(node, "_lright_attributes", None)
    if known is None:
        known = frozenset(n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute))
        node._lright_attributes = known  # type: ignore[attr-defined]
    return known


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
    except Exception as error:  # noqa: BLE001 - anything but a constant is no setting to try
        del error
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
    if _ACCUMULATION.search(fact.text):
        return 4
    return int(bound) + (5 if re.search("warm|epoch", fact.text, re.I) else 1)


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
    if _ACCUMULATION.search(name):
        return "accumulation>1"
    if _PROCESSES.search(name):
        return "processes>1"
    if _RESUME.search(name) and not isinstance(value, bool | int) or re.search("resume", name, re.I):
        return "resume"
    return f"option:{name}={value}"


def is_accumulation(text: str) -> bool:
    return bool(_ACCUMULATION.search(text))


def is_processes(text: str) -> bool:
    return bool(_PROCESSES.search(text))


def builtin(path: str) -> str | None:
    """``len`` of ``builtins.len``."""
    return path[9:] if path.startswith("builtins.") else None


def external(name: str) -> External:
    return External(name)


def names_scaler(name: str) -> bool:
    return "scaler" in name.lower()


_TORCH_OPTIM = frozenset(("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "LBFGS"))


def defined_by_star(name: str, modules: Sequence[str]) -> bool:
    """Whether ``from module import *`` of one of ``modules`` plausibly brought this name."""
    from ...schedule import emulate

    return name in emulate.NAMES or name in _TORCH_OPTIM or name in ("DataLoader", "TensorDataset", "tqdm")


@lru_cache(maxsize=None)
def names_data(text: str) -> bool:
    """Iterating over something that is a loader, by its name."""
    inner = re.sub(r"\b(enumerate|tqdm|zip|iter|list|range|len|auto|total|desc|leave|start|trange|track|min|max)\b", " ", text)
    return any(names_loader(name) for name in re.findall(r"[A-Za-z_]\w*", inner)) and not re.match(r"range\(", text)


@lru_cache(maxsize=None)
def names_epoch(text: str) -> bool:
    return re.search(r"epoch|(^|\W)ep(\W|$)", text, re.I) is not None


@lru_cache(maxsize=None)
def names_step(text: str) -> bool:
    return re.search(r"step|iter|batch|(^|\W)it(\W|$)", text, re.I) is not None
