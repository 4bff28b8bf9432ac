"""Maps against the boxes and points that they go with."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from golden.location_records import (
    THOUSANDTHS,
    answered,
    box_record,
    clip_box_record,
    small_box_record,
)
from seewhy.core.geometry import TokenGrid
from seewhy.report.location_fit import fit_of, span_of
from seewhy.report.locations import locations_of


def one_token(answer_map, numbers, *, size=(100, 50), grid=None):
    """A record whose whole answer is a box, or a point, and the token's map."""
    pairs = "),(".join(",".join(map(str, numbers[i : i + 2])) for i in range(0, len(numbers), 2))
    text = f"<|box_start|>({pairs})<|box_end|>"
    record = answered(text, THOUSANDTHS, size=size, grid=grid, cuts=(len(text) - 1,))
    maps = torch.stack([answer_map, torch.zeros_like(answer_map)])
    return replace(record, attribution=replace(record.attribution, maps=(maps,)))


def fit(answer_map, numbers, **settings) -> Any:
    record = one_token(answer_map, numbers, **settings)
    (location,) = locations_of(record)
    return fit_of(record, location, location.coordinates)


def cells(*bright) -> torch.Tensor:
    """A map of 5 x 10 cells of 10 x 10 pixels, 1 where it is bright."""
    values = torch.zeros(5, 10)
    for row, column in bright:
        values[row, column] = 1.0
    return values


def test_fit_of_a_map_inside_its_box():
    found = fit(cells((2, 4), (2, 5)), (300, 200, 700, 800))
    assert (found.hit, found.distance, found.view) == (True, 0, 0)
    assert found.area == pytest.approx(0.24)
    assert found.energy == pytest.approx(1)
    assert 0.2 < found.iou < 0.5


def test_fit_of_a_map_over_the_whole_box_and_no_more():
    bright = [(row, column) for row in range(1, 4) for column in range(3, 7)]
    found = fit(cells(*bright), (300, 200, 700, 800))
    assert found.iou > 0.8
    assert found.energy > 0.8


def test_fit_of_a_map_beside_its_box():
    found = fit(cells((2, 9)), (0, 200, 200, 800))
    assert (found.hit, found.iou, found.energy) == (False, 0, pytest.approx(0, abs=1e-6))
    assert found.distance == pytest.approx(75)  # from x = 95 to the box's right edge at 20


def test_fit_of_an_empty_map():
    found = fit(cells(), (0, 0, 500, 500))
    assert (found.hit, found.distance, found.energy, found.iou) == (False, None, None, 0)


@pytest.mark.parametrize(
    ("numbers", "hit", "distance"),
    [((450, 500), True, 0), ((410, 590), True, None), ((500, 700), False, None)],
)
def test_fit_of_a_point_is_whether_it_lies_in_the_highest_cell(numbers, hit, distance):
    found = fit(cells((2, 4)), numbers)  # its centre is 45, 25
    assert (found.hit, found.iou, found.energy, found.area) == (hit, None, None, None)
    if distance is not None:
        assert found.distance == pytest.approx(distance)


def test_fit_of_a_box_that_is_smaller_than_a_cell_of_the_raster():
    found = fit(cells((2, 4)), (450, 500, 450, 500), size=(2000, 1000),
                grid=TokenGrid.over((0.0, 0.0, 2000.0, 1000.0), 5, 10))  # fmt: skip
    assert found.hit
    assert found.area == 0
    assert 0 <= found.iou < 0.05


def test_fit_leaves_out_what_the_model_did_not_see():
    crop = TokenGrid.over((50.0, 0.0, 100.0, 50.0), 5, 10)
    bright = torch.zeros(5, 10)
    bright[:, 0] = 1.0  # next to the unseen left half
    found = fit(bright, (0, 0, 500, 1000), grid=crop)
    assert found.energy == pytest.approx(0, abs=1e-6)
    assert not found.hit


def test_fit_of_phrase_and_of_coordinates_differ():
    record = small_box_record()
    (box,) = locations_of(record)
    phrase, coordinates = (fit_of(record, box, word) for word in (box.phrase, box.coordinates))
    assert phrase.energy == pytest.approx(0.4375)
    assert coordinates.energy == pytest.approx(0.875)
    assert fit_of(record, box, None) is None
    assert fit_of(record, replace(box, pixels=None), box.phrase) is None


def test_fit_of_drawn_things_is_good():
    record = box_record()
    box, point = locations_of(record)
    for word in (box.phrase, box.coordinates):
        found: Any = fit_of(record, box, word)
        assert found.hit
        assert found.iou > 0.4
        assert found.energy > 2 * found.area
    assert fit_of(record, point, point.coordinates).hit


def test_fit_in_a_clip_is_of_the_step_with_the_highest_map():
    record = clip_box_record()
    (box,) = locations_of(record)
    found = fit_of(record, box, box.phrase)
    span = span_of(record, box.phrase)
    assert found.view == span.best_view
    only = replace(box, views=(2,))
    assert fit_of(record, only, box.phrase).view == 2


def test_fit_is_computed_once():
    record = box_record()
    box, _ = locations_of(record)
    assert fit_of(record, box, box.phrase) is fit_of(record, box, box.phrase)
