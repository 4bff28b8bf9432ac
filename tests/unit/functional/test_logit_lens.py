import importlib

import pytest
import torch

from seewhy.core.errors import ShapeError
from seewhy.functional import logit_lens, text_activation


def test_logit_lens_sums_half_precision_in_float32() -> None:
    states = torch.full((1, 4096), 1.0, dtype=torch.bfloat16)
    rows = torch.full((1, 4096), 2.0**-7, dtype=torch.bfloat16)
    states[0, 0] = 1 + 2**-7
    assert float(logit_lens(states, rows)) == 32 + 2**-14


def test_logit_lens_in_parts_equals_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    states, rows = torch.randn(11, 8), torch.randn(3, 8)
    whole = logit_lens(states, rows)
    module = importlib.import_module("seewhy.functional.logit_lens")
    monkeypatch.setattr(module, "STATES_AT_ONCE", 4)
    torch.testing.assert_close(logit_lens(states, rows), whole)


@pytest.mark.parametrize(("tokens", "visual"), [(0, 5), (3, 0), (0, 0)])
def test_logit_lens_of_nothing_is_empty(tokens: int, visual: int) -> None:
    maps = logit_lens(torch.ones(visual, 4), torch.ones(tokens, 4))
    assert maps.shape == (tokens, visual)


def test_logit_lens_does_not_change_its_inputs() -> None:
    states, rows, biases = torch.randn(4, 3), torch.randn(2, 3), torch.randn(2)
    copies = [x.clone() for x in (states, rows, biases)]
    logit_lens(states, rows, biases)
    for given, copy in zip((states, rows, biases), copies, strict=True):
        assert torch.equal(given, copy)


def test_logit_lens_refuses_rows_of_another_width() -> None:
    with pytest.raises(ShapeError, match="Expected rows .* hidden = 4, got hidden = 5"):
        logit_lens(torch.ones(2, 4), torch.ones(2, 5))


def test_logit_lens_refuses_biases_of_other_tokens() -> None:
    with pytest.raises(ShapeError, match="Expected biases .* token = 2, got token = 3"):
        logit_lens(torch.ones(2, 4), torch.ones(2, 4), torch.ones(3))


def test_text_activation_keeps_later_states_out_even_if_broken() -> None:
    states = torch.tensor([[1.0], [2.0], [float("nan")]])
    activation = text_activation(states, torch.ones(3, 1))
    assert activation.tolist() == [[0, 0, 0], [1, 0, 0], [1, 2, 0]]


def test_text_activation_refuses_rows_for_other_tokens() -> None:
    with pytest.raises(ShapeError, match="Expected rows .* text = 3, got text = 2"):
        text_activation(torch.ones(3, 4), torch.ones(2, 4))


def test_logit_lens_caps_half_precision_in_float32() -> None:
    """A cap of bfloat16 logits near the cap would round them all to it."""
    states = torch.tensor([[8.0], [8.0625]], dtype=torch.bfloat16)
    capped = logit_lens(states, torch.ones(1, 1, dtype=torch.bfloat16), softcap=4.0)
    assert float(capped[0, 0]) < float(capped[0, 1]) < 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"foils": torch.ones(3, 4)}, "Expected foils .* token = 2, got token = 3"),
        ({"foils": torch.ones(2, 5)}, "Expected foils .* hidden = 4, got hidden = 5"),
        ({"foil_biases": torch.ones(3)}, "Expected foil_biases .* token = 2, got token = 3"),
    ],
)
def test_logit_lens_refuses_foils_that_do_not_fit(given: dict, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        logit_lens(torch.ones(2, 4), torch.ones(2, 4), **given)


def test_text_activation_contrasts_too() -> None:
    states, rows = torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [5.0]])
    activation = text_activation(states, rows, foils=torch.tensor([[0.0], [2.0]]))
    assert activation.tolist() == [[0, 0], [3, 0]]
