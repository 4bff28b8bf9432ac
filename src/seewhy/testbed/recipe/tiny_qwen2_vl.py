"""`tiny-qwen2-vl`: transformers' own Qwen2-VL classes with a small configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import torch
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from seewhy.testbed.recipe.model_recipe import (
    ModelRecipe,
    language_settings,
    qwen2_tokenizer,
    set_special_tokens,
)
from seewhy.testbed.recipe.picture_recipe import MEAN, STD
from seewhy.testbed.recipe.qwen2_vl_pictures import MERGE, Qwen2VLPictures

PATCH = 8
MIN_PIXELS, MAX_PIXELS = (4 * PATCH) ** 2, 512 * 512


class TinyQwen2VL(Qwen2VLPictures, ModelRecipe):
    """Cells of 16 pixels."""

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
    patch: ClassVar = PATCH
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


RECIPE = TinyQwen2VL()
