"""How hypothesis draws: the same cases in every run of the suite; anew with ``HYPOTHESIS_PROFILE=explore``."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("same", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
