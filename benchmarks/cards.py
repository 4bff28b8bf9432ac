"""The maps' figures in the cards of the shipped models, measured anew.

    python benchmarks/cards.py                 # about half an hour on one core; all shipped models
    python benchmarks/cards.py tiny-llava      # one model

Replaces the groups `maps: ...` in a checkpoint's `figures.json` and the table in its `README.md`.
Accuracies stay as they were measured: they need no map.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path

from seewhy.methods import create
from seewhy.models import load
from seewhy.testbed.pretrained import pretrained
from seewhy.testbed.recipe import card
from seewhy.testbed.recipe.evaluation import METHOD_NAMES, map_figures

SECTION = re.compile(r"## Maps on held-out captions\n.*?(?=\n## )", re.DOTALL)


def measured(name: str, scenes: int) -> dict[str, dict[str, float]]:
    """The groups `maps: ...` of one shipped model."""
    methods = {method: create(method) for method in METHOD_NAMES}
    methods["intra-modal without the filter"] = create("intra-modal", window=None)
    found = map_figures(load(name), methods, count=scenes)
    return {f"maps: {method}": values for method, values in found.items()}


def write(folder: Path, maps: Mapping[str, Mapping[str, float]]) -> None:
    """Replace the maps' figures of a checkpoint, and the table in its card."""
    path, page = folder / "figures.json", folder / "README.md"
    figures = json.loads(path.read_text("utf-8")) | maps
    table = card._maps(figures)
    text, count = SECTION.subn(lambda _: table + "\n", page.read_text("utf-8"))
    if count != 1:
        raise SystemExit(f"Expected one section of maps in {page}, got {count}: write the card.")
    path.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    page.write_text(text, "utf-8")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="Figures of maps in the shipped models' cards.")
    parser.add_argument("models", nargs="*", help="names of shipped models; all if left out")
    parser.add_argument("--scenes", type=int, default=300)
    arguments = parser.parse_args()
    shipped = pretrained()
    for name in arguments.models or shipped:
        write(Path(shipped[name]), measured(name, arguments.scenes))
        print(name)


if __name__ == "__main__":
    main()
