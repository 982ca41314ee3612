"""What calls into libraries do: optimizers, schedulers, loaders, argument parsers, and everything that is not seen.

A table of the few hundred names a training script uses. What is not in it is unknown, and whatever is handed to it
escapes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

from ...quantity import BATCHES_PER_EPOCH, SAMPLES_PER_BATCH, SAMPLES_PER_EPOCH, Expr, Lit, Sym, op
from ...schedule import emulate
from ...situation import Argument, Formula, Loader, Optimizer, Scheduler
from ...timeline import Block, Loop, Place
from . import spelling, words
from .values import (
    NONE,
    Choice,
    Class,
    External,
    Function,
    Instance,
    Items,
    Method,
    Number,
    Range,
    Table,
    Thing,
    Unknown,
    Value,
    Wrapped,
    number,
)

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
_WRAPPERS = frozenset(("Lookahead", "SWA", "OSS", "ZeroRedundancyOptimizer", "SAM", "LARC", "DistributedOptimizer"))
# Schedulers in wide use that torch, timm and transformers do not have: seen, but their curve is not known.
_OTHER_SCHEDULERS = frozenset(
    """GradualWarmupScheduler CosineAnnealingWarmupRestarts WarmupMultiStepLR WarmupCosineSchedule WarmupLinearSchedule
    LinearWarmupCosineAnnealingLR NoamLR WarmupLR WarmupCosineLR CosineLRScheduler create_scheduler create_scheduler_v2
    WarmupDecayLR LinearWarmupScheduler PolyLR CosineWarmupScheduler WarmupScheduler ChainableScheduler Chainable
    get_constant_schedule_with_warmup LRScheduler _LRScheduler SWALR""".split()
)
# Number of training and test images (dataset cards and torchvision's own documentation).
_DATASETS = {
    "CIFAR10": (50_000, 10_000), "CIFAR100": (50_000, 10_000), "MNIST": (60_000, 10_000),
    "FashionMNIST": (60_000, 10_000), "KMNIST": (60_000, 10_000), "SVHN": (73_257, 26_032), "STL10": (5_000, 8_000),
    "ImageNet": (1_281_167, 50_000),
}  # fmt: skip
_MATH = {
    "ceil": "ceil", "floor": "floor", "cos": "cos", "sin": "sin", "tan": "tan", "tanh": "tanh", "exp": "exp",
    "sqrt": "sqrt", "log": "log", "log2": "log2", "log10": "log10", "fabs": "abs", "radians": "radians", "pow": "**",
    "power": "**", "minimum": "min", "maximum": "max", "abs": "abs", "round": "round",
}  # fmt: skip
_MATH_MODULES = frozenset(("math", "np", "numpy", "torch", "cmath"))
_PASS_THROUGH = frozenset(
    """tqdm trange track auto_tqdm tqdm_notebook notebook progress_bar master_bar progressbar iter list tuple Prefetcher
    DataPrefetcher data_prefetcher MpDeviceLoader ParallelLoader prefetch_to_device BackgroundGenerator alive_it prange
    InfiniteDataLoader log_every DataLoaderX CudaPrefetcher cycle deepcopy copy""".split()
)
_HARMLESS = frozenset(
    """print len str repr isinstance hasattr id type format info debug warning error log pprint add_scalar write display
    deepcopy copy summary float int bool list tuple dict set enumerate zip hash any all sorted""".split()
)
_MODEL_METHODS = frozenset(("cuda", "to", "half", "float", "double", "cpu", "compile", "requires_grad_"))


# -- guessing by name -----------------------------------------------------------------------------------------------


def guess(reader: Reader, name: str, node: ast.AST) -> Thing | None:
    """What a parameter or a part of an unseen result is, by its name."""
    if words.names_scheduler(name) and not name.isupper():
        return make_scheduler(reader, name, {}, None, node, known=False, seen=False, text=name)
    if words.names_optimizer(name) and name.lower() != "opt":
        return make_optimizer(reader, None, {}, node, seen=False, text=name)
    if words.names_loader(name):
        return make_loader(reader, node, text=name)
    return None


def make_loader(
    reader: Reader, node: ast.AST, text: str = "", dataset: Sym | None = None, batch_size: Expr | None = None,
    drop_last: Expr | None = None, sharded: bool = False, definition: Expr | None = None,
) -> Thing:  # fmt: skip
    thing = Thing("loader", reader.fresh())
    place = reader.place(node)
    length = Sym(f"len#{thing.number}@{place.line}:{place.column}", f"len({text or 'loader'})")
    loader = Loader(thing.number, text, place, length, dataset, batch_size, drop_last, sharded)
    reader.loaders[thing.number] = loader
    reader.units[length.name] = BATCHES_PER_EPOCH
    fact = reader.fact(length.name, length.text, None, False, "unknown", place)
    length.name = fact.name
    reader.units[length.name] = BATCHES_PER_EPOCH
    if definition is not None and not reader.facts[length.name].known:
        reader.definitions[length.name] = definition
    if text:
        thing.data["text"] = text
    return thing


def make_optimizer(
    reader: Reader, name: str | None, arguments: dict[str, Argument], node: ast.AST, seen: bool = True, text: str = "",
    groups: list[dict[str, Expr | None]] | None = None,
) -> Thing:  # fmt: skip
    thing = Thing("optimizer", reader.fresh())
    made = Optimizer(
        thing.number, name, text, reader.place(node), groups or [{"lr": None}], seen,
        tuple(reader.loops), reader.scope.function, arguments=arguments,
    )  # fmt: skip
    if "params" in arguments:
        made.parameters = arguments["params"].text
    reader.optimizers[thing.number] = made
    if seen:
        reader.emit("build", node, thing.number, object="optimizer")
    return thing


def make_scheduler(
    reader: Reader, name: str, arguments: dict[str, Argument], optimizer: int | None, node: ast.AST, *,
    known: bool, seen: bool = True, text: str = "", framework: str = "unknown",
) -> Thing:  # fmt: skip
    thing = Thing("scheduler", reader.fresh())
    place = reader.place(node)
    given = arguments.pop("optimizer", None)
    made = Scheduler(
        thing.number, name, framework, known, text, place, optimizer, arguments, seen=seen,
        loops=tuple(reader.loops), function=reader.scope.function, call=place,
    )  # fmt: skip
    reader.schedulers[thing.number] = made
    if seen:
        at = given.place if given is not None else None
        reader.emit("build", node, thing.number, object="scheduler", optimizer_place=at)
    return thing


# -- external calls ---------------------------------------------------------------------------------------------------


def call_external(
    reader: Reader, callee: External, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    """A call of something that is not in the file."""
    path = callee.path
    name = path.rsplit(".", 1)[-1]
    handler = _BUILTIN_CALLS.get(name) if path.startswith("builtins.") else None
    if handler is not None:
        return handler(reader, arguments, keywords, node)
    if name in _MATH and path.split(".")[0] in _MATH_MODULES:
        return _math(reader, name, arguments, node)
    if _is_scheduler(path, name) and not _of_numbers(name, arguments):
        known = not _namesake(path, name)
        if "diffusers" in path and name == "get_scheduler":
            arguments, keywords, known = _of_diffusers(reader, arguments, keywords)
        return _scheduler(reader, name, arguments, keywords, node, known=known and not _foreign(path, name, keywords))
    if _is_optimizer(path, name):
        return _optimizer(reader, name, arguments, keywords, node)
    if path in ("os.environ.get", "os.getenv"):
        return environment(reader, arguments[0], arguments[1] if len(arguments) > 1 else None, node)
    handler = _BY_PATH.get(path) or (_EXTERNAL_CALLS.get(name) if path != "yaml.load" else _yaml)
    if handler is not None:
        return handler(reader, arguments, keywords, node)
    if name in _DATASETS and "models" not in path:
        return _known_dataset(reader, name, arguments, keywords, node)
    if name in _PASS_THROUGH and arguments:
        return arguments[0]
    return call_unknown(reader, callee, arguments, keywords, node)


def _is_scheduler(path: str, name: str) -> bool:
    if "diffusers" in path or "apscheduler" in path:
        return name in emulate.NAMES and "optimization" in path
    if path.split(".")[0] in ("keras", "tensorflow", "tf"):
        return False
    return name in emulate.NAMES or name in _OTHER_SCHEDULERS


def _namesake(path: str, name: str) -> bool:
    """A class of a project's own that is called like one of torch or timm: what it does is not known."""
    root = path.split(".")[0]
    framework = emulate.FRAMEWORKS.get(name)
    if framework not in ("torch", "timm") or "." not in path or root in (framework, "*"):
        return False
    modules = ("lr_scheduler", "optim") if framework == "torch" else ("lr_scheduler", "optim", "sched", "scheduler")
    return path.split(".")[-2] not in modules


