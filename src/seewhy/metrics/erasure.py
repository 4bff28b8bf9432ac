"""Evidence erasure: without the map's top region, does the model still say the word?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from seewhy.core.errors import AnswerError, ParameterError
from seewhy.core.text import split_words
from seewhy.functional.curves import falling_order, first_of, nearest_cells
from seewhy.functional.perturbation import Fill
from seewhy.metrics._base import Case, Figure, Measurement, Metric, Undefined
from seewhy.metrics._perturbation import (
    blank_of,
    expect_fill,
    lacks_model,
    replaced,
    session_of,
)
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
        words: how many of the wanted words are looked at, at least 1: each costs an answer, and
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

    def measure(self, case: Case) -> Iterator[Measurement | Undefined]:
        """Five values for each wanted word that the model says by itself."""
        if reason := lacks_model(case):
            yield from self.undefined(reason)
            return
        if not case.selected:
            yield from self.undefined("no word wanted")
        own = self._own_words(case)
        chosen: list[int] = []
        for at in case.selected[: self.words]:
            invalid_reason, mask = case.invalid_reason(at), case.mask(at)
            if invalid_reason is None and mask is not None and not bool(mask.any()):
                invalid_reason = "empty mask"
            if invalid_reason is None and own[case.words[at].word.text.lower()] == 0:
                invalid_reason = "word not in the model's own answer"
            if invalid_reason is None:
                chosen.append(at)
            else:
                yield from self.undefined(invalid_reason)
        picture = case.sample.image
        empty = blank_of(picture, self.fill, case.seed_of("noise"))
        new = [at for at in chosen if (self.name, self.fill, self.share, at) not in case.shared]
        regions = [self._top(case, at) for at in chosen]
        regions += [disc for at in new for disc in self._discs(case, at)]
        pictures = [replaced(picture, empty, region) for region in regions]
        said = _words_said(session_of(case), pictures, self._limit(case))
        discs = iter(said[len(chosen) :])
        for at in new:
            case.shared[self.name, self.fill, self.share, at] = next(discs), next(discs)
        for at, answer in zip(chosen, said, strict=False):
            text = case.words[at].word.text.lower()
            answers = (answer, *case.shared[self.name, self.fill, self.share, at])
            top, drawn, centre = (float(words[text] < own[text]) for words in answers)
            yield Measurement("erased-gone", top, at)
            yield Measurement("random-gone", drawn, at)
            yield Measurement("centre-gone", centre, at)
            yield Measurement("erased-over-random", top - drawn, at)
            yield Measurement("erased-over-centre", top - centre, at)

    def _own_words(self, case: Case) -> Counter[str]:
        """The words of the model's own answer to the whole picture; generated once."""
        if "own words" not in case.shared:
            (case.shared["own words"],) = _words_said(
                session_of(case), [case.sample.image], self._limit(case)
            )
        return case.shared["own words"]

    def _limit(self, case: Case) -> int:
        """Tokens after which an answer is cut off: one and a half times the explained one's."""
        return 8 + len(case.evidence.trace.tokens) * 3 // 2

    def _area(self, case: Case, word: int) -> int:
        mask = case.mask(word)
        pixels = case.sample.image.width * case.sample.image.height
        return round(self.share * pixels) if mask is None else int(mask.sum())

    def _top(self, case: Case, word: int) -> Tensor:
        heatmap = case.heatmap(word)
        order = falling_order(heatmap, case.seed_of("ties"))
        return first_of(order, self._area(case, word)).view(heatmap.shape)

    def _discs(self, case: Case, word: int) -> tuple[Tensor, Tensor]:
        """At a drawn place, and in the middle."""
        width, height = case.sample.image.size
        generator = torch.Generator().manual_seed(case.seed_of("disc", word))
        across, down = torch.rand(2, generator=generator).tolist()
        area = self._area(case, word)
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
