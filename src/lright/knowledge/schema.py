"""What the ``*.yaml`` files of the knowledge must hold: one check a file, used by :mod:`lright.knowledge.build`.

Each check takes the list of entries as it was read and returns the table that is compiled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import LrightError
from ..setting import DOMAINS, FAMILIES, FIELDS

Entry = Mapping[str, Any]
Table = dict[str, Any]

NO_SOURCE = ("our judgement", "arithmetic", "your own setting")  # stand where a source would and say what is there
VERIFIED = ("read", "second-hand", "memory", "measured")
SCALING = ("linear", "sqrt", "none")


def architectures(entries: list[Any]) -> Table:
    """Models by their names, each also without separators."""
    optional = "family domain norm batch_norm pretrained_only algorithm recipe adapter_recipe"
    table = _table("architectures", entries, "id title names", optional)
    taken: dict[str, str] = {}
    for name, entry in table.items():
        where = f"architectures/{name}"
        _one_of(where, "family", entry.get("family", "cnn"), FAMILIES)
        _one_of(where, "domain", entry.get("domain", "rl"), DOMAINS)
        _one_of(where, "norm", entry.get("norm", "pre"), FIELDS["norm"].choices)
        entry["names"] = _names(where, entry["names"], taken)
    return table


def optimizers(entries: list[Any]) -> Table:
    """Optimizers with their defaults and the learning rates seen; rates that are like another's are written out."""
    required = "id title names adaptive libraries scaling"
    table = _table("optimizers", entries, required, "default_lr beta2 lrs like notes")
    taken: dict[str, str] = {}
    for name, entry in table.items():
        where = f"optimizers/{name}"
        like = entry.pop("like", None)
        entry["lrs"] = [*entry.get("lrs", ()), *(_alike(where, like, table) if like else ())]
        for one in entry["lrs"]:
            _rate(where, one)
        if not entry["lrs"] or entry["lrs"][-1]["when"] != "True":
            raise LrightError(f"{where}: the last of the lrs must hold always")
        _keys(f"{where}/scaling", entry["scaling"], "rule source limits", "reference_batch")
        _one_of(where, "scaling", entry["scaling"]["rule"], SCALING)
        entry["names"] = _names(where, entry["names"], taken)
    return table


def _rate(where: str, one: Entry) -> None:
    """Check one entry of the lrs."""
    _keys(f"{where}/lrs", one, "when low high start source", "reference_batch scaling note")
    _one_of(where, "scaling", one.get("scaling", "none"), SCALING)
    if not 0 < one["low"] <= one["start"] <= one["high"]:
        raise LrightError(f"{where}: {one['low']} <= {one['start']} <= {one['high']} does not hold")


def _alike(where: str, like: Entry, table: Table) -> list[Entry]:
    """The lrs of another optimizer times a factor each for low, high and start."""
    _keys(f"{where}/like", like, "optimizer low high start source", "")
    rates: list[Entry] = table[like["optimizer"]]["lrs"]
    return [{**one, **_multiplied(one, like), "source": _both(like["source"], one["source"])} for one in rates]


def _multiplied(one: Entry, factors: Entry) -> Entry:
    return {key: _rounded(one[key] * factors[key]) for key in ("low", "high", "start")}


def _rounded(number: float) -> float:
    return float(f"{number:.2g}")


def _both(first: str | list[str], second: str | list[str]) -> list[str]:
    return list(dict.fromkeys([*_many(first), *_many(second)]))


def excuses(entries: list[Any]) -> Table:
    """Reasons people give against a schedule, and honest answers."""
    table = _table("excuses", entries, "id says true_part answer source what_to_do", "when")
    for name, entry in table.items():
        _phrases(f"excuses/{name}", entry["says"])
    return table


def facts(entries: list[Any]) -> Table:
    """Statements with their sources."""
    table = _table("facts", entries, "id topic claim holds_when fails_when source verified", "numbers no_source_found")
    for name, entry in table.items():
        where = f"facts/{name}"
        _one_of(where, "verified", entry["verified"], VERIFIED)
        _keys(f"{where}/source", entry["source"], "title", "where ref year")
        if not str(entry["claim"]).endswith("."):
            raise LrightError(f"{where}: the claim is no sentence: {entry['claim']!r}")
    return table


def _table(kind: str, entries: list[Any], required: str, optional: str) -> Table:
    """The entries by their ids, after their keys were checked."""
    if not isinstance(entries, list):
        raise LrightError(f"{kind}: write a list of entries")
    table: Table = {}
    for entry in entries:
        where = f"{kind}/{entry.get('id')}"
        _keys(where, entry, required, optional)
        if entry["id"] in table:
            raise LrightError(f"{where}: two entries have this id")
        table[entry["id"]] = dict(entry)
    return table


def _keys(where: str, entry: Entry, required: str, optional: str) -> None:
    missing = sorted(set(required.split()) - set(entry))
    unknown = sorted(set(entry) - set(required.split()) - set(optional.split()))
    if missing or unknown:
        raise LrightError(f"{where}: missing {missing}, unknown {unknown}")
    empty = [key for key in required.split() if entry[key] in ("", None, [])]
    if empty:
        raise LrightError(f"{where}: {', '.join(empty)} is empty")


def _one_of(where: str, key: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise LrightError(f"{where}: {key}={value!r} is none of {', '.join(choices)}")


def _names(where: str, names: list[Any], taken: dict[str, str]) -> list[str]:
    """The names, each also without separators (which make no difference); one ``taken`` by another is refused."""
    _phrases(where, names)
    for name in names:
        owner = taken.setdefault(_joined(name), where)
        if owner != where:
            raise LrightError(f"{where}: {name!r} belongs to {owner}")
    return list(dict.fromkeys(one for name in names for one in (name, _joined(name))))


def _joined(name: str) -> str:
    return re.sub("[-_/ ]", "", name)


def _phrases(where: str, phrases: list[Any]) -> None:
    for phrase in phrases:
        if not isinstance(phrase, str) or phrase != phrase.lower().strip():
            raise LrightError(f"{where}: {phrase!r} is no text in lower case")


def cited(node: Any) -> set[str]:
    """Every source named anywhere in ``node`` (recipes too).

    >>> sorted(cited([{"source": ["a", "b"]}, {"lrs": [{"source": "c"}], "recipe": "d"}]))
    ['a', 'b', 'c', 'd']
    """
    if isinstance(node, list):
        return {name for one in node for name in cited(one)}
    if not isinstance(node, Mapping):
        return set()
    own = {name for key in ("source", "recipe", "adapter_recipe") for name in _many(node.get(key, []))}
    return own.union(*map(cited, node.values()))


def _many(source: Any) -> list[str]:
    return [source] if isinstance(source, str) else source if isinstance(source, list) else []
