"""The live observer: judges a recorded run, whole or as far as it has come, by the same rules as a script.

>>> from lright.rules.example_runs import cosine, falling, made
>>> [finding.rule for finding in judge(made(400, cosine(0.1, 100), falling()))]
['LR605']
"""

from __future__ import annotations

from .judge import Judge, judge
from .read import read

__all__ = ["Judge", "judge", "read"]
