"""`tiny-qwen2-vl`: transformers' own Qwen2-VL classes with a small configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import Qwen2Tokenizer, Qwen2VLConfig, Qwen2VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

PATCH, MERGE = 8, 2
CELL = PATCH * MERGE
"""Side in pixels of the square that one visual token owns."""
MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
MIN_PIXELS, MAX_PIXELS = (2 * CELL) ** 2, 512 * 512


def build_model(tokenizer: Qwen2Tokenizer, seed: int = 0) -> Qwen2VLForConditionalGeneration:
    """The model with fresh weights: 3.4 million parameters, tied head."""
    ids: dict[str, Any] = {
        token: tokenizer.convert_tokens_to_ids(token) for token in tokenizer.all_special_tokens
    }
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": -(-len(tokenizer) // 32) * 32,
            "hidden_size": 192,
            "intermediate_size": 512,
            "num_hidden_layers": 5,
            "num_attention_heads": 6,
            "num_key_value_heads": 3,
            "max_position_embeddings": 4096,
            "bos_token_id": ids["<|im_start|>"],
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
            # Head size 32: 16 frequencies, shared 1 : 1.5 : 1.5 as in Qwen2-VL.
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "mrope_section": [4, 6, 6],
            },
        },
        vision_config={
            "depth": 4,
            "embed_dim": 128,
            "hidden_size": 192,
            "num_heads": 4,
            "mlp_ratio": 4,
            "hidden_act": "silu",  # one fused operation on CPUs; Qwen2-VL's quick GELU takes three
            "patch_size": PATCH,
            "spatial_merge_size": MERGE,
            "temporal_patch_size": 2,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )
    torch.manual_seed(seed)
    model = Qwen2VLForConditionalGeneration(config)
    generation = model.generation_config
    generation.eos_token_id = ids["<|im_end|>"]
    generation.pad_token_id = ids["<|endoftext|>"]
    generation.bos_token_id = ids["<|im_start|>"]
    return model


def save_model(
    model: Qwen2VLForConditionalGeneration, tokenizer: Qwen2Tokenizer, folder: Path
) -> None:
    """Write an ordinary Hugging Face folder: config, weights in bfloat16, tokenizer, processor.

    The processor's files are those that real Qwen2-VL checkpoints bring, so that `AutoProcessor`
    loads them; writing them does not need torchvision, which its video part does.
    """
    model.bfloat16().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # it is written for its owner alone
    tokenizer.save_pretrained(folder)
    images = Qwen2VLImageProcessorPil(
        patch_size=PATCH,
        merge_size=MERGE,
        temporal_patch_size=2,
        image_mean=list(MEAN),
        image_std=list(STD),
        size={"shortest_edge": MIN_PIXELS, "longest_edge": MAX_PIXELS},
    )
    images.save_pretrained(folder)
    file = folder / "preprocessor_config.json"
    config = json.loads(file.read_text())
    config |= {"image_processor_type": "Qwen2VLImageProcessor"}
    config |= {"processor_class": "Qwen2VLProcessor"}
    file.write_text(json.dumps(config, indent=2) + "\n")