def _foreign(path: str, name: str, keywords: Mapping[str, Value]) -> bool:
    """Whether a function called like one of transformers takes what that does not: another project's variant of it."""
    if emulate.FRAMEWORKS.get(name) != "transformers" or path.split(".")[0] == "transformers":
        return False
    names = {p.name for p in emulate.signature(name)} | {"optimizer", "last_epoch", "**"}
    return not names.issuperset(keywords)


def _of_diffusers(
    reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value]
) -> tuple[Sequence[Value], dict[str, Value], bool]:
    """A call of diffusers' get_scheduler as one of transformers', and whether they mean the same: the arguments that
    only diffusers has are for three of its schedules, and do nothing where they are 1."""
    names = ("name", "optimizer", "step_rules", "num_warmup_steps", "num_training_steps", "num_cycles", "power")
    given = {**dict(zip(names[2:], arguments[2:])), **keywords}
    kind = reader.known(given["name"] if "name" in given else arguments[0] if arguments else NONE)
    own = {"cosine_with_restarts": "num_cycles", "polynomial": "power", "piecewise_constant": "step_rules"}
    read = given.get(own[kind], number(1)) if isinstance(kind, str) and kind in own else number(1)
    rest = {key: value for key, value in given.items() if key not in (*own.values(), "last_epoch")}
    return arguments[:2], rest, reader.known(read) == 1


def _of_numbers(name: str, arguments: Sequence[Value]) -> bool:
    """Whether it takes a number where a scheduler has its optimizer: another thing of the same name."""
    return name != "get_scheduler" and bool(arguments) and isinstance(arguments[0], Number)


def _is_optimizer(path: str, name: str) -> bool:
    return name in OPTIMIZERS or (path.startswith(("torch.optim.", "optim.")) and name[:1].isupper())


def _argument_nodes(node: ast.Call) -> tuple[list[ast.expr], dict[str, ast.expr]]:
    return list(node.args), {k.arg: k.value for k in node.keywords if k.arg is not None}


