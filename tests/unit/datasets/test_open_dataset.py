from __future__ import annotations

from pathlib import Path

import pytest

from seewhy.core.errors import DatasetError, UnknownNameError
from seewhy.core.registry import Registry
from seewhy.datasets import open_dataset
from tam_layouts import write_folder


def test_open_dataset_answers_unknown_names_with_near_ones() -> None:
    with pytest.raises(UnknownNameError, match="data set, got 'tesbed': did you mean 'testbed'"):
        open_dataset("tesbed")


def test_open_dataset_parts_options_by_commas_and_ampersands(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "own")
    one = open_dataset(f"folder:{folder}?start=1,limit=1")
    assert one.ids == open_dataset(f"folder:{folder}?start = 1 & limit = 1 ").ids == ("1",)


def test_open_dataset_takes_a_folder_with_an_equals_sign(tmp_path: Path) -> None:
    assert open_dataset(f"folder:{write_folder(tmp_path / 'run=3')}").ids == ("0", "1", "2")


def test_open_dataset_looks_into_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "own")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(open_dataset("folder:~/own").ids) == 3


@pytest.mark.parametrize("options", ["split", "split=", "=train", "count=1,count=2"])
def test_open_dataset_refuses_malformed_options(options: str) -> None:
    with pytest.raises(DatasetError, match="Expected options like split=train in .*, each once"):
        open_dataset(f"testbed:?{options}")


def test_open_dataset_takes_data_sets_of_other_distributions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    foreign = type("Entry", (), {"load": lambda self: lambda place, **options: (place, options)})()
    monkeypatch.setattr(Registry, "_from_entry_points", lambda self: {"theirs": foreign})
    assert open_dataset("theirs:/a?b=c") == (Path("/a"), {"b": "c"})
