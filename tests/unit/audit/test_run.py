"""A run from end to end with a recorded model: engines, deaths, resumption, bad rows."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace

import pytest

from audit_parts import Recorded, Rows, slow_run
from forked_workers import forked_workers, started  # noqa: F401 - a fixture
from seewhy.audit import AuditConfig, Store, run_audit
from seewhy.audit.failures import NO_MEMORY
from seewhy.audit.queue import KILLED
from seewhy.audit.schema import DONE
from seewhy.core.errors import ModelError, OutputError, ParameterError


def audit(out, rows=None, *, model=None, progress=None, **changes):
    given = {"reports": "none", "page": False, **changes}
    config = AuditConfig(rows or Rows(), out, model or Recorded(), **given)
    return run_audit(config, progress=progress)


def ids(store):
    return [row.id for row in store.iter_answers(["id"])]


def expect_each_once(store, count):
    found = ids(store)
    assert sorted(found) == sorted(f"row-{n}" for n in range(count))
    done = {r.id for r in store.iter_answers(["id", "status"]) if r.status == DONE}
    words = Counter((row.id, row.word) for row in store.iter_words(["id", "word"]))
    assert words == {(id, word): 1 for id in done for word in (1, 2)}


def failures(store):
    return {r.id: r.reason for r in store.iter_answers(["id", "status", "reason"]) if r.reason}


def test_every_row_is_stored_with_its_words(tmp_path):
    result = audit(tmp_path / "a")
    assert (result.done, result.failed, result.page) == (10, 0, None)
    assert result.scores == {"yes": 10.0, "all": 10.0}
    expect_each_once(result.store, 10)
    answer = next(result.store.iter_answers())
    assert (answer.answer, answer.prompt, answer.generated) == ("a red cup", "What?", True)
    assert (answer.width, answer.height, answer.status) == (40, 40, DONE)
    assert answer.thumbnail.startswith(b"\xff\xd8")
    red, cup = list(result.store.iter_words())[:2]
    assert (red.text, red.supported, red.follows, red.follows_part) == (
        "red",
        False,
        "cup",
        "answer",
    )
    assert (cup.category, cup.group, cup.supported, cup.pointing) == ("cup", "object", True, False)
    assert (cup.peak, cup.map, cup.map_height, cup.map_width) == (
        (30, 30),
        b"\x1a\x33\x00\xff",
        2,
        2,
    )
    assert cup.iou == pytest.approx(0.0, abs=0.2)
    assert json.loads(cup.because)["changes"][0]["kind"] == "other-pictures"
    assert red.iou is None


def test_bad_rows_are_counted_by_reason_and_the_run_goes_on(tmp_path):
    prompts = {1: "unreadable a.png", 2: "unreadable b.png", 3: "memory", 4: "mistake x"}
    states = []
    result = audit(tmp_path / "a", Rows(prompts=prompts, bad=[7]), progress=states.append)
    expect_each_once(result.store, 10)
    picture = "The picture is missing, broken, empty or too large."
    assert result.reasons == {
        picture: 2,
        NO_MEMORY: 1,
        "A line that is no JSON.": 1,
        "unexpected TypeError in seewhy.audit.diagnosing.explain_row": 1,
    }
    assert list(result.unexpected.values()) == [1]
    (detail,) = [r.detail for r in result.store.iter_answers() if r.id == "row-2"]
    assert "'b.png'" in detail
    (detail,) = [r.detail for r in result.store.iter_answers() if r.id == "row-4"]
    assert "Traceback" in detail
    assert states[-1].failed == 5
    assert (states[-1].done, states[-1].total, states[-1].found) == (10, 10, 0)


def test_rows_go_through_the_model_together_and_fail_alone(tmp_path):
    result = audit(tmp_path / "a", Rows(prompts={2: "unreadable a.png"}), batch=4)
    expect_each_once(result.store, 10)
    assert list(failures(result.store)) == ["row-2"]


def test_an_id_that_comes_twice_is_a_bad_row(tmp_path):
    class Doubled(Rows):
        def rows(self):
            yield from super().rows()
            yield from super().rows()

    for _ in range(2):
        result = audit(tmp_path / "a", Doubled(count=2))
        assert sorted(ids(result.store)) == [
            *("row-0", "row-0 (again, row 2)", "row-1", "row-1 (again, row 3)")
        ]
    assert result.reasons == {"The id of this row is that of an earlier one.": 2}


def test_started_again_nothing_is_done_twice_and_the_limit_may_grow(tmp_path):
    states = []
    audit(tmp_path / "a", limit=3)
    audit(tmp_path / "a", limit=3, progress=states.append)
    assert not states
    result = audit(tmp_path / "a", limit=8, progress=states.append)
    assert (states[0].found, states[-1].done, states[-1].total) == (3, 5, 8)
    expect_each_once(result.store, 8)


def test_rows_are_drawn_and_more_rows_are_the_same_and_others(tmp_path):
    few = set(ids(audit(tmp_path / "a", Rows(100), limit=5, shuffle=1).store))
    assert few != {f"row-{n}" for n in range(5)}
    assert len(few) == 5
    more = ids(audit(tmp_path / "a", Rows(100), limit=9, shuffle=1).store)
    assert len(more) == len(set(more)) == 9
    assert few < set(more)
    assert few != set(ids(audit(tmp_path / "b", Rows(100), limit=5, shuffle=2).store))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": Rows(version="2")}, "other rows of data .*rows 1 there, .*rows 2 now"),
        ({"explain": {"max_new_tokens": 9}}, r'other settings .*\({} there, {"max_new_tokens": 9}'),
        ({"dtype": "bfloat16"}, 'another dtype .null there, "bfloat16" now'),
        ({"limit": 2, "shuffle": 3}, "another seed of shuffle .null there, 3 now"),
    ],
)
def test_an_audit_goes_on_only_as_it_began(tmp_path, changes, message):
    audit(tmp_path / "a", limit=1)
    with pytest.raises(OutputError, match=message):
        audit(tmp_path / "a", **changes)
    assert ids(Store(tmp_path / "a")) == ["row-0"]


def test_another_model_is_refused(tmp_path):
    class Other(Recorded):
        name = "other"

    audit(tmp_path / "a", limit=1)
    with pytest.raises(OutputError, match=r"another model \(recorded, .* there, other, .* now\)"):
        audit(tmp_path / "a", model=Other())


def test_what_failed_is_done_over_when_asked(tmp_path):
    marker = tmp_path / "there"

    class Healing(Recorded):
        def explain(self, images=None, prompt=None, **settings):
            if prompt == "heals" and not marker.exists():
                raise MemoryError
            return super().explain(images, "What?", **settings)

    rows = Rows(prompts={4: "heals"})
    assert audit(tmp_path / "a", rows, model=Healing()).failed == 1
    marker.touch()
    assert audit(tmp_path / "a", rows, model=Healing()).failed == 1
    result = audit(tmp_path / "a", rows, model=Healing(), retry=True)
    assert result.failed == 0
    expect_each_once(result.store, 10)


@pytest.mark.usefixtures("forked_workers")
def test_workers_find_the_same_rows_and_one_that_dies_is_replaced(tmp_path):
    prompts = {2: f"kill-once {tmp_path / 'mark'}", 5: "kill", 6: "device"}
    result = audit(tmp_path / "a", Rows(30, prompts), workers=2)
    assert (tmp_path / "mark").exists()
    assert failures(result.store) == {"row-5": KILLED, "row-6": KILLED}
    expect_each_once(result.store, 30)
    details = {row.id: row.detail for row in result.store.iter_answers(["id", "detail"])}
    assert "SIGKILL" in details["row-5"]
    assert "exit status 1" in details["row-6"]


@pytest.mark.usefixtures("forked_workers")
def test_a_row_that_kills_its_worker_is_found_in_a_batch(tmp_path):
    result = audit(tmp_path / "a", Rows(12, {5: "kill"}), workers=2, batch=4)
    assert failures(result.store) == {"row-5": KILLED}
    expect_each_once(result.store, 12)


def test_an_unusable_gpu_stops_the_only_worker_and_keeps_the_rows(tmp_path):
    with pytest.raises(ModelError, match="two workers or more"):
        audit(tmp_path / "a", Rows(prompts={6: "device"}))
    expect_each_once(Store(tmp_path / "a"), 6)


@pytest.mark.usefixtures("forked_workers")
def test_workers_that_keep_dying_end_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr("seewhy.audit.queue.DEATHS_IN_SUCCESSION", -4)
    with pytest.raises(ModelError, match="died in succession"):
        audit(tmp_path / "a", Rows(prompts=dict.fromkeys(range(10), "kill")), workers=2)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")
def test_ray_finds_the_same_rows_and_replaces_actors(tmp_path):
    prompts = {2: f"kill-once {tmp_path / 'mark'}", 5: "kill", 6: "unreadable x"}
    result = audit(tmp_path / "a", Rows(20, prompts), engine="ray", workers=2)
    assert (tmp_path / "mark").exists()
    assert failures(result.store).keys() == {"row-5", "row-6"}
    expect_each_once(result.store, 20)


def test_the_worst_answers_get_their_reports(tmp_path):
    class Varied(Recorded):
        def explain(self, images=None, prompt=None, **settings):
            found = super().explain(images, "What?", **settings)
            support = float(prompt.partition(" ")[2])
            found.words[2].verdict = replace(found.words[2].verdict, support=support)
            found.words[1].verdict = replace(found.words[1].verdict, support=0.95)
            return found

    prompts = {n: f"support {(n * 7) % 10 / 10}" for n in range(10)}
    result = audit(tmp_path / "a", Rows(prompts=prompts), model=Varied(), reports="worst:2")
    linked = {r.id: r.report for r in result.store.iter_answers(["id", "report"]) if r.report}
    assert linked.keys() == {"row-0", "row-3"}
    for folder in linked.values():
        assert (result.store.folder / folder / "report.html").read_text() == "a report"
        assert (result.store.folder / folder / "pictures/0.png").read_bytes() == b"png"
    written = {p: p.stat().st_mtime_ns for p in result.store.reports.rglob("*.html")}
    result = audit(tmp_path / "a", Rows(prompts=prompts), model=Varied(), reports="worst:3")
    assert len(list(result.store.reports.iterdir())) == 3
    assert all(path.stat().st_mtime_ns == at for path, at in written.items())


def test_all_reports_are_saved_as_they_come(tmp_path):
    result = audit(tmp_path / "a", Rows(4, {1: "mistake x"}), reports="all")
    linked = [row.report for row in result.store.iter_answers(["report"])]
    assert [bool(report) for report in linked] == [True, False, True, True]
    assert all((result.store.folder / r / "report.html").is_file() for r in linked if r)


def test_reports_that_cannot_be_saved_are_counted(tmp_path, monkeypatch):
    def refuse(*given):
        raise OSError("no")

    monkeypatch.setattr("audit_parts._save", refuse)
    result = audit(tmp_path / "a", Rows(4), reports="worst:3")
    assert result.missing_reports == {"a file cannot be read": 3}
    assert result.done == 4


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_any_moment_it_goes_on_where_it_was(tmp_path, workers):
    folder = tmp_path / "a"
    store, before = Store(folder), 0
    for _ in range(2):
        running = started(slow_run, folder, workers)
        until = time.monotonic() + 120
        while True:
            assert time.monotonic() < until, "nothing was written"
            assert running.is_alive(), "it ended before it was killed"
            names = list(folder.glob("answers/*.parquet"))
            last = max((int(path.name[11:21]) for path in names), default=-1)
            if last > before:
                break
            time.sleep(0.01)
        running.kill()
        running.join()
        before = last
        found = ids(store)
        assert len(found) == len(set(found)) >= 3
    assert len(ids(store)) < 40
    result = audit(folder, Rows(40), model=Recorded())
    expect_each_once(result.store, 40)


def test_loaded_models_are_for_one_local_worker(tmp_path):
    with pytest.raises(ParameterError, match="got a loaded one"):
        audit(tmp_path / "a", model=(object(), object()), workers=2)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"engine": "spark"}, "Expected the engine 'local' or 'ray', got 'spark'"),
        ({"workers": 0}, "Expected workers of at least 1, got 0"),
        ({"batch": 0}, "Expected batch of at least 1, got 0"),
        ({"limit": 0}, "Expected limit of at least 1, got 0"),
        ({"shuffle": 1}, "Expected a limit with shuffle"),
        ({"reports": "best:3"}, "Expected reports 'worst:N', 'all' or 'none', got 'best:3'"),
    ],
)
def test_a_config_that_cannot_be_is_told(tmp_path, changes, message):
    with pytest.raises(ParameterError, match=message):
        audit(tmp_path / "a", **changes)
    assert not (tmp_path / "a").exists()


def test_rows_are_read_as_workers_ask_for_them(tmp_path):
    """Back-pressure: a source is never read far ahead of what is stored."""
    ahead, read = [], 0

    class Watched(Rows):
        def rows(self):
            nonlocal read
            for row in super().rows():
                read += 1
                yield row

    def progress(state):
        ahead.append(read - counted - state.done)

    rows = Watched(2000)
    counted = 2000  # they are counted once, before the run
    audit(tmp_path / "a", rows, progress=progress)
    assert max(ahead) <= 8
