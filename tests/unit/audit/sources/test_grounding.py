"""The grounding sets, in their own layouts."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from audit_layouts import (
    CAPTION,
    HEIGHT,
    LEFT,
    NARRATIVE,
    RIGHT,
    WIDTH,
    block,
    grandf_entry,
    png_entry,
    psg_entry,
    refcoco_refs,
    rle,
    save_picture,
    write_flickr30k,
    write_grandf,
    write_json,
    write_openpsg,
    write_png,
    write_refcoco,
    write_vizwiz,
)
from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.audit.sources import open_source
from seewhy.audit.sources.flickr30k import read_boxes, read_sentence
from seewhy.core.errors import DatasetError, SampleError


def first(spec: str) -> tuple[Any, SourceRow]:
    source = open_source(spec)
    return source, next(row for row in source.rows() if isinstance(row, SourceRow))


def words(judged: Judged, answer: str) -> list[tuple[str, str, str]]:
    """Each word with its role and group."""
    return [(answer[t.start : t.end], t.role, judged.groups[t.start]) for t in judged.truths]


def region(judged: Judged, number: int) -> np.ndarray:
    assert judged.masks is not None
    return np.any(judged.masks.numpy()[list(judged.truths[number].regions)], axis=0)


def reasons(spec: str) -> list[str]:
    return [row.reason for row in open_source(spec).rows() if isinstance(row, BadRow)]


# GranD-f


def test_grandf_unites_the_masks_of_a_phrase(tmp_path: Path) -> None:
    source, row = first(write_grandf(tmp_path))
    assert row.answer == CAPTION
    judged = source.judge(row, CAPTION)
    assert words(judged, CAPTION) == [
        ("red", "colour", "attribute"),
        ("block", "kind", "object"),
        ("two", "count", "attribute"),
        ("blue", "colour", "attribute"),
        ("blocks", "kind", "object"),
    ]
    assert [t.tags["phrase"] for t in judged.truths] == ["0", "0", "1", "1", "1"]
    assert all(truth.supported for truth in judged.truths)
    assert np.array_equal(region(judged, 0), block(LEFT))
    assert np.array_equal(region(judged, 3), block(RIGHT))
    assert judged.score == {"phrases": 2, "found": 2}


def test_grandf_finds_phrases_in_another_answer(tmp_path: Path) -> None:
    source, row = first(f"{write_grandf(tmp_path)}?answers=model")
    assert row.answer is None
    answer = "There are TWO  blue\nblocks."
    judged = source.judge(row, answer)
    assert [word for word, *_ in words(judged, answer)] == ["TWO", "blue", "blocks"]
    assert judged.score == {"phrases": 2, "found": 1}
    assert source.scores([judged.score]) == {"phrases found": 0.5}


def test_grandf_offsets_are_of_the_caption_without_quotes(tmp_path: Path) -> None:
    write_grandf(tmp_path)
    entry = grandf_entry("sa_1.jpg")
    shifted = {"token_positives": [1, 12], "rle_masks": [rle(block(LEFT))]}
    other = {"token_positives": [16, 31], "rle_masks": []}
    groundings = {"A red block": shifted, "some other name": other}
    path = tmp_path / "GranDf_HA_GCG_train.json"
    write_json(path, [entry | {"caption": f'"{CAPTION}" ', "groundings": groundings}])
    source, row = first(f"grandf:{tmp_path}")
    assert row.answer == CAPTION
    phrases = [(CAPTION[p["start"] : p["end"]]) for p in row.facts["phrases"]]
    assert phrases == ["A red block", "two blue blocks"]
    judged = source.judge(row, CAPTION)
    assert judged.truths[-1].regions == ()


def test_grandf_turns_masks_with_a_rotated_picture(tmp_path: Path) -> None:
    spec = write_grandf(tmp_path)
    path = tmp_path / "GranDf_HA_images" / "train" / "sa_1.jpg"
    save_picture(path, orientation=6)
    source, row = first(spec)
    assert np.array_equal(region(source.judge(row, CAPTION), 0), block(LEFT))
    stored = np.rot90(block(LEFT))  # as the sensor saw it
    entry = grandf_entry("sa_1.jpg")
    entry["groundings"] = {"A red block": {"token_positives": [0, 11], "rle_masks": [rle(stored)]}}
    write_json(tmp_path / "GranDf_HA_GCG_train.json", [entry])
    source, row = first(spec)
    assert np.array_equal(region(source.judge(row, CAPTION), 0), block(LEFT))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"groundings": {}}, "no phrase with a mask"),
        ({"groundings": 7}, "a field is missing or of another type"),
        ({"groundings": {"x": {"token_positives": [1]}}}, "a field is missing or of another type"),
        ({"groundings": {"x": {"token_positives": [90, 99]}}}, "a phrase is not in the caption"),
        ({"caption": None}, "a field is missing or of another type"),
        ({"file_name": "none.jpg"}, "picture missing"),
    ],
)
def test_grandf_counts_entries_that_cannot_be_used(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    write_grandf(tmp_path)
    entries = [grandf_entry("sa_1.jpg") | change, grandf_entry("sa_2.jpg")]
    write_json(tmp_path / "GranDf_HA_GCG_train.json", entries)
    assert reasons(f"grandf:{tmp_path}") == [reason]


def test_grandf_tells_broken_masks_where_the_row_is_judged(tmp_path: Path) -> None:
    spec = write_grandf(tmp_path)
    entry = grandf_entry("sa_1.jpg")
    entry["groundings"]["A red block"]["rle_masks"] = [{"size": [5, 5], "counts": [25]}]
    write_json(tmp_path / "GranDf_HA_GCG_train.json", [entry])
    source, row = first(spec)
    with pytest.raises(SampleError, match="^mask of another size"):
        source.judge(row, CAPTION)


# Panoptic Narrative Grounding


def test_png_has_masks_of_utterances(tmp_path: Path) -> None:
    source, row = first(write_png(tmp_path))
    assert row.answer == NARRATIVE
    judged = source.judge(row, NARRATIVE)
    assert [word for word, *_ in words(judged, NARRATIVE)] == ["red", "block", "blue", "block"]
    assert np.array_equal(region(judged, 0), block(LEFT))
    assert np.array_equal(region(judged, 3), block(RIGHT))
    assert open_source(f"{tmp_path / 'annotations' / 'png_coco_val2017.json'}").name == "png"


def test_png_counts_narratives_that_cannot_be_used(tmp_path: Path) -> None:
    spec, entry = write_png(tmp_path), png_entry(11)
    ungrounded = [s | {"segment_ids": []} for s in entry["segments"]]
    foreign = [s | {"utterance": "zebra"} for s in entry["segments"]]
    lettered = [s | {"segment_ids": ["x"]} for s in entry["segments"]]
    changes = [{"segments": s} for s in (ungrounded, foreign, lettered, 7, ["x"])]
    entries = [entry | change for change in (*changes, {"image_id": "x"})]
    write_json(tmp_path / "annotations" / "png_coco_val2017.json", [*entries, entry])
    assert reasons(spec) == [
        "no phrase with a mask",
        "a phrase is not in the caption",
        *["a field is missing or of another type"] * 4,
    ]


def test_png_tells_a_missing_mask(tmp_path: Path) -> None:
    source, row = first(write_png(tmp_path))
    (tmp_path / "annotations/panoptic_segmentation/val2017/000000000011.png").unlink()
    with pytest.raises(SampleError, match="^mask missing"):
        source.judge(row, NARRATIVE)


# Flickr30k Entities


def test_flickr30k_fills_boxes_of_phrases(tmp_path: Path) -> None:
    source, row = first(write_flickr30k(tmp_path))
    text = "A red block is beside the blue block in a room for fun ."
    assert row.answer == text
    judged = source.judge(row, text)
    found = words(judged, text)
    assert [word for word, *_ in found] == ["red", "block", "blue", "block", "room"]
    assert np.array_equal(region(judged, 0), block(LEFT))
    assert np.array_equal(region(judged, 2), block(RIGHT))
    # The scene has no box, and "fun" is not visual.
    assert judged.truths[-1].regions == ()
    assert judged.truths[-1].supported is True
    assert judged.truths[0].category == "other"


def test_flickr30k_reads_a_split(tmp_path: Path) -> None:
    spec = write_flickr30k(tmp_path)
    assert [row.id for row in open_source(f"{spec}?split=test").rows()] == ["102-0"]
    (tmp_path / "test.txt").write_text("102\n999\n")
    assert reasons(f"{spec}?split=test") == ["the sentences cannot be read"]
    with pytest.raises(DatasetError, match="Expected train.txt in"):
        open_source(f"{spec}?split=train")


def test_flickr30k_boxes_of_several_names_are_of_each(tmp_path: Path) -> None:
    write_flickr30k(tmp_path)
    path = tmp_path / "Annotations" / "101.xml"
    assert read_boxes(path) == {"7": [[*LEFT]], "8": [[*RIGHT]], "9": [[*RIGHT]], "10": []}
    path.write_text(path.read_text().replace("<xmin>3</xmin>", ""))
    with pytest.raises(SampleError, match="^the boxes cannot be read"):
        read_boxes(path)
    with pytest.raises(SampleError, match="^the boxes cannot be read"):
        read_boxes(tmp_path / "none.xml")


@pytest.mark.parametrize("line", ["[/EN#1/a b", "[/EN#1 b]", "/EN#1/a b]", "[/EN#x/a b]"])
def test_flickr30k_tells_broken_marks(line: str) -> None:
    with pytest.raises(SampleError, match="^the marks of phrases are broken"):
        read_sentence(line)


# RefCOCO


def test_refcoco_refers_to_one_thing(tmp_path: Path) -> None:
    """The reference's own file name, with the annotation's number, is of no picture."""
    source, row = first(write_refcoco(tmp_path))
    assert row.answer == "the red dog"
    judged = source.judge(row, row.answer)
    assert words(judged, row.answer) == [("red", "colour", "attribute"), ("dog", "kind", "object")]
    assert judged.truths[0].category == "dog"
    assert np.array_equal(region(judged, 1), block(LEFT))
    left = next(r for r in source.rows() if r.answer == "left dog")
    judged = source.judge(left, "left dog")
    assert words(judged, "left dog") == [
        ("left", "relation", "relation"),
        ("dog", "kind", "object"),
    ]


def test_refcoco_has_one_object_and_other_nouns_are_attributes(tmp_path: Path) -> None:
    write_refcoco(tmp_path)
    refs = refcoco_refs()
    refs[0]["sentences"] = [{"sent": "man in jacket", "raw": "", "tokens": []}]
    (tmp_path / "refs(unc).p").write_bytes(pickle.dumps(refs, protocol=0))
    source, row = first(f"refcoco:{tmp_path}")
    judged = source.judge(row, "man in jacket")
    assert [group for *_, group in words(judged, "man in jacket")] == [
        "object",
        "relation",
        "attribute",
    ]


class Attack:
    """Runs code when it is read by a plain unpickler."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_refcoco_refuses_pickles_that_could_run_code(tmp_path: Path) -> None:
    spec = write_refcoco(tmp_path)
    path, trace = tmp_path / "refs(unc).p", tmp_path / "trace"
    for content in ([Attack(trace)], [np.int64(3)], {1, 2}):
        path.write_bytes(pickle.dumps(content, protocol=2))
        with pytest.raises(DatasetError, match="Expected a pickle of plain lists .* refused or"):
            list(open_source(spec).rows())
    path.write_bytes(b"junk")
    with pytest.raises(DatasetError, match="refused or damaged"):
        list(open_source(spec).rows())
    assert not trace.exists()


