"""What was tried for `logit-shares`, on training scenes: see docs/logit-shares.md.

    python benchmarks/share_variants.py              # 30 scenes of three families, 10 to 20 minutes
    python benchmarks/share_variants.py --scenes 3   # a short run that only prints

Full attention matrices of the small shipped models are read once for each scene; every variant is a
few lines on them. So this is also a second implementation of the method: the row `two hops,
exponent 2` must equal the row `logit-shares`, which is the method itself.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seewhy.core.display import to_display
from seewhy.core.geometry import TokenGrid, resample
from seewhy.core.trace import Inputs, Trace
from seewhy.datasets.testbed import Testbed
from seewhy.methods import Evidence, create
from seewhy.methods._scores import answer_range
from seewhy.methods._shares import densities
from seewhy.metrics import METRICS, ArraySample, Measurement, answer_words
from seewhy.models import Loaded, load, prepare, read
from seewhy.models.attention import (
    attention_weights,
    fast_attention,
    patched_attention,
    score_options,
)
from seewhy.models.decoder import final_states, layers_of
from seewhy.models.isolation import eval_mode
from seewhy.models.residual_stream import residual_stream
from seewhy.models.session import Session
from seewhy.testbed.pretrained import pretrained_folder

MODELS = {"tiny-qwen2-vl": "Qwen2-VL", "tiny-llava": "LLaVA", "tiny-internvl": "InternVL"}
SCALES = (1.0, 0.75, 1.5, 2.0)
RESULTS = Path(__file__).parent / "results" / "share_variants.md"


@dataclass(frozen=True, eq=False)
class Matrices:
    """Everything that a variant may use, of one scene at one scale.

    Attributes:
        inputs: the prompt.
        attention: `[layer, head, position, position]`.
        scores: <V, u> `[token, layer, head, position]`, by direction: `raw` is the token's
            unembedding row, others subtract something from it.
        feed_forward: `[token, layer]`, the shares of the layers' other parts.
        origins: int64 `[token]`, the positions that predict the answer's tokens.
        lens: `[token, visual]`, the logit lens.
    """

    inputs: Inputs
    attention: Tensor
    scores: dict[str, Tensor]
    feed_forward: Tensor
    origins: Tensor
    lens: Tensor

    @property
    def visual(self) -> Tensor:
        """int64 `[visual]`."""
        return self.inputs.visual_positions

    @property
    def text(self) -> Tensor:
        """int64 `[row]`, all other positions."""
        return (~torch.isin(torch.arange(self.attention.shape[-1]), self.visual)).nonzero()[:, 0]

    def shares(self, direction: str = "raw") -> Tensor:
        """Signed shares `[token, layer, head, position]`."""
        rows = self.attention[:, :, self.origins].permute(2, 0, 1, 3)
        return rows * self.scores[direction]


@dataclass(frozen=True, eq=False)
class Scene:
    """One training scene with its matrices by scale.

    Attributes:
        sample: the picture with its masks.
        words: of the answer.
        session, trace: for methods.
        at: the matrices of each scale.
    """

    sample: Any
    words: Any
    session: Session
    trace: Trace
    at: dict[float, Matrices]


def scenes(loaded: Loaded, count: int) -> list[Scene]:
    """Training scenes, read with their reference answers."""
    data = Testbed(split="train", count=str(count))
    return [_scene(loaded, data.sample(id)) for id in data.ids]


def _scene(loaded: Loaded, sample: Any) -> Scene:
    inputs = prepare(loaded.family, sample.image, sample.prompt)
    trace = read(loaded, inputs, sample.answer, attention=True)
    spans = [(token.start, token.end) for token in trace.tokens]
    session = Session.from_image(loaded, sample.image, sample.prompt, trace.ids)
    at = {}
    for scale in SCALES:
        scaled = prepare(loaded.family, sample.image, sample.prompt, scale=scale)
        at[scale] = matrices(loaded, scaled, read(loaded, scaled, list(trace.ids)))
    return Scene(
        sample, answer_words(trace.answer, spans, sample.annotate(trace.answer)), session, trace, at
    )


@torch.no_grad()
def matrices(loaded: Loaded, inputs: Inputs, trace: Trace) -> Matrices:
    """Read the full matrices of one scene, for layers that are plain sums (Llama, Qwen2)."""
    model: Any = loaded.model
    weights: dict[int, Tensor] = {}
    values: dict[int, Tensor] = {}
    entered: dict[int, Tensor] = {}
    added: dict[int, Tensor] = {}

    def attend(module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any):
        options = score_options(keywords)
        weights[module.layer_idx] = attention_weights(query, key, mask, **options)[0]
        values[module.layer_idx] = value[0].float()
        return fast_attention(module, query, key, value, mask, **keywords)

    def keep_input(number: int) -> Callable[..., None]:
        def hook(module: Any, arguments: Any, keywords: Any) -> None:
            entered[number] = (arguments or (keywords.get("hidden_states"),))[0][0].float()

        return hook

    layers: Any = layers_of(model)
    norm = residual_stream(model).norm
    hooks = [
        module.register_forward_pre_hook(keep_input(number), with_kwargs=True)
        for number, module in enumerate((*layers, norm))
    ]
    hooks += [
        layer.self_attn.register_forward_hook(
            lambda module, arguments, output, number=number: added.update(
                {number: output[0][0].float()}
            )
        )
        for number, layer in enumerate(layers)
    ]
    with eval_mode(model), patched_attention(model, attend):
        final_states(loaded, inputs, trace.ids)
    for hook in hooks:
        hook.remove()
    origins = inputs.length - 1 + torch.arange(len(trace.ids))
    last = entered[len(layers)][origins]
    scale = (last.square().mean(-1, keepdim=True) + norm.variance_epsilon).rsqrt()
    gain = norm.weight.float()
    directions = {
        name: rows * gain * scale for name, rows in _rows(model, trace, last * scale * gain).items()
    }
    scores = {
        name: torch.stack(
            [
                _scores(direction, layer.self_attn.o_proj.weight.float(), values[number])
                for number, layer in enumerate(layers)
            ],
            1,
        )
        for name, direction in directions.items()
    }
    changes = [entered[n + 1] - entered[n] - added[n] for n in range(len(layers))]
    feed_forward = [(change[origins] * directions["raw"]).sum(-1) for change in changes]
    lens = (trace.visual_states.float() @ trace.unembedding_rows[-len(trace.ids) :].float().T).T
    attention = torch.stack([weights[number] for number in range(len(layers))])
    return Matrices(inputs, attention, scores, torch.stack(feed_forward, 1), origins, lens.relu())


def _rows(model: Any, trace: Trace, states: Tensor) -> dict[str, Tensor]:
    """Directions in the space of the unembedding: `[token, hidden]` each."""
    matrix = model.get_output_embeddings().weight.float()
    ids = torch.tensor(trace.ids)
    own = matrix[ids]
    others = (states @ matrix.T).softmax(-1).scatter(1, ids[:, None], 0.0)
    others = others / others.sum(1, keepdim=True)
    return {
        "raw": own,
        "minus the mean row": own - matrix.mean(0),
        "minus the next candidate": own - matrix[others.argmax(1)],
        "minus the other candidates": own - others @ matrix,
    }


def _scores(directions: Tensor, projection: Tensor, values: Tensor) -> Tensor:
    """<V, u>: `[token, head, position]`."""
    groups, _, dim = values.shape
    pulled = (directions @ projection).unflatten(1, (-1, dim))
    values = values.repeat_interleave(pulled.shape[1] // groups, 0)
    return torch.einsum("thd,hpd->thp", pulled, values)


Variant = Callable[[Matrices], Tensor]
"""From matrices to amounts `[token, visual]`."""


def one_hop(m: Matrices, direction: str = "raw", cut: str = "head") -> Tensor:
    """Shares with the cut at 0 for each head, for each layer, or for their sum."""
    shares = m.shares(direction)
    axes = {"head": (), "layer": (2,), "all": (1, 2)}[cut]
    kept = shares.sum(axes, keepdim=True).relu() if axes else shares.relu()
    return kept.sum((1, 2))[:, m.visual]


def hops(
    m: Matrices,
    direction: str = "raw",
    exponent: float = 2.0,
    depth: int = 2,
    weight: str = "relu",
    feed_forward: float = 0.0,
) -> Tensor:
    """Shares, and what text positions pass on.

    Args:
        m: of a scene.
        direction: see `_rows`.
        exponent: of what a text position read.
        depth: 2, or more for all hops.
        weight: how a reading counts: `relu` or `abs` of <V, u>, or `attention` alone.
        feed_forward: how much of the positive shares of the layers' other parts is divided among
            what the predicting position has read up to that layer.
    """
    taken, text, scores = m.shares(direction).relu().sum(2), m.text, m.scores[direction]
    how = {"relu": torch.relu, "abs": torch.abs, "attention": torch.ones_like}[weight]
    places = taken.sum(1)[:, m.visual].clone()
    read = torch.zeros(len(taken), len(text), taken.shape[2])
    to_places = torch.zeros(len(taken), len(text), len(m.visual))
    part = torch.zeros_like(to_places)
    own = torch.searchsorted(text, m.origins)
    for layer in range(taken.shape[1]):
        places += torch.einsum("tx,txv->tv", taken[:, layer][:, text], part)
        worth = how(scores[:, layer]) ** exponent
        new = torch.einsum("hxp,thp->txp", m.attention[layer][:, text], worth)
        read, to_places = read + new, to_places + new[..., m.visual]
        if depth > 2:
            to_places = to_places + torch.einsum("txy,tyv->txv", new[..., text], part)
        part = to_places / read.sum(-1, keepdim=True).clamp_min(1e-20)
        other = feed_forward * m.feed_forward[:, layer].relu()
        places += other[:, None] * part[torch.arange(len(part)), own]
    return places


def with_lens(m: Matrices, lens: float) -> Tensor:
    """The geometric mean of the shares and the logit lens, which has a veto."""
    shares = hops(m)
    parts = [map / map.amax(1).quantile(0.9).clamp_min(1e-9) for map in (shares, m.lens)]
    return parts[0].clamp_min(1e-9) ** (1 - lens) * parts[1].clamp_min(1e-9) ** lens


VARIANTS: dict[str, Variant] = {
    "one hop": one_hop,
    "one hop, cut for each layer": lambda m: one_hop(m, cut="layer"),
    "one hop, cut once": lambda m: one_hop(m, cut="all"),
    "two hops, exponent 0.5": lambda m: hops(m, exponent=0.5),
    "two hops, exponent 1": lambda m: hops(m, exponent=1),
    "two hops, exponent 2": hops,
    "two hops, exponent 3": lambda m: hops(m, exponent=3),
    "two hops by attention alone": lambda m: hops(m, weight="attention"),
    "two hops by absolute values": lambda m: hops(m, weight="abs", exponent=1),
    "all hops, exponent 1": lambda m: hops(m, exponent=1, depth=3),
    "all hops, exponent 2": lambda m: hops(m, depth=3),
    "two hops and 0.3 of the feed-forward parts": lambda m: hops(m, feed_forward=0.3),
    "two hops and the feed-forward parts": lambda m: hops(m, feed_forward=1),
    **{
        f"two hops, {direction}": lambda m, direction=direction: hops(m, direction)
        for direction in (
            *("minus the mean row", "minus the next candidate"),
            "minus the other candidates",
        )
    },
    "geometric mean with the lens, weight 0.1": lambda m: with_lens(m, 0.1),
    "geometric mean with the lens, weight 0.5": lambda m: with_lens(m, 0.5),
}
"""Variants at one scale; the display is the method's own."""