def _bind(
    reader: Reader, names: Sequence[str], arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> dict[str, Argument]:
    """Arguments by name, each with its place."""
    positional_nodes, keyword_nodes = _argument_nodes(node)
    found: dict[str, Argument] = {}
    for position, value in enumerate(arguments):
        if position >= len(names):
            break
        at: ast.AST = positional_nodes[position] if position < len(positional_nodes) else node
        found[names[position]] = _argument(reader, value, at)
    for key, value in keywords.items():
        at = keyword_nodes.get(key, node)
        found[key] = _argument(reader, value, at)
    return found


def _argument(reader: Reader, value: Value, at: ast.AST) -> Argument:
    return Argument(content(reader, value), reader.place(at), words.source(at), reader.origin(value))


def content(reader: Reader, value: Value) -> object:
    """A value as the nouns know it: an Expr, a list of them, a Thing, or the value itself."""
    expr = reader.scalar(value)
    if expr is not None:
        return expr
    if isinstance(value, Items) and not value.open:
        return [content(reader, part) for part in value.items]
    return value


def _optimizer(
    reader: Reader, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    names = ("params", "lr", "betas", "eps") if "Adam" in name else ("params", "lr", "momentum")
    bound = _bind(reader, names, arguments, keywords, node)
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


def _find(reader: Reader, value: Value | None, kind: str) -> Thing | None:
    if isinstance(value, Thing) and value.kind == kind:
        return value
    if isinstance(value, Choice):
        for side in value.all():
            if isinstance(side, Thing) and side.kind == kind:
                return side
    if isinstance(value, Instance):
        for attribute_value in value.attributes.values():
            if isinstance(attribute_value, Thing) and attribute_value.kind == kind:
                return attribute_value
    return None


def _scheduler(
    reader: Reader,
    name: str,
    arguments: Sequence[Value],
    keywords: dict[str, Value],
    node: ast.Call,
    known: bool = True,
) -> Value:
    known = known and name in emulate.NAMES
    if name == "get_scheduler":
        return _hugging_face(reader, arguments, keywords, node, known)
    names = [p.name for p in emulate.signature(name)] if known else ["optimizer"]
    if known and "optimizer" not in names:
        names.insert(0, "optimizer")
    if name == "ChainedScheduler":
        names = ["schedulers", "optimizer"]
    bound = _bind(reader, names, arguments, keywords, node)
    first = keywords.get("optimizer") or (arguments[names.index("optimizer")] if len(arguments) > names.index("optimizer") else None)
    if "lr_lambda" in bound:
        bound["lr_lambda"].value = _formulas(reader, bound["lr_lambda"].value, node)
    optimizer = _find(reader, first, "optimizer")
    if optimizer is None and first is not None and name != "ChainedScheduler":
        optimizer = _unseen_optimizer(reader, first, node)
    framework = emulate.FRAMEWORKS.get(name, "unknown") if known else "unknown"
    children = _children(reader, keywords.get("schedulers") or _at(arguments, names, "schedulers"))
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
    from ...origins import returns

    return tuple(reader.place(statement) for statement in returns(value.node.body))


def _at(arguments: Sequence[Value], names: list[str], name: str) -> Value | None:
    if name in names and names.index(name) < len(arguments):
        return arguments[names.index(name)]
    return None


def _children(reader: Reader, value: Value | None) -> tuple[int, ...]:
    if not isinstance(value, Items):
        return ()
    found = []
    for part in value.items:
        thing = _find(reader, part, "scheduler")
        if thing is not None:
            found.append(thing.number)
    return tuple(found)


def _unseen_optimizer(reader: Reader, value: Value, node: ast.AST) -> Thing | None:
    """The optimizer inside something that is not understood; the same one at every mention."""
    if isinstance(value, Unknown):
        found = value.attributes.get("#optimizer")
        if not isinstance(found, Thing):
            found = make_optimizer(reader, None, {}, node, seen=False, text=value.symbol.text)
            value.attributes["#optimizer"] = found
        return found
    return None


def _hugging_face(
    reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call, known: bool = True
) -> Value:
    names = [p.name for p in emulate.signature("get_scheduler")]
    if "optimizer" not in names:
        names.insert(1, "optimizer")
    bound = _bind(reader, names, arguments, keywords, node)
    optimizer = _find(reader, keywords.get("optimizer") or _at(arguments, names, "optimizer"), "optimizer")
    thing = make_scheduler(
        reader, "get_scheduler", bound, optimizer.number if optimizer else None, node, known=known,
        framework="transformers",
    )  # fmt: skip
    return thing


# -- builtins and well-known functions ------------------------------------------------------------------------------


def _math(reader: Reader, name: str, arguments: Sequence[Value], node: ast.Call) -> Value:
    exprs = [reader.scalar(argument) for argument in arguments]
    data = any(isinstance(a, Unknown) and a.symbol.name not in reader.facts for a in arguments)
    if not arguments or data or any(expr is None for expr in exprs):
        return reader.unknown(node, words.source(node), arguments)
    return Number(op(_MATH[name], *exprs))


def _len(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if not arguments:
        return reader.unknown(node, "len()")
    size = length(reader, arguments[0], node)
    if isinstance(arguments[0], Thing) and arguments[0].kind == "dataset" and not isinstance(size, Sym):
        size = _samples(reader, arguments[0], size, node)
    return Number(size)


def _samples(reader: Reader, dataset: Thing, size: Expr, node: ast.AST) -> Sym:
    """``len(dataset)`` as a symbol, so that it is known to count samples."""
    name = f"len#{dataset.number}"
    value = size.value if isinstance(size, Lit) else None
    symbol = reader.fact(name, words.source(node), value, isinstance(size, Lit), "literal", reader.place(node))
    if not isinstance(size, Lit):
        reader.definitions.setdefault(name, size)
    reader.units[name] = SAMPLES_PER_EPOCH
    return symbol


def length(reader: Reader, value: Value, node: ast.AST) -> Expr:
    """The number of elements of anything."""
    if isinstance(value, Items) and not value.open:
        return Lit(len(value.items))
    if isinstance(value, Table) and not value.open:
        return Lit(len(value.items))
    if isinstance(value, Range):
        return op("-", value.stop, value.start)
    if isinstance(value, Thing):
        if value.kind == "loader":
            return reader.loaders[value.number].length
        size = value.data.get("length")
        if isinstance(size, Expr):
            return size
    if isinstance(value, Wrapped):
        return length(reader, value.inner, node)
    if isinstance(value, Choice) and value.test is not None:
        return op("if", value.test, length(reader, value.first, node), length(reader, value.second, node))
    if isinstance(value, Instance) and value.cls is not None:
        method = value.cls.lookup("__len__")
        if isinstance(method, Function):
            bound = Function(method.node, method.scope, method.name, value, method.owner)
            expr = reader.scalar(reader.call_function(bound, (), {}, node))
            if expr is not None and reader.decide(expr) is not None:
                return expr
            symbol = _unknown_length(reader, value, node)
            if expr is not None and expr != symbol and not reader.facts[symbol.name].known:
                reader.definitions.setdefault(symbol.name, expr)
            return symbol
    return _unknown_length(reader, value, node)


def _unknown_length(reader: Reader, value: Value, node: ast.AST) -> Sym:
    """``len(x)`` of an unknown x: one symbol for every mention of it."""
    holder: dict[str, object]
    if isinstance(value, Unknown):
        text = f"len({value.symbol.text})"
        holder = value.attributes  # type: ignore[assignment]
        name = f"len({value.symbol.name})"
    elif isinstance(value, Thing):
        text = f"len({value.data.get('text', value.kind)})"
        holder, name = value.data, f"len#{value.number}"
    elif isinstance(value, Instance):
        text = f"len({value.text or value.prefix or 'object'})"
        holder, name = value.attributes, f"len!{value.number}"  # type: ignore[assignment]
    else:
        return reader.remember(reader.unknown(node, words.source(node))).symbol
    found = holder.get("#len")
    if isinstance(found, Number) and isinstance(found.expr, Sym):
        return found.expr
    symbol = reader.fact(name, text, None, False, "unknown", reader.place(node))
    holder["#len"] = Number(symbol)
    if isinstance(value, Thing) and value.kind == "dataset":
        reader.units[symbol.name] = SAMPLES_PER_EPOCH
    return symbol


def _range(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    exprs = [reader.scalar(argument) for argument in arguments]
    if not exprs or any(expr is None for expr in exprs):
        return reader.unknown(node, words.source(node), arguments)
    if len(exprs) == 1:
        return Range(Lit(0), exprs[0], Lit(1))  # type: ignore[arg-type]
    return Range(exprs[0], exprs[1], exprs[2] if len(exprs) > 2 else Lit(1))  # type: ignore[arg-type]


def _enumerate(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if not arguments:
        return reader.unknown(node, "enumerate()")
    start_value = keywords.get("start") or (arguments[1] if len(arguments) > 1 else None)
    start = reader.scalar(start_value) if start_value is not None else Lit(0)
    return Wrapped(arguments[0], "enumerate", start if start is not None else Lit(0))


def _zip(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if not arguments:
        return Items([])
    return Wrapped(arguments[0], "zip", others=tuple(arguments[1:]))


def _convert(name: str) -> Callable[..., Value]:
    def convert(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
        expr = reader.scalar(arguments[0]) if arguments else None
        if expr is None or _is_data(reader, arguments[0]):
            return reader.unknown(node, words.source(node), arguments)
        rest = [reader.scalar(argument) for argument in arguments[1:]]
        if any(part is None for part in rest):
            return reader.unknown(node, words.source(node), arguments)
        return Number(op(name, expr, *rest))

    return convert


def _is_data(reader: Reader, value: Value) -> bool:
    return isinstance(value, Unknown) and value.symbol.name not in reader.facts


def _extreme(name: str) -> Callable[..., Value]:
    def extreme(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
        values = arguments
        if len(arguments) == 1 and isinstance(arguments[0], Items):
            values = arguments[0].items
        exprs = [reader.scalar(value) for value in values]
        if len(exprs) > 1 and all(e is not None for e in exprs) and not any(_is_data(reader, v) for v in values):
            return Number(op(name, *exprs))
        made = reader.unknown(node, words.source(node), values)
        made.accumulates = True
        return made

    return extreme


def _getattr(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    from .expressions import attribute

    name = reader.known(arguments[1]) if len(arguments) > 1 else None
    if not isinstance(name, str):
        return reader.unknown(node, words.source(node), arguments)
    owner = arguments[0]
    if len(arguments) > 2 and isinstance(owner, Instance) and name not in owner.attributes:
        return arguments[2]
    if isinstance(owner, External):
        return External(f"{owner.path}.{name}")
    return attribute(reader, owner, name, node)


def _hasattr(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    name = reader.known(arguments[1]) if len(arguments) > 1 else None
    if isinstance(arguments[0], Instance) and isinstance(name, str):
        return number(name in arguments[0].attributes)
    return reader.unknown(node, words.source(node), arguments)


def _isinstance(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    """Known for schedulers and optimizers, whose class was seen."""
    if len(arguments) == 2:
        answer = _is_of(reader, arguments[0], arguments[1])
        if answer is not None:
            return Number(answer) if isinstance(answer, Expr) else number(answer)
    return reader.unknown(node, words.source(node), arguments)


def _is_of(reader: Reader, value: Value, cls: Value) -> Expr | bool | None:
    if isinstance(value, Choice) and value.test is not None:
        first, second = _is_of(reader, value.first, cls), _is_of(reader, value.second, cls)
        if first is None or second is None:
            return None
        return op("if", value.test, first, second)
    if isinstance(cls, Items):
        answers = [_is_of(reader, value, part) for part in cls.items]
        if any(answer is True for answer in answers):
            return True
        return False if all(answer is False for answer in answers) else None
    if isinstance(value, Number) and value.expr == Lit(None):
        return False
    if not isinstance(cls, External) or not isinstance(value, Thing):
        return None
    wanted = cls.path.rsplit(".", 1)[-1]
    if value.kind == "scheduler":
        scheduler = reader.schedulers[value.number]
        if wanted in ("LRScheduler", "_LRScheduler") and scheduler.seen:
            return not scheduler.plateau or True
        return scheduler.name == wanted if scheduler.seen else None
    return None


def _sum(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if arguments and isinstance(arguments[0], Items) and not arguments[0].open:
        exprs = [reader.scalar(v) for v in arguments[0].items]
        if all(e is not None for e in exprs) and not any(_is_data(reader, v) for v in arguments[0].items):
            total: Expr = Lit(0)
            for expr in exprs:
                total = op("+", total, expr)
            return Number(total)
    return reader.unknown(node, words.source(node), arguments)


def _listed(kind: str) -> Callable[..., Value]:
    def listed(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
        from .expressions import elements_of

        if not arguments:
            return Items([], kind)
        if isinstance(arguments[0], (Thing, Wrapped)):
            return arguments[0]
        elements = elements_of(reader, arguments[0])
        if elements is None:
            return arguments[0] if isinstance(arguments[0], Items) else reader.unknown(node, words.source(node), arguments)
        return Items(list(elements), kind)

    return listed


def _dict(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    table = Table({})
    if arguments and isinstance(arguments[0], Table):
        table.items.update(arguments[0].items)
        table.open = arguments[0].open
    elif arguments:
        table.open = True
    for name, value in keywords.items():
        if name == "**":
            table.open = True
        elif isinstance(value, Number) and isinstance(value.expr, Lit) and reader.assigning:
            table.items[name] = reader.named(f"{reader.assigning}[{name!r}]", value, node)
        else:
            table.items[name] = value
    return table


def _map(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    return reader.unknown(node, words.source(node), arguments)


def _next(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    return reader.unknown(node, "batch", arguments)


def _print(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    return NONE


def _vars(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if arguments and isinstance(arguments[0], Instance):
        held = arguments[0]
        return Table(dict(held.attributes), held.prefix, open=held.open)  # type: ignore[arg-type]
    return reader.unknown(node, words.source(node), arguments)


def _setattr(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if len(arguments) == 3 and isinstance(arguments[0], Instance):
        name = reader.known(arguments[1])
        if isinstance(name, str):
            arguments[0].attributes[name] = arguments[2]
    return NONE


_BUILTIN_CALLS: dict[str, Callable[..., Value]] = {
    "len": _len, "range": _range, "enumerate": _enumerate, "zip": _zip, "int": _convert("int"), "float": _convert("float"),
    "str": _convert("str"), "bool": _convert("bool"), "round": _convert("round"), "abs": _convert("abs"), "max": _extreme("max"),
    "min": _extreme("min"), "getattr": _getattr, "hasattr": _hasattr, "isinstance": _isinstance, "sum": _sum,
    "list": _listed("list"), "tuple": _listed("tuple"), "set": _listed("set"), "dict": _dict, "next": _next, "print": _print,
    "vars": _vars, "pow": _convert("**"), "setattr": _setattr, "sorted": _listed("list"), "iter": _listed("list"),
}  # fmt: skip


def _data_loader(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    names = ("dataset", "batch_size", "shuffle", "sampler", "batch_sampler")
    bound = {**dict(zip(names, arguments)), **keywords}
    dataset = bound.get("dataset")
    size = length(reader, dataset, node) if dataset is not None else None
    inner: Expr | None = size
    while isinstance(inner, Sym):
        reader.units.setdefault(inner.name, SAMPLES_PER_EPOCH)
        inner = reader.definitions.get(inner.name)
    batch_size = reader.scalar(bound["batch_size"]) if "batch_size" in bound else Lit(1)
    if "**" in keywords or "batch_sampler" in bound:
        batch_size = None
    if isinstance(batch_size, Sym):
        reader.units.setdefault(batch_size.name, SAMPLES_PER_BATCH)
    drop_last = reader.scalar(bound["drop_last"]) if "drop_last" in bound else Lit(False)
    sampler = bound.get("sampler")
    sharded = any(t.kind == "sampler" for t in reader.things_in(sampler)) if sampler is not None else False
    definition = None
    if size is not None and batch_size is not None and drop_last is not None:
        definition = loader_length(size, batch_size, drop_last, processes(reader) if sharded else None)
    if isinstance(sampler, Unknown) and not sharded:
        definition = None
    return make_loader(
        reader, node, dataset=size if isinstance(size, Sym) else None, batch_size=batch_size, drop_last=drop_last,
        sharded=sharded, definition=definition,
    )  # fmt: skip


def loader_length(size: Expr, batch_size: Expr, drop_last: Expr, processes: Expr | None = None) -> Expr:
    """Batches per epoch of a DataLoader, in each process (torch's own rule: floor with drop_last, else ceil)."""
    if processes is not None:
        size = op("ceil", op("/", size, processes))
    if drop_last == Lit(False):
        return op("ceil", op("/", size, batch_size))
    if drop_last == Lit(True):
        return op("//", size, batch_size)
    return op("if", drop_last, op("//", size, batch_size), op("ceil", op("/", size, batch_size)))


def _dataset_thing(reader: Reader, size: Expr | None, node: ast.AST) -> Thing:
    thing = Thing("dataset", reader.fresh())
    if size is not None:
        thing.data["length"] = size
    return thing


def _known_dataset(
    reader: Reader, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    train: object = reader.known(keywords["train"]) if "train" in keywords else None
    if train is None and name in ("SVHN", "STL10", "ImageNet"):
        split = keywords.get("split") or (arguments[1] if len(arguments) > 1 else None)
        train = split is None or reader.known(split) == "train"
    elif train is None:
        train = reader.known(arguments[1]) is not False if len(arguments) > 1 else True
    size = _DATASETS[name][0 if train else 1]
    place = reader.place(node)
    symbol = reader.fact(f"{name}#{place.line}", f"len({name})", size, True, "dataset", place)
    reader.units[symbol.name] = SAMPLES_PER_EPOCH
    return _dataset_thing(reader, symbol, node)


def _tensor(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    """``torch.randn(n, ...)``: a tensor whose first dimension is its length."""
    shape = list(arguments)
    if len(shape) >= 1 and isinstance(shape[0], Items):
        shape = list(shape[0].items)
    name = words.dotted(node.func).rsplit(".", 1)[-1]
    if name == "randint":
        sizes = [a for a in arguments if isinstance(a, Items)]
        shape = list(sizes[-1].items) if sizes else []
    first = reader.scalar(shape[0]) if shape else None
    thing = Thing("tensor", reader.fresh())
    if first is not None:
        thing.data["length"] = first
    return thing


def _tensor_dataset(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    size = length(reader, arguments[0], node) if arguments else None
    return _dataset_thing(reader, size, node)


def _random_split(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    lengths = arguments[1] if len(arguments) > 1 else keywords.get("lengths")
    if not isinstance(lengths, Items):
        return reader.unknown(node, words.source(node), arguments)
    whole = length(reader, arguments[0], node) if arguments else None
    parts: list[Value] = []
    for part in lengths.items:
        size = reader.scalar(part)
        known = reader.known(part)
        if isinstance(known, float) and known < 1 and whole is not None:
            size = op("floor", op("*", whole, known))
        parts.append(_dataset_thing(reader, size, node))
    return Items(parts)


def _subset(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    indices = arguments[1] if len(arguments) > 1 else keywords.get("indices")
    return _dataset_thing(reader, length(reader, indices, node) if indices is not None else None, node)


def _distributed_sampler(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    return Thing("sampler", reader.fresh())


def _scaler(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    return Thing("scaler", reader.fresh())


def _accelerator(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    thing = Thing("accelerator", reader.fresh())
    steps = keywords.get("gradient_accumulation_steps")
    thing.data["steps"] = reader.scalar(steps) if steps is not None else Lit(1)
    return thing


def _parser(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    from . import arguments as command_line

    return command_line.new_parser(reader, keywords, node)


def _namespace(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    held = Instance(None, {}, reader.assigning or "", open=True)
    source = arguments[0] if arguments else None
    if isinstance(source, Table):
        held.attributes.update({str(k): v for k, v in source.items.items()})
    for name, value in keywords.items():
        if name == "**":
            continue
        held.attributes[name] = reader.named(f"{reader.assigning or 'config'}.{name}", value, node)
    reader.instances.append(held)
    return held


def _partial(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if arguments and isinstance(arguments[0], Function):
        f = arguments[0]
        return Function(f.node, f.scope, f.name, f.bound, f.owner, (tuple(arguments[1:]), dict(keywords)))
    if arguments and isinstance(arguments[0], External):
        return Method(Thing("partial", reader.fresh(), {"callee": arguments[0], "args": arguments[1:], "kw": keywords}), "call")
    return reader.unknown(node, words.source(node), arguments)


def _world_size(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    return Number(processes(reader))


def processes(reader: Reader) -> Sym:
    """The number of processes: one unless a person says otherwise."""
    if "processes" not in reader.facts:
        reader.fact("processes", "processes", 1, True, "assumed", None, "processes")
    return Sym("processes")


def _rank(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    return number(0)


def _save(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if arguments:
        held = saved_things(reader, arguments[0])
        dict_node = _dict_node(arguments[0])
        place = reader.place(dict_node) if dict_node is not None else None
        reader.emit(
            "save", node, 0, held=held, dict_place=place, entries=spelling.entries(dict_node), open=_open(arguments[0]),
            value=arguments[0],
        )
    return NONE


def _open(value: Value) -> bool:
    return not isinstance(value, (Table, Thing)) or isinstance(value, Table) and value.open


def _dict_node(value: Value) -> ast.AST | None:
    return value.node if isinstance(value, Table) else None


def saved_things(reader: Reader, value: Value, depth: int = 0) -> list[tuple[str, int]]:
    """The (kind, number) of every object whose state is in a value."""
    if depth > 4:
        return []
    if isinstance(value, Thing):
        if value.kind == "state":
            return [(str(value.data.get("of")), value.number)]
        return [(value.kind, value.number)]
    found: list[tuple[str, int]] = []
    if isinstance(value, Table):
        for part in value.items.values():
            found += saved_things(reader, part, depth + 1)
    elif isinstance(value, Items):
        for part in value.items:
            found += saved_things(reader, part, depth + 1)
    elif isinstance(value, Choice):
        for part in value.all():
            found += saved_things(reader, part, depth + 1)
    elif isinstance(value, Unknown) and "state_dict" in value.symbol.text:
        found.append(("model", 0))
    return found


def _load(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    made = reader.unknown(node, "checkpoint", ())
    made.attributes["#checkpoint"] = NONE
    made.call = "load"
    return made


def _yaml(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    """A configuration written into the script as YAML (of which JSON is a part) is read; one in a file is not."""
    text = reader.known(arguments[0]) if arguments else None
    if not isinstance(text, str) or "\n" not in text and ":" not in text:
        return _load(reader, arguments, keywords, node)
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return reader.unknown(node, words.source(node), arguments)
    return _plain(reader, found, reader.assigning or "config", node)


def _plain(reader: Reader, found: object, text: str, node: ast.AST) -> Value:
    """A parsed configuration as values; the scalars in it are settings."""
    if isinstance(found, dict):
        return Table({k: _plain(reader, v, f"{text}[{k!r}]", node) for k, v in found.items()}, text)
    if isinstance(found, list):
        return Items([_plain(reader, part, f"{text}[{i}]", node) for i, part in enumerate(found)])
    if isinstance(found, (bool, int, float, str)):
        place = reader.place(node)
        return Number(reader.fact(f"{text}@{place.line}", text, found, True, "literal", place, words.option_name(text)))
    return NONE if found is None else reader.unknown(node, text)


def environment(reader: Reader, key: Value, default: Value | None, node: ast.AST) -> Value:
    """A variable of the environment: what launchers set is known by name, of others the default is taken."""
    name = reader.known(key)
    if name == "WORLD_SIZE":
        return Number(processes(reader))
    if name in ("RANK", "LOCAL_RANK"):
        return number(0)
    value = reader.known(default) if default is not None else None
    if value is None or not isinstance(name, str):
        return reader.remember(reader.unknown(node, words.source(node)))
    place = reader.place(node)
    return Number(reader.fact(f"{name}@{place.line}", name, value, True, "environment", place, name))


def _exists(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    """Whether a file is there: not on a first run, but when the run is resumed."""
    place = reader.place(node)
    text = words.source(node)
    return Number(reader.fact(f"{text}@{place.line}", text, reader.resuming, True, "first run", place, text))


def _cycle(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    return Wrapped(arguments[0], "endless") if arguments else reader.unknown(node, "cycle")


def _islice(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if len(arguments) >= 2:
        limit = reader.scalar(arguments[1])
        return Wrapped(arguments[0], "islice", limit=limit)
    return reader.unknown(node, "islice", arguments)


def _count(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    start = reader.scalar(arguments[0]) if arguments else Lit(0)
    return Wrapped(Range(start or Lit(0), Sym(f"?{reader.fresh()}", "forever"), Lit(1)), "")


def _tqdm(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if arguments:
        return arguments[0]
    if "iterable" in keywords:
        return keywords["iterable"]
    return reader.unknown(node, "progress bar")


def _trange(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    return _range(reader, arguments, {}, node)


def _linear_space(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    return reader.unknown(node, words.source(node), arguments)


def _launcher(name: str) -> Callable[..., Value]:
    def started(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
        from . import launchers

        return getattr(launchers, name)(reader, arguments, keywords, node)  # type: ignore[no-any-return]

    return started


# By their whole path: the last part alone says too little.
_BY_PATH: dict[str, Callable[..., Value]] = {
    "fire.Fire": _launcher("command_line"), "typer.run": _launcher("command_line"), "tyro.cli": _launcher("command_line"),
    "jsonargparse.CLI": _launcher("command_line"), "omegaconf.OmegaConf.structured": _launcher("command_line"),
    "typer.Option": _launcher("declared"), "typer.Argument": _launcher("declared"),
    "dataclasses.field": _launcher("declared"), "pydantic.Field": _launcher("declared"), "attrs.field": _launcher("declared"),
    "torch.multiprocessing.spawn": _launcher("spawn"), "torch.multiprocessing.start_processes": _launcher("spawn"),
    "torch.multiprocessing.spawn.spawn": _launcher("spawn"), "accelerate.notebook_launcher": _launcher("launch"),
    "detectron2.engine.launch": _launcher("launch"),
}  # fmt: skip
_EXTERNAL_CALLS: dict[str, Callable[..., Value]] = {
    "DataLoader": _data_loader, "TensorDataset": _tensor_dataset, "random_split": _random_split, "Subset": _subset,
    "DistributedSampler": _distributed_sampler, "GradScaler": _scaler, "Accelerator": _accelerator,
    "ArgumentParser": _parser, "HfArgumentParser": _linear_space, "SimpleNamespace": _namespace, "Namespace": _namespace,
    "EasyDict": _namespace, "edict": _namespace, "ConfigDict": _namespace, "Munch": _namespace, "AttrDict": _namespace,
    "DotDict": _namespace, "partial": _partial, "get_world_size": _world_size, "get_rank": _rank, "save": _save,
    "load": _load, "safe_load": _yaml, "full_load": _yaml, "unsafe_load": _yaml, "loads": _yaml, "cycle": _cycle, "islice": _islice, "count": _count, "tqdm": _tqdm, "trange": _trange,
    "track": _tqdm, "randn": _tensor, "rand": _tensor, "zeros": _tensor, "ones": _tensor, "empty": _tensor,
    "randint": _tensor, "randperm": _tensor, "exists": _exists, "isfile": _exists, "is_file": _exists,
}  # fmt: skip


# -- unknown calls ----------------------------------------------------------------------------------------------------


def call_unknown(
    reader: Reader, callee: Value, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    """A call of something that is not understood: what it gets escapes, what it gives is named by its name."""
    name = words.dotted(node.func)
    short = name.rsplit(".", 1)[-1] or "call"
    if short in ("exists", "is_file") and not arguments:
        return _exists(reader, arguments, keywords, node)
    if isinstance(callee, Unknown) and callee.sources and isinstance(node.func, ast.Attribute):
        owner = callee.sources[0]
        if isinstance(owner, Unknown):
            done = unknown_method(reader, owner, node.func.attr, arguments, keywords, node)
            if done is not None:
                return done
    if short not in _HARMLESS:
        for value in (*arguments, *keywords.values()):
            reader.escape(value, node, f"handed to {name or 'a call'}()")
        _escape_functions(reader, (*arguments, *keywords.values()))
    if words.names_training(short) and reader.loops:
        _train_out_of_sight(reader, (*arguments, *keywords.values()), node)
    if short == "prepare" and arguments:
        return arguments[0] if len(arguments) == 1 else Items(list(arguments), "tuple")
    first = arguments[0] if arguments else None
    if short in ("to_device", "wrap") and first is not None:
        return first
    text = words.source(node)
    if "optim" in short.lower() and words.names_optimizer(short) and "state" not in short.lower():
        return make_optimizer(reader, None, {}, node, seen=False)
    if words.names_scheduler(short) and _find_any(reader, arguments, keywords, "optimizer"):
        optimizer = _find_any(reader, arguments, keywords, "optimizer")
        thing = make_scheduler(
            reader, short, {}, optimizer.number if optimizer else None, node, known=False, seen=False
        )
        return thing
    if ("loader" in short.lower() or short.lower().endswith("_dl")) and "config" not in short.lower():
        loader = _find_any(reader, arguments, keywords, "loader")
        if loader is not None:
            return loader
    loader = _find_any(reader, arguments[:1], {}, "loader")
    if loader is not None and ("fetch" in short.lower() or "bar" in short.lower() or "every" in short.lower()):
        return loader
    made = reader.unknown(node, text, (*arguments, *keywords.values()))
    made.call = short
    return made


def _train_out_of_sight(reader: Reader, values: Sequence[Value], node: ast.Call) -> None:
    """``train(model, loader, optimizer)`` of another file, called in a loop: its updates happen here, one for each
    batch of the loader it gets (of an unknown number where it gets none)."""
    things = [thing for value in values if not isinstance(value, Instance) for thing in reader.things_in(value)]
    loader = next((thing for thing in things if thing.kind == "loader"), None)
    optimizers = [thing for thing in things if thing.kind == "optimizer"]
    if not optimizers:
        return
    if loader is None:
        trips: Expr = reader.fact(f"batches@{node.lineno}", "len(loader)", None, False, "unknown", reader.place(node))
        assert isinstance(trips, Sym)
        reader.units[trips.name] = BATCHES_PER_EPOCH
    else:
        trips = reader.loaders[loader.number].length
    text = words.source(node.func)
    loop = Loop(reader.place(node), reader.next_index(node), trips, text, Block(), loader.number if loader else None,
                function=reader.scope.function, header=reader.place(node), variable="batch")  # fmt: skip
    outer, reader.block = reader.block, loop.body
    for optimizer in optimizers:
        reader.emit("update", node, optimizer.number, unseen=True)
    reader.block = outer
    outer.nodes.append(loop)


def _escape_functions(reader: Reader, values: Sequence[Value]) -> None:
    """A function of the file that is handed on may be called: it is read as if it were, where nobody else calls it."""
    for value in values:
        if isinstance(value, Function):
            reader.handed_on.append(value)
            escape_closure(reader, value)
        elif isinstance(value, (Items, Table)):
            held = value.items if isinstance(value, Items) else list(value.items.values())
            _escape_functions(reader, [part for part in held if isinstance(part, Function)])


def escape_closure(reader: Reader, function: Function) -> None:
    """What a function that is handed on sees around it can be stepped by whoever calls it."""
    held: list[Value] = [function.bound] if function.bound is not None else []
    for node in ast.walk(function.node):
        found = function.scope.lookup(node.id) if isinstance(node, ast.Name) else None
        if found is not None:
            held.append(found)
    for thing in dict.fromkeys(t for value in held for t in reader.things_in(value) if t.kind == "scheduler"):
        reader.escape(thing, function.node, f"used in {function.name}, which is handed to code that is not read")


def _find_any(
    reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], kind: str
) -> Thing | None:
    for value in (*arguments, *keywords.values()):
        found = _find(reader, value, kind)
        if found is not None:
            return found
    return None


def call_thing(
    reader: Reader, callee: Thing, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    return reader.unknown(node, words.source(node), (*arguments, *keywords.values()))


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
        bound = _bind(reader, ("params", "lr"), arguments, keywords, node)
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
    bound = _bind(reader, names, arguments, keywords, node)
    optimizer = _find_any(reader, arguments, keywords, "optimizer")
    thing = make_scheduler(
        reader, cls.name, bound, optimizer.number if optimizer else None, node, known=False, framework="own"
    )
    thing.data["class"] = cls
    return thing


def held_by_foreign(reader: Reader, cls: Class, held: Items, node: ast.AST) -> None:
    """An object whose class extends one that is not seen may have its schedulers stepped by it."""
    reader.escape(held, node, f"held by {cls.name}, which extends a class that is not seen")


# -- attributes and methods of things -----------------------------------------------------------------------------------


def attribute(reader: Reader, owner: Thing, name: str, node: ast.AST) -> Value:
    """An attribute of a library object."""
    attributes = owner.data.get("attributes")
    if isinstance(attributes, dict) and name in attributes:
        return attributes[name]  # type: ignore[no-any-return]
    if owner.kind == "optimizer" and name == "param_groups":
        return Thing("groups", owner.number)
    if owner.kind == "optimizer" and name == "optimizer":
        return owner
    if owner.kind == "optimizer" and name == "defaults":
        return Thing("group", owner.number, {"position": None})
    if owner.kind == "scheduler" and name == "optimizer":
        number_ = reader.schedulers[owner.number].optimizer
        if number_ is not None:
            return Thing("optimizer", number_)
    if owner.kind == "loader":
        return _loader_attribute(reader, owner, name, node)
    if owner.kind == "accelerator" and name in ("is_main_process", "is_local_main_process"):
        return number(True)
    if owner.kind == "accelerator" and name == "num_processes":
        return Number(processes(reader))
    if owner.kind == "accelerator" and name == "gradient_accumulation_steps":
        steps = owner.data.get("steps")
        return Number(steps) if isinstance(steps, Expr) else reader.unknown(node, words.source(node))
    if owner.kind in ("tensor", "dataset") and name == "shape" and isinstance(owner.data.get("length"), Expr):
        return Items([Number(owner.data["length"])], "tuple", open=True)  # type: ignore[arg-type]
    return Method(owner, name)


def _loader_attribute(reader: Reader, owner: Thing, name: str, node: ast.AST) -> Value:
    loader = reader.loaders[owner.number]
    if name == "dataset":
        found = owner.data.get("dataset")
        if isinstance(found, Thing):
            return found
        thing = _dataset_thing(reader, loader.dataset, node)
        thing.data["text"] = f"{loader.text or 'loader'}.dataset"
        owner.data["dataset"] = thing
        return thing
    if name == "batch_size" and loader.batch_size is not None:
        return Number(loader.batch_size)
    if name == "batch_size":
        made = reader.remember(reader.unknown(node, words.source(node)))
        reader.units[made.symbol.name] = SAMPLES_PER_BATCH
        loader.batch_size = made.symbol
        return made
    return Method(owner, name)


def item(reader: Reader, owner: Thing, key: Value, node: ast.AST) -> Value:
    """``optimizer.param_groups[0]``, ``group["lr"]``."""
    known = reader.known(key)
    if owner.kind == "groups":
        return Thing("group", owner.number, {"position": known if isinstance(known, int) else None})
    if owner.kind == "group":
        if isinstance(known, str):
            made = reader.unknown(node, words.source(node))
            made.attributes["#current"] = Thing("group", owner.number, {"key": known})
            symbol = Sym(f"{known}#{owner.number}", f"current {known}")
            return Number(symbol)
        return reader.unknown(node, words.source(node))
    return reader.unknown(node, words.source(node), (owner, key))


def set_item(reader: Reader, owner: Thing, key: Value, value: Value, statement: ast.stmt) -> None:
    """``group["lr"] = value``: a write of the learning rate."""
    name = reader.known(key)
    if owner.kind == "group" and name in ("lr", "initial_lr", "momentum", "weight_decay"):
        kind = "write" if name == "lr" else "write-other"
        reader.emit(
            kind, statement, owner.number, reader.scalar(value), parameter=name, group=owner.data.get("position"),
            **spelling.writing(statement),
        )  # fmt: skip


def call_method(
    reader: Reader, callee: Method, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    """A method of a value."""
    owner, name = callee.owner, callee.name
    if isinstance(owner, Thing):
        handler = _THING_METHODS.get(owner.kind)
        if handler is not None:
            return handler(reader, owner, name, arguments, keywords, node)
        return _other_method(reader, owner, name, arguments, keywords, node)
    if isinstance(owner, Items):
        return _items_method(reader, owner, name, arguments, node)
    if isinstance(owner, Table):
        return _table_method(reader, owner, name, arguments, keywords, node)
    if name == "backward":
        _backward(reader, owner, node)
        return NONE
    if isinstance(owner, Number):
        return _number_method(reader, owner, name, arguments, node)
    if isinstance(owner, Instance):
        return _module_method(reader, owner, name, arguments, keywords, node)
    return call_unknown(reader, callee, arguments, keywords, node)


def _module_method(
    reader: Reader, owner: Value, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    """What a torch module has without defining it."""
    if name == "eval":
        reader.eval_mode = True
        return owner
    if name == "train":
        reader.eval_mode = bool(arguments) and reader.known(arguments[0]) is False
        return owner
    if name == "state_dict":
        return Thing("state", 0, {"of": "model"})
    if name == "load_state_dict":
        reader.emit("load", node, 0, object="model", **spelling.loading(node))
        return NONE
    if name in _MODEL_METHODS:
        return owner
    return call_unknown(reader, Method(owner, name), arguments, keywords, node)


def _other_method(
    reader: Reader, owner: Thing, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    if name == "prepare":
        return Items(list(arguments), "tuple") if len(arguments) != 1 else arguments[0]
    if owner.kind in ("tensor", "dataset", "partial"):
        if owner.kind == "partial":
            from .expressions import call

            kw = dict(owner.data.get("kw", {}))  # type: ignore[call-overload]
            kw.update(keywords)
            extra = list(owner.data.get("args", ()))  # type: ignore[call-overload]
            return call(reader, owner.data["callee"], [*extra, *arguments], kw, node)  # type: ignore[arg-type]
        if name == "size" and isinstance(owner.data.get("length"), Expr):
            return Number(owner.data["length"])  # type: ignore[arg-type]
        return owner
    return call_unknown(reader, Method(owner, name), arguments, keywords, node)


def _optimizer_method(
    reader: Reader, owner: Thing, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    optimizer = reader.optimizers[owner.number]
    if name in ("step", "first_step", "second_step"):
        if name != "first_step":
            _update(reader, owner.number, node, arguments)
        return NONE
    if name == "zero_grad":
        reader.emit("zero-grad", node, owner.number)
        return NONE
    if name == "state_dict":
        return Thing("state", owner.number, {"of": "optimizer"})
    if name == "load_state_dict":
        reader.emit("load", node, owner.number, object="optimizer", **spelling.loading(node))
        return NONE
    if name == "add_param_group":
        table = arguments[0] if arguments else None
        group = dict(optimizer.groups[0]) if optimizer.groups else {}
        if isinstance(table, Table) and "lr" in table.items:
            group["lr"] = reader.scalar(table.items["lr"])
        reader.emit("add-group", node, owner.number, group=group)
        return NONE
    if name == "backward":
        reader.emit("backward", node, 0)
        return NONE
    return reader.unknown(node, words.source(node))


def _update(reader: Reader, number_: int, node: ast.Call, arguments: Sequence[Value]) -> None:
    closure = arguments[0] if arguments else None
    if isinstance(closure, Function):
        reader.call_function(closure, (), {}, node)
    reader.emit("update", node, number_, accumulate=reader.accumulating)


def _scheduler_method(
    reader: Reader, owner: Thing, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    if name in ("step", "step_update"):
        tick(reader, owner, name, arguments, keywords, node)
        return NONE
    if name == "state_dict":
        return Thing("state", owner.number, {"of": "scheduler"})
    if name == "load_state_dict":
        reader.emit("load", node, owner.number, object="scheduler", **spelling.loading(node))
        return NONE
    if name in ("get_last_lr", "get_lr", "_get_lr", "get_epoch_values"):
        reader.emit("read-lr", node, owner.number)
        symbol = Sym(f"lr#{reader.schedulers[owner.number].optimizer}", "current lr")
        return Items([Number(symbol)], "list", open=True)
    return reader.unknown(node, words.source(node))


def tick(
    reader: Reader, owner: Thing, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> None:
    """A call that advances a scheduler."""
    first = arguments[0] if arguments else next(iter(keywords.values()), None)
    given = node.args[0] if node.args else node.keywords[0].value if node.keywords else None
    keyword = node.keywords[0].arg if node.keywords and not node.args else None
    reader.emit(
        "tick", node, owner.number, first, method=name, argument=given, keyword=keyword,
        expr=reader.scalar(first) if first is not None else None,
        text=words.source(given) if given is not None else "", accumulate=reader.accumulating,
        argument_place=reader.place(given) if given is not None else None,
        at_hand=_metrics_at_hand(reader) if given is None else (),
    )  # fmt: skip


def _metrics_at_hand(reader: Reader) -> tuple[tuple[str, str], ...]:
    """Validation metrics that have a name here, each with its direction: what a step without a metric may have meant."""
    found = []
    for name, value in reader.scope.names.items():
        direction = words.direction(name)
        if isinstance(value, (Unknown, Number)) and direction is not None and words.names_validation(name):
            found.append((name, direction))
    return tuple(found)


def _scaler_method(
    reader: Reader, owner: Thing, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    if name == "step" and arguments:
        for thing in reader.things_in(arguments[0]):
            if thing.kind == "optimizer":
                reader.emit("update", node, thing.number, scaled=True)
        if isinstance(arguments[0], Unknown):
            made = _unseen_optimizer(reader, arguments[0], node)
            if made is not None:
                reader.emit("update", node, made.number, scaled=True)
        return NONE
    if name == "scale" and arguments:
        return arguments[0]
    if name == "state_dict":
        return Thing("state", owner.number, {"of": "scaler"})
    return reader.unknown(node, words.source(node), arguments)


def _accelerator_method(
    reader: Reader, owner: Thing, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    if name == "prepare":
        for thing in (t for a in arguments for t in reader.things_in(a)):
            if thing.kind == "scheduler":
                scheduler = reader.schedulers[thing.number]
                scheduler.prepared = True
                scheduler.escapes.append(reader.place(node))
                scheduler.escape_reason = "prepared by Accelerate, which decides when it ticks"
            reader.emit("prepare", node, thing.number, object=thing.kind)
        return Items(list(arguments), "tuple") if len(arguments) != 1 else arguments[0]
    if name == "accumulate":
        return Thing("accumulate", reader.fresh(), {"steps": owner.data.get("steps")})
    if name == "backward":
        _backward(reader, arguments[0] if arguments else NONE, node)
        return NONE
    if name == "unwrap_model" and arguments:
        return arguments[0]
    if name in ("register_for_checkpointing", "save_state", "load_state"):
        for value in arguments:
            reader.escape(value, node, f"handed to accelerator.{name}()")
        return NONE
    return reader.unknown(node, words.source(node), arguments)


def _backward(reader: Reader, loss: Value, node: ast.AST) -> None:
    mark_differentiated(loss)
    if isinstance(loss, Number):  # the loss divided by a setting
        for name in loss.expr.symbols():
            if name in reader.unknowns:
                mark_differentiated(reader.unknowns[name])
    reader.emit("backward", node, 0)


def mark_differentiated(value: Value, depth: int = 0) -> None:
    """Remember that a value is a training loss."""
    if isinstance(value, Unknown) and depth < 6 and not value.differentiated:
        value.differentiated = True
        for part in value.sources:
            if isinstance(part, Unknown) and part.loops == value.loops:
                mark_differentiated(part, depth + 1)
    elif isinstance(value, Choice):
        for side in value.all():
            mark_differentiated(side, depth + 1)


def _loader_method(
    reader: Reader, owner: Thing, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    if name == "__len__":
        return Number(reader.loaders[owner.number].length)
    return reader.unknown(node, words.source(node), (owner, *arguments))


def _parser_method(
    reader: Reader, owner: Thing, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    from . import arguments as command_line

    return command_line.method(reader, owner, name, arguments, keywords, node)


def _group_method(
    reader: Reader, owner: Thing, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    if name == "get" and arguments:
        return item(reader, owner, arguments[0], node)
    return reader.unknown(node, words.source(node))


_THING_METHODS: dict[str, Callable[..., Value]] = {
    "optimizer": _optimizer_method,
    "scheduler": _scheduler_method,
    "scaler": _scaler_method,
    "accelerator": _accelerator_method,
    "loader": _loader_method,
    "parser": _parser_method,
    "group": _group_method,
    "model": _module_method,
}


def _items_method(reader: Reader, owner: Items, name: str, arguments: Sequence[Value], node: ast.Call) -> Value:
    if name == "append" and arguments:
        if reader.loops or len(owner.items) > 256:
            owner.open = True
            if any(True for _ in reader.things_in(arguments[0])) or _first_of_data(owner, arguments[0]):
                owner.items.append(arguments[0])
        else:
            owner.items.append(arguments[0])
        return NONE
    if name == "extend" and arguments and isinstance(arguments[0], Items) and not reader.loops:
        owner.items.extend(arguments[0].items)
        return NONE
    if name in ("copy",):
        return Items(list(owner.items), owner.kind, owner.open)
    if name in ("append", "extend", "insert", "pop", "clear", "remove", "sort", "reverse", "add"):
        owner.open = True
    return reader.unknown(node, words.source(node), (owner, *arguments))


def _first_of_data(owner: Items, value: Value) -> bool:
    """Losses collected in a list: one of them stands for all."""
    return isinstance(value, Unknown) and not owner.items


def _table_method(
    reader: Reader, owner: Table, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    from .expressions import item as get_item

    if name == "get" and arguments:
        known = reader.known(arguments[0])
        if known is not None and known in owner.items:
            reader.note_choice(owner, arguments[0], node)
            return owner.items[known]
        if known is not None and not owner.open:
            return arguments[1] if len(arguments) > 1 else NONE
        return get_item(reader, owner, arguments[0], node)
    if name == "items" and not owner.open:
        return Items([Items([number(k), v], "tuple") for k, v in owner.items.items()])
    if name == "values" and not owner.open:
        return Items(list(owner.items.values()))
    if name == "keys" and not owner.open:
        return Items([number(k) for k in owner.items])
    if name in ("pop", "setdefault") and arguments:
        known = reader.known(arguments[0])
        if known is not None and known in owner.items:
            return owner.items.pop(known) if name == "pop" else owner.items[known]
        if len(arguments) > 1:
            if name == "setdefault" and known is not None:
                owner.items[known] = arguments[1]
            return arguments[1]
    if name == "update":
        if arguments and isinstance(arguments[0], Table):
            owner.items.update(arguments[0].items)
        elif arguments:
            owner.open = True
        owner.items.update(keywords)
        return NONE
    if name == "copy":
        return Table(dict(owner.items), owner.text, owner.open)
    if name in owner.items:  # an attribute dict used as a namespace
        return reader.unknown(node, words.source(node))
    return reader.unknown(node, words.source(node), (owner, *arguments))


def _number_method(reader: Reader, owner: Number, name: str, arguments: Sequence[Value], node: ast.Call) -> Value:
    if name in ("lower", "upper", "strip", "startswith", "endswith"):
        exprs = [reader.scalar(a) for a in arguments]
        if all(e is not None for e in exprs):
            return Number(op(name, owner.expr, *exprs))
    if name == "item":
        return owner
    if name == "split" and isinstance(reader.known(owner), str):
        separator = reader.known(arguments[0]) if arguments else None
        parts = str(reader.known(owner)).split(separator if isinstance(separator, str) else None)
        return Items([number(part) for part in parts])
    return reader.unknown(node, words.source(node), (owner, *arguments))


def unknown_method(
    reader: Reader, owner: Unknown, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value | None:
    """Methods that mean something whatever the object: backward(), step(), eval(), item()."""
    last = words.last_part(owner.symbol.text)
    if name == "backward":
        _backward(reader, owner, node)
        return NONE
    if name == "eval" and not arguments:
        reader.eval_mode = True
        return owner
    if name == "train":
        mode = reader.known(arguments[0]) if arguments else True
        reader.eval_mode = mode is False
        return owner
    if name in ("step", "step_update") and words.names_scheduler(last):
        thing = owner.attributes.get("#scheduler")
        if not isinstance(thing, Thing):
            thing = make_scheduler(reader, last, {}, None, node, known=False, seen=False, text=owner.symbol.text)
            owner.attributes["#scheduler"] = thing
        tick(reader, thing, name, arguments, keywords, node)
        return NONE
    if name == "step" and (words.names_optimizer(last) or last in ("opt", "optim")):
        made = _unseen_optimizer(reader, owner, node)
        if made is not None:
            _update(reader, made.number, node, arguments)
        return NONE
    if name == "step" and words.names_scaler(last) and arguments:
        return _scaler_method(reader, Thing("scaler", 0), name, arguments, keywords, node)
    if name == "scale" and words.names_scaler(last) and arguments:
        return arguments[0]
    if name == "state_dict":
        kind = "scheduler" if words.names_scheduler(last) else "optimizer" if words.names_optimizer(last) else "model"
        return Thing("state", _number_of(owner, kind), {"of": kind})
    if name == "load_state_dict":
        kind = "scheduler" if words.names_scheduler(last) else "optimizer" if words.names_optimizer(last) else "model"
        reader.emit("load", node, _number_of(owner, kind), object=kind, **spelling.loading(node))
        return NONE
    if name in ("item", "detach", "cpu", "mean", "sum", "data", "clone", "numpy", "tolist", "float"):
        same = reader.unknown(node, owner.symbol.text, (owner,))
        same.differentiated = owner.differentiated
        same.loops = owner.loops
        same.function = owner.function
        same.accumulates = owner.accumulates
        return same
    if name in _MODEL_METHODS:
        return owner
    return None


def _number_of(owner: Unknown, kind: str) -> int:
    thing = owner.attributes.get(f"#{kind}")
    return thing.number if isinstance(thing, Thing) else 0

