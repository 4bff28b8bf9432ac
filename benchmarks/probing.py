"""How near boxes found by experiment come to those that adapters state.

    python benchmarks/probing.py [--out benchmarks/results]

Every registered family as the tests' tiny model of random weights, with its real processor, on one
core; shapes from 1:4 to 4:1. A family whose tests bring its processor in parts is left out.
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


def within(one: Geometry, other: Geometry) -> float:
    """The share of tokens of `one` whose box's centre lies in their box of `other`."""
    centres = (one.boxes[:, :2] + one.boxes[:, 2:]) / 2
    inside = (centres >= other.boxes[:, :2]) & (centres <= other.boxes[:, 2:])
    return float(inside.all(-1).double().mean())


def measure(pair: tuple[Any, Any], shape: tuple[int, int]) -> dict[str, Any]:
    """One family's figures on one shape; what stopped the probe, if it was stopped."""
    exact = load(pair).family
    begun = time.perf_counter()
    try:
        family = Probed(pair[0], parts_of(pair[1]))
        visual, wanted = family.process_image(noise(shape, 3)), exact.process_image(noise(shape, 3))
    except SeewhyError as error:
        return {"refused": str(error)}
    found, spent = family.probe(shape), time.perf_counter() - begun
    same = (visual.visual, visual.non_spatial) == (wanted.visual, wanted.non_spatial)
    return {
        "same tokens": same,
        "probed in exact": within(visual.geometry, wanted.geometry) if same else 0.0,
        "exact in probed": within(wanted.geometry, visual.geometry) if same else 0.0,
        "confidence": found.confidence,
        "passes": found.passes,
        "seconds": round(spent, 2),
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
    parser = argparse.ArgumentParser(description="Probed boxes against those of the adapters.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args()
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
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "probing.md").write_text(text)
    record = {"rows": rows, "left out": left_out}
    (asked.out / "probing.json").write_text(json.dumps(record, indent=2) + "\n")
    print("\n" + text)


if __name__ == "__main__":
    main()
