"""POPE: is there a thing in the picture, yes or no."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.audit.sources._answers import Answer, in_turn, joined, read_answers
from seewhy.audit.sources._base import BaseSource, matching
from seewhy.audit.sources._coco import Instances, category_masks
from seewhy.audit.sources._fields import MALFORMED, expect_object, mapped, shown, text_field
from seewhy.audit.sources._pictures import Pictures, read_size
from seewhy.audit.sources._scores import binary_figures
from seewhy.audit.sources._stream import Entry, entries, first_value
from seewhy.audit.sources._words import answer_word, mentions
from seewhy.core.sample import Truth
from seewhy.datasets._categories import SYNONYMS
from seewhy.datasets._files import unusable

SPLITS = ("random", "popular", "adversarial")
NO_LABEL = "the label is neither yes nor no"

_ASKED = re.compile(r"\b(?:an?|any)\s+(.+?)\s+in\b", re.IGNORECASE)


class Pope(BaseSource):
    """The questions of `coco_pope_*.json`, JSON Lines despite the ending, or the later array.

    The id is the split and the number of the entry. Given answers stand in the order of the
    questions, as `evaluate.py` takes them, or have a `question_id`.
    """

    name: ClassVar[str] = "pope"
    summary: ClassVar[str] = "POPE: is a thing in the picture, yes or no."
    layout: ClassVar[str] = (
        "a file coco_pope_{random,popular,adversarial}.json of lines "
        '{"question_id", "image", "text", "label"}, or a folder with such files; pictures beside '
        "them or in images=FOLDER"
    )
    options: ClassVar[tuple[str, ...]] = ("split", "images", "instances")

    def _open(self) -> None:
        split = self._choice("split", ("all", *SPLITS))
        pattern = "*pope*.json*" if split == "all" else f"*pope*{split}*.json*"
        self._paths = self._expect(pattern, among=("", "annotations", "coco", "output/coco"))
        self._pictures = Pictures(self._root, self._options.get("images", ""))
        named = self._path_option("instances")
        self._instances = (
            [named]
            if named
            else matching(self._root, ["instances_*.json"], ("", "annotations", "coco/annotations"))
        )

    @classmethod
    def recognises(cls, place: Path) -> bool:
        """A folder with a `*pope_*.json`, or a file of POPE's fields."""
        if place.is_dir():
            return bool(matching(place, ["*pope_*.json"], ("", "coco", "output/coco")))
        value = first_value(place) if place.is_file() else None
        keys = set(value) if isinstance(value, dict) else set()
        return "label" in keys and bool(
            {"image", "text"} <= keys or {"image_name", "query"} <= keys
        )

    def _files(self) -> Sequence[Path]:
        return [*self._paths, *self._instances]

    def _rows(self) -> Iterator[SourceRow | BadRow]:
        known = Instances(self._instances) if self._instances else None
        numbers = {} if known is None else {name: id for id, name in known.pictures.items()}
        for path in self._paths:
            split = _split_of(path)
            make = partial(self._row, split, known, numbers)
            yield from mapped(entries(path), make, split)

    def _row(
        self, split: str, known: Instances | None, numbers: Mapping[str, int], entry: Entry
    ) -> SourceRow:
        value = expect_object(entry.value)
        name = text_field(value, "image", "image_name")
        question = text_field(value, "text", "query", "question")
        label = value.get("label")
        if not isinstance(label, str) or label.strip().lower() not in ("yes", "no"):
            raise unusable(NO_LABEL, f'Expected "yes" or "no" as "label", got {shown(label)}.')
        facts: dict[str, Any] = {"label": label.strip().lower(), "split": split}
        facts["object"] = _object(value, question)
        if (number := value.get("question_id", value.get("id"))) is not None:
            facts["question_id"] = str(number)
        path = self._pictures.find(name)
        if known is not None:
            picture = next((numbers[n] for n in (Path(name).name, path.name) if n in numbers), None)
            picture = _number(path) if picture is None else picture
            facts["instances"] = [] if picture is None else known.places(picture)
        return SourceRow(f"{split}-{entry.number}", (path,), question, facts=facts)

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """Of "yes" or "no", and of the thing asked for where the answer says that it is there."""
        said, label = read_pope(answer), row.facts["label"]
        truths = answer_word(answer, said, said == label)
        thing = str(row.facts["object"])
        mask, regions = self._region(row, thing)
        if said == "yes" and thing:
            synonyms = {name: words.split(", ") for name, words in SYNONYMS.items()}
            taken = {truth.start for truth in truths}
            truths += tuple(
                Truth(start, end, "kind", regions, label == "yes", thing)
                for start, end in mentions(answer, thing, synonyms=synonyms)
                if start not in taken
            )
        ordered = tuple(sorted(truths, key=lambda truth: truth.start))
        groups = {truth.start: "object" for truth in ordered if truth.role == "kind"}
        score = {"predicted": said, "label": label, "split": row.facts["split"]}
        return Judged(ordered, mask, groups, score)

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """Accuracy, precision, recall, F1 and yes-ratio; also of each split, if there are more."""
        figures = binary_figures((s["predicted"] == "yes", s["label"] == "yes") for s in scores)
        splits = list(dict.fromkeys(score["split"] for score in scores))
        for split in splits if len(splits) > 1 else ():
            pairs = (
                (s["predicted"] == "yes", s["label"] == "yes")
                for s in scores
                if s["split"] == split
            )
            figures |= {f"{split} {name}": value for name, value in binary_figures(pairs).items()}
        return figures

    def _region(self, row: SourceRow, thing: str) -> tuple[Any, tuple[int, ...]]:
        """The mask of the thing asked for, where COCO's annotations are at hand."""
        image = row.images[0]
        places = [p for p in row.facts.get("instances", ()) if p[3] == thing]
        if not places or not isinstance(image, Path):
            return None, ()
        _, masks = category_masks(self._instances, places, read_size(image))
        return masks, (0,)

    def _joined(self, rows: Iterator[SourceRow | BadRow]) -> Iterator[SourceRow | BadRow]:
        """By `question_id`, if the answers have it and one file is read; else by their order."""
        assert self._given is not None
        first = first_value(self._given)
        by_id = isinstance(first, dict) and "question_id" in first and len(self._paths) == 1
        answers = read_answers(self._given, _question_id if by_id else _question)
        if by_id:
            return joined(rows, answers, _row_number, _adopted, surplus=self._is_whole())
        answers = islice(answers, self._start, None)
        return in_turn(rows, answers, _row_question, _adopted, surplus=self._is_whole())


