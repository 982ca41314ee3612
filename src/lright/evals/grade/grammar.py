"""The patterns of ``grammar.yaml``, compiled: spelling, the words that carry polarity, what code shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("grammar.yaml")


def _joined(text: str) -> str:
    return "".join(line.strip() for line in text.splitlines())


_DATA: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SPELLING = tuple((re.compile(_joined(pattern)), str(by)) for pattern, by in _DATA["spelling"])
WORDS = {name: re.compile(_joined(text)) for name, text in _DATA["words"].items()}
CODE = {name: re.compile(_joined(text), re.IGNORECASE) for name, text in _DATA["code"].items()}
