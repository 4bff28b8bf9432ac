"""Attention whose weights are computed in blocks of rows, forwards and backwards.

Autograd keeps the weights of all heads and all pairs of positions, several times. Here a backward
pass computes them again, some rows at a time, so that memory grows with the number of positions
and not with its square.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from seewhy.models.attention import (
    attention_output,
    attention_weights,
    fast_attention,
    is_beyond_sdpa,
    row_blocks,
    score_options,
)

KEPT = 64 << 20
"""A layer's weights are kept for several backward passes up to this many numbers (256 MB)."""

RowsVisitor = Callable[[Tensor, Tensor, Tensor], None]
"""Called with rows int64 `[row]`, their weights and the weights' gradients, both at least float32
`[head, row, position]`."""


def chunked_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Any,
    visit: RowsVisitor | None = None,
    **keywords: Any,
) -> tuple[Tensor, None]:
    """An attention function whose backward pass holds a block of rows at a time.

    Without gradients it is `fast_attention`.

    Args:
        module, query, key, value, mask, **keywords: as transformers gives them, batch of one.
        visit: called in each backward pass for each block of rows whose outputs have a gradient.
    """
    if not (torch.is_grad_enabled() and (query.requires_grad or value.requires_grad)):
        return fast_attention(module, query, key, value, mask, **keywords)
    options = score_options(keywords)
    return _ChunkedAttention.apply(query, key, value, mask, options, visit), None


def differentiable_attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
) -> tuple[Tensor, None]:
    """An attention function whose backward pass does not hold all weights: sdpa's, or in blocks."""
    attend = chunked_attention if is_beyond_sdpa(keywords) else fast_attention
    return attend(module, query, key, value, mask, **keywords)


class _ChunkedAttention(torch.autograd.Function):
    """softmax(q k^T) v, with weights that are computed again where they are many."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        options: dict[str, Any],
        visit: RowsVisitor | None,
    ) -> Tensor:
        """`[batch, position, head, dim]`, in the model's dtype."""
        ctx.save_for_backward(query, key, value)
        ctx.mask, ctx.options, ctx.visit = mask, options, visit
        heads, positions = query.shape[1], key.shape[2]
        ctx.blocks = row_blocks(query, key)
        kept = heads * query.shape[2] * positions <= KEPT
        ctx.weights, outputs = [], []
        for rows in ctx.blocks:
            weights = attention_weights(query, key, mask, rows=rows, **options)
            outputs.append(attention_output(weights, value)[0])
            if kept:
                ctx.weights.append(weights)
        return torch.cat(outputs, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        query, key, value = ctx.saved_tensors
        outputs = gradients[0].transpose(1, 2)
        dtype = torch.promote_types(query.dtype, torch.float32)
        groups = query.shape[1] // key.shape[1]
        keys, values = (part.repeat_interleave(groups, 1).to(dtype) for part in (key, value))
        to_query = torch.zeros_like(query)
        to_keys, to_values = torch.zeros_like(keys), torch.zeros_like(values)
        for number, rows in enumerate(ctx.blocks):
            coming = outputs[:, :, rows].to(dtype)
            if not bool(coming.any()):
                continue
            if ctx.weights:
                weights = ctx.weights[number]
            else:
                weights = attention_weights(query, key, ctx.mask, rows=rows, **ctx.options)
            to_weights = coming @ values.transpose(2, 3)
            if ctx.visit is not None:
                ctx.visit(rows, weights[0], to_weights[0])
            to_values += weights.transpose(2, 3) @ coming
            asked = query[:, :, rows].to(dtype)
            to_scores = _through_softmax(weights, to_weights, asked, keys, ctx.options)
            to_query[:, :, rows] = (to_scores @ keys).to(query.dtype)
            to_keys += to_scores.transpose(2, 3) @ asked
        return (
            to_query,
            _of_groups(to_keys, groups).to(key.dtype),
            _of_groups(to_values, groups).to(value.dtype),
            *(None, None, None),
        )


def _through_softmax(
    weights: Tensor, gradient: Tensor, query: Tensor, keys: Tensor, options: dict[str, Any]
) -> Tensor:
    """The gradient of q k^T, from that of the weights.

    For s = c tanh(a x / c) before the softmax it is A (g - <A, g>) a (1 - (s / c)^2). A sink has
    a weight of its own but no gradient, so the same holds.

    Args:
        weights, gradient: `[batch, head, row, position]`.
        query: `[batch, head, row, dim]`.
        keys: `[batch, head, position, dim]`.
        options: of `attention_weights`.
    """
    scaling, cap = options["scaling"], options["softcap"]
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    product = weights * gradient
    result = (product - weights * product.sum(-1, keepdim=True)) * scaling
    if cap is not None:
        result = result * (1 - (query @ keys.transpose(2, 3) * (scaling / cap)).tanh().square())
    return result


def _of_groups(gradient: Tensor, groups: int) -> Tensor:
    """Gradients of each head's keys or values, added up for heads that share them."""
    batch, heads, positions, width = gradient.shape
    return gradient.view(batch, heads // groups, groups, positions, width).sum(2)
