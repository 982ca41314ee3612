"""The scenarios in words: those of the seed verbatim, the same in other words, and under pressure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..nouns import SCENARIO, Problem

FILE = Path(__file__).resolve().parent.parent / "scenarios.yaml"
INHERITED = ("criteria", "wrong", "case")


@lru_cache(maxsize=1)
def _data() -> Mapping[str, Any]:
    import yaml

    loaded: Mapping[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    return loaded


def known() -> Mapping[str, Mapping[str, Any]]:
    """Every criterion by its id: kind, key, what it says, and the curve that it asks for."""
    criteria: Mapping[str, Mapping[str, Any]] = _data()["criteria"]
    return criteria


def tasks() -> Iterator[Problem]:
    """All scenarios, with what they take from others."""
    entries = {entry["id"]: entry for entry in _data()["scenarios"]}
    for entry in entries.values():
        whole = resolved(entry, entries)
        criteria = (*whole["criteria"], *whole["wrong"])
        expected = {
            "criteria": {name: dict(known()[name]) for name in criteria},
            "case": dict(whole["case"]),
            "cluster": entry.get("like", entry["id"]),  # paraphrases fail together: they are one piece of evidence
        }
        prompt = str(entry["prompt"]).strip("\n")
        yield Problem(entry["id"], SCENARIO, prompt, {}, criteria, expected, (entry["origin"],))


def resolved(entry: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A scenario's criteria, wrong statements and case: its own, or those of the one that it is like."""
    found: dict[str, Any] = {"criteria": [], "wrong": [], "case": {}}
    if "like" in entry:
        found.update(resolved(entries[entry["like"]], entries))
    found.update({name: entry[name] for name in INHERITED if name in entry})
    return found
