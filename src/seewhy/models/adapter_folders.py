"""Folders and repositories of adapters: the base model is loaded, then the adapter."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seewhy.core.errors import ModelError, UnsupportedModelError
from seewhy.models.adapters import REFUSED, REMEDY
from seewhy.models.checkpoint_files import ADAPTER_CONFIG, has_weights, read_object, text_at
from seewhy.models.loading_report import listed
from seewhy.models.processing import ProcessorParts, default_template, file_of, template_file

#: Files by which a folder is known to have a processor's part of its own.
TOKENIZER = "tokenizer_config.json"
PICTURES = ("preprocessor_config.json", "processor_config.json")


@dataclass(frozen=True)
class AdapterFolder:
    """A folder or repository with an adapter in it.

    Attributes:
        name: as the user wrote it.
        place: folder or hub id.
        base: folder or hub id of the model that it changes.
        revision: of the base, or None.
    """

    name: str
    place: str
    base: str
    revision: str | None = None


def adapter_at(name: str, place: str, hub: Mapping[str, Any]) -> AdapterFolder | None:
    """The adapter at a folder or hub id; None if there is none.

    Raises:
        ModelError: if its config is damaged or names no base, or a whole model lies beside it.
        UnsupportedModelError: if its type cannot be explained.
    """
    file = file_of(place, ADAPTER_CONFIG, **hub)
    if file is None:
        return None
    config = read_object(file)
    if Path(place).is_dir() and has_weights(Path(place)):
        raise ModelError(
            f"Expected a model or an adapter, got both in {name!r}: move {ADAPTER_CONFIG} and the "
            "adapter's weights into a folder of their own."
        )
    kind = text_at(config, "peft_type")
    if kind in REFUSED:
        raise UnsupportedModelError(
            f"Expected an adapter that only changes layers, got {name!r} of type {kind}: "
            f"{REFUSED[kind]}. {REMEDY[0].upper()}{REMEDY[1:]}."
        )
    base = text_at(config, "base_model_name_or_path")
    if not base:
        raise ModelError(
            f"Expected base_model_name_or_path in the {ADAPTER_CONFIG} of {name!r}, got none: "
            "write the folder or hub id of the base model there, or load base and adapter in your "
            "own code and pass (model, processor)."
        )
    return AdapterFolder(name, place, base, text_at(config, "revision") or None)


def base_error(adapter: AdapterFolder, error: Exception) -> ModelError:
    """The error for an adapter whose base cannot be found."""
    return ModelError(
        f"Expected the base model {adapter.base!r} of the adapter {adapter.name!r}, got none: "
        f"{error} Its place is in {ADAPTER_CONFIG}, as base_model_name_or_path."
    )


def with_adapter(model: Any, adapter: AdapterFolder, hub: Mapping[str, Any]) -> Any:
    """A base model with an adapter in its layers, as PEFT loads it.

    Raises:
        ModelError: if PEFT is missing, or the adapter does not fit the model or is incomplete.
    """
    try:
        import peft
    except ImportError as error:
        raise ModelError(
            f"Expected PEFT to load the adapter {adapter.name!r}, got {error}: install it with "
            "pip install 'seewhy[peft]'."
        ) from error
    options = {key: value for key, value in hub.items() if key != "trust_remote_code"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it warns of is an error below
        loaded = peft.PeftModel.from_pretrained(model, adapter.place, **options)
        # Only this call says which weights it found.
        result = loaded.load_adapter(adapter.place, "default", **options)
    lacking = [f"no {key}" for key in result.missing_keys]
    foreign = [f"unknown {key}" for key in result.unexpected_keys]
    if lacking or foreign:
        raise ModelError(
            f"Expected the weights of the adapter {adapter.name!r}, got "
            f"{listed(lacking + foreign)}: it is damaged, or belongs to another base than "
            f"{adapter.base!r}."
        )
    return loaded


def processor_with_adapter(
    parts: ProcessorParts, adapter: AdapterFolder, hub: Mapping[str, Any]
) -> ProcessorParts:
    """The base's processor, with the tokenizer and chat template of the adapter if it has them."""
    from transformers import AutoTokenizer

    if file_of(adapter.place, TOKENIZER, **hub) is None:
        return parts
    tokenizer = AutoTokenizer.from_pretrained(adapter.place, **hub)
    template = template_file(adapter.place, **hub) or tokenizer.chat_template or parts.template
    if parts.original is not None:
        parts.original.tokenizer = tokenizer
    return replace(parts, tokenizer=tokenizer, template=default_template(template))


def has_own_processor(adapter: AdapterFolder, hub: Mapping[str, Any]) -> bool:
    """Whether the adapter's folder has a whole processor."""
    has_tokenizer = file_of(adapter.place, TOKENIZER, **hub) is not None
    return has_tokenizer and any(file_of(adapter.place, file, **hub) for file in PICTURES)


def base_place(adapter: AdapterFolder) -> str:
    """Where the base is: its hub id, or its folder, which may be named from the adapter's."""
    beside = os.path.join(adapter.place, adapter.base)
    return beside if os.path.isdir(beside) and not os.path.isdir(adapter.base) else adapter.base
