"""COCO's own pictures and annotations, where they are at hand; nothing is copied."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from audit_layouts import write_json, write_lines
from seewhy.audit.source import SourceRow
from seewhy.audit.sources import open_source
from seewhy.audit.sources._coco import Instances

SAMPLES = Path(os.environ.get("SEEWHY_REAL_SAMPLES", "/work/shared/real_samples"))

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"the real samples are not at hand in {SAMPLES}"
)

ANNOTATIONS = SAMPLES / "coco" / "annotations"
INSTANCES = ANNOTATIONS / "instances_minival2014.json"


def good(source: Any) -> list[SourceRow]:
    rows = list(source.rows())
    assert all(isinstance(row, SourceRow) for row in rows), rows[:3]
    return rows


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    return json.loads(INSTANCES.read_text())


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples in COCO's own layout, by links."""
    folder = tmp_path_factory.mktemp("coco")
    (folder / "annotations").mkdir()
    for path in (INSTANCES, ANNOTATIONS / "captions_val2014.json"):
        (folder / "annotations" / path.name).symlink_to(path)
    (folder / "val2017").symlink_to(SAMPLES / "coco" / "image")
    return folder


def test_instances_are_found_by_their_places(content: dict[str, Any]) -> None:
    instances = Instances([INSTANCES])
    assert len(instances.pictures) == 78
    names = {c["id"]: c["name"] for c in content["categories"]}
    for image in content["images"]:
        wanted = [
            names[a["category_id"]] for a in content["annotations"] if a["image_id"] == image["id"]
        ]
        assert [place[3] for place in instances.places(image["id"])] == wanted


def test_chair_judges_every_reference_as_true(coco: Path, tmp_path: Path) -> None:
    """The references are part of the truth, so none of them has an invented word."""
    told = json.loads((ANNOTATIONS / "captions_val2014.json").read_text())["annotations"]
    lines = [
        {"image_id": c["image_id"], "caption": c["caption"]} for c in told if c["caption"].strip()
    ]
    answers = write_lines(tmp_path / "captions.jsonl", lines)
    source = open_source(f"chair:{coco}", answers=answers)
    rows = good(source)
    assert len(rows) == len(lines)
    judged = [source.judge(row, row.answer) for row in rows[:80]]
    figures = source.scores([j.score for j in judged])
    assert figures["CHAIR_i"] == figures["CHAIR_s"] == 0
    assert 0.3 < figures["recall"] < 1
    assert sum(bool(t.regions) for j in judged for t in j.truths) > 80


def test_chair_counts_what_is_not_there(coco: Path) -> None:
    source = open_source(f"chair:{coco}?limit=20")
    rows = good(source)
    scores = []
    for row in rows:
        absent = next(n for n in ("zebra", "toaster") if n not in row.facts["objects"])
        scores.append(source.judge(row, f"A {absent} and a {row.facts['objects'][0]}.").score)
    figures = source.scores(scores)
    assert figures["CHAIR_s"] == 1
    assert figures["CHAIR_i"] == pytest.approx(0.5, abs=0.05)


def test_masks_agree_with_the_labels_of_pixels(coco: Path) -> None:
    """The labels have small things on top, so they may lack some pixels of a mask."""
    source = open_source(f"chair:{coco}?limit=15")
    numbers = {c["name"]: c["id"] for c in json.loads(INSTANCES.read_text())["categories"]}
    shares = []
    for row in good(source):
        image = Path(str(row.images[0]))
        names = list(dict.fromkeys(place[3] for place in row.facts["instances"]))
        judged = source.judge(row, ". ".join(names))
        labels = np.asarray(Image.open(SAMPLES / "coco" / "seg_label" / f"{image.stem}.png"))
        for truth in judged.truths:
            mask = np.any(judged.masks.numpy()[list(truth.regions)], axis=0)
            shown = labels == numbers[truth.category]
            if shown.sum() > 2000:
                shares.append((mask & shown).sum() / shown.sum())
    assert len(shares) > 10
    assert np.mean(shares) > 0.97


