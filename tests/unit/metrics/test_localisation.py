"""Overlap, pointing game, energy and AUC on planted maps."""

from __future__ import annotations

import pytest
import torch

from metric_cases import SIZE, box, planted, truth
from seewhy.core.errors import ParameterError
from seewhy.core.sample import Truth
from seewhy.metrics import METRICS, ArraySample, answer_words
from seewhy.metrics._base import Measurement, Undefined

STAR = {"star": truth("kind", 0)}
MASK = box(2, 2, 6, 8)


def values(metric, case):
    """Values by figure; no figure of it may be undefined."""
    found = {}
    for one in metric.measure(case):
        assert isinstance(one, Measurement), one
        found.setdefault(one.figure, []).append(one.value)
    return found


def reasons(metric, case):
    return {(one.figure, one.reason) for one in metric.measure(case) if isinstance(one, Undefined)}


def on_star(heatmap, masks=(MASK,), truths=None):
    maps = torch.zeros(4, *SIZE)
    maps[1] = heatmap
    return planted(maps, masks, STAR if truths is None else truths)


def test_overlap_of_a_perfect_map_is_one():
    case = on_star(0.2 + 0.8 * MASK.float(), truths={**STAR, "is": truth("function")})
    assert values(METRICS.get("overlap")(), case) == {
        "object-iou": [1.0],
        "object-iou@0.5": [1.0],
        "function-iou": [1.0],
        "function-iou@0.5": [1.0],
    }


def test_function_iou_is_the_published_evaluation_s():
    """Two nouns; the first has two tokens, whose larger threshold counts; 8 bits, and `<`."""
    levels = torch.zeros(4, 2, 3)
    levels[0], levels[1], levels[2] = 40 / 255, 100 / 255, 20 / 255
    levels[:3, 0, 0] = 1.0
    levels[3] = torch.tensor([[59, 60, 61], [60.9, 0, 255]]) / 255
    words = answer_words(
        "starfish here is", [(0, 4), (4, 8), (8, 13), (13, 16)],
        [Truth(0, 8, "noun"), Truth(9, 13, "noun"), Truth(14, 16, "function")],
    )  # fmt: skip
    sample = ArraySample(words, levels, torch.zeros(1, 2, 3, dtype=torch.bool))
    measured = METRICS.get("overlap")().measure(sample)
    found = {m.figure: m.value for m in measured if isinstance(m, Measurement)}
    # Thresholds: (max(40, 100) + 20) / 2 = 60; 60.9 is cut off to 60, which is not below it.
    assert found["function-iou"] == pytest.approx(2 / 6)


def test_overlap_at_a_half_is_that_of_the_answer_s_scale():
    """A faint map, which is black on the joint scale, is bright on the answer's."""
    faint = 0.01 * MASK.float()
    case = on_star(faint, truths={**STAR, "is": truth("function")})
    found = values(METRICS.get("overlap")(), case)
    assert found["object-iou@0.5"] == [1.0]
    assert found["function-iou@0.5"] == [1.0]


def test_overlap_counts_words_of_one_category_that_follow_each_other_once():
    maps = torch.zeros(4, *SIZE)
    maps[1], maps[3] = MASK, MASK
    light = {"star": truth("kind", 0, category="light"), "is": truth("kind", 0, category="light")}
    overlap = METRICS.get("overlap")()
    found = [m for m in overlap.measure(planted(maps, [MASK], light)) if isinstance(m, Measurement)]
    assert [m.value for m in found if m.figure == "object-iou"] == [1.0]
    apart = {"star": light["star"], "there": light["star"]}
    found = [m for m in overlap.measure(planted(maps, [MASK], apart)) if isinstance(m, Measurement)]
    assert [m.value for m in found if m.figure == "object-iou"] == [1.0, 1.0]


def test_overlap_counts_words_without_a_category_each():
    maps = torch.stack([MASK.float()] * 4)
    words = {"star": truth("kind", 0), "is": truth("kind", 0)}
    found = list(METRICS.get("overlap")().measure(planted(maps, [MASK], words)))
    assert len([m for m in found if m.figure == "object-iou" and isinstance(m, Measurement)]) == 2


