"""What lright knows, as data: facts and recipes with their sources, architectures, optimizers, the words people use,
and what to say to whom.

People write the ``*.yaml`` files here; ``python -m lright.knowledge.build`` checks them and writes ``compiled/*.json``,
which is what is read at run time (parsing YAML costs more than an answer may).
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

COMPILED = os.path.join(os.path.dirname(__file__), "compiled")


@cache
def load(name: str) -> Any:
    """The compiled table ``name``.

    >>> load("facts")["sequential_lr_restarts_clock"]["topic"]
    'framework'
    """
    with open(os.path.join(COMPILED, f"{name}.json"), encoding="utf-8") as file:
        return json.load(file)


@cache
def matter(name: str) -> Any:
    """One matter by its id. Their table holds each as a text of its own: of the many, an answer needs a few.

    >>> matter("plateau-constant-lr")["rule"]
    'LR601'
    """
    return json.loads(load("matters")[name])
