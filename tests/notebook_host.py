"""A page like a notebook's: its own strong styles, and widgets in cells, with a kernel of lists.

What Python widgets answer is recorded first; the page's model gives the answers back, as the
messages of a real kernel do.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

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

MODEL = """
window.makeModel = (state, answers) => {
  const listeners = new Map();
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const model = {
    sent: [],
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; },
    save_changes() {},
    on(name, listener) { listeners.set(listener, name); },
    off(name, listener) { listeners.delete(listener); },
    hear(content, buffers = []) {
      for (const [listener, name] of [...listeners])
        if (name === "msg:custom") listener(content, buffers);
    },
    send(content, callbacks, buffers) {
      model.sent.push(content);
      const answer = answers[content.ask];
      if (answer) setTimeout(() => model.hear({ ...answer.content, id: content.id }, answer.buffers.map(bytes)), 5);
    },
    count: () => listeners.size,
  };
  return model;
};
window.showCell = async (place, esm, state, answers) => {
  const address = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const model = makeModel(state, answers);
  const { default: widget } = await import(address);
  const el = document.getElementById(place);
  const cleanup = await widget.render({ model, el });
  return { model, el, cleanup, root: el.firstElementChild.shadowRoot };
};
"""


def answers_of(widget: Any, *questions: str) -> dict[str, Any]:
    """What a widget answers to questions: content, and buffers in base64."""
    given: dict[str, Any] = {}
    sent: list[tuple[Mapping[str, Any], list[bytes]]] = []
    with_send: Callable[..., None] = lambda content, buffers=(): sent.append((content, [*buffers]))  # noqa: E731
    object.__setattr__(widget, "send", with_send)
    for question in questions:
        widget._handle_custom_msg({"ask": question, "id": question}, [])
        content, buffers = sent.pop()
        assert content["id"] == question
        packed = [base64.b64encode(buffer).decode() for buffer in buffers]
        given[question] = {"content": {**content}, "buffers": packed}
    return given


def state_of(widget: Any) -> dict[str, Any]:
    """The state that a widget shares, as JSON."""
    return {
        name: value
        for name, value in widget.get_state().items()
        if not name.startswith("_") and isinstance(value, str | int | float)
    }


def host_page(cells: Mapping[str, tuple[Any, Mapping[str, Any]]], ground: str = "white") -> str:
    """A page whose cells show widgets: for each cell a widget and its answers."""
    places = "".join(f'<div class="output"><div id="{name}"></div></div>' for name in cells)
    data = {
        name: {"esm": str(widget._esm), "state": state_of(widget), "answers": answers}
        for name, (widget, answers) in cells.items()
    }
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Notebook</title>
<link rel="icon" href="data:,"><style>{HOSTILE % ground}</style></head>
<body><p id="own">The notebook's own</p><button id="plain">Own</button>{places}
<script type="application/json" id="data">{embed(data)}</script>
<script>{MODEL}</script>
<script type="module">
const data = JSON.parse(document.getElementById("data").textContent);
window.cells = {json.dumps({})};
for (const [name, {{ esm, state, answers }}] of Object.entries(data))
  cells[name] = await showCell(name, esm, state, answers);
document.documentElement.dataset.ready = "";
</script></body></html>"""
