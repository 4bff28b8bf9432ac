"""Small data sets in exactly the layouts that `seewhy.audit.sources` reads.

Each has three rows (or a few more), with drawn pictures of 40 x 30 pixels: a red block at the left,
a blue one at the right, on white.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 40, 30
LEFT, RIGHT = (2, 5, 14, 25), (24, 8, 38, 28)
"""Left, top, right, bottom of the blocks."""
ORIENTATION = 0x0112


def picture() -> Image.Image:
    """The picture."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    image.paste("red", LEFT)
    image.paste("blue", RIGHT)
    return image


def save_picture(path: Path, *, orientation: int = 1) -> Path:
    """Save the picture so that a viewer shows it upright, whatever its EXIF orientation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image, exif = picture(), Image.Exif()
    if orientation == 6:  # stored on its side: a viewer turns it by 90 degrees clockwise
        image = image.transpose(Image.Transpose.ROTATE_90)
    exif[ORIENTATION] = orientation
    image.save(path, exif=exif, **({"quality": 95} if path.suffix == ".jpg" else {}))
    return path


def block(box: Sequence[int]) -> np.ndarray:
    """bool `[height, width]` of a block."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    left, top, right, bottom = box
    mask[top:bottom, left:right] = True
    return mask


def runs_of(mask: np.ndarray) -> list[int]:
    """COCO's run lengths of a mask, column by column, zeros first."""
    runs, value, length = [], False, 0
    for pixel in mask.T.ravel():
        if bool(pixel) != value:
            runs.append(length)
            value, length = bool(pixel), 0
        length += 1
    return [*runs, length]


def packed(runs: Sequence[int]) -> str:
    """COCO's compressed text of run lengths."""
    text = ""
    for index, run in enumerate(runs):
        value = run - (runs[index - 2] if index > 2 else 0)
        more = True
        while more:
            group = value & 31
            value >>= 5
            more = value != (-1 if group & 16 else 0)
            text += chr((group | (32 if more else 0)) + 48)
    return text


def rle(mask: np.ndarray, *, compressed: bool = True) -> dict[str, Any]:
    """COCO's coding of a mask."""
    runs = runs_of(mask)
    return {"size": [*mask.shape], "counts": packed(runs) if compressed else runs}


def polygon(box: Sequence[int]) -> list[float]:
    """The outline of a block's pixels."""
    left, top, right, bottom = box[0], box[1], box[2] - 1, box[3] - 1
    return [left, top, right, top, right, bottom, left, bottom]


def panoptic(path: Path, *numbers: int) -> Path:
    """A panoptic PNG: the two blocks have these segments, R + 256 G + 65536 B."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros((HEIGHT, WIDTH), dtype=np.int64)
    for box, number in zip((LEFT, RIGHT), numbers, strict=False):
        values[block(box)] = number
    channels = np.stack([values % 256, values // 256 % 256, values // 65536], -1)
    Image.fromarray(channels.astype(np.uint8)).save(path)
    return path


def rows_of(source: Any) -> list[Any]:
    """All rows of a source, good and bad."""
    return list(source.rows())


def write_json(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_lines(path: Path, lines: Sequence[object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


def coco_name(id: int) -> str:
    return f"COCO_val2014_{id:012d}.jpg"


def write_instances(path: Path, ids: Sequence[int] = (11, 12, 13), *, prefix: bool = True) -> Path:
    """COCO's instances: a dog (polygon) at the left, a hot dog (run lengths) at the right."""
    images = [
        {
            "id": id,
            "file_name": coco_name(id) if prefix else f"{id:012d}.jpg",
            "width": WIDTH,
            "height": HEIGHT,
        }
        for id in ids
    ]
    annotations = []
    for id in ids:
        dog = {"segmentation": [polygon(LEFT)], "iscrowd": 0, "category_id": 18}
        runs = rle(block(RIGHT), compressed=False)
        hot = {"segmentation": runs, "iscrowd": 1, "category_id": 58}
        for number, item in enumerate((dog, hot)):
            annotations.append(
                item | {"image_id": id, "id": 10 * id + number, "bbox": [2, 5, 12, 20]}
            )
    names = {18: "dog", 58: "hot dog", 1: "person", 70: "toilet", 62: "chair", 17: "cat", 32: "tie"}
    categories = [{"id": id, "name": name} for id, name in names.items()]
    content = {"info": {}, "images": images, "annotations": annotations, "categories": categories}
    return write_json(path, content)


