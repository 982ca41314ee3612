"""What a text is about: phrases of the lexicon, found in its words.

A phrase is a few words in a row. ``a|b`` is either, ``resum~`` is any word that begins so, ``*`` is up to three words
of no matter, ``**`` up to eight; no phrase goes on past the end of a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .spelling import Speller

_WORD = re.compile(r"[a-z0-9_]+(?:[.'/+-][a-z0-9_]+)*|[.?!;\n]")
_ENDS = frozenset(".?!;")


def words_of(text: str) -> list[str]:
    """The words of ``text`` in lower case; an end of a sentence, or an empty line, is the word ``.``.

    >>> words_of("Why? It isn't per-batch.")
    ['why', '.', 'it', "isn't", 'per-batch', '.']
    """
    found = _WORD.findall(re.sub(r"\n\s*\n", ". ", text.lower()))
    return ["." if word in _ENDS else word for word in found if word != "\n"]


def topics(text: str, lexicon: Mapping[str, Any]) -> dict[str, str]:
    """The topics of a compiled ``lexicon`` that ``text`` touches, with the words that show it.

    >>> from lright.knowledge.advice import indexed
    >>> known = indexed({"resume": ["resum~", "continue * training"], "gan": ["gan|gans"]})
    >>> topics("it restarts after I resume", known)
    {'resume': 'resume'}
    """
    speller = Speller(lexicon["words"], ())
    words = [speller.corrected(word) for word in words_of(text)]
    matcher = _Matcher(words)
    found: dict[str, str] = {}
    for number in sorted(_candidates(set(words), lexicon)):
        topic, phrase = lexicon["phrases"][number]
        if topic not in found:
            span = matcher.find(phrase)
            if span is not None:
                found[topic] = " ".join(words[span[0] : span[1]])
    return found


def _candidates(words: Iterable[str], lexicon: Mapping[str, Any]) -> set[int]:
    """The phrases, by number, whose first word stands in the text at all."""
    first, begins = lexicon["first"], lexicon["begins"]
    numbers: set[int] = set()
    for word in words:
        numbers.update(first.get(word, ()))
        for size in range(1, len(word) + 1):
            numbers.update(begins.get(word[:size], ()))
    return numbers


class _Matcher:
    """Where patterns of words stand in one text."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        self.places: dict[str, list[int]] = {}
        for place, word in enumerate(words):
            self.places.setdefault(word, []).append(place)
        self.known: dict[str, list[int]] = {}

    def find(self, phrase: str) -> tuple[int, int] | None:
        """The first place of a phrase as a span of words."""
        first, *rest = phrase.split(" ")
        for start in self.where(first):
            end = self._follow(start + 1, rest)
            if end is not None:
                return start, end
        return None

    def where(self, pattern: str) -> list[int]:
        """The places of one pattern: a word, alternatives, a beginning."""
        if pattern not in self.known:
            self.known[pattern] = sorted({place for one in pattern.split("|") for place in self._one(one)})
        return self.known[pattern]

    def _one(self, pattern: str) -> Iterable[int]:
        if not pattern.endswith("~"):
            return self.places.get(pattern, ())
        return [place for word, places in self.places.items() if word.startswith(pattern[:-1]) for place in places]

    def _follow(self, place: int, rest: Sequence[str]) -> int | None:
        """Where the phrase ends if its ``rest`` follows at ``place``."""
        if not rest:
            return place
        head, *tail = rest
        if head in ("*", "**"):
            for skipped in range(4 if head == "*" else 9):
                end = self._follow(place + skipped, tail)
                if end is not None:
                    return end
                if place + skipped >= len(self.words) or self.words[place + skipped] == ".":
                    return None
            return None
        return self._follow(place + 1, tail) if place in self.where(head) else None