METHODS_TRIED = ("logit-shares", "arc(base=logit-shares)")
"""The method itself, and ARC over it."""

AGGREGATED = ((1.0, 0.75, 1.5), (1.0, 1.5), (1.0, 2.0), (1.0, 1.5, 2.0))
"""Scales of MSEA over the method."""

Display = Callable[[Tensor], tuple[Tensor, Tensor]]
DISPLAYS: dict[str, Display] = {
    "each map by its own maximum": lambda maps: (torch.zeros(len(maps)), maps.amax(1)),
    "the answer's largest value": lambda maps: (
        torch.zeros(len(maps)),
        maps.max().expand(len(maps)),
    ),
    "the answer's 99th percentile": lambda maps: (
        torch.zeros(len(maps)),
        maps.flatten().quantile(0.99).expand(len(maps)),
    ),
}
"""Other display ranges than the method's."""


def spread(m: Matrices, amounts: Tensor, target: TokenGrid, *, areas: bool = True) -> Tensor:
    """Amounts as a map `[token, cell]` on another grid."""
    (view,) = m.inputs.views
    grid = view.geometry.base_grid
    if areas:
        (maps,) = densities(m.inputs.views, amounts)
        return (resample(maps, grid, target) * (target.cell_area / grid.cell_area)).flatten(1)
    return resample(view.geometry.to_grid(amounts), grid, target).flatten(1)


