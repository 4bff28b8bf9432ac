"""Gradients of what a model says, with respect to attention and to hidden states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from seewhy.core.trace import Inputs
from seewhy.models.attention import (
    attention_output,
    attention_weights,
    expect_captured,
    patched_attention,
)
from seewhy.models.decoder import at_least_float32, final_states, hook_layer_input, layers_of
from seewhy.models.isolation import eval_mode
from seewhy.models.loading import Loaded


@contextmanager
def differentiable(model: Any) -> Iterator[None]:
    """Work in eval mode with gradients, but not with those of the weights: graphs begin at leaves.

    Below the first tensor that is made a leaf nothing is kept, so the vision tower costs no more
    than without gradients.
    """
    with eval_mode(model):
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        try:
            for weight in weights:
                weight.requires_grad_(False)
            with torch.enable_grad():
                yield
        finally:
            for weight in weights:
                weight.requires_grad_(True)


def attention_gradients(
    loaded: Loaded,
    inputs: Inputs,
    ids: Sequence[int],
    targets: Callable[[Tensor], Tensor],
    score: Callable[[int, Sequence[Tensor], Sequence[Tensor]], Tensor],
) -> list[Tensor]:
    """Attention of all layers with the gradients of several targets, one backward pass each.

    All weights of all layers are held at once, and their gradients: layers x heads x positions x
    positions, twice; in half precision autograd keeps another half of that.

    Args:
        loaded: the model.
        inputs: the prompt.
        ids: of the answer.
        targets: from final states `[position, hidden]` to what is explained `[token]`.
        score: given the target's number, the weights of each layer and their gradients, each
            `[head, position, position]`, what to keep.

    Returns:
        What `score` made of each target.

    Raises:
        UnsupportedModelError: as `attention_rows`.
    """
    found: dict[int, Tensor] = {}

    def attend(
        module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
    ) -> Any:
        how = {name: keywords.get(name) for name in ("scaling", "softcap")}
        weights = attention_weights(query, key, mask, **how)
        if not weights.requires_grad:  # the lowest layer: the graph begins here
            weights.requires_grad_()
        found[module.layer_idx] = weights
        return attention_output(weights, value)

    with differentiable(loaded.model), patched_attention(loaded.model, attend):
        wanted = targets(final_states(loaded, inputs, ids))
        weights = [
            expect_captured(found, layer, loaded) for layer in range(len(layers_of(loaded.model)))
        ]
        held = [one.detach()[0] for one in weights]
        kept = []
        for number, gradients in _each(wanted, weights):
            kept.append(score(number, held, [gradient[0] for gradient in gradients]))
            del gradients  # or they would still be held while the next target's are made
        return kept


def state_gradients(
    loaded: Loaded,
    inputs: Inputs,
    ids: Sequence[int],
    targets: Callable[[Tensor], Tensor],
    score: Callable[[Tensor, Tensor], Tensor],
    *,
    layer: int = 0,
    change: Callable[[Tensor], Tensor] | None = None,
) -> list[Tensor]:
    """Hidden states that enter a layer with the gradients of several targets.

    One forward pass for all, one backward pass for each.

    Args:
        loaded: the model.
        inputs: the prompt.
        ids: of the answer.
        targets: from final states `[position, hidden]` to what is explained `[token]`.
        score: given states and a target's gradient, at least float32 `[position, hidden]`, what
            to keep.
        layer: counted from 0, or from the end if negative; 0 for the embeddings.
        change: what to make of the states first, `[position, hidden]`.

    Returns:
        What `score` made of each target.

    Raises:
        ParameterError: if the model has no such layer.
        UnsupportedModelError: as `decoder_of`.
    """
    leaves: list[Tensor] = []

    def open_up(states: Tensor) -> Tensor:
        states = states.detach().clone()
        if change is not None:
            states[0] = change(states[0])
        leaves.append(states.requires_grad_())
        return states

    with differentiable(loaded.model), hook_layer_input(loaded.model, layer, open_up):
        wanted = targets(final_states(loaded, inputs, ids))
        states = at_least_float32(leaves[0].detach()[0])
        return [
            score(states, at_least_float32(gradient[0])) for _, (gradient,) in _each(wanted, leaves)
        ]


def _each(targets: Tensor, leaves: Sequence[Tensor]) -> Iterator[tuple[int, tuple[Tensor, ...]]]:
    """Each target's number and its gradients, one for each leaf."""
    for number in range(len(targets)):
        more = number + 1 < len(targets)
        yield (
            number,
            torch.autograd.grad(targets[number], leaves, retain_graph=more, materialize_grads=True),
        )
