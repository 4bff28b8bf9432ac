"""`tiny-llava`: transformers' own LLaVA-1.5 classes in a small size: a CLIP tower and a LLaMA."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from seewhy.testbed.recipe.llava_pictures import LlavaPictures
from seewhy.testbed.recipe.model_recipe import (
    ModelRecipe,
    language_settings,
    qwen2_tokenizer,
    set_special_tokens,
)
from seewhy.testbed.recipe.picture_recipe import MEAN, STD

SIDE, PATCH = 160, 16
"""Side in pixels of the tower's input and of a patch."""


class TinyLlava(LlavaPictures, ModelRecipe):
    """Pads to a square of 100 patches of 16 pixels."""

    name: ClassVar = "tiny-llava"
    special_tokens: ClassVar = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>")
    chat_template: ClassVar = (
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
        "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
        "{% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}<image>\n"
        "{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
        "<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    side: ClassVar = SIDE
    patch: ClassVar = PATCH
    scales: ClassVar = (0.5, 0.625, 0.75, 0.875, 1.0, 1.25, 1.5, 2.0)
    scale_weights: ClassVar = (0.05, 0.05, 0.1, 0.08, 0.58, 0.06, 0.06, 0.02)

    def tokenizer(self, vocab: dict[str, int], merges: list[tuple[str, str]]) -> Any:
        """Qwen2's class, as in the released `llava-interleave-qwen`."""
        return qwen2_tokenizer(vocab, merges, self.special_tokens, self.chat_template)

    def build(self, tokenizer: Any, seed: int = 0) -> LlavaForConditionalGeneration:
        """The model with fresh weights: 3.1 million parameters, tied head."""
        torch.manual_seed(seed)
        model: Any = LlavaForConditionalGeneration(
            LlavaConfig(
                vision_config=CLIPVisionConfig(
                    hidden_size=160,
                    intermediate_size=640,
                    projection_dim=192,
                    num_hidden_layers=4,
                    num_attention_heads=5,
                    image_size=SIDE,
                    patch_size=PATCH,
                    hidden_act="gelu",
                ),
                text_config=LlamaConfig(**language_settings(tokenizer), tie_word_embeddings=True),
                image_token_index=tokenizer.convert_tokens_to_ids(self.image_token),
                image_seq_length=(SIDE // PATCH) ** 2,
                vision_feature_layer=-1,
                vision_feature_select_strategy="default",
                tie_word_embeddings=True,
            )
        )
        return set_special_tokens(model, tokenizer)

    def save(self, model: Any, tokenizer: Any, folder: Path) -> None:
        """Write the folder, with the processor of the released checkpoints."""
        model.bfloat16().save_pretrained(folder)
        (folder / "model.safetensors").chmod(0o644)
        side = {"height": SIDE, "width": SIDE}
        LlavaProcessor(
            image_processor=LlavaImageProcessorPil(
                do_pad=True,
                size={"shortest_edge": SIDE},
                crop_size=side,
                image_mean=list(MEAN),
                image_std=list(STD),
            ),
            tokenizer=tokenizer,
            patch_size=PATCH,
            vision_feature_select_strategy="default",
            num_additional_image_tokens=1,
            chat_template=self.chat_template,
        ).save_pretrained(folder)


RECIPE = TinyLlava()
