"""Scores of unsupported words: edges and refusals."""

from __future__ import annotations

import math

import pytest
import torch

from seewhy.core.errors import ShapeError
from seewhy.functional.hallucination_scores import (
    attention_dispersion,
    contextual_lens,
    grounding_consistency,
    instruction_lens_score,
    token_probabilities,
    top_patch_similarity,
)

GRID = torch.arange(100).view(10, 10)


def spread(*cells: int) -> torch.Tensor:
    attention = torch.zeros(100)
    attention[list(cells)] = 1.0
    return attention


def test_probabilities_of_half_precision_are_float32():
    found = token_probabilities(torch.zeros(2, 4, dtype=torch.bfloat16), torch.tensor([0]))
    assert (found.dtype, found.tolist()) == (torch.float32, [[0.25, 0.25]])


def test_dispersion_is_low_for_one_group_and_high_for_scattered_cells():
    block = [row * 10 + column for row in range(3) for column in range(3)]
    scattered = [0, 5, 22, 28, 44, 50, 56, 72, 97]
    faint = torch.linspace(0.01, 0.02, 100)
    compact = attention_dispersion(spread(*block) + faint, [GRID])
    loose = attention_dispersion(spread(*scattered) + faint, [GRID])
    assert float(compact) < 0.2 < 0.8 < float(loose)


def test_groups_touch_at_corners_and_end_at_the_edge_of_a_grid():
    diagonal = spread(0, 11, 22)
    assert float(attention_dispersion(diagonal, [GRID], share=0.03)) == 0.0
    tiles = [torch.arange(50).view(10, 5), 50 + torch.arange(50).view(10, 5)]
    across = spread(48, 49, 50)
    # Two of three cells lie in the first tile: no group is large enough, nothing is left over.
    whole = attention_dispersion(across + 0.1 * spread(99), tiles, share=0.03, least=2)
    assert float(whole) == 0.0
    rest = across + torch.linspace(0, 0.1, 100)
    large, small = (attention_dispersion(rest, tiles, share=0.03, least=n) for n in (2, 3))
    assert float(large) < float(small)


def test_dispersion_of_constant_attention_is_one_and_of_one_token_undefined():
    assert attention_dispersion(torch.full((2, 100), 0.01), [GRID]).tolist() == [1.0, 1.0]
    assert math.isnan(attention_dispersion(torch.ones(1), [GRID[:1, :1]]))


def test_fewer_patches_than_k_are_all_used():
    patches = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    word = torch.tensor([1.0, 0.0])
    assert float(top_patch_similarity(word, patches, torch.tensor([0.1, 0.2]))) == 0.5
    assert float(grounding_consistency(word[None], patches)) == 1.0


def test_inslen_falls_with_the_distance_to_the_instruction():
    word, said = torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.5])
    near, far = torch.tensor([[1.0, 0.0]] * 2), torch.tensor([[0.0, 3.0]] * 2)
    local = torch.tensor(0.0)
    assert float(instruction_lens_score(word, local, near, said)) == pytest.approx(0.4)
    assert float(instruction_lens_score(word, local, far, said)) < 0


def test_scores_refuse_axes_that_do_not_match():
    with pytest.raises(ShapeError, match="hidden = 3"):
        contextual_lens(torch.zeros(1, 3), torch.zeros(5, 4))
    with pytest.raises(ShapeError, match="visual = 5"):
        top_patch_similarity(torch.zeros(4), torch.zeros(5, 4), torch.zeros(6))
    with pytest.raises(ShapeError, match="text = 2"):
        instruction_lens_score(torch.zeros(4), torch.tensor(0.0), torch.zeros(2, 4), torch.zeros(3))
