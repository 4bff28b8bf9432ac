"""A folder of pictures, with one prompt for all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from seewhy.audit.source import BadRow, SourceRow
from seewhy.audit.sources._base import BaseSource
from seewhy.audit.sources._pictures import SUFFIXES
from seewhy.core.errors import DatasetError
from seewhy.core.lexicon import listed

UNREADABLE = listed(".heic .heif .svg .eps .psd .raw .dng .cr2 .nef .arw .jxl")
"""Endings of pictures that cannot be read."""
FORMAT = "a format that cannot be read"


class Folder(BaseSource):
    """All pictures of a folder and the folders in it, in order of their paths.

    The id is the path in the folder. Hidden files and files of other types are passed over. Nothing
    is known of the answers. Given answers are lines `{"id": "cats/1.jpg", "answer": ...}`.
    """

    name: ClassVar[str] = "folder"
    summary: ClassVar[str] = "A folder of pictures, captioned or asked one prompt."
    layout: ClassVar[str] = "a folder with pictures, which may lie in folders of it"
    options: ClassVar[tuple[str, ...]] = ("prompt",)

    def _open(self) -> None:
        if not self._root.samefile(self._place or "."):
            raise DatasetError(
                f"Expected a folder of pictures, got the file {self._place}: name its folder."
            )

    @classmethod
    def recognises(cls, place: Path) -> bool:
        """A folder with a picture directly in it."""
        if not place.is_dir():
            return False
        with os.scandir(place) as found:
            return any(Path(item.name).suffix.lower() in SUFFIXES for item in found)

    def _rows(self) -> Iterator[SourceRow | BadRow]:
        for path in _walk(self._root):
            id = path.relative_to(self._root).as_posix()
            if path.suffix.lower() in SUFFIXES:
                yield SourceRow(id, (path,), self._options.get("prompt"))
            elif path.suffix.lower() in UNREADABLE:
                yield BadRow(id, FORMAT, f"{path}: convert it to PNG.")

    def _more_facts(self) -> str:
        """Names and sizes of the files; their bytes are not read."""
        return json.dumps(
            [
                (path.relative_to(self._root).as_posix(), path.stat().st_size)
                for path in _walk(self._root)
            ]
        )


def _walk(folder: Path) -> Iterator[Path]:
    """The files below a folder, in order. Links to folders are not entered."""
    with os.scandir(folder) as found:
        items = sorted((item.name, item.is_dir(follow_symlinks=False)) for item in found)
    for name, is_folder in items:
        if name.startswith("."):
            continue
        if is_folder:
            yield from _walk(folder / name)
        elif (folder / name).is_file():
            yield folder / name
