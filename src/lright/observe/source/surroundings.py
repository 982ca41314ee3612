"""What surrounds a training: configuration, processes, checkpoints, and ways to iterate."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from ...quantity import Lit, Sym
from ...timeline import Place
from . import spelling, words
from .builtin_calls import range_call
from .values import (
    NONE,
    Choice,
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

Written = tuple[object, int]  # a node of a configuration in YAML, and the line of the script before its first


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
        return Method(
            Thing("partial", reader.fresh(), {"callee": arguments[0], "args": arguments[1:], "kw": keywords}), "call"
        )
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
            "save",
            node,
            0,
            held=held,
            dict_place=place,
            entries=spelling.entries(dict_node),
            open=_open(arguments[0]),
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


def read_yaml(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    """A configuration written into the script as YAML (of which JSON is a part) is read; one in a file is not."""
    text = reader.known(arguments[0]) if arguments else None
    if not isinstance(text, str) or "\n" not in text and ":" not in text:
        return _load(reader, arguments, keywords, node)
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return reader.unknown(node, words.source(node), arguments)
    return _plain(reader, found, reader.assigning or "config", reader.place(node), _written(reader, text))


def _written(reader: Reader, text: str) -> Written:
    """The nodes of a configuration, and the line of the script on which it begins (None: not found)."""
    import yaml

    wanted = text.splitlines()
    first = next((i for i, line in enumerate(wanted) if line.strip()), 0)
    for number_, line in enumerate(reader.lines):
        begin = number_ - first
        there = reader.lines[max(begin, 0) : begin + len(wanted)]
        if begin >= 0 and wanted[first] in line and all(w.strip() in t for w, t in zip(wanted, there)):
            return yaml.compose(text), begin
    return None, 0


def _below(written: Written, key: object) -> Written:
    """What stands under a key or a position."""
    held = getattr(written[0], "value", None)
    if isinstance(held, list) and isinstance(key, int) and key < len(held) and not isinstance(held[key], tuple):
        return held[key], written[1]
    for pair in held if isinstance(held, list) else ():
        if isinstance(pair, tuple) and getattr(pair[0], "value", None) == str(key):
            return pair[1], written[1]
    return None, 0


def _place_in(written: Written, lines: Sequence[str], otherwise: Place) -> Place:
    if written[0] is None:
        return otherwise
    start, end = written[0].start_mark, written[0].end_mark  # type: ignore[attr-defined]
    line = written[1] + start.line + 1
    if start.line != end.line or line > len(lines) or end.column > len(lines[line - 1]):
        return otherwise
    return Place(line, start.column + 1, line, end.column + 1)


def _plain(reader: Reader, found: object, text: str, call: Place, written: Written) -> Value:
    """A parsed configuration as values; the scalars in it are settings."""
    if isinstance(found, dict):
        parts = {k: _plain(reader, v, f"{text}[{k!r}]", call, _below(written, k)) for k, v in found.items()}
        return Table(parts, text)
    if isinstance(found, list):
        return Items([_plain(reader, v, f"{text}[{i}]", call, _below(written, i)) for i, v in enumerate(found)])
    if isinstance(found, (bool, int, float, str)):
        place = _place_in(written, reader.lines, call)
        return Number(reader.fact(f"{text}@{place.line}", text, found, True, "literal", place, words.option_name(text)))
    return NONE if found is None else reader.unknown(None, text)


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


def exists(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
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
    return range_call(reader, arguments, {}, node)


def _not_followed(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    return reader.unknown(node, words.source(node), arguments)


def _configuration(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    """``OmegaConf.create`` of a dict or of YAML."""
    return (
        arguments[0] if arguments and isinstance(arguments[0], Table) else read_yaml(reader, arguments, keywords, node)
    )


def _launcher(name: str) -> Callable[..., Value]:
    def started(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
        from . import launchers

        return getattr(launchers, name)(reader, arguments, keywords, node)  # type: ignore[no-any-return]

    return started


# By their whole path: the last part alone says too little.
BY_PATH: dict[str, Callable[..., Value]] = {
    "fire.Fire": _launcher("command_line"),
    "typer.run": _launcher("command_line"),
    "tyro.cli": _launcher("command_line"),
    "jsonargparse.CLI": _launcher("command_line"),
    "omegaconf.OmegaConf.structured": _launcher("command_line"),
    "typer.Option": _launcher("declared"),
    "typer.Argument": _launcher("declared"),
    "dataclasses.field": _launcher("declared"),
    "pydantic.Field": _launcher("declared"),
    "attrs.field": _launcher("declared"),
    "torch.multiprocessing.spawn": _launcher("spawn"),
    "torch.multiprocessing.start_processes": _launcher("spawn"),
    "torch.multiprocessing.spawn.spawn": _launcher("spawn"),
    "accelerate.notebook_launcher": _launcher("launch"),
    "detectron2.engine.launch": _launcher("launch"),
    "omegaconf.OmegaConf.create": _configuration,
}
CALLS: dict[str, Callable[..., Value]] = {
    "GradScaler": _scaler,
    "Accelerator": _accelerator,
    "ArgumentParser": _parser,
    "HfArgumentParser": _not_followed,
    "SimpleNamespace": _namespace,
    "Namespace": _namespace,
    "EasyDict": _namespace,
    "edict": _namespace,
    "ConfigDict": _namespace,
    "Munch": _namespace,
    "AttrDict": _namespace,
    "DotDict": _namespace,
    "partial": _partial,
    "get_world_size": _world_size,
    "get_rank": _rank,
    "save": _save,
    "load": _load,
    "safe_load": read_yaml,
    "full_load": read_yaml,
    "unsafe_load": read_yaml,
    "loads": read_yaml,
    "cycle": _cycle,
    "islice": _islice,
    "count": _count,
    "tqdm": _tqdm,
    "trange": _trange,
    "track": _tqdm,
    "exists": exists,
    "isfile": exists,
    "is_file": exists,
}
