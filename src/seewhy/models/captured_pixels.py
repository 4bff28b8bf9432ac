"""Compare the pixels of a recorded call with those that an adapter makes of the pictures.

This is what keeps boxes true: if the call's pixels are not those of the pictures and the settings
that were followed, something else was shown to the model, and the explanation is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from seewhy.core.errors import GeometryError
from seewhy.models.family import VisualInputs
from seewhy.models.row_tensors import PIXELS, without_padding

#: How far the frames of a clip may differ: on the mean, and at most, as parts of the spread of all
#: pixels. Video processors resize with torchvision, this package with Pillow.
CLIP_MEAN, CLIP_MOST = 0.02, 0.35


def recorded_tensors(
    recorded: Mapping[str, Any], expected: Mapping[str, Any], visuals: Sequence[VisualInputs]
) -> dict[str, Any]:
    """The visual inputs of a call, in place of those that an adapter made; they must be equal.

    Args:
        recorded: those of the prompt in the call.
        expected: those that the adapter makes of the prompt's pictures.
        visuals: the pictures and clips.

    Returns:
        Tensors for the names that both have.

    Raises:
        GeometryError: if they differ, with what differs.
    """
    has_clips = any(visual.is_clip for visual in visuals)
    found: dict[str, Any] = {}
    for name, wanted in expected.items():
        if name not in recorded or not isinstance(wanted, Tensor):
            continue
        values = without_padding(_in_shape(recorded[name], wanted), wanted)
        alike = same_values(values, wanted)
        if not alike and has_clips and name in PIXELS:
            alike = similar_values(values, wanted)
        if not alike:
            raise _other_pixels(name, wanted, values)
        found[name] = values
    return found


def _in_shape(values: Tensor, expected: Tensor) -> Tensor:
    """Values without an axis of one entry for each clip, if the adapter has frames alone."""
    joined = values.flatten(0, 1) if values.ndim == expected.ndim + 1 else values
    return joined if joined.shape == expected.shape else values


def same_values(values: Tensor, expected: Tensor) -> bool:
    """Whether tensors are equal up to rounding in the dtype of `values`."""
    if values.shape != expected.shape:
        return False
    if not values.is_floating_point():
        return bool(torch.equal(values.cpu(), expected.cpu().to(values.dtype)))
    if not values.numel():
        return True
    values, precision = values.detach().cpu(), torch.finfo(values.dtype).eps
    expected = expected.detach().cpu().to(torch.promote_types(expected.dtype, torch.float32))
    bound = max(1e-5, 2 * precision) * max(1.0, float(expected.abs().max()))
    # In this form it is also false for NaN.
    return float((values.to(expected) - expected).abs().max()) <= bound


def similar_values(values: Tensor, expected: Tensor) -> bool:
    """Whether frames are equal but for another package's resampling."""
    if values.shape != expected.shape or not values.is_floating_point():
        return False
    wanted = expected.detach().cpu().float()
    apart = (values.detach().cpu().float() - wanted).abs()
    spread = float(wanted.std()) or 1.0
    return float(apart.mean()) <= CLIP_MEAN * spread and float(apart.max()) <= CLIP_MOST * spread


def _other_pixels(name: str, expected: Tensor, values: Tensor) -> GeometryError:
    return GeometryError(
        f"Expected {name} of the given pictures ({_described(expected)}), got others in the call "
        f"of generate ({_described(values)}{_difference(expected, values)}): the model was shown "
        "another picture, or the picture was processed in another way. Pass the pictures of the "
        "prompt, and call the processor within the block, so that its settings are known."
    )


def _difference(expected: Tensor, values: Tensor) -> str:
    if values.shape != expected.shape or not values.is_floating_point():
        return ""
    apart = (values.detach().cpu().float() - expected.detach().cpu().float()).abs()
    share = float((apart > 1e-2).float().mean())
    return f"; {share:.0%} of the values differ, by up to {float(apart.max()):.3g}"


def _described(values: Tensor) -> str:
    if not values.is_floating_point():
        return f"{list(values.shape)}: {values.flatten()[:8].tolist()}"
    return f"shape {list(values.shape)}, mean {float(values.float().mean()):.4g}"
