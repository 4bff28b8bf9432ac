"""Start a model from the language model of another run: the text stage is the same for all.

    python -m seewhy.testbed.recipe.language --of runs/tiny-llava --for runs/tiny-internvl \
        --model tiny-internvl

Released models start from one language model, too. Embedding rows are copied by token, because each
model has its own special tokens. Parameters that the other model lacks (biases) keep their fresh
values.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from seewhy.testbed.recipe.model_recipe import MODELS, ModelRecipe, recipe_for


def copy_language_model(recipe: ModelRecipe, source: Path, run: Path) -> tuple[str, ...]:
    """Write `text.pt` of a run from another run's.

    Args:
        recipe: the model of `run`.
        source: run whose text stage is finished.
        run: run with a tokenizer and without a text stage.

    Returns:
        Names of the parameters that keep their fresh values.
    """
    old, new = (AutoTokenizer.from_pretrained(folder / "tokenizer") for folder in (source, run))
    state = torch.load(source / "text.pt", map_location="cpu")
    known = {
        name.removeprefix("model.language_model."): value
        for name, value in state["model"].items()
        if name.startswith("model.language_model.")
    }
    model: Any = recipe.build(new)
    language = model.model.language_model
    with torch.no_grad():
        table = language.embed_tokens.weight
        source_rows, vocabulary = known.pop("embed_tokens.weight"), old.get_vocab()
        for token, row in new.get_vocab().items():
            if token in vocabulary:
                table[row] = source_rows[vocabulary[token]]
    missing, unknown = language.load_state_dict(known, strict=False)
    if unknown:
        raise ValueError(
            f"Expected a language model with the same parameters, got also {unknown}: copy from a "
            "run of the same sizes."
        )
    torch.save({"step": state["step"], "model": model.state_dict()}, run / "text.pt")
    return tuple(name for name in missing if name != "embed_tokens.weight")


def main() -> None:
    """Copy a language model."""
    parser = argparse.ArgumentParser(description="Start from another run's language model.")
    parser.add_argument("--of", type=Path, required=True, help="run whose text stage is finished")
    parser.add_argument("--for", dest="run", type=Path, required=True, help="run that starts")
    parser.add_argument("--model", choices=MODELS, required=True)
    arguments = parser.parse_args()
    fresh = copy_language_model(recipe_for(arguments.model), arguments.of, arguments.run)
    print(f"fresh values: {fresh}")


if __name__ == "__main__":
    main()