def measure(scene: Scene, maps: Tensor, display: Display | None, found: dict[str, list]) -> None:
    """Add the figures of maps `[token, cell]` on the base grid to `found`.

    Those at 0.5 are on the answer's scale of what a display shows.
    """
    grid = scene.at[1.0].inputs.views[0].geometry.base_grid
    low, high = answer_range(maps, maps) if display is None else display(maps)
    shown = to_display(maps, low[:, None], high[:, None]).unflatten(1, grid.shape)
    sample = ArraySample(scene.words, shown, scene.sample.masks)
    for name in ("overlap", "auc"):
        for result in METRICS.get(name)().measure(sample):
            if isinstance(result, Measurement):
                found.setdefault(result.figure, []).append(result.value)


def figures(
    all_scenes: list[Scene], maps_of: Callable[[Scene], Tensor], display=None
) -> list[float]:
    """F1-IoU at Otsu's threshold and at 0.5, Func-IoU, and AUC, in per cent."""
    found: dict[str, list[float]] = {}
    for scene in all_scenes:
        measure(scene, maps_of(scene), display, found)
    means = {name: 100 * sum(values) / len(values) for name, values in found.items()}

    def harmonic(suffix: str) -> float:
        one, other = means[f"object-iou{suffix}"], means[f"function-iou{suffix}"]
        return 2 * one * other / (one + other)

    return [harmonic(""), harmonic("@0.5"), means["function-iou"], means["auc"]]