def write_pope(folder: Path) -> str:
    lines = [
        {
            "question_id": n,
            "image": coco_name(10 + n),
            "text": f"Is there a {thing} in the image?",
            "label": label,
        }
        for n, (thing, label) in enumerate((("dog", "yes"), ("cat", "no"), ("fork", "no")), start=1)
    ]
    write_lines(folder / "coco_pope_adversarial.json", lines)
    for n in (11, 12, 13):
        save_picture(folder / "val2014" / coco_name(n))
    return f"pope:{folder}"


def write_chair(folder: Path) -> str:
    write_instances(folder / "annotations" / "instances_val2014.json")
    told = [
        {"image_id": id, "id": id, "caption": "A person with a tie, on a couch."}
        for id in (11, 12, 13)
    ]
    write_json(folder / "annotations" / "captions_val2014.json", {"annotations": told})
    for id in (11, 12, 13):
        save_picture(folder / "val2014" / coco_name(id))
    return f"chair:{folder}"


def write_chair_answers(path: Path) -> Path:
    captions = ("A dog and a cat.", "A hot dog.", "Two dogs, a man, nothing else.")
    return write_lines(
        path,
        [{"image_id": 11 + n, "caption": caption} for n, caption in enumerate(captions)],
    )


def write_amber(folder: Path) -> str:
    queries = ["Describe this image.", "Is the dog red?", "Is there direct contact?"]
    entries = [
        {"id": n, "image": f"AMBER_{n}.jpg", "query": query}
        for n, query in enumerate(queries, start=1)
    ]
    data = folder / "data"
    write_json(data / "query" / "query_all.json", entries)
    truths = [
        {"id": 1, "type": "generative", "truth": ["dog", "grass"], "hallu": ["cat", "frisbee"]},
        {"id": 2, "type": "discriminative-attribute-state", "truth": "yes"},
        {"id": 3, "type": "relation", "truth": "no"},
    ]
    write_json(data / "annotations.json", truths)
    relation = {
        "dog": ["puppy", "animal"],
        "grass": ["lawn"],
        "cat": ["kitten"],
        "frisbee": [],
        "tree": [],
        "picture": [],
    }
    write_json(data / "relation.json", relation)
    (data / "safe_words.txt").write_text("picture\nimage\n")
    for n in (1, 2, 3):
        save_picture(folder / "image" / f"AMBER_{n}.jpg")
    return f"amber:{folder}"


def hallusion(set_id: str, figure: str, question: str, answer: str, **more: str) -> dict[str, Any]:
    """A row of HallusionBench."""
    name = None if figure == "0" else f"./VS/chart/{set_id}_{figure}.png"
    return {
        "category": "VS",
        "subcategory": "chart",
        "visual_input": figure,
        "set_id": set_id,
        "figure_id": figure,
        "sample_note": "",
        "question_id": question,
        "gt_answer": answer,
        "question": "Is it so?",
        "gt_answer_details": "It is.",
        "filename": name,
        **more,
    }


def write_hallusionbench(folder: Path) -> str:
    rows = [
        hallusion("0", "0", "0", "1"),
        hallusion("0", "1", "0", "1"),
        hallusion("0", "1", "1", "0"),
        hallusion("0", "2", "0", "0"),
    ]
    write_json(folder / "HallusionBench.json", rows)
    for figure in (1, 2):
        save_picture(folder / "hallusion_bench" / "VS" / "chart" / f"0_{figure}.png")
    return f"hallusionbench:{folder}"


