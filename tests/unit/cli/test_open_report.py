"""`seewhy open`: which folders it shows, and what it says where there is no browser."""

import os
import sys

import pytest

import seewhy
from golden.records import small_record
from seewhy.cli.main import main
from seewhy.cli.open_report import NO_BROWSER
from seewhy.report.bundle import save_record


@pytest.fixture
def saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_record(small_record(), tmp_path / "my cat")
    return tmp_path / "my cat"


@pytest.fixture
def opened(monkeypatch):
    """Addresses that a browser on a machine with a display was asked to show."""
    addresses = []
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", lambda address: addresses.append(address) or True)
    return addresses


def test_open_shows_the_report_and_prints_its_path(saved, opened, capsys):
    assert main(["open", "my cat"]) == 0
    assert opened == [(saved / "report.html").as_uri()]
    assert capsys.readouterr() == ("report: my cat/report.html\n", "")


def test_open_without_a_browser_prints_the_path_alone(saved, opened, capsys):
    assert main(["open", str(saved), "--no-browser"]) == 0
    assert opened == []
    assert capsys.readouterr() == (f"report: {saved}/report.html\n", "")


def test_open_writes_a_missing_report_anew(saved, opened):
    before = (saved / "report.html").read_text("utf-8")
    (saved / "report.html").unlink()
    held = sorted(os.listdir(saved))
    assert main(["open", "my cat"]) == 0
    assert (saved / "report.html").read_text("utf-8") == before
    assert sorted(os.listdir(saved)) == sorted([*held, "report.html"])
    assert seewhy.open(saved).save(saved, overwrite=True) == saved


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"])
@pytest.mark.parametrize("words", [[], ["--quiet"]])
def test_open_says_where_no_browser_is_found_unless_quiet(
    saved, opened, monkeypatch, name, words, capsys
):
    for other in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(other, raising=False)
    assert main(["open", "my cat", *words]) == 0
    said = "" if words else f"seewhy: {NO_BROWSER}\n"
    assert capsys.readouterr() == ("report: my cat/report.html\n", said)
    assert opened == []
    monkeypatch.setenv(name, "something")
    assert main(["open", "my cat", *words]) == 0
    assert len(opened) == 1


def test_open_says_where_the_browser_does_not_start(saved, opened, monkeypatch, capsys):
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    assert main(["open", "my cat"]) == 0
    assert NO_BROWSER in capsys.readouterr().err


def test_open_refuses_what_is_no_folder(saved, opened, capsys):
    assert main(["open", "my dog"]) == 2
    assert "Expected a folder with a saved explanation, got my dog" in capsys.readouterr().err
    assert main(["open", "my cat/report.html"]) == 2
    assert "which is none: give the folder that `seewhy explain`" in capsys.readouterr().err


def test_open_refuses_other_folders_and_damaged_ones(saved, opened, tmp_path, capsys):
    assert main(["open", "."]) == 2
    assert "Expected manifest.json in ." in capsys.readouterr().err
    (saved / "explanation.json").write_text("{}")
    assert main(["open", "my cat"]) == 2
    assert "damaged" in capsys.readouterr().err
    assert opened == []


def test_open_says_where_the_report_cannot_be_written(saved, opened, monkeypatch, capsys):
    def full(*words):
        raise OSError(28, "No space left on device")

    (saved / "report.html").unlink()
    monkeypatch.setattr("pathlib.Path.write_text", full)
    assert main(["open", "my cat"]) == 2
    assert "got No space left on device: copy the folder" in capsys.readouterr().err
    assert not (saved / "report.html").exists()
    assert opened == []


def test_open_shows_a_saved_comparison(saved, opened, capsys, tmp_path):
    folder = seewhy.Comparison.of([saved, saved]).save(tmp_path / "two")
    assert main(["open", str(folder)]) == 0
    assert opened == [(folder / "comparison.html").as_uri()]
    assert capsys.readouterr().out == f"comparison: {folder}/comparison.html\n"
    (folder / "comparison.html").write_text("changed")
    assert main(["open", str(folder)]) == 2
    assert "comparison.html" in capsys.readouterr().err
    assert len(opened) == 1
