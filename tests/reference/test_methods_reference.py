"""TAM and the intra-modal method against slow float64 replicas written from the equations."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from random_traces import GRIDS, SECOND, random_evidence, random_pair, random_trace, with_foils
from seewhy.core.trace import Trace
from seewhy.methods import Evidence, create


def base_map(trace: Trace, token: int) -> np.ndarray:
    """A_j[v] = relu(H_v . W[c_j]), in raster order."""
    rows = trace.unembedding_rows[token].double().numpy()
    values = [max(0.0, float(state @ rows)) for state in trace.visual_states.double().numpy()]
    return np.array(values)


def scored_state(trace: Trace, context: int) -> np.ndarray:
    """The prompt's tokens at their own place, the answer's where they were predicted."""
    prompt = len(trace.prompt_tokens)
    if context < prompt:
        return trace.text_states[context].double().numpy()
    if context == prompt:
        return trace.first_prediction_state.double().numpy()
    return trace.text_states[context - 1].double().numpy()


def activation(trace: Trace, token: int, context: int) -> float:
    """s_ij = relu(H_j . W[c_i])."""
    return max(
        0.0, float(scored_state(trace, context) @ trace.unembedding_rows[token].double().numpy())
    )


def overlap(one: list[int], two: list[int], p: float) -> float:
    """Rank-biased overlap from its definition: the agreement at each depth."""
    total = 0.0
    for depth in range(1, len(one) + 1):
        shared = len(set(one[:depth]) & set(two[:depth]))
        total += (1 - p) * p ** (depth - 1) * shared / depth
    return total / (1 - p ** len(one))


def cleaned(maps: list[np.ndarray], weights: dict[int, float], token: int) -> np.ndarray:
    """relu(A_i - lambda_i I_i) with I_i the weighted mean of the context's maps."""
    total = sum(weights.values())
    if total == 0:
        return maps[token]
    interfering = np.sum([w * maps[j] for j, w in weights.items()], axis=0) / total
    norm = float(interfering @ interfering)
    share = float(maps[token] @ interfering) / norm if norm else 0.0
    return np.maximum(maps[token] - share * interfering, 0)


def filtered(grid: np.ndarray) -> np.ndarray:
    """The rank Gaussian filter over 3 x 3 windows, cell by cell."""
    padded, out = np.pad(grid, 1, mode="reflect"), np.zeros_like(grid)
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            values = sorted(padded[row : row + 3, column : column + 3].ravel())
            mean = sum(values) / 9
            if mean <= 0:
                continue
            s = math.sqrt(sum((v - mean) ** 2 for v in values) / 9) / mean
            if s < 1e-9:
                out[row, column] = values[4]
                continue
            # The largest term is 1 (rank 0), so the sum never vanishes.
            kernel = [math.exp(-(r * r) / (2 * s * s)) for r in range(-4, 5)]
            out[row, column] = sum(k * v for k, v in zip(kernel, values, strict=True)) / sum(kernel)
    return out


def displayed(image: np.ndarray, text: list[float], shape: tuple[int, int]) -> np.ndarray:
    """Image and text scores scaled together, then the filter."""
    scores = [*image, *text]
    low, high = min(scores), max(scores)
    return filtered(((image - low) / (high - low)).reshape(shape))


def tam(trace: Trace, token: int) -> np.ndarray:
    """TAM's display of one answer token, from the equations."""
    texts = [t.text for t in trace.text_tokens]
    place = len(trace.prompt_tokens) + token
    maps = [base_map(trace, j) for j in range(place + 1)]
    scores = [activation(trace, place, j) for j in range(place)]
    weights = {j: scores[j] for j in range(place) if texts[j] != texts[place]}
    return displayed(cleaned(maps, weights, place), scores, trace.inputs.base_grids[0].shape)


@pytest.mark.parametrize("seed", range(6))
def test_tam_equals_its_slow_replica(seed: int) -> None:
    evidence = random_evidence((1.0,), seed=seed)
    (display,) = create("tam").attribute(evidence).display
    for token in range(len(display)):
        expected = torch.from_numpy(tam(evidence.trace, token))
        torch.testing.assert_close(display[token].double(), expected, rtol=1e-4, atol=2e-5)


def test_tam_equals_its_slow_replica_without_context() -> None:
    evidence = random_evidence((1.0,), prompt=(), answer=("star", "star", " star", "car"))
    (display,) = create("tam").attribute(evidence).display
    for token in range(len(display)):
        expected = torch.from_numpy(tam(evidence.trace, token))
        torch.testing.assert_close(display[token].double(), expected, rtol=1e-4, atol=2e-5)


def read_out(trace: Trace, state: np.ndarray, token: int) -> float:
    """relu of the capped logit of a token, less that of what it stands against."""

    def logit(rows: torch.Tensor, biases: torch.Tensor | None) -> float:
        z = sum(float(h) * float(w) for h, w in zip(state, rows[token].double(), strict=True))
        z += 0.0 if biases is None else float(biases[token])
        return z if trace.softcap is None else trace.softcap * math.tanh(z / trace.softcap)

    against = 0.0 if trace.foils is None else logit(trace.foils, trace.foil_biases)
    return max(0.0, logit(trace.unembedding_rows, trace.biases) - against)


