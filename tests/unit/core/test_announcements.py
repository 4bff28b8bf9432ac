"""Announcements reach whoever listens, or stderr."""

import threading

import pytest

from seewhy.core import announcements
from seewhy.core.announcements import announce, listening


def test_announcement_without_a_listener_goes_to_stderr(capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    announce("making a model")
    assert capsys.readouterr() == ("", "seewhy: making a model\n")


@pytest.mark.parametrize("value", ["1", "true"])
def test_nothing_is_written_where_bars_are_off(capsys, monkeypatch, value):
    monkeypatch.setenv("TQDM_DISABLE", value)
    announce("making a model")
    assert capsys.readouterr() == ("", "")


def test_nothing_is_written_in_a_notebook_or_without_stderr(capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    with monkeypatch.context() as patch:
        patch.setattr(announcements, "in_notebook", lambda: True)
        announce("making a model")
    assert capsys.readouterr().err == ""
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", None)
        announce("making a model")


def test_listeners_are_nested_and_of_their_thread(capsys):
    outer, inner = [], []
    with listening(outer.append):
        with listening(inner.append):
            announce("one")
        announce("two")
        thread = threading.Thread(target=announce, args=["three"])
        thread.start()
        thread.join()
    assert (inner, outer) == (["one"], ["two"])
