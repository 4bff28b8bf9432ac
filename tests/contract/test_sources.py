"""What every registered source of an audit keeps to."""

from __future__ import annotations

import json
import pickle
import shutil
import tracemalloc
from itertools import islice
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_layouts import CASES, coco_name, save_picture, write_json, write_lines
from seewhy.audit.source import BadRow, SourceRow
from seewhy.audit.sources import SOURCES, BaseSource, open_source
from seewhy.core.errors import DatasetError, UnknownNameError
from seewhy.core.text import split_words
from seewhy.images import read_image

NAMES = SOURCES.names()
FILED = tuple(CASES)
ODD = (
    "Ünï, 犬.",
    "!",
    "Yes-man, the dog's red block’s left-hand side and two-dogs; no-one's riding-horse.",
    "A person's riding a horse's İstanbul. THE DOG IS RED",
)
"""Answers whose words are not simply between spaces."""
ANSWER = "A red boat is to the left of a blue star."


def opened(name: str, folder: Path) -> BaseSource:
    return open_source(CASES[name].write(folder) if name in CASES else f"{name}:count=3")


def good(source: BaseSource) -> list[SourceRow]:
    return [row for row in source.rows() if isinstance(row, SourceRow)]


def bad(source: BaseSource) -> list[BadRow]:
    return [row for row in source.rows() if isinstance(row, BadRow)]


def test_every_source_is_tested() -> None:
    assert set(NAMES) == {"emoji", "testbed", *FILED}


@pytest.mark.parametrize("name", NAMES)
def test_source_has_unique_and_stable_ids(name: str, tmp_path: Path) -> None:
    source = opened(name, tmp_path / "set")
    ids = [row.id for row in source.rows()]
    assert len(ids) == len(set(ids))
    assert ids == [row.id for row in source.rows()]
    used = tuple(row.id for row in good(source))
    assert used == (CASES[name].ids if name in CASES else tuple(f"heldout-{n}" for n in range(3)))


@pytest.mark.parametrize("name", NAMES)
def test_source_says_what_it_is(name: str) -> None:
    source_class = SOURCES.get(name)
    assert source_class.name == name
    assert source_class.summary.endswith(".")
    assert source_class.layout
    assert source_class.__doc__


@pytest.mark.parametrize("name", NAMES)
def test_row_goes_to_other_processes_with_its_source(name: str, tmp_path: Path) -> None:
    source = opened(name, tmp_path / "set")
    answer = CASES[name].answer if name in CASES else ANSWER
    twin = pickle.loads(pickle.dumps(source))
    assert twin.fingerprint == source.fingerprint
    for row in good(source):
        other = pickle.loads(pickle.dumps(row))
        assert other == row
        one, two = source.judge(row, answer), twin.judge(other, answer)
        assert (one.truths, one.groups, one.score) == (two.truths, two.groups, two.score)


@pytest.mark.parametrize("name", NAMES)
def test_row_has_pictures_and_facts_in_json(name: str, tmp_path: Path) -> None:
    for row in good(opened(name, tmp_path / "set")):
        assert row.images
        for image in row.images:
            assert read_image(image).mode == "RGB"
        assert json.loads(json.dumps(row.facts)) == row.facts


@pytest.mark.parametrize("name", NAMES)
def test_judge_speaks_of_words_of_the_answer(name: str, tmp_path: Path) -> None:
    source = opened(name, tmp_path / "set")
    own = CASES[name].answer if name in CASES else ANSWER
    for row in good(source):
        for answer in filter(None, (own, row.answer, f"  {row.answer}", *ODD)):
            judged = source.judge(row, answer)
            starts = [truth.start for truth in judged.truths]
            assert starts == sorted(set(starts))
            assert {(t.start, t.end) for t in judged.truths} <= set(split_words(answer))
            assert set(judged.groups) <= set(starts)
            assert set(judged.groups.values()) <= {"object", "attribute", "relation"}
            assert json.loads(json.dumps(judged.score)) == judged.score
            size = read_image(row.images[0]).size
            masks = judged.masks
            count = 0 if masks is None else len(masks)
            if masks is not None:
                assert masks.dtype == torch.bool
                assert masks.shape[1:] == (size[1], size[0])
            assert all(0 <= n < count for truth in judged.truths for n in truth.regions)


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_fractions_and_defined_for_no_answers(name: str, tmp_path: Path) -> None:
    source = opened(name, tmp_path / "set")
    answer = CASES[name].answer if name in CASES else ANSWER
    scores = [source.judge(row, row.answer or answer).score for row in good(source)]
    figures = source.scores(scores)
    assert all(0 <= value <= 1 for value in figures.values())
    assert bool(figures) == (name not in ("folder", "log"))
    assert source.scores([]) == {}


