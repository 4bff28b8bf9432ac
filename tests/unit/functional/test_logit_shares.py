"""Attention rows, value scores and the second hop on small tensors."""

from __future__ import annotations

import pytest
import torch

from seewhy.functional.logit_shares import attention_rows, handed_on, value_scores
from seewhy.models.attention import attention_weights

HEADS, GROUPS, POSITIONS, DIM = 6, 2, 7, 5


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("softcap", [None, 0.7])
@pytest.mark.parametrize("sinks", [None, torch.linspace(-1, 2, HEADS)])
@pytest.mark.parametrize("numbers", [False, True])
def test_attention_rows_are_those_of_the_full_weights(softcap, sinks, numbers):
    query, key = random(1, HEADS, POSITIONS, DIM), random(1, GROUPS, POSITIONS, DIM, seed=1)
    mask = torch.ones(POSITIONS, POSITIONS, dtype=torch.bool).tril()
    mask[5, 1] = False
    if numbers:
        mask = torch.zeros(POSITIONS, POSITIONS).double().masked_fill(~mask, -1e30) + random(7, 7)
    options = {"scaling": 0.8, "softcap": softcap, "sinks": sinks}
    rows = torch.tensor([2, 5, 6])
    expected = attention_weights(query, key, mask[None, None], rows=rows, **options)[0]
    found = attention_rows(query[0].transpose(0, 1)[rows], key[0], mask[rows], **options)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    if sinks is None:
        torch.testing.assert_close(found.sum(-1), torch.ones(HEADS, 3).double())
    else:
        assert float(found.sum(-1).max()) < 1


def test_attention_rows_are_float32_for_half_precision():
    query, key = random(3, HEADS, DIM), random(GROUPS, POSITIONS, DIM)
    mask = torch.ones(3, POSITIONS, dtype=torch.bool)
    half = attention_rows(query.half(), key.half(), mask, scaling=1.0)
    assert half.dtype == torch.float32
    exact = attention_rows(query.half().double(), key.half().double(), mask, scaling=1.0)
    torch.testing.assert_close(half.double(), exact, rtol=1e-5, atol=1e-6)


def test_value_scores_are_products_with_the_values_of_the_heads_group():
    values, directions = random(GROUPS, POSITIONS, DIM), random(4, HEADS, DIM, seed=2)
    found = value_scores(values, directions)
    assert found.shape == (HEADS, 4, POSITIONS)
    for head in range(HEADS):
        group = head // (HEADS // GROUPS)
        for token in range(4):
            for position in range(POSITIONS):
                wanted = float(values[group, position] @ directions[token, head])
                assert float(found[head, token, position]) == pytest.approx(wanted)


def test_handed_on_divides_what_was_taken_among_lower_layers():
    layers, tokens, rows = 4, 3, 5
    taken, read = random(layers, tokens, rows).abs(), random(layers, tokens, rows, seed=3).abs()
    read[:, 1, 2] = 0
    read[:2, 2, 4] = 0
    found = handed_on(taken, read)
    for token in range(tokens):
        for row in range(rows):
            for lower in range(layers):
                wanted = 0.0
                for upper in range(lower + 1, layers):
                    below = float(read[:upper, token, row].sum())
                    wanted += float(taken[upper, token, row]) / below if below else 0.0
                assert float(found[lower, token, row]) == pytest.approx(wanted)


def test_handed_on_hands_on_all_that_was_taken_above_the_first_reading():
    """What a row passes on sums to what was taken from it, but in layers with nothing below."""
    taken, read = random(4, 2, 3).abs(), random(4, 2, 3, seed=3).abs()
    read[0, 0, 0] = 0
    passed = (handed_on(taken, read) * read).sum(0)
    expected = taken[1:].sum(0)
    expected[0, 0] = taken[2:, 0, 0].sum()
    torch.testing.assert_close(passed, expected)


def test_handed_on_of_one_layer_is_nothing():
    assert not handed_on(random(1, 2, 3).abs(), random(1, 2, 3).abs()).any()
