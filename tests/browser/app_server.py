"""The app's server as the page sees it, without a model: a test says what happens next."""

from __future__ import annotations

import json
import queue
import re
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from golden.records import draw, record_of
from seewhy.core.record import Record
from seewhy.report.page import STYLES, asset
from seewhy.report.page_script import page_script
from seewhy.report.payload import payload

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)
MODEL = "seewhy/tiny-qwen2-vl"
OTHER = "Qwen/Qwen2-VL-2B-Instruct"
HOST = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A notebook</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/app.css"><style>#cell { width: 600px; }</style></head>
<body><h1>The host's own</h1><button id="own">A button</button>
<div id="cell"></div><div id="other"></div>
<script>
window.outside = [];
const add = EventTarget.prototype.addEventListener;
EventTarget.prototype.addEventListener = function (name, listener, options) {
  if (this === window || this === document || this instanceof MediaQueryList) {
    const entry = { name, live: true };
    options?.signal?.addEventListener("abort", () => { entry.live = false; });
    outside.push(entry);
  }
  return add.call(this, name, listener, options);
};
</script>
<script type="module">
import { mountApp } from "/js/app/mount.js";
import { httpTransport } from "/js/app/transport.js";
const place = (id) => document.getElementById(id);
const transport = httpTransport({ base: `${location.origin}/`, giveUp: 0.3 });
const size = { width: 480, height: 360 };
const named = { id: "p1", name: "given", url: "/api/examples/0/picture" };
const picture = { kind: "picture", ...size, ...named };
window.mounts = [
  mountApp(place("cell"), transport, { pictures: [picture], prompt: "What is this?" }),
  mountApp(place("other"), transport),
];
await Promise.all(mounts.map(({ ready }) => ready));
document.documentElement.dataset.ready = "";
</script></body></html>
"""
"""Another page, with two apps in elements of its own, such as a notebook's cells."""

METHODS = (("logit-shares", "Logit shares", "fast"), ("rise", "RISE", "slow"))
PATIENCE_S = 10.0  # of a job that waits for the test


@cache
def style() -> str:
    return "".join(map(asset, (*STYLES, "comparison.css", "app.css", "app_tools.css")))


def png(width: int = 480, height: int = 360) -> bytes:
    data = BytesIO()
    draw(width, height).save(data, "PNG")
    return data.getvalue()


def record_like(text: str | None = None, prompt: str | None = None, **told: Any) -> Record:
    """The golden record, or one with another answer and prompt."""
    named = {"prompt": prompt} if prompt else {}
    if text is None:
        return record_of(**named, **told)
    pieces = tuple((piece, "star house tree") for piece in re.findall(r"\s*\S+", text))
    return record_of((*pieces, ("", "")), **named, **told)


@dataclass
class Job:
    """A job: its events, and what the page asked of it."""

    asked: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)
    stopped: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def say(self, name: str, **data: Any) -> None:
        with self.news:
            self.events.append((name, data))
            self.news.notify_all()

    def after(self, heard: int) -> list[tuple[str, dict[str, Any]]]:
        """Events after the first ones, once there are some, or none after a while."""
        with self.news:
            self.news.wait_for(lambda: len(self.events) > heard, timeout=0.5)
            return self.events[heard:]


