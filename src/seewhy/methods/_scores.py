"""Scores of visual and context tokens: base maps, text activations, and their ranges."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution, ScaleView
from seewhy.core.geometry import flatten
from seewhy.core.text import Token
from seewhy.core.trace import Trace
from seewhy.functional.logit_lens import logit_lens, text_activation
from seewhy.methods._evidence import Evidence
from seewhy.models.scales import true_scale


class BaseMap(Protocol):
    """Maps of single tokens, before aggregation and removal of interference."""

    name: ClassVar[str]

    @abstractmethod
    def __call__(self, trace: Trace, evidence: Evidence) -> Tensor:
        """float32 `[text, visual]`, non-negative: each visual token's score for each text token.

        Args:
            trace: the reading at one scale.
            evidence: of the method, for base maps that run the model.
        """
        ...


@dataclass(frozen=True)
class LensMap:
    """The logit lens: A_j[v] = relu(H_v . W[c_j]), through the model's own output transform."""

    name: ClassVar[str] = "logit-lens"

    def __call__(self, trace: Trace, evidence: Evidence | None = None) -> Tensor:
        """float32 `[text, visual]`."""
        return logit_lens(trace.visual_states, trace.unembedding_rows, **output_of(trace))


def output_of(trace: Trace) -> dict[str, Any]:
    """The arguments of the lens besides the rows: biases, soft cap and foils."""
    names = ("biases", "softcap", "foils", "foil_biases")
    return {name: getattr(trace, name) for name in names}


LENS = LensMap()


def token_probabilities(tokens: Sequence[Token]) -> Tensor:
    """float32 `[token]`, the probability that the model gave each token."""
    return torch.tensor([token.probability for token in tokens])


def scale_view(
    trace: Trace,
    maps: Sequence[Tensor],
    share: Tensor,
    explained: slice,
    base: Trace | None = None,
) -> ScaleView:
    """One scale's part in the attribution of the explained tokens.

    Args:
        trace: the reading at that scale.
        maps: for each view float32 `[text, height, width]`.
        share: float32 `[text]`.
        explained: the explained tokens on the text axis.
        base: the reading at the base scale; None if this is the base scale.
    """
    tokens = trace.text_tokens[explained]
    ids = torch.tensor([token.id for token in tokens], device=trace.rankings.device)
    return ScaleView(
        scale=_scale_seen(trace, base or trace),
        model_sizes=trace.inputs.model_sizes,
        maps=tuple(view[explained] for view in maps),
        probabilities=token_probabilities(tokens).to(share.device),
        is_top1=trace.rankings[explained, 0] == ids,
        weights=share[explained],
    )


def _scale_seen(trace: Trace, base: Trace) -> float:
    """The scale at which the model saw the pictures, from the sizes of its input."""
    inputs = base.inputs
    return inputs.scale * true_scale(trace.inputs.model_sizes, inputs.model_sizes)


def attribution_from_maps(
    evidence: Evidence,
    maps: Sequence[Tensor],
    *,
    context: Tensor | None = None,
    low: Tensor | None = None,
) -> Attribution:
    """The attribution of a method with maps of one scale, in its own unit.

    Args:
        evidence: the method's input.
        maps: for each view float32 `[text, height, width]`, non-negative.
        context: float32 `[text, text]`, non-negative, 0 on and above the diagonal; the text
            activations if None.
        low: float32 `[text]`, the lower end of each token's display range; 0 if None.
    """
    trace, explained = evidence.trace, evidence.explained
    device = trace.unembedding_rows.device
    if context is None:
        context = text_activation(context_states(trace), trace.unembedding_rows, **output_of(trace))
    maps = tuple(view.to(device) for view in maps)
    explained_maps = tuple(view[explained] for view in maps)
    zero, high = own_range(flatten(explained_maps))
    scales = (scale_view(trace, maps, torch.ones(len(context), device=device), explained),)
    low = zero if low is None else low.to(device)[explained]
    return Attribution(explained_maps, context.to(device)[explained], low, high, scales)


def context_states(trace: Trace) -> Tensor:
    """`[text, hidden]`: the state at which each context token is scored against later tokens.

    For a token of the prompt it is the state at its own position; for a token of the answer the
    state from which it was predicted, as in TAM's published code. (At its own position the next
    token is predicted: token i's neighbour would be scored by token i's own logit, which is much
    larger than the others.) If the trace does not have the state from which the answer's first
    token was predicted, that token counts as irrelevant.
    """
    prompt = len(trace.prompt_tokens)
    states = trace.text_states
    first = trace.first_prediction_state
    if first is None:
        first = states.new_zeros(states.shape[1])
    return torch.cat([states[:prompt], first[None].to(states), states[prompt:-1]])


def text_positions(trace: Trace) -> Tensor:
    """int64 `[text]`, the positions of the context tokens, on the CPU."""
    inputs = trace.inputs
    answer = inputs.length + torch.arange(len(trace.tokens))
    return torch.cat([inputs.prompt_positions.cpu(), answer])


def same_text(trace: Trace) -> Tensor:
    """bool `[text, text]`: whether two context tokens decode to the same text.

    Leading space counts, as published (`"star"` and `" star"` differ). Tokens without text, such
    as pieces of one character, are compared by id.
    """
    numbers: dict[Hashable, int] = {}
    groups = torch.tensor(
        [numbers.setdefault(t.text or t.id, len(numbers)) for t in trace.text_tokens]
    )
    return groups[:, None] == groups[None, :]


def joint_range(maps: Tensor, activation: Tensor) -> tuple[Tensor, Tensor]:
    """Smallest and largest score of each token over the image and its context together (TAM).

    The text scores are the text activations in every method, so displays can be compared.

    Args:
        maps: float32 `[token, cell]`.
        activation: float32 `[token, text]`; token i's context is the text before it.

    Returns:
        low and high, float32 `[token]`.
    """
    tokens, text = activation.shape
    later = torch.ones_like(activation, dtype=torch.bool).triu(text - tokens)
    low = activation.masked_fill(later, math.inf).amin(1).minimum(maps.amin(1))
    high = activation.masked_fill(later, -math.inf).amax(1).maximum(maps.amax(1))
    return low, high


def own_range(maps: Tensor) -> tuple[Tensor, Tensor]:
    """0 and the largest score of each token's map, for scores in another unit than the text's.

    Args:
        maps: float32 `[token, cell]`, non-negative.

    Returns:
        low and high, float32 `[token]`.
    """
    high = maps.amax(1)
    return torch.zeros_like(high), high


def answer_range(maps: Tensor, answer: Tensor) -> tuple[Tensor, Tensor]:
    """One display scale for an answer: words remain comparable, and strong ones are visible.

    The upper end is 60 % of the token's own largest value, but no less than the 99th percentile of
    all cells of the answer: so the map of a word that took little from the picture is dark.
    Chosen on training scenes (see "What was tried" in the docs).

    Args:
        maps: float32 `[token, cell]`, non-negative.
        answer: float32 `[token, cell]`, those of the answer's tokens.

    Returns:
        low, which is 0, and high, float32 `[token]`.
    """
    own = maps.amax(1)
    least = _quantile(answer.flatten(), 0.99)
    return torch.zeros_like(own), (0.6 * own).maximum(least)


def _quantile(values: Tensor, share: float) -> Tensor:
    """The value below which a share of all values lies; unlike torch's, for any number of them."""
    count = values.numel()
    return values.kthvalue(max(1, math.ceil(share * count))).values
