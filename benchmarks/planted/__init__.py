"""Faults planted into varied styles of correct training scripts, and how many of them ``lright check`` finds.

``python -m benchmarks.planted`` draws correct scripts in many styles, plants one fault in a copy of
each, checks all of them in one run and prints recall per rule, the accuracy of the conditions, and the
false findings on the originals. Nothing here knows the checker: a case only states where its fault lies,
which rules name it, and when it bites.

- ``script``: source lines with tags, and the edits that a plant may make;
- ``styles``: names, imports, configuration, loops and data: what varies without meaning anything;
- ``recipes``: whole correct scripts;
- ``faults``: the plants, one function a mistake;
- ``prove``: the same scripts run with the real torch;
- ``score``: what counts as found.
"""

from __future__ import annotations

from benchmarks.planted.faults import Case, generate

__all__ = ["Case", "generate"]
