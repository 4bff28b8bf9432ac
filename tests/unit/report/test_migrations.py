"""Folders in `tests/data/folders` were written by the versions of seewhy that had these schemas.

Commits 5d8229f and 29a2056 wrote them. Each holds a record of `golden.records` with a second scale;
overlays and page were taken out. Commit f78df78 wrote `schema_3`, commit 644f038 `schema_4`. Commit
4c90006 wrote `tests/data/folder_without_layers`, of schema 3 too, before records had a visual share
and layers.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from golden.records import same, small_record, small_views_record
from golden.verdict_records import small_diagnosed_record
from seewhy.core.errors import SchemaError
from seewhy.core.layers import Layers
from seewhy.core.record import Record
from seewhy.core.trace import PromptSpan
from seewhy.models import FAMILIES
from seewhy.report.bundle import open_record, save_record
from seewhy.report.migrations import BOX_FORMATS_OF_4, SCHEMA_VERSION, STEPS, method_spec

FOLDERS = Path(__file__).parents[2] / "data" / "folders"


def with_a_second_scale(record: Record) -> Record:
    (half,) = record.attribution.scales
    quarter = replace(half, scale=0.25, weights=half.weights / 2)
    return replace(record, attribution=replace(record.attribution, scales=(half, quarter)))


def counted(*shape: int) -> torch.Tensor:
    """Numbers that are exact on every machine."""
    return (torch.arange(torch.Size(shape).numel()) / 64).view(*shape)


def with_share_and_layers(record: Record) -> Record:
    heads, maps = counted(3, 2, 2), (counted(3, 2, 2, 3), counted(3, 2, 1, 2))
    layers = Layers(counted(3, 2), counted(3, 2).long(), maps, maps, heads, heads, counted(3, 2))
    share = torch.tensor([0.25, 0.5, 0.75])
    attribution = replace(record.attribution, visual_share=share)
    return replace(record, layers=layers, attribution=attribution)


def of_family(record: Record, family: str) -> Record:
    provenance = replace(record.provenance, family=family)
    return replace(record, provenance=provenance, box_format=FAMILIES.get(family).box_format)


WITHOUT_LAYERS = FOLDERS.parent / "folder_without_layers"

WRITTEN = {
    1: replace(with_a_second_scale(small_record()), turns=(PromptSpan("user", 0, 7),)),
    2: with_a_second_scale(small_views_record()),
    3: with_share_and_layers(with_a_second_scale(small_views_record())),
    4: of_family(with_a_second_scale(small_diagnosed_record()), "qwen2-vl"),
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


@pytest.mark.parametrize("schema", [1, 2, 3])
def test_record_of_before_verdicts_has_none(schema):
    assert open_record(FOLDERS / f"schema_{schema}").verdicts is None


@pytest.mark.parametrize("schema", WRITTEN)
def test_record_of_an_older_schema_has_no_special_tokens(schema):
    record = open_record(FOLDERS / f"schema_{schema}")
    assert not any(one.special for one in (*record.words, *record.tokens, *record.prompt_tokens))
    assert record.thinking is None


def test_thinking_block_of_an_older_schema_is_found():
    data = {"answer": "<think>No.</think> Yes.", "words": [], "tokens": [], "prompt_tokens": []}
    data["family"] = ""
    changed, _ = STEPS[4](data, {})
    assert changed["thinking"] == [0, 18]


def test_record_of_before_box_formats_has_that_of_its_family():
    assert open_record(FOLDERS / "schema_4").box_format == FAMILIES.get("qwen2-vl").box_format
    assert open_record(FOLDERS / "schema_3").box_format is None  # its family is none of ours


@pytest.mark.parametrize("family", FAMILIES.names())
def test_box_formats_of_schema_4_are_those_of_the_families(family):
    own = FAMILIES.get(family).box_format
    migrated = BOX_FORMATS_OF_4.get(family, (None, ()))
    assert migrated == (own.convention, own.syntaxes)


@pytest.mark.parametrize("schema", WRITTEN)
def test_record_of_before_warnings_has_none(schema):
    record = open_record(FOLDERS / f"schema_{schema}")
    assert (record.warnings, record.word_notes) == ((), ())


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


@pytest.mark.parametrize(
    ("name", "parameters", "spec"),
    [
        ("tam", {"window": 3}, "tam"),
        ("tam", {"window": None, "max_new_tokens": 20}, "tam(window=None)"),
        ("intra-modal", {"window": None, "scales": [1.0, 0.75]}, "intra-modal(window=None)"),
        ("msea", {"scales": [1.0, 2.0], "base": "rise"}, "msea(scales=(1.0, 2.0), base=rise)"),
        ("arc", {"k": 20, "base": "msea(scales=(1, 2))"}, "arc(k=20, base=msea(scales=(1, 2)))"),
        ("of-a-plugin", {"size": 3}, "of-a-plugin"),
        ("tam", {"window": 4}, "tam"),
    ],
)  # fmt: skip
def test_method_of_an_older_folder_is_named_with_its_parameters(name, parameters, spec):
    assert method_spec(name, parameters) == spec


def test_open_record_names_the_method_of_an_older_folder_by_its_spec(tmp_path):
    old = shutil.copytree(FOLDERS / "schema_4", tmp_path / "old")
    manifest = json.loads((old / "manifest.json").read_text())
    manifest |= {"method": "intra-modal", "parameters": {"window": None, "scales": [1.0]}}
    (old / "manifest.json").write_text(json.dumps(manifest))
    assert open_record(old).provenance.method == "intra-modal(window=None)"
