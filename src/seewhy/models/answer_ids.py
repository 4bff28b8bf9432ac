"""The ids of an answer: tokenised after the prompt, without the tokens that end it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from torch import Tensor

from seewhy.core.errors import AnswerError
from seewhy.core.trace import Inputs
from seewhy.models.chat_template import lone_surrogate
from seewhy.models.decoding import tokens_of
from seewhy.models.family import Family
from seewhy.models.loading import Loaded
from seewhy.models.special_tokens import (
    end_ids,
    media_tokens,
    special_tokens,
    tokens_in,
    turn_tokens,
)
from seewhy.models.unembedding import unembedding_size


def ids_of(loaded: Loaded, inputs: Inputs, answer: str | Sequence[int] | Tensor) -> list[int]:
    """An answer's ids, without the tokens that end it.

    Raises:
        AnswerError: if it is empty, or holds an image token or an unknown id, or as text a token
            that ends a turn.
    """
    return (
        tokenize_answer(loaded, inputs, answer)
        if isinstance(answer, str)
        else expect_known_ids(loaded, answer)
    )


def tokenize_answer(loaded: Loaded, inputs: Inputs, answer: str) -> list[int]:
    """Tokenise an answer as the continuation of the rendered prompt.

    Both are tokenised together, so that the answer's first token is the one the model would
    generate; if that changes the prompt's ids, the answer is tokenised alone. After a prompt that
    ends in a letter or a mark (`ASSISTANT:`) a space is added. Special tokens in the answer, such
    as `<|box_start|>`, are tokenised as the model writes them.

    Raises:
        AnswerError: if there are no tokens, or the text contains a token that stands for a picture
            or ends a turn, or half of a character.
    """
    if not answer.strip():
        raise AnswerError(
            f"Expected an answer with words in it, got {answer!r}: write the answer to "
            "explain, or leave `answer` out so that the model generates one."
        )
    if broken := lone_surrogate(answer):
        raise AnswerError(
            f"Expected an answer of whole characters, got {broken!r}, half of one: remove it."
        )
    answer = _without_end_tokens(answer, loaded.family)
    _expect_no_frame(answer, loaded.family)
    markup = special_tokens(loaded.processor.tokenizer)
    readings = (_tokenized(loaded, inputs.rendered, text) for text in _spellings(answer, markup))
    return expect_known_ids(loaded, _first_that_reads(answer, readings, loaded))


def _expect_no_frame(answer: str, family: Family) -> None:
    """Raise `AnswerError` for a token in a text that stands for a picture or ends a turn."""
    if found := tokens_in(answer, media_tokens(family)):
        raise AnswerError(
            f"Expected an answer of words and markup, got the model's special token {found[0]!r} "
            "in it, which stands for a picture: remove it, pictures belong to the user's turns."
        )
    if found := tokens_in(answer, turn_tokens(family)):
        raise AnswerError(
            f"Expected an answer of one turn, got the model's special token {found[0]!r} in it, "
            "which begins or ends a turn: remove it, or give the ids of the answer."
        )


def continued_ids(loaded: Loaded, ids: Sequence[int], text: str) -> list[int]:
    """The ids of an answer's beginning, as they are, and of words after it.

    Args:
        loaded: the model.
        ids: what the answer begins with; they stay.
        text: what follows, with the space that parts it from them.

    Raises:
        AnswerError: if the text has no words, or holds a token that stands for a picture or ends a
            turn, or half of a character.
    """
    if not text.strip():
        raise AnswerError(
            f"Expected words that the answer goes on with, got {text!r}: write at least one."
        )
    if broken := lone_surrogate(text):
        raise AnswerError(f"Expected whole characters, got {broken!r}, half of one: remove it.")
    _expect_no_frame(text, loaded.family)
    tokenizer, kept = loaded.processor.tokenizer, list(ids)
    before = tokens_of(kept, tokenizer)[0] if kept else ""

    def tokenized(part: str) -> list[int]:
        return tokenizer(part, add_special_tokens=False)["input_ids"]

    first, joined = tokenized(before), tokenized(before + text)
    options = [tokenized(text), tokenized(text.lstrip(" "))]
    if joined[: len(first)] == first:
        options.insert(0, joined[len(first) :])
    # Alone, some tokenizers put a space before a text, or leave one out: take what reads right.
    right = (new for new in options if tokens_of([*kept, *new], tokenizer)[0] == before + text)
    return expect_known_ids(loaded, [*kept, *next(right, options[0])])


def start_ids(loaded: Loaded, inputs: Inputs, start: str | Sequence[int] | Tensor) -> list[int]:
    """The ids that an answer begins with, before the model goes on.

    Spaces at the end of a text are left out: tokenizers write them at the start of the next word,
    and after a space of its own a model goes on badly.

    Raises:
        AnswerError: as `ids_of`; or if the start ends with a token that ends the answer.
    """
    if isinstance(start, str):
        given: Any = start.rstrip(" ")
        ids = tokenize_answer(loaded, inputs, given)
        is_open = _without_end_tokens(given, loaded.family) == given
    else:
        given = start.flatten().tolist() if isinstance(start, Tensor) else [int(i) for i in start]
        ids = expect_known_ids(loaded, given)
        is_open = ids == given
    if not is_open:
        raise AnswerError(
            f"Expected a start that the model can go on from, got {given!r}, which ends with a "
            "token that ends the answer: leave it out."
        )
    return ids


def _without_end_tokens(answer: str, family: Family) -> str:
    """An answer without the tokens at its end that end a turn: the model's own is left out too."""
    ends = tuple(turn_tokens(family))
    while (shorter := answer.rstrip()).endswith(ends):
        token = max((end for end in ends if shorter.endswith(end)), key=len)
        answer = shorter.removesuffix(token)
    return answer


