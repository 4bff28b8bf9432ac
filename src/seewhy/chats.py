"""What a person asks, read into a conversation: pictures, clips, a prompt, or a whole chat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from torch import Tensor

from seewhy.core.errors import ImageError, ParameterError, PromptError
from seewhy.images import Clip, ImageSource, read_clip, read_image
from seewhy.models.conversation import Conversation, Message

if TYPE_CHECKING:
    from PIL.Image import Image

Media: TypeAlias = "ImageSource | Clip"
"""A picture in any form, or a clip."""

PROMPT = "Write a one-sentence caption for this image:"
"""What a model is asked if nothing else is said: TAM's prompt for captions."""


@dataclass(frozen=True, eq=False)
class Question:
    """What a model is asked, and the answer where it is given.

    Attributes:
        conversation: all that comes before the answer.
        answer: its text or ids; None lets the model answer.
    """

    conversation: Conversation
    answer: str | Sequence[int] | Tensor | None = None


def read_question(
    image: Media | Sequence[Media] | None,
    prompt: str | None = None,
    *,
    messages: Sequence[Mapping[str, Any]] | None = None,
    turn: int | None = None,
    template: Mapping[str, Any] | None = None,
    answer: str | Sequence[int] | Tensor | None = None,
) -> Question:
    """Read what is asked; arguments as for `seewhy.Explainer.explain`.

    Raises:
        ImageError, ClipError: if there is no picture, or one cannot be read.
        PromptError: if the chat is malformed.
        ParameterError: if arguments contradict each other.
    """
    media = [] if image is None else read_media(image)
    options = dict(template or {})
    if messages is None:
        if turn is not None:
            raise ParameterError("Expected a turn beside messages, got one without: leave it out.")
        if not media:
            raise ImageError("Expected a picture, got none: give `image`, or `messages` with one.")
        words = PROMPT if prompt is None else prompt
        return Question(Conversation((Message("user", (*media, words)),), options), answer)
    if prompt is not None:
        raise ParameterError("Expected a prompt or messages, got both: leave one out.")
    turns = _all_placed(messages, media)
    last = len(turns) - 1 if turn is None else turn + len(turns) * (turn < 0)
    if not 0 <= last < len(turns):
        raise ParameterError(
            f"Expected a turn from 0 to {len(turns) - 1}, got {turn}."
            if turns
            else "Expected messages with at least one turn, got none: write what is asked."
        )
    if turns[last].role != "assistant":
        if turn is not None:
            raise ParameterError(
                f"Expected a turn of the assistant's, got turn {turn}, which is the "
                f"{turns[last].role}'s: of {[t.role for t in turns]} choose another."
            )
        return Question(Conversation(turns, options), answer)
    if answer is not None:
        raise ParameterError(
            "Expected an answer or a last turn of the assistant's, got both: leave one out."
        )
    texts = [part for part in turns[last].parts if isinstance(part, str)]
    return Question(Conversation(turns[:last], options), "\n".join(texts))


def read_messages(
    messages: Sequence[Mapping[str, Any]], media: Sequence[Image | Clip] = ()
) -> tuple[tuple[Message, ...], int]:
    """Read a chat as transformers' chat templates take it.

    Args:
        messages: turns with `role` and `content`.
        media: pictures and clips for the parts that bring none of their own, in order.

    Returns:
        The turns, and how many of `media` were left over.

    Raises:
        PromptError: if a turn or a part is malformed, or a part has no picture.
    """
    waiting, turns = iter(media), []
    for number, message in enumerate(messages):
        if not isinstance(message, Mapping) or not {"role", "content"} <= set(message):
            raise PromptError(
                f"Expected turns with a role and a content, got {str(message)[:80]!r} as turn "
                f"{number}: write {{'role': 'user', 'content': '...'}}."
            )
        content = message["content"]
        if not isinstance(content, str | list | tuple):
            raise PromptError(
                f"Expected the content of turn {number} as text or a list of parts, got "
                f"{type(content).__name__}: see transformers' chat templates."
            )
        parts = [content] if isinstance(content, str) else content
        read = (_read_part(part, waiting, number) for part in parts)
        turns.append(Message(str(message["role"]), tuple(part for part in read if part != "")))
    return tuple(turns), len(list(waiting))


def read_media(source: Media | Sequence[Media]) -> list[Image | Clip]:
    """One picture or clip, or a list of them; an array is one picture."""
    several: Any = source if isinstance(source, list | tuple) else [source]
    return [read_medium(one) for one in several]


def read_medium(source: Media) -> Image | Clip:
    """A picture in any form, or a clip as it is."""
    return source if isinstance(source, Clip) else read_image(source)


def _all_placed(
    messages: Sequence[Mapping[str, Any]], media: Sequence[Image | Clip]
) -> tuple[Message, ...]:
    """The turns, once every picture has its place in them."""
    turns, rest = read_messages(messages, media)
    if rest:
        raise ParameterError(
            f"Expected {len(media) - rest} pictures, as the messages have places for, got "
            f"{len(media)}: add parts {{'type': 'image'}}, or leave pictures out."
        )
    return turns


def _read_part(part: Any, waiting: Iterator[Image | Clip], turn: int) -> str | Image | Clip:
    """One part of a turn; where it brings no picture of its own, the next one that waits."""
    if isinstance(part, str):
        return part
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind == "text" and isinstance(part.get("text"), str):
        return part["text"]
    if kind not in ("image", "video", "image_url"):
        raise PromptError(
            "Expected parts of type 'text', 'image' or 'video', got "
            f"{str(part)[:80]} in turn {turn}: see transformers' chat templates."
        )
    names = (kind, "image", "video", "url", "path")
    own = next((part[name] for name in names if part.get(name) is not None), None)
    if own is not None:
        is_clip = kind == "video" and not isinstance(own, Clip)
        return read_clip(own) if is_clip else read_medium(own)
    given = next(waiting, None)
    if given is None:
        raise PromptError(
            f"Expected a picture for part {dict(part)} of turn {turn}, got none: "
            f"write it as {kind!r}: ..., or hand in more pictures."
        )
    return given