def refcoco_refs() -> list[dict[str, Any]]:
    return [
        {
            "ref_id": 50 + n,
            "ann_id": 10 * (11 + n),
            "category_id": 18,
            "image_id": 11 + n,
            "file_name": f"COCO_val2014_{11 + n:012d}_{10 * (11 + n)}.jpg",
            "split": "val",
            "sentences": [
                {"raw": "The red DOG", "sent": "the red dog", "tokens": ["the", "red", "dog"]},
                {"raw": "left dog", "sent": "left dog", "tokens": ["left", "dog"]},
            ],
        }
        for n in range(3)
    ]


def write_refcoco(folder: Path) -> str:
    write_instances(folder / "instances.json")
    (folder / "refs(unc).p").write_bytes(pickle.dumps(refcoco_refs(), protocol=2))
    for id in (11, 12, 13):
        save_picture(folder / "train2014" / coco_name(id))
    return f"refcoco:{folder}"


NARRATIVE = "In this image, there is a red block and a blue block."
LEFT_ID, RIGHT_ID = 3_555_139, 70_000
"""Numbers of segments that need all three channels."""


def png_entry(id: int) -> dict[str, Any]:
    def segment(utterance: str, *ids: int) -> dict[str, Any]:
        ids_as_text = [str(n) for n in ids]
        return {
            "utterance": utterance,
            "segment_ids": ids_as_text,
            "noun": bool(ids),
            "plural": False,
        }

    segments = [
        segment("In this image, there is a"),
        segment("red block", LEFT_ID),
        segment("and a"),
        segment("blue block.", RIGHT_ID),
    ]
    return {"image_id": str(id), "annotator_id": 1, "caption": NARRATIVE, "segments": segments}


def write_png(folder: Path) -> str:
    annotations = folder / "annotations"
    write_json(annotations / "png_coco_val2017.json", [png_entry(id) for id in (11, 12, 13)])
    for id in (11, 12, 13):
        mask = annotations / "panoptic_segmentation" / "val2017" / f"{id:012d}.png"
        panoptic(mask, LEFT_ID, RIGHT_ID)
        save_picture(folder / "images" / "val2017" / f"{id:012d}.jpg")
    return f"png:{folder}"


XML = """<annotation><filename>{name}.jpg</filename>
<size><width>40</width><height>30</height><depth>3</depth></size>
<object><name>7</name><bndbox><xmin>3</xmin><ymin>6</ymin><xmax>14</xmax><ymax>25</ymax></bndbox></object>
<object><name>8</name><name>9</name><bndbox><xmin>25</xmin><ymin>9</ymin><xmax>38</xmax><ymax>28</ymax>
</bndbox></object>
<object><name>10</name><scene>1</scene><nobndbox>0</nobndbox></object></annotation>"""

SENTENCE = (
    "[/EN#7/other A red block] is beside [/EN#8/other/clothing the blue block] in "
    "[/EN#10/scene a room] for [/EN#0/notvisual fun] ."
)


def write_flickr30k(folder: Path) -> str:
    for name in ("101", "102", "103"):
        for place in ("Sentences", "Annotations"):
            (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / "Sentences" / f"{name}.txt").write_text(f"{SENTENCE}\n", encoding="utf-8")
        (folder / "Annotations" / f"{name}.xml").write_text(XML.format(name=name))
        save_picture(folder / "flickr30k-images" / f"{name}.jpg")
    (folder / "test.txt").write_text("102\n")
    return f"flickr30k:{folder}"


CAPTION = "A red block and two blue blocks."


def grandf_entry(name: str) -> dict[str, Any]:
    half = (RIGHT[0], RIGHT[1], 30, RIGHT[3])
    rest = (28, RIGHT[1], RIGHT[2], RIGHT[3])  # overlaps with `half`
    return {
        "file_name": name,
        "height": HEIGHT,
        "width": WIDTH,
        "caption": CAPTION,
        "groundings": {
            "A red block": {"token_positives": [0, 11], "rle_masks": [rle(block(LEFT))]},
            "two blue blocks": {
                "token_positives": [16, 31],
                "rle_masks": [rle(block(half)), rle(block(rest))],
            },
        },
    }


