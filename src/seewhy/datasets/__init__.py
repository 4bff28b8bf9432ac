"""Data sets: one file each, found by file name."""

from __future__ import annotations

from seewhy.core.registry import Registry
from seewhy.datasets.base import Dataset, Skipped

__all__ = ["DATASETS", "Dataset", "Skipped"]

DATASETS: Registry[Dataset] = Registry(
    "seewhy.datasets", Dataset, "data set", skip=("base",), group="seewhy.datasets"
)
