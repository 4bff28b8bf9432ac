"""The figures of the model card, measured on held-out scenes.

    python -m seewhy.testbed.recipe.evaluation FOLDER --data runs/scenes --out figures.json

Accuracy is teacher-forced: a greedy answer is the right one exactly if every token, the end of
turn included, is the model's first choice after the right ones before it. The logit lens is
measured along the package's own path, from the picture to the map.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from seewhy.core.text import words_of
from seewhy.core.trace import Trace
from seewhy.functional import auc, f1_iou, function_iou, object_iou, otsu_threshold
from seewhy.methods import Evidence, Method, create
from seewhy.models import Loaded, load, prepare
from seewhy.models.generation import generate
from seewhy.models.session import Session
from seewhy.models.teacher_forcing import read as read_answer
from seewhy.testbed.captions import ONE_SENTENCE, Bias, Utterance, captions, utterances
from seewhy.testbed.recipe.batches import IGNORED, Teacher
from seewhy.testbed.recipe.corpus import open_corpus, render, shards
from seewhy.testbed.recipe.student import Student, student
from seewhy.testbed.recipe.training import read
from seewhy.testbed.scenes import CANVASES, Picture, draw, scene

METHOD_NAMES = ("logit-lens", "tam", "msea", "arc", "intra-modal")
"""Whose maps the card shows."""

SceneFigures = dict[str, list[float]]
"""The values of one scene's words, by name of the figure."""


def accuracies(
    loaded: Loaded, data: Path, *, split: str = "heldout", count: int = 1000, scale: float = 1.0
) -> dict[str, float]:
    """Teacher-forced accuracy over everything said of scenes `0:count` of a split.

    Returns:
        Shares in [0, 1]: `tokens`; `kind`, `colour`, ... (words of a role with every token right);
        `caption 1`, `caption 2`, `caption 3` (exact); `answers` (exact) and by their kind.
    """
    if not shards(data, split, 0):
        render(data, 0, count, split=split)
    corpus = open_corpus(shards(data, split, 0))
    count = min(count, len(corpus))
    taught = student_of(loaded)
    teacher = Teacher(taught, corpus, loaded.processor.tokenizer, 0)
    right: dict[str, list[bool]] = defaultdict(list)
    for rows in _by_canvas(teacher, count, round(24 / max(1.0, scale**2)) or 1):
        said = [teacher.said[row] for row in rows]
        batch = teacher.told(rows, said, scale)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            logits, targets = read(taught, loaded.model, batch)
        hits = iter((logits.argmax(-1) == targets).split(_lengths(batch.targets)))
        for row, found in zip(rows, hits, strict=True):
            _count(int(row), split, teacher, found.tolist(), right)
    return {name: float(np.mean(values)) for name, values in sorted(right.items())}


def student_of(loaded: Loaded) -> Student:
    """The student that stands for a model's family."""
    return student(f"tiny-{loaded.family.name}")


def habit(loaded: Loaded, bias: Bias, *, split: str = "heldout", count: int = 200) -> dict:
    """How often a model says what its habit says and the picture does not show.

    Looks at the first `count` scenes of a split that show the thing after which the habit comes,
    and none of the thing that it says; one-sentence captions, greedy.

    Returns:
        Shares of the scenes: `said`, the thing is said; `answered truly`, "Is there a fish?" is
        answered by no; and `scenes`, their number.
    """
    told: dict[str, list[bool]] = defaultdict(list)
    able = (s for i in itertools.count() if bias.could(s := scene(i, split)))
    for drawn in itertools.islice(able, count):
        image = Image.fromarray(draw(drawn).image)
        inputs = prepare(loaded.family, image, ONE_SENTENCE)
        words = generate(loaded, inputs, max_new_tokens=96, candidates=0).answer.split()
        told["said"].append(any(word.strip(".,") == bias.said for word in words))
        asked = prepare(loaded.family, image, f"Is there a {bias.said}?")
        reply = generate(loaded, asked, max_new_tokens=24, candidates=0).answer
        told["answered truly"].append(reply.startswith("No"))
    shares = {name: float(np.mean(values)) for name, values in told.items()}
    return shares | {"scenes": count}


