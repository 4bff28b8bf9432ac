"""Widgets answer what their views ask, and are made only where anywidget is installed."""

import builtins
import gzip
import json

import pytest

from golden.records import record_of
from seewhy.core.errors import OutputError
from seewhy.explanation import Explanation
from seewhy.notebook import widget as module
from seewhy.report.payload import payload


@pytest.fixture
def asked():
    """Asks a widget something; what it sends back."""

    def ask(widget, content):
        sent = []
        send = lambda content, buffers=(): sent.append((content, buffers))  # noqa: E731
        object.__setattr__(widget, "send", send)
        widget._handle_custom_msg(content, [])
        return sent

    return ask


def test_widget_gives_code_and_payload_to_those_who_ask(asked):
    record = record_of()
    widget = Explanation(record).widget(height=500)
    ((content, buffers),) = asked(widget, {"ask": "code", "id": "7"})
    assert content == {"id": "7"}
    assert gzip.decompress(buffers[0]).decode().endswith("$notebook_report_page;\n")
    ((content, buffers),) = asked(widget, {"ask": "payload", "id": "8"})
    assert content == {"id": "8"}
    assert json.loads(gzip.decompress(buffers[0])) == json.loads(json.dumps(payload(record)))
    assert widget.height == 500
    assert asked(widget, {"ask": "else", "id": "9"}) == []
    assert asked(widget, ["no", "object"]) == []


def test_state_names_the_code_and_holds_none_of_it():
    widget = Explanation(record_of()).widget()
    state = widget.get_state()
    assert len(state["version"]) == 16
    assert "class Report" not in json.dumps(state, default=str)
    assert len(state["picture"]) == 2


def test_missing_anywidget_is_told_with_the_extra(monkeypatch):
    monkeypatch.setattr(module, "_CLASS", None)
    real = builtins.__import__

    def without(name, *rest, **named):
        if name == "anywidget":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(OutputError, match=r"pip install 'seewhy\[notebook\]'"):
        Explanation(record_of()).widget()


def test_when_closed_is_called_once():
    widget = Explanation(record_of()).widget()
    ended = []
    widget.when_closed(lambda: ended.append(True))
    widget.close()
    widget.close()
    assert ended == [True]
