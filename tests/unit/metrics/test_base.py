"""Cases, measurements and what they refuse."""

from __future__ import annotations

import math

import pytest
import torch

from metric_cases import SIZE, box, planted, truth
from seewhy.core.errors import UnknownNameError
from seewhy.core.geometry import TokenGrid
from seewhy.metrics import (
    METRICS,
    ArraySample,
    Measurement,
    Undefined,
    answer_words,
    native_map,
    word_heatmap,
    word_mask,
)
from seewhy.metrics._base import finite_or_undefined
from seewhy.metrics._sample import invalid_reason, seed_for

STAR = {"star": truth("kind", 0)}


def test_finite_or_undefined_gives_a_reason_instead_of_a_value_that_is_not_finite():
    assert finite_or_undefined("auc", 0.5, 3, reason="empty") == Measurement("auc", 0.5, 3)
    for value in (math.nan, math.inf):
        assert finite_or_undefined("auc", value, 3, reason="empty") == Undefined("auc", "empty")


def test_case_joins_words_with_their_truths():
    case = planted(torch.zeros(4, *SIZE), [box(0, 0, 2, 2)], STAR)
    assert [word.word.text for word in case.words] == ["a", "star", "is", "there"]
    assert [word.role for word in case.words] == ["", "kind", "", ""]
    mask = word_mask(case, 1)
    assert mask is not None
    assert torch.equal(mask, box(0, 0, 2, 2))
    assert word_mask(case, 0) is None


def test_word_heatmap_is_the_maximum_over_tokens():
    maps = torch.zeros(2, *SIZE)
    maps[0, 1, 1], maps[1, 2, 2] = 0.5, 0.75
    case = planted(maps, answer=("st", "ar"))
    assert float(word_heatmap(case, 0)[1, 1]) == 0.5
    assert float(word_heatmap(case, 0)[2, 2]) == 0.75


def test_sample_has_no_value_for_words_that_were_not_explained():
    case = planted(torch.zeros(4, *SIZE), selected=[5])
    assert [invalid_reason(case, at) for at in range(4)] == [
        "word not explained",
        None,
        "word not explained",
        "word not explained",
    ]


def test_sample_has_no_value_for_maps_with_nan():
    maps = torch.zeros(4, *SIZE)
    maps[1, 3, 3] = math.nan
    case = planted(maps, [box(0, 0, 2, 2)], STAR)
    assert invalid_reason(case, 0) is None
    assert invalid_reason(case, 1) == "map not finite"
    found = [
        one
        for metric in ("overlap", "auc", "energy")
        for one in METRICS.get(metric)().measure(case)
    ]
    assert {one.reason for one in found if isinstance(one, Undefined)} >= {"map not finite"}
    assert not any(isinstance(one, Measurement) for one in found)


def test_sample_draws_depend_only_on_its_seed():
    one, other = (planted(torch.zeros(4, *SIZE)) for _ in range(2))
    assert seed_for(one, "disc", 1) == seed_for(other, "disc", 1) != seed_for(one, "disc", 2)


def test_metrics_say_what_is_near_an_unknown_name():
    with pytest.raises(UnknownNameError, match=r"name of a metric, got 'overlp': did you mean 'ov"):
        METRICS.get("overlp")


ON_ARRAYS = sorted(metric.name for metric in METRICS if "model" not in metric.needs)


@pytest.mark.parametrize("name", ON_ARRAYS)
def test_metric_without_a_model_measures_plain_tensors_alike(name):
    """Words, maps and masks are all that it takes: no trace, no method, no model."""
    torch.manual_seed(3)
    truths = {**STAR, "is": truth("function"), "there": truth("noun", 1)}
    case = planted(torch.rand(4, *SIZE), [box(1, 2, 5, 7), box(4, 6, 8, 12)], truths)
    plain = ArraySample(case.words, case.native_maps, case.masks)
    metric = METRICS.get(name)()
    found = list(metric.measure(plain))
    assert any(isinstance(one, Measurement) for one in found)
    assert found == list(metric.measure(case))


@pytest.mark.parametrize("metric", [m for m in METRICS if "model" in m.needs], ids=lambda m: m.name)
def test_metric_that_needs_a_model_is_undefined_for_plain_tensors(metric):
    words = answer_words("a star", [(0, 1), (1, 6)])
    plain = ArraySample(words, torch.rand(2, 3, 4), torch.ones(1, 6, 8, dtype=torch.bool))
    reasons = {one.reason for one in metric().measure(plain) if isinstance(one, Undefined)}
    assert "no model" in reasons


def test_maps_are_brought_to_the_picture_by_the_edges_of_their_grid():
    """The model saw the middle of a picture: its map is of that part, not of the whole."""
    sample = ArraySample(
        answer_words("a", [(0, 1)]),
        torch.tensor([[[0.5, 1.0], [0.5, 1.0]]]),
        torch.ones(1, 2, 8, dtype=torch.bool),
        map_grid=TokenGrid.over((2.0, 0.0, 6.0, 2.0), 2, 2),
    )
    assert sample.heatmaps[0, 0].tolist() == pytest.approx([0, 0, 0.5, 0.625, 0.875, 1, 0, 0])


def test_a_cell_of_padding_is_no_dark_cell_of_a_function_word():
    """The lower half of the grid lies below the picture."""
    sample = ArraySample(
        answer_words("a", [(0, 1)], [truth("function")]),
        torch.tensor([[[0.5, 1.0], [0.0, 0.0]]]),
        torch.ones(1, 4, 8, dtype=torch.bool),
        map_grid=TokenGrid.over((0.0, 0.0, 8.0, 8.0), 2, 2),
    )
    found = {one.figure: one for one in METRICS.get("overlap")().measure(sample)}
    assert found["function-iou@0.5"] == Measurement("function-iou@0.5", 0.0, 0)


def test_array_sample_resizes_maps_to_the_masks():
    sample = ArraySample(
        answer_words("a", [(0, 1)]),
        torch.tensor([[[0.0, 1.0], [0.0, 1.0]]]),
        torch.ones(1, 4, 8, dtype=torch.bool),
    )
    assert sample.heatmaps.shape == (1, 4, 8)
    assert sample.heatmaps[0, 0].tolist() == pytest.approx([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])
    assert torch.equal(native_map(sample, 0), sample.native_maps[0])
