"""Erasure: whether the model still generates the word without the map's top region."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from seewhy.core.errors import AnswerError, ParameterError
from seewhy.core.text import split_words
from seewhy.functional.curves import falling_order, first_of, nearest_cells
from seewhy.metrics._base import Figure, Measurement, Metric, Results
from seewhy.metrics._perturbation import Fill, blank_picture, expect_fill, replace_pixels
from seewhy.metrics._reruns import RerunnableSample, lacks_model, session_of
from seewhy.metrics._sample import invalid_reason, seed_for, word_heatmap, word_mask
from seewhy.models.generation import generate_batch
from seewhy.models.session import Session

#: Answers that are generated together.
ROWS = 16


@dataclass(frozen=True)
class Erasure(Metric):
    """Erase a region, generate a new answer, and check whether the word is gone.

    The region has the area of the word's mask, or `share` of the picture if there is none. It is
    the map's brightest pixels; the controls are a disc in the middle of the picture and one at a
    random position, of exactly the same area and the same for all methods. A word is gone if the
    new answer contains it less often than the model's answer to the original picture; words that
    are not in the latter are undefined. Answers are greedy. Ours, requested by the paper's
    reviewers.

    Attributes:
        fill: of erased pixels: `"blur"`, `"mean"` or `"noise"`. The mean colour is the default,
            because a blur keeps colours.
        share: the area if there is no mask, as a fraction of the picture in (0, 1).
        words: how many of the selected words are evaluated, at least 1: each costs an answer, and
            two more for the sample's first method.
    """

    fill: Fill = "mean"
    share: float = 0.1
    words: int = 3

    name: ClassVar[str] = "erasure"
    summary: ClassVar[str] = "Whether the word is gone when the map's top region is erased."
    citations: ClassVar[tuple[str, ...]] = ("samek2017evaluating",)
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    revision: ClassVar[int] = 2  # 1: maps over the whole picture, also where some was cut off
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("erased-gone", "The word goes when the map's top region is erased."),
        Figure("random-gone", "It goes when a drawn disc of equal area is erased.", None),
        Figure("centre-gone", "It goes when a disc in the middle is erased.", None),
        Figure(
            "erased-over-random",
            "How much more often than under the drawn disc.",
            unit="difference",
        ),
        Figure(
            "erased-over-centre",
            "How much more often than under the disc in the middle.",
            unit="difference",
        ),
    )

    def __post_init__(self) -> None:
        expect_fill(self.fill)
        if not 0 < self.share < 1:
            raise ParameterError(f"Expected share between 0 and 1, got {self.share!r}: try 0.1.")
        if self.words < 1:
            raise ParameterError(f"Expected words of at least 1, got {self.words!r}: try 3.")

    def measure(self, sample: RerunnableSample) -> Results:
        """Five values for each selected word that is in the model's own answer."""
        if reason := lacks_model(sample):
            yield from self.undefined(reason)
            return
        if not sample.selected:
            yield from self.undefined("no word selected")
        original = self._own_words(sample)
        words: list[int] = []
        for index in sample.selected[: self.words]:
            if reason := _why_undefined(sample, index, original):
                yield from self.undefined(reason)
            else:
                words.append(index)
        for index, answers in self._answers_without(sample, words).items():
            text = sample.words[index].word.text.lower()
            top, drawn, centre = (float(words[text] < original[text]) for words in answers)
            yield Measurement("erased-gone", top, index)
            yield Measurement("random-gone", drawn, index)
            yield Measurement("centre-gone", centre, index)
            yield Measurement("erased-over-random", top - drawn, index)
            yield Measurement("erased-over-centre", top - centre, index)

    def _answers_without(
        self, sample: RerunnableSample, words: list[int]
    ) -> dict[int, tuple[Counter[str], ...]]:
        """For each word the new answers' words without the top region and without the two discs.

        The answers without the discs are generated once for all methods.
        """
        keys = {index: (self.name, self.fill, self.share, index) for index in words}
        new = [index for index in words if keys[index] not in sample.shared]
        regions = [self._top(sample, index) for index in words]
        regions += [disc for index in new for disc in self._discs(sample, index)]
        blank = blank_picture(sample.image, self.fill, seed_for(sample, "noise"))
        pictures = [replace_pixels(sample.image, blank, region) for region in regions]
        answers = _answer_words(session_of(sample), pictures, self._limit(sample))
        without_discs = iter(answers[len(words) :])
        for index in new:
            sample.shared[keys[index]] = next(without_discs), next(without_discs)
        return {
            index: (answer, *sample.shared[keys[index]])
            for index, answer in zip(words, answers, strict=False)
        }

    def _own_words(self, sample: RerunnableSample) -> Counter[str]:
        """The words of the model's answer to the original picture; generated once."""
        if "own words" not in sample.shared:
            (sample.shared["own words"],) = _answer_words(
                session_of(sample), [sample.image], self._limit(sample)
            )
        return sample.shared["own words"]

    def _limit(self, sample: RerunnableSample) -> int:
        """Largest number of new tokens: one and a half times the explained answer's, plus 8."""
        return 8 + len(sample.evidence.trace.tokens) * 3 // 2

    def _area(self, sample: RerunnableSample, word: int) -> int:
        mask = word_mask(sample, word)
        pixels = sample.image.width * sample.image.height
        return round(self.share * pixels) if mask is None else int(mask.sum())

    def _top(self, sample: RerunnableSample, word: int) -> Tensor:
        heatmap = word_heatmap(sample, word)
        order = falling_order(heatmap, seed_for(sample, "ties"))
        return first_of(order, self._area(sample, word)).view(heatmap.shape)

    def _discs(self, sample: RerunnableSample, word: int) -> tuple[Tensor, Tensor]:
        """Masks of the disc at a random position and of the one in the middle."""
        width, height = sample.image.size
        generator = torch.Generator().manual_seed(seed_for(sample, "disc", word))
        column, row = torch.rand(2, generator=generator).tolist()
        area = self._area(sample, word)
        return (
            nearest_cells(height, width, row * height - 0.5, column * width - 0.5, area),
            nearest_cells(height, width, height / 2 - 0.5, width / 2 - 0.5, area),
        )


