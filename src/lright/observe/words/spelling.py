"""Typing errors: an unknown word one slip away from a word of ours is that word."""

from __future__ import annotations

from collections.abc import Iterable


class Speller:
    """Corrects words of five letters and more that are one slip (a letter lost, added, changed or two swapped) away
    from a word it knows, beginning with the same letter.

    >>> speller = Speller(["warmup", "epochs", "learning"], ["leaning"])
    >>> [speller.corrected(word) for word in ("warmpu", "epcohs", "lerning", "leaning", "house")]
    ['warmup', 'epochs', 'learning', 'leaning', 'house']
    """

    def __init__(self, words: Iterable[str], others: Iterable[str]) -> None:
        self.known = set(words)
        self.others = frozenset(others)
        self.near: dict[tuple[str, int], list[str]] = {}
        for word in self.known:
            if len(word) >= 5:
                self.near.setdefault((word[0], len(word)), []).append(word)

    def corrected(self, word: str) -> str:
        """The word that is meant."""
        if len(word) < 5 or word in self.known or word in self.others or not word.isalpha():
            return word
        found = {
            candidate
            for size in (len(word) - 1, len(word), len(word) + 1)
            for candidate in self.near.get((word[0], size), ())
            if one_slip(word, candidate)
        }
        if len(found) > 1:
            found = {candidate for candidate in found if len(candidate) == len(word)}
        return found.pop() if len(found) == 1 else word


def one_slip(one: str, other: str) -> bool:
    """Whether two different words are one typing slip apart.

    >>> one_slip("plataeu", "plateau"), one_slip("spike", "spikes"), one_slip("loss", "lost it")
    (True, True, False)
    """
    start = 0
    for a, b in zip(one, other):
        if a != b:
            break
        start += 1
    if len(one) != len(other):
        longer, shorter = (one, other) if len(one) > len(other) else (other, one)
        return len(longer) == len(shorter) + 1 and longer[start + 1 :] == shorter[start:]
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
