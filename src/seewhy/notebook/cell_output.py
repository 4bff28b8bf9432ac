"""What a cell shows for an explanation: a static picture first, and the live page where it can be.

In a kernel these are two outputs. A front end that opens a saved notebook prefers a widget to a
picture, also where the widget's kernel has ended and nothing is left of it; as an output of its own
the picture is shown all the same. The live page hides it.

There is no `text/html` on purpose. Where notebooks are sanitised, images are removed from HTML, or
its source is printed; `image/png` is shown everywhere (docs/notebooks.md has the table).
"""

from __future__ import annotations

import base64
import sys
import warnings
from collections.abc import Callable
from html import escape
from importlib.util import find_spec
from typing import Any

from seewhy.core.notebooks import in_ipython_terminal, shell
from seewhy.report.static_sheet import StaticPicture

VIEW = "application/vnd.jupyter.widget-view+json"
"""The type of a live widget."""

Bundle = tuple[dict[str, Any], dict[str, Any]]
"""Data and metadata by MIME type, as IPython takes them from `_repr_mimebundle_`."""


def cell_output(
    draw: Callable[[], StaticPicture], text: str, live: Callable[[StaticPicture], Any]
) -> Bundle:
    """The output of a cell.

    Args:
        draw: draws the picture that is always there; it is not called in a terminal.
        text: the same in text.
        live: makes the widget from the picture; it is called where anywidget is installed.

    Returns:
        The picture and the text. In a kernel the widget is shown after the cell has run; elsewhere
        it is the last part.

    Warns:
        UserWarning: if the widget cannot be made; the picture is shown all the same.
    """
    if in_ipython_terminal():
        return {"text/plain": text}, {}
    static = draw()
    width, height = static.size
    data: dict[str, Any] = {
        "image/png": base64.b64encode(static.png).decode(),
        "text/plain": text,
    }
    metadata: dict[str, Any] = {"image/png": {"width": width, "height": height, "alt": static.text}}
    if has_widgets():
        try:
            widget = live(static)
            if can_show_after_cell():
                show_after_cell(widget)
                return data, metadata
            widget_data, widget_metadata = _split(widget._repr_mimebundle_())
        except Exception as error:  # noqa: BLE001 - whatever widgets do, the picture is shown
            warnings.warn(
                f"Expected a live page in the cell, got {type(error).__name__}: {error}. The "
                "picture is shown in its place.",
                stacklevel=2,
            )
            return data, metadata
        data.update({kind: value for kind, value in widget_data.items() if kind == VIEW})
        metadata.update(widget_metadata)
    return data, metadata


def can_show_after_cell() -> bool:
    """Whether a kernel runs a cell whose outputs go to the front end."""
    current = shell()
    if getattr(current, "kernel", None) is None or not hasattr(current, "events"):
        return False
    return type(current.display_pub).__name__ != "CapturingDisplayPublisher"


def show_after_cell(widget: Any) -> None:
    """Show a widget as the last output of the cell that runs."""
    current = shell()

    def show(*_: Any) -> None:
        current.events.unregister("post_run_cell", show)
        data, metadata = _split(widget._repr_mimebundle_())
        current.display_pub.publish(data, metadata)

    current.events.register("post_run_cell", show)


def static_element(static: StaticPicture) -> Any:
    """The static picture as an object of marimo."""
    width, height = static.size
    image = (
        f'<img src="{address_of(static)}" alt="{escape(static.text)}" '
        f'width="{width}" height="{height}">'
    )
    return sys.modules["marimo"].Html(image)


def address_of(static: StaticPicture) -> str:
    """A picture as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(static.png).decode()}"


def has_widgets() -> bool:
    """Whether anywidget is installed."""
    return find_spec("anywidget") is not None


def _split(bundle: Any) -> Bundle:
    """Data and metadata of what a widget shows of itself."""
    if bundle is None:
        return {}, {}
    return bundle if isinstance(bundle, tuple) else (bundle, {})
