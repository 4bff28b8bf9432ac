"""A model whose image processor needs torchvision, for processes that see it."""

from __future__ import annotations

from typing import Any

import torch

import tiny_models
from painting import noise

LLAMA4 = (
    *("<|image|>", "<|image_start|>", "<|image_end|>", "<|patch|>"),
    *("<|tile_x_separator|>", "<|tile_y_separator|>"),
)
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<|image|>' }}"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def llama4() -> tuple[Any, Any]:
    """Llama 4: tiles with separators between them, then the whole picture."""
    from transformers import (
        Llama4Config,
        Llama4ForConditionalGeneration,
        Llama4ImageProcessor,
        Llama4Processor,
    )

    tokens: Any = tiny_models.tokenizer()
    tokens.add_special_tokens(
        {"extra_special_tokens": list(LLAMA4)}, replace_extra_special_tokens=False
    )
    text = {
        "vocab_size": len(tokens),
        "hidden_size": 48,
        "intermediate_size": 96,
        "intermediate_size_mlp": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 12,
        "num_local_experts": 2,
        "num_experts_per_tok": 1,
        "eos_token_id": tokens.convert_tokens_to_ids("<|im_end|>"),
        "pad_token_id": tokens.convert_tokens_to_ids("<|endoftext|>"),
    }
    vision = {
        "hidden_size": 32,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 112,
        "patch_size": 14,
        "vision_output_dim": 48,
        "projector_input_dim": 48,
        "projector_output_dim": 48,
    }
    config = Llama4Config(
        text_config=text,
        vision_config=vision,
        image_token_index=tokens.convert_tokens_to_ids("<|patch|>"),
        boi_token_index=tokens.convert_tokens_to_ids("<|image_start|>"),
        eoi_token_index=tokens.convert_tokens_to_ids("<|image_end|>"),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = Llama4ForConditionalGeneration(config)
    processor = Llama4Processor(
        image_processor=Llama4ImageProcessor(size={"height": 112, "width": 112}, max_patches=6),
        tokenizer=tokens,
        chat_template=TEMPLATE,
    )
    return model.eval(), processor


def placed(shapes: list[tuple[int, int]]) -> list[dict[str, Any]]:
    """Llama 4's layers for pictures of some shapes, and what a whole explanation is made of."""
    from seewhy.models import generate, load, prepare, read

    loaded = load(llama4())
    found = []
    for width, height in shapes:
        inputs = prepare(loaded.family, noise(width, height), "What is this?")
        said = generate(loaded, inputs, max_new_tokens=3)
        heard = read(loaded, inputs, [token.id for token in said.tokens])
        layers = inputs.views[0].geometry.grids
        found.append(
            {
                "family": loaded.family.name,
                "shapes": [layer.shape for layer in layers],
                "edges": [
                    (layer.row_edges.tolist(), layer.column_edges.tolist()) for layer in layers
                ],
                "note": inputs.media[0].notes[0],
                "apart": float((said.visual_states - heard.visual_states).abs().max()),
            }
        )
    return found
