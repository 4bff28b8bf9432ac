"""Rows put together, checked against plain arithmetic."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from dataclasses import asdict, replace

import pytest

from bench_parts import InMask, Scenes
from seewhy.bench.cells import best, breakdown, cells
from seewhy.bench.config import BenchConfig
from seewhy.bench.gallery import choose_cases, read_cases, read_gallery
from seewhy.bench.plan import Task, plan_of
from seewhy.bench.readers import has_tables_alone, read_tables
from seewhy.bench.reading import read_results
from seewhy.bench.reporting import PAGE, write_report
from seewhy.bench.results import columns_of
from seewhy.bench.store import Row, Store
from seewhy.bench.suites import resolve
from seewhy.bench.writers import latex, markdown, reasons_csv, table_csv
from seewhy.core.errors import ParameterError, SchemaError

SAMPLES = 4
METHODS = ("logit-lens", "tam")


def plan(**changes):
    given = {"models": ["tiny-qwen2-vl"], "methods": METHODS, "metrics": [InMask()]}
    given |= {"data": [Scenes(count=SAMPLES)]} | changes
    return plan_of(resolve(BenchConfig(**given)))


def score(method, sample, word):
    """Better for the second method by the same amount everywhere."""
    return 0.1 * sample + 0.01 * word + 0.2 * method


def rows_of(asked, figures=("in-mask", "out-of-mask")):
    for method, spec in enumerate(asked.methods):
        for sample in range(SAMPLES):
            keys = asked.keys(0, 0, Task(method, 0))
            base = Row(
                task=asked.task_key(0, 0, f"scene-{sample}", Task(method, 0)),
                model=asked.models[0].label,
                data=asked.datasets[0].label,
                sample=f"scene-{sample}",
                method=spec.label,
                metric="in-mask",
                **keys,
            )
            for figure in figures:
                for word in range(sample + 1):
                    yield replace(
                        base,
                        figure=figure,
                        word=word,
                        text=f"word{word}",
                        role="kind" if word else "colour",
                        tags={"size": "small"},
                        value=score(method, sample, word),
                    )
            yield replace(base, figure="in-mask", status="undefined", reason="no | noun")


def write(folder, asked, rows):
    with Store(folder).writing() as store:
        store.add(list(rows))
        store.save_run(asked.key, {**asked.describe(), "reference": METHODS[0], "started": "1"})
    return store


@pytest.fixture
def results(tmp_path):
    asked = plan()
    return read_results(write(tmp_path, asked, rows_of(asked)))


def cell_of(listed, method, figure, group=""):
    return next(c for c in listed if (c.method, c.column.name, c.group) == (method, figure, group))


def test_a_mean_counts_every_word(results):
    found = cell_of(cells(results), "tam", "in-mask")
    values = [score(1, sample, word) for sample in range(SAMPLES) for word in range(sample + 1)]
    assert found.value == pytest.approx(sum(values) / len(values))
    assert (found.samples, found.values) == (SAMPLES, len(values))
    assert found.low < found.value < found.high


def test_differences_are_paired(results):
    found = cell_of(cells(results), "tam", "in-mask")
    assert found.difference == pytest.approx(0.2)
    assert found.difference_low == pytest.approx(0.2)
    assert found.significant
    assert cell_of(cells(results), "logit-lens", "in-mask").difference is None


def test_a_harmonic_mean_is_of_the_two_means(results):
    listed = cells(results)
    mean = cell_of(listed, "tam", "in-mask").value
    assert cell_of(listed, "tam", "both").value == pytest.approx(mean)


def test_breakdown_is_by_what_differs(results):
    listed = breakdown(results)
    assert {cell.group for cell in listed} == {"role: kind", "role: colour"}
    found = cell_of(listed, "tam", "in-mask", "role: colour")
    assert found.value == pytest.approx(sum(score(1, s, 0) for s in range(SAMPLES)) / SAMPLES)


def test_best_knows_which_way_is_up(results):
    marked = {key[-2:] for key in best(cells(results))}
    assert ("in-mask", "tam") in marked
    assert ("out-of-mask", "logit-lens") in marked


def test_reasons_are_counted(results):
    reasons = {(r.method, r.figure, r.status, r.reason, r.count) for r in results.reasons}
    assert reasons == {(m, "in-mask", "undefined", "no | noun", SAMPLES) for m in METHODS}


def test_rows_of_another_run_are_left_out(tmp_path):
    asked, other = plan(), plan(seed=1, metrics=[InMask(factor=2.0)])
    with Store(tmp_path).writing() as store:
        store.add(list(rows_of(other)))
    write(tmp_path, asked, rows_of(asked))
    whole = [replace_ids(cell) for cell in cells(read_results(tmp_path))]
    alone = tmp_path / "alone"
    write(alone, asked, rows_of(asked))
    assert whole == [replace_ids(cell) for cell in cells(read_results(alone))]


def replace_ids(cell):
    return str(asdict(cell))


def test_fewer_samples_take_their_rows_only(tmp_path):
    asked, few = plan(), plan(data=[Scenes(count=2)])
    write(tmp_path, asked, rows_of(asked))
    with Store(tmp_path).writing() as store:
        store.save_run(few.key, {**few.describe(), "reference": "tam", "started": "2"})
    assert cell_of(cells(read_results(tmp_path)), "tam", "in-mask").samples == 2


def test_what_only_an_earlier_run_has_is_named(tmp_path):
    both, one = plan(), plan(methods=METHODS[1:])
    write(tmp_path, both, rows_of(both))
    assert read_results(tmp_path).left_out == ()
    with Store(tmp_path).writing() as store:
        store.save_run(one.key, {**one.describe(), "reference": METHODS[1], "started": "2"})
    assert read_results(tmp_path).left_out == METHODS[:1]


def test_folders_are_put_together(tmp_path):
    first, second = plan(methods=METHODS[:1]), plan(methods=METHODS[1:])
    write(tmp_path / "1", first, rows_of(first))
    write(tmp_path / "2", second, rows_of(second))
    together = read_results([tmp_path / "1", tmp_path / "2"], reference="logit-lens")
    assert together.methods == METHODS
    # Both were written as the first method of their plans, so all scores are the same.
    assert cell_of(cells(together), "tam", "in-mask").difference == pytest.approx(0)


def test_a_folder_given_twice_counts_once(tmp_path):
    asked = plan()
    write(tmp_path, asked, rows_of(asked))
    once, twice = read_results(tmp_path), read_results([tmp_path, tmp_path])
    assert [c.values for c in cells(once)] == [c.values for c in cells(twice)]


def test_runs_of_other_settings_are_not_put_together(tmp_path):
    first, second = plan(), plan(seed=1)
    write(tmp_path / "1", first, rows_of(first))
    write(tmp_path / "2", second, rows_of(second))
    with pytest.raises(ParameterError, match="seed 0.* and .*seed 1"):
        read_results([tmp_path / "1", tmp_path / "2"])


def test_a_reference_that_is_not_there_is_told(tmp_path):
    asked = plan()
    write(tmp_path, asked, rows_of(asked))
    with pytest.raises(ParameterError, match="got 'rise'"):
        read_results(tmp_path, reference="rise")


def test_three_figures_of_a_name_are_a_curve():
    figures = [{"name": f"falling@{x}", "of": ()} for x in (0, 1, 2)]
    figures += [{"name": name, "of": ()} for name in ("iou@0.5", "iou", "mail@home")]
    assert [c.curve for c in columns_of("m", figures)] == [
        ("falling", 0.0), ("falling", 1.0), ("falling", 2.0), None, None, None,
    ]  # fmt: skip


def test_markdown_marks_the_best_and_counts_reasons(results):
    text = markdown(results, cells(results))
    assert "## tiny-qwen2-vl on scenes" in text
    assert "**" in next(line for line in text.splitlines() if line.startswith("| `tam`"))
    assert "no \\| noun | 4 |" in text


def test_latex_is_balanced(results):
    text = latex(results, cells(results))
    assert text.count("{") - text.count("\\{") == text.count("}") - text.count("\\}")
    assert "\\textbf{" in text
    assert text.count("\\begin{tabular}") == text.count("\\end{tabular}") == 1


def test_csv_holds_every_digit(results):
    listed = cells(results)
    read = list(csv.DictReader(io.StringIO(table_csv(listed))))
    assert len(read) == len(listed)
    assert [float(row["value"]) for row in read] == [cell.value for cell in listed]
    assert not any(math.isnan(float(row["low"])) for row in read)


def test_cases_are_best_worst_and_disputed_of_different_samples(results):
    chosen = choose_cases(results, per_kind=1)
    assert [case.kind for case in chosen] == ["best", "worst", "disputed"]
    assert (chosen[0].sample, chosen[1].sample) == ("scene-3", "scene-0")
    assert len({case.sample for case in chosen}) == 3


def test_rows_bear_the_labels_of_the_run_that_asks(tmp_path):
    """A default that has changed since changes a label, not what was measured."""
    asked = plan()
    old = (replace(row, method=f"{row.method}(old)", data="elsewhere") for row in rows_of(asked))
    results = read_results(write(tmp_path, asked, old))
    assert cell_of(cells(results), "tam", "in-mask").samples == SAMPLES
    assert {key[1] for key in results.samples} == {asked.datasets[0].label}


def test_parts_of_one_data_set_are_both_there(tmp_path):
    asked = plan()
    description = asked.describe()
    whole = description["data"][0]
    halves = [
        {**whole, "label": label, "samples": whole["samples"][part]}
        for label, part in (("first", slice(2)), ("rest", slice(2, None)))
    ]
    with Store(tmp_path).writing() as store:
        store.add(list(rows_of(asked)))
        store.save_run("both", {**description, "data": halves, "reference": METHODS[0]})
    results = read_results(store)
    assert {key[1]: len(ids) for key, ids in results.samples.items()} == {"first": 2, "rest": 2}


def test_a_value_in_any_folder_beats_a_failure_in_another(tmp_path):
    asked = plan()
    lost = {
        row.task: replace(row, figure="", value=None, status="failed", reason="out of memory")
        for row in rows_of(asked)
    }
    bad = write(tmp_path / "bad", asked, lost.values())
    good = write(tmp_path / "good", asked, rows_of(asked))
    for order in ([bad, good], [good, bad]):
        results = read_results(order)
        assert cell_of(cells(results), "tam", "in-mask").samples == SAMPLES
        assert all(reason.status != "failed" for reason in results.reasons)
    assert {reason.status for reason in read_results(bad).reasons} == {"failed"}


def test_data_sets_that_share_a_label_alone_are_not_mixed(tmp_path):
    folders = []
    for version in "12":
        asked = plan(data=[Scenes(count=SAMPLES, version=version)])
        folders.append(write(tmp_path / version, asked, rows_of(asked)))
    with pytest.raises(ParameterError, match="one meaning of 'scenes' among the data"):
        read_results(folders)


def test_differences_are_over_words_that_both_have(tmp_path):
    """Leaving the hard words out makes no method better than another."""
    asked = plan()
    hard = SAMPLES - 1

    def rows():
        for row in rows_of(asked):
            if row.method == METHODS[0] and row.word == hard:
                continue  # undefined there
            same = 0.1 if row.word == hard else 0.8
            yield row if row.value is None else replace(row, value=same)

    found = cell_of(cells(read_results(write(tmp_path, asked, rows()))), "tam", "in-mask")
    assert found.value < 0.8
    assert found.difference == pytest.approx(0.0)
    assert not found.significant


@pytest.fixture
def tables(tmp_path):
    """A folder of results, and a copy of it without rows."""
    asked, folder, kept = plan(), tmp_path / "results", tmp_path / "tables"
    write(folder, asked, rows_of(asked))
    write_report(folder)
    shutil.copytree(folder, kept, ignore=shutil.ignore_patterns("rows", PAGE, "*.md", "*.tex"))
    return folder, kept


def test_tables_are_read_back_as_they_were(tables):
    folder, kept = tables
    results = read_results(folder)
    read, whole, parts = read_tables(kept)
    # NaN is not equal to itself, but its text is.
    assert str(whole) == str(cells(results))
    assert str(parts) == str(breakdown(results))
    assert (read.samples, read.reasons, read.runs) == (
        results.samples,
        results.reasons,
        results.runs,
    )
    assert read_cases(kept) == choose_cases(results)


def test_a_report_of_tables_alone_equals_that_of_rows(tables, tmp_path):
    folder, kept = tables
    assert (has_tables_alone(folder), has_tables_alone(kept)) == (False, True)
    write_report(kept, tmp_path / "again")
    names = {path.name for path in folder.iterdir() if path.suffix} | {PAGE}
    assert names >= {"table.md", "table.tex", "table.csv", "reasons.csv", "cases.json"}
    for name in names:
        assert (tmp_path / "again" / name).read_text() == (folder / name).read_text(), name


def test_what_needs_rows_is_told_where_there_are_tables_alone(tables):
    folder, kept = tables
    with pytest.raises(ParameterError, match="to merge them, got .*tables"):
        write_report([folder, kept])
    with pytest.raises(ParameterError, match="'logit-lens' as the reference.* got 'tam'"):
        write_report(kept, reference="tam")


def test_tables_that_do_not_belong_to_the_runs_are_told(tables):
    _, kept = tables
    table = kept / "table.csv"
    table.write_text(table.read_text().replace("out-of-mask", "beside-the-mask"))
    with pytest.raises(SchemaError, match="belong to the runs in .* got KeyError"):
        write_report(kept)
    (kept / "reasons.csv").unlink()
    with pytest.raises(SchemaError, match="belong to the runs in "):
        write_report(kept)


def test_damaged_cases_are_told(tables):
    _, kept = tables
    (kept / "cases.json").write_text("[{}]")
    with pytest.raises(SchemaError, match="Expected chosen cases in"):
        write_report(kept)
    (kept / "cases.json").unlink()
    assert read_cases(kept) == []


HOSTILE = "=HYPERLINK(1)|<img src=x onerror=alert(1)>\n# [a](javascript:b) `c`"


def test_labels_are_no_markup_and_no_formulas(results):
    renamed = [replace(cell, model=HOSTILE, data="-1+2", method=HOSTILE) for cell in cells(results)]
    named = replace(
        results,
        samples={(HOSTILE, "-1+2"): ("a",)},
        methods=(HOSTILE,),
        reasons=tuple(replace(reason, model=HOSTILE, reason=HOSTILE) for reason in results.reasons),
    )
    text = markdown(named, renamed)
    assert "<img" not in text
    assert "](javascript" not in text
    assert not [line for line in text.splitlines() if line.startswith("# ")]
    for table in (table_csv(renamed), reasons_csv(named.reasons)):
        for line in csv.reader(io.StringIO(table)):
            assert not [cell for cell in line if cell[:1] in "=+@\t\r" and cell]
            assert all(cell[:1] != "-" or float(cell) < 0 for cell in line)


def test_a_gallery_links_to_its_own_reports_alone(tmp_path):
    (tmp_path / "gallery").mkdir()
    case = {
        "kind": "best", "model": "m", "data": "d", "sample": "s", "figure": "f", "answer": "a",
        "word": "w", "picture": "", "tiles": [], "report": "00-s/report.html",
    }  # fmt: skip
    index = tmp_path / "gallery" / "gallery.json"
    index.write_text(json.dumps([case]))
    (read,) = read_gallery([tmp_path], tmp_path)
    assert read["report"] == "gallery/00-s/report.html"
    for damage in (
        *(
            {"report": link}
            for link in ("javascript:alert(1)", "../x/report.html", "//e/report.html")
        ),
        *({"picture": link} for link in ("https://e/x.png", "data:text/html;base64,AA")),
        *({"tiles": value} for value in (None, [{}], [{"method": 1}])),
        *({"word": None}, {"report": 3}),
    ):
        index.write_text(json.dumps([{**case, **damage}]))
        with pytest.raises(SchemaError, match="Expected the index of a gallery in .*gallery"):
            read_gallery([tmp_path], tmp_path)
    for content in ("", "{", "[", "null", "[1]", "[[]]", '{"a": 1, "a": 1}'):
        index.write_text(content)
        with pytest.raises(SchemaError, match="Expected the index of a gallery in .*gallery"):
            read_gallery([tmp_path], tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        {"models": []}, {"models": None}, {"methods": [{"label": 1}]}, {"settings": {}},
        {"settings": []}, {"metrics": [{}]}, {"data": {"a": 1}}, {"data": [{"label": "d"}]},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_run_is_told_in_one_line(tables, damage):
    for folder in tables:
        (path,) = (folder / "runs").glob("*.json")
        path.write_text(json.dumps({**json.loads(path.read_text()), **damage}))
        with pytest.raises(SchemaError, match=r"runs/ were damaged or changed"):
            write_report(folder)


@pytest.mark.parametrize(
    ("key", "message"),
    [("label", "the model .* which no run has"), ("fingerprint", "rows of none of them")],
)
def test_labels_that_no_row_has_are_told(tables, key, message):
    folder = tables[key == "label"]
    (path,) = (folder / "runs").glob("*.json")
    run = json.loads(path.read_text())
    run["models"][0][key] = "another"
    path.write_text(json.dumps(run))
    with pytest.raises(SchemaError, match=message):
        write_report(folder)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"{}"])
def test_damaged_rows_are_told_in_one_line(tables, content):
    folder, _ = tables
    (path,) = (folder / "rows").glob("*.parquet")
    path.write_bytes(content)
    with pytest.raises(SchemaError, match="Expected rows of results in"):
        write_report(folder)