@pytest.mark.parametrize("name", FILED)
def test_broken_row_in_the_middle_is_bad_and_the_rest_comes(name: str, tmp_path: Path) -> None:
    case, folder = CASES[name], tmp_path / "set"
    source = opened(name, folder)
    before = bad(source)
    whole = source.fingerprint
    case.broken(folder)
    again = open_source(f"{name}:{folder / 'log.jsonl' if name == 'log' else folder}")
    left = [row.id for row in good(again)]
    lost = [id for id in case.ids if id not in left]
    assert lost
    assert left[0] == case.ids[0]
    assert left[-1] == case.ids[-1]
    (found,) = [row for row in bad(again) if row not in before]
    assert found.reason
    assert found.detail
    assert name == "chair" or again.fingerprint != whole


@pytest.mark.parametrize("name", FILED)
def test_fingerprint_changes_with_the_data_and_not_with_the_place(
    name: str, tmp_path: Path
) -> None:
    source = opened(name, tmp_path / "set")
    moved = shutil.copytree(tmp_path / "set", tmp_path / "moved")
    spec = f"{name}:{moved / 'log.jsonl' if name == 'log' else moved}"
    assert open_source(spec).fingerprint == source.fingerprint
    index = moved / CASES[name].index
    index.write_bytes(index.read_bytes() + b"\n")
    assert open_source(spec).fingerprint != source.fingerprint
    assert open_source(f"{spec}?limit=1").fingerprint != open_source(spec).fingerprint


@pytest.mark.parametrize("name", FILED)
def test_path_alone_tells_its_source(name: str, tmp_path: Path) -> None:
    CASES[name].write(tmp_path / "set")
    path = tmp_path / "set" / ("log.jsonl" if name == "log" else "")
    assert open_source(str(path)).name == name
    assert open_source(f"{path}?limit=1").name == name


@pytest.mark.parametrize("name", FILED)
def test_source_reads_a_part(name: str, tmp_path: Path) -> None:
    spec = CASES[name].write(tmp_path / "set")
    everything = [row.id for row in open_source(spec).rows()]
    assert [row.id for row in open_source(f"{spec},start=1,limit=1").rows()] == everything[1:2]


@pytest.mark.parametrize("name", NAMES)
def test_source_refuses_unknown_options(name: str, tmp_path: Path) -> None:
    spec = CASES[name].write(tmp_path / "set") + "?" if name in CASES else f"{name}:"
    with pytest.raises(DatasetError, match="got 'limits': did you mean 'limit'"):
        open_source(f"{spec}limits=3")


@pytest.mark.parametrize("name", FILED)
def test_source_says_what_it_needs(name: str, tmp_path: Path) -> None:
    for spec in (name, f"{name}:{tmp_path / 'missing'}"):
        with pytest.raises(DatasetError, match=f'Expected a path for the data "{name}", got'):
            open_source(spec)
    if name != "folder":
        with pytest.raises(DatasetError, match="Expected .*, got .*: DATA must be "):
            open_source(f"{name}:{tmp_path}")


@pytest.mark.parametrize("name", [n for n in FILED if n not in ("pope", "chair", "hallusionbench")])
def test_given_answers_are_joined_by_id_and_counted(name: str, tmp_path: Path) -> None:
    spec, ids = CASES[name].write(tmp_path / "set"), CASES[name].ids
    lines = [{"id": id, "answer": f"Of {id}."} for id in (*ids[1:], "nobody")]
    answers = write_lines(tmp_path / "answers.jsonl", lines)
    source = open_source(spec, answers=answers)
    assert [(row.id, row.answer) for row in good(source)] == [(id, f"Of {id}.") for id in ids[1:]]
    reasons = [(row.id, row.reason) for row in bad(source)]
    assert (ids[0], "no answer is given") in reasons
    assert ("answers line 3" if len(ids) == 3 else "answers line 6") in dict(reasons)
    assert source.fingerprint != open_source(spec).fingerprint


