"""Argument parsers: the options a script declares, their defaults, and the command line that is read in their place."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ...errors import UsageError
from ...quantity import Lit, Scalar
from ...records import field, record
from . import words
from .values import NONE, External, Instance, Items, Number, Table, Thing, Value, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .reader import Reader


@record(slots=True)
class Option:
    """One ``add_argument``."""

    flags: list[str]
    destination: str
    default: Value | None
    convert: str | None  # int, float, str, bool
    action: str
    many: bool
    node: ast.Call
    const: Value | None = None
    choices: list[Scalar] = field(default_factory=list)


def new_parser(reader: Reader, keywords: dict[str, Value], node: ast.AST) -> Thing:
    """An ArgumentParser, with the options of its ``parents``."""
    inherited: list[Option] = []
    parents = keywords.get("parents")
    for parent in parents.items if isinstance(parents, Items) else []:
        if isinstance(parent, Thing) and parent.kind == "parser":
            inherited += parent.data["options"]  # type: ignore[arg-type]
    return Thing("parser", reader.fresh(), {"options": inherited})


def method(
    reader: Reader, owner: Thing, name: str, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    """A method of an ArgumentParser."""
    options: list[Option] = owner.data["options"]  # type: ignore[assignment]
    if name == "add_argument":
        option = _option(reader, arguments, keywords, node)
        if option is not None:
            options.append(option)
        return NONE
    if name in ("add_argument_group", "add_mutually_exclusive_group", "add_parser"):
        return owner
    if name == "add_subparsers":
        return owner
    if name == "set_defaults":
        for key, value in keywords.items():
            for option in options:
                if option.destination == key:
                    option.default = value
        return NONE
    if name in ("parse_args", "parse_known_args", "parse_intermixed_args"):
        namespace = parse(reader, options, known_only=name == "parse_known_args")
        if name == "parse_known_args":
            return Items([namespace, Items([], open=True)], "tuple")
        return namespace
    return reader.unknown(node, words.source(node), arguments)


def _option(
    reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Option | None:
    flags = [flag for flag in (reader.known(argument) for argument in arguments) if isinstance(flag, str)]
    if not flags:
        return None
    destination = reader.known(keywords["dest"]) if "dest" in keywords else None
    if not isinstance(destination, str):
        long = [flag for flag in flags if flag.startswith("--")]
        destination = (long or flags)[0].lstrip("-").replace("-", "_")
    action = reader.known(keywords["action"]) if "action" in keywords else "store"
    kind = keywords.get("type")
    convert = kind.path.rsplit(".", 1)[-1] if isinstance(kind, External) else "other" if kind is not None else None
    choices = keywords.get("choices")
    listed = [reader.known(c) for c in choices.items] if isinstance(choices, Items) else []
    return Option(
        flags, destination, keywords.get("default"), convert, action if isinstance(action, str) else "store",
        "nargs" in keywords, node, keywords.get("const"), listed,
    )  # fmt: skip


def parse(reader: Reader, options: list[Option], known_only: bool = False) -> Instance:
    """The namespace a command line gives, defaults filled in."""
    given = _read_command_line(reader.arguments, options, known_only)
    namespace = Instance(None, {}, "args", open=True)
    reader.instances.append(namespace)
    for option in options:
        namespace.attributes[option.destination] = _value(reader, option, given.get(option.destination))
    return namespace


def _value(reader: Reader, option: Option, words_given: list[str] | None) -> Value:
    text = f"args.{option.destination}"
    place = reader.place(option.node)
    name = f"{text}@{place.line}"
    if words_given is not None:
        values = [_converted(option, word) for word in words_given]
        if option.many and option.action == "store":
            return Items([number(v) for v in values])
        value = values[0] if values else True
        if option.action == "store_false":
            value = False
        return Number(reader.fact(name, text, value, True, "command line", place, option.destination))
    if option.action in ("store_true", "store_false") and option.default is None:
        return Number(reader.fact(name, text, option.action == "store_false", True, "argparse", place, option.destination))
    default = option.default
    if default is None or isinstance(default, Number) and default.expr == Lit(None):
        required = default is None and not option.flags[0].startswith("-")
        return _missing(reader, name, text, option, place, required)
    if isinstance(default, Number):
        known = reader.known(default)
        if known is not None:
            known = _typed(option, known)
            symbol = reader.fact(name, text, known, True, "argparse", place, option.destination)
            reader.facts[symbol.name].untyped = _is_untyped(option)
            return Number(symbol)
    if isinstance(default, (Items, Table)):
        return default
    return default


def _missing(reader: Reader, name: str, text: str, option: Option, place: object, required: bool) -> Value:
    """No default: None, unless a setting says otherwise; a positional or required argument is unknown."""
    if required or _is_required(option):
        symbol = reader.fact(name, text, None, False, "unknown", place, option.destination)  # type: ignore[arg-type]
    else:
        symbol = reader.fact(name, text, None, True, "argparse", place, option.destination)  # type: ignore[arg-type]
    return Number(symbol)


def _is_required(option: Option) -> bool:
    return any(
        k.arg == "required" and isinstance(k.value, ast.Constant) and k.value.value is True
        for k in option.node.keywords
    )


def _is_untyped(option: Option) -> bool:
    """Whether neither a type nor an action (nor ``**kwargs``, which may hold one) is given."""
    return not any(keyword.arg in ("type", "action", None) for keyword in option.node.keywords)


def _typed(option: Option, value: Scalar) -> Scalar:
    """argparse converts defaults that are text."""
    if isinstance(value, str) and option.convert in ("int", "float"):
        return _converted(option, value)
    return value


def _converted(option: Option, word: str) -> Scalar:
    if option.convert == "int":
        try:
            return int(word)
        except ValueError:
            raise UsageError(f"--{option.destination}: the script expects an integer, got {word!r}") from None
    if option.convert == "float":
        try:
            return float(word)
        except ValueError:
            raise UsageError(f"--{option.destination}: the script expects a number, got {word!r}") from None
    if option.convert in (None, "str"):
        return word
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return {"true": True, "false": False, "yes": True, "no": False}.get(word.lower(), word)


def _read_command_line(
    given: Sequence[str], options: list[Option], known_only: bool
) -> dict[str, list[str]]:
    """Destination to words, by the rules of argparse that scripts use."""
    found: dict[str, list[str]] = {}
    by_flag = {flag: option for option in options for flag in option.flags if flag.startswith("-")}
    positional = [option for option in options if not option.flags[0].startswith("-")]
    position = 0
    while position < len(given):
        word = given[position]
        position += 1
        flag, separator, attached = word.partition("=")
        option = _lookup(flag, by_flag)
        if option is None:
            if word.startswith("--") and not known_only:
                names = ", ".join(sorted(f for f in by_flag if f.startswith("--"))[:12])
                raise UsageError(f"{flag}: the script has no such option; it has {names}")
            if positional and not word.startswith("-"):
                found[positional.pop(0).destination] = [word]
            continue
        values = [attached] if separator else []
        if option.action in ("store_true", "store_false", "count", "store_const"):
            found[option.destination] = []
            continue
        while not separator and position < len(given) and not _is_flag(given[position], by_flag):
            values.append(given[position])
            position += 1
            if not option.many:
                break
        found[option.destination] = values
    return found


def _lookup(flag: str, by_flag: dict[str, Option]) -> Option | None:
    if flag in by_flag:
        return by_flag[flag]
    if flag.startswith("--"):
        prefixed = [option for name, option in by_flag.items() if name.startswith(flag)]
        dashed = by_flag.get(flag.replace("_", "-")) or by_flag.get("--" + flag[2:].replace("-", "_"))
        return dashed or (prefixed[0] if len(prefixed) == 1 else None)
    return None


def _is_flag(word: str, by_flag: dict[str, Option]) -> bool:
    return word in by_flag or word.startswith("--") or (
        word.startswith("-") and not word[1:].replace(".", "").replace("e", "").replace("-", "").isdigit()
    )
