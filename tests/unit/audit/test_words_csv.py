import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_rows import scene_rows, word_row
from seewhy.audit.words_csv import COLUMNS, safe_cell, words_writer


def written(path, *rows) -> list[dict[str, str]]:
    with words_writer(path) as write:
        for row in rows:
            write(row)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def plain(cell: str) -> str:
    return cell.removeprefix("'")


def test_csv_gives_the_words_back(tmp_path):
    rows = list(scene_rows(3).words)
    read = written(tmp_path / "words.csv", *rows)
    assert len(read) == len(rows)
    assert tuple(read[0]) == COLUMNS
    for cells, row in zip(read, rows, strict=True):
        for name in ("id", "text", "lemma", "role", "category", "group", "source", "sentence"):
            assert plain(cells[name]) == getattr(row, name)
        for name in ("support", "probability", "visual_share"):
            assert float(cells[name]) == pytest.approx(getattr(row, name), rel=1e-5)
        assert int(cells["word"]) == row.word
        assert cells["supported"] == {True: "true", False: "false", None: ""}[row.supported]
        assert float(cells["peak_x"]) == pytest.approx(row.peak[0], rel=1e-5)


def test_csv_leaves_what_is_not_known_empty(tmp_path):
    (cells,) = written(tmp_path / "words.csv", word_row())
    assert [cells[name] for name in ("supported", "peak_x", "peak_y", "pointing", "iou")] == [
        ""
    ] * 5


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_csv_holds_no_formula(tmp_path, start):
    wicked = f'{start}HYPERLINK("http://example.com","x")'
    row = word_row(wicked, wicked, text=wicked, sentence=wicked, follows=wicked)
    (cells,) = written(tmp_path / "words.csv", row)
    for name in ("id", "text", "lemma", "sentence", "follows"):
        assert cells[name] == "'" + wicked, name


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_safe_cell_can_be_undone(text):
    assert plain(safe_cell(text)) == text


def test_csv_takes_quotes_lines_and_half_characters(tmp_path):
    odd = 'a "quoted", two\nlines; half \ud83d'
    (cells,) = written(tmp_path / "words.csv", word_row(sentence=odd))
    assert cells["sentence"] == odd.replace("\ud83d", "?")
