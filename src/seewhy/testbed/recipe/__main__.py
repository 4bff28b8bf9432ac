"""The whole recipe, from nothing to a shipped folder.

    python -m seewhy.testbed.recipe --student tiny-qwen2-vl --run runs/tiny-qwen2-vl
    python -m seewhy.testbed.recipe --student tiny-llava --run runs/tiny-llava
    python -m seewhy.testbed.recipe --student tiny-internvl --run runs/tiny-internvl \\
        --language runs/tiny-llava
    python -m seewhy.testbed.recipe --student tiny-qwen2-vl --run runs/biased \\
        --biased runs/tiny-qwen2-vl/tiny-qwen2-vl

Each step is skipped if its result is there, and a stage that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from transformers import AutoTokenizer

from seewhy.models import load
from seewhy.testbed.captions import Bias
from seewhy.testbed.recipe.card import write_card
from seewhy.testbed.recipe.corpus import open_corpus, render, shards
from seewhy.testbed.recipe.evaluation import evaluate
from seewhy.testbed.recipe.export import export
from seewhy.testbed.recipe.language import borrow
from seewhy.testbed.recipe.student import STUDENTS, Student, student
from seewhy.testbed.recipe.training import BIASED, LOSSES, STAGES, Run
from seewhy.testbed.recipe.vocabulary import train_tokenizer

SHARD = 4000
"""Scenes rendered to one file."""


def make_corpus(folder: Path, scenes: int, bias: Bias | None = None) -> None:
    """Render what is missing of the training scenes."""
    for start in range(0, scenes, SHARD):
        stop = min(scenes, start + SHARD)
        if not (folder / f"train-0-{start:07d}-{stop:07d}.json").exists():
            render(folder, start, stop, bias=bias)
            print(f"scenes {start}-{stop} of {scenes}", flush=True)


def make_tokenizer(taught: Student, folder: Path, corpus: Path) -> None:
    """Train the tokenizer on what is said of the first 12,000 scenes."""
    if not (folder / "tokenizer.json").exists():
        said = open_corpus(shards(corpus, "train", 0)[:3]).said
        texts = [text for row in said for pair in row for text in pair]
        train_tokenizer(taught, texts).save_pretrained(folder)


def teach(taught: Student, run: Path, corpus: Path, language: Path | None) -> None:
    """The three stages; the first one may be another run's."""
    make_tokenizer(taught, run / "tokenizer", corpus)
    for stage, plan in STAGES.items():
        if stage == "text" and language is not None:
            if not (run / "text.pt").exists():
                borrow(taught, language, run)
            continue
        Run(taught, run, stage, plan, seed=1, data=corpus).train(LOSSES[stage])


def teach_habit(taught: Student, run: Path, corpus: Path, start: Path) -> None:
    """Teach a finished model a habit of speech."""
    AutoTokenizer.from_pretrained(start).save_pretrained(run / "tokenizer")
    Run(taught, run, "both", BIASED, seed=1, data=corpus, start=start).train(LOSSES["both"])


def main() -> None:
    """Run all steps that are left."""
    parser = argparse.ArgumentParser(description="The whole recipe.")
    parser.add_argument("--student", choices=STUDENTS, default=STUDENTS[0])
    parser.add_argument("--run", type=Path, help="folder of the run (default: runs/STUDENT)")
    parser.add_argument("--corpus", type=Path, help="rendered scenes (default: RUN/corpus)")
    parser.add_argument("--scenes", type=int, help="default: 60,000, of a habit 8,000")
    parser.add_argument("--language", type=Path, help="run whose language model to start from")
    parser.add_argument("--biased", type=Path, help="a finished model to teach the habit")
    parser.add_argument("--out", type=Path, help="the finished folder (default: RUN/STUDENT)")
    asked = parser.parse_args()
    taught = student(asked.student)
    name = taught.name if asked.biased is None else f"{taught.name}-biased"
    run = asked.run or Path("runs") / name
    corpus, out = asked.corpus or run / "corpus", asked.out or run / name
    bias = None if asked.biased is None else Bias()
    make_corpus(corpus, asked.scenes or (60_000 if bias is None else 8_000), bias)
    if asked.biased is None:
        teach(taught, run, corpus, asked.language)
    else:
        teach_habit(taught, run, corpus, asked.biased)
    export(taught, run, out)
    figures = evaluate(load(out), run, bias=bias)
    (out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    write_card(name, out, figures)


if __name__ == "__main__":
    main()
