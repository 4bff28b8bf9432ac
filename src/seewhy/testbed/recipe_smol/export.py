"""Write a run's last checkpoint as the parts that ship.

python -m seewhy.testbed.recipe_smol.export --run runs/smol-qwen2-vl --out FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from seewhy.testbed.recipe_smol import smol_qwen2_vl
from seewhy.testbed.recipe_smol.adapter import SCALE
from seewhy.testbed.smol.language_model import smol_tokenizer
from seewhy.testbed.smol.parts import Parts, write_parts

TOWER, LANGUAGE = "model.visual.", "model.language_model."
"""Where both are in Qwen2-VL's class."""


def export(run: Path, folder: Path, stage: str = "both") -> int:
    """Write `parts.safetensors` and the small files beside it.

    Returns:
        The step at which the checkpoint was saved.
    """
    state = torch.load(run / f"{stage}.pt", map_location="cpu")
    sight = torch.load(run / "sight.pt", map_location="cpu")
    tensors = {TOWER + name: value for name, value in sight["visual"].items()}
    lora = {LANGUAGE + name: pair for name, pair in state["adapters"].items()}
    write_parts(folder, smol_qwen2_vl.config(), smol_tokenizer(), Parts(tensors, lora, SCALE))
    return state["step"]


def main() -> None:
    """Export a run."""
    parser = argparse.ArgumentParser(description="Export a run's last checkpoint.")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    print(f"step {export(arguments.run, arguments.out)} -> {arguments.out}")


if __name__ == "__main__":
    main()
