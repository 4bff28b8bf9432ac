"""Parts of a turn's content, in the forms of OpenAI, transformers, Qwen, Anthropic and Gemini."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image

from seewhy.chats.limits import MAX_TURNS, expect_count
from seewhy.chats.media import Encoded
from seewhy.chats.turns import IMAGE, VIDEO, Place, is_blank, shown
from seewhy.core.errors import PartError, PromptError
from seewhy.images import Clip

TEXTS = ("text", "input_text", "output_text")
KINDS = {
    **dict.fromkeys(("image", "image_url", "input_image", "image_pil"), IMAGE),
    **dict.fromkeys(("video", "video_url", "input_video"), VIDEO),
}
SOURCES = (
    *("image", "image_url", "image_pil", "video", "video_url"),
    *("url", "path", "base64", "data", "source", "bytes"),
)
"""Names of what a picture is, in a part or in the object inside it."""

SETTINGS = (
    *("max_pixels", "min_pixels", "resized_height", "resized_width", "total_pixels"),
    *("detail", "size", "do_resize", "resample", "do_center_crop", "crop_size", "do_pad"),
    *("do_image_splitting", "max_image_size", "crop_to_patches", "min_patches", "max_patches"),
    *("do_pan_and_scan", "max_soft_tokens", "patch_size", "merge_size"),
)
"""Settings of a picture, which the model's side obeys or refuses."""
FRAMES = ("fps", "nframes", "num_frames", "sample_fps")
"""Which frames of a clip were taken."""
HARMLESS = (
    *("type", "cache_control", "id", "uuid", "name", "filename", "file_name", "title", "alt"),
    *("index", "annotations", "media_type", "mime_type", "mimeType", "format", "text", "status"),
)
"""Fields of a part that change nothing of what the model sees."""

_ARRAYS = Image.Image | Clip | np.ndarray | torch.Tensor | bytes | bytearray | os.PathLike


def read_parts(content: Any, turn: int) -> list[str | Place]:
    """The parts of a turn's content.

    Args:
        content: text, one part, or a list of parts.
        turn: its number, for errors.

    Raises:
        PromptError: if a part is malformed, or neither text nor picture nor clip.
    """
    if isinstance(content, str | Mapping | _ARRAYS):
        content = [content]
    if not isinstance(content, list | tuple):
        raise PromptError(
            f"Expected the content of turn {turn} as text or a list of parts, got "
            f"{type(content).__name__}: write {{'role': ..., 'content': '...'}}."
        )
    expect_count(len(content), MAX_TURNS, f"parts in turn {turn}")
    parts = [read_part(part, turn) for part in content]
    return [part for part in parts if part != ""]


def read_part(part: Any, turn: int) -> str | Place:
    """One part: its text, or the place of a picture or clip.

    Raises:
        PromptError: as `read_parts`.

    Example:
        >>> read_part({"type": "input_text", "text": "What?"}, 0)
        'What?'
        >>> read_part({"image": "a.png", "max_pixels": 1000}, 0).settings
        {'max_pixels': 1000}
    """
    if isinstance(part, str):
        return part
    if isinstance(part, _ARRAYS):
        return Place(VIDEO if isinstance(part, Clip) else IMAGE, part)
    if not isinstance(part, Mapping):
        raise _unknown(part, turn)
    if inline := part.get("inline_data", part.get("inlineData")):
        return _inline(inline, part, turn)
    if remote := part.get("file_data", part.get("fileData")):
        address = (
            remote.get("file_uri", remote.get("fileUri")) if isinstance(remote, Mapping) else 0
        )
        return _place(IMAGE, {"url": address}, turn)
    kind = part.get("type")
    if kind is None:
        kind = next((name for name in ("image", "image_url", "video", "video_url", "text")
                     if part.get(name) is not None), None)  # fmt: skip
    if kind in TEXTS:
        return _text(part, turn)
    if kind == "refusal" and isinstance(part.get("refusal"), str):
        return part["refusal"]
    if kind not in KINDS:
        raise _unknown(part, turn)
    return _place(KINDS[kind], part, turn)


def _text(part: Mapping[str, Any], turn: int) -> str:
    text = part.get("text")
    if isinstance(text, Mapping):  # OpenAI's threads
        text = text.get("value")
    if not isinstance(text, str):
        raise PromptError(
            f"Expected a part with text in turn {turn}, got {shown(dict(part))}: write "
            "{'type': 'text', 'text': '...'}."
        )
    return text


def _inline(inline: Any, part: Mapping[str, Any], turn: int) -> Place:
    """Gemini's form of a picture."""
    data = inline.get("data") if isinstance(inline, Mapping) else None
    if not isinstance(data, str | bytes):
        raise _unknown(part, turn)
    kind = str(inline.get("mime_type", inline.get("mimeType", ""))).partition("/")[0]
    if kind not in ("image", "video", ""):
        raise _unknown(part, turn)
    source = data if isinstance(data, bytes) else Encoded(data)
    return Place(VIDEO if kind == "video" else IMAGE, source)


def _place(kind: str, part: Mapping[str, Any], turn: int) -> Place:
    settings: dict[str, Any] = {}
    frames: dict[str, Any] = {}
    source = _source(part, turn, settings, frames)
    if frames and kind == IMAGE:
        raise PromptError(
            f"Expected settings of a picture in turn {turn}, got {', '.join(frames)}, which are of "
            "clips: leave them out."
        )
    return Place(kind, source, settings, frames)


def _source(
    part: Mapping[str, Any], turn: int, settings: dict[str, Any], frames: dict[str, Any]
) -> Any:
    """What a part says of its picture; its settings are collected."""
    found = [(name, part[name]) for name in SOURCES if not _is_nothing(part.get(name))]
    if found and found[-1][0] == "bytes":  # the `datasets` package names the file's path beside it
        found = found[-1:]
    if len(found) > 1:
        raise PromptError(
            f"Expected one picture in a part of turn {turn}, got "
            f"{' and '.join(name for name, _ in found)}: make it two parts."
        )
    if part.get("file_id"):
        raise PromptError(
            f"Expected a picture in turn {turn}, got the id of a file on a server: give the "
            "picture itself."
        )
    for name, value in part.items():
        if name in SOURCES or name in HARMLESS or name == "file_id" or value is None:
            continue
        if name in FRAMES:
            frames[name] = value
        elif name == "detail" and value == "auto":
            continue
        elif name in SETTINGS:
            settings[name] = value
        else:
            raise PromptError(
                f"Expected settings of a picture that are known here (such as max_pixels), got "
                f"{name!r} in turn {turn}: if it changed what the model saw, the explanation "
                "would be of another input; else leave it out."
            )
    if not found:
        return None
    name, value = found[0]
    if isinstance(value, Mapping):
        return _source(value, turn, settings, frames)
    return Encoded(value) if name in ("base64", "data") and isinstance(value, str) else value


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str | Mapping) and is_blank(value))


def _unknown(part: Any, turn: int) -> PartError:
    name = part.get("type") if isinstance(part, Mapping) else None
    what = f"a part of type {name!r}" if isinstance(name, str) else shown(part)
    return PartError(
        f"Expected parts of type 'text', 'image' or 'video', or their like in the formats of "
        f"OpenAI, Anthropic and Gemini, got {what} in turn {turn}: leave it out if the answer does "
        "not need it."
    )
