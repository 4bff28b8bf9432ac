import pytest
import torch

from seewhy.core.errors import ParameterError, ShapeError
from seewhy.functional import eight_bit, function_threshold, otsu_threshold


def test_otsu_threshold_splits_two_groups_between_them() -> None:
    maps = torch.tensor([[0.1, 0.12, 0.8], [0.11, 0.9, 0.85]])
    threshold = float(otsu_threshold(maps))
    assert 0.12 < threshold < 0.8


def test_otsu_threshold_makes_a_constant_map_all_foreground_and_an_empty_one_none() -> None:
    maps = torch.stack([torch.full((3, 3), 0.6), torch.zeros(3, 3)])
    bright = maps > otsu_threshold(maps)[:, None, None]
    assert bright[0].all()
    assert not bright[1].any()


def test_otsu_threshold_of_many_maps_is_that_of_each() -> None:
    maps = torch.rand(2, 3, 5, 6) ** 3
    many = otsu_threshold(maps)
    assert many.shape == (2, 3)
    assert many.flatten().tolist() == [float(otsu_threshold(m)) for m in maps.flatten(0, 1)]


def test_otsu_threshold_clamps_values_outside_the_range() -> None:
    maps = torch.tensor([[-3.0, 0.2, 7.0]])
    assert torch.equal(otsu_threshold(maps), otsu_threshold(maps.clamp(0, 1)))


def test_otsu_threshold_of_no_maps_is_empty() -> None:
    assert otsu_threshold(torch.zeros(0, 3, 3)).shape == (0,)


def test_otsu_threshold_refuses_a_map_without_cells() -> None:
    with pytest.raises(ShapeError, match=r"at least one cell, got shape \[2, 0, 3\]"):
        otsu_threshold(torch.zeros(2, 0, 3))


def test_otsu_threshold_refuses_a_single_bin() -> None:
    with pytest.raises(ParameterError, match="at least 2 bins, got 1"):
        otsu_threshold(torch.zeros(2, 2), bins=1)


def test_eight_bit_cuts_off_and_does_not_round() -> None:
    maps = torch.tensor([-1.0, 0.0, 0.9999 / 255, 1.9 / 255, 0.99999, 1.0, 3.0])
    assert eight_bit(maps).tolist() == [0, 0, 0, 1, 254, 255, 255]


def test_function_threshold_is_the_mean_of_each_noun_s_largest() -> None:
    def split_at(level: int) -> torch.Tensor:
        return torch.tensor([[level / 255, 1.0], [level / 255, 1.0]])

    nouns = [torch.stack([split_at(30), split_at(90)]), split_at(20)[None]]
    assert function_threshold(nouns) == (90 + 20) / 2


def test_function_threshold_refuses_no_noun() -> None:
    with pytest.raises(ParameterError, match="maps of at least one noun, got none"):
        function_threshold([])