def write_grandf(folder: Path) -> str:
    names = [f"sa_{n}.jpg" for n in (1, 2, 3)]
    write_json(folder / "GranDf_HA_GCG_train.json", [grandf_entry(name) for name in names])
    for name in names:
        save_picture(folder / "GranDf_HA_images" / "train" / name)
    return f"grandf:{folder}"


def psg_entry(id: int) -> dict[str, Any]:
    return {
        "file_name": f"val2017/{id:012d}.jpg",
        "height": HEIGHT,
        "width": WIDTH,
        "image_id": str(id),
        "pan_seg_file_name": f"panoptic_val2017/{id:012d}.png",
        "segments_info": [
            {"id": LEFT_ID, "category_id": 0, "iscrowd": 0, "isthing": 1, "area": 240},
            {"id": RIGHT_ID, "category_id": 1, "iscrowd": 0, "isthing": 1, "area": 280},
        ],
        "annotations": [
            {"bbox": [*LEFT], "bbox_mode": 0, "category_id": 0},
            {"bbox": [*RIGHT], "bbox_mode": 0, "category_id": 1},
        ],
        "relations": [[0, 1, 1]],
    }


def write_openpsg(folder: Path) -> str:
    content = {
        "data": [psg_entry(id) for id in (11, 12, 13)],
        "test_image_ids": ["12"],
        "thing_classes": ["person", "horse"],
        "stuff_classes": ["wall-other-merged", "sea"],
        "predicate_classes": ["beside", "riding"],
    }
    write_json(folder / "psg.json", content)
    for id in (11, 12, 13):
        panoptic(folder / "panoptic_val2017" / f"{id:012d}.png", LEFT_ID, RIGHT_ID)
        save_picture(folder / "val2017" / f"{id:012d}.jpg")
    return f"openpsg:{folder}"


def write_vizwiz(folder: Path) -> str:
    names = [f"VizWiz_val_{n:08d}.jpg" for n in (1, 2, 3)]
    write_json(
        folder / "val_grounding.json",
        {
            name: {"question": "What is this?", "most_common_answer": "red block", "answers": []}
            for name in names
        },
    )
    for name in names:
        save_picture(folder / "val" / name)
        mask = folder / "binary_masks_png" / "val" / name.replace(".jpg", ".png")
        mask.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(block(LEFT).astype(np.uint8) * 255).save(mask)
    return f"vizwiz:{folder}"


def write_log(folder: Path) -> str:
    lines = [
        {"id": "a", "image": "1.png", "prompt": "What is it?", "answer": "A red block."},
        {"id": "b", "images": ["1.png", "2.png"], "prompt": "And these?"},
        {"id": "c", "image": "2.png", "answer": "A blue block."},
    ]
    write_lines(folder / "log.jsonl", lines)
    for n in (1, 2):
        save_picture(folder / f"{n}.png")
    return f"log:{folder / 'log.jsonl'}"


def write_folder(folder: Path) -> str:
    for name in ("1.png", "2.png", "cats/3.jpg"):
        save_picture(folder / name)
    return f"folder:{folder}"


