"""Rank-biased overlap against its definition: the agreement at every depth, by sets."""

import numpy as np
import pytest
import torch

from seewhy.functional import rank_biased_overlap


def rank_biased_overlap_reference(first, second, p):
    """(1 - p) sum_d p^(d-1) |R_i[:d] & R_j[:d]| / d, divided by 1 - p^k."""
    depth, total = len(first), 0.0
    for d in range(1, depth + 1):
        shared = set(first[:d]) & set(second[:d])
        total += p ** (d - 1) * len(shared) / d
    return (1 - p) * total / (1 - p**depth)


def pairs_reference(rankings, p):
    lists = rankings.tolist()
    return np.array([[rank_biased_overlap_reference(a, b, p) for b in lists] for a in lists])


@pytest.mark.parametrize("p", [0.05, 0.5, 0.9, 0.98, 0.9999])
@pytest.mark.parametrize(
    ("tokens", "rank", "vocab"), [(1, 1, 5), (6, 3, 4), (12, 20, 30), (9, 50, 10_000)]
)
def test_rank_biased_overlap_equals_the_definition(tokens, rank, vocab, p):
    draw = torch.Generator().manual_seed(rank)
    rankings = torch.stack([torch.randperm(vocab, generator=draw)[:rank] for _ in range(tokens)])
    np.testing.assert_allclose(
        rank_biased_overlap(rankings, p), pairs_reference(rankings, p), atol=2e-6
    )


@pytest.mark.parametrize("depth", [1, 4, 10])
def test_rank_biased_overlap_of_a_depth_is_that_of_the_cut_lists(depth):
    draw = torch.Generator().manual_seed(3)
    rankings = torch.stack([torch.randperm(14, generator=draw)[:10] for _ in range(8)])
    np.testing.assert_allclose(
        rank_biased_overlap(rankings, 0.8, depth=depth),
        pairs_reference(rankings[:, :depth], 0.8),
        atol=2e-6,
    )
