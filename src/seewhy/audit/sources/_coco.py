"""COCO's annotations by picture: only places in the files are kept, masks are read where needed."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from seewhy.audit.sources._masks import segmentation_mask, stacked, upright
from seewhy.audit.sources._pictures import PictureSize
from seewhy.audit.sources._stream import Entry, entry_at, members
from seewhy.core.errors import DatasetError
from seewhy.datasets._files import malformed

Places = Sequence[Sequence[int | str]]
"""Of each annotation: number of the file, first byte, byte after the last, category."""


class Instances:
    """The pictures, categories and annotations of instances files.

    Args:
        paths: the files, such as those of COCO's train and val.
        wanted: ids of the pictures whose annotations are kept; None for all.
    """

    def __init__(self, paths: Sequence[Path], wanted: Collection[int] | None = None) -> None:
        self._paths = tuple(paths)
        self.categories: dict[int, str] = {}
        self.pictures: dict[int, str] = {}
        self._places: dict[int, array[int]] = {}
        for number, path in enumerate(self._paths):
            for key, entry in _sound(path, ("images", "annotations", "categories")):
                self._add(number, path, key, entry, wanted)

    def _add(
        self, number: int, path: Path, key: str, entry: Entry, wanted: Collection[int] | None
    ) -> None:
        value, place = entry.value, f'{entry.place} of "{key}"'
        own = _id(value, "id", path, place)
        if key == "categories":
            self.categories[own] = str(value.get("name"))
            return
        picture = own if key == "images" else _id(value, "image_id", path, place)
        if wanted is not None and picture not in wanted:
            return
        if key == "images":
            self.pictures[picture] = str(value.get("file_name") or "")
        else:
            category = _id(value, "category_id", path, place)
            found = (number, entry.start, entry.end, category, own)
            self._places.setdefault(picture, array("q")).extend(found)

    def places(self, picture: int, annotation: int | None = None) -> list[list[int | str]]:
        """Where a picture's annotations stand, with their categories, JSON-ready.

        Args:
            picture: its id.
            annotation: id of the only one that is wanted; None for all.
        """
        values = self._places.get(picture, array("q"))
        fives = (values[n : n + 5] for n in range(0, len(values), 5))
        return [
            [number, start, end, self.categories.get(category, "")]
            for number, start, end, category, own in fives
            if annotation in (None, own)
        ]

    def present(self, picture: int) -> list[str]:
        """Names of the categories of a picture, each once."""
        return list(dict.fromkeys(str(place[3]) for place in self.places(picture)))


def category_masks(
    paths: Sequence[Path], places: Places, size: PictureSize
) -> tuple[list[str], Tensor | None]:
    """The categories of annotations, and a mask of each: all its annotations together.

    Raises:
        SampleError: "mask broken", "mask of another size".
    """
    masks: dict[str, np.ndarray] = {}
    for number, start, end, category in places:
        annotation = entry_at(paths[int(number)], int(start), int(end))
        mask = segmentation_mask(annotation, size.stored_height, size.stored_width)
        shown = upright(mask, size)
        name = str(category)
        masks[name] = masks[name] | shown if name in masks else shown
    return list(masks), stacked(list(masks.values()))


def _sound(path: Path, keys: Sequence[str]) -> Iterator[tuple[str, Entry]]:
    for key, entry in members(path, keys):
        if entry.problem:
            raise DatasetError(
                f'Expected COCO\'s annotations in {path}, got a broken {entry.place} of "{key}" '
                f"({entry.problem}): get the file again."
            )
        if not isinstance(entry.value, Mapping):
            raise malformed(path, f'{entry.place} of "{key}"', "an object", entry.value)
        yield key, entry


def _id(value: Mapping[str, Any], name: str, path: Path, place: str) -> int:
    found = value.get(name)
    if not isinstance(found, int) or isinstance(found, bool):
        raise malformed(path, f'"{name}" in {place}', "a whole number", found)
    return found
