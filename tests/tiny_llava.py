"""A tiny LLaVA-1.5 of random weights, in the real classes and with its real processor."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlamaTokenizer,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    SiglipVisionConfig,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from builder_parts import llama_vocabulary
from painting import centres_seen, off_centre, ramps
from seewhy.models.families.llava import Llava
from seewhy.models.processing import ProcessorParts

CORPUS = (
    "Describe the picture. What is to the left of the red star?",
    "A red star and a blue house are above the green tree, and a fish is behind the cup.",
    "There are two yellow cars in front of the house: one is small and the other is large.",
)

#: One user's turn as LLaVA-1.5's template renders it: all images first, then the text.
TEMPLATE = (
    "{% for message in messages %}{{ message['role'].upper() + ': ' }}"
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] + ' ' }}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)

PATCH = 14


def build(
    dtype: torch.dtype = torch.float32, *, side: int = 112, tower: str = "clip", **config: Any
) -> tuple[LlavaForConditionalGeneration, LlavaProcessor]:
    """Model in eval mode and processor (PIL backend), the same at every call.

    Args:
        dtype: of the weights.
        side: pixels of the vision tower's input; 336 in the released checkpoints.
        tower: "clip" (with a class token) or "siglip" (without one).
        **config: further entries of `LlavaConfig`, such as `vision_feature_select_strategy`.
    """
    tokens: Any = tokenizer()
    vision: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "image_size": side,
        "patch_size": PATCH,
    }
    strategy = "default" if tower == "clip" else "full"
    settings = LlavaConfig(
        **{
            "vision_config": CLIPVisionConfig(**vision)
            if tower == "clip"
            else SiglipVisionConfig(**vision, vision_use_head=False),
            "text_config": LlamaConfig(
                vocab_size=len(tokens),
                hidden_size=48,
                intermediate_size=96,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=4,
                bos_token_id=tokens.bos_token_id,
                eos_token_id=tokens.eos_token_id,
                pad_token_id=tokens.pad_token_id,
            ),
            "image_token_index": tokens.convert_tokens_to_ids("<image>"),
            "image_seq_length": (side // PATCH) ** 2,
            "vision_feature_select_strategy": strategy,
            **config,
        }
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = LlavaForConditionalGeneration(settings)
    square = {"height": side, "width": side}
    pictures = (
        CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size=square)
        if tower == "clip"
        else SiglipImageProcessorPil(size=square)
    )
    processor = LlavaProcessor(
        image_processor=pictures,
        tokenizer=tokens,
        patch_size=PATCH,
        vision_feature_select_strategy=settings.vision_feature_select_strategy,
        num_additional_image_tokens=int(tower == "clip"),
        chat_template=TEMPLATE,
    )
    return model.to(dtype).eval(), processor


def tokenizer() -> LlamaTokenizer:
    """LLaMA's own tokenizer (byte-level fallback, leading spaces) over a small vocabulary."""
    state = llama_vocabulary(CORPUS)
    return LlamaTokenizer(
        vocab=state["vocab"],
        merges=state["merges"],
        add_bos_token=True,
        pad_token="<unk>",
        extra_special_tokens={"image_token": "<image>"},
    )


def worst_off_centre(pictures: Any, shape: tuple[int, int], scale: float) -> float:
    """How far the boxes lie from where the pixels come from, for an image processor."""
    model, processor = build()
    llava = Llava(model, ProcessorParts(pictures, processor.tokenizer, processor.chat_template))
    image = ramps(*shape)
    grid = llava.process_image(image, scale).geometry.grids[0]
    pixels = pictures(image, return_tensors="pt", **llava._sizes(scale))["pixel_values"][0]
    seen = centres_seen(pixels, PATCH, pictures.image_mean, pictures.image_std)
    return off_centre(grid, seen, shape)


def off_centres_of_torchvision(
    settings: list[dict[str, Any]], shapes: list[tuple[int, int]]
) -> list[float]:
    """`worst_off_centre` on the other backend, for a process with torchvision."""
    from transformers import LlavaImageProcessor

    return [
        worst_off_centre(LlavaImageProcessor(**one), shape, 1.0)
        for one in settings
        for shape in shapes
    ]


BUILDERS = {"llava": build}
ATTENTION = ("self_attn.out_proj",)