class FakeService:
    """What the server knows. Tests change it, and say what happens to jobs."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.pictures: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.entries: list[dict[str, Any]] = []
        self.payloads: dict[str, Any] = {}
        self.jobs: list[Job] = []
        self.new_jobs: queue.Queue[Job] = queue.Queue()
        self.requests: list[tuple[str, str]] = []
        self.queries: list[dict[str, str]] = []
        self.heard: list[int] = []
        """The last event that each stream of events said it had heard."""
        self.refused: dict[str, tuple[int, str] | tuple[int, str, str]] = {}
        """A method and path of which the next request fails, with its status, text and kind."""
        self.broken_streams = 0
        """How many streams of events break after their next event."""
        self.is_gone = False
        """Whether streams of events are not taken up again, as if the server had ended."""
        self.limits = {
            "picture_bytes": 20_000_000, "pixels": 50_000_000, "pictures": 4,
            "prompt_characters": 4000, "answer_tokens": 512,
        }  # fmt: skip

    def state(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "models": [
                {"name": MODEL, "family": "qwen2_vl", "loaded": True, "shipped": True},
                {"name": OTHER, "family": None, "loaded": False, "shipped": False},
            ],
            "default_model": MODEL,
            "methods": [
                {"name": name, "title": title, "can_contrast": speed == "fast", "speed": speed}
                for name, title, speed in METHODS
            ],
            "default_method": "logit-shares",
            "examples": [
                {"id": str(i), "title": f"Drawn scene {i + 1}", "url": f"/api/examples/{i}/picture"}
                for i in range(4)
            ],
            "limits": self.limits,
            "entries": self.entries,
        }  # fmt: skip

    def add_picture(self, name: str, data: bytes) -> dict[str, Any]:
        with Image.open(BytesIO(data)) as image:
            width, height = image.size
        number = f"p{len(self.pictures) + 1}"
        self.files[number] = data
        self.pictures[number] = {
            "id": number, "kind": "picture", "width": width, "height": height, "name": name,
            "url": f"/api/pictures/{number}",
        }  # fmt: skip
        return self.pictures[number]

    def add_entry(
        self, record: Record | None = None, *, parent: str | None = None, change: str | None = None,
        can_ask: bool = True,
    ) -> dict[str, Any]:  # fmt: skip
        record = record or record_of()
        number = f"e{len(self.payloads) + 1}"
        self.payloads[number] = payload(record)
        self.entries.append(
            {
                "id": number, "created": "2026-11-26T07:00:00Z", "model": MODEL,
                "method": "logit-shares", "prompt": record.prompt.strip(), "answer": record.answer,
                "thumbnail": f"/api/entries/{number}/picture/0", "parent": parent,
                "title": record.answer[:40], "change": change, "warnings": list(record.warnings),
                "can_ask": can_ask,
            }
        )  # fmt: skip
        return self.entries[-1]


class _Handler(BaseHTTPRequestHandler):
    service: ClassVar[FakeService]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _reply(self, body: bytes, kind: str, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _json(self, data: object, status: int = 200) -> None:
        self._reply(json.dumps(data).encode(), "application/json", status)

    def _fail(self, status: int, message: str, kind: str = "failed") -> None:
        self._json({"error": {"kind": kind, "message": message}}, status)

    def _handle(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        key = f"{self.command} {url.path}"
        self.service.requests.append((self.command, url.path))
        if refused := self.service.refused.pop(key, None):
            self._fail(*refused)
            return
        for pattern, method, answer in ROUTES:
            match = re.fullmatch(pattern, url.path)
            if match and method == self.command:
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                self.service.queries += [query] if query else []
                answer(self, body, query, *match.groups())
                return
        self._fail(404, "There is no such thing here.", "not-found")

    do_GET = do_POST = do_DELETE = _handle  # noqa: N815 - the names that the standard library calls

    def _host(self, *_: Any) -> None:
        self._reply(HOST.encode(), "text/html; charset=utf-8")

    def _module(self, body: bytes, query: dict[str, str], path: str) -> None:
        self._reply(asset(f"js/{path}").encode(), "text/javascript; charset=utf-8")

    def _page(self, *_: Any) -> None:
        self._reply(
            asset("app.html").encode(), "text/html; charset=utf-8", Content_Security_Policy=POLICY
        )

    def _script(self, *_: Any) -> None:
        self._reply(page_script("app/page.js").encode(), "text/javascript; charset=utf-8")

    def _style(self, *_: Any) -> None:
        self._reply(style().encode(), "text/css; charset=utf-8")

    def _state(self, *_: Any) -> None:
        self._json(self.service.state())

    def _upload(self, body: bytes, query: dict[str, str]) -> None:
        try:
            self._json(self.service.add_picture(query["name"], body))
        except OSError:
            self._fail(415, f"Expected a picture, got {query['name']}: choose a PNG or JPEG file.")

    def _example(self, body: bytes, query: dict[str, str], number: str) -> None:
        self._json(self.service.add_picture(f"Drawn scene {int(number) + 1}", png()))

    def _example_picture(self, *_: Any) -> None:
        self._reply(png(160, 120), "image/png")

    def _picture(self, body: bytes, query: dict[str, str], number: str) -> None:
        self._reply(self.service.files[number], "image/png")

    def _entry_picture(self, *_: Any) -> None:
        self._reply(png(160, 120), "image/png")

    def _job(self, body: bytes, query: dict[str, str]) -> None:
        job = Job(json.loads(body))
        self.service.jobs.append(job)
        self.service.new_jobs.put(job)
        self._json({"job": f"j{len(self.service.jobs)}", "position": 0}, 202)

    def _job_stop(self, body: bytes, query: dict[str, str], number: str, what: str) -> None:
        job = self.service.jobs[int(number) - 1]
        (job.stopped if what == "stop" else job.cancelled).set()
        if what == "cancel":
            job.say("cancelled")
        self._json({})

    def _events(self, body: bytes, query: dict[str, str], number: str) -> None:
        job = self.service.jobs[int(number) - 1]
        heard = int(self.headers.get("Last-Event-ID") or 0)
        self.service.heard.append(heard)
        if self.service.is_gone:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"retry: 200\n\n")
        self.wfile.flush()
        until = time.monotonic() + 4 * PATIENCE_S
        while time.monotonic() < until:
            fresh = job.after(heard)
            for name, data in fresh:
                heard += 1
                text = f"id: {heard}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
                try:
                    self.wfile.write(text.encode())
                    self.wfile.flush()
                except OSError:
                    return
                if name in ("done", "failed", "cancelled"):
                    return
            if fresh and self.service.broken_streams:
                self.service.broken_streams -= 1
                return

    def _entry(self, body: bytes, query: dict[str, str], number: str) -> None:
        entry = next((one for one in self.service.entries if one["id"] == number), None)
        if entry is None:
            self._fail(404, "This answer was deleted.", "not-found")
        else:
            self._json({"entry": entry, "payload": self.service.payloads[number]})

    def _delete(self, body: bytes, query: dict[str, str], number: str) -> None:
        self.service.entries = [one for one in self.service.entries if one["id"] != number]
        self._json({})

    def _download(self, body: bytes, query: dict[str, str], number: str, name: str) -> None:
        kind = {"Content_Disposition": f'attachment; filename="{number}-{name}"'}
        self._reply(b"the file", "application/octet-stream", **kind)

    def _import(self, body: bytes, query: dict[str, str]) -> None:
        if not body.startswith(b"PK"):
            self._fail(415, "Expected a zip of a saved folder, got another file.")
        else:
            self._json(self.service.add_entry(can_ask=False))


ROUTES = (
    (r"/deep/host", "GET", _Handler._host),
    (r"/js/([\w/]+\.js)", "GET", _Handler._module),
    (r"/", "GET", _Handler._page),
    (r"/app\.js", "GET", _Handler._script),
    (r"/app\.css", "GET", _Handler._style),
    (r"/api/state", "GET", _Handler._state),
    (r"/api/pictures", "POST", _Handler._upload),
    (r"/api/pictures/(\w+)", "GET", _Handler._picture),
    (r"/api/examples/(\d+)", "POST", _Handler._example),
    (r"/api/examples/(\d+)/picture", "GET", _Handler._example_picture),
    (r"/api/jobs", "POST", _Handler._job),
    (r"/api/jobs/j(\d+)/(stop|cancel)", "POST", _Handler._job_stop),
    (r"/api/jobs/j(\d+)/events", "GET", _Handler._events),
    (r"/api/entries/import", "POST", _Handler._import),
    (r"/api/entries/(\w+)", "GET", _Handler._entry),
    (r"/api/entries/(\w+)", "DELETE", _Handler._delete),
    (r"/api/entries/(\w+)/(report\.html|folder\.zip|figure)", "GET", _Handler._download),
    (r"/api/entries/(\w+)/picture/\d+", "GET", _Handler._entry_picture),
)


def serve(service: FakeService) -> ThreadingHTTPServer:
    """Serve the page and this service on a free port of this machine."""
    handler = type("Handler", (_Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
