"""From a checkpoint of the last stage to an ordinary Hugging Face folder.

python -m seewhy.testbed.recipe.export --student tiny-llava --run runs/tiny-llava --out FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import AutoTokenizer

from seewhy.testbed.recipe.student import STUDENTS, Student, student


def export(taught: Student, run: Path, folder: Path, stage: str = "both") -> int:
    """Write the model of a run's last checkpoint, and return the step at which it was saved."""
    tokenizer = AutoTokenizer.from_pretrained(run / "tokenizer")
    state = torch.load(run / f"{stage}.pt", map_location="cpu")
    model = taught.build(tokenizer)
    model.load_state_dict(state["model"])
    taught.save(model, tokenizer, folder)
    return state["step"]


def main() -> None:
    """Export a run."""
    parser = argparse.ArgumentParser(description="Export a run's last checkpoint.")
    parser.add_argument("--student", choices=STUDENTS, default=STUDENTS[0])
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    print(f"step {export(student(asked.student), asked.run, asked.out)} -> {asked.out}")


if __name__ == "__main__":
    main()
