"""TAM's layout of GranDf and OpenPSG: one list of pictures, descriptions, masks and categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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

INDEX = "anno.json"
LAYOUT = (
    f"{INDEX}, a list of [image path, description, mask path, {{category name: number in the "
    "mask}], with paths relative to the folder"
)


@dataclass(frozen=True)
class Entry:
    """One line of the list.

    Attributes:
        image, mask: paths relative to the folder.
        description: the reference; "" for none.
        categories: from a name to its number in the mask.
    """

    image: str
    description: str
    mask: str
    categories: Mapping[str, int]


class AnnotatedList(Dataset):
    """The entries of the list, in their order; options as in `seewhy.datasets._options.COMMON`.

    An entry lists only some categories. Nothing is known of the others, so a word is supported or
    undecided, and never unsupported.

    Class attributes:
        prompt: the question to the model.
    """

    layout: ClassVar[str] = LAYOUT
    prompt: ClassVar[str]

    def __init__(self, place: Path | None, /, **options: str) -> None:
        expect_options(options, COMMON)
        self._folder = folder_of(place, self.name, self.layout)
        self._reference = answers(options)
        self._tagger = open_tagger(tagger_name(options))
        (path,) = expect_files(self._folder, (INDEX,), self.layout)
        self._entries = dict(window(options, list(_entries(path).items()), path))
        self._fingerprint = fingerprint(
            self.name, VERSION, [path], self._tagger, reference=self._reference
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Index in the list and name of the picture, such as `"00017-kitchen"`."""
        return tuple(self._entries)

    def sample(self, id: str) -> Sample:
        """Read a picture and its mask.

        Raises:
            SampleError: "no caption", or as `read_picture`, `read_values` and `categorised`.
        """
        expect_id(id, self._entries)
        entry = self._entries[id]
        if self._reference and not entry.description:
            raise unusable("no caption", f"Expected a description in entry {id} of {INDEX}.")
        image = read_picture(self._folder / entry.image)
        values = read_values(self._folder / entry.mask, image)
        vocabulary = Vocabulary(entry.categories, closed=False)
        answer = entry.description if self._reference else None
        return categorised(id, image, self.prompt, values, vocabulary, self._tagger, answer)

    @property
    def fingerprint(self) -> str:
        """Of the list, the tagger and the option `answers`."""
        return self._fingerprint


def _entries(path: Path) -> dict[str, Entry]:
    """The entries by id; the id has the index in the whole list, also for a part of it."""
    content = read_json(path)
    if not isinstance(content, list):
        raise malformed(path, "the top", "a list", content)
    entries = [_entry(entry, index, path) for index, entry in enumerate(content)]
    return {f"{n:05d}-{Path(entry.image).stem}": entry for n, entry in enumerate(entries)}


def _entry(content: Any, index: int, path: Path) -> Entry:
    place = f"entry {index}"
    if not isinstance(content, list) or len(content) != 4:
        wanted = "[image path, description, mask path, {category name: number}]"
        raise malformed(path, place, wanted, content)
    image, description, mask, categories = content
    for noun, value in (("an image path", image), ("a mask path", mask)):
        if not isinstance(value, str) or not value:
            raise malformed(path, place, noun, value)
    if not isinstance(description, str):
        raise malformed(path, place, "a description", description)
    return Entry(image, description.strip(), mask, expect_categories(categories, place, path))


def expect_categories(content: Any, place: str, path: Path) -> dict[str, int]:
    """Check a mapping from category names to numbers in a mask.

    Raises:
        DatasetError: if it is something else.
    """
    if not isinstance(content, dict) or not all(
        isinstance(number, int) and not isinstance(number, bool) for number in content.values()
    ):
        raise malformed(path, place, "{category name: number in the mask}", content)
    return content
