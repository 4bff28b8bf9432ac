"""The app's page in a notebook's cell, for the model of one explainer."""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seewhy.app.limits import Limits
from seewhy.app.page import style
from seewhy.app.service import Service
from seewhy.app.sitting import Sitting
from seewhy.chats import Media, read_question
from seewhy.notebook.app_cell import AppCell
from seewhy.notebook.page_code import page_code
from seewhy.notebook.widget import cell_widget

if TYPE_CHECKING:
    from seewhy.explainer import Explainer

HEIGHT = 860
"""Of the page in a cell, at most, in CSS pixels."""

LIMITS = Limits(sitting_seconds=30 * 24 * 3600.0)
"""A notebook may rest for days; its sitting ends when its widget is closed, or the kernel ends."""


def interact(
    explainer: Explainer,
    image: Media | Sequence[Media] | None = None,
    prompt: str | None = None,
    *,
    height: int = HEIGHT,
) -> Any:
    """The app's page in a cell; see `Explainer.interact`."""
    code = page_code("app", style().decode())
    about = f"The app's page for {explainer.name}. Run this cell to use it."
    widget = cell_widget(code, None, height, about)
    service = Service(models=[explainer], limits=LIMITS)
    try:
        sitting = service.sitting()
        pictures = _pictures(sitting, image)
    except BaseException:
        service.close()
        widget.close()
        raise
    start = {"pictures": pictures, "prompt": prompt or ""}
    cell = AppCell(widget, service, sitting, start)
    widget.on_msg(cell.receive)
    widget.when_closed(cell.close)
    atexit.register(cell.close)
    return widget


def _pictures(sitting: Sitting, image: Media | Sequence[Media] | None) -> list[dict[str, Any]]:
    """Put pictures and clips into a sitting; what the page is told of them."""
    if image is None:
        return []
    media = read_question(image, None).conversation.media
    names = ["picture"] if len(media) == 1 else [f"picture {i}" for i in range(1, len(media) + 1)]
    return [
        sitting.media.add(medium, name, ()).to_json()
        for medium, name in zip(media, names, strict=True)
    ]
