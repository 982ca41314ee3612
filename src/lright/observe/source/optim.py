"""Calls that make optimizers and schedulers, of libraries and of the script's own classes."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from ...quantity import Expr, Lit, Sym
from ...schedule import emulate
from ...situation import Formula
from ...timeline import Block, Place
from . import words
from .things import at, bind, find, find_any, make_optimizer, make_scheduler, unseen_optimizer
from .values import NONE, Choice, Class, Function, Instance, Items, Number, Table, Thing, Value, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .reader import Reader


OPTIMIZERS = frozenset(
    """SGD Adam AdamW RMSprop Adagrad Adadelta Adamax NAdam RAdam LBFGS ASGD Rprop SparseAdam Adafactor LAMB Lamb LARS
    Lars Lion AdamP SGDP AdaBelief Ranger Ranger21 FusedAdam FusedLAMB FusedSGD DeepSpeedCPUAdam Muon AdamW8bit Adam8bit
    PagedAdamW8bit PagedAdamW BertAdam AdaBound Yogi Sophia SophiaG Adan Shampoo SOAP QHAdam DiffGrad NovoGrad Nadam
    ScheduleFree AdamWScheduleFree SGDScheduleFree Prodigy DAdaptAdam""".split()
)
_DEFAULT_LR = {
    "SGD": 1e-3, "Adam": 1e-3, "AdamW": 1e-3, "RMSprop": 1e-2, "Adagrad": 1e-2, "Adadelta": 1.0, "Adamax": 2e-3,
    "NAdam": 2e-3, "RAdam": 1e-3, "LBFGS": 1.0, "ASGD": 1e-2, "Rprop": 1e-2, "SparseAdam": 1e-3,
}  # fmt: skip
# Schedulers in wide use that torch, timm and transformers do not have: seen, but their curve is not known.
_OTHER_SCHEDULERS = frozenset(
    """GradualWarmupScheduler CosineAnnealingWarmupRestarts WarmupMultiStepLR WarmupCosineSchedule WarmupLinearSchedule
    LinearWarmupCosineAnnealingLR NoamLR WarmupLR WarmupCosineLR CosineLRScheduler create_scheduler create_scheduler_v2
    WarmupDecayLR LinearWarmupScheduler PolyLR CosineWarmupScheduler WarmupScheduler ChainableScheduler Chainable
    get_constant_schedule_with_warmup LRScheduler _LRScheduler SWALR""".split()
)


def is_scheduler(path: str, name: str) -> bool:
    """Whether a call of that dotted path makes a learning-rate scheduler."""
    if "diffusers" in path or "apscheduler" in path:
        return name in emulate.NAMES and "optimization" in path
    if path.split(".")[0] in ("keras", "tensorflow", "tf"):
        return False
    return name in emulate.NAMES or name in _OTHER_SCHEDULERS


def namesake(path: str, name: str) -> bool:
    """A class of a project's own that is called like one of torch or timm: what it does is not known."""
    root = path.split(".")[0]
    framework = emulate.FRAMEWORKS.get(name)
    if framework not in ("torch", "timm") or "." not in path or root in (framework, "*"):
        return False
    modules = ("lr_scheduler", "optim") if framework == "torch" else ("lr_scheduler", "optim", "sched", "scheduler")
    return path.split(".")[-2] not in modules


def takes_more(path: str, name: str, keywords: Mapping[str, Value]) -> bool:
    """Whether a function called like one of transformers takes what that does not: another project's variant of it."""
    if emulate.FRAMEWORKS.get(name) != "transformers" or path.split(".")[0] == "transformers":
        return False
    names = {p.name for p in emulate.signature(name)} | {"optimizer", "last_epoch", "**"}
    return not names.issuperset(keywords)


def of_diffusers(
    reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value]
) -> tuple[Sequence[Value], dict[str, Value], bool]:
    """A call of diffusers' get_scheduler as one of transformers', and whether they mean the same: the arguments that
    only diffusers has are for three of its schedules, and do nothing where they are 1."""
    names = ("name", "optimizer", "step_rules", "num_warmup_steps", "num_training_steps", "num_cycles", "power")
    given = {**dict(zip(names[2:], arguments[2:], strict=False)), **keywords}
    kind = reader.known(given["name"] if "name" in given else arguments[0] if arguments else NONE)
    own = {"cosine_with_restarts": "num_cycles", "polynomial": "power", "piecewise_constant": "step_rules"}
    read = given.get(own[kind], number(1)) if isinstance(kind, str) and kind in own else number(1)
    rest = {key: value for key, value in given.items() if key not in (*own.values(), "last_epoch")}
    return arguments[:2], rest, reader.known(read) == 1


