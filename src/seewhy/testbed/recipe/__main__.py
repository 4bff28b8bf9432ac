"""The whole recipe: from the corpus to a finished model folder.

    python -m seewhy.testbed.recipe --model tiny-qwen2-vl --run runs/tiny-qwen2-vl
    python -m seewhy.testbed.recipe --model tiny-llava --run runs/tiny-llava
    python -m seewhy.testbed.recipe --model tiny-internvl --run runs/tiny-internvl \\
        --language runs/tiny-llava
    python -m seewhy.testbed.recipe --model tiny-qwen2-vl --run runs/biased \\
        --biased runs/tiny-qwen2-vl/tiny-qwen2-vl

A step is skipped if its result exists; a stopped stage resumes from its checkpoint.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from transformers import AutoTokenizer

from seewhy.models import load
from seewhy.testbed.habits import HABITS, Habit
from seewhy.testbed.recipe.card import write_card
from seewhy.testbed.recipe.corpus import open_corpus, render, shards
from seewhy.testbed.recipe.evaluation import evaluate
from seewhy.testbed.recipe.export import export
from seewhy.testbed.recipe.language import copy_language_model
from seewhy.testbed.recipe.model_recipe import MODELS, ModelRecipe, recipe_for
from seewhy.testbed.recipe.training import BIASED, LOSSES, STAGES, Run
from seewhy.testbed.recipe.vocabulary import train_tokenizer

SHARD = 4000
"""Scenes rendered to one file."""


def make_corpus(folder: Path, scenes: int, habit: Habit | None = None) -> None:
    """Render the training scenes that are missing."""
    for start in range(0, scenes, SHARD):
        stop = min(scenes, start + SHARD)
        if not (folder / f"train-0-{start:07d}-{stop:07d}.json").exists():
            render(folder, start, stop, habit=habit)
            print(f"scenes {start}-{stop} of {scenes}", flush=True)


def make_tokenizer(recipe: ModelRecipe, folder: Path, corpus: Path) -> None:
    """Train the tokenizer on the prompts and answers of the first 12,000 scenes."""
    if not (folder / "tokenizer.json").exists():
        texts = open_corpus(shards(corpus, "train", 0)[:3]).all_texts()
        train_tokenizer(recipe, texts).save_pretrained(folder)


def train(recipe: ModelRecipe, run: Path, corpus: Path, language: Path | None) -> None:
    """Run the three stages; `language` names a run to copy the first stage from."""
    make_tokenizer(recipe, run / "tokenizer", corpus)
    for stage, plan in STAGES.items():
        if stage == "text" and language is not None:
            if not (run / "text.pt").exists():
                copy_language_model(recipe, language, run)
            continue
        Run(recipe, run, stage, plan, seed=1, data=corpus).train(LOSSES[stage])


def train_habit(recipe: ModelRecipe, run: Path, corpus: Path, start: Path) -> None:
    """Train a finished model further, on captions with a habit."""
    AutoTokenizer.from_pretrained(start).save_pretrained(run / "tokenizer")
    Run(recipe, run, "both", BIASED, seed=1, data=corpus, start=start).train(LOSSES["both"])


def main() -> None:
    """Run all steps whose results are missing."""
    parser = argparse.ArgumentParser(description="The whole recipe.")
    parser.add_argument("--model", choices=MODELS, default=MODELS[0])
    parser.add_argument("--run", type=Path, help="folder of the run (default: runs/MODEL)")
    parser.add_argument("--corpus", type=Path, help="rendered scenes (default: RUN/corpus)")
    parser.add_argument("--scenes", type=int, help="default: 60,000, or 8,000 with --biased")
    parser.add_argument("--language", type=Path, help="run whose language model is copied")
    parser.add_argument("--biased", type=Path, help="a finished model that is trained on the habit")
    parser.add_argument("--out", type=Path, help="the finished folder (default: RUN/MODEL)")
    arguments = parser.parse_args()
    recipe = recipe_for(arguments.model)
    name = recipe.name if arguments.biased is None else f"{recipe.name}-biased"
    run = arguments.run or Path("runs") / name
    corpus, out = arguments.corpus or run / "corpus", arguments.out or run / name
    habit = None if arguments.biased is None else HABITS[name]
    make_corpus(corpus, arguments.scenes or (60_000 if habit is None else 8_000), habit)
    if arguments.biased is None:
        train(recipe, run, corpus, arguments.language)
    else:
        train_habit(recipe, run, corpus, arguments.biased)
    export(recipe, run, out)
    figures = evaluate(load(out), run, habit=habit)
    (out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    write_card(name, out, figures)


if __name__ == "__main__":
    main()
