"""A trace refuses states that are not numbers."""

from dataclasses import replace

import pytest
import torch

from seewhy.core.errors import NonFiniteError, ShapeError
from seewhy.core.geometry import Geometry, TokenGrid
from seewhy.core.text import Token
from seewhy.core.trace import Inputs, Trace, View


def trace(visual, text):
    inputs = Inputs(
        tensors={"input_ids": torch.zeros(1, 5).long()},
        views=(View(Geometry((8, 8), (TokenGrid.over((0, 0, 8, 8), 1, 2),)), (8, 8)),),
        visual_positions=torch.arange(2),
        prompt_positions=torch.tensor([2]),
        prompt="what",
        scale=1.0,
    )
    prompt, answer = (Token(7, "what", 0, 4, 0.5),), (Token(8, "car", 0, 3, 0.9),)
    return Trace(inputs, prompt, answer, "car", visual, text, text, torch.zeros(2, 1).long())


def test_text_tokens_are_the_prompt_then_the_answer():
    result = trace(torch.zeros(2, 4), torch.zeros(2, 4)).text_tokens
    assert [token.text for token in result] == ["what", "car"]


def test_expect_finite_returns_a_finite_trace():
    sound = trace(torch.zeros(2, 4), torch.zeros(2, 4))
    assert sound.expect_finite() is sound


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("kind", ["visual", "text"])
def test_expect_finite_names_the_broken_states(value, kind):
    states = {"visual": torch.zeros(2, 4), "text": torch.zeros(2, 4)}
    states[kind][1, 2] = value
    with pytest.raises(NonFiniteError, match=rf"finite {kind} states.*at 1 of 2 positions"):
        trace(**states).expect_finite()


@pytest.mark.parametrize(
    ("dtype", "match"),
    [
        (torch.float16, r"\(dtype torch.float16\): load the model in float32 or bfloat16"),
        (torch.bfloat16, r"\(dtype torch.bfloat16\): its weights may be damaged"),
        (torch.float32, r"\(dtype torch.float32\): its weights may be damaged"),
    ],
)
def test_expect_finite_advises_by_the_dtype(dtype, match):
    states = torch.full((2, 4), torch.inf, dtype=dtype)
    with pytest.raises(NonFiniteError, match=match):
        trace(states, torch.zeros(2, 4)).expect_finite()


def two_views():
    result = trace(torch.zeros(2, 4), torch.zeros(2, 4))
    tall = View(Geometry((4, 12), (TokenGrid.over((0, 0, 4, 12), 3, 1),)), (6, 18), medium=1)
    inputs = replace(result.inputs, views=(*result.views, tall))
    return replace(result, inputs=inputs, visual_states=torch.zeros(5, 4))


def test_inputs_have_size_and_grid_of_every_view():
    inputs = two_views().inputs
    assert inputs.model_sizes == ((8, 8), (6, 18))
    assert [base_grid.shape for base_grid in inputs.base_grids] == [(1, 2), (3, 1)]
    assert inputs.length == 5


def test_to_grid_puts_each_view_on_its_own_grid():
    first, second = two_views().to_grid(torch.arange(10.0).view(2, 5))
    assert first.tolist() == [[[0, 1]], [[5, 6]]]
    assert second.tolist() == [[[2], [3], [4]], [[7], [8], [9]]]


def test_to_grid_refuses_values_of_other_views():
    with pytest.raises(ShapeError, match="values with axes .* visual = 5, got visual = 4"):
        two_views().to_grid(torch.zeros(2, 4))
