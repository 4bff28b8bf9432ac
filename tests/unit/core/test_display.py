import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seewhy.core.display import answer_span, expect_display, to_display
from seewhy.core.errors import UnknownNameError

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


@settings(deadline=None)  # the first call may wait for a busy machine
@given(st.lists(SCORES, min_size=1, max_size=5), SCORES, SCORES)
def test_to_display_of_numbers_and_of_tensors_agree(values, low, span):
    scores, high = torch.tensor(values), low + span
    numbers = to_display(scores, low, high)
    tensors = to_display(scores, torch.tensor(low), torch.tensor(high))
    torch.testing.assert_close(numbers, tensors, rtol=0, atol=1e-3)
    assert bool(((numbers >= 0) & (numbers <= 1)).all())


def test_answer_span_is_the_99th_percentile_of_all_values_above_the_floors():
    maps = torch.arange(400.0).view(4, 10, 10)
    assert answer_span([maps], torch.zeros(4)) == 395.0  # ceil(0.99 * 400) = 396 values up to it
    assert answer_span([maps + 7], torch.full((4,), 7.0)) == 395.0


def test_answer_span_counts_each_view_the_same_however_many_cells_it_has():
    large, small = torch.zeros(1, 30, 30), torch.full((1, 2, 2), 5.0)
    large[0, 0, :17] = 9.0  # less than a hundredth of both views
    assert answer_span([large, small], torch.zeros(1)) == 5.0
    large[0, 0, :19] = 9.0  # more
    assert answer_span([large, small], torch.zeros(1)) == 9.0


def test_answer_span_of_sparse_maps_is_their_maximum_and_of_empty_ones_zero():
    maps = torch.zeros(2, 20, 20)
    assert answer_span([maps], torch.zeros(2)) == 0.0
    maps[1, 3, 3] = 4.0
    assert answer_span([maps], torch.zeros(2)) == 4.0
    assert answer_span([torch.zeros(0, 3, 3)], torch.zeros(0)) == 0.0


def test_answer_span_takes_values_below_the_floor_for_nothing():
    signed = torch.linspace(-1, 1, 200).view(2, 10, 10)
    assert answer_span([signed], torch.zeros(2)) == answer_span(
        [signed.clamp_min(0)], torch.zeros(2)
    )


def test_expect_display_names_near_matches():
    with pytest.raises(UnknownNameError, match="'answers'.*did you mean 'answer'"):
        expect_display("answers")
