"""Fingerprints of models: the same for the same files or weights, under any name."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

from seewhy.bench.specs import digest

FULL_HASH_BYTES = 64 * 2**20
"""Up to this size all content is hashed; of larger files and models, names, sizes and prefixes."""

PREFIX_BYTES = 2**16
"""Bytes hashed of each larger file, or of each tensor of a larger model."""


def folder_fingerprint(folder: Path) -> str:
    """The fingerprint of a model's folder: all files except hidden ones, Markdown and text."""
    entries = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if name.startswith(".") or path.suffix in (".md", ".txt"):
            continue
        size = path.stat().st_size
        with open(path, "rb") as file:
            content = file.read(size if size <= FULL_HASH_BYTES else PREFIX_BYTES)
        entries.append([name, size, hashlib.sha256(content).hexdigest()])
    return digest(entries)


def hub_fingerprint(name: str, revision: str | None) -> str:
    """The fingerprint of a hub id: with its commit, if the hub or the cache has it."""
    return digest([name, revision, _commit(name, revision)])


def loaded_fingerprint(model: Any) -> str:
    """The fingerprint of a loaded model: of its config and weights."""
    state = sorted(model.state_dict().items())
    is_small = sum(tensor.nbytes for _, tensor in state) <= FULL_HASH_BYTES
    weights = hashlib.sha256()
    for name, tensor in state:
        count = tensor.numel() if is_small else PREFIX_BYTES // tensor.element_size()
        values = tensor.detach().flatten()[:count].cpu().contiguous()
        weights.update(f"{name} {list(tensor.shape)} {tensor.dtype}".encode())
        weights.update(values.view(-1).float().numpy().tobytes())
    return digest([model.config.to_json_string(), weights.hexdigest()])


def _commit(name: str, revision: str | None) -> str | None:
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    # A plan from before the download must be the same as one from after it.
    with contextlib.suppress(OSError, ValueError):
        hf_hub_download(name, "config.json", revision=revision)
    path = try_to_load_from_cache(name, "config.json", revision=revision)
    # .../snapshots/<commit>/config.json
    return Path(path).parent.name if isinstance(path, str | os.PathLike) else None
