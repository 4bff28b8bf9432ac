"""Metrics: one file each, found by file name."""

from __future__ import annotations

from seewhy.core.registry import Registry
from seewhy.metrics._base import Metric

__all__ = ["METRICS", "Metric"]

METRICS: Registry[Metric] = Registry(
    "seewhy.metrics",
    Metric,
    "metric",
    group="seewhy.metrics",
)
