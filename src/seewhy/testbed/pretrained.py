"""The models that ship with the package."""

from __future__ import annotations

from pathlib import Path

DEFAULT = "tiny-qwen2-vl"
"""The model that is used by default."""


def pretrained() -> dict[str, Path]:
    """Name and Hugging Face folder of each model.

    Example:
        >>> "tiny-qwen2-vl" in pretrained()
        True
    """
    folder = Path(__file__).parent / "checkpoints"
    return {p.name: p for p in sorted(folder.iterdir()) if (p / "config.json").is_file()}
