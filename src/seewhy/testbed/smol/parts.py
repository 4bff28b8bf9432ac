"""The part of a model that ships: tower, projector and LoRA, in one file beside the small ones.

`parts.safetensors` holds bfloat16 tensors by the names of the whole model (`model.visual.*`), and
for LoRA `lora.<module path>.A` `[rank, in]` and `lora.<module path>.B` `[out, rank]`, where the
path is that of a linear layer (`model.language_model.layers.0.self_attn.q_proj`). The layer's
weight becomes `W + scale * B @ A`; the scale is in the file's metadata as `lora_scale`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from seewhy.core.errors import ModelError
from seewhy.testbed.smol.families import family_for
from seewhy.testbed.smol.part_files import PARTS

LORA, SCALE = "lora.", "lora_scale"


@dataclass(frozen=True, eq=False)
class Parts:
    """What `parts.safetensors` holds.

    Attributes:
        tensors: whole tensors by the model's names.
        lora: `(A [rank, in], B [out, rank])` by the path of the linear layer.
        scale: of LoRA's product.
    """

    tensors: Mapping[str, Tensor]
    lora: Mapping[str, tuple[Tensor, Tensor]]
    scale: float


def read_parts(folder: Path) -> Parts:
    """Read a folder's parts.

    Raises:
        ModelError: if the file is missing or damaged, or holds half of a pair of LoRA.
    """
    path = folder / PARTS
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            scale = float((file.metadata() or {}).get(SCALE, "nan"))
    except (OSError, SafetensorError, ValueError) as error:
        raise ModelError(
            f"Expected a whole file {path}, got {type(error).__name__}: {error}. Install seewhy "
            "again."
        ) from error
    lora = {name: tensors.pop(name) for name in list(tensors) if name.startswith(LORA)}
    paths = sorted({name.removeprefix(LORA).rpartition(".")[0] for name in lora})
    try:
        pairs = {at: (lora.pop(f"{LORA}{at}.A"), lora.pop(f"{LORA}{at}.B")) for at in paths}
    except KeyError as error:
        raise ModelError(f"Expected pairs of A and B in {path}, got no {error.args[0]}.") from None
    if lora:
        raise ModelError(f"Expected names that end with A or B in {path}, got {min(lora)}.")
    if pairs and scale != scale:
        raise ModelError(f"Expected the metadata {SCALE!r} in {path}, got none.")
    return Parts(tensors, pairs, scale if pairs else 0.0)


def write_parts(folder: Path, config: Any, tokenizer: Any, parts: Parts, card: str = "") -> None:
    """Write a folder as it ships: the parts, and the small files that the assembly copies.

    Args:
        folder: that may exist.
        config: of the whole model (`seewhy.testbed.smol.families.qwen2_vl_config`, ...).
        tokenizer: as `LanguageModel.tokenizer` makes it for the family; it is not written.
        parts: of any dtype; they are written in bfloat16.
        card: README.md; empty writes none.
    """
    from transformers import GenerationConfig

    folder.mkdir(parents=True, exist_ok=True)
    family = family_for(config.model_type)
    config.architectures, config.dtype = [family.architecture], "bfloat16"
    config.save_pretrained(folder)
    GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    ).save_pretrained(folder)
    family.processor(config, tokenizer, folder)
    tensors = dict(parts.tensors)
    for at, (first, second) in parts.lora.items():
        tensors |= {f"{LORA}{at}.A": first, f"{LORA}{at}.B": second}
    halves = {name: t.detach().to("cpu", torch.bfloat16) for name, t in tensors.items()}
    halves = {name: tensor.contiguous() for name, tensor in halves.items()}
    save_file(halves, folder / PARTS, {"format": "pt", SCALE: repr(float(parts.scale))})
    (folder / PARTS).chmod(0o644)
    if card:
        (folder / "README.md").write_text(card, "utf-8")
