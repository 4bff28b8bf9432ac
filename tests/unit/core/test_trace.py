"""A trace refuses states that are not numbers."""

import pytest
import torch

from seewhy.core.errors import NonFiniteError
from seewhy.core.geometry import Geometry, Layer
from seewhy.core.text import Token
from seewhy.core.trace import Inputs, Trace


def trace(visual, text):
    inputs = Inputs(
        tensors={},
        geometry=Geometry((8, 8), (Layer.over((0, 0, 8, 8), 1, 2),)),
        visual_positions=torch.arange(2),
        prompt_positions=torch.tensor([2]),
        prompt="what",
        scale=1.0,
        seen=(8, 8),
    )
    prompt, answer = (Token(7, "what", 0, 4, 0.5),), (Token(8, "car", 0, 3, 0.9),)
    return Trace(inputs, prompt, answer, "car", visual, text, text, torch.zeros(2, 1).long())


def test_text_tokens_are_the_prompt_then_the_answer():
    found = trace(torch.zeros(2, 4), torch.zeros(2, 4)).text_tokens
    assert [token.text for token in found] == ["what", "car"]


def test_expect_finite_returns_a_sound_trace():
    sound = trace(torch.zeros(2, 4), torch.zeros(2, 4))
    assert sound.expect_finite() is sound


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("kind", ["visual", "text"])
def test_expect_finite_names_the_broken_states(value, kind):
    states = {"visual": torch.zeros(2, 4), "text": torch.zeros(2, 4)}
    states[kind][1, 2] = value
    with pytest.raises(NonFiniteError, match=rf"finite {kind} states.*at 1 of 2 positions"):
        trace(**states).expect_finite()