def test_refcoco_reads_pickles_of_python_2(tmp_path: Path) -> None:
    """There, texts are bytes; a broken one does not end the reading."""
    spec = write_refcoco(tmp_path)
    refs = refcoco_refs()[:1]
    refs[0]["sentences"] = [{"sent": "caf dog"}]
    text = pickle.dumps(refs, protocol=0)
    assert b"Vcaf dog\n" in text
    old = text.replace(b"Vcaf dog\n", b"S'caf\\xe9 dog'\n")
    (tmp_path / "refs(unc).p").write_bytes(old)
    _, row = first(spec)
    assert row.answer == "caf\ufffd dog"


def test_refcoco_chooses_file_and_split(tmp_path: Path) -> None:
    spec = write_refcoco(tmp_path)
    (tmp_path / "refs(google).p").write_bytes((tmp_path / "refs(unc).p").read_bytes())
    with pytest.raises(DatasetError, match=r"got 2: choose with by=google or unc"):
        open_source(spec)
    assert len(list(open_source(f"{spec},by=unc,split=val").rows())) == 6
    with pytest.raises(DatasetError, match="Expected split as one of val, got 'testA'"):
        list(open_source(f"{spec},by=unc,split=testA").rows())


def test_refcoco_counts_references_that_cannot_be_used(tmp_path: Path) -> None:
    spec = write_refcoco(tmp_path)
    ref = refcoco_refs()[0]
    refs = [ref, ref, ref | {"ref_id": 60, "ann_id": 9}, 7, ref | {"ref_id": 61, "sentences": 3}]
    (tmp_path / "refs(unc).p").write_bytes(pickle.dumps(refs))
    assert reasons(spec) == [
        "the id is repeated",
        "no annotation of this id",
        *["a field is missing or of another type"] * 2,
    ]


