"""Make a run of parts that ship, to train them further where the run's checkpoints are gone.

    python -m seewhy.testbed.recipe_smol.from_parts --model smol-internvl --run RUN
    python -m seewhy.testbed.recipe_smol.sight         --model smol-internvl --run RUN &
    python -m seewhy.testbed.recipe_smol.adapter both  --model smol-internvl --run RUN

Both stages then begin anew, at step 0 and without state of their optimizers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from seewhy.testbed.pretrained import pretrained
from seewhy.testbed.recipe_smol.adapter import SCALE, STEPS, Adapted, Run
from seewhy.testbed.recipe_smol.sight import STEPS as SIGHT_STEPS
from seewhy.testbed.recipe_smol.sight import Sight
from seewhy.testbed.recipe_smol.smol_recipe import MODELS, SmolRecipe, smol_recipe
from seewhy.testbed.smol.assembly import LANGUAGE
from seewhy.testbed.smol.parts import read_parts

UNSEEN = 1_000_000
"""Index of the first collage and scene: no earlier run drew so many."""


def from_parts(recipe: SmolRecipe, parts: Path, folder: Path) -> None:
    """Write `sight.pt` and `words.pt`, from which `sight` and `adapter both` go on.

    Args:
        recipe: of the model.
        parts: a folder with `parts.safetensors` of the same sizes.
        folder: of the new run.

    Raises:
        FileExistsError: if the folder already has one of the checkpoints.
        ModelError: if the file of parts is missing or damaged.
    """
    for name in ("sight.pt", "words.pt", "both.pt"):
        if (folder / name).exists():
            raise FileExistsError(
                f"Expected a folder without checkpoints, got {folder / name}: give a new folder."
            )
    read = read_parts(parts)
    sight = Sight(recipe, folder, SIGHT_STEPS)
    recipe.load_vision(sight.model, read.tensors)
    sight.drawn = UNSEEN
    sight.save()
    words = Run(recipe, folder, "words", STEPS["words"])
    words.load(
        {
            "adapters": {
                name: taken_over(adapter, read.lora.get(LANGUAGE + name), read.scale)
                for name, adapter in words.adapters.items()
            },
            "biases": {n.removeprefix(LANGUAGE): t for n, t in read.tensors.items()},
        }
    )
    words.next_scene = UNSEEN
    words.save()


def taken_over(
    adapter: Adapted, pair: tuple[Tensor, Tensor] | None, scale: float
) -> tuple[Tensor, Tensor]:
    """`A` and `B` of an adapter's rank with the product of a pair, whose rank may be lower.

    Args:
        adapter: a fresh one; the directions that the pair lacks are its own.
        pair: `A [rank, in]` and `B [out, rank]`; None where the layer's LoRA was left out.
        scale: of the pair's product.
    """
    first, second = adapter.A.data.clone(), torch.zeros_like(adapter.B.data)
    if pair is not None:
        rank = len(pair[0])
        first[:rank], second[:, :rank] = pair[0], pair[1] * scale / SCALE
    return first, second


def main() -> None:
    """Make the run."""
    parser = argparse.ArgumentParser(description="Make a run of parts, to train them further.")
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--parts", type=Path, help="default: those that ship")
    arguments = parser.parse_args()
    parts = arguments.parts or pretrained()[arguments.model]
    from_parts(smol_recipe(arguments.model), parts, arguments.run)
    print(f"{parts} -> {arguments.run}")


if __name__ == "__main__":
    main()
