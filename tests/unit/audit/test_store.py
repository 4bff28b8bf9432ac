"""Rows of an audit: an answer with its words, completely or not at all, and once."""

from __future__ import annotations

import errno
import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pyarrow.parquet as pq
import pytest

from audit_parts import answer_row, diagnosed, word_row
from seewhy.audit import shards, tables
from seewhy.audit import store as under_test
from seewhy.audit.schema import FAILED, AnswerRow, Diagnosed
from seewhy.audit.store import Store
from seewhy.audit.tables import ANSWERS, WORDS
from seewhy.core.errors import OutputError, ParameterError, SchemaError
from seewhy.runs import files


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Files of few rows, so that merging is seen."""
    monkeypatch.setattr(under_test, "BATCH_ANSWERS", 2)
    monkeypatch.setattr(under_test, "FANOUT", 3)
    monkeypatch.setattr(under_test, "SHARD_ANSWERS", 12)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "audit")


def fill(store, numbers):
    with store.writing() as writer:
        for number in numbers:
            writer.add(diagnosed(number))


def numbers(store):
    return [int(row.id.partition("-")[2]) for row in store.iter_answers(["id"])]


def expect_whole(store, count):
    """Every answer once, in order, with its two words."""
    assert numbers(store) == list(range(count))
    words = [(row.id, row.word) for row in store.iter_words(["id", "word"])]
    assert words == [(f"row-{n}", word) for n in range(count) for word in (0, 1)]


def test_rows_come_back_as_they_were_written(store):
    empty = answer_row(1, status=FAILED, reason="why", thumbnail=b"", score="")
    bare = word_row(0, 1, visual_share=None, supported=None, peak=None, pointing=None, iou=None)
    rows = [Diagnosed(answer_row(0), (word_row(0, 0), bare)), Diagnosed(empty, ())]
    with store.writing() as writer:
        for row in rows:
            writer.add(row)
    assert list(store.iter_answers()) == [row.answer for row in rows]
    assert list(store.iter_words()) == list(rows[0].words)


def test_columns_that_are_not_read_are_empty(store):
    fill(store, range(1))
    (answer,) = store.iter_answers(["id", "generated"])
    assert answer == AnswerRow("row-0", "", "", "", True)
    (word, _) = store.iter_words(["peak"])
    assert (word.peak, word.text, word.support, word.word, word.iou) == (
        (3.5, 4.5),
        "",
        0.0,
        0,
        None,
    )
    assert len(list(store.iter_words([]))) == 2


def test_a_column_that_is_not_there_is_told(store):
    fill(store, range(1))
    with pytest.raises(ParameterError, match="Expected columns of words .*got 'supports'"):
        list(store.iter_words(["supports"]))


def test_half_of_a_character_is_stored_as_a_question_mark(store):
    with store.writing() as writer:
        writer.add(Diagnosed(answer_row(0, answer="cup \ud83d"), ()))
    assert [row.answer for row in store.iter_answers()] == ["cup ?"]


def test_small_files_are_merged_and_stay_few(store):
    fill(store, range(60))
    expect_whole(store, 60)
    assert len(store.shards()) == 10
    with store.writing() as writer:
        writer.compact()
    expect_whole(store, 60)
    counts = [pq.read_metadata(store.path(ANSWERS, shard)).num_rows for shard in store.shards()]
    assert max(counts) <= 12
    assert all(a + b > 12 for a, b in pairwise(counts))
    before = store.shards()
    with store.writing() as writer:
        writer.compact()
    assert store.shards() == before


def test_a_batch_is_written_when_time_has_passed(store, monkeypatch):
    monkeypatch.setattr(under_test, "BATCH_SECONDS", 0.0)
    with store.writing() as writer:
        writer.add(diagnosed(0))
        expect_whole(store, 1)


def test_an_error_in_the_run_loses_no_row(store):
    def run():
        with store.writing() as writer:
            writer.add(diagnosed(0))
            raise RuntimeError("the model")

    with pytest.raises(RuntimeError, match="the model"):
        run()
    expect_whole(store, 1)


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it runs."""


def killed_at(patch, fatal):
    """Let the `fatal`-th step of the file system be the last; returns the count of steps."""
    taken = Counter()

    def step(real):
        def stepped(*given, **options):
            taken["all"] += 1
            if taken["all"] > fatal:
                raise Killed
            return real(*given, **options)

        return stepped

    patch.setattr(tables.RowTable, "write", step(tables.RowTable.write))
    patch.setattr(files.os, "fsync", step(files.os.fsync))
    patch.setattr(files.Path, "replace", step(files.Path.replace))
    patch.setattr(files.Path, "unlink", step(files.Path.unlink))
    return taken


