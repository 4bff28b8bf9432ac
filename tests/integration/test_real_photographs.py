"""Real photographs through readers, geometry of every family, and pages; nothing is copied."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from families import BUILDERS, shared
from seewhy.core.errors import ImageError, ScaleError
from seewhy.datasets import open_dataset
from seewhy.explainer import Explainer
from seewhy.images import read_clip, read_image
from seewhy.models import prepare
from seewhy.report.bundle import open_record

SAMPLES = Path(os.environ.get("SEEWHY_REAL_SAMPLES", "/work/shared/real_samples"))

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"the real samples are not at hand in {SAMPLES}"
)

PHOTOS = sorted((SAMPLES / "coco" / "image").glob("*.jpg"))
PROMPT = "What is to the left of the red star?"


def encoded(picture: Image.Image, format: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def distance(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures of one size, in levels of 255."""
    assert one.size == other.size
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


def test_every_photograph_is_read_as_a_viewer_shows_it():
    for path in PHOTOS[::3]:
        photo = read_image(path)
        with Image.open(path) as file:
            assert photo.size == file.size
            assert distance(photo, file.convert("RGB")) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_that_a_camera_turned_are_upright(orientation):
    photo = read_image(PHOTOS[0])
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = photo.transpose(turns[orientation]) if orientation in turns else photo
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = read_image(encoded(stored, "JPEG", exif=exif.tobytes(), quality=95))
    assert distance(found, photo) < 3


@pytest.mark.parametrize("mode", ["L", "CMYK", "1", "P", "LA", "RGBA", "YCbCr", "I;16"])
def test_photographs_in_other_modes_are_read(mode):
    photo = read_image(PHOTOS[1])
    grey = photo.convert("L")
    stored = (
        Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
        if mode == "I;16"
        else photo.convert(mode)
    )
    format = "JPEG" if mode in ("L", "CMYK", "YCbCr") else "PNG"
    found = read_image(encoded(stored, format))
    assert (found.mode, found.size) == ("RGB", photo.size)
    expected = grey.convert("RGB") if mode in ("L", "1", "LA", "I;16") else photo
    assert distance(found, expected) < {"1": 120, "P": 25}.get(mode, 6)


def test_clips_and_folders_read_photographs(tmp_path):
    clip = read_clip([PHOTOS[0]] * 3, max_frames=2)
    assert distance(clip.frames[1], read_image(PHOTOS[0])) == 0
    labels = SAMPLES / "coco" / "seg_label"
    lines = []
    for path in [p for p in PHOTOS if (labels / f"{p.stem}.png").is_file()][:4]:
        with Image.open(labels / f"{path.stem}.png") as file:
            numbers = [int(number) for number in np.unique(np.asarray(file)) if number]
        categories = {f"thing{number}": number for number in numbers}
        names = {"id": path.stem, "image": path.name, "mask": f"{path.stem}.png"}
        lines.append({**names, "answer": f"A {next(iter(categories))}.", "categories": categories})
    (tmp_path / "images").symlink_to(SAMPLES / "coco" / "image")
    (tmp_path / "masks").symlink_to(labels)
    (tmp_path / "annotations.jsonl").write_text("\n".join(map(json.dumps, lines)))
    data = open_dataset(f"folder:{tmp_path}")
    assert len(data.ids) == 4
    for name in data.ids:
        sample = data.sample(name)
        assert sample.masks.shape[1:] == sample.image.size[::-1]
        assert sample.masks.any()


SHAPES = (None, (1, 1), (37, 3), (3, 211), (641, 427))
"""Crops of a photograph: none, and odd sizes; width and height."""


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_tokens_lie_on_photographs_of_any_size_and_scale(name):
    family = shared(name).family
    photo = read_image(PHOTOS[2])
    for size in SHAPES:
        picture = photo if size is None else photo.resize(size)
        for scale in (1.0, 0.5):
            try:
                inputs = prepare(family, picture, PROMPT, scale=scale)
            except (ScaleError, ImageError):
                assert size == (1, 1) or scale != 1  # refused in a sentence: it is too small
                continue
            (view,) = inputs.views
            boxes = view.geometry.boxes
            width, height = picture.size
            assert len(boxes) == len(inputs.visual_positions)
            assert bool((boxes[:, 2:] > boxes[:, :2]).all())
            on_picture = (boxes[:, 0] < width) & (boxes[:, 2] > 0)
            on_picture &= (boxes[:, 1] < height) & (boxes[:, 3] > 0)
            assert bool(on_picture.any())
            grid = view.geometry.base_grid
            x, y = width / 2, height / 2  # the middle is never cropped away
            assert float(grid.column_edges[0]) <= x <= float(grid.column_edges[-1])
            assert float(grid.row_edges[0]) <= y <= float(grid.row_edges[-1])


def test_a_photograph_on_a_page_and_back(tmp_path):
    explainer = Explainer(shared("qwen2-vl"))
    photo = read_image(PHOTOS[3])
    explanation = explainer.explain(photo, PROMPT, max_new_tokens=3)
    width, height = photo.size
    for word in explanation.words:
        if word.box is not None:
            left, top, right, bottom = word.box
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height
    page = explanation.html()
    assert re.search(r"data:image/jpeg;base64,", page)
    assert len(page) < 5_000_000
    folder = explanation.save(tmp_path / "out")
    assert np.array_equal(open_record(folder).pictures[0].image, np.asarray(photo))
