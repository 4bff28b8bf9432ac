"""A tiny Gemma 3 of random weights, in the real classes and with its real processor."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3Processor,
    Gemma3TextConfig,
    GemmaTokenizer,
    SiglipVisionConfig,
)
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

from builder_parts import gemma_vocabulary

CORPUS = (
    "Describe the picture. What is to the left of the red star?",
    "A red star and a blue house are above the green tree, and a fish is behind the cup.",
    "Here is the original image and here are some crops to help you see better",
    "user model\n\n",
)

#: One turn as Gemma 3's template renders it.
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<start_of_turn>' + message['role'] + '\n' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<start_of_image>' }}"
    "{% else %}{{ part['text'] | trim }}{% endif %}{% endfor %}{{ '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)

SIDE = 64
PATCH = 8
TOKENS = 16
#: Crops from 40 pixels on, for elongated pictures; the released image processors say nothing.
PANS = {"do_pan_and_scan": True, "pan_and_scan_min_crop_size": 40}


def build(
    dtype: torch.dtype = torch.float32,
    *,
    pictures: Any = Gemma3ImageProcessorPil,
    tokens_per_image: int = TOKENS,
    **settings: Any,
) -> tuple[Any, Gemma3Processor]:
    """Model in eval mode and processor, the same at every call.

    Args:
        dtype: of the weights.
        pictures: the image processor's class.
        tokens_per_image: 256 in the released checkpoints.
        **settings: further settings of the image processor, such as `PANS`.
    """
    tokens: Any = tokenizer()
    config: Any = Gemma3Config(
        vision_config=SiglipVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=SIDE,
            patch_size=PATCH,
            vision_use_head=False,
        ),
        text_config=Gemma3TextConfig(
            vocab_size=len(tokens),
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=12,
            # Shorter than a prompt, and one layer of each kind.
            sliding_window=24,
            layer_types=["sliding_attention", "full_attention"],
            bos_token_id=tokens.bos_token_id,
            eos_token_id=tokens.eos_token_id,
            pad_token_id=tokens.pad_token_id,
            tie_word_embeddings=False,
        ),
        mm_tokens_per_image=tokens_per_image,
        boi_token_index=tokens.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=tokens.convert_tokens_to_ids("<end_of_image>"),
        image_token_index=tokens.convert_tokens_to_ids("<image_soft_token>"),
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = Gemma3ForConditionalGeneration(config)
        # transformers starts this at zero: without it every picture is the same.
        torch.nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight, std=0.2)
        # Random heads are near uniform: steeper ones make choices that rounding cannot flip.
        model.lm_head.weight.data *= 20
        model.lm_head.weight.data[config.image_token_index] = 0
    processor = Gemma3Processor(
        image_processor=pictures(size={"height": SIDE, "width": SIDE}, **settings),
        tokenizer=tokens,
        chat_template=TEMPLATE,
        image_seq_length=tokens_per_image,
    )
    return model.to(dtype).eval(), processor


def tokenizer() -> GemmaTokenizer:
    """Gemma's own tokenizer (byte fallback) over a small vocabulary, with Gemma 3's tokens."""
    state = gemma_vocabulary(CORPUS)
    return GemmaTokenizer(
        vocab=state["vocab"],
        merges=state["merges"],
        extra_special_tokens={
            "image_token": "<image_soft_token>",
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
            "sot_token": "<start_of_turn>",
            "eot_token": "<end_of_turn>",
        },
    )


def call(processor: Any, pictures: list[Any], prompt: str) -> dict[str, Any]:
    """Tensors that the real processor makes of one turn, pictures before the words.

    Unless told so at the call, it leaves the image processor's pan and scan aside.
    """
    content = [{"type": "image", "image": picture} for picture in pictures]
    stated = {name: getattr(processor.image_processor, name) for name in PANS}
    made = processor.apply_chat_template(
        [{"role": "user", "content": [*content, {"type": "text", "text": prompt}]}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        processor_kwargs={name: value for name, value in stated.items() if value is not None},
    )
    return dict(made)


def with_default_backend(pictures: list[Any], prompt: str) -> list[tuple[dict, dict]]:
    """Real inputs and ours on the default backend, for a process that sees torchvision."""
    from transformers import Gemma3ImageProcessor

    from seewhy.models import load, prepare

    found = []
    for settings in ({}, PANS):
        model, processor = build(pictures=Gemma3ImageProcessor, **settings)
        family = load((model, processor)).family
        for picture in pictures:
            real = call(processor, [picture], prompt)
            ours = prepare(family, picture, prompt).tensors
            found.append(tuple({n: v.numpy() for n, v in one.items()} for one in (real, ours)))
    return found


BUILDERS = {"gemma3": lambda: build(**PANS)}
ATTENTION = ("self_attn.out_proj",)
SHAPES = {"gemma3": [(64, 64), (203, 50), (50, 203), (90, 89)]}
