"""Argument parsers: the options a script declares, their defaults, and the command line that is read in their place."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ...errors import UsageError
from ...quantity import Lit, Scalar
from ...records import record
from . import words
from .values import NONE, External, Function, Instance, Items, Number, Table, Thing, Value, number

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
    nargs: Scalar  # None, a number, or one of ? * +
    node: ast.Call
    const: Value | None = None


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
            _set_default(reader, options, key, value, node)
        return NONE
    if name in ("parse_args", "parse_known_args", "parse_intermixed_args"):
        namespace = parse(reader, options, known_only=name == "parse_known_args")
        if name == "parse_known_args":
            return Items([namespace, Items([], open=True)], "tuple")
        return namespace
    return reader.unknown(node, words.source(node), arguments)


def _set_default(reader: Reader, options: list[Option], key: str, value: Value, node: ast.Call) -> None:
    """Of the functions that subcommands set, the one that trains is the one to read."""
    known = [option for option in options if option.destination == key]
    for option in known:
        if not (
            isinstance(value, Function)
            and isinstance(option.default, Function)
            and option.default.name in reader.relevant
        ):
            option.default = value
    if not known:
        options.append(Option([f"--{key}"], key, value, None, "store", None, node))


def _option(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Option | None:
    flags = [flag for flag in (reader.known(argument) for argument in arguments) if isinstance(flag, str)]
    if not flags:
        return None
    destination = reader.known(keywords["dest"]) if "dest" in keywords else None
    if not isinstance(destination, str):
        long = [flag for flag in flags if flag.startswith("--")]
        destination = (long or flags)[0].lstrip("-").replace("-", "_")
    chosen = keywords.get("action")
    action = reader.known(chosen) if chosen is not None else "store"
    if isinstance(chosen, External) and chosen.path.endswith("BooleanOptionalAction"):
        action = "yes or no"
        flags += [f"--no-{flag[2:]}" for flag in flags if flag.startswith("--")]
    kind = keywords.get("type")
    convert = kind.path.rsplit(".", 1)[-1] if isinstance(kind, External) else "other" if kind is not None else None
    return Option(
        flags, destination, keywords.get("default"), convert, action if isinstance(action, str) else "store",
        reader.known(keywords["nargs"]) if "nargs" in keywords else None, node, keywords.get("const"),
    )  # fmt: skip


def parse(reader: Reader, options: list[Option], known_only: bool = False) -> Instance:
    """The namespace a command line gives, defaults filled in."""
    given = _read_command_line(reader.arguments, options, known_only)
    namespace = Instance(None, {}, "args", open=True)
    reader.instances.append(namespace)
    for option in options:
        words_given = given.get(id(option))
        if words_given is not None or option.destination not in namespace.attributes:  # the first default counts
            namespace.attributes[option.destination] = _value(reader, option, words_given)
    return namespace


def _value(reader: Reader, option: Option, given: list[list[str]] | None) -> Value:
    """What an option holds, ``given`` the words behind it each time it was given."""
    text = f"args.{option.destination}"
    place = reader.place(option.node)
    name = f"{text}@{place.line}"
    if given is not None:
        value = _given(reader, option, given)
        if isinstance(value, list):
            return Items([number(v) for v in value])
        return Number(reader.fact(name, text, value, True, "command line", place, option.destination))
    if option.action in ("store_true", "store_false") and option.default is None:
        return Number(
            reader.fact(name, text, option.action == "store_false", True, "argparse", place, option.destination)
        )
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


def _given(reader: Reader, option: Option, given: list[list[str]]) -> Scalar | list[Scalar]:
    """The value of an option that the command line gives."""
    last = given[-1]
    if option.action in ("store_true", "store_false"):
        return option.action == "store_true"
    if option.action == "yes or no":
        return not last[0].startswith("--no-")
    if option.action == "count":
        start = reader.known(option.default) if option.default is not None else None
        return len(given) + (start if isinstance(start, int) else 0)
    if option.action == "store_const" or option.nargs == "?" and not last:
        return reader.known(option.const) if option.const is not None else None
    if option.action in ("append", "extend"):
        return [_converted(option, word) for words_given in given for word in words_given]
    if option.nargs not in (None, "?"):
        return [_converted(option, word) for word in last]
    if not last and option.action == "store" and not any(k.arg in ("nargs", None) for k in option.node.keywords):
        raise UsageError(f"--{option.destination}: the script expects a value after it")
    return _converted(option, last[0]) if last else True


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


def _read_command_line(given: Sequence[str], options: list[Option], known_only: bool) -> dict[int, list[list[str]]]:
    """The words behind each option (by its id), once for every time it is given, by the rules of argparse that scripts
    use."""
    found: dict[int, list[list[str]]] = {}
    by_flag = {flag: option for option in options for flag in option.flags if flag.startswith("-")}
    free: list[str] = []
    waiting = list(given)
    while waiting:
        word = waiting.pop(0)
        flag, separator, attached = word.partition("=")
        option = _lookup(flag, by_flag)
        if option is None and word[:2] in by_flag and word[1:2] != "-":  # -b64, -vv
            option = by_flag[word[:2]]
            if _takes_words(option):
                flag, separator, attached = word[:2], "=", word[2:]
            else:
                waiting.insert(0, "-" + word[2:])
        if option is None:
            if word.startswith("--") and not known_only:
                names = ", ".join(sorted(f for f in by_flag if f.startswith("--"))[:12])
                raise UsageError(f"{flag}: the script has no such option; it has {names}")
            free += [word] if not word.startswith("-") else []
            continue
        occurrences = found.setdefault(id(option), [])
        if not _takes_words(option):
            occurrences.append([flag])
        elif separator:
            occurrences.append([attached])
        else:
            count = next((n for n, w in enumerate(waiting) if _is_flag(w, by_flag)), len(waiting))
            taken = min(count, _most(option))
            occurrences.append(waiting[:taken])
            del waiting[:taken]
    _positional(free, [option for option in options if not option.flags[0].startswith("-")], found)
    return found


def _positional(free: list[str], options: list[Option], found: dict[int, list[list[str]]]) -> None:
    """Deal out the words that belong to no flag: each option leaves enough for those after it."""
    for place, option in enumerate(options):
        later = sum(
            other.nargs if isinstance(other.nargs, int) else other.nargs in (None, "+")
            for other in options[place + 1 :]
        )
        taken = min(_most(option), max(len(free) - later, 0))
        if taken:
            found[id(option)] = [free[:taken]]
            del free[:taken]


def _takes_words(option: Option) -> bool:
    return option.action not in ("store_true", "store_false", "count", "store_const", "yes or no")


def _most(option: Option) -> int:
    """The largest number of words an option takes."""
    if isinstance(option.nargs, int):
        return option.nargs
    return 1 if option.nargs in (None, "?") else 10_000


def _lookup(flag: str, by_flag: dict[str, Option]) -> Option | None:
    if flag in by_flag:
        return by_flag[flag]
    if flag.startswith("--"):
        prefixed = [option for name, option in by_flag.items() if name.startswith(flag)]
        dashed = by_flag.get(flag.replace("_", "-")) or by_flag.get("--" + flag[2:].replace("-", "_"))
        return dashed or (prefixed[0] if len(prefixed) == 1 else None)
    return None


def _is_flag(word: str, by_flag: dict[str, Option]) -> bool:
    return (
        word in by_flag
        or word.startswith("--")
        or (word.startswith("-") and not word[1:].replace(".", "").replace("e", "").replace("-", "").isdigit())
    )
