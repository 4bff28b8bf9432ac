"""A tiny PaliGemma (1 or 2) of random weights, in the real classes and with its real processor."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    Gemma2Config,
    GemmaConfig,
    GemmaTokenizer,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    SiglipVisionConfig,
)
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from builder_parts import gemma_vocabulary
from tiny_gemma3 import CORPUS

SIDE = 64
PATCH = 8


def build(
    dtype: torch.dtype = torch.float32,
    *,
    pictures: Any = SiglipImageProcessorPil,
    generation: int = 1,
    side: int = SIDE,
) -> tuple[Any, PaliGemmaProcessor]:
    """Model in eval mode and processor, the same at every call.

    Args:
        dtype: of the weights.
        pictures: the image processor's class.
        generation: 1 (Gemma) or 2 (Gemma 2: sliding windows, capped logits).
        side: pixels of the image processor's square; the model's is always `SIDE`.
    """
    square: Any = pictures(size={"height": side, "width": side})
    square.image_seq_length = (SIDE // PATCH) ** 2
    state = gemma_vocabulary(CORPUS)
    tokens: Any = GemmaTokenizer(
        vocab=state["vocab"],
        merges=state["merges"],
        extra_special_tokens={"image_token": "<image>"},
    )
    processor = PaliGemmaProcessor(image_processor=square, tokenizer=tokens)
    text: dict[str, Any] = {
        "vocab_size": len(tokens),
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 12,
        "bos_token_id": tokens.bos_token_id,
        "eos_token_id": tokens.eos_token_id,
        "pad_token_id": tokens.pad_token_id,
        "tie_word_embeddings": False,
    }
    if generation == 2:
        # Shorter than a prompt, and one layer of each kind.
        text |= {"sliding_window": 24, "layer_types": ["sliding_attention", "full_attention"]}
    config: Any = PaliGemmaConfig(
        vision_config=SiglipVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=SIDE,
            patch_size=PATCH,
            vision_use_head=False,
        ),
        text_config=(GemmaConfig if generation == 1 else Gemma2Config)(**text),
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        projection_dim=48,
        hidden_size=48,
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = PaliGemmaForConditionalGeneration(config)
        # Random heads are near uniform: steeper ones make choices that rounding cannot flip.
        model.lm_head.weight.data *= 20
        model.lm_head.weight.data[config.image_token_id] = 0
    return model.to(dtype).eval(), processor


def call(processor: Any, pictures: list[Any], prompt: str) -> dict[str, Any]:
    """Tensors that the real processor makes of some pictures and a prompt.

    Asked for tensors it copies them to NumPy in a way that warns (transformers 5.23).
    """
    text = processor.image_token * len(pictures) + prompt
    made = processor(images=pictures, text=[text], return_tensors="np")
    return {name: torch.as_tensor(value) for name, value in made.items()}


def with_default_backend(pictures: list[Any], prompt: str) -> list[tuple[dict, dict]]:
    """Real inputs and ours on the default backend, for a process that sees torchvision."""
    from transformers import SiglipImageProcessor

    from seewhy.models import load, prepare

    model, processor = build(pictures=SiglipImageProcessor)
    family = load((model, processor)).family
    found = []
    for picture in pictures:
        real = call(processor, [picture], prompt)
        ours = prepare(family, picture, prompt).tensors
        names = ("input_ids", "pixel_values")
        found.append(tuple({name: one[name].numpy() for name in names} for one in (real, ours)))
    return found


BUILDERS = {"paligemma": build}
ATTENTION = ("self_attn.out_proj",)
