"""HallusionBench: questions without a picture, its own judgements, and its figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit_layouts import hallusion, rows_of, write_hallusionbench, write_json
from seewhy.audit.source import BadRow, SourceRow
from seewhy.audit.sources import open_source


def test_question_without_a_picture_is_a_bad_row(tmp_path: Path) -> None:
    rows = rows_of(open_source(write_hallusionbench(tmp_path)))
    assert isinstance(rows[0], BadRow)
    assert (rows[0].id, rows[0].reason) == ("entry 1", "no picture")
    assert [row.facts["label"] for row in rows[1:]] == ["yes", "no", "no"]


def test_repeated_and_malformed_questions_are_bad_rows(tmp_path: Path) -> None:
    write_hallusionbench(tmp_path)
    path = tmp_path / "HallusionBench.json"
    rows = json.loads(path.read_text())
    write_json(path, [*rows, rows[1], hallusion("0", "1", "7", "2"), {"category": "VS"}])
    bad = [
        row for row in open_source(f"hallusionbench:{tmp_path}").rows() if isinstance(row, BadRow)
    ]
    assert [row.reason for row in bad[1:]] == [
        "the id is repeated",
        "a field is missing or of another type",
        "a field is missing or of another type",
    ]


def test_answers_are_the_array_with_predictions(tmp_path: Path) -> None:
    spec = write_hallusionbench(tmp_path / "set")
    rows = json.loads((tmp_path / "set" / "HallusionBench.json").read_text())
    texts = ("Yes", "It could be.", "No.", "Yes, it is")
    results = [row | {"model_prediction": text} for row, text in zip(rows, texts, strict=True)]
    results[1]["gpt4v_output_gpt_check"] = "1"
    answers = write_json(tmp_path / "result.json", results)
    source = open_source(spec, answers=answers)
    good = [row for row in source.rows() if isinstance(row, SourceRow)]
    assert [row.answer for row in good] == list(texts[1:])
    judged = [source.judge(row, row.answer) for row in good]
    # The benchmark's own judgement counts where it is; the reading of yes and no elsewhere.
    assert [j.score["correct"] for j in judged] == [True, True, False]
    assert [[t.supported for t in j.truths] for j in judged] == [[], [True], [False]]
    # Figure 1 is right, figure 2 wrong; question 0 is wrong for figure 2, question 1 right.
    assert source.scores([j.score for j in judged]) == pytest.approx(
        {"aAcc": 2 / 3, "fAcc": 1 / 2, "qAcc": 1 / 2}
    )


def test_figures_leave_out_what_supplements_without_a_figure(tmp_path: Path) -> None:
    """fAcc is without VS questions of figure 0, as in the benchmark; VD has a figure 0."""
    source = open_source(write_hallusionbench(tmp_path))

    def score(category: str, figure: str, correct: bool) -> dict[str, object]:
        names = {"subcategory": "a", "set_id": "1", "question_id": "0"}
        return {"category": category, "figure_id": figure, "correct": correct, **names}

    scores = [score("VS", "0", False), score("VS", "1", True), score("VD", "0", False)]
    assert source.scores(scores) == pytest.approx({"aAcc": 1 / 3, "fAcc": 1 / 2, "qAcc": 0.0})


def test_surplus_answers_are_counted_but_not_those_without_a_picture(tmp_path: Path) -> None:
    spec = write_hallusionbench(tmp_path / "set")
    rows = json.loads((tmp_path / "set" / "HallusionBench.json").read_text())
    foreign = hallusion("9", "1", "0", "1")
    results = [row | {"model_prediction": "Yes"} for row in (*rows, foreign)]
    results[0].pop("model_prediction")
    answers = write_json(tmp_path / "result.json", results)
    found = [row for row in open_source(spec, answers=answers).rows() if isinstance(row, BadRow)]
    assert [(row.id, row.reason) for row in found] == [
        ("entry 1", "no picture"),
        ("answers entry 5", "an answer without a row, or a second one"),
    ]
