"""An answer as ids: tokenised where the prompt ends, without the tokens that end it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from seewhy.core.errors import AnswerError
from seewhy.core.trace import Inputs
from seewhy.models.inputs import special_tokens_in
from seewhy.models.loading import Loaded
from seewhy.models.unembedding import unembedding_size


def ids_of(loaded: Loaded, inputs: Inputs, answer: str | Sequence[int] | Tensor) -> list[int]:
    """An answer's ids, without the special tokens that end it.

    Raises:
        AnswerError: if it is empty, or holds a special token, an image token or an unknown id.
    """
    return (
        tokenize_answer(loaded, inputs, answer)
        if isinstance(answer, str)
        else _expect_ids(loaded, answer)
    )


def tokenize_answer(loaded: Loaded, inputs: Inputs, answer: str) -> list[int]:
    """Tokenise an answer so that it goes on where the rendered prompt ends.

    Both are tokenised together, so that the answer's first token is the one the model would have
    said; where that would change the prompt's own ids, the answer is tokenised alone. A prompt
    that ends in a letter or mark (`ASSISTANT:`) is followed by a space.

    Raises:
        AnswerError: if it tokenises to nothing, or spells out a special token.
    """
    if not answer.strip():
        raise AnswerError(f"Expected an answer with words in it, got {answer!r}: say something.")
    token = next(iter(special_tokens_in(loaded.family, answer)), None)
    if token is not None:
        raise AnswerError(
            f"Expected an answer of plain words, got the model's special token {token!r} in it: "
            "leave it out."
        )
    tokenizer, text = loaded.processor.tokenizer, inputs.rendered
    tail = text[-1:].isspace() or any(map(text.endswith, special_tokens_in(loaded.family, text)))
    glue = "" if tail or answer[0].isspace() else " "
    known, joined = (
        tokenizer(part, add_special_tokens=False)["input_ids"]
        for part in (text, text + glue + answer)
    )
    goes_on = joined[: len(known)] == known
    ids = joined[len(known) :] if goes_on else tokenizer(answer, add_special_tokens=False).input_ids
    return _expect_ids(loaded, ids)


def without_end(ids: list[int], loaded: Loaded) -> list[int]:
    """Ids without the special tokens (end of turn, padding) that they end in."""
    config, tokenizer = loaded.model.generation_config, loaded.processor.tokenizer
    ends = {*tokenizer.all_special_ids}
    for token in (getattr(config, "eos_token_id", None), getattr(config, "pad_token_id", None)):
        ends |= set(token) if isinstance(token, list) else {token}
    length = len(ids)
    while length and ids[length - 1] in ends:
        length -= 1
    return ids[:length]


def _expect_ids(loaded: Loaded, answer: Sequence[int] | Tensor) -> list[int]:
    """Ids of an answer without its end, or `AnswerError`."""
    given = answer.flatten().tolist() if isinstance(answer, Tensor) else [int(i) for i in answer]
    ids, size = without_end(given, loaded), unembedding_size(loaded.model)
    if not ids:
        raise AnswerError(
            f"Expected an answer of at least one token, got {given}: its ids are none, or special "
            "tokens only."
        )
    shown = (loaded.family.image_token_id, loaded.family.clip_token_id)
    wrong = [token for token in ids if not 0 <= token < size or token in shown]
    if wrong:
        raise AnswerError(
            f"Expected ids from 0 to {size - 1} without the image token, got {wrong[:5]}: give the "
            "ids that this model's tokenizer makes."
        )
    return ids
