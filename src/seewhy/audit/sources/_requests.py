"""Lines of a log: pictures, prompt or chat, and answer, also of logged OpenAI-style requests.

Nothing is fetched from the network. Pictures in the text, as `data:` URIs or base64, are decoded up
to a size.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seewhy.audit.sources._fields import MALFORMED, shown
from seewhy.audit.sources._pictures import MISSING, NONE, Pictures
from seewhy.chats import encoded, read_answer
from seewhy.chats.media import Encoded, MediaReader, address_of
from seewhy.chats.requests import Request as ChatRequest
from seewhy.chats.requests import inner_request, own_media
from seewhy.chats.requests import read_request as read_chat_request
from seewhy.chats.turns import IMAGE, Place, Turn
from seewhy.core.errors import AnswerError, ImageError, InputError, PartError, PromptError
from seewhy.datasets._files import unusable

REMOTE = "a picture at an address in the network"
LARGE = "a picture that is too large"
CODED = "a picture that cannot be decoded"
TWICE = "two answers"
PART = "a part that is neither text nor picture"
NO_TEXT = "no text in the answer"
SETTING = "a setting that is not followed"


@dataclass(frozen=True)
class Request:
    """What one line of a log holds.

    Attributes:
        images: paths or bytes, in order.
        prompt: what was asked; None for a chat, or for none.
        messages: a chat, its pictures as parts `{"type": "image"}`; None for none.
        answer: None for none.
    """

    images: tuple[Path | bytes, ...]
    prompt: str | None
    messages: tuple[dict[str, Any], ...] | None
    answer: str | None


def read_request(line: Mapping[str, Any], pictures: Pictures) -> Request:
    """Read a line, in any of the formats of `seewhy.chats`.

    Args:
        line: with "image" or "images", "prompt" or "messages", "answer"; or a request with its
            "response", also inside "request" or "body".
        pictures: where file names are looked for.

    Raises:
        SampleError: with the reason why the line cannot be used.
    """
    body = inner_request(line)
    answer = _answer(line)
    if (prompt := _prompt(line, body)) is not None or not _has_turns(body):
        return Request(_found(_own_media(line, body), pictures), prompt, None, answer)
    asked = _asked(line)
    turns = list(asked.turns)
    last = None
    if turns and turns[-1].role == "assistant":
        last = "\n".join(part for part in turns.pop().parts if isinstance(part, str)) or None
    if last is not None and answer is not None:
        raise unusable(
            TWICE, "Expected one answer, got a response and an assistant's last message."
        )
    if not turns:
        raise unusable(MALFORMED, "Expected a user's message, got an assistant's only.")
    places = [part for turn in turns for part in turn.parts if isinstance(part, Place)]
    if any(place.source is None for place in places):
        raise unusable(MALFORMED, "Expected a picture for each part without one, got too few.")
    chat = tuple(map(_plain_turn, turns))
    return Request(_found(places, pictures), None, chat, last if answer is None else answer)


def _has_turns(body: Mapping[str, Any]) -> bool:
    names = ("messages", "contents", "conversations", "conversation")
    return any(name in body for name in names) or isinstance(body.get("input"), list)


def _prompt(line: Mapping[str, Any], body: Mapping[str, Any]) -> str | None:
    """The question of a line without turns; None for none."""
    prompt = next((line[n] for n in ("prompt", "question") if line.get(n) is not None), None)
    asked = body.get("messages", body.get("input"))
    if prompt is None and isinstance(asked, str):
        prompt = asked
    if prompt is None:
        return None
    if not isinstance(prompt, str) or not prompt.strip():
        raise unusable(MALFORMED, f'Expected text as "prompt", got {shown(prompt)}.')
    if _has_turns(body) and not isinstance(asked, str):
        raise unusable(MALFORMED, "Expected a prompt or messages, got both.")
    return prompt


def _asked(line: Mapping[str, Any]) -> ChatRequest:
    """The turns of a line, as an explanation reads them."""
    try:
        asked = read_chat_request(line)
    except PartError as error:
        raise unusable(PART, str(error)) from error
    except (PromptError, ImageError) as error:
        raise unusable(MALFORMED, str(error)) from error
    if others := {**asked.settings.template, **asked.settings.processor}:
        names = ", ".join(others)
        raise unusable(SETTING, f"Expected no settings of template or processor, got {names}.")
    return asked


def _own_media(line: Mapping[str, Any], body: Mapping[str, Any]) -> list[Place]:
    try:
        return own_media(line, body)
    except PartError as error:
        raise unusable(PART, str(error)) from error
    except PromptError as error:
        raise unusable(MALFORMED, str(error)) from error


def _plain_turn(turn: Turn) -> dict[str, Any]:
    """A turn whose pictures are elsewhere, in transformers' form."""
    return {
        "role": turn.role,
        "content": [
            {"type": "text", "text": part}
            if isinstance(part, str)
            else {"type": "image", **part.settings}
            for part in turn.parts
        ],
    }


def _found(places: list[Place], pictures: Pictures) -> tuple[Path | bytes, ...]:
    """The pictures of places, in order: paths, or decoded bytes."""
    if not places:
        raise unusable(NONE, "Expected a picture in the line, got none.")
    return tuple(_picture(place, pictures) for place in places)


def _picture(place: Place, pictures: Pictures) -> Path | bytes:
    source = place.source
    if place.kind != IMAGE:
        raise unusable(PART, "Expected parts of type text or image, got a clip.")
    if not isinstance(source, str | bytes | Encoded) or not source:
        raise unusable(
            MALFORMED, f"Expected a path or a data: URI as picture, got {shown(source)}."
        )
    if address := address_of(source):
        raise unusable(REMOTE, f"Expected a file, got {shown(address)}: nothing is fetched.")
    reader = MediaReader()
    if isinstance(source, str) and _is_no_path(source):
        raise unusable(MISSING, f"Expected the path of a picture, got {shown(source)}.")
    try:
        found = reader.locate(source)
    except ImageError as error:
        reason = LARGE if "MiB" in str(error) else CODED
        raise unusable(reason, str(error)) from error
    return found if isinstance(found, bytes) else pictures.find(os.fspath(found))


def _is_no_path(text: str) -> bool:
    """Whether a text is neither a path nor a picture in itself."""
    is_long = len(text) > encoded.LONGEST_PATH or "\0" in text
    return is_long and not (encoded.is_data_url(text) or encoded.looks_encoded(text))


def _answer(line: Mapping[str, Any]) -> str | None:
    """The answer of a line, or None."""
    given = line.get("answer")
    if given is None:
        given = line.get("response", line if {"choices", "output"} & set(line) else None)
    if given is None:
        return None
    try:
        said = read_answer(given, 0)  # only the first of several choices is read
    except (AnswerError, InputError) as error:
        raise unusable(NO_TEXT, str(error)) from error
    if said.reasoning:
        raise unusable(SETTING, "Expected an answer without thinking of its own, got some.")
    return said.text
