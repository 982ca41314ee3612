"""A question as items: numbers with what they are worth, and words under the tag of their meaning."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from .spelling import Speller

_TOKEN = re.compile(
    r"(?P<num>(?:(?<![\w.)])[-−](?=\.?\d))?(?:\d+(?:\.\d+)?\s?[x×*·]\s?)?(?:10\s?\^\s?\(?[-−]?\d+\)?|10\*\*-?\d+)"
    r"|(?:(?<![\w.)])[-−](?=\.?\d))?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d{1,3}(?:'\d{3})+(?!\d)|0,0\d+(?!,?\d)|\d+(?:_\d+)*)(?:\.\d+)?(?:[eE][-+−]?\d+)?(?!\.\d)"
    r"|(?:(?<![\w.)])[-−])?\.\d+(?:[eE][-+−]?\d+)?)"
    r"|(?P<word>w/o?(?![A-Za-z])|[A-Za-z_]+[A-Za-z_0-9]*(?:['’][A-Za-z]+)?)"
    r"|(?P<arrow>->|→|=>|⇒|—>|-->)|(?P<newline>\n[ \t]*(?:[-*•+]\s|\d+[.)]\s|\n|$)?)"
    r"|(?P<mark>[-+*/]=|[^\s\w`\"'’*“”‘]|(?<=\s)\*(?=\s)|(?<=[\w)])\*(?=[\s(\w]))"
)  # fmt: skip

SCALES = {
    "k": 1e3, "K": 1e3, "M": 1e6, "mil": 1e6, "mio": 1e6, "mn": 1e6, "B": 1e9, "bn": 1e9, "T": 1e12, "million": 1e6,
    "millions": 1e6, "billion": 1e9, "thousand": 1e3, "hundred": 1e2, "trillion": 1e12, "b": 1e9, "m": 1e6, "mln": 1e6,
}  # fmt: skip
_APART = frozenset(
    ("million", "millions", "billion", "thousand", "hundred", "trillion", "mil", "mln", "k", "M", "K", "B")
)
_WORTH = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "twelve": 12, "fifteen": 15, "sixteen": 16, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100, "thirtytwo": 32, "sixtyfour": 64, "thousand": 1000,
    "eleven": 11, "thirteen": 13, "fourteen": 14, "eighteen": 18, "dozen": 12,
}  # fmt: skip
_ORDINALS = {
    "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
    "twelfth": 12, "fifteenth": 15, "twentieth": 20, "thirtieth": 30, "fiftieth": 50,
}  # fmt: skip
# A number of these is none of ours.
_FOREIGN = frozenset(
    "gb mb tb gib px ms min mins minutes minute hours hour hr hrs h days day weeks week months seconds secs sec s "
    "years classes categories layers heads blocks channels features dims fps hz khz db workers seeds folds envs "
    "labels people class bit bits gbit fold shot way cores layer times trials runs "
    "mm cm kg km mph $ usd euro dollars points pt pp environments filters neurons units splits variables".split()
)  # fmt: skip


class Item:
    """A number or a phrase, with the tags of its meaning: NUM, PCT, ORD, QTY (a number of something foreign), tags of
    the lexicon, and the word itself. ``taken`` says that a fact was made of it."""

    __slots__ = ("tags", "text", "start", "end", "value", "taken", "sentence", "clause", "quoted")

    def __init__(self, tags: frozenset[str], text: str, start: int, end: int, value: float = 0.0) -> None:
        self.tags, self.text, self.start, self.end, self.value = tags, text, start, end, value
        self.taken = self.quoted = False
        self.sentence = self.clause = 0

    def __repr__(self) -> str:
        return f"{'|'.join(sorted(self.tags))}:{self.text!r}"


class Lexicon:
    """Phrases as keys without blanks with their tags, every beginning of a phrase, and the words for themselves."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        sets = [frozenset(tags) for tags in table["sets"]]
        self.tags: dict[str, frozenset[str]] = {key: sets[number] for key, number in table["tags"].items()}
        self.beginnings = frozenset(table["beginnings"])
        self.forms: dict[str, str] = table["forms"]
        self.datasets: dict[str, list[Any]] = table["datasets"]
        self.fillers = frozenset(table["fillers"])
        self.speller = Speller(table["words"], table["everyday"])


