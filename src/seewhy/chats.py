"""Make a conversation from pictures, clips, and a prompt or a chat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from torch import Tensor

from seewhy.core.errors import ImageError, ParameterError, PromptError
from seewhy.core.suggestions import give_index
from seewhy.images import Clip, ImageSource, read_clip, read_image
from seewhy.models.conversation import Conversation, Message

if TYPE_CHECKING:
    from PIL.Image import Image

Media: TypeAlias = "ImageSource | Clip"
"""A picture in any form, or a clip."""

PROMPT = "Write a one-sentence caption for this image:"
"""The default prompt: TAM's prompt for captions."""


@dataclass(frozen=True, eq=False)
class Question:
    """What a model is asked, and the answer if it is given.

    Attributes:
        conversation: all turns before the answer.
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
    """Read the conversation; arguments as for `seewhy.Explainer.explain`.

    Raises:
        ImageError, ClipError: if there is no picture, or one cannot be read.
        PromptError: if the chat is malformed.
        ParameterError: if arguments contradict each other.
    """
    media = [] if image is None else read_media(image)
    options = dict(template or {})
    if messages is not None:
        if prompt is not None:
            raise ParameterError("Expected a prompt or messages, got both: leave one out.")
        return _question_of_chat(_placed_media(messages, media), turn, options, answer)
    if turn is not None:
        raise ParameterError(
            "Expected messages with `turn`, got none: give the conversation as `messages`, or "
            "leave `turn` out."
        )
    if not media:
        raise ImageError("Expected a picture, got none: give `image`, or `messages` with one.")
    text = PROMPT if prompt is None else prompt
    return Question(Conversation((Message("user", (*media, text)),), options), answer)


def _question_of_chat(
    turns: tuple[Message, ...],
    turn: int | None,
    options: dict[str, Any],
    answer: str | Sequence[int] | Tensor | None,
) -> Question:
    """The question of a chat; its last or chosen turn is the answer if it is the assistant's."""
    last = len(turns) - 1 if turn is None else turn + len(turns) * (turn < 0)
    if not 0 <= last < len(turns):
        raise ParameterError(
            f"Expected the number of one of the {len(turns)} messages as `turn`, got {turn}: "
            f"{give_index(len(turns))}."
        )
    if turns[last].role != "assistant":
        if turn is not None:
            answers = [str(n) for n, message in enumerate(turns) if message.role == "assistant"]
            raise ParameterError(
                f"Expected the number of an assistant's message as `turn`, got {turn}, which is "
                f"the {turns[last].role}'s: give {' or '.join(answers) or 'none, there is none'}."
            )
        return Question(Conversation(turns, options), answer)
    if answer is not None:
        raise ParameterError(
            "Expected the answer once, got it as `answer` and as the last message: leave one of "
            "them out."
        )
    texts = [part for part in turns[last].parts if isinstance(part, str)]
    return Question(Conversation(turns[:last], options), "\n".join(texts))


def read_messages(
    messages: Sequence[Mapping[str, Any]], media: Sequence[Image | Clip] = ()
) -> tuple[tuple[Message, ...], int]:
    """Read a chat as transformers' chat templates take it.

    Args:
        messages: turns with `role` and `content`.
        media: pictures and clips for the parts without one, in order.

    Returns:
        The turns, and how many of `media` were not used.

    Raises:
        PromptError: if a turn or a part is malformed, or a part has no picture.
    """
    rest, turns = iter(media), []
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
        parts = (_read_part(part, rest, number) for part in parts)
        turns.append(Message(str(message["role"]), tuple(part for part in parts if part != "")))
    return tuple(turns), len(list(rest))


def read_media(source: Media | Sequence[Media]) -> list[Image | Clip]:
    """One picture or clip, or a list of them; an array is one picture."""
    sources: Any = source if isinstance(source, list | tuple) else [source]
    return [read_medium(item) for item in sources]


def read_medium(source: Media) -> Image | Clip:
    """A picture in any form, or a clip as it is."""
    return source if isinstance(source, Clip) else read_image(source)


def _placed_media(
    messages: Sequence[Mapping[str, Any]], media: Sequence[Image | Clip]
) -> tuple[Message, ...]:
    """The turns with all pictures in their parts."""
    turns, rest = read_messages(messages, media)
    if rest:
        raise ParameterError(
            f"Expected {len(media) - rest} pictures, one for each image part of the messages, got "
            f"{len(media)}: add parts {{'type': 'image'}}, or give fewer pictures."
        )
    return turns


def _read_part(part: Any, media: Iterator[Image | Clip], turn: int) -> str | Image | Clip:
    """One part of a turn; if it has no picture, the next one of `media`."""
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
    source = next((part[name] for name in names if part.get(name) is not None), None)
    if source is not None:
        is_clip = kind == "video" and not isinstance(source, Clip)
        return read_clip(source) if is_clip else read_medium(source)
    medium = next(media, None)
    if medium is None:
        raise PromptError(
            f"Expected a picture for part {dict(part)} of turn {turn}, got none: "
            f"write it as {kind!r}: ..., or give more pictures."
        )
    return medium
