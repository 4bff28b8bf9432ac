"""What each family needs around SmolLM2: special tokens, chat template, config, image processor.

A further family is a further entry of `FAMILIES`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seewhy.core.errors import ModelError

UNUSED = range(3, 17)
"""Ids of SmolLM2's special tokens for source code, such as `<repo_name>`: free for pictures."""

MEAN = STD = [0.5, 0.5, 0.5]
"""Of the pixels, for every family."""


@dataclass(frozen=True)
class SmolFamily:
    """A family of models with pictures.

    Attributes:
        model_type: of its config, as transformers has it.
        architecture: its class in transformers.
        tokens: new names of unused special tokens, by id of `UNUSED`.
        chat_template: SmolLM2's format without its standing system prompt, with pictures.
        vision: prefixes of the weights of tower and projector: all of them are in our parts.
        processor: writes the image processor's files for a config, with the tokenizer.
        named: tokens that the family's processor asks the tokenizer for, by attribute.
        has_attention_biases: of queries, keys and values: zero around a Llama.
    """

    model_type: str
    architecture: str
    tokens: Mapping[int, str]
    chat_template: str
    vision: tuple[str, ...]
    processor: Callable[[Any, Any, Path], None]
    named: Mapping[str, str] = field(default_factory=dict)
    has_attention_biases: bool = False


