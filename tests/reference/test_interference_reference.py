"""Estimated causal inference against its equations, with loops in float64."""

import numpy as np
import pytest
import torch

from seewhy.functional import context_weights, interference, remove_interference


def context_weights_reference(activation, texts, rho, variant, threshold):
    weights = np.zeros(activation.shape)
    for i in range(len(texts)):
        for j in range(i):
            if texts[i] == texts[j]:
                continue
            s = activation[i, j]
            if variant == "plain":
                weights[i, j] = s
            elif variant == "scaled":
                weights[i, j] = (1 - rho[i, j]) * s
            elif variant == "inverse":
                weights[i, j] = 1 - rho[i, j]
            elif variant == "threshold":
                weights[i, j] = s if rho[i, j] < threshold else 0
    return weights


def interference_reference(maps, weights):
    """I_i = sum_j s_ij A_j / sum_j s_ij, or 0."""
    mixed = np.zeros((len(weights), *maps.shape[1:]))
    for i, row in enumerate(weights):
        if sum(row) > 0:
            mixed[i] = sum(w * a for w, a in zip(row, maps, strict=True)) / sum(row)
    return mixed


def remove_interference_reference(maps, interfering):
    """relu(A - lambda I) with lambda from a least squares solver."""
    cleaned, shares = np.zeros(maps.shape), np.zeros(len(maps))
    for i, (given, taken) in enumerate(zip(maps, interfering, strict=True)):
        shares[i] = np.linalg.lstsq(taken.reshape(-1, 1), given.ravel(), rcond=None)[0][0]
        cleaned[i] = np.maximum(given - shares[i] * taken, 0)
    return cleaned, shares


@pytest.mark.parametrize("variant", ["plain", "scaled", "inverse", "threshold"])
def test_context_weights_equal_the_equations(variant):
    draw = np.random.default_rng(1)
    texts = np.array(["a", "dog", "and", "a", "cat", "."])
    activation = np.tril(draw.random((6, 6)), -1).astype(np.float32)
    rho = draw.random((6, 6)).astype(np.float32)
    rho = (rho + rho.T) / 2
    weights = context_weights(
        torch.tensor(activation),
        torch.tensor(texts[:, None] == texts),
        *(() if variant == "plain" else (torch.tensor(rho), variant, 0.4)),
    )
    expected = context_weights_reference(activation, texts, rho, variant, 0.4)
    np.testing.assert_allclose(weights, expected, atol=1e-6)


@pytest.mark.parametrize("place", [(), (9,), (3, 4), (2, 3, 4)])
def test_interference_equals_the_equation(place):
    draw = np.random.default_rng(2)
    maps, weights = draw.random((5, *place)), draw.random((3, 5))
    weights[1] = 0
    mixed = interference(torch.tensor(maps), torch.tensor(weights))
    np.testing.assert_allclose(mixed, interference_reference(maps, weights), atol=1e-6)


@pytest.mark.parametrize("size", [1.0, 1e-20, 1e15])
def test_remove_interference_equals_least_squares_at_any_size(size):
    draw = np.random.default_rng(3)
    maps, interfering = draw.random((2, 6, 4, 5)) * size
    interfering[2] = 0
    cleaned, shares = remove_interference(torch.tensor(maps), torch.tensor(interfering))
    expected, expected_shares = remove_interference_reference(maps / size, interfering / size)
    np.testing.assert_allclose(cleaned / size, expected, atol=1e-6)
    np.testing.assert_allclose(shares, expected_shares, rtol=1e-5, atol=1e-7)