def test_overlap_gives_the_reason_for_an_undefined_figure():
    overlap = METRICS.get("overlap")()
    assert reasons(overlap, planted(torch.zeros(4, *SIZE))) == {
        (f"{name}{suffix}", reason)
        for suffix in ("", "@0.5")
        for name, reason in (
            ("object-iou", "no thing with a mask said"),
            ("function-iou", "no function word said"),
        )
    }
    lone = planted(torch.zeros(4, *SIZE), truths={"is": truth("function")})
    assert ("function-iou", "no noun said") in reasons(overlap, lone)


def test_pointing_game_hits_if_the_brightest_pixel_is_inside():
    heatmap = torch.zeros(SIZE)
    heatmap[3, 4] = 0.5
    assert values(METRICS.get("pointing-game")(), on_star(heatmap)) == {
        "pointing-game": [1.0],
        "pointing-game-near": [1.0],
    }


def test_pointing_game_near_counts_misses_within_the_tolerance():
    heatmap = torch.zeros(SIZE)
    heatmap[1, 1] = 0.5
    game = METRICS.get("pointing-game")
    for tolerance, near in ((0.0, 0.0), (1 / 12, 1.0)):
        found = values(game(tolerance=tolerance), on_star(heatmap))
        assert found == {"pointing-game": [0.0], "pointing-game-near": [near]}


def test_pointing_game_scores_an_empty_map_as_chance_does():
    found = values(METRICS.get("pointing-game")(tolerance=0.0), on_star(torch.zeros(SIZE)))
    assert found["pointing-game"] == [pytest.approx(24 / 96)]


def test_pointing_game_refuses_a_tolerance_out_of_range():
    with pytest.raises(ParameterError, match=r"tolerance in \[0, 1\], got 15"):
        METRICS.get("pointing-game")(tolerance=15)


def test_energy_is_the_mass_inside_and_its_gain_over_the_area():
    heatmap = torch.zeros(SIZE)
    heatmap[3, 3], heatmap[0, 0] = 0.75, 0.25
    assert values(METRICS.get("energy")(), on_star(heatmap)) == {
        "energy": [pytest.approx(0.75)],
        "energy-gain": [pytest.approx(3.0)],
    }


def test_energy_of_an_empty_map_is_undefined():
    assert reasons(METRICS.get("energy")(), on_star(torch.zeros(SIZE))) == {
        ("energy", "empty map"),
        ("energy-gain", "empty map"),
    }


def test_auc_of_an_empty_map_is_a_half():
    assert values(METRICS.get("auc")(), on_star(torch.zeros(SIZE))) == {"auc": [0.5]}


@pytest.mark.parametrize("name", ["auc", "energy", "pointing-game"])
def test_localisation_gives_the_reason_for_an_undefined_figure(name):
    metric = METRICS.get(name)()
    nothing = {reason for _, reason in reasons(metric, planted(torch.zeros(4, *SIZE)))}
    assert nothing == {"no word with a mask said"}
    empty = on_star(torch.rand(SIZE), masks=(torch.zeros(SIZE, dtype=torch.bool),))
    assert {reason for _, reason in reasons(metric, empty)} == {"empty mask"}
    # A function word may have regions in some data set: no map is expected of it.
    function = on_star(torch.rand(SIZE), truths={"star": truth("function", 0)})
    assert {reason for _, reason in reasons(metric, function)} == {"no word with a mask said"}


@pytest.mark.parametrize("better", [1, 2])
def test_overlap_takes_the_better_word_of_a_run(better):
    maps = torch.zeros(4, *SIZE)
    maps[1:3, 0, 0], maps[better] = 1.0, MASK.float()
    light = {"star": truth("kind", 0, category="light"), "is": truth("kind", 0, category="light")}
    found = METRICS.get("overlap")().measure(planted(maps, [MASK], light))
    assert [m.value for m in found if m.figure == "object-iou" and isinstance(m, Measurement)] == [
        1.0
    ]
