"""What one client may ask of the app at most."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from seewhy.core.errors import ParameterError

MIB = 1 << 20

SHOWN = (
    *("picture_bytes", "import_bytes", "pixels", "pictures", "prompt_characters"),
    *("answer_characters", "answer_tokens", "comparisons"),
)
"""The limits that the page is told, so that it can refuse a file before it is sent."""


@dataclass(frozen=True)
class Limits:
    """Limits of requests, of sittings and of the queue. All are at least 1.

    Attributes:
        picture_bytes: of one uploaded picture or clip.
        import_bytes: of an uploaded zip of a saved explanation.
        json_bytes: of every other body.
        received_bytes, received_bytes_each: of the bodies that are being received at once, of all
            sittings together and of one.
        pixels: of one picture, and of the frames of one clip that are kept together.
        pictures: of one question.
        kept_pictures: that a sitting holds beside those of its entries; the oldest goes.
        prompt_characters, answer_characters: of a prompt, and of a given answer.
        answer_tokens: that the model writes.
        comparisons: methods, models, pictures or entries side by side.
        entries: of a sitting.
        sitting_bytes: that a sitting's files take on the disk.
        sittings: at once.
        sitting_seconds: without a request after which a sitting ends.
        queue, queue_each: jobs that wait, of all sittings together and of one.
        listener_seconds: without a listener after which a job is cancelled.
        requests, requests_second: of one sitting in a burst, and every second after it.
        uploads, uploads_second: likewise, of pictures and imports.
        body_seconds: in which a body must arrive.
    """

    picture_bytes: int = 32 * MIB
    import_bytes: int = 128 * MIB
    json_bytes: int = 4 * MIB
    received_bytes: int = 512 * MIB
    received_bytes_each: int = 160 * MIB
    pixels: int = 50_000_000
    pictures: int = 8
    kept_pictures: int = 64
    prompt_characters: int = 8_000
    answer_characters: int = 20_000
    answer_tokens: int = 1_024
    comparisons: int = 4
    entries: int = 200
    sitting_bytes: int = 4_096 * MIB
    sittings: int = 64
    sitting_seconds: float = 4 * 3600
    queue: int = 32
    queue_each: int = 4
    listener_seconds: float = 8
    requests: int = 240
    requests_second: float = 40
    uploads: int = 24
    uploads_second: float = 2
    body_seconds: float = 60

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise ParameterError(
                    f"Expected the limit {field.name} as a number above 0, got {value!r}."
                )

    def shown(self) -> dict[str, Any]:
        """The limits that the page is told, JSON-ready."""
        values = asdict(self)
        return {name: values[name] for name in SHOWN}
