"""How much a chat may hold. Whoever wrote a log decides what is decoded, so there are limits."""

from __future__ import annotations

from typing import Any

from seewhy.core.errors import ImageError, PromptError

MAX_FILE = 256 << 20
"""Bytes of a chat's file."""
MAX_MEDIUM = 64 << 20
"""Bytes of one decoded picture or clip."""
MAX_MEDIA = 256
"""Pictures and clips of one chat, frames of clips not counted."""
MAX_FRAMES = 4096
"""Frames of one clip."""
MAX_TURNS = 4096
"""Turns of one chat, and parts of one turn."""
MAX_DEPTH = 100
"""Objects and lists inside each other."""


def expect_shallow(value: Any, name: str) -> None:
    """Raise `PromptError` if JSON holds more than `MAX_DEPTH` levels."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise too_deep(name)
        level = [inner for one in level for inner in _inner(one)]


def too_deep(name: str) -> PromptError:
    """The error for JSON with too many levels."""
    return PromptError(
        f"Expected at most {MAX_DEPTH} levels of lists and objects in {name}, got more: this is "
        "no chat."
    )


def expect_count(count: int, most: int, what: str) -> None:
    """Raise `PromptError` if there are more than `most` of something."""
    if count > most:
        raise PromptError(f"Expected at most {most:,} {what}, got {count:,}: give fewer.")


def expect_decoded_size(size: int) -> None:
    """Raise `ImageError` if a decoded picture would hold more than `MAX_MEDIUM` bytes."""
    if size > MAX_MEDIUM:
        raise ImageError(
            f"Expected at most {MAX_MEDIUM >> 20} MiB in one picture of a chat, got "
            f"{size >> 20} MiB: write it to a file, and give its path."
        )


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [one for one in value.values() if isinstance(one, dict | list)]
    return [one for one in value if isinstance(one, dict | list)] if isinstance(value, list) else []
