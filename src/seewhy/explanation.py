"""An explanation: an answer, word by word, and the evidence for each word."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.answer_location import AnswerLocation, answer_locations
from seewhy.core.display import DISPLAY, Display
from seewhy.core.errors import ParameterError
from seewhy.core.record import Picture, Record
from seewhy.core.regions import Region
from seewhy.core.text import phrase
from seewhy.core.word_lookup import find_text, place_of
from seewhy.explained_word import ExplainedWord, RecordWords, only_view
from seewhy.report.bundle import save_record
from seewhy.report.cell_frame import CellFrame
from seewhy.report.figure import ExplanationFigure, FigureOptions, Named, make_figure
from seewhy.report.figure.others import other_records
from seewhy.report.figures import plot
from seewhy.report.location_json import locations_to_json
from seewhy.report.locations import with_convention
from seewhy.report.page import html
from seewhy.report.spans import spans_of
from seewhy.report.word_layers import WordLayers
from seewhy.report.word_verdicts import worst_word
from seewhy.word_share import WordShare, words_from

if TYPE_CHECKING:
    from PIL.Image import Image

NOTEBOOK = "seewhy.notebook.explanations"
"""What a notebook's cell shows. It stands on a floor above: it is imported when a cell asks."""


class Explanation:
    """An answer, word by word, and the evidence for each word.

    Iterate over it for its words, index it by number or by text, save it to a folder.

    Args:
        record: the explanation as plain data.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self._words = RecordWords(record)

    @property
    def prompt(self) -> str:
        """The prompt's text."""
        return self.record.prompt

    @property
    def answer(self) -> str:
        """The answer's text."""
        return self.record.answer

    @property
    def model(self) -> str:
        """Hub id or folder of the model."""
        return self.record.provenance.model

    @property
    def method(self) -> str:
        """The method's spec: its name and the parameters that differ from their defaults."""
        return self.record.provenance.method

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before anything else; empty for most explanations."""
        return self.record.warnings

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know, the warnings first."""
        return self.record.provenance.notes

    @property
    def images(self) -> tuple[Image, ...]:
        """For each view the upright RGB picture; of a step of a clip its first frame."""
        from PIL.Image import fromarray

        return tuple(fromarray(view.image.numpy()) for view in self.views)

    @property
    def image(self) -> Image:
        """The upright RGB picture.

        Raises:
            InputError: if there are several views; `images` holds them all.
        """
        return self.images[only_view(self.views)]

    @property
    def views(self) -> tuple[Picture, ...]:
        """One for each map: the prompt's pictures, and the steps of its clips."""
        return self.record.pictures

    @property
    def words(self) -> tuple[ExplainedWord, ...]:
        """The words of the answer, punctuation marks among them."""
        return self._words.words

    @property
    def prompt_words(self) -> tuple[ExplainedWord, ...]:
        """The words of the prompt, with their maps; empty if they were not explained."""
        return self._words.prompt_words

    @property
    def tokens(self) -> tuple[ExplainedWord, ...]:
        """The tokens of the answer, each with its own maps and context."""
        return self._words.tokens

    @property
    def boxes(self) -> tuple[AnswerLocation, ...]:
        """The boxes that stand in the answer, in pixels of the original picture.

        Their numbers are read by the convention of the model's family (docs/boxes.md), or by the
        one that the explanation was made with. A box whose convention is not known has no `pixels`.
        """
        return answer_locations(self._words, "box")

    @property
    def points(self) -> tuple[AnswerLocation, ...]:
        """The points that stand in the answer, as `boxes`."""
        return answer_locations(self._words, "point")

    def boxes_as(
        self, convention: str | None = None, *, picture: int | None = None
    ) -> tuple[AnswerLocation, ...]:
        """The boxes of the answer, read by a convention that you name.

        Boxes without any tag, `[x1, y1, x2, y2]` and `(x1,y1),(x2,y2)`, are read too.

        Args:
            convention: a name from `seewhy.core.boxes.CONVENTIONS`, such as `"relative-1000"`; None
                keeps the explanation's own.
            picture: the picture that all boxes belong to, from 0; None takes what the answer says,
                else the first.

        Raises:
            UnknownNameError: if there is no such convention.
            ParameterError: if there is no such picture.
        """
        return answer_locations(self._words, "box", convention, picture)

    def points_as(
        self, convention: str | None = None, *, picture: int | None = None
    ) -> tuple[AnswerLocation, ...]:
        """The points of the answer, read by a convention that you name; see `boxes_as`."""
        return answer_locations(self._words, "point", convention, picture)

    def with_boxes(self, convention: str) -> Explanation:
        """The same explanation, its boxes and points read by a convention: also on its page.

        Raises:
            UnknownNameError: if there is no such convention.
        """
        return Explanation(with_convention(self.record, convention))

    @property
    def thinking(self) -> tuple[ExplainedWord, ...]:
        """The words of the answer's thinking block, its tags among them; empty if it has none."""
        return tuple(self.words[index] for index in self.record.thinking_words)

    @property
    def final_words(self) -> tuple[ExplainedWord, ...]:
        """The words of the answer without its thinking block.

        All of them where nothing follows the block: then the answer was cut off.
        """
        return tuple(self.words[index] for index in self.record.final_words)

    @property
    def worst(self) -> ExplainedWord | None:
        """The word that the picture supports least, of those that follow a thinking block.

        Of equal ones the first with a verdict of its own: not a colour that shares its thing's.

        None if no word of the answer has a verdict.

        Raises:
            InputError: if the explanation was not diagnosed.
        """
        index = worst_word(self.record)
        return None if index is None else self.words[index]

    def __len__(self) -> int:
        return len(self.record.words)

    def __iter__(self) -> Iterator[ExplainedWord]:
        return iter(self.words)

    def __getitem__(self, word: int | str) -> ExplainedWord:
        """A word by its number or its text, or any text that begins and ends with a token.

        The first word with this text; else the first place where it stands as part of a word or as
        a phrase, such as `explanation["red star"]`.

        Raises:
            UnknownNameError: if the answer has no such text, or a token goes beyond it.
            IndexError: if there is no such number.
        """
        found, within = find_text(self.answer, self.record.words, self.record.tokens, word)
        if len(within) == 1 and found is self.record.words[within[0]]:
            return self.words[within[0]]
        return ExplainedWord(self._words, spans_of(self.record).word(found, within[0]))

    def phrase(self, first: int | str, last: int | str) -> ExplainedWord:
        """Neighbouring words as one, such as `explanation.phrase("red", "star")`.

        Args:
            first: number or text of its first word.
            last: number of its last word, or text: the next word with this text.

        Raises:
            UnknownNameError, IndexError: as for a single word.
            ParameterError: if the last word is before the first.
        """
        begin = self._index(first)
        end = self._index(last, begin)
        if end < begin:
            raise ParameterError(
                f"Expected a phrase's last word at or after its first, got {first!r} to {last!r} "
                f"(words {begin} to {end}): swap them."
            )
        joined = phrase(self.answer, self.record.words[begin : end + 1])
        return ExplainedWord(self._words, spans_of(self.record).word(joined, begin))

    def words_from(self, region: Region) -> tuple[WordShare, ...]:
        """All words of the answer by how much of them comes from a region, most first.

        By their maps, at once and without the model. To find out what the words lose without the
        region, ask the model: `explainer.follow_up(...).effect(region)`.

        Args:
            region: of one of `views`.

        Raises:
            ParameterError: if there is no such view, or the region lies beyond its picture.
        """
        return words_from(self._words, region)

    def layers(self, word: int | str) -> WordLayers:
        """A word layer by layer: what could be read there, and what was taken there.

        Args:
            word: its number, or its text.

        Raises:
            UnknownNameError, IndexError: as for `explanation[word]`.
            InputError: if the explanation was made without layers.
        """
        return self[word].layers

    def plot(self, words: Sequence[Named] | None = None, **options: Any) -> tuple[Any, Any]:
        """Draw the picture and, beside it, the maps of words, with matplotlib.

        Args:
            words: the words to draw: numbers, texts (also of phrases, such as "red star") or words
                of this explanation; all that hold a letter or digit if None.
            **options: `columns`, `colourmap`, and `display`, the scale of the maps: `"answer"`,
                `"word"` or `"joint"`, as for `ExplainedWord.displayed`.

        Returns:
            The figure and its axes.
        """
        if isinstance(words, str | int | ExplainedWord):
            words = [words]
        return plot(self.record, words, **options)

    def figure(
        self,
        words: Named | Sequence[Named] | None = None,
        *,
        methods: Sequence[Explanation] | Mapping[str, Explanation] = (),
        name: str | None = None,
        **options: Any,
    ) -> ExplanationFigure:
        """A figure for a paper: the picture, maps of words, one colour bar, words, probabilities.

        `explanation.figure(["star", "red tree"]).save("figure.pdf")`; see docs/figures.md.

        Args:
            words: numbers, texts or words of the answer, or one of them; None takes the main words,
                at most four.
            methods: other explanations of the same answer, by other methods or models. With a
                mapping from names to explanations the names are shown. `Explainer.figure` makes
                them.
            name: of this explanation among the others; None takes its method or its model.
            **options: fields of `FigureOptions`: `layout` (`"row"`, `"grid"`), `scale` (`"answer"`,
                `"word"`, `"joint"`), `width_cm`, `view`, `draw_boxes`, `colourmap`, `columns`,
                `font`.

        Returns:
            The figure: `save("figure.pdf")`, `pdf()`, `svg()`, `png()`, `tex()`, `caption`,
            `notes`, and `figure`, that of matplotlib.

        Raises:
            UnknownNameError: if a word is not in the answer; the message lists near words.
            ParameterError: if an option is unknown or out of range, or the explanations are of
                different answers.
            OutputError: if matplotlib is not installed.
        """
        others = other_records(methods, Explanation)
        return make_figure(self.record, words, others, FigureOptions.of(**options), name)

    def html(self, *, display: Display = DISPLAY) -> str:
        """The report as one self-contained HTML document.

        Args:
            display: the scale of its maps at first, as for `ExplainedWord.displayed`; the page
                has a switch for it.
        """
        return html(self.record, display)

    def save(
        self,
        folder: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        overlays: bool = False,
        display: Display = DISPLAY,
    ) -> Path:
        """Write the explanation, its maps and report to a folder.

        Args:
            folder: a new folder; `seewhy.open` reads it back.
            overwrite: replace the folder if it is one that seewhy wrote.
            overlays: also write a picture for each word, with its map laid over it. The report
                draws them by itself; they take ten times the space of all else.
            display: the scale of the overlays, and of the report at first, as for
                `ExplainedWord.displayed`.

        Returns:
            The folder's absolute path.

        Raises:
            OutputError: if the folder exists or cannot be written; no partial folder is left.
        """
        return save_record(self.record, folder, overwrite, overlays=overlays, display=display)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: prompt, answer, words, method, model and notes; `seewhy explain --json`.

        A word's `context` holds pairs of an earlier word's index and its share, in [0, 1], of what
        the word took from all earlier words; `peak` and `box` are in pixels of the image. Its
        `layers`, where the explanation has them, are numbers only. Its `verdict` is there where
        the explanation was diagnosed, None for words without one. `thinking` is the start and the
        end of the thinking block in characters, or None. `boxes` and `points` hold
        `AnswerLocation.to_json` of each. `warnings` must be read first; `notes` holds them and all
        others, and a word has its own.
        """
        return {
            "prompt": self.prompt,
            "answer": self.answer,
            "thinking": self.record.thinking and list(self.record.thinking),
            "words": [word.to_json() for word in self],
            **locations_to_json(self.record),
            "method": self.method,
            "model": self.model,
            "warnings": list(self.record.warnings),
            "notes": list(self.record.provenance.notes),
        }

    def __repr__(self) -> str:
        return (
            f"Explanation({self.answer!r}, {len(self)} words, method={self.method!r}, "
            f"model={self.model!r})"
        )

    def widget(self, *, height: int = 760) -> Any:
        """The live report for a notebook's cell; it needs `seewhy[notebook]`.

        The last line of a cell shows it by itself, after a static picture that is always there:
        this is for other places, such as a column of ipywidgets or a cell of marimo.

        Args:
            height: in CSS pixels, at most; what is longer scrolls inside.

        Returns:
            An `anywidget.AnyWidget`.

        Raises:
            OutputError: if anywidget is not installed.
        """
        return import_module(NOTEBOOK).explanation_widget(self, height)

    def frame(self, *, height: int = 760) -> CellFrame:
        """The live report in a frame, for a notebook's cell without any extra.

        The whole page becomes a part of the notebook file, and is shown in trusted notebooks only.

        Args:
            height: in CSS pixels.
        """
        return CellFrame(self.html(), "seewhy report", height)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return import_module(NOTEBOOK).explanation_output(self)

    def _display_(self) -> Any:
        return import_module(NOTEBOOK).marimo_explanation(self)

    def _index(self, word: int | str, after: int = 0) -> int:
        return place_of(self.record.words, word, after)