def _why_undefined(sample: RerunnableSample, word: int, original: Counter[str]) -> str | None:
    """Why a word cannot be evaluated, or None.

    Args:
        sample: the explained sample.
        word: an index in its words.
        original: the words of the model's answer to the original picture.
    """
    mask = word_mask(sample, word)
    if reason := invalid_reason(sample, word):
        return reason
    if mask is not None and not bool(mask.any()):
        return "empty mask"
    if original[sample.words[word].word.text.lower()] == 0:
        return "word not in the model's own answer"
    return None


def _answer_words(session: Session, pictures: Sequence[Any], limit: int) -> list[Counter[str]]:
    """The words of the model's answers with each picture instead of the first, lower case."""
    others = session.images[1:]
    counts: list[Counter[str]] = []
    for start in range(0, len(pictures), ROWS):
        rows = [
            session.with_images(picture, *others).inputs()
            for picture in pictures[start : start + ROWS]
        ]
        counts += [_count(answer) for answer in _answers(session, rows, limit)]
    return counts


def _answers(session: Session, rows: Sequence[Any], limit: int) -> list[str]:
    try:
        traces = generate_batch(
            session.loaded, rows, max_new_tokens=limit, ranking_depth=1, candidates=0
        )
        return [trace.answer for trace in traces]
    except AnswerError:
        # An answer has no tokens: each is generated alone, and such an answer is empty.
        if len(rows) == 1:
            return [""]
        return [answer for row in rows for answer in _answers(session, [row], limit)]


def _count(answer: str) -> Counter[str]:
    return Counter(answer[start:end].lower() for start, end in split_words(answer))
