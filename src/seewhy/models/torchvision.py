"""Make transformers ignore a torchvision that cannot be imported."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings


def settle_torchvision() -> bool:
    """Make transformers ignore a torchvision that cannot be imported; return whether one can.

    transformers takes any torchvision on the path as usable, and then fails when it imports it,
    even without images. It checks once in a process and caches the result; here it checks while a
    broken torchvision is hidden. A working torchvision, or none, is not changed.
    """
    if importlib.util.find_spec("torchvision") is None:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of missing image formats
            importlib.import_module("torchvision")
    except (ImportError, RuntimeError, OSError):
        sys.modules["torchvision"] = None  # type: ignore[assignment]  # Python's mark for "not importable"
        try:
            from transformers.utils.import_utils import is_torchvision_available

            # transformers may have checked already, at an earlier import.
            is_torchvision_available.cache_clear()
            return is_torchvision_available()
        finally:
            del sys.modules["torchvision"]
    return True
