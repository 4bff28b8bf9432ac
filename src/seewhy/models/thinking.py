"""An answer whose thinking a log holds apart: joined again as the model's template writes it."""

from __future__ import annotations

from typing import Any

from jinja2 import TemplateError

from seewhy.core.errors import AnswerError
from seewhy.images.clips import Clip
from seewhy.models.chat_template import SENTINEL, rendered_by, template_messages
from seewhy.models.conversation import Conversation
from seewhy.models.family import Family


def joined_answer(family: Family, conversation: Conversation, reasoning: str, answer: str) -> str:
    """Thinking and answer as the model writes them: what follows the rendered prompt.

    The checkpoint's own template renders both as an assistant's turn. What it renders after the
    prompt, without what it adds at the end, is the answer with its thinking.

    Args:
        family: the model's adapter.
        conversation: all that comes before the answer.
        reasoning: the thinking.
        answer: the text after it.

    Raises:
        AnswerError: if the template has no place for thinking, or renders it in a way that does not
            continue the prompt.
    """
    prompt = rendered_by(family, conversation, conversation.texts)
    whole = _rendered_with(family, conversation, reasoning, answer)
    marks = SENTINEL.format("-thinking"), SENTINEL.format("-answer")
    frame = _rendered_with(family, conversation, *marks)
    if marks[0] not in frame or marks[1] not in frame:
        raise AnswerError(
            "Expected a template that has a place for thinking (reasoning_content), got one "
            "without: write the thinking into the answer in the model's own form, or leave it out."
        )
    end = frame[frame.index(marks[1]) + len(marks[1]) :]
    if not whole.startswith(prompt) or not whole.endswith(end):
        raise AnswerError(
            "Expected thinking that continues the prompt, got a template that renders them in "
            "another way: write the thinking into the answer in the model's own form."
        )
    return whole[len(prompt) : len(whole) - len(end)]


def _rendered_with(family: Family, conversation: Conversation, reasoning: str, answer: str) -> str:
    """The conversation with an assistant's turn of thinking and answer, by the template."""
    clips = any(isinstance(medium, Clip) for medium in conversation.media)
    template = family.template(clips)
    if template is None:
        return ""
    messages: list[Any] = template_messages(conversation, conversation.texts)
    turn = {"role": "assistant", "content": answer, "reasoning_content": reasoning}
    settings = {"add_generation_prompt": False, "tokenize": False, **conversation.template}
    try:
        return family.processor.tokenizer.apply_chat_template(
            [*messages, turn], chat_template=template, **settings
        )
    except (TemplateError, TypeError):  # a template for parts only
        turn["content"] = [{"type": "text", "text": answer}]  # type: ignore[assignment]
        return family.processor.tokenizer.apply_chat_template(
            [*messages, turn], chat_template=template, **settings
        )
