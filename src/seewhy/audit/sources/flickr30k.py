"""Flickr30k Entities: captions whose phrases have boxes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

import numpy as np

from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.audit.sources._base import BaseSource
from seewhy.audit.sources._fields import as_bad_row, shown
from seewhy.audit.sources._grounded import ANSWERS, found_share, judge_phrases
from seewhy.audit.sources._masks import filled_box, stacked, upright
from seewhy.audit.sources._pictures import Pictures, read_size
from seewhy.core.errors import DatasetError, SampleError
from seewhy.datasets._files import unusable
from seewhy.datasets._words import open_tagger

PROMPT = "Write a one-sentence caption for this image:"
MARKUP, BOXES = "the marks of phrases are broken", "the boxes cannot be read"
NOT_VISUAL = "notvisual"

_PHRASE = re.compile(r"\[/EN#(\d+)((?:/[\w-]+)+)\s+([^\[\]]+)\]")


class Flickr30k(BaseSource):
    """The captions of `Sentences/*.txt` with the boxes of `Annotations/*.xml`.

    The id is the picture's name and the number of the sentence, from 0. The caption is explained,
    unless `answers=model`.
    """

    name: ClassVar[str] = "flickr30k"
    summary: ClassVar[str] = "Flickr30k Entities: captions whose phrases have boxes."
    layout: ClassVar[str] = (
        "a folder with Sentences/<id>.txt, Annotations/<id>.xml and flickr30k-images/<id>.jpg (or "
        "images=FOLDER); test.txt and such beside them for split=test"
    )
    options: ClassVar[tuple[str, ...]] = ("answers", "split", "images", "prompt")

    def _open(self) -> None:
        for name in ("Sentences", "Annotations"):
            if not (self._root / name).is_dir():
                raise DatasetError(
                    f"Expected a folder {name} in {self._root}, got none: DATA must be "
                    f"{self.layout}."
                )
        split = self._choice("split", ("all", "train", "val", "test"))
        self._list = None if split == "all" else self._expect(f"{split}.txt", among=("",))[0]
        self._pictures = Pictures(self._root, self._options.get("images", ""))
        self._reference = self._choice("answers", ANSWERS) == "reference"
        self._tagger = open_tagger("builtin")

    @classmethod
    def recognises(cls, place: Path) -> bool:
        """A folder with the folders Sentences and Annotations."""
        return all((place / name).is_dir() for name in ("Sentences", "Annotations"))

    def _files(self) -> Sequence[Path]:
        found = [self._list] if self._list else []
        for name in self._names():
            found.append(self._root / "Sentences" / f"{name}.txt")
            found.append(self._root / "Annotations" / f"{name}.xml")
        return [path for path in found if path.is_file()]

    def _names(self) -> list[str]:
        if self._list is not None:
            return [line.strip() for line in self._list.read_text().splitlines() if line.strip()]
        return sorted(path.stem for path in (self._root / "Sentences").glob("*.txt"))

    def _rows(self) -> Iterator[SourceRow | BadRow]:
        for name in self._names():
            try:
                lines = self._sentences(name)
                image = self._pictures.find(f"{name}.jpg")
                boxes = read_boxes(self._root / "Annotations" / f"{name}.xml")
            except SampleError as error:
                yield as_bad_row(name, error)
                continue
            for number, line in enumerate(lines):
                try:
                    yield self._row(f"{name}-{number}", line, image, boxes)
                except SampleError as error:
                    yield as_bad_row(f"{name}-{number}", error)

    def _sentences(self, name: str) -> list[str]:
        path = self._root / "Sentences" / f"{name}.txt"
        try:
            return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise unusable("the sentences cannot be read", f"{path}: {error}.") from error

    def _row(
        self, id: str, line: str, image: Path, boxes: Mapping[str, list[list[int]]]
    ) -> SourceRow:
        caption, phrases = read_sentence(line)
        for phrase in phrases:
            phrase["boxes"] = boxes.get(phrase.pop("chain"), [])
        answer = caption if self._reference else None
        facts = {"reference": caption, "phrases": phrases}
        prompt = self._options.get("prompt", PROMPT)
        return SourceRow(id, (image,), prompt, answer=answer, facts=facts)

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """Of the words of phrases, with all boxes of a phrase together, filled.

        A phrase without a box, such as one for the whole scene, is supported without a region.
        """
        image = row.images[0]
        assert isinstance(image, Path)
        size = read_size(image)
        masks: list[np.ndarray] = []
        regions: list[tuple[int, ...]] = []
        for phrase in row.facts["phrases"]:
            filled = [
                filled_box(box, size.stored_height, size.stored_width) for box in phrase["boxes"]
            ]
            mask = np.any(filled, axis=0) if filled else np.zeros((1, 1), dtype=bool)
            regions.append((len(masks),) if mask.any() else ())
            masks += [upright(mask, size)] if mask.any() else []
        phrases = row.facts["phrases"]
        return judge_phrases(
            *(answer, phrases, stacked(masks), regions, self._tagger), row.facts["reference"]
        )

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """How many of the phrases are in the answers."""
        return found_share(scores)


def read_sentence(line: str) -> tuple[str, list[dict[str, Any]]]:
    """The plain caption, and its visual phrases with their characters, chain and category.

    Raises:
        SampleError: if the marks are broken.

    Example:
        >>> caption, phrases = read_sentence("[/EN#7/people Two men] run .")
        >>> caption, phrases[0]["start"], phrases[0]["end"], phrases[0]["chain"]
        ('Two men run .', 0, 7, '7')
    """
    plain, phrases, at = "", [], 0
    line = " ".join(line.split())
    for match in _PHRASE.finditer(line):
        plain += line[at : match.start()]
        chain, kinds, text = match.groups()
        names = kinds.strip("/").split("/")
        if chain != "0" and NOT_VISUAL not in names:
            start = len(plain)
            phrases.append(
                {
                    "text": text,
                    "start": start,
                    "end": start + len(text),
                    "chain": chain,
                    "category": names[0],
                }
            )
        plain, at = plain + text, match.end()
    plain += line[at:]
    if "/EN#" in plain or not plain.strip():
        raise unusable(MARKUP, f"Expected [/EN#number/type words], got {shown(line)}.")
    return plain, phrases


def read_boxes(path: Path) -> dict[str, list[list[int]]]:
    """The boxes of each chain: left, top, right, bottom in pixels, the last two exclusive.

    The file counts pixels from 1, and names the last pixel of a box. A chain without boxes has an
    empty list.

    Raises:
        SampleError: if the file is missing or malformed.
    """
    boxes: dict[str, list[list[int]]] = {}
    try:
        root = ElementTree.parse(path).getroot()
        for item in root.findall("object"):
            box = item.find("bndbox")
            sides = [] if box is None else [_side(box, name) for name in _SIDES]
            found = [[sides[0] - 1, sides[1] - 1, sides[2], sides[3]]] if sides else []
            for name in item.findall("name"):
                boxes.setdefault(str(name.text), []).extend(found)
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise unusable(BOXES, f"Expected boxes in {path}, got: {error}.") from error
    return boxes


_SIDES = ("xmin", "ymin", "xmax", "ymax")


def _side(box: ElementTree.Element, name: str) -> int:
    return int(box.findtext(name, ""))
