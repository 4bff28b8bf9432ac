"""Which words come from a region: the part of each word's maps that lies inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from seewhy.core.record import Picture, Record
from seewhy.core.regions import Region
from seewhy.explained_word import ExplainedWord, RecordWords, expect_view


@dataclass(frozen=True, eq=False)
class WordShare:
    """How much of a word comes from a region, by its map.

    A map shows where evidence was read, not what would happen without it: `FollowUp.effect` takes
    the region away and measures that.

    Attributes:
        word: a word of the answer.
        index: its number.
        share: the part of its maps that lies in the region, in [0, 1]; over all views, as
            `word.shares` weighs them. 0 for an empty map.
        amount: the share times the word's `visual_share`, in [0, 1]: of all that the word took from
            pictures and text, the part from the region. Equal to `share` where the method measures
            no visual share.
    """

    word: ExplainedWord
    index: int
    share: float
    amount: float

    def __repr__(self) -> str:
        return f"WordShare({self.word.text!r}, share={self.share:.3f}, amount={self.amount:.3f})"


def words_from(words: RecordWords, region: Region) -> tuple[WordShare, ...]:
    """All words of an answer by how much of them comes from a region, most first.

    Args:
        words: of an explanation.
        region: of one of its views.

    Raises:
        ParameterError: if there is no such view, or the region lies beyond its picture.
    """
    record = words.record
    view = view_of(record.pictures, region)
    coverage = region.coverage(view.base_grid, view.size)
    found = []
    for index, word in enumerate(words.words):
        share = _share(_maps(record, index), region.view, coverage)
        visual = word.visual_share
        found.append(WordShare(word, index, share, share if visual is None else share * visual))
    return tuple(sorted(found, key=lambda one: (-one.share, one.index)))


def view_of(pictures: Sequence[Picture], region: Region) -> Picture:
    """The view that a region belongs to.

    Raises:
        ParameterError: if there is no such view.
    """
    return pictures[expect_view(region.view, len(pictures))]


def _maps(record: Record, index: int) -> list[Tensor]:
    """For each view the map of a word, float64 `[height, width]`, at least 0."""
    tokens = list(record.words[index].tokens)
    return [maps[tokens].amax(0).double().clamp_min(0) for maps in record.attribution.maps]


def _share(maps: Sequence[Tensor], view: int, coverage: Tensor) -> float:
    """The part of a word's maps inside: each view counts the same, however many cells it has."""
    total = sum(float(values.mean()) for values in maps)
    inside = float((maps[view] * coverage.to(maps[view])).mean())
    return min(1.0, inside / total) if total > 0 else 0.0
