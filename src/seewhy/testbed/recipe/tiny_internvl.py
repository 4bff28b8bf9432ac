"""`tiny-internvl`: transformers' own InternVL classes in a small size: tiles and thumbnail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn
from transformers import (
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLVisionConfig,
    Qwen2Config,
)
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

from seewhy.testbed.recipe.internvl_pictures import InternVLPictures
from seewhy.testbed.recipe.model_recipe import (
    ModelRecipe,
    language_settings,
    qwen2_tokenizer,
    set_special_tokens,
)
from seewhy.testbed.recipe.picture_recipe import MEAN, STD

TILE, PATCH = 80, 8
CELLS = TILE // PATCH // 2
"""Visual tokens along a tile's side, after the pixel shuffle."""
SIZE = {"height": TILE, "width": TILE}
MOST_TILES = 12


class TinyInternVL(InternVLPictures, ModelRecipe):
    """Tiles of 80 pixels with 25 tokens each."""

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
    tile: ClassVar = TILE
    patch: ClassVar = PATCH
    most_tiles: ClassVar = MOST_TILES
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


RECIPE = TinyInternVL()
