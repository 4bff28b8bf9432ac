"""Batch prompts of different lengths for one forward pass, with padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seewhy.core.errors import ParameterError
from seewhy.core.trace import Inputs
from seewhy.models.family import Family, on_device


@dataclass(frozen=True, eq=False)
class Batch:
    """The inputs of one forward pass over prompts of different lengths, perhaps with answers.

    Prompts are padded on the left, so that all answers begin at the same position; answers are
    padded on the right.

    Attributes:
        tensors: the keyword arguments of the forward pass.
        pads: number of padding positions before each prompt.
        length: position at which the answers begin.
    """

    tensors: Mapping[str, Any]
    pads: tuple[int, ...]
    length: int


def batch(
    family: Family, rows: Sequence[Inputs], answers: Sequence[Sequence[int]] | None = None
) -> Batch:
    """Batch prompts for one forward pass.

    Args:
        family: the model's adapter.
        rows: at least one.
        answers: the ids that follow each prompt (teacher forcing), or None.

    Raises:
        ParameterError: if inputs have no pixels any more.
    """
    if not all(row.has_pixels for row in rows):
        raise ParameterError(
            "Expected inputs with pixels, got those of a trace whose pixels were freed: take "
            "session.inputs_of(trace)."
        )
    length = max(row.length for row in rows)
    ids, mask = _padded(family, rows, answers or [()] * len(rows), length)
    aligned = {"input_ids": ids, "attention_mask": mask, **family.token_types(ids, length)}
    # A single prompt keeps its tensors: it may be the user's own, with pictures not known here.
    vision = (
        {name: value for name, value in rows[0].tensors.items() if name not in aligned}
        if len(rows) == 1
        else family.collate([row.media for row in rows])
    )
    return Batch(
        tensors=on_device({**aligned, **vision}, family.model),
        pads=tuple(length - row.length for row in rows),
        length=length,
    )


def _padded(
    family: Family, rows: Sequence[Inputs], answers: Sequence[Sequence[int]], length: int
) -> tuple[Tensor, Tensor]:
    """Ids and attention mask of prompts and answers: int64 `[batch, position]` each."""
    positions = length + max(map(len, answers))
    ids = torch.full((len(rows), positions), padding_id(family), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for number, (row, answer) in enumerate(zip(rows, answers, strict=True)):
        begin, end = length - row.length, length + len(answer)
        ids[number, begin:length] = row.tensors["input_ids"][0]
        mask[number, begin:length] = row.tensors["attention_mask"][0]
        ids[number, length:end] = torch.tensor(answer, dtype=torch.long)
        mask[number, length:end] = 1
    return ids, mask


def padding_id(family: Family) -> int:
    """The id that pads a batch: it is masked, but must not be an image token's id."""
    tokenizer = family.processor.tokenizer
    ids = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
    reserved = {family.image_token_id, family.clip_token_id}
    return next(i for i in (*ids, 1, 2) if i is not None and i not in reserved)
