"""The tables of the README and docs/results.md are those of the committed results."""

from __future__ import annotations

import importlib
import math
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAN = float("nan")


@pytest.fixture(scope="module")
def results():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("results_page")


def row(results, method="tam", figure="f1-iou", value=0.5, apart=(NAN, NAN, NAN), **other):
    given = {"suite": "claims", "model": "tiny-llava", "group": "", "reference": "tam", **other}
    return results.Row(
        **given,
        method=method,
        figure=figure,
        value=value,
        low=value - 0.1,
        high=value + 0.1,
        samples=9,
        difference=apart[0],
        difference_low=apart[1],
        difference_high=apart[2],
    )


def test_pages_hold_what_the_results_say(results):
    made = results.Tables(results.read(results.TABLE))
    for page in results.PAGES:
        text = page.read_text("utf-8")
        assert "<!-- table: " in text
        assert results.filled(text, made) == text, f"{page.name}: python benchmarks/results_page.py"


def test_every_table_has_a_body(results):
    made = results.Tables(results.read(results.TABLE))
    names = set(results.PLACE.findall((BENCHMARKS.parent / "docs/results.md").read_text("utf-8")))
    assert len(names) >= 10
    for _, name, *_ in names:
        assert made.rendered(name).count("\n") >= 3, name


@pytest.mark.parametrize(
    ("figure", "ends", "verdict"),
    [
        ("f1-iou", (0.01, 0.03), "yes"),
        ("f1-iou", (-0.03, -0.01), "**no**"),
        ("f1-iou", (-0.01, 0.03), "open"),
        ("deletion", (-0.03, -0.01), "yes"),
        ("deletion", (0.01, 0.03), "**no**"),
        ("deletion", (-0.01, 0.0), "open"),
        ("deletion(fill=mean)", (-0.03, -0.01), "yes"),
        ("context-deletion", (0.01, 0.03), "**no**"),
    ],
)
def test_a_verdict_is_given_where_the_interval_leaves_out_zero(results, figure, ends, verdict):
    found = row(results, figure=figure, apart=(sum(ends) / 2, *ends))
    assert results.verdict(found) == verdict


def test_figures_of_one_name_bear_the_parameters_of_their_metric(results):
    columns = [results.Column(m, "deletion") for m in ("deletion", "deletion(fill=mean)")]
    assert [results._figure(one) for one in columns] == ["deletion", "deletion(fill=mean)"]


@pytest.mark.parametrize("base", ["logit-lens", "attn-lrp"])
def test_what_is_composed_is_what_the_suite_measures(results, base):
    measured = importlib.import_module("seewhy.bench.suites").suite_of("composed").methods
    above = results.composed_of(base)
    assert [label.partition("(")[0] for label in above] == ["msea", "arc"]
    assert {base, *above} <= set(measured)


def test_rows_survive_their_file(results, tmp_path):
    rows = [row(results), row(results, "arc(k=5, p=0.5)", apart=(0.1, -0.1, 0.2))]
    results.write(rows, tmp_path / "rows.csv")
    first, second = results.read(tmp_path / "rows.csv")
    assert math.isnan(first.difference)
    assert second == rows[1]


def test_the_best_is_bold_and_less_is_better_where_it_is(results):
    made = results.Tables(
        [
            row(results, method, figure, value, reference="intra-modal")
            for figure, values in (("f1-iou", (0.4, 0.6)), ("deletion", (0.2, 0.3)))
            for method, value in zip(("tam", "arc"), values, strict=True)
        ]
    )
    best = {(r.figure, r.method): made._marked(r).startswith("**") for r in made.rows.values()}
    assert best == {
        ("f1-iou", "tam"): False,
        ("f1-iou", "arc"): True,
        ("deletion", "tam"): True,
        ("deletion", "arc"): False,
    }


def test_pages_say_which_definition_of_overlap_they_hold(results, monkeypatch, tmp_path):
    made = results.Tables(results.read(results.TABLE))
    monkeypatch.setattr(results, "OVERLAP", tmp_path / "overlap.json")
    assert "earlier definition" in made.overlap_note()
    state = '{"measured": "2026-11-26", "without": {"claims": [], "paper": ["rise"]}}'
    (tmp_path / "overlap.json").write_text(state)
    assert made.overlap_note() == (
        "Overlap was measured anew on 2026-11-26, as TAM's code evaluates it. Methods that were "
        "not measured anew have no overlap (`paper`: `rise`)."
    )


def emoji_row(results, method, figure="f1-iou", value=0.5, suite="emoji-claims", **other):
    given = {"suite": suite, "model": "smol-llava", **other}
    return row(results, method, figure, value, **given)


def test_tables_of_emoji_have_intervals_and_scenes(results):
    made = results.Tables(
        [
            emoji_row(results, "tam"),
            emoji_row(results, "arc", value=0.6, apart=(0.1, 0.05, 0.15)),
        ]
    )
    lines = made.emoji().splitlines()
    assert lines[2] == "| LLaVA | `tam` | 50.0 [40.0, 60.0] | 9 |"
    assert lines[3].startswith("| LLaVA | `arc` | **60.0** [50.0, 70.0] |")


def test_the_papers_claim_without_the_filter_is_compared_with_tam_without_it(results):
    suite, apart = "emoji-readings", (0.01, 0.005, 0.02)
    plain, bare = "tam", "tam(window=None)"
    ours = "intra-modal(grid=finest{})"
    made = results.Tables(
        [
            emoji_row(results, reference, suite=suite, reference=reference)
            for reference in (plain, bare)
        ]
        + [
            emoji_row(results, method, suite=suite, reference=reference, apart=apart)
            for reference in (plain, bare)
            for method in (ours.format(""), ours.format(", window=None"))
        ]
    )
    lines = made.emoji_claims().splitlines()[2:]
    assert lines[0].startswith(
        f"| `{ours.format('')}` above `{plain}` | LLaVA | +1.0 [+0.5, +2.0] yes |"
    )
    assert lines[1].startswith(f"| `{ours.format(', window=None')}` above `{bare}` | LLaVA | +1.0")


def test_nats_are_not_per_cent_in_comparisons(results):
    found = row(results, figure="deletion-nats", apart=(-0.5, -0.75, -0.25))
    assert importlib.import_module("result_cells").judged(found) == "−0.50 [−0.75, −0.25] yes"


def test_results_of_other_scripts_come_into_tables(results):
    made = results.Tables([])
    assert "| `tiny-qwen2-vl` | 30 | 0.11 [" in made.agreement()
    assert made.agreement_settings().count("`tiny-llava` | layer") == 4
    assert "| `tiny-internvl` | 46 | knows the truth |" in made.leak()


def test_a_model_that_is_measured_alone_leaves_the_rows_of_others(results):
    rows = results.read(results.TABLE)
    suite = "emoji-claims"
    models = {row.model for row in rows if row.suite == suite}
    assert len(models) > 1
    again = [row for row in rows if (row.suite, row.model) == (suite, "smol-internvl")]
    found = results.merged(rows, again)
    assert len(found) == len(rows)
    assert {row.model for row in found if row.suite == suite} == models
