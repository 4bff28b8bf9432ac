"""CHAIR: its reading of captions, its truth and its figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit_layouts import LEFT, RIGHT, block, rows_of, write_chair, write_chair_answers, write_lines
from seewhy.audit.source import BadRow, SourceRow
from seewhy.audit.sources import open_source
from seewhy.audit.sources._chair_words import ChairWords
from seewhy.core.errors import DatasetError

NAMES = "person dog cat bird hot dog|train|toilet|chair|tie|wine glass|tv|couch|cell phone|car"
CATEGORIES = [*NAMES.split("|")[0].split()[:4], "hot dog", *NAMES.split("|")[1:]]

SYNONYMS = """person, man, woman, baby, passenger
dog, puppy
toilet, potty
chair, seat
couch, sofa
hot dog
tv, monitor
"""


@pytest.mark.parametrize(
    ("caption", "names"),
    [
        ("Two dogs and a hot dog.", ["dog", "hot dog"]),
        ("Hot dogs", ["hot dog"]),
        ("a baby bird and a baby", ["bird", "person"]),
        ("an adult dog", ["dog"]),
        ("a passenger train", ["train"]),
        ("train tracks", []),
        ("the seat of a toilet", ["toilet"]),
        ("a toilet seat", ["toilet"]),
        ("a seat", ["chair"]),
        ("a man's bow tie", ["person", "tie"]),
        ("wine glasses, a glass", ["wine glass"]),
        ("A sofa by the MONITOR", ["couch", "tv"]),
        ("a mobile phone", ["cell phone"]),
        ("people, women", ["person", "person"]),
        ("", []),
    ],
)
def test_caption_names_objects_by_the_rules_of_chair(caption: str, names: list[str]) -> None:
    words = ChairWords.of(CATEGORIES, None)
    table = dict(words.categories) | {
        "seat": "chair",
        "baby": "person",
        "passenger": "person",
        "mobile phone": "cell phone",
    }
    found = ChairWords(table).find(caption)
    assert [mention.name for mention in found] == names
    assert all(caption[m.start : m.end].strip() == caption[m.start : m.end] for m in found)


def test_synonyms_of_chair_are_used_where_they_are(tmp_path: Path) -> None:
    write_chair(tmp_path)
    plain = open_source(f"chair:{tmp_path}")
    (tmp_path / "synonyms.txt").write_text(SYNONYMS)
    source = open_source(f"chair:{tmp_path}")
    assert source.fingerprint != plain.fingerprint
    (row, *_) = rows_of(source)
    assert [t.category for t in source.judge(row, "A potty and a seatbelt.").truths] == ["toilet"]
    assert plain.judge(row, "A potty.").truths == ()
    (tmp_path / "other.txt").write_text("nothing\n")
    with pytest.raises(DatasetError, match="Expected lines of words with commas"):
        list(open_source(f"chair:{tmp_path},synonyms=other.txt").rows())
    with pytest.raises(DatasetError, match="Expected a file as synonyms, got 'none.txt'"):
        open_source(f"chair:{tmp_path},synonyms=none.txt")


def test_answers_are_the_rows(tmp_path: Path) -> None:
    spec = write_chair(tmp_path / "set")
    file = write_lines(
        tmp_path / "captions.jsonl",
        [
            {"image_id": 12, "caption": "A dog."},
            {"image_id": 12, "caption": "A cat."},
            {"image_id": 99, "caption": "A cat."},
            {"image_id": "13", "caption": " "},
            {"image_id": "x", "caption": "A cat."},
        ],
    )
    rows = list(open_source(spec, answers=file).rows())
    good = [row for row in rows if isinstance(row, SourceRow)]
    assert [(row.id, row.answer) for row in good] == [("12-1", "A dog."), ("12-2", "A cat.")]
    assert [row.reason for row in rows if isinstance(row, BadRow)] == [
        "a caption of a picture that the annotations do not have",
        "a field is missing or of another type",
        "a field is missing or of another type",
    ]


def test_truth_has_instances_and_reference_captions(tmp_path: Path) -> None:
    """A tie and a person stand in a reference, without an instance."""
    source = open_source(write_chair(tmp_path))
    (row, *_) = rows_of(source)
    assert row.answer is None
    assert row.facts["objects"] == ["dog", "hot dog", "person", "tie"]
    judged = source.judge(row, "A dog, a hot dog, a cat and a man with a tie.")
    found = {(t.category, t.supported, t.regions) for t in judged.truths}
    assert found == {
        ("dog", True, (0,)),
        ("hot dog", True, (1,)),
        ("cat", False, ()),
        ("person", True, ()),
        ("tie", True, ()),
    }
    assert (judged.masks[0].numpy() == block(LEFT)).all()
    assert (judged.masks[1].numpy() == block(RIGHT)).all()
    assert judged.score == {"mentioned": 5, "invented": 1, "objects": 4, "recalled": 4}


def test_figures_are_those_of_chair(tmp_path: Path) -> None:
    spec = write_chair(tmp_path / "set")
    answers = write_chair_answers(tmp_path / "captions.jsonl")
    source = open_source(spec, answers=answers)
    scores = [source.judge(row, row.answer).score for row in rows_of(source)]
    # Mentions: dog, cat | hot dog | dog, person. Only the cat is not there.
    assert source.scores(scores) == pytest.approx(
        {"CHAIR_i": 1 / 5, "CHAIR_s": 1 / 3, "recall": 4 / 12}
    )


def test_broken_annotations_are_an_error(tmp_path: Path) -> None:
    spec = write_chair(tmp_path)
    path = tmp_path / "annotations" / "instances_val2014.json"
    text = path.read_text()
    path.write_text(text.replace('"category_id": 18', '"category_id": oops', 1))
    with pytest.raises(DatasetError, match="Expected COCO's annotations in .*, got a broken entry"):
        list(open_source(spec).rows())
    path.write_text(text.replace('"category_id": 18', '"category_id": "x"', 1))
    with pytest.raises(DatasetError, match='a whole number at "category_id" in entry 1 of'):
        list(open_source(spec).rows())
    path.write_text(text)
    captions = tmp_path / "annotations" / "captions_val2014.json"
    captions.write_text(captions.read_text().replace('"caption"', '"text"', 1))
    with pytest.raises(DatasetError, match="Expected COCO's captions in .*no caption"):
        list(open_source(spec).rows())
    with pytest.raises(DatasetError, match="Expected a folder for chair, got the file"):
        open_source(f"chair:{path}")