def by_method(spec: str) -> Callable[[Scene], Tensor]:
    """Maps of a method by its spec."""

    def maps(scene: Scene) -> Tensor:
        evidence = Evidence.from_session(scene.session, trace=scene.trace)
        return create(spec).attribute(evidence).maps[0].flatten(1)

    return maps


def rows_of(all_scenes: list[Scene]) -> dict[str, list[float]]:
    """The figures of every variant on one family."""

    def at_base(variant: Variant, **options: Any) -> Callable[[Scene], Tensor]:
        def maps(scene: Scene) -> Tensor:
            base = scene.at[1.0]
            grid = base.inputs.views[0].geometry.base_grid
            return spread(base, variant(base), grid, **options)

        return maps

    def aggregated(scales: tuple[float, ...], **options: Any) -> Callable[[Scene], Tensor]:
        def maps(scene: Scene) -> Tensor:
            grid = scene.at[1.0].inputs.views[0].geometry.base_grid
            parts = [spread(scene.at[s], hops(scene.at[s]), grid, **options) for s in scales]
            return torch.stack(parts).mean(0)

        return maps

    rows = {spec: figures(all_scenes, by_method(spec)) for spec in METHODS_TRIED}
    rows |= {name: figures(all_scenes, at_base(variant)) for name, variant in VARIANTS.items()}
    rows["two hops, not divided by areas"] = figures(all_scenes, at_base(hops, areas=False))
    for scales in AGGREGATED:
        name = f"MSEA over scales {', '.join(f'{scale:g}' for scale in scales)}"
        rows[name] = figures(all_scenes, aggregated(scales))
        rows[f"{name}, not divided by areas"] = figures(all_scenes, aggregated(scales, areas=False))
    for name, display in DISPLAYS.items():
        rows[f"display: {name}"] = figures(all_scenes, at_base(hops), display)
    return rows


def table(by_family: dict[str, dict[str, list[float]]], count: int) -> str:
    """The results as Markdown."""
    names = list(next(iter(by_family.values())))
    lines = [
        "# What was tried for `logit-shares`",
        "",
        f"Made by `python benchmarks/share_variants.py`: {count} training scenes of each family, "
        "with their reference answers. F1-IoU at Otsu's threshold / F1-IoU at 0.5 / Func-IoU / "
        "AUC, in per cent. The display is the method's own unless a row says otherwise.",
        "",
        f"| variant | {' | '.join(by_family)} |",
        f"| --- |{' --- |' * len(by_family)}",
    ]
    for name in names:
        cells = [" / ".join(f"{value:.1f}" for value in rows[name]) for rows in by_family.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure every variant on every family."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=30, help="training scenes of each family")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    by_family = {}
    for name, family in MODELS.items():
        loaded = load(str(pretrained_folder(name)))
        loaded.model.float()
        by_family[family] = rows_of(scenes(loaded, arguments.scenes))
        print(f"{family} done", flush=True)
    text = table(by_family, arguments.scenes)
    print(text)
    if arguments.scenes == 30:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
