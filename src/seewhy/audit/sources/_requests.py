"""Lines of a log: pictures, prompt or chat, and answer, also of logged OpenAI-style requests.

Nothing is fetched from the network. Pictures in the text, as `data:` URIs or base64, are decoded up
to a size.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from seewhy.audit.sources._fields import MALFORMED, expect_object, shown
from seewhy.audit.sources._pictures import MISSING, NONE, Pictures
from seewhy.chats import read_messages
from seewhy.core.errors import PromptError
from seewhy.datasets._files import unusable

MAX_PICTURE = 64 << 20
"""Bytes of a decoded picture."""
REMOTE = "a picture at an address in the network"
LARGE = "a picture that is too large"
CODED = "a picture that cannot be decoded"
TWICE = "two answers"

_BASE64_STARTS = ("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR", "Qk0", "SUkqA", "TU0AK")
"""How base64 of PNG, JPEG, GIF, WebP, BMP and TIFF begins."""
_IMAGE_PARTS = ("image", "image_url", "input_image")
_TEXT_PARTS = ("text", "input_text", "output_text")


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
    """Read a line.

    Args:
        line: with "image" or "images", "prompt" or "messages", "answer"; or a request with its
            "response", also inside "request" or "body".
        pictures: where file names are looked for.

    Raises:
        SampleError: with the reason why the line cannot be used.
    """
    body = _inner(line)
    images = [_picture(item, pictures) for item in _own_images(line)]
    messages = body.get("messages", body.get("input"))
    answer = _answer(line)
    prompt = line.get("prompt", line.get("question"))
    if isinstance(messages, str) and prompt is None:
        prompt, messages = messages, None
    if prompt is not None and (not isinstance(prompt, str) or not prompt.strip()):
        raise unusable(MALFORMED, f'Expected text as "prompt", got {shown(prompt)}.')
    if messages is None:
        return Request(_some(images), prompt, None, answer)
    if prompt is not None:
        raise unusable(MALFORMED, "Expected a prompt or messages, got both.")
    chat, found, last = _chat(messages, pictures, len(images))
    if last is not None and answer is not None:
        raise unusable(
            TWICE, "Expected one answer, got a response and an assistant's last message."
        )
    return Request(_some([*images, *found]), None, chat, last if answer is None else answer)


def _inner(line: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request: the line itself, or what is inside it."""
    for name in ("request", "body"):
        inner = line.get(name)
        if isinstance(inner, Mapping):
            return _inner(inner)
    return line


def _own_images(line: Mapping[str, Any]) -> Sequence[Any]:
    one, several = line.get("image"), line.get("images")
    if one is not None and several is not None:
        raise unusable(MALFORMED, 'Expected "image" or "images", got both.')
    if several is not None and not isinstance(several, list):
        raise unusable(MALFORMED, f'Expected a list as "images", got {shown(several)}.')
    return several if several is not None else [] if one is None else [one]


def _some(images: Sequence[Path | bytes]) -> tuple[Path | bytes, ...]:
    if not images:
        raise unusable(NONE, "Expected a picture in the line, got none.")
    return tuple(images)


def _chat(
    messages: Any, pictures: Pictures, waiting: int
) -> tuple[tuple[dict[str, Any], ...], list[Path | bytes], str | None]:
    """The chat without its last answer, its pictures, and that answer."""
    if not isinstance(messages, list) or not messages:
        raise unusable(MALFORMED, f'Expected a list as "messages", got {shown(messages)}.')
    found: list[Path | bytes] = []
    chat, places = [], 0
    for message in messages:
        turn = expect_object(message, "a message")
        content = turn.get("content")
        parts = content if isinstance(content, list) else [content]
        plain = []
        for part in parts:
            read = _part(part, pictures)
            if isinstance(read, dict):
                plain.append(read)
                places += read["type"] == "image"
                continue
            found.append(read)
            plain.append({"type": "image"})
        chat.append({"role": str(turn.get("role")), "content": plain})
    # A line's own pictures belong to the parts without one; without such parts, to the first turn.
    if waiting and not places:
        first = next((turn for turn in chat if turn["role"] == "user"), chat[0])
        first["content"] = [{"type": "image"}] * waiting + first["content"]
        places = waiting
    if waiting != places:
        raise unusable(
            MALFORMED, f"Expected a picture for each of {places} empty parts, got {waiting}."
        )
    if waiting and found:
        raise unusable(MALFORMED, "Expected all pictures in the messages or beside them, got both.")
    _check(chat, waiting + len(found))
    last = None
    if chat[-1]["role"] == "assistant":
        texts = [part["text"] for part in chat.pop()["content"] if part["type"] == "text"]
        last = "\n".join(texts) or None
    if not chat:
        raise unusable(MALFORMED, "Expected a user's message, got an assistant's only.")
    return tuple(chat), found, last


