"""The decision framework, carried out: the rows of ``knowledge/decisions.yaml`` against the facts of one case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..knowledge import load
from ..knowledge.conditions import holds
from .facts import Facts

Row = Mapping[str, Any]


def decide(decision: str, case: Facts) -> Row | None:
    """The first row of a decision whose condition holds.

    >>> from lright.setting import Setting
    >>> decide("shape", Facts(Setting.of(domain="rl", algorithm="sac")))["id"]
    'rl-off-policy'
    """
    return next((row for row in load("decisions")[decision] if holds(row["when"], case)), None)


def every(decision: str, case: Facts) -> list[Row]:
    """All rows of a decision whose conditions hold."""
    return [row for row in load("decisions")[decision] if holds(row["when"], case)]