def test_pope_has_masks_of_real_things(coco: Path, content: dict[str, Any]) -> None:
    names = {c["id"]: c["name"] for c in content["categories"]}
    files = {image["id"]: image["file_name"] for image in content["images"]}
    seen = list({(a["image_id"], names[a["category_id"]]) for a in content["annotations"]})[:30]
    lines = [
        {
            "question_id": n,
            "image": f"COCO_val2014_{files[id]}",
            "text": f"Is there a {name} in the image?",
            "label": "yes",
        }
        for n, (id, name) in enumerate(seen, start=1)
    ]
    write_lines(coco / "coco_pope_random.json", lines)
    source = open_source(f"pope:{coco}")
    rows = good(source)
    assert len(rows) == len(seen)
    for row in rows:
        judged = source.judge(row, f"Yes, there is a {row.facts['object']}.")
        assert any(t.regions for t in judged.truths), row
        assert judged.masks.any()


def test_refcoco_refers_to_real_masks(coco: Path, content: dict[str, Any]) -> None:
    import pickle

    refs = [
        {
            "ref_id": n,
            "ann_id": a["id"],
            "image_id": a["image_id"],
            "file_name": f"COCO_train2014_{a['image_id']:012d}_{a['id']}.jpg",
            "split": "val",
            "sentences": [{"sent": "the big one", "raw": "the big one"}],
        }
        for n, a in enumerate(content["annotations"][:30])
    ]
    (coco / "instances.json").symlink_to(INSTANCES)
    (coco / "refs(unc).p").write_bytes(pickle.dumps(refs, protocol=2))
    source = open_source(f"refcoco:{coco}")
    areas = {a["id"]: a["area"] for a in content["annotations"]}
    for row, ref in zip(good(source), refs, strict=True):
        judged = source.judge(row, row.answer)
        area = areas[ref["ann_id"]]
        assert abs(int(judged.masks.sum()) - area) < 0.2 * area + 60, ref


def test_panoptic_sets_read_real_segments(tmp_path: Path) -> None:
    """The masks here are grey, of category numbers, so they are coded again as COCO codes them."""
    listed = json.loads((SAMPLES / "panoptic" / "anno.json").read_text())[:6]
    entries, data = [], []
    classes = sorted({name for _, _, _, named in listed for name in named})
    for image, _, mask, named in listed:
        id = int(Path(image).stem)
        values = np.asarray(Image.open(SAMPLES / "panoptic" / mask)).astype(np.int64)
        numbers = {
            name: number + 300 * number
            for name, number in named.items()
            if (values == number).any()
        }
        coded = np.where(np.isin(values, list(named.values())), values * 301, 0)
        rgb = np.stack([coded % 256, coded // 256 % 256, coded // 65536], -1).astype(np.uint8)
        for place in ("annotations/panoptic_segmentation/val2017", "panoptic_val2017"):
            path = tmp_path / place / f"{id:012d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rgb).save(path)
        plain = [name.split("-")[0] for name in numbers]
        segments = [
            {"utterance": f"the {word}", "segment_ids": [str(number)], "noun": 1}
            for word, number in zip(plain, numbers.values(), strict=True)
        ]
        caption = "There is " + ", ".join(f"the {word}" for word in plain) + "."
        entries.append({"image_id": id, "caption": caption, "segments": segments})
        data.append(
            {
                "file_name": f"val2017/{id:012d}.jpg",
                "image_id": str(id),
                "pan_seg_file_name": f"panoptic_val2017/{id:012d}.png",
                "segments_info": [
                    {"id": number, "category_id": classes.index(name)}
                    for name, number in numbers.items()
                ],
                "relations": [],
            }
        )
    (tmp_path / "val2017").symlink_to(SAMPLES / "panoptic" / "image")
    write_json(tmp_path / "annotations" / "png_coco_val2017.json", entries)
    lists = {"thing_classes": classes, "stuff_classes": [], "predicate_classes": []}
    write_json(tmp_path / "psg.json", {"data": data, **lists})
    narrated = open_source(f"png:{tmp_path}")
    for row in good(narrated):
        judged = narrated.judge(row, row.answer)
        assert judged.score["found"] == judged.score["phrases"] > 0
        assert all(truth.regions for truth in judged.truths)
    graph = open_source(f"openpsg:{tmp_path}")
    for row in good(graph):
        names = [name for name in classes if name.isalpha()]
        judged = graph.judge(row, ". ".join(names))
        shown = {graph_class for _, graph_class in row.facts["graph"]["segments"]}
        for truth in judged.truths:
            assert truth.supported in (
                (True,) if classes.index(truth.category) in shown else (False, None)
            )
