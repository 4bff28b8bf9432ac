"""A tiny Gemma 4 of random weights, in the real classes and with its real processor."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    Gemma4Config,
    Gemma4ForConditionalGeneration,
    Gemma4Processor,
    Gemma4TextConfig,
    Gemma4VisionConfig,
    GemmaTokenizer,
)
from transformers.models.gemma4.image_processing_pil_gemma4 import Gemma4ImageProcessorPil

from builder_parts import WithoutVideo, gemma_vocabulary

CORPUS = (
    "Describe the picture. What is to the left of the red star?",
    "A red star and a blue house are above the green tree, and a fish is behind the cup.",
    "user model\n 00:01 00:02 12:59",
)

#: One turn as Gemma 4's template renders it.
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|turn>' + message['role'] + '\n' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<|image|>' }}"
    "{% elif part['type'] == 'video' %}{{ '<|video|>' }}"
    "{% else %}{{ part['text'] | trim }}{% endif %}{% endfor %}{{ '<turn|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|turn>model\n' }}{% endif %}"
)

PATCH = 4
POOL = 3


class OnlyImages(WithoutVideo, Gemma4Processor):
    """The real processor, built without its parts for video and sound."""

    absent = ("video_processor", "feature_extractor")


def build(
    dtype: torch.dtype = torch.float32,
    *,
    pictures: Any = Gemma4ImageProcessorPil,
    clips: Any = None,
    shared: int = 0,
    **settings: Any,
) -> tuple[Any, Gemma4Processor]:
    """Model in eval mode and processor, the same at every call.

    Args:
        dtype: of the weights.
        pictures: the image processor's class.
        clips: the video processor's class; it needs torchvision.
        shared: last layers that share keys and values, as in E2B and E4B.
        **settings: further settings of the image processor.
    """
    tokens: Any = tokenizer()
    kinds = ["sliding_attention", "full_attention"]
    config: Any = Gemma4Config(
        vision_config=Gemma4VisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=16,
            patch_size=PATCH,
            pooling_kernel_size=POOL,
            position_embedding_size=1200,
        ),
        text_config=Gemma4TextConfig(
            vocab_size=len(tokens),
            vocab_size_per_layer_input=len(tokens),
            hidden_size=64,
            hidden_size_per_layer_input=8,
            intermediate_size=96,
            num_hidden_layers=4 if shared else 2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            global_head_dim=16,
            # Shorter than a prompt.
            sliding_window=24,
            layer_types=kinds * 2 if shared else kinds,
            num_kv_shared_layers=shared,
            use_bidirectional_attention=None if shared else "vision",
            bos_token_id=tokens.bos_token_id,
            eos_token_id=tokens.eos_token_id,
            pad_token_id=tokens.pad_token_id,
            tie_word_embeddings=False,
        ),
        image_token_id=tokens.convert_tokens_to_ids("<|image|>"),
        video_token_id=tokens.convert_tokens_to_ids("<|video|>"),
        audio_token_id=tokens.convert_tokens_to_ids("<|audio|>"),
        boi_token_id=tokens.convert_tokens_to_ids("<|image>"),
        eoi_token_id=tokens.convert_tokens_to_ids("<image|>"),
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = Gemma4ForConditionalGeneration(config)
        # transformers starts these at one: without a position every blank patch is the same.
        torch.nn.init.normal_(
            model.model.vision_tower.patch_embedder.position_embedding_table, std=0.02
        )
        # Random heads are near uniform: steeper ones make choices that rounding cannot flip.
        model.lm_head.weight.data *= 20
        model.lm_head.weight.data[[config.image_token_id, config.video_token_id]] = 0
    sizes: dict[str, Any] = {"patch_size": PATCH, "pooling_kernel_size": POOL}
    processor = OnlyImages(
        image_processor=pictures(**sizes, **{"max_soft_tokens": 70, **settings}),
        tokenizer=tokens,
        video_processor=clips and clips(**sizes, do_sample_frames=False),
        feature_extractor=None,
        chat_template=TEMPLATE,
    )
    return model.to(dtype).eval(), processor


def tokenizer() -> GemmaTokenizer:
    """Gemma's own tokenizer (byte fallback) over a small vocabulary, with Gemma 4's tokens."""
    state = gemma_vocabulary(CORPUS)
    return GemmaTokenizer(
        vocab=state["vocab"],
        merges=state["merges"],
        add_bos_token=False,
        extra_special_tokens={
            "image_token": "<|image|>",
            "video_token": "<|video|>",
            "boi_token": "<|image>",
            "eoi_token": "<image|>",
            "audio_token": "<|audio|>",
            "boa_token": "<|audio>",
            "eoa_token": "<audio|>",
            "sot_token": "<|turn>",
            "eot_token": "<turn|>",
        },
    )


def call(processor: Any, pictures: list[Any], prompt: str) -> dict[str, Any]:
    """Tensors that the real processor makes of one turn, pictures before the words."""
    content = [{"type": "image", "image": picture} for picture in pictures]
    made = processor.apply_chat_template(
        [{"role": "user", "content": [*content, {"type": "text", "text": prompt}]}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    return dict(made)


def with_default_backend(pictures: list[Any], prompt: str) -> list[tuple[dict, dict]]:
    """Real inputs and ours on the default backend, for a process that sees torchvision."""
    from transformers import Gemma4ImageProcessor

    from seewhy.models import load, prepare

    model, processor = build(pictures=Gemma4ImageProcessor)
    family = load((model, processor)).family
    found = []
    for picture in pictures:
        real = call(processor, [picture], prompt)
        ours = prepare(family, picture, prompt).tensors
        found.append(tuple({n: v.numpy() for n, v in one.items()} for one in (real, ours)))
    return found


def with_video_part(frames: list[Any], seconds: list[float]) -> tuple[dict, dict, str]:
    """Ids and tensors of the real processor for a clip, and what ours makes of it.

    For a process that sees torchvision. The real one is told the times as places at one frame a
    second.
    """
    import numpy as np
    from transformers import Gemma4ImageProcessor
    from transformers.models.gemma4.video_processing_gemma4 import Gemma4VideoProcessor
    from transformers.video_utils import VideoMetadata

    from seewhy.images.clips import Clip
    from seewhy.models import load

    model, processor = build(pictures=Gemma4ImageProcessor, clips=Gemma4VideoProcessor)
    times = VideoMetadata(
        total_num_frames=len(frames), fps=1.0, frames_indices=[int(second) for second in seconds]
    )
    real = processor(
        text="<|video|>",
        videos=[np.stack([np.asarray(frame) for frame in frames])],
        video_metadata=[times],
        do_sample_frames=False,
        return_tensors="pt",
    )
    visual = load((model, processor)).family.process_video(Clip(tuple(frames), tuple(seconds)))
    ours = {**visual.tensors, "input_ids": processor.tokenizer(visual.placeholder).input_ids}
    return (
        {name: np.asarray(value) for name, value in real.items()},
        {name: np.asarray(value) for name, value in ours.items()},
        visual.placeholder,
    )


BUILDERS = {"gemma4": build}
ATTENTION = ("self_attn.o_proj.linear",)
SHAPES = {"gemma4": [(700, 8), (8, 700), (96, 84), (31, 30)]}
