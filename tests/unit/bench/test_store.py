"""Rows: whole or not at all, counted once, never mixed."""

from __future__ import annotations

import errno
import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from seewhy.bench import store as under_test
from seewhy.bench.store import FAILED, Row, Store, table_of
from seewhy.core.errors import OutputError, SchemaError

ROW = Row(
    task="t1",
    model="m",
    model_fingerprint="mf",
    data="d",
    data_fingerprint="df",
    sample="s",
    method="tam",
    method_key="tk",
    metric="overlap",
    metric_key="ok",
    settings_key="sk",
    figure="iou",
    word=2,
    text="cup",
    role="kind",
    tags={"size": "small"},
    value=0.5,
    label=True,
    created="2026-01-01T00:00:00+00:00",
)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "results").writing() as held:
        yield held


def values(store):
    return sorted((row["task"], row["value"]) for row in store.read().to_pylist())


def test_rows_come_back_as_they_were_written(store):
    undefined = replace(ROW, task="t2", value=None, label=None, status="undefined", reason="why")
    store.add([ROW, undefined])
    first, second = store.read().to_pylist()
    assert Row(**{**first, "tags": dict(first["tags"])}) == ROW
    assert (second["value"], second["label"], second["reason"]) == (None, None, "why")


def test_files_keep_the_column_names_of_the_first_version(store):
    store.add([ROW])
    (path,) = store.files()
    names = pq.read_schema(path).names
    assert names[0] == "unit"
    assert names[1:] == store.read().column_names[1:]


def test_a_task_written_twice_counts_once(store):
    store.add([ROW, replace(ROW, word=3)])
    store.add([replace(ROW, value=0.9)])
    assert values(store) == [("t1", 0.5), ("t1", 0.5)]


def test_a_later_attempt_takes_the_place_of_an_earlier(store):
    store.add([replace(ROW, value=None, status=FAILED, reason="out of memory")])
    assert store.done()["t1"].failed
    store.add([replace(ROW, attempt=1, value=0.7)])
    assert values(store) == [("t1", 0.7)]
    assert not store.done()["t1"].failed


def test_merge_makes_one_file_and_changes_nothing(store):
    for task in ("t1", "t2", "t3", "t1"):
        store.add([replace(ROW, task=task)])
    before = values(store)
    store.merge()
    assert len(store.files()) == 1
    assert values(store) == before


def test_merge_that_was_killed_counts_nothing_twice(store):
    store.add([ROW])
    store.add([replace(ROW, task="t2")])
    earlier = {path: path.read_bytes() for path in store.files()}
    store.merge()
    for path, content in earlier.items():
        path.write_bytes(content)
    assert values(store) == [("t1", 0.5), ("t2", 0.5)]


def test_a_half_written_file_is_not_read(store):
    store.add([ROW])
    (store.rows / ".0001.parquet.part").write_bytes(b"PAR1 and no more")
    assert values(store) == [("t1", 0.5)]


def test_two_runs_do_not_write_one_folder(store):
    with pytest.raises(OutputError, match="another run is writing"), Store(store.folder).writing():
        pass


def test_writing_sweeps_what_a_killed_run_left(tmp_path):
    with Store(tmp_path).writing() as held:
        left = held.rows / ".0001.parquet.part"
        left.write_bytes(b"half")
    with Store(tmp_path).writing():
        assert not left.exists()


def test_a_full_disk_is_told_and_leaves_nothing_half_written(store, monkeypatch):
    store.add([ROW])

    def full(table, path):
        path.write_bytes(b"PAR1")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OutputError, match="No space left on device: make room"):
        store.add([replace(ROW, task="t2")])
    assert [path.name for path in store.rows.iterdir()] == [store.files()[0].name]
    assert values(store) == [("t1", 0.5)]


def test_rows_of_a_newer_schema_are_refused(store, monkeypatch):
    monkeypatch.setattr(under_test, "SCHEMA_VERSION", 2)
    store.add([ROW])
    monkeypatch.undo()
    with pytest.raises(SchemaError, match="schema 1 or older, got 2"):
        store.read()


def test_a_run_of_a_newer_schema_is_refused(store):
    store.save_run("k", {"settings": {}})
    path = store.runs / "k.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 2}))
    with pytest.raises(SchemaError, match="update seewhy"):
        store.read_runs()


@pytest.mark.parametrize("content", [b"", b"nothing of ours", b"PAR1PAR1"])
def test_a_damaged_file_is_told(store, content):
    (store.rows / "0.parquet").write_bytes(content)
    with pytest.raises(SchemaError, match="Remove the file"):
        store.done()


def test_rows_of_somebody_else_are_refused(store):
    pq.write_table(table_of([ROW]).replace_schema_metadata({}), store.rows / "0.parquet")
    with pytest.raises(SchemaError, match="got None"):
        store.read()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("all my work")
    with pytest.raises(OutputError, match="holds something else"), Store(tmp_path).writing():
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_without_runs_is_told(tmp_path):
    with pytest.raises(SchemaError, match="holds no runs"):
        Store(tmp_path).read_runs()
