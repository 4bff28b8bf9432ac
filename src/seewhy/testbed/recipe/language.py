"""Start a student from the language model of another: the text stage is the same for all.

    python -m seewhy.testbed.recipe.language --of runs/tiny-llava --for runs/tiny-internvl \
        --student tiny-internvl

As released models start from one language model. Rows of the vocabulary go by their tokens, since
students have special tokens of their own; what the other has not (biases) stays as it is built.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from seewhy.testbed.recipe.student import STUDENTS, Student, student


def borrow(taught: Student, source: Path, run: Path) -> tuple[str, ...]:
    """Write `text.pt` of a run from another run's, and name the parameters that stay as built.

    Args:
        taught: the student of `run`.
        source: run whose text stage is done.
        run: run that has a tokenizer, and no text stage.
    """
    old, new = (AutoTokenizer.from_pretrained(folder / "tokenizer") for folder in (source, run))
    state = torch.load(source / "text.pt", map_location="cpu")
    known = {
        name.removeprefix("model.language_model."): value
        for name, value in state["model"].items()
        if name.startswith("model.language_model.")
    }
    model: Any = taught.build(new)
    language = model.model.language_model
    with torch.no_grad():
        table = language.embed_tokens.weight
        theirs, vocabulary = known.pop("embed_tokens.weight"), old.get_vocab()
        for token, row in new.get_vocab().items():
            if token in vocabulary:
                table[row] = theirs[vocabulary[token]]
    missing, unknown = language.load_state_dict(known, strict=False)
    if unknown:
        raise ValueError(f"Expected a language model of the same parts, got {unknown}.")
    torch.save({"step": state["step"], "model": model.state_dict()}, run / "text.pt")
    return tuple(name for name in missing if name != "embed_tokens.weight")


def main() -> None:
    """Borrow a language model."""
    parser = argparse.ArgumentParser(description="Start from another run's language model.")
    parser.add_argument("--of", type=Path, required=True, help="run whose text stage is done")
    parser.add_argument("--for", dest="run", type=Path, required=True, help="run that begins")
    parser.add_argument("--student", choices=STUDENTS, required=True)
    asked = parser.parse_args()
    print(f"as built: {borrow(student(asked.student), asked.of, asked.run)}")


if __name__ == "__main__":
    main()
