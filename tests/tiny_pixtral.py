"""A tiny Pixtral of random weights: LLaVA's class, Pixtral's tower and image processor."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    LlavaConfig,
    LlavaForConditionalGeneration,
    MistralConfig,
    PixtralVisionConfig,
)
from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil

from seewhy.models.processing import ProcessorParts
from tiny_mistral3 import TEMPLATE, arrays, call, tokenizer

PATCH = 14


def build(*, pictures: Any = PixtralImageProcessorPil, **config: Any) -> tuple[Any, ProcessorParts]:
    """Model in eval mode and processor's parts, the same at every call."""
    tokens: Any = tokenizer()
    settings: Any = LlavaConfig(
        **{
            "vision_config": PixtralVisionConfig(
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=2,
                image_size=420,
                patch_size=PATCH,
            ),
            "text_config": MistralConfig(
                vocab_size=len(tokens),
                hidden_size=48,
                intermediate_size=96,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                head_dim=12,
                sliding_window=None,
                bos_token_id=tokens.bos_token_id,
                eos_token_id=tokens.eos_token_id,
                pad_token_id=tokens.pad_token_id,
                tie_word_embeddings=False,
            ),
            "image_token_index": tokens.convert_tokens_to_ids("[IMG]"),
            "vision_feature_layer": -1,
            "vision_feature_select_strategy": "full",
            **config,
        }
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = LlavaForConditionalGeneration(settings)
        model.lm_head.weight.data *= 20  # choices that rounding cannot flip
    square = pictures(size={"longest_edge": 210}, patch_size={"height": PATCH, "width": PATCH})
    return model.eval(), ProcessorParts(square, tokens, TEMPLATE)


def real_and_ours(rows: list[list[Any]], prompt: str) -> list[tuple[dict, dict]]:
    """What the real processor makes of each prompt's pictures, and what we do, by either backend.

    For a process that sees torchvision: the real processor wants it.
    """
    from transformers import PixtralImageProcessor, PixtralProcessor

    from seewhy.models import load, prepare

    found = []
    for backend in (PixtralImageProcessorPil, PixtralImageProcessor):
        model, parts = build(pictures=backend)
        processor = PixtralProcessor(
            image_processor=parts.image_processor,
            tokenizer=parts.tokenizer,
            patch_size=PATCH,
            chat_template=TEMPLATE,
        )
        family = load((model, parts)).family
        for pictures in rows:
            ours = prepare(family, pictures, prompt).tensors
            found.append((call(processor, pictures, prompt), arrays(ours)))
    return found


BUILDERS = {"pixtral": build}
ATTENTION = ("attention.o_proj",)
SHAPES = {"pixtral": [(300, 40), (20, 20)]}
