"""The service over HTTP: FastAPI in front of sittings, behind the gate of `seewhy.app.guard`."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from seewhy.app import page
from seewhy.app.access import TOKEN, Access
from seewhy.app.bodies import Received, limit_of, linger, read_body
from seewhy.app.errors import RequestError, busy
from seewhy.app.events import Event, EventLog
from seewhy.app.guard import Guard, send_reply
from seewhy.app.rates import Rate
from seewhy.app.replies import Reply, error_reply
from seewhy.app.routes import Route, found_route
from seewhy.core.errors import SeewhyError

if TYPE_CHECKING:
    from fastapi import Request

    from seewhy.app.service import Service
    from seewhy.app.sitting import Sitting

INSTALL = (
    "Expected FastAPI and uvicorn for the app, got none: pip install 'seewhy[app]' brings both."
)

NO_SITTING = (
    "Open the address that “seewhy app” printed: it holds the key. If the app was started again, "
    "it printed a new one."
)
HTML, SCRIPT, STYLE = (f"text/{kind}; charset=utf-8" for kind in ("html", "javascript", "css"))
FILE = {"Cache-Control": "no-cache"}

THREADS, SLOW_THREADS = 16, 4
"""Requests that are answered at once, and of those that decode or draw; the others wait."""

STREAMS = 16
"""Streams of events of one sitting at once: some tabs of a browser."""

PART = 1 << 18
"""Bytes that are sent at once: a client must take each part in time (`seewhy.app.protocol`)."""

PING_SECONDS = 5
"""Between signs of life on a stream without events: a client that went away is noticed by them."""

WRONG_TOKENS, WRONG_TOKENS_SECOND = 20, 1
"""Wrong tokens that are answered at once, and every second after that."""


def expect_installed() -> None:
    """Raise `SeewhyError` if FastAPI or uvicorn is missing."""
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise SeewhyError(INSTALL) from error


def application(service: Service, access: Access) -> Guard:
    """The app as an ASGI application.

    Args:
        service: answers the requests.
        access: who may ask.

    Raises:
        SeewhyError: if FastAPI is not installed.
    """
    expect_installed()
    from fastapi import FastAPI
    from fastapi.responses import Response

    # Without the pages of FastAPI's own: they load scripts from elsewhere.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    door = Door(service, access)

    async def index(request: Request) -> Response:
        return _response(Response, door.page(request))

    async def script(request: Request) -> Response:
        return Response(page.script(), headers={**FILE, "Content-Type": SCRIPT})

    async def style(request: Request) -> Response:
        return Response(page.style(), headers={**FILE, "Content-Type": STYLE})

    async def events(request: Request) -> Response:
        try:
            return door.stream(request, request.path_params["number"])
        except SeewhyError as error:
            return _response(Response, error_reply(error))

    app.add_route("/", index, methods=["GET"])
    app.add_route("/app.js", script, methods=["GET"])
    app.add_route("/app.css", style, methods=["GET"])
    app.add_route("/api/jobs/{number}/events", events, methods=["GET"])
    app.mount("/api", door.api)

    async def refused(request: Request, error: Exception) -> Response:
        kind = {404: "not-found", 405: "method"}[getattr(error, "status_code", 404)]
        told = RequestError(
            getattr(error, "status_code", 404), kind, "Expected an address of the app, got another."
        )
        return _response(Response, error_reply(told))

    async def failed(request: Request, error: Exception) -> Response:
        service.report(error)
        return _response(Response, error_reply(error))

    app.add_exception_handler(404, refused)
    app.add_exception_handler(405, refused)
    app.add_exception_handler(Exception, failed)
    return Guard(app, access)


class Door:
    """Finds the sitting of a request by its cookie, and gives a cookie for the token.

    Args:
        service: with the sittings.
        access: with the token.
    """

    def __init__(self, service: Service, access: Access) -> None:
        self.service, self.access = service, access
        limits = service.limits
        self._received = Received(limits.received_bytes, limits.received_bytes_each)
        self._wrong = Rate(WRONG_TOKENS, WRONG_TOKENS_SECOND)
        self._streams: Counter[str] = Counter()
        self._quick = ThreadPoolExecutor(THREADS, "seewhy-app-quick")
        self._slow = ThreadPoolExecutor(SLOW_THREADS, "seewhy-app-slow")

    def sitting(self, request: Request) -> Sitting:
        """The sitting of a request.

        Raises:
            RequestError: with 401 if it names none.
        """
        found = self._named(request)
        if found is None:
            raise RequestError(401, "no-sitting", NO_SITTING)
        return found

    def page(self, request: Request) -> Reply:
        """The page; with the token, a cookie and the way to the page."""
        token = request.query_params.get("token")
        try:
            if self._named(request) is not None and token is None:
                return Reply(200, HTML, page.document())
            if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
                return _by_itself(token)
            if token is not None:
                return self._let_in(request, token)
            if self.access.token is None:
                return self._with_cookie(Reply(200, HTML, page.document()))
        except RequestError as error:
            return Reply(error.status, HTML, page.message(str(error)), error.headers)
        return Reply(401, HTML, page.message(NO_SITTING))

    def stream(self, request: Request, number: str) -> Any:
        """The events of a job as a stream that can be taken up again where it broke off."""
        from fastapi.responses import Response, StreamingResponse

        sitting = self.sitting(request)
        log = sitting.job(number).log
        heard = request.headers.get("last-event-id", "0")
        after = int(heard) if heard.isascii() and heard.isdigit() and len(heard) < 10 else 0
        events, is_closed = log.after(after)
        if is_closed and not events:
            return Response(status_code=204)  # tells the browser not to connect again
        if self._streams[sitting.id] >= STREAMS:
            raise busy("Too many streams are open: close some tabs.", 5)
        return StreamingResponse(
            self._events(sitting, log, after), media_type="text/event-stream; charset=utf-8"
        )

    async def api(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer any other request of the page, as an ASGI application."""
        from fastapi import Request

        request = Request(scope)
        method, path = request.method, scope["path"]
        try:
            sitting = self.sitting(request)
            route, _ = found_route(method, path)
            with self._received.held(sitting.id) as take:
                body = await self._body(request, route, receive, take)
                threads = self._slow if route.is_slow else self._quick
                query = dict(request.query_params)
                reply = await asyncio.get_running_loop().run_in_executor(
                    threads, sitting.handle, method, path, query, body
                )
                del body
        except RequestError as error:
            await send_early(error_reply(error), receive, send)
            return
        await _send(reply, send)

    async def _body(
        self, request: Request, route: Route, receive: Any, take: Callable[[int], None]
    ) -> bytes:
        """The body of a request, within its limits.

        Raises:
            RequestError: as `read_body`; with 415 where JSON is of another type. A form of another
                site can send text, but not this type.
        """
        limits, headers = self.service.limits, request.headers
        what, most = limit_of(route, limits)
        body = await read_body(receive, headers.get("content-length"), what, most, limits, take)
        given = headers.get("content-type", "").partition(";")[0].strip().lower()
        if route.body == "json" and given != "application/json":
            raise RequestError(
                415, "type", "Expected a body of type application/json, got another."
            )
        return body

    async def _events(self, sitting: Sitting, log: EventLog, after: int) -> AsyncIterator[bytes]:
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the server has ended
                loop.call_soon_threadsafe(woken.set)

        self._streams[sitting.id] += 1
        try:
            with log.listening(wake):
                while True:
                    woken.clear()
                    events, is_closed = log.after(after)
                    for event in events:
                        after = event.id
                        yield encoded_event(event)
                    if is_closed and not log.after(after)[0]:
                        return
                    try:
                        async with asyncio.timeout(PING_SECONDS):
                            await woken.wait()
                    except TimeoutError:
                        sitting.touch()
                        yield b": still here\n\n"
        finally:
            self._streams[sitting.id] -= 1
            if not self._streams[sitting.id]:
                del self._streams[sitting.id]

    def _named(self, request: Request) -> Sitting | None:
        return self.service.find(request.cookies.get(self.access.cookie, ""))

    def _let_in(self, request: Request, token: str) -> Reply:
        """A cookie for the token, and on to the page: the token does not stay in the address."""
        if not self.access.is_token(token[:300]):
            self._wrong.expect("wrong tokens")
            raise RequestError(403, "token", NO_SITTING)
        onward = Reply(303, "text/plain; charset=utf-8", b"", {"Location": "/"})
        return onward if self._named(request) is not None else self._with_cookie(onward)

    def _with_cookie(self, reply: Reply) -> Reply:
        number = self.service.sitting().id
        cookie = f"{self.access.cookie}={number}; Path=/; HttpOnly; SameSite=Strict"
        headers = {**reply.headers, "Set-Cookie": cookie}
        return Reply(reply.status, reply.content_type, reply.body, headers)


