"""Other answers to the same prompt, with the prompt's keys and values computed once."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from seewhy.core.memory import is_out_of_memory
from seewhy.core.trace import Inputs
from seewhy.models.batching import batch, padding_id
from seewhy.models.isolation import eval_mode
from seewhy.models.loading import Loaded
from seewhy.models.session import log_probabilities, rows_together
from seewhy.models.unembedding import backbone_of

TOLERANCE, TOLERANCE_16_BIT = 0.05, 0.25
"""Largest difference in nats of a token's log-probability with and without the stored prompt."""


def answers_log_probabilities(
    loaded: Loaded, inputs: Inputs, answers: Sequence[Sequence[int]], expected: Tensor
) -> tuple[Tensor, bool]:
    """Log-probabilities of several answers to one prompt.

    The prompt is read once and its keys and values are used for all answers. Models store them in
    different ways, so that the first answer is checked: where its log-probabilities are not those
    that are expected, or the model takes no stored prompt, every answer is read with the prompt.

    Args:
        loaded: the model.
        inputs: the prompt with its pictures.
        answers: ids of each, at least one; the first is the one whose values are known.
        expected: float32 `[token]`, the log-probabilities of the first.

    Returns:
        float32 `[answer, token]` on the CPU, NaN after shorter answers; and whether the stored
        prompt was used.
    """
    try:
        found = _with_stored_prompt(loaded, inputs, answers)
    except (AttributeError, TypeError, ValueError, IndexError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        found = None  # a cache of another kind
    exact = loaded.model.dtype in (torch.float32, torch.float64)
    tolerance = TOLERANCE if exact else TOLERANCE_16_BIT
    if found is not None and _is_equal(found[0, : len(answers[0])], expected, tolerance):
        return found, True
    size = _rows(inputs, answers)
    chunks = [answers[start : start + size] for start in range(0, len(answers), size)]
    longest = max(map(len, answers))
    rows = [log_probabilities(loaded, [inputs] * len(chunk), chunk) for chunk in chunks]
    return torch.cat([_widened(row, longest) for row in rows]), False


def _rows(inputs: Inputs, answers: Sequence[Sequence[int]]) -> int:
    """How many answers are read together; each has keys and values of the whole prompt."""
    return rows_together(inputs.length + max(map(len, answers)))


def _is_equal(found: Tensor, expected: Tensor, tolerance: float) -> bool:
    """Whether log-probabilities agree; very unlikely tokens may differ by more."""
    difference = (found - expected.cpu()).abs()
    return bool((difference <= tolerance + 0.01 * expected.cpu().abs()).all())


def _with_stored_prompt(loaded: Loaded, inputs: Inputs, answers: Sequence[Sequence[int]]) -> Tensor:
    longest = max(map(len, answers))
    prompt = batch(loaded.family, [inputs])
    result = torch.full((len(answers), longest), float("nan"))
    with eval_mode(loaded.model):
        out = loaded.model(**{**prompt.tensors, "use_cache": True, "logits_to_keep": 1})
        first = out.logits[:, -1:].float().log_softmax(-1).cpu()
        size = _rows(inputs, answers)
        for start in range(0, len(answers), size):
            chunk = answers[start : start + size]
            stored = copy.deepcopy(out.past_key_values)
            stored.batch_repeat_interleave(len(chunk))
            logits = _continued(loaded, prompt, stored, chunk)
            for row, ids in enumerate(chunk):
                scores = torch.cat([first[0], logits[row].float().log_softmax(-1).cpu()])
                chosen = torch.tensor(ids)[:, None]
                values = scores[: len(ids)].gather(1, chosen)[:, 0]
                result[start + row, : len(ids)] = values
    return result


def _continued(
    loaded: Loaded, prompt: Any, stored: Any, answers: Sequence[Sequence[int]]
) -> Tensor:
    """`[answer, token - 1, vocab]`: the logits after each token of the answers but the last."""
    mask = prompt.tensors["attention_mask"]
    width = max(map(len, answers)) - 1
    if width == 0:
        return torch.empty(len(answers), 0, 1, device=mask.device)
    ids = torch.full((len(answers), width), padding_id(loaded.family), dtype=torch.long)
    kept = torch.zeros_like(ids)
    for row, answer in enumerate(answers):
        count = len(answer) - 1
        ids[row, :count] = torch.tensor(answer[:count], dtype=torch.long)
        kept[row, :count] = 1
    kept = kept.to(mask.device, mask.dtype)
    tensors = {
        "input_ids": ids.to(mask.device),
        "attention_mask": torch.cat([mask.expand(len(answers), -1), kept], 1),
        "past_key_values": stored,
    }
    tensors |= _multimodal_positions(loaded.model, mask.shape[1], *ids.shape)
    return loaded.model(**tensors, use_cache=True).logits


def _multimodal_positions(model: Any, start: int, rows: int, width: int) -> dict[str, Tensor]:
    """Position ids for models that count pictures otherwise than text; they keep the difference."""
    deltas = getattr(backbone_of(model), "rope_deltas", None)
    if deltas is None:
        return {}
    positions = start + torch.arange(width, device=deltas.device)
    return {"position_ids": (positions + deltas[:1]).expand(3, rows, width)}


def _widened(values: Tensor, width: int) -> Tensor:
    missing = values.new_full((len(values), width - values.shape[1]), float("nan"))
    return torch.cat([values, missing], 1)
