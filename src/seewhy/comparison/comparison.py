"""Two to four explanations side by side: the same words, their maps, and what differs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from seewhy.comparison.alignment import Row, aligned
from seewhy.comparison.columns import Column, Kind, columns_of, kind_of, opened
from seewhy.comparison.matching import By, expect_comparable, matched_by, notes_on_columns
from seewhy.comparison.pairs import Pair, pairs_of
from seewhy.comparison.word import ComparedWord
from seewhy.core.errors import InputError, ParameterError
from seewhy.core.text import Word
from seewhy.core.word_lookup import place_of
from seewhy.explanation import NOTEBOOK, Explanation
from seewhy.functional.agreement import Agreement
from seewhy.report.cell_frame import CellFrame
from seewhy.report.compact_json import compact_json
from seewhy.report.comparison_page import html
from seewhy.report.comparison_payload import (
    ComparedColumn,
    ComparedPair,
    ComparisonPayload,
    payload,
)
from seewhy.report.safe_folder import write_folder

SCHEMA = "comparison 2"
"""Of a saved comparison's manifest; it is no explanation that `seewhy.open` reads."""


class Comparison:
    """Two to four explanations side by side.

    Iterate over it for its words; index it by number or by text. `Comparison.of` takes any
    explanations and saved folders; the class itself takes one answer by two models.

    Attributes:
        columns: the explanations, with a name for each.
        kind: what differs: `"methods"`, `"models"` or `"pictures"`; else `"explanations"`.
        by: how words were matched: by equal `"tokens"`, by equal `"words"` of one answer, or by a
            `"diff"` of several answers.
        notes: what a reader must know of the comparison.

    Args:
        first: the explanation by the first model.
        second: by the second model, of the same answer to the same question by the same method.
        by: `"tokens"` if both have the same tokens, or `"words"`.
        notes: further remarks for the reader.

    Raises:
        ParameterError: if the two are not of the same words, pictures and method.
    """

    def __init__(
        self,
        first: Explanation,
        second: Explanation,
        *,
        by: By = "tokens",
        notes: Sequence[str] = (),
    ) -> None:
        expect_comparable(first, second)
        self._put([first, second], None, "models", by, notes)

    @classmethod
    def of(
        cls,
        explanations: Sequence[Explanation | str | os.PathLike[str]],
        *,
        labels: Sequence[str] | None = None,
        kind: Kind | None = None,
        by: By | None = None,
        notes: Sequence[str] = (),
    ) -> Comparison:
        """Two to four explanations of any kind side by side.

        Where all have one answer, its words stand beside each other. Where the answers differ,
        equal words are found by a word-by-word diff; the others stand alone.

        Args:
            explanations: explanations, or folders with saved ones.
            labels: a name for each; None takes what differs, such as their methods.
            kind, by: what differs, and how the words were matched, where that is known; None
                finds it out.
            notes: further remarks for the reader.

        Raises:
            ParameterError: if there are less than two or more than four.
            SchemaError: if a folder holds no explanation, or is damaged.

        Example:
            `seewhy.Comparison.of(["explained/tam", "explained/arc"])["fox"].agreement`
        """
        if isinstance(explanations, str | os.PathLike | Explanation):
            raise ParameterError(
                "Expected a list of explanations or folders, got one: write "
                "Comparison.of([first, second])."
            )
        read, folders = opened(explanations)
        made = cls.__new__(cls)
        made._put(read, folders if labels is None else labels, kind, by, notes)
        return made

    def _put(
        self,
        explanations: Sequence[Explanation],
        labels: Sequence[str] | None,
        kind: Kind | None,
        by: By | None,
        notes: Sequence[str],
    ) -> None:
        self.kind: Kind = kind or kind_of(explanations)
        self.columns: tuple[Column, ...] = columns_of(explanations, self.kind, labels)
        self.by: By = by or matched_by(explanations)
        own = "model" if self.kind == "models" else "column"
        self.notes: tuple[str, ...] = (*notes, *notes_on_columns(self.columns, own))

    @property
    def explanations(self) -> tuple[Explanation, ...]:
        """The explanation of each column."""
        return tuple(column.explanation for column in self.columns)

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of each column."""
        return tuple(column.label for column in self.columns)

    @property
    def first(self) -> Explanation:
        """The explanation of the first column."""
        return self.columns[0].explanation

    @property
    def second(self) -> Explanation:
        """The explanation of the second column."""
        return self.columns[1].explanation

    @property
    def answer(self) -> str:
        """The answer of the first column; `answers` holds all."""
        return self.first.answer

    @property
    def answers(self) -> tuple[str, ...]:
        """The answer of each column."""
        return tuple(one.answer for one in self.explanations)

    @property
    def prompt(self) -> str:
        """The prompt's text, of the first column."""
        return self.first.prompt

    @property
    def models(self) -> tuple[str, ...]:
        """Hub id or folder of each column's model."""
        return tuple(one.model for one in self.explanations)

    @property
    def methods(self) -> tuple[str, ...]:
        """Each column's method."""
        return tuple(one.method for one in self.explanations)

    @property
    def method(self) -> str:
        """The method of all columns.

        Raises:
            InputError: if there are several; `methods` holds them all.
        """
        if len(set(self.methods)) > 1:
            raise InputError(
                f"Expected columns of one method, got {', '.join(self.methods)}: use `methods`."
            )
        return self.methods[0]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before anything else, of all explanations; each once."""
        return tuple(dict.fromkeys(w for one in self.explanations for w in one.record.warnings))

    @property
    def agreement(self) -> Agreement | None:
        """How much the columns agree: the mean over all words with a letter or digit and all pairs.

        None where no word can be compared. A pair's own mean is `agreement_of`.
        """
        words = [word.agreement for word in self if _says_something(word.text)]
        return Agreement.mean([one for one in words if one is not None])

    def agreement_of(self, first: int, second: int) -> Agreement | None:
        """The mean agreement of two columns over all words with a letter or digit.

        Raises:
            ParameterError: if there are no two such columns.
        """
        words = [word.agreement_of(first, second) for word in self if _says_something(word.text)]
        return Agreement.mean([one for one in words if one is not None])

    @cached_property
    def words(self) -> tuple[ComparedWord, ...]:
        """The words, in reading order; of several answers those of all of them."""
        answers = [one.words for one in self.explanations]
        found = []
        for index, row in enumerate(self._rows):
            words = tuple(
                None if at is None else answer[at] for at, answer in zip(row, answers, strict=True)
            )
            text = next(word.text for word in words if word is not None)
            found.append(ComparedWord(index, text, words, row, self._pairs))
        return tuple(found)

    @cached_property
    def _rows(self) -> tuple[Row, ...]:
        return aligned([[word.text for word in one.record.words] for one in self.explanations])

    @cached_property
    def _pairs(self) -> dict[tuple[int, int], Pair]:
        return pairs_of(self.columns)

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[ComparedWord]:
        return iter(self.words)

    def __getitem__(self, word: int | str) -> ComparedWord:
        """A word by its number, or the first one with this text.

        Raises:
            UnknownNameError: if no word has this text.
            IndexError: if there is no such number.
        """
        texts = [Word(one.text, 0, 0, ()) for one in self.words]
        return self.words[place_of(texts, word)]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: what `seewhy compare --json` prints, and `comparison.json` of a folder.

        Maps are rows of numbers. Of two columns that can be compared, each word has `views`: both
        maps on the first column's grid, and their difference, the second minus the first. Else it
        has `maps`: for each column those of its views on their own grids, null where its answer
        lacks the word.
        """
        return {
            "schema": SCHEMA,
            "kind": self.kind,
            "prompt": self.prompt,
            "answer": self.answer,
            "models": list(self.models),
            "method": self.methods[0] if len(set(self.methods)) == 1 else None,
            "compared_by": self.by,
            "columns": [column.to_json() for column in self.columns],
            "pairs": [
                {"columns": list(key), "unit": pair.unit, "same_places": pair.has_same_places}
                for key, pair in self._pairs.items()
            ],
            "words": [word.to_json() for word in self],
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }

    def html(self) -> str:
        """The comparison as one self-contained HTML document."""
        return html(self.payload)

    def save(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write `comparison.html` and `comparison.json` to a folder.

        Args:
            folder: a new folder.
            overwrite: replace the folder if it is one that seewhy wrote.

        Returns:
            The folder's absolute path.

        Raises:
            OutputError: if the folder exists or cannot be written; no partial folder is left.
        """

        def write(work: Path) -> None:
            (work / "comparison.json").write_text(compact_json(self.to_json()), "utf-8")
            (work / "comparison.html").write_bytes(self.html().encode())

        return write_folder(folder, write, {"schema": SCHEMA}, overwrite)

    @cached_property
    def payload(self) -> ComparisonPayload:
        """The data of the page, for `mount` of the page's module `comparison/mount.js`."""
        return payload(
            [ComparedColumn(column.label, column.explanation.record) for column in self.columns],
            self._rows,
            [
                ComparedPair(
                    *key,
                    pair.unit,
                    pair.has_same_places,
                    tuple(word.agreements.get(key) for word in self.words),
                    self.agreement_of(*key),
                )
                for key, pair in self._pairs.items()
            ],
            kind=self.kind,
            by=self.by,
            notes=self.notes,
        )

    def __repr__(self) -> str:
        named = {"models": self.models, "methods": self.methods}.get(self.kind, self.labels)
        return f"Comparison({self.answer!r}, {len(self)} words, {self.kind}={named!r})"

    def widget(self, *, height: int = 760) -> Any:
        """The live page for a notebook's cell; as `Explanation.widget`."""
        return import_module(NOTEBOOK).widget_of_comparison(self, height)

    def frame(self, *, height: int = 760) -> CellFrame:
        """The live page in a frame; as `Explanation.frame`."""
        return CellFrame(self.html(), "seewhy comparison", height)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return import_module(NOTEBOOK).comparison_output(self)

    def _display_(self) -> Any:
        return import_module(NOTEBOOK).marimo_comparison(self)


def _says_something(text: str) -> bool:
    return any(map(str.isalnum, text))
