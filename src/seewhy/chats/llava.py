"""LLaVA's training format and its kin (ShareGPT): `from`, `value`, and `<image>` in the text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from seewhy.chats.turns import IMAGE, VIDEO, Place, Turn, role_of
from seewhy.core.errors import PromptError

MARKERS = {"<image>": IMAGE, "<video>": VIDEO}
KNOWN = frozenset(("from", "value", "id", "weight", "loss", "name", "timestamp", "metadata"))

_MARKER = re.compile(r"\n?(<image>|<video>)\n?")


def read_turn(message: Mapping[str, Any], number: int) -> Turn:
    """One turn; each marker in its text is the place of a picture or clip.

    Raises:
        PromptError: if the value is no text, or the speaker is unknown.

    Example:
        >>> turn = read_turn({"from": "human", "value": "<image>\\nWhat is it?"}, 0)
        >>> turn.role, turn.parts[1]
        ('user', 'What is it?')
    """
    value = message["value"]
    if not isinstance(value, str):
        raise PromptError(
            f"Expected text as value of turn {number}, got {type(value).__name__}: write what "
            "was said."
        )
    role = role_of(message["from"], number)
    # What a model says is text, whatever it holds.
    return Turn(role, split_markers(value) if role == "user" else (value,) if value else ())


def split_markers(text: str) -> tuple[str | Place, ...]:
    """The text with its markers as places; a line break beside a marker belongs to the marker.

    Example:
        >>> split_markers("Compare <image> and <image>.")[::2]
        ('Compare ', ' and ', '.')
    """
    pieces = _MARKER.split(text)
    parts = [Place(MARKERS[piece]) if number % 2 else piece for number, piece in enumerate(pieces)]
    return tuple(part for part in parts if part != "")


def count_markers(turns: Sequence[Turn]) -> int:
    """How many markers the texts of users hold."""
    texts = (part for turn in turns for part in turn.parts if isinstance(part, str))
    return sum(text.count(marker) for text in texts for marker in MARKERS)


def with_markers_as_places(turns: Sequence[Turn]) -> list[Turn]:
    """Turns whose texts hold markers for the pictures of the whole record."""
    return [
        Turn(
            turn.role,
            tuple(
                piece
                for part in turn.parts
                for piece in (split_markers(part) if isinstance(part, str) else (part,))
            ),
            turn.reasoning,
            turn.is_start,
        )
        if turn.role == "user"
        else turn
        for turn in turns
    ]
