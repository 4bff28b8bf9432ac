"""A tiny Mistral 3 of random weights, in the real classes.

Its real processor wants torchvision, so the pair has its parts: see `real_and_ours` for the whole.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    LlamaTokenizer,
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    MistralConfig,
    PixtralVisionConfig,
)
from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil

from builder_parts import llama_vocabulary
from seewhy.models.processing import ProcessorParts
from tiny_llava import CORPUS

#: One turn as Mistral Small 3.1's template renders it.
TEMPLATE = (
    "{{ bos_token }}{{ '[SYSTEM_PROMPT]Answer in short.[/SYSTEM_PROMPT]' }}"
    "{% for message in messages %}{{ '[INST]' }}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '[IMG]' }}{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{{ '[/INST]' }}{% endfor %}"
)
SPECIAL = (
    "[INST]",
    "[/INST]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[IMG]",
    "[IMG_BREAK]",
    "[IMG_END]",
)

PATCH = 7
MERGE = 2


def build(
    dtype: torch.dtype = torch.float32, *, pictures: Any = PixtralImageProcessorPil
) -> tuple[Any, ProcessorParts]:
    """Model in eval mode and processor's parts, the same at every call.

    Args:
        dtype: of the weights.
        pictures: the image processor's class.
    """
    tokens: Any = tokenizer()
    config: Any = Mistral3Config(
        vision_config=PixtralVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=420,
            patch_size=PATCH,
        ),
        text_config=MistralConfig(
            vocab_size=len(tokens),
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=12,
            sliding_window=None,
            bos_token_id=tokens.bos_token_id,
            eos_token_id=tokens.eos_token_id,
            pad_token_id=tokens.pad_token_id,
            tie_word_embeddings=False,
        ),
        image_token_index=tokens.convert_tokens_to_ids("[IMG]"),
        spatial_merge_size=MERGE,
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = Mistral3ForConditionalGeneration(config)
    # Smaller than the longest shape of the contract, so that some pictures are shrunk.
    square = pictures(size={"longest_edge": 210}, patch_size=PATCH)
    return model.to(dtype).eval(), ProcessorParts(square, tokens, TEMPLATE)


def tokenizer() -> LlamaTokenizer:
    """LLaMA's tokenizer (byte-level fallback) over a small vocabulary, with Mistral's tokens."""
    state = llama_vocabulary(CORPUS)
    tokens = LlamaTokenizer(
        vocab=state["vocab"], merges=state["merges"], add_bos_token=True, pad_token="<unk>"
    )
    tokens.add_special_tokens({"extra_special_tokens": list(SPECIAL)})
    return tokens


def real_and_ours(
    pictures: list[Any], prompt: str, pair: list[Any]
) -> tuple[list[tuple[dict, dict]], list[dict], list[str]]:
    """What the real processor makes, and what we do, for a process that sees torchvision.

    Returns:
        Real inputs and ours for each backend and picture; the real inputs of `pair` in one prompt
        for each backend; the image processors' classes.
    """
    from transformers import PixtralImageProcessor, PixtralProcessor

    from seewhy.models import load, prepare

    singles, pairs, classes = [], [], []
    for backend in (PixtralImageProcessorPil, PixtralImageProcessor):
        model, parts = build(pictures=backend)
        family = load((model, parts)).family
        processor = PixtralProcessor(
            image_processor=parts.image_processor,
            tokenizer=parts.tokenizer,
            patch_size=PATCH,
            spatial_merge_size=MERGE,
            chat_template=TEMPLATE,
        )
        for picture in pictures:
            ours = prepare(family, picture, prompt).tensors
            singles.append((call(processor, [picture], prompt), arrays(ours)))
        pairs.append(call(processor, pair, prompt))
        classes.append(type(processor.image_processor).__name__)
    return singles, pairs, classes


def call(processor: Any, pictures: list[Any], prompt: str) -> dict[str, Any]:
    """Arrays that the real processor makes of one turn, pictures before the words."""
    content = [{"type": "image", "image": picture} for picture in pictures]
    made = processor.apply_chat_template(
        [{"role": "user", "content": [*content, {"type": "text", "text": prompt}]}],
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    return arrays(made)


def arrays(tensors: Any) -> dict[str, Any]:
    """Tensors as arrays, for the way between processes."""
    names = ("input_ids", "attention_mask", "pixel_values", "image_sizes")
    return {name: torch.as_tensor(tensors[name]).numpy() for name in names}


BUILDERS = {"mistral3": build}
ATTENTION = ("attention.o_proj",)
SHAPES = {"mistral3": [(300, 40), (14, 20), (20, 20)]}
