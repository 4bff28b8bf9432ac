"""A real server of the app on loopback, and clients that speak to it byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
from typing import Any

from seewhy.app.access import Access
from seewhy.app.service import Service
from seewhy.app.serving import bound_socket, server_of

TOKEN = "the-token-of-the-tests-0123456789"


@contextlib.contextmanager
def running_server(folder, limits, models=(), token=TOKEN):
    """A server in a thread of its own; gives its `Server`."""
    service = Service(models, limits=limits, folder=folder)
    listening = bound_socket("127.0.0.1", None)
    access = Access("127.0.0.1", listening.getsockname()[1], token)
    server = server_of(service, access)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield Running(service, access, server)
    finally:
        server.should_exit = True
        thread.join(30)
        service.close()
        listening.close()
        assert not thread.is_alive()


def wait_until(condition, seconds=30):
    """Wait for a condition; it is an error if it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


class Running:
    """A server that runs."""

    def __init__(self, service, access, server):
        self.service, self.access, self.server = service, access, server
        self.port = access.port
        self.host = f"127.0.0.1:{self.port}"
        self.origin = f"http://{self.host}"

    def ask(self, method, path, body=None, **headers):
        """Status, headers and body of one request; header names with _ in place of -."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()
        finally:
            connection.close()

    def send(self, raw, wait=True) -> Any:
        """The bytes that come back for raw bytes; or the socket, where they are not waited for."""
        link = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        link.sendall(raw)
        if not wait:
            return link
        with link:
            return everything(link)

    def client(self):
        """A browser that has opened the printed address."""
        return Client(self)


class Client:
    """Requests with a sitting's cookie, as the app's page sends them."""

    def __init__(self, running):
        self.running = running
        status, headers, _ = running.ask("GET", f"/?token={TOKEN}")
        assert status == 303
        self.cookie = headers["Set-Cookie"].split(";")[0]
        self.headers = {"Cookie": self.cookie, "Origin": running.origin}

    def ask(self, method, path, body=None, **headers):
        """Status and body, which is JSON where it is none of bytes."""
        if isinstance(body, dict):
            body = json.dumps(body)
            headers.setdefault("Content_Type", "application/json")
        status, head, content = self.running.ask(method, path, body, **{**self.headers, **headers})
        is_json = head["Content-Type"] == "application/json"
        return status, json.loads(content) if is_json else content

    def example(self):
        """The id of a picture."""
        status, told = self.ask("POST", "/api/examples/scene-0", b"")
        assert status == 201, told
        return told["id"]

    def start(self, **job):
        """The id of a job."""
        status, told = self.ask("POST", "/api/jobs", job)
        assert status == 202, told
        return told["job"]

    def stream(self, job, after=None):
        """A stream of a job's events: pairs of the id and the event, with what it holds."""
        return Stream(self, job, after)


class Stream:
    """The events of a job over a connection of its own."""

    def __init__(self, client, job, after=None):
        self._link = http.client.HTTPConnection("127.0.0.1", client.running.port, timeout=30)
        headers = {**client.headers, **({} if after is None else {"Last-Event-ID": str(after)})}
        self._link.request("GET", f"/api/jobs/{job}/events", headers=headers)
        self.reply = self._link.getresponse()

    def __iter__(self):
        yield from self._events()
        self.close()

    def _events(self):
        fields = {}
        for line in self.reply:
            text = line.decode().rstrip("\n")
            if text:
                name, _, value = text.partition(": ")
                fields[name] = value
            elif "event" in fields:
                yield int(fields["id"]), fields["event"], json.loads(fields["data"])
                fields = {}

    def close(self):
        """Go away without a word."""
        self.reply.close()
        self._link.close()


def everything(link):
    """All bytes until the other side closes."""
    content = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := link.recv(1 << 16):
            content += chunk
    return content
