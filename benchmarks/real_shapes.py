"""Models of real shape with random weights in bfloat16, for what does not depend on the weights.

Real classes and real processors in the sizes of released checkpoints. Their tokenizers are those of
the tests' tiny models, with invented words up to the size of the vocabulary.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from subjects import Subject, with_vocabulary

from seewhy import models
from seewhy.testbed.scenes import draw, scene

sys.path.append(str(Path(__file__).parent.parent / "tests"))

import tiny_idefics3
import tiny_internvl
import tiny_models

#: Tokens of the answer; random weights may end it at any token, so it has to have this length.
TOKENS = 30

#: Each model's picture and a larger one, width and height.
PICTURES = {
    "Qwen2-VL-2B": ((504, 392), (1008, 784)),  # 252 and 1,008 visual tokens
    "SmolVLM-256M": ((1280, 320), (640, 480)),  # 4 and 12 tiles of 64, and the thumbnail's
    "InternVL3-1B": ((448, 448), (1344, 448)),  # 1 tile of 256, and 3 with the thumbnail's
}


def qwen2_vl(small: bool, device: str = "cpu") -> tuple[Any, Any]:
    """Qwen2-VL-2B."""
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    layers, vocabulary = (2, 4_000) if small else (28, 151_936)
    tokens = with_vocabulary(tiny_models.tokenizer(), vocabulary)
    ids = {name: tokens.convert_tokens_to_ids(name) for name in tiny_models.SPECIAL}
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": vocabulary,
            "hidden_size": 1536,
            "intermediate_size": 8960,
            "num_hidden_layers": layers,
            "num_attention_heads": 12,
            "num_key_value_heads": 2,
            "rope_parameters": {"rope_type": "default", "mrope_section": [16, 24, 24]},
            "bos_token_id": None,
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
        },
        vision_config={
            "depth": 2 if small else 32,
            "embed_dim": 1280,
            "hidden_size": 1536,
            "num_heads": 16,
            "patch_size": 14,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )
    size = {"shortest_edge": 4 * 28**2, "longest_edge": 16384 * 28**2}
    pictures = Qwen2VLImageProcessorPil(size=size)
    parts = models.ProcessorParts(pictures, tokens, tiny_models.TEMPLATE)
    return _random(Qwen2VLForConditionalGeneration, config, tokens, device), parts


def smolvlm(small: bool, device: str = "cpu") -> tuple[Any, Any]:
    """SmolVLM-256M."""
    from transformers import LlamaConfig, SmolVLMConfig, SmolVLMForConditionalGeneration

    layers, vocabulary = (2, 4_000) if small else (30, 49_280)
    _, processor = tiny_idefics3.build("smolvlm", tile=512, longest=2048)
    processor.image_seq_len = (512 // 16 // 4) ** 2
    tokens = processor.tokenizer = with_vocabulary(processor.tokenizer, vocabulary)
    config = SmolVLMConfig(
        vision_config={
            "hidden_size": 768,
            "intermediate_size": 3072,
            "num_hidden_layers": 2 if small else 12,
            "num_attention_heads": 12,
            "image_size": 512,
            "patch_size": 16,
        },
        text_config=LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=576,
            intermediate_size=1536,
            num_hidden_layers=layers,
            num_attention_heads=9,
            num_key_value_heads=3,
            max_position_embeddings=8192,
            rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
            bos_token_id=None,
            eos_token_id=tokens.convert_tokens_to_ids("<end_of_utterance>"),
            pad_token_id=tokens.pad_token_id,
            tie_word_embeddings=True,
        ),
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        scale_factor=4,
        tie_word_embeddings=True,
    )
    return _random(SmolVLMForConditionalGeneration, config, tokens, device), processor


def internvl(small: bool, device: str = "cpu") -> tuple[Any, Any]:
    """InternVL3-1B."""
    from transformers import (
        InternVLConfig,
        InternVLForConditionalGeneration,
        InternVLVisionConfig,
        Qwen2Config,
    )

    layers, vocabulary = (2, 4_000) if small else (24, 151_674)
    _, processor = tiny_internvl.build(side=448)
    tokens = processor.tokenizer = with_vocabulary(processor.tokenizer, vocabulary)
    config = InternVLConfig(
        vision_config=InternVLVisionConfig(
            hidden_size=1024,
            intermediate_size=4096,
            num_hidden_layers=2 if small else 24,
            num_attention_heads=16,
            attention_bias=True,
            image_size=448,
            patch_size=14,
        ),
        text_config=Qwen2Config(
            vocab_size=vocabulary,
            hidden_size=896,
            intermediate_size=4864,
            num_hidden_layers=layers,
            num_attention_heads=14,
            num_key_value_heads=2,
            bos_token_id=None,
            eos_token_id=tokens.convert_tokens_to_ids("<|im_end|>"),
            pad_token_id=tokens.pad_token_id,
            tie_word_embeddings=True,
        ),
        image_token_id=tokens.context_image_token_id,
        image_seq_length=256,
        tie_word_embeddings=True,
    )
    return _random(InternVLForConditionalGeneration, config, tokens, device), processor


#: By what the weights of special tokens are multiplied: their logits stay far below the largest.
QUIET = 0.1

BUILDERS: dict[str, Callable[..., tuple[Any, Any]]] = {
    "Qwen2-VL-2B": qwen2_vl,
    "SmolVLM-256M": smolvlm,
    "InternVL3-1B": internvl,
}


def subject(name: str, *, small: bool = False, device: str = "cpu") -> Subject:
    """A model of one of these shapes and its picture.

    Args:
        name: of `BUILDERS`.
        small: two layers and a small vocabulary; the widths stay.
        device: on which the model is made.
    """
    loaded = models.load(BUILDERS[name](small, device))
    return Subject(name, loaded, picture(PICTURES[name][0]), TOKENS, forced=True)


def with_larger_picture(subject: Subject) -> Subject:
    """The same model with a larger picture, for what grows with the picture."""
    return replace(subject, image=picture(PICTURES[subject.name][1]))


def picture(size: tuple[int, int]) -> Image.Image:
    """A drawn scene of a width and a height."""
    return Image.fromarray(draw(scene(0, "heldout")).image).resize(size, Image.Resampling.BICUBIC)


def _random(make: Any, config: Any, tokens: Any, device: str) -> Any:
    """A model of random weights in bfloat16; it never says a special token.

    Special tokens get small weights, not 0: embeddings are tied, and without biases the state of a
    first position that is 0 stays 0 in every layer. There each norm multiplies gradients by 1 /
    sqrt(epsilon), 1,000, so that they are infinite after 18 layers.
    """
    torch.manual_seed(0)
    usual = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.bfloat16)
        with torch.device(device):
            model = make(config).eval()
    finally:
        torch.set_default_dtype(usual)
    with torch.no_grad():
        model.get_output_embeddings().weight[tokens.all_special_ids] *= QUIET
    text = config.get_text_config()
    model.generation_config.eos_token_id = text.eos_token_id
    model.generation_config.pad_token_id = text.pad_token_id
    return model
