"""A chat as it lies in a file or a log, read for `Explainer.explain`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seewhy.chats.answers import LoggedAnswer, read_answer
from seewhy.chats.files import chosen_line, parsed, read_text
from seewhy.chats.limits import expect_shallow
from seewhy.chats.llava import MARKERS, count_markers
from seewhy.chats.media import Media, MediaReader, expect_all_used, read_media
from seewhy.chats.messages import filled
from seewhy.chats.requests import Request, is_request, read_request
from seewhy.chats.streams import is_chunks
from seewhy.chats.turns import Turn, shown
from seewhy.core.errors import ParameterError, PromptError
from seewhy.models.conversation import Message


@dataclass(frozen=True, eq=False)
class Chat:
    """A chat with its pictures, for `explain(messages=chat)`.

    Attributes:
        turns: in order; the last one may be the answer.
        answer: the answer of a response; None for none.
        template: variables of the chat template.
        processor_options: settings of the image processor that the request names, for all pictures.
        reasoning: the thinking before the answer, where it stands apart from the text.
        log_probability: the mean over the answer's tokens of what the server logged, in nats.
        model: the name of the model that was asked; empty if the chat has none.
        notes: what a reader of the explanation must know.
        warnings: what must be told first.
    """

    turns: tuple[Message, ...]
    answer: str | None = None
    template: Mapping[str, Any] = field(default_factory=dict)
    processor_options: Mapping[str, Any] = field(default_factory=dict)
    reasoning: str = ""
    log_probability: float | None = None
    model: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        answer = "no answer" if self.answer is None else shown(self.answer)
        return f"Chat({len(self.turns)} turns, {answer})"


def read_chat(
    request: Any,
    response: Any = None,
    *,
    images: Media | Sequence[Media] | None = None,
    folder: str | os.PathLike[str] | None = None,
    line: int | None = None,
    choice: int | None = None,
) -> dict[str, Any]:
    """Read a chat or a logged request, with its response, for `Explainer.explain`.

    Formats: chat completions and responses of OpenAI, requests to vLLM and SGLang, transformers'
    chats, qwen_vl_utils, LLaVA's training format and ShareGPT, and the parts of Anthropic and
    Gemini. Nothing is fetched from the network: `images` stand in the places of addresses.

    Args:
        request: a path of a JSON file or of a log with a request on each line; or its content as
            text, a list of turns, or a whole request.
        response: a path, or the content: what the server answered, whole or streamed; plain text
            is the answer itself. None lets the model answer, unless the request holds an answer.
        images: for the parts without a picture and for addresses in the network, in order.
        folder: where relative paths are looked for first; None takes that of the request's file.
        line: which request of a log, from 1.
        choice: which answer of the response, from 0.

    Returns:
        Arguments of `Explainer.explain`: `explainer.explain(**seewhy.read_chat("request.json"))`.

    Raises:
        PromptError: if the request is malformed, or sets what is not followed.
        AnswerError: if the response holds no text.
        ImageError, ClipError: if a picture cannot be read, or is too large.
        ParameterError: if there are more pictures than places.

    Example:
        >>> from PIL import Image
        >>> turns = [{"from": "human", "value": "<image>\\nWhat is it?"}]
        >>> read_chat({"conversations": turns}, "A cup.", images=Image.new("RGB", (8, 8)))
        {'messages': Chat(1 turns, 'A cup.')}
    """
    path = _path_of(request)
    values = _values(request, path, "a chat")
    where = "the chat" if path is None else str(path)
    if len(values) == 1 and _holds_requests(values[0]):
        values = values[0]
    value = chosen_line(values, line, where)
    if folder is None and path is not None:
        folder = path.parent
    answer = None if response is None else _response_of(value, response, len(values), line)
    base = None if folder is None else Path(folder).expanduser()
    return {"messages": chat_of(value, answer, images, base, choice)}


def read_response(response: Any, *, choice: int | None = None) -> LoggedAnswer:
    """A server's response from a file, for `explain(answer=...)`; arguments as for `read_chat`.

    Raises:
        PromptError: if the file cannot be read, or holds several responses.
        AnswerError: if the response holds no text, or several answers and no choice.
    """
    return read_answer(_response_of(None, response, 0, None), choice)


def chat_of(
    value: Any,
    response: Any = None,
    images: Media | Sequence[Media] | None = None,
    folder: Path | None = None,
    choice: int | None = None,
) -> Chat:
    """The chat of a JSON value; arguments as for `read_chat`."""
    if isinstance(value, Mapping | list):
        expect_shallow(value, "the chat")
    asked = read_request(value)
    if response is not None and asked.response is not None:
        raise ParameterError(
            "Expected the answer once, got a response and one in the request: leave one out."
        )
    response = asked.response if response is None else response
    said = None if response is None else read_answer(response, choice)
    reader = MediaReader([] if images is None else read_media(images), folder)
    turns, said = _with_start(asked, said)
    reasoning = _reasoning(turns, said)
    messages = filled(turns, reader)
    has_markers = not reader.used and count_markers(turns)
    expect_all_used(reader, MARKERS if has_markers else ())
    is_given = said is not None or (turns[-1:] != [] and turns[-1].role == "assistant")
    notes = [*asked.notes, *reader.notes, *asked.settings.notes(is_given=is_given)]
    warnings = said.notes if said and said.is_cut_off else ()
    return Chat(
        messages,
        None if said is None else said.text,
        asked.settings.template,
        asked.settings.processor,
        reasoning,
        None if said is None else said.log_probability,
        asked.settings.model,
        tuple(dict.fromkeys((*notes, *(said.notes if said and not said.is_cut_off else ())))),
        warnings,
    )


def _with_start(
    asked: Request, said: LoggedAnswer | None
) -> tuple[list[Turn], LoggedAnswer | None]:
    """The turns, and the answer with its beginning where the last turn is that."""
    turns = list(asked.turns)
    last = turns[-1] if turns else None
    continues = last is not None and (asked.settings.continues or last.is_start)
    if last is None or last.role != "assistant" or (said is None and not continues):
        if asked.settings.continues:
            raise PromptError(
                "Expected an assistant's last turn with continue_final_message, got none: leave "
                "the setting out."
            )
        return turns, said
    if said is None:
        raise PromptError(
            "Expected the response with an answer that continues the last turn, got none: give it, "
            "or leave the beginning of the answer out."
        )
    if not continues:
        raise ParameterError(
            "Expected the answer once, got a response and an assistant's last message: leave one "
            "of them out, or set continue_final_message if the message is the answer's beginning."
        )
    start = "".join(part for part in last.parts if isinstance(part, str))
    note = f"The first {len(start)} characters of the answer were given to the model."
    whole = LoggedAnswer(
        start + said.text, said.reasoning, said.is_cut_off, None, (*said.notes, note)
    )
    return turns[:-1], whole


def _reasoning(turns: Sequence[Turn], said: LoggedAnswer | None) -> str:
    """The thinking before the explained answer.

    Raises:
        PromptError: if an earlier turn has thinking of its own.
    """
    last = len(turns) - 1
    for number, turn in enumerate(turns):
        if turn.reasoning and (number != last or said is not None):
            raise PromptError(
                f"Expected earlier turns without thinking, got some in turn {number}: whether the "
                "model saw it depends on the server. Leave it out, or write it into the content in "
                "the model's own form."
            )
    if said is not None:
        return said.reasoning
    return turns[last].reasoning if turns else ""


def _path_of(source: Any) -> Path | None:
    """The path that a source is; None for JSON in a text, and for other content."""
    if isinstance(source, os.PathLike):
        return Path(os.fspath(source))
    is_path = isinstance(source, str) and source.lstrip()[:1] not in ("[", "{", "")
    return Path(source) if is_path and "\n" not in source.strip() else None


def _values(source: Any, path: Path | None, what: str) -> list[Any]:
    """The JSON values of a file, of a text, or the value itself."""
    if path is not None:
        return parsed(read_text(path, what), str(path))
    return parsed(source, "the text") if isinstance(source, str) else [source]


def _holds_requests(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_request, value))


def _response_of(request: Any, response: Any, count: int, line: int | None) -> Any:
    """The response to a request, from a path, a text or a value."""
    if not isinstance(response, str | os.PathLike):
        return response
    path = Path(os.fspath(response))
    named = isinstance(response, os.PathLike) or path.suffix in (".json", ".jsonl", ".txt", ".log")
    if named or _is_file(path):
        response = read_text(path, "a response")
    return _from_text(str(response), request, count, line)


def _is_file(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _from_text(text: str, request: Any, count: int, line: int | None) -> Any:
    if text.lstrip()[:1] not in ("{", "[") and not text.lstrip().startswith(("data:", "event:")):
        return text.rstrip("\n")
    try:
        values = parsed(text, "the response")
    except PromptError:
        # An answer may begin with a bracket: a box, or JSON that was cut off.
        if text.lstrip().startswith(("data:", "event:")) or '"choices"' in text:
            raise
        return text.rstrip("\n")
    if len(values) == 1:
        return values[0] if _is_response(values[0]) else text.rstrip("\n")
    if is_chunks(values):
        return values
    wanted = request.get("custom_id") if isinstance(request, Mapping) else None
    if wanted is not None:
        named = [v for v in values if isinstance(v, Mapping) and v.get("custom_id") == wanted]
        if len(named) == 1:
            return named[0]
    if line is not None and len(values) == count:
        return values[line - 1]
    raise PromptError(
        f"Expected one response, got {len(values)}: give the one to this request in a file of its "
        "own, or a log of responses with the same lines or the same custom_id as the requests."
    )


_RESPONSE = frozenset(
    ("choices", "output", "output_text", "outputs", "candidates", "generated_text", "error")
)
"""Fields that only responses have."""


def _is_response(value: Any) -> bool:
    """Whether JSON is a response, and not an answer that is JSON itself, such as a box."""
    if isinstance(value, list):
        return bool(value) and all(_is_response(one) or _is_chunk_like(one) for one in value)
    if not isinstance(value, Mapping):
        return False
    text, body = value.get("text"), value.get("body", value.get("response"))
    return bool(
        _RESPONSE & set(value)
        or isinstance(body, Mapping)
        or (isinstance(body, str) and {"done", "model", "status_code"} & set(value))
        or (isinstance(value.get("message"), Mapping) and "content" in value["message"])
        or (isinstance(value.get("content"), list) and {"stop_reason", "role"} & set(value))
        or (text is not None and ("meta_info" in value or set(value) == {"text"}))
    )


def _is_chunk_like(value: Any) -> bool:
    return isinstance(value, Mapping) and is_chunks([value])
