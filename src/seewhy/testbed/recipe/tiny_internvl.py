"""`tiny-internvl`: transformers' own InternVL classes in a small size: tiles and thumbnail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import (
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLVisionConfig,
    Qwen2Config,
)
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

from seewhy.models.families.internvl import nearest_tiles, tiling
from seewhy.testbed.recipe.model_recipe import (
    MEAN,
    STD,
    Layout,
    ModelRecipe,
    language_settings,
    normalised,
    qwen2_tokenizer,
    raster,
    resized,
    set_special_tokens,
)

TILE, PATCH = 80, 8
CELLS = TILE // PATCH // 2
"""Visual tokens along a tile's side, after the pixel shuffle."""
SIZE = {"height": TILE, "width": TILE}
MOST_TILES = 12


class TinyInternVL(ModelRecipe):
    """Tiles of 80 pixels with 25 tokens each, then a thumbnail of the whole picture."""

    name: ClassVar = "tiny-internvl"
    special_tokens: ClassVar = (
        "<|endoftext|>",
        "<|im_start|>",
        "<|im_end|>",
        "<img>",
        "</img>",
        "<IMG_CONTEXT>",
        "<video>",
    )
    chat_template: ClassVar = (
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
        "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
        "{% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}<IMG_CONTEXT>\n"
        "{% elif part['type'] == 'video' %}<video>\n"
        "{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
        "<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    opening: ClassVar = "<|im_start|>user\n<img>"
    closing: ClassVar = "</img>\n"
    image_token: ClassVar = "<IMG_CONTEXT>"
    scales: ClassVar = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
    scale_weights: ClassVar = (0.12, 0.08, 0.6, 0.07, 0.11, 0.02)

    def tokenizer(self, vocab: dict[str, int], merges: list[tuple[str, str]]) -> Any:
        """Qwen2's class with the token names that InternVL's processor looks up."""
        named = {
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        }
        return qwen2_tokenizer(vocab, merges, self.special_tokens, self.chat_template, named)

    def build(self, tokenizer: Any, seed: int = 0) -> InternVLForConditionalGeneration:
        """The model with fresh weights: 3 million parameters, tied head."""
        torch.manual_seed(seed)
        language: Any = language_settings(tokenizer) | {"tie_word_embeddings": True}
        model: Any = InternVLForConditionalGeneration(
            InternVLConfig(
                vision_config=InternVLVisionConfig(
                    hidden_size=128,
                    intermediate_size=512,
                    num_hidden_layers=4,
                    num_attention_heads=4,
                    image_size=TILE,
                    patch_size=PATCH,
                    layer_scale_init_value=1.0,
                ),
                text_config=Qwen2Config(**language, max_window_layers=5),
                image_token_id=tokenizer.convert_tokens_to_ids(self.image_token),
                image_seq_length=CELLS**2,
                tie_word_embeddings=True,
            )
        )
        embeddings = model.model.vision_tower.embeddings
        # transformers initialises these to zero: every blank patch would be the same.
        nn.init.normal_(embeddings.position_embeddings, std=0.02)
        nn.init.normal_(embeddings.cls_token, std=0.02)
        return set_special_tokens(model, tokenizer)

    def save(self, model: Any, tokenizer: Any, folder: Path) -> None:
        """Write the folder, with the processor's files of the released checkpoints.

        The processor itself is not built, because its video part needs torchvision.
        """
        model.bfloat16().save_pretrained(folder)
        (folder / "model.safetensors").chmod(0o644)
        tokenizer.save_pretrained(folder)
        GotOcr2ImageProcessorPil(
            size=SIZE,
            crop_to_patches=True,
            min_patches=1,
            max_patches=MOST_TILES,
            image_mean=list(MEAN),
            image_std=list(STD),
        ).save_pretrained(folder)
        file = folder / "preprocessor_config.json"
        config = json.loads(file.read_text())
        config |= {"image_processor_type": "GotOcr2ImageProcessor"}
        config |= {"processor_class": "InternVLProcessor"}
        file.write_text(json.dumps(config, indent=2) + "\n")
        processor = {"image_seq_length": CELLS**2, "processor_class": "InternVLProcessor"}
        (folder / "processor_config.json").write_text(json.dumps(processor, indent=2) + "\n")

    def layout(self, width: int, height: int, scale: float) -> Layout:
        """The tiles, each row by row, then the thumbnail."""
        columns, rows = tiles_at(width, height, scale)
        boxes = [
            raster(
                column * width / columns,
                row * height / rows,
                (column + 1) * width / columns,
                (row + 1) * height / rows,
                CELLS,
                CELLS,
            )
            for row in range(rows)
            for column in range(columns)
        ]
        if rows * columns > 1:
            boxes.append(raster(0, 0, width, height, CELLS, CELLS))
        return Layout(torch.cat([torch.from_numpy(b) for b in boxes]).numpy(), (rows, columns))

    def pixels(self, images: Tensor, scale: float = 1.0) -> Tensor:
        """`[batch, tile, 3, TILE, TILE]`."""
        batch, height, width, _ = images.shape
        columns, rows = tiles_at(width, height, scale)
        canvas = resized(images, rows * TILE, columns * TILE)
        tiles = canvas.view(batch, 3, rows, TILE, columns, TILE).permute(0, 2, 4, 1, 3, 5)
        tiles = tiles.reshape(batch, rows * columns, 3, TILE, TILE)
        if rows * columns > 1:
            tiles = torch.cat([tiles, resized(images, TILE, TILE)[:, None]], 1)
        return normalised(tiles)

    def process_image(self, model: Any, pixels: Tensor, layout: Layout) -> Tensor:
        """`[batch, visual, hidden]`; each tile is processed separately."""
        features = model.get_image_features(pixels.flatten(0, 1)).pooler_output
        return features.reshape(len(pixels), layout.visual, -1)

    def vision_modules(self, model: Any) -> list[nn.Module]:
        """Tower and projector."""
        return [model.model.vision_tower, model.model.multi_modal_projector]

    def language(self, model: Any, embeds: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        """Final states `[batch, token, hidden]`."""
        return model.model.language_model(
            inputs_embeds=embeds,
            attention_mask={"full_attention": mask},
            position_ids=positions[0],
            use_cache=False,
        ).last_hidden_state


def tiles_at(width: int, height: int, scale: float) -> tuple[int, int]:
    """Columns and rows of tiles: the processor's rule, with the family's scaling."""
    columns, rows = tiling(height, width, SIZE, 1, MOST_TILES)
    if scale == 1:
        return columns, rows
    tiles = nearest_tiles(height, width, SIZE, columns * scale, rows * scale)
    return tiling(height, width, SIZE, tiles, tiles)


RECIPE = TinyInternVL()