def tam_of_all(trace: Trace, place: int, grids: list[tuple[int, int]]) -> list[np.ndarray]:
    """TAM's displays of one context token over several pictures: one list of cells, one lambda."""
    texts, states = [t.text for t in trace.text_tokens], trace.visual_states.double().numpy()
    maps = [np.array([read_out(trace, h, j) for h in states]) for j in range(place + 1)]
    scores = [read_out(trace, scored_state(trace, j), place) for j in range(place)]
    weights = {j: scores[j] for j in range(place) if texts[j] != texts[place]}
    image = cleaned(maps, weights, place)
    low, high = min([*image, *scores]), max([*image, *scores])
    displays, begin = [], 0
    for rows, columns in grids:
        own = image[begin : begin + rows * columns].reshape(rows, columns)
        displays.append(filtered((own - low) / (high - low)))
        begin += rows * columns
    assert begin == len(image)
    return displays


@pytest.mark.parametrize("first", [None, 0], ids=["answer", "prompt too"])
@pytest.mark.parametrize("transform", ["plain", "biases", "softcap", "foils", "all"])
@pytest.mark.parametrize("seed", range(3))
def test_tam_over_two_views_equals_its_slow_replica(
    seed: int, transform: str, first: int | None
) -> None:
    trace = random_pair((1.0,), seed=seed).trace
    text = len(trace.text_tokens)
    if transform in ("biases", "all"):
        trace = replace(trace, biases=torch.linspace(-2, 1, text))
    if transform in ("foils", "all"):
        trace = with_foils(trace)
        trace = replace(trace, foil_biases=None if trace.biases is None else trace.biases / 2)
    if transform in ("softcap", "all"):
        trace = replace(trace, softcap=3.0)
    made = create("tam").attribute(Evidence.from_traces({1.0: trace}, start=first))
    begin = len(trace.prompt_tokens) if first is None else first
    assert len(made.context) == text - begin
    for token in range(text - begin):
        expected = tam_of_all(trace, begin + token, [GRIDS[1.0], SECOND[1.0]])
        for display, one in zip(made.display, expected, strict=True):
            torch.testing.assert_close(
                display[token].double(), torch.from_numpy(one), rtol=1e-4, atol=3e-5
            )


def bilinear(grid: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Interpolate between cell centres, the outermost cells held."""
    rows, columns = grid.shape
    out = np.zeros(shape)
    for row in range(shape[0]):
        for column in range(shape[1]):
            y = min(max((row + 0.5) * rows / shape[0] - 0.5, 0), rows - 1)
            x = min(max((column + 0.5) * columns / shape[1] - 0.5, 0), columns - 1)
            top, left = min(int(y), max(rows - 2, 0)), min(int(x), max(columns - 2, 0))
            down, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
            a, b = y - top, x - left
            out[row, column] = (1 - a) * ((1 - b) * grid[top, left] + b * grid[top, right]) + a * (
                (1 - b) * grid[down, left] + b * grid[down, right]
            )
    return out


@pytest.mark.parametrize("weighing", ["uniform", "consistency"])
def test_intra_modal_equals_its_slow_replica(weighing: str) -> None:
    evidence, p, shape = random_evidence(), 0.8, GRIDS[1.0]
    trace = evidence.trace
    prompt, texts = len(trace.prompt_tokens), [t.text for t in trace.text_tokens]
    maps = []
    for j in range(len(texts)):
        total, weight = np.zeros(shape), 0.0
        for scale, grid in GRIDS.items():
            other = evidence.trace_at(scale)
            says = other.text_tokens[j].probability
            q = says if weighing == "consistency" and j >= prompt else 1.0
            total += q * bilinear(base_map(other, j).reshape(grid), shape)
            weight += q
        maps.append((total / weight).ravel())
    method = create("intra-modal", scales=tuple(GRIDS), k=6, p=p, weights=weighing)
    result = method.attribute(evidence)
    for token in range(len(trace.tokens)):
        place = prompt + token
        scores = [activation(trace, place, j) for j in range(place)]
        ranks = trace.rankings[:, :6].tolist()
        rho = [overlap(ranks[place], ranks[j], p) for j in range(place)]
        weights = {j: (1 - rho[j]) * scores[j] for j in range(place) if texts[j] != texts[place]}
        expected = displayed(cleaned(maps, weights, place), scores, shape)
        torch.testing.assert_close(
            result.display[0][token].double(), torch.from_numpy(expected), rtol=1e-4, atol=2e-5
        )
        relevance = torch.tensor([r * s for r, s in zip(rho, scores, strict=True)])
        torch.testing.assert_close(result.context[token, :place], relevance, rtol=1e-4, atol=1e-5)


def test_logit_lens_equals_its_slow_replica() -> None:
    trace = random_trace()
    (maps,) = create("logit-lens").attribute(random_evidence((1.0,))).maps
    for token in range(len(maps)):
        expected = base_map(trace, len(trace.prompt_tokens) + token).reshape(GRIDS[1.0])
        torch.testing.assert_close(
            maps[token].double(), torch.from_numpy(expected), rtol=1e-5, atol=1e-5
        )
