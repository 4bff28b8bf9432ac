"""Which scales, and which stages: the ablation behind `intra-modal`'s defaults.

    python benchmarks/scales.py [--scenes 150] [--out benchmarks/results]

On TRAIN-split scenes of the drawn world (those that a choice may be made on), with the model that
ships with the package; teacher-forced right captions. All variants see the same readings in one
run; intervals are 95 % bootstraps over scenes, of the difference to the first row.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from seewhy.methods import Method, create
from seewhy.models import load
from seewhy.testbed.recipe.evaluation import SceneFigures, map_scenes, summary

SHIPPED = Path(__file__).parents[1] / "src/seewhy/testbed/checkpoints/tiny-qwen2-vl"
SCALE_SETS: tuple[tuple[float, ...], ...] = (
    (1.0,),
    (0.75, 1.0, 1.25),
    (0.5, 1.0, 1.5),
    (0.5, 0.75, 1.0, 1.25, 1.5),
    (1.0, 1.25, 1.5),
    (1.0, 1.5, 2.0),
    (1.0, 1.25, 1.5, 1.75, 2.0),
    (0.5, 0.75, 1.0),
)
SHOWN = ("object iou", "function iou", "f1 iou", "f1 iou at 0.5", "auc kind", "leak")


def variants() -> dict[str, Method]:
    """Every row of the table, the reference first."""
    rows: dict[str, Method] = {"tam": create("tam"), "logit-lens": create("logit-lens")}
    rows["arc + filter"] = create("arc", window=3)
    for scales in SCALE_SETS:
        shown = ", ".join(f"{s:g}" for s in scales)
        rows[f"msea ({shown})"] = create("msea", scales=scales)
        rows[f"intra-modal ({shown})"] = create("intra-modal", scales=scales)
    five = (0.5, 0.75, 1.0, 1.25, 1.5)
    rows["intra-modal, by decision consistency"] = create(
        "intra-modal", scales=five, weights="consistency"
    )
    rows["intra-modal, without filter"] = create("intra-modal", scales=five, window=None)
    for variant in ("inverse", "threshold"):
        rows[f"intra-modal, ARC {variant}"] = create("intra-modal", scales=five, variant=variant)
    for k in (5, 10, 20, 100):
        rows[f"intra-modal, k {k}"] = create("intra-modal", scales=five, k=k)
    for p in (0.5, 0.7, 0.8, 0.95):
        rows[f"intra-modal, p {p}"] = create("intra-modal", scales=five, p=p)
    return rows


def intervals(
    scenes: list[dict[str, SceneFigures]], rows: list[str], draws: int, seed: int = 0
) -> dict[str, dict[str, tuple[float, float]]]:
    """95 % intervals of each row's difference to the first, scenes drawn with replacement."""
    rng = np.random.default_rng(seed)
    found: dict[str, dict[str, list[float]]] = {row: {n: [] for n in SHOWN} for row in rows[1:]}
    for _ in range(draws):
        drawn = [scenes[i] for i in rng.integers(len(scenes), size=len(scenes))]
        figures = {row: summary([scene[row] for scene in drawn]) for row in rows}
        for row in rows[1:]:
            for name in SHOWN:
                found[row][name].append(figures[row][name] - figures[rows[0]][name])
    return {
        row: {name: tuple(np.quantile(v, (0.025, 0.975)).tolist()) for name, v in values.items()}
        for row, values in found.items()
    }


def table(means: dict[str, dict[str, float]], spans: dict, scenes: int) -> str:
    """The results as Markdown, in percent."""
    lines = [
        f"Per cent, {scenes} train-split scenes; in brackets the 95 % interval of the difference of"
        " F1-IoU to TAM.",
        "",
        "| | " + " | ".join(SHOWN) + " | F1-IoU against TAM |",
        "| --- |" + " ---: |" * (len(SHOWN) + 1),
    ]
    for row, figures in means.items():
        cells = " | ".join(f"{100 * figures[name]:.1f}" for name in SHOWN)
        low, high = spans[row]["f1 iou"] if row in spans else (0.0, 0.0)
        lines.append(f"| {row} | {cells} | [{100 * low:+.1f}, {100 * high:+.1f}] |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print the table, and write it with all figures."""
    parser = argparse.ArgumentParser(description="Ablation of scales and stages on the testbed.")
    parser.add_argument("--scenes", type=int, default=150)
    parser.add_argument("--draws", type=int, default=200, help="bootstrap samples")
    parser.add_argument("--model", default=str(SHIPPED))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args()
    rows = variants()
    scenes = []
    for found in map_scenes(load(asked.model), rows, split="train", count=asked.scenes):
        scenes.append(found)
        print(f"\r{len(scenes)} of {asked.scenes} scenes", end="", file=sys.stderr, flush=True)
    means = {row: summary([scene[row] for scene in scenes]) for row in rows}
    spans = intervals(scenes, list(rows), asked.draws)
    text = table(means, spans, asked.scenes)
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "scales.md").write_text(text)
    record = {"scenes": asked.scenes, "means": means, "differences to tam": spans}
    (asked.out / "scales.json").write_text(json.dumps(record, indent=2) + "\n")
    print("\n" + text)


if __name__ == "__main__":
    main()
