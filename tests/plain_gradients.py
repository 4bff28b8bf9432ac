"""Gradients by one whole graph of all layers, with all attention weights: slow, large and plain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from seewhy.methods._whitebox import WhiteBox
from seewhy.models.attention import (
    attention_output,
    attention_weights,
    patched_attention,
    score_options,
)
from seewhy.models.decoder import final_states, hook_layer_input, layers_of
from seewhy.models.gradients import differentiable


@dataclass
class Seen:
    """What one pass left: a leaf, and each layer's attention weights `[1, head, row, position]`."""

    leaf: Tensor
    weights: list[Tensor] = field(default_factory=list)


Attend = Callable[[Seen, Tensor, Tensor, Tensor, Any, dict[str, Any]], tuple[Tensor, None]]


def plain(
    seen: Seen, query: Tensor, key: Tensor, value: Tensor, mask: Any, options: dict[str, Any]
) -> tuple[Tensor, None]:
    """Whole attention."""
    weights = attention_weights(query, key, mask, **options)
    seen.weights.append(weights)
    return attention_output(weights, value)


def halved(
    seen: Seen, query: Tensor, key: Tensor, value: Tensor, mask: Any, options: dict[str, Any]
) -> tuple[Tensor, None]:
    """Whole attention, with half of the gradient to each factor of its products."""
    query, key, value = (half(x) for x in (query, key, value))
    weights = attention_weights(query, key, mask, **options)
    return attention_output(half(weights), value)


def half(values: Tensor) -> Tensor:
    """The same values, with half of their gradient."""
    return values / 2 + values.detach() / 2


@contextmanager
def whole_graph(box: WhiteBox, layer: int, attend: Attend) -> Iterator[tuple[Seen, Tensor]]:
    """One pass with the graph of all layers: what it left, and the tokens' logits."""
    seen = Seen(torch.empty(0))
    loaded = box.session.loaded

    def leave(states: Tensor) -> Tensor:
        seen.leaf = states.detach().clone().requires_grad_()
        return seen.leaf

    def attending(
        module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
    ) -> tuple[Tensor, None]:
        return attend(seen, query, key, value, mask, score_options(keywords))

    with (
        differentiable(loaded.model),
        patched_attention(loaded.model, attending),
        hook_layer_input(loaded.model, layer, leave),
    ):
        yield seen, box.logits(final_states(loaded, box.inputs, box.session.ids))


def state_gradients(box: WhiteBox, layer: int = 0, attend: Attend = plain) -> tuple[Tensor, Tensor]:
    """States `[position, hidden]` that enter a layer, and `[token, position, hidden]` gradients."""
    with whole_graph(box, layer, attend) as (seen, logits):
        found = [torch.autograd.grad(z, seen.leaf, retain_graph=True)[0][0] for z in logits]
        return seen.leaf.detach()[0], torch.stack(found)


def gradient_attention(box: WhiteBox) -> Tensor:
    """`[token, position]`: gradient x attention by products of whole square matrices."""
    rows = []
    with whole_graph(box, 0, plain) as (seen, logits):
        for origin, logit in zip(box.origins, logits, strict=True):
            gradients = torch.autograd.grad(logit, seen.weights, retain_graph=True)
            relevance = torch.eye(seen.leaf.shape[1], dtype=seen.leaf.dtype)
            for weights, gradient in zip(seen.weights, gradients, strict=True):
                step = (weights * gradient).detach()[0].clamp_min(0).mean(0)
                relevance = relevance + step.to(relevance) @ relevance
            row = relevance[origin].clone()
            row[origin] -= 1
            rows.append(row.clamp_min(0))
    return torch.stack(rows)


def attention_rollout(box: WhiteBox) -> Tensor:
    """`[token, position]`: half identity and half attention, by products of whole matrices."""
    with torch.no_grad(), whole_graph(box, 0, plain) as (seen, _):
        product = torch.eye(seen.leaf.shape[1], dtype=torch.float64)
        for weights in seen.weights:
            mean = weights.detach()[0].double().mean(0)
            product = (mean + torch.eye(len(mean))) / 2 @ product
    rows = product[box.origins]
    rows[torch.arange(len(rows)), box.origins] -= 0.5 ** len(layers_of(box.session.loaded.model))
    return rows.clamp_min(0)
