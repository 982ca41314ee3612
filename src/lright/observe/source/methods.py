"""Attributes, items and methods of library objects, containers, numbers and of what is not understood."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from ...quantity import SAMPLES_PER_BATCH, Expr, Sym, op
from . import spelling, words
from .data import dataset_thing
from .surroundings import processes
from .things import make_scheduler, unseen_optimizer
from .values import NONE, Choice, Function, Instance, Items, Method, Number, Table, Thing, Unknown, Value, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .reader import Reader


_MODEL_METHODS = frozenset(("cuda", "to", "half", "float", "double", "cpu", "compile", "requires_grad_"))


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
        thing = dataset_thing(reader, loader.dataset)
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
    from .library import call_unknown

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
    from .library import call_unknown

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
    from .library import call_unknown

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
    """A call that advances a scheduler; with a prediction, a time and a sample it is one of diffusion's."""
    if len(node.args) > 2:
        return
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
    """Validation metrics that have a name here, each with its direction: what a step without a metric may have
    meant."""
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
            made = unseen_optimizer(reader, arguments[0], node)
            if made is not None:
                reader.emit("update", node, made.number, scaled=True)
        return NONE
    if name == "scale" and arguments:
        return arguments[0]
    if name == "get_scale":
        return number(65536.0)  # where it starts: a run in which no update is skipped
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
    data = isinstance(value, Number) and any(name.startswith("?") for name in value.expr.symbols())
    return (data or isinstance(value, Unknown)) and not owner.items


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
    if name in ("step", "step_update") and words.names_scheduler(last) and len(node.args) < 3:
        thing = owner.attributes.get("#scheduler")
        if not isinstance(thing, Thing):
            maker = words.last_part(owner.call)  # a class, where it is known which
            kind = maker if maker[:1].isupper() else last
            thing = make_scheduler(reader, kind, {}, None, node, known=False, seen=False, text=owner.symbol.text)
            owner.attributes["#scheduler"] = thing
        tick(reader, thing, name, arguments, keywords, node)
        return NONE
    if name == "step" and (words.names_optimizer(last) or last in ("opt", "optim")):
        made = unseen_optimizer(reader, owner, node)
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
