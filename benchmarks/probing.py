"""How close probed boxes are to the exact boxes of the families.

    python benchmarks/probing.py [--out benchmarks/results]

Every registered family, as the tests' tiny model with random weights and its real processor, on one
core; shapes from 1:4 to 4:1. A family whose tests build the processor from parts is left out.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

from seewhy.core.errors import SeewhyError
from seewhy.core.geometry import Geometry
from seewhy.models import load
from seewhy.models.families.probed import Probed
from seewhy.models.probing import noise
from seewhy.models.processing import parts_of

TESTS = Path(__file__).parents[1] / "tests"
SHAPES = ((60, 240), (97, 131), (150, 100), (240, 60))


def within(geometry: Geometry, other: Geometry) -> float:
    """The share of tokens whose box centre in `geometry` is inside their box in `other`."""
    centres = (geometry.boxes[:, :2] + geometry.boxes[:, 2:]) / 2
    inside = (centres >= other.boxes[:, :2]) & (centres <= other.boxes[:, 2:])
    return float(inside.all(-1).double().mean())


def measure(pair: tuple[Any, Any], shape: tuple[int, int]) -> dict[str, Any]:
    """One family's figures on one shape, or the error of the probe."""
    exact = load(pair).family
    start = time.perf_counter()
    try:
        family = Probed(pair[0], parts_of(pair[1]))
        visual, expected = (
            family.process_image(noise(shape, 3)),
            exact.process_image(noise(shape, 3)),
        )
    except SeewhyError as error:
        return {"refused": str(error)}
    probe, seconds = family.probe(shape), time.perf_counter() - start
    same = (visual.visual, visual.non_spatial) == (expected.visual, expected.non_spatial)
    return {
        "same tokens": same,
        "probed in exact": within(visual.geometry, expected.geometry) if same else 0.0,
        "exact in probed": within(expected.geometry, visual.geometry) if same else 0.0,
        "confidence": probe.confidence,
        "passes": probe.passes,
        "seconds": round(seconds, 2),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The results as Markdown."""
    names = ("probed in exact", "exact in probed", "confidence", "passes", "seconds")
    lines = [
        "Shares of tokens whose box's centre lies in the other's box; tiny models, one core.",
        "",
        "| family | picture | " + " | ".join(names) + " |",
        "| --- | --- |" + " ---: |" * len(names),
    ]
    for row in rows:
        cells = " | ".join(f"{row[name]:.3g}" for name in names if name in row)
        lead = f"| {row['family']} | {row['shape'][0]} x {row['shape'][1]} | "
        lines.append(lead + (cells if cells else "refused" + " |" * (len(names) - 1)) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print the table, and write it with all figures."""
    parser = argparse.ArgumentParser(description="Probed boxes compared with exact ones.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sys.path.insert(0, str(TESTS))
    builders = dict(importlib.import_module("families").BUILDERS)
    builders["qwen2-vl"] = importlib.import_module("unadapted").qwen2_vl
    rows, left_out = [], []
    for name, builder in sorted(builders.items()):
        pair = builder()
        if parts_of(pair[1]).original is None:
            left_out.append(name)
            continue
        rows += [{"family": name, "shape": s, **measure(pair, s)} for s in SHAPES]
        print(f"\r{name} done", end="", file=sys.stderr, flush=True)
    text = table(rows)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "probing.md").write_text(text)
    record = {"rows": rows, "left out": left_out}
    (arguments.out / "probing.json").write_text(json.dumps(record, indent=2) + "\n")
    print("\n" + text)


if __name__ == "__main__":
    main()
