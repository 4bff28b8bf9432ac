"""A layout for your own pictures: one line of JSON per sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from seewhy.core.sample import Sample
from seewhy.datasets._anno import expect_categories
from seewhy.datasets._base import Dataset
from seewhy.datasets._categories import Vocabulary, categorised
from seewhy.datasets._files import (
    expect_files,
    malformed,
    read_json_lines,
    read_picture,
    read_values,
)
from seewhy.datasets._options import (
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

INDEX = "annotations.jsonl"
PROMPT = "Write a one-sentence caption for this image:"
"""Of lines without a prompt."""
FIELDS = ("id", "image", "prompt", "answer", "mask", "categories", "complete")


@dataclass(frozen=True)
class Line:
    """One sample of the index.

    Attributes:
        image: file name in images/.
        mask: file name in masks/.
        prompt: the question to the model.
        answer: the reference; "" for none.
        categories: from a name to its number in the mask.
        complete: whether the mask shows every object of these categories.
    """

    image: str
    mask: str
    prompt: str
    answer: str
    categories: Mapping[str, int]
    complete: bool


class Folder(Dataset):
    """The lines of its index, in their order; options `start`, `limit` and `tagger`.

    A line's `answer` is the reference; where there is none, the model answers.
    """

    name: ClassVar[str] = "folder"
    summary: ClassVar[str] = "Your own pictures and masks, one line of JSON each."
    layout: ClassVar[str] = (
        f"images/, masks/ (png, one number a pixel) and {INDEX} with a line "
        '{"id": "1", "image": "a.jpg", "mask": "a.png", "categories": {"dog": 1}} a sample; '
        '"prompt", "answer" and "complete" may follow'
    )

    def __init__(self, place: Path | None, /, **options: str) -> None:
        expect_options(options, ("start", "limit", "tagger"))
        self._folder = folder_of(place, self.name, self.layout)
        self._tagger = open_tagger(tagger_name(options))
        (path,) = expect_files(self._folder, (INDEX,), self.layout)
        self._lines = dict(window(options, list(_lines(path).items()), path))
        self._fingerprint = fingerprint(self.name, VERSION, [path], self._tagger)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the index."""
        return tuple(self._lines)

    def sample(self, id: str) -> Sample:
        """Read a picture and its mask.

        Raises:
            SampleError: as `read_picture`, `read_values` and `categorised`.
        """
        expect_id(id, self._lines)
        line = self._lines[id]
        image = read_picture(self._folder / "images" / line.image)
        values = read_values(self._folder / "masks" / line.mask, image)
        vocabulary = Vocabulary(line.categories, closed=line.complete)
        answer = line.answer or None
        return categorised(id, image, line.prompt, values, vocabulary, self._tagger, answer)

    @property
    def fingerprint(self) -> str:
        """Of the index and the tagger."""
        return self._fingerprint


def _lines(path: Path) -> dict[str, Line]:
    """The samples by id."""
    lines: dict[str, Line] = {}
    for number, content in read_json_lines(path):
        place = f"line {number}"
        id, line = _line(content, place, path)
        if id in lines:
            raise malformed(path, place, "a unique id", id)
        lines[id] = line
    return lines


def _line(content: Any, place: str, path: Path) -> tuple[str, Line]:
    if not isinstance(content, dict) or not set(content) <= set(FIELDS):
        raise malformed(path, place, f"an object with {', '.join(FIELDS)}", content)
    texts = {
        name: content.get(name, default)
        for name, default in (
            *(("id", ""), ("image", ""), ("mask", "")),
            *(("prompt", PROMPT), ("answer", "")),
        )
    }
    for name, value in texts.items():
        if not isinstance(value, str) or not (value.strip() or name == "answer"):
            raise malformed(path, place, f'text for "{name}"', value)
    complete = content.get("complete", False)
    if not isinstance(complete, bool):
        raise malformed(path, place, 'true or false for "complete"', complete)
    categories = expect_categories(content.get("categories"), place, path)
    id, image, mask, prompt, answer = (value.strip() for value in texts.values())
    return id, Line(image, mask, prompt, answer, categories, complete)
