"""A log of your own, or of requests to an OpenAI-style interface, one line of JSON each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from seewhy.audit.source import BadRow, SourceRow
from seewhy.audit.sources._base import BaseSource
from seewhy.audit.sources._fields import MALFORMED, expect_object, mapped, shown
from seewhy.audit.sources._pictures import Pictures
from seewhy.audit.sources._requests import read_request
from seewhy.audit.sources._stream import Entry, entries, first_value
from seewhy.datasets._files import unusable

FIELDS = frozenset(
    ("image", "images", "messages", "request", "body", "input", "conversations", "contents")
)
"""A line of a log has one of these."""
FOREIGN = frozenset(("label", "segments", "groundings", "visual_input"))
"""Fields of other data sets."""


class Log(BaseSource):
    """The lines of a log, in their order. Nothing is known of the answers.

    The id is the line's "id" or "custom_id", or else its number.
    """

    name: ClassVar[str] = "log"
    summary: ClassVar[str] = "A log of requests: pictures, prompts or chats, and answers."
    layout: ClassVar[str] = (
        'a file of JSON Lines {"image" or "images", "prompt" or "messages", "answer", "id"}, or of '
        'logged requests {"request": {"messages"}, "response"}'
    )
    options: ClassVar[tuple[str, ...]] = ("images",)

    def _open(self) -> None:
        self._path = self._expect("*.jsonl", among=("",))[0]
        self._pictures = Pictures(self._root, self._options.get("images", ""))

    @classmethod
    def recognises(cls, place: Path) -> bool:
        """A file whose first line has a picture or messages."""
        value = first_value(place) if place.is_file() else None
        if not isinstance(value, dict) or set(value) == {"id", "image", "query"}:
            return False
        return bool(FIELDS & set(value)) and not FOREIGN & set(value)

    def _files(self) -> Sequence[Path]:
        return [self._path]

    def _rows(self) -> Iterator[SourceRow | BadRow]:
        seen: set[str] = set()

        def make(entry: Entry) -> SourceRow:
            line = expect_object(entry.value, "a line")
            id = _id(line, entry.number)
            if id in seen:
                raise unusable("the id is repeated", f"Expected a unique id, got {id!r} again.")
            request = read_request(line, self._pictures)
            seen.add(id)
            return SourceRow(id, request.images, request.prompt, request.messages, request.answer)

        yield from mapped(entries(self._path), make)


def _id(line: Any, number: int) -> str:
    id = next((line[name] for name in ("id", "custom_id") if line.get(name) is not None), None)
    if id is None:
        return f"line-{number}"
    if isinstance(id, bool) or not isinstance(id, str | int) or id == "":
        raise unusable(MALFORMED, f'Expected text or a number as "id", got {shown(id)}.')
    return str(id)
