"""A direct implementation of TAM's equations, for comparison in the benchmark.

Everything is computed in float32: the logits of all positions over the whole vocabulary at every
step of generation, stored in a list; then loops over the answer's tokens, over the context of each,
and over the cells in the filter. It is written by us from the equations, not published code.

Source: TAM (Li et al., ICCV 2025, arXiv 2506.23270).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from torch import Tensor


def logits_of_every_step(states: Tensor, head: Tensor, prefill: int) -> list[Tensor]:
    """Unembed every position of every step, like a model that keeps all logits.

    Args:
        states: float32 `[position, hidden]`, the final states of the prompt with its image, then
            of the answer without its last token (which is never fed back).
        head: float32 `[vocab, hidden]`, the unembedding.
        prefill: number of positions of the first step.

    Returns:
        float32 `[prefill, vocab]`, then `[1, vocab]` for each token that was fed back; as many as
        the answer has tokens.
    """
    steps = [states[:prefill], *states[prefill:].split(1)]
    return [step @ head.T for step in steps]


def token_activation_maps(
    logits: Sequence[Tensor],
    ids: Sequence[int],
    texts: Sequence[str],
    visual: slice,
    prompt: slice,
    grid: tuple[int, int],
    seconds: float = float("inf"),
) -> np.ndarray:
    """Explain the answer, token by token.

    Args:
        logits: from `logits_of_every_step`.
        ids: vocabulary ids of the prompt's words, then of the answer's tokens.
        texts: their texts; a context token of the same text does not interfere.
        visual: positions of the visual tokens in the first step.
        prompt: positions of the prompt's words in the first step.
        grid: rows and columns of the visual tokens.
        seconds: wall time after which no further token is started; at least one is computed.

    Returns:
        float32 `[token, height, width]` in [0, 1], for all tokens of the answer, or as many as the
        time allows: image and text scores scaled together, then filtered.
    """
    start = time.perf_counter()
    words = prompt.stop - prompt.start
    bases: list[np.ndarray] = []
    done: list[np.ndarray] = []
    for index, (token, text) in enumerate(zip(ids, texts, strict=True)):
        base = np.maximum(logits[0][visual, token].numpy(), 0)
        if index >= words:
            if done and time.perf_counter() - start > seconds:
                break
            scores = context_scores(logits, token, prompt, index)
            map_ = without_interference(base, bases, scores, texts[:index], text)
            done.append(rank_gaussian_filter(scaled_together(map_, scores).reshape(grid)))
        bases.append(base)
    return np.stack(done)


def context_scores(logits: Sequence[Tensor], token: int, prompt: slice, index: int) -> list[float]:
    """s_ij of each context token j: the prompt's words at their own positions, the answer's tokens
    at those from which they were predicted.
    """
    scores = [max(0.0, float(score)) for score in logits[0][prompt, token]]
    steps = index - len(scores)
    return scores + [max(0.0, float(logits[step][-1, token])) for step in range(steps)]


def without_interference(
    base: np.ndarray,
    context: Sequence[np.ndarray],
    scores: Sequence[float],
    texts: Sequence[str],
    text: str,
) -> np.ndarray:
    """Estimated causal inference: relu(A_i - lambda_i I_i), with lambda_i by least squares."""
    interference, total = np.zeros_like(base), 0.0
    for context_map, score, context_text in zip(context, scores, texts, strict=True):
        if context_text != text:
            interference += np.float32(score) * context_map
            total += score
    if total > 0:
        interference /= np.float32(total)
    norm = float(interference @ interference)
    share = float(base @ interference) / norm if norm > 0 else 0.0
    return np.maximum(base - np.float32(share) * interference, 0)


def scaled_together(image: np.ndarray, scores: Sequence[float]) -> np.ndarray:
    """Min-max scaling of a token's image scores; the range includes its text scores."""
    low = min([float(image.min()), *scores])
    high = max([float(image.max()), *scores])
    return (image - np.float32(low)) / np.float32(max(high - low, 1e-12))


def rank_gaussian_filter(image: np.ndarray) -> np.ndarray:
    """Weight each 3 x 3 window's sorted values by a Gaussian over their ranks, cell by cell."""
    padded, out = np.pad(image, 1, mode="reflect"), np.zeros_like(image)
    ranks = np.arange(-4, 5, dtype=np.float32)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            values = np.sort(padded[row : row + 3, column : column + 3], axis=None)
            mean = values.mean()
            if mean <= 0:
                continue
            width = values.std() / mean
            if width < 1e-6:  # a constant window keeps its value
                out[row, column] = values[4]
                continue
            kernel = np.exp(-(ranks**2) / (2 * width**2))
            out[row, column] = (kernel * values).sum() / kernel.sum()
    return out
