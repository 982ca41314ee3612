"""Compile the lexicon: ``python -m lright.observe.words.build``. Development only; a test holds it up to date."""

from __future__ import annotations

import json
import os
import sys

from .lexicon import (
    DATASETS,
    DOMAINS,
    EVERYDAY,
    FAMILIES,
    FILLERS,
    FRAMEWORKS,
    IRREGULAR,
    OPTIMIZERS,
    PHRASES,
    SCHEDULERS,
    VERBS,
)

COMPILED = os.path.join(os.path.dirname(__file__), "compiled.json")


def forms() -> dict[str, str]:
    """The base form of every inflected verb, and what other words stand for."""
    found = {}
    for verb in VERBS.split():
        stem = verb[:-1] if verb.endswith("e") else verb
        doubled = verb + verb[-1] if _doubles(verb) else stem
        plural = verb + ("es" if verb.endswith(("s", "sh", "ch", "x")) else "s")
        for form in (plural, stem + "ed", stem + "ing", doubled + "ed", doubled + "ing"):
            found[form] = verb
        if verb.endswith("y"):
            found[verb[:-1] + "ied"] = found[verb[:-1] + "ies"] = verb
    found.update((form, base) for base, others in IRREGULAR.items() for form in others.split())
    return {form: base.replace(" ", "") for form, base in found.items()}


def _doubles(verb: str) -> bool:
    """Whether the last letter doubles: stop, stopped."""
    return verb[-1] in "bdgmnprt" and verb[-2] in "aeiou" and verb[-3] not in "aeiou"


class Builder:
    """Gathers phrases under their tags."""

    def __init__(self) -> None:
        self.forms = forms()
        self.tags: dict[str, set[str]] = {}
        self.beginnings: set[str] = set()
        self.words: set[str] = set()

    def add(self, phrases: str, *tags: str) -> None:
        """Give phrases, separated by commas, more tags."""
        for phrase in phrases.lower().split(","):
            key = plain = ""
            for word in phrase.split():
                self.words.add(word)
                if word not in FILLERS:
                    self.beginnings.add(key)
                    if word[0].isdigit():  # the lexer takes 1k for a number and a word
                        self.beginnings.add(key + word.rstrip("abcdefghijklmnopqrstuvwxyz"))
                    key += self.forms.get(word, word)
                    plain += word
            for one in {key, plain} - {""}:  # CosineAnnealingLR is no "cosine anneal lr"
                self.tags.setdefault(one, set()).update(tags)

    def table(self) -> dict[str, object]:
        """Everything, as it is stored."""
        sets = sorted({tuple(sorted(tags)) for tags in self.tags.values()})
        numbers = {tags: number for number, tags in enumerate(sets)}
        return {
            "sets": sets,
            "tags": {key: numbers[tuple(sorted(tags))] for key, tags in sorted(self.tags.items())},
            "beginnings": sorted(self.beginnings),
            "forms": self.forms,
            "words": sorted(word for word in self.words | set(self.forms) if len(word) >= 5 and word.isalpha()),
            "everyday": sorted(EVERYDAY),
            "fillers": sorted(FILLERS),
            "datasets": {name: [samples, domain] for name, (_, samples, domain) in DATASETS.items()},
        }


TABLES = {"OPT": OPTIMIZERS, "FRAME": FRAMEWORKS, "DOMAIN": DOMAINS, "FAMILY": FAMILIES, "SCHED": SCHEDULERS}


def compiled() -> str:
    """The text of the compiled lexicon."""
    builder = Builder()
    for tag, phrases in PHRASES.items():
        builder.add(phrases, tag)
    for prefix, table in TABLES.items():
        for name, phrases in table.items():
            builder.add(phrases, prefix, f"{prefix}:{name}")
    for name in SCHEDULERS:
        if not name.islower() and name.lower() not in builder.tags:
            builder.add(name, "SCHED", f"SCHED:{name}")
    for name, (phrases, _, _) in DATASETS.items():
        builder.add(phrases, "DATASET", f"DATASET:{name}")
    return json.dumps(builder.table(), separators=(",", ":")) + "\n"


def main() -> int:
    """Write the compiled lexicon."""
    with open(COMPILED, "w", encoding="utf-8") as file:
        file.write(compiled())
    return 0


if __name__ == "__main__":
    sys.exit(main())