def _by_itself(token: str | None) -> Reply:
    """Let the page be opened anew by the server's own page.

    Where a page of another site led here, the browser keeps the cookie back, and its sitting would
    be lost.
    """
    address = "/" if token is None or not TOKEN.fullmatch(token) else f"/?token={token}"
    return Reply(401, HTML, page.message("Opening the app.", go_on=address))


def encoded_event(event: Event) -> bytes:
    """An event as it goes over the line."""
    from fastapi.sse import format_sse_event

    data = json.dumps(event.data, allow_nan=False, separators=(",", ":"))
    return format_sse_event(data_str=data, event=event.name, id=str(event.id))


async def send_early(reply: Reply, receive: Any, send: Any) -> None:
    """Answer before the body was read, and read on for a moment, so that the answer arrives."""

    async def kept_open(message: Any) -> None:
        is_body = message["type"] == "http.response.body"
        await send({**message, "more_body": True} if is_body else message)

    await send_reply(reply, kept_open)
    await linger(receive)
    await send({"type": "http.response.body", "body": b""})


async def _send(reply: Reply, send: Any) -> None:
    headers = {
        "content-type": reply.content_type,
        "content-length": str(len(reply.body)),
        **reply.headers,
    }
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
    for start in range(0, len(reply.body), PART):
        part = reply.body[start : start + PART]
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _response(kind: Any, reply: Reply) -> Any:
    headers = {"Content-Type": reply.content_type, **reply.headers}
    return kind(reply.body, reply.status, headers=headers)
