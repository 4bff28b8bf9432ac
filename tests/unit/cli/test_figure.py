"""`seewhy figure`: which files it writes, what it prints, and what it refuses."""

import os
from dataclasses import replace

import pytest

from figure_records import explained_by
from golden.records import pictures_record, record_of
from seewhy.cli.main import main
from seewhy.report.bundle import save_record


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Explanations of one answer by two methods, and one of two pictures."""
    place = tmp_path_factory.mktemp("saved")
    record = record_of()
    saved = {
        "ours": record,
        "tam": explained_by(record, "tam"),
        "two": pictures_record(),
        "warned": replace(
            record,
            warnings=("Read this first.",),
            provenance=replace(record.provenance, notes=("Read this first.",)),
        ),
        "price": record_of(((" 1,000", "star"), (" stars", "star"), (" 3", ""))),
    }
    for name, one in saved.items():
        save_record(one, place / name)
    return place


@pytest.fixture
def work(folders, tmp_path, monkeypatch):
    """An empty folder to work in, beside links to the explanations."""
    for name in os.listdir(folders):
        (tmp_path / name).symlink_to(folders / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(work):
    return sorted(p.name for p in work.iterdir() if not p.is_symlink())


def test_figure_writes_a_pdf_and_prints_its_name(work, capsys):
    assert main(["figure", "ours", "--words", "star,red star"]) == 0
    assert capsys.readouterr() == ("figure.pdf\n", "")
    assert written(work) == ["figure.pdf"]
    assert (work / "figure.pdf").read_bytes().startswith(b"%PDF")


def test_figure_takes_the_main_words_and_tells_which_are_left_out(work, capsys):
    assert main(["figure", "ours", "--out", "a.svg"]) == 0
    out, err = capsys.readouterr()
    assert out == "a.svg\n"
    assert err.startswith("seewhy: 4 of the answer's 11 main words are shown")
    text = (work / "a.svg").read_text("utf-8")
    assert all(f">{word}</text>" in text for word in ("star", "house", "tree", "right"))
    assert main(["figure", "ours", "--out", "b.svg", "--quiet"]) == 0
    assert capsys.readouterr() == ("b.svg\n", "")


def test_figure_of_several_folders_is_a_grid_with_names(work, capsys):
    options = ["--words", "star", "--words", "tree,house", "--names", "ours, TAM"]
    assert main(["figure", "ours", "tam", *options, "--out", "g.svg"]) == 0
    text = (work / "g.svg").read_text("utf-8")
    assert ">ours</text>" in text
    assert ">TAM</text>" in text
    assert text.count("<image") == 1 + 2 * 3 + 1


def test_figure_as_latex_writes_the_pdf_beside_it(work, capsys):
    assert main(["figure", "ours", "--words", "star", "--format", "tex", "--out", "fig"]) == 0
    assert capsys.readouterr().out == "fig.tex\nfig.pdf\n"
    assert "\\includegraphics[width=8.40cm]{fig.pdf}" in (work / "fig.tex").read_text()


def test_figure_takes_every_option(work, capsys):
    look = ["--layout", "grid", "--width-cm", "17", "--columns", "2", "--colourmap", "viridis",
            "--font", "STIXGeneral", "--scale", "word", "--view", "1", "--boxes"]  # fmt: skip
    assert main(["figure", "two", "--words", "star,tree", *look, "--out", "a.svg"]) == 0
    text = (work / "a.svg").read_text("utf-8")
    assert "STIXGeneral" in text
    assert "highest of the map" in text
    assert "picture 1" not in text
    assert "no box or point" in capsys.readouterr().err


def test_words_with_commas_and_numbers_are_found(work):
    words = ["--words", "1,000", "--words", "3,1"]
    assert main(["figure", "price", *words, "--out", "a.svg"]) == 0
    text = (work / "a.svg").read_text("utf-8")
    assert [f">{word}</text>" in text for word in ("1,000", "3", "stars")] == [True] * 3


def test_figure_tells_the_warnings_of_the_explanation(work, capsys):
    assert main(["figure", "warned", "--words", "star"]) == 0
    assert capsys.readouterr().err == "seewhy: Read this first.\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ours", "--words", "staar"], "got 'staar': did you mean 'star'"),
        (["ours", "--words", "40"], "answer of 20 words: give 0 to 19"),
        (["ours", "--words", ","], "words after --words, got none"),
        (["ours", "--out", "a.gif"], "pdf, svg, png, tex, got 'gif'"),
        (["ours", "--out", "a.svg", "--format", "pdf"], "ends with .pdf, got 'a.svg'"),
        (["ours", "--out", " "], "name of a file after --out"),
        (["ours", "--out", "a b.tex"], "letters, digits, dots, hyphens"),
        (["ours", "--width-cm", "3"], "centimetres from 4 to 60, got 3"),
        (["ours", "--font", "No Such Font"], "installed font, got 'No Such Font'"),
        (["ours", "--view", "1"], "one of 1 views, got 1"),
        (["ours", "two"], "explanations of as many pictures, got 1 and 2"),
        (["ours", "price"], "explanations of one answer"),
        (["ours", "tam", "--names", "a"], "2 different names after --names"),
        (["ours", "--out", "taken.pdf"], "which is a folder: name a file"),
        (["nowhere"], "saved explanation, got nowhere, which is none"),
        (["."], "Expected manifest.json"),
    ],
)
def test_figure_refuses_in_one_line_and_writes_nothing(work, words, message, capsys):
    (work / "taken.pdf").mkdir()
    before = written(work)
    assert main(["figure", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert written(work) == before


def test_figure_replaces_a_file_only_on_request(work, capsys):
    (work / "figure.pdf").write_bytes(b"mine")
    assert main(["figure", "ours", "--words", "star"]) == 2
    assert "figure.pdf, which exists" in capsys.readouterr().err
    assert (work / "figure.pdf").read_bytes() == b"mine"
    assert main(["figure", "ours", "--words", "star", "--overwrite"]) == 0
    assert (work / "figure.pdf").read_bytes() != b"mine"
