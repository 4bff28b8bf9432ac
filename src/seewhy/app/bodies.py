"""Receiving bodies: never more than allowed, never slowly for long, never too many at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from seewhy.app.errors import RequestError, busy, too_large
from seewhy.app.limits import Limits
from seewhy.app.routes import Route

SLOWEST = 32 * 1024
"""Bytes a second that a large body must come with, beyond the first seconds."""

LINGER_BYTES, LINGER_SECONDS = 64 << 20, 15
"""What is read and thrown away after a body was refused, so that the client hears of it."""


class Received:
    """The bytes of all bodies that are being received; only the server's one thread uses it.

    Args:
        most: bytes of all sittings together.
        most_each: of one.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self._most, self._most_each = most, most_each
        self._held: Counter[str] = Counter()

    @contextmanager
    def held(self, sitting: str) -> Iterator[Callable[[int], None]]:
        """Count what one body takes, until the block ends: call the function with its bytes."""
        size = 0

        def take(more: int) -> None:
            nonlocal size
            if (
                self._held[sitting] + more > self._most_each
                or self._held.total() + more > self._most
            ):
                raise busy("Too many files are being sent at once: try again in a moment.", 5)
            self._held[sitting] += more
            size += more

        try:
            yield take
        finally:
            self._held[sitting] -= size
            if not self._held[sitting]:
                del self._held[sitting]


def limit_of(route: Route, limits: Limits) -> tuple[str, int]:
    """What a route's body is called, and how many bytes it may have."""
    return {
        "none": ("a body", limits.json_bytes),
        "json": ("a body", limits.json_bytes),
        "picture": ("a picture", limits.picture_bytes),
        "import": ("a zip", limits.import_bytes),
    }[route.body]


async def read_body(
    receive: Any,
    length: str | None,
    what: str,
    most: int,
    limits: Limits,
    take: Callable[[int], None],
) -> bytes:
    """Receive a body.

    Args:
        receive: of ASGI.
        length: the Content-Length header.
        what: the body is called in errors.
        most: bytes.
        limits: of time.
        take: counts the bytes; from `Received.held`.

    Raises:
        RequestError: with 413 if it is larger, before all is read; with 408 if it comes too slowly,
            with 429 if all bodies together are too large.
    """
    stated = int(length[:20]) if length and length.isascii() and length.isdigit() else most
    if stated > most:
        raise too_large(what, most, stated)
    clock = asyncio.get_running_loop().time
    end = clock() + limits.body_seconds + (stated / SLOWEST if stated > SLOWEST else 0)
    chunks = bytearray()
    while True:
        try:
            # However large a body is, something must come now and then.
            async with asyncio.timeout_at(min(end, clock() + limits.body_seconds)):
                message = await receive()
        except TimeoutError as error:
            raise RequestError(
                408, "slow", "The body came too slowly: try again on a better connection."
            ) from error
        if message["type"] == "http.disconnect":
            raise RequestError(400, "disconnected", "The client went away.")
        chunk = message.get("body", b"")
        if len(chunks) + len(chunk) > most:
            raise too_large(what, most)
        take(len(chunk))
        chunks += chunk
        if not message.get("more_body", False):
            return bytes(chunks)


async def linger(receive: Any) -> None:
    """Read on for a moment and throw it away: a client that still sends would not hear the answer.

    Closing at once resets the connection, and the answer is lost on the way.
    """
    left = LINGER_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while left > 0:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))
