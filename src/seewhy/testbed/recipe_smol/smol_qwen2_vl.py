"""`smol-qwen2-vl`: SmolLM2 in transformers' own Qwen2-VL classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import Qwen2VLConfig

from seewhy.testbed.recipe.model_recipe import normalised
from seewhy.testbed.recipe.tiny_qwen2_vl import MERGE, encode

PATCH = 16
CELL = PATCH * MERGE
"""Pixels along the square of one visual token."""
VISION = {
    "depth": 6,
    "embed_dim": 224,
    "hidden_size": 576,
    "num_heads": 4,
    "mlp_ratio": 4,
    # One fused operation on CPUs; Qwen2-VL's quick GELU needs three.
    "hidden_act": "silu",
    "patch_size": PATCH,
    "spatial_merge_size": MERGE,
    "temporal_patch_size": 2,
}
IMAGE, VIDEO, START, END = 5, 6, 3, 4
"""Ids of SmolLM2's unused special tokens that stand for pictures, videos and their borders."""
TEXT = {
    "vocab_size": 49152,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-5,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    # Head size 64: 32 frequencies for time, height and width.
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 100_000.0,
        "mrope_section": [8, 12, 12],
    },
}


def config() -> Qwen2VLConfig:
    """The configuration of the model."""
    return Qwen2VLConfig(
        text_config=TEXT,
        vision_config=VISION,
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_start_token_id=START,
        vision_end_token_id=END,
        tie_word_embeddings=True,
    )


def tower(seed: int = 0) -> Any:
    """The vision tower alone, with fresh weights."""
    from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VisionTransformerPretrainedModel

    torch.manual_seed(seed)
    vision: Any = config().vision_config
    return Qwen2VisionTransformerPretrainedModel(vision)


def patches(images: Tensor) -> Tensor:
    """Patches in blocks of `MERGE`: float32 `[batch, patch, 3 * PATCH**2]`.

    Args:
        images: uint8 `[batch, height, width, 3]`, sides in whole cells.
    """
    pixels = normalised(images.permute(0, 3, 1, 2).float())
    batch, _, height, width = pixels.shape
    rows, columns = height // CELL, width // CELL
    blocks = pixels.view(batch, 3, rows, MERGE, PATCH, columns, MERGE, PATCH)
    blocks = blocks.permute(0, 2, 5, 3, 6, 1, 4, 7)  # rows, columns, block, channel, pixels
    return blocks.reshape(batch, rows * columns * MERGE**2, -1)


def see(visual: Any, images: Tensor) -> Tensor:
    """The tower and merger for a batch of pictures of one size: `[batch, cell, 576]`."""
    rows, columns = images.shape[1] // CELL, images.shape[2] // CELL
    pixels = patches(images)
    kernel = visual.patch_embed.proj
    # A picture is read as two equal frames: their kernels add up.
    weight = kernel.weight.sum(2).flatten(1)
    hidden = F.linear(pixels.to(weight.dtype), weight, kernel.bias)
    return encode(visual, hidden, rows, columns)


def position_ids(rows: int, columns: int, first: int) -> tuple[np.ndarray, int]:
    """Time, height and width `[3, cell]` of a picture's tokens, and the next position."""
    cells = np.arange(rows * columns)
    time = np.full_like(cells, first)
    ids = np.stack([time, first + cells // columns, first + cells % columns])
    return ids, first + max(rows, columns)
