"""Predictions: the ids ranked first, and the probability of the next token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seewhy.core.errors import ParameterError
from seewhy.models.unembedding import Unembedding

#: Rows of logits in memory at once: 32 rows of 151,936 floats are 19 MB.
CHUNK = 32


@dataclass(frozen=True, eq=False)
class Predictions:
    """The first ranks and the probability of the next token, for each prediction.

    Attributes:
        rankings: int64 `[token, rank]`, ids by falling logit.
        chosen: float32 `[token]`, the probability of the next token.
        candidates: float32 `[token, candidate]`, probabilities of the first ranks.
    """

    rankings: Tensor
    chosen: Tensor
    candidates: Tensor

    @staticmethod
    def of(logits: Tensor, ids: Tensor, depth: int, candidates: int) -> Predictions:
        """From logits `[token, vocab]` and the ids `[token]` of the next tokens."""
        logits = logits.float()
        depth, candidates = (min(count, logits.shape[-1]) for count in (depth, candidates))
        total = logits.logsumexp(-1, keepdim=True)
        values, ranked = logits.topk(max(depth, candidates), -1)
        return Predictions(
            rankings=ranked,
            chosen=(logits.gather(-1, ids[:, None].to(logits.device)) - total).exp()[:, 0],
            candidates=(values[:, :candidates] - total).exp(),
        )

    @staticmethod
    def join(parts: Sequence[Predictions]) -> Predictions:
        """Concatenate predictions along the token axis."""
        return Predictions(
            *(
                torch.cat([getattr(part, name) for part in parts])
                for name in ("rankings", "chosen", "candidates")
            )
        )


def predict(
    unembedding: Unembedding, states: Tensor, ids: Tensor, ranking_depth: int, candidates: int
) -> Predictions:
    """Predictions from states `[token, hidden]`, with the next tokens `ids` `[token]`."""
    chunks = zip(states.split(CHUNK), ids.split(CHUNK), strict=True)
    return Predictions.join(
        [
            Predictions.of(unembedding(chunk), following, ranking_depth, candidates)
            for chunk, following in chunks
        ]
    )


def expect_counts(**counts: int) -> None:
    """Check numbers of ranks, candidates or tokens.

    Raises:
        ParameterError: if one is below 1, or below 0 for candidates.
    """
    for name, count in counts.items():
        least = 0 if name == "candidates" else 1
        if count < least:
            raise ParameterError(f"Expected {name} of at least {least}, got {count}: raise it.")


class LogitsBuffer:
    """The predictions of a generation, ranked in chunks, which is faster than step by step.

    Attributes:
        first: `[batch, vocab]`, the logits of the first step.
    """

    def __init__(self, depth: int, candidates: int) -> None:
        self._depth, self._candidates = depth, candidates
        self._ranked: list[list[Predictions]] = []  # for each chunk, one for each row
        self._waiting: list[tuple[Tensor, Tensor]] = []
        self.first = torch.empty(0)

    def add(self, logits: Tensor, chosen: Tensor) -> None:
        """Add a step: logits `[batch, vocab]`, and the ids `[batch]` that were chosen."""
        if not self._ranked and not self._waiting:
            self.first = logits
        self._waiting.append((logits, chosen))
        if len(self._waiting) * len(chosen) >= CHUNK:
            self._rank()

    def of(self, row: int, count: int) -> Predictions:
        """The first `count` steps of a row, which may have ended before other rows."""
        if self._waiting:
            self._rank()
        steps = Predictions.join([rows[row] for rows in self._ranked])
        return Predictions(steps.rankings[:count], steps.chosen[:count], steps.candidates[:count])

    def _rank(self) -> None:
        logits, chosen = (torch.stack(parts, 1) for parts in zip(*self._waiting, strict=True))
        self._ranked.append(
            [
                Predictions.of(row_logits, row_chosen, self._depth, self._candidates)
                for row_logits, row_chosen in zip(logits, chosen, strict=True)
            ]
        )
        self._waiting = []
