"""The COCO objects that a caption mentions, by the rules of CHAIR (Rohrbach et al. 2018)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seewhy.core.errors import DatasetError
from seewhy.datasets._categories import SYNONYMS, singulars

PAIRS = [
    "motor bike",
    "motor cycle",
    "air plane",
    "traffic light",
    "street light",
    "traffic signal",
    "stop light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "suit case",
    "sports ball",
    "baseball bat",
    "baseball glove",
    "tennis racket",
    "wine glass",
    "hot dog",
    "cell phone",
    "mobile phone",
    "teddy bear",
    "hair drier",
    "potted plant",
    "bow tie",
    "laptop computer",
    "stove top oven",
    "home plate",
    "train track",
]
"""Two words that CHAIR reads as one."""

ANIMALS = (
    *("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"),
    *("animal", "cub"),
)
VEHICLES = ("jet", "train")

JOINED: Mapping[str, str] = (
    {pair: pair for pair in PAIRS}
    | {f"{age} {animal}": animal for animal in ANIMALS for age in ("baby", "adult")}
    | {f"passenger {vehicle}": vehicle for vehicle in VEHICLES}
    | {"bow tie": "tie", "toilet seat": "toilet"}
)
"""From two words to the word that they are read as: a "baby bird" is no person."""

_TOKEN = re.compile(r"\w+(?:-\w+)*")


@dataclass(frozen=True)
class Mention:
    """An object that a caption names.

    Attributes:
        start, end: its characters in the caption.
        name: the category.
    """

    start: int
    end: int
    name: str


@dataclass(frozen=True)
class ChairWords:
    """Finds mentions of the categories.

    Attributes:
        categories: from a word or pair, singular and in lower case, to the category's name.
    """

    categories: Mapping[str, str]

    @classmethod
    def of(cls, names: list[str], synonyms: Path | None) -> ChairWords:
        """The words of CHAIR's `synonyms.txt`, or of our own shorter table.

        Args:
            names: of COCO's categories.
            synonyms: lines of words with commas between them; the first is the category.

        Raises:
            DatasetError: if the file has no such lines.
        """
        if synonyms is None:
            table = {
                word: name
                for name in names
                for word in (name, *SYNONYMS.get(name, "").split(", "))
                if word
            }
            return cls(table | {name: name for name in names})
        return cls(_read(synonyms))

    def category(self, name: str) -> str:
        """The name under which a category of the instances file counts."""
        return self.categories.get(name.lower(), name.lower())

    def find(self, caption: str) -> list[Mention]:
        """The mentions of a caption, in order."""
        spans = [match.span() for match in _TOKEN.finditer(caption)]
        forms = [singulars(caption[start:end]) for start, end in spans]
        found: list[tuple[int, int, list[str]]] = []
        at = 0
        while at < len(spans):
            pair = _pair(forms[at], forms[at + 1]) if at + 1 < len(spans) else None
            last = at if pair is None else at + 1
            found.append((spans[at][0], spans[last][1], forms[at] if pair is None else [pair]))
            at = last + 1
        if any("toilet" in words for _, _, words in found):  # its seat is no chair
            found = [item for item in found if "seat" not in item[2]]
        return [
            Mention(start, end, self.categories[word])
            for start, end, words in found
            if (word := next((w for w in words if w in self.categories), None)) is not None
        ]


def _pair(one: list[str], other: list[str]) -> str | None:
    """The word that two neighbouring words are read as, or None."""
    pairs = (f"{first} {second}" for first in one for second in other)
    return next((JOINED[pair] for pair in pairs if pair in JOINED), None)


def _read(path: Path) -> dict[str, str]:
    table: dict[str, str] = {}
    for line in path.read_text("utf-8-sig").splitlines():
        words = [word.strip().lower() for word in line.split(",") if word.strip()]
        for word in words:
            table[word] = words[0]
    if len(set(table.values())) < 2:
        raise DatasetError(
            f"Expected lines of words with commas between them in {path}, the category first, got "
            "none: give CHAIR's synonyms.txt."
        )
    return table
