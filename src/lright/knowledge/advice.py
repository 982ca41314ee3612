"""What ``matters/*.yaml`` and ``lexicon/*.yaml`` must hold; used by :mod:`lright.knowledge.build`.

A **topic** of the lexicon: ``{id, says: [phrases]}``, see :mod:`lright.observe.words.topics` for what a phrase is.
Several files may say more of one topic.

A **matter**: one thing that can be up in a training.

- ``id``, ``title`` (what it is, a noun phrase), ``rule`` (its id in the catalogue, where it has one)
- ``evidence``: list of ``WEIGHT if CONDITION``; the weights of those that hold are added to ten
  times the likeness, and 2.5 are enough; a matter without evidence is only told by its name
- ``off_topic``: true where it is no matter of learning rates at all
- ``covers``: ids of matters that need not be told beside it
- ``verdict``: the one sentence that answers (see text)
- ``why``, ``fix``, ``verify``, ``alternatives``, ``cautions``: lists of points ``{id?, when?, text, source: [ids]}``
- ``code``: list of ``{title, when?, plan: true | schedule: text, peak?: name or number | text: code}``; the first that
  fits is shown
- ``questions``: list of ``{ask, when?}``

A *text* is a sentence with gaps (:mod:`lright.advise.template`), or a list of them, or of ``{when, text}``, of which
the first is taken whose condition holds and whose gaps can be filled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import LrightError

SECTIONS = ("why", "fix", "verify", "alternatives", "cautions")
_KEYS = {"id", "title", "rule", "off_topic", "evidence", "covers", "verdict", "code", "questions", *SECTIONS}
_PHRASE = re.compile(r"[a-z0-9_.'/+|~-]+( (\*{1,2}|[a-z0-9_.'/+|~-]+))*")


def lexicon(entries: list[Any]) -> dict[str, Any]:
    """Topics and their phrases, indexed."""
    table: dict[str, list[str]] = {}
    for entry in entries:
        where = f"lexicon/{entry.get('id')}"
        if set(entry) != {"id", "says"}:
            raise LrightError(f"{where}: has {', '.join(entry)}, should have id and says")
        for phrase in entry["says"]:
            if not isinstance(phrase, str) or not _PHRASE.fullmatch(phrase):
                raise LrightError(f"{where}: {phrase!r} is no phrase: lower-case words, |, ~ and *")
        table.setdefault(entry["id"], []).extend(entry["says"])
    return indexed(table)


def indexed(table: Mapping[str, list[str]]) -> dict[str, Any]:
    """Topics and phrases as they are looked up: the phrases, each with its topic; which of them begin with a word
    (``first``) or with any word that begins so (``begins``); and all the words they spell out, for the speller."""
    phrases = [(topic, phrase) for topic, said in table.items() for phrase in said]
    index: dict[str, Any] = {"phrases": phrases, "first": {}, "begins": {}}
    for number, (_, phrase) in enumerate(phrases):
        for word in phrase.split(" ")[0].split("|"):
            kind, name = ("begins", word[:-1]) if word.endswith("~") else ("first", word)
            index[kind].setdefault(name, []).append(number)
    spelled = {word for _, phrase in phrases for word in re.split(r"[ |]", phrase) if len(word) > 4 and word.isalpha()}
    return {**index, "words": sorted(spelled), "topics": sorted(table)}


def asked(entries: list[Any], known: list[Any]) -> dict[str, list[str]]:
    """Questions that were asked of each matter: entries ``{matter: id, asked: [questions]}``."""
    ids = {entry["id"] for entry in known}
    table: dict[str, list[str]] = {}
    for entry in entries:
        if set(entry) != {"matter", "asked"} or entry["matter"] not in ids:
            raise LrightError(f"asked: {entry.get('matter')!r} is no matter, or has other keys than matter and asked")
        table.setdefault(entry["matter"], []).extend(entry["asked"])
    return table


def matters(entries: list[Any]) -> dict[str, Any]:
    """Matters by id."""
    table: dict[str, Any] = {}
    for entry in entries:
        where = f"matters/{entry.get('id')}"
        missing, unknown = {"id", "title", "evidence", "verdict"} - set(entry), set(entry) - _KEYS
        if missing or unknown:
            raise LrightError(f"{where}: missing {sorted(missing)}, unknown {sorted(unknown)}")
        if entry["id"] in table:
            raise LrightError(f"{where}: two matters are called so")
        entry["evidence"] = [_weighed(where, one) for one in entry["evidence"]]
        for point in points(entry):
            stray = set(point) - {"id", "when", "text", "source"}
            if stray or not point.get("text") or not point.get("source"):
                raise LrightError(f"{where}: a point needs text and source (and nothing else but id, when): {point}")
        for snippet in entry.get("code", ()):
            if sum(key in snippet for key in ("plan", "schedule", "text")) != 1 or "title" not in snippet:
                raise LrightError(f"{where}: code needs a title and one of plan, schedule and text: {snippet}")
        table[entry["id"]] = entry
    return table


def points(matter: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All points of a matter."""
    for section in SECTIONS:
        yield from matter.get(section, ())


def _weighed(where: str, text: object) -> dict[str, Any]:
    found = re.fullmatch(r"(-?[\d.]+) if (.+)", str(text).strip(), re.DOTALL)
    if found is None:
        raise LrightError(f"{where}: {text!r} is no evidence: write '3 if about(resume)'")
    return {"weight": float(found[1]), "when": found[2]}
