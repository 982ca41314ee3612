"""Reasons people give for doing without: recognised by their words, conceded where they are right, and answered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..knowledge import load
from ..knowledge.conditions import holds
from .answer import Point

CLEAR = 3  # words that must be common for an excuse to be told whatever the question is about
MOST = 2
_SMALL = frozenset(
    "a an the i we you it is are was be to of in on at for with and or so that this my our your me us do does did not "
    "no already just only use used using have has had will would can could should need needs take takes as by from "
    "but if isn't it's i'll don't doesn't there them then than too very really any".split()
)


def spoken(prose: str) -> list[tuple[Mapping[str, Any], int]]:
    """The excuses in a text, each with the number of words that show it, the clearest first.

    >>> [entry["id"] for entry, _ in spoken("Since Adam already adapts the rate, why decay?")]
    ['adam-adapts']
    """
    sentences = [_stems(sentence) for sentence in re.split(r"[.?!;\n]+", prose.lower())]
    found = []
    for entry in load("excuses").values():
        clearest = max((_shown(phrase, sentences) for phrase in entry["says"]), default=0)
        if clearest >= 2:
            found.append((entry, clearest))
    return sorted(found, key=lambda pair: -pair[1])


def _shown(phrase: str, sentences: Iterable[set[str]]) -> int:
    """How many words of a phrase one sentence holds, if it holds them all."""
    stems = _stems(phrase)
    return len(stems) if any(stems <= sentence for sentence in sentences) and len(stems) > 1 else 0


def _stems(text: str) -> set[str]:
    words = re.findall(r"[a-z0-9'-]+", text.replace("learning rate", "lr").replace("warm-up", "warmup"))
    return {word[:6].rstrip("s") for word in words if word not in _SMALL and not word[0].isdigit()}


def points(prose: str, case: Mapping[str, Any], welcome: bool) -> list[Point]:
    """What to say to the excuses of a text; ``welcome``: the question is whether to do without."""
    said = []
    for entry, clear in spoken(prose):
        if clear < CLEAR and not welcome:
            continue
        sources = (entry["source"],) if isinstance(entry["source"], str) else tuple(entry["source"])
        right = "when" in entry and holds(entry["when"], case)
        text = entry["true_part"] if right else f"{entry['true_part']} But: {entry['answer']}"
        said.append(Point(f"excuse.{entry['id']}", "why", f"If your reason is \"{entry['says'][0]}\": {text}", sources))
    return said[:MOST]
