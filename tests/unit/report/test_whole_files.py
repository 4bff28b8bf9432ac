import os

import pytest

from seewhy.core.errors import OutputError
from seewhy.report.whole_files import expect_free, write_files


def test_files_are_written_together_with_their_folders(tmp_path):
    one, two = tmp_path / "a" / "b" / "1", tmp_path / "2"
    write_files({one: b"one", two: b"two"})
    assert (one.read_bytes(), two.read_bytes()) == (b"one", b"two")
    assert os.listdir(one.parent) == ["1"]


def test_nothing_is_left_where_one_cannot_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="Expected to write .*: choose another place"):
        write_files({tmp_path / "new" / "1": b"one", tmp_path / "file" / "2": b"two"})
    assert os.listdir(tmp_path) == ["file"]


def test_what_exists_is_replaced_only_on_request(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"mine")
    with pytest.raises(OutputError, match="which exists: choose another name"):
        write_files({tmp_path / "b": b"", file: b"theirs"})
    assert os.listdir(tmp_path) == ["a"]
    write_files({file: b"theirs"}, overwrite=True)
    assert file.read_bytes() == b"theirs"


def test_folders_links_and_impossible_names_are_refused(tmp_path):
    with pytest.raises(OutputError, match="which is a folder: name a file"):
        expect_free([tmp_path], overwrite=True)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="which exists"):
        expect_free([tmp_path / "link"])
    with pytest.raises(OutputError, match="name of a file"):
        expect_free([tmp_path / "a\0b"])
