"""Evidence erasure: without the map's top region, does the model still say the word?"""

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
from seewhy.functional.perturbation import Fill
from seewhy.metrics._base import Figure, Measurement, Metric, Results
from seewhy.metrics._perturbation import blank_picture, expect_fill, replace_pixels
from seewhy.metrics._reruns import RerunnableSample, lacks_model, session_of
from seewhy.metrics._sample import invalid_reason, seed_for, word_heatmap, word_mask
from seewhy.models.generation import generate_batch
from seewhy.models.session import Session

#: Answers that are generated together.
ROWS = 16


@dataclass(frozen=True)
class Erasure(Metric):
    """Erase a region, let the model answer anew, and see whether the word has gone.

    The region has the area of the word's mask, or `share` of the picture where there is none. It
    is the map's brightest pixels; against it stand a disc in the middle of the picture and one at
    a drawn place, of exactly the same area and the same for all methods. A word has gone where the
    new answer holds it less often than the model's own answer to the whole picture does; words
    that this one does not hold cannot go, and are undefined. Answers are greedy. Ours, as the
    paper's reviewers asked for.

    Attributes:
        fill: what stands for an erased pixel: `"blur"`, `"mean"` or `"noise"`. The mean colour is
            the default, for a blur leaves colours behind.
        share: the area in place of a mask's, as a fraction of the picture in (0, 1).
        words: how many of the selected words are looked at, at least 1: each costs an answer, and
            two more for the sample's first method.
    """

    fill: Fill = "mean"
    share: float = 0.1
    words: int = 3

    name: ClassVar[str] = "erasure"
    summary: ClassVar[str] = "Whether the word goes when the map's top region is erased."
    citations: ClassVar[tuple[str, ...]] = ("samek2017evaluating",)
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
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
        """Five values for each selected word that the model says by itself."""
        if reason := lacks_model(sample):
            yield from self.undefined(reason)
            return
        if not sample.selected:
            yield from self.undefined("no word selected")
        own = self._own_words(sample)
        chosen: list[int] = []
        for at in sample.selected[: self.words]:
            reason, mask = invalid_reason(sample, at), word_mask(sample, at)
            if reason is None and mask is not None and not bool(mask.any()):
                reason = "empty mask"
            if reason is None and own[sample.words[at].word.text.lower()] == 0:
                reason = "word not in the model's own answer"
            if reason is None:
                chosen.append(at)
            else:
                yield from self.undefined(reason)
        picture = sample.image
        empty = blank_picture(picture, self.fill, seed_for(sample, "noise"))
        new = [at for at in chosen if (self.name, self.fill, self.share, at) not in sample.shared]
        regions = [self._top(sample, at) for at in chosen]
        regions += [disc for at in new for disc in self._discs(sample, at)]
        pictures = [replace_pixels(picture, empty, region) for region in regions]
        said = _words_said(session_of(sample), pictures, self._limit(sample))
        discs = iter(said[len(chosen) :])
        for at in new:
            sample.shared[self.name, self.fill, self.share, at] = next(discs), next(discs)
        for at, answer in zip(chosen, said, strict=False):
            text = sample.words[at].word.text.lower()
            answers = (answer, *sample.shared[self.name, self.fill, self.share, at])
            top, drawn, centre = (float(words[text] < own[text]) for words in answers)
            yield Measurement("erased-gone", top, at)
            yield Measurement("random-gone", drawn, at)
            yield Measurement("centre-gone", centre, at)
            yield Measurement("erased-over-random", top - drawn, at)
            yield Measurement("erased-over-centre", top - centre, at)

    def _own_words(self, sample: RerunnableSample) -> Counter[str]:
        """The words of the model's own answer to the whole picture; generated once."""
        if "own words" not in sample.shared:
            (sample.shared["own words"],) = _words_said(
                session_of(sample), [sample.image], self._limit(sample)
            )
        return sample.shared["own words"]

    def _limit(self, sample: RerunnableSample) -> int:
        """Tokens after which an answer is cut off: one and a half times the explained one's."""
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
        """At a drawn place, and in the middle."""
        width, height = sample.image.size
        generator = torch.Generator().manual_seed(seed_for(sample, "disc", word))
        across, down = torch.rand(2, generator=generator).tolist()
        area = self._area(sample, word)
        return (
            nearest_cells(height, width, down * height - 0.5, across * width - 0.5, area),
            nearest_cells(height, width, height / 2 - 0.5, width / 2 - 0.5, area),
        )


def _words_said(session: Session, pictures: Sequence[Any], limit: int) -> list[Counter[str]]:
    """The words of the model's answers to pictures in place of the first, lower case."""
    others = session.images[1:]
    found: list[Counter[str]] = []
    for start in range(0, len(pictures), ROWS):
        rows = [
            session.with_images(picture, *others).inputs()
            for picture in pictures[start : start + ROWS]
        ]
        found += [_count(answer) for answer in _answers(session, rows, limit)]
    return found


def _answers(session: Session, rows: Sequence[Any], limit: int) -> list[str]:
    try:
        traces = generate_batch(
            session.loaded, rows, max_new_tokens=limit, ranking_depth=1, candidates=0
        )
        return [trace.answer for trace in traces]
    except AnswerError:
        # One of them said nothing: each is asked alone, and silence is an empty answer.
        if len(rows) == 1:
            return [""]
        return [answer for row in rows for answer in _answers(session, [row], limit)]


def _count(answer: str) -> Counter[str]:
    return Counter(answer[start:end].lower() for start, end in split_words(answer))
