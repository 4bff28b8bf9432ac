"""The app's page in a cell: its requests come as messages of a widget, and so do the answers.

Requests are answered in a thread of their own and jobs run in the service's, so that the kernel
stays free for the notebook's other cells.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from seewhy.app.events import LAST, Event
from seewhy.app.replies import Reply, error_reply

if TYPE_CHECKING:
    from seewhy.app.service import Service
    from seewhy.app.sitting import Sitting

LISTEN_SECONDS = 0.5
"""How often a listener looks whether it is still needed."""

PACKED = ("application/json", "text/")
"""Content types that become much smaller when they are packed."""


class AppCell:
    """One sitting of the app, behind the messages of one widget.

    A message holds `ask` and an `id`, which its answers repeat:

    - `request`, with `method` and `path`; a body comes as binary buffers, in `parts` if it is long.
      The answer holds `status`, `content_type` and `packed` (with gzip), and the body as a buffer.
    - `follow`, with a `job`: each event of the job is an answer. `unfollow` ends it.
    - `start`: the answer holds the pictures and the prompt that are there at first.
    - `bye`: the view is gone; what it followed ends.

    Args:
        widget: sends messages: `send(content, buffers)`.
        service: answers requests.
        sitting: of the service.
        start: `pictures` and `prompt`.
    """

    def __init__(
        self, widget: Any, service: Service, sitting: Sitting, start: Mapping[str, Any]
    ) -> None:
        self._widget, self.service, self.sitting, self._start = widget, service, sitting, start
        self._parts: dict[str, list[bytes | None]] = {}
        self._follows: dict[str, tuple[str, threading.Event]] = {}
        self._requests = ThreadPoolExecutor(1, "seewhy-cell")
        self._lock = threading.Lock()
        self.is_closed = False

    def receive(self, _: Any, content: Any, buffers: Sequence[Any]) -> None:
        """Take a message of a view."""
        if not isinstance(content, Mapping) or self.is_closed:
            return
        number, view = str(content.get("id", "")), str(content.get("view", ""))
        match content.get("ask"):
            case "start":
                self._widget.send({"id": number, **self._start})
            case "request":
                body = self._body(number, content, buffers)
                if body is not None:
                    self._requests.submit(self._answer, number, content, body)
            case "follow":
                self._follow(number, view, str(content.get("job", "")))
            case "unfollow":
                self._unfollow(lambda follow, _: follow == number)
            case "bye":
                self._unfollow(lambda _, own: own == view)

    def close(self) -> None:
        """End the sitting, its jobs and its files."""
        with self._lock:
            if self.is_closed:
                return
            self.is_closed = True
        self._unfollow(lambda *_: True)
        self._requests.shutdown(wait=False, cancel_futures=True)
        self.service.close()

    def _body(
        self, number: str, content: Mapping[str, Any], buffers: Sequence[Any]
    ) -> bytes | None:
        """The body of a request once all its parts are there; None until then."""
        parts = int(content.get("parts", 1))
        held = self._parts.setdefault(number, [None] * max(1, parts))
        part = int(content.get("part", 0))
        if not 0 <= part < len(held):
            del self._parts[number]
            return None
        held[part] = b"".join(map(bytes, buffers))
        if any(piece is None for piece in held):
            return None
        return b"".join(piece for piece in self._parts.pop(number) if piece is not None)

    def _answer(self, number: str, content: Mapping[str, Any], body: bytes) -> None:
        address = urlsplit(str(content.get("path", "")))
        data = body if body else content.get("body")
        reply = self.sitting.handle(
            str(content.get("method", "GET")), address.path, dict(parse_qsl(address.query)), data
        )
        self._send_reply(number, reply)

    def _send_reply(self, number: str, reply: Reply) -> None:
        packed = reply.content_type.startswith(PACKED)
        body = gzip.compress(reply.body, 4, mtime=0) if packed else reply.body
        told = {"status": reply.status, "content_type": reply.content_type, "packed": packed}
        self._widget.send({"id": number, **told, "headers": dict(reply.headers)}, [body])

    def _follow(self, number: str, view: str, job: str) -> None:
        end = threading.Event()
        with self._lock:
            self._follows[number] = view, end
        thread = threading.Thread(
            target=self._send_events, args=(number, job, end), name="seewhy-cell", daemon=True
        )
        thread.start()

    def _send_events(self, number: str, job: str, end: threading.Event) -> None:
        try:
            log, after = self.sitting.job(job).log, 0
        except Exception as error:  # noqa: BLE001 - whatever it is, the page is told
            told = error_reply(error).json()["error"]
            self._send_event(number, Event(0, "failed", told))
            return
        woken = threading.Event()
        with log.listening(woken.set):
            while not end.is_set():
                woken.clear()
                events, is_closed = log.after(after)
                for event in events:
                    after = event.id
                    self._send_event(number, event)
                if is_closed and (not events or events[-1].name in LAST):
                    break
                woken.wait(LISTEN_SECONDS)
        with self._lock:
            self._follows.pop(number, None)

    def _send_event(self, number: str, event: Event) -> None:
        self._widget.send({"id": number, "event": {"type": event.name, **event.data}})

    def _unfollow(self, is_meant: Any) -> None:
        with self._lock:
            chosen = [end for own, (view, end) in self._follows.items() if is_meant(own, view)]
        for end in chosen:
            end.set()
