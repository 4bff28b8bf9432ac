"""Masks of several codings, as bool arrays in the upright picture's size.

Run lengths and polygons are COCO's. A polygon is filled by Pillow, so that pixels of its edge may
differ from COCO's own masks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageOps
from torch import Tensor

from seewhy.audit.sources._pictures import PictureSize
from seewhy.datasets._files import unusable
from seewhy.images.formats import BOMB, DAMAGE, open_picture

BROKEN, OTHER_SIZE, MISSING = "mask broken", "mask of another size", "mask missing"


def stacked(masks: Sequence[np.ndarray]) -> Tensor | None:
    """bool `[region, height, width]`, or None for no masks."""
    return torch.from_numpy(np.stack(masks)) if masks else None


def decode_rle(rle: Any) -> np.ndarray:
    """bool `[height, width]` of COCO's run lengths, compressed (text) or not (a list).

    Raises:
        SampleError: "mask broken".
    """
    try:
        height, width = (int(side) for side in rle["size"])
        counts = rle["counts"]
        runs = np.asarray(counts if isinstance(counts, list) else _unpacked(counts), np.int64)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise unusable(BROKEN, f"Expected run lengths, got {str(rle)[:80]}: {error}.") from error
    if height < 1 or width < 1 or (runs < 0).any() or runs.sum() != height * width:
        raise unusable(
            BROKEN,
            f"Expected run lengths of {height} x {width} pixels, got {runs.sum()} pixels.",
        )
    values = np.zeros(len(runs), dtype=bool)
    values[1::2] = True
    return np.repeat(values, runs).reshape(width, height).T  # column by column


def _unpacked(counts: str | bytes) -> list[int]:
    """The run lengths of COCO's compressed text.

    Each number has groups of five bits, the lowest first; a sixth bit says that another follows.
    From the fourth number on, it is the difference to the number two before it.
    """
    text = counts.encode("ascii") if isinstance(counts, str) else counts
    runs: list[int] = []
    at = 0
    while at < len(text):
        value = shift = 0
        while True:
            group = text[at] - 48
            if not 0 <= group < 64:
                raise ValueError(f"the character {chr(text[at])!r} is none of the coding")
            value |= (group & 31) << shift
            at, shift = at + 1, shift + 5
            if not group & 32:
                break
        if group & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs


def union_of_rles(rles: Sequence[Any]) -> np.ndarray:
    """The pixels of any of several run lengths.

    Raises:
        SampleError: "mask broken", also for different sizes.
    """
    masks = [decode_rle(rle) for rle in rles]
    if not masks or len({mask.shape for mask in masks}) != 1:
        sizes = sorted({mask.shape for mask in masks})
        raise unusable(BROKEN, f"Expected masks of one size, got {sizes}.")
    return np.any(masks, axis=0)


def filled_box(box: Sequence[float], height: int, width: int) -> np.ndarray:
    """bool `[height, width]`: the pixels of a box, given as left, top, right, bottom."""
    left, top, right, bottom = (round(side) for side in box)
    mask = np.zeros((height, width), dtype=bool)
    mask[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = True
    return mask


def segmentation_mask(annotation: Mapping[str, Any], height: int, width: int) -> np.ndarray:
    """bool `[height, width]` of a COCO annotation: polygons, run lengths, or else its box.

    Raises:
        SampleError: "mask broken".
    """
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, Mapping):
        return decode_rle(segmentation)
    try:
        if segmentation:
            image = Image.new("1", (width, height))
            draw = ImageDraw.Draw(image)
            for polygon in segmentation:
                if len(polygon) >= 6:
                    draw.polygon([float(value) for value in polygon], fill=1)
            return np.array(image, dtype=bool)
        left, top, across, down = annotation["bbox"]
        return filled_box((left, top, left + across, top + down), height, width)
    except (KeyError, TypeError, ValueError) as error:
        shown = str(segmentation)[:80]
        raise unusable(BROKEN, f"Expected polygons or a box, got {shown}: {error}.") from error


def read_panoptic(path: Path) -> np.ndarray:
    """int64 `[height, width]`: the segment of each pixel, R + 256 G + 65536 B.

    Raises:
        SampleError: "mask missing", "mask broken".
    """
    values = _pixels(path, "RGB").astype(np.int64)
    return values[..., 0] + 256 * values[..., 1] + 65536 * values[..., 2]


def read_binary(path: Path) -> np.ndarray:
    """bool `[height, width]`: the pixels that are not black.

    Raises:
        SampleError: "mask missing", "mask broken".
    """
    return _pixels(path, "L") > 0


def _pixels(path: Path, mode: str) -> np.ndarray:
    if not path.is_file():
        raise unusable(MISSING, f"Expected a mask at {path}, got no file.")
    try:
        with open_picture(path) as file:
            return np.asarray(ImageOps.exif_transpose(file).convert(mode))
    except (*DAMAGE, *BOMB) as error:
        raise unusable(BROKEN, f"Expected a picture at {path}, got: {error}") from error


def upright(mask: np.ndarray, size: PictureSize) -> np.ndarray:
    """A mask in the upright picture's size.

    A mask that has the size of the picture before its EXIF rotation is rotated with it. Where both
    sizes are equal, the mask is taken as upright.

    Raises:
        SampleError: "mask of another size".
    """
    if mask.shape == (size.height, size.width):
        return np.ascontiguousarray(mask)
    if size.turn is not None and mask.shape == (size.stored_height, size.stored_width):
        turned = Image.fromarray(mask.astype(np.uint8)).transpose(size.turn)
        return np.asarray(turned).astype(bool)
    raise unusable(
        OTHER_SIZE,
        f"Expected a mask of {size.width} x {size.height} pixels as the picture's, got "
        f"{mask.shape[1]} x {mask.shape[0]}.",
    )
