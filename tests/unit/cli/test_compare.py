"""`seewhy compare`: what it is asked to put side by side, and what it writes and prints."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from explained import PICTURE
from golden.records import small_record
from seewhy.cli._compare_inputs import Inputs, inputs_of
from seewhy.cli.main import main
from seewhy.cli.parser import parse
from seewhy.core.errors import ParameterError
from seewhy.report.bundle import save_record


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Two pictures, and two folders of saved explanations."""
    place = tmp_path_factory.mktemp("place")
    PICTURE.save(place / "one.png")
    PICTURE.transpose(0).save(place / "two.png")
    for method in ("tam", "arc"):
        record = small_record()
        provenance = replace(record.provenance, method=method)
        save_record(replace(record, provenance=provenance), place / f"by-{method}")
    return place


@pytest.fixture(autouse=True)
def there(place, monkeypatch):
    monkeypatch.chdir(place)


def read(*words: str) -> Inputs:
    return inputs_of(parse(["compare", *words, "--json"]))


def test_one_kind_of_things_is_read():
    methods = ("--method", "tam", "--method", "arc(k=5)")
    assert read("one.png", *methods) == Inputs(pictures=("one.png",), methods=("tam", "arc(k=5)"))
    models = read("one.png", "What?", "--model", "a", "--model", "b", "--method", "tam")
    assert models == Inputs((), ("one.png",), "What?", ("a", "b"), ("tam",))
    assert read("one.png", "--other", "b").models == ("tiny-qwen2-vl", "b")
    assert read("one.png", "--model", "a", "--other", "b", "--other", "c").models == ("a", "b", "c")
    pictures = read("one.png", "two.png", "What is this?")
    assert pictures == Inputs(pictures=("one.png", "two.png"), prompt="What is this?")
    assert read("one.png", "two.png").prompt is None
    assert read("one.png", "two.png", "--prompt", "What?").prompt == "What?"
    folders = read("by-tam", "by-arc")
    assert folders == Inputs(folders=(Path("by-tam"), Path("by-arc")))


def test_a_name_of_a_picture_is_no_question():
    """A picture that is missing is told later, not asked as a question."""
    assert read("one.png", "tow.png").pictures == ("one.png", "tow.png")
    assert read("one.png", "a " * 3000, "--other", "b").prompt == "a " * 3000


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["one.png"], "got one of each: give several saved folders"),
        (["one.png", "What?", "--method", "tam"], "got one of each"),
        (["one.png", "--method", "a", "--method", "b", "--other", "c"], "models and several meth"),
        (["one.png", "two.png", "--other", "c"], "several pictures and several models"),
        (["one.png", "by-tam"], "got the folder 'by-tam' beside others"),
        (["by-tam", "by-arc", "--method", "tam"], "saved folders without --method"),
        (["by-tam", "by-arc", "--own-answers"], "saved folders without --own-answers"),
        (["one.png", "What?", "--prompt", "Why?", "--other", "b"], "the question once"),
        (["one.png", "--other", "b", "--own-answers"], "several pictures with --own-answers"),
    ],
)
def test_mistakes_are_told(words, told):
    with pytest.raises(ParameterError, match=told):
        read(*words)


def test_methods_are_compared(tmp_path, capsys):
    out = tmp_path / "methods"
    words = ["compare", "one.png", "What?", "--answer", "a red star", "--quiet"]
    words += ["--method", "tam", "--method", "logit-lens"]
    assert main([*words, "--out", str(out)]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == ["a", "red", "star", f"{out}/comparison.html"]
    assert all(len(line) == 5 for line in lines[:-1])
    data = json.loads((out / "comparison.json").read_text())
    assert (data["kind"], data["pairs"][0]["unit"]) == ("methods", "shares")
    assert [column["label"] for column in data["columns"]] == ["tam", "logit-lens"]
    correlation = data["words"][1]["agreement"][0]["rank_correlation"]
    assert lines[1][3] == f"{correlation:.2f}"


def test_pictures_are_compared_by_the_names_of_their_files(capsys):
    words = ["compare", "one.png", "two.png", "What?", "--answer", "a star", "--quiet", "--json"]
    assert main([*words, "--method", "logit-lens"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["kind"], data["prompt"]) == ("pictures", "What?")
    assert [column["label"] for column in data["columns"]] == ["one.png", "two.png"]
    assert data["method"] == "logit-lens"


def test_saved_folders_are_compared_without_a_model(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("seewhy.models.load", None)
    assert main(["compare", "by-tam", "by-arc", "--out", str(tmp_path / "two")]) == 0
    found = capsys.readouterr()
    assert found.out.splitlines()[-1].endswith("two/comparison.html")
    assert (tmp_path / "two" / "comparison.html").is_file()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["by-tam"], "2 to 4 explanations, got 1"),
        (["by-tam", "."], "manifest.json"),
        (["one.png", "missing.png"], "missing.png"),
        (["one.png", "--method", "tam", "--method", "tan"], "did you mean"),
        (["one.png", *["--method", "tam"] * 2], "got tam twice"),
        (
            ["one.png", "two.png", "--answer", "a", "--max-new-tokens", "3"],
            "got both: leave one out",
        ),
    ],
)
def test_mistakes_end_with_one_line(words, told, capsys):
    assert main(["compare", *words, "--json", "--quiet"]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
