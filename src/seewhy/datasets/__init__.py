"""Data sets: one file each, found by file name; `open_dataset` opens one by its spec."""

from __future__ import annotations

from seewhy.core.errors import DatasetError
from seewhy.core.paths import expanded
from seewhy.core.registry import Registry
from seewhy.datasets._base import Dataset

__all__ = ["DATASETS", "Dataset", "open_dataset"]

DATASETS: Registry[Dataset] = Registry(
    "seewhy.datasets",
    Dataset,
    "data set",
    group="seewhy.datasets",
)


def open_dataset(spec: str) -> Dataset:
    """Open a data set by its spec.

    Args:
        spec: a name, and after a colon a folder, or options; both are separated by a question
            mark: `testbed`, `testbed:split=train,count=100`, `coco:/data/coco?answers=reference`.
            Options may be separated by commas or `&`.

    Raises:
        UnknownNameError: if no data set has the name; near matches are given.
        DatasetError: if an option or the folder is malformed or unknown.
    """
    name, _, rest = spec.partition(":")
    dataset_class = DATASETS.get(name.strip())
    place, mark, options = rest.partition("?")
    if not mark and "=" in place and not expanded(place).exists():
        place, options = "", place
    values: dict[str, str] = {}
    for option in filter(None, options.replace("&", ",").split(",")):
        key, _, value = option.partition("=")
        if not (key.strip() and value.strip()) or key.strip() in values:
            raise DatasetError(
                f"Expected options like split=train in {spec!r}, each once, got {option!r}: "
                "write name=value."
            )
        values[key.strip()] = value.strip()
    return dataset_class(expanded(place) if place else None, **values)
