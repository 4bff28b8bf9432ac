"""Tiny models of random weights that no family stands for, in real classes with real processors."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    AyaVisionConfig,
    AyaVisionForConditionalGeneration,
    AyaVisionProcessor,
    Cohere2Config,
    Idefics2Config,
    Idefics2ForConditionalGeneration,
    Idefics2Processor,
    MistralConfig,
    SiglipVisionConfig,
)
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.idefics2.image_processing_pil_idefics2 import Idefics2ImageProcessorPil

import tiny_models

#: One user's turn: an image is its marker, the text follows.
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<image>' }}"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
AYA = ("<|IMG_PATCH|>", "<|START_OF_IMG|>", "<|END_OF_IMG|>", "<|IMG_LINE_BREAK|>", "TILE_GLOBAL")


def _tokens(*special: str) -> Any:
    tokens: Any = tiny_models.tokenizer()
    tokens.add_special_tokens(
        {"extra_special_tokens": list(special)}, replace_extra_special_tokens=False
    )
    return tokens


def _text(tokens: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokens),
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "bos_token_id": None,
        "eos_token_id": tokens.convert_tokens_to_ids("<|im_end|>"),
        "pad_token_id": tokens.convert_tokens_to_ids("<|endoftext|>"),
    }


def _vision(side: int) -> dict[str, Any]:
    return {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": side,
        "patch_size": 14,
    }


def aya_vision() -> tuple[Any, Any]:
    """Aya Vision: tiles of 112 pixels and a thumbnail, 16 tokens each, tile markers in between."""
    tokens = _tokens("<image>", *AYA)
    settings = AyaVisionConfig(
        vision_config=SiglipVisionConfig(**_vision(112), vision_use_head=False),
        text_config=Cohere2Config(**_text(tokens), logit_scale=1.0),
        image_token_id=tokens.convert_tokens_to_ids("<|IMG_PATCH|>"),
        image_token_index=tokens.convert_tokens_to_ids("<|IMG_PATCH|>"),
        downsample_factor=2,
        adapter_layer_norm_eps=1e-6,
        vision_feature_select_strategy="full",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = AyaVisionForConditionalGeneration(settings)
    processor = AyaVisionProcessor(
        image_processor=GotOcr2ImageProcessorPil(
            size={"height": 112, "width": 112}, crop_to_patches=True, max_patches=6
        ),
        tokenizer=tokens,
        patch_size=14,
        img_size=112,
        downsample_factor=2,
        chat_template=TEMPLATE,
    )
    return model.eval(), processor


def idefics2() -> tuple[Any, Any]:
    """Idefics2: a perceiver's eight tokens, each of which looks at all of the picture."""
    tokens = _tokens("<image>", "<fake_token_around_image>", "<end_of_utterance>")
    settings = Idefics2Config(
        vision_config=_vision(112),
        perceiver_config={
            "hidden_size": 48,
            "resampler_n_latents": 8,
            "resampler_depth": 1,
            "resampler_n_heads": 4,
            "resampler_head_dim": 12,
            "num_key_value_heads": 4,
        },
        text_config=MistralConfig(**_text(tokens)),
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = Idefics2ForConditionalGeneration(settings)
        for weights in model.model.connector.parameters():
            if weights.dim() > 1:  # the latents start at one, which hides what little is added
                torch.nn.init.normal_(weights, std=0.3)
    processor = Idefics2Processor(
        image_processor=Idefics2ImageProcessorPil(
            size={"longest_edge": 112, "shortest_edge": 56}, do_image_splitting=False
        ),
        tokenizer=tokens,
        image_seq_len=8,
        chat_template=TEMPLATE,
    )
    return model.eval(), processor


def qwen2_vl() -> tuple[Any, Any]:
    """The tiny Qwen2-VL with transformers' whole processor, its video part left out."""
    from transformers import Qwen2VLProcessor

    class Whole(Qwen2VLProcessor):
        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            absent = argument_name == "video_processor" and argument is None
            kind = super().check_argument_for_proper_class
            return type(None) if absent else kind(argument_name, argument)

    model, composed = tiny_models.BUILDERS["qwen2-vl"]()
    processor = Whole(
        image_processor=composed.image_processor,
        tokenizer=composed.tokenizer,
        video_processor=None,
        chat_template=composed.template,
    )
    return model, processor