def read_pope(answer: str) -> str:
    """ "yes" or "no", as POPE's `evaluate.py` reads an answer.

    Of the text before the first full stop, without commas: "no" if one of the words between spaces
    is "No", "no" or "not", else "yes".
    """
    words = answer.split(".")[0].replace(",", "").split(" ")
    return "no" if {"No", "not", "no"}.intersection(words) else "yes"


def _object(value: Mapping[str, Any], question: str) -> str:
    """The thing that is asked for; "" where it cannot be told."""
    named = value.get("target_object")
    if isinstance(named, str) and named.strip():
        return named.strip().lower()
    match = _ASKED.search(question)
    return match.group(1).lower() if match else ""


def _split_of(path: Path) -> str:
    return next((split for split in SPLITS if split in path.stem), path.stem)


def _number(path: Path) -> int | None:
    """The picture's COCO id, from its name."""
    match = re.search(r"(\d{12})$", path.stem)
    return int(match.group(1)) if match else None


def _question(entry: Mapping[str, Any]) -> str:
    """Case and surrounding space do not count: POPE's own example differs in them."""
    return " ".join(text_field(entry, "question", "query").lower().split())


def _question_id(entry: Mapping[str, Any]) -> str:
    id = entry.get("question_id")
    if id is None:
        raise unusable(MALFORMED, 'Expected "question_id" in each answer, got none.')
    return str(id)


def _row_question(row: SourceRow) -> str:
    return " ".join(str(row.prompt).lower().split())


def _row_number(row: SourceRow) -> str:
    return str(row.facts.get("question_id", row.id))


def _adopted(row: SourceRow, answer: Answer) -> SourceRow:
    return replace(row, answer=answer.text)
