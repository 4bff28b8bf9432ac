"""What a changed region does to the words of an answer, the words kept."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from torch import Tensor

from seewhy.core.errors import NonFiniteError, ParameterError
from seewhy.core.geometry import Box
from seewhy.core.regions import Region
from seewhy.core.suggestions import give_index
from seewhy.core.text import Word
from seewhy.core.trace import View
from seewhy.images.changes import changed_frames, changed_medium, grey_picture
from seewhy.images.clips import Clip
from seewhy.images.region_changes import changed_region, expect_change, expect_fill
from seewhy.models.session import Session

if TYPE_CHECKING:
    from PIL.Image import Image

CONTROLS = 4
"""How many other places of the same shape are changed, to compare with."""

LEAST = -1000.0
"""In nats: a token that a model excludes has a log-probability of minus infinity."""

STEPS = 4
"""Rows and columns of places that are tried for controls, less one."""


@dataclass(frozen=True)
class WordEffect:
    """What a changed region does to one word.

    Attributes:
        word: its number among the answer's words.
        text: its characters.
        before: its log-probability with nothing changed, in nats: the sum over its tokens, given
            the words before it.
        after: its log-probability with the region changed, the words before it kept.
        lost: `before - after`, in nats; negative where the word became more likely.
        control: what it lost when as much was changed elsewhere, the median over places; None where
            there was no other place.
        repeats: the number of an earlier word with the same text, or None. Such a word may follow
            from that one, and then loses little even if both come from the region.
    """

    word: int
    text: str
    before: float
    after: float
    lost: float
    control: float | None
    repeats: int | None

    @property
    def beyond_control(self) -> float:
        """`lost - control`: what it lost by this place and not by any change, in nats."""
        return self.lost - (self.control or 0.0)

    def to_json(self) -> dict[str, Any]:
        """The attributes, JSON-ready."""
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class RegionEffect:
    """What a changed region does to the words of an answer.

    Attributes:
        region: what was changed.
        change: `"erase"`, `"keep"` or `"move"`.
        fill: what an erased place was filled with.
        words: one for each word of the answer, in its order.
        pictures: for each view the picture after the change; of a step of a clip its first frame.
        controls: the places that were changed to compare with.
        notes: what a reader must know.
    """

    region: Region
    change: str
    fill: str
    words: tuple[WordEffect, ...]
    pictures: tuple[Image, ...]
    controls: tuple[Box, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def strongest(self) -> tuple[WordEffect, ...]:
        """The words by how much they lost beyond the control, most first."""
        return tuple(sorted(self.words, key=lambda one: -one.beyond_control))

    def to_json(self) -> dict[str, Any]:
        """JSON-ready, without the pictures."""
        return {
            "region": self.region.to_json(),
            "change": self.change,
            "fill": self.fill,
            "words": [word.to_json() for word in self.words],
            "controls": [list(box) for box in self.controls],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, eq=False)
class RegionChange:
    """A change of a region of one view, ready to be made.

    Attributes:
        view: that holds the region.
        change, fill: what is done.
        mask: bool `[height, width]`, the region's pixels.
        by: for `"move"`, pixels to the right and downwards.
    """

    view: View
    change: str
    fill: str
    mask: Tensor
    by: tuple[int, int] = (0, 0)

    def media(self, media: Sequence[Any]) -> list[Any]:
        """The pictures and clips with the change; where a region is kept, all others are grey."""
        function = changed_region(self.change, self.mask, self.fill, self.by)
        own = media[self.view.medium]
        grey = self.change == "keep"
        others = [changed_medium(medium, grey_picture) if grey else medium for medium in media]
        changed = changed_frames(own, self.view.frames, function)
        if grey and isinstance(own, Clip):
            base = others[self.view.medium]
            frames = tuple(
                (changed if index in self.view.frames else base).frames[index]
                for index in range(len(own))
            )
            changed = Clip(frames, own.seconds, own.notes)
        others[self.view.medium] = changed
        return others

    @property
    def described(self) -> str:
        """Such as "a region of picture 1 was erased (blur)", for notes."""
        number = f"picture {self.view.medium + 1}"
        if self.view.seconds is not None:
            number = f"clip {self.view.medium + 1} at {self.view.seconds:g} s"
        text = {
            "erase": f"a region was erased ({self.fill})",
            "keep": "only a region was kept",
            "move": f"a region was moved by {self.by[0]:+d}, {self.by[1]:+d} pixels ({self.fill})",
        }[self.change]
        return f"The picture was changed: in {number} {text}."


def region_change(
    views: Sequence[View],
    region: Region,
    change: str = "erase",
    fill: str = "blur",
    to: tuple[float, float] | None = None,
) -> RegionChange:
    """Prepare a change of a region.

    Args:
        views: of the answer.
        region: of one of them.
        change: `"erase"`, `"keep"` or `"move"`.
        fill: `"blur"`, `"mean"` or `"inpaint"`.
        to: for `"move"`, x and y of the middle of the region's new place.

    Raises:
        ParameterError: if there is no such view, change or fill, the region lies beyond the
            picture, or `to` is missing, or given without a move.
    """
    expect_change(change)
    expect_fill(fill)
    if region.view >= len(views):
        raise ParameterError(
            f"Expected a region of one of {len(views)} views, got view {region.view}: "
            f"{give_index(len(views))}."
        )
    view = views[region.view]
    size, grid = view.geometry.size, view.geometry.base_grid
    if (to is not None) != (change == "move"):
        raise ParameterError(
            f"Expected `to` with change='move' and with no other, got to={to!r} with "
            f"{change!r}: give the middle of the new place, (x, y)."
        )
    mask = region.pixels(size, grid)
    if to is None:
        return RegionChange(view, change, fill, mask)
    target = Region.point(*_pair(to)).points[0]
    left, top, right, bottom = bounds_of(mask)
    by = round(target[0] - (left + right) / 2), round(target[1] - (top + bottom) / 2)
    return RegionChange(view, change, fill, mask, by)


def region_effect(
    session: Session,
    words: Sequence[Word],
    region: Region,
    change: RegionChange,
    controls: int = CONTROLS,
) -> RegionEffect:
    """Read an answer with a region changed, and with as much changed elsewhere.

    Args:
        session: the model, its pictures and the answer.
        words: of the answer.
        region: what is changed.
        change: how.
        controls: how many other places are changed, at most; a moved region has none.
    """
    media = list(session.source.media)
    changed = change.media(media)
    others = [] if change.change == "move" else control_masks(change, controls)
    variants = [media, changed, *(_with_mask(change, mask).media(media) for mask in others)]
    values = session.log_probabilities(variants)
    session.free_pixels()
    of_words = [_of_word(values, word) for word in words]
    return RegionEffect(
        region,
        change.change,
        change.fill,
        tuple(_effect(index, words, found, bool(others)) for index, found in enumerate(of_words)),
        pictures_of(session.inputs().views, changed),
        tuple(tuple(map(float, bounds_of(mask))) for mask in others),  # type: ignore[misc]
        tuple(_notes(change, bool(others), controls)),
    )


def pictures_of(views: Sequence[View], media: Sequence[Any]) -> tuple[Image, ...]:
    """For each view its picture; of a step of a clip its first frame."""
    return tuple(
        media[view.medium].frames[view.frames[0]] if view.frames else media[view.medium]
        for view in views
    )


def control_masks(change: RegionChange, count: int) -> list[Tensor]:
    """The region's shape at other places of its picture, which it does not touch.

    They lie where the model sees the picture, and far from the region and from each other.

    Args:
        change: of the region.
        count: how many, at most.
    """
    left, top, right, bottom = bounds_of(change.mask)
    chosen: list[tuple[int, int]] = []
    places = [
        (x, y)
        for x, y in _places(change)
        if x + right - left <= left or x >= right or y + bottom - top <= top or y >= bottom
    ]
    while places and len(chosen) < count:
        taken = [(left, top), *chosen]
        best = max(places, key=lambda place: min(_apart(place, other) for other in taken))
        if min(_apart(best, other) for other in taken) == 0:
            break
        chosen.append(best)
    return [_shifted(change.mask, x - left, y - top) for x, y in chosen]


def bounds_of(mask: Tensor) -> tuple[int, int, int, int]:
    """left, top, right, bottom of the true pixels of a mask, the ends exclusive."""
    rows, columns = mask.any(1).nonzero().flatten(), mask.any(0).nonzero().flatten()
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _places(change: RegionChange) -> list[tuple[int, int]]:
    """Where the left upper corner of the region's shape may stand, on the part that is seen."""
    left, top, right, bottom = bounds_of(change.mask)
    grid, size = change.view.geometry.base_grid, change.view.geometry.size
    ranges = []
    for edges, side, length in (
        (grid.column_edges, size[0], right - left),
        (grid.row_edges, size[1], bottom - top),
    ):
        first, last = max(0, int(edges[0])), min(side, int(edges[-1])) - length
        steps = (first + (last - first) * step // STEPS for step in range(STEPS + 1))
        ranges.append(sorted(set(steps)) if last >= first else [])
    return list(product(*ranges))


def _apart(one: tuple[int, int], other: tuple[int, int]) -> float:
    return ((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5


def _shifted(mask: Tensor, right: int, down: int) -> Tensor:
    """A mask at another place; nothing of it goes beyond the edge."""
    return mask.roll((down, right), (0, 1))


def _with_mask(change: RegionChange, mask: Tensor) -> RegionChange:
    return RegionChange(change.view, change.change, change.fill, mask)


def _of_word(values: Tensor, word: Word) -> list[float]:
    """A word's log-probability in each variant, in nats, at least `LEAST`.

    Raises:
        NonFiniteError: if one is NaN.
    """
    found = values[:, list(word.tokens)].double().sum(-1)
    if bool(found.isnan().any()):
        raise NonFiniteError(
            "Expected log-probabilities of the answer with a changed picture, got NaN: if the "
            "model is in float16, load it in float32 or bfloat16, float16 overflows in some "
            "families."
        )
    return found.clamp(min=LEAST).tolist()


def _effect(
    index: int, words: Sequence[Word], found: Sequence[float], compared: bool
) -> WordEffect:
    before, after, *others = found
    text = words[index].text
    return WordEffect(
        word=index,
        text=text,
        before=before,
        after=after,
        lost=before - after,
        control=statistics.median(before - other for other in others) if compared else None,
        repeats=_earlier(words, index),
    )


def _earlier(words: Sequence[Word], index: int) -> int | None:
    """The first earlier word with the same text, where it holds a letter or digit."""
    text = words[index].text.casefold()
    if not any(map(str.isalnum, text)):
        return None
    return next((n for n in range(index) if words[n].text.casefold() == text), None)


def _notes(change: RegionChange, compared: bool, controls: int) -> list[str]:
    notes = []
    grid = change.view.geometry.base_grid
    left, top, right, bottom = bounds_of(change.mask)
    seen = (
        max(left, float(grid.column_edges[0])) < min(right, float(grid.column_edges[-1]))
        and max(top, float(grid.row_edges[0])) < min(bottom, float(grid.row_edges[-1]))
    )  # fmt: skip
    if not seen:
        notes.append(
            "The model does not see this region: its processor cuts that part of the picture off."
        )
    if not compared and controls and change.change != "move":
        notes.append(
            "There is no control: the region is so large that its shape fits nowhere else."
        )
    return notes


def _pair(to: Any) -> tuple[Any, Any]:
    try:
        x, y = to
    except (TypeError, ValueError) as error:
        raise ParameterError(f"Expected `to` as x and y, got {to!r}: give two numbers.") from error
    return x, y