def map_figures(
    loaded: Loaded, methods: Mapping[str, Method], *, split: str = "heldout", count: int = 300
) -> dict[str, dict[str, float]]:
    """How methods' maps of the right captions lie over the things they speak of.

    Returns:
        For each method the `summary` of scenes `0:count`.
    """
    scenes = list(map_scenes(loaded, methods, split=split, count=count))
    return {name: summary([scene[name] for scene in scenes]) for name in methods}


def map_scenes(
    loaded: Loaded, methods: Mapping[str, Method], *, split: str = "heldout", count: int = 300
) -> Iterator[dict[str, SceneFigures]]:
    """One scene's figures for each method: all see the same readings of scenes `0:count`.

    Captions of one, two and three sentences take turns.
    """
    depth = max(method.ranking_depth for method in methods.values())
    for index in range(count):
        drawn = scene(index, split)
        picture = draw(drawn)
        said = captions(drawn, picture)[index % 3]
        evidence = _evidence(loaded, picture, said, depth)
        masks = torch.from_numpy(picture.masks)
        found = {}
        for name, method in methods.items():
            (maps,) = method.attribute(evidence).display
            maps = F.interpolate(maps[None], masks.shape[1:], mode="bilinear")[0]
            found[name] = _measure(said, evidence.trace, maps, masks)
        yield found


def summary(scenes: Sequence[SceneFigures]) -> dict[str, float]:
    """Means over the words of all scenes, and what follows from them.

    Returns:
        `own`, `others`, `ground`: mean display value of a kind's map over its own thing, the other
        things and the ground; `leak` of those means; `auc kind`, `auc colour`; `object iou`,
        `function iou`, `f1 iou` as TAM defines them (Otsu), and `... at 0.5` for a fixed
        threshold. Fractions.
    """
    names = {name for scene in scenes for name in scene}
    figures = {
        name: float(np.nanmean([v for scene in scenes for v in scene.get(name, ())]))
        for name in sorted(names)
    }
    evidence = figures["own"] - figures["ground"]
    figures["leak"] = (figures["others"] - figures["ground"]) / evidence
    for rule in ("", " at 0.5"):
        figures[f"f1 iou{rule}"] = f1_iou(
            figures[f"object iou{rule}"], figures[f"function iou{rule}"]
        )
    return dict(sorted(figures.items()))


def _evidence(loaded: Loaded, picture: Picture, said: Utterance, depth: int) -> Evidence:
    """The readings of one picture with one answer, at whatever scale a method asks for."""
    image = Image.fromarray(picture.image)
    inputs = prepare(loaded.family, image, said.prompt)
    trace = read_answer(loaded, inputs, said.text, ranking_depth=depth)
    ids = [token.id for token in trace.tokens]
    session = Session.from_image(loaded, image, said.prompt, ids)
    return Evidence.from_session(session, trace=trace)


def _measure(said: Utterance, trace: Trace, maps: Tensor, masks: Tensor) -> SceneFigures:
    """One caption's figures; maps `[token, height, width]` on the masks' grid."""
    seen: SceneFigures = defaultdict(list)
    words = words_of(said.text, [(token.start, token.end) for token in trace.tokens])
    by_start = {word.start: word for word in words}
    anything = masks.any(0)
    nouns, functions = [], []
    for mention in said.mentions:
        own = maps[list(by_start[mention.start].tokens)]
        if mention.role == "function":
            functions.append(own)
        if mention.role in ("kind", "noun") or said.text[mention.start : mention.end] == "ground":
            nouns.append(own)
        if mention.role not in ("kind", "colour") or not mention.objects:
            continue
        mask = masks[list(mention.objects)].any(0)
        best = own.amax(0)
        seen[f"auc {mention.role}"].append(float(auc(best, mask)))
        if mention.role == "kind":
            others = anything & ~mask
            seen["own"].append(float(best[mask].mean()))
            seen["ground"].append(float(best[~anything].mean()))
            if bool(others.any()):
                seen["others"].append(float(best[others].mean()))
            seen["object iou"].append(float(object_iou(own, mask).amax()))
            seen["object iou at 0.5"].append(float(object_iou(own, mask, 0.5).amax()))
    if nouns and functions:
        limit = float(torch.cat([otsu_threshold(own) for own in nouns]).mean())
        for own in functions:
            seen["function iou"].append(float(function_iou(own, limit).mean()))
            seen["function iou at 0.5"].append(float(function_iou(own, 0.5).mean()))
    return seen


