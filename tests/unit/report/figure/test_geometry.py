"""Places of panels: within the figure, apart from each other, never too small or too tall."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seewhy.report.figure.geometry import (
    GAP,
    GRID_LEAST,
    MARGIN,
    ROW_LEAST,
    TALLEST,
    columns_that_fit,
    flow,
    grid,
    text_height,
)

ASPECTS = st.lists(st.floats(0.05, 20), min_size=1, max_size=14)
WIDTHS = st.floats(4, 60)


def expect_sound(cells, width):
    """Pictures lie within the figure, and neither they nor their texts overlap."""
    for cell in cells:
        box = cell.picture
        assert box.left >= MARGIN - 1e-6
        assert box.left + box.width <= width - MARGIN + 1e-6
        assert box.height <= TALLEST * width + 1e-6
        assert cell.text_top >= box.top + box.height
        assert cell.middle == pytest.approx(box.left + box.width / 2)
    for one, other in pairwise(cells):
        if other.left > one.left:
            assert other.left >= one.picture.left + one.picture.width + GAP - 1e-6
            assert other.middle - one.middle >= (one.text_width + other.text_width) / 2 - 1e-6


@settings(max_examples=60)
@given(ASPECTS, WIDTHS, st.integers(1, 4))
def test_flow_is_sound_and_keeps_the_shapes(aspects, width, lines):
    places = flow(aspects, lines, width)
    (cells,) = places.cells
    expect_sound(cells, width)
    for cell, aspect in zip(cells, aspects, strict=True):
        assert cell.picture.width / cell.picture.height == pytest.approx(aspect)
    assert len({round(cell.picture.height, 9) for cell in cells}) == 1
    assert places.bottom == pytest.approx(cells[-1].text_top + text_height(lines))


@settings(max_examples=60)
@given(ASPECTS, WIDTHS, st.integers(1, 5), st.booleans())
def test_grid_is_sound_and_keeps_the_shapes(aspects, width, rows, titled):
    columns = columns_that_fit(aspects, width)
    table = [[None if i == 0 and r else a for i, a in enumerate(aspects[:columns])]
             for r in range(rows if len(aspects[:columns]) > 1 else 1)]  # fmt: skip
    places = grid(table, [2] * len(table), titled, width)
    for cells, row in zip(places.cells, table, strict=True):
        expect_sound([cell for cell in cells if cell is not None], width)
        assert [cell is None for cell in cells] == [aspect is None for aspect in row]
    assert list(places.title_tops) == sorted(places.title_tops)


def test_flow_takes_as_many_columns_as_can_be_read():
    def columns(aspect, width=8.4, count=12):
        (cells,) = flow([aspect] * count, 2, width).cells
        return len({round(cell.left, 6) for cell in cells})

    assert [columns(4 / 3), columns(16 / 9), columns(1)] == [4, 4, 4]  # 12 in equal lines
    assert [columns(4 / 3, count=5), columns(8, count=3)] == [5, 1]
    (cells,) = flow([4 / 3] * 5, 2, 8.4).cells
    assert cells[0].picture.width >= ROW_LEAST[0]
    assert cells[0].picture.height >= ROW_LEAST[1]


def test_flow_takes_the_columns_that_are_named():
    (cells,) = flow([1.5] * 6, 2, 8.4, columns=2).cells
    assert len({round(cell.left, 6) for cell in cells}) == 2


def test_tall_pictures_are_capped_and_keep_room_for_their_text():
    (cells,) = flow([0.1] * 3, 2, 8.4).cells
    assert cells[0].picture.height == pytest.approx(TALLEST * 8.4)
    assert min(cell.text_width for cell in cells) >= ROW_LEAST[0]


def test_grid_has_at_least_two_columns():
    assert columns_that_fit([10.0], 8.4) == 2
    assert columns_that_fit([4 / 3], 8.4) == int((8.4 - 2 * MARGIN + GAP) / (GRID_LEAST[0] + GAP))