def chat_template(image: str, video: str = "") -> str:
    """SmolLM2's chat format, without its standing system prompt, with pictures in a message.

    Args:
        image, video: the text of a picture and of a clip before the processor repeats its token.
    """
    clip = f"{{% elif part['type'] == 'video' %}}{video}" if video else ""
    return (
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
        "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
        "{% for part in message['content'] %}"
        f"{{% if part['type'] == 'image' %}}{image}{clip}"
        "{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
        "<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )


def qwen2_vl_config(language: Any, vision: Mapping[str, Any]) -> Any:
    """Config of Qwen2-VL around a Llama.

    Args:
        language: `LlamaConfig` of the language model.
        vision: settings of `Qwen2VLVisionConfig`.
    """
    from transformers import Qwen2VLConfig

    tokens = {token: i for i, token in FAMILIES["qwen2_vl"].tokens.items()}
    return Qwen2VLConfig(
        text_config={
            **_sizes(language),
            "rope_parameters": {
                **language.rope_parameters,
                "mrope_section": _sections(language.head_dim // 2),
            },
        },
        vision_config={**vision, "hidden_size": language.hidden_size},
        image_token_id=tokens["<|image_pad|>"],
        video_token_id=tokens["<|video_pad|>"],
        vision_start_token_id=tokens["<|vision_start|>"],
        vision_end_token_id=tokens["<|vision_end|>"],
        tie_word_embeddings=True,
    )


def llava_config(language: Any, vision: Any, **settings: Any) -> Any:
    """Config of LLaVA around a Llama.

    Args:
        language: `LlamaConfig` of the language model.
        vision: `CLIPVisionConfig` or `SiglipVisionConfig`.
        settings: of `LlavaConfig`, such as `vision_feature_layer`.
    """
    from transformers import LlavaConfig

    tokens = {token: i for i, token in FAMILIES["llava"].tokens.items()}
    # CLIP's first state is of no patch; the strategy "default" leaves it out.
    strategy = "default" if vision.model_type == "clip_vision_model" else "full"
    return LlavaConfig(
        vision_config=vision,
        text_config=language,
        image_token_index=tokens["<image>"],
        image_seq_length=(vision.image_size // vision.patch_size) ** 2,
        tie_word_embeddings=True,
        **{
            "vision_feature_layer": -1,
            "vision_feature_select_strategy": strategy,
            **settings,
        },
    )


def internvl_config(language: Any, vision: Any, **settings: Any) -> Any:
    """Config of InternVL around a Llama.

    Args:
        language: `LlamaConfig` of the language model.
        vision: `InternVLVisionConfig`.
        settings: of `InternVLConfig`.
    """
    from transformers import InternVLConfig

    tokens = {token: i for i, token in FAMILIES["internvl"].tokens.items()}
    side, patch = vision.image_size[0], vision.patch_size[0]
    return InternVLConfig(
        vision_config=vision,
        text_config=language,
        image_token_id=tokens["<IMG_CONTEXT>"],
        image_seq_length=(side // patch // 2) ** 2,
        tie_word_embeddings=True,
        **settings,
    )


def _sizes(language: Any) -> dict[str, Any]:
    names = (
        "vocab_size",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "max_position_embeddings",
        "rms_norm_eps",
        "hidden_act",
        "bos_token_id",
        "eos_token_id",
        "pad_token_id",
    )
    return {name: getattr(language, name) for name in names}


def _sections(frequencies: int) -> list[int]:
    """Time, height and width take turns: `[1, 1, 1, ...]`.

    In three blocks, as in Qwen2-VL, width has the slowest frequencies: across a picture of 12
    tokens they turn a SmolLM2's queries by a hundredth of a radian, and columns look alike.
    """
    # Whole turns: some versions of transformers go through the sections twice.
    return [1] * frequencies + [0] * (-frequencies % 3)


def _qwen2_vl_processor(config: Any, tokenizer: Any, folder: Path) -> None:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    vision = config.vision_config
    images = Qwen2VLImageProcessorPil(
        patch_size=vision.patch_size,
        merge_size=vision.spatial_merge_size,
        temporal_patch_size=vision.temporal_patch_size,
        image_mean=MEAN,
        image_std=STD,
        size={"shortest_edge": 64 * 64, "longest_edge": 768 * 768},
    )
    images.save_pretrained(folder)
    # As in released checkpoints; the class for Pillow takes over where torchvision is missing.
    _name_classes(folder, "Qwen2VLImageProcessor", "Qwen2VLProcessor")


def _llava_processor(config: Any, tokenizer: Any, folder: Path) -> None:
    from transformers import LlavaProcessor
    from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

    side = config.vision_config.image_size
    has_class_state = config.vision_config.model_type == "clip_vision_model"
    processor = LlavaProcessor(
        image_processor=LlavaImageProcessorPil(
            do_pad=True,
            size={"shortest_edge": side},
            crop_size={"height": side, "width": side},
            image_mean=MEAN,
            image_std=STD,
        ),
        tokenizer=tokenizer,
        patch_size=config.vision_config.patch_size,
        vision_feature_select_strategy=config.vision_feature_select_strategy,
        num_additional_image_tokens=int(has_class_state),
        chat_template=tokenizer.chat_template,
    )
    with tempfile.TemporaryDirectory() as name:
        processor.save_pretrained(name)  # the tokenizer's files too, which no parts have
        file = "processor_config.json"
        (folder / file).write_bytes((Path(name) / file).read_bytes())


def _internvl_processor(config: Any, tokenizer: Any, folder: Path) -> None:
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

    height, width = config.vision_config.image_size
    GotOcr2ImageProcessorPil(
        size={"height": height, "width": width},
        crop_to_patches=True,
        min_patches=1,
        max_patches=1,  # of 144 tokens each: SmolLM2 should stay quick
        image_mean=MEAN,
        image_std=STD,
    ).save_pretrained(folder)
    _name_classes(folder, "GotOcr2ImageProcessor", "InternVLProcessor")
    # The processor itself is not built, because its video part needs torchvision.
    facts = {"image_seq_length": config.image_seq_length, "processor_class": "InternVLProcessor"}
    (folder / "processor_config.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


def _name_classes(folder: Path, images: str, processor: str) -> None:
    file = folder / "preprocessor_config.json"
    classes = {"image_processor_type": images, "processor_class": processor}
    config = json.loads(file.read_text("utf-8")) | classes
    file.write_text(json.dumps(config, indent=2) + "\n", "utf-8")


FAMILIES = {
    family.model_type: family
    for family in (
        SmolFamily(
            "qwen2_vl",
            "Qwen2VLForConditionalGeneration",
            {3: "<|vision_start|>", 4: "<|vision_end|>", 5: "<|image_pad|>", 6: "<|video_pad|>"},
            chat_template(
                "<|vision_start|><|image_pad|><|vision_end|>",
                "<|vision_start|><|video_pad|><|vision_end|>",
            ),
            ("model.visual.",),
            _qwen2_vl_processor,
            has_attention_biases=True,
        ),
        SmolFamily(
            "llava",
            "LlavaForConditionalGeneration",
            {3: "<image>"},
            chat_template("<image>\n"),
            ("model.vision_tower.", "model.multi_modal_projector."),
            _llava_processor,
        ),
        SmolFamily(
            "internvl",
            "InternVLForConditionalGeneration",
            {3: "<img>", 4: "</img>", 5: "<IMG_CONTEXT>", 6: "<video>"},
            chat_template("<IMG_CONTEXT>\n", "<video>\n"),
            ("model.vision_tower.", "model.multi_modal_projector."),
            _internvl_processor,
            {
                "start_image_token": "<img>",
                "end_image_token": "</img>",
                "context_image_token": "<IMG_CONTEXT>",
                "video_token": "<video>",
            },
        ),
    )
}
"""By the config's model type."""


def family_for(model_type: str) -> SmolFamily:
    """The family of a config's model type.

    Raises:
        ModelError: if there is none.
    """
    if model_type not in FAMILIES:
        raise ModelError(
            f"Expected a config of one of the types {', '.join(FAMILIES)}, got {model_type!r}: "
            "parts of other families cannot be put together."
        )
    return FAMILIES[model_type]
