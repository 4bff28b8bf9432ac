"""The pictures and clips of a sitting: decoded once, kept as pixels, and encoded anew for the page.

What a client sent is never sent back and never named after what the client called it.
"""

from __future__ import annotations

import io
import secrets
import stat
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.app.errors import not_found

if TYPE_CHECKING:
    from PIL.Image import Image

    from seewhy.images import Clip

PNG_PIXELS = 1_500_000
"""Pictures with more pixels are shown as JPEG, which is much smaller and quicker to write."""

NAME_LENGTH = 120


@dataclass(frozen=True)
class StoredMedium:
    """A picture or clip in a sitting's folder.

    Attributes:
        id: cannot be guessed.
        kind: `"picture"` or `"clip"`.
        name: what it is called on the page; it is text only, never a path.
        width, height: in pixels, upright.
        file: uint8 `[frame, height, width, 3]`, as numpy saves it.
        seconds: of a clip's frames.
        notes: what a reader must know.
    """

    id: str
    kind: str
    name: str
    width: int
    height: int
    file: Path
    seconds: tuple[float, ...]
    notes: tuple[str, ...]

    @property
    def url(self) -> str:
        """Its address."""
        return f"/api/pictures/{self.id}"

    def to_json(self) -> dict[str, Any]:
        """What the page is told."""
        shown = ("id", "kind", "name", "width", "height", "url")
        return {name: getattr(self, name) for name in shown}

    def read(self) -> Image | Clip:
        """The picture, or the clip."""
        import numpy as np
        from PIL.Image import fromarray

        from seewhy.images import Clip, with_note

        frames = np.load(self.file, allow_pickle=False)
        if self.kind == "clip":
            return Clip(tuple(map(fromarray, frames)), self.seconds, self.notes)
        picture = fromarray(frames[0])
        for note in self.notes:
            picture = with_note(picture, note)
        return picture

    def first_frame(self) -> Image:
        """The picture, or the clip's first frame."""
        import numpy as np
        from PIL.Image import fromarray

        return fromarray(np.array(np.load(self.file, mmap_mode="r", allow_pickle=False)[0]))


class MediaStore:
    """The pictures and clips of one sitting. Threads may share it.

    Args:
        folder: where they are kept; it is made.
        most: how many are kept that no entry needs.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most = folder, most
        self._lock = threading.Lock()
        self._media: dict[str, StoredMedium] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, medium: Image | Clip, name: str, needed: Collection[str]) -> StoredMedium:
        """Keep a picture or clip.

        Args:
            medium: upright and in RGB.
            name: what it is called on the page.
            needed: ids that entries need; of the others the oldest go where there are too many.
        """
        import numpy as np

        from seewhy.images import Clip, notes_of

        is_clip = isinstance(medium, Clip)
        frames = medium.frames if is_clip else (medium,)
        number = secrets.token_urlsafe(12)
        file = self._folder / f"{number}.npy"
        np.save(file, np.stack([np.asarray(frame) for frame in frames]), allow_pickle=False)
        stored = StoredMedium(
            id=number,
            kind="clip" if is_clip else "picture",
            name=label(name),
            width=frames[0].width,
            height=frames[0].height,
            file=file,
            seconds=medium.seconds if is_clip else (),
            notes=medium.notes if is_clip else notes_of(medium),
        )
        with self._lock:
            self._media[number] = stored
        self.keep_few(needed)
        return stored

    def get(self, number: str) -> StoredMedium:
        """A medium by its id.

        Raises:
            RequestError: with 404 if this sitting has none of this id.
        """
        with self._lock:
            found = self._media.get(number)
        if found is None:
            raise not_found("a picture")
        return found

    def keep_few(self, needed: Collection[str]) -> None:
        """Remove the oldest of those that no entry needs, where there are too many."""
        with self._lock:
            free = [number for number in self._media if number not in needed]
            removed = [self._media.pop(number) for number in free[: -self._most]]
        for medium in removed:
            medium.file.unlink(missing_ok=True)
            _encoded_file(medium).unlink(missing_ok=True)

    def encoded(self, medium: StoredMedium) -> tuple[str, bytes]:
        """Content type and content for the page; written once."""
        content_type = image_type(medium.width * medium.height)
        file = _encoded_file(medium)
        if not file.exists():
            content = encoded(medium.first_frame(), content_type)
            part = file.with_suffix(f".{secrets.token_hex(4)}")
            part.write_bytes(content)
            part.replace(file)
        return content_type, file.read_bytes()


def _encoded_file(medium: StoredMedium) -> Path:
    return medium.file.with_suffix(".shown")


def image_type(pixels: int) -> str:
    """The content type in which a picture of so many pixels is shown."""
    return "image/png" if pixels <= PNG_PIXELS else "image/jpeg"


def encoded(picture: Image, content_type: str) -> bytes:
    """A picture as PNG or JPEG, without metadata."""
    buffer = io.BytesIO()
    if content_type == "image/png":
        picture.save(buffer, "PNG", compress_level=3)
    else:
        picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def label(name: str) -> str:
    r"""A client's name for a file as a short text: its last part, without control characters.

    Example:
        >>> label("../../etc/passwd"), label("C:\\x\\cat\x00.png"), label(" \n")
        ('passwd', 'cat.png', 'picture')
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(character for character in last if character.isprintable())
    return shown.strip()[:NAME_LENGTH] or "picture"


def total_bytes(files: Iterable[Path]) -> int:
    """Bytes of files; of those that go meanwhile, none."""
    total = 0
    for file in files:
        try:
            found = file.lstat()
        except OSError:
            continue
        total += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return total
