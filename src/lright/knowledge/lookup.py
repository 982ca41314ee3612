"""Which entry of a table a name means: ``ViT-B/16``, ``vit_b_16`` and ``vitb16`` are one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from . import load

Entry = Mapping[str, Any]

_SEPARATORS = str.maketrans("", "", "-_/ ")
_NOTHING: Entry = {}


def architecture(name: str) -> Entry:
    """What is known of a model by its name, or of the nearest one that its name begins with; empty where it is none.

    >>> architecture("ViT_B_16")["title"], architecture("resnet50.tv_in1k")["id"]
    ('ViT-B/16', 'resnet50')
    """
    return _entry("architectures", name, shorten=True)


def optimizer(name: str) -> Entry:
    """What is known of an optimizer by its name; empty where it is none.

    >>> optimizer("AdamW")["adaptive"]
    True
    """
    return _entry("optimizers", name)


def _entry(table: str, name: str, shorten: bool = False) -> Entry:
    wanted, index = name.lower(), _index(table)
    while wanted:
        found = index.get(wanted.translate(_SEPARATORS))
        if found is not None:
            entry: Entry = load(table)[found]
            return entry
        wanted = wanted[: max(map(wanted.rfind, "-_/ .:"))] if shorten and set(wanted) & set("-_/ .:") else ""
    return _NOTHING


@cache
def _index(table: str) -> Mapping[str, str]:
    """The ids of the entries by their names, of which the build wrote out one without separators."""
    index = {name: identity for identity, entry in load(table).items() for name in entry["names"]}
    return {**{identity.translate(_SEPARATORS): identity for identity in load(table)}, **index}
