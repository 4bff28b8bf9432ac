"""A conversation before the answer: turns of text, pictures and clips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from seewhy.core.errors import PromptError
from seewhy.core.trace import PromptSpan

if TYPE_CHECKING:
    from PIL.Image import Image

    from seewhy.images.clips import Clip

Part: TypeAlias = "str | Image | Clip | Sized"
"""A piece of a turn: text, an upright RGB picture or a clip, or one with settings of its own."""

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, eq=False)
class Sized:
    """A picture or clip of a chat with processor settings of its own, such as its size.

    Attributes:
        medium: the picture or clip.
        settings: as the part of the chat names them, such as `{"max_pixels": 100352}`.
    """

    medium: Image | Clip
    settings: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Message:
    """One turn.

    Attributes:
        role: `"system"`, `"user"` or `"assistant"`.
        parts: its text, pictures and clips, in order.
    """

    role: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, eq=False)
class Conversation:
    """Turns before the answer that is to be explained.

    Attributes:
        turns: in order; the last one is the user's.
        template: further names for the chat template, such as `{"enable_thinking": False}`.
    """

    turns: tuple[Message, ...]
    template: dict[str, Any]

    def __post_init__(self) -> None:
        roles = [turn.role for turn in self.turns]
        for role in roles:
            if role not in ROLES:
                raise PromptError(
                    f"Expected every role as one of {', '.join(ROLES)}, got {role!r}: rename it."
                )
        if not roles or roles[-1] != "user":
            raise PromptError(
                f"Expected a conversation whose last turn is the user's, got {roles}: leave "
                "out what follows it; the assistant's answer to it is explained."
            )
        if not any(text.strip() for text in self.texts):
            raise PromptError(
                f"Expected a prompt with words in it, got {self.texts[:3]}: write a "
                "question or an instruction."
            )

    def with_media(self, media: Sequence[Image | Clip]) -> Conversation:
        """The same conversation with other pictures and clips, as many as it has."""
        following, turns = iter(media), []
        for turn in self.turns:
            parts = (_with_medium(part, following) for part in turn.parts)
            turns.append(Message(turn.role, tuple(parts)))
        return replace(self, turns=tuple(turns))

    @property
    def texts(self) -> list[str]:
        """The text parts, in order."""
        return [part for turn in self.turns for part in turn.parts if isinstance(part, str)]

    @property
    def media(self) -> list[Image | Clip]:
        """The pictures and clips, in order."""
        return media_of(self.turns)

    @property
    def media_settings(self) -> list[Mapping[str, Any]]:
        """The processor settings of each picture and clip; empty where it has none of its own."""
        return [
            part.settings if isinstance(part, Sized) else {}
            for turn in self.turns
            for part in turn.parts
            if not isinstance(part, str)
        ]


def media_of(turns: Iterable[Message]) -> list[Image | Clip]:
    """The pictures and clips of turns, in order."""
    return [
        part.medium if isinstance(part, Sized) else part
        for turn in turns
        for part in turn.parts
        if not isinstance(part, str)
    ]


def _with_medium(part: Part, following: Iterator[Image | Clip]) -> Part:
    """A part with the next picture or clip in place of its own; a text as it is."""
    if isinstance(part, str):
        return part
    medium = next(following)
    return replace(part, medium=medium) if isinstance(part, Sized) else medium


def user_message(media: Image | Clip | Sequence[Image | Clip], prompt: str) -> Conversation:
    """One user's turn: pictures and clips first, then the words."""
    parts = tuple(media) if isinstance(media, list | tuple) else (media,)
    return Conversation((Message("user", (*parts, prompt)),), {})  # type: ignore[arg-type]


def joined_texts(conversation: Conversation) -> tuple[str, tuple[PromptSpan, ...], list[int]]:
    """The conversation's words as one text, the span of each turn, and where each text begins."""
    prompt, turns, starts = "", [], []
    for turn in conversation.turns:
        first = len(starts)
        for text in (part for part in turn.parts if isinstance(part, str)):
            prompt += "\n" if prompt else ""
            starts.append(len(prompt))
            prompt += text
        if len(starts) > first:
            turns.append(PromptSpan(turn.role, starts[first], len(prompt)))
    return prompt, tuple(turns), starts
