"""A tiny InternVL of random weights, in the real classes and with its real processor."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLProcessor,
    InternVLVisionConfig,
    Qwen2Config,
    Qwen2Tokenizer,
)
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

from builder_parts import WithoutVideo, byte_level_vocabulary

CORPUS = (
    "Describe the picture. What is to the left of the red star?",
    "A red star and a blue house are above the green tree, and a fish is behind the cup.",
    "There are two yellow cars in front of the house: one is small and the other is large.",
    "user assistant system",
)

#: One user's turn as InternVL's template renders it: an image is its context token and a newline.
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<IMG_CONTEXT>\n' }}"
    "{% elif part['type'] == 'video' %}{{ '<video>\n' }}"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

PATCH = 14


class OnlyImages(WithoutVideo, InternVLProcessor):
    """The real processor, built without its video part."""


def build(
    dtype: torch.dtype = torch.float32, *, side: int = 112, video_part: Any = None
) -> tuple[InternVLForConditionalGeneration, InternVLProcessor]:
    """Model in eval mode and processor (PIL backend), the same at every call.

    Args:
        dtype: of the weights.
        side: pixels of a tile; 448 in the released checkpoints.
        video_part: the video processor. The real one needs torchvision; without it the processor
            is built around its place, which is enough as long as no video comes.
    """
    tokens: Any = tokenizer()
    per_tile = (side // PATCH // 2) ** 2
    settings = InternVLConfig(
        vision_config=InternVLVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=side,
            patch_size=PATCH,
        ),
        text_config=Qwen2Config(
            vocab_size=len(tokens),
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_window_layers=2,
            bos_token_id=None,
            eos_token_id=tokens.convert_tokens_to_ids("<|im_end|>"),
            pad_token_id=tokens.pad_token_id,
        ),
        image_token_id=tokens.context_image_token_id,
        image_seq_length=per_tile,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = InternVLForConditionalGeneration(settings)
        # transformers starts these at zero: without a position every blank patch is the same.
        embeddings = model.model.vision_tower.embeddings
        torch.nn.init.normal_(embeddings.position_embeddings, std=0.02)
        torch.nn.init.normal_(embeddings.cls_token, std=0.02)
    processor = (InternVLProcessor if video_part else OnlyImages)(
        image_processor=GotOcr2ImageProcessorPil(size={"height": side, "width": side}),
        tokenizer=tokens,
        video_processor=video_part,
        image_seq_length=per_tile,
        chat_template=TEMPLATE,
    )
    return model.to(dtype).eval(), processor


def tokenizer() -> Qwen2Tokenizer:
    """Qwen2's own tokenizer (byte-level BPE) over a small vocabulary, with InternVL's tokens."""
    state: Any = byte_level_vocabulary(CORPUS)
    tokens = Qwen2Tokenizer(
        vocab=state["vocab"],
        merges=state["merges"],
        extra_special_tokens={
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        },
    )
    tokens.add_special_tokens(
        {"extra_special_tokens": ["<|im_start|>", "<|im_end|>"]},
        replace_extra_special_tokens=False,
    )
    return tokens


def real_inputs(image: Any, text: str) -> tuple[list[int], Any]:
    """Ids and pixels of the processor with its real video part, for a process with torchvision."""
    from transformers.models.internvl.video_processing_internvl import InternVLVideoProcessor

    processor: Any
    _, processor = build(video_part=InternVLVideoProcessor())
    made = processor(images=image, text=text, return_tensors="pt")
    return made["input_ids"][0].tolist(), made["pixel_values"].numpy()


BUILDERS = {"internvl": build}
ATTENTION = ("attention.projection_layer",)
