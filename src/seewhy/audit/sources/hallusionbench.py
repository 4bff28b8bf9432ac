"""HallusionBench: questions on charts, maps, tables and illusions, with yes or no as answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.audit.sources._answers import Answer, joined, read_answers
from seewhy.audit.sources._base import BaseSource
from seewhy.audit.sources._fields import MALFORMED, expect_object, mapped, shown, text_field
from seewhy.audit.sources._pictures import NONE, Pictures
from seewhy.audit.sources._scores import present, ratio
from seewhy.audit.sources._stream import Entry, entries, first_value
from seewhy.audit.sources._words import answer_word, yes_or_no
from seewhy.datasets._files import unusable

NAMES = ("category", "subcategory", "set_id", "figure_id", "question_id")
CHECK = "gpt4v_output_gpt_check"
"""The field of the benchmark's own judgement: "0" wrong, "1" correct, "2" unclear."""


class Hallusionbench(BaseSource):
    """The questions of `HallusionBench.json` that have a picture.

    The id is category, subcategory, set, figure and question. A question without a picture is a bad
    row, "no picture": there is nothing to explain its words by. Given answers are the same array
    with `model_prediction`, as the benchmark's `evaluation.py` takes it.
    """

    name: ClassVar[str] = "hallusionbench"
    summary: ClassVar[str] = "HallusionBench: yes-no questions in sets of related pictures."
    layout: ClassVar[str] = (
        "HallusionBench.json or a folder with it, and pictures in hallusion_bench/ (or "
        "images=FOLDER)"
    )
    options: ClassVar[tuple[str, ...]] = ("images",)

    def _open(self) -> None:
        self._path = self._expect("HallusionBench*.json")[0]
        self._pictures = Pictures(self._root, self._options.get("images", ""))

    @classmethod
    def recognises(cls, place: Path) -> bool:
        """A folder with `HallusionBench.json`, or a file of its fields."""
        path = place / "HallusionBench.json" if place.is_dir() else place
        value = first_value(path) if path.is_file() else None
        return isinstance(value, dict) and {"visual_input", "gt_answer", *NAMES} <= set(value)

    def _files(self) -> Sequence[Path]:
        return [self._path]

    def _rows(self) -> Iterator[SourceRow | BadRow]:
        seen: set[str] = set()

        def make(entry: Entry) -> SourceRow:
            value = expect_object(entry.value)
            id = _id(value)
            if id in seen:
                raise unusable("the id is repeated", f"Expected a unique question, got {id} again.")
            seen.add(id)
            label = str(value.get("gt_answer"))
            if label not in ("0", "1"):
                raise unusable(MALFORMED, f'Expected "0" or "1" as "gt_answer", got {label!r}.')
            question, name = text_field(value, "question"), value.get("filename")
            if str(value.get("visual_input")) == "0" or not name:
                raise unusable(NONE, f"{id} is a question without a picture.")
            facts = {part: str(value[part]) for part in NAMES}
            facts["label"] = "yes" if label == "1" else "no"
            path = self._pictures.find(str(name).removeprefix("./"))
            return SourceRow(id, (path,), question, facts=facts)

        yield from mapped(entries(self._path), make)

    def _answer_key(self, entry: Mapping[str, Any]) -> str:
        return _id(entry)

    def _adopted(self, row: SourceRow, answer: Answer) -> SourceRow:
        check = str((answer.entry or {}).get(CHECK, ""))
        facts = dict(row.facts) | ({"check": check} if check in ("0", "1", "2") else {})
        return replace(row, answer=answer.text, facts=facts)

    def _joined(self, rows: Iterator[SourceRow | BadRow]) -> Iterator[SourceRow | BadRow]:
        """The answers to questions without a picture are no surplus: these are bad rows already."""
        assert self._given is not None
        answers = (
            answer
            for answer in read_answers(self._given, self._answer_key)
            if str((answer.entry or {}).get("visual_input")) != "0"
        )
        return joined(rows, answers, self._row_key, self._adopted, surplus=self._is_whole())

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """Of "yes" or "no". Correct is what the benchmark judged, or else what is read so."""
        said, label = yes_or_no(answer), row.facts["label"]
        correct = str(row.facts["check"]) == "1" if "check" in row.facts else said == label
        truths = answer_word(answer, said, correct)
        names = {name: row.facts[name] for name in NAMES}
        score = {"predicted": said, "label": label, "correct": correct, **names}
        return Judged(truths, score=score)

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """aAcc, fAcc and qAcc, of the questions with a picture.

        aAcc: questions that are answered right. fAcc: figures of which all questions are. qAcc:
        questions that are answered right for all their figures.
        """
        figures = [s for s in scores if s["category"] != "VS" or s["figure_id"] != "0"]
        return present(
            {
                "aAcc": ratio(sum(bool(score["correct"]) for score in scores), len(scores)),
                "fAcc": _all_right(figures, ("category", "subcategory", "set_id", "figure_id")),
                "qAcc": _all_right(scores, ("category", "subcategory", "set_id", "question_id")),
            }
        )


def _all_right(scores: Sequence[Mapping[str, Any]], names: Sequence[str]) -> float | None:
    """The fraction of groups, by these fields, in which every answer is correct."""
    right: dict[tuple[str, ...], bool] = {}
    for score in scores:
        group = tuple(score[name] for name in names)
        right[group] = right.get(group, True) and bool(score["correct"])
    return ratio(sum(right.values()), len(right))


def _id(entry: Mapping[str, Any]) -> str:
    missing = [name for name in NAMES if not isinstance(entry.get(name), str | int)]
    if missing:
        raise unusable(
            MALFORMED, f"Expected {', '.join(NAMES)}, got none of {missing} in {shown(entry)}."
        )
    return "_".join(str(entry[name]) for name in NAMES)
