"""Change a region of a picture: erase it, keep it alone, or move it.

Pixels outside of the region stay as they are, bit by bit, except for those that a moved region now
covers. Nothing of what an erased region showed goes into its filling: a blur of the thing itself
would keep its colour. So edges are not softened either.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from seewhy.core.errors import ParameterError
from seewhy.images.changes import GREY, RING
from seewhy.images.inpainting import inpainted
from seewhy.images.outside import enlarged, reduced_outside, to_bytes

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

CHANGES = {
    "erase": "the region is filled from its surroundings",
    "keep": "all else is mid-grey",
    "move": "the region stands at another place; where it was, it is filled as by `erase`",
}
"""What can be done with a region."""

FILLS = {
    "blur": "the colours around the region, blurred into it",
    "mean": "the mean colour of a ring around it",
    "inpaint": "biharmonic inpainting from its border, by scikit-image",
}
"""What an erased region is filled with; a region that is the whole picture becomes mid-grey."""

BORDER = 1 / 160
"""Width of the border around a region whose colours are not used: at least two pixels, else this
share of the longer side. At an edge the colours of both sides are mixed, and an inpainting that
begins there brings the thing's own colour back."""

AROUND = 16
"""Pixels around a region that a blur takes colours from, at least."""

BLUR_SIDE = 256
"""A region is blurred at about this many pixels on its longer side."""

RING_SQUARES = 4
"""The ring's width in squares of pixels, at least, in a large picture."""


