"""What a text is about: phrases of the lexicon, found in its words.

A phrase is a few words in a row. ``a|b`` is either, ``resum~`` is any word that begins so, ``*`` is up to three words
of no matter, ``**`` up to eight; no phrase goes on past the end of a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

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


def topics(text: str, lexicon: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The topics of ``lexicon`` (topic to phrases) that ``text`` touches, with the words that show it.

    >>> topics("it restarts after I resume", {"resume": ["resum~", "continue * training"], "gan": ["gan|gans"]})
    {'resume': 'resume'}
    """
    speller = Speller(_vocabulary(lexicon), ())
    words = [speller.corrected(word) for word in words_of(text)]
    matcher = _Matcher(words)
    found = {}
    for topic, phrases in lexicon.items():
        for phrase in phrases:
            span = matcher.find(phrase)
            if span is not None:
                found[topic] = " ".join(words[span[0] : span[1]])
                break
    return found


def _vocabulary(lexicon: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The words that the phrases spell out in full."""
    return frozenset(
        word
        for phrases in lexicon.values()
        for phrase in phrases
        for word in re.split(r"[ |]", phrase)
        if len(word) > 4 and word.isalpha()
    )


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
