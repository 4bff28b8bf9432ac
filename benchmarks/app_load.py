"""The app's server under load: 50 clients on loopback that ask as fast as they are answered.

    python benchmarks/app_load.py --clients 50 --seconds 60 --out benchmarks/results

Each client has a sitting of its own. It sends pictures and reads them, reads the state, asks for
what is not there, sends bodies that are too large, and goes away in the middle of an answer. One
client at a time asks the model, and listens until its answer is done. The server runs in a process
of its own; its memory is what the system tells of that process.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

TOKEN = "the-token-of-the-load-test-0123456789"
KINDS = ("state", "upload", "picture", "missing", "too large", "gone away", "asked")


@dataclass
class Seen:
    """What clients have seen; they share it."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    statuses: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, seconds: float, status: int | str) -> None:
        """Note one request."""
        with self.lock:
            self.seconds[kind].append(seconds)
            self.statuses[f"{kind}: {status}"] += 1


class Client:
    """One browser."""

    def __init__(self, port: int, seen: Seen, seed: int) -> None:
        self.port, self.seen, self.random = port, seen, random.Random(seed)
        self.origin = f"http://127.0.0.1:{port}"
        status, headers, _ = self._ask("GET", f"/?token={TOKEN}")
        assert status == 303, status
        self.cookie = headers["Set-Cookie"].split(";")[0]
        noise = Image.effect_noise((320, 240), 90).convert("RGB")
        buffer = io.BytesIO()
        noise.save(buffer, "JPEG")
        self.picture, self.number = buffer.getvalue(), ""

    def step(self) -> None:
        """Do one thing at random."""
        kind = self.random.choice(KINDS[:-1])
        begin = time.perf_counter()
        try:
            status = self._do(kind)
        except (OSError, http.client.HTTPException) as error:
            with self.seen.lock:
                self.seen.failures.append(f"{kind}: {type(error).__name__}: {error}"[:120])
            return
        self.seen.add(kind, time.perf_counter() - begin, status)
        if status == 429:
            time.sleep(0.5)

    def ask_model(self) -> None:
        """Ask about a drawn scene, and listen until the answer is done."""
        begin = time.perf_counter()
        _, _, body = self._ask("POST", "/api/examples/scene-0", b"")
        job = {"kind": "explain", "pictures": [json.loads(body)["id"]], "max_new_tokens": 16}
        status, _, body = self._ask("POST", "/api/jobs", json.dumps(job).encode(), json_body=True)
        if status != 202:
            self.seen.add("asked", time.perf_counter() - begin, status)
            time.sleep(1)
            return
        _, _, events = self._ask("GET", f"/api/jobs/{json.loads(body)['job']}/events", seconds=300)
        last = re.findall(r"^event: (\w+)", events.decode(), re.MULTILINE)[-1]
        self.seen.add("asked", time.perf_counter() - begin, last)

    def _do(self, kind: str) -> int:
        if kind == "state":
            return self._ask("GET", "/api/state")[0]
        if kind == "upload":
            status, _, body = self._ask("POST", "/api/pictures?name=a.jpg", self.picture)
            if status == 201:
                self.number = json.loads(body)["id"]
            return status
        if kind == "picture":
            return self._ask("GET", f"/api/pictures/{self.number or 'none-yet'}")[0]
        if kind == "missing":
            return self._ask("GET", "/api/entries/nothing")[0]
        if kind == "too large":
            return self._ask("POST", "/api/jobs", b"x" * (5 << 20), json_body=True)[0]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", "/app.js", headers={"Cookie": self.cookie})
        connection.getresponse().read(100)
        connection.close()
        return 200

    def _ask(self, method, path, body=None, *, json_body=False, seconds=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        headers = {"Origin": self.origin, "Cookie": getattr(self, "cookie", "")}
        if json_body:
            headers["Content-Type"] = "application/json"
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()


def memory_of(process: int) -> int:
    """Bytes of memory that a process holds."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def load(port: int, process: int, clients: int, seconds: float) -> tuple[Seen, list[int]]:
    """Let clients ask for some seconds; what they have seen, and the server's memory over time."""
    seen = Seen()
    browsers = [Client(port, seen, number) for number in range(clients)]
    browsers[0].ask_model()  # the model is loaded before the clock starts
    end = time.monotonic() + seconds
    memory = [memory_of(process)]

    def use(number: int) -> None:
        while time.monotonic() < end:
            browsers[number].ask_model() if number == 0 else browsers[number].step()

    threads = [threading.Thread(target=use, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        time.sleep(min(5.0, seconds / 4))
        memory.append(memory_of(process))
    for thread in threads:
        thread.join(120)
    return seen, memory


def table(seen: Seen, memory: list[int], clients: int, seconds: float) -> str:
    """The results as Markdown."""
    rows = []
    for kind in KINDS:
        took = sorted(seen.seconds[kind])
        if not took:
            continue
        statuses = ", ".join(
            f"{name.removeprefix(kind + ': ')} x {count:,}"
            for name, count in sorted(seen.statuses.items())
            if name.startswith(f"{kind}: ")
        )
        median, high = statistics.median(took), took[int(0.95 * (len(took) - 1))]
        rows.append(
            f"| {kind} | {len(took):,} | {statuses} | {1000 * median:.0f} | {1000 * high:.0f} |"
        )
    total = sum(map(len, seen.seconds.values()))
    failures = Counter(seen.failures)
    lines = [
        "# The app under load",
        "",
        f"{clients} clients on loopback for {seconds:g} s, each asking as fast as it was answered; "
        f"one of them asked the model. {platform.machine()}, Python {platform.python_version()}, "
        f"{datetime.now(UTC):%Y-%m-%d}. The machine was shared with other work.",
        "",
        f"- Requests: **{total:,}**, {total / seconds:,.0f} a second; without an answer: "
        f"**{len(seen.failures)}**.",
        *(f"  - {name}: {count}" for name, count in failures.most_common(5)),
        f"- Memory of the server's process: {memory[0] / 1e6:,.0f} MB at first, at most "
        f"{max(memory) / 1e6:,.0f} MB, {memory[-1] / 1e6:,.0f} MB at the end.",
        "",
        "| request | count | status | median ms | 95 % ms |",
        "| --- | ---: | --- | ---: | ---: |",
        *rows,
        "",
        "429: the client was told to wait. 404: asked for what is not there. 413: too large.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Start the app, load it, end it, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "seewhy.cli.main", "app", "--no-browser", "--token", TOKEN]
        environment = {**os.environ, "TMPDIR": folder}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment
        ) as server:
            address = server.stdout.readline() if server.stdout else ""
            port = int(re.findall(r":(\d+)/", address)[0])
            seen, memory = load(port, server.pid, arguments.clients, arguments.seconds)
            server.send_signal(2)
            status = server.wait(60)
        left = [name for name in os.listdir(folder) if name.startswith("seewhy")]
    text = table(seen, memory, arguments.clients, arguments.seconds)
    text += f"\nThe server ended with status {status} and left {len(left)} folders.\n"
    (arguments.out / "app_load.md").write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
