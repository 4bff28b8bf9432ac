"""uvicorn's protocol, with the time limits that it has not: for headers, and for taking answers.

It is imported once `seewhy.app.http` has found what `seewhy[app]` brings.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


def timed_protocol(header_seconds: float, take_seconds: float) -> type[H11Protocol]:
    """A protocol that ends connections of clients that neither ask nor listen.

    Args:
        header_seconds: in which whole headers must arrive, from the connection's beginning or from
            the end of the last answer.
        take_seconds: in which a client must take what was sent.
    """

    class TimedProtocol(H11Protocol):
        """One connection."""

        _to_ask: Any = None
        _to_take: Any = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._expect_headers()

        def connection_lost(self, exc: Exception | None) -> None:
            _cancel(self._to_ask)
            _cancel(self._to_take)
            super().connection_lost(exc)

        def handle_events(self) -> None:
            before = self.cycle
            super().handle_events()
            if self.cycle is not before:
                _cancel(self._to_ask)

        def on_response_complete(self) -> None:
            self._expect_headers()
            super().on_response_complete()

        def pause_writing(self) -> None:
            super().pause_writing()
            _cancel(self._to_take)
            self._to_take = self.loop.call_later(take_seconds, self.transport.abort)

        def resume_writing(self) -> None:
            _cancel(self._to_take)
            super().resume_writing()

        def _expect_headers(self) -> None:
            _cancel(self._to_ask)
            self._to_ask = self.loop.call_later(header_seconds, self.transport.close)

    return TimedProtocol


def _cancel(timer: Any) -> None:
    if timer is not None:
        timer.cancel()
