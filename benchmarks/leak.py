"""How much of a word's map lies on other things, and how much of that ARC and TAM remove.

    python benchmarks/leak.py                                        # shipped models, 40 scenes
    python benchmarks/leak.py --models smol-qwen2-vl --scenes 20     # prints only

For each word that names things, the mean of its map (logit lens, on the scale that it shares with
the text) over its own things, over other things and over the ground:

    leak = (others - ground) / (own - ground)

of the means over all words. 0: other things are as dark as the ground. 1: they are as bright as the
word's own. "Named before" and "not yet named" are the same over a part of the other things: a leak
that comes from earlier words would be larger on things that are named before.

The removal is TAM's in every row but the first, `relu(A - lambda I)`, with I the mean of earlier
words' maps by some weights. Controls: the weights of ARC with its agreements shuffled over the
pairs of words; equal weights; and weights that know the truth, which are the activation of the
words that name other things, and 0 for all words else. What knows the truth is what a better
agreement than rank-biased overlap could bring.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from worlds import THINGS, Reading, loaded_model, readings, shipped_models, write_results

from seewhy.core.attribution import Attribution
from seewhy.core.geometry import on_pixels
from seewhy.core.trace import Trace
from seewhy.functional import auc
from seewhy.functional.interference import context_weights, interference, remove_interference
from seewhy.functional.statistics import Values, bootstrap_weights, interval, weighted_mean
from seewhy.methods import create
from seewhy.methods._scores import same_text
from seewhy.methods._stages import Interference, Pipeline, RankingCorrelation
from seewhy.testbed.worlds import world_of

RESULTS = Path(__file__).parent / "results"
PARTS = ("own", "others", "before", "later", "ground", "auc")

Weights = Callable[[Tensor, Tensor, Trace, Reading], Tensor]
"""From activation and agreement `[text, text]`, the trace and the scene to weights of contexts."""


def _tam(activation: Tensor, rho: Tensor, trace: Trace, scene: Reading) -> Tensor:
    return activation


def _arc(activation: Tensor, rho: Tensor, trace: Trace, scene: Reading) -> Tensor:
    return (1 - rho) * activation


def _shuffled(activation: Tensor, rho: Tensor, trace: Trace, scene: Reading) -> Tensor:
    rows, columns = torch.tril_indices(len(rho), len(rho), -1)
    generator = torch.Generator().manual_seed(scene.number)
    mixed = rho.clone()
    order = torch.randperm(len(rows), generator=generator)
    mixed[rows, columns] = rho[rows[order], columns[order]]
    return (1 - mixed) * activation


def _equal(activation: Tensor, rho: Tensor, trace: Trace, scene: Reading) -> Tensor:
    return torch.ones_like(activation)


def _informed(activation: Tensor, rho: Tensor, trace: Trace, scene: Reading) -> Tensor:
    return activation * names_others(trace, scene)


SHUFFLED = "ARC, agreements shuffled"
WEIGHTS: dict[str, Weights] = {
    "TAM: activation": _tam,
    "ARC: (1 - agreement) x activation": _arc,
    SHUFFLED: _shuffled,
    "all earlier words equal": _equal,
    "knows the truth": _informed,
}
LENS = "nothing removed"


def things_of_tokens(trace: Trace, scene: Reading) -> list[frozenset[int]]:
    """For each text token the things that its word names; none for words of other roles."""
    found: list[frozenset[int]] = [frozenset()] * len(trace.text_tokens)
    for word in scene.words:
        if word.role in THINGS and word.truth is not None:
            for token in word.tokens:
                found[len(trace.prompt_tokens) + token] = frozenset(word.truth.regions)
    return found


def names_others(trace: Trace, scene: Reading) -> Tensor:
    """float `[text, text]`: 1 where the context token names things, and none of the token's own."""
    things = things_of_tokens(trace, scene)
    rows = [[float(bool(j) and not i & j) for j in things] for i in things]
    return torch.tensor(rows)


@dataclass(frozen=True, eq=False)
class Removal(Interference):
    """TAM's removal of interference with weights from a function."""

    weights: Weights = _tam
    scene: Reading | None = None

    def __call__(
        self, maps: Tensor, activation: Tensor, trace: Trace, explained: slice
    ) -> tuple[Tensor, Tensor]:
        """As of the base class."""
        assert self.scene is not None
        rho = RankingCorrelation()(trace)
        chosen = self.weights(activation, rho, trace, self.scene)
        weights = context_weights(chosen, same_text(trace))
        cleaned, _ = remove_interference(maps[explained], interference(maps, weights[explained]))
        return cleaned, activation[explained]


def measure_words(scene: Reading, attribution: Attribution) -> list[dict[str, float]]:
    """The means of each word's map over parts of the picture, for words that name things.

    A part that is empty has no value.
    """
    (height, width) = scene.sample.masks.shape[1:]
    grid, *_ = attribution.grids or scene.trace.inputs.base_grids
    maps = on_pixels(attribution.display[0].cpu(), grid, (width, height))
    anything, found = scene.sample.masks.any(0), []
    named: set[int] = set()
    for word in scene.words:
        if word.role not in THINGS or word.truth is None or not word.truth.regions:
            continue
        own = scene.mask(word.truth.regions)
        others = anything & ~own
        before = scene.mask(named) & others if named else torch.zeros_like(own)
        parts = {"own": own, "others": others, "before": before, "ground": ~anything}
        parts["later"] = others & ~before
        named |= set(word.truth.regions)
        if not (bool(others.any()) and bool(own.any()) and not bool(anything.all())):
            continue
        best = maps[word.tokens].amax(0)
        values = {name: float(best[part].mean()) for name, part in parts.items() if part.any()}
        values["auc"] = float(auc(best, own))
        found.append(values)
    return found