# VizWiz


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("turned", [False, True])
def test_vizwiz_mask_is_turned_with_its_picture(
    tmp_path: Path, orientation: int, turned: bool
) -> None:
    spec = write_vizwiz(tmp_path)
    name = "VizWiz_val_00000001"
    save_picture(tmp_path / "val" / f"{name}.jpg", orientation=orientation)
    if turned and orientation == 6:
        mask = np.rot90(block(LEFT)).astype(np.uint8) * 255
        Image.fromarray(mask).save(tmp_path / "binary_masks_png" / "val" / f"{name}.png")
    source, row = first(spec)
    assert row.answer == "red block"
    judged = source.judge(row, "red block")
    assert judged.masks.shape[1:] == (HEIGHT, WIDTH)
    assert np.array_equal(region(judged, 0), block(LEFT))
    assert judged.score == {"matches": True}


def test_vizwiz_knows_its_answer_in_another(tmp_path: Path) -> None:
    source, row = first(f"{write_vizwiz(tmp_path)}?answers=model")
    assert row.answer is None
    judged = source.judge(row, "It is a Red  block")
    assert [t.start for t in judged.truths] == [8, 13]
    missed = source.judge(row, "It is a redder blocks")
    assert missed.truths == ()
    assert source.scores([judged.score, missed.score]) == {
        "answers that hold the most common one": 0.5
    }


