"""Do models invent kinds of things, or do they misread things that are there?

    python benchmarks/misread.py                             # shipped models, 40 scenes; results/
    python benchmarks/misread.py --scenes 3 --out out        # a trial

A model describes held-out scenes of its world. For every word that names a kind: does the brightest
place of its default map lie on a thing, and which rank has the word's first token there, by the
logit lens? A word that the model misread lies on a thing, and the place says it. A word that
follows from other words need not.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from worlds import loaded_model, write_results

from seewhy.bench.suites import EMOJI_MODELS
from seewhy.datasets import open_dataset
from seewhy.explainer import Explainer
from seewhy.functional.statistics import Values, bootstrap_weights, estimate
from seewhy.metrics import answer_words
from seewhy.models import Loaded, generate, prepare
from seewhy.testbed.pretrained import pretrained
from seewhy.testbed.worlds import world_of

RESULTS = Path(__file__).parent / "results"
RANKS = (1, 10)
FIGURES = {"on a thing": "brightest place on a thing"} | {
    f"rank {rank}": f"among the {rank} likeliest there" if rank > 1 else "likeliest word there"
    for rank in RANKS
}

Row = dict[str, Any]


def rows_of_scene(loaded: Loaded, sample: Any, number: int) -> list[Row]:
    """One row for each word of a kind in a model's answer."""
    inputs = prepare(loaded.family, sample.image, sample.prompt)
    trace = generate(loaded, inputs, max_new_tokens=96, ranking_depth=1)
    spans = [(token.start, token.end) for token in trace.tokens]
    words = answer_words(trace.answer, spans, sample.annotate(trace.answer))
    ids = list(trace.ids)
    explanation = Explainer(loaded).explain(sample.image, sample.prompt, answer=ids)
    maps = {word.start: torch.from_numpy(word.heatmap) for word in explanation}
    output = loaded.model.get_output_embeddings()
    assert output is not None
    head: Any = output.weight
    anything = sample.masks.any(0)
    rows = []
    for word in words:
        truth = word.truth
        if word.role != "kind" or truth is None or truth.supported is None:
            continue
        heat = maps[word.word.start]
        row, column = divmod(int(heat.argmax()), heat.shape[1])
        top, left = (
            int((place + 0.5) * size / cells)
            for place, size, cells in zip((row, column), anything.shape, heat.shape, strict=True)
        )
        state = trace.visual_states[row * heat.shape[1] + column]
        logits = (head @ state.to(head.dtype)).float()
        rank = int((logits > logits[ids[word.tokens[0]]]).sum())
        found = {"scene": number, "untrue": not truth.supported}
        found["on a thing"] = bool(anything[top, left])
        rows.append(found | {f"rank {most}": rank < most for most in RANKS})
    return rows


def summary(rows: Sequence[Row], count: int) -> Row:
    """The shares of `FIGURES` with intervals over scenes, for untrue and true words."""
    weights, found = bootstrap_weights(count), {}
    for untrue in (True, False):
        own = [row for row in rows if row["untrue"] == untrue]
        found["untrue" if untrue else "true"] = {"words": len(own)} | {
            name: _share([float(row[name]) for row in own], [row["scene"] for row in own], weights)
            for name in (FIGURES if own else ())
        }
    return found


def _share(values: list[float], scenes: list[int], weights: Any) -> dict[str, float]:
    result = estimate("mean", [Values.of(values, scenes)], weights)
    return {"value": result.value, "low": result.low, "high": result.high}


def markdown(results: Sequence[Row], command: str) -> str:
    """The page."""
    lines = [
        "# Invented or misread?",
        "",
        f"Made by `{command}`. Words of kinds in own greedy answers about held-out scenes; per "
        "cent, 95 % intervals of a bootstrap over scenes.",
        "",
        "| model | scenes | words | number | " + " | ".join(FIGURES.values()) + " |",
        "| --- | ---: | --- | ---: |" + " ---: |" * len(FIGURES),
    ]
    for found in results:
        for group in ("untrue", "true"):
            own = found[group]
            cells = [
                "{value:.0%} [{low:.0%}, {high:.0%}]".format(**own[name]).replace("%", "")
                for name in FIGURES
                if name in own
            ]
            start = [f"`{found['model']}`", str(found["scenes"]), group, str(own["words"])]
            lines.append("| " + " | ".join(start + cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and write."""
    shipped = [name for name in EMOJI_MODELS if name in pretrained()]
    parser = argparse.ArgumentParser(description="Are untrue words misread things?")
    parser.add_argument("--models", nargs="*", default=shipped, help="names or folders")
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--data", default="", help="default: scenes of the model's world")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    results = []
    for name in arguments.models:
        loaded = loaded_model(name)
        spec = arguments.data or f"{world_of(name)}:captions=2"
        data = open_dataset(f"{spec},count={arguments.scenes}")
        rows = [
            row
            for number, id in enumerate(data.ids)
            for row in rows_of_scene(loaded, data.sample(id), number)
        ]
        results.append(
            {"model": name, "data": spec, "scenes": len(data.ids)} | summary(rows, len(data.ids))
        )
    command = f"python benchmarks/misread.py --scenes {arguments.scenes}"
    write_results(arguments.out, "misread", results, lambda found: markdown(found, command))


if __name__ == "__main__":
    main()
