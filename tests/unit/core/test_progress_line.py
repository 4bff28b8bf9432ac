"""A line in a cell that says what is waited for, and is gone afterwards."""

import threading
from types import SimpleNamespace

import pytest

from seewhy.core import progress_line as module
from seewhy.core.progress_line import progress_line


class Publisher:
    """What a kernel's publisher of outputs is asked to do."""

    def __init__(self) -> None:
        self.told: list[tuple[dict, dict]] = []
        self.shown = threading.Event()

    def publish(self, data, metadata, **told):
        self.told.append((data, told))
        self.shown.set()


@pytest.fixture
def publisher(monkeypatch):
    publisher = Publisher()
    monkeypatch.setattr(module, "in_notebook", lambda: True)
    monkeypatch.setattr(module, "shell", lambda: SimpleNamespace(display_pub=publisher))
    monkeypatch.setattr(module, "DELAY", 0.001)
    monkeypatch.setattr(module, "PAUSE", 0.001)
    return publisher


def test_line_is_shown_changed_and_taken_away(publisher):
    with progress_line("loading it", lambda: "20 MB, ") as tell:
        assert publisher.shown.wait(10)
        assert tell is not None
        tell("explaining")
        publisher.shown.clear()
        assert publisher.shown.wait(10)
        publisher.shown.clear()
        assert publisher.shown.wait(10)
    first, last = publisher.told[0], publisher.told[-1]
    assert first[0] == {"text/plain": "seewhy: loading it … 20 MB, 0 s"}
    assert not first[1]["update"]
    assert any("explaining" in data.get("text/plain", "") for data, _ in publisher.told)
    assert last[0] == {}
    assert last[1]["update"]
    assert len({told["transient"]["display_id"] for _, told in publisher.told}) == 1
    assert not [thread for thread in threading.enumerate() if thread.name == "seewhy-progress"]


def test_what_is_quick_shows_no_line(publisher, monkeypatch):
    monkeypatch.setattr(module, "DELAY", 60)
    with progress_line("quick"):
        pass
    assert publisher.told == []


def test_line_goes_when_the_block_fails(publisher):
    def work() -> None:
        with progress_line("failing"):
            assert publisher.shown.wait(10)
            raise ValueError("failed")

    with pytest.raises(ValueError, match="failed"):
        work()
    assert publisher.told[-1][0] == {}


def test_scripts_and_other_threads_show_nothing(publisher, monkeypatch):
    found = []

    def work() -> None:
        with progress_line("in a thread") as tell:
            found.append(tell)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    monkeypatch.setattr(module, "in_notebook", lambda: False)
    with progress_line("in a script") as tell:
        found.append(tell)
    assert found == [None, None]
    assert publisher.told == []
