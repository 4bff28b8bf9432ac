"""Load image processor, tokenizer and chat template, with or without torchvision.

The processors of some families include a video processor that needs torchvision. Images do not
need it, so without torchvision the parts are loaded one by one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seewhy.core.errors import ModelError


@dataclass(frozen=True, eq=False)
class ProcessorParts:
    """The parts of a family's processor.

    Attributes:
        image_processor: the family's image processor, from transformers.
        tokenizer: a fast tokenizer, which gives the offsets of its tokens.
        template: the Jinja chat template, or None if the checkpoint has none.
        video: settings of the checkpoint's video processor, or None if it has none.
        original: the processor of transformers that these are parts of, or None.
        call_settings: settings from a call of the user's; they are set on `image_processor` too.
            Families that override a setting read them here.
    """

    image_processor: Any
    tokenizer: Any
    template: str | None = None
    video: Mapping[str, Any] | None = None
    original: Any = None
    call_settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not getattr(self.tokenizer, "is_fast", False):
            raise ModelError(
                f"Expected a fast tokenizer, got {type(self.tokenizer).__name__}: words are found "
                "by the offsets of their tokens, which only fast tokenizers give; load it with "
                "`use_fast=True`."
            )


def parts_of(processor: Any) -> ProcessorParts:
    """Split a processor of transformers into its parts.

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
            f"{type(processor).__name__}: pass the result of AutoProcessor.from_pretrained."
        )
    template = getattr(processor, "chat_template", None) or tokenizer.chat_template
    video_processor: Any = getattr(processor, "video_processor", None)
    video = video_processor.to_dict() if hasattr(video_processor, "to_dict") else None
    return ProcessorParts(image_processor, tokenizer, default_template(template), video, processor)


def load_processor(
    name: str | Path, *, prefer_original: bool = False, **hub: Any
) -> ProcessorParts:
    """Load a checkpoint's processor: transformers' own if torchvision is installed, else its parts.

    Args:
        name: hub id or folder.
        prefer_original: try transformers' own in any case, as models without an adapter need it.
        **hub: `revision`, `token`, `cache_dir`, `local_files_only`, `trust_remote_code`.

    Raises:
        OSError, ValueError: raised by transformers if a file is missing or broken.
    """
    from transformers import AutoProcessor
    from transformers.utils.import_utils import is_torchvision_available

    if prefer_original or is_torchvision_available():
        try:
            return parts_of(AutoProcessor.from_pretrained(name, **hub))
        except ImportError:  # some video processors need packages that images do not
            pass
    return compose(name, **hub)


def compose(name: str | Path, **hub: Any) -> ProcessorParts:
    """Load image processor (PIL backend), tokenizer and chat template one by one."""
    from transformers import AutoImageProcessor, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(name, **hub)
    image_processor = AutoImageProcessor.from_pretrained(name, backend="pil", **hub)
    template = template_file(name, **hub) or tokenizer.chat_template
    video = _video_settings(name, **hub)
    return ProcessorParts(image_processor, tokenizer, default_template(template), video)


def default_template(template: str | dict[str, str] | None) -> str | None:
    """The template named `default` if a checkpoint has several."""
    return template.get("default") if isinstance(template, dict) else template


def template_file(name: str | Path, **hub: Any) -> str | None:
    """The processor's template: `chat_template.jinja`, or JSON in older checkpoints."""
    for file in ("chat_template.jinja", "chat_template.json"):
        text = _text_of(name, file, **hub)
        if text is not None:
            return text if file.endswith("jinja") else json.loads(text)["chat_template"]
    return None


def _video_settings(name: str | Path, **hub: Any) -> dict[str, Any] | None:
    """The video processor's settings, from the same files as in transformers.

    A checkpoint without them uses those of the image processor.
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
    """The text of a checkpoint's file, or None if it has no such file."""
    path = file_of(name, file, **hub)
    return None if path is None else path.read_text(encoding="utf-8")


def file_of(name: str | Path, file: str, **hub: Any) -> Path | None:
    """A checkpoint's file, of a folder or of a repository; None if it has no such file."""
    from transformers.utils.hub import cached_file

    path = cached_file(
        str(name),
        file,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
        **{key: value for key, value in hub.items() if key != "trust_remote_code"},
    )
    return None if path is None else Path(path)
