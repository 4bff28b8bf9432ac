"""The logit lens against its equation, one dot product at a time in float64."""

import math

import numpy as np
import pytest
import torch

from seewhy.functional import logit_lens, text_activation


def logit_lens_reference(states, rows, biases):
    """A_i[v] = relu(H_v . W_i + b_i)."""
    maps = np.zeros((len(rows), len(states)))
    for i in range(len(rows)):
        for v in range(len(states)):
            dot = sum(float(h) * float(w) for h, w in zip(states[v], rows[i], strict=True))
            maps[i, v] = max(0.0, dot + float(biases[i]))
    return maps


def text_activation_reference(states, rows, biases):
    """s_ij = relu(H_j . W_i + b_i) for j < i, else 0."""
    activation = np.zeros((len(rows), len(states)))
    for i in range(len(rows)):
        for j in range(i):
            dot = sum(float(h) * float(w) for h, w in zip(states[j], rows[i], strict=True))
            activation[i, j] = max(0.0, dot + float(biases[i]))
    return activation


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("biased", [False, True])
def test_logit_lens_equals_the_equation(dtype, biased):
    draw = torch.Generator().manual_seed(0)
    states = torch.randn(7, 24, generator=draw).to(dtype)
    rows = torch.randn(5, 24, generator=draw).to(dtype)
    biases = torch.randn(5, generator=draw).to(dtype) if biased else torch.zeros(5)
    maps = logit_lens(states, rows, biases if biased else None)
    assert maps.dtype == torch.float32
    np.testing.assert_allclose(maps, logit_lens_reference(states, rows, biases), atol=1e-5)


@pytest.mark.parametrize("text", [1, 2, 6])
def test_text_activation_equals_the_equation(text):
    draw = torch.Generator().manual_seed(text)
    states, rows = torch.randn(2, text, 16, generator=draw)
    biases = torch.randn(text, generator=draw)
    activation = text_activation(states, rows, biases)
    np.testing.assert_allclose(
        activation, text_activation_reference(states, rows, biases), atol=1e-5
    )


def logit_reference(state, row, bias, softcap):
    """z = h . w + b, then c tanh(z / c)."""
    z = sum(float(h) * float(w) for h, w in zip(state, row, strict=True)) + float(bias)
    return z if softcap is None else softcap * math.tanh(z / softcap)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("softcap", [None, 0.5, 30.0])
@pytest.mark.parametrize("foiled", [False, True])
@pytest.mark.parametrize("biased", [False, True])
def test_logit_lens_with_cap_and_foils_equals_the_equation(dtype, softcap, foiled, biased):
    """relu(cap(z) - cap(z_foil)): the cap comes before the difference, as in the model."""
    draw = torch.Generator().manual_seed(11)
    states = torch.randn(7, 24, generator=draw).to(dtype)
    rows, foils = torch.randn(2, 5, 24, generator=draw).to(dtype)
    biases, foil_biases = torch.randn(2, 5, generator=draw).to(dtype)
    foils[2] = foil_biases[2] = 0
    output = {"softcap": softcap}
    output |= {"foils": foils} if foiled else {}
    output |= {"foil_biases": foil_biases} if foiled and biased else {}
    made = logit_lens(states, rows, biases if biased else None, **output)
    expected = np.zeros((5, 7))
    for i in range(5):
        for v in range(7):
            said = logit_reference(states[v], rows[i], biases[i] if biased else 0, softcap)
            other = logit_reference(states[v], foils[i], foil_biases[i] if biased else 0, softcap)
            expected[i, v] = max(0.0, said - (other if foiled else 0.0))
    assert made.dtype == torch.float32
    np.testing.assert_allclose(made, expected, atol=2e-5)


@pytest.mark.parametrize("softcap", [None, 2.0])
def test_text_activation_with_cap_and_foils_equals_the_equation(softcap):
    draw = torch.Generator().manual_seed(12)
    states, rows, foils = torch.randn(3, 6, 16, generator=draw)
    biases, foil_biases = torch.randn(2, 6, generator=draw)
    made = text_activation(
        states, rows, biases, softcap=softcap, foils=foils, foil_biases=foil_biases
    )
    expected = np.zeros((6, 6))
    for i in range(6):
        for j in range(i):
            said = logit_reference(states[j], rows[i], biases[i], softcap)
            other = logit_reference(states[j], foils[i], foil_biases[i], softcap)
            expected[i, j] = max(0.0, said - other)
    np.testing.assert_allclose(made, expected, atol=1e-5)
