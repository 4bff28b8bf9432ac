"""The history of a sitting: each entry is an explanation, kept as the folder that it saves."""

from __future__ import annotations

import io
import json
import secrets
import shutil
import threading
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.app.errors import RequestError, not_found
from seewhy.app.media import encoded, image_type
from seewhy.core.errors import SchemaError

if TYPE_CHECKING:
    from seewhy.explanation import Explanation

SAVED, PAYLOAD, THUMBNAIL = "explanation", "payload.json", "thumbnail.jpg"
THUMBNAIL_SIDE = 320
TITLE_LENGTH = 80


@dataclass(frozen=True)
class Entry:
    """One explanation of a sitting's history.

    Attributes:
        id: cannot be guessed.
        created: ISO 8601 UTC time.
        model: the app's name of the model; of an imported one the name that was saved.
        method: the method's spec.
        prompt: what was asked, as the explanation shows it.
        answer: what the model said.
        title: the answer's beginning.
        parent: the entry that it was made from.
        change: what was changed of it, in words.
        warnings: what a reader must know first.
        can_ask: whether the model can be asked about it again.
        views: number of its pictures, and steps of clips.
        words: number of the answer's words.
        folder: with its files.
        asked: the prompt as it was given; None asks for a caption.
        media: ids of its pictures and clips.
        ids: of the answer's tokens.
        settings: of the explanation, which a later question keeps.
    """

    id: str
    created: str
    model: str
    method: str
    prompt: str
    answer: str
    title: str
    parent: str | None
    change: str | None
    warnings: tuple[str, ...]
    can_ask: bool
    views: int
    words: int
    folder: Path
    asked: str | None
    media: tuple[str, ...]
    ids: tuple[int, ...]
    settings: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """What the page is told."""
        shown = (
            *("id", "created", "model", "method", "prompt", "answer", "title", "parent"),
            *("change", "can_ask"),
        )
        return {
            **{name: getattr(self, name) for name in shown},
            "warnings": list(self.warnings),
            "thumbnail": f"/api/entries/{self.id}/thumbnail",
        }

    @property
    def saved(self) -> Path:
        """The folder that `Explanation.save` wrote."""
        return self.folder / SAVED

    def explanation(self) -> Explanation:
        """The explanation, read from its folder.

        Raises:
            RequestError: with 404 if the entry was removed meanwhile.
        """
        from seewhy.explanation import Explanation
        from seewhy.report.bundle import open_record

        try:
            return Explanation(open_record(self.saved))
        except SchemaError as error:
            if self.folder.is_dir():
                raise
            raise not_found("an entry") from error


@dataclass(frozen=True)
class Origin:
    """Where an explanation comes from: what `Entry` cannot read from it.

    Attributes:
        model, asked, media, settings, parent, change, can_ask: as `Entry`.
    """

    model: str
    asked: str | None = None
    media: tuple[str, ...] = ()
    settings: dict[str, Any] | None = None
    parent: str | None = None
    change: str | None = None
    can_ask: bool = True


