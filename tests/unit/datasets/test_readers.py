"""The readers of TAM's layouts, and of our own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from seewhy.core.errors import DatasetError, SampleError
from seewhy.datasets import open_dataset
from seewhy.testbed.scenes import scene
from tam_layouts import NUMBERS, caption_of, numbers_of, write_anno, write_coco, write_folder

INSTANCES = "annotations/instances_minival2014.json"
CAPTIONS = "annotations/captions_val2014.json"


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    return write_coco(tmp_path / "coco")


@pytest.fixture
def grandf(tmp_path: Path) -> Path:
    return write_anno(tmp_path / "grandf", 2)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "own")


def edit(path: Path, change: Callable[[Any], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def edit_line(path: Path, number: int, **changes: object) -> None:
    lines = path.read_text().splitlines()
    lines[number - 1] = json.dumps(json.loads(lines[number - 1]) | changes)
    path.write_text("\n".join(lines))


def test_coco_lets_the_model_speak(coco: Path) -> None:
    dataset = open_dataset(f"coco:{coco}")
    assert dataset.ids == ("000000001000", "000000001001", "000000001002")
    sample = dataset.sample("000000001001")
    assert sample.answer is None
    assert sample.prompt == "Write a one-sentence caption for this image:"


def test_coco_reads_masks_by_category(coco: Path) -> None:
    sample = open_dataset(f"coco:{coco}").sample("000000001001")
    drawn = scene(1, "heldout")
    values, kinds = numbers_of(drawn), {thing.kind for thing in drawn.objects}
    assert len(sample.masks) == len(kinds)
    for kind in kinds:
        (truth,) = sample.annotate(f"{kind}s")
        mask = sample.masks[list(truth.regions)].any(0)
        assert torch.equal(mask, torch.from_numpy(values == NUMBERS[kind]))
    absent = next(kind for kind in NUMBERS if kind not in kinds)
    assert sample.annotate(absent)[0].supported is False


def test_coco_has_the_first_caption_as_reference(coco: Path) -> None:
    sample = open_dataset(f"coco:{coco}?answers=reference").sample("000000001000")
    assert sample.answer == caption_of(0, 1)


def test_coco_counts_images_without_a_caption(coco: Path) -> None:
    edit(coco / CAPTIONS, lambda content: content["annotations"].clear())
    assert open_dataset(f"coco:{coco}").sample("000000001000").answer is None
    with pytest.raises(SampleError, match="^no caption\n.*of image 000000001000"):
        open_dataset(f"coco:{coco}?answers=reference").sample("000000001000")


def test_coco_counts_masks_of_another_size(coco: Path) -> None:
    Image.new("L", (7, 5)).save(coco / "seg_label" / "000000001000.png")
    dataset = open_dataset(f"coco:{coco}")
    with pytest.raises(SampleError, match="^mask of another size"):
        dataset.sample("000000001000")
    assert dataset.sample("000000001001").id == "000000001001"


def test_coco_counts_masks_of_background_alone(coco: Path) -> None:
    path = coco / "seg_label" / "000000001000.png"
    Image.fromarray(np.zeros_like(np.asarray(Image.open(path)))).save(path)
    with pytest.raises(SampleError, match="^no category in the mask"):
        open_dataset(f"coco:{coco}").sample("000000001000")


def test_coco_refuses_an_empty_set(coco: Path) -> None:
    edit(coco / INSTANCES, lambda content: content["images"].clear())
    with pytest.raises(DatasetError, match="Expected samples from place 0 .*, got 0 in all"):
        open_dataset(f"coco:{coco}")


@pytest.mark.parametrize(
    ("index", "change", "match"),
    [
        (INSTANCES, lambda c: c.pop("images"), 'a list at "images" of .*, got None'),
        (INSTANCES, lambda c: c["categories"].clear(), 'one category at "categories" of'),
        (INSTANCES, lambda c: c["images"][1].pop("id"), r'at images\[1\]\["id"\] of .*, got None'),
        (INSTANCES, lambda c: c["images"].append(3), r"an object at images\[3\] of .*, got 3"),
        (
            INSTANCES,
            lambda c: c["categories"][2].update(id="x"),
            r"""a whole number at categories\[2\]\["id"\] of .*, got 'x'""",
        ),
        (
            CAPTIONS,
            lambda c: c["annotations"][4].update(caption=None),
            r'text at annotations\[4\]\["caption"\] of .*, got None',
        ),
        (
            CAPTIONS,
            lambda c: c["annotations"][0].update(image_id=True),
            r'a whole number at annotations\[0\]\["image_id"\] of .*, got True',
        ),
    ],
)
def test_coco_names_the_place_that_is_malformed(
    coco: Path, index: str, change: Callable[[Any], object], match: str
) -> None:
    edit(coco / index, change)
    with pytest.raises(DatasetError, match=match):
        open_dataset(f"coco:{coco}")


@pytest.mark.parametrize(
    ("name", "sentences", "number"), [("grandf", 2, "two"), ("openpsg", 3, "three")]
)
def test_annotations_have_the_prompt_and_description(
    name: str, sentences: int, number: str, tmp_path: Path
) -> None:
    folder = write_anno(tmp_path / name, sentences)
    sample = open_dataset(f"{name}:{folder}?answers=reference").sample("00001-scene1")
    prompt = f"Write a description for this image using around {number} sentences:"
    assert (sample.prompt, sample.answer) == (prompt, caption_of(1, sentences))
    assert open_dataset(f"{name}:{folder}").sample("00001-scene1").answer is None


def test_annotations_know_nothing_of_categories_that_are_not_named(grandf: Path) -> None:
    drawn = scene(0, "heldout")
    sample = open_dataset(f"grandf:{grandf}").sample("00000-scene0")
    (truth,) = sample.annotate(drawn.objects[0].kind)
    assert truth.supported is True
    absent = next(k for k in NUMBERS if k not in {thing.kind for thing in drawn.objects})
    (truth,) = sample.annotate(absent)
    assert (truth.role, truth.supported, truth.regions) == ("noun", None, ())


def test_annotations_leave_named_categories_open_that_the_mask_lacks(grandf: Path) -> None:
    edit(grandf / "anno.json", lambda entries: entries[0][3].update(zebra=200))
    (truth,) = open_dataset(f"grandf:{grandf}").sample("00000-scene0").annotate("zebras")
    assert (truth.role, truth.category, truth.supported) == ("kind", "zebra", None)


def test_annotations_keep_their_ids_whatever_is_chosen(grandf: Path) -> None:
    assert open_dataset(f"grandf:{grandf}?start=2").ids == ("00002-scene2",)


def test_annotations_count_entries_without_a_description(grandf: Path) -> None:
    edit(grandf / "anno.json", lambda entries: entries[0].__setitem__(1, " "))
    with pytest.raises(SampleError, match="^no caption\n.* entry 00000-scene0"):
        open_dataset(f"grandf:{grandf}?answers=reference").sample("00000-scene0")


def test_annotations_count_entries_without_categories(grandf: Path) -> None:
    edit(grandf / "anno.json", lambda entries: entries[0].__setitem__(3, {}))
    with pytest.raises(SampleError, match="^no category in the mask"):
        open_dataset(f"grandf:{grandf}").sample("00000-scene0")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda entries: entries[1].pop(), r"mask path, .* at entry 1 of .*anno.json, got \["),
        (lambda entries: entries.append({}), r"mask path, .* at entry 3 of .*anno.json, got {}"),
        (lambda entries: entries[0].__setitem__(0, ""), "an image path at entry 0 of .*, got ''"),
        (lambda entries: entries[2].__setitem__(1, None), "a description at entry 2 .*, got None"),
        (lambda entries: entries[2].__setitem__(2, 5), "a mask path at entry 2 of .*, got 5"),
        (lambda entries: entries[0].__setitem__(3, ["a"]), r"name: .* entry 0 of .*, got \['a'\]"),
        (lambda entries: entries[0].__setitem__(3, {"a": "1"}), "name: .* entry 0 of .*, got {'a'"),
        (lambda entries: entries.clear(), "Expected samples from place 0 .*, got 0 in all"),
    ],
)
def test_annotations_name_the_entry_that_is_malformed(
    grandf: Path, change: Callable[[Any], object], match: str
) -> None:
    edit(grandf / "anno.json", change)
    with pytest.raises(DatasetError, match=match):
        open_dataset(f"grandf:{grandf}")


def test_folder_has_answers_where_its_lines_have_them(own: Path) -> None:
    dataset = open_dataset(f"folder:{own}")
    samples = [dataset.sample(id) for id in ("0", "1", "2")]
    assert [sample.answer for sample in samples] == [caption_of(0, 1), caption_of(1, 1), None]
    assert samples[0].prompt == "Write a one-sentence caption for this image:"
    assert samples[2].prompt == "What is to be seen?"


def test_folder_calls_words_unsupported_only_where_its_mask_is_complete(own: Path) -> None:
    dataset = open_dataset(f"folder:{own}")
    for id, supported in (("0", None), ("2", False)):
        present = {thing.kind for thing in scene(int(id), "heldout").objects}
        absent = next(kind for kind in NUMBERS if kind not in present)
        assert dataset.sample(id).annotate(absent)[0].supported is supported


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"id": "0"}, "a unique id at line 2 of .*, got '0'"),
        ({"id": 1}, 'text for "id" at line 2 of .*, got 1'),
        ({"mask": ""}, "text for \"mask\" at line 2 of .*, got ''"),
        ({"answer": None}, 'text for "answer" at line 2 of .*, got None'),
        ({"complete": "yes"}, "true or false for \"complete\" at line 2 of .*, got 'yes'"),
        ({"categories": {"dog": True}}, "name: number .* at line 2 of .*, got {'dog': True}"),
        ({"masks": "a.png"}, "an object with id, image, .* at line 2 of"),
    ],
)
def test_folder_names_the_line_that_is_malformed(
    own: Path, changes: dict[str, object], match: str
) -> None:
    edit_line(own / "annotations.jsonl", 2, **changes)
    with pytest.raises(DatasetError, match=match):
        open_dataset(f"folder:{own}")


def test_folder_refuses_an_empty_index(own: Path) -> None:
    (own / "annotations.jsonl").write_text("\n\n")
    with pytest.raises(DatasetError, match="Expected samples from place 0 .*, got 0 in all"):
        open_dataset(f"folder:{own}")


@pytest.mark.parametrize("spec", ["limit=0", "limit=-1", "start=x", "limit=²"])
def test_readers_refuse_numbers_out_of_range(own: Path, spec: str) -> None:
    with pytest.raises(DatasetError, match="a whole number of at least ., got .*: give digits"):
        open_dataset(f"folder:{own}?{spec}")


def test_readers_refuse_unknown_choices(coco: Path) -> None:
    with pytest.raises(DatasetError, match="Expected tagger to be one of builtin, nltk, textblob"):
        open_dataset(f"coco:{coco}?tagger=spacy")
    with pytest.raises(DatasetError, match="Expected answers to be one of model, reference, got"):
        open_dataset(f"coco:{coco}?answers=mine")