@cache
def lexicon() -> Lexicon:
    """The one lexicon, compiled from :mod:`lexicon` by ``python -m lright.observe.words.build``."""
    with open(os.path.join(os.path.dirname(__file__), "compiled.json"), encoding="utf-8") as file:
        return Lexicon(json.load(file))


class _Token:
    __slots__ = ("end", "key", "kind", "low", "start", "text")

    def __init__(self, kind: str, text: str, start: int, end: int, low: str, key: str) -> None:
        self.kind, self.text, self.start, self.end, self.low, self.key = kind, text, start, end, low, key


def items(text: str) -> list[Item]:
    """The numbers, phrases, words and marks of a text in order.

    >>> [(item.text, item.value) for item in items("bs 2k for 1.2 million images, 0.1%") if item.value]
    [('2k', 2000.0), ('1.2 million', 1200000.0), ('0.1%', 0.001)]
    """
    tokens, quotes = _tokens(text), _quotes(text)
    found: list[Item] = []
    index = sentence = clause = 0
    while index < len(tokens):
        token = tokens[index]
        item, after = _item(text, tokens, index)
        if item is None:
            if token.kind == "newline" and _breaks(text, token):
                sentence, clause = sentence + 1, clause + 1
                item = Item(_BREAK, "\n", token.start, token.end)
            else:
                index = after
                continue
        item.sentence, item.clause = sentence, clause
        item.quoted = any(first < item.start < last for first, last in quotes)
        if token.kind == "mark":
            if token.text in "?!" or (token.text == "." and text[token.end : token.end + 1] in _ENDS):
                sentence, clause = sentence + 1, clause + 1
            elif token.text in ",;:()":
                clause += 1
        found.append(item)
        index = after
    return found


def _quotes(text: str) -> list[tuple[int, int]]:
    """Where somebody else's words stand: four or more of them between double quotes."""
    if not any(sign in text for sign in '"“'):
        return []
    return [found.span() for found in re.finditer(r'["“][^"“”\n]{12,400}["”]', text) if found.group().count(" ") > 2][
        :50
    ]


_ENDS = ("", " ", "\n", ")", '"', "'", ".")
_BREAK = frozenset(("BREAK", "\n"))
_SPLIT = r"(bs|lr|ep|epochs?|batch|wd|x)(\d[\d.]*)$"
_TIMES = frozenset(("TIMES", "x"))


def _tokens(text: str) -> list[_Token]:
    known = lexicon()
    tokens: list[_Token] = []
    for found in _TOKEN.finditer(text):
        kind, start, end = str(found.lastgroup), found.start(), found.end()
        word = found.group()
        if kind != "word":
            tokens.append(_Token(kind, word, start, end, word, word.replace(",", "") if kind == "num" else ""))
            continue
        low = word.lower().replace("’", "'")
        after_number = bool(tokens) and tokens[-1].kind == "num" and tokens[-1].end == start
        if after_number and low[0] == "x" and len(low) > 1:
            tokens.append(_Token("mark", "x", start, start + 1, "x", ""))
            word, low, start = word[1:], low[1:], start + 1
            if low.isdigit():
                tokens.append(_Token("num", word, start, end, low, low))
                continue
        split = re.match(_SPLIT, low) if low[-1].isdigit() else None
        if split and low not in lexicon().tags:
            cut = start + split.end(1)
            tokens.append(_Token("word", text[start:cut], start, cut, split.group(1), split.group(1)))
            tokens.append(_Token("num", text[cut:end], cut, end, split.group(2), split.group(2)))
            continue
        tokens.append(_Token("word", word, start, end, low, _key(low, known)))
    return tokens