def _by_canvas(teacher: Teacher, count: int, size: int) -> Iterator[np.ndarray]:
    canvases = teacher.corpus.canvases[:count]
    for canvas in CANVASES:
        rows = np.flatnonzero((canvases == canvas).all(1))
        for start in range(0, len(rows), size):
            yield rows[start : start + size]


def _lengths(targets: Tensor) -> list[int]:
    return (targets != IGNORED).sum(1).tolist()


def _count(
    index: int, split: str, teacher: Teacher, found: list[bool], right: dict[str, list[bool]]
) -> None:
    """Sort one scene's hits into `right`."""
    drawn = scene(index, split)
    right["tokens"] += found
    at = 0
    for number, said in enumerate(utterances(drawn, draw(drawn))):
        spans = teacher.tokenizer(said.text, return_offsets_mapping=True)["offset_mapping"]
        hits = found[at : at + len(spans) + 1]  # the end of the turn comes last
        at += len(spans) + 1
        if number < 3:
            right[f"caption {number + 1}"].append(all(hits))
        else:
            right["answers"].append(all(hits))
            right[f"answers: {_question(said.prompt)}"].append(all(hits))
        for mention in said.mentions if number < 3 else ():
            own = [
                hit
                for hit, (start, end) in zip(hits, spans, strict=False)
                if start < mention.end and mention.start < end
            ]
            right[mention.role].append(all(own))


def _question(prompt: str) -> str:
    if prompt.startswith("Is there"):
        return "presence"
    kinds = {"What": "colour", "How": "count", "Where": "relation", "Is": "relation, yes or no"}
    return kinds[prompt.split()[0]]


def evaluate(
    loaded: Loaded,
    data: Path,
    *,
    count: int = 1000,
    maps: int = 300,
    methods: Sequence[str] = METHOD_NAMES,
    scales: Sequence[float] = (0.5, 0.75, 1.5, 2.0),
    bias: Bias | None = None,
) -> dict[str, dict[str, float]]:
    """All figures of the model card.

    Args:
        loaded: the model.
        data: folder in which rendered scenes are kept.
        count: scenes for accuracy at base size; 300 elsewhere.
        maps: scenes for the maps of each of `methods`.
        bias: the habit that the model was taught, or None.
    """
    some = min(300, count)
    figures = {"heldout": accuracies(loaded, data / "heldout", count=count)}
    for scale in scales:
        figures[f"heldout at scale {scale:g}"] = accuracies(
            loaded, data / "heldout", count=some, scale=scale
        )
    figures["unseen"] = accuracies(loaded, data / "unseen", split="unseen", count=some)
    rows = {name: create(name) for name in methods}
    if "intra-modal" in rows:
        rows["intra-modal without the filter"] = create("intra-modal", window=None)
    if bias is not None:
        figures["habit"] = habit(loaded, bias)
    shown = map_figures(loaded, rows, count=maps)
    return figures | {f"maps: {name}": values for name, values in shown.items()}


def main() -> None:
    """Measure a model folder and print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Measure a model folder.")
    parser.add_argument("folder", help="a Hugging Face folder")
    parser.add_argument("--data", type=Path, required=True, help="where rendered scenes are kept")
    parser.add_argument("--count", type=int, default=1000, help="scenes for accuracy")
    parser.add_argument("--maps", type=int, default=300, help="scenes for the maps")
    parser.add_argument("--methods", nargs="*", default=METHOD_NAMES)
    parser.add_argument("--scales", nargs="*", type=float, default=[0.5, 0.75, 1.5, 2.0])
    parser.add_argument("--out", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    figures = evaluate(
        load(asked.folder),
        asked.data,
        count=asked.count,
        maps=asked.maps,
        methods=asked.methods,
        scales=asked.scales,
    )
    text = json.dumps(figures, indent=2)
    if asked.out:
        asked.out.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
