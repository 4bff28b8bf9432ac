"""Which words have a map that cannot know the question, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence

from seewhy.core.answer_words import answer_kind
from seewhy.core.text import Word
from seewhy.core.trace import Inputs
from seewhy.methods._base import Method

QUESTION_MARKS = "?？؟;՞፧⁇"
INSTEAD = (
    "What it rests on is shown by methods that depend on the question, such as logit-shares, "
    'attention or occlusion, and by a verdict (see "Yes, no and counts" in the docs).'
)


def cannot_know_question(method: Method, inputs: Inputs, *, is_causal: bool) -> bool:
    """Whether a method's maps were read before the model had read the question.

    Args:
        method: that made the maps.
        inputs: the prompt.
        is_causal: whether a token of the prompt sees earlier ones only (`Family.causal_prompt`).

    Returns:
        True if the maps are read from states of visual tokens, and no picture stands after the
        last words of the user.
    """
    if not (method.reads_visual_states and is_causal):
        return False
    asked = _question_positions(inputs)
    return bool(asked) and int(inputs.visual_positions.max()) < max(asked)


def notes_of_words(method: Method, words: Sequence[Word]) -> tuple[tuple[int, str], ...]:
    """A sentence for each word that answers a question which its map cannot know."""
    is_whole = sum(any(map(str.isalnum, word.text)) for word in words) == 1
    return tuple(
        (index, _sentence(method, word.text))
        for index, word in enumerate(words)
        if answer_kind(word.text, is_whole=is_whole)
    )


def note_of_answer(method: Method, inputs: Inputs) -> str:
    """A sentence on all words, if the prompt's last words ask a question; else empty."""
    last = inputs.turns[-1] if inputs.turns else None
    asked = inputs.prompt if last is None else inputs.prompt[last.start : last.end]
    if not any(mark in asked for mark in QUESTION_MARKS):
        return ""
    return (
        f"Maps of {method.name} are read from states of the picture, which stand before the "
        "question: they show where a word can be read, whatever is asked."
    )


def _question_positions(inputs: Inputs) -> list[int]:
    """Positions of the words of the user's last turn."""
    positions = inputs.prompt_positions.tolist()
    users = [turn for turn in inputs.turns if turn.role == "user"]
    if not users or len(inputs.prompt_spans) != len(positions):
        return positions
    last = users[-1]
    return [
        position
        for position, (start, _) in zip(positions, inputs.prompt_spans, strict=True)
        if last.start <= start < last.end
    ]


def _sentence(method: Method, text: str) -> str:
    subtracted = " Words of the question are only subtracted." if method.subtracts_words else ""
    return (
        f"The evidence for “{text}” was read from states of the picture, which stand before the "
        f"question: it is the same whatever is asked.{subtracted} {INSTEAD}"
    )
