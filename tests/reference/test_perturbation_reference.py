"""Slow replicas, in float64, of what methods that change the picture do with their readings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from captum.attr import KernelShap as Captum
from captum.attr import Lime
from PIL import Image

from random_traces import random_trace
from seewhy.core.trace import Trace
from seewhy.functional.perturbation import coarse_masks
from seewhy.functional.shapley import shapley_values
from seewhy.methods import Evidence, create
from seewhy.methods._perturbation import superpixels
from seewhy.methods.kernel_shap import draw_coalitions
from seewhy.methods.region_search import search


class Game:
    """A set function of some tokens, with interactions, in place of a model's readings."""

    def __init__(self, features: int, tokens: int = 2, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.alone = rng.normal(size=(tokens, features))
        self.pairs = rng.normal(size=(tokens, features, features))
        self.features, self.tokens = features, tokens

    def worth(self, chosen: Iterable[int]) -> np.ndarray:
        """float64 `[token]`."""
        inside = np.zeros(self.features)
        inside[list(chosen)] = 1
        return self.alone @ inside + np.einsum("tij,i,j->t", self.pairs, inside, inside)


def slow_shapley(game: Game) -> np.ndarray:
    """float64 `[token, feature]`: the mean gain over all orders in which features join."""
    values = np.zeros((game.tokens, game.features))
    orders = list(itertools.permutations(range(game.features)))
    for order in orders:
        for place, feature in enumerate(order):
            values[:, feature] += game.worth(order[: place + 1]) - game.worth(order[:place])
    return values / len(orders)


def coalitions_of(features: int) -> list[tuple[int, ...]]:
    """All but the empty and the full one."""
    sizes = range(1, features)
    return [one for size in sizes for one in itertools.combinations(range(features), size)]


def kernel(features: int, size: int) -> float:
    return (features - 1) / (math.comb(features, size) * size * (features - size))


@pytest.mark.parametrize("features", [2, 3, 5])
def test_shapley_values_of_all_coalitions_are_those_of_all_orders(features: int) -> None:
    game, chosen = Game(features), coalitions_of(features)
    inside = torch.zeros(len(chosen), features, dtype=torch.bool)
    for row, one in enumerate(chosen):
        inside[row, list(one)] = True
    values = shapley_values(
        inside,
        torch.tensor(np.stack([game.worth(one) for one in chosen])),
        torch.tensor(game.worth(())),
        torch.tensor(game.worth(range(features))),
        torch.tensor([kernel(features, len(one)) for one in chosen]),
    )
    np.testing.assert_allclose(values.numpy(), slow_shapley(game), rtol=1e-5, atol=1e-6)


def test_shapley_values_are_those_of_captum_on_the_same_coalitions() -> None:
    """captum's sampler and similarity kernel, with a regression of the test's own beneath."""
    features, samples = 5, 40
    game = Game(features, tokens=1, seed=3)
    seen: list[tuple[torch.Tensor, float, float]] = []

    class Regression:
        """Stands for scikit-learn's: weighted least squares over captum's rows, by numpy."""

        def fit(self, rows) -> dict:
            for batch in rows:
                seen.extend(zip(*batch, strict=True))
            inside = np.array([np.append(row.double().numpy(), 1.0) for row, *_ in seen])
            target = np.array([float(y) for _, y, _ in seen])
            root = np.sqrt([float(w) for *_, w in seen])
            solved = np.linalg.lstsq(root[:, None] * inside, root * target, rcond=None)[0]
            self.found = torch.tensor(solved[:-1])[None]
            return {}

        def representation(self) -> torch.Tensor:
            return self.found

    def forward(shown: torch.Tensor) -> torch.Tensor:
        return torch.tensor([game.worth(row.nonzero().flatten().tolist())[0] for row in shown])

    explainer = Captum(forward)
    explainer.interpretable_model = Regression()  # type: ignore[assignment]
    assert isinstance(explainer, Lime)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = explainer.attribute(torch.ones(1, features), n_samples=samples + 2)
    drawn, times = draw_coalitions(features, samples, seed=0)
    assert float(times.sum()) == samples
    ours = shapley_values(
        drawn,
        torch.tensor(np.stack([game.worth(row.nonzero().flatten().tolist()) for row in drawn])),
        torch.tensor(game.worth(())),
        torch.tensor(game.worth(range(features))),
        times,
    )
    torch.testing.assert_close(ours, theirs.float(), rtol=1e-3, atol=1e-3)


def test_coalitions_are_drawn_by_the_shapley_kernel() -> None:
    drawn, times = draw_coalitions(6, 4_000, seed=2)
    sizes = drawn.sum(1)
    assert not bool(((sizes == 0) | (sizes == 6)).any())
    mass = np.array([kernel(6, size) * math.comb(6, size) for size in range(1, 6)])
    found = [float(times[sizes == size].sum()) / 4_000 for size in range(1, 6)]
    np.testing.assert_allclose(found, mass / mass.sum(), atol=0.03)


def slow_search(game: Game, token: int, steps: int | None) -> list[float]:
    """Greedy choice, one subset at a time."""

    def probability(chosen: frozenset[int]) -> float:
        return 1 / (1 + math.exp(-game.worth(chosen)[token]))

    def objective(chosen: frozenset[int]) -> float:
        return probability(chosen) + 1 - probability(everything - chosen)

    everything = frozenset(range(game.features))
    chosen: frozenset[int] = frozenset()
    gains: list[tuple[int, float]] = []
    while len(gains) < min(steps or game.features, game.features):
        gain, region = max(
            (objective(chosen | {r}) - objective(chosen), r) for r in everything - chosen
        )
        if gain <= 0 and steps:
            break
        gains.append((region, gain))
        chosen |= {region}
    scores = [0.0] * game.features
    for place, (region, _) in enumerate(gains):
        scores[region] = sum(gain for _, gain in gains[place:])
        if steps is None:  # EAGLE: minus the sum of absolute gains so far, less the lowest value
            scores[region] = sum(abs(gain) for _, gain in gains[place + 1 :])
    return scores


@pytest.mark.parametrize("steps", [1, 3, 9, None])
def test_region_search_is_the_slow_one_for_every_token_and_reads_nothing_twice(
    steps: int | None,
) -> None:
    game, read = Game(6, tokens=3, seed=5), set()

    def reading(subsets: Iterable[frozenset[int]]) -> None:
        read.update(subsets)

    def probability(subset: frozenset[int], token: int) -> float:
        assert subset in read
        return 1 / (1 + math.exp(-game.worth(subset)[token]))

    subsets = SimpleNamespace(
        tokens=3, everything=frozenset(range(6)), read=reading, probability=probability
    )
    scores = search(subsets, [0, 2], steps)
    for token in (0, 2):
        np.testing.assert_allclose(scores[token], slow_search(game, token, steps), atol=1e-6)
    assert not scores[1].any()


def test_superpixels_part_a_picture_where_its_colours_change() -> None:
    image = torch.zeros(24, 36, 3)
    image[:, 18:] = 255.0
    parts = superpixels(image, 6)
    assert torch.equal(parts.sum(0), torch.ones(24, 36, dtype=torch.int64))
    left = parts[:, :, :18].flatten(1).any(1)
    right = parts[:, :, 18:].flatten(1).any(1)
    assert not bool((left & right).any())


class Reader:
    """Stands for a session: a token is the more probable, the more of its own patch is shown."""

    def __init__(self, trace: Trace, size: tuple[int, int], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.ids = tuple(token.id for token in trace.tokens)
        self.images = (Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)),)
        self.weights = rng.normal(size=(len(self.ids), *size, 3)) / math.prod(size)
        self.read: list[np.ndarray] = []

    def log_probabilities(self, variants: Iterable) -> torch.Tensor:
        """float32 `[variant, token]`, and what was shown is kept."""
        found = []
        for (picture,) in variants:
            self.read.append(np.array(picture, dtype=np.float64))
            worth = np.einsum("thwc,hwc->t", self.weights, self.read[-1] / 255)
            found.append(np.log(1 / (1 + np.exp(-4 * worth))))
        return torch.tensor(np.array(found), dtype=torch.float32)


