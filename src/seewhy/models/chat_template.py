"""Render a conversation with the chat template, find its words, insert the image tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from jinja2 import TemplateError

from seewhy.core.errors import ModelError, PromptError
from seewhy.images.clips import Clip
from seewhy.models.conversation import Conversation, Sized
from seewhy.models.family import Family, VisualInputs

#: Replaces a text while a template is rendered, to find where the text is put.
SENTINEL = "\ue000words{}\ue001"
_SENTINELS = re.compile("\ue000words([0-9]+)\ue001")

Span = tuple[int, int]
"""Start and end of some characters in a text; the end is exclusive."""


def render(family: Family, conversation: Conversation) -> tuple[str, list[Span]]:
    """Render a conversation with the checkpoint's chat template; find the span of each text part.

    Raises:
        PromptError: if the template changes the words (it may trim them) or raises an error.
    """
    texts = conversation.texts
    frame = rendered_by(family, conversation, [SENTINEL.format(n) for n in range(len(texts))])
    rendered = rendered_by(family, conversation, texts)
    spans = _text_spans(frame, rendered, texts)
    if spans is None:
        raise PromptError(
            f"Expected the words {[text[:60] for text in texts][:4]} as they are in the rendered "
            f"chat template, got {rendered[:300]!r}: this checkpoint's template changes or leaves "
            "out words of a turn, so they cannot be found; give its processor another "
            "`chat_template`."
        )
    return rendered, spans


def _text_spans(frame: str, rendered: str, texts: Sequence[str]) -> list[Span] | None:
    """The span of each text in a rendered template, or None if one is changed or missing.

    Args:
        frame: the template rendered with sentinels in place of the texts.
        rendered: the template rendered with the texts.
        texts: in order.
    """
    # The parts alternate: literal text of the template, number of a text.
    first, *pieces = _SENTINELS.split(frame)
    if not rendered.startswith(first):
        return None
    spans: dict[int, Span] = {}
    cursor = len(first)
    for number, literal in zip(map(int, pieces[::2]), pieces[1::2], strict=True):
        words = _text_at(rendered, cursor, texts[number], literal)
        if words is None or number in spans:
            return None
        spans[number] = (cursor, cursor + len(words))
        cursor += len(words) + len(literal)
    if cursor != len(rendered) or len(spans) != len(texts):
        return None
    return [spans[number] for number in range(len(texts))]


def _text_at(rendered: str, start: int, text: str, literal: str) -> str | None:
    """The text, as it is or trimmed, if it is found at `start` with the literal after it."""
    candidates = (text, text.strip(), text.lstrip(), text.rstrip())
    return next(
        (words for words in candidates if rendered.startswith(words + literal, start)), None
    )


def rendered_by(family: Family, conversation: Conversation, texts: Sequence[str]) -> str:
    """Render the turns, with their text parts replaced by `texts`.

    Raises:
        PromptError: if the template raises an error.
    """
    messages = _template_messages(conversation, texts)
    clips = any(isinstance(medium, Clip) for medium in conversation.media)
    template = family.template(clips)
    if template is None:
        return _render_plain(family, messages)
    try:
        return family.processor.tokenizer.apply_chat_template(
            messages,
            chat_template=template,
            add_generation_prompt=True,
            tokenize=False,
            **conversation.template,
        )
    except (TemplateError, TypeError) as error:  # a template for plain strings only
        roles = [message["role"] for message in messages]
        raise PromptError(
            f"Expected turns that this checkpoint's chat template accepts, got {roles}, for which "
            f"it fails ({error}): change their order or their roles."
        ) from error


def _template_messages(conversation: Conversation, texts: Sequence[str]) -> list[dict[str, Any]]:
    """The turns as chat templates take them, with their text parts replaced by `texts`."""
    following = iter(texts)

    def entry(part: Any) -> dict[str, str]:
        if isinstance(part, str):
            return {"type": "text", "text": next(following)}
        medium = part.medium if isinstance(part, Sized) else part
        return {"type": "video" if isinstance(medium, Clip) else "image"}

    return [
        {"role": turn.role, "content": [entry(part) for part in turn.parts]}
        for turn in conversation.turns
    ]


def _render_plain(family: Family, messages: Sequence[dict[str, Any]]) -> str:
    """The family's plain format, for a checkpoint without a chat template.

    Raises:
        PromptError: if there is more than one turn.
    """
    if len(messages) > 1:
        raise PromptError(
            "Expected one user's turn for a checkpoint without a chat template, got "
            f"{len(messages)} turns: give its processor a `chat_template`."
        )
    markers = {"image": family.default_marker, "video": family.clip_marker}
    content = messages[0]["content"]
    return family.plain_format.format(
        marker="".join(markers[part["type"]] for part in content if part["type"] != "text"),
        prompt="\n".join(part["text"] for part in content if part["type"] == "text"),
    )


def expand(
    family: Family, rendered: str, words: Sequence[Span], visuals: Sequence[VisualInputs]
) -> tuple[str, list[Span], list[Span]]:
    """Replace each marker with its picture's placeholder.

    Args:
        family: the model's adapter.
        rendered: the text with its markers.
        words: the span of each text part in it.
        visuals: the pictures and clips, in the order of the conversation. Templates may move them,
            but keep the order of pictures and that of clips.

    Returns:
        The expanded text, the spans of the text parts in it, and those of the placeholders.

    Raises:
        ModelError: if there are not as many markers as pictures, or as clips.
    """
    text, cursor = "", 0
    shifts: list[tuple[int, int]] = []  # (offset in `rendered`, shift of what follows it)
    placeholders: dict[int, Span] = {}
    for (begin, end), number in sorted(_markers(family, rendered, visuals)):
        text += rendered[cursor:begin]
        placeholders[number] = (len(text), len(text) + len(visuals[number].placeholder))
        text += visuals[number].placeholder
        shifts.append((end, len(text) - end))
        cursor = end

    def shifted(span: Span) -> Span:
        shift = next((shift for end, shift in reversed(shifts) if end <= span[0]), 0)
        return span[0] + shift, span[1] + shift

    return (
        text + rendered[cursor:],
        [shifted(span) for span in words],
        [placeholders[number] for number in range(len(visuals))],
    )


def _markers(
    family: Family, rendered: str, visuals: Sequence[VisualInputs]
) -> Iterator[tuple[Span, int]]:
    """The span of each marker, and the number of the picture or clip that replaces it.

    Raises:
        ModelError: if there are not as many markers as pictures, or as clips.
    """
    images = [number for number, visual in enumerate(visuals) if not visual.is_clip]
    clips = [number for number, visual in enumerate(visuals) if visual.is_clip]
    expected = [("images", family.default_marker, images), ("videos", family.clip_marker, clips)]
    if family.clip_marker == family.default_marker:
        expected = [("images", family.default_marker, list(range(len(visuals))))]
    for media, marker, numbers in expected:
        spans = [m.span() for m in re.finditer(re.escape(marker), rendered)] if marker else []
        if len(spans) != len(numbers):
            raise ModelError(
                f"Expected {len(numbers)} {marker!r} for the {media} in the rendered chat "
                f"template, got {len(spans)} in {rendered[:200]!r}: this checkpoint's template is "
                f"not one of {family.name}'s, give its processor another `chat_template`."
            )
        yield from zip(spans, numbers, strict=True)


def expect_plain(family: Family, text: str) -> None:
    """Raise `PromptError` for one of the model's special tokens, or half of a character."""
    if broken := lone_surrogate(text):
        raise PromptError(
            f"Expected a prompt of whole characters, got {broken!r}, half of one: remove it."
        )
    token = next(iter(special_tokens_in(family, text)), None)
    if token is not None:
        raise PromptError(
            f"Expected a prompt of plain words, got the model's special token {token!r} in it: "
            "remove it from the prompt; image tokens are added automatically."
        )


