"""The bench: every method, by every metric, on every model and data set, with intervals.

`run` does the work and keeps rows; `tables` puts them together. See docs/bench.md.
"""

from __future__ import annotations

from seewhy.bench.plan import Settings
from seewhy.bench.running import Progress, run
from seewhy.bench.store import Store
from seewhy.bench.suites import SUITES, Suite

__all__ = ["SUITES", "Progress", "Settings", "Store", "Suite", "run"]
