"""A page like a notebook's: its own strong styles, and widgets in cells, with a live kernel.

The page's model gives what its widget sends to the Python widget, and hears what that sends: over
HTTP on the loopback, in place of a Jupyter server.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from seewhy.report.page import embed

HOSTILE = """
  html { font-size: 10px; }
  body { font: 30px/3 fantasy; color: rgb(255, 0, 0); background: %s; margin: 0; text-align: right;
    letter-spacing: 4px; white-space: pre; }
  * { text-transform: uppercase; }
  div { border-left: 7px solid red !important; padding: 3px; }
  button, p, h1, h2, dl, figure, main, article { color: lime !important; margin: 40px !important;
    border: 9px dotted !important; font-size: 50px !important; }
  .answer, .unit, .topbar, .viewer { display: none !important; }
"""
"""Rules such as notebooks have, and worse."""

SCRIPT = """
const data = JSON.parse(document.getElementById("data").textContent);
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const text = (buffer) => new Promise((resolve) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result.split(",")[1]);
  reader.readAsDataURL(new Blob([buffer]));
});

/** The model of anywidget for one widget. */
const makeModel = (name, state) => {
  const listeners = new Map();
  const model = {
    sent: [],
    get: (key) => state[key],
    set: (key, value) => { state[key] = value; },
    save_changes() {},
    on(event, listener) { listeners.set(listener, event); },
    off(event, listener) { listeners.delete(listener); },
    hear(content, buffers) {
      for (const [listener, event] of [...listeners])
        if (event === "msg:custom") listener(content, buffers);
    },
    async send(content, callbacks, buffers = []) {
      model.sent.push(content);
      const packed = await Promise.all(buffers.map(text));
      const body = JSON.stringify({ content, buffers: packed });
      if (data[name].alive) await fetch(`/send/${name}`, { method: "POST", body });
    },
    listeners: () => listeners.size,
  };
  return model;
};

window.showCell = async (name, place = name) => {
  const { esm, state } = data[name];
  const address = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const model = makeModel(name, state);
  models[name] = model;
  const { default: widget } = await import(address);
  const el = document.getElementById(place).appendChild(document.createElement("div"));
  const cleanup = await widget.render({ model, el });
  return { model, el, cleanup, root: el.firstElementChild.shadowRoot };
};

window.models = {};
window.cells = {};
const hear = async (name, after) => {
  for (;;) {
    const response = await fetch(`/hear/${name}?after=${after}`).catch(() => null);
    if (!response?.ok) return;
    for (const { content, buffers } of await response.json()) {
      after += 1;
      models[name].hear(content, buffers.map(bytes));
    }
  }
};
for (const name of Object.keys(data)) {
  cells[name] = await showCell(name);
  if (data[name].alive) hear(name, 0);
}
document.documentElement.dataset.ready = "";
"""


class Sent:
    """What a widget sent, in order."""

    def __init__(self, widget: Any) -> None:
        self.widget = widget
        self.messages: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        object.__setattr__(widget, "send", self.add)

    def add(self, content: Any, buffers: Any = ()) -> None:
        """Keep a message that the widget sends."""
        packed = [base64.b64encode(bytes(buffer)).decode() for buffer in buffers or ()]
        with self._changed:
            self.messages.append({"content": content, "buffers": packed})
            self._changed.notify_all()

    def after(self, number: int) -> list[dict[str, Any]]:
        """The messages after some; it waits for one, but not for long."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.messages) > number, timeout=1)
            return self.messages[number:]


def page_of(
    widgets: Mapping[str, Any], dead: Set[str], ground: str, pictures: Mapping[str, str]
) -> str:
    """The page."""
    places = "".join(
        f'<div class="output" id="{name}">{_image(pictures.get(name))}</div>' for name in widgets
    )
    data = {
        name: {"esm": str(widget._esm), "state": state_of(widget), "alive": name not in dead}
        for name, widget in widgets.items()
    }
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Notebook</title>
<link rel="icon" href="data:,"><style>{HOSTILE % ground}</style></head>
<body><p id="own">The notebook's own</p><button id="plain">Own</button>{places}
<script type="application/json" id="data">{embed(data)}</script>
<script type="module">{SCRIPT}</script></body></html>"""


def _image(png: str | None) -> str:
    return "" if png is None else f'<img alt="" src="data:image/png;base64,{png}">'


def state_of(widget: Any) -> dict[str, Any]:
    """The state that a widget shares, as JSON."""
    return {
        name: value
        for name, value in widget.get_state().items()
        if not name.startswith("_") and isinstance(value, str | int | float | list)
    }


@contextmanager
def served(
    widgets: Mapping[str, Any],
    *,
    dead: Set[str] = frozenset(),
    ground: str = "white",
    pictures: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Serve a page with widgets in its cells.

    Args:
        widgets: by the name of their cell.
        dead: cells whose kernel has ended.
        ground: the page's background.
        pictures: in base64, the static picture that stands before a widget.

    Yields:
        The page's address.
    """
    sent = {name: Sent(widget) for name, widget in widgets.items()}
    page = page_of(widgets, dead, ground, pictures or {})

    class Kernel(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path == "/":
                self.reply(page, "text/html; charset=utf-8")
                return
            after = int(parse_qs(address.query)["after"][0])
            self.reply(json.dumps(sent[address.path.split("/")[2]].after(after)))

        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            buffers = [memoryview(base64.b64decode(buffer)) for buffer in told["buffers"]]
            widget = sent[self.path.split("/")[2]].widget
            widget._handle_custom_msg(told["content"], buffers)
            self.reply("{}")

        def reply(self, body: str, kind: str = "application/json") -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # the page was left
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Kernel)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
