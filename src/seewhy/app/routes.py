"""The addresses of the service, and what answers each."""

from __future__ import annotations

import re
from typing import NamedTuple

from seewhy.app.errors import RequestError

ID = r"([A-Za-z0-9_-]{1,64})"


SLOW = ("folder_zip", "figure")
"""Routes that draw or pack something."""


class Route(NamedTuple):
    """One address and method: `name` is the sitting's function that answers it."""

    method: str
    path: re.Pattern[str]
    name: str
    body: str = "none"
    """What its body is: `none`, `json`, `picture` or `import`; the limit depends on it."""

    @property
    def is_slow(self) -> bool:
        """Whether answering may take seconds."""
        return self.body in ("picture", "import") or self.name in SLOW


def _route(method: str, path: str, name: str, body: str = "none") -> Route:
    return Route(method, re.compile(f"/api/{path}", re.ASCII), name, body)


ROUTES = (
    _route("GET", "state", "state"),
    _route("POST", "pictures", "add_picture", "picture"),
    _route("GET", f"pictures/{ID}", "picture"),
    _route("POST", f"examples/{ID}", "add_example"),
    _route("GET", f"examples/{ID}", "example"),
    _route("POST", "jobs", "add_job", "json"),
    _route("POST", f"jobs/{ID}/stop", "stop_job"),
    _route("POST", f"jobs/{ID}/cancel", "cancel_job"),
    _route("GET", f"jobs/{ID}/events", "job_events"),
    _route("POST", "entries/import", "import_entry", "import"),
    _route("GET", f"entries/{ID}", "entry"),
    _route("DELETE", f"entries/{ID}", "remove_entry"),
    _route("GET", rf"entries/{ID}/report\.html", "report"),
    _route("GET", rf"entries/{ID}/folder\.zip", "folder_zip"),
    _route("GET", f"entries/{ID}/figure", "figure"),
    _route("GET", rf"entries/{ID}/picture/(\d{{1,4}})", "entry_picture"),
    _route("GET", f"entries/{ID}/thumbnail", "thumbnail"),
    _route("GET", rf"comparisons/{ID}\.html", "comparison"),
)


def found_route(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    """The route of a request, and the parts of its path.

    Raises:
        RequestError: with 404 if there is no such address, with 405 for another method of one.
    """
    matching = [(route, match) for route in ROUTES if (match := route.path.fullmatch(path))]
    for route, match in matching:
        if route.method == method:
            return route, match.groups()
    if matching:
        allowed = ", ".join(sorted({route.method for route, _ in matching}))
        raise RequestError(
            405, "method", f"Expected {allowed} for this address, got another.", allow=allowed
        )
    raise RequestError(404, "not-found", "Expected an address of the app, got another.")
