"""Libraries that lright is compared with, as the tests import them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from typing import Any


def timm_schedulers() -> Any | None:
    """timm.scheduler without running timm/__init__.py, which needs torchvision; None where timm is not installed."""
    if "timm" not in sys.modules:
        spec = importlib.util.find_spec("timm")
        if spec is None or not spec.submodule_search_locations:
            return None
        package = types.ModuleType("timm")
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["timm"] = package
    return importlib.import_module("timm.scheduler")
