"""A torchvision that does not fit torch is as good as none."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings


def settle_torchvision() -> bool:
    """Let transformers overlook a torchvision that cannot be imported, and say whether one can.

    transformers takes any torchvision on the path for usable and then fails at its own import of
    it, images or not. Its answer is remembered for the whole process; here it is asked while a
    broken torchvision is out of sight. A sound one, or none, is left as it is.
    """
    if importlib.util.find_spec("torchvision") is None:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of image formats that no one asked it to read
            importlib.import_module("torchvision")
    except (ImportError, RuntimeError, OSError):
        sys.modules["torchvision"] = None  # type: ignore[assignment]  # how Python marks absence
        try:
            from transformers.utils.import_utils import is_torchvision_available

            # Whoever imported transformers before may have asked already.
            is_torchvision_available.cache_clear()
            return is_torchvision_available()
        finally:
            del sys.modules["torchvision"]
    return True
