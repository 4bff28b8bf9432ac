"""Vision features handed to a model in place of pixels, as its own encoder step leaves them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from seewhy.models.family import VisualInputs, concatenate


def encoder_outputs(features: Any, kind: str = "image") -> dict[str, Any]:
    """Features in place of `pixel_values`, as `forward` and `generate` take them.

    Args:
        features: float `[square, token, hidden]`, or a list of `[token, hidden]`.
        kind: `"image"` or `"video"`.
    """
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    outputs = BaseModelOutputWithPooling(pooler_output=features)  # pyright: ignore
    return {"mm_encoder_outputs": {kind: outputs}}


def pixels_or_features(
    rows: Sequence[Sequence[VisualInputs]], features_of: Callable[[VisualInputs], Tensor]
) -> dict[str, Any]:
    """The pixels of all pictures, or the features of all where one has no pixels.

    Pictures at different scales have different numbers of tokens, so features go in as one square.

    Args:
        rows: for each prompt of the batch, its pictures in reading order.
        features_of: a picture's features, float `[token, hidden]`.
    """
    visuals = [visual for row in rows for visual in row]
    if all("pixel_values" in visual.tensors for visual in visuals):
        return concatenate([visual.tensors for visual in visuals])
    return encoder_outputs(torch.cat([features_of(visual) for visual in visuals])[None])
