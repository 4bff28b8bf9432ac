"""The logit lens against its equation, one dot product at a time in float64."""

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
