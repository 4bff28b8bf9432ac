"""Write a run's last checkpoint as the parts that ship.

python -m seewhy.testbed.recipe_smol.export --model smol-llava --run runs/smol-llava --out FOLDER
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from seewhy.testbed.recipe_smol.adapter import SCALE, STEPS
from seewhy.testbed.recipe_smol.smol_recipe import MODELS, SmolRecipe, smol_recipe
from seewhy.testbed.smol.assembly import LANGUAGE
from seewhy.testbed.smol.language_model import language_model
from seewhy.testbed.smol.parts import Parts, write_parts

LARGEST = 15_000_000
"""Bytes of `parts.safetensors`, at most."""
NAMES = 100_000
"""Bytes that are left for the names in it."""
Pair = tuple[Tensor, Tensor]


def shortened(lora: Mapping[str, Pair], parameters: int) -> dict[str, Pair]:
    """LoRA with fewer directions: the ones that change a layer least for their size are left out.

    Args:
        lora: `A [rank, in]` and `B [out, rank]` by layer.
        parameters: that may be left.

    Returns:
        Pairs whose products are those of the input, or nearest to them at their ranks.

    Raises:
        ValueError: if there is no room for any.
    """
    found = {name: _directions(*pair) for name, pair in lora.items()}
    ranked = sorted(
        (float(strength) ** 2 / (len(first) + len(second)), len(first) + len(second), name)
        for name, (firsts, strengths, seconds) in found.items()
        for first, strength, second in zip(firsts.T, strengths, seconds.T, strict=True)
    )
    kept, left = Counter(), parameters
    for _, size, name in reversed(ranked):
        if size > left:
            break
        kept[name], left = kept[name] + 1, left - size
    if not kept:
        raise ValueError(f"Expected room for LoRA, got {parameters} parameters: shrink the tower.")
    result = {}
    for name, rank in kept.items():
        firsts, strengths, seconds = found[name]
        root = strengths[:rank].sqrt()
        result[name] = (firsts[:, :rank] * root).T, seconds[:, :rank] * root
    return result


def _directions(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The singular values of `second @ first`, with vectors `[in, rank]` and `[out, rank]`."""
    inner, narrow = torch.linalg.qr(first.float().T)
    outer, wide = torch.linalg.qr(second.float())
    left, strengths, right = torch.linalg.svd(wide @ narrow.T)
    return inner @ right.T, strengths, outer @ left


def export(recipe: SmolRecipe, run: Path, folder: Path, stage: str = "both") -> int:
    """Write `parts.safetensors` and the small files beside it.

    Returns:
        The step at which the checkpoint was saved.
    """
    state = torch.load(run / f"{stage}.pt", map_location="cpu")
    tensors = dict(torch.load(run / "sight.pt", map_location="cpu")["vision"])
    tensors |= {LANGUAGE + name: value for name, value in state["biases"].items()}
    lora = {LANGUAGE + name: pair for name, pair in state["adapters"].items()}
    left = (LARGEST - NAMES) // 2 - sum(tensor.numel() for tensor in tensors.values())
    lora = shortened(lora, left)
    tokenizer = language_model().tokenizer(recipe.family)
    write_parts(folder, recipe.config(), tokenizer, Parts(tensors, lora, SCALE))
    return state["step"]


def main() -> None:
    """Export a run."""
    parser = argparse.ArgumentParser(description="Export a run's last checkpoint.")
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--stage", choices=STEPS, default="both")
    arguments = parser.parse_args()
    step = export(smol_recipe(arguments.model), arguments.run, arguments.out, arguments.stage)
    print(f"step {step} -> {arguments.out}")


if __name__ == "__main__":
    main()
