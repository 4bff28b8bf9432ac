"""From a checkpoint of the last stage to an ordinary Hugging Face folder.

python -m seewhy.testbed.recipe.export --run runs/tiny-qwen2-vl --out FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import Qwen2Tokenizer

from seewhy.testbed.recipe.tiny_qwen2_vl import build_model, save_model


def export(run: Path, folder: Path, stage: str = "both") -> int:
    """Write the model of a run's last checkpoint, and return the step at which it was saved."""
    tokenizer = Qwen2Tokenizer.from_pretrained(run / "tokenizer")
    state = torch.load(run / f"{stage}.pt", map_location="cpu")
    model = build_model(tokenizer)
    model.load_state_dict(state["model"])
    save_model(model, tokenizer, folder)
    return state["step"]


def main() -> None:
    """Export a run."""
    parser = argparse.ArgumentParser(description="Export a run's last checkpoint.")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    print(f"step {export(asked.run, asked.out)} -> {asked.out}")


if __name__ == "__main__":
    main()
