"""A question in a person's own words, read into facts by a grammar with units and negations.

>>> heard = hear("ViT from scratch, AdamW lr=1e-3, no warmup, 100 epochs. Loss goes NaN after epoch 3.")
>>> heard.setting["epochs"], heard.setting["lr"], heard.setting["warmup"], heard.setting["pretrained"]
(100, 0.001, '0', False)
"""

from __future__ import annotations

from .heard import Call, Code, Heard, Series
from .lexer import items

__all__ = ["Call", "Code", "Heard", "Series", "hear"]

LIMIT = 60_000  # characters; what comes after them is not read


def hear(text: str) -> Heard:
    """Read a question."""
    from .facts import Hearing, read_numbers, settle
    from .models import read_code_models, read_models
    from .schedulers import note_milestones, read_calls, read_optimizers, read_told
    from .series import Row, read_series
    from .symptoms import read_symptoms
    from .text import split, with_comments
    from .things import read_things

    text = text.replace("\r\n", "\n").replace("\t", "    ")[:LIMIT]
    masked, code = split(text)
    hearing = Hearing(text, items(with_comments(text, masked)))
    calls = read_calls(hearing, text, code)
    read_models(hearing)
    milestones: list[Row] = []
    series = read_series(text, hearing.items, milestones)
    note_milestones(hearing, milestones)
    read_numbers(hearing)
    read_things(hearing)
    calls += read_told(hearing)
    read_optimizers(hearing, masked)
    read_code_models(hearing, code)
    if code:
        from .code import read_all

        read_all(hearing, code)
    setting = settle(hearing)
    setting.symptoms.extend(read_symptoms(hearing, series))
    prose = "\n".join(line.rstrip() for line in masked.split("\n"))
    numbers = {name: tuple(values) for name, values in hearing.numbers.items()}
    return Heard(text, prose, setting, code, tuple(calls), tuple(series), numbers)
