import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seewhy.core.display import to_display

SCORES = st.floats(0, 1e4, width=32)


def test_to_display_clamps_values_outside_the_range():
    assert to_display(torch.tensor([-1.0, 2.0, 3.0, 7.0]), 2.0, 4.0).tolist() == [0, 0, 0.5, 1]


def test_to_display_takes_a_range_for_each_token():
    low, high = torch.tensor([[0.0], [2.0]]), torch.tensor([[4.0], [3.0]])
    shown = to_display(torch.tensor([[1.0, 2.0], [2.5, 9.0]]), low, high)
    assert shown.tolist() == [[0.25, 0.5], [0.5, 1.0]]


@pytest.mark.parametrize("end", [3.0, torch.tensor(3.0)])
def test_to_display_of_an_empty_range_is_zero_and_not_nan(end):
    assert to_display(torch.tensor([3.0, 3.0]), end, end).tolist() == [0, 0]


@given(st.lists(SCORES, min_size=1, max_size=5), SCORES, SCORES)
def test_to_display_of_numbers_and_of_tensors_agree(values, low, span):
    scores, high = torch.tensor(values), low + span
    numbers = to_display(scores, low, high)
    tensors = to_display(scores, torch.tensor(low), torch.tensor(high))
    torch.testing.assert_close(numbers, tensors, rtol=0, atol=1e-3)
    assert bool(((numbers >= 0) & (numbers <= 1)).all())
