"""What killed runs leave is swept, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seewhy.core.errors import OutputError
from seewhy.report.partial_folders import REPLACED, WRITTEN, partial_folder, sweep
from seewhy.report.safe_folder import expect_writable, write_folder

HOLD = """
import sys, time
from pathlib import Path
from seewhy.report.partial_folders import partial_folder
with partial_folder(Path(sys.argv[1])) as work:
    (work / "maps.safetensors").write_text("half")
    print(work, flush=True)
    time.sleep(100)
"""


def write(folder: Path) -> None:
    (folder / "a.txt").write_text("content")


def test_a_killed_run_is_swept_by_the_next_and_a_living_one_is_not(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        work = Path(holder.stdout.readline().strip())
        write_folder(tmp_path / "other", write, {})
        assert (work / "maps.safetensors").is_file()
        holder.send_signal(signal.SIGKILL)
        holder.wait(30)
    write_folder(tmp_path / "third", write, {})
    assert sorted(os.listdir(tmp_path)) == ["other", "third"]


def test_a_folder_that_was_being_replaced_is_put_back(tmp_path):
    aside = tmp_path / f".out.abcdefgh.{REPLACED}"
    (aside / "out").mkdir(parents=True)
    (aside / "out" / "mine.txt").write_text("earlier")
    sweep(tmp_path)
    assert os.listdir(tmp_path) == ["out"]
    assert (tmp_path / "out" / "mine.txt").read_text() == "earlier"


@pytest.mark.parametrize(
    "name", ["notes.part", ".x.part", ".out.abc.seewhy.part", f"out.abcdefgh.{WRITTEN}", ".part"]
)
def test_other_peoples_folders_are_left_alone(tmp_path, name):
    (tmp_path / name).mkdir()
    sweep(tmp_path)
    assert os.listdir(tmp_path) == [name]


def test_links_and_files_of_our_name_are_left_alone(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / f".a.abcdefgh.{WRITTEN}").symlink_to(tmp_path / "thesis")
    (tmp_path / f".b.abcdefgh.{WRITTEN}").write_text("a file")
    sweep(tmp_path)
    assert len(os.listdir(tmp_path)) == 3


def test_names_of_long_letters_leave_room_for_the_partial_folder(tmp_path):
    name = "\U0001f984" * 60  # of four bytes each
    with partial_folder(tmp_path / name) as work:
        assert work.is_dir()
    write_folder(tmp_path / name, write, {})
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize(
    "name", ["x" * 300, "ü" * 200, "a/" + "y" * 256 + "/b", "/".join(["z" * 200] * 21), "nul\0"]
)
def test_names_that_cannot_be_written_are_refused_before_any_work(tmp_path, name):
    with pytest.raises(OutputError, match="Expected a folder that can be written, got"):
        expect_writable(tmp_path / name if "\0" not in name else name)
    assert os.listdir(tmp_path) == []


def test_a_foreign_folder_is_not_walked(tmp_path, monkeypatch):
    (tmp_path / "home" / "much").mkdir(parents=True)

    def walk(*_, **__):
        raise AssertionError("the folder was walked")

    monkeypatch.setattr(os, "walk", walk)
    with pytest.raises(OutputError, match="has no manifest.json of seewhy"):
        expect_writable(tmp_path / "home", overwrite=True)


def test_a_folder_that_cannot_be_walked_is_told(tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "out", write, {})

    def walk(top, onerror):
        onerror(PermissionError(13, "Permission denied"))
        return iter(())

    monkeypatch.setattr(os, "walk", walk)
    with pytest.raises(OutputError, match=r"can be written, got .*out.* .Permission denied"):
        expect_writable(folder, overwrite=True)