def erased(picture: Picture, mask: Tensor, fill: str = "blur") -> Picture:
    """A picture with a region filled from its surroundings.

    Args:
        picture: an RGB Pillow image.
        mask: bool `[height, width]`, the region, at least one pixel.
        fill: one of `FILLS`.

    Raises:
        ParameterError: if there is no such fill; for `"inpaint"`, if scikit-image is missing.
    """
    expect_fill(fill)
    pixels, inside = _array(picture), mask.cpu().numpy()
    if inside.all():
        return Image.new("RGB", picture.size, GREY)
    ring, border = (max(2, round(share * max(picture.size))) for share in (RING, BORDER))
    margin = ring if fill == "mean" else max(AROUND, _longest_side(inside) // 2)
    window = _window(inside, margin + border)
    part, within = pixels[window], inside[window]
    unknown = _widened(within, border)
    unknown = within if unknown.all() else unknown
    filled = np.broadcast_to(_FILLINGS[fill](part, unknown, ring), part.shape)
    pixels[window] = np.where(within[..., None], filled, part)
    return Image.fromarray(pixels)


def kept(picture: Picture, mask: Tensor) -> Picture:
    """A region of a picture, on mid-grey.

    Args:
        picture: an RGB Pillow image.
        mask: bool `[height, width]`, the region.
    """
    pixels = _array(picture)
    pixels[~mask.cpu().numpy()] = GREY
    return Image.fromarray(pixels)


def moved(picture: Picture, mask: Tensor, by: tuple[int, int], fill: str = "blur") -> Picture:
    """A picture with a region at another place.

    What goes beyond the picture's edge is cut off.

    Args:
        picture: an RGB Pillow image.
        mask: bool `[height, width]`, the region, at least one pixel.
        by: how many pixels to the right and downwards.
        fill: of the place where it was: one of `FILLS`.

    Raises:
        ParameterError: as `erased`; or if nothing of the region would be left on the picture.
    """
    inside = mask.cpu().numpy()
    (there, here), shown = _shifts(inside.shape, by), _array(picture)
    landing = np.zeros_like(inside)
    landing[there] = inside[here]
    if not landing.any():
        raise ParameterError(
            f"Expected a place on the picture of {picture.width} x {picture.height} pixels, got "
            f"one {by[0]:+d}, {by[1]:+d} pixels away, beyond its edge: move the region less far."
        )
    pixels, carried = _array(erased(picture, mask, fill)), np.zeros_like(shown)
    carried[there] = shown[here]
    pixels[landing] = carried[landing]
    return Image.fromarray(pixels)


def expect_change(change: str) -> None:
    """Raise `ParameterError` if there is no such change of a region."""
    if change not in CHANGES:
        raise ParameterError(
            f"Expected a change of {', '.join(CHANGES)}, got {change!r}: choose one."
        )


def expect_fill(fill: str) -> None:
    """Raise `ParameterError` if there is no such filling."""
    if fill not in FILLS:
        raise ParameterError(f"Expected a fill of {', '.join(FILLS)}, got {fill!r}: choose one.")


def _mean_of_ring(part: np.ndarray, inside: np.ndarray, ring: int) -> np.ndarray:
    """The mean colour of the pixels up to a distance of about `ring` from the region."""
    shrink = max(1, ring // RING_SQUARES)
    colours, counts = reduced_outside(part, inside, shrink)
    held = _widened(_touched_squares(inside, shrink), max(1, round(ring / shrink)))
    around = held & (counts > 0)
    weights = counts[around]
    return to_bytes((colours[around] * weights[:, None]).sum(0) / weights.sum())


def _blurred(part: np.ndarray, inside: np.ndarray, ring: int) -> np.ndarray:
    """Colours from outside of a region, smoother the farther from its border.

    Colours and their weights are halved in size until no place is without a weight; then each place
    without one takes the colour of the next coarser size.
    """
    shrink = max(1, _longest_side(inside) // BLUR_SIDE)
    means, counts = reduced_outside(part, inside, shrink)
    weights = torch.from_numpy(counts / counts.max())[None, None].float()
    colours = torch.from_numpy(means).permute(2, 0, 1)[None].float() * weights
    sizes = [(colours, weights)]
    while not bool((weights > 0).all()):
        # Odd sides are padded by places without a weight: the two stay aligned.
        pad = (0, weights.shape[3] % 2, 0, weights.shape[2] % 2)
        colours, weights = (F.avg_pool2d(F.pad(t, pad), 2) for t in (colours, weights))
        sizes.append((colours, weights))
    filled = sizes[-1][0] / sizes[-1][1]
    for colours, weights in sizes[-2::-1]:
        doubled = F.interpolate(filled, scale_factor=2, mode="bilinear", align_corners=False)
        doubled = doubled[..., : weights.shape[2], : weights.shape[3]]
        # A place that is partly outside takes as much of its own colours.
        filled = colours + (1 - weights) * doubled
    return enlarged(to_bytes(filled[0].permute(1, 2, 0).numpy()), shrink, inside.shape)


_FILLINGS: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "blur": _blurred,
    "mean": _mean_of_ring,
    "inpaint": lambda part, inside, ring: inpainted(part, inside),
}


def changed_region(
    change: str, mask: Tensor, fill: str, by: tuple[int, int]
) -> Callable[[Picture], Picture]:
    """The function that makes one of `CHANGES` of a picture.

    Args:
        change: one of `CHANGES`.
        mask: bool `[height, width]`, the region.
        fill: one of `FILLS`; `"keep"` makes no use of it.
        by: for `"move"`, how many pixels to the right and downwards.

    Raises:
        ParameterError: if there is no such change or filling.
    """
    expect_change(change)
    expect_fill(fill)
    if change == "keep":
        return partial(kept, mask=mask)
    if change == "move":
        return partial(moved, mask=mask, by=by, fill=fill)
    return partial(erased, mask=mask, fill=fill)


def _array(picture: Picture) -> np.ndarray:
    """uint8 `[height, width, 3]`, a copy."""
    return np.array(picture.convert("RGB"))


def _touched_squares(inside: np.ndarray, shrink: int) -> np.ndarray:
    """bool `[rows, columns]`: the squares of some pixels that hold a pixel of a region."""
    rows, columns = (np.arange(0, side, shrink) for side in inside.shape)
    return np.logical_or.reduceat(np.logical_or.reduceat(inside, rows, 0), columns, 1)


def _widened(inside: np.ndarray, pixels: int) -> np.ndarray:
    """A region and the pixels around it up to a distance, diagonals included."""
    for axis in (0, 1):
        side = inside.shape[axis]
        sums = np.insert(inside.cumsum(axis, dtype=np.int32), 0, 0, axis)
        ends = np.minimum(np.arange(side) + pixels + 1, side)
        starts = np.maximum(np.arange(side) - pixels, 0)
        inside = np.take(sums, ends, axis) > np.take(sums, starts, axis)
    return inside


def _longest_side(inside: np.ndarray) -> int:
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    return int(max(rows[-1] - rows[0], columns[-1] - columns[0])) + 1


def _window(inside: np.ndarray, margin: int) -> tuple[slice, slice]:
    """The rows and columns of a region with a margin."""
    edges = []
    for axis, side in ((1, inside.shape[0]), (0, inside.shape[1])):
        at = np.flatnonzero(inside.any(axis))
        edges.append(slice(max(0, int(at[0]) - margin), min(side, int(at[-1]) + 1 + margin)))
    return edges[0], edges[1]


def _shifts(
    shape: tuple[int, ...], by: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Rows and columns of a picture that are there after a shift, and where they come from."""
    there, here = [], []
    for side, step in zip(shape, by[::-1], strict=True):
        step = max(-side, min(side, step))
        there.append(slice(max(step, 0), side + min(step, 0)))
        here.append(slice(max(-step, 0), side + min(-step, 0)))
    return (there[0], there[1]), (here[0], here[1])
