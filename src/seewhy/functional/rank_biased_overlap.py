"""Rank-biased overlap: the agreement of two rankings, the first ranks weighted most."""

from __future__ import annotations

import torch
from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.errors import ParameterError

#: Numbers held at once while pairs are compared; bounds memory for long answers.
NUMBERS_AT_ONCE = 2**18


def rank_biased_overlap(rankings: Tensor, p: float = 0.9, *, depth: int | None = None) -> Tensor:
    r"""Compare the top-k rankings of all pairs of tokens.

    $$\rho_{ij} = \frac{1}{1 - p^k} \sum_{c \in R_i \cap R_j} w_{\max(r_i(c), r_j(c))}, \qquad
    w_m = \sum_{d=m}^{k} \frac{(1 - p)\,p^{d-1}}{d}$$

    with ranks r from 1. This is the expected agreement of the two lists at a depth drawn from a
    geometric distribution: a reader continues with probability p. It is cut off at depth k and
    divided by the mass of the first k depths, so that equal lists give 1.

    Args:
        rankings: int64 `[token, rank]`, ids with the best first; the ids of a list differ.
        p: persistence in (0, 1); the first 1 / (1 - p) ranks carry most of the weight.
        depth: how many ranks count, at most the lists' length; all if None.

    Returns:
        float32 `[token, token]` in [0, 1], symmetric, 1 on the diagonal up to rounding.

    Raises:
        ShapeError: if `rankings` has other axes.
        ParameterError: if `p` or `depth` is out of range, if `rankings` does not hold integers, or
            if a list holds an id twice.

    Source:
        Webber et al. 2010, "A similarity measure for indefinite rankings". That ARC measures
        rankings by RBO with k = 50 is stated by the paper (Eq. 7); p, the truncation and the
        division by 1 - p^k are our reading.

    Example:
        >>> rank_biased_overlap(torch.tensor([[7, 8], [7, 8], [8, 7], [1, 2]]), p=0.5)
        tensor([[1.0000, 1.0000, 0.3333, 0.0000],
                [1.0000, 1.0000, 0.3333, 0.0000],
                [0.3333, 0.3333, 1.0000, 0.0000],
                [0.0000, 0.0000, 0.0000, 1.0000]])
    """
    sizes = expect_axes(rankings, "token rank", name="rankings")
    tokens, depth = sizes["token"], _expect_depth(depth, sizes["rank"])
    ids = _expect_distinct(rankings[:, :depth])
    weights = tail_weights(p, depth).to(ids.device)

    # Vocabulary ids are numbered among those that occur.
    occurring, numbers = ids.unique(return_inverse=True)
    lists = torch.arange(tokens, device=ids.device)
    overlaps = weights.new_empty(tokens, tokens)
    for chunk in lists.split(max(1, NUMBERS_AT_ONCE // max(1, tokens * depth))):
        chunk_ids, rows = numbers[chunk].unique(return_inverse=True)
        row_of_id = rows.new_full((len(occurring),), len(chunk_ids))
        row_of_id[chunk_ids] = torch.arange(len(chunk_ids), device=ids.device)
        # The weight of each id of the chunk in every list, 0 where it is missing; the last row is
        # for all other ids. As w falls with the rank, w[max(a, b)] = min(w[a], w[b]).
        table = weights.new_zeros(len(chunk_ids) + 1, tokens)
        table[row_of_id[numbers], lists[:, None]] = weights
        in_lists = table[rows.flatten()].view(len(chunk), depth, tokens)
        overlaps[chunk] = torch.minimum(in_lists, weights[:, None]).sum(1)
    # Both halves hold the same sums, added up in different orders.
    return ((overlaps + overlaps.T) / 2).clamp(max=1)


def tail_weights(p: float, depth: int) -> Tensor:
    """The weight of an id shared at each rank: `w_m / (1 - p^k)` for m = 1..k.

    Args:
        p: persistence in (0, 1).
        depth: k, at least 1.

    Returns:
        float32 `[rank]`, decreasing, sum 1.

    Raises:
        ParameterError: if `p` or `depth` is out of range.

    Example:
        >>> tail_weights(0.5, 2)
        tensor([0.8333, 0.1667])
    """
    if not 0 < p < 1:
        raise ParameterError(
            f"Expected p between 0 and 1, both excluded, got {p}: near 0 only the first rank "
            "counts, near 1 all depths count equally (0.999 is close to that limit)."
        )
    if depth < 1:
        raise ParameterError(f"Expected a depth of at least 1, got {depth}: give the ranks to use.")
    ranks = torch.arange(1, depth + 1, dtype=torch.float64)
    steps = p ** (ranks - 1) / ranks
    tails = steps.flip(0).cumsum(0).flip(0)
    # The sum over m of w_m is 1 - p^k; dividing by the computed sum avoids 1 - p near p = 1.
    return (tails / tails.sum()).float()


def _expect_depth(depth: int | None, length: int) -> int:
    if depth is None:
        depth = length
    if not 1 <= depth <= length:
        raise ParameterError(
            f"Expected a depth from 1 to the lists' length {length}, got {depth}: "
            "give fewer ranks, or record longer rankings."
        )
    return depth


def _expect_distinct(rankings: Tensor) -> Tensor:
    if rankings.is_floating_point() or rankings.dtype == torch.bool:
        raise ParameterError(
            f"Expected rankings of integer ids, got {rankings.dtype}: "
            "give the indices of `topk`, not its values."
        )
    repeated = (rankings.sort(dim=1).values.diff(dim=1) == 0).any(dim=1)
    if bool(repeated.any()):
        raise ParameterError(
            f"Expected different ids within a ranking, got an id twice in that of token "
            f"{int(repeated.int().argmax())}: give each id once, at its best rank."
        )
    return rankings.long()
