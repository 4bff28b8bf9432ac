"""Rows in units: order, what is left out, and which are drawn."""

from __future__ import annotations

from audit_parts import Rows
from seewhy.audit.source import SourceRow
from seewhy.audit.units import Unit, drawn, id_hash, missing_rows, report_units, units_of


def row(number, answer=None):
    return SourceRow(f"row-{number}", (), answer=answer)


def test_units_hold_a_few_rows_in_order_and_bad_rows_are_told():
    bad = []
    units = list(units_of(Rows(20, bad=[3]).rows(), 1, bad.append))
    assert [len(unit.rows) for unit in units] == [8, 8, 3]
    assert [r.id for unit in units for r in unit.rows] == [f"row-{n}" for n in range(20) if n != 3]
    assert [r.id for r in bad] == ["row-3"]
    assert [len(unit.rows) for unit in units_of(Rows(20).rows(), 16, bad.append)] == [16, 4]


def test_batches_do_not_mix_given_answers_and_others():
    rows = (row(0), row(1), row(2), row(3, "a"), row(4, "b"), row(5))
    sizes = [[r.id for r in batch] for batch in Unit(rows, 2).batches()]
    assert sizes == [["row-0", "row-1"], ["row-2"], ["row-3", "row-4"], ["row-5"]]


def test_done_rows_are_left_out_and_count_for_the_limit():
    done = {id_hash("row-0"), id_hash("row-3"), id_hash("row-90")}
    found = [r.id for r in missing_rows(Rows(10), done, limit=5)]
    assert found == ["row-1", "row-2", "row-4"]
    assert done == {id_hash("row-90")}


def test_drawn_rows_are_as_many_as_asked_and_grow():
    few, more = drawn(Rows(50), 4, 7), drawn(Rows(50), 9, 7)
    ids = [f"row-{n}" for n in range(50)]
    assert sum(map(few, ids)) == 4
    assert sum(map(more, ids)) == 9
    assert all(more(id) for id in ids if few(id))
    assert all(map(drawn(Rows(3), 9, 7), ids[:3]))


def test_reports_are_for_the_named_answers_alone():
    units = list(report_units(Rows(10, bad=[4]), {"row-2": "given", "row-5": None, "row-4": None}))
    assert [(u.rows[0].id, u.rows[0].answer, u.report) for u in units] == [
        *(("row-2", "given", True), ("row-5", None, True))
    ]