def test_unknown_name_or_path_is_told_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'pope'"):
        open_source(f"poep:{tmp_path}")
    with pytest.raises(DatasetError, match="neither a path nor one of amber, chair"):
        open_source(str(tmp_path / "missing"))
    with pytest.raises(DatasetError, match="which could be none of them: write NAME:"):
        open_source(str(tmp_path))


def test_ambiguous_path_is_told_its_choices(tmp_path: Path) -> None:
    CASES["pope"].write(tmp_path)
    CASES["vizwiz"].write(tmp_path)
    with pytest.raises(DatasetError, match="which could be pope and vizwiz: write NAME"):
        open_source(str(tmp_path))


def test_options_are_written_once_as_name_and_value(tmp_path: Path) -> None:
    spec = CASES["pope"].write(tmp_path)
    for options in ("?limit", "?limit=1,limit=2", ",limit="):
        with pytest.raises(DatasetError, match="Expected options like limit=100"):
            open_source(spec + options)
    assert len(list(open_source(f"{spec}?split=adversarial&limit=2").rows())) == 2


def test_missing_file_of_answers_is_an_error(tmp_path: Path) -> None:
    spec = CASES["pope"].write(tmp_path / "set")
    with pytest.raises(DatasetError, match="Expected a file of answers, got"):
        open_source(spec, answers=tmp_path / "none.json")


def test_large_file_is_streamed_in_bounded_memory(tmp_path: Path) -> None:
    count, name = 200_000, coco_name(1)
    save_picture(tmp_path / "val2014" / name)
    rest = f'"image": "{name}", "text": "Is there a cat in the image?", "label": "no"}}'
    path = tmp_path / "coco_pope_random.json"
    path.write_text("\n".join(f'{{"question_id": {n}, {rest}' for n in range(count)))
    rows = open_source(f"pope:{tmp_path}").rows()
    tracemalloc.start()
    try:
        traced = sum(isinstance(row, SourceRow) for row in islice(rows, 10_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()  # it doubles the time
    assert peak < 1 << 20, f"{peak} bytes at once, of a file of {path.stat().st_size}"
    assert traced + sum(isinstance(row, SourceRow) for row in rows) == count


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["yes", "1", "~x", "file://[", "\ud800", "data:,", "a/../b", "x" * 300]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
ENTRIES = {
    name: case.index
    for name, case in CASES.items()
    if name not in ("chair", "flickr30k", "folder", "refcoco")
}
"""Sources whose index is JSON, and its file."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {name: tmp_path_factory.mktemp(name) for name in ENTRIES}
    for name, folder in found.items():
        CASES[name].write(folder)
    return found


@pytest.mark.parametrize("name", ENTRIES)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_value_of_a_field_ends_the_stream(
    name: str, folders: dict[str, Path], data: st.DataObject
) -> None:
    path = folders[name] / ENTRIES[name]
    whole = path.read_text()
    try:
        lines = name in ("pope", "log")
        content = [json.loads(line) for line in whole.splitlines()] if lines else json.loads(whole)
        items = content["data"] if name == "openpsg" else content
        keys = sorted(items) if isinstance(items, dict) else list(range(len(items)))
        entry = items[keys[1]]
        field = data.draw(st.sampled_from([*entry, "messages", "response", "images"]))
        items[keys[1]] = entry | {field: data.draw(JSON)}
        if lines:
            write_lines(path, content)
        else:
            write_json(path, content)
        spec = f"{name}:{path if name == 'log' else folders[name]}"
        rows = list(open_source(spec).rows())
    finally:
        path.write_text(whole)
    ids = [row.id for row in rows if isinstance(row, SourceRow)]
    lost = set(CASES[name].ids) - set(ids)
    assert lost <= {*CASES[name].ids[:2]}
    assert all(row.reason for row in rows if isinstance(row, BadRow))
