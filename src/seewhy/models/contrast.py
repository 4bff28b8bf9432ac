"""Contrast a word with an alternative: subtract the alternative's unembedding row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from seewhy.core.errors import ParameterError
from seewhy.core.text import Word
from seewhy.core.trace import Trace
from seewhy.models.isolation import eval_mode
from seewhy.models.loading import Loaded
from seewhy.models.unembedding import cached_unembedding


def deciding_token(loaded: Loaded, trace: Trace, word: Word, alternative: str) -> tuple[int, int]:
    """The first token at which a word and its alternative differ, and the alternative's id there.

    Up to this deciding token both have the same ids; there the model chose between two ids.

    Args:
        loaded: the model.
        trace: the answer.
        word: one of its words.
        alternative: another word in its place.

    Returns:
        The deciding token's index on the token axis, and the alternative's id there.

    Raises:
        ParameterError: if the alternative is empty, the same as the word, or one of the two begins
            with the other: then no token of the word decides between them.
    """
    if not alternative.strip():
        raise ParameterError(
            f"Expected a word to contrast {word.text!r} with, got {alternative!r}: name what the "
            "model might have written instead."
        )
    ids = [trace.tokens[token].id for token in word.tokens]
    foil = alternative_ids(loaded, trace, word, alternative.strip())
    for token, word_id, foil_id in zip(word.tokens, ids, foil, strict=False):
        if word_id != foil_id:
            return token, foil_id
    raise ParameterError(
        f"Expected an alternative whose tokens differ from those of {word.text!r}, got "
        f"{alternative!r}: in this tokenizer one begins with the other ({ids} and {foil}), so none "
        "of the word's tokens decides between them; choose another alternative."
    )


def alternative_ids(loaded: Loaded, trace: Trace, word: Word, alternative: str) -> list[int]:
    """Ids of an alternative in the word's position, tokenised after the answer."""
    # Its first token may be part of a character, without a text: the space stands in the answer.
    begin = trace.tokens[word.tokens[0]].start
    before, space = trace.answer[:begin], trace.answer[begin : word.start]
    tokenizer = loaded.processor.tokenizer

    def ids_of(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    ids_before, joined = ids_of(before), ids_of(before + space + alternative)
    if joined[: len(ids_before)] == ids_before:
        return joined[len(ids_before) :]
    return ids_of(space + alternative)


def contrasted(loaded: Loaded, trace: Trace, word: Word, token: int, foil: int) -> Trace:
    """The trace with foil rows that contrast a word with an alternative.

    The deciding token gets the alternative's row as its foil. The word's other tokens get their own
    row, so that they contribute nothing: both words share them, or they follow from the decision.

    Args:
        loaded: the model.
        trace: at any scale.
        word: of the answer.
        token, foil: as `deciding_token` returns them.
    """
    prompt = len(trace.prompt_tokens)
    with eval_mode(loaded.model):
        rows, biases = cached_unembedding(loaded.model).rows(torch.tensor([foil]))
    foils = torch.zeros_like(trace.unembedding_rows)
    foil_biases = None if trace.biases is None else torch.zeros_like(trace.biases)
    positions: Sequence[int] = [prompt + index for index in word.tokens]
    foils[positions] = trace.unembedding_rows[positions]
    foils[prompt + token] = rows[0].to(foils)
    if foil_biases is not None and trace.biases is not None and biases is not None:
        foil_biases[positions] = trace.biases[positions]
        foil_biases[prompt + token] = biases[0].to(foil_biases)
    return replace(trace, foils=foils, foil_biases=foil_biases)