def test_killed_between_any_two_steps_nothing_is_lost_or_doubled(tmp_path, monkeypatch):
    """A killed process takes no further step; the next one begins with what is on the disk."""

    def run(store):
        fill(store, range(13))
        with store.writing() as writer:
            writer.compact()

    with monkeypatch.context() as patch:
        steps = killed_at(patch, 10**9)
        run(Store(tmp_path / "whole"))
    assert steps["all"] > 60
    for fatal in range(steps["all"]):
        store = Store(tmp_path / str(fatal))
        with monkeypatch.context() as patch:
            killed_at(patch, fatal)
            with pytest.raises(Killed):
                run(store)
        there = numbers(store) if store.folder.exists() else []
        assert there == list(range(len(there)))
        words = [row.id for row in store.iter_words(["id"])] if there else []
        assert Counter(words) == {f"row-{n}": 2 for n in there}
        fill(store, range(len(there), 13))
        expect_whole(store, 13)
        left = {path.name for path in store.folder.rglob("*.parquet")}
        assert left == {shard.name for shard in store.shards()}
        assert not list(store.folder.rglob("*.part"))


def test_two_runs_do_not_write_one_folder(store):
    with (
        store.writing(),
        pytest.raises(OutputError, match="another run is writing"),
        Store(store.folder).writing(),
    ):
        pass


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("all my work")
    with pytest.raises(OutputError, match="holds something else"), Store(tmp_path).writing():
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_full_disk_is_told_and_leaves_nothing_half_written(store, monkeypatch):
    fill(store, range(2))

    def full(self, path, batches):
        path.write_bytes(b"PAR1")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tables.RowTable, "write", full)
    with pytest.raises(OutputError, match="No space left on device: make room"):
        fill(store, range(2, 4))
    monkeypatch.undo()
    expect_whole(store, 2)
    assert len(list(store.folder.rglob("*.p*"))) == 2


@pytest.mark.parametrize("content", [b"", b"nothing of ours", b"PAR1PAR1"])
def test_a_damaged_file_is_told(store, content):
    fill(store, range(2))
    store.path(WORDS, store.shards()[0]).write_bytes(content)
    with pytest.raises(SchemaError, match="Remove the file"):
        list(store.iter_words())


def test_missing_words_are_told(store):
    fill(store, range(2))
    store.path(WORDS, store.shards()[0]).unlink()
    with pytest.raises(SchemaError, match="FileNotFoundError"):
        list(store.iter_words())


def test_files_that_overlap_are_told(store):
    fill(store, range(2))
    path = store.path(ANSWERS, store.shards()[0])
    for name in (shards.Shard(3, 5).name, shards.Shard(4, 6).name):
        (path.parent / name).write_bytes(path.read_bytes())
    with pytest.raises(SchemaError, match="Expected files of different batches"):
        store.shards()


def test_rows_of_a_newer_schema_are_refused(store, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tables, "SCHEMA_VERSION", 2)
        fill(store, range(1))
    with pytest.raises(SchemaError, match="schema 1 or older, got '2'"):
        list(store.iter_answers())


def test_rows_without_a_later_column_are_read(store):
    fill(store, range(1))
    path = store.path(ANSWERS, store.shards()[0])
    pq.write_table(pq.read_table(path).drop_columns(["seconds", "report"]), path)
    (row,) = store.iter_answers()
    assert row == replace(answer_row(0), seconds=0.0)
    with store.writing() as writer:
        writer.set_reports({"row-0": "reports/a"})
    assert [row.report for row in store.iter_answers()] == ["reports/a"]


def test_failed_rows_are_removed_to_be_done_again(store):
    with store.writing() as writer:
        for number in range(6):
            changes = {"status": FAILED, "reason": "why"} if number in (0, 3) else {}
            writer.add(diagnosed(number, words=0 if changes else 2, **changes))
    assert store.reasons() == {"": 4, "why": 2}
    with store.writing() as writer:
        assert writer.drop_failed() == 2
        assert writer.drop_failed() == 0
    assert numbers(store) == [1, 2, 4, 5]
    assert len(list(store.iter_words())) == 8


def test_reports_are_stored_with_their_answers_alone(store):
    fill(store, range(6))
    before = {s: store.path(ANSWERS, s).stat().st_mtime_ns for s in store.shards()}
    with store.writing() as writer:
        writer.set_reports({"row-5": "reports/b"})
    assert [row.report for row in store.iter_answers()] == ["", "", "", "", "", "reports/b"]
    assert [row.thumbnail for row in store.iter_answers()] == [bytes([n, 1]) for n in range(6)]
    after = {s: store.path(ANSWERS, s).stat().st_mtime_ns for s in store.shards()}
    assert before.keys() == after.keys()


def test_plan_comes_back_and_a_newer_or_damaged_one_is_told(store):
    with store.writing() as writer:
        assert store.read_plan() is None
        writer.save_plan({"model": "m"})
    path = store.folder / "plan.json"
    assert store.read_plan() == {"schema": 1, "model": "m"}
    path.write_text(json.dumps({"schema": 2}))
    with pytest.raises(SchemaError, match="schema 1 or older, got 2"):
        store.read_plan()
    path.write_text("{")
    with pytest.raises(SchemaError, match="Expected the plan of an audit"):
        store.read_plan()
