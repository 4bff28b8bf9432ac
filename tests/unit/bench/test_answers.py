"""The answer of a bench's page, against results whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seewhy.bench.answers import answer_of
from seewhy.bench.cells import cells
from seewhy.bench.results import Column, Results, Series

VIEW = ("model", "data")
SAMPLES = tuple(f"s{index}" for index in range(8))
MAIN = Column("overlap", "f1-iou", "how well maps fit")
OTHER = Column("deletion", "deletion-auc", higher_is_better=False)


def series(*values: float) -> Series:
    count = len(values)
    return Series(values, tuple(range(count)), (0,) * count, ("w",) * count, (None,) * count,
                  ((),) * count)  # fmt: skip


def results_of(rows: dict[tuple[str, Column], Series], reference: str = "tam") -> Results:
    methods = tuple(dict.fromkeys(method for method, _ in rows))
    columns = tuple(dict.fromkeys(column for _, column in rows))
    keyed = {(*VIEW, method, c.metric, c.name): found for (method, c), found in rows.items()}
    return Results((), VIEW[:1], VIEW[1:], methods, columns, reference, {}, keyed, (),
                   {VIEW: SAMPLES})  # fmt: skip


def answered(rows, *, with_rows=True, reference="tam"):
    results = results_of(rows, reference)
    listed = cells(results)
    return answer_of(results if with_rows else replace(results, rows={}), VIEW, listed)


LOW = (0.1, 0.2, 0.3, 0.4, 0.1, 0.2, 0.3, 0.4)
HIGH = tuple(value + 0.2 for value in LOW)
MIXED = tuple(value + sign for value, sign in zip(LOW, (0.3, -0.2) * 4, strict=True))


def test_answer_names_the_leader_its_lead_and_where_it_does_not_lead():
    found = answered({
        ("tam", OTHER): series(*LOW), ("arc", OTHER): series(*HIGH),
        ("tam", MAIN): series(*LOW), ("arc", MAIN): series(*HIGH),
    })  # fmt: skip
    assert found.main == MAIN  # although another figure comes first
    assert found.text.startswith("By f1-iou (how well maps fit), `arc` leads: 45.0 % [")
    assert "next is `tam` with 25.0 % [" in found.text
    assert "the difference is +20.0 points [+20.0, +20.0]: the interval excludes 0." in found.text
    assert found.text.endswith("(8 samples, 8 values.)")
    assert found.elsewhere == (
        "Of 1 other figures it is the best in 0; not in deletion-auc (%) ↓ (`tam`, 25.0 %)."
    )


@pytest.mark.parametrize("reference", ["tam", "arc", "msea"])
def test_answer_is_the_same_whatever_the_reference_is(reference):
    rows = {("tam", MAIN): series(*LOW), ("arc", MAIN): series(*HIGH)}
    rows[("msea", MAIN)] = series(*(value / 2 for value in LOW))
    text = answered(rows, reference=reference).text
    assert "the difference is +20.0 points [+20.0, +20.0]" in text
    without = answered(rows, reference=reference, with_rows=False).text
    if reference == "msea":  # of two other methods no paired difference is in the tables
        assert "Their intervals do not overlap." in without
    else:
        assert without == text


def test_answer_is_open_where_the_interval_holds_0():
    rows = {("tam", MAIN): series(*LOW), ("arc", MAIN): series(*MIXED)}
    assert "includes 0, so which of the two is better is open." in answered(rows).text
    overlap = answered({**rows, ("x", MAIN): series(*[0.0] * 8)}, reference="x", with_rows=False)
    assert "Their intervals overlap: these tables do not settle" in overlap.text


def test_answer_of_a_figure_that_is_better_when_lower():
    rows = {("tam", OTHER): series(*HIGH), ("arc", OTHER): series(*LOW)}
    found = answered(rows)
    assert found.main == OTHER
    assert "By deletion-auc, `arc` leads: 25.0 %" in found.text
    assert "the difference is −20.0 points" in found.text


def test_answer_of_one_method_compares_nothing_and_equal_ones_are_called_equal():
    one = answered({("tam", MAIN): series(*LOW)})
    assert one.text.startswith("Only `tam` has a value of f1-iou (how well maps fit): 25.0 %")
    assert one.elsewhere == ""
    equal = answered({("tam", MAIN): series(*LOW), ("arc", MAIN): series(*LOW)})
    assert "`tam` and `arc` are equal: 25.0 %" in equal.text
    assert "leads" not in equal.text


def test_answer_where_no_figure_has_a_better_end():
    cost = replace(MAIN, name="cells", higher_is_better=None)
    found = answered({("tam", cost): series(*LOW), ("arc", cost): series(*HIGH)})
    assert (found.main, found.text) == (
        None, "No figure of these results has a better end: nothing leads.",
    )  # fmt: skip


def test_answer_leaves_the_models_own_figures_out():
    rows = {("tam", MAIN): series(*LOW), ("(model)", MAIN): series(*HIGH)}
    assert answered(rows).text.startswith("Only `tam` has a value")
