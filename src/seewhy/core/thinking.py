"""Where the thinking block of an answer begins and ends."""

from __future__ import annotations

TAGS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("◁think▷", "◁/think▷"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
)
"""What begins and ends a thinking block: special tokens in some tokenizers, text in others."""

CHANNELS = (
    ("<|channel>thought", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|>"),
)
"""The same of models that name the part that they write."""


def thinking_span(text: str, *, is_open: bool = False) -> tuple[int, int] | None:
    """The characters of an answer's thinking block, with its tags, or None.

    The block stands at the start. A block that is not closed goes on to the end: the answer was cut
    off. A closing tag without an opening one ends a block that began with the answer: some chat
    templates write the opening tag.

    Args:
        text: the answer.
        is_open: whether the text before the answer opened a block.

    Example:
        >>> thinking_span("<think>A cup?</think> A cup."), thinking_span("A cup.")
        ((0, 21), None)
        >>> thinking_span("A cup?</think> A cup."), thinking_span("A cup", is_open=True)
        ((0, 14), (0, 5))
    """
    start = len(text) - len(text.lstrip())
    for opening, closing in (*TAGS, *CHANNELS):
        if text.startswith(opening, start):
            end = text.find(closing, start + len(opening))
            return start, len(text) if end < 0 else end + len(closing)
    for opening, closing in TAGS:
        end = text.find(closing)
        if end >= 0 and opening not in text[:end]:
            return start, end + len(closing)
    return (start, len(text)) if is_open and start < len(text) else None


def opens_thinking(text: str) -> bool:
    """Whether a text ends with the opening tag of a thinking block.

    Example:
        >>> opens_thinking("assistant\\n<think>\\n"), opens_thinking("Is <think> a tag?")
        (True, False)
    """
    return text.rstrip().endswith(tuple(opening for opening, _ in (*TAGS, *CHANNELS)))
