"""POPE: both versions of its files, given answers, and its figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit_layouts import (
    LEFT,
    block,
    coco_name,
    save_picture,
    write_instances,
    write_json,
    write_lines,
    write_pope,
)
from seewhy.audit.source import BadRow, SourceRow
from seewhy.audit.sources import open_source
from seewhy.audit.sources.pope import read_pope
from seewhy.core.errors import DatasetError


def questions(count: int = 3, **more: object) -> list[dict[str, object]]:
    return [
        {
            "question_id": n,
            "image": coco_name(11),
            "text": f"Is there a thing{n} in the image?",
            "label": "no",
        }
        | more
        for n in range(1, count + 1)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    write_lines(folder / "coco_pope_random.json", questions())
    save_picture(folder / "val2014" / coco_name(11))
    return folder


def split_rows(source: Any) -> tuple[list[SourceRow], list[BadRow]]:
    rows = list(source.rows())
    return (
        [row for row in rows if isinstance(row, SourceRow)],
        [row for row in rows if isinstance(row, BadRow)],
    )


def test_later_version_is_an_array_with_other_names(tmp_path: Path) -> None:
    save_picture(tmp_path / "images" / coco_name(11))
    entry = {
        "image_id": 11,
        "image_name": f"val2014/{coco_name(11)}",
        "target_object": "Dog",
        "query": "Is a dog there?",
        "label": "Yes",
    }
    write_json(tmp_path / "coco_pope_popular.json", [entry, entry | {"label": "No"}])
    rows, bad = split_rows(open_source(str(tmp_path)))
    assert not bad
    assert [(r.id, r.prompt, r.facts["label"]) for r in rows] == [
        ("popular-1", "Is a dog there?", "yes"),
        ("popular-2", "Is a dog there?", "no"),
    ]
    assert rows[0].facts["object"] == "dog"
    assert rows[0].images == (tmp_path / "images" / coco_name(11),)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"label": "maybe"}, "the label is neither yes nor no"),
        ({"label": None}, "the label is neither yes nor no"),
        ({"image": "COCO_val2014_000000000099.jpg"}, "picture missing"),
        ({"image": "\0"}, "picture missing"),
        ({"text": ""}, "a field is missing or of another type"),
        ({"text": 7}, "a field is missing or of another type"),
        ({"image": None}, "a field is missing or of another type"),
    ],
)
def test_row_that_cannot_be_used_has_a_reason(
    folder: Path, change: dict[str, object], reason: str
) -> None:
    lines = questions()
    write_lines(folder / "coco_pope_random.json", [lines[0], lines[1] | change, lines[2], 7, []])
    rows, bad = split_rows(open_source(f"pope:{folder}"))
    assert [row.id for row in rows] == ["random-1", "random-3"]
    assert [row.reason for row in bad] == [reason, *["a field is missing or of another type"] * 2]
    assert bad[0].id == "random line 2"
    assert bad[0].detail


def test_picture_is_found_with_and_without_its_prefix(tmp_path: Path) -> None:
    write_lines(tmp_path / "coco_pope_random.json", questions(1))
    path = save_picture(tmp_path / "photos" / "000000000011.jpg")
    for images in ("photos", str(tmp_path / "photos")):
        rows, _ = split_rows(open_source(f"pope:{tmp_path},images={images}"))
        assert rows[0].images == (path,)
    with pytest.raises(DatasetError, match="Expected a folder of pictures as images, got 'none'"):
        open_source(f"pope:{tmp_path},images=none")


def test_split_chooses_files(folder: Path) -> None:
    write_lines(folder / "coco_pope_popular.json", questions(1))
    assert len(list(open_source(f"pope:{folder}").rows())) == 4
    rows, _ = split_rows(open_source(f"pope:{folder}?split=popular"))
    assert [row.id for row in rows] == ["popular-1"]
    with pytest.raises(DatasetError, match=r"Expected \*pope\*adversarial\*.json\* in"):
        open_source(f"pope:{folder}?split=adversarial")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Yes, there is a dog.", "yes"),
        ("No, there is not.", "no"),
        ("no", "no"),
        ("There is not a dog", "no"),
        ("Yes. There is no cat.", "yes"),
        ("NO", "yes"),
        ("No!", "yes"),
        ("nothing", "yes"),
        ("It is unclear", "yes"),
        ("I see\nno dog", "yes"),
    ],
)
def test_answer_is_read_as_evaluate_does(text: str, said: str) -> None:
    """Also where that is odd: only "No", "no" and "not" between single spaces are a no."""
    assert read_pope(text) == said


def test_judge_speaks_of_yes_and_of_the_thing(tmp_path: Path) -> None:
    source = open_source(write_pope(tmp_path))
    dog, cat, _ = source.rows()
    judged = source.judge(dog, "Yes, two dogs.")
    assert [(t.start, t.end, t.role, t.supported) for t in judged.truths] == [
        (0, 3, "", True),
        (9, 13, "kind", True),
    ]
    assert judged.score == {"predicted": "yes", "label": "yes", "split": "adversarial"}
    judged = source.judge(cat, "Yes, a kitten.")
    assert [(t.start, t.supported, t.category) for t in judged.truths] == [
        (0, False, ""),
        (7, False, "cat"),
    ]
    judged = source.judge(cat, "No, there is no cat.")
    assert [(t.start, t.end, t.supported) for t in judged.truths] == [(0, 2, True)]
    assert source.judge(cat, "There is a cat.").truths[0].category == "cat"


def test_thing_has_a_mask_where_coco_is_at_hand(tmp_path: Path) -> None:
    write_pope(tmp_path)
    write_instances(tmp_path / "annotations" / "instances_val2014.json")
    source = open_source(f"pope:{tmp_path}")
    dog, cat, _ = source.rows()
    judged = source.judge(dog, "Yes, a dog.")
    assert judged.truths[1].regions == (0,)
    assert (judged.masks[0].numpy() == block(LEFT)).all()
    assert source.judge(cat, "Yes, a cat.").masks is None


def test_figures_are_those_of_evaluate(tmp_path: Path) -> None:
    source = open_source(write_pope(tmp_path))
    pairs = [("yes", "yes")] * 3 + [("yes", "no")] * 2 + [("no", "no")] * 4 + [("no", "yes")]
    scores = [{"predicted": p, "label": t, "split": "random"} for p, t in pairs]
    assert source.scores(scores) == pytest.approx(
        {
            "accuracy": 7 / 10,
            "precision": 3 / 5,
            "recall": 3 / 4,
            "F1": 2 * 0.6 * 0.75 / 1.35,
            "yes-ratio": 1 / 2,
        }
    )
    both = source.scores([*scores, {"predicted": "no", "label": "no", "split": "popular"}])
    assert both["random accuracy"] == pytest.approx(0.7)
    assert both["popular accuracy"] == 1
    assert both["accuracy"] == pytest.approx(8 / 11)
    assert "popular precision" not in both


def test_answers_stand_in_the_order_of_the_questions(folder: Path, tmp_path: Path) -> None:
    lines = [
        {"question": "is there a thing1 in the image?", "answer": "yes"},
        {"question": "is there a thing9 in the image?", "answer": "yes"},
        {"question": "Is there a thing3 in the image?", "answer": "no"},
        {"question": "Is there a thing4 in the image?", "answer": "no"},
    ]
    answers = write_lines(tmp_path / "answers.json", lines)
    rows, bad = split_rows(open_source(f"pope:{folder}", answers=answers))
    assert [(row.id, row.answer) for row in rows] == [("random-1", "yes"), ("random-3", "no")]
    assert [(row.id, row.reason) for row in bad] == [
        ("random-2", "the answer is to another question"),
        ("answers line 4", "an answer without a row, or a second one"),
    ]


def test_missing_and_broken_answers_are_counted(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    line = json.dumps({"question": "Is there a thing1 in the image?", "answer": "no"})
    path.write_text(f'{line}\n{{"question": \n')
    rows, bad = split_rows(open_source(f"pope:{folder}", answers=path))
    assert [row.id for row in rows] == ["random-1"]
    assert [(row.id, row.reason) for row in bad] == [
        ("random-2", "not valid JSON"),
        ("random-3", "no answer is given"),
    ]


def test_bad_question_uses_up_its_answer(folder: Path, tmp_path: Path) -> None:
    path = folder / "coco_pope_random.json"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:9], lines[2]]))
    answers = [{"question": q["text"], "answer": "no"} for q in questions()]
    file = write_lines(tmp_path / "answers.json", answers)
    rows, bad = split_rows(open_source(f"pope:{folder}", answers=file))
    assert [row.id for row in rows] == ["random-1", "random-3"]
    assert [row.reason for row in bad] == ["not valid JSON"]


def test_answers_with_a_number_are_joined_by_it(folder: Path, tmp_path: Path) -> None:
    lines = [{"question_id": n, "text": f"no {n}"} for n in (3, 1, 1, 8)]
    answers = write_lines(tmp_path / "answers.jsonl", lines)
    rows, bad = split_rows(open_source(f"pope:{folder}", answers=answers))
    assert [(row.id, row.answer) for row in rows] == [("random-1", "no 1"), ("random-3", "no 3")]
    assert [(row.id, row.reason) for row in bad] == [
        ("random-2", "no answer is given"),
        ("answers line 3", "an answer without a row, or a second one"),
        ("answers line 4", "an answer without a row, or a second one"),
    ]


def test_part_of_the_questions_has_its_part_of_the_answers(folder: Path, tmp_path: Path) -> None:
    answers = [{"question": q["text"], "answer": f"no {q['question_id']}"} for q in questions()]
    file = write_lines(tmp_path / "answers.json", answers)
    rows, bad = split_rows(open_source(f"pope:{folder},start=1,limit=1", answers=file))
    assert [(row.id, row.answer) for row in rows] == [("random-2", "no 2")]
    assert not bad
