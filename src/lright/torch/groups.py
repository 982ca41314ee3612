"""Reading and writing hyper-parameters in the parameter groups of an optimizer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor

from ..errors import LrightError

Group = dict[str, Any]


class Place(NamedTuple):
    """Where a number is in a group: under ``key``, and as its element ``item`` if that is a pair."""

    key: str
    item: int | None

    def read(self, group: Group) -> float:
        """The number, also from a tensor."""
        value = group[self.key]
        return float(value if self.item is None else value[self.item])

    def write(self, group: Group, value: float) -> None:
        """Put a number there; a tensor is filled, so that what was compiled or captured with it stays valid."""
        old = group[self.key]
        if isinstance(old, Tensor):
            old.fill_(value)
        elif self.item is None:
            group[self.key] = value
        elif isinstance(old[self.item], Tensor):
            old[self.item].fill_(value)
        else:
            group[self.key] = (*old[: self.item], value, *old[self.item + 1 :])


RATE = Place("lr", None)


def find_place(group: Group, name: str, index: int) -> Place:
    """Where the hyper-parameter ``name`` of group ``index`` is: "lr", "betas[0]"; "momentum" can be the first beta."""
    element = re.fullmatch(r"(\w+)\[(\d+)\]", name)
    if element and isinstance(group.get(element[1]), Sequence) and int(element[2]) < len(group[element[1]]):
        return Place(element[1], int(element[2]))
    if name == "momentum" and name not in group and "betas" in group:
        return Place("betas", 0)
    if isinstance(group.get(name), (int, float, Tensor)) and not isinstance(group[name], bool):
        return Place(name, None)
    numbers = [key for key, value in group.items() if isinstance(value, (int, float, Tensor)) and value is not True]
    numbers += [f"{key}[{item}]" for key in ("betas",) if key in group for item in range(len(group[key]))]
    has = ", ".join(key for key in numbers if not isinstance(group.get(key), bool) and not key.startswith("initial_"))
    raise LrightError(f"group {index} of the optimizer has no number called {name!r}: it has {has}")


def own_value(group: Group, name: str, index: int) -> float:
    """What the optimizer was made with, kept as ``initial_...`` since a scheduler changes it, as torch does the LR."""
    initial = f"initial_{name}"
    value: float = group.setdefault(initial, find_place(group, name, index).read(group))
    return float(value)


def separate(groups: Sequence[Group], defaults: Group) -> None:
    """Give each group a tensor of its own where several share one, as they do if it was given to the optimizer."""
    seen = {id(value) for value in defaults.values() if isinstance(value, Tensor)}
    for group in groups:
        for key, value in group.items():
            if isinstance(value, Tensor):
                if id(value) in seen:
                    group[key] = value.clone()
                seen.add(id(group[key]))
