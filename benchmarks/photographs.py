"""How well maps fit the things of photographs, read by models that never saw one of such things.

    python benchmarks/photographs.py FOLDER                       # writes results/photographs.*
    python benchmarks/photographs.py FOLDER --limit 3 --out out   # a trial

The folder has TAM's layout of COCO (docs/datasets.md). Photographs are shown with a longer side of
448 pixels, the largest that the models were trained on; maps are compared with the masks at full
size. The model does not answer: an image's first
caption is given, and its words that name a category of the mask are measured. The models were
trained on drawn scenes of emoji alone (their towers began from features of an ImageNet model), so
this says how methods fare on a model at the edge of what it knows, and nothing of COCO as a
benchmark. Words are split by whether the category is a kind of those scenes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from worlds import Reading, loaded_model, readings, write_results

from seewhy.bench.suites import EMOJI_MODELS
from seewhy.core.attribution import Attribution
from seewhy.functional.statistics import Values, bootstrap_weights, estimate
from seewhy.methods import create
from seewhy.metrics import METRICS, ArraySample, Measurement
from seewhy.testbed.emoji.kinds import KINDS
from seewhy.testbed.pretrained import pretrained

RESULTS = Path(__file__).parent / "results"
METHODS = (
    *("random", "centre", "logit-lens", "tam", "arc", "intra-modal", "intra-modal(window=None)"),
    *("logit-shares", "msea(base=logit-shares)"),
)
LONGEST = 448
NAMES = ("overlap", "auc", "pointing-game")
FIGURES = {
    "f1-iou": "F1-IoU",
    "object-iou": "Obj-IoU",
    "function-iou": "Func-IoU",
    "auc": "AUC",
    "pointing-game": "pointing",
}
GROUPS = {"": "all words", "drawn": "kinds of the scenes", "other": "other categories"}

Row = dict[str, Any]


def rows_of(scene: Reading, spec: str, attribution: Attribution) -> Iterator[Row]:
    """The values of one photograph by one method, with the category of each word."""
    sample = ArraySample(
        scene.words,
        attribution.display[0][-len(scene.trace.tokens) :].cpu(),
        scene.sample.masks,
        id=scene.sample.id,
    )
    for name in NAMES:
        for result in METRICS.get(name)().measure(sample):
            if isinstance(result, Measurement) and result.figure in FIGURES:
                truth = None if result.word is None else scene.words[result.word].truth
                category = truth.category if truth is not None else ""
                yield {
                    "method": spec,
                    "figure": result.figure,
                    "scene": scene.number,
                    "value": result.value,
                    "group": "" if not category else "drawn" if category in KINDS else "other",
                }


def summary(rows: Sequence[Row], count: int) -> list[Row]:
    """Each figure of each method with its interval, for all words and for both groups."""
    weights, found = bootstrap_weights(count), []
    for method in dict.fromkeys(row["method"] for row in rows):
        for group in GROUPS:
            for figure in FIGURES:
                names = ("object-iou", "function-iou") if figure == "f1-iou" else (figure,)
                parts = [values_of(rows, method, name, group) for name in names]
                if any(part is None for part in parts):
                    continue
                kind = "harmonic" if figure == "f1-iou" else "mean"
                result = estimate(kind, [part for part in parts if part is not None], weights)
                found.append(
                    {
                        "method": method,
                        "group": group,
                        "figure": figure,
                        "value": result.value,
                        "low": result.low,
                        "high": result.high,
                        "photographs": result.images,
                        "words": result.values,
                    }
                )
    return found


def values_of(rows: Sequence[Row], method: str, figure: str, group: str) -> Values | None:
    """The values of one figure; function words belong to both groups."""
    chosen = [
        row
        for row in rows
        if row["method"] == method
        and row["figure"] == figure
        and (not group or row["group"] in (group, ""))
    ]
    if not chosen:
        return None
    return Values.of([row["value"] for row in chosen], [row["scene"] for row in chosen])


def measure(model: str, spec: str, limit: int, methods: Sequence[str]) -> dict[str, Any]:
    """The figures of one model, and the words' log-probability as a sign of what it knows."""
    loaded, rows, known = loaded_model(model), [], []
    number = -1
    for scene in readings(loaded, spec, limit, attention=True, longest=LONGEST):
        number = scene.number
        known += [
            torch.tensor(scene.trace.tokens[token].probability).log().item()
            for word in scene.words
            if word.role == "kind"
            for token in word.tokens[:1]
        ]
        for method in methods:
            attribution = create(method).attribute(scene.evidence)
            rows += rows_of(scene, method, attribution)
    return {
        "model": Path(model).name,
        "data": "photographs",
        "photographs": number + 1,
        "words": len(known),
        "median log-probability of named categories": float(torch.tensor(known).median()),
        "rows": summary(rows, number + 1),
    }


def markdown(results: Sequence[dict[str, Any]], command: str) -> str:
    """The results as tables."""
    lines = [
        "# Photographs",
        "",
        f"Made by `{command}`. Given captions, per cent, 95 % intervals of a bootstrap over "
        "photographs. These models never saw a photograph of such things in training: they were "
        "trained on drawn scenes of emoji. It is a reading test, and no result on COCO.",
        "",
    ]
    for result in results:
        lines += [
            f"## {result['model']}",
            "",
            f"{result['photographs']} photographs, {result['words']} words that name a category "
            "(median log-probability "
            f"{result['median log-probability of named categories']:.1f}).",
            "",
        ]
        for group, title in GROUPS.items():
            own = [row for row in result["rows"] if row["group"] == group]
            if not own:
                continue
            counted = {row["figure"]: row for row in own}
            at = counted.get("auc", own[0])
            lines += [
                f"**{title}** ({at['words']} words of {at['photographs']} photographs)",
                "",
                f"| method | {' | '.join(FIGURES.values())} |",
                f"| --- |{' ---: |' * len(FIGURES)}",
            ]
            for method in dict.fromkeys(row["method"] for row in own):
                by_name = {row["figure"]: row for row in own if row["method"] == method}
                cells = (_cell(by_name.get(name)) for name in FIGURES)
                lines.append(f"| `{method}` | {' | '.join(cells)} |")
            lines.append("")
    return "\n".join(lines)


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    return f"{100 * row['value']:.1f} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"


def main() -> None:
    """Measure, print and write."""
    shipped = [name for name in EMOJI_MODELS if name in pretrained()]
    parser = argparse.ArgumentParser(description="Maps on photographs.")
    parser.add_argument("folder", type=Path, help="TAM's layout of COCO")
    parser.add_argument("--models", nargs="*", default=shipped)
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        sys.exit(f"Skipped: expected photographs in {arguments.folder}, found no such folder.")
    torch.set_grad_enabled(False)
    spec = f"coco:{arguments.folder}?answers=reference"
    results = [
        measure(model, spec, arguments.limit, arguments.methods) for model in arguments.models
    ]
    command = "python benchmarks/photographs.py FOLDER"
    write_results(arguments.out, "photographs", results, lambda found: markdown(found, command))


if __name__ == "__main__":
    main()