@pytest.mark.parametrize("keep", [0.5, 0.25])
def test_rise_is_the_mean_probability_weighted_by_the_masks(keep: float) -> None:
    r"""$\sum_m p_i(m) m[v] / \sum_m m[v]$, one cell, one mask and one token at a time."""
    trace = random_trace()
    (rows, columns), side = trace.inputs.base_grids[0].shape, 16
    size = (rows * side, columns * side)
    reader, samples, cells = Reader(trace, size, seed=1), 24, 3
    evidence = Evidence.from_session(reader, trace=trace)  # type: ignore[arg-type]
    rise = create("rise", samples=samples, cells=cells, keep=keep, seed=5)
    (maps,) = rise.attribute(evidence).maps

    picture = np.array(reader.images[0], dtype=np.float64)
    mean = picture.mean((0, 1))
    masks = [m.double().numpy() for m in coarse_masks(samples, size, cells, keep, seed=5)]
    expected = np.zeros(maps.shape)
    for token in range(len(trace.tokens)):
        for row, column in itertools.product(range(rows), range(columns)):
            above, below = 0.0, 0.0
            for mask in masks:
                shown = np.rint(mask[..., None] * picture + (1 - mask[..., None]) * mean)
                worth = float((reader.weights[token] * shown / 255).sum())
                cell = mask[row * side : (row + 1) * side, column * side : (column + 1) * side]
                above += cell.mean() / (1 + math.exp(-4 * worth))
                below += cell.mean()
            expected[token, row, column] = above / below
    assert len(reader.read) == samples
    np.testing.assert_allclose(maps.numpy(), expected, rtol=2e-4)