def given_a_number(name: str, arguments: Sequence[Value]) -> bool:
    """Whether it takes a number where a scheduler has its optimizer: another thing of the same name."""
    return name != "get_scheduler" and bool(arguments) and isinstance(arguments[0], Number)


def is_optimizer(path: str, name: str) -> bool:
    """Whether a call of that dotted path makes an optimizer."""
    return name in OPTIMIZERS or (path.startswith(("torch.optim.", "optim.")) and name[:1].isupper())


def optimizer_call(
    reader: Reader, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    """The construction of an optimizer."""
    names = ("params", "lr", "betas", "eps") if "Adam" in name else ("params", "lr", "momentum")
    bound = bind(reader, names, arguments, keywords, node)
    lr = bound["lr"].value if "lr" in bound else None
    if lr is None and name in _DEFAULT_LR and "**" not in keywords and not _star_arguments(node):
        lr = Lit(_DEFAULT_LR[name])
    base: dict[str, Expr | None] = {"lr": lr if isinstance(lr, Expr) else None}
    for option in ("momentum", "weight_decay", "betas"):
        if option in bound and isinstance(bound[option].value, Expr):
            base[option] = bound[option].value  # type: ignore[assignment]
    first = arguments[0] if arguments else keywords.get("params")
    groups = _groups(reader, first, base)
    return make_optimizer(reader, name, bound, node, groups=groups)


def _star_arguments(node: ast.Call) -> bool:
    return any(isinstance(a, ast.Starred) for a in node.args)


def _groups(reader: Reader, params: Value | None, base: dict[str, Expr | None]) -> list[dict[str, Expr | None]]:
    if isinstance(params, Items) and params.items and all(isinstance(i, Table) for i in params.items):
        groups = []
        for table in params.items:
            assert isinstance(table, Table)
            group = dict(base)
            if "lr" in table.items:
                group["lr"] = reader.scalar(table.items["lr"])
            groups.append(group)
        return groups
    return [base]


def scheduler_call(
    reader: Reader,
    name: str,
    arguments: Sequence[Value],
    keywords: dict[str, Value],
    node: ast.Call,
    known: bool = True,
) -> Value:
    """The construction of a scheduler."""
    known = known and name in emulate.NAMES
    if name == "get_scheduler":
        return _hugging_face(reader, arguments, keywords, node, known)
    names = [p.name for p in emulate.signature(name)] if known else ["optimizer"]
    if known and "optimizer" not in names:
        names.insert(0, "optimizer")
    if name == "ChainedScheduler":
        names = ["schedulers", "optimizer"]
    bound = bind(reader, names, arguments, keywords, node)
    first = keywords.get("optimizer") or (
        arguments[names.index("optimizer")] if len(arguments) > names.index("optimizer") else None
    )
    if "lr_lambda" in bound:
        bound["lr_lambda"].value = _formulas(reader, bound["lr_lambda"].value, node)
    optimizer = find(first, "optimizer")
    if optimizer is None and first is not None and name != "ChainedScheduler":
        optimizer = unseen_optimizer(reader, first, node)
    framework = emulate.FRAMEWORKS.get(name, "unknown") if known else "unknown"
    children = _children(reader, keywords.get("schedulers") or at(arguments, names, "schedulers"))
    if name == "ChainedScheduler" and optimizer is None and children:
        number_ = reader.schedulers[children[0]].optimizer
        optimizer = Thing("optimizer", number_) if number_ is not None else None
    thing = make_scheduler(
        reader, name, bound, optimizer.number if optimizer else None, node, known=known, framework=framework
    )
    if "**" in keywords:
        reader.schedulers[thing.number].known = known and name != "LambdaLR"
    made = reader.schedulers[thing.number]
    made.children = children
    for child in children:
        reader.schedulers[child].parent = thing.number
    wrapped = bound.get("after_scheduler")
    if wrapped is not None and isinstance(wrapped.value, Thing) and wrapped.value.kind == "scheduler":
        reader.schedulers[wrapped.value.number].parent = thing.number
    return thing


def _formulas(reader: Reader, value: object, node: ast.AST) -> object:
    """The functions given to LambdaLR as expressions of the tick."""
    if isinstance(value, list):
        return [_formulas(reader, part, node) for part in value]
    if isinstance(value, (Function, Choice, Instance)):
        return formula(reader, value, node)
    return value


def formula(reader: Reader, value: Value, node: ast.AST) -> object:
    """A function of one number, read once with the number as a symbol; the function itself where that fails."""
    from .expressions import call

    tick_symbol = Sym("@tick", "tick")
    outer, reader.block = reader.block, Block()
    probe = node if isinstance(node, ast.Call) else ast.Call(ast.Name("f", ast.Load()), [], [])
    found = call(reader, value, [Number(tick_symbol)], {}, probe)
    reader.block = outer
    expr = reader.scalar(found)
    if expr is None or any(name.startswith("?") and name not in reader.facts for name in expr.symbols()):
        return value
    return Formula(tick_symbol.name, expr, _returns(reader, value))


def _returns(reader: Reader, value: Value) -> tuple[Place, ...]:
    """Where a function of the file says its result."""
    if isinstance(value, Instance) and value.cls is not None:
        value = value.cls.lookup("__call__") or value
    if not isinstance(value, Function) or isinstance(value.node, ast.Lambda):
        return (reader.place(value.node),) if isinstance(value, Function) else ()
    return tuple(reader.place(statement) for statement in words.returns(value.node.body))


def _children(reader: Reader, value: Value | None) -> tuple[int, ...]:
    if not isinstance(value, Items):
        return ()
    found = []
    for part in value.items:
        thing = find(part, "scheduler")
        if thing is not None:
            found.append(thing.number)
    return tuple(found)


def _hugging_face(
    reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call, known: bool = True
) -> Value:
    names = [p.name for p in emulate.signature("get_scheduler")]
    if "optimizer" not in names:
        names.insert(1, "optimizer")
    bound = bind(reader, names, arguments, keywords, node)
    optimizer = find(keywords.get("optimizer") or at(arguments, names, "optimizer"), "optimizer")
    thing = make_scheduler(
        reader, "get_scheduler", bound, optimizer.number if optimizer else None, node, known=known,
        framework="transformers",
    )  # fmt: skip
    return thing


def special_class(
    reader: Reader, cls: Class, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.AST
) -> Value | None:
    """Classes of the file that stand for something known: a scheduler, an optimizer or a module of the user's own."""
    bases = {base.rsplit(".", 1)[-1] for base in cls.external_bases()}
    if not isinstance(node, ast.Call):
        return None
    if bases & {"LRScheduler", "_LRScheduler"}:
        return _own_scheduler(reader, cls, arguments, keywords, node)
    if "Module" in bases and not reader.relevant & _method_names(cls):
        return Thing("model", reader.fresh())
    if bases & emulate.NAMES:
        return _own_scheduler(reader, cls, arguments, keywords, node)
    if bases & (OPTIMIZERS | {"Optimizer"}):
        bound = bind(reader, ("params", "lr"), arguments, keywords, node)
        lr = bound["lr"].value if "lr" in bound else None
        return make_optimizer(reader, cls.name, bound, node, groups=[{"lr": lr if isinstance(lr, Expr) else None}])
    return None


def _method_names(cls: Class) -> set[str]:
    found = {name for name, value in cls.attributes.items() if isinstance(value, Function)}
    for base in cls.bases:
        if isinstance(base, Class):
            found |= _method_names(base)
    return found


def _own_scheduler(
    reader: Reader, cls: Class, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    init = cls.lookup("__init__")
    names = [a.arg for a in init.node.args.args[1:]] if isinstance(init, Function) else ["optimizer"]
    bound = bind(reader, names, arguments, keywords, node)
    optimizer = find_any(arguments, keywords, "optimizer")
    thing = make_scheduler(
        reader, cls.name, bound, optimizer.number if optimizer else None, node, known=False, framework="own"
    )
    thing.data["class"] = cls
    return thing