def lone_surrogate(text: str) -> str:
    """The first half of a character in a text, which no tokenizer takes; "" if there is none."""
    return next((letter for letter in text if "\ud800" <= letter <= "\udfff"), "")


def special_tokens_in(family: Family, text: str) -> list[str]:
    """The model's special tokens that `text` contains."""
    tokenizer = family.processor.tokenizer
    added = tokenizer.added_tokens_decoder.values()
    special = {*tokenizer.all_special_tokens, *(t.content for t in added if t.special)}
    ids = (family.image_token_id, family.clip_token_id)
    special |= {family.default_marker, family.clip_marker, *tokenizer.convert_ids_to_tokens(ids)}
    return [token for token in sorted(filter(None, special)) if token.strip() and token in text]


def tokenize(tokenizer: Any, text: str) -> Any:
    """Tokenise a rendered text: `input_ids`, `attention_mask` and offsets.

    All are int64 `[1, position]`; `offset_mapping` is `[1, position, 2]`.
    """
    return tokenizer(
        text,
        add_special_tokens=adds_special_tokens(tokenizer, text),
        return_offsets_mapping=True,
        return_tensors="pt",
    )


def adds_special_tokens(tokenizer: Any, text: str) -> bool:
    """Whether the tokenizer must add special tokens: not if the template wrote them already."""
    return not (tokenizer.bos_token is not None and text.startswith(tokenizer.bos_token))
