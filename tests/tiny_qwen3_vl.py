"""Tiny Qwen3-VL and Qwen3.5 of random weights, and what real video processors make of a clip."""

from __future__ import annotations

from typing import Any

import torch
import transformers

from seewhy.images.clips import Clip
from seewhy.models.processing import ProcessorParts
from tiny_models import MERGE, PATCH, SPECIAL, image_processor, tokenizer

#: One turn as Qwen3-VL's template renders it.
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}

#: For each model type, the stem of its classes' names, and settings of its text part.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "qwen3_vl": ("Qwen3VL", {}),
    "qwen3_vl_moe": ("Qwen3VLMoe", EXPERTS),
    "qwen3_5": ("Qwen3_5", {}),
    "qwen3_5_moe": ("Qwen3_5Moe", {**EXPERTS, "shared_expert_intermediate_size": 32}),
}
LINEAR = {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
}


def build(kind: str = "qwen3_vl", dtype: torch.dtype = torch.float32) -> tuple[Any, ProcessorParts]:
    """Model in eval mode and processor, the same at every call."""
    stem, settings = KINDS[kind]
    tokens = tokenizer()
    ids = {name: tokens.convert_tokens_to_ids(name) for name in SPECIAL}
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 2, 2]}
    text = {
        "vocab_size": len(tokens),
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 12,
        "rope_parameters": {**rope, "mrope_interleaved": True, "partial_rotary_factor": 1.0},
        "bos_token_id": None,
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
        **settings,
        **(LINEAR if kind.startswith("qwen3_5") else {}),
    }
    vision: dict[str, Any] = {"depth": 2, "hidden_size": 32, "intermediate_size": 64}
    vision |= {"num_heads": 2, "patch_size": PATCH, "spatial_merge_size": MERGE}
    vision |= {"out_hidden_size": 48, "num_position_embeddings": 64}
    if kind.startswith("qwen3_vl"):
        vision["deepstack_visual_indexes"] = [0]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = getattr(transformers, f"{stem}ForConditionalGeneration")(
            getattr(transformers, f"{stem}Config")(
                text_config=text,
                vision_config=vision,
                image_token_id=ids["<|image_pad|>"],
                video_token_id=ids["<|video_pad|>"],
                vision_start_token_id=ids["<|vision_start|>"],
                vision_end_token_id=ids["<|vision_end|>"],
                tie_word_embeddings=False,
            )
        )
        model.lm_head.weight.data *= 20
    model.generation_config.eos_token_id = ids["<|im_end|>"]
    model.generation_config.pad_token_id = ids["<|endoftext|>"]
    return model.to(dtype).eval(), ProcessorParts(image_processor(), tokens, TEMPLATE, VIDEO)


AREA = (PATCH * MERGE) ** 2

#: A video processor's settings, for small patches.
VIDEO = {
    "patch_size": PATCH,
    "merge_size": MERGE,
    "size": {"shortest_edge": 4 * AREA, "longest_edge": 600 * AREA},
    "cap_pixels_per_frame": False,
}


def ids_of(processor: ProcessorParts, marker: str, placeholder: str, kind: str) -> list[int]:
    """Ids of one turn about a picture or clip, its marker replaced."""
    content = [{"type": kind}, {"type": "text", "text": "What is it?"}]
    text: Any = processor.tokenizer.apply_chat_template(
        [{"role": "user", "content": content}],
        chat_template=processor.template,
        add_generation_prompt=True,
        tokenize=False,
    )
    return processor.tokenizer(text.replace(marker, placeholder))["input_ids"]


def real_processor(kind: str, processor: ProcessorParts, backend: str = "pil") -> Any:
    """transformers' own processor around the same parts, for a process with torchvision."""
    from transformers import Qwen2VLImageProcessor, Qwen2VLVideoProcessor, Qwen3VLVideoProcessor

    videos: Any
    name, videos = {
        "qwen2-vl": ("Qwen2VLProcessor", Qwen2VLVideoProcessor),
        "qwen2-5-vl": ("Qwen2_5_VLProcessor", Qwen2VLVideoProcessor),
        "qwen3-vl": ("Qwen3VLProcessor", Qwen3VLVideoProcessor),
    }[kind]
    pictures: Any = processor.image_processor
    if backend == "torchvision":
        pictures = Qwen2VLImageProcessor(
            patch_size=PATCH, merge_size=MERGE, size=dict(pictures.size)
        )
    means = {"image_mean": pictures.image_mean, "image_std": pictures.image_std}
    return getattr(transformers, name)(
        image_processor=pictures,
        tokenizer=processor.tokenizer,
        video_processor=videos(**VIDEO, **means),
        chat_template=TEMPLATE,
    )


def call(processor: Any, kind: str, given: list[Any]) -> dict[str, Any]:
    """Arrays that a real processor makes of one turn about pictures or clips."""
    content: list[dict[str, Any]] = [{"type": kind} for _ in given]
    text = processor.apply_chat_template(
        [{"role": "user", "content": [*content, {"type": "text", "text": "What is it?"}]}],
        add_generation_prompt=True,
        tokenize=False,
    )
    if kind == "image":
        made = processor(text=[text], images=given, return_tensors="pt")
    else:
        made = processor(
            text=[text],
            videos=[list(clip.frames) for clip in given],
            video_metadata=[metadata(clip) for clip in given],
            do_sample_frames=False,
            return_tensors="pt",
        )
    kept = {name: value for name, value in made.items() if hasattr(value, "numpy")}
    return {name: value.numpy() for name, value in kept.items()}


def metadata(clip: Clip) -> dict[str, Any]:
    """What a video processor is told of frames that are sampled already."""
    total = len(clip)
    return {"total_num_frames": total, "fps": clip.fps, "frames_indices": list(range(total))}


def beside_torchvision(pictures: list[Any], clips: list[Clip]) -> dict[str, Any]:
    """For every kind: what `inputs_of_processors` makes."""
    from tiny_models import build as build_qwen2

    found = {}
    for kind in ("qwen2-vl", "qwen2-5-vl", "qwen3-vl"):
        model, parts = build() if kind == "qwen3-vl" else build_qwen2(kind)
        pil, default = (real_processor(kind, parts, backend) for backend in ("pil", "torchvision"))
        found[kind] = inputs_of_processors(model, pil, default, pictures, clips)
    return found


def inputs_of_processors(
    model: Any, pil: Any, default: Any, pictures: list[Any], clips: list[Clip]
) -> dict[str, Any]:
    """Real inputs of pictures (alone, and the first two) and of clips; and ours.

    Args:
        model: a tiny model.
        pil: its real processor with the PIL backend.
        default: its real processor with the torchvision backend.
        pictures, clips: what is asked about.
    """
    from seewhy.models import load, prepare

    family = load((model, default)).family
    return {
        "pil": [call(pil, "image", [one]) for one in pictures],
        "two": call(pil, "image", pictures[:2]),
        "default": [call(default, "image", [one]) for one in pictures],
        "ours": [
            {k: v.numpy() for k, v in prepare(family, one, "What is it?").tensors.items()}
            for one in pictures
        ],
        "clips": [call(pil, "video", [clip]) for clip in clips],
        "two clips": call(pil, "video", clips[:2]),
        "our clips": [
            family.process_video(c).tensors["pixel_values_videos"].numpy() for c in clips
        ],
        "video": dict(family.processor.video or {})["size"],
    }


BUILDERS = {"qwen3-vl": build}
ATTENTION = ("attn.proj",)
