"""Responses of servers: the answer's text, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seewhy.chats.files import unpacked
from seewhy.chats.streams import is_chunks, joined_chunks
from seewhy.chats.turns import is_blank, shown
from seewhy.core.errors import AnswerError

CUT_OFF = ("length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "max_new_tokens")
"""Names of the reason that an answer was cut off."""
TOOLS = ("tool_calls", "tool_use", "function_call", "MALFORMED_FUNCTION_CALL")


@dataclass(frozen=True)
class LoggedAnswer:
    """The answer in a response.

    Attributes:
        text: what was said, without thinking.
        reasoning: the thinking, where the response holds it apart from the text.
        is_cut_off: whether it ended at the limit of its length.
        log_probability: the mean over its tokens of what the server logged, in nats; None for none.
        notes: what a reader of the explanation must know.
    """

    text: str
    reasoning: str = ""
    is_cut_off: bool = False
    log_probability: float | None = None
    notes: tuple[str, ...] = ()


def read_answer(response: Any, choice: int | None = None) -> LoggedAnswer:
    """Read a response of OpenAI's two interfaces, vLLM, SGLang, Ollama, TGI, Anthropic or Gemini.

    Args:
        response: a JSON value, a list of streamed chunks, or the text itself.
        choice: which of several answers, from 0.

    Raises:
        AnswerError: if it holds no text, an error of the server, calls of tools, or several
            answers and no choice.

    Example:
        >>> read_answer({"choices": [{"message": {"content": "A cup."}}]}).text
        'A cup.'
    """
    if isinstance(response, LoggedAnswer):
        return response
    if isinstance(response, str):
        inner = unpacked(response) if '"choices"' in response else response
        if isinstance(inner, str):
            return LoggedAnswer(_worded(response))
        response = inner
    if isinstance(response, list) and is_chunks(response):
        response = joined_chunks(response)
    if isinstance(response, list):
        response = {"output": response} if _are_items(response) else {"choices": response}
    if not isinstance(response, Mapping):
        raise AnswerError(f"Expected a response, got {shown(response)}: give its JSON or text.")
    for name in ("body", "response", "data"):
        inner = unpacked(response.get(name))
        if isinstance(inner, Mapping | list) or (name == "response" and isinstance(inner, str)):
            return read_answer(inner, choice)
    if response.get("error"):
        raise AnswerError(
            f"Expected an answer, got an error of the server: {response['error']!s:.200}."
        )
    chosen, reason = _chosen(response, choice)
    return _answer(chosen, reason, response)


def _chosen(response: Mapping[str, Any], choice: int | None) -> tuple[Any, Any]:
    """One of the answers, and why it ended."""
    for name in ("choices", "outputs", "candidates"):
        if isinstance(items := response.get(name), list):
            return _one_of(items, choice), None
    for name in ("text", "generated_text"):
        if isinstance(items := response.get(name), list) and all(isinstance(i, str) for i in items):
            return _one_of(items, choice), None
    if choice not in (None, 0):
        raise AnswerError(f"Expected the number of an answer, got {choice} of one: give 0.")
    return response, None


def _one_of(items: Sequence[Any], choice: int | None) -> Any:
    if choice is None and len(items) == 1:
        return items[0]
    if choice is None or not 0 <= choice < len(items):
        got = "no choice" if choice is None else f"choice {choice}"
        raise AnswerError(
            f"Expected one of {len(items)} answers of the response, got {got}: choose one "
            f"from 0 to {len(items) - 1} (--choice N, choice=N)."
            if items
            else "Expected an answer, got a response with an empty list: give another one."
        )
    return items[choice]


def _answer(chosen: Any, reason: Any, response: Mapping[str, Any]) -> LoggedAnswer:
    if isinstance(chosen, str):
        return LoggedAnswer(_worded(chosen))
    if not isinstance(chosen, Mapping):
        raise AnswerError(f"Expected an answer, got {shown(chosen)}: give the response's JSON.")
    reason = _end_of(chosen) or _end_of(response)
    message = chosen.get("message", chosen.get("delta", chosen))
    if not isinstance(message, Mapping):
        raise AnswerError(f"Expected a message, got {shown(message)}: give the response's JSON.")
    if reason in TOOLS or not is_blank(message.get("tool_calls")):
        raise AnswerError("Expected an answer in words, got calls of tools: these have no text.")
    text, reasoning = _text_of(message)
    if not text.strip() and isinstance(message.get("refusal"), str):
        text = message["refusal"]
    if reasoning.strip() and not text.strip():
        raise AnswerError(
            "Expected an answer with words after its thinking, got thinking alone: the answer was "
            "cut off before it began."
        )
    notes = []
    if reason in CUT_OFF:
        notes.append(f"The answer was cut off at the server's limit of its length ({reason!r}).")
    elif reason not in (None, "stop", "end_turn", "STOP", "eos_token", "stop_sequence", "completed",
                        "eos", "stop_token", "FINISH_REASON_STOP"):  # fmt: skip
        notes.append(f"The server says that the answer ended by {str(reason)[:60]!r}.")
    probability = _mean_log_probability(chosen)
    return LoggedAnswer(_worded(text), reasoning, reason in CUT_OFF, probability, tuple(notes))


def _worded(text: str) -> str:
    if not text.strip():
        raise AnswerError(
            "Expected an answer with words in it, got a response without text: give another one, "
            "or let the model answer."
        )
    return text


def _end_of(item: Mapping[str, Any]) -> Any:
    """Why an answer ended, by any of the names for it."""
    names = ("finish_reason", "stop_reason", "finishReason", "done_reason")
    found = next((item[name] for name in names if not is_blank(item.get(name))), None)
    for name, inner in (("meta_info", "finish_reason"), ("details", "finish_reason"),
                        ("incomplete_details", "reason")):  # fmt: skip
        if found is None and isinstance(item.get(name), Mapping):
            found = item[name].get(inner)
    return found.get("type") if isinstance(found, Mapping) else found


def _text_of(message: Mapping[str, Any]) -> tuple[str, str]:
    """The text and the thinking of a message."""
    thought = next(
        (message[n] for n in ("reasoning_content", "reasoning", "thinking")
         if isinstance(message.get(n), str)), ""
    )  # fmt: skip
    if isinstance(message.get("output_text"), str):
        return message["output_text"], thought
    for name in ("content", "output", "text", "generated_text"):
        value = message.get(name)
        if isinstance(value, Mapping) and isinstance(value.get("parts"), list):
            value = value["parts"]
        if isinstance(value, str):
            return value, thought
        if isinstance(value, list):
            texts, thoughts = _of_parts(value)
            return texts, thought or thoughts
    return "", thought


def _of_parts(parts: Sequence[Any]) -> tuple[str, str]:
    """The text and the thinking of a list of parts, or of items with parts."""
    texts: list[str] = []
    thoughts: list[str] = []
    turns = [p for p in parts if isinstance(p, Mapping) and p.get("role") == "assistant"]
    for part in turns[-1:] if turns and all("role" in p for p in parts) else parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        if not isinstance(part, Mapping):
            continue
        kind = str(part.get("type", ""))
        if kind in (*TOOLS, "custom_tool_call", "computer_call"):
            raise AnswerError(
                "Expected an answer in words, got calls of tools: these have no text."
            )
        is_thought = kind in ("reasoning", "thinking") or part.get("thought") is True
        text, inner = _text_of(part)
        if is_thought:
            thoughts.append(text or inner)
        else:
            texts.append(text)
            thoughts.append(inner)
    return "".join(texts), "".join(thoughts)


def _are_items(items: Sequence[Any]) -> bool:
    """Whether a list holds items of OpenAI's responses, or parts of one answer."""
    return bool(items) and all(
        isinstance(one, Mapping) and ("type" in one or "role" in one) and "message" not in one
        for one in items
    )


def _mean_log_probability(chosen: Mapping[str, Any]) -> float | None:
    """The mean of the logged log-probabilities of the chosen tokens."""
    logged = chosen.get("logprobs")
    if not isinstance(logged, Mapping):
        return None
    content = logged.get("content")
    values = logged.get("token_logprobs")
    if isinstance(content, list):
        values = [one.get("logprob") for one in content if isinstance(one, Mapping)]
    numbers = [
        float(v)
        for v in values if isinstance(values, list) and isinstance(v, int | float) and v > -1e4
    ] if isinstance(values, list) else []  # fmt: skip
    return sum(numbers) / len(numbers) if numbers else None