# OpenPSG


def test_openpsg_judges_classes_and_relations(tmp_path: Path) -> None:
    source, row = first(write_openpsg(tmp_path))
    assert row.answer is None
    answer = "A man is riding a horse near the wall by the sea."
    judged = source.judge(row, answer)
    found = {answer[t.start : t.end]: t for t in judged.truths}
    assert {word: t.supported for word, t in found.items()} == {
        "man": True,
        "riding": True,
        "horse": True,
        "wall": False,
        "sea": False,
    }
    assert judged.groups[found["riding"].start] == "relation"
    (both,) = found["riding"].regions
    assert np.array_equal(judged.masks[both].numpy(), block(LEFT) | block(RIGHT))
    (one,) = found["man"].regions
    assert np.array_equal(judged.masks[one].numpy(), block(LEFT))
    assert judged.score == {"mentioned": 4, "invented": 2, "relations": 1, "related": 1}


def test_openpsg_leaves_relations_open_that_are_not_listed(tmp_path: Path) -> None:
    source, row = first(write_openpsg(tmp_path))
    for answer in ("A horse riding a person.", "A person beside a horse.", "Riding."):
        judged = source.judge(row, answer)
        assert "relation" not in judged.groups.values()
        assert judged.score["related"] == 0


def test_openpsg_says_its_relations(tmp_path: Path) -> None:
    source, row = first(f"{write_openpsg(tmp_path)}?answers=relations")
    assert row.answer == "The person is riding the horse."
    judged = source.judge(row, row.answer)
    assert [t.role for t in judged.truths] == ["kind", "relation", "kind"]


def test_openpsg_reads_a_split(tmp_path: Path) -> None:
    spec = write_openpsg(tmp_path)
    ids = {
        split: [row.id for row in open_source(f"{spec}?split={split}").rows()]
        for split in ("train", "test")
    }
    assert ids == {
        "train": ["val2017/000000000011.jpg", "val2017/000000000013.jpg"],
        "test": ["val2017/000000000012.jpg"],
    }


def test_openpsg_counts_entries_that_cannot_be_used(tmp_path: Path) -> None:
    spec = write_openpsg(tmp_path)
    path = tmp_path / "psg.json"
    content, entry = json.loads(path.read_text()), psg_entry(11)
    changes = [
        {"relations": [[0, 5, 0]]},
        {"relations": [[0, 1, 9]]},
        {"segments_info": [{"id": 1, "category_id": 77}]},
        {"file_name": "none.jpg"},
        {},
        {"relations": []},
    ]
    content["data"] = [
        entry,
        *({**entry, "file_name": "val2017/000000000012.jpg", **c} for c in changes[:4]),
        entry,
    ]
    write_json(path, content)
    assert reasons(spec) == [
        *["a field is missing or of another type"] * 3,
        "picture missing",
        "the id is repeated",
    ]
    content["data"] = [entry | {"relations": []}]
    write_json(path, content)
    assert reasons(f"{spec}?answers=relations") == ["no relation"]
