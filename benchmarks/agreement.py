"""How far the rankings of two tokens agree, and whether that tells what ARC needs to know.

    python benchmarks/agreement.py                                     # shipped models, 60 scenes
    python benchmarks/agreement.py --models smol-qwen2-vl --scenes 10  # prints only

ARC compares the ids that the model ranked first when it predicted two tokens, by rank-biased
overlap: 1 for equal rankings, 0 for rankings without a common id. Its weight of an earlier token is
(1 - overlap) x activation, where TAM's is the activation. So ARC can only differ from TAM where
overlaps differ from each other; and it can only help if words of the same thing overlap more than
words of other things.

Right captions of scenes of the model's own world: each token of the caption with every earlier
token of another text. Intervals (95 %) are of a bootstrap over scenes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from worlds import (
    ATTRIBUTES,
    THINGS,
    Reading,
    loaded_model,
    readings,
    shipped_models,
    write_results,
)

from seewhy.functional import text_activation
from seewhy.functional.rank_biased_overlap import rank_biased_overlap
from seewhy.functional.statistics import Values, bootstrap_weights, interval, statistic
from seewhy.methods._layers import states_of_layers
from seewhy.methods._scores import context_states, output_of, same_text, text_positions
from seewhy.models.decoder import final_norm_of, layers_of
from seewhy.models.isolation import eval_mode
from seewhy.models.unembedding import cached_unembedding
from seewhy.testbed.worlds import world_of

RESULTS = Path(__file__).parent / "results"
DEPTHS = (10, 50, 200, 1000)
PERSISTENCES = (0.8, 0.9, 0.98)
USUAL = (50, 0.9)
"""The paper's k, and the p that is used where the paper has none."""
LAYERS = (0.25, 0.5, 0.75, 0.9, 1.0)
"""Depths in the language model, as parts of its layers."""
PROMPT, PIECE = "prompt", "piece of a word"


def classes(scene: Reading) -> list[str]:
    """What each text token is: a word's role, of the prompt, or a later piece of a word."""
    prompt, trace = len(scene.trace.prompt_tokens), scene.trace
    found = [PROMPT] * prompt + [""] * len(trace.tokens)
    for word in scene.words:
        for number, token in enumerate(word.tokens):
            found[prompt + token] = PIECE if number else word.role
    return found


def regions(scene: Reading) -> list[frozenset[int]]:
    """The things that each text token's word is about."""
    prompt, trace = len(scene.trace.prompt_tokens), scene.trace
    found: list[frozenset[int]] = [frozenset()] * len(trace.text_tokens)
    for word in scene.words:
        if word.truth is not None and word.role in (*THINGS, *ATTRIBUTES):
            for token in word.tokens:
                found[prompt + token] = frozenset(word.truth.regions)
    return found


def groups(scene: Reading) -> dict[str, Tensor]:
    """bool `[text, text]` for each kind of pair: the token in rows, the earlier one in columns."""
    of, things = classes(scene), regions(scene)
    counted = torch.ones(len(of), len(of), dtype=torch.bool).tril(-1) & ~same_text(scene.trace)
    counted[: len(scene.trace.prompt_tokens)] = False

    def either(first: Sequence[str], second: Sequence[str]) -> Tensor:
        one, other = (torch.tensor([c in names for c in of]) for names in (first, second))
        return (one[:, None] & other[None, :] | other[:, None] & one[None, :]) & counted

    def pairs(test: Any) -> Tensor:
        return torch.tensor([[test(i, j) for j in things] for i in things])

    same = pairs(lambda i, j: bool(i & j))
    different = pairs(lambda i, j: bool(i) and bool(j) and not i & j)
    roles = torch.tensor([sorted(set(of)).index(c) for c in of])
    content = either((*THINGS, *ATTRIBUTES), (*THINGS, *ATTRIBUTES))
    in_answer = torch.tensor([c != PROMPT for c in of])
    return {
        "all": counted,
        "two words of one role": counted
        & (roles[:, None] == roles)
        & in_answer
        & in_answer[:, None],
        "two different things": either(THINGS, THINGS) & different,
        OWN: either(THINGS, ATTRIBUTES) & same,
        ANOTHERS: either(THINGS, ATTRIBUTES) & different,
        "two attributes": either(ATTRIBUTES, ATTRIBUTES),
        "a thing and a function word": either(THINGS, ("function",)),
        "two function words": either(("function",), ("function",)),
        "a word and the prompt": counted & ~in_answer[None, :],
        "pieces of words": either((PIECE,), (*set(of),)),
        SAME: content & same,
        OTHER: content & different,
    }


SAME, OTHER = "words of one thing", "words of different things"
OWN, ANOTHERS = "a thing and its own attribute", "a thing and another's attribute"
TELLS = {"AUROC, %": (SAME, OTHER), "of things and attributes alone": (OWN, ANOTHERS)}
"""The pairs to keep, and the pairs whose interference is to be removed."""

