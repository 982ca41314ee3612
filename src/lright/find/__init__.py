"""The LR range test without a framework: what to drive, what it says, and the answer as an object.

>>> from lright.find import Search, SearchOptions
>>> search = Search(SearchOptions(steps=100), optimizer="SGD", base_lrs=(0.1,))
>>> for segment in search:  # a driver puts the training back to its start before each
...     for i in range(segment.steps):
...         if segment.saw(i, 1 / (1 + 100 * segment.lr(i)) + segment.lr(i)):  # in truth: one update at segment.lr(i)
...             break
>>> f"{search.result().suggestion:.0e}"
'5e-02'
"""

from __future__ import annotations

from .result import Curve as Curve
from .result import LrFind as LrFind
from .result import Trial as Trial
from .result import Use as Use
from .search import Search as Search
from .search import SearchOptions as SearchOptions
from .search import Segment as Segment
from .suggest import Suggestion as Suggestion
from .suggest import suggest as suggest

__all__ = ["Curve", "LrFind", "Search", "SearchOptions", "Segment", "Suggestion", "Trial", "Use", "suggest"]
