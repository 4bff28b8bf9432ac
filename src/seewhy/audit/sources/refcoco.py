"""RefCOCO, RefCOCO+ and RefCOCOg: expressions that refer to one thing of a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.audit.sources._base import BaseSource
from seewhy.audit.sources._coco import Instances, category_masks
from seewhy.audit.sources._fields import (
    as_bad_row,
    expect_object,
    list_field,
    number_field,
    text_field,
)
from seewhy.audit.sources._grounded import found_share, judge_phrases
from seewhy.audit.sources._pickles import read_plain_pickle
from seewhy.audit.sources._pictures import Pictures, read_size
from seewhy.audit.sources._words import ATTRIBUTE, OBJECT
from seewhy.core.errors import DatasetError, SampleError
from seewhy.datasets._files import malformed, unusable
from seewhy.datasets._words import open_tagger

PROMPT = "Name one thing of this picture in a few words."


class Refcoco(BaseSource):
    """Every sentence of `refs(...).p`, as a given answer about the thing that it refers to.

    The id is the number of the reference and of its sentence.
    """

    name: ClassVar[str] = "refcoco"
    summary: ClassVar[str] = "RefCOCO, + and g: expressions that refer to one thing."
    layout: ClassVar[str] = (
        "a folder of RefCOCO, RefCOCO+ or RefCOCOg with instances.json and refs(unc).p, "
        "refs(google).p or refs(umd).p, and COCO's pictures (or images=FOLDER)"
    )
    options: ClassVar[tuple[str, ...]] = ("by", "split", "images", "prompt")

    def _open(self) -> None:
        self._instances = self._root / "instances.json"
        if not self._instances.is_file():
            raise DatasetError(
                f"Expected instances.json in {self._root}, got no such file: DATA must be "
                f"{self.layout}."
            )
        by = self._options.get("by", "*")
        found = self._expect(f"refs({by}).p", among=("",))
        if len(found) > 1:
            names = " or ".join(path.stem[5:-1] for path in found)
            raise DatasetError(
                f"Expected one file of references in {self._root}, got {len(found)}: choose with "
                f"by={names}."
            )
        self._refs = found[0]
        self._split = self._options.get("split")
        self._pictures = Pictures(self._root, self._options.get("images", ""))
        self._tagger = open_tagger("builtin")

    @classmethod
    def recognises(cls, place: Path) -> bool:
        """A folder with `instances.json` and a `refs(...).p`, or such a file."""
        folder = place if place.is_dir() else place.parent
        is_named = place.is_dir() or place.match("refs(*).p")
        return is_named and (folder / "instances.json").is_file() and any(folder.glob("refs(*).p"))

    def _files(self) -> Sequence[Path]:
        return [self._instances, self._refs]

    def _rows(self) -> Iterator[SourceRow | BadRow]:
        content = read_plain_pickle(self._refs)
        if not isinstance(content, list):
            raise malformed(self._refs, "the top", "a list", content)
        splits = sorted({str(r.get("split")) for r in content if isinstance(r, dict)})
        if self._split is not None and self._split not in splits:
            raise DatasetError(
                f"Expected split as one of {', '.join(splits)}, got {self._split!r}: choose one."
            )
        instances, seen = Instances([self._instances]), set()
        for number, ref in enumerate(content, start=1):
            if (
                self._split is not None
                and isinstance(ref, dict)
                and ref.get("split") != self._split
            ):
                continue
            try:
                rows = self._ref_rows(ref, instances, seen)
            except SampleError as error:
                yield as_bad_row(f"reference {number}", error)
                continue
            yield from rows

    def _ref_rows(self, ref: Any, instances: Instances, seen: set[int]) -> list[SourceRow]:
        value = expect_object(ref, "a reference")
        id, picture = number_field(value, "ref_id"), number_field(value, "image_id")
        if id in seen:
            raise unusable("the id is repeated", f"Expected a unique ref_id, got {id} again.")
        places = instances.places(picture, number_field(value, "ann_id"))
        if not places:
            raise unusable(
                "no annotation of this id",
                f"Expected annotation {value['ann_id']} of image {picture} in instances.json.",
            )
        # The reference's own file_name ends with the annotation's number: no picture has it.
        image = self._pictures.find(instances.pictures.get(picture) or f"{picture:012d}.jpg")
        prompt = self._options.get("prompt", PROMPT)
        rows = []
        for number, item in enumerate(list_field(value, "sentences")):
            sentence = text_field(expect_object(item, "a sentence"), "sent", "raw")
            facts = {"reference": sentence, "instances": places}
            rows.append(SourceRow(f"{id}-{number}", (image,), prompt, answer=sentence, facts=facts))
        seen.add(id)
        return rows

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """Of all words but function words, with the mask of the thing that is referred to.

        The first noun is the object, other words its attributes or, like "left", relations. Our
        reading: the set does not say which words do what.
        """
        image = row.images[0]
        assert isinstance(image, Path)
        names, masks = category_masks([self._instances], row.facts["instances"], read_size(image))
        text = row.facts["reference"]
        phrase = {"text": text, "start": 0, "end": len(text), "category": names[0]}
        judged = judge_phrases(answer, [phrase], masks, [(0,)], self._tagger, text)
        groups, seen = dict(judged.groups), False
        for truth in judged.truths:
            if groups[truth.start] == OBJECT:
                groups[truth.start] = ATTRIBUTE if seen else OBJECT
                seen = True
        return Judged(judged.truths, masks, groups, judged.score)

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """How many of the expressions are in the answers: all, unless answers are given."""
        return found_share(scores)
