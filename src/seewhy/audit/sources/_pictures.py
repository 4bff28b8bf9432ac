"""Finds the pictures of a data set, and reads their sizes without their pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from PIL import Image

from seewhy.core.errors import DatasetError
from seewhy.core.lexicon import listed
from seewhy.core.paths import expanded
from seewhy.datasets._files import unusable
from seewhy.images.formats import BOMB, DAMAGE, open_picture

MISSING = "picture missing"
"""The reason of rows whose picture is not there."""
NONE = "no picture"
"""The reason of rows that have no picture."""

SUFFIXES = listed(
    ".png .jpg .jpeg .jpe .jfif .webp .avif .gif .bmp .dib .tif .tiff .jp2 .ppm .pgm .pbm .ico "
    ".tga .pcx .sgi"
)
"""Endings of pictures that can be read, in lower case."""

SUBFOLDERS = (
    *("", "images", "image", "pictures", "val2014", "train2014", "test2014", "val2017"),
    *("train2017", "test2017", "flickr30k-images", "flickr30k_images", "train", "val", "test"),
    *("images/val2014", "images/train2014", "images/val2017", "images/train2017"),
    *("GranDf_HA_images/train", "GranDf_HA_images/val", "coco/val2014", "coco/train2014"),
    *("coco/val2017", "coco/train2017", "coco", "hallusion_bench"),
)
"""Where pictures are looked for, below the folder of the data."""

_COCO = re.compile(r"(?:COCO_(?:train|val|test)\d{4}_)?(\d{12})\.(\w+)$")
_ROTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112


class Pictures:
    """The pictures of a data set, by the names in its index.

    Args:
        root: folder of the data.
        given: folder of the pictures, if it is named; relative to `root` or to the current one.
    """

    def __init__(self, root: Path, given: str = "") -> None:
        self._root, self._given = root, given
        self._last = ("", root)
        if given and not any(path.is_dir() for path in self._places()):
            raise DatasetError(
                f"Expected a folder of pictures as images, got {given!r}: check the path."
            )

    @cached_property
    def _folders(self) -> list[Path]:
        return [path for path in self._places() if path.is_dir()]

    def _places(self) -> Iterator[Path]:
        if self._given:
            yield from (expanded(self._given), self._root / self._given)
        else:
            for base in (self._root, self._root.parent):
                yield from (base / name for name in SUBFOLDERS)

    def find(self, name: str) -> Path:
        """The picture's path.

        A COCO name is found with and without the prefix "COCO_val2014_".

        Raises:
            SampleError: "picture missing".
        """
        if self._last[0] == name:
            return self._last[1]
        for path in self._candidates(name):
            if _is_file(path):
                self._last = (name, path)
                if path.parent in self._folders[1:]:  # the next one is likely there, too
                    self._folders.remove(path.parent)
                    self._folders.insert(0, path.parent)
                return path
        where = ", ".join(map(str, self._folders[:4])) or str(self._given or self._root)
        raise unusable(MISSING, f"Expected the picture {name!r} in {where} or below, got none.")

    def _candidates(self, name: str) -> Iterator[Path]:
        plain = Path(name)
        names = [plain, Path(plain.name)]
        if match := _COCO.search(plain.name):
            number, ending = match.groups()
            names += [Path(f"{number}.{ending}")]
            names += [Path(f"COCO_{part}_{number}.{ending}") for part in ("val2014", "train2014")]
        for folder in [*self._folders]:
            yield from (folder / candidate for candidate in dict.fromkeys(names))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, or with a null byte
        return False


@dataclass(frozen=True)
class PictureSize:
    """Size of a picture in pixels, upright and as its file stores it.

    Attributes:
        width, height: upright, as `seewhy.images.read_image` reads it.
        stored_width, stored_height: before the EXIF rotation.
        turn: the transposition from stored to upright; None for none.
    """

    width: int
    height: int
    stored_width: int
    stored_height: int
    turn: Image.Transpose | None = None


def read_size(path: Path) -> PictureSize:
    """The size of a picture; its pixels are not read.

    Raises:
        SampleError: "picture missing", "picture broken".
    """
    if not _is_file(path):
        raise unusable(MISSING, f"Expected a picture at {path}, got no file.")
    try:
        with open_picture(path) as picture:
            width, height = picture.size
            turn = _ROTATIONS.get(_orientation(picture))
    except (*DAMAGE, *BOMB) as error:
        raise unusable("picture broken", str(error)) from error
    sides = (height, width) if turn in _SIDEWAYS else (width, height)
    return PictureSize(*sides, width, height, turn)


def _orientation(picture: Image.Image) -> int:
    """The EXIF rotation; 1, upright, where it cannot be read: viewers then show the pixels so."""
    try:
        return picture.getexif().get(_ORIENTATION, 1)
    except DAMAGE:
        return 1


_SIDEWAYS = {_ROTATIONS[number] for number in (5, 6, 7, 8)}
