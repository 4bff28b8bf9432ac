"""AMBER: its types of questions, its nouns and its figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit_layouts import rows_of, write_amber, write_json
from seewhy.audit.source import BadRow
from seewhy.audit.sources import open_source
from seewhy.core.errors import DatasetError


def test_description_is_judged_by_associated_words(tmp_path: Path) -> None:
    source = open_source(write_amber(tmp_path))
    row = next(source.rows())
    judged = source.judge(row, "The picture: two puppies on the lawn, a kitten, a tree. A zebra.")
    assert [(t.category, t.supported) for t in judged.truths] == [
        ("dog", True),
        ("grass", True),
        ("cat", False),
        ("tree", False),
    ]
    # The picture is a safe word: it is a noun, and never invented. No word of AMBER is a zebra.
    assert judged.score == {
        "type": "generative",
        "nouns": 5,
        "invented": 2,
        "covered": 2,
        "truth": 2,
        "expected": 1,
        "hallu": 2,
    }


def test_plain_relation_type_is_a_relation(tmp_path: Path) -> None:
    source = open_source(write_amber(tmp_path))
    _, state, contact = source.rows()
    scores = [source.judge(state, "Yes").score, source.judge(contact, "No, none.").score]
    assert [score["type"] for score in scores] == ["discriminative-attribute-state", "relation"]
    figures = source.scores(scores)
    assert figures["attribute accuracy"] == figures["relation accuracy"] == 1
    assert figures["relation F1"] == pytest.approx(2 / 2.0001)


def test_figures_are_those_of_amber(tmp_path: Path) -> None:
    source = open_source(write_amber(tmp_path))
    told = [
        {"nouns": 4, "invented": 1, "covered": 2, "truth": 4, "expected": 1, "hallu": 3},
        {"nouns": 6, "invented": 0, "covered": 3, "truth": 6, "expected": 0, "hallu": 2},
    ]
    kind = "discriminative-hallucination"
    asked = [
        {"type": kind, "predicted": predicted, "truth": truth}
        for predicted, truth in (("no", "no"), ("no", "no"), ("no", "yes"), ("", "no"))
    ]
    figures = source.scores([*({"type": "generative"} | t for t in told), *asked])
    precision, recall = 2 / 3, 2 / 3
    expected = {
        "CHAIR": 0.1,
        "Cover": 0.5,
        "Hal": 0.5,
        "Cog": 0.2,
        "accuracy": 0.5,
        "precision": precision,
        "recall": recall,
        "F1": 2 * precision * recall / (precision + recall + 0.0001),
        "existence accuracy": 0.5,
        "existence precision": precision,
        "existence recall": recall,
        "existence F1": 2 * precision * recall / (precision + recall + 0.001),
    }
    assert figures == pytest.approx(expected)


@pytest.mark.parametrize(("answer", "supported"), [("Yes.", True), ("No", False), ("yes", True)])
def test_yes_or_no_is_judged(tmp_path: Path, answer: str, supported: bool) -> None:
    source = open_source(write_amber(tmp_path))
    _, state, _ = source.rows()
    (truth,) = source.judge(state, answer).truths
    assert (truth.start, truth.supported) == (0, supported)
    assert source.judge(state, "Maybe").truths == ()


def test_queries_that_cannot_be_used_have_reasons(tmp_path: Path) -> None:
    spec = write_amber(tmp_path)
    data = tmp_path / "data"
    query = data / "query" / "query_all.json"
    entries = json.loads(query.read_text())
    write_json(query, [*entries, entries[0], {**entries[0], "id": 9}, {**entries[0], "id": "x"}])
    truths = json.loads((data / "annotations.json").read_text())
    truths[1]["type"] = "discriminative-smell"
    write_json(data / "annotations.json", truths)
    bad = [row.reason for row in open_source(spec).rows() if isinstance(row, BadRow)]
    assert bad == [
        "an annotation that AMBER does not have",
        "the id is repeated",
        "no annotation of this id",
        "a field is missing or of another type",
    ]


def test_answers_have_ids_and_responses(tmp_path: Path) -> None:
    spec = write_amber(tmp_path / "set")
    answers = write_json(
        tmp_path / "answers.json",
        [{"id": 3, "response": "No"}, {"id": 2, "response": 5}, {"id": 1, "response": "A dog."}],
    )
    rows = rows_of(open_source(spec, answers=answers))
    assert [getattr(row, "answer", row.id) for row in rows] == ["A dog.", "2", "No"]
    assert rows[1].reason == "a field is missing or of another type"


def test_split_names_a_file_of_queries(tmp_path: Path) -> None:
    write_amber(tmp_path)
    with pytest.raises(DatasetError, match="Expected query_generative.json in"):
        open_source(f"amber:{tmp_path},split=generative")
    query = tmp_path / "data" / "query" / "query_all.json"
    assert len(list(open_source(f"amber:{query},images={tmp_path / 'image'}").rows())) == 3
    (tmp_path / "data" / "relation.json").write_text("[]")
    source = open_source(f"amber:{tmp_path}")
    with pytest.raises(DatasetError, match="an object of lists of words at the top of"):
        source.judge(next(source.rows()), "A dog.")
