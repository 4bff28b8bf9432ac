"""The app's page in a cell: its pictures, its model, its end."""

import numpy as np
import pytest

from seewhy.core.errors import ImageError
from seewhy.notebook.cell_output import VIEW


def start_of(widget):
    sent = []
    send = lambda content, buffers=(): sent.append(content)  # noqa: E731
    object.__setattr__(widget, "send", send)
    widget._handle_custom_msg({"ask": "start", "id": "1"}, [])
    return sent[0]


def test_interact_has_pictures_and_prompt_at_first_and_ends_when_it_is_closed(explainer):
    pictures = [np.full((20, 30, 3), 200, np.uint8), np.zeros((10, 10, 3), np.uint8)]
    page = explainer.interact(pictures, "What is this?", height=400)
    start = start_of(page)
    assert start["prompt"] == "What is this?"
    assert [(one["name"], one["width"]) for one in start["pictures"]] == [
        ("picture 1", 30),
        ("picture 2", 10),
    ]
    assert page.height == 400
    data, _ = page._repr_mimebundle_()
    assert VIEW in data
    assert explainer.name in data["text/plain"]
    (cell,) = [call.__self__ for call in page._msg_callbacks.callbacks if hasattr(call, "__self__")]
    folder = cell.service.folder
    assert folder.exists()
    page.close()
    assert cell.sitting.is_closed
    assert not folder.exists()


def test_interact_without_a_picture_begins_empty(explainer):
    page = explainer.interact()
    assert start_of(page)["pictures"] == []
    page.close()


def test_a_picture_that_cannot_be_read_is_told_at_once(explainer):
    with pytest.raises(ImageError, match="no-such"):
        explainer.interact("no-such.png")
