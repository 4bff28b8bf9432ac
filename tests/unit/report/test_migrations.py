"""Folders in `tests/data/folders` were written by the versions of seewhy that had these schemas.

Commits 5d8229f and 29a2056 wrote them. Each holds a record of `golden.records` with a second scale;
overlays and page were taken out. `tests/data/folder_without_layers` was written by commit 4c90006,
with schema 3 before records had a visual share and layers.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from golden.records import same, small_record, small_views_record
from seewhy.core.errors import SchemaError
from seewhy.core.record import Record
from seewhy.core.trace import PromptSpan
from seewhy.report.bundle import open_record, save_record
from seewhy.report.migrations import SCHEMA_VERSION, STEPS

FOLDERS = Path(__file__).parents[2] / "data" / "folders"


def with_a_second_scale(record: Record) -> Record:
    (half,) = record.attribution.scales
    quarter = replace(half, scale=0.25, weights=half.weights / 2)
    return replace(record, attribution=replace(record.attribution, scales=(half, quarter)))


WITHOUT_LAYERS = FOLDERS.parent / "folder_without_layers"

WRITTEN = {
    1: replace(with_a_second_scale(small_record()), turns=(PromptSpan("user", 0, 7),)),
    2: with_a_second_scale(small_views_record()),
}


@pytest.fixture
def folder_of_schema_1(tmp_path) -> Path:
    return shutil.copytree(FOLDERS / "schema_1", tmp_path / "old")


def test_every_older_schema_has_a_step_and_a_folder():
    older = set(range(1, SCHEMA_VERSION))
    assert set(STEPS) == set(WRITTEN) == older
    assert {folder.name for folder in FOLDERS.iterdir()} == {f"schema_{n}" for n in older}


@pytest.mark.parametrize("schema", WRITTEN)
def test_open_record_reads_a_folder_of_an_older_schema(schema):
    assert same(open_record(FOLDERS / f"schema_{schema}"), WRITTEN[schema])


@pytest.mark.parametrize("schema", WRITTEN)
def test_record_of_an_older_schema_can_be_saved_anew(tmp_path, schema):
    old = shutil.copytree(FOLDERS / f"schema_{schema}", tmp_path / "old")
    record = open_record(old)
    assert same(open_record(save_record(record, old, overwrite=True)), record)
    assert not (old / "picture.png").exists()


def test_open_record_reads_a_folder_of_before_visual_share_and_layers():
    record = open_record(WITHOUT_LAYERS)
    assert same(record, small_views_record())
    assert (record.attribution.visual_share, record.layers) == (None, None)


@pytest.mark.parametrize("name", ["explanation.json", "maps.safetensors", "picture.png"])
def test_open_record_refuses_a_changed_file_of_schema_1(folder_of_schema_1, name):
    content = bytearray((folder_of_schema_1 / name).read_bytes())
    content[-3] ^= 1
    (folder_of_schema_1 / name).write_bytes(content)
    with pytest.raises(SchemaError, match=f"Expected {name} .*damaged or changed"):
        open_record(folder_of_schema_1)
