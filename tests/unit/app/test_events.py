"""Events of a job: none is missed, whole states replace each other, listeners are counted."""

import threading

from seewhy.app.events import EventLog


def named(log, after=0):
    return [event.name for event in log.after(after)[0]]


def test_a_listener_that_comes_late_gets_everything_in_order():
    log = EventLog()
    log.add("started", {})
    log.add("stage", {"text": "loading"})
    log.add("stage", {"text": "explaining"})
    assert [(e.id, e.data.get("text")) for e in log.after(0)[0]] == [
        (1, None), (2, "loading"), (3, "explaining")
    ]  # fmt: skip
    assert named(log, 2) == ["stage"]
    assert log.after(3) == ([], False)


def test_a_later_whole_state_takes_the_place_of_earlier_ones():
    log = EventLog()
    for number in range(1000):
        log.add("answer", {"text": "x" * number})
    events, _ = log.after(0)
    assert [(event.id, len(event.data["text"])) for event in events] == [(1000, 999)]


def test_nothing_follows_the_last_event():
    log = EventLog()
    log.add("done", {"result": 1})
    log.add("failed", {})
    log.add("answer", {"text": "late"})
    assert log.after(0)[1]
    assert named(log) == ["done"]


def test_follow_waits_for_events_and_ends_with_the_last():
    log, heard = EventLog(), []
    thread = threading.Thread(target=lambda: heard.extend(e.name for e in log.follow()))
    thread.start()
    for name in ("started", "stage", "done"):
        log.add(name, {})
    thread.join(10)
    assert heard == ["started", "stage", "done"]
    assert list(log.follow(3)) == []


def test_two_listeners_hear_the_same():
    log = EventLog()
    log.add("started", {})
    one, two = log.follow(), log.follow()
    assert next(one) == next(two)
    log.add("cancelled", {})
    assert [e.name for e in one] == [e.name for e in two] == ["cancelled"]


def test_silence_is_counted_from_the_last_listener_on(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("seewhy.app.events.time.monotonic", lambda: now[0])
    log = EventLog()
    now[0] = 103.0
    assert log.seconds_unheard() == 3
    with log.listening(lambda: None):
        now[0] = 150.0
        assert log.seconds_unheard() == 0
    now[0] = 154.0
    assert log.seconds_unheard() == 4


def test_a_listener_that_left_is_not_called():
    log, calls = EventLog(), []
    with log.listening(lambda: calls.append(1)):
        log.add("started", {})
    log.add("stage", {})
    assert calls == [1]
