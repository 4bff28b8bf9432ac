"""Write a checkpoint of the last stage as an ordinary Hugging Face folder.

python -m seewhy.testbed.recipe.export --model tiny-llava --run runs/tiny-llava --out FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import AutoTokenizer

from seewhy.testbed.recipe.model_recipe import MODELS, ModelRecipe, recipe_for


def export(recipe: ModelRecipe, run: Path, folder: Path, stage: str = "both") -> int:
    """Write the model of a run's last checkpoint, and return the step at which it was saved."""
    tokenizer = AutoTokenizer.from_pretrained(run / "tokenizer")
    state = torch.load(run / f"{stage}.pt", map_location="cpu")
    model = recipe.build(tokenizer)
    model.load_state_dict(state["model"])
    recipe.save(model, tokenizer, folder)
    return state["step"]


def main() -> None:
    """Export a run."""
    parser = argparse.ArgumentParser(description="Export a run's last checkpoint.")
    parser.add_argument("--model", choices=MODELS, default=MODELS[0])
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    step = export(recipe_for(arguments.model), arguments.run, arguments.out)
    print(f"step {step} -> {arguments.out}")


if __name__ == "__main__":
    main()
