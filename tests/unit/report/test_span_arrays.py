"""Numbers of many words at once, against the same worked out word by word."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from golden.records import mixed_record, pictures_record, record_of, with_visual_share
from seewhy.functional.peaks import half_maximum_box, peak
from seewhy.report.span_arrays import SpanArrays, TokenRows
from seewhy.report.spans import spans_of
from seewhy.report.token_groups import ranked


@pytest.mark.parametrize("make", [record_of, pictures_record, mixed_record])
def test_arrays_hold_what_each_words_maps_say(make):
    record = make()
    record.attribution.maps[0][3] = 0  # a word without evidence in one view
    groups = [word.tokens for word in record.words]
    found = SpanArrays.of(record.attribution, record.pictures, TokenRows.of(groups))
    for index, rows in enumerate(groups):
        maps = [view[list(rows)].amax(0) for view in record.attribution.maps]
        for view, (values, picture) in enumerate(zip(maps, record.pictures, strict=True)):
            assert torch.equal(found.maps[view][index], values)
            assert found.highest[index][view] == values.max()
            grid, cell = picture.base_grid, peak(values)
            at, box = found.peaks[index][view], found.boxes[index][view]
            assert (at is None) == (cell is None) == (box is None)
            if cell is None or at is None or box is None:
                continue
            row, column = cell
            assert grid.column_edges[column] < at[0] < grid.column_edges[column + 1]
            assert grid.row_edges[row] < at[1] < grid.row_edges[row + 1]
            top, left, bottom, right = half_maximum_box(values) or (0, 0, 0, 0)
            edges = grid.column_edges, grid.row_edges
            assert box == (edges[0][left], edges[1][top], edges[0][right], edges[1][bottom])
        means = torch.tensor([float(values.double().mean()) for values in maps])
        assert found.shares[index] == pytest.approx((means / means.sum()).tolist(), abs=1e-6)
        assert found.low[index] == record.attribution.low[list(rows)].min()
        assert found.high[index] == record.attribution.high[list(rows)].max()


def test_arrays_of_empty_maps_have_no_shares_and_no_places():
    record = record_of()
    empty = tuple(torch.zeros_like(view) for view in record.attribution.maps)
    attribution = replace(record.attribution, maps=empty)
    found = SpanArrays.of(attribution, record.pictures, TokenRows.of([(0,), (1, 2)]))
    assert found.shares == [(0.0,), (0.0,)]
    assert found.peaks == found.boxes == [(None,), (None,)]


def test_rows_are_reduced_by_word():
    rows = TokenRows.of([(0, 2), (1,)])
    values = torch.tensor([2.0, 3.0, 5.0])
    assert rows.greatest(values).tolist() == [5.0, 3.0]
    assert rows.least(values).tolist() == [2.0, 3.0]
    assert rows.mean(values).tolist() == [3.5, 3.0]
    assert rows.product(values).tolist() == [10.0, 3.0]


def test_visual_share_of_a_word_is_the_mean_of_its_tokens():
    record = with_visual_share(record_of())
    share = record.attribution.visual_share
    assert share is not None
    for span, word in zip(spans_of(record).words, record.words, strict=True):
        assert span.visual_share == pytest.approx(float(share[list(word.tokens)].double().mean()))


@pytest.mark.parametrize(("length", "most"), [(50, None), (50, 3), (400, 20), (400, None)])
def test_ranked_is_a_stable_sort_however_few_are_kept(length, most):
    rng = torch.Generator().manual_seed(length)
    values = torch.randint(-2, 6, (length,), generator=rng).double()  # many equals
    ordered = sorted(range(length), key=lambda at: (-float(values[at]), at))
    expected = [(at, float(values[at])) for at in ordered if values[at] > 0]
    assert list(ranked(values, most)) == expected[:most]


def test_main_view_is_of_the_picture_with_the_largest_share():
    span = spans_of(pictures_record()).words[2]
    low, high = (replace(span, shares=s, highest=h) for s, h in [
        ((0.6, 0.4), (1.0, 2.0)), ((0.4, 0.6), (2.0, 1.0)),
    ])  # fmt: skip
    # The share decides, not the highest value.
    assert (low.main_view([0, 1]), low.best_view) == (0, 1)
    assert (high.main_view([0, 1]), high.best_view) == (1, 0)
    # Two steps of one clip hold more together than a picture: of them the brightest.
    three = replace(span, shares=(0.4, 0.25, 0.35), highest=(3.0, 1.0, 2.0))
    assert three.main_view([0, 1, 1]) == 2
