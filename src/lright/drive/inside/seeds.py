"""Another seed for a script that sets its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

FAR = 7919  # a prime: seeds that a script derives from one another stay apart


@contextmanager
def moved(seed: int) -> Iterator[None]:
    """Move every seed that the script sets by ``seed`` (0 leaves them), and start from it where it sets none.

    Generators of its own (``torch.Generator().manual_seed(42)``, as data are split with) are left alone.
    """
    import numpy

    owners: list[tuple[Any, str]] = [(torch, "manual_seed"), (torch.random, "manual_seed"), (random, "seed")]
    owners += [(torch.cuda, "manual_seed"), (torch.cuda, "manual_seed_all"), (numpy.random, "seed")]
    kept = [(owner, name, getattr(owner, name)) for owner, name in owners]
    torch.manual_seed(seed)
    random.seed(seed)
    numpy.random.seed(seed)
    inside: list[bool] = []
    for owner, name, function in kept:
        setattr(owner, name, _moved(function, seed * FAR, inside))
    try:
        yield
    finally:
        for owner, name, function in kept:
            setattr(owner, name, function)


def _moved(function: Callable[..., Any], by: int, inside: list[bool]) -> Callable[..., Any]:
    def wrapper(value: Any = None, *args: Any, **kwargs: Any) -> Any:
        if inside or isinstance(value, bool) or not isinstance(value, int):  # one that another one calls
            return function(value, *args, **kwargs)
        inside.append(True)
        try:
            return function((value + by) % 2**32, *args, **kwargs)
        finally:
            inside.pop()

    return wrapper
