"""`tiny-qwen2-vl`: transformers' own Qwen2-VL classes with a small configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from seewhy.testbed.recipe.model_recipe import (
    MEAN,
    STD,
    Layout,
    ModelRecipe,
    attend,
    language_settings,
    normalised,
    qwen2_tokenizer,
    raster,
    resized,
    set_special_tokens,
)

PATCH, MERGE = 8, 2
CELL = PATCH * MERGE
"""Side in pixels of the square of one visual token."""
MIN_PIXELS, MAX_PIXELS = (2 * CELL) ** 2, 512 * 512


class TinyQwen2VL(ModelRecipe):
    """Any size in whole cells, with rotary positions of time, height and width."""

    name: ClassVar = "tiny-qwen2-vl"
    special_tokens: ClassVar = (
        "<|endoftext|>",
        "<|im_start|>",
        "<|im_end|>",
        "<|vision_start|>",
        "<|vision_end|>",
        "<|image_pad|>",
        "<|video_pad|>",
    )
    chat_template: ClassVar = (
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
        "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
        "{% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
        "{% elif part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
        "{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
        "<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    opening: ClassVar = "<|im_start|>user\n<|vision_start|>"
    closing: ClassVar = "<|vision_end|>"
    image_token: ClassVar = "<|image_pad|>"
    scales: ClassVar = (0.5, 0.625, 0.75, 0.875, 1.0, 1.25, 1.5, 2.0)
    scale_weights: ClassVar = (0.12, 0.12, 0.14, 0.12, 0.35, 0.07, 0.06, 0.02)

    def tokenizer(self, vocab: dict[str, int], merges: list[tuple[str, str]]) -> Any:
        """Qwen2's tokenizer class."""
        return qwen2_tokenizer(vocab, merges, self.special_tokens, self.chat_template)

    def build(self, tokenizer: Any, seed: int = 0) -> Qwen2VLForConditionalGeneration:
        """The model with fresh weights: 3.4 million parameters, tied head."""
        ids: dict[str, Any] = {
            token: tokenizer.convert_tokens_to_ids(token) for token in tokenizer.all_special_tokens
        }
        config = Qwen2VLConfig(
            text_config={
                **language_settings(tokenizer),
                # Head size 32: 16 frequencies, shared 1 : 1.5 : 1.5 as in Qwen2-VL.
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": 10_000.0,
                    "mrope_section": [4, 6, 6],
                },
            },
            vision_config={
                "depth": 4,
                "embed_dim": 128,
                "hidden_size": 192,
                "num_heads": 4,
                "mlp_ratio": 4,
                # One fused operation on CPUs; Qwen2-VL's quick GELU needs three.
                "hidden_act": "silu",
                "patch_size": PATCH,
                "spatial_merge_size": MERGE,
                "temporal_patch_size": 2,
            },
            image_token_id=ids["<|image_pad|>"],
            video_token_id=ids["<|video_pad|>"],
            vision_start_token_id=ids["<|vision_start|>"],
            vision_end_token_id=ids["<|vision_end|>"],
            tie_word_embeddings=True,
        )
        torch.manual_seed(seed)
        return set_special_tokens(Qwen2VLForConditionalGeneration(config), tokenizer)

    def save(self, model: Any, tokenizer: Any, folder: Path) -> None:
        """Write the folder.

        The processor's files are those of real Qwen2-VL checkpoints, so that `AutoProcessor` loads
        them. Writing them does not need torchvision; the processor's video part does.
        """
        model.bfloat16().save_pretrained(folder)
        (folder / "model.safetensors").chmod(0o644)  # written as private
        tokenizer.save_pretrained(folder)
        images = Qwen2VLImageProcessorPil(
            patch_size=PATCH,
            merge_size=MERGE,
            temporal_patch_size=2,
            image_mean=list(MEAN),
            image_std=list(STD),
            size={"shortest_edge": MIN_PIXELS, "longest_edge": MAX_PIXELS},
        )
        images.save_pretrained(folder)
        file = folder / "preprocessor_config.json"
        config = json.loads(file.read_text())
        config |= {"image_processor_type": "Qwen2VLImageProcessor"}
        config |= {"processor_class": "Qwen2VLProcessor"}
        file.write_text(json.dumps(config, indent=2) + "\n")

    def layout(self, width: int, height: int, scale: float) -> Layout:
        """One grid of whole cells."""
        rows, columns = grid_of(width, height, scale)
        return Layout(raster(0, 0, width, height, rows, columns), (rows, columns))

    def pixels(self, images: Tensor, scale: float = 1.0) -> Tensor:
        """Patches in blocks of `MERGE`: `[batch, patch, 2 * 3 * PATCH**2]`."""
        _, height, width, _ = images.shape
        grid = grid_of(width, height, scale)
        pixels = normalised(resized(images, grid[0] * CELL, grid[1] * CELL))
        blocks = pixels.view(len(images), 3, grid[0], MERGE, PATCH, grid[1], MERGE, PATCH)
        blocks = blocks.permute(0, 2, 5, 3, 6, 1, 4, 7)  # rows, columns, block, channel, pixels
        # A picture is repeated as two frames.
        blocks = blocks.unsqueeze(6).expand(*blocks.shape[:6], 2, PATCH, PATCH)
        return blocks.reshape(len(images), grid[0] * grid[1] * MERGE**2, -1)

    def process_image(self, model: Any, pixels: Tensor, layout: Layout) -> Tensor:
        """`[batch, visual, hidden]`: `model.model.visual` for a batch of images in one pass."""
        tower: Any = model.model.visual
        rows, columns = layout.shape
        kernel = tower.patch_embed.proj
        hidden = F.linear(pixels, kernel.weight.flatten(1), kernel.bias)
        return encode(tower, hidden, rows, columns)

    def vision_modules(self, model: Any) -> list[nn.Module]:
        """The tower; it contains the merger."""
        return [model.model.visual]

    def position_ids(self, layout: Layout, first: int) -> tuple[np.ndarray, int]:
        """Time, height and width; the text continues after the longer side."""
        cells = np.arange(layout.visual)
        rows, columns = layout.shape
        time = np.full_like(cells, first)
        ids = np.stack([time, first + cells // columns, first + cells % columns])
        return ids, first + max(rows, columns)

    def language(self, model: Any, embeds: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        """Final states `[batch, token, hidden]`."""
        return model.model.language_model(
            inputs_embeds=embeds,
            attention_mask={"full_attention": mask},
            position_ids=positions.expand(3, -1, -1),
            use_cache=False,
        ).last_hidden_state


def grid_of(width: int, height: int, scale: float) -> tuple[int, int]:
    """Rows and columns of visual tokens at a scale, rounded as in Qwen2-VL's processor."""
    return max(1, round(height * scale / CELL)), max(1, round(width * scale / CELL))


def encode(tower: Any, hidden: Tensor, rows: int, columns: int) -> Tensor:
    """Blocks and merger of a Qwen2-VL tower for a batch in one pass: `[batch, visual, hidden]`.

    Args:
        tower: transformers' own, of cells of `MERGE` x `MERGE` patches.
        hidden: embedded patches `[batch, patch, width]`, in blocks of a cell.
        rows, columns: of the cells.
    """
    batch, count, _ = hidden.shape
    positions = patch_positions(rows, columns).to(hidden.device)
    cos, sin = tower.rotary_pos_emb(hidden, positions)
    half = cos.shape[-1] // 2
    sin = torch.cat([-sin[..., :half], sin[..., half:]], -1)
    heads = tower.blocks[0].attn.num_heads

    def rotated(x: Tensor) -> Tensor:
        return x * cos.to(x.dtype) + x.roll(half, -1) * sin.to(x.dtype)

    for block in tower.blocks:
        mixed = block.attn.qkv(block.norm1(hidden)).view(batch, count, 3, heads, -1)
        query, key, value = (x.transpose(1, 2) for x in mixed.unbind(2))
        output = attend(rotated(query), rotated(key), value)
        hidden = hidden + block.attn.proj(output.transpose(1, 2).reshape(batch, count, -1))
        hidden = hidden + block.mlp(block.norm2(hidden))
    return tower.merger(hidden).view(batch, rows * columns, -1)


def patch_positions(rows: int, columns: int) -> Tensor:
    """int64 `[patch, 2]`: row and column of each patch, in blocks of `MERGE` x `MERGE`."""
    cells, inner = torch.arange(rows * columns), torch.arange(MERGE**2)
    down = (cells // columns)[:, None] * MERGE + (inner // MERGE)[None]
    across = (cells % columns)[:, None] * MERGE + (inner % MERGE)[None]
    return torch.stack([down.flatten(), across.flatten()], -1)


RECIPE = TinyQwen2VL()
