"""VizWiz-VQA-Grounding: questions of blind people, and where the answer is in the picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.audit.sources._base import BaseSource, matching
from seewhy.audit.sources._fields import as_bad_row, expect_object, text_field
from seewhy.audit.sources._grounded import ANSWERS, judge_phrases
from seewhy.audit.sources._masks import read_binary, stacked, upright
from seewhy.audit.sources._pictures import Pictures, read_size
from seewhy.audit.sources._scores import present, ratio
from seewhy.core.errors import SampleError
from seewhy.core.paths import expanded
from seewhy.datasets._files import malformed, read_json
from seewhy.datasets._words import open_tagger

SPLITS = ("train", "val")
MASKS = ("binary_masks_png", "masks")


class Vizwiz(BaseSource):
    """The pictures of `train_grounding.json` or `val_grounding.json`, one question each.

    The id is the picture's name. The most common answer is explained, unless `answers=model`. A
    mask may be of the picture before its EXIF rotation; it is then rotated with the picture.
    """

    name: ClassVar[str] = "vizwiz"
    summary: ClassVar[str] = "VizWiz-VQA-Grounding: questions with the place of the answer."
    layout: ClassVar[str] = (
        "a folder with train_grounding.json or val_grounding.json, pictures in train/ or val/ and "
        "masks in binary_masks_png/train/ or val/ (or images=FOLDER, masks=FOLDER)"
    )
    options: ClassVar[tuple[str, ...]] = ("answers", "split", "images", "masks")

    def _open(self) -> None:
        split = self._choice("split", ("all", *SPLITS))
        pattern = "*_grounding.json" if split == "all" else f"{split}_grounding.json"
        self._paths = self._expect(pattern)
        self._pictures = Pictures(self._root, self._options.get("images", ""))
        self._reference = self._choice("answers", ANSWERS) == "reference"
        self._tagger = open_tagger("builtin")

    @classmethod
    def recognises(cls, place: Path) -> bool:
        """A folder with a `*_grounding.json`, or such a file."""
        if place.is_dir():
            return bool(matching(place, ["*_grounding.json"], ("", "annotations")))
        return place.name in [f"{split}_grounding.json" for split in SPLITS]

    def _files(self) -> Sequence[Path]:
        return self._paths

    def _rows(self) -> Iterator[SourceRow | BadRow]:
        seen: set[str] = set()
        for path in self._paths:
            content = read_json(path)
            if not isinstance(content, dict):
                raise malformed(path, "the top", "an object of pictures", content)
            split = path.stem.removesuffix("_grounding")
            for name, value in content.items():
                id = name if name not in seen else f"{split}-{name}"
                seen.add(id)
                try:
                    yield self._row(id, name, value, split)
                except SampleError as error:
                    yield as_bad_row(id, error)

    def _row(self, id: str, name: str, value: Any, split: str) -> SourceRow:
        entry = expect_object(value)
        question = text_field(entry, "question")
        answer = text_field(entry, "most_common_answer")
        facts = {"reference": answer, "mask": f"{Path(name).stem}.png", "split": split}
        given = answer if self._reference else None
        return SourceRow(id, (self._pictures.find(name),), question, answer=given, facts=facts)

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """Of the words of the most common answer, where they are in the answer."""
        image, text = row.images[0], str(row.facts["reference"])
        assert isinstance(image, Path)
        mask = read_binary(self._mask(str(row.facts["split"]), str(row.facts["mask"])))
        shown = upright(mask, read_size(image))
        masks, regions = (stacked([shown]), (0,)) if shown.any() else (None, ())
        phrase = {"text": text, "start": 0, "end": len(text)}
        judged = judge_phrases(
            answer, [phrase], masks, [regions], self._tagger, text if answer == text else ""
        )
        return Judged(judged.truths, masks, judged.groups, {"matches": bool(judged.score["found"])})

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """The fraction of answers that hold the most common answer."""
        matches = sum(bool(score["matches"]) for score in scores)
        return present({"answers that hold the most common one": ratio(matches, len(scores))})

    def _mask(self, split: str, name: str) -> Path:
        given = self._options.get("masks")
        roots = [expanded(given)] if given else []
        roots += [self._root / folder for folder in ((given,) if given else MASKS)]
        paths = [root / part / name for root in roots for part in (split, "")]
        return next((path for path in paths if path.is_file()), paths[0])
