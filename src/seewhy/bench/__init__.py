"""The bench: every method, by every metric, on every model and data set, with intervals.

`run` does the work and keeps rows; `cells` puts them together. See docs/bench.md. Nothing heavy is
imported until it is used, so that the command line can name the suites at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seewhy.bench.config import BenchConfig
    from seewhy.bench.running import Progress, run
    from seewhy.bench.store import Store
    from seewhy.bench.suites import SUITES

__all__ = ["SUITES", "BenchConfig", "Progress", "Store", "run"]

_HOMES = {
    "BenchConfig": "seewhy.bench.config",
    "Progress": "seewhy.bench.running",
    "run": "seewhy.bench.running",
    "Store": "seewhy.bench.store",
    "SUITES": "seewhy.bench.suites",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'seewhy.bench' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
