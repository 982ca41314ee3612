"""How hypothesis draws: the same cases in every run of the suite; anew with ``HYPOTHESIS_PROFILE=explore``. And on what
Keras runs, which is imported where the examples in docstrings are collected: without a word it wants TensorFlow."""

from __future__ import annotations

import os

from hypothesis import settings

os.environ.setdefault("KERAS_BACKEND", "torch")
settings.register_profile("same", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