def _key(low: str, known: Lexicon) -> str:
    """The word as phrases hold it: base form, slips corrected, empty where it says nothing."""
    if low in known.fillers:
        return ""
    if low.endswith(("n't", "nt'")):
        return "not"
    forms = known.forms
    form = forms.get(low)
    if form is None:
        low = low.removesuffix("'s")
        bare = low.replace("_", "")
        form = forms.get(bare, bare)
        if form == low and form not in known.tags:
            form = known.speller.corrected(form)
            form = forms.get(form, form)
    return form


def _breaks(text: str, token: _Token) -> bool:
    """Whether a new line is a new sentence: after a mark, before an empty line, a bullet or a capital."""
    before = text[: token.start].rstrip(" \t")[-1:]
    after = text[token.end : token.end + 80].lstrip(" \t")[:1]
    return len(token.text) > 1 or before in ".?!:;" or not after or after.isupper() or after in "-*\n#"


def _item(text: str, tokens: list[_Token], index: int) -> tuple[Item | None, int]:
    token = tokens[index]
    if token.kind in ("word", "num"):
        tags, after = _phrase(text, tokens, index)
        if tags:
            last = tokens[after - 1]
            if after == index + 1:
                tags = tags | {token.low, token.key}
                if token.kind == "num":
                    return Item(tags | {"NUM"}, token.text, token.start, token.end, worth(token.text)), after
            return Item(tags, text[token.start : last.end], token.start, last.end, _WORTH.get(token.low, 0.0)), after
    if token.kind == "num":
        return _number(text, tokens, index)
    if token.kind == "word":
        return _word(text, tokens, index)
    if token.kind == "newline":
        return None, index + 1
    if token.kind == "arrow":
        return Item(_ARROW, token.text, token.start, token.end), index + 1
    if token.text in ("×", "x"):
        return Item(_TIMES, token.text, token.start, token.end), index + 1
    return Item(frozenset((token.text,)), token.text, token.start, token.end), index + 1


_ARROW = frozenset(("ARROW",))


def _phrase(text: str, tokens: list[_Token], index: int) -> tuple[frozenset[str] | None, int]:
    """The tags of the longest phrase that begins here, and where it ends."""
    known, beginnings = lexicon().tags, lexicon().beginnings
    key, best, after = tokens[index].key, None, index
    if not key:
        return None, index
    position = index
    while True:
        tags = known.get(key) if tokens[position].key else None
        if tags:
            best, after = tags, position + 1
        if key not in beginnings or position - index > 8:
            return best, after
        position += 1
        while position < len(tokens) and tokens[position].kind == "mark" and tokens[position].text in "-/.":
            if (
                text[tokens[position].start - 1].isspace()
                or text[tokens[position].end : tokens[position].end + 1].isspace()
            ):
                return best, after
            position += 1
        if position >= len(tokens) or tokens[position].kind not in ("word", "num"):
            if position < len(tokens) and tokens[position].kind == "newline" and len(tokens[position].text) == 1:
                if (
                    position + 1 < len(tokens)
                    and tokens[position + 1].kind == "word"
                    and not _breaks(text, tokens[position])
                ):
                    position += 1
                    key += tokens[position].key
                    continue
            return best, after
        key += tokens[position].key


def _number(text: str, tokens: list[_Token], index: int) -> tuple[Item, int]:
    """A number with its suffix and percent sign."""
    token, after = tokens[index], index + 1
    value, end, tags = worth(token.text), token.end, frozenset(("NUM",))
    follower = tokens[after] if after < len(tokens) else None
    if follower and follower.kind == "word":
        adjacent = follower.start == end
        scale = SCALES.get(follower.text) or SCALES.get(follower.low if len(follower.low) > 2 else "")
        if scale and (adjacent or follower.text in _APART or follower.low in _APART) and _scales(follower, adjacent):
            value, end, after = value * scale, follower.end, after + 1
            follower = tokens[after] if after < len(tokens) else None
    if follower and follower.text == "%" or follower and follower.low in ("percent", "pct"):
        return Item(
            frozenset(("PCT",)), text[token.start : follower.end], token.start, follower.end, value / 100
        ), after + 1
    if follower and follower.kind == "word":
        if follower.start == end and follower.low in ("st", "nd", "rd", "th"):
            return Item(
                frozenset(("ORD",)), text[token.start : follower.end], token.start, follower.end, value
            ), after + 1
        if follower.low in ("a", "an") and follower.start == end:
            tags = frozenset(("QTY",))
        if follower.low in _FOREIGN and (follower.low != "s" or follower.start == end):
            tags = frozenset(("QTY",))
    if follower and follower.text == "-" and after + 1 < len(tokens) and tokens[after + 1].low in _FOREIGN:
        tags = frozenset(("QTY",))
    if _in_product(text, token.start, end):
        tags = frozenset(("QTY",))
    return Item(tags, text[token.start : end], token.start, end, value), after


