"""Support of verdicts beside other scores of unsupported words, one table for each biased model.

    python benchmarks/detection.py            # held-out scenes; writes results/detection.*

The words are those of `benchmarks/verdicts.py`: invented against true ones, in the models' own
answers. Every score is computed on the same words; high scores mean unsupported. AUROC, AUPR
(average precision) and the rate of false positives at 95 % recall, with bootstrap intervals over
scenes (95 %). Passes are readings of a picture with the answer, for all words together; time is
over the time of generation, on the same machine in the same run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from verdicts import BATCH, ROLES, is_of_habit

from seewhy.core.text import words_of
from seewhy.functional.statistics import Values, bootstrap_weights, interval, statistic
from seewhy.testbed.habits import HABITS

RESULTS = Path(__file__).parent / "results"

NAMES = {
    "support": "1 - support of the verdict",
    "context-share": "strongest context over itself and the map's peak (logit shares)",
    "negative-map-peak": "faintness of the map (logit shares)",
    "negative-visual-share": "1 - visual share (logit shares)",
    "arc-map-peak": "faintness of the map (arc)",
    "nll": "negative log-probability",
    "entropy": "entropy of the prediction",
    "image-log-probability-gap": "log p on grey - log p",
    "non-image-attention": "attention not on the picture",
    "negative-internal-confidence": "internal confidence",
    "negative-svar": "SVAR",
    "negative-contextual-lens": "ContextualLens",
    "negative-glsim": "GLSim",
    "negative-inslen": "InsLen",
    "ads": "ADS",
    "negative-cgc": "CGC",
}

Row = dict[str, Any]


def rows_of_scenes(model: str, habit: str, split: str, scenes: range) -> list[Row]:
    """One row for each word, with all scores; runs in a process of its own."""
    from seewhy.datasets import open_dataset
    from seewhy.explainer import Explainer
    from seewhy.models import load
    from seewhy.testbed.pretrained import pretrained_folder

    torch.set_num_threads(1)
    explainer = Explainer(load(pretrained_folder(model)))
    data = open_dataset(f"testbed:habit={habit},split={split},count={scenes.stop}")
    return [
        row
        for number in scenes
        for row in _rows(explainer, data.sample(data.ids[number]), habit, number)
    ]


def _rows(explainer: Any, sample: Any, habit: str, number: int) -> Iterator[Row]:
    from seewhy.images.changes import grey_picture
    from seewhy.metrics._detectors import detect
    from seewhy.metrics.hallucination_baselines import _scores, predictions
    from seewhy.models.passes import count_passes
    from seewhy.models.session import Session

    loaded = explainer.loaded
    with count_passes(loaded.model) as counted:
        found = explainer.explain(sample.image, sample.prompt, diagnose=True)
    record = found.record
    seconds = record.provenance.seconds
    ids = [token.id for token in record.tokens]
    session = Session.from_image(loaded, sample.image, sample.prompt, ids)
    truths = {truth.start: truth for truth in sample.annotate(found.answer)}
    chosen = []
    for index, word in enumerate(found):
        truth = truths.get(word.start)
        if truth is None or truth.supported is None or word.verdict is None:
            continue
        mine = is_of_habit(found.answer, word, truth, habit)
        if truth.role in ROLES[habit] and truth.supported != mine:
            chosen.append((index, not truth.supported))
    spans = words_of(record.answer, [(token.start, token.end) for token in record.tokens])
    tokens = [list(spans[index].tokens) for index, _ in chosen]
    if not tokens:
        return
    start = time.perf_counter()
    published = detect(session, session.inputs(), tokens)
    detectors = time.perf_counter() - start
    original, grey = predictions(session, [sample.image, grey_picture(sample.image)])
    arc = explainer.explain(sample.image, sample.prompt, answer=ids, method="arc")
    for place, (index, label) in enumerate(chosen):
        word = found.words[index]
        context = max((weight for _, weight in word.context), default=0.0)
        peak = float(word.heatmap.max())
        scores = {
            "support": 1 - word.verdict.support,
            "context-share": context / max(context + peak, 1e-12),
            "negative-map-peak": -peak,
            "negative-visual-share": -word.visual_share,
            "arc-map-peak": -float(arc.words[index].heatmap.max()),
            **_scores(original, grey, tokens[place]),
            **{name: float(values[place]) for name, values in published.items()},
        }
        yield {
            "scene": number,
            "label": label,
            "scores": scores,
            "passes": counted.forward - len(ids),
            "seconds": {**seconds, "detectors": detectors},
        }


def table_of(rows: list[Row]) -> dict[str, dict[str, list[float]]]:
    """For each score AUROC, AUPR and FPR at 95 % recall, each with its interval."""
    scenes = {scene: place for place, scene in enumerate(dict.fromkeys(r["scene"] for r in rows))}
    weights = bootstrap_weights(len(scenes))
    labels = torch.tensor([r["label"] for r in rows])
    images = torch.tensor([scenes[r["scene"]] for r in rows])
    table: dict[str, dict[str, list[float]]] = {}
    for name in NAMES:
        values = torch.tensor([r["scores"][name] for r in rows], dtype=torch.float64)
        figures = Values(values, images, labels)
        table[name] = {}
        for kind in ("auroc", "average-precision", "fpr95"):
            low, high = interval(statistic(kind, [figures], weights))
            value = statistic(kind, [figures], torch.ones(1, len(scenes), dtype=torch.float64))
            table[name][kind] = [float(value[0]), low, high]
    return table


def markdown(tables: dict[str, Any]) -> str:
    """One table for each model."""
    lines = [
        "# Scores of unsupported words, on biased models",
        "",
        (__doc__ or "").split("\n\n", 2)[2],
    ]
    for model, found in tables.items():
        lines += [
            f"## {model}",
            "",
            f"{found['scenes']} held-out scenes, {found['words']} words, {found['invented']} of "
            f"them invented. The verdict: {found['passes']:.0f} passes after generation and "
            f"{found['diagnose']:.1f} times its time; all published detectors together "
            f"{found['detectors']:.2f} times.",
            "",
            "| score | AUROC | AUPR | FPR at 95 % recall |",
            "| --- | --- | --- | --- |",
        ]
        for name, figures in found["table"].items():
            cells = " | ".join(
                f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
                for value, low, high in figures.values()
            )
            lines.append(f"| {NAMES[name]} | {cells} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(description="Scores of unsupported words.")
    parser.add_argument("--split", choices=("heldout", "train"), default="heldout")
    parser.add_argument("--count", type=int, default=100, help="scenes of each model")
    parser.add_argument("--models", nargs="*", default=list(HABITS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    tables: dict[str, Any] = {}
    for model in arguments.models:
        habit = HABITS[model].name
        parts = [
            range(start, min(start + BATCH, arguments.count))
            for start in range(0, arguments.count, BATCH)
        ]
        with ProcessPoolExecutor(arguments.workers) as pool:
            jobs = [
                pool.submit(rows_of_scenes, model, habit, arguments.split, part) for part in parts
            ]
            rows = [row for job in jobs for row in job.result()]
        generation = sum(row["seconds"]["generate"] for row in rows)
        tables[model] = {
            "scenes": arguments.count,
            "words": len(rows),
            "invented": sum(row["label"] for row in rows),
            "passes": sum(row["passes"] for row in rows) / len(rows),
            "diagnose": sum(row["seconds"]["diagnose"] for row in rows) / generation,
            "detectors": sum(row["seconds"]["detectors"] for row in rows) / generation,
            "table": table_of(rows),
        }
        print(markdown({model: tables[model]}).split("##")[-1], flush=True)
    (arguments.out / "detection.json").write_text(json.dumps(tables, indent=1) + "\n")
    (arguments.out / "detection.md").write_text(markdown(tables))


if __name__ == "__main__":
    main()
