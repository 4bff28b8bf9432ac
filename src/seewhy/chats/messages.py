"""Turns with a role and a content: transformers, Qwen, OpenAI, vLLM, SGLang, Anthropic, Gemini."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seewhy.chats import llava
from seewhy.chats.limits import MAX_MEDIA, MAX_TURNS, expect_count
from seewhy.chats.media import MediaReader
from seewhy.chats.parts import read_parts
from seewhy.chats.turns import IMAGE, VIDEO, Place, Turn, is_blank, role_of, shown
from seewhy.core.errors import PromptError
from seewhy.models.conversation import Message

KNOWN = frozenset(
    (
        *("role", "content", "parts", "type", "id", "status", "name", "weight", "loss_weight"),
        *("timestamp", "created", "created_at", "metadata", "model", "annotations", "refusal"),
        *("image", "images", "video", "videos", "logprobs", "phase", "usage", "stop_reason"),
        *("tool_calls", "tool_call_id", "function_call", "audio", "prefix", "partial"),
        *("reasoning", "reasoning_content", "thinking", "provider_specific_fields"),
        *("stop_sequence", "object", "token_ids", "prefill", "loss", "train", "trainable"),
    )
)
"""Fields of a turn that are read, refused, or change nothing."""
REASONING = ("reasoning_content", "reasoning", "thinking")
_TOOLS = ("tool_calls", "function_call", "tool_call_id")


def read_turns(messages: Any) -> tuple[list[Turn], list[str]]:
    """The turns of a chat in any of the formats, and notes on what was not used.

    Raises:
        PromptError: if a turn or a part is malformed or not supported.
    """
    if not isinstance(messages, list | tuple):
        raise PromptError(
            f"Expected the messages as a list of turns, got {shown(messages)}: write "
            "[{'role': 'user', 'content': '...'}]."
        )
    expect_count(len(messages), MAX_TURNS, "turns")
    turns: list[Turn] = []
    unused: set[str] = set()
    for number, message in enumerate(messages):
        if isinstance(message, Mapping) and {"from", "value"} <= set(message):
            turns.append(llava.read_turn(message, number))
            unused |= set(map(str, message)) - llava.KNOWN
            continue
        turns.append(_turn(message, number))
        unused |= set(map(str, message)) - KNOWN
    count = sum(isinstance(part, Place) for turn in turns for part in turn.parts)
    expect_count(count, MAX_MEDIA, "pictures and clips in a chat")
    notes = [] if not unused else [f"Fields of turns that were not used: {_listed(unused)}."]
    return turns, notes


def read_messages(
    messages: Sequence[Mapping[str, Any]], media: Sequence[Any] = ()
) -> tuple[tuple[Message, ...], int]:
    """Read a chat with its pictures.

    Args:
        messages: turns in any of the formats.
        media: pictures and clips for the parts without one, in order.

    Returns:
        The turns, and how many of `media` were not used.

    Raises:
        PromptError: if a turn or a part is malformed, or a part has no picture.
    """
    reader = MediaReader(list(media))
    turns, _ = read_turns(messages)
    return filled(turns, reader), len(reader.given) - reader.used


def filled(turns: Sequence[Turn], reader: MediaReader) -> tuple[Message, ...]:
    """The turns with their pictures.

    Raises:
        ImageError, ClipError, PromptError: as `MediaReader.read`.
    """
    return tuple(
        Message(
            turn.role,
            tuple(
                reader.read(part, number) if isinstance(part, Place) else part
                for part in turn.parts
            ),
        )
        for number, turn in enumerate(turns)
    )


def _turn(message: Any, number: int) -> Turn:
    named = isinstance(message, Mapping) and "role" in message
    if not named or not {"content", "parts"} & set(message):
        raise PromptError(
            f"Expected turns with a role and a content, got {shown(message)} as turn {number}: "
            "write {'role': 'user', 'content': '...'}."
        )
    if (kind := message.get("type")) not in (None, "message"):
        raise PromptError(
            f"Expected items of type 'message', got {kind!r} as item {number}: leave it out if the "
            "answer does not need it."
        )
    role = role_of(message["role"], number)
    for name in (*_TOOLS, "audio"):
        if not is_blank(message.get(name)):
            raise PromptError(
                f"Expected turns of words and pictures, got {name!r} in turn {number}: calls of "
                "tools and sound are not supported."
            )
    content = message.get("content", message.get("parts"))
    if content is None and isinstance(message.get("refusal"), str):
        content = message["refusal"]
    if content is None:
        raise PromptError(
            f"Expected the content of turn {number} as text or a list of parts, got null: leave "
            "the turn out, or write what was said."
        )
    reasoning, content = _reasoning(message, content)
    parts = [*_own_media(message), *read_parts(content, number)]
    is_start = any(message.get(name) is True for name in ("prefix", "partial", "prefill"))
    return Turn(role, tuple(parts), reasoning, is_start)


def _reasoning(message: Mapping[str, Any], content: Any) -> tuple[str, Any]:
    """An assistant's thinking, from a field of the turn or from parts of type `thinking`."""
    found = [message[name] for name in REASONING if isinstance(message.get(name), str)]
    if isinstance(content, list | tuple):
        thoughts = [part for part in content if _is_thought(part)]
        found += [str(part.get("thinking") or part.get("text") or "") for part in thoughts]
        content = [part for part in content if not _is_thought(part)]
    return next((text for text in found if text.strip()), ""), content


def _is_thought(part: Any) -> bool:
    return isinstance(part, Mapping) and (
        part.get("type") in ("thinking", "reasoning") or part.get("thought") is True
    )


def _own_media(message: Mapping[str, Any]) -> Iterator[Place]:
    """Pictures beside the content of a turn, as Ollama has them."""
    for name, kind in (("image", IMAGE), ("images", IMAGE), ("video", VIDEO), ("videos", VIDEO)):
        found = message.get(name)
        for one in found if isinstance(found, list | tuple) else [found]:
            if not is_blank(one) if isinstance(one, str | Mapping) else one is not None:
                yield Place(kind, one)


def _listed(names: set[str]) -> str:
    ordered = sorted(name[:40] for name in names)
    return ", ".join(ordered[:12]) + (", ..." if len(ordered) > 12 else "")