def attributions(scene: Reading, methods: Sequence[str]) -> dict[str, Attribution]:
    """Maps before and after removal by every kind of weights, and of further methods."""
    found = {LENS: Pipeline()(scene.evidence)}
    for name, weights in WEIGHTS.items():
        found[name] = Pipeline(interference=Removal(None, weights, scene))(scene.evidence)
    for spec in methods:
        found[f"`{spec}`"] = create(spec).attribute(scene.evidence)
    return found


def summary(values: dict[str, list[dict[str, Any]]], count: int) -> dict[str, dict[str, Any]]:
    """Leaks with intervals over scenes, by row.

    Args:
        values: of each row, one entry for each word, with the number of its scene.
        count: of scenes.
    """
    drawn = torch.cat([torch.ones(1, count).double(), bootstrap_weights(count)])
    drawings: dict[str, dict[str, Tensor]] = {}
    for name, words in values.items():
        means = {
            part: weighted_mean(
                Values.of(
                    [word[part] for word in words if part in word],
                    [word["scene"] for word in words if part in word],
                ),
                drawn,
            )
            for part in PARTS
        }
        signal = means["own"] - means["ground"]
        leaks = {
            f"leak {part}": (means[part] - means["ground"]) / signal
            for part in ("others", "before", "later")
        }
        drawings[name] = {**leaks, "signal": signal, "auc": means["auc"]}
    first = next(iter(drawings.values()))
    found: dict[str, dict[str, Any]] = {}
    for name, figures in drawings.items():
        words, shuffled = values[name], drawings.get(SHUFFLED, figures)
        figures = figures | {
            "removed": 1 - figures["leak others"] / first["leak others"],
            "kept": figures["signal"] / first["signal"],
            "auc gained": figures["auc"] - first["auc"],
            "leak over shuffled": figures["leak others"] - shuffled["leak others"],
        }
        found[name] = {
            key: {
                "value": float(all_[0]),
                **dict(zip(("low", "high"), interval(all_[1:]), strict=True)),
            }
            for key, all_ in figures.items()
        } | {"words": len(words), "scenes": len({word["scene"] for word in words})}
    return found


def measure(model: str, count: int, spec: str, methods: Sequence[str]) -> dict[str, Any]:
    """The figures of one model."""
    loaded, values = loaded_model(model), {}
    for scene in readings(loaded, spec, count, attention=bool(methods)):
        for name, attribution in attributions(scene, methods).items():
            values.setdefault(name, []).extend(
                {"scene": scene.number, **word} for word in measure_words(scene, attribution)
            )
    return {"model": Path(model).name, "data": spec, "rows": summary(values, count)}


HEADS = {
    "leak others": "leak",
    "leak before": "on things named before",
    "leak later": "on things not yet named",
    "leak over shuffled": "less that of shuffled agreements",
    "removed": "leak removed, %",
    "kept": "own - ground kept, %",
    "auc": "AUC, %",
    "auc gained": "AUC gained, points",
}
PERCENT = ("removed", "kept", "auc", "auc gained")


def cell(figure: dict[str, float], name: str) -> str:
    """A value with its interval."""
    factor, places = (100, 1) if name in PERCENT else (1, 2)
    value, low, high = (f"{factor * figure[end]:.{places}f}" for end in ("value", "low", "high"))
    return f"{value} [{low}, {high}]".replace("-", "−")


def markdown(results: Sequence[dict[str, Any]], command: str) -> str:
    """The results as tables."""
    lines = ["# Maps that lie on other things", "", f"Made by `{command}`: {INTRO}", ""]
    for result in results:
        rows = result["rows"]
        lens = rows[LENS]
        lines += [
            f"## {result['model']}",
            "",
            f"Data `{result['data']}`, {lens['scenes']} scenes, {lens['words']} words that name "
            "things.",
            "",
            f"| weights of earlier words | {' | '.join(HEADS.values())} |",
            f"| --- |{' ---: |' * len(HEADS)}",
        ]
        for name, row in rows.items():
            own = [
                (
                    ""
                    if name == LENS and key in ("removed", "kept", "auc gained")
                    else cell(row[key], key)
                )
                for key in HEADS
            ]
            lines.append(f"| {name} | {' | '.join(own)} |")
        lines.append("")
    return "\n".join(lines)


INTRO = (
    "right captions of scenes, brackets are 95 % intervals of a bootstrap over scenes. leak = "
    "(others - ground) / (own - ground), of the means of words' maps over their own things, other "
    "things and the ground."
)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="How much of a word's map lies on other things.")
    parser.add_argument("--models", nargs="*", default=shipped_models(), help="names or folders")
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--split", default="heldout")
    parser.add_argument("--methods", nargs="*", default=["tam", "intra-modal", "logit-shares"])
    parser.add_argument("--out", type=Path, help="write leak.md and leak.json here")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    results = [
        measure(
            model,
            arguments.scenes,
            f"{world_of(model)}:split={arguments.split},count={arguments.scenes}",
            arguments.methods,
        )
        for model in arguments.models
    ]
    command = f"python benchmarks/leak.py --scenes {arguments.scenes}"
    write_results(arguments.out, "leak", results, lambda found: markdown(found, command))


if __name__ == "__main__":
    main()
