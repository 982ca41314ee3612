"""Faults planted into varied styles of correct training scripts, and how many of them ``lright check`` finds.

``python -m benchmarks.planted`` draws correct scripts in many styles, plants one fault in a copy of
each, checks all of them in one run and prints recall per rule, the accuracy of the conditions, and the
false findings on the originals. Nothing here knows the checker: a case only states where its fault lies,
which rules name it, and when it bites.

- ``lright.evals.planted``: the generator; the evaluations of agents draw from it too;
- ``prove``: the same scripts run with the real torch;
- ``score``: what counts as found.
"""

from __future__ import annotations

from lright.evals.planted import Case, generate

__all__ = ["Case", "generate"]
