import pytest
import torch

from seewhy.core.errors import ShapeError
from seewhy.functional import half_maximum_box, peak


def test_peak_is_the_first_of_equals() -> None:
    assert peak(torch.tensor([[0.0, 2.0, 2.0], [2.0, 0.0, 0.0]])) == (0, 1)


def test_half_maximum_box_bounds_parts_that_do_not_touch() -> None:
    heatmap = torch.zeros(6, 7)
    heatmap[1, 2], heatmap[4, 5], heatmap[5, 0] = 1.0, 0.6, 0.5
    assert half_maximum_box(heatmap) == (1, 2, 5, 6)


def test_half_maximum_box_of_a_constant_map_is_all_of_it() -> None:
    assert half_maximum_box(torch.full((3, 4), 0.2)) == (0, 0, 3, 4)


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (0, 4)])
def test_peaks_of_an_empty_map_are_none(shape: tuple[int, int]) -> None:
    assert peak(torch.zeros(shape)) is None
    assert half_maximum_box(torch.zeros(shape)) is None


@pytest.mark.parametrize("find", [peak, half_maximum_box])
def test_peaks_refuse_many_maps(find) -> None:
    with pytest.raises(ShapeError, match=r"Expected heatmap with axes \[height width\]"):
        find(torch.zeros(2, 3, 4))
