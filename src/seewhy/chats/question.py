"""What a model is asked: a conversation from pictures, clips, and a prompt or a chat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from seewhy.chats.answers import LoggedAnswer
from seewhy.chats.chat import Chat, chat_of
from seewhy.chats.media import Media, read_media
from seewhy.core.errors import ImageError, ParameterError
from seewhy.core.suggestions import give_index
from seewhy.models.conversation import Conversation, Message

PROMPT = "Write a one-sentence caption for this image:"
"""The default prompt: TAM's prompt for captions."""


@dataclass(frozen=True, eq=False)
class Question:
    """What a model is asked, and the answer if it is given.

    Attributes:
        conversation: all turns before the answer.
        answer: its text or ids; None lets the model answer.
        reasoning: the thinking before the answer, where it stands apart from the text.
        chat: the chat that it comes from, with its notes.
        start: text or ids that the answer begins with, before the model goes on; None for none.
    """

    conversation: Conversation
    answer: str | Sequence[int] | Tensor | None = None
    reasoning: str = ""
    chat: Chat = field(default_factory=lambda: Chat(()))
    start: str | Sequence[int] | Tensor | None = None


def read_question(
    image: Media | Sequence[Media] | None,
    prompt: str | None = None,
    *,
    messages: Sequence[Mapping[str, Any]] | Mapping[str, Any] | Chat | None = None,
    turn: int | None = None,
    template: Mapping[str, Any] | None = None,
    answer: str | Sequence[int] | Tensor | Mapping[str, Any] | None = None,
    answer_start: str | Sequence[int] | Tensor | None = None,
) -> Question:
    """Read the conversation; arguments as for `seewhy.Explainer.explain`.

    Raises:
        ImageError, ClipError: if there is no picture, or one cannot be read.
        PromptError: if the chat is malformed.
        AnswerError: if the response has no text.
        ParameterError: if arguments contradict each other.
    """
    question = _question(image, prompt, messages, turn, template, answer)
    if answer_start is None:
        return question
    if question.answer is not None:
        raise ParameterError(
            "Expected an answer or the start of one, got both: leave `answer_start` out to explain "
            "a whole answer, or the answer (the last turn of a chat) so that the model writes it."
        )
    return replace(question, start=answer_start)


def _question(
    image: Media | Sequence[Media] | None,
    prompt: str | None,
    messages: Any,
    turn: int | None,
    template: Mapping[str, Any] | None,
    answer: Any,
) -> Question:
    """The question, without the start of its answer."""
    options = dict(template or {})
    if messages is not None:
        if prompt is not None:
            raise ParameterError("Expected a prompt or messages, got both: leave one out.")
        chat = _chat(messages, image, answer)
        given = None if _is_response(answer) else answer
        return _question_of_chat(chat, turn, {**chat.template, **options}, given)
    if turn is not None:
        raise ParameterError(
            "Expected messages with `turn`, got none: give the conversation as `messages`, or "
            "leave `turn` out."
        )
    media = [] if image is None else read_media(image)
    if not media:
        raise ImageError("Expected a picture, got none: give `image`, or `messages` with one.")
    text = PROMPT if prompt is None else prompt
    conversation = Conversation((Message("user", (*media, text)),), options)
    if _is_response(answer):
        turns = [{"role": "user", "content": text}]
        said = chat_of(turns, answer)
        return Question(conversation, said.answer, said.reasoning, said)
    return Question(conversation, answer)  # type: ignore[arg-type]


def _chat(messages: Any, image: Any, answer: Any) -> Chat:
    """The chat with its pictures, and the answer if that is a response."""
    if not isinstance(messages, Chat):
        return chat_of(messages, answer if _is_response(answer) else None, image)
    if image is not None and not (isinstance(image, list | tuple) and not image):
        raise ParameterError(
            "Expected pictures once, got some beside a chat that was read: give them to read_chat, "
            "as `images`."
        )
    if _is_response(answer):
        raise ParameterError(
            "Expected a response for read_chat, got one beside a chat that was read: give it there."
        )
    return messages


def _is_response(answer: Any) -> bool:
    """Whether an answer is a server's response, not text or ids."""
    if isinstance(answer, list | tuple):
        return bool(answer) and isinstance(answer[0], Mapping)
    return isinstance(answer, Mapping | LoggedAnswer)


def _question_of_chat(
    chat: Chat, turn: int | None, options: dict[str, Any], answer: Any
) -> Question:
    """The question of a chat; its last or chosen turn is the answer if it is the assistant's."""
    turns = chat.turns
    last = len(turns) - 1 if turn is None else turn + len(turns) * (turn < 0)
    if not 0 <= last < len(turns):
        if not turns:  # raises that there is no turn
            return Question(Conversation(turns, options), answer)
        raise ParameterError(
            f"Expected the number of one of the {len(turns)} messages as `turn`, got {turn}: "
            f"{give_index(len(turns))}."
        )
    if turn is not None and chat.answer is not None:
        raise ParameterError(
            "Expected `turn` without a response, got both: the response is explained. Leave one "
            "out."
        )
    if turns[last].role != "assistant":
        if turn is not None:
            answers = [str(n) for n, message in enumerate(turns) if message.role == "assistant"]
            raise ParameterError(
                f"Expected the number of an assistant's message as `turn`, got {turn}, which is "
                f"the {turns[last].role}'s: give {' or '.join(answers) or 'none, there is none'}."
            )
        if chat.answer is not None and answer is not None:
            raise _two_answers("the response")
        said = answer if chat.answer is None else chat.answer
        return Question(Conversation(turns, options), said, chat.reasoning, chat)
    if answer is not None:
        raise _two_answers("the last message")
    texts = [part for part in turns[last].parts if isinstance(part, str)]
    reasoning = chat.reasoning if last == len(turns) - 1 else ""
    return Question(Conversation(turns[:last], options), "\n".join(texts), reasoning, chat)


def _two_answers(other: str) -> ParameterError:
    return ParameterError(
        f"Expected the answer once, got it as `answer` and as {other}: leave one of them out."
    )
