"""Pictures and clips of a chat: found, decoded and read. Nothing is fetched from the network."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

from seewhy.chats.encoded import (
    LONGEST_PATH,
    decoded_base64,
    decoded_url,
    is_data_url,
    looks_encoded,
    media_type,
)
from seewhy.chats.limits import MAX_FRAMES, expect_count, expect_decoded_size
from seewhy.chats.turns import VIDEO, Place, shown
from seewhy.core.errors import ClipError, ImageError, ParameterError, PromptError
from seewhy.images import Clip, ImageSource, read_clip, read_image
from seewhy.models.conversation import Sized

if TYPE_CHECKING:
    from PIL.Image import Image

Media: TypeAlias = "ImageSource | Clip"
"""A picture in any form, or a clip."""

_SUFFIXES = {b"GIF8": ".gif", b"RIFF": ".webp", b"\x89PNG": ".png", b"II*\0": ".tif"}


@dataclass(frozen=True)
class Encoded:
    """Base64 that a chat names as such.

    Attributes:
        text: in base64, or a `data:` URL.
    """

    text: str


def read_media(source: Media | Sequence[Media]) -> list[Image | Clip]:
    """One picture or clip, or a list of them; an array is one picture."""
    sources: Any = source if isinstance(source, list | tuple) else [source]
    return [read_medium(item) for item in sources]


def read_medium(source: Media) -> Image | Clip:
    """A picture in any form, or a clip as it is."""
    return source if isinstance(source, Clip) else read_image(source)


@dataclass(eq=False)
class MediaReader:
    """Reads the places of a chat in order.

    Attributes:
        given: pictures and clips for the places without one, and for addresses in the network.
        folder: of the chat's file, where relative paths are looked for first.
        notes: what a reader of the explanation must know; grows while places are read.
        used: how many of `given` have a place so far.
    """

    given: Sequence[Any] = ()
    folder: Path | None = None
    notes: list[str] = field(default_factory=list)
    used: int = 0

    def read(self, place: Place, turn: int) -> Any:
        """The picture or clip of a place, with its settings if it has some.

        Raises:
            ImageError, ClipError: if it cannot be read.
            PromptError: if it is at an address or nowhere, and none is given for it.
        """
        medium = self._medium(place, turn)
        return Sized(medium, dict(place.settings)) if place.settings else medium

    def _medium(self, place: Place, turn: int) -> Any:
        source = place.source
        if source is None:
            return self._next(f"a {place.kind} part of turn {turn} without one", place)
        address = address_of(source)
        if address:
            medium = self._next(f"the address {shown(address)} in turn {turn}", place)
            self.notes.append(
                f"{address[:200]} was not fetched: the given picture {self.used} stands in its "
                "place."
            )
            return medium
        if place.kind == VIDEO and not isinstance(source, Clip):
            return self._clip(source, place.frames)
        source = self.locate(source)
        return source if isinstance(source, Clip) else read_image(source)

    def _next(self, what: str, place: Place) -> Any:
        if self.used >= len(self.given):
            raise PromptError(
                f"Expected a picture for part {self.used + 1} of those without one, got none for "
                f"{what}: write it as {place.kind!r}: ..., or give pictures beside the chat, which "
                "take these places in order. Nothing is fetched from the network."
            )
        self.used += 1
        return self.given[self.used - 1]

    def locate(self, source: Any) -> Any:
        """What `read_image` takes: a path, bytes, or the object itself.

        Raises:
            ImageError: if it cannot be decoded, is too large, or is a file of another host.
        """
        if isinstance(source, Encoded):
            text = source.text
            return decoded_url(text) if is_data_url(text) else decoded_base64(text)
        if isinstance(source, bytes | bytearray | memoryview):
            expect_decoded_size(len(source))
            return bytes(source)
        if isinstance(source, os.PathLike):
            return self._path(os.fspath(source))
        if not isinstance(source, str):
            return source
        text = source.strip()
        if not text:
            raise ImageError("Expected a picture in the chat, got an empty text: give its path.")
        if is_data_url(text):
            return decoded_url(text)
        if text[:5].lower() == "file:":
            return self._path_of_address(text)
        if looks_encoded(text) and not _is_there(Path(text)):
            return decoded_base64(text)
        if len(text) > LONGEST_PATH:
            raise ImageError(
                f"Expected a path, a data: URL or base64 of a picture, got a text of "
                f"{len(text):,} characters that is none of them: {text[:40]!r}..."
            )
        return self._path(text)

    def _path(self, text: str) -> str:
        """A path; a relative one in the chat's folder if it is there."""
        path = Path(text).expanduser() if text.startswith("~") else Path(text)
        if self.folder is not None and not path.is_absolute():
            beside = self.folder / path
            # Where there is none in either folder, the error names the chat's.
            if _is_there(beside) or not _is_there(path):
                return str(beside)
        return str(path)

    def _path_of_address(self, text: str) -> str:
        """The path of a `file:` address."""
        rest = text[5:]
        if rest.startswith("//"):
            host, slash, path = rest[2:].partition("/")
            rest = "/" + path if slash and host.lower() in ("", "localhost") else rest[2:]
            # Many writers put "file://" before a relative path.
            if not rest.startswith("/") and not _is_there(Path(self._path(unquote(rest)))):
                raise ImageError(
                    f"Expected a file of this machine, got {shown(text)}, which names the host "
                    f"{host!r}: write file:///path, or a path relative to the chat's file."
                )
        # An unescaped name is taken as it is: it may hold a percent sign of its own.
        plain = self._path(rest)
        return plain if _is_there(Path(plain)) else self._path(unquote(rest))

    def _clip(self, source: Any, frames: Mapping[str, Any]) -> Clip:
        if isinstance(source, str | Encoded):
            text = (source.text if isinstance(source, Encoded) else source).strip()
            if is_data_url(text) and media_type(text) == "video/jpeg" and "," in text[5:]:
                # vLLM's form of a clip: JPEG frames with commas between them.
                coded = text.partition(",")[2].split(",")
                return self._sampled([decoded_base64(one) for one in coded], frames)
        if isinstance(source, list | tuple):
            expect_count(len(source), MAX_FRAMES, "frames in a clip")
            return self._sampled([self._frame(one) for one in source], frames)
        found = self.locate(source)
        if isinstance(found, bytes):
            return _encoded_clip(found, frames)
        if isinstance(found, str):
            return _sampled_file(found, frames)
        return self._sampled(found, frames)

    def _frame(self, frame: Any) -> Any:
        if isinstance(frame, Mapping):
            frame = next((frame[n] for n in ("url", "path", "image") if frame.get(n)), frame)
        if address := address_of(frame):
            raise ClipError(
                f"Expected frames in files, got the address {shown(address)}: download it, "
                "nothing is fetched from the network."
            )
        return self.locate(frame)

    def _sampled(self, pictures: Any, frames: Mapping[str, Any]) -> Clip:
        """Frames that were sampled already: all of them are kept."""
        rate = _number(frames, "sample_fps", "fps")
        if rate is None:
            self.notes.append(
                "The chat does not say when a clip's frames were taken: one a second."
            )
        count = _number(frames, "nframes", "num_frames")
        if count is not None and hasattr(pictures, "__len__") and len(pictures) != count:
            raise ClipError(
                f"Expected {count:g} frames, as the chat says, got {len(pictures)}: give the "
                "frames that the model saw, and leave the number out."
            )
        return read_clip(pictures, fps=rate, max_frames=None)


