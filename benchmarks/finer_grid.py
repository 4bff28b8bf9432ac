"""Aggregation over scales, or the finer grid alone? The paper's method in its second reading.

    python benchmarks/finer_grid.py --out benchmarks/results [--models NAME ...] [--scenes N]

`intra-modal(scales=(1, 2), grid=finest)` is on a grid twice as fine as that of `tam`, which reads
the picture at its own size. Here `tam` reads a picture of twice the size, too: what is left of the
difference is what the aggregation, and ARC, add. Right captions of held-out scenes of each model's
world.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from emoji_tables import FIT as FIGURES
from worlds import shipped_models, write_results

from seewhy.bench import BenchConfig, run
from seewhy.bench.cells import cells
from seewhy.bench.reading import read_results
from seewhy.core.attribution import Attribution
from seewhy.methods import Evidence, Method, create
from seewhy.testbed.worlds import world_of

SCENES = {"testbed": 60, "emoji": 20}


@dataclass(frozen=True)
class TamAtScale(Method):
    """TAM on the picture at another scale, its maps on the grid of that scale.

    Attributes:
        scale: the ratio of sides.
        window: of the filter; None leaves it out.
    """

    name: ClassVar = "tam-at-scale"
    summary: ClassVar = "TAM on the picture at another scale."
    citations: ClassVar = ("li2025tam",)
    needs: ClassVar = frozenset({"states", "scales"})

    scale: float = 2.0
    window: int | None = 3

    @property
    def further_scales(self) -> tuple[float, ...]:
        """The scale."""
        return (self.scale,)

    @property
    def subtracts_words(self) -> bool:
        """As TAM."""
        return True

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        (trace,) = evidence.traces((self.scale,))
        there = evidence.at_scale(self.scale, evidence.selected, evidence.explained.start)
        found = create("tam", window=self.window).attribute(there)
        return replace(found, grids=trace.inputs.base_grids)


def differences(model: str, data: str, scenes: int) -> dict[str, Any]:
    """The second reading above TAM at scale 2, with and without the filter, and that above TAM."""
    pairs = [
        (f"intra-modal(scales=(1, 2), grid=finest{end})", TamAtScale(window=window), f"tam{own}")
        for window, end, own in ((3, "", ""), (None, ", window=None", "(window=None)"))
    ]
    methods = [method for pair in pairs for method in pair]
    with tempfile.TemporaryDirectory() as folder:
        config = BenchConfig(
            suite="readings",
            models=[model],
            data=[data],
            methods=methods,
            limit=scenes,
            reference="tam",
            engine="in-process",
            dtype="float32",
        )
        results = read_results(run(config, out=folder))
    rows: list[dict[str, Any]] = []
    for ours, control, plain in pairs:
        for method, reference in ((ours, control.spec), (control.spec, plain)):
            found = {
                cell.column.name: {
                    "value": cell.difference,
                    "low": cell.difference_low,
                    "high": cell.difference_high,
                }
                for cell in cells(replace(results, reference=reference))
                if cell.method == method and cell.column.name in FIGURES
            }
            rows.append({"method": method, "reference": reference, **found})
    return {"model": model, "data": data, "scenes": scenes, "rows": rows}


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """The page."""
    lines = [
        "# Aggregation, or the finer grid alone?",
        "",
        "Made by `python benchmarks/finer_grid.py`. `tam-at-scale` is TAM on the picture at twice "
        "its size. Differences in per cent, 95 % intervals of a paired bootstrap over scenes.",
        "",
        "| model | scenes | | " + " | ".join(FIGURES.values()) + " |",
        "| --- | ---: | --- |" + " ---: |" * len(FIGURES),
    ]
    for found in results:
        for row in found["rows"]:
            start = [f"`{found['model']}`", str(found["scenes"])]
            start.append(f"`{row['method']}` above `{row['reference']}`")
            lines.append("| " + " | ".join(start + [_cell(row[name]) for name in FIGURES]) + " |")
    return "\n".join(lines) + "\n"


def _cell(figure: dict[str, float]) -> str:
    value, low, high = (f"{100 * figure[end]:+.1f}" for end in ("value", "low", "high"))
    return f"{value} [{low}, {high}]".replace("-", "−")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="The second reading beside TAM at scale 2.")
    parser.add_argument("--models", nargs="*", default=shipped_models(), help="names")
    parser.add_argument("--scenes", type=int, help="of each model; by its world if not given")
    parser.add_argument("--out", type=Path, help="folder for finer_grid.json and finer_grid.md")
    arguments = parser.parse_args()
    for model in arguments.models:
        data = world_of(model)
        scenes = arguments.scenes or SCENES[data]
        write_results(arguments.out, "finer_grid", [differences(model, data, scenes)], markdown)


if __name__ == "__main__":
    main()
