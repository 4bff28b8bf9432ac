"""The files of a model in parts, and of the folder that is made of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

PARTS = "parts.safetensors"
"""The weights in the folder of a model that is put together on first use."""

MANIFEST = "assembled.json"
"""In a folder that was put together: the model's name and the sizes of all other files."""


def is_in_parts(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds parts of a model, which must be put together before it is loaded."""
    try:
        return (Path(folder) / PARTS).is_file()
    except ValueError:  # a null byte
        return False


def files_of_parts(parts: Path) -> list[Path]:
    """The files that a result is made of."""
    return sorted(
        path
        for path in parts.iterdir()
        if path.is_file() and not path.name.startswith(".") and path.suffix != ".md"
    )


def assembled_from(folder: str | os.PathLike[str]) -> str:
    """The name of the model whose parts a folder of the cache was made of; empty for others."""
    try:
        return str(json.loads((Path(folder) / MANIFEST).read_text("utf-8"))["model"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
