"""Interference: the part of a word's map that comes from earlier words, and its removal."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.errors import ParameterError, ShapeError, UnknownNameError
from seewhy.core.suggestions import unknown_name_message

Variant = Literal["scaled", "inverse", "threshold"]


def context_weights(
    activation: Tensor,
    same_text: Tensor,
    rho: Tensor | None = None,
    variant: Variant = "scaled",
    threshold: float = 0.5,
) -> Tensor:
    r"""Compute how much each context token may interfere with each later token.

    Without `rho`, the weights of TAM's estimated causal inference: the text activation s_ij of all
    earlier tokens with another text. With `rho`, the agreement of the tokens' rankings, a context
    that agrees with the token interferes less (ARC):

    - `"scaled"`: (1 - rho_ij) s_ij,
    - `"inverse"`: 1 - rho_ij,
    - `"threshold"`: s_ij where rho_ij < threshold, else 0.

    Args:
        activation: float `[text, text]`, s_ij with the explained token i in rows, from
            `text_activation`.
        same_text: bool `[text, text]`, whether tokens i and j have the same text; such a context
            does not interfere, it means the same thing.
        rho: float `[text, text]` in [0, 1], from `rank_biased_overlap`, or None.
        variant: how rho is used.
        threshold: the rho from which a context is kept, for `"threshold"` only.

    Returns:
        float32 `[text, text]`, non-negative, strictly lower triangular.

    Raises:
        ShapeError: if the tensors' axes differ.
        UnknownNameError: if there is no such variant.

    Source:
        Without `rho`, stated by the TAM paper. With it, how the weight is used is our reading: the
        ARC paper says that irrelevant contexts are suppressed and coherent ones preserved.

    Example:
        >>> activation = torch.tensor([[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [2.0, 6.0, 0.0]])
        >>> rho = torch.tensor([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]])
        >>> context_weights(activation, torch.eye(3, dtype=torch.bool), rho)
        tensor([[0., 0., 0.],
                [2., 0., 0.],
                [2., 6., 0.]])
    """
    text = len(activation) if activation.ndim else 0
    _expect_pairs(activation, "activation", text)
    _expect_pairs(same_text, "same_text", text)
    if variant not in get_args(Variant):
        raise UnknownNameError(unknown_name_message("variant", variant, get_args(Variant)))
    weights = activation.float()
    if rho is not None:
        _expect_pairs(rho, "rho", text)
        rho = rho.float()
        if variant == "scaled":
            weights = (1 - rho) * weights
        elif variant == "inverse":
            weights = 1 - rho
        else:
            weights = weights * (rho < threshold)
    return weights.masked_fill(same_text, 0).tril(-1)


def interference(maps: Tensor, weights: Tensor) -> Tensor:
    r"""Average the maps of the context, weighted by how much each may interfere.

    $$I_i = \frac{\sum_j s_{ij} A_j}{\sum_j s_{ij}}$$

    Args:
        maps: float `[text, ...]`, the map A_j of every context token, over any spatial axes.
        weights: float `[token, text]`, non-negative; rows of `context_weights`.

    Returns:
        float32 `[token, ...]`; 0 where a token's weights sum to 0.

    Raises:
        ShapeError: if the text axes differ.
        ParameterError: if a weight is negative.

    Source:
        TAM's estimated causal inference, stated by the paper.

    Example:
        >>> maps = torch.tensor([[1.0, 0.0], [0.0, 4.0]])
        >>> interference(maps, weights=torch.tensor([[0.0, 0.0], [3.0, 1.0]]))
        tensor([[0.0000, 0.0000],
                [0.7500, 1.0000]])
    """
    text = expect_axes(weights, "token text", name="weights")["text"]
    if maps.ndim < 1 or maps.shape[0] != text:
        raise ShapeError(
            f"Expected maps with axes [text ...] and text = {text}, got shape {list(maps.shape)}: "
            "give one map for every context token."
        )
    weights = _expect_no_negative(weights.float())
    total = weights.sum(1, keepdim=True)
    shares = weights / total.where(total != 0, 1)
    return torch.tensordot(shares, maps.float(), dims=1)


def remove_interference(maps: Tensor, interfering: Tensor) -> tuple[Tensor, Tensor]:
    r"""Remove from each map the part that its interference explains.

    $$A_i' = \mathrm{relu}(A_i - \lambda_i I_i), \qquad
    \lambda_i = \arg\min_\lambda \lVert A_i - \lambda I_i \rVert^2
    = \frac{\langle A_i, I_i \rangle}{\langle I_i, I_i \rangle}$$

    Args:
        maps: float `[token, ...]`, over any spatial axes.
        interfering: float, same shape, from `interference`.

    Returns:
        The cleaned maps, float32 `[token, ...]`, non-negative; and lambda, float32 `[token]`, 0
        where there is no interference.

    Raises:
        ShapeError: if the shapes differ.

    Source:
        TAM's estimated causal inference, stated by the paper.

    Example:
        >>> maps, interfering = torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0, 1.0]])
        >>> remove_interference(maps, interfering)
        (tensor([[1., 0.]]), tensor([2.]))
    """
    if maps.ndim < 1 or maps.shape != interfering.shape:
        raise ShapeError(
            f"Expected maps and interfering of one shape [token ...], got {list(maps.shape)} and "
            f"{list(interfering.shape)}: give one interference for every map."
        )
    flat = (len(maps), math.prod(maps.shape[1:]))
    flat_maps, removed = maps.float().reshape(flat), interfering.float().reshape(flat)
    # Scaled to a peak of 1, so that squares of small values do not underflow in float32.
    peak = removed.new_ones(len(removed), 1)
    if removed.numel():
        peak = removed.abs().amax(1, keepdim=True)
    peak = peak.where(peak != 0, 1)
    unit = removed / peak
    norm = (unit * unit).sum(1, keepdim=True)
    share = (flat_maps * unit).sum(1, keepdim=True) / norm.where(norm != 0, 1)
    cleaned = (flat_maps - share * unit).relu().view(maps.shape)
    return cleaned, (share / peak)[:, 0]


def _expect_pairs(tensor: Tensor, name: str, text: int) -> None:
    if tensor.shape != (text, text):
        raise ShapeError(
            f"Expected {name} with axes [text text] and text = {text}, got shape "
            f"{list(tensor.shape)}: give a value for every pair of text tokens."
        )


def _expect_no_negative(weights: Tensor) -> Tensor:
    if bool((weights < 0).any()):
        raise ParameterError(
            f"Expected weights of at least 0, got {float(weights.min()):.4g}: "
            "pass them through relu, or through `context_weights`."
        )
    return weights
