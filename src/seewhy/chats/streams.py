"""Streamed responses: chunks of a log, joined to the response that they make together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seewhy.core.errors import AnswerError


def is_chunks(items: Sequence[Any]) -> bool:
    """Whether a list holds chunks of a streamed response."""
    return (
        bool(items)
        and all(isinstance(one, Mapping) for one in items)
        and any(map(_is_chunk, items))
    )


def joined_chunks(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The response that chunks make: a list of choices, or a final response that one holds.

    Raises:
        AnswerError: if a chunk tells an error.
    """
    texts: dict[int, list[str]] = {}
    thoughts: dict[int, list[str]] = {}
    ends: dict[int, Any] = {}
    logged: dict[int, list[Any]] = {}
    for chunk in chunks:
        if chunk.get("error"):
            raise AnswerError(
                f"Expected an answer, got an error of the server: {chunk['error']!s:.200}."
            )
        if isinstance(chunk.get("response"), Mapping) and chunk.get("type") in (
            *("response.completed", "response.incomplete"),
        ):
            return dict(chunk["response"])
        for number, text, thought, end, found in _pieces(chunk):
            texts.setdefault(number, []).append(text)
            thoughts.setdefault(number, []).append(thought)
            logged.setdefault(number, []).extend(found)
            if end is not None:
                ends[number] = end
    return {
        "choices": [
            {
                "message": {
                    "content": "".join(texts[number]),
                    "reasoning_content": "".join(thoughts[number]),
                },
                "finish_reason": ends.get(number),
                "logprobs": {"content": logged[number]} if logged[number] else None,
            }
            for number in sorted(texts)
        ]
    }


def _is_chunk(item: Mapping[str, Any]) -> bool:
    if item.get("object") in ("chat.completion.chunk", "text_completion.chunk"):
        return True
    if str(item.get("type", "")).startswith(("response.", "content_block_", "message_")):
        return True
    choices = item.get("choices")
    if isinstance(choices, list) and any(isinstance(c, Mapping) and "delta" in c for c in choices):
        return True
    return "done" in item and ("message" in item or "response" in item)


def _pieces(chunk: Mapping[str, Any]) -> list[tuple[int, str, str, Any, list[Any]]]:
    """Of each answer: its number, text, thinking, end and log-probabilities in a chunk."""
    choices = chunk.get("choices")
    if isinstance(choices, list):
        return [_of_choice(one) for one in choices if isinstance(one, Mapping)]
    delta = chunk.get("delta")
    kind = chunk.get("type")
    if kind == "response.output_text.delta" and isinstance(delta, str):
        return [(0, delta, "", None, [])]
    if kind in ("response.reasoning_text.delta", "response.reasoning.delta"):
        return [(0, "", str(delta or ""), None, [])]
    if isinstance(delta, Mapping):  # Anthropic
        return [(0, _text(delta, "text"), _text(delta, "thinking"), delta.get("stop_reason"), [])]
    if "done" in chunk:  # Ollama
        message = chunk.get("message")
        message = message if isinstance(message, Mapping) else {"content": chunk.get("response")}
        end = chunk.get("done_reason")
        return [(0, _text(message, "content"), _text(message, "thinking"), end, [])]
    return []


def _of_choice(choice: Mapping[str, Any]) -> tuple[int, str, str, Any, list[Any]]:
    delta = choice.get("delta")
    delta = delta if isinstance(delta, Mapping) else {"content": choice.get("text")}
    if delta.get("tool_calls"):
        raise AnswerError("Expected an answer in words, got calls of tools: these have no text.")
    logged = choice.get("logprobs")
    content = logged.get("content") if isinstance(logged, Mapping) else None
    number = choice.get("index")
    thought = _text(delta, "reasoning_content") or _text(delta, "reasoning")
    return (
        number if isinstance(number, int) else 0,
        _text(delta, "content"),
        thought,
        choice.get("finish_reason"),
        content if isinstance(content, list) else [],
    )


def _text(delta: Mapping[str, Any], name: str) -> str:
    value = delta.get(name)
    return value if isinstance(value, str) else ""
