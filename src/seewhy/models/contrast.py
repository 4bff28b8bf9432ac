"""Why this word and not that one: the alternative's row beside the word's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from seewhy.core.errors import ParameterError
from seewhy.core.text import Word
from seewhy.core.trace import Trace
from seewhy.models.loading import Loaded
from seewhy.models.unembedding import cached_unembedding


def deciding_token(loaded: Loaded, trace: Trace, word: Word, alternative: str) -> tuple[int, int]:
    """Where a word and its alternative part, and what would have been said there instead.

    Both begin alike up to the deciding token: there the model chose between two ids.

    Args:
        loaded: the model.
        trace: the answer.
        word: one of its words.
        alternative: what might have stood in its place.

    Returns:
        The place of the deciding token on the token axis, and the alternative's id there.

    Raises:
        ParameterError: if the alternative is empty, the same as the word, or one of the two begins
            with the other: then no token of the word decides between them.
    """
    if not alternative.strip():
        raise ParameterError(
            f"Expected a word to contrast {word.text!r} with, got {alternative!r}: name what the "
            "model might have said instead."
        )
    first = trace.tokens[word.tokens[0]]
    lead = first.text[: len(first.text) - len(first.text.lstrip())]
    before = trace.answer[: first.start]
    tokenizer = loaded.processor.tokenizer

    def ids_of(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    known, joined = ids_of(before), ids_of(before + lead + alternative.strip())
    goes_on = joined[: len(known)] == known
    foil = joined[len(known) :] if goes_on else ids_of(lead + alternative.strip())
    own = [trace.tokens[place].id for place in word.tokens]
    for place, said, other in zip(word.tokens, own, foil, strict=False):
        if said != other:
            return place, other
    raise ParameterError(
        f"Expected an alternative that parts from {word.text!r} within it, got {alternative!r}: "
        f"in this tokenizer one begins with the other ({own} and {foil}), so none of the word's "
        "tokens decides between them."
    )


def contrasted(loaded: Loaded, trace: Trace, word: Word, place: int, foil: int) -> Trace:
    """The trace in which a word stands against an alternative.

    The deciding token's row meets the alternative's; the word's other tokens meet their own, so
    that they say nothing: both readings share them, or they follow from the decision.

    Args:
        loaded: the model.
        trace: at any scale.
        word: of the answer.
        place, foil: as `deciding_token` returns them.
    """
    prompt = len(trace.prompt_tokens)
    rows, biases = cached_unembedding(loaded.model).rows(torch.tensor([foil]))
    foils = torch.zeros_like(trace.unembedding_rows)
    foil_biases = None if trace.biases is None else torch.zeros_like(trace.biases)
    own: Sequence[int] = [prompt + token for token in word.tokens]
    foils[own] = trace.unembedding_rows[own]
    foils[prompt + place] = rows[0].to(foils)
    if foil_biases is not None and trace.biases is not None and biases is not None:
        foil_biases[own] = trace.biases[own]
        foil_biases[prompt + place] = biases[0].to(foil_biases)
    return replace(trace, foils=foils, foil_biases=foil_biases)
