"""OpenPSG in its own layout: every segment of a picture, and relations between segments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.audit.sources._base import BaseSource
from seewhy.audit.sources._fields import (
    MALFORMED,
    expect_object,
    list_field,
    mapped,
    shown,
    text_field,
)
from seewhy.audit.sources._masks import read_panoptic, stacked, upright
from seewhy.audit.sources._pictures import Pictures, read_size
from seewhy.audit.sources._psg_words import Graph, graph_judged, sentence_of
from seewhy.audit.sources._scores import present, ratio
from seewhy.audit.sources._stream import Entry, members, short_lists
from seewhy.core.paths import expanded
from seewhy.datasets._files import unusable
from seewhy.datasets._words import open_tagger

PROMPT = "Describe this picture in detail."
LISTS = ("thing_classes", "stuff_classes", "predicate_classes")
TESTED = "test_image_ids"
MASKS = ("", "annotations", "panoptic", "masks", "coco", "coco/annotations")


class Openpsg(BaseSource):
    """The pictures of `psg.json`; the id is the picture's name.

    The model describes the picture. With `answers=relations`, a sentence that is made of the
    relations is explained, such as "the person is riding the horse".
    """

    name: ClassVar[str] = "openpsg"
    summary: ClassVar[str] = "OpenPSG: all segments of a picture and their relations."
    layout: ClassVar[str] = (
        "OpenPSG's psg.json or a folder with it, its masks panoptic_*2017/ and COCO's pictures "
        "*2017/ (or images=FOLDER, masks=FOLDER)"
    )
    options: ClassVar[tuple[str, ...]] = ("answers", "split", "images", "masks", "prompt")

    def _open(self) -> None:
        self._path = self._expect("psg*.json", among=("", "psg", "annotations"))[0]
        self._split = self._choice("split", ("all", "train", "test"))
        self._told = self._choice("answers", ("model", "relations")) == "relations"
        self._pictures = Pictures(self._root, self._options.get("images", ""))
        self._tagger = open_tagger("builtin")

    @classmethod
    def recognises(cls, place: Path) -> bool:
        """A folder with `psg.json`, or a file of this name."""
        return (place / "psg.json").is_file() if place.is_dir() else place.name == "psg.json"

    def _files(self) -> Sequence[Path]:
        return [self._path]

    def _rows(self) -> Iterator[SourceRow | BadRow]:
        is_all = self._split == "all"
        lists = short_lists(self._path, LISTS if is_all else (*LISTS, TESTED))
        things, stuff, predicates = (lists[name] for name in LISTS)
        classes = [*things, *stuff]
        tested = {str(id) for id in lists.get(TESTED, ())}
        seen: set[str] = set()

        def make(entry: Entry) -> Sequence[SourceRow]:
            value = expect_object(entry.value)
            name = text_field(value, "file_name")
            if name in seen:
                raise unusable("the id is repeated", f"Expected {name} once, got it again.")
            is_tested = str(value.get("image_id")) in tested
            if not is_all and is_tested != (self._split == "test"):
                return []
            graph = _graph(value, classes, predicates)
            seen.add(name)
            mask = text_field(value, "pan_seg_file_name")
            facts = {"graph": graph, "mask": mask, "classes": classes}
            answer = None
            if self._told:
                answer = sentence_of(graph, classes)
                if not answer:
                    raise unusable("no relation", f"Expected relations of {name}, got none.")
            prompt = self._options.get("prompt", PROMPT)
            return [SourceRow(name, (self._pictures.find(name),), prompt, None, answer, facts)]

        yield from mapped((entry for _, entry in members(self._path, ("data",))), make)

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """Of words for classes, and of relations between two of them.

        The segments show the whole picture, so a class without a segment is not in it. Relations
        are not complete: one that is not listed is left open.
        """
        image = row.images[0]
        assert isinstance(image, Path)
        size = read_size(image)
        values = read_panoptic(self._mask(str(row.facts["mask"])))
        graph: Graph = row.facts["graph"]
        masks = [upright(values == number, size) for number, _ in graph["segments"]]
        judged, regions = graph_judged(graph, row.facts["classes"], answer, self._tagger)
        merged = [np.any([masks[n] for n in numbers], axis=0) for numbers in regions]
        return Judged(judged.truths, stacked(merged), judged.groups, judged.score)

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """The fraction of mentioned classes that are not in the picture, and of relations found."""
        said = sum(score["mentioned"] for score in scores)
        return present(
            {
                "invented mentions": ratio(sum(score["invented"] for score in scores), said),
                "relations found": ratio(
                    sum(score["related"] for score in scores),
                    sum(score["relations"] for score in scores),
                ),
            }
        )

    def _mask(self, name: str) -> Path:
        given = self._options.get("masks")
        roots = [expanded(given), self._root / given] if given else []
        roots += [base / part for base in (self._root, self._root.parent) for part in MASKS]
        paths = [root / tail for root in roots for tail in (name, Path(name).name)]
        return next((path for path in paths if path.is_file()), self._root / name)


def _graph(
    value: Mapping[str, Any], classes: Sequence[str], predicates: Sequence[str]
) -> dict[str, Any]:
    """Segments as `[id, class]` and relations as `[subject, object, predicate]`, checked."""
    segments = []
    for item in list_field(value, "segments_info"):
        id, category = expect_object(item, "a segment").get("id"), item.get("category_id")
        if not (isinstance(id, int) and _is_index(category, classes)):
            raise unusable(MALFORMED, f"Expected a segment's id and class, got {shown(item)}.")
        segments.append([id, category])
    relations = []
    for item in list_field(value, "relations"):
        is_triple = isinstance(item, list) and len(item) == 3
        if not (
            is_triple
            and all(_is_index(n, segments) for n in item[:2])
            and _is_index(item[2], predicates)
        ):
            raise unusable(
                MALFORMED,
                f"Expected [subject, object, predicate] as a relation, got {shown(item)}.",
            )
        relations.append([item[0], item[1], predicates[item[2]]])
    return {"segments": segments, "relations": relations}


def _is_index(value: Any, items: Sequence[Any]) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(items)
