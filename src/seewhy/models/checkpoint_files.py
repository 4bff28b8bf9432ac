"""The JSON files of a checkpoint's folder: each that is there must be readable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seewhy.core.errors import ModelError, UnknownNameError

CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"

#: Files that hold one JSON object. The tokenizer's own file is large, and is read by its library.
OBJECTS = (
    CONFIG,
    ADAPTER_CONFIG,
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "video_preprocessor_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.json",
    "model.safetensors.index.json",
    "pytorch_model.bin.index.json",
)

#: Weights of a whole model, as glob patterns.
WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")


def expect_readable(folder: Path) -> None:
    """Expect that each JSON file of a model's folder holds an object.

    transformers takes some broken files for missing ones, and goes on without them.

    Raises:
        ModelError: if one is no text, no JSON, nested too deeply or no object; it names the file.
    """
    for name in OBJECTS:
        path = folder / name
        if path.exists() or path.is_symlink():
            read_object(path)


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        ModelError: as `expect_readable`.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unreadable(path, error.strerror or type(error).__name__) from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "a file that is no text") from error
    except RecursionError as error:
        raise _unreadable(path, "JSON that is nested too deeply") from error
    except ValueError as error:
        raise _unreadable(path, f"no JSON ({error})") from error
    if not isinstance(found, dict):
        raise _unreadable(path, f"a {type(found).__name__} in it")
    return found


def _unreadable(path: Path, got: str) -> ModelError:
    return ModelError(
        f"Expected one JSON object in {str(path)!r}, got {got}: the file is damaged, download the "
        "checkpoint again."
    )


def expect_model_folder(name: str, folder: Path) -> None:
    """Expect a folder with the config of a model or of an adapter, and readable files.

    Args:
        name: as the user wrote it.
        folder: the folder.

    Raises:
        UnknownNameError: if it has neither config.
        ModelError: as `expect_readable`.
    """
    if not any((folder / file).exists() for file in (CONFIG, ADAPTER_CONFIG)):
        raise UnknownNameError(
            f"Expected a model's folder, got {name!r}, which holds no {CONFIG} and no "
            f"{ADAPTER_CONFIG}: give the folder that `save_pretrained` wrote."
        )
    expect_readable(folder)


def has_weights(folder: Path) -> bool:
    """Whether a folder holds weights of a whole model."""
    return any(next(folder.glob(pattern), None) is not None for pattern in WEIGHTS)


def text_at(settings: Mapping[str, Any], key: str) -> str:
    """A text among a file's settings; "" if it is missing or something else."""
    value = settings.get(key)
    return value if isinstance(value, str) else ""
