"""Running the server until it is told to end, by uvicorn, which `seewhy[app]` brings."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from seewhy.app.access import Access
from seewhy.app.http import application, expect_installed
from seewhy.app.service import Service
from seewhy.core.errors import ParameterError

PORT = 8765
"""Where the app is if no port is named; the next free one of some if it is taken."""

PORTS = 20
HEADER_SECONDS, TAKE_SECONDS = 20, 60
"""In which a request's headers must arrive, and a part of an answer must be taken."""

CONNECTIONS = 256
END_SECONDS = 2
"""For answers that are being sent when the server ends."""


def bound_socket(host: str, port: int | None) -> socket.socket:
    """A socket that listens.

    Args:
        host: an address or a name.
        port: None takes `PORT`, or one of the next, or any.

    Raises:
        ParameterError: if the host is unknown, or the named port is taken or not allowed.
    """
    ports = [port] if port is not None else [*range(PORT, PORT + PORTS), 0]
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise ParameterError(
            f"Expected an address of this machine after --host, got {host!r}: take 127.0.0.1."
        ) from error
    for number in ports:
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((address[0], number, *address[2:]))
            listening.listen(128)
            return listening
        except OSError as error:
            listening.close()
            if port is None and error.errno == errno.EADDRINUSE:
                continue
            reason = "is taken" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
            raise ParameterError(
                f"Expected a free port at {host}, got {number} ({reason}): name another with "
                "--port, or none."
            ) from error
    raise AssertionError("unreachable: port 0 takes any free one")


def serve(
    service: Service,
    listening: socket.socket,
    access: Access,
    when_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until a signal (Ctrl-C, or one that ends a program) comes.

    Args:
        service: answers the requests; the caller closes it.
        listening: from `bound_socket`.
        access: who may ask.
        when_ready: called, in another thread, once requests are answered.

    Raises:
        SeewhyError: if uvicorn is not installed.
    """
    server = server_of(service, access)
    with _ended_by_signals(server):
        threading.Thread(target=_tell, args=(server, when_ready), daemon=True).start()
        asyncio.run(server.serve(sockets=[listening]))


def server_of(service: Service, access: Access) -> Any:
    """The uvicorn server, not running yet."""
    expect_installed()
    import uvicorn

    from seewhy.app.protocol import timed_protocol

    config = uvicorn.Config(
        application(service, access),  # type: ignore[arg-type]
        http=timed_protocol(HEADER_SECONDS, TAKE_SECONDS),
        ws="none",
        lifespan="off",
        # Nothing is logged: addresses hold the token, errors may hold what people asked.
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=END_SECONDS,
    )
    return _Quiet(config)


def _tell(server: Any, when_ready: Callable[[], None]) -> None:
    """Wait until the server answers."""
    while not server.started:
        if server.should_exit:
            return
        threading.Event().wait(0.02)
    when_ready()


def _Quiet(config: Any) -> Any:  # noqa: N802 - a class whose base is imported late
    import contextlib

    import uvicorn

    class QuietServer(uvicorn.Server):
        """Does not raise the signal again that ended it: there are files to remove."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return QuietServer(config)


@contextmanager
def _ended_by_signals(server: Any) -> Iterator[None]:
    """In the block, signals end the server and not the program; a second one hurries it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]

    def end(number: int, frame: Any) -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
