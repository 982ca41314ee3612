"""The arithmetic of a case: functions of its facts, by name; None where a fact is missing.

>>> from lright.advise.facts import WORKINGS
>>> "updates" in WORKINGS
True
"""

from . import core, domains, scale, schedulers, stability, tuning

__all__ = ["core", "domains", "scale", "schedulers", "stability", "tuning"]
