"""Statistics, curves, similarities and TAM's overlap against slow replicas of their definitions."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
import scipy.stats
import torch

from metric_cases import SIZE, box, planted, truth
from seewhy.functional.curves import area_under, falling_order, nearest_cells
from seewhy.functional.similarity import mean_ranks, pearson, spearman, ssim
from seewhy.functional.statistics import (
    Values,
    bootstrap_weights,
    estimate,
    harmonic_mean,
    paired_difference,
    statistic,
)
from seewhy.metrics import METRICS


def some_values(seed: int, count: int = 40, images: int = 9) -> Values:
    rng = random.Random(seed)
    return Values.of(
        [rng.choice((0.0, 0.25, 0.5, rng.random())) for _ in range(count)],
        [rng.randrange(images) for _ in range(count)],
        [rng.random() < 0.4 for _ in range(count)],
    )


def repeated(values: Values, counts: torch.Tensor) -> list[tuple[float, bool]]:
    """Every value as often as its picture was drawn."""
    assert values.labels is not None
    rows = zip(values.values.tolist(), values.images.tolist(), values.labels.tolist(), strict=True)
    return [(value, label) for value, at, label in rows for _ in range(int(counts[at]))]


def mean_of(rows):
    return sum(value for value, _ in rows) / len(rows) if rows else math.nan


def auroc_of(rows):
    true = [value for value, label in rows if label]
    false = [value for value, label in rows if not label]
    if not true or not false:
        return math.nan
    won = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in true for b in false)
    return won / (len(true) * len(false))


def average_precision_of(rows):
    total = sum(label for _, label in rows)
    if not total:
        return math.nan
    found, before = 0.0, 0.0
    for threshold in sorted({value for value, _ in rows}, reverse=True):
        above = [label for value, label in rows if value >= threshold]
        recall = sum(above) / total
        found += (recall - before) * sum(above) / len(above)
        before = recall
    return found


def fpr95_of(rows):
    """As scikit-learn's `roc_curve`: the first point with enough recall, from the top."""
    true = [value for value, label in rows if label]
    false = [value for value, label in rows if not label]
    if not true or not false:
        return math.nan
    for threshold in sorted({value for value, _ in rows}, reverse=True):
        if 100 * sum(value >= threshold for value in true) >= 95 * len(true):
            return sum(value >= threshold for value in false) / len(false)
    raise AssertionError("the lowest threshold finds everything")


SLOW = {
    "mean": mean_of,
    "auroc": auroc_of,
    "average-precision": average_precision_of,
    "fpr95": fpr95_of,
}


@pytest.mark.parametrize("kind", SLOW)
@pytest.mark.parametrize("seed", range(3))
def test_statistic_equals_repeating_each_value_as_often_as_its_picture(kind, seed):
    values, weights = some_values(seed), bootstrap_weights(9, 25, seed)
    fast = statistic(kind, [values], weights)
    slow = [SLOW[kind](repeated(values, counts)) for counts in weights]
    np.testing.assert_allclose(fast.numpy(), slow, rtol=1e-12)


def test_harmonic_statistic_is_taken_of_the_two_means():
    one, other, weights = some_values(5), some_values(6), bootstrap_weights(9, 25)
    fast = statistic("harmonic", [one, other], weights)
    slow = []
    for counts in weights:
        a, b = mean_of(repeated(one, counts)), mean_of(repeated(other, counts))
        slow.append(2 * a * b / (a + b))
    np.testing.assert_allclose(fast.numpy(), slow, rtol=1e-12)


def test_paired_difference_equals_a_loop_over_shared_pictures():
    one = Values.of([0.1, 0.9, 0.4, 0.3, 0.8], [0, 0, 1, 3, 5])
    other = Values.of([0.2, 0.5, 0.6, 0.7], [0, 1, 2, 3])
    weights = bootstrap_weights(6, 200, seed=4)
    shared, slow = {0, 1, 3}, []
    for counts in weights:
        sides = []
        for values in (one, other):
            pairs = zip(values.values.tolist(), values.images.tolist(), strict=True)
            said = [v for v, at in pairs if at in shared for _ in range(int(counts[at]))]
            sides.append(sum(said) / len(said) if said else math.nan)
        slow.append(sides[0] - sides[1])
    found = paired_difference("mean", [one], [other], weights)
    low, high = np.nanpercentile(slow, (2.5, 97.5))
    assert found.value == pytest.approx((0.1 + 0.9 + 0.4 + 0.3) / 4 - (0.2 + 0.5 + 0.7) / 3)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert (found.images, found.values) == (3, 4)


def test_interval_of_a_mean_covers_it_as_often_as_its_level():
    rng, hits, rounds = np.random.default_rng(0), 0, 200
    for at in range(rounds):
        # Ten words a picture, all alike: drawing words instead of pictures would cover far less.
        pictures = rng.normal(size=40)
        values = Values.of(np.repeat(pictures, 10).tolist(), np.repeat(np.arange(40), 10).tolist())
        found = estimate("mean", [values], bootstrap_weights(40, 400, seed=at))
        hits += found.low <= 0 <= found.high
    assert 0.89 <= hits / rounds <= 0.98


@pytest.mark.parametrize("seed", range(3))
def test_similarities_equal_scipy(seed):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 6, (7, 9)) / 5 if seed else rng.random((7, 9))
    b = rng.random((7, 9)) + 0.5 * a
    one, other = torch.from_numpy(a), torch.from_numpy(b)
    np.testing.assert_allclose(mean_ranks(one), scipy.stats.rankdata(a.ravel()))
    rho, _ = scipy.stats.spearmanr(a.ravel(), b.ravel())
    assert spearman(one, other) == pytest.approx(rho, abs=1e-12)
    r, _ = scipy.stats.pearsonr(a.ravel(), b.ravel())
    assert pearson(one, other) == pytest.approx(r, abs=1e-12)


