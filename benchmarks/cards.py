"""The maps' figures in the cards of the shipped models, measured anew.

    python benchmarks/cards.py measure cards.json --workers 6   # minutes on an idle core a model
    python benchmarks/cards.py write cards.json                 # results/cards.json, the cards

Replaces the table of maps in each checkpoint's `README.md`. `figures.json` beside it stays as it
was written when the model was trained, since a model's fingerprint is of its files: its groups
`maps: ...` are of the earlier Func-IoU.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from seewhy.methods import create
from seewhy.models import load
from seewhy.testbed.pretrained import pretrained
from seewhy.testbed.recipe import card
from seewhy.testbed.recipe.evaluation import METHOD_NAMES, map_figures
from seewhy.testbed.smol.part_files import is_in_parts

Maps = dict[str, dict[str, float]]
"""The groups `maps: METHOD` of one model."""

RESULT = Path(__file__).parent / "results" / "cards.json"
SECTION = re.compile(r"## Maps on held-out captions\n.*?(?=\n## )", re.DOTALL)
MEASURED = (
    "Overlaps are as TAM's code evaluates them, measured by `benchmarks/cards.py`. The groups of "
    "maps in `figures.json` are of an earlier definition of Func-IoU."
)


def measured(name: str, scenes: int) -> Maps:
    """The figures of one shipped model."""
    methods = {method: create(method) for method in METHOD_NAMES}
    methods["intra-modal without the filter"] = create("intra-modal", window=None)
    found = map_figures(load(name), methods, count=scenes)
    return {f"maps: {method}": values for method, values in found.items()}


def measure(out: Path, workers: int, scenes: int) -> None:
    """Measure every model of the drawn world, one in each process."""
    names = sorted(name for name, folder in pretrained().items() if not is_in_parts(folder))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context) as pool:
        found = dict(zip(names, pool.map(measured, names, [scenes] * len(names)), strict=True))
    out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def write(found: dict[str, Maps]) -> None:
    """Keep the figures, and replace the tables of the cards."""
    RESULT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    for name, maps in found.items():
        page = pretrained()[name] / "README.md"
        text, count = SECTION.subn(
            lambda _, maps=maps: f"{card._maps(maps)}\n\n{MEASURED}\n", page.read_text("utf-8")
        )
        if count != 1:
            raise SystemExit(
                f"Expected one section of maps in {page}, got {count}: write the card."
            )
        page.write_text(text, "utf-8")


def main() -> None:
    """Measure or write."""
    parser = argparse.ArgumentParser(description="Figures of maps in the shipped models' cards.")
    parser.add_argument("what", choices=("measure", "write"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--scenes", type=int, default=300)
    arguments = parser.parse_args()
    if arguments.what == "measure":
        measure(arguments.file, arguments.workers, arguments.scenes)
    else:
        write(json.loads(arguments.file.read_text("utf-8")))


if __name__ == "__main__":
    main()
