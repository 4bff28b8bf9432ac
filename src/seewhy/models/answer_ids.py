"""The ids of an answer: tokenised after the prompt, without the special tokens at its end."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from seewhy.core.errors import AnswerError
from seewhy.core.trace import Inputs
from seewhy.models.chat_template import lone_surrogate, special_tokens_in
from seewhy.models.loading import Loaded
from seewhy.models.unembedding import unembedding_size


def ids_of(loaded: Loaded, inputs: Inputs, answer: str | Sequence[int] | Tensor) -> list[int]:
    """An answer's ids, without the special tokens at its end.

    Raises:
        AnswerError: if it is empty, or holds a special token, an image token or an unknown id.
    """
    return (
        tokenize_answer(loaded, inputs, answer)
        if isinstance(answer, str)
        else _expect_ids(loaded, answer)
    )


def tokenize_answer(loaded: Loaded, inputs: Inputs, answer: str) -> list[int]:
    """Tokenise an answer as the continuation of the rendered prompt.

    Both are tokenised together, so that the answer's first token is the one the model would
    generate; if that changes the prompt's ids, the answer is tokenised alone. After a prompt that
    ends in a letter or a mark (`ASSISTANT:`) a space is added.

    Raises:
        AnswerError: if there are no tokens, or the text contains a special token or half of a
            character.
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
    token = next(iter(special_tokens_in(loaded.family, answer)), None)
    if token is not None:
        raise AnswerError(
            f"Expected an answer of plain words, got the model's special token {token!r} in it: "
            "remove the token from the answer."
        )
    tokenizer, text = loaded.processor.tokenizer, inputs.rendered
    special = special_tokens_in(loaded.family, text)
    is_separated = text[-1:].isspace() or any(map(text.endswith, special))
    space = "" if is_separated or answer[0].isspace() else " "
    prompt_ids, joined = (
        tokenizer(part, add_special_tokens=False)["input_ids"]
        for part in (text, text + space + answer)
    )
    if joined[: len(prompt_ids)] == prompt_ids:
        ids = joined[len(prompt_ids) :]
    else:
        ids = tokenizer(answer, add_special_tokens=False).input_ids
    return _expect_ids(loaded, ids)


def without_end(ids: list[int], loaded: Loaded) -> list[int]:
    """Ids without the special tokens (end of turn, padding) at their end."""
    config, tokenizer = loaded.model.generation_config, loaded.processor.tokenizer
    ends = {*tokenizer.all_special_ids}
    for token in (getattr(config, "eos_token_id", None), getattr(config, "pad_token_id", None)):
        ends |= set(token) if isinstance(token, list) else {token}
    length = len(ids)
    while length and ids[length - 1] in ends:
        length -= 1
    return ids[:length]


def _expect_ids(loaded: Loaded, answer: Sequence[int] | Tensor) -> list[int]:
    """Ids of an answer without the special tokens at its end, or `AnswerError`."""
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


def have_same_tokens(one: Loaded, other: Loaded, ids: Sequence[int]) -> bool:
    """Whether two models have the same tokens at some ids."""
    pieces = [
        loaded.processor.tokenizer.convert_ids_to_tokens(list(ids)) for loaded in (one, other)
    ]
    return pieces[0] == pieces[1] and max(ids) < unembedding_size(other.model)
