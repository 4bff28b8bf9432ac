"""Panoptic Narrative Grounding: narratives whose words have COCO's panoptic segments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.audit.sources._base import BaseSource, matching
from seewhy.audit.sources._fields import (
    MALFORMED,
    expect_object,
    list_field,
    mapped,
    number_field,
    shown,
    text_field,
)
from seewhy.audit.sources._grounded import ANSWERS, found_share, judge_phrases
from seewhy.audit.sources._masks import read_panoptic, stacked, upright
from seewhy.audit.sources._pictures import Pictures, read_size
from seewhy.audit.sources._stream import Entry, entries, first_value
from seewhy.audit.sources._words import find_phrases
from seewhy.core.paths import expanded
from seewhy.datasets._files import unusable
from seewhy.datasets._words import open_tagger

PROMPT = "Describe this picture in detail."
MASK_FOLDERS = (
    *("", "panoptic_segmentation", "panoptic_segmentation/val2017"),
    *("panoptic_segmentation/train2017", "panoptic_val2017", "panoptic_train2017", "panoptic"),
)


class Png(BaseSource):
    """The narratives of `png_coco_*.json`.

    The id is the picture's COCO id and the number of the entry. The narrative is explained, unless
    `answers=model`.
    """

    name: ClassVar[str] = "png"
    summary: ClassVar[str] = "Panoptic Narrative Grounding: narratives whose words have masks."
    layout: ClassVar[str] = (
        "a folder with annotations/png_coco_*.json, annotations/panoptic_segmentation/val2017/ "
        "and images/val2017/ (or images=FOLDER, masks=FOLDER)"
    )
    options: ClassVar[tuple[str, ...]] = ("answers", "split", "images", "masks", "prompt")

    def _open(self) -> None:
        split = self._choice("split", ("all", "val2017", "train2017"))
        pattern = "png_coco_*.json" if split == "all" else f"png_coco_{split}*.json"
        self._paths = [p for p in self._expect(pattern) if "dataloader" not in p.name]
        self._pictures = Pictures(self._base, self._options.get("images", ""))
        self._reference = self._choice("answers", ANSWERS) == "reference"
        self._tagger = open_tagger("builtin")

    @classmethod
    def recognises(cls, place: Path) -> bool:
        """A folder with a `png_coco_*.json`, or a file of its fields."""
        if place.is_dir():
            return bool(matching(place, ["png_coco_*.json"], ("", "annotations")))
        value = first_value(place)
        return isinstance(value, dict) and {"image_id", "segments", "caption"} <= set(value)

    @property
    def _base(self) -> Path:
        return self._root.parent if self._root.name == "annotations" else self._root

    def _files(self) -> Sequence[Path]:
        return self._paths

    def _rows(self) -> Iterator[SourceRow | BadRow]:
        for path in self._paths:
            where = path.stem.removeprefix("png_coco_") if len(self._paths) > 1 else ""
            yield from mapped(entries(path), lambda e, w=where: self._row(e, w), where)

    def _row(self, entry: Entry, where: str) -> SourceRow:
        value = expect_object(entry.value)
        picture, caption = number_field(value, "image_id"), text_field(value, "caption")
        segments = [expect_object(item, "a segment") for item in list_field(value, "segments")]
        facts = {"reference": caption, "phrases": _phrases(segments, caption), "picture": picture}
        id = "-".join(filter(None, (where, f"{picture:012d}", str(entry.number))))
        image = self._pictures.find(f"{picture:012d}.jpg")
        answer = caption if self._reference else None
        prompt = self._options.get("prompt", PROMPT)
        return SourceRow(id, (image,), prompt, answer=answer, facts=facts)

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """Of the words of utterances that have segments, with all of an utterance's together."""
        image = row.images[0]
        assert isinstance(image, Path)
        segments = read_panoptic(self._mask(int(row.facts["picture"])))
        size, masks, regions = read_size(image), [], []
        for phrase in row.facts["phrases"]:
            mask = np.isin(segments, phrase["segments"])
            regions.append((len(masks),) if mask.any() else ())
            masks += [upright(mask, size)] if mask.any() else []
        phrases = row.facts["phrases"]
        return judge_phrases(
            *(answer, phrases, stacked(masks), regions, self._tagger), row.facts["reference"]
        )

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """How many of the grounded utterances are in the answers."""
        return found_share(scores)

    def _mask(self, picture: int) -> Path:
        given = self._options.get("masks")
        roots = (
            (expanded(given), self._base / given)
            if given
            else (self._base, self._base / "annotations")
        )
        paths = [
            root / name / f"{picture:012d}.png" for root in roots for name in ("", *MASK_FOLDERS)
        ]
        return next((path for path in paths if path.is_file()), paths[-1])


def _phrases(segments: Sequence[Mapping[str, Any]], caption: str) -> list[dict[str, Any]]:
    """The utterances that have segments, where they stand in the caption.

    Raises:
        SampleError: if there is none, or one is not in the caption.
    """
    texts = [str(segment.get("utterance", "")) for segment in segments]
    spans = find_phrases(caption, [text.strip(" .,;:!?") for text in texts])
    phrases = []
    for text, span, segment in zip(texts, spans, segments, strict=True):
        numbers = segment.get("segment_ids") or []
        if not numbers:
            continue
        if span is None:
            raise unusable(
                "a phrase is not in the caption", f"Expected {text!r} in {shown(caption)}."
            )
        try:
            ids = [int(number) for number in numbers]
        except (TypeError, ValueError):
            raise unusable(
                MALFORMED, f'Expected numbers as "segment_ids", got {shown(numbers)}.'
            ) from None
        phrases.append({"text": text, "start": span[0], "end": span[1], "segments": ids})
    if not phrases:
        raise unusable("no phrase with a mask", f"Expected segments in {shown(caption)}.")
    return phrases