@pytest.mark.parametrize(("shape", "window"), [((9, 11), 7), ((4, 9), 7), ((9, 9), 3)])
def test_ssim_equals_a_loop_over_windows(shape, window):
    rng = np.random.default_rng(3)
    a, b = rng.random(shape), rng.random(shape)
    side, found = min(window, *shape), []
    for top in range(shape[0] - side + 1):
        for left in range(shape[1] - side + 1):
            x = a[top : top + side, left : left + side].ravel()
            y = b[top : top + side, left : left + side].ravel()
            (xx, xy), (_, yy) = np.cov(x, y)
            above = (2 * x.mean() * y.mean() + 1e-4) * (2 * xy + 9e-4)
            below = (x.mean() ** 2 + y.mean() ** 2 + 1e-4) * (xx + yy + 9e-4)
            found.append(above / below)
    ours = ssim(torch.from_numpy(a), torch.from_numpy(b), window)
    assert ours == pytest.approx(float(np.mean(found)), abs=1e-10)


def test_area_under_equals_numpy_over_uneven_points():
    at = np.array([0.0, 0.1, 0.4, 1.0])
    values = np.random.default_rng(1).random((3, 4))
    ours = area_under(torch.from_numpy(values), torch.from_numpy(at))
    np.testing.assert_allclose(ours.numpy(), np.trapezoid(values, at, axis=1))


def test_area_under_is_the_mean_height_for_any_span():
    at = np.array([-2.0, 0.5, 1.0, 4.0])
    values = np.random.default_rng(2).random((3, 4))
    slow = [
        sum((at[i + 1] - at[i]) * (row[i] + row[i + 1]) / 2 for i in range(3)) / 6.0
        for row in values
    ]
    ours = area_under(torch.from_numpy(values), torch.from_numpy(at))
    np.testing.assert_allclose(ours.numpy(), slow, rtol=1e-12)
    level = area_under(torch.full((2,), 0.7), torch.tensor([0.0, 5.0]))
    assert float(level) == pytest.approx(0.7)


def test_falling_order_is_as_likely_to_begin_at_any_of_equals():
    scores = torch.tensor([0.0, 1.0, 1.0, 1.0])
    first = [int(falling_order(scores, seed)[0]) for seed in range(300)]
    assert {first.count(place) > 70 for place in (1, 2, 3)} == {True}


def test_nearest_cells_equal_a_sort_by_distance():
    found = nearest_cells(5, 7, 1.2, 4.6, 9)
    near = sorted(
        (math.hypot(row - 1.2, column - 4.6), row, column)
        for row in range(5)
        for column in range(7)
    )[:9]
    assert {(row, column) for _, row, column in near} == {
        (row, column) for row, column in found.nonzero().tolist()
    }


def otsu_of(levels):
    """The level of an 8-bit image that splits its histogram best; it is on the dark side."""
    best, chosen = -1.0, 0
    for t in range(256):
        low, high = levels[levels <= t].astype(float), levels[levels > t].astype(float)
        apart = (
            len(low) * len(high) * (low.mean() - high.mean()) ** 2 if len(low) * len(high) else 0.0
        )
        if apart > best + 1e-9:
            best, chosen = apart, t
    return chosen


@pytest.mark.parametrize("seed", range(4))
def test_overlap_equals_tams_metrics_written_out(seed):
    """Two words of one category that follow each other, two further nouns, two function words."""
    rng = np.random.default_rng(seed)
    # A quarter above a level: TAM's 8-bit images cut it off.
    levels = rng.integers(0, 255, (7, *SIZE))
    maps = (levels + 0.25) / 255
    masks = [box(1, 1, 4, 6), box(3, 5, 7, 11)]
    case = planted(
        torch.from_numpy(maps),
        masks,
        {
            "the": truth("function"),
            "traffic": truth("kind", 0, category="light"),
            "lights": truth("kind", 0, category="light"),
            "and": truth("function"),
            "dog": truth("noun"),
            "ground": truth("ground"),
        },
        # "lights" has two tokens: the best counts.
        answer=("the", " traffic", " ligh", "ts", " and", " dog", " ground"),
    )
    found: dict[str, list[float]] = {}
    for one in METRICS.get("overlap")().measure(case):
        found.setdefault(one.figure, []).append(one.value)  # type: ignore[union-attr]
    otsu = [otsu_of(image) for image in levels]
    # Of "lights" the token with the higher level counts. A cell at the mean itself is not dark.
    mean = np.mean([otsu[1], max(otsu[2], otsu[3]), otsu[5], otsu[6]])
    # The answer's scale: the least value with 99 % of all at or below it is shown as 1.
    shown = np.sort(maps, axis=None)[math.ceil(0.99 * maps.size) - 1]
    mask = masks[0].numpy()
    for suffix, bright, dark in (
        ("", [levels[token] > otsu[token] for token in range(7)], levels < mean),
        ("@0.5", maps / shown > 0.5, maps / shown < 0.5),
    ):
        overlaps = [(bright[t] & mask).sum() / (bright[t] | mask).sum() for t in (1, 2, 3)]
        assert found[f"object-iou{suffix}"] == [pytest.approx(max(overlaps), abs=1e-6)]
        shares = [float(dark[token].mean()) for token in (0, 4)]
        assert found[f"function-iou{suffix}"] == [pytest.approx(s, abs=1e-6) for s in shares]


def test_harmonic_mean_is_nan_where_one_mean_is():
    found = harmonic_mean(torch.tensor([math.nan, 0.5]), torch.tensor([0.5, 0.5]))
    assert bool(found[0].isnan())
    assert float(found[1]) == 0.5
