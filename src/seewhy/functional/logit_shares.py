r"""Exact shares of a logit that source positions hand over through attention.

At the position P that predicts a token, the states are a sum over layers, and the output of each
layer's attention is a sum over heads h and source positions p. So the logit is a sum too, and
position p's part in it, through layer l and head h, is

$$c_{l,h}[p] = A_{l,h}[P, p]\; \langle V_{l,h}[p], u_{l,h} \rangle$$

with the attention weights A, the values V, and u, the token's unembedding row brought back through
the final norm and the output projection, whose scales are those of this forward pass.

A text position x hands over what it read itself in lower layers. Its part goes to the positions
that it read, each with weight $\sum_{k<l} \sum_h A_{k,h}[x, p]\, s_{k,h}[p]^q$, where s is the
positive part of <V, u>: a reading counts only as far as what was read speaks for the token.
"""

from __future__ import annotations

import torch
from torch import Tensor


def attention_rows(
    queries: Tensor,
    keys: Tensor,
    mask: Tensor,
    *,
    scaling: float,
    softcap: float | None = None,
    sinks: Tensor | None = None,
) -> Tensor:
    r"""Attention weights of some rows: $A = \mathrm{softmax}(c \tanh(s\, q k^T / c) + m)$.

    Args:
        queries: `[row, head, dim]`.
        keys: `[group, position, dim]`; heads share the keys of their group.
        mask: bool `[row, position]`, True where a row attends; or float, added to the scores.
        scaling: s.
        softcap: c, or None if scores are not capped.
        sinks: `[head]`, logits that are one more term of the softmax's denominator, or None.

    Returns:
        At least float32 `[head, row, position]`; rows sum to 1, or to less with sinks.
    """
    wide = torch.promote_types(queries.dtype, torch.float32)
    groups, heads = len(keys), queries.shape[1]
    grouped = queries.to(wide).view(len(queries), groups, heads // groups, -1).permute(1, 2, 0, 3)
    scores = grouped.flatten(1, 2) @ keys.to(wide).transpose(1, 2)
    scores = scores.view(heads, len(queries), -1) * scaling
    if softcap is not None:
        scores = (scores / softcap).tanh() * softcap
    if mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask, torch.finfo(wide).min)
    else:
        scores = scores + mask.to(wide)
    if sinks is None:
        return scores.softmax(-1)
    column = sinks.to(scores)[:, None, None].expand(heads, len(queries), 1)
    return torch.cat([scores, column], -1).softmax(-1)[..., :-1]


def value_scores(values: Tensor, directions: Tensor) -> Tensor:
    r"""What each position's value adds to a logit per unit of attention: $\langle V, u \rangle$.

    Args:
        values: `[group, position, dim]`; heads share the values of their group.
        directions: u, `[token, head, dim]`.

    Returns:
        Of the directions' dtype, `[head, token, position]`.
    """
    tokens, heads, _ = directions.shape
    grouped = directions.view(tokens, len(values), heads // len(values), -1).permute(1, 2, 0, 3)
    scores = grouped.flatten(1, 2) @ values.to(directions).transpose(1, 2)
    return scores.view(heads, tokens, -1)


def handed_on(taken: Tensor, read: Tensor) -> Tensor:
    r"""How much of each layer's readings at text positions reaches some tokens, per unit read.

    $$w_k[t, x] = \sum_{l > k} \frac{a_l[t, x]}{\sum_{j < l} b_j[t, x]}$$

    A token t took a from text position x in layer l; x divides it among all that it read in the
    layers below l, in proportion to b.

    Args:
        taken: a, float `[layer, token, row]`, non-negative.
        read: b, likewise: the sum of all that each row read in each layer.

    Returns:
        `[layer, token, row]`; 0 where a row read nothing.
    """
    below = torch.cat([torch.zeros_like(read[:1]), read[:-1]]).cumsum(0)
    ratio = torch.where(below > 0, taken / below.clamp_min(torch.finfo(read.dtype).tiny), 0.0)
    above = ratio.flip(0).cumsum(0).flip(0)
    return above - ratio