def _in_product(text: str, start: int, end: int) -> bool:
    """Whether it is a part of an expression: the 2500 of 2500*10."""
    before, after = text[max(0, start - 3) : start].rstrip(" "), text[end : end + 3].lstrip(" ")
    if after.startswith(("//", "*")) and after.lstrip("*/ ")[:1].isalnum() and not after.startswith("**"):
        return True
    return before.endswith(("//", "*")) and not before.endswith("**") and before.rstrip("*/ ")[-1:].isalnum()


def _scales(follower: _Token, adjacent: bool) -> bool:
    return adjacent or len(follower.low) > 1 or follower.text in "kK"


def _word(text: str, tokens: list[_Token], index: int) -> tuple[Item | None, int]:
    token = tokens[index]
    if token.key in _WORTH:
        value, after = _spelt(tokens, index)
        last = tokens[after - 1]
        tags = frozenset(("NUM", "SPELT", token.low))
        return Item(tags, text[token.start : last.end], token.start, last.end, value), after
    if token.low in _ORDINALS:
        return Item(frozenset(("ORD",)), token.text, token.start, token.end, float(_ORDINALS[token.low])), index + 1
    if token.low == "x" and any(
        one.kind == "num" for one in (*tokens[max(0, index - 1) : index], *tokens[index + 1 : index + 2])
    ):
        return Item(_TIMES, token.text, token.start, token.end), index + 1
    return Item(
        frozenset((token.low, token.key) if token.key else (token.low, "FILL")), token.text, token.start, token.end
    ), index + 1


def _spelt(tokens: list[_Token], index: int) -> tuple[float, int]:
    """What a number in words is worth: three, thirty-six, two hundred."""
    value, after = float(_WORTH[tokens[index].key]), index + 1
    if (
        20 <= value < 100
        and after + 1 < len(tokens)
        and tokens[after].text == "-"
        and _WORTH.get(tokens[after + 1].key, 10) < 10
    ):
        value, after = value + _WORTH[tokens[after + 1].key], after + 2
    if after < len(tokens) and tokens[after].low in ("hundred", "thousand", "million", "dozen", "billion"):
        value, after = value * SCALES.get(tokens[after].low, 12.0), after + 1
    return value, after


def worth(text: str) -> float:
    """What the text of a number is worth.

    >>> worth("1e-3"), worth("50,000"), worth(".001"), worth("10^-3"), worth("3x10^-4")
    (0.001, 50000.0, 0.001, 0.001, 0.0003)
    """
    plain = text.replace("−", "-").replace("'", "").replace("_", "").replace(" ", "").replace("(", "").replace(")", "")
    plain = plain.replace("**", "^")
    for sign in "x×*·":
        plain = plain.replace(sign, "x")
    try:
        if "^" in plain:
            factor, _, power = plain.rpartition("^")
            factor = factor[:-2].rstrip("x") or "1"
            return float(f"{'-1' if factor == '-' else factor}e{power}")
        if plain.startswith("0,"):
            plain = plain.replace(",", ".")
        value = float(plain.replace(",", ""))
    except (ValueError, OverflowError):
        return 0.0
    return value if abs(value) < 1e300 else 0.0
