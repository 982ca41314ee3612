"""Data: datasets, tensors, loaders, and how long they are."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from ...quantity import SAMPLES_PER_BATCH, SAMPLES_PER_EPOCH, Expr, Lit, Sym, op
from . import words
from .things import make_loader
from .values import Choice, Function, Instance, Items, Number, Range, Table, Thing, Unknown, Value, Wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .reader import Reader


# Number of training and test images (dataset cards and torchvision's own documentation).
DATASETS = {
    "CIFAR10": (50_000, 10_000), "CIFAR100": (50_000, 10_000), "MNIST": (60_000, 10_000),
    "FashionMNIST": (60_000, 10_000), "KMNIST": (60_000, 10_000), "SVHN": (73_257, 26_032), "STL10": (5_000, 8_000),
    "ImageNet": (1_281_167, 50_000),
}  # fmt: skip


def samples(reader: Reader, dataset: Thing, size: Expr, node: ast.AST) -> Sym:
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


def _data_loader(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    from .surroundings import processes

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
        definition=definition,
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


def dataset_thing(reader: Reader, size: Expr | None) -> Thing:
    """A data set of so many samples."""
    thing = Thing("dataset", reader.fresh())
    if size is not None:
        thing.data["length"] = size
    return thing


def known_dataset(
    reader: Reader, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    """A data set whose size everybody knows; ``train`` and ``split`` choose the part."""
    train: object = reader.known(keywords["train"]) if "train" in keywords else None
    if train is None and name in ("SVHN", "STL10", "ImageNet"):
        split = keywords.get("split") or (arguments[1] if len(arguments) > 1 else None)
        train = split is None or reader.known(split) == "train"
    elif train is None:
        train = reader.known(arguments[1]) is not False if len(arguments) > 1 else True
    size = DATASETS[name][0 if train else 1]
    place = reader.place(node)
    symbol = reader.fact(f"{name}#{place.line}", f"len({name})", size, True, "dataset", place)
    reader.units[symbol.name] = SAMPLES_PER_EPOCH
    return dataset_thing(reader, symbol)


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
    return dataset_thing(reader, size)


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
        parts.append(dataset_thing(reader, size))
    return Items(parts)


def _subset(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    indices = arguments[1] if len(arguments) > 1 else keywords.get("indices")
    return dataset_thing(reader, length(reader, indices, node) if indices is not None else None)


def _distributed_sampler(
    reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    return Thing("sampler", reader.fresh())


CALLS: dict[str, Callable[..., Value]] = {
    "DataLoader": _data_loader, "TensorDataset": _tensor_dataset, "random_split": _random_split, "Subset": _subset,
    "DistributedSampler": _distributed_sampler, "randn": _tensor, "rand": _tensor, "zeros": _tensor, "ones": _tensor,
    "empty": _tensor, "randint": _tensor, "randperm": _tensor,
}  # fmt: skip
