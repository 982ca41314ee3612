"""Models by the names people give them, matched against the table of architectures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from ...knowledge import load
from ...setting import INFERRED
from .facts import ASKED, TOLD, Hearing
from .heard import Code
from .lexer import Item

_SEPARATORS = str.maketrans("", "", "-_/ ")
_FOLLOWS = ("family", "domain", "norm", "batch_norm", "algorithm")
# Kinds of networks: they are a model only where nothing more exact is said.
_KINDS = frozenset("cnn transformer rnn lstm gru mlp unet gnn gan vae llm diffusion vit resnet linear encoder".split())


Found = tuple[int, int, Mapping[str, Any]]


def read_models(hearing: Hearing) -> None:
    """Tag the items that name a model, and note the most exact one."""
    found = _found(hearing)
    best = _best(hearing, found)
    if best:
        _claim(hearing, *best)


def read_code_models(hearing: Hearing, code: Sequence[Code]) -> None:
    """The model that code makes, where the prose names none."""
    if any(claim.name == "model" for claim in hearing.claims):
        return
    index = _index()
    for fragment in code:
        for found in re.finditer(_NAME, fragment.text):
            name = str(found.group(1) or found.group(2))
            key = name.lower().translate(_SEPARATORS)
            identity = index.get(key) if len(key) > 3 else None
            if identity is None and "_" in name and found.group(1):
                _, identity = _shortened(name, 0, index)
            if identity:
                start = hearing.text.find(name)
                entry = _table()[identity]
                hearing.claim("model", identity, start, start + len(name))
                for fact in _FOLLOWS:
                    if fact in entry:
                        hearing.claim(fact, entry[fact], start, start + len(name), TOLD, INFERRED)
                return


_NAME = (
    r"[\"']([A-Za-z][\w./-]{2,60})[\"']|"
    r"\b([A-Za-z]\w{2,40})(?:\(|\.from_pretrained|\.parameters)"
)


def _best(hearing: Hearing, found: list[Found]) -> Found | None:
    """The model in training: the most exact one, or the one that is called "my" or "a" where there are several."""
    found = [one for one in found if not _elsewhere(hearing.items, one[1])]
    exact = [one for one in found if one[2]["id"] not in _KINDS] or found
    if len({one[2]["id"] for one in exact}) > 1:
        owners = _OWNERS - {"my", "our", "your"} if exact is found else _OWNERS
        exact = [one for one in exact if _owned(hearing.items, one[0], owners)] or exact
    if len({one[2].get("family") for one in exact}) > 1 and len(exact) < len(found):
        return None
    return exact[0] if exact else None


def _elsewhere(items: list[Item], end: int) -> bool:
    """Whether it is only the name of a paper: "as in the WideResNet paper"."""
    return end < len(items) and bool(items[end].tags & {"paper", "papers", "recipe", "authors"})


_OWNERS = frozenset("a an my our the your train training fine-tuning finetuning PRETRAINED small".split())


def _owned(items: list[Item], start: int, owners: frozenset[str]) -> bool:
    return start > 0 and not items[start - 1].tags.isdisjoint(owners)


def _claim(hearing: Hearing, start: int, end: int, entry: Mapping[str, Any]) -> None:
    first, last = hearing.items[start].start, hearing.items[end - 1].end
    hearing.claim("model", str(entry["id"]), first, last)
    for name in _FOLLOWS:
        if name in entry:
            hearing.claim(name, entry[name], first, last, TOLD, INFERRED)
    if entry.get("pretrained_only"):
        hearing.claim("pretrained", True, first, last, ASKED + 1, INFERRED)


def _found(hearing: Hearing) -> list[tuple[int, int, Mapping[str, Any]]]:
    table, index = _table(), _index()
    items, text = hearing.items, hearing.text
    found = []
    position = 0
    while position < len(items):
        end, identity = _longest(text, items, position, index)
        if end:
            found.append((position, end, table[identity]))
            for item in items[position:end]:
                item.tags |= {"MODEL"}
                item.taken = True
            position = end
        else:
            position += 1
    return found


def _longest(text: str, items: list[Item], start: int, index: Mapping[str, str]) -> tuple[int, str]:
    """Where the longest name that begins at an item ends, and whose it is."""
    key, best, identity = "", 0, ""
    if not items[start].text[0].isalnum():
        return 0, ""
    for position in range(start, min(start + 8, len(items))):
        item = items[position]
        if position > start:
            gap = text[items[position - 1].end : item.start]
            if (
                gap.strip(" ")
                or (not item.text[0].isalnum() and item.text not in "-/.")
                or (item.text in "-/." and text[item.end : item.end + 1].isspace())
            ):
                break
        key += item.text.lower().translate(_SEPARATORS)
        if key in index and item.text not in "-/." and not (position == start and _everyday(item.text)):
            best, identity = position + 1, index[key]
    if not best and "_" in items[start].text:
        return _shortened(items[start].text, start, index)
    return best, identity


# Names of models that are also words: as models they are written with capitals.
_WORDS = frozenset(
    "bit ast clip blip dit bloom mace sam gat ssd phi pose detector reinforce siren reformer whisper impala inception "
    "electra hyena jasper leela marian pegasus informer megatron gemma edm ernie mae".split()
)


def _everyday(text: str) -> bool:
    """Whether it is a word and no name: bit, clip."""
    if text.lower() not in _WORDS:
        return False
    capitals = sum(letter.isupper() for letter in text)
    return text.lower() == "mae" or capitals < (2 if len(text) < 5 else 1)


def _shortened(name: str, start: int, index: Mapping[str, str]) -> tuple[int, str]:
    """vit_base_patch16_224_augreg is a vit_base_patch16_224."""
    while "_" in name:
        name = name.rpartition("_")[0]
        known = index.get(name.lower().translate(_SEPARATORS))
        if known:
            return start + 1, known
    return 0, ""


@cache
def _table() -> Mapping[str, Any]:
    try:
        table: Mapping[str, Any] = load("architectures")
    except OSError:
        return {}
    return table


@cache
def _index() -> Mapping[str, str]:
    """The ids by the names; the table has each name also without separators."""
    index: dict[str, str] = {}
    for identity, entry in _table().items():
        index.setdefault(identity.translate(_SEPARATORS), identity)
        for name in entry["names"]:
            index.setdefault(name, identity)
    return index
