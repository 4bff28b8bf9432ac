"""Traces with random states, for methods: no model is needed."""

from __future__ import annotations

from dataclasses import replace

import torch

from seewhy.core.geometry import Geometry, TokenGrid
from seewhy.core.text import Token
from seewhy.core.trace import Inputs, Trace, View
from seewhy.methods import Evidence

PROMPT = ("What", " is", " this", "?")
ANSWER = ("A", " red", " star", " is", " above", " a", " red", " car", ".")


def random_trace(
    *,
    prompt: tuple[str, ...] = PROMPT,
    answer: tuple[str, ...] = ANSWER,
    grid: tuple[int, int] = (4, 6),
    others: tuple[tuple[int, int], ...] = (),
    scale: float = 1.0,
    hidden: int = 16,
    depth: int = 8,
    vocab: int = 60,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> Trace:
    """A trace of the given words; rows depend on `seed` alone, so scales share them.

    Args:
        grid: rows and columns of the first picture, which is 96 x 64 pixels.
        others: likewise, of further pictures, each 10 pixels wider and 20 higher than the last.
    """
    dice = torch.Generator().manual_seed(seed)
    ids = {text: number for number, text in enumerate(dict.fromkeys((*prompt, *answer)))}
    unembedding = torch.randn(vocab, hidden, generator=dice)
    texts = (*prompt, *answer)
    chosen = torch.tensor([ids[text] for text in texts])
    dice.manual_seed(seed * 1009 + round(scale * 1000) + 1)
    tokens, start = [], 0
    for place, text in enumerate(texts):
        start = 0 if place == len(prompt) else start
        p = float(torch.rand((), generator=dice))
        tokens.append(Token(ids[text], text, start, start + len(text), p, ((text, p),)))
        start += len(text)
    views = tuple(
        picture((96 + 10 * number, 64 + 20 * number), cells, number)
        for number, cells in enumerate((grid, *others))
    )
    visual = sum(view.geometry.visual for view in views)
    states = torch.randn(len(texts), hidden, generator=dice)
    states[-1] = 0
    return Trace(
        inputs=Inputs(
            tensors={},
            views=views,
            visual_positions=torch.arange(visual),
            prompt_positions=visual + torch.arange(len(prompt)),
            prompt="".join(prompt),
            scale=scale,
        ),
        prompt_tokens=tuple(tokens[: len(prompt)]),
        tokens=tuple(tokens[len(prompt) :]),
        answer="".join(answer),
        visual_states=torch.randn(visual, hidden, generator=dice).to(dtype),
        text_states=states.to(dtype),
        unembedding_rows=unembedding[chosen].to(dtype),
        rankings=torch.stack([torch.randperm(vocab, generator=dice)[:depth] for _ in texts]),
        first_prediction_state=torch.randn(hidden, generator=dice).to(dtype),
    )


def picture(size: tuple[int, int], grid: tuple[int, int], medium: int = 0) -> View:
    """A picture of `size` pixels under one layer of cells, seen at 8 pixels a cell."""
    tokens = TokenGrid.over((0, 0, *size), *grid)
    return View(Geometry(size, (tokens,)), (grid[1] * 8, grid[0] * 8), medium)


#: The grid of each scale, in shapes that no resizing keeps.
GRIDS = {1.0: (4, 6), 0.5: (2, 3), 0.75: (3, 4), 1.25: (5, 7), 1.5: (6, 9)}

#: Of a second picture, likewise.
SECOND = {1.0: (5, 3), 0.5: (2, 2), 0.75: (4, 2), 1.25: (6, 4), 1.5: (7, 5)}


class MadeReadings:
    """Readings by functions: what prepares a scale, and what reads such inputs."""

    def __init__(self, prepare, read):
        self.inputs, self._read = prepare, read

    def trace(self, scale):
        return self._read(self.inputs(scale))


def random_evidence(scales: tuple[float, ...] = tuple(GRIDS), **options) -> Evidence:
    """Evidence of a random trace at several scales."""
    return Evidence.from_traces(
        {s: random_trace(grid=GRIDS[s], scale=s, **options) for s in scales}
    )


def random_pair(scales: tuple[float, ...] = tuple(GRIDS), **options) -> Evidence:
    """The same over two pictures of different sizes and grids."""
    return Evidence.from_traces(
        {s: random_trace(grid=GRIDS[s], others=(SECOND[s],), scale=s, **options) for s in scales}
    )


def seen_at(trace: Trace, scale: float, *sizes: tuple[int, int]) -> Inputs:
    """The trace's inputs as if another scale showed the model its views in these sizes."""
    views = tuple(replace(view, seen=size) for view, size in zip(trace.views, sizes, strict=True))
    return replace(trace.inputs, scale=scale, views=views)


def with_two_layers(trace: Trace) -> Trace:
    """The same trace over a raster and a thumbnail that look at the same pixels twice."""
    fine = TokenGrid.over((0, 0, 96, 64), 4, 6, name="tiles")
    coarse = TokenGrid.over((0, 0, 96, 64), 2, 3, first=24, name="thumbnail")
    geometry = Geometry((96, 64), (fine, coarse))
    dice = torch.Generator().manual_seed(5)
    more = torch.randn(6, trace.visual_states.shape[1], generator=dice)
    (view,) = trace.views
    return replace(
        trace,
        inputs=replace(trace.inputs, views=(replace(view, geometry=geometry),)),
        visual_states=torch.cat([trace.visual_states, more]),
    )


def with_foils(trace: Trace, seed: int = 3) -> Trace:
    """The same trace in which every other word stands against a random row."""
    foils = torch.randn(trace.unembedding_rows.shape, generator=torch.Generator().manual_seed(seed))
    foils[::2] = 0
    return replace(trace, foils=foils.to(trace.unembedding_rows))
