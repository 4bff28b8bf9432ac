"""Small data sets in the layouts that `seewhy.datasets` reads, made of drawn scenes.

The categories are the world's sixteen kinds, numbered from 1; 0 is the ground.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from seewhy.testbed.captions import captions
from seewhy.testbed.scenes import Scene, draw, scene
from seewhy.testbed.shapes import KINDS

NUMBERS = {kind: number for number, kind in enumerate(KINDS, start=1)}
SCENES = (0, 1, 2)


def numbers_of(drawn: Scene) -> np.ndarray:
    """uint8 `[height, width]`: the number of the kind at every pixel."""
    values = np.zeros((drawn.height, drawn.width), dtype=np.uint8)
    for thing, mask in zip(drawn.objects, draw(drawn).masks, strict=True):
        values[mask] = NUMBERS[thing.kind]
    return values


def caption_of(index: int, sentences: int) -> str:
    """What the world says of a held-out scene."""
    drawn = scene(index, "heldout")
    return captions(drawn, draw(drawn))[sentences - 1].text


def write_coco(folder: Path, indices: Sequence[int] = SCENES) -> Path:
    """COCO captions as TAM lays them; image ids are 1000 + index. Returns the folder."""
    for name in ("annotations", "image", "seg_label"):
        (folder / name).mkdir(parents=True)
    images, told = [], []
    for index in indices:
        drawn, id = scene(index, "heldout"), 1000 + index
        _draw(index, folder / "image" / f"{id:012d}.jpg", folder / "seg_label" / f"{id:012d}.png")
        size = {"width": drawn.width, "height": drawn.height}
        images.append({"id": id, "file_name": f"COCO_val2014_{id:012d}.jpg", **size})
        for sentences in (1, 2):
            caption = f"{caption_of(index, sentences)}\n"
            told.append({"id": len(told), "image_id": id, "caption": caption})
    categories = [{"id": number, "name": kind} for kind, number in NUMBERS.items()]
    instances = {"images": images, "categories": categories, "annotations": []}
    place = folder / "annotations"
    _write(place / "instances_minival2014.json", instances)
    _write(place / "captions_val2014.json", {"images": images, "annotations": told})
    return folder


def write_anno(folder: Path, sentences: int, indices: Sequence[int] = SCENES) -> Path:
    """GranDf (two sentences) or OpenPSG (three) as TAM lays them. Returns the folder."""
    for name in ("pictures", "labels"):
        (folder / name).mkdir(parents=True)
    entries = []
    for index in indices:
        image, mask = f"pictures/scene{index}.png", f"labels/scene{index}.png"
        _draw(index, folder / image, folder / mask)
        kinds = {thing.kind: NUMBERS[thing.kind] for thing in scene(index, "heldout").objects}
        entries.append([image, caption_of(index, sentences), mask, kinds])
    _write(folder / "anno.json", entries)
    return folder


def write_folder(folder: Path, indices: Sequence[int] = SCENES) -> Path:
    """The layout of our own; the last line has no answer and names its prompt."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    lines = []
    for index in indices:
        file = f"scene{index}.png"
        _draw(index, folder / "images" / file, folder / "masks" / file)
        line = {"id": str(index), "image": file, "mask": file, "categories": NUMBERS}
        if index == indices[-1]:
            line |= {"prompt": "What is to be seen?", "complete": True}
        else:
            line |= {"answer": caption_of(index, 1)}
        lines.append(json.dumps(line))
    (folder / "annotations.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _draw(index: int, image: Path, mask: Path) -> None:
    drawn = scene(index, "heldout")
    Image.fromarray(draw(drawn).image).save(image)
    Image.fromarray(numbers_of(drawn)).save(mask)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
