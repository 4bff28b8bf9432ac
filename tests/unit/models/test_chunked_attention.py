"""Attention in blocks of rows equals whole attention, forwards and backwards."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

import seewhy.models.attention
import seewhy.models.chunked_attention
from seewhy.models.attention import attention_output, attention_weights, row_blocks
from seewhy.models.chunked_attention import chunked_attention

KINDS = {
    "plain": {},
    "scaled": {"scaling": 0.3},
    "capped": {"softcap": 1.5, "scaling": 0.7},
    "sinks": {"s_aux": torch.tensor([0.5, -1.0, 2.0, 0.0], dtype=torch.float64)},
}


def tensors(seed=0, grad=True):
    draw = torch.Generator().manual_seed(seed)

    def random(*shape):
        made = torch.randn(shape, generator=draw, dtype=torch.float64)
        return made.requires_grad_(grad)

    return random(1, 4, 7, 6), random(1, 2, 7, 6), random(1, 2, 7, 6)


def masks():
    seen = torch.ones(7, 7).tril().bool()
    seen[5, 1] = False
    return {
        "causal": None,
        "bool": seen[None, None],
        "added": torch.where(seen, 0.0, -torch.inf).double()[None, None],
    }


@pytest.mark.parametrize("kept", [0, 10**9])
@pytest.mark.parametrize("rows", [1, 3, 7])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("masked", ["causal", "bool", "added"])
def test_chunked_attention_equals_whole_attention(masked, kind, rows, kept, monkeypatch):
    monkeypatch.setattr(seewhy.models.attention, "BLOCK", rows * 4 * 7)
    monkeypatch.setattr(seewhy.models.chunked_attention, "KEPT", kept)
    options, mask = KINDS[kind], masks()[masked]
    visited = []

    def visit(at, weights, gradients):
        visited.append((at, weights, gradients))

    query, key, value = tensors()
    output, _ = chunked_attention(None, query, key, value, mask, visit, **options)
    way = torch.randn(output.shape, generator=torch.Generator().manual_seed(1)).double()
    way[:, 2] = 0  # a row without a gradient
    found = torch.autograd.grad(output, (query, key, value), way)

    weights = attention_weights(
        query,
        key,
        mask,
        scaling=options.get("scaling"),
        softcap=options.get("softcap"),
        sinks=options.get("s_aux"),
    )
    expected, _ = attention_output(weights, value)
    torch.testing.assert_close(output, expected)
    *of_inputs, of_weights = torch.autograd.grad(expected, (query, key, value, weights), way)
    for one, other in zip(found, of_inputs, strict=True):
        torch.testing.assert_close(one, other)
    for at, seen, gradient in visited:
        torch.testing.assert_close(seen, weights[0, :, at])
        torch.testing.assert_close(gradient, of_weights[0, :, at])
    at = torch.cat([rows for rows, *_ in visited]).tolist()
    assert set(at) | {2} == set(range(7))
    assert (2 in at) == (rows > 1)


def test_chunked_attention_without_gradients_is_fast_attention():
    query, key, value = tensors(grad=False)
    visited = []
    module = SimpleNamespace(num_key_value_groups=2, is_causal=True)
    output, _ = chunked_attention(
        module, query, key, value, None, lambda *given: visited.append(given)
    )
    expected, _ = attention_output(attention_weights(query, key, None), value)
    torch.testing.assert_close(output, expected)
    assert not visited


@pytest.mark.parametrize(("block", "sizes"), [(1, [1] * 7), (60, [2, 2, 2, 1]), (10**9, [7])])
def test_row_blocks_fit_the_budget(block, sizes, monkeypatch):
    monkeypatch.setattr(seewhy.models.attention, "BLOCK", block)
    query, key, _ = tensors(grad=False)
    blocks = row_blocks(query, key)
    assert [len(rows) for rows in blocks] == sizes
    assert torch.cat(blocks).tolist() == list(range(7))
