"""Build a trace from captured states: tokens, unembedding rows, rankings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seewhy.core.captured_attention import CapturedAttention
from seewhy.core.text import Token
from seewhy.core.trace import Inputs, Trace
from seewhy.models.decoding import token_names, tokens_of
from seewhy.models.loading import Loaded
from seewhy.models.predictions import Predictions, predict
from seewhy.models.special_tokens import special_ids
from seewhy.models.state_hooks import StateHooks
from seewhy.models.unembedding import Unembedding


@dataclass(frozen=True, eq=False)
class CapturedRow:
    """One row of a batch after its forward passes.

    Attributes:
        inputs: the row's prompt.
        answer: the answer's ids.
        row: the row's index in the batch.
        pad: number of padding positions before the prompt.
        begin: the position at which the answer begins, padding included.
        predictions: those of the answer's tokens.
        attention: what was kept of attention, or None.
    """

    inputs: Inputs
    answer: list[int]
    row: int
    pad: int
    begin: int
    predictions: Predictions
    attention: CapturedAttention | None = None


def selected_positions(inputs: Inputs, pad: int, *others: Tensor) -> Tensor:
    """int64 `[position]`: where a trace needs final states, padding included, in any order.

    Args:
        inputs: of one prompt.
        pad: number of padding positions before it.
        others: further positions, padding included.
    """
    prompt = inputs.prompt_positions
    # A prompt without a template may begin with a word: nothing predicted it.
    needed = torch.cat([inputs.visual_positions, prompt, (prompt - 1).clamp_min(0)])
    return torch.cat([needed + pad, *others])


@torch.no_grad()
def assemble(
    loaded: Loaded,
    row: CapturedRow,
    hooks: StateHooks,
    unembedding: Unembedding,
    *,
    ranking_depth: int,
    candidates: int,
    seconds: Mapping[str, float],
) -> Trace:
    """Make a trace of one row.

    Raises:
        NonFiniteError: if a state is NaN or infinite.
    """
    inputs, answer, begin = row.inputs, row.answer, row.begin
    tokenizer = loaded.processor.tokenizer

    def states_at(positions: Tensor) -> Tensor:
        return hooks.states_at(row.row, positions)

    positions = inputs.prompt_positions + row.pad
    prompt_ids = inputs.tensors["input_ids"][0].cpu()[inputs.prompt_positions]
    fed_back = torch.arange(begin, begin + len(answer) - 1)
    states = states_at(torch.cat([positions, fed_back]))
    before = states_at((positions - 1).clamp_min(0))
    prompt = predict(unembedding, before, prompt_ids, ranking_depth, candidates)
    rows, biases = unembedding.rows(torch.cat([prompt_ids, torch.tensor(answer)]))
    text, spans = tokens_of(answer, tokenizer)
    return Trace(
        inputs=inputs,
        prompt_tokens=_tokens(
            prompt_ids.tolist(), inputs.prompt, inputs.prompt_spans, prompt, tokenizer
        ),
        tokens=_tokens(answer, text, spans, row.predictions, tokenizer),
        answer=text,
        visual_states=states_at(inputs.visual_positions + row.pad),
        # The last generated token is never fed back to the model, so it has no state.
        text_states=torch.cat([states, torch.zeros_like(states[:1])]),
        # With `device_map` the unembedding may be on another device than the last states.
        unembedding_rows=rows.to(states.device),
        biases=None if biases is None else biases.to(states.device),
        softcap=unembedding.softcap,
        first_prediction_state=states_at(torch.tensor([begin - 1]))[0],
        rankings=torch.cat([prompt.rankings, row.predictions.rankings])[:, :ranking_depth],
        seconds=seconds,
        attention=row.attention,
    ).expect_finite()


def _tokens(
    ids: Sequence[int],
    text: str,
    spans: Sequence[tuple[int, int]],
    predictions: Predictions,
    tokenizer: Any,
) -> tuple[Token, ...]:
    probabilities, candidates = predictions.chosen.tolist(), predictions.candidates.tolist()
    ranked = predictions.rankings[:, : predictions.candidates.shape[1]].tolist()
    names = token_names({token for row in ranked for token in row}, tokenizer)
    special = special_ids(tokenizer)
    return tuple(
        Token(
            id=token,
            text=text[start:end],
            start=start,
            end=end,
            probability=probability,
            candidates=tuple((names[i], p) for i, p in zip(row, shares, strict=True)),
            special=token in special and bool(text[start:end].strip()),
        )
        for token, (start, end), probability, row, shares in zip(
            ids, spans, probabilities, ranked, candidates, strict=True
        )
    )
