"""How much a question is like what is known of each matter: words in common, the rare ones counting most.

Phrases and grammar see what somebody thought of; this sees the rest. Every matter is a bag of word stems: its own
sentences, and questions that were asked of it (``asked.yaml``). The likeness is the cosine of the two bags, each stem
weighted by its rarity among the matters (tf-idf; Salton and Buckley, Term-weighting approaches in automatic text
retrieval, 1988).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

ASKED = 3.0  # a word of a question asked weighs as much as so many in a sentence of ours (our judgement)
_COMMON = frozenset(
    "a an the and or of to in on at for with is are was were be been it its i my me we you your our this that "
    "these those not no do does did so as by from but if then than too very can could should would will have has "
    "had there their what why how when which who just only also more most some any all one two get got use used "
    "using am im ive dont doesnt isnt cant about after before into up down out over".split()
)
_WORD = re.compile(r"[a-z][a-z_]+")


def stems(text: str) -> list[str]:
    """The stems of the words that say something.

    >>> stems("The schedulers are scheduled after the warm-up; T_max=100")
    ['schedu', 'schedu', 'warm', 'max']
    """
    words = (part for word in _WORD.findall(text.lower()) for part in word.split("_"))
    return [word[:6].rstrip("s") for word in words if len(word) > 2 and word not in _COMMON]


def compiled(matters: Mapping[str, Any], asked: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The bags of all matters: ids, the rarity of each stem, and where it stands with which weight."""
    bags = {name: _bag(matter, asked.get(name, ())) for name, matter in matters.items()}
    spread = Counter(stem for bag in bags.values() for stem in bag)
    rarity = {stem: math.log(1 + len(bags) / count) for stem, count in spread.items()}
    places: dict[str, list[str]] = {}
    for number, bag in enumerate(bags.values()):
        size = math.sqrt(sum((weight * rarity[stem]) ** 2 for stem, weight in bag.items())) or 1.0
        for stem, weight in bag.items():
            places.setdefault(stem, []).append(f"{number}:{weight * rarity[stem] / size:.4f}")
    joined = {stem: " ".join(places[stem]) for stem in sorted(places)}  # read for the stems of a question only
    return {"ids": list(bags), "rarity": {stem: round(rarity[stem], 3) for stem in sorted(rarity)}, "places": joined}


def _bag(matter: Mapping[str, Any], asked: Iterable[str]) -> dict[str, float]:
    counts: Counter[str] = Counter()
    for text in sentences(matter):
        counts.update(stems(text))
    bag = {stem: 1 + math.log(count) for stem, count in counts.items()}
    for question in asked:
        for stem in set(stems(question)):
            bag[stem] = bag.get(stem, 0.0) + ASKED / 2
    return bag


def sentences(node: Any) -> Iterable[str]:
    """Every sentence of a matter, its title included."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("title", "text", "verdict") and isinstance(value, str):
                yield value
            elif key not in ("id", "when", "source", "evidence", "code", "covers"):
                yield from sentences(value)
    elif isinstance(node, list):
        for one in node:
            yield from [one] if isinstance(one, str) else sentences(one)


def likeness(text: str, table: Mapping[str, Any]) -> dict[str, float]:
    """How like each matter a text is, from 0 to 1."""
    rarity = table["rarity"]
    bag = {stem: 1 + math.log(count) for stem, count in Counter(stems(text)).items() if stem in rarity}
    size = math.sqrt(sum((weight * rarity[stem]) ** 2 for stem, weight in bag.items())) or 1.0
    scores = [0.0] * len(table["ids"])
    for stem, weight in bag.items():
        for place in table["places"][stem].split():
            number, _, other = place.partition(":")
            scores[int(number)] += weight * rarity[stem] / size * float(other)
    return dict(zip(table["ids"], scores, strict=True))
