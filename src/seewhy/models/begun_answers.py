"""Answers that begin with given tokens, after which the model goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from seewhy.core.errors import AnswerError


class BegunAnswers:
    """The tokens that the answers of a batch begin with.

    They are written by the model's own generation, step by step: each is made the only token that
    can be chosen. So the inputs, masks, caches and hooks are those of any other answer.

    Args:
        starts: for each row its ids; empty for a row that is not begun.
        length: position at which the answers begin.
    """

    def __init__(self, starts: Sequence[Sequence[int]], length: int) -> None:
        self._starts = [list(start) for start in starts]
        self._length = length
        self._counts = torch.tensor([len(start) for start in starts])

    @property
    def longest(self) -> int:
        """Number of tokens of the longest start."""
        return int(self._counts.max())

    def __call__(self, ids: Tensor, scores: Tensor) -> Tensor:
        """A logits processor: scores `[batch, vocab]` of a start's next token alone."""
        step = ids.shape[1] - self._length
        if step >= self.longest:
            return scores
        forced = scores.clone()
        for row, start in enumerate(self._starts):
            if step < len(start):
                forced[row] = -torch.inf
                forced[row, start[step]] = 0.0
        return forced

    def last_of(self, processors: Sequence[Any] | None) -> list[Any]:
        """The caller's logits processors, then this one, so that none of them changes the start."""
        own = list(processors or ())
        return [*own, self] if self.longest else own

    def are_full(self, sequences: Tensor, limit: int) -> Tensor:
        """bool `[batch]`: which answers have as many tokens after their start as is allowed."""
        return (sequences.shape[1] - self._length >= self._counts + limit).to(sequences.device)

    def after_start(self, criterion: Callable[..., Any]) -> Callable[..., Any]:
        """A stopping criterion of the caller that is followed once the start is written."""

        def stops(sequences: Tensor, scores: Any, **keywords: Any) -> Any:
            stopped = criterion(sequences, scores, **keywords)
            written = sequences.shape[1] - self._length >= self._counts
            return torch.as_tensor(stopped, device=sequences.device) & written.to(sequences.device)

        return stops if self.longest else criterion

    def expect_in(self, sequences: Tensor) -> None:
        """Raise `AnswerError` if an answer does not begin with its start."""
        for row, start in enumerate(self._starts):
            written = sequences[row, self._length : self._length + len(start)].tolist()
            if written != start:
                raise AnswerError(
                    f"Expected an answer that begins with {start}, got {written}: a token of the "
                    "start ends the answer, or a limit of time does. Give a shorter start."
                )
