"""Trace a given answer in one forward pass (teacher forcing)."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from seewhy.core.trace import Inputs, Trace
from seewhy.models.answer_ids import ids_of
from seewhy.models.attention_hooks import AttentionHooks, attached
from seewhy.models.batching import Batch, batch
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
    attention: bool = False,
) -> Trace:
    """Trace a given answer in one forward pass (teacher forcing).

    For the same ids this equals the trace of `generate`, up to rounding.

    Args:
        loaded: the model.
        inputs: the prompt.
        answer: text, or ids; special tokens at its end are left out.
        ranking_depth: number of first ranks that are kept of each prediction.
        candidates: number of candidates that are kept for each token.
        attention: whether the trace keeps what attention of text positions needs.

    Raises:
        AnswerError: if the answer has no tokens, or contains a special token or unknown id.
        NonFiniteError: if a state is NaN or infinite.
        UnsupportedModelError: with `attention`, as `residual_stream`.
    """
    (trace,) = read_batch(
        loaded,
        [inputs],
        [answer],
        ranking_depth=ranking_depth,
        candidates=candidates,
        attention=attention,
    )
    return trace


def read_batch(
    loaded: Loaded,
    rows: Sequence[Inputs],
    answers: Sequence[str | Sequence[int] | Tensor],
    *,
    ranking_depth: int = 50,
    candidates: int = 10,
    attention: bool = False,
) -> list[Trace]:
    """Trace the given answers of several prompts in one forward pass: see `read`.

    Prompts are padded on the left and answers on the right; a row's trace equals that of a batch of
    one, up to rounding.

    Raises:
        AnswerError, NonFiniteError, UnsupportedModelError: as `read`.
    """
    depth = {"ranking_depth": ranking_depth, "candidates": candidates}
    expect_counts(**depth)
    begun = time.perf_counter()
    ids = [ids_of(loaded, row, answer) for row, answer in zip(rows, answers, strict=True)]
    inputs = batch(loaded.family, rows, ids)
    hooks = _hooks(inputs, rows)
    attending = AttentionHooks.of(loaded, rows, inputs, max(map(len, ids))) if attention else None
    with eval_mode(loaded.model), attached(attending, loaded.model), hooks.attached(loaded.model):
        # The unembedding is applied below, in chunks; here only to one position.
        loaded.model(**{"logits_to_keep": 1, **inputs.tensors, "use_cache": False})
        longest = max(range(len(rows)), key=lambda row: len(ids[row]))
        last = torch.tensor([inputs.tensors["input_ids"].shape[1] - 1])
        state = hooks.states_at(longest, last)[0]
        unembedding = infer_unembedding(loaded.model, state, hooks.logits[longest])
        captured = []
        for index, (row, answer) in enumerate(zip(rows, ids, strict=True)):
            before = torch.arange(inputs.length - 1, inputs.length + len(answer) - 1)
            states, pad = hooks.states_at(index, before), inputs.pads[index]
            predictions = predict(unembedding, states, torch.tensor(answer), **depth)
            kept = attending.captured(index, row, pad, answer) if attending else None
            captured.append(CapturedRow(row, answer, index, pad, inputs.length, predictions, kept))
        seconds = {"read": (time.perf_counter() - begun) / len(rows)}
        return [
            assemble(loaded, row, hooks, unembedding, **depth, seconds=seconds) for row in captured
        ]


def _hooks(inputs: Batch, rows: Sequence[Inputs]) -> StateHooks:
    """Hooks for the states of the traces, and for the positions that predict the answers."""
    predicting = torch.arange(inputs.length - 1, inputs.tensors["input_ids"].shape[1])
    return StateHooks(
        [
            selected_positions(row, pad, predicting)
            for row, pad in zip(rows, inputs.pads, strict=True)
        ]
    )
