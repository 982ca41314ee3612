"""Correct training scripts in many styles, and faults planted into copies of them.

Nothing here knows the checker: a case only states where its fault lies, which rules name it, and when it bites.
The benchmark of the same name scores the checker on these; the evaluations ask agents to repair them.

- ``script``: source lines with tags, and the edits that a plant may make;
- ``styles``: names, imports, configuration, loops and data: what varies without meaning anything;
- ``recipes``, ``schedules``: whole correct scripts;
- ``faults``: the plants, one function a mistake.
"""

from __future__ import annotations

from .faults import FAULTS, Case, generate, make

__all__ = ["FAULTS", "Case", "generate", "make"]
