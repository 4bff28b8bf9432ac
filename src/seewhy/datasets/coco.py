"""COCO captions in TAM's layout: a picture, its captions, and a category for every pixel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from seewhy.core.sample import Sample
from seewhy.datasets._base import Dataset
from seewhy.datasets._categories import Vocabulary, categorised
from seewhy.datasets._files import (
    expect_files,
    malformed,
    read_json,
    read_picture,
    read_values,
    unusable,
)
from seewhy.datasets._options import (
    COMMON,
    answers,
    expect_id,
    expect_options,
    fingerprint,
    folder_of,
    tagger_name,
    window,
)
from seewhy.datasets._words import open_tagger

VERSION = 1
"""Changes when the same files give other samples."""

INSTANCES = "annotations/instances_minival2014.json"
CAPTIONS = "annotations/captions_val2014.json"
PROMPT = "Write a one-sentence caption for this image:"
"""As in TAM."""


class Coco(Dataset):
    """The images of the instances file, in its order; options as in `COMMON`.

    The reference is an image's first caption. The mask is complete, so a word for a category that
    it does not show is unsupported.
    """

    name: ClassVar[str] = "coco"
    summary: ClassVar[str] = "COCO captions with a category for every pixel, in TAM's layout."
    layout: ClassVar[str] = (
        f"{INSTANCES}, {CAPTIONS}, image/<12-digit id>.jpg and seg_label/<12-digit id>.png "
        "(8 bit, value = COCO category id)"
    )

    def __init__(self, place: Path | None, /, **options: str) -> None:
        expect_options(options, COMMON)
        self._folder = folder_of(place, self.name, self.layout)
        self._reference = answers(options)
        self._tagger = open_tagger(tagger_name(options))
        index = expect_files(self._folder, (INSTANCES, CAPTIONS), self.layout)
        images, categories = _instances(index[0])
        self._vocabulary = Vocabulary(categories, closed=True)
        self._captions = _captions(index[1])
        self._ids = tuple(f"{number:012d}" for number in window(options, images, index[0]))
        self._fingerprint = fingerprint(
            self.name, VERSION, index, self._tagger, reference=self._reference
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """The 12 digits of the images' ids."""
        return self._ids

    def sample(self, id: str) -> Sample:
        """Read a picture and its mask.

        Raises:
            SampleError: "no caption", or as `read_picture`, `read_values` and `categorised`.
        """
        expect_id(id, self._ids)
        caption = self._captions.get(int(id), "")
        if self._reference and not caption:
            raise unusable("no caption", f"Expected a caption of image {id} in {CAPTIONS}.")
        image = read_picture(self._folder / "image" / f"{id}.jpg")
        values = read_values(self._folder / "seg_label" / f"{id}.png", image)
        answer = caption if self._reference else None
        return categorised(id, image, PROMPT, values, self._vocabulary, self._tagger, answer)

    @property
    def fingerprint(self) -> str:
        """Of both index files, the tagger and the option `answers`."""
        return self._fingerprint


def _instances(path: Path) -> tuple[list[int], dict[str, int]]:
    """The images' ids in the file's order, and the categories by name."""
    content = _object(read_json(path), path)
    images = [
        _field(entry, "id", int, f"images[{n}]", path)
        for n, entry in enumerate(_list(content, "images", path))
    ]
    categories = {
        _field(entry, "name", str, f"categories[{n}]", path): _field(
            entry, "id", int, f"categories[{n}]", path
        )
        for n, entry in enumerate(_list(content, "categories", path))
    }
    if not categories:
        raise malformed(path, '"categories"', "at least one category", [])
    return list(dict.fromkeys(images)), categories


def _captions(path: Path) -> dict[int, str]:
    """Each image's first caption, without space around it."""
    captions: dict[int, str] = {}
    content = _object(read_json(path), path)
    for n, entry in enumerate(_list(content, "annotations", path)):
        place = f"annotations[{n}]"
        caption = _field(entry, "caption", str, place, path).strip()
        captions.setdefault(_field(entry, "image_id", int, place, path), caption)
    return captions


def _object(content: Any, path: Path) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise malformed(path, "the top", "a JSON object", content)
    return content


def _list(content: Mapping[str, Any], name: str, path: Path) -> list[Any]:
    value = content.get(name)
    if not isinstance(value, list):
        raise malformed(path, f'"{name}"', "a list", value)
    return value


def _field(entry: Any, name: str, expected: type, place: str, path: Path) -> Any:
    if not isinstance(entry, dict):
        raise malformed(path, place, "an object", entry)
    value = entry.get(name)
    if not isinstance(value, expected) or isinstance(value, bool):
        noun = "a whole number" if expected is int else "text"
        raise malformed(path, f'{place}["{name}"]', noun, value)
    return value
