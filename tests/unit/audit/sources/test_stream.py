"""Entries of large JSON files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seewhy.audit.sources import _stream
from seewhy.audit.sources._stream import entries, entry_at, members, short_lists
from seewhy.core.errors import DatasetError

TRICKY = [
    {"id": 1, "text": 'a "quoted" ] [ } { text \\'},
    {"id": 2, "text": "ünï 犬 \u2028", "deep": [[{"id": 9}], {"a": {"id": 3}}]},
    {"id": 3, "text": "", "runs": "`\\\\nk1O2"},
]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 20])
@pytest.mark.parametrize("ascii", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
def test_entries_of_an_array_are_those_of_the_parser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, ascii: bool, indent: int | None
) -> None:
    monkeypatch.setattr(_stream, "CHUNK", chunk)
    path = write(tmp_path / "a.json", json.dumps(TRICKY, ensure_ascii=ascii, indent=indent))
    found = list(entries(path))
    assert [entry.value for entry in found] == TRICKY
    assert [entry.place for entry in found] == ["entry 1", "entry 2", "entry 3"]
    assert [entry_at(path, entry.start, entry.end) for entry in found] == TRICKY


@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_entries_of_lines_skip_empty_ones(tmp_path: Path, bom: str) -> None:
    lines = "\n\n".join(json.dumps(value) for value in TRICKY)
    path = write(tmp_path / "a.json", f"{bom}{lines}\r\n \n")
    found = list(entries(path))
    assert [entry.value for entry in found] == TRICKY
    assert [entry.place for entry in found] == ["line 1", "line 3", "line 5"]
    assert [entry_at(path, entry.start, entry.end) for entry in found] == TRICKY


@pytest.mark.parametrize(
    "broken",
    [
        '{"id": 2, "text": oops}',
        '{"id": 2, "text": "not closed}',
        '{"id": 2, "deep": [[{"id" 9}]',
        '{"id": 2, "deep": ]]}',
        "7",
        '"text"',
        '{"id": 2, "text": "\x01"}',
    ],
)
@pytest.mark.parametrize("chunk", [16, 1 << 20])
def test_broken_element_of_an_array_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, chunk: int
) -> None:
    monkeypatch.setattr(_stream, "CHUNK", chunk)
    sound = [json.dumps({"id": n, "text": "x"}) for n in (1, 3, 4)]
    path = write(tmp_path / "a.json", f"[{sound[0]}, {broken}, {sound[1]},\n{sound[2]}]")
    found = list(entries(path))
    values = [entry.value for entry in found if not entry.problem and isinstance(entry.value, dict)]
    assert [value["id"] for value in values] == [1, 3, 4]
    assert any(entry.problem for entry in found)


def test_broken_lines_are_entries_with_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": \n\xff\xfe\n{"a": 2}\n' + b"[" * 100_000 + b"\n")
    found = list(entries(path))
    assert [bool(entry.problem) for entry in found] == [False, True, True, False, True]
    assert "nested too deep" in found[-1].problem


def test_line_that_is_too_long_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"a": 1}\n{"a": "' + "x" * 500 + '"}\n{"a": 2}\n')
    found = list(entries(path, 100))
    assert [entry.number for entry in found if entry.problem] == [2]
    assert [entry.value for entry in found if not entry.problem] == [{"a": 1}, {"a": 2}]


def test_element_that_never_closes_costs_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_stream, "CHUNK", 64)
    monkeypatch.setattr(_stream, "MAX_ELEMENT", 256)
    many = ", ".join(json.dumps({"id": n}) for n in range(2, 200))
    path = write(tmp_path / "a.json", f'[{{"id": 0}}, {{"id": 1, "text": [[, {many}]')
    found = list(entries(path))
    assert {e.value["id"] for e in found if not e.problem} == {0, *range(2, 200)}


def test_file_that_is_cut_off_ends_with_a_problem(tmp_path: Path) -> None:
    for text in ('[{"id": 1}, {"id": 2', '[{"id": 1},', '[{"id": 1}'):
        found = list(entries(write(tmp_path / "a.json", text)))
        assert found[0].value == {"id": 1}
        assert found[-1].problem
        assert len(found) == 2


def test_empty_files_have_no_entries(tmp_path: Path) -> None:
    for text in ("", " \n", "[]", " [ ] "):
        assert list(entries(write(tmp_path / "a.json", text))) == []


@pytest.mark.parametrize("chunk", [5, 1 << 20])
def test_members_are_read_in_one_pass_whatever_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(_stream, "CHUNK", chunk)
    content = {
        "info": {"images": [1, {"id": 5}], "note": "images"},
        "names": ["a", "b"],
        "annotations": [{"id": 1, "images": [{"id": 7}]}, {"id": 2}],
        "other": [{"id": 3}],
        "images": [{"id": 4}],
    }
    path = write(tmp_path / "a.json", json.dumps(content))
    found = [(key, entry.value["id"]) for key, entry in members(path, ("images", "annotations"))]
    assert found == [("annotations", 1), ("annotations", 2), ("images", 4)]
    assert short_lists(path, ("names",)) == {"names": ["a", "b"]}


def test_missing_members_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", '{"images": [], "names": [1' + "}")
    with pytest.raises(DatasetError, match='Expected lists "boxes" in .*, got none: check'):
        list(members(path, ("images", "boxes")))
    with pytest.raises(DatasetError, match='Expected a list "names" in .*, got a broken one'):
        short_lists(path, ("names",))
    with pytest.raises(DatasetError, match="Expected to read .*, got No such file"):
        list(entries(tmp_path / "none.json"))


def test_changed_file_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", '[{"id": 1}]')
    (entry,) = entries(path)
    write(path, '["id", 1]')
    with pytest.raises(DatasetError, match="the file was changed during the audit"):
        entry_at(path, entry.start, entry.end)
