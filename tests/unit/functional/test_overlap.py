import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from seewhy.core.errors import ShapeError
from seewhy.functional import auc, energy_inside, f1_iou, function_iou, iou, leak, object_iou

LEFT = torch.tensor([[True, True, False, False]])
RIGHT = ~LEFT


def test_object_iou_by_otsu_finds_a_clear_object() -> None:
    assert float(object_iou(torch.tensor([[0.9, 0.8, 0.1, 0.0]]), LEFT)) == 1


def test_object_iou_takes_a_threshold_for_each_map() -> None:
    maps = torch.tensor([[0.9, 0.4, 0.1, 0.1]]).expand(2, 1, 4)
    assert object_iou(maps, LEFT, torch.tensor([0.3, 0.5])).tolist() == [1.0, 0.5]


def test_object_iou_compares_half_precision_maps_with_the_threshold_as_given() -> None:
    maps = torch.tensor([[0.5, 0.5, 0.0, 0.0]], dtype=torch.bfloat16)
    assert float(object_iou(maps, LEFT, 0.4999)) == 1
    assert float(object_iou(maps, LEFT, 0.5001)) == 0


def test_object_iou_refuses_thresholds_of_other_maps() -> None:
    with pytest.raises(ShapeError, match=r"Expected one threshold, or one for each .* \[3\]"):
        object_iou(torch.rand(2, 1, 4), LEFT, torch.rand(3))


def test_function_iou_counts_cells_below_the_threshold_and_not_at_it() -> None:
    assert float(function_iou(torch.tensor([[0.0, 9.0, 10.0, 11.0]]), 10.0)) == 0.5
    assert float(function_iou(torch.zeros(3, 3), 0.0)) == 0


def test_f1_iou_gives_the_published_figures() -> None:
    for obj, func, f1 in [(21.23, 51.93, 30.14), (22.41, 69.03, 33.84), (27.37, 68.44, 39.10)]:
        assert f1_iou(obj / 100, func / 100) == pytest.approx(f1 / 100, abs=1e-4)


def test_f1_iou_of_nothing_is_zero() -> None:
    assert f1_iou(0.0, 0.0) == 0


def test_auc_of_a_constant_map_is_a_half_and_of_a_perfect_one_is_one() -> None:
    assert float(auc(torch.ones(1, 4), LEFT)) == 0.5
    assert float(auc(LEFT.float(), LEFT)) == 1
    assert float(auc(RIGHT.float(), LEFT)) == 0


def test_auc_and_energy_are_undefined_for_an_empty_mask_or_map() -> None:
    nothing = torch.zeros(1, 4, dtype=torch.bool)
    assert math.isnan(float(auc(torch.rand(1, 4), nothing)))
    assert math.isnan(float(energy_inside(torch.zeros(1, 4), LEFT)))
    assert math.isnan(float(iou(nothing, nothing)))


@pytest.mark.parametrize(("other", "expected"), [(0.2, 0.0), (0.6, 0.5), (1.0, 1.0), (0.0, -0.25)])
def test_leak_is_between_background_and_own_object(other: float, expected: float) -> None:
    heatmap = torch.tensor([[1.0, other, 0.2]])
    own, others = torch.tensor([[True, False, False]]), torch.tensor([[False, True, False]])
    assert leak(heatmap, own, others) == pytest.approx(expected)


def test_leak_counts_shared_cells_as_the_own_object() -> None:
    heatmap = torch.tensor([[1.0, 0.5, 0.0]])
    own, all_objects = torch.tensor([[True, False, False]]), torch.tensor([[True, True, False]])
    assert leak(heatmap, own, all_objects) == 0.5


def test_leak_is_undefined_without_background_or_without_evidence() -> None:
    assert math.isnan(leak(torch.rand(1, 4), LEFT, RIGHT))
    assert math.isnan(leak(torch.zeros(1, 3), torch.eye(3)[:1].bool(), torch.eye(3)[1:2].bool()))


@pytest.mark.parametrize("measure", [object_iou, auc, energy_inside])
def test_overlaps_refuse_a_mask_on_another_grid(
    measure: Callable[[Tensor, Tensor], Tensor],
) -> None:
    with pytest.raises(ShapeError, match=r"mask on the grid of maps, 1 x 3, got shape \[1, 4\]"):
        measure(torch.rand(2, 1, 3), LEFT)


def test_overlaps_refuse_masks_of_numbers() -> None:
    with pytest.raises(ShapeError, match="Expected mask of booleans, got torch.float32"):
        auc(torch.rand(1, 4), LEFT.float())
    with pytest.raises(ShapeError, match="Expected prediction of booleans, got torch.float32"):
        iou(LEFT.float(), LEFT)


def test_leak_refuses_many_maps() -> None:
    with pytest.raises(ShapeError, match=r"Expected heatmap with axes \[height width\]"):
        leak(torch.rand(2, 1, 4), LEFT, RIGHT)
