import json
import math

import pytest

from audit_rows import ListedRows, answer_row, scene_rows, word_row
from seewhy.audit.payload import ROWS_MAX, payload, report_link, without_pictures
from seewhy.audit.summary import summarise


def payload_of(rows: ListedRows, **told):
    return payload(summarise(rows), rows.iter_answers(), **told)


def one_word(answer=None, **changed):
    return payload_of(ListedRows([answer or answer_row()], [word_row(**changed)]))


def test_payload_holds_answers_once_and_words_in_order():
    data = payload_of(scene_rows(12))
    assert len({answer["id"] for answer in data["answers"]}) == len(data["answers"])
    supports = [word["support"] for word in data["worst"][: data["worst_shown"]]]
    assert supports == sorted(supports)
    for word in data["worst"]:
        text = data["answers"][word["answer"]]["text"]
        assert text[word["start"] : word["end"]] == word["text"]


def test_payload_is_json_without_nan():
    data = payload_of(ListedRows([], []), scores={"F1": math.nan, "accuracy": 0.5})
    json.dumps(data, allow_nan=False)
    assert data["scores"] == {"F1": None, "accuracy": 0.5}
    assert data["with_unsupported"]["value"] is None


@pytest.mark.parametrize(
    ("folder", "link"),
    [
        ("reports/7", "reports/7/report.html"),
        ("", ""),
        ("/etc", ""),
        ("reports/../../x", ""),
        ("..\\x", ""),
        ("https://example.com", "https%3A/example.com/report.html"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29/report.html"),
        ("a b#c?d", "a%20b%23c%3Fd/report.html"),
        ("half \ud83d", "half%20%3F/report.html"),
    ],
)
def test_report_links_stay_below_the_page(folder, link):
    assert report_link(folder) == link


def test_payload_refuses_a_map_of_another_size():
    assert one_word(map=b"1234", map_height=2, map_width=2)["worst"][0]["map"] is not None
    assert one_word(map=b"123", map_height=2, map_width=2)["worst"][0]["map"] is None
    assert one_word()["worst"][0]["map"] is None


@pytest.mark.parametrize(
    ("grid", "rows"),
    [
        ('{"rows": [-8, 4.5, 17], "columns": [0, 9]}', [-8, 4.5, 17]),
        ("", []),
        ('{"rows": [0, 1]}', []),
        ('{"rows": [0, "x"], "columns": [0, 9]}', []),
        ('{"rows": [0, Infinity], "columns": [0, 9]}', []),
        ('{"rows": [NaN, 2], "columns": [0, 9]}', []),
        ('{"rows": [5, 2], "columns": [0, 9]}', []),
        (f'{{"rows": [0, {"9" * 400}], "columns": [0, 9]}}', []),
        ("[" * 100_000, []),
        ("[1]", []),
        ("{", []),
    ],
)
def test_an_answer_has_the_edges_of_its_maps_unless_they_are_damaged(grid, rows):
    (answer,) = one_word(answer_row(grid=grid))["answers"]
    assert (answer["rows"], answer["columns"]) == (rows, [0, 9] if rows else [])


def test_payload_leaves_out_words_of_answers_that_are_not_given():
    rows = ListedRows([answer_row("a"), answer_row("b")], [word_row("a"), word_row("b")])
    data = payload(summarise(rows), [answer_row("b")])
    assert [answer["id"] for answer in data["answers"]] == ["b"]
    assert data["worst_shown"] == len(data["worst"]) == 1


def test_payload_holds_a_bounded_number_of_rows():
    words = [word_row(f"a{n}", f"w{n}", category=f"c{n}") for n in range(ROWS_MAX + 5)]
    data = payload_of(ListedRows([answer_row(row.id) for row in words], words))
    assert len(data["tables"]["word"]) == len(data["tables"]["category"]) == ROWS_MAX
    assert data["totals"]["groups"]["word"] == ROWS_MAX + 5


def test_summary_for_programs_has_no_pictures():
    kept = without_pictures(payload_of(scene_rows(6)))
    assert not {"colours", "files"} & set(kept)
    assert all("map" not in word for word in kept["worst"])
    assert all("picture" not in answer for answer in kept["answers"])
    assert kept["finding"]
