import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seewhy.core.errors import OutputError, SchemaError
from seewhy.report.safe_folder import (
    expect_writable,
    read_checked,
    read_manifest,
    safe_name,
    write_folder,
)


def write(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "b.txt").write_text("content")


def test_write_folder_describes_itself_and_lists_every_file(tmp_path):
    folder = write_folder(tmp_path / "out", write, {"schema": 3})
    manifest = read_manifest(folder)
    assert (manifest["schema"], list(manifest["files"])) == (3, ["a/b.txt"])
    assert manifest["files"]["a/b.txt"]["bytes"] == 7
    assert read_checked(folder, "a/b.txt", manifest) == b"content"


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname"])
def test_read_checked_reads_nothing_outside_the_folder(tmp_path, name):
    folder = write_folder(tmp_path / "out", write, {})
    with pytest.raises(SchemaError, match="Expected a file inside .*out, got"):
        read_checked(folder, name, {"files": {name: {"sha256": ""}}})


def test_expect_writable_finds_a_place_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="folder that can be written, got .*file"):
        expect_writable(tmp_path / "file" / "out")


def test_expect_writable_finds_a_place_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may run as root
    with pytest.raises(OutputError, match="folder that can be written"):
        expect_writable(tmp_path / "out")


def test_expect_writable_writes_nothing(tmp_path):
    assert expect_writable(tmp_path / "a" / "out") == tmp_path / "a" / "out"
    assert list(tmp_path.iterdir()) == []


@given(st.text())
def test_safe_name_is_a_plain_file_name(text):
    name = safe_name(text)
    assert name
    assert len(name.encode("utf-8", "surrogatepass")) <= 160
    assert not set(name) & set('/\\:*?"<>| \x00.')