def address_of(source: Any) -> str:
    """The address in the network that a source is; empty if it is none.

    Example:
        >>> address_of("https://example.com/a.png"), address_of("a.png"), address_of("data:,a")
        ('https://example.com/a.png', '', '')
    """
    if not isinstance(source, str):
        return ""
    text = source[:4096].strip()
    scheme, colon, rest = text.partition(":")
    if colon and rest.startswith("//") and scheme.lower() not in ("file", "data"):
        return text if scheme.replace("+", "").replace("-", "").isalnum() else ""
    return text if text.startswith("//") or scheme.lower() in ("blob", "cid", "attachment") else ""


def expect_all_used(reader: MediaReader, markers: Iterable[str] = ()) -> None:
    """Raise `ParameterError` if some of the given pictures have no place."""
    if rest := len(reader.given) - reader.used:
        hint = "".join(f" {marker!r} in a text is no place: write parts." for marker in markers)
        raise ParameterError(
            f"Expected {len(reader.given) - rest} pictures, one for each image part of the "
            f"messages, got {len(reader.given)}: add parts {{'type': 'image'}}, or give fewer "
            f"pictures.{hint}"
        )


def _number(frames: Mapping[str, Any], *names: str) -> float | None:
    value = next((frames[name] for name in names if frames.get(name) is not None), None)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ClipError(
            f"Expected {names[-1]} as a number above 0, got {shown(value)}: correct it."
        )
    return float(value)


def _sampled_file(path: str, frames: Mapping[str, Any]) -> Clip:
    """A clip from a file, of as many frames as the chat says."""
    count = _number(frames, "nframes", "num_frames")
    if count is not None:
        return read_clip(path, max_frames=round(count))
    if rate := _number(frames, "fps"):
        raise ClipError(
            f"Expected the number of frames (nframes) of {path!r}, got fps = {rate:g} alone: "
            "readers of videos round it in different ways, so which frames the model saw is not "
            "known. Write nframes, or give the frames as a list."
        )
    return read_clip(path)


def _encoded_clip(data: bytes, frames: Mapping[str, Any]) -> Clip:
    """A clip from its bytes, through a file that is removed again."""
    expect_decoded_size(len(data))
    suffix = next((s for start, s in _SUFFIXES.items() if data.startswith(start)), ".mp4")
    with tempfile.TemporaryDirectory(prefix="seewhy-clip-") as folder:
        path = Path(folder) / f"clip{suffix}"
        path.write_bytes(data)
        return _sampled_file(str(path), frames)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with a null byte
        return False
