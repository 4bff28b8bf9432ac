"""The bench from end to end: engines, deaths, resumption, other people's methods."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from bench_parts import (
    UNUSABLE,
    Deadly,
    Hollow,
    InMask,
    Odds,
    Refusing,
    Scenes,
    Slow,
    slow_run,
)
from forked_workers import forked_workers, started  # noqa: F401 - a fixture
from seewhy import models
from seewhy.bench import BenchConfig, run
from seewhy.bench.cells import cells
from seewhy.bench.reading import read_results
from seewhy.bench.reporting import write_report
from seewhy.bench.store import Store
from seewhy.cli.main import main
from seewhy.core.errors import ParameterError
from seewhy.testbed.pretrained import pretrained

ROOT = Path(__file__).parents[2]
MODEL = "tiny-qwen2-vl"


def measure(out, engine="in-process", *, progress=None, **changes):
    given = {
        "models": [MODEL],
        "methods": ["logit-lens", "tam"],
        "metrics": [InMask(), Odds()],
        "data": [Scenes(count=2)],
        "engine": engine,
        "workers": 2,
    }
    return run(BenchConfig(**{**given, **changes}), out=out, progress=progress)


def rows(store):
    return store.read().to_pylist()


def values(store):
    """What was measured, without times."""
    names = ("sample", "method", "metric", "figure", "word", "value", "status", "reason")
    return sorted(str([row[name] for name in names]) for row in rows(store))


def statuses(store, method):
    return {(r["status"], r["reason"]) for r in rows(store) if r["method"] == method}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return measure(tmp_path_factory.mktemp("here") / "results")


def test_every_task_has_rows(measured):
    tasks = {(r["sample"], r["method"], r["metric"]) for r in rows(measured)}
    assert tasks == {
        (sample, method, metric)
        for sample in ("scene-0", "scene-1")
        for method, metric in (
            ("logit-lens", "in-mask"),
            ("tam", "in-mask"),
            ("(model)", "odds"),
        )
    }
    kinds = [r for r in rows(measured) if r["role"] == "kind" and r["figure"] == "in-mask"]
    assert kinds
    assert all(0 <= r["value"] <= 1 and r["tags"] == [("size", "small")] for r in kinds)


def test_what_fails_is_counted_and_the_run_goes_on(tmp_path):
    store = measure(
        tmp_path / "results", methods=[Refusing(), Hollow(), "tam"], data=[Scenes(count=4)]
    )
    skipped = ("skipped", "no caption")
    refused = ("failed", "UnsupportedModelError: Expected another model, got this one.")
    assert statuses(store, "refusing") == {refused, skipped}
    hollow = ("failed", "ValueError: NaN or infinity in the maps")
    assert statuses(store, "hollow") == {hollow, skipped}
    assert ("measured", "") in statuses(store, "tam")
    assert {r["sample"] for r in rows(store) if r["status"] == "skipped"} == {UNUSABLE}
    assert ("measured", "") in statuses(store, "(model)")
    reasons = {(r.method, r.reason): r.count for r in read_results(store).reasons}
    assert reasons["refusing", refused[1]] == 3


def test_started_again_nothing_is_done_twice(tmp_path):
    store = measure(tmp_path / "results")
    (before,) = [path.read_bytes() for path in store.files()]
    said = []
    measure(tmp_path / "results", progress=said.append)
    assert [(state.done, state.total, state.found) for state in said] == [(6, 6, 6)]
    assert [path.read_bytes() for path in store.files()] == [before]


def test_a_changed_parameter_is_a_run_of_its_own(tmp_path):
    folder = tmp_path / "results"
    measure(folder)
    store = measure(folder, metrics=[InMask(factor=0.5)])
    found = cells(read_results(store), replicates=10)
    assert {cell.column.metric for cell in found} == {"in-mask(factor=0.5)"}
    counts = Counter((r["metric"], r["method"]) for r in rows(store))
    assert counts["in-mask", "tam"] == counts["in-mask(factor=0.5)", "tam"]


def test_what_failed_is_done_over_when_asked(tmp_path):
    given = {"methods": [Refusing()], "metrics": [InMask()], "data": [Scenes(count=1)]}
    for retry, attempts in ((False, {0}), (False, {0}), (True, {1})):
        store = measure(tmp_path / "results", **given, retry=retry)
        assert {row["attempt"] for row in rows(store)} == attempts


def test_processes_find_the_same_values(tmp_path, measured):
    assert values(measure(tmp_path / "results", "processes")) == values(measured)


@pytest.mark.usefixtures("forked_workers")
def test_a_worker_that_dies_is_replaced_and_its_sample_redone(tmp_path):
    method = Deadly(str(tmp_path / "once"))
    store = measure(tmp_path / "results", "processes", methods=["tam", method], workers=1)
    label = next(r["method"] for r in rows(store) if r["method"].startswith("deadly"))
    assert {status for status, _ in statuses(store, label)} == {"measured", "undefined"}
    assert max(Counter((r["task"], r["figure"], r["word"]) for r in rows(store)).values()) == 1


@pytest.mark.usefixtures("forked_workers")
def test_a_sample_that_kills_its_workers_is_given_up(tmp_path):
    store = measure(
        tmp_path / "results",
        "processes",
        methods=["tam", Deadly()],
        data=[Scenes(count=1)],
        workers=1,
    )
    assert statuses(store, "deadly") == {("failed", "the worker died 3 times (signal SIGKILL)")}
    assert ("measured", "") in statuses(store, "tam")


def test_killed_at_any_moment_it_goes_on_where_it_was(tmp_path):
    folder = tmp_path / "results"
    kept: dict[str, bytes] = {}
    for selected in (1, 3):
        running = started(slow_run, folder)
        until = time.monotonic() + 240
        while len(list(folder.glob("rows/*.parquet"))) < selected and running.is_alive():
            assert time.monotonic() < until, "nothing was written"
            time.sleep(0.02)
        running.kill()
        running.join()
        found = {path.name: path.read_bytes() for path in folder.glob("rows/*.parquet")}
        assert kept.items() <= found.items()
        kept = found
    early = Store(folder).done()
    assert 3 <= len(early) < 6
    store = measure(folder, methods=["tam", Slow(0.3)], metrics=[InMask()], data=[Scenes(count=3)])
    assert len(store.done()) == 6
    assert max(Counter((r["task"], r["figure"], r["word"]) for r in rows(store)).values()) == 1
    alone = measure(
        tmp_path / "alone", methods=["tam", Slow(0.3)], metrics=[InMask()], data=[Scenes(count=3)]
    )
    assert values(store) == values(alone)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")
def test_ray_finds_the_same_values_and_replaces_actors(tmp_path, measured):
    method = Deadly(str(tmp_path / "once"))
    methods = ["logit-lens", "tam", method]
    store = measure(tmp_path / "results", "ray", methods=methods, workers=1)
    deadly = [r for r in rows(store) if r["method"].startswith("deadly")]
    assert {r["status"] for r in deadly} == {"measured", "undefined"}
    assert (tmp_path / "once").exists()
    common = [line for line in values(store) if "deadly" not in line]
    assert common == values(measured)


def test_ray_that_is_not_installed_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ParameterError, match=r"pip install 'seewhy\[ray\]'"):
        measure(tmp_path / "results", "ray")


def test_pyarrow_that_is_not_installed_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ParameterError, match=r"pip install 'seewhy\[bench\]'"):
        measure(tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_a_loaded_pair_is_measured_here_and_nowhere_else(tmp_path, measured):
    loaded = models.load(pretrained()[MODEL])
    pair = (loaded.model, loaded.processor)
    with pytest.raises(ParameterError, match="Expected engine='in-process'"):
        measure(tmp_path / "no", "processes", models=[pair])
    assert values(measure(tmp_path / "yes", models=[pair])) == values(measured)


def test_the_command_measures_and_reports(tmp_path, capsys):
    out = str(tmp_path / "results")
    words = ["bench", "--out", out, "--limit", "1", "--engine", "in-process", "--quiet"]
    words += ["--methods", "random", "tam", "msea(scales=(1,1.5))", "--metrics", "overlap"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "overlap: tiny-qwen2-vl on testbed, 1 samples" in shown
    assert f"page: {out}/bench.html" in shown
    files = ("bench.html", "table.md", "table.tex", "table.csv", "gallery/gallery.json")
    assert all((tmp_path / "results" / name).is_file() for name in files)
    (report,) = (tmp_path / "results/gallery").glob("*/report.html")
    assert f"gallery/{report.parent.name}/report.html" in Path(out, "bench.html").read_text()
    before = Path(out, "table.csv").read_text()
    elsewhere = tmp_path / "elsewhere"
    assert main(["bench", "--report", out, "--out", str(elsewhere), "--quiet"]) == 0
    assert (elsewhere / "table.csv").read_text() == before
    assert f"../results/gallery/{report.parent.name}" in (elsewhere / "bench.html").read_text()
    assert "Only the latest run" not in capsys.readouterr().out
    fewer = [word for word in words if word not in ("tam", "msea(scales=(1,1.5))")]
    assert main([*fewer, "--no-gallery"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Earlier ones in the folder also have tam, msea(scales=(1, 1.5))." in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Expected --out FOLDER"),
        (["--out", "r", "--suite", "quik"], "did you mean 'quick'"),
        (["--out", "r", "--methods", "tma"], "did you mean 'tam'"),
        (["--out", "r", "--metrics", "overlap(x=1)"], "parameter of overlap"),
        (["--out", "r", "--data", "coco:/nowhere"], "/nowhere"),
        (["--out", "r", "--models", "tiny"], "Expected the name of a model"),
        (["--out", "r", "--reference", "rise"], "Expected the reference among the methods"),
        (["--report", "nowhere"], "holds no runs"),
    ],
)
def test_the_command_tells_what_cannot_be(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["bench", *words, "--quiet"]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_extending_page_runs_as_it_stands(tmp_path, monkeypatch):
    text = (ROOT / "docs/extending.md").read_text("utf-8")
    code = dict(re.findall(r'```python title="(\w+)\.py"\n(.*?)```', text, re.DOTALL))
    assert set(code) == {"loudest", "compare", "brightest"}
    for name, source in code.items():
        (tmp_path / f"{name}.py").write_text(source)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "compare.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "results/table.md").read_text()
    for method in ("random", "centre", "tam", "loudest", "loudest(power=2)"):
        assert re.search(rf"^\| `{re.escape(method)}` \| .*\[.*\]", table, re.MULTILINE), method

    monkeypatch.syspath_prepend(tmp_path)
    entry = tmp_path / "loudest-1.0.dist-info"
    entry.mkdir()
    (entry / "METADATA").write_text("Metadata-Version: 2.1\nName: loudest\nVersion: 1.0\n")
    (entry / "entry_points.txt").write_text(
        "[seewhy.methods]\nloudest = loudest:Loudest\n"
        "[seewhy.metrics]\nbrightest = brightest:Brightest\n"
    )
    config = BenchConfig(
        methods=["loudest(power=3)"], metrics=["brightest"], limit=1, engine="in-process"
    )
    store = run(config, out=tmp_path / "named")
    assert {(r["method"], r["status"]) for r in rows(store)} == {("loudest(power=3)", "measured")}


def test_report_of_a_run_that_is_not_over_shows_what_there_is(tmp_path, measured):
    results, _ = write_report(measured.folder, tmp_path / "report")
    assert results.samples == {(MODEL, "scenes"): ("scene-0", "scene-1")}


def test_what_a_method_finds_hangs_on_no_other_method(tmp_path):
    """On InternVL scales 1.25 and 1.5 come out alike: who reads first must not matter."""
    methods = ["msea", "msea(scales=(1, 1.5))"]
    found = {}
    for number, order in enumerate((methods, methods[::-1], methods[1:])):
        store = measure(
            tmp_path / str(number),
            models=["tiny-internvl"],
            methods=order,
            metrics=[InMask()],
            data=[Scenes(count=1)],
        )
        for row in rows(store):
            assert row["status"] != "failed", row["reason"]
            key = (row["method"], row["figure"], row["word"])
            assert row["value"] == found.setdefault(key, row["value"])


def test_pairs_give_each_model_a_table_of_its_own_data(tmp_path):
    """Estimates and paired differences of a model are those of a run of it alone."""
    data = ["testbed:count=2", "testbed:count=2,start=5"]
    given = {"models": [MODEL, "tiny-llava"], "data": data}
    both = read_results(measure(tmp_path / "both", **given, pairs=True))
    expected = {(MODEL, data[0]): ("heldout-0", "heldout-1")}
    expected |= {("tiny-llava", data[1]): ("heldout-5", "heldout-6")}
    assert both.samples == expected
    alone = read_results(measure(tmp_path / "one", models=["tiny-llava"], data=data[1:]))
    found = [cell for cell in cells(both, replicates=50) if cell.model == "tiny-llava"]
    assert [str(cell) for cell in found] == [str(cell) for cell in cells(alone, replicates=50)]
    assert any(cell.difference is not None for cell in found)
    write_report([tmp_path / "both"], tmp_path / "report")
    page = (tmp_path / "report" / "table.md").read_text("utf-8")
    assert re.findall("^## (.*) on (.*)$", page, re.MULTILINE) == list(expected)
