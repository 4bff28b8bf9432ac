"""CHAIR: captions of COCO pictures, and the things in them that are not in the picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.audit.sources._answers import TEXTS
from seewhy.audit.sources._base import BaseSource, matching
from seewhy.audit.sources._chair_words import ChairWords
from seewhy.audit.sources._coco import Instances, category_masks
from seewhy.audit.sources._fields import as_bad_row, expect_object, mapped, number_field, text_field
from seewhy.audit.sources._pictures import Pictures, read_size
from seewhy.audit.sources._scores import present, ratio
from seewhy.audit.sources._stream import Entry, entries, members
from seewhy.audit.sources._words import OBJECT, words_in
from seewhy.core.errors import DatasetError, SampleError
from seewhy.core.sample import Truth
from seewhy.datasets._files import unusable

PROMPT = "Please describe this image in detail."
UNKNOWN = "a caption of a picture that the annotations do not have"
FOLDERS = ("", "annotations", "coco/annotations")


class Chair(BaseSource):
    """Captions of COCO pictures: the given answers are the rows, several of a picture if need be.

    Without answers, the model captions every picture of the instances files.
    """

    name: ClassVar[str] = "chair"
    summary: ClassVar[str] = "CHAIR: COCO captions, and the things in them that are not there."
    layout: ClassVar[str] = (
        "a folder with instances_*.json and captions_*.json of COCO, also in annotations/, and the "
        "pictures (or images=FOLDER); synonyms.txt of CHAIR may be there"
    )
    options: ClassVar[tuple[str, ...]] = ("images", "prompt", "synonyms")

    def _open(self) -> None:
        if not self._root.samefile(self._place or "."):
            raise DatasetError(
                f"Expected a folder for chair, got the file {self._place}: name the folder of "
                "COCO's annotations, and give the captions as answers."
            )
        self._instances = self._expect("instances_*.json", among=FOLDERS)
        self._captions = self._expect("captions_*.json", among=FOLDERS)
        self._pictures = Pictures(self._root, self._options.get("images", ""))
        beside = matching(self._root, ["synonyms.txt"], FOLDERS)
        self._synonyms = self._path_option("synonyms") or (beside[0] if beside else None)

    @classmethod
    def recognises(cls, place: Path) -> bool:
        """A folder with COCO's instances and captions."""
        return place.is_dir() and all(
            matching(place, [f"{kind}_*.json"], FOLDERS) for kind in ("instances", "captions")
        )

    def _files(self) -> Sequence[Path]:
        synonyms = [self._synonyms] if self._synonyms else []
        return [*self._instances, *self._captions, *synonyms]

    def _joined(self, rows: Iterator[SourceRow | BadRow]) -> Iterator[SourceRow | BadRow]:
        """The given captions are the rows."""
        return rows

    def _rows(self) -> Iterator[SourceRow | BadRow]:
        wanted = None if self._given is None else _wanted(self._given)
        instances = Instances(self._instances, wanted)
        words = ChairWords.of(list(instances.categories.values()), self._synonyms)
        told = _told(self._captions, words, instances)
        make = partial(self._row, instances, words, told)
        if self._given is not None:
            yield from mapped(entries(self._given), partial(self._given_row, make), "captions")
            return
        for picture in instances.pictures:
            try:
                yield make(picture, str(picture), None)
            except SampleError as error:
                yield as_bad_row(str(picture), error)

    def _given_row(self, make: Any, entry: Entry) -> SourceRow:
        value = expect_object(entry.value)
        caption = text_field(value, "caption", *TEXTS)
        picture = number_field(value, "image_id")
        return make(picture, f"{picture}-{entry.number}", caption)

    def _row(
        self,
        instances: Instances,
        words: ChairWords,
        told: Mapping[int, set[str]],
        picture: int,
        id: str,
        caption: str | None,
    ) -> SourceRow:
        if picture not in instances.pictures:
            raise unusable(UNKNOWN, f"Expected an image_id of the instances, got {picture}.")
        path = self._pictures.find(instances.pictures[picture] or f"{picture:012d}.jpg")
        shown = {words.category(name) for name in instances.present(picture)}
        facts = {
            "objects": sorted(shown | told.get(picture, set())),
            "instances": instances.places(picture),
            "categories": list(instances.categories.values()),
        }
        prompt = self._options.get("prompt", PROMPT)
        return SourceRow(id, (path,), prompt, answer=caption, facts=facts)

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """Of the words for COCO's objects: supported if the picture or a reference has them."""
        words = ChairWords.of(list(row.facts["categories"]), self._synonyms)
        objects, found = set(row.facts["objects"]), words.find(answer)
        image = row.images[0]
        assert isinstance(image, Path)
        names, masks = category_masks(self._instances, row.facts["instances"], read_size(image))
        regions: dict[str, tuple[int, ...]] = {}
        for number, name in enumerate(names):
            category = words.category(name)
            regions[category] = (*regions.get(category, ()), number)
        truths = {
            start: Truth(
                *(start, end, "kind"),
                *(regions.get(mention.name, ()), mention.name in objects, mention.name),
            )
            for mention in found
            for start, end in words_in(answer, mention.start, mention.end)
        }
        invented = [mention.name for mention in found if mention.name not in objects]
        score = {
            "mentioned": len(found),
            "invented": len(invented),
            "objects": len(objects),
            "recalled": len(objects.intersection(mention.name for mention in found)),
        }
        return Judged(tuple(truths.values()), masks, dict.fromkeys(truths, OBJECT), score)

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """CHAIR_i, CHAIR_s and recall.

        CHAIR_i: invented mentions / mentions. CHAIR_s: captions with one / captions. Recall, of the
        later version: objects that are mentioned / objects, over all captions.
        """
        total = {name: sum(score[name] for score in scores) for name in scores[0]} if scores else {}
        return present(
            {
                "CHAIR_i": ratio(total.get("invented", 0), total.get("mentioned", 0)),
                "CHAIR_s": ratio(sum(score["invented"] > 0 for score in scores), len(scores)),
                "recall": ratio(total.get("recalled", 0), total.get("objects", 0)),
            }
        )


def _wanted(path: Path) -> set[int]:
    """The pictures of the given captions."""
    wanted: set[int] = set()
    for entry in entries(path):
        try:
            wanted.add(number_field(expect_object(entry.value), "image_id"))
        except SampleError:
            continue  # a bad row, which is counted where the rows are made
    return wanted


def _told(paths: Sequence[Path], words: ChairWords, instances: Instances) -> dict[int, set[str]]:
    """The objects that the reference captions name, by picture."""
    told: dict[int, set[str]] = {}
    for path in paths:
        for _, entry in members(path, ("annotations",)):
            value = entry.value
            sound = not entry.problem and isinstance(value, dict) and "caption" in value
            if not sound or not isinstance(value.get("image_id"), int):
                problem = entry.problem or "no caption or image_id"
                raise DatasetError(
                    f"Expected COCO's captions in {path}, got a broken {entry.place} of "
                    f'"annotations" ({problem}): get the file again.'
                )
            if value.get("image_id") in instances.pictures:
                names = {mention.name for mention in words.find(str(value["caption"]))}
                told.setdefault(value["image_id"], set()).update(names)
    return told
