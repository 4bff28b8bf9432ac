"""Who may ask the server, and by which names: against pages of other sites and other people.

A page of another site cannot read what this server says, but its browser can be made to ask it: by
a name that the page's owner points at this machine (DNS rebinding), or by a form (CSRF). So the
names of the server are a short list, whatever changes something must come from the server's own
page, and the cookie goes with requests of that page alone.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field

from seewhy.core.errors import ParameterError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
TICKET_SECONDS = 120
TOKEN = re.compile(r"[A-Za-z0-9_~.-]{16,256}")
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?", re.ASCII)


def new_token() -> str:
    """A token that cannot be guessed: 256 bits."""
    return secrets.token_urlsafe(32)


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine alone.

    Example:
        >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass
class Access:
    """The rules of one server.

    Args:
        host: the address that it listens at.
        port: likewise.
        token: that opens a sitting; None lets everyone on this machine in.

    Raises:
        ParameterError: if there is no token, and others than this machine can reach it; or if the
            token is too short, or has characters that an address cannot hold.
    """

    host: str
    port: int
    token: str | None
    _tickets: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        expect_safe(self.host, self.token)
        named = self.host.lower()
        self._names = {f"[{named}]" if ":" in named else named}
        if is_loopback(self.host):
            self._names |= LOOPBACK
        else:
            self._names |= {*LOOPBACK, socket.gethostname().lower(), socket.getfqdn().lower()}

    @property
    def cookie(self) -> str:
        """The name of the cookie; it tells servers on several ports and machines apart."""
        server = f"{socket.gethostname()} {self.host} {self.port}"
        return f"seewhy-{hashlib.sha256(server.encode()).hexdigest()[:8]}"

    def is_host(self, header: str | None) -> bool:
        """Whether a Host header names this server. The port may differ: a tunnel has its own."""
        found = None if header is None else _HOST.fullmatch(header.lower())
        if found is None:
            return False
        if found[1] in self._names:
            return True
        # An address of numbers cannot be pointed elsewhere. Loopback's server has its own list.
        return not is_loopback(self.host) and _is_address(found[1])

    def is_own_page(self, origin: str | None, site: str | None, host: str) -> bool:
        """Whether a request that changes something comes from the server's own page.

        Args:
            origin: the Origin header.
            site: the Sec-Fetch-Site header.
            host: the Host header.
        """
        if site not in (None, "same-origin"):
            return False
        if origin is None:
            return site == "same-origin"
        return origin.lower() == f"http://{host.lower()}"

    def is_token(self, text: str) -> bool:
        """Whether a text is the token, or a ticket, which is good once. In constant time."""
        if self.token is None:
            return True
        if secrets.compare_digest(text.encode(), self.token.encode()):
            return True
        with self._lock:
            good_until = self._tickets.pop(text, 0.0)
        return time.monotonic() < good_until

    def ticket(self) -> str:
        """What opens one sitting instead of the token, soon and once.

        A browser's command line can be read by other people of this machine.
        """
        ticket = new_token()
        with self._lock:
            self._tickets[ticket] = time.monotonic() + TICKET_SECONDS
        return ticket

    def url(self, token: str | None) -> str:
        """The address to open."""
        shown = "localhost" if self.host in ("0.0.0.0", "::", "") else self.host
        shown = f"[{shown}]" if ":" in shown else shown
        return f"http://{shown}:{self.port}/{'' if token is None else f'?token={token}'}"


def expect_safe(host: str, token: str | None) -> None:
    """Check, before anything starts, that a server would be safe.

    Raises:
        ParameterError: as `Access`.
    """
    if token is None and not is_loopback(host):
        raise ParameterError(
            f"Expected a token for a server at {host}, which others can reach, got --no-token: "
            "leave --no-token out, or take --host 127.0.0.1."
        )
    if token is not None and not TOKEN.fullmatch(token):
        raise ParameterError(
            "Expected a token of 16 to 256 letters, digits and -_.~, got another: leave --token "
            "out, then a random one is made."
        )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