class EntryStore:
    """The entries of one sitting, in order. Threads may share it.

    Args:
        folder: where they are kept; it is made.
        most: how many are kept.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most = folder, most
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def all(self) -> list[Entry]:
        """All entries, the oldest first."""
        with self._lock:
            return list(self._entries.values())

    def get(self, number: str) -> Entry:
        """An entry by its id.

        Raises:
            RequestError: with 404 if this sitting has none of this id.
        """
        with self._lock:
            found = self._entries.get(number)
        if found is None:
            raise not_found("an entry")
        return found

    def media(self) -> frozenset[str]:
        """Ids of the pictures and clips that entries need."""
        return frozenset(number for entry in self.all() for number in entry.media)

    def expect_room(self) -> None:
        """Raise `RequestError` if there are as many entries as a sitting may have."""
        if len(self.all()) >= self._most:
            raise RequestError(
                409,
                "full",
                f"Expected at most {self._most} entries in a sitting, got one more: remove some, "
                "or open the app anew.",
            )

    def add(self, explanation: Explanation, origin: Origin) -> Entry:
        """Keep an explanation as a new entry."""
        self.expect_room()
        number = secrets.token_urlsafe(12)
        entry = _entry(number, explanation, origin, self._folder / number)
        self._write(entry, explanation)
        return entry

    def update(self, number: str, explanation: Explanation) -> Entry:
        """Put another explanation of the same answer in place of an entry's.

        Raises:
            RequestError: with 404 if the entry was removed meanwhile.
        """
        old = self.get(number)
        origin = Origin(
            *(old.model, old.asked, old.media, old.settings, old.parent, old.change, old.can_ask)
        )
        folder = self._folder / f"{number}-{secrets.token_hex(4)}"
        entry = replace(_entry(number, explanation, origin, folder), created=old.created)
        self._write(entry, explanation)
        shutil.rmtree(old.folder, ignore_errors=True)
        return entry

    def remove(self, number: str) -> None:
        """Remove an entry and its files.

        Raises:
            RequestError: with 404 if this sitting has none of this id.
        """
        entry = self.get(number)
        with self._lock:
            self._entries.pop(number, None)
        shutil.rmtree(entry.folder, ignore_errors=True)

    def _write(self, entry: Entry, explanation: Explanation) -> None:
        try:
            write_entry(entry, explanation)
            with self._lock:
                self._entries[entry.id] = entry
        except BaseException:
            shutil.rmtree(entry.folder, ignore_errors=True)
            raise


def _entry(number: str, explanation: Explanation, origin: Origin, folder: Path) -> Entry:
    answer = " ".join(explanation.answer.split())
    short = answer if len(answer) <= TITLE_LENGTH else f"{answer[: TITLE_LENGTH - 1]}…"
    return Entry(
        id=number,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model=origin.model,
        method=explanation.method,
        prompt=explanation.prompt,
        answer=explanation.answer,
        title=short or "(no words)",
        parent=origin.parent,
        change=origin.change,
        warnings=explanation.warnings,
        can_ask=origin.can_ask,
        views=len(explanation.views),
        words=len(explanation),
        folder=folder,
        asked=origin.asked,
        media=origin.media,
        ids=tuple(token.id for token in explanation.record.tokens),
        settings=dict(origin.settings or {}),
    )


def write_entry(entry: Entry, explanation: Explanation) -> None:
    """Write an entry's files: the saved folder, the page's data, and its pictures."""
    from seewhy.core.display import DISPLAY
    from seewhy.report.payload import payload

    entry.folder.mkdir(parents=True)
    explanation.save(entry.saved)
    data = {**payload(explanation.record), "display": DISPLAY}
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    (entry.folder / PAYLOAD).write_text(text, "ascii")
    for view, picture in enumerate(explanation.images):
        content_type = image_type(picture.width * picture.height)
        (entry.folder / _view_file(view)).write_bytes(encoded(picture, content_type))
        if view == 0:
            picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
            picture.save(entry.folder / THUMBNAIL, "JPEG", quality=85)


def _view_file(view: int) -> str:
    return f"view-{view}"


def read_view(entry: Entry, view: int) -> tuple[str, bytes]:
    """Content type and content of one of an entry's pictures.

    Raises:
        RequestError: with 404 if it has no such picture.
    """
    if not 0 <= view < entry.views:
        raise not_found("a picture")
    content = read_file(entry, _view_file(view))
    return ("image/png" if content.startswith(b"\x89PNG") else "image/jpeg"), content


def read_file(entry: Entry, name: str) -> bytes:
    """The content of one of an entry's files.

    Raises:
        RequestError: with 404 if the entry was removed meanwhile.
    """
    try:
        return (entry.folder / name).read_bytes()
    except FileNotFoundError as error:
        raise not_found("an entry") from error


def zipped(entry: Entry) -> bytes:
    """The saved folder as a zip file, in a folder of its own; `seewhy.open` reads it unpacked.

    Raises:
        RequestError: with 404 if the entry was removed meanwhile.
    """
    buffer = io.BytesIO()
    try:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for file in sorted(p for p in entry.saved.rglob("*") if p.is_file()):
                archive.write(
                    file, f"seewhy-explanation/{file.relative_to(entry.saved).as_posix()}"
                )
    except FileNotFoundError as error:
        raise not_found("an entry") from error
    return buffer.getvalue()
