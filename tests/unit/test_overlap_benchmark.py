"""The script that measures overlap in the committed tables anew."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def overlap():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("overlap")


def test_stages_have_every_method_of_the_tables_once_the_cheap_ones_first(overlap) -> None:
    stages = overlap.stages()
    for suite in overlap.SUITES:
        methods = [m for stage in stages if stage.suite == suite for m in stage.methods]
        assert sorted(methods) == sorted(overlap.tabled(suite))
    costs = [overlap.rank(stage.methods[0]) for stage in stages]
    assert costs == sorted(costs)
    assert overlap.rank("msea(base=kernel-shap)") == 2
    assert stages[0].suite == "claims"


def test_methods_without_overlap_so_far_are_measured_too(overlap, monkeypatch) -> None:
    rows = overlap.results_page.read(overlap.results_page.TABLE)
    without = [row for row in rows if row.method != "rise" or "iou" not in row.figure]
    monkeypatch.setattr(overlap.results_page, "read", lambda path: without)
    tabled = overlap.tabled.__wrapped__("paper")
    assert "rise" in tabled
    assert overlap.MODEL_LABEL not in tabled


def test_nothing_is_measured_without_the_packages_of_all_methods(
    overlap, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(overlap, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="Expected captum for kernel-shap, got none"):
        overlap.measure(tmp_path, workers=1, minutes=1)


def test_what_is_measured_is_collected_and_not_measured_again(overlap, tmp_path, capsys) -> None:
    stage = overlap.Stage("claims", ("logit-lens", "tam"), scenes=1)
    pieces = overlap.missing(stage, set())
    assert len(pieces) == 3, "one scene of each model"
    rows = [row for piece in pieces for row in overlap.measured(piece)]
    lines = [json.dumps(rows), '[{"cut off']
    (tmp_path / overlap.ROWS).write_text("\n".join(lines))
    known = overlap.done(tmp_path)
    assert overlap.missing(stage, known) == []
    assert overlap.complete("claims", known, 1) == ("logit-lens", "tam")
    results = overlap.results_of("claims", rows, ("logit-lens", "tam"), 1)
    assert [column.name for column in results.columns][:3] == [
        *("object-iou", "function-iou", "f1-iou"),
    ]
    cells = overlap.cells(results)
    assert {(cell.method, cell.samples) for cell in cells} == {("logit-lens", 1), ("tam", 1)}


def test_half_a_suite_of_the_readme_is_not_merged(overlap, tmp_path) -> None:
    overlap.results_page.write([], tmp_path / "answers.csv")
    with pytest.raises(SystemExit, match="Expected all methods of claims"):
        overlap.merge(tmp_path)
