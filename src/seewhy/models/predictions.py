"""The head of each prediction: ids ranked first, and the probability of the token that came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seewhy.core.errors import ParameterError
from seewhy.models.unembedding import Unembedding

#: Rows of logits that are held at once: 32 rows of 151,936 floats are 19 MB.
CHUNK = 32


@dataclass(frozen=True, eq=False)
class Predictions:
    """The head of each prediction.

    Attributes:
        rankings: int64 `[token, rank]`, ids by falling logit: as many as are ranked or shown.
        chosen: float32 `[token]`, the probability of the token that came.
        candidates: float32 `[token, candidate]`, probabilities of the first ranks.
    """

    rankings: Tensor
    chosen: Tensor
    candidates: Tensor

    @staticmethod
    def of(logits: Tensor, ids: Tensor, depth: int, candidates: int) -> Predictions:
        """From logits `[token, vocab]` and the ids `[token]` that came next."""
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
        """Chain predictions along the token axis."""
        return Predictions(
            *(
                torch.cat([getattr(part, name) for part in parts])
                for name in ("rankings", "chosen", "candidates")
            )
        )


def predict(
    unembedding: Unembedding, states: Tensor, ids: Tensor, ranking_depth: int, candidates: int
) -> Predictions:
    """What the model predicted from states `[token, hidden]`, when `ids` `[token]` came next."""
    chunks = zip(states.split(CHUNK), ids.split(CHUNK), strict=True)
    return Predictions.join(
        [Predictions.of(unembedding(s), came, ranking_depth, candidates) for s, came in chunks]
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
    """The predictions of a generation, ranked a chunk at a time: cheaper than step by step.

    Attributes:
        first: `[batch, vocab]`, the logits of the first step.
    """

    def __init__(self, depth: int, candidates: int) -> None:
        self._depth, self._candidates = depth, candidates
        self._ranked: list[list[Predictions]] = []  # for each chunk, one for each row
        self._waiting: list[tuple[Tensor, Tensor]] = []
        self.first = torch.empty(0)

    def add(self, logits: Tensor, came: Tensor) -> None:
        """One step: logits `[batch, vocab]`, and the ids `[batch]` that were chosen."""
        if not self._ranked and not self._waiting:
            self.first = logits
        self._waiting.append((logits, came))
        if len(self._waiting) * len(came) >= CHUNK:
            self._rank()

    def of(self, row: int, count: int) -> Predictions:
        """A row's first `count` steps: it may have ended before the others."""
        if self._waiting:
            self._rank()
        whole = Predictions.join([rows[row] for rows in self._ranked])
        return Predictions(whole.rankings[:count], whole.chosen[:count], whole.candidates[:count])

    def _rank(self) -> None:
        logits, came = (torch.stack(parts, 1) for parts in zip(*self._waiting, strict=True))
        self._ranked.append(
            [
                Predictions.of(of_row, next_of_row, self._depth, self._candidates)
                for of_row, next_of_row in zip(logits, came, strict=True)
            ]
        )
        self._waiting = []