def _check(chat: Sequence[Mapping[str, Any]], images: int) -> None:
    """Let `seewhy.chats` read the chat, as an explanation will, with stand-ins for pictures."""
    try:
        stand_ins: list[Any] = [object()] * images
        read_messages(chat, stand_ins)
    except PromptError as error:
        raise unusable(MALFORMED, str(error)) from error


def _part(part: Any, pictures: Pictures) -> dict[str, Any] | Path | bytes:
    """A part of text, a part for a picture that is elsewhere, or a picture."""
    if isinstance(part, str):
        return {"type": "text", "text": part}
    value = expect_object(part, "a part of a message's content")
    kind = value.get("type")
    if kind in _TEXT_PARTS and isinstance(value.get("text"), str):
        return {"type": "text", "text": value["text"]}
    if kind not in _IMAGE_PARTS:
        raise unusable(
            "a part that is neither text nor picture",
            f"Expected parts of type text or image_url, got {shown(part)}.",
        )
    names = ("image_url", "image", "url", "path")
    source = next((value[name] for name in names if value.get(name) is not None), None)
    if isinstance(source, Mapping):
        source = source.get("url", source.get("path"))
    return {"type": "image"} if source is None else _picture(source, pictures)


def _picture(source: Any, pictures: Pictures) -> Path | bytes:
    """A picture's path, or its decoded bytes."""
    if isinstance(source, Mapping):
        source = source.get("url", source.get("path", source.get("data")))
    if not isinstance(source, str) or not source.strip():
        raise unusable(
            MALFORMED, f"Expected a path or a data: URI as picture, got {shown(source)}."
        )
    text = source.strip()
    scheme = text[:8].lower()
    if scheme.startswith("data:"):
        return _data_uri(text)
    if scheme.startswith("file://"):
        name = unquote_to_bytes(text[len("file://") :].removeprefix("localhost"))
        return _file(name.decode("utf-8", "replace"), pictures)
    if "://" in text[:12]:
        raise unusable(REMOTE, f"Expected a file, got {shown(text)}: nothing is fetched.")
    if text.startswith(_BASE64_STARTS) and len(text) > 64:
        return _decoded(text)
    return _file(text, pictures)


def _file(name: str, pictures: Pictures) -> Path:
    path = Path.home() / name[2:] if name.startswith("~/") else Path(name)
    if len(name) > 4096 or "\0" in name:
        raise unusable(MISSING, f"Expected the path of a picture, got {shown(name)}.")
    return pictures.find(str(path))


def _data_uri(text: str) -> bytes:
    head, comma, data = text.partition(",")
    if not comma or len(head) > 200:
        raise unusable(CODED, f"Expected data:image/png;base64,..., got {shown(text)}.")
    if head.lower().endswith(";base64"):
        return _decoded(data)
    _expect_size(len(data))
    return unquote_to_bytes(data)


def _decoded(text: str) -> bytes:
    _expect_size(len(text) * 3 // 4)
    try:
        # Line breaks and the alphabet for addresses occur in logs.
        plain = "".join(unquote_to_bytes(text).decode("ascii").split())
        plain = plain.replace("-", "+").replace("_", "/")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise unusable(CODED, f"Expected base64, got {shown(text[:60])}: {error}.") from error


def _expect_size(size: int) -> None:
    if size > MAX_PICTURE:
        raise unusable(
            LARGE, f"Expected at most {MAX_PICTURE >> 20} MiB in a line, got {size >> 20} MiB."
        )


def _answer(line: Mapping[str, Any]) -> str | None:
    """The answer of a line, or None."""
    given = line.get("answer")
    if given is None:
        given = line.get("response", line if {"choices", "output"} & set(line) else None)
    if given is None:
        return None
    text = given if isinstance(given, str) else _of_response(given)
    if not isinstance(text, str) or not text.strip():
        raise unusable("no text in the answer", f"Expected an answer's text, got {shown(given)}.")
    return text


def _of_response(response: Any) -> Any:
    """The text of a response of the chat completions or of the responses interface."""
    value = expect_object(response, '"response"')
    if isinstance(value.get("body"), Mapping):
        return _of_response(value["body"])
    if isinstance(value.get("output_text"), str):
        return value["output_text"]
    for name in ("choices", "output"):
        items = value.get(name)
        for item in items if isinstance(items, list) else ():
            if not isinstance(item, Mapping):
                continue
            content = item.get("message", item)
            text = _text(content.get("content") if isinstance(content, Mapping) else None)
            if text:
                return text
    return None


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))