NEAR = "at equal distance"
"""The same AUROC of words, among pairs that stand equally far apart: words of one thing are near
each other, and near words have similar rankings by that alone."""

DISTANCES = (2, 3, 4, 5, 7, 10, 15, 23)
"""Tokens between two words at which another group of distances begins."""


def rankings_of_layers(scene: Reading, loaded: Any) -> dict[str, Tensor]:
    """Rankings `[text, rank]` that the logit lens reads at some depths of the model."""
    session = scene.evidence.session
    assert session is not None
    count = len(layers_of(loaded.model))
    positions = text_positions(scene.trace) - 1
    states = states_of_layers(session, scene.trace, positions)
    norm, unembedding = final_norm_of(loaded.model), cached_unembedding(loaded.model)
    found = {}
    with eval_mode(loaded.model):
        for part in LAYERS:
            layer = max(1, round(part * count))
            logits = unembedding(norm(states[layer]))
            found[f"{layer} of {count}"] = logits.topk(USUAL[0], -1).indices
    return found


class Pairs:
    """Values of pairs of tokens, by setting and group, with the scene of each."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], list[Tensor]] = {}
        self.scenes: dict[tuple[str, str], list[Tensor]] = {}

    def add(self, setting: str, group: str, values: Tensor, scene: int) -> None:
        """Add the values of one scene."""
        key = setting, group
        self.values.setdefault(key, []).append(values.double())
        self.scenes.setdefault(key, []).append(torch.full((len(values),), scene))

    def of(self, setting: str, group: str) -> Values | None:
        """The values of a group; None without any."""
        key = setting, group
        if not sum(map(len, self.values.get(key, []))):
            return None
        return Values(torch.cat(self.values[key]), torch.cat(self.scenes[key]))


def setting_of(k: int, p: float) -> str:
    """The name of a setting of rank-biased overlap."""
    return f"k = {k}, p = {p:g}"


ACTIVATION, NEARNESS = "activation", "nearness"


def measured(model: str, spec: str, count: int) -> tuple[Pairs, list[str], list[str]]:
    """The pairs of a model, its settings, and its layers."""
    loaded, pairs = loaded_model(model), Pairs()
    settings: list[str] = []
    layers: list[str] = []
    for scene in readings(loaded, spec, count, depth=max(DEPTHS)):
        trace, chosen = scene.trace, groups(scene)
        activation = text_activation(
            context_states(trace), trace.unembedding_rows, **output_of(trace)
        )
        vocabulary = cached_unembedding(loaded.model).module.weight.shape[0]
        rho = {
            setting_of(k, p): rank_biased_overlap(trace.rankings[:, :k], p)
            for k in DEPTHS
            if k <= vocabulary // 2
            for p in PERSISTENCES
        }
        settings = list(rho)
        at_layers = rankings_of_layers(scene, loaded)
        layers = list(at_layers)
        rho |= {name: rank_biased_overlap(ids, USUAL[1]) for name, ids in at_layers.items()}
        rho[ACTIVATION] = activation
        # A control that knows no model: how near two words stand.
        order = torch.arange(len(activation))
        rho[NEARNESS] = -(order[:, None] - order).abs().float()
        for setting, values in rho.items():
            for group, where in chosen.items():
                pairs.add(setting, group, values[where], scene.number)
    return pairs, settings, layers


def measure(model: str, spec: str, count: int) -> dict[str, Any]:
    """The figures of one model."""
    pairs, settings, layers = measured(model, spec, count)
    drawn = torch.cat([torch.ones(1, count).double(), bootstrap_weights(count)])

    def mean(setting: str, group: str) -> dict[str, Any] | None:
        values = pairs.of(setting, group)
        if values is None:
            return None
        above = Values((values.values > 0.5).double(), values.images)
        return {
            **with_interval(statistic("mean", [values], drawn)),
            "p90": float(values.values.quantile(0.9)),
            "above half": with_interval(statistic("mean", [above], drawn)),
            "pairs": len(values.values),
        }

    def tells(setting: str, groups_of: tuple[str, str]) -> dict[str, Any] | None:
        """AUROC: words of one thing against words of different things."""
        same, other = (pairs.of(setting, group) for group in groups_of)
        if same is None or other is None:
            return None
        both = labelled(same, other)
        return with_interval(statistic("auroc", [both], drawn)) | {
            "same": len(same.values),
            "other": len(other.values),
        }

    def at_equal_distance(setting: str) -> dict[str, float] | None:
        """AUROC over pairs of one group of distances, all groups together."""
        names = [(which, group) for which in (setting, NEARNESS) for group in (SAME, OTHER)]
        found = [values for name in names if (values := pairs.of(*name)) is not None]
        if len(found) < len(names):
            return None
        both, far = found[:2], found[2:]
        bins = [torch.bucketize(-part.values, torch.tensor(DISTANCES).double()) for part in far]
        won, possible = torch.zeros(len(drawn)).double(), torch.zeros(len(drawn)).double()
        for number in range(len(DISTANCES) + 1):
            same, other = (
                Values(part.values[inside == number], part.images[inside == number])
                for part, inside in zip(both, bins, strict=True)
            )
            if not len(same.values) or not len(other.values):
                continue
            count = drawn[:, same.images].sum(1) * drawn[:, other.images].sum(1)
            won += (statistic("auroc", [labelled(same, other)], drawn) * count).nan_to_num()
            possible += count
        return with_interval(won / possible)

    usual = setting_of(*USUAL)
    names = dict.fromkeys(group for _, group in pairs.values)
    found = {
        "model": Path(model).name,
        "data": spec,
        "scenes": count,
        "settings": {setting: mean(setting, "all") for setting in settings},
        "groups": {group: mean(usual, group) for group in names},
        "layers": {layer: mean(layer, "all") for layer in layers},
        "tells": {
            s: {head: tells(s, groups_of) for head, groups_of in TELLS.items()}
            | {NEAR: at_equal_distance(s)}
            for s in (*settings, *layers, ACTIVATION, NEARNESS)
        },
    }
    return found


def labelled(positive: Values, negative: Values) -> Values:
    """Both sets of values, the first ones to be told from the second ones."""
    labels = torch.arange(len(positive.values) + len(negative.values)) < len(positive.values)
    values = torch.cat([positive.values, negative.values])
    return Values(values, torch.cat([positive.images, negative.images]), labels)


def with_interval(drawn: Tensor) -> dict[str, float]:
    """The estimate, which comes first, and its interval."""
    low, high = interval(drawn[1:])
    return {"value": float(drawn[0]), "low": low, "high": high}


def shown(figure: dict[str, Any] | None, factor: int = 1, places: int = 3) -> str:
    """A value with its interval; "" without one."""
    if figure is None:
        return ""
    value, low, high = (f"{factor * figure[end]:.{places}f}" for end in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def markdown(results: Sequence[dict[str, Any]], command: str) -> str:
    """The results as tables."""
    k, p = USUAL
    lines = [
        "# Agreement of rankings",
        "",
        f"Made by `{command}`. Rank-biased overlap of the rankings that predicted a token and an "
        "earlier one, right captions of scenes; brackets are 95 % intervals of a bootstrap over "
        f"scenes. Where nothing else is said, k = {k} and p = {p:g}.",
        "",
        "AUROC says how well the overlap tells two words of one thing, which ARC is to keep, from "
        "two words of different things, which it is to separate: 50 is chance. At equal distance: "
        "among pairs that stand equally far apart.",
        "",
    ]
    for result in results:
        lines += [
            f"## {result['model']}",
            "",
            f"Data `{result['data']}`, {result['scenes']} scenes.",
            "",
            f"| setting | mean | 90th percentile | above 0.5, % | {' | '.join((*TELLS, NEAR))} |",
            f"| --- | ---: | ---: | ---: |{' ---: |' * (len(TELLS) + 1)}",
        ]
        for name, figure in {**result["settings"], **_named(result["layers"])}.items():
            lines.append(f"| {name} | {_cells(figure)} | {_told(result, name)} |")
        for name in (ACTIVATION, NEARNESS):
            label = {ACTIVATION: "TAM's activation", NEARNESS: "nearness of the two words"}[name]
            lines.append(f"| {label} | | | | {_told(result, name)} |")
        lines += [
            "",
            "| pair | pairs | mean | 90th percentile | above 0.5, % |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        for name, figure in result["groups"].items():
            if figure is not None:
                lines.append(f"| {name} | {figure['pairs']} | {_cells(figure)} |")
        lines.append("")
    return "\n".join(lines)


def _told(result: dict[str, Any], setting: str) -> str:
    """How well a setting tells pairs apart, as cells."""
    found = result["tells"][setting.removeprefix("layer ")]
    return " | ".join(shown(found[head], 100, 1) for head in (*TELLS, NEAR))


def _named(layers: dict[str, Any]) -> dict[str, Any]:
    return {f"layer {name}": figure for name, figure in layers.items()}


def _cells(figure: dict[str, Any] | None) -> str:
    if figure is None:
        return " | | "
    above = shown(figure["above half"], 100, 1)
    return f"{shown(figure)} | {figure['p90']:.2f} | {above}"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="How far rankings agree.")
    parser.add_argument("--models", nargs="*", default=shipped_models(), help="names or folders")
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--split", default="heldout")
    parser.add_argument("--out", type=Path, help="write agreement.md and agreement.json here")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    results = [
        measure(
            model,
            f"{world_of(model)}:split={arguments.split},count={arguments.scenes}",
            arguments.scenes,
        )
        for model in arguments.models
    ]
    command = f"python benchmarks/agreement.py --scenes {arguments.scenes}"
    write_results(arguments.out, "agreement", results, lambda found: markdown(found, command))


if __name__ == "__main__":
    main()
