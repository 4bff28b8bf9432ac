"""Tiny Qwen2-VL and Qwen2.5-VL of random weights, in the real classes, with real tokenizers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2Tokenizer,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from seewhy.models.processing import ProcessorParts

CORPUS = (
    "Describe the picture. What is to the left of the red star?",
    "A red star and a blue house are above the green tree, and a fish is behind the cup.",
    "There are two yellow cars in front of the house: one is small and the other is large.",
)
SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)

#: One turn as Qwen2-VL's template renders it.
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

PATCH = 4
MERGE = 2


def tokenizer() -> Qwen2Tokenizer:
    """Qwen2's own byte-level tokenizer over a small vocabulary."""
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
    state = json.loads(trained.to_str())["model"]
    merges: Any = [tuple(merge) for merge in state["merges"]]
    return Qwen2Tokenizer(
        vocab=state["vocab"],
        merges=merges,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        extra_special_tokens=list(SPECIAL[1:]),
    )


def image_processor(min_tokens: int = 4, max_tokens: int = 1000) -> Qwen2VLImageProcessorPil:
    """Qwen2-VL's own, for small patches; limits in tokens."""
    area = (PATCH * MERGE) ** 2
    return Qwen2VLImageProcessorPil(
        patch_size=PATCH,
        merge_size=MERGE,
        size={"shortest_edge": min_tokens * area, "longest_edge": max_tokens * area},
    )


def build(
    kind: str = "qwen2-vl", dtype: torch.dtype = torch.float32, **settings: Any
) -> tuple[Any, ProcessorParts]:
    """Model in eval mode and processor, the same at every call.

    Args:
        kind: "qwen2-vl" or "qwen2-5-vl".
        dtype: of the weights.
        **settings: further entries of the text config.
    """
    tokens = tokenizer()
    ids = {name: tokens.convert_tokens_to_ids(name) for name in SPECIAL}
    text = {
        "vocab_size": len(tokens),
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rope_parameters": {"rope_type": "default", "mrope_section": [2, 2, 2]},
        "bos_token_id": None,
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
        **settings,
    }
    make: Any
    config: Any
    vision: dict[str, Any] = {"depth": 2, "num_heads": 2, "patch_size": PATCH}
    vision |= {"spatial_merge_size": MERGE}
    if kind == "qwen2-vl":
        vision |= {"embed_dim": 32, "hidden_size": 48, "mlp_ratio": 2}
        make, config = Qwen2VLForConditionalGeneration, Qwen2VLConfig
    else:
        # Windows of 2 x 2 tokens, so that the permutation is at work in small pictures too.
        vision |= {"hidden_size": 32, "out_hidden_size": 48, "intermediate_size": 64}
        vision |= {"window_size": 2 * PATCH * MERGE, "fullatt_block_indexes": [1]}
        make, config = Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLConfig
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = make(
            config(
                text_config=text,
                vision_config=vision,
                image_token_id=ids["<|image_pad|>"],
                video_token_id=ids["<|video_pad|>"],
                vision_start_token_id=ids["<|vision_start|>"],
                vision_end_token_id=ids["<|vision_end|>"],
                tie_word_embeddings=False,
            )
        )
        # Random heads are near uniform: steeper ones make choices that rounding cannot flip.
        model.lm_head.weight.data *= 20
    model.generation_config.eos_token_id = ids["<|im_end|>"]
    model.generation_config.pad_token_id = ids["<|endoftext|>"]
    return model.to(dtype).eval(), ProcessorParts(image_processor(), tokens, TEMPLATE)


def save(folder: Path, kind: str = "qwen2-vl", **settings: Any) -> Path:
    """Write a tiny model as an ordinary Hugging Face folder."""
    model, processor = build(kind, **settings)
    model.save_pretrained(folder)
    save_processor(folder, kind, processor)
    return folder


def save_processor(folder: Path, kind: str, processor: ProcessorParts) -> None:
    """Write a processor's parts, and the name of the real class that joins them."""
    processor.tokenizer.save_pretrained(folder)
    processor.image_processor.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(processor.template or "", encoding="utf-8")
    file = folder / "preprocessor_config.json"
    config = json.loads(file.read_text())
    real = {"qwen2-vl": "Qwen2VLProcessor", "qwen2-5-vl": "Qwen2_5_VLProcessor"}[kind]
    file.write_text(json.dumps({**config, "processor_class": real}))


def save_text_only(folder: Path) -> Path:
    """Write a tiny model that reads no images."""
    settings: dict[str, Any] = {"vocab_size": 100, "hidden_size": 16, "intermediate_size": 32}
    settings |= {"num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2}
    Qwen2ForCausalLM(Qwen2Config(**settings)).save_pretrained(folder)
    return folder


def real_inputs(folders: dict[str, Path], pictures: list[Any], prompt: str) -> dict[str, list]:
    """What transformers' own processors make, for a process that sees torchvision.

    Args:
        folders: a saved tiny model of each kind.
        pictures: PIL images.
        prompt: the user's words.

    Returns:
        For each kind and picture, arrays of the real processor with the PIL backend (`pil`), with
        its default backend (`default`), and of ours on what `load` finds there (`ours`); then for
        half the size, ours only (`half`).
    """
    from transformers import AutoImageProcessor, AutoProcessor

    from seewhy.models import load, prepare

    found = {}
    for kind, folder in folders.items():
        default = AutoProcessor.from_pretrained(folder)
        pil = AutoProcessor.from_pretrained(folder)
        pil.image_processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
        loaded = load(folder)
        found[kind] = [
            {
                "pil": call(pil, picture, prompt),
                "default": call(default, picture, prompt),
                "ours": _arrays(prepare(loaded.family, picture, prompt).tensors),
                "half": _arrays(prepare(loaded.family, picture, prompt, scale=0.5).tensors),
                "classes": [
                    type(part.image_processor).__name__ for part in (pil, default, loaded.processor)
                ],
            }
            for picture in pictures
        ]
    return found


def call(processor: Any, picture: Any, prompt: str) -> dict[str, Any]:
    """The arrays that a processor of transformers' makes of one turn."""
    content = [{"type": "image", "image": picture}, {"type": "text", "text": prompt}]
    made = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    return _arrays(made)


def _arrays(tensors: Any) -> dict[str, Any]:
    return {name: value.numpy() for name, value in tensors.items()}


BUILDERS = {
    "qwen2-5-vl": lambda: build("qwen2-5-vl"),
    "qwen2-vl": lambda: build("qwen2-vl"),
}
ATTENTION = ("attn.proj",)
