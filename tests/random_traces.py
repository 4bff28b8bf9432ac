"""Traces with random states, for methods: no model is needed."""

from __future__ import annotations

from dataclasses import replace

import torch

from seewhy.core.geometry import Geometry, Layer
from seewhy.core.text import Token
from seewhy.core.trace import Inputs, Trace
from seewhy.methods import Evidence

PROMPT = ("What", " is", " this", "?")
ANSWER = ("A", " red", " star", " is", " above", " a", " red", " car", ".")


def random_trace(
    *,
    prompt: tuple[str, ...] = PROMPT,
    answer: tuple[str, ...] = ANSWER,
    grid: tuple[int, int] = (4, 6),
    scale: float = 1.0,
    hidden: int = 16,
    depth: int = 8,
    vocab: int = 60,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> Trace:
    """A trace of the given words; rows depend on `seed` alone, so scales share them."""
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
    geometry = Geometry((96, 64), (Layer.over((0, 0, 96, 64), *grid),))
    states = torch.randn(len(texts), hidden, generator=dice)
    states[-1] = 0
    return Trace(
        inputs=Inputs(
            tensors={},
            geometry=geometry,
            visual_positions=torch.arange(geometry.visual),
            prompt_positions=geometry.visual + torch.arange(len(prompt)),
            prompt="".join(prompt),
            scale=scale,
            seen=(grid[1] * 8, grid[0] * 8),
        ),
        prompt_tokens=tuple(tokens[: len(prompt)]),
        tokens=tuple(tokens[len(prompt) :]),
        answer="".join(answer),
        visual_states=torch.randn(geometry.visual, hidden, generator=dice).to(dtype),
        text_states=states.to(dtype),
        rows=unembedding[chosen].to(dtype),
        rankings=torch.stack([torch.randperm(vocab, generator=dice)[:depth] for _ in texts]),
        opening_state=torch.randn(hidden, generator=dice).to(dtype),
    )


#: The grid of each scale, in shapes that no resizing keeps.
GRIDS = {1.0: (4, 6), 0.5: (2, 3), 0.75: (3, 4), 1.25: (5, 7), 1.5: (6, 9)}


def random_evidence(scales: tuple[float, ...] = tuple(GRIDS), **options) -> Evidence:
    """Evidence of a random trace at several scales."""
    return Evidence.of({s: random_trace(grid=GRIDS[s], scale=s, **options) for s in scales})


def with_two_layers(trace: Trace) -> Trace:
    """The same trace over a raster and a thumbnail that look at the same pixels twice."""
    fine = Layer.over((0, 0, 96, 64), 4, 6, name="tiles")
    coarse = Layer.over((0, 0, 96, 64), 2, 3, first=24, name="thumbnail")
    geometry = Geometry((96, 64), (fine, coarse))
    dice = torch.Generator().manual_seed(5)
    more = torch.randn(6, trace.visual_states.shape[1], generator=dice)
    return replace(
        trace,
        inputs=replace(trace.inputs, geometry=geometry),
        visual_states=torch.cat([trace.visual_states, more]),
    )