def _spellings(answer: str, markup: Collection[str]) -> Iterator[str]:
    """The answer, then without the spaces that some tokenizers add behind special tokens."""
    yield answer
    for token in tokens_in(answer, markup):
        answer = answer.replace(f"{token} ", token)
    yield answer


def _first_that_reads(answer: str, readings: Iterable[list[int]], loaded: Loaded) -> list[int]:
    """The first ids that decode to the answer; the first of all where none does."""
    first: list[int] | None = None
    for ids in readings:
        first = ids if first is None else first
        text, _ = tokens_of(ids, loaded.processor.tokenizer)
        if text.strip() == answer.strip():
            return ids
    return first or []


def _tokenized(loaded: Loaded, prompt: str, answer: str) -> list[int]:
    """The ids of an answer after a prompt."""
    tokenizer = loaded.processor.tokenizer
    special = special_tokens(tokenizer) | media_tokens(loaded.family)
    is_separated = prompt[-1:].isspace() or prompt.endswith(tuple(special))
    begins_with_markup = answer.startswith(tuple(special))
    space = "" if is_separated or begins_with_markup or answer[0].isspace() else " "
    prompt_ids, joined = (
        tokenizer(part, add_special_tokens=False)["input_ids"]
        for part in (prompt, prompt + space + answer)
    )
    if joined[: len(prompt_ids)] == prompt_ids:
        return joined[len(prompt_ids) :]
    return tokenizer(answer, add_special_tokens=False).input_ids


def without_end(ids: list[int], loaded: Loaded) -> list[int]:
    """Ids without the tokens at their end that end a turn or a sequence, and padding.

    Other special tokens, such as `<|box_end|>`, are part of the answer.
    """
    ends, length = end_ids(loaded.family), len(ids)
    while length and ids[length - 1] in ends:
        length -= 1
    return ids[:length]


def expect_known_ids(loaded: Loaded, answer: Sequence[int] | Tensor) -> list[int]:
    """Ids of an answer without the tokens that end it, or `AnswerError`."""
    is_tensor = isinstance(answer, Tensor)
    all_ids = answer.flatten().tolist() if is_tensor else [int(i) for i in answer]
    ids, size = without_end(all_ids, loaded), unembedding_size(loaded.model)
    if not ids:
        raise AnswerError(
            f"Expected an answer with at least one token that is not special, got {all_ids}: give "
            "the ids of its words."
        )
    visual = (loaded.family.image_token_id, loaded.family.clip_token_id)
    wrong = [token for token in ids if not 0 <= token < size or token in visual]
    if wrong:
        raise AnswerError(
            f"Expected ids from 0 to {size - 1} without the image token, got {wrong[:5]}: give the "
            "ids from this model's tokenizer."
        )
    return ids


def tokens_at(loaded: Loaded, ids: Sequence[int]) -> list[str | None]:
    """The tokenizer's own spelling of the tokens at some ids; None for an id that it lacks."""
    return loaded.processor.tokenizer.convert_ids_to_tokens(list(ids))


def has_tokens(loaded: Loaded, ids: Sequence[int], tokens: Sequence[str | None]) -> bool:
    """Whether a model has these tokens, from `tokens_at` of another one, at these ids."""
    return tokens_at(loaded, ids) == list(tokens) and max(ids) < unembedding_size(loaded.model)
