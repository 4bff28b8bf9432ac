"""The live widgets of a notebook.

A widget's state is small: front ends save it in the notebook file. The page's code and its data go
to the browser as messages, when a view asks for them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from seewhy.core.errors import OutputError
from seewhy.notebook.page_code import PageCode, loader, packed, page_code
from seewhy.report.static_sheet import StaticPicture

if TYPE_CHECKING:
    from anywidget import AnyWidget

HEIGHT = 760
"""Of a page in a cell, at most, in CSS pixels; what is longer scrolls inside."""


def report_widget(
    payload: Callable[[], Any], static: StaticPicture | None = None, *, height: int = HEIGHT
) -> AnyWidget:
    """The report in a cell.

    Args:
        payload: makes the page's data; it is called when a view asks for it.
        static: stands in the cell before the page, and is hidden once the page is drawn.
        height: of the cell in CSS pixels, at most.

    Raises:
        OutputError: if anywidget is not installed.
    """
    from seewhy.report.page import STYLES, asset

    code = page_code("report", "".join(map(asset, STYLES)))
    return page_widget(code, payload, static, height)


def comparison_widget(
    payload: Callable[[], Any], static: StaticPicture | None = None, *, height: int = HEIGHT
) -> AnyWidget:
    """A comparison in a cell; as `report_widget`."""
    from seewhy.report.comparison_page import STYLES
    from seewhy.report.page import asset

    code = page_code("comparison", "".join(map(asset, STYLES)))
    return page_widget(code, payload, static, height)


def page_widget(
    code: PageCode, payload: Callable[[], Any], static: StaticPicture | None, height: int
) -> AnyWidget:
    """A widget that shows a page of one payload."""
    widget = cell_widget(code, static, height)

    def on_message(_: Any, content: Any, buffers: Any) -> None:
        if isinstance(content, dict) and content.get("ask") == "payload":
            text = json.dumps(payload(), ensure_ascii=False, allow_nan=False)
            widget.send({"id": content.get("id")}, [packed(text)])

    widget.on_msg(on_message)
    return widget


def cell_widget(code: PageCode, static: StaticPicture | None, height: int, about: str = "") -> Any:
    """A widget that gives its views their code.

    Args:
        code: of the page.
        static: stands in the cell before the page, and is hidden once the page is drawn.
        height: of the cell in CSS pixels, at most.
        about: what is shown where widgets are not.

    Raises:
        OutputError: if anywidget is not installed.
    """
    widget = _widget_class()(
        version=code.version,
        height=height,
        picture=[] if static is None else list(static.pixels),
    )
    widget.about = about or widget.about

    def on_message(_: Any, content: Any, buffers: Any) -> None:
        if isinstance(content, dict) and content.get("ask") == "code":
            widget.send({"id": content.get("id")}, list(code.packed))

    widget.on_msg(on_message)
    return widget


def _widget_class() -> Any:
    """The class of all widgets; made when first needed, since anywidget is an extra."""
    global _CLASS
    if _CLASS is None:
        try:
            import anywidget
            import traitlets
        except ImportError as error:
            raise OutputError(
                "Expected anywidget for a live page in a cell, got none: "
                "pip install 'seewhy[notebook]'."
            ) from error

        class CellPage(anywidget.AnyWidget):
            """A page of seewhy in a notebook's cell."""

            _esm = loader()
            version = traitlets.Unicode().tag(sync=True)
            picture = traitlets.List(traitlets.Int()).tag(sync=True)
            height = traitlets.Int().tag(sync=True)
            about = "The live page of seewhy. Run this cell to see it."

            def when_closed(self, call: Callable[[], None]) -> None:
                """Call something when the widget is closed."""
                self.observe(lambda change: change.new is None and call(), "comm")

            def __repr__(self) -> str:
                return self.about

        _CLASS = CellPage
    return _CLASS


_CLASS: Any = None
