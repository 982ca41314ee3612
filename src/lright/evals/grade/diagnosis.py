"""The diagnosis of a reading task: what an answer asserts, out of a closed set of named diagnoses.

An answer asserts what it says in its opening and wherever it draws a conclusion. What it denies, or only lists among
other possibilities, is not asserted; an answer that asserts several that exclude one another asserts none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

LONGEST = 20_000

FILE = Path(__file__).with_name("diagnoses.yaml")


@lru_cache(maxsize=1)
def known() -> Mapping[str, tuple[tuple[re.Pattern[str], ...], frozenset[str]]]:
    """Every diagnosis with the ways to say it, and the others that it goes together with."""
    import yaml

    data = yaml.safe_load(FILE.read_text("utf-8"))
    return {
        name: (tuple(re.compile(one, re.IGNORECASE) for one in entry["says"]), frozenset(entry["with"]))
        for name, entry in data.items()
    }


_DENIED = re.compile(
    r"(?:\bnot\b|n't\b|\bno sign\w* of|\bno evidence (?:of|for)|\brather than\b|\binstead of\b|\brule\w* out|"
    r"\bunlike\b|\bnor\b|"
    r"\bnever\b|\bwithout any\b|\bno (?:real )?)(?:\W+\w+){0,4}\W*$",
    re.IGNORECASE,
)
_HEDGED = re.compile(
    r"\b(?:could be|might be|may be|could also|might also|several|many|various|possib\w+|either|depends?|"
    r"hard to (?:say|tell)|"
    r"impossible to|cannot (?:say|tell)|can't (?:say|tell)|any of|one of|perhaps|maybe|candidates|not sure|unclear|"
    r"many things)\b",
    re.IGNORECASE,
)
_CONCLUDES = re.compile(
    r"\b(?:main cause|root cause|the cause|the (?:main |actual |real |underlying )?(?:problem|issue|culprit) is|"
    r"diagnosis|verdict|"
    r"conclusion|in short|in summary|what happen\w*|what's (?:wrong|happening)|tl;?dr|so the)\b",
    re.IGNORECASE,
)


def sentences(text: str) -> list[str]:
    """The sentences of a text, without code, tables and marks of emphasis.

    >>> sentences("It **diverged** at epoch 1.5. Lower lr.\\n- a point")
    ['It diverged at epoch 1.5.', 'Lower lr.', 'a point']
    """
    text = re.sub(r"(?ms)^[ \t]*(```|~~~).*?(?:^[ \t]*\1|\Z)", "\n", text[:LONGEST])
    text = re.sub(r"(?m)^\s*\|.*$", "", text)
    text = re.sub(r"[*_`#>]{1,3}(?=\S)|(?<=\S)[*`]{1,3}", lambda found: "_" if found.group() == "_" else "", text)
    lines = [re.sub(r"^\s*(?:[-•+]|\d+[.)])\s+", "", line).strip() for line in text.split("\n")]
    parts = [part for line in lines if line for part in re.split(r"(?<=[.!?])\s+(?=\S)", line)]
    return [part.strip() for part in parts if part.strip()]


def named(sentence: str) -> set[str]:
    """The diagnoses that one sentence asserts."""
    found = set()
    sentence = _plain(sentence)
    for name, (patterns, _) in known().items():
        if any(_asserted(pattern, sentence, name) for pattern in patterns):
            found.add(name)
    return found


def _plain(sentence: str) -> str:
    """A sentence without what it says on a condition in brackets, and whose numbers have no points, so that a point is
    its end."""
    sentence = re.sub(r"\([^()]*\b(?:if|unless|when)\b[^()]*\)", "", sentence)
    return re.sub(r"(?<=\d)\.(?=\d)", "_", sentence)


def _asserted(pattern: re.Pattern[str], sentence: str, name: str) -> bool:
    """Whether a pattern stands in a sentence without a denial before it (to find nothing wrong is a denial itself)."""
    for hit in pattern.finditer(sentence):
        before = sentence[max(0, hit.start() - 60) : hit.start()]
        before = re.split(r"[,;:]| but |\band\b", before)[-1]
        if not _DENIED.search(before) and not (name == "overfitting" and re.search(r"\bnot\b|n't|no ", hit.group())):
            return True
    return False


def asserted(text: str) -> tuple[set[str], bool]:
    """What an answer asserts in its opening and its conclusions, and whether it hedges there."""
    told = sentences(text)
    if not told:
        return set(), False
    opening = _opening(told)
    found = set().union(*(named(one) for one in opening))
    closing = [one for one in told[len(opening) :] if _CONCLUDES.search(one)]
    later: set[str] = set().union(*(named(one) for one in closing)) if closing else set()
    hedged = any(_HEDGED.search(one) for one in opening) and len(found) != 1
    return found | later, hedged


def _opening(told: list[str]) -> list[str]:
    """The first sentence that says what is the matter, with those before it; at most four."""
    for number, one in enumerate(told[:4]):
        if named(one) or _HEDGED.search(one):
            return told[: number + 1]
    return told[:4]


def diagnosed(text: str, meant: str) -> tuple[bool, str]:
    """Whether an answer asserts the diagnosis that is meant, and none that excludes it."""
    found, hedged = asserted(text)
    if not found:
        return False, "it names no diagnosis in its opening"
    others = found - {meant} - known()[meant][1]
    if meant not in found:
        return False, f"it says {', '.join(sorted(found))}"
    if hedged:
        return False, "it lists possibilities without choosing"
    if len(others) > 1 or (others and _HEDGED.search(" ".join(sentences(text)[:2]))):
        return False, f"it also says {', '.join(sorted(others))}"
    if others and not _first(text, meant, others):
        return False, f"it says {', '.join(sorted(others))} first"
    return True, f"it says {meant}"


def _first(text: str, meant: str, others: set[str]) -> bool:
    """Whether the diagnosis that is meant stands before the other, or in a sentence of its own."""
    for one in sentences(text):
        found = named(one)
        if meant in found:
            return not (found & others) or _position(one, meant) <= min(
                _position(one, other) for other in others & found
            )
        if found & others:
            return False
    return False


def _position(sentence: str, name: str) -> int:
    plain = _plain(sentence)
    hits = [hit.start() for pattern in known()[name][0] for hit in pattern.finditer(plain)]
    return min(hits, default=len(sentence))


_EPOCHS = re.compile(
    r"\bepochs?\W{0,3}(?:about |around |number |no\. ?|roughly |approximately |~ ?|≈ ?|#)?(\d{1,4})(?:\s*(?:-|–|to|"
    r"/|or|and)\s*(\d{1,4}))?"
    r"|\b(\d{1,4})(?:st|nd|rd|th) epoch|\bafter (?:about |around |~ ?|roughly )?(\d{1,4}) epochs",
    re.IGNORECASE,
)


def numbered(text: str, wanted: Mapping[str, object]) -> tuple[bool, str]:
    """Whether an answer says the epoch that was asked for: in the sentences on the subject, the first epoch that is
    named (or a range that holds it) is the right one, within the tolerance."""
    about = [str(word).lower() for word in _list(wanted.get("about"))]
    value, tolerance = float(str(wanted["value"])), float(str(wanted["tolerance"]))
    seen: list[float] = []
    told = [one for one in sentences(text) if any(word in one.lower() for word in about) and _EPOCHS.search(one)]
    for one in told:
        spots = [match.start() for word in about for match in re.finditer(re.escape(word), one.lower())]
        hits = sorted(
            _EPOCHS.finditer(one), key=lambda hit: min((abs(hit.start() - spot) for spot in spots), default=0)
        )
        for hit in hits:
            low, high = _range(hit)
            if not (low == 0 and value != 0):
                seen.append(low)
                if low - tolerance <= value <= high + tolerance and high - low <= 2 * tolerance + 4:
                    if len(set(seen)) <= 3:
                        return True, f"it says epoch {low:g}"
                    return False, "it names many epochs"
    return False, f"it says epoch {seen[0]:g} instead of {value:g}" if seen else "it says no epoch"


def _range(hit: re.Match[str]) -> tuple[float, float]:
    numbers = [float(group) for group in hit.groups() if group]
    return min(numbers), max(numbers)


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []
