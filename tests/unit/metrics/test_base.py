"""Cases, measurements and what they refuse."""

from __future__ import annotations

import math

import pytest
import torch

from metric_cases import SIZE, box, planted, truth
from seewhy.core.errors import UnknownNameError
from seewhy.metrics import METRICS
from seewhy.metrics._base import Measurement, Undefined, measured

STAR = {"star": truth("kind", 0)}


def test_measured_gives_a_reason_instead_of_a_value_that_is_not_finite():
    assert measured("auc", 0.5, 3, otherwise="empty") == Measurement("auc", 0.5, 3)
    for value in (math.nan, math.inf):
        assert measured("auc", value, 3, otherwise="empty") == Undefined("auc", "empty")


def test_case_joins_words_with_their_truths():
    case = planted(torch.zeros(4, *SIZE), [box(0, 0, 2, 2)], STAR)
    assert [word.word.text for word in case.words] == ["a", "star", "is", "there"]
    assert [word.role for word in case.words] == ["", "kind", "", ""]
    mask = case.mask(1)
    assert mask is not None
    assert torch.equal(mask, box(0, 0, 2, 2))
    assert case.mask(0) is None


def test_case_takes_the_brightest_of_a_words_tokens():
    maps = torch.zeros(2, *SIZE)
    maps[0, 1, 1], maps[1, 2, 2] = 0.5, 0.75
    case = planted(maps, answer=("st", "ar"))
    assert float(case.heatmap(0)[1, 1]) == 0.5
    assert float(case.heatmap(0)[2, 2]) == 0.75


def test_case_has_no_verdict_on_words_that_were_not_explained():
    case = planted(torch.zeros(4, *SIZE), selected=[5])
    assert [case.invalid_reason(at) for at in range(4)] == [
        "word not explained",
        None,
        "word not explained",
        "word not explained",
    ]


def test_case_has_no_verdict_on_maps_with_nan():
    maps = torch.zeros(4, *SIZE)
    maps[1, 3, 3] = math.nan
    case = planted(maps, [box(0, 0, 2, 2)], STAR)
    assert case.invalid_reason(0) is None
    assert case.invalid_reason(1) == "map not finite"
    found = [
        one
        for metric in ("overlap", "auc", "energy")
        for one in METRICS.get(metric)().measure(case)
    ]
    assert {one.reason for one in found if isinstance(one, Undefined)} >= {"map not finite"}
    assert not any(isinstance(one, Measurement) for one in found)


def test_case_draws_from_the_samples_seed_alone():
    one, other = (planted(torch.zeros(4, *SIZE)) for _ in range(2))
    assert one.seed_of("disc", 1) == other.seed_of("disc", 1) != one.seed_of("disc", 2)


def test_metrics_say_what_is_near_an_unknown_name():
    with pytest.raises(UnknownNameError, match=r"name of a metric, got 'overlp': did you mean 'ov"):
        METRICS.get("overlp")
