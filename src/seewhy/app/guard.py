"""The gate in front of the server: hosts, origins and headers of every request and answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seewhy.app.access import Access
from seewhy.app.errors import RequestError
from seewhy.app.replies import Reply, error_reply

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Scripts and styles come from the server's own files alone: none in the page, none elsewhere."""

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
"""On every answer."""

METHODS = ("GET", "POST", "DELETE")
FROM_HERE = ("same-origin", "none", None)
"""Values of Sec-Fetch-Site: the server's own page, an address that a person typed, or an old
browser."""


class Guard:
    """An ASGI application around another one.

    Args:
        app: the application inside.
        access: the server's rules.
    """

    def __init__(self, app: Any, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Refuse a request, or let it in with the headers of safety on its answer."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def safe_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _with_headers(message.get("headers", []))}
            await send(message)

        try:
            self.check(scope["method"], scope["path"], _headers(scope))
        except RequestError as error:
            await send_reply(error_reply(error), safe_send)
            return
        await self._app(scope, receive, safe_send)

    def check(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Raise `RequestError` for a request that the server's page would not send.

        Args:
            method: in capitals.
            path: decoded.
            headers: by name in lower case.
        """
        host = headers.get("host")
        if host is None or not self._access.is_host(host):
            raise RequestError(
                403,
                "host",
                "This server answers to its own names only: open the address that “seewhy app” "
                "printed.",
            )
        if method not in METHODS:
            allowed = ", ".join(METHODS)
            raise RequestError(405, "method", f"Expected {allowed}, got another.", allow=allowed)
        site = headers.get("sec-fetch-site")
        if method == "GET":
            # A link from elsewhere may lead to the page itself, and to nothing else.
            if site not in FROM_HERE and path != "/":
                raise _other_site()
        elif not self._access.is_own_page(headers.get("origin"), site, host):
            raise _other_site()


def _other_site() -> RequestError:
    return RequestError(
        403,
        "origin",
        "Expected a request of the app's own page, got one from elsewhere. A program of your own "
        "must send the header Origin with the app's address.",
    )


def _headers(scope: Any) -> dict[str, str]:
    """Headers by name; of one that comes twice, all values, which then match nothing."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _with_headers(headers: Any) -> list[tuple[bytes, bytes]]:
    """The answer's headers and those of safety; its own come first, none comes twice."""
    own = {bytes(name).lower() for name, _ in headers}
    added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    return [*headers, *((name, value) for name, value in added if name not in own)]


async def send_reply(reply: Reply, send: Any) -> None:
    """Send a reply; the connection is closed, as what follows on it was not read."""
    headers = {
        "content-type": reply.content_type,
        "content-length": str(len(reply.body)),
        "connection": "close",
        **reply.headers,
    }
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
    await send({"type": "http.response.body", "body": reply.body})
