"""What every registered data set keeps to."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from seewhy.core.errors import DatasetError, SampleError, UnknownNameError
from seewhy.core.sample import ROLES
from seewhy.core.text import split_words
from seewhy.datasets import DATASETS, Dataset, open_dataset
from seewhy.testbed.scenes import scene
from tam_layouts import write_anno, write_coco, write_folder

NAMES = DATASETS.names()

WRITERS: dict[str, Callable[[Path], Path]] = {
    "coco": write_coco,
    "folder": write_folder,
    "grandf": lambda folder: write_anno(folder, 2),
    "openpsg": lambda folder: write_anno(folder, 3),
}
"""What makes a small set of three samples of each data set that lies in a folder."""

INDICES = {
    "coco": ("annotations/instances_minival2014.json", "annotations/captions_val2014.json"),
    "folder": ("annotations.jsonl",),
    "grandf": ("anno.json",),
    "openpsg": ("anno.json",),
}
FILED = tuple(WRITERS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: write(tmp_path_factory.mktemp(name) / "set") for name, write in WRITERS.items()}


@pytest.fixture(params=NAMES)
def dataset(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Dataset:
    name = request.param
    return open_dataset(f"{name}:{folders[name]}" if name in folders else f"{name}:count=3")


def test_every_data_set_is_tested() -> None:
    assert set(NAMES) == {"emoji", "testbed", *FILED}


def test_dataset_has_samples_of_its_ids(dataset: Dataset) -> None:
    assert len(dataset.ids) == len(set(dataset.ids)) == 3
    for id in dataset.ids:
        sample = dataset.sample(id)
        width, height = sample.image.size
        assert sample.id == id
        assert sample.image.mode == "RGB"
        assert sample.prompt
        assert sample.masks.dtype == torch.bool
        assert sample.masks.shape[1:] == (height, width)
        assert bool(sample.masks.flatten(1).any(1).all())


def test_dataset_has_a_length_and_gives_its_samples(dataset: Dataset) -> None:
    assert len(dataset) == 3
    samples = iter(dataset)
    assert next(samples).id == dataset.ids[0]
    assert [sample.id for sample in samples] == list(dataset.ids[1:])
    assert [sample.id for sample in dataset] == list(dataset.ids)


def test_dataset_knows_of_words_in_their_order(dataset: Dataset) -> None:
    sample = dataset.sample(dataset.ids[0])
    thing = scene(0, "heldout").objects[0]
    answer = f"Yes, there is a dog; the picture shows two cups and a {thing.kind} on a ground."
    truths = sample.annotate(answer)
    spans = split_words(answer)
    assert [truth.start for truth in truths] == sorted({truth.start for truth in truths})
    assert {(truth.start, truth.end) for truth in truths} <= set(spans)
    assert {truth.role for truth in truths} <= set(ROLES)
    assert {"kind", "function", "mark", "noun"} <= {truth.role for truth in truths}
    assert all(0 <= region < len(sample.masks) for truth in truths for region in truth.regions)
    assert all(truth.supported for truth in truths if truth.role == "kind" and truth.regions)


def test_dataset_knows_what_its_answers_speak_of(dataset: Dataset) -> None:
    reference = (s for s in map(dataset.sample, dataset.ids) if s.answer is not None)
    for sample in reference:
        kinds = [t for t in sample.annotate(sample.answer) if t.role == "kind"]
        assert kinds
        assert all(t.supported and t.regions and t.category and t.tags["size"] for t in kinds)


def test_dataset_says_nothing_of_an_empty_answer(dataset: Dataset) -> None:
    assert dataset.sample(dataset.ids[0]).annotate("") == ()


def test_dataset_reads_the_same_twice(dataset: Dataset) -> None:
    one, other = (dataset.sample(dataset.ids[1]) for _ in range(2))
    assert np.array_equal(np.asarray(one.image), np.asarray(other.image))
    assert torch.equal(one.masks, other.masks)
    assert one.annotate("a star and a cup") == other.annotate("a star and a cup")


def test_dataset_goes_to_other_processes(dataset: Dataset) -> None:
    twin = pickle.loads(pickle.dumps(dataset))
    assert (twin.ids, twin.fingerprint) == (dataset.ids, dataset.fingerprint)
    sample = pickle.loads(pickle.dumps(twin.sample(twin.ids[0])))
    assert sample.annotate("a cup") == dataset.sample(dataset.ids[0]).annotate("a cup")


def test_dataset_has_no_sample_of_another_id(dataset: Dataset) -> None:
    with pytest.raises(SampleError, match="Expected an id of this data set, got 'nobody'"):
        dataset.sample("nobody")


@pytest.mark.parametrize("name", NAMES)
def test_dataset_refuses_unknown_options(name: str, folders: dict[str, Path]) -> None:
    place = f"{folders[name]}?" if name in folders else ""
    with pytest.raises((DatasetError, UnknownNameError), match="got '?limits?'?"):
        open_dataset(f"{name}:{place}limits=3")


@pytest.mark.parametrize("name", FILED)
def test_dataset_tells_what_its_folder_must_hold(name: str, tmp_path: Path) -> None:
    expected = INDICES[name][0]
    for spec in (name, f"{name}:{tmp_path / 'missing'}"):
        with pytest.raises(DatasetError, match=f'Expected a folder for the data set "{name}"'):
            open_dataset(spec)
    with pytest.raises(
        DatasetError, match=f"Expected {expected} in .* the folder must hold .*{expected}"
    ):
        open_dataset(f"{name}:{tmp_path}")


@pytest.mark.parametrize("name", FILED)
def test_dataset_chooses_by_place(name: str, folders: dict[str, Path]) -> None:
    everything = open_dataset(f"{name}:{folders[name]}").ids
    assert open_dataset(f"{name}:{folders[name]}?start=1&limit=1").ids == everything[1:2]
    with pytest.raises(DatasetError, match="Expected samples from place 3 on .*, got 3 in all"):
        open_dataset(f"{name}:{folders[name]}?start=3")


@pytest.mark.parametrize("name", FILED)
def test_dataset_opens_by_its_index_alone(name: str, tmp_path: Path) -> None:
    folder = WRITERS[name](tmp_path / "set")
    for path in folder.iterdir():
        if path.is_dir() and path.name != "annotations":
            shutil.rmtree(path)
    dataset = open_dataset(f"{name}:{folder}")
    assert len(dataset) == 3
    with pytest.raises(SampleError, match="^image missing"):
        dataset.sample(dataset.ids[0])


@pytest.mark.parametrize("name", FILED)
def test_iterating_reads_one_sample_at_a_time(name: str, tmp_path: Path) -> None:
    folder = WRITERS[name](tmp_path / "set")
    dataset = open_dataset(f"{name}:{folder}")
    samples = iter(dataset)
    first = next(samples)
    for path in folder.rglob("*.png"):
        path.unlink()
    for _ in range(2):
        with pytest.raises(SampleError, match="^(image|mask) missing"):
            next(samples)
    with pytest.raises(StopIteration):
        next(samples)
    assert first.id == dataset.ids[0]


@pytest.mark.parametrize("name", FILED)
def test_dataset_refuses_a_broken_index(name: str, tmp_path: Path) -> None:
    folder = WRITERS[name](tmp_path / "set")
    for index in INDICES[name]:
        path = folder / index
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(DatasetError, match=rf"Expected JSON in .*{path.name}.* line \d+, col"):
            open_dataset(f"{name}:{folder}")
        path.write_bytes(b"\xff\xfe[]")
        with pytest.raises(DatasetError, match=f"Expected text in UTF-8 in .*{path.name}"):
            open_dataset(f"{name}:{folder}")
        path.write_bytes(whole)


@pytest.mark.parametrize("name", FILED)
def test_dataset_refuses_an_index_of_something_else(name: str, tmp_path: Path) -> None:
    folder = WRITERS[name](tmp_path / "set")
    for index in INDICES[name]:
        whole = (folder / index).read_bytes()
        (folder / index).write_text("7\n")
        with pytest.raises(DatasetError, match=f"at .* of .*{index}, got 7: correct the index"):
            open_dataset(f"{name}:{folder}")
        (folder / index).write_bytes(whole)


@pytest.mark.parametrize("name", FILED)
def test_dataset_has_the_fingerprint_of_its_index(name: str, tmp_path: Path) -> None:
    folder = WRITERS[name](tmp_path / "set")
    first = open_dataset(f"{name}:{folder}").fingerprint
    moved = shutil.copytree(folder, tmp_path / "moved")
    assert open_dataset(f"{name}:{moved}").fingerprint == first
    index = moved / INDICES[name][0]
    index.write_bytes(index.read_bytes() + b"\n")
    assert open_dataset(f"{name}:{moved}").fingerprint != first


def test_fingerprints_tell_data_sets_apart(folders: dict[str, Path]) -> None:
    specs = [f"{name}:{folder}" for name, folder in folders.items()]
    specs += [f"{name}:{folders[name]}?answers=reference" for name in FILED if name != "folder"]
    specs += ["testbed", "testbed:split=train", "testbed:captions=1", "testbed:habit=yes,count=1"]
    specs += ["emoji", "emoji:split=train", "emoji:captions=1", "emoji:scale=2"]
    assert len({open_dataset(spec).fingerprint for spec in specs}) == len(specs)
