from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seewhy.core.errors import DatasetError, SampleError
from seewhy.datasets._files import masks_of, read_json_lines, read_picture, read_values

SQUARE = Image.new("RGB", (3, 2))


def test_read_picture_gives_reasons_that_are_the_same_for_all(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match="^image missing") as missing:
        read_picture(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff no picture")
    with pytest.raises(SampleError, match="^image broken") as broken:
        read_picture(tmp_path / "a.jpg")
    assert [str(error.value) for error in (missing, broken)] == ["image missing", "image broken"]
    assert all("a.jpg" in error.value.__notes__[0] for error in (missing, broken))


@pytest.mark.parametrize("mode", ["L", "P", "I;16"])
def test_read_values_reads_numbers(mode: str, tmp_path: Path) -> None:
    values = np.array([[0, 7, 90], [1, 255, 3]])
    mask = Image.fromarray(values.astype(np.uint16 if mode == "I;16" else np.uint8))
    if mode == "P":
        mask.putpalette([channel for n in range(256) for channel in (n, 255 - n, 3)])
    assert mask.mode == mode
    mask.save(tmp_path / "m.png")
    found = read_values(tmp_path / "m.png", SQUARE)
    assert found.dtype == np.int64
    assert found.tolist() == values.tolist()


def test_read_values_gives_reasons_that_are_the_same_for_all(tmp_path: Path) -> None:
    path = tmp_path / "m.png"
    with pytest.raises(SampleError, match="^mask missing\nExpected a mask at .*m.png"):
        read_values(path, SQUARE)
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(SampleError, match="^mask broken\nExpected a picture at .*m.png"):
        read_values(path, SQUARE)
    SQUARE.save(path)
    with pytest.raises(SampleError, match="^mask not of single numbers\n.*got mode RGB"):
        read_values(path, SQUARE)
    Image.new("L", (2, 3)).save(path)
    with pytest.raises(SampleError, match="^mask of another size\n.*3 x 2 .* got 2 x 3 in"):
        read_values(path, SQUARE)


def test_masks_of_no_number_are_none() -> None:
    values = np.array([[0, 7], [7, 9]])
    assert masks_of(values, [7, 9]).tolist() == [
        [[False, True], [True, False]],
        [[False, False], [False, True]],
    ]
    assert masks_of(values, []).shape == (0, 2, 2)


def test_read_json_lines_counts_empty_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('\ufeff{"a": 1}\n\n{"b": 2}\n', encoding="utf-8")
    assert read_json_lines(path) == [(1, {"a": 1}), (3, {"b": 2})]
    path.write_text('{"a": 1}\n\n{"b": \n')
    with pytest.raises(DatasetError, match="Expected JSON in .*a.jsonl, .* at line 3, column 7"):
        read_json_lines(path)


def test_read_json_lines_refuses_endless_nesting(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("[" * 200_000)
    with pytest.raises(DatasetError, match="got JSON nested too deep to read|got something else"):
        read_json_lines(tmp_path / "a.jsonl")
