"""Data sets: one file each, found by file name; `open_dataset` opens one from a spec."""

from __future__ import annotations

from pathlib import Path

from seewhy.core.errors import DatasetError
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
    """Open a data set from a few characters.

    Args:
        spec: a name, and behind a colon a folder, or options; both with a question mark between
            them: `testbed`, `testbed:split=train,count=100`, `coco:/data/coco?answers=reference`.
            Options may be separated by commas or `&`.

    Raises:
        UnknownNameError: if no data set has the name; near matches are given.
        DatasetError: if an option is malformed or unknown, or the folder is.
    """
    name, _, rest = spec.partition(":")
    kind = DATASETS.get(name.strip())
    place, mark, options = rest.partition("?")
    if not mark and "=" in place and not Path(place).expanduser().exists():
        place, options = "", place
    chosen: dict[str, str] = {}
    for option in filter(None, options.replace("&", ",").split(",")):
        key, _, value = option.partition("=")
        if not (key.strip() and value.strip()) or key.strip() in chosen:
            raise DatasetError(
                f"Expected options like split=train in {spec!r}, each once, got {option!r}: "
                "write name=value."
            )
        chosen[key.strip()] = value.strip()
    return kind(Path(place).expanduser() if place else None, **chosen)
