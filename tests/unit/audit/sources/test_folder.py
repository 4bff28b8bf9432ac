"""A folder of pictures."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from audit_layouts import rows_of, save_picture, write_folder
from seewhy.audit.source import BadRow
from seewhy.audit.sources import open_source
from seewhy.core.errors import DatasetError
from seewhy.images import read_image


def test_pictures_are_read_in_order_with_one_prompt(tmp_path: Path) -> None:
    spec = write_folder(tmp_path)
    for name in (".hidden.png", ".cache/4.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    rows = rows_of(open_source(f"{spec}?prompt=What, is it?"))
    assert [row.id for row in rows] == ["1.png", "2.png", "cats/3.jpg"]
    assert {row.prompt for row in rows} == {"What, is it?"}
    assert {row.prompt for row in rows_of(open_source(spec))} == {None}


def test_picture_is_upright_where_it_is_read(tmp_path: Path) -> None:
    save_picture(tmp_path / "a.jpg", orientation=6)
    (row,) = rows_of(open_source(f"folder:{tmp_path}"))
    image = read_image(row.images[0])
    assert image.size == (40, 30)
    red, green, _ = np.asarray(image)[10, 5]
    assert red > 200 > 100 > green  # the red block is at the left


def test_format_that_cannot_be_read_is_a_bad_row(tmp_path: Path) -> None:
    (tmp_path / "a.HEIC").write_bytes(b"x")
    (row,) = rows_of(open_source(f"folder:{tmp_path}"))
    assert isinstance(row, BadRow)
    assert (row.id, row.reason) == ("a.HEIC", "a format that cannot be read")


def test_links_are_not_followed_in_circles(tmp_path: Path) -> None:
    save_picture(tmp_path / "a.png")
    os.symlink(tmp_path, tmp_path / "again")
    assert [row.id for row in open_source(f"folder:{tmp_path}").rows()] == ["a.png"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    path = save_picture(tmp_path / "a.png")
    with pytest.raises(DatasetError, match="Expected a folder of pictures, got the file"):
        open_source(f"folder:{path}")
