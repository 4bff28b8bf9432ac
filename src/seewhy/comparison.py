"""One answer explained by two models, word by word."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.core.errors import ParameterError
from seewhy.core.record import Picture
from seewhy.explained_word import ExplainedWord, only_view
from seewhy.explanation import NOTEBOOK, Explanation, place_of
from seewhy.functional.area_resampling import area_resampled
from seewhy.report.cell_frame import CellFrame
from seewhy.report.comparison_page import html
from seewhy.report.comparison_payload import ComparedMaps, payload
from seewhy.report.safe_folder import json_text, write_folder

SCHEMA = "comparison 1"
"""Of a saved comparison's manifest; it is no explanation that `seewhy.open` reads."""


@dataclass(frozen=True, eq=False)
class ComparedWord:
    """One word of the answer, by two models.

    Attributes:
        index: its number.
        text: its characters.
        first, second: the word in both explanations.
        maps: for each view both maps on the first model's grid.
    """

    index: int
    text: str
    first: ExplainedWord
    second: ExplainedWord
    maps: tuple[ComparedMaps, ...]

    @property
    def probabilities(self) -> tuple[float, float]:
        """The word's probability by the first and by the second model."""
        return self.first.probability, self.second.probability

    @property
    def differences(self) -> tuple[np.ndarray, ...]:
        """For each view float32 `[height, width]`: the second map minus the first, in logits."""
        return tuple(maps.difference for maps in self.maps)

    @property
    def difference(self) -> np.ndarray:
        """The only picture's difference: float32 `[height, width]`, second minus first, signed.

        Raises:
            InputError: if there are several views; `differences` holds them all.
        """
        return self.differences[only_view(self.maps)]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: text, offsets, both probabilities, both maps and their difference."""
        return {
            "text": self.text,
            "start": self.first.start,
            "end": self.first.end,
            "probabilities": [_number(value) for value in self.probabilities],
            "views": [
                {
                    "first": _numbers(maps.first),
                    "second": _numbers(maps.second),
                    "difference": _numbers(maps.difference),
                }
                for maps in self.maps
            ],
        }


class Comparison:
    """One answer explained by two models: the same words, both maps, and what differs.

    Iterate over it for its words; index it by number or by text.

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
        by: str = "tokens",
        notes: Sequence[str] = (),
    ) -> None:
        expect_comparable(first, second)
        self.first, self.second, self.by = first, second, by
        self.notes = (*notes, *_notes_on_grids(first, second))

    @property
    def answer(self) -> str:
        """The answer that both explain."""
        return self.first.answer

    @property
    def prompt(self) -> str:
        """The prompt's text."""
        return self.first.prompt

    @property
    def models(self) -> tuple[str, str]:
        """Hub ids or folders of both models."""
        return self.first.model, self.second.model

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.first.method

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before anything else, of both explanations; each once."""
        both = (*self.first.record.warnings, *self.second.record.warnings)
        return tuple(dict.fromkeys(both))

    @cached_property
    def words(self) -> tuple[ComparedWord, ...]:
        """The words of the answer."""
        return tuple(
            ComparedWord(index, one.text, one, other, self._maps(one, other))
            for index, (one, other) in enumerate(zip(self.first, self.second, strict=True))
        )

    def _maps(self, one: ExplainedWord, other: ExplainedWord) -> tuple[ComparedMaps, ...]:
        views = zip(self.first.views, self.second.views, one.heatmaps, other.heatmaps, strict=True)
        return tuple(
            ComparedMaps(first, _on_grid(second, other_view, view))
            for view, other_view, first, second in views
        )

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
        return self.words[place_of(self.first.record.words, word)]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: what `seewhy compare --json` prints.

        Maps are rows of numbers on the first model's grid, in logits; `difference` is the second
        minus the first.
        """
        return {
            "prompt": self.prompt,
            "answer": self.answer,
            "models": list(self.models),
            "method": self.method,
            "compared_by": self.by,
            "words": [word.to_json() for word in self],
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }

    def html(self) -> str:
        """The comparison as one self-contained HTML document."""
        return html(self._payload)

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
            (work / "comparison.json").write_text(json_text(self.to_json()), "utf-8")
            (work / "comparison.html").write_bytes(self.html().encode())

        return write_folder(folder, write, {"schema": SCHEMA}, overwrite)

    @cached_property
    def _payload(self) -> Any:
        return payload(
            self.first.record,
            self.second.record,
            [(word.probabilities, word.maps) for word in self],
            by=self.by,
            notes=self.notes,
        )

    def __repr__(self) -> str:
        return f"Comparison({self.answer!r}, {len(self)} words, models={self.models!r})"

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


def expect_comparable(first: Explanation, second: Explanation) -> None:
    """Expect two explanations of the same words and pictures, by the same method.

    Raises:
        ParameterError: if one of these differs; it says which.
    """
    texts = [[word.text for word in one.record.words] for one in (first, second)]
    if first.answer != second.answer or texts[0] != texts[1]:
        raise ParameterError(
            f"Expected two explanations of one answer, got {first.answer[:80]!r} and "
            f"{second.answer[:80]!r}, or other words of it: the two models cut it in another way. "
            "Give an answer that both write with the same words."
        )
    sizes = [[view.size for view in one.views] for one in (first, second)]
    if sizes[0] != sizes[1]:
        raise ParameterError(
            f"Expected two explanations of the same pictures, got sizes {sizes[0]} and {sizes[1]}: "
            "the models show other pictures or other frames; compare them on one picture."
        )
    methods = [one.record.provenance.method for one in (first, second)]
    if methods[0] != methods[1]:
        raise ParameterError(
            f"Expected two explanations by one method, got {methods[0]} and {methods[1]}: their "
            "maps have other units. Name a method that both models allow."
        )


def _on_grid(heatmap: np.ndarray, source: Picture, target: Picture) -> np.ndarray:
    """A map of the second model on the first model's grid."""
    if _same_grid(source, target):
        return heatmap
    import torch

    edges = [(view.base_grid.row_edges, view.base_grid.column_edges) for view in (source, target)]
    return area_resampled(torch.from_numpy(heatmap), *edges).numpy()


def _same_grid(one: Picture, other: Picture) -> bool:
    a, b = one.base_grid, other.base_grid
    return a.shape == b.shape and all(
        bool(((x - y).abs() < 1e-6).all())
        for x, y in ((a.row_edges, b.row_edges), (a.column_edges, b.column_edges))
    )


def _notes_on_grids(first: Explanation, second: Explanation) -> Iterator[str]:
    for number, (one, other) in enumerate(zip(first.views, second.views, strict=True)):
        if not _same_grid(one, other):
            rows, columns = other.base_grid.shape
            own = " x ".join(map(str, one.base_grid.shape))
            yield (
                f"Picture {number + 1}: the second model's maps of {rows} x {columns} cells were "
                f"brought to the first model's {own} cells, with area weights."
            )


def _numbers(values: np.ndarray) -> list[list[float]]:
    return [[_number(value) for value in row] for row in values.tolist()]


def _number(value: float) -> float:
    return json.loads(f"{value:.6g}")
