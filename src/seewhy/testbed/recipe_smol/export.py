"""Write a run's last checkpoint as the parts that ship.

python -m seewhy.testbed.recipe_smol.export --model smol-llava --run runs/smol-llava --out FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from seewhy.testbed.recipe_smol.adapter import SCALE
from seewhy.testbed.recipe_smol.smol_recipe import MODELS, SmolRecipe, smol_recipe
from seewhy.testbed.smol.assembly import LANGUAGE
from seewhy.testbed.smol.language_model import language_model
from seewhy.testbed.smol.parts import Parts, write_parts


def export(recipe: SmolRecipe, run: Path, folder: Path, stage: str = "both") -> int:
    """Write `parts.safetensors` and the small files beside it.

    Returns:
        The step at which the checkpoint was saved.
    """
    state = torch.load(run / f"{stage}.pt", map_location="cpu")
    tensors = dict(torch.load(run / "sight.pt", map_location="cpu")["vision"])
    tensors |= {LANGUAGE + name: value for name, value in state["biases"].items()}
    lora = {LANGUAGE + name: pair for name, pair in state["adapters"].items()}
    tokenizer = language_model().tokenizer(recipe.family)
    write_parts(folder, recipe.config(), tokenizer, Parts(tensors, lora, SCALE))
    return state["step"]


def main() -> None:
    """Export a run."""
    parser = argparse.ArgumentParser(description="Export a run's last checkpoint.")
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    step = export(smol_recipe(arguments.model), arguments.run, arguments.out)
    print(f"step {step} -> {arguments.out}")


if __name__ == "__main__":
    main()
