"""Turns of a chat before their pictures are read: what every format becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seewhy.core.errors import PromptError

IMAGE, VIDEO = "image", "video"

ROLES = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model", "bot", "chatgpt", "ai"), "assistant"),
}
"""The role that each name means: `developer` is OpenAI's later name of `system`."""

TOOLS = (
    "tool",
    "function",
    "tool_call",
    "tool_response",
    "function_call",
    "observation",
    "ipython",
)
"""Names of turns that call tools or bring their results."""


@dataclass(frozen=True, eq=False)
class Place:
    """Where a picture or clip stands in a turn.

    Attributes:
        kind: `"image"` or `"video"`.
        source: what the chat says of it: a path, an address, encoded or decoded pixels; None for
            the next one of those that are given beside the chat.
        settings: of the processor, as the part names them.
        frames: which frames of a clip the part names (`fps`, `nframes`).
    """

    kind: str
    source: Any = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    frames: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Turn:
    """One turn.

    Attributes:
        role: `"system"`, `"user"` or `"assistant"`.
        parts: texts and places, in order.
        reasoning: an assistant's thinking, where the format holds it apart from the text.
        is_start: whether it is the beginning of an answer, which the model continued.
    """

    role: str
    parts: tuple[str | Place, ...]
    reasoning: str = ""
    is_start: bool = False


def role_of(name: Any, turn: int) -> str:
    """The role that a format's name of it means.

    Raises:
        PromptError: for results of tools, and for unknown names.
    """
    role = ROLES.get(name) if isinstance(name, str) else None
    if role is None and name in TOOLS:
        raise PromptError(
            f"Expected turns of system, user and assistant, got {name!r} as role of turn {turn}: "
            "calls of tools and their results are not supported, leave these turns out if the "
            "answer does not need them."
        )
    if role is None:
        raise PromptError(
            f"Expected the role of turn {turn} as one of system, user and assistant, got "
            f"{shown(name)}: rename it."
        )
    return role


def shown(value: Any) -> str:
    """A value in an error, cut to 80 characters."""
    text = repr(value[:80] if isinstance(value, str | bytes) else value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def is_blank(value: Any) -> bool:
    """Whether a field of JSON says nothing: null, false, or empty."""
    is_empty = isinstance(value, str | list | tuple | dict) and not value
    return value is None or value is False or is_empty
