"""The whole recipe, from nothing to the shipped folder.

    python -m seewhy.testbed.recipe --run runs/tiny-qwen2-vl [--scenes 60000] [--out FOLDER]

Each step is skipped if its result is there, and a stage that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from seewhy.models import load
from seewhy.testbed.recipe.card import write_card
from seewhy.testbed.recipe.corpus import open_corpus, render, shards
from seewhy.testbed.recipe.evaluation import evaluate
from seewhy.testbed.recipe.export import export
from seewhy.testbed.recipe.training import LOSSES, STAGES, Run
from seewhy.testbed.recipe.vocabulary import train_tokenizer

SHARD = 4000
"""Scenes rendered to one file."""


def make_corpus(folder: Path, scenes: int) -> None:
    """Render what is missing of the training scenes."""
    for start in range(0, scenes, SHARD):
        stop = min(scenes, start + SHARD)
        if not (folder / f"train-0-{start:07d}-{stop:07d}.json").exists():
            render(folder, start, stop)
            print(f"scenes {start}-{stop} of {scenes}", flush=True)


def make_tokenizer(folder: Path, corpus: Path) -> None:
    """Train the tokenizer on what is said of the first 12,000 scenes."""
    if not (folder / "tokenizer.json").exists():
        said = open_corpus(shards(corpus, "train", 0)[:3]).said
        texts = [text for row in said for pair in row for text in pair]
        train_tokenizer(texts).save_pretrained(folder)


def main() -> None:
    """Run all steps that are left."""
    parser = argparse.ArgumentParser(description="The whole recipe.")
    parser.add_argument("--run", type=Path, default=Path("runs/tiny-qwen2-vl"))
    parser.add_argument("--scenes", type=int, default=60_000)
    parser.add_argument("--out", type=Path, help="the finished folder (default: RUN/tiny-qwen2-vl)")
    asked = parser.parse_args()
    corpus, out = asked.run / "corpus", asked.out or asked.run / "tiny-qwen2-vl"
    make_corpus(corpus, asked.scenes)
    make_tokenizer(asked.run / "tokenizer", corpus)
    for stage, plan in STAGES.items():
        Run(asked.run, stage, plan, seed=1, data=corpus).train(LOSSES[stage])
    export(asked.run, out)
    figures = evaluate(load(out), asked.run)
    (out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    write_card(out, figures)


if __name__ == "__main__":
    main()
