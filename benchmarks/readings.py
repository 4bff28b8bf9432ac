"""The paper's method with maps aggregated before they are rescaled, beside our reading.

    python benchmarks/readings.py out/emoji                # adds a folder for results_page.py
    python benchmarks/readings.py out/test --limit 2 --models tiny-qwen2-vl --data testbed

A reviewer of the paper says that Eq. 5 brings maps to the picture's size after Eq. 4 has
aggregated them, and that a figure shows one patch divided into four. In our reading, maps of
further scales are resampled to the grid of scale 1 and averaged there, so what a finer grid adds is
averaged away. Here they are aggregated on the finest grid, on which a coarse cell fills all cells
that it covers; earlier words' maps are removed and the filter is applied there; and only then is
anything resized.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from seewhy.bench import BenchConfig, run
from seewhy.bench.suites import EMOJI, EMOJI_MODELS
from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError
from seewhy.core.geometry import TokenGrid
from seewhy.functional.logit_lens import text_activation
from seewhy.methods import Evidence, Method
from seewhy.methods._scores import LENS, context_states, joint_range, output_of
from seewhy.methods._stages import Interference, RankGaussian, RankingCorrelation
from seewhy.testbed.pretrained import pretrained

SUITE = "emoji-readings"
SCALES = ((1.0, 2.0), (1.0, 1.5, 2.0), (1.0, 0.75, 1.25))


@dataclass(frozen=True)
class AggregateThenRescale(Method):
    """MSEA on the finest scale's grid, ARC and the filter there.

    Attributes:
        scales: the base scale first.
        window: of the filter; None leaves it out.
    """

    name: ClassVar = "aggregate-then-rescale"
    summary: ClassVar = "The paper's method, aggregated on the grid of the finest scale."
    citations: ClassVar = ("liang2025intramodal",)
    needs: ClassVar = frozenset({"states", "rankings", "scales"})

    scales: tuple[float, ...] = SCALES[0]
    window: int | None = 3

    @property
    def ranking_depth(self) -> int:
        """The paper's k."""
        return RankingCorrelation().k

    @property
    def further_scales(self) -> tuple[float, ...]:
        """All but the base scale."""
        return self.scales[1:]

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        trace, explained = evidence.trace, evidence.explained
        traces = evidence.traces(self.scales)
        if any(len(one.views) > 1 for one in traces):
            raise ParameterError("Expected one picture, got several: this reading is of one grid.")
        grids = [one.views[0].geometry.base_grid for one in traces]
        finest = max(grids, key=lambda grid: grid.index.numel())
        maps = [
            filled(one.to_grid(LENS(one))[0].float(), grid, finest)
            for one, grid in zip(traces, grids, strict=True)
        ]
        mean = torch.stack(maps).mean(0).flatten(1)
        activation = text_activation(
            context_states(trace), trace.unembedding_rows, **output_of(trace)
        )
        removal = Interference(RankingCorrelation())
        cleaned, relevance = removal(mean, activation, trace, explained)
        low, high = joint_range(cleaned, activation[explained])
        view = cleaned.unflatten(1, finest.shape)
        if self.window is not None:
            view = RankGaussian(self.window)(view, low, high)
        return Attribution((view,), relevance, low, high)


def filled(maps: Tensor, source: TokenGrid, target: TokenGrid) -> Tensor:
    """Maps on a finer grid: each cell has the value of the cell in which its centre lies."""
    rows, columns = (
        nearest(getattr(source, edges), getattr(target, edges))
        for edges in ("row_edges", "column_edges")
    )
    return maps[..., rows, :][..., columns]


def nearest(source: Tensor, target: Tensor) -> Tensor:
    """int64 `[n]`: of each target cell the source cell with its centre.

    Example:
        >>> nearest(torch.tensor([0.0, 2.0, 4.0]), torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0]))
        tensor([0, 0, 1, 1])
    """
    centres = (target[:-1] + target[1:]) / 2
    return (torch.searchsorted(source, centres, right=True) - 1).clamp(0, len(source) - 2)


def methods() -> list[str | Method]:
    """TAM, both readings of the paper's method at every set of scales."""
    found: list[str | Method] = ["tam", "tam(published=True)", "tam(window=None)"]
    for scales in SCALES:
        listed = ", ".join(f"{scale:g}" for scale in scales)
        for window in (3, None):
            end = "" if window else ", window=None"
            found.append(f"intra-modal(scales=({listed}){end})")
            found.append(AggregateThenRescale(scales, window))
    return found


def main() -> None:
    """Measure, in this process."""
    shipped = [name for name in EMOJI_MODELS if name in pretrained()]
    parser = argparse.ArgumentParser(description="Both readings of the paper's aggregation.")
    parser.add_argument("out", type=Path, help=f"the rows go to OUT/{SUITE}")
    parser.add_argument("--models", nargs="*", default=shipped)
    parser.add_argument("--data", default=EMOJI)
    parser.add_argument("--limit", type=int, default=20)
    arguments = parser.parse_args()
    config = BenchConfig(
        suite="emoji-claims",
        models=arguments.models,
        data=[arguments.data],
        methods=methods(),
        limit=arguments.limit,
        reference="tam",
        engine="in-process",
    )
    run(config, out=arguments.out / SUITE)


if __name__ == "__main__":
    main()
