"""The visual inputs of one prompt among those of a call of `generate` with several.

Processors join the pictures of all prompts, most of them along the first axis, without saying
which belongs to which prompt. The numbers of image tokens tell: those of each prompt are in its
ids, and those of each picture in its shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from seewhy.core.errors import GeometryError

#: Names of pixels, of pictures and of clips.
PIXELS = ("pixel_values", "pixel_values_videos")


def tokens_in_rows(ids: Tensor, token: int) -> list[int]:
    """How often a token occurs in each row of `ids`, int64 `[row, position]`."""
    return (ids == token).sum(-1).tolist()


def entries_of_row(tokens: Sequence[int], in_rows: Sequence[int], row: int) -> slice:
    """Which pictures belong to a row.

    Args:
        tokens: image tokens of each picture, in the order of the rows.
        in_rows: image tokens in each row.
        row: the row.

    Raises:
        GeometryError: if the pictures do not end where rows do.

    Example:
        >>> entries_of_row([4, 6, 10], [10, 10], 1)
        slice(2, 3, None)
    """
    ends = torch.tensor([0, *tokens]).cumsum(0).tolist()
    before = sum(in_rows[:row])
    limits = (before, before + in_rows[row])
    if ends[-1] != sum(in_rows) or any(limit not in ends for limit in limits):
        raise GeometryError(
            f"Expected pictures with as many tokens as the prompts have ({list(in_rows)}), got "
            f"pictures with {list(tokens)}: the pixels of the call are not those of its prompts."
        )
    first = ends.index(limits[0])
    # A picture without tokens of its own would belong to the row before.
    return slice(first, ends.index(limits[1], first))


def sliced(tensors: Mapping[str, Any], names: Sequence[str], entries: slice) -> dict[str, Any]:
    """Some of the tensors, cut along their first axis; names that are not there are left out."""
    return {name: tensors[name][entries] for name in names if name in tensors}


def uniform_tensors_of_row(
    family: Any, tensors: Mapping[str, Any], ids: Tensor, row: int
) -> dict[str, Any]:
    """For families whose pixels have one entry for each picture, tile or clip, of equal tokens."""
    found: dict[str, Any] = {}
    for name, token in zip(PIXELS, (family.image_token_id, family.clip_token_id), strict=True):
        if name not in tensors:
            continue
        in_rows, count = tokens_in_rows(ids, token), len(tensors[name])
        each, rest = divmod(sum(in_rows), max(1, count))
        if rest or not count:
            raise GeometryError(
                f"Expected {name} with entries of equal numbers of image tokens, got {count} for "
                f"{sum(in_rows)} tokens: the pixels of the call are not those of its prompts."
            )
        entries = entries_of_row([each] * count, in_rows, row)
        found |= sliced(tensors, (name,), entries)
    return found


def dynamic_tensors_of_row(
    family: Any, tensors: Mapping[str, Any], ids: Tensor, row: int
) -> dict[str, Any]:
    """For families whose pixels are patches, with a grid for each picture or clip."""
    found: dict[str, Any] = {}
    settings: Any = family.processor.image_processor
    clips = "video_grid_thw" in tensors
    for kind, pixels, token in (
        ("image", PIXELS[0], family.image_token_id),
        ("video", PIXELS[1], family.clip_token_id),
    ):
        grid = f"{kind}_grid_thw"
        if grid not in tensors or pixels not in tensors:
            continue
        patches = tensors[grid].prod(-1).tolist()
        counts = [count // settings.merge_size**2 for count in patches]
        entries = entries_of_row(counts, tokens_in_rows(ids, token), row)
        ends = [0, *torch.tensor(patches).cumsum(0).tolist()]
        found[grid] = tensors[grid][entries]
        found[pixels] = tensors[pixels][ends[entries.start] : ends[entries.stop]]
        if clips and kind == "video":
            found |= sliced(tensors, ("second_per_grid_ts",), entries)
    return found


def without_padding(values: Tensor, expected: Tensor) -> Tensor:
    """Values cut to the shape of `expected`, if all that is cut off is zero; else as they are.

    A call pads its pictures to the largest of all prompts.
    """
    if values.ndim != expected.ndim or values.shape == expected.shape:
        return values
    if any(have < want for have, want in zip(values.shape, expected.shape, strict=True)):
        return values
    kept = values[tuple(slice(0, length) for length in expected.shape)]
    padding = int(values.count_nonzero()) - int(kept.count_nonzero())
    return values if padding else kept
