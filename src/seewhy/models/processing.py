"""An image processor, a tokenizer and a chat template, joined with or without torchvision.

transformers' own processors of some families bring a video part that cannot be built without
torchvision. Images need none of it, so the parts are loaded one by one where it is missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seewhy.core.errors import ModelError


@dataclass(frozen=True, eq=False)
class ProcessorParts:
    """What a family's processor is made of.

    Attributes:
        image_processor: the family's image processor, from transformers.
        tokenizer: a fast tokenizer (it must tell the offsets of its tokens).
        template: the Jinja chat template, or None where the checkpoint brings none.
        video: settings of the checkpoint's video processor, or None where it brings none.
        whole: transformers' own processor that these are parts of, where there is one.
    """

    image_processor: Any
    tokenizer: Any
    template: str | None = None
    video: Mapping[str, Any] | None = None
    whole: Any = None

    def __post_init__(self) -> None:
        if not getattr(self.tokenizer, "is_fast", False):
            raise ModelError(
                f"Expected a fast tokenizer, got {type(self.tokenizer).__name__}: words are placed "
                "by the offsets of their tokens, which only fast tokenizers tell: load "
                "it with `use_fast=True`."
            )


def parts_of(processor: Any) -> ProcessorParts:
    """Take a processor of transformers' apart.

    Args:
        processor: anything with an `image_processor` and a `tokenizer`.

    Raises:
        ModelError: if one of the two is missing.
    """
    if isinstance(processor, ProcessorParts):
        return processor
    image_processor = getattr(processor, "image_processor", None)
    tokenizer = getattr(processor, "tokenizer", None)
    if image_processor is None or tokenizer is None:
        raise ModelError(
            "Expected a processor with an image_processor and a tokenizer, got "
            f"{type(processor).__name__}: hand in what AutoProcessor.from_pretrained returns."
        )
    template = getattr(processor, "chat_template", None) or tokenizer.chat_template
    part: Any = getattr(processor, "video_processor", None)
    video = part.to_dict() if hasattr(part, "to_dict") else None
    return ProcessorParts(image_processor, tokenizer, default_template(template), video, processor)


def load_processor(name: str | Path, *, whole: bool = False, **hub: Any) -> ProcessorParts:
    """Load a checkpoint's processor: transformers' own where torchvision is there, else its parts.

    Args:
        name: hub id or folder.
        whole: try for transformers' own in any case: what has no adapter needs it.
        **hub: `revision`, `token`, `cache_dir`, `local_files_only`, `trust_remote_code`.

    Raises:
        OSError, ValueError: what transformers raises when a file is missing or broken.
    """
    from transformers import AutoProcessor
    from transformers.utils.import_utils import is_torchvision_available

    if whole or is_torchvision_available():
        try:
            return parts_of(AutoProcessor.from_pretrained(name, **hub))
        except ImportError:  # some video parts want packages that pictures do without
            pass
    return compose(name, **hub)


def compose(name: str | Path, **hub: Any) -> ProcessorParts:
    """Load image processor (PIL backend), tokenizer and chat template one by one."""
    from transformers import AutoImageProcessor, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(name, **hub)
    image_processor = AutoImageProcessor.from_pretrained(name, backend="pil", **hub)
    template = _template_file(name, **hub) or tokenizer.chat_template
    video = _video_settings(name, **hub)
    return ProcessorParts(image_processor, tokenizer, default_template(template), video)


def default_template(template: str | dict[str, str] | None) -> str | None:
    """The template called `default` where a checkpoint brings several."""
    return template.get("default") if isinstance(template, dict) else template


def _template_file(name: str | Path, **hub: Any) -> str | None:
    """The processor's template: `chat_template.jinja`, or JSON in older checkpoints."""
    for file in ("chat_template.jinja", "chat_template.json"):
        text = _text_of(name, file, **hub)
        if text is not None:
            return text if file.endswith("jinja") else json.loads(text)["chat_template"]
    return None


def _video_settings(name: str | Path, **hub: Any) -> dict[str, Any] | None:
    """The video processor's settings, looked for where transformers looks for them.

    Those of the image processor hold where a checkpoint has no others.
    """
    joint = json.loads(_text_of(name, "processor_config.json", **hub) or "{}")
    if "video_processor" in joint:
        return joint["video_processor"]
    for file in ("video_preprocessor_config.json", "preprocessor_config.json"):
        text = _text_of(name, file, **hub)
        if text is not None:
            return json.loads(text)
    return None


def _text_of(name: str | Path, file: str, **hub: Any) -> str | None:
    """What stands in a checkpoint's file, or None where it has no such file."""
    from transformers.utils.hub import cached_file

    path = cached_file(
        str(name),
        file,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
        **{key: value for key, value in hub.items() if key != "trust_remote_code"},
    )
    return None if path is None else Path(path).read_text(encoding="utf-8")