def break_entry(path: Path, number: int, *, key: str = "") -> None:
    """Make an entry invalid JSON: the one of this index, in lines or in an array."""
    text = path.read_text()
    first = text.lstrip()[0]
    if first == "{" and not key:
        lines = text.splitlines()
        lines[number] = lines[number][: len(lines[number]) // 2]
        path.write_text("\n".join(lines) + "\n")
        return
    content = json.loads(text)
    entry = json.dumps((content[key] if key else content)[number])
    assert entry in text
    path.write_text(text.replace(entry, entry.replace(": ", ": nonsense ", 1), 1))


@dataclass(frozen=True)
class Case:
    """One layout.

    Attributes:
        write: writes it, and returns its spec.
        index: the file that lists the rows.
        broken: breaks its middle row.
        ids: of all rows that can be used.
        answer: something that a model may say.
    """

    write: Callable[[Path], str]
    index: str
    broken: Callable[[Path], None]
    ids: tuple[str, ...]
    answer: str


def _break_ref(folder: Path) -> None:
    refs: list[Any] = refcoco_refs()
    refs[1] = {"ref_id": 51}
    (folder / "refs(unc).p").write_bytes(pickle.dumps(refs, protocol=2))


def _break_vizwiz(folder: Path) -> None:
    path = folder / "val_grounding.json"
    content = json.loads(path.read_text())
    content["VizWiz_val_00000002.jpg"] = 7
    write_json(path, content)


def _breaks(index: str, number: int = 1, key: str = "") -> Callable[[Path], None]:
    return lambda folder: break_entry(folder / index, number, key=key)


POPE, AMBER = "coco_pope_adversarial.json", "data/query/query_all.json"
VIZWIZ = tuple(f"VizWiz_val_{n:08d}.jpg" for n in (1, 2, 3))

CASES: dict[str, Case] = {
    "amber": Case(write_amber, AMBER, _breaks(AMBER), ("1", "2", "3"), "No, a dog on the grass."),
    "chair": Case(
        *(write_chair, "annotations/instances_val2014.json"),
        lambda folder: (folder / "val2014" / coco_name(12)).unlink(),
        *(("11", "12", "13"), "A dog with a cat and a hot dog."),
    ),
    "flickr30k": Case(
        *(write_flickr30k, "Sentences/101.txt"),
        lambda folder: (folder / "Sentences" / "102.txt").write_text("[/EN#7/other A red"),
        *(("101-0", "102-0", "103-0"), "I see the blue block."),
    ),
    "folder": Case(
        *(write_folder, "1.png"),
        lambda folder: (folder / "2.png").rename(folder / "2.heic"),
        *(("1.png", "2.png", "cats/3.jpg"), "A block."),
    ),
    "grandf": Case(
        *(write_grandf, "GranDf_HA_GCG_train.json", _breaks("GranDf_HA_GCG_train.json")),
        *(tuple(f"{n:05d}-sa_{n}" for n in (1, 2, 3)), "Here is a red block."),
    ),
    "hallusionbench": Case(
        *(write_hallusionbench, "HallusionBench.json", _breaks("HallusionBench.json", 2)),
        *(("VS_chart_0_1_0", "VS_chart_0_1_1", "VS_chart_0_2_0"), "Yes, it is."),
    ),
    "log": Case(write_log, "log.jsonl", _breaks("log.jsonl"), ("a", "b", "c"), "Blocks."),
    "openpsg": Case(
        *(write_openpsg, "psg.json", _breaks("psg.json", key="data")),
        tuple(f"val2017/{id:012d}.jpg" for id in (11, 12, 13)),
        "A person riding a horse by the sea.",
    ),
    "png": Case(
        *(write_png, "annotations/png_coco_val2017.json"),
        _breaks("annotations/png_coco_val2017.json"),
        *(tuple(f"{10 + n:012d}-{n}" for n in (1, 2, 3)), "A blue block."),
    ),
    "pope": Case(
        *(write_pope, POPE, _breaks(POPE)),
        *(tuple(f"adversarial-{n}" for n in (1, 2, 3)), "Yes, there is a dog."),
    ),
    "refcoco": Case(
        *(write_refcoco, "refs(unc).p", _break_ref),
        *(tuple(f"{50 + n}-{k}" for n in range(3) for k in (0, 1)), "The red dog."),
    ),
    "vizwiz": Case(write_vizwiz, "val_grounding.json", _break_vizwiz, VIZWIZ, "It is a red block."),
}
"""Of every source that reads files."""
