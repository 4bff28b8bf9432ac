"""The machine and the versions that a run used, for its description."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from seewhy._version import __version__

DEPENDENCIES = ("torch", "transformers", "numpy", "pillow", "pyarrow")
"""Distributions whose versions are in a run's description."""


def machine() -> str:
    """The kind of processor, and how many there are."""
    return f"{platform.machine()}, {os.cpu_count()} processors"


def versions() -> dict[str, str]:
    """The versions of seewhy, Python and the packages that are installed, by name."""
    found = {"seewhy": __version__, "python": platform.python_version()}
    for name in DEPENDENCIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
