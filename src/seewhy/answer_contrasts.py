"""The contrasts that were asked for: made where the answer allows them, else told as impossible."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seewhy.answer_notes import calls_to_users_code
from seewhy.core.attribution import Attribution
from seewhy.core.errors import ContrastWarning, ParameterError, UnknownNameError
from seewhy.core.text import Word
from seewhy.core.word_lookup import find_text
from seewhy.methods import Evidence, Method
from seewhy.models.contrast import contrasted, deciding_token


@dataclass(frozen=True)
class Contrasts:
    """The contrasts of an answer.

    Attributes:
        attribution: of the answer, with the words that are contrasted.
        made: by the index of each contrasted word its alternative.
        impossible: a sentence for each contrast that this answer does not allow.
    """

    attribution: Attribution
    made: Mapping[int, str]
    impossible: tuple[str, ...]


def with_contrasts(
    attribution: Attribution,
    evidence: Evidence,
    words: Sequence[Word],
    wanted: Mapping[str | int, str],
    method: Method,
) -> Contrasts:
    """Contrast words of an answer with alternatives.

    The model writes what it writes: where the answer lacks a word, or none of its tokens decides
    between it and its alternative, the rest of the explanation is as good as ever. So that is told,
    as a warning with the words that are near, and nothing is thrown away.

    Args:
        attribution: of every word, without contrasts.
        evidence: that it was made from.
        words: of the answer.
        wanted: words, by number or text, and their alternatives.
        method: that made it.

    Warns:
        ContrastWarning: for each contrast that is impossible.
    """
    trace = evidence.trace
    made: dict[int, str] = {}
    impossible: list[str] = []
    for name, alternative in wanted.items():
        try:
            word, within = find_text(trace.answer, words, trace.tokens, name)
            loaded = evidence.expect_session(method.name).loaded
            choice = deciding_token(loaded, trace, word, alternative)
        except (UnknownNameError, IndexError, ParameterError) as error:
            impossible.append(_impossible(name, alternative, error))
            continue
        made |= dict.fromkeys(within, alternative)
        attribution = _contrasted(attribution, evidence, word, choice, method)
    for message in impossible:
        warnings.warn(message, ContrastWarning, stacklevel=calls_to_users_code() + 1)
    return Contrasts(attribution, made, tuple(impossible))


def _impossible(name: str | int, alternative: str, error: Exception) -> str:
    reason = " ".join(str(error).split())
    return (
        f"This answer does not allow the contrast of {name!r} with {alternative!r}, so it is "
        f"explained without: {reason}"
    )


def _contrasted(
    attribution: Attribution,
    evidence: Evidence,
    word: Word,
    choice: tuple[int, int],
    method: Method,
) -> Attribution:
    """An attribution in which a word's tokens are contrasted with an alternative.

    `choice` is the token that decides, and the alternative's id there.
    """
    loaded, trace = evidence.expect_session(method.name).loaded, evidence.trace
    prompt = len(trace.prompt_tokens)
    against = method.attribute(
        evidence.map(
            lambda trace: contrasted(loaded, trace, word, *choice),
            selected=[prompt + token for token in word.tokens],
        )
    )
    offset = len(attribution.context) - len(trace.tokens)
    return attribution.with_tokens_from(against, [offset + token for token in word.tokens])
