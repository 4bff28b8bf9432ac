"""Audits of pictures that the package's models do not know."""

from __future__ import annotations

import pytest

from audit_layouts import save_picture, write_lines
from audit_rows import ListedRows, answer_row
from seewhy.audit.foreign import foreign_data
from seewhy.audit.payload import payload
from seewhy.audit.sources import open_source
from seewhy.audit.summary import summarise
from seewhy.bench.model_specs import ModelSpec, model_specs
from seewhy.testbed.pretrained import pretrained


@pytest.fixture
def log(tmp_path):
    save_picture(tmp_path / "1.png")
    return open_source(f"log:{write_lines(tmp_path / 'log.jsonl', [{'image': '1.png'}] * 5)}")


def spec_of(model) -> ModelSpec:
    (spec,) = model_specs([model], None, {})
    return spec


def test_other_pictures_than_scenes_are_foreign_to_the_package_s_models(log):
    for model in ("tiny-llava", pretrained()["tiny-llava"]):
        assert "tiny-llava ships with seewhy" in foreign_data(log, spec_of(model))


def test_other_models_may_see_them(log):
    assert foreign_data(log, ModelSpec("m", "org/m", "")) == ""


def test_scenes_are_not_foreign():
    assert foreign_data(open_source("testbed:count=2"), spec_of("tiny-llava")) == ""


def test_row_without_its_picture_is_left_out(tmp_path):
    (tmp_path / "1.png").write_bytes(b"no picture")
    log = open_source(f"log:{write_lines(tmp_path / 'log.jsonl', [{'image': '1.png'}])}")
    assert foreign_data(log, spec_of("tiny-llava")) == ""


def test_page_says_it_before_its_finding():
    rows = ListedRows([answer_row("a", "A cup.")], [])
    summary = summarise(rows)
    told = payload(summary, rows.answers, made={"warning": "Drawn scenes only."})
    assert told["finding"] == f"Drawn scenes only. {summary.finding}"
    assert payload(summary, rows.answers)["finding"] == summary.finding
