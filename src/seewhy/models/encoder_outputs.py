"""Pass vision features to a model in place of pixels, in the form of its encoder's output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from seewhy.models.family import VisualInputs, concatenate, on_device
from seewhy.models.isolation import in_eval_mode


def encoder_outputs(features: Any, kind: str = "image") -> dict[str, Any]:
    """Features in place of `pixel_values`, as `forward` and `generate` take them.

    Args:
        features: float `[square, token, hidden]`, or a list of `[token, hidden]`.
        kind: `"image"` or `"video"`.
    """
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    outputs = BaseModelOutputWithPooling(pooler_output=features)  # pyright: ignore
    return {"mm_encoder_outputs": {kind: outputs}}


def pixels_or_outputs(
    pixels: Tensor, native_side: int, features_of: Callable[[Tensor], Any]
) -> dict[str, Any]:
    """Pixels of the vision tower's own size as they are; of another size, their features.

    Args:
        pixels: float `[square, 3, height, width]`.
        native_side: the side of the vision tower's own input, in pixels.
        features_of: from pixels to features, as `encoder_outputs` takes them.
    """
    if tuple(pixels.shape[-2:]) == (native_side, native_side):
        return {"pixel_values": pixels}
    return encoder_outputs(features_of(pixels))


@in_eval_mode
def square_features(model: Any, visual: VisualInputs) -> Tensor:
    """Float `[square, token, hidden]`: the projected tokens of a picture's squares."""
    if "pixel_values" not in visual.tensors:
        return visual.tensors["mm_encoder_outputs"]["image"].pooler_output
    return model.get_image_features(**on_device(visual.tensors, model)).pooler_output


def pixels_or_features(
    rows: Sequence[Sequence[VisualInputs]], features_of: Callable[[VisualInputs], Tensor]
) -> dict[str, Any]:
    """The pixels of all pictures, or the features of all if one has no pixels.

    Pictures at different scales have different numbers of tokens, so all features form one square.

    Args:
        rows: for each prompt of the batch, its pictures in reading order.
        features_of: a picture's features, float `[token, hidden]`.
    """
    visuals = [visual for row in rows for visual in row]
    if all("pixel_values" in visual.tensors for visual in visuals):
        return concatenate([visual.tensors for visual in visuals])
    return encoder_outputs(torch.cat([features_of(visual) for visual in visuals])[None])
