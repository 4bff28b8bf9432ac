"""TAM's layout of GranDf and OpenPSG: one list of pictures, descriptions, masks and categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seewhy.core.errors import SampleError
from seewhy.core.sample import Sample
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
    digest,
    expect_options,
    folder_of,
    tagger_name,
    window,
)
from seewhy.datasets._words import Tagger, open_tagger

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


@dataclass(frozen=True, eq=False)
class Annotations:
    """An opened folder.

    The categories are those that an entry names: of one that it does not name nothing is known, so
    a word is supported or left open, and never called unsupported.

    Attributes:
        folder: where it lies.
        entries: by id.
        reference: whether the descriptions are the answers.
        tagger: what tells nouns and function words.
        fingerprint: of the index, the tagger and whose answers they are.
    """

    folder: Path
    entries: Mapping[str, Entry]
    reference: bool
    tagger: Tagger
    fingerprint: str

    def sample(self, id: str, prompt: str) -> Sample:
        """Read a picture and its mask.

        Raises:
            SampleError: "no caption", or what `read_picture`, `read_values` and `categorised` say.
        """
        if id not in self.entries:
            raise SampleError(f"Expected an id of this data set, got {id!r}.")
        entry = self.entries[id]
        if self.reference and not entry.description:
            raise unusable("no caption", f"Expected a description in entry {id} of {INDEX}.")
        image = read_picture(self.folder / entry.image)
        values = read_values(self.folder / entry.mask, image)
        vocabulary = Vocabulary(entry.categories, closed=False)
        answer = entry.description if self.reference else None
        return categorised(id, image, prompt, values, vocabulary, self.tagger, answer)


def open_annotations(name: str, place: Path | None, options: Mapping[str, str]) -> Annotations:
    """Open a folder of this layout.

    Args:
        name: the data set's.
        place: the folder.
        options: those of `COMMON`.

    Raises:
        DatasetError: if the folder, its index or an option is missing or malformed.
    """
    expect_options(options, COMMON)
    folder = folder_of(place, name, LAYOUT)
    reference, tagger = answers(options), open_tagger(tagger_name(options))
    (path,) = expect_files(folder, (INDEX,), LAYOUT)
    content = read_json(path)
    if not isinstance(content, list):
        raise malformed(path, "the top", "a list", content)
    # Ids keep an entry's place in the whole list, whatever part of it is chosen.
    entries = {
        f"{at:05d}-{Path(entry.image).stem}": entry
        for at, entry in enumerate(_entry(entry, at, path) for at, entry in enumerate(content))
    }
    chosen = dict(window(options, list(entries.items()), path))
    facts = {"version": VERSION, "tagger": tagger.name, "reference": reference}
    return Annotations(folder, chosen, reference, tagger, digest(name, facts, [path]))


def _entry(found: Any, at: int, path: Path) -> Entry:
    place = f"entry {at}"
    if not isinstance(found, list) or len(found) != 4:
        wanted = "[image path, description, mask path, {category name: number}]"
        raise malformed(path, place, wanted, found)
    image, description, mask, categories = found
    for what, value in (("an image path", image), ("a mask path", mask)):
        if not isinstance(value, str) or not value:
            raise malformed(path, place, what, value)
    if not isinstance(description, str):
        raise malformed(path, place, "a description", description)
    return Entry(image, description.strip(), mask, expect_categories(categories, place, path))


def expect_categories(found: Any, place: str, path: Path) -> dict[str, int]:
    """Check a mapping from category names to numbers in a mask.

    Raises:
        DatasetError: if it is something else.
    """
    if not isinstance(found, dict) or not all(
        isinstance(number, int) and not isinstance(number, bool) for number in found.values()
    ):
        raise malformed(path, place, "{category name: number in the mask}", found)
    return found
