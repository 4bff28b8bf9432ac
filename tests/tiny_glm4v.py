"""Tiny GLM-4V of random weights, in the real classes, and what its real processors make."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from transformers.models.glm4v.image_processing_pil_glm4v import Glm4vImageProcessorPil
from transformers.models.glm46v.image_processing_pil_glm46v import Glm46VImageProcessorPil

from seewhy.images.clips import Clip
from seewhy.models.processing import ProcessorParts
from tiny_models import CORPUS
from tiny_qwen3_vl import inputs_of_processors

SPECIAL = (
    "<|endoftext|>",
    "[gMASK]",
    "<sop>",
    "<|user|>",
    "<|assistant|>",
    "<|begin_of_image|>",
    "<|end_of_image|>",
    "<|begin_of_video|>",
    "<|end_of_video|>",
    "<|image|>",
    "<|video|>",
)

#: One turn as GLM-4.1V's template renders it.
TEMPLATE = (
    "[gMASK]<sop>{% for message in messages %}<|{{ message['role'] }}|>\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|begin_of_image|><|image|><|end_of_image|>"
    "{% elif part['type'] == 'video' %}<|begin_of_video|><|video|><|end_of_video|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)

PATCH = 4
MERGE = 2
AREA = (PATCH * MERGE) ** 2
SIZES = {"patch_size": PATCH, "merge_size": MERGE}

#: Limits count the two frames of a step.
PICTURES = {**SIZES, "size": {"shortest_edge": 8 * AREA, "longest_edge": 2000 * AREA}}
VIDEO = {**SIZES, "size": {"shortest_edge": 8 * AREA, "longest_edge": 600 * AREA}}

#: For each model type, the stem of its classes' names, and settings of its text part.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "glm4v": ("Glm4v", {}),
    "glm46v": ("Glm46V", {}),
    "glm4v_moe": (
        "Glm4vMoe",
        {"n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32},
    ),
}


def tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level tokenizer over a small vocabulary, with GLM's tokens."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=380,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[],
        show_progress=False,
    )
    trained.train_from_iterator(CORPUS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=trained,
        pad_token="<|endoftext|>",
        eos_token="<|user|>",
        extra_special_tokens=[
            name for name in SPECIAL if name not in ("<|endoftext|>", "<|user|>")
        ],
    )


def build(kind: str = "glm4v", dtype: torch.dtype = torch.float32) -> tuple[Any, ProcessorParts]:
    """Model in eval mode and processor, the same at every call."""
    stem, settings = KINDS[kind]
    tokens: Any = tokenizer()
    ids = {name: tokens.convert_tokens_to_ids(name) for name in SPECIAL}
    text = {
        "vocab_size": len(tokens),
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "partial_rotary_factor": 0.5,
            "mrope_section": [2, 1, 1],
        },
        "eos_token_id": ids["<|user|>"],
        "pad_token_id": ids["<|endoftext|>"],
        **settings,
    }
    vision: dict[str, Any] = {"depth": 2, "hidden_size": 32, "intermediate_size": 64}
    vision |= {"num_heads": 2, "patch_size": PATCH, "spatial_merge_size": MERGE}
    vision |= {"out_hidden_size": 64, "image_size": 8 * PATCH}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = getattr(transformers, f"{stem}ForConditionalGeneration")(
            getattr(transformers, f"{stem}Config")(
                text_config=text,
                vision_config=vision,
                image_token_id=ids["<|image|>"],
                video_token_id=ids["<|video|>"],
                image_start_token_id=ids["<|begin_of_image|>"],
                image_end_token_id=ids["<|end_of_image|>"],
                video_start_token_id=ids["<|begin_of_video|>"],
                video_end_token_id=ids["<|end_of_video|>"],
                tie_word_embeddings=False,
            )
        )
        model.lm_head.weight.data *= 20
    model.generation_config.eos_token_id = ids["<|user|>"]
    model.generation_config.pad_token_id = ids["<|endoftext|>"]
    make: Any = Glm46VImageProcessorPil if kind == "glm46v" else Glm4vImageProcessorPil
    return model.to(dtype).eval(), ProcessorParts(make(**PICTURES), tokens, TEMPLATE, VIDEO)


def real_processor(kind: str, processor: ProcessorParts, backend: str = "pil") -> Any:
    """transformers' own processor around the same parts, for a process with torchvision."""
    stem = "Glm46V" if kind == "glm46v" else "Glm4v"
    pictures: Any = processor.image_processor
    if backend == "torchvision":
        pictures = getattr(transformers, f"{stem}ImageProcessor")(**PICTURES)
    return getattr(transformers, f"{stem}Processor")(
        image_processor=pictures,
        tokenizer=processor.tokenizer,
        video_processor=getattr(transformers, f"{stem}VideoProcessor")(**VIDEO),
        chat_template=TEMPLATE,
    )


def beside_torchvision(pictures: list[Any], clips: list[Clip]) -> dict[str, Any]:
    """For every kind: what `inputs_of_processors` makes."""
    found = {}
    for kind in ("glm4v", "glm46v"):
        model, parts = build(kind)
        pil, default = (real_processor(kind, parts, backend) for backend in ("pil", "torchvision"))
        found[kind] = inputs_of_processors(model, pil, default, pictures, clips)
    return found


BUILDERS = {"glm4v": build}
ATTENTION = ("attn.proj",)
