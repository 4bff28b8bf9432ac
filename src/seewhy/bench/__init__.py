"""The bench: measures methods by metrics on models and data sets, with intervals.

`run` measures and stores rows; `cells` computes the tables. See docs/bench.md. Heavy modules are
imported on first use, so that the command line can list the suites quickly.
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

_MODULES = {
    "BenchConfig": "seewhy.bench.config",
    "Progress": "seewhy.bench.running",
    "run": "seewhy.bench.running",
    "Store": "seewhy.bench.store",
    "SUITES": "seewhy.bench.suites",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module 'seewhy.bench' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
