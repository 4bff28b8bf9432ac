"""What the service answers to a request."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from seewhy.app.errors import RequestError, kind_of, message_of, status_of

JSON = "application/json"


@dataclass(frozen=True)
class Reply:
    """An answer to a request.

    Attributes:
        status: of HTTP.
        content_type: of the body.
        body: the content.
        headers: further headers by name.
    """

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body as JSON; for tests, and for clients in Python."""
        return json.loads(self.body)


def json_reply(data: Any, status: int = 200) -> Reply:
    """Data as JSON, in ASCII: half a character from a broken token can be sent too."""
    return Reply(status, JSON, json.dumps(data, allow_nan=False, separators=(",", ":")).encode())


def error_reply(error: BaseException, *private: str) -> Reply:
    """An error as JSON: `{"error": {"kind", "message"}}`.

    Args:
        error: any error; of one that is not this package's, nothing is told.
        *private: texts that are cut out of its message.
    """
    told = {"kind": kind_of(error), "message": message_of(error, *private)}
    headers = error.headers if isinstance(error, RequestError) else {}
    body = json.dumps({"error": told}).encode()
    return Reply(status_of(error), JSON, body, headers)


def download(content: bytes, content_type: str, name: str) -> Reply:
    """A file that a browser saves and does not show.

    Args:
        content: of the file.
        content_type: of the file.
        name: of the file; what is no letter, digit, dot or hyphen in ASCII is spelled in it.
    """
    quoted = quote(name.replace("/", "-"), safe="")
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    named = "" if quoted == plain else f"; filename*=UTF-8''{quoted}"
    headers = {"Content-Disposition": f'attachment; filename="{plain}"{named}'}
    return Reply(200, content_type, content, headers)
