"""Show a model an answer, in one pass, as if it had said it (teacher forcing)."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from seewhy.core.trace import Inputs, Trace
from seewhy.models.answer_ids import ids_of
from seewhy.models.inputs import Batch, batch
from seewhy.models.isolation import eval_mode
from seewhy.models.loading import Loaded
from seewhy.models.predictions import expect_counts, predict
from seewhy.models.state_hooks import StateHooks
from seewhy.models.tracing import CapturedRow, assemble, selected_positions
from seewhy.models.unembedding import infer_unembedding


def read(
    loaded: Loaded,
    inputs: Inputs,
    answer: str | Sequence[int] | Tensor,
    *,
    ranking_depth: int = 50,
    candidates: int = 10,
) -> Trace:
    """Show the model an answer (teacher forcing), in one pass, as if it had said it.

    For the same ids this is the trace that `generate` gives, up to rounding.

    Args:
        loaded: the model.
        inputs: what it is asked.
        answer: text, or ids; special tokens that end it are no part of it.
        ranking_depth: how many first ranks are kept of each prediction.
        candidates: how many next candidates each token shows.

    Raises:
        AnswerError: if the answer tokenises to nothing, or holds a special token or unknown id.
        NonFiniteError: if a state is NaN or infinite.
    """
    (trace,) = read_batch(
        loaded, [inputs], [answer], ranking_depth=ranking_depth, candidates=candidates
    )
    return trace


def read_batch(
    loaded: Loaded,
    rows: Sequence[Inputs],
    answers: Sequence[str | Sequence[int] | Tensor],
    *,
    ranking_depth: int = 50,
    candidates: int = 10,
) -> list[Trace]:
    """Show the model several prompts with their answers, in one pass: see `read`.

    Prompts are padded on the left and answers on the right; a row's trace equals the one that it
    has alone, up to rounding.

    Raises:
        AnswerError, NonFiniteError: as `read`.
    """
    depth = {"ranking_depth": ranking_depth, "candidates": candidates}
    expect_counts(**depth)
    begun = time.perf_counter()
    ids = [ids_of(loaded, row, answer) for row, answer in zip(rows, answers, strict=True)]
    shown = batch(loaded.family, rows, ids)
    hooks = _hooks(shown, rows)
    with eval_mode(loaded.model), hooks.attached(loaded.model):
        # The unembedding is applied below, in chunks: here to one position only.
        loaded.model(**{"logits_to_keep": 1, **shown.tensors, "use_cache": False})
        longest = max(range(len(rows)), key=lambda at: len(ids[at]))
        last = torch.tensor([shown.tensors["input_ids"].shape[1] - 1])
        state = hooks.states_at(longest, last)[0]
        unembedding = infer_unembedding(loaded.model, state, hooks.logits[longest])
        captured = []
        for at, (row, answer) in enumerate(zip(rows, ids, strict=True)):
            before = torch.arange(shown.length - 1, shown.length + len(answer) - 1)
            states = hooks.states_at(at, before)
            predictions = predict(unembedding, states, torch.tensor(answer), **depth)
            captured.append(CapturedRow(row, answer, at, shown.pads[at], shown.length, predictions))
    seconds = {"read": (time.perf_counter() - begun) / len(rows)}
    return [assemble(loaded, row, hooks, unembedding, **depth, seconds=seconds) for row in captured]


def _hooks(shown: Batch, rows: Sequence[Inputs]) -> StateHooks:
    """Hooks for all that the traces need, and for the positions that predict the answers."""
    predicting = torch.arange(shown.length - 1, shown.tensors["input_ids"].shape[1])
    return StateHooks(
        [
            selected_positions(row, pad, predicting)
            for row, pad in zip(rows, shown.pads, strict=True)
        ]
    )
