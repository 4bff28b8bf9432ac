"""How much of a model's files the hub's cache holds: what a download has brought so far."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from seewhy.core.memory import in_words


def downloaded(name: str) -> Callable[[], str]:
    """A function that says how much was downloaded for a hub id since now, such as "1.2 GB "."""
    before = cached_bytes(name)

    def since() -> str:
        come = cached_bytes(name) - before
        return f"{in_words(come)} downloaded, " if come > 0 else ""

    return since


def cached_bytes(name: str) -> int:
    """Bytes of files of a hub id in the hub's cache, finished or not; 0 for a folder."""
    constants = sys.modules.get("huggingface_hub.constants")
    cache = getattr(constants, "HF_HUB_CACHE", None)
    if cache is None or not name or name.count("/") > 1 or "\\" in name:
        return 0
    total = 0
    folder = Path(cache, f"models--{name.replace('/', '--')}", "blobs")
    try:
        for file in folder.iterdir():
            total += file.stat().st_size
    except OSError:
        return total  # no such model, or a file that has just been renamed
    return total
