"""Tiny Idefics3 and SmolVLM of random weights, in the real classes and with real processors."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import torch
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    LlamaConfig,
    Qwen2Tokenizer,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
    SmolVLMProcessor,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

from builder_parts import WithoutVideo, byte_level_vocabulary

CORPUS = (
    "Describe the picture. What is to the left of the red star?",
    "A red star and a blue house are above the green tree, and a fish is behind the cup.",
    "User: Assistant:\n\n",
)
SPECIAL = (
    "<fake_token_around_image>",
    "<image>",
    "<global-img>",
    "<end_of_utterance>",
    "<|im_start|>",
    *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
)

#: One turn as the templates of Idefics3 and SmolVLM render it.
TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
    "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)

PATCH = 8


class OnlyImages(WithoutVideo, SmolVLMProcessor):
    """The real processor, built without its video part."""


def build(
    kind: str = "idefics3",
    dtype: torch.dtype = torch.float32,
    *,
    tile: int = 32,
    factor: int = 2,
    longest: int = 128,
    pictures: Any = None,
    clips: Any = None,
    **settings: Any,
) -> tuple[Any, Any]:
    """Model in eval mode and processor, the same at every call.

    Args:
        kind: "idefics3" or "smolvlm".
        dtype: of the weights.
        tile: pixels of a tile; 364, 384 or 512 in the released checkpoints.
        factor: patches that one token joins, on each side; 2, 3 or 4 there.
        longest: pixels that the longest edge is resized to; 4 tiles there.
        pictures: the image processor's class; the PIL backend's if None.
        clips: the video processor's class, for SmolVLM; it needs torchvision.
        **settings: further settings of the image processor.
    """
    tokens: Any = tokenizer()
    smol = kind == "smolvlm"
    make: Any = SmolVLMForConditionalGeneration if smol else Idefics3ForConditionalGeneration
    config = (SmolVLMConfig if smol else Idefics3Config)(
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": tile,
            "patch_size": PATCH,
        },
        text_config=LlamaConfig(
            vocab_size=len(tokens),
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            bos_token_id=None,
            eos_token_id=tokens.convert_tokens_to_ids("<end_of_utterance>"),
            pad_token_id=tokens.pad_token_id,
        ),
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        scale_factor=factor,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = make(config)
        # A random model may say the image token, which no one who reads its answer could feed back.
        model.lm_head.weight.data[config.image_token_id] = 0
    default = SmolVLMImageProcessorPil if smol else Idefics3ImageProcessorPil
    part = (pictures or default)(
        **{"size": {"longest_edge": longest}, "max_image_size": {"longest_edge": tile}, **settings}
    )
    given: dict[str, Any] = {"image_seq_len": (tile // PATCH // factor) ** 2}
    if smol:
        edge = {"longest_edge": tile}
        given["video_processor"] = clips and clips(size=edge, max_image_size=edge)
    # SmolVLM's asks for num2words, which is not installed here and which only videos need.
    with patch("transformers.models.smolvlm.processing_smolvlm.num2words", str):
        processor = (OnlyImages if smol else Idefics3Processor)(
            image_processor=part, tokenizer=tokens, chat_template=TEMPLATE, **given
        )
    return model.to(dtype).eval(), processor


def tokenizer() -> Qwen2Tokenizer:
    """A byte-level tokenizer over a small vocabulary, with the families' special tokens."""
    state: Any = byte_level_vocabulary(CORPUS)
    return Qwen2Tokenizer(
        vocab=state["vocab"],
        merges=state["merges"],
        pad_token="<|endoftext|>",
        eos_token="<end_of_utterance>",
        extra_special_tokens=list(SPECIAL),
    )


def call(processor: Any, pictures: list[Any], prompt: str) -> dict[str, Any]:
    """Tensors that a processor of transformers' makes of one turn, pictures before the words."""
    content = [{"type": "image"} for _ in pictures] + [{"type": "text", "text": prompt}]
    text = processor.tokenizer.apply_chat_template(
        [{"role": "user", "content": content}],
        chat_template=processor.chat_template,
        add_generation_prompt=True,
        tokenize=False,
    )
    return dict(processor(text=[text], images=[pictures], return_tensors="pt"))


def with_default_backend(pictures: list[Any], prompt: str) -> list[tuple[dict, dict]]:
    """Real inputs and ours on the default backend, for a process that sees torchvision."""
    from transformers import Idefics3ImageProcessor, SmolVLMImageProcessor

    from seewhy.models import load, prepare

    found = []
    for kind, part in (("idefics3", Idefics3ImageProcessor), ("smolvlm", SmolVLMImageProcessor)):
        model, processor = build(kind, pictures=part)
        family = load((model, processor)).family
        for picture in pictures:
            real = call(processor, [picture], prompt)
            ours = prepare(family, picture, prompt).tensors
            found.append(tuple({n: v.numpy() for n, v in one.items()} for one in (real, ours)))
    return found


def with_video_part(frames: list[Any], seconds: list[float]) -> tuple[dict, dict, Any]:
    """Ids and tensors of SmolVLM's real processor for a clip, and what ours makes of it.

    For a process that sees torchvision. The real one is told the times as places at one frame a
    second, and the number of frames in our words.
    """
    import numpy as np
    from transformers import SmolVLMImageProcessor
    from transformers.models.smolvlm.video_processing_smolvlm import SmolVLMVideoProcessor
    from transformers.video_utils import VideoMetadata

    from seewhy.images.clips import Clip
    from seewhy.models import load
    from seewhy.models.families.smolvlm import number_in_words

    model, processor = build("smolvlm", pictures=SmolVLMImageProcessor, clips=SmolVLMVideoProcessor)
    times = VideoMetadata(
        total_num_frames=len(frames), fps=1.0, frames_indices=[int(second) for second in seconds]
    )
    with patch("transformers.models.smolvlm.processing_smolvlm.num2words", number_in_words):
        real = processor(
            text=["<video>"],
            videos=[np.stack([np.asarray(frame) for frame in frames])],
            video_metadata=[times],
            return_tensors="pt",
        )
    visual = load((model, processor)).family.process_video(Clip(tuple(frames), tuple(seconds)))
    ours = {**visual.tensors, "input_ids": processor.tokenizer(visual.placeholder).input_ids}
    return (
        {name: np.asarray(value) for name, value in real.items()},
        {name: np.asarray(value) for name, value in ours.items()},
        visual.placeholder,
    )


BUILDERS = {"idefics3": build, "smolvlm": lambda: build("smolvlm", tile=38, longest=152)}
ATTENTION = ("self_attn.out_proj",)
SHAPES = {name: [(40, 40), (300, 299), (30, 200)] for name in BUILDERS}
