"""What tells two models apart, whatever they are called."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

from seewhy.bench.specs import digest

WHOLE = 64 * 2**20
"""Bytes up to which weights count by content; larger ones by names, sizes and beginnings."""

BEGINNING = 2**16
"""Bytes of the beginning of each larger file, or of each tensor of a larger model."""


def of_folder(folder: Path) -> str:
    """Of a model's folder: all of its files, small ones by content."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if name.startswith(".") or path.suffix in (".md", ".txt"):
            continue
        size = path.stat().st_size
        with open(path, "rb") as file:
            content = file.read(size if size <= WHOLE else BEGINNING)
        found.append([name, size, hashlib.sha256(content).hexdigest()])
    return digest(found)


def of_hub(name: str, revision: str | None) -> str:
    """Of a hub id: with its commit, as the hub says or as the cache has it; without, offline."""
    return digest([name, revision, _commit(name, revision)])


def of_pair(model: Any) -> str:
    """Of a loaded model: its config and weights."""
    state = sorted(model.state_dict().items())
    total = sum(tensor.nbytes for _, tensor in state)
    seen = hashlib.sha256()
    for name, tensor in state:
        count = tensor.numel() if total <= WHOLE else BEGINNING // tensor.element_size()
        values = tensor.detach().flatten()[:count].cpu().contiguous()
        seen.update(f"{name} {list(tensor.shape)} {tensor.dtype}".encode())
        seen.update(values.view(-1).float().numpy().tobytes())
    return digest([model.config.to_json_string(), seen.hexdigest()])


def _commit(name: str, revision: str | None) -> str | None:
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    # A run planned before the model is fetched must be the same as one planned after.
    with contextlib.suppress(OSError, ValueError):
        hf_hub_download(name, "config.json", revision=revision)
    found = try_to_load_from_cache(name, "config.json", revision=revision)
    # .../snapshots/<commit>/config.json
    return Path(found).parent.name if isinstance(found, str | os.PathLike) else None
