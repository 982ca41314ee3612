"""What stands behind a statement: facts, recipes and rules by their ids, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..knowledge import load

_HOW = {"second-hand": "read second-hand", "memory": "from memory, not checked", "measured": "measured"}


def described(source: str) -> str:
    """A source id as a line for people; a text that is no id stays as it is.

    >>> described("our judgement")
    'our judgement'
    """
    fact = load("facts").get(source)
    if fact is not None:
        return f"{source}: {_origin(fact)}"
    recipe = recipes().get(source)
    if recipe is not None:
        return f"{source}: {_origin(recipe)}"
    return source


def _origin(entry: Mapping[str, Any]) -> str:
    source = entry["source"]
    parts = [str(source[key]) for key in ("title", "where", "ref") if source.get(key) not in (None, "", "-")]
    how = _HOW.get(str(entry.get("verified", "")), "")
    return ", ".join(dict.fromkeys(parts)) + (f" ({how})" if how else "")


def recipes() -> Mapping[str, Any]:
    """The published recipes by id and by their other names."""
    table: dict[str, Any] = {}
    for name, recipe in load("recipes").items():
        table[name] = recipe
        for alias in recipe.get("aliases", ()):
            table.setdefault(alias, recipe)
    return table


def is_known(source: str) -> bool:
    """Whether a source is an id of ours or plain words (with a blank, or one of a few single words)."""
    return source in load("facts") or source in recipes() or " " in source or source in ("arithmetic",)
