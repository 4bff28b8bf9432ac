"""Tiny LLaVA-NeXT and LLaVA-OneVision of random weights, in the real classes and processors."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextProcessor,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionProcessor,
    Qwen2Config,
    Qwen2Tokenizer,
    SiglipVisionConfig,
)
from transformers.models.llava_next.image_processing_pil_llava_next import (
    LlavaNextImageProcessorPil,
)
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)

import tiny_internvl
import tiny_llava
from builder_parts import WithoutVideo, byte_level_vocabulary

#: LLaVA-NeXT's, as its Mistral checkpoints render a turn.
NEXT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' }}"
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    "{{ ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ ' ' + part['text'] }}"
    "{% endfor %}{{ '</s>' }}{% endif %}{% endfor %}"
)

#: LLaVA-OneVision's: images first, then videos, then the text.
ONEVISION_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + ' ' }}"
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'video' %}{{ '<video>' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ '\n' + part['text'] }}"
    "{% endfor %}{{ '<|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

PATCH = 14
SIDE = 56
NEXT_POINTS = [[56, 112], [112, 56], [112, 112], [168, 56], [56, 168]]
ONEVISION_POINTS = [[down * SIDE, across * SIDE] for down in range(1, 5) for across in range(1, 5)]

VISION: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "patch_size": PATCH,
}
TEXT: dict[str, Any] = {
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}


def build_next(
    *, side: int = SIDE, tower: str = "clip", **config: Any
) -> tuple[LlavaNextForConditionalGeneration, LlavaNextProcessor]:
    """LLaVA-NeXT in eval mode and processor (PIL backend), the same at every call."""
    tokens: Any = tiny_llava.tokenizer()
    vision = {**VISION, "image_size": side}
    points = [[a * side // SIDE, b * side // SIDE] for a, b in NEXT_POINTS]
    settings = LlavaNextConfig(
        **{
            "vision_config": CLIPVisionConfig(**vision)
            if tower == "clip"
            else SiglipVisionConfig(**vision, vision_use_head=False),
            "text_config": LlamaConfig(
                **TEXT,
                vocab_size=len(tokens),
                num_key_value_heads=4,
                bos_token_id=tokens.bos_token_id,
                eos_token_id=tokens.eos_token_id,
                pad_token_id=tokens.pad_token_id,
            ),
            "image_token_index": tokens.convert_tokens_to_ids("<image>"),
            "image_grid_pinpoints": points,
            "vision_feature_select_strategy": "default" if tower == "clip" else "full",
            **config,
        }
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = LlavaNextForConditionalGeneration(settings)
        model.lm_head.weight.data *= 20  # choices that rounding cannot flip
    square = {"height": side, "width": side}
    processor = LlavaNextProcessor(
        image_processor=LlavaNextImageProcessorPil(
            size={"shortest_edge": side}, crop_size=square, image_grid_pinpoints=points
        ),
        tokenizer=tokens,
        patch_size=PATCH,
        vision_feature_select_strategy=settings.vision_feature_select_strategy,
        num_additional_image_tokens=int(tower == "clip"),
        chat_template=NEXT_TEMPLATE,
    )
    return model.eval(), processor


class OnlyImages(WithoutVideo, LlavaOnevisionProcessor):
    """The real processor, built without its video part."""


def onevision_tokenizer() -> Qwen2Tokenizer:
    """Qwen2's own tokenizer over a small vocabulary, with LLaVA-OneVision's tokens."""
    state = byte_level_vocabulary(tiny_internvl.CORPUS)
    tokens = Qwen2Tokenizer(
        vocab=state["vocab"],
        merges=state["merges"],
        extra_special_tokens={"image_token": "<image>", "video_token": "<video>"},
    )
    tokens.add_special_tokens(
        {"extra_special_tokens": ["<|im_start|>", "<|im_end|>"]},
        replace_extra_special_tokens=False,
    )
    return tokens


def build_onevision(
    *, side: int = SIDE, most: int = 4, video_part: Any = None
) -> tuple[LlavaOnevisionForConditionalGeneration, LlavaOnevisionProcessor]:
    """LLaVA-OneVision in eval mode and processor (PIL backend), the same at every call.

    Args:
        side: pixels of a tile; 384 in the released checkpoints.
        most: tiles' worth of tokens beyond which the raster is interpolated; 9 there.
        video_part: the video processor, which needs torchvision.
    """
    tokens: Any = onevision_tokenizer()
    points = [[a * side // SIDE, b * side // SIDE] for a, b in ONEVISION_POINTS]
    settings = LlavaOnevisionConfig(
        vision_config=SiglipVisionConfig(**VISION, image_size=side, vision_use_head=False),
        text_config=Qwen2Config(
            **TEXT,
            vocab_size=len(tokens),
            num_key_value_heads=2,
            max_window_layers=2,
            bos_token_id=None,
            eos_token_id=tokens.convert_tokens_to_ids("<|im_end|>"),
            pad_token_id=tokens.pad_token_id,
        ),
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        video_token_index=tokens.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=points,
        vision_aspect_ratio=f"anyres_max_{most}",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = LlavaOnevisionForConditionalGeneration(settings)
        model.lm_head.weight.data *= 20
    processor = (LlavaOnevisionProcessor if video_part else OnlyImages)(
        image_processor=LlavaOnevisionImageProcessorPil(
            size={"height": side, "width": side}, image_grid_pinpoints=points
        ),
        tokenizer=tokens,
        video_processor=video_part,
        num_image_tokens=(side // PATCH) ** 2,
        vision_feature_select_strategy="full",
        vision_aspect_ratio=f"anyres_max_{most}",
        chat_template=ONEVISION_TEMPLATE,
    )
    return model.eval(), processor


def real_inputs(
    kind: str, rows: list[list[Any]], texts: list[str], side: int = SIDE
) -> dict[str, Any]:
    """What the default (torchvision) processors make, for a process that sees torchvision."""
    from transformers import LlavaNextImageProcessor, LlavaOnevisionImageProcessor

    build: Any = build_next if kind == "llava-next" else build_onevision
    _, processor = build(side=side)
    default = LlavaNextImageProcessor if kind == "llava-next" else LlavaOnevisionImageProcessor
    settings = processor.image_processor.to_dict()
    settings.pop("image_processor_type", None)
    processor.image_processor = default(**settings)
    made = processor(images=rows, text=texts, return_tensors="pt", padding=True)
    return {name: value.numpy() for name, value in made.items()}


def ours(kind: str, pictures: list[Any], prompt: str, side: int = SIDE) -> dict[str, Any]:
    """What `prepare` makes beside torchvision, with the default image processor."""
    from transformers import LlavaNextImageProcessor, LlavaOnevisionImageProcessor

    from seewhy.models import load, prepare

    build: Any = build_next if kind == "llava-next" else build_onevision
    model, processor = build(side=side)
    default = LlavaNextImageProcessor if kind == "llava-next" else LlavaOnevisionImageProcessor
    settings = processor.image_processor.to_dict()
    settings.pop("image_processor_type", None)
    processor.image_processor = default(**settings)
    made = prepare(load((model, processor)).family, pictures, prompt).tensors
    return {name: value.numpy() for name, value in made.items()}


def real_video(frames: list[Any], text: str, side: int = SIDE) -> tuple[list[int], Any]:
    """Ids and pixels of the processor with its real video part, for a process with torchvision."""
    from transformers.models.llava_onevision.video_processing_llava_onevision import (
        LlavaOnevisionVideoProcessor,
    )

    processor: Any
    part = LlavaOnevisionVideoProcessor(size={"height": side, "width": side})
    _, processor = build_onevision(side=side, video_part=part)
    made = processor(videos=[frames], text=text, return_tensors="pt")
    return made["input_ids"][0].tolist(), made["pixel_values_videos"].numpy()


BUILDERS = {"llava-next": build_next, "llava-onevision": build_onevision}
ATTENTION = ("self_attn.out_proj",)
SHAPES = {
    "llava-next": [(50, 50), (300, 80), (57, 56)],
    "llava-onevision": [(50, 50), (220, 220), (120, 30)],
}

#: One with a rest of a tile that fills no patch, as in the released LLaVA-OneVision.
build_with_rest = partial(build_onevision, side=62)
