"""Overlap measures against their definitions, cell by cell in plain Python."""

import math

import numpy as np
import pytest
import torch

from seewhy.functional import auc, energy_inside, function_iou, iou, leak, object_iou


def cells(array):
    return [x.item() for x in np.asarray(array).ravel()]


def iou_reference(prediction, mask):
    pairs = list(zip(cells(prediction), cells(mask), strict=True))
    union = sum(p or m for p, m in pairs)
    return sum(p and m for p, m in pairs) / union if union else math.nan


def auc_reference(heatmap, mask):
    pairs = list(zip(cells(heatmap), cells(mask), strict=True))
    inside, outside = [a for a, m in pairs if m], [a for a, m in pairs if not m]
    if not inside or not outside:
        return math.nan
    won = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in inside for b in outside)
    return won / (len(inside) * len(outside))


def energy_reference(heatmap, mask):
    total = sum(cells(heatmap))
    inside = sum(a for a, m in zip(cells(heatmap), cells(mask), strict=True) if m)
    return inside / total if total else math.nan


def leak_reference(heatmap, own, others):
    triples = list(zip(cells(heatmap), cells(own), cells(others), strict=True))
    mine = [a for a, o, _ in triples if o]
    other = [a for a, o, x in triples if x and not o]
    ground = [a for a, o, x in triples if not o and not x]
    if not (mine and other and ground):
        return math.nan
    mean = [sum(part) / len(part) for part in (mine, other, ground)]
    evidence = mean[0] - mean[2]
    return (mean[1] - mean[2]) / evidence if evidence > 0 else math.nan


MASKS = {
    "some": np.arange(20).reshape(4, 5) % 3 == 0,
    "none": np.zeros((4, 5), bool),
    "all": np.ones((4, 5), bool),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("kind", ["uniform", "tied", "constant", "empty"])
def test_overlaps_equal_their_definitions(kind, mask):
    draw = np.random.default_rng(8)
    heatmap = {
        "uniform": draw.random((4, 5)),
        "tied": draw.integers(0, 4, (4, 5)) / 4,
        "constant": np.full((4, 5), 0.5),
        "empty": np.zeros((4, 5)),
    }[kind].astype(np.float32)
    maps, region = torch.tensor(heatmap), torch.tensor(MASKS[mask])
    bright = heatmap > 0.4

    def same(measured, expected):
        assert float(measured) == pytest.approx(expected, abs=1e-6, nan_ok=True)

    same(iou(maps > 0.4, region), iou_reference(bright, MASKS[mask]))
    same(object_iou(maps, region, 0.4), iou_reference(bright, MASKS[mask]))
    same(function_iou(maps, 0.4), 1 - sum(cells(bright)) / 20)
    same(auc(maps, region), auc_reference(heatmap, MASKS[mask]))
    same(energy_inside(maps, region), energy_reference(heatmap, MASKS[mask]))
    others = draw.random((4, 5)) < 0.4
    same(
        leak(maps, region, torch.tensor(others)),
        leak_reference(heatmap, MASKS[mask], others),
    )


def test_overlaps_of_many_maps_are_those_of_each():
    maps = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(9))
    mask = torch.tensor(MASKS["some"])
    for measure in (object_iou, auc, energy_inside):
        many = measure(maps, mask)
        assert many.shape == (2, 3)
        singles = [float(measure(one, mask)) for one in maps.flatten(0, 1)]
        np.testing.assert_allclose(many.flatten(), singles, rtol=1e-6)
