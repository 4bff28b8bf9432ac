"""The figures of the model card, measured on held-out scenes.

    python -m seewhy.testbed.recipe.evaluation FOLDER --data runs/scenes --out figures.json

Accuracy is teacher-forced: a greedy answer is exact if every token, with the end of the turn, is
the most probable one after the correct tokens before it. Maps are computed with the package's
own methods.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from seewhy.core.text import words_of
from seewhy.core.trace import Trace
from seewhy.functional import (
    auc,
    eight_bit,
    f1_iou,
    function_iou,
    function_threshold,
    object_iou,
)
from seewhy.methods import Evidence, Method, create
from seewhy.models import Loaded, load, prepare
from seewhy.models.generation import generate_batch
from seewhy.models.session import Session
from seewhy.models.teacher_forcing import read
from seewhy.testbed.captions import (
    ONE_SENTENCE,
    Mention,
    Utterance,
    captions,
    relation,
    utterances,
)
from seewhy.testbed.habits import AddedKind, FixedColour, FixedRelation, Habit
from seewhy.testbed.recipe.batches import IGNORED, BatchMaker
from seewhy.testbed.recipe.corpus import Corpus, open_corpus, render, shards
from seewhy.testbed.recipe.model_recipe import ModelRecipe, recipe_for
from seewhy.testbed.recipe.training import predict
from seewhy.testbed.scenes import CANVASES, Picture, Scene, draw, scene

METHOD_NAMES = ("logit-lens", "tam", "msea", "arc", "intra-modal")
"""Methods whose maps the card measures."""

HABIT_BATCH = 20
"""Scenes whose answers are generated together."""

SceneFigures = dict[str, list[float]]
"""The values of one scene's words, by name of the figure."""


def accuracies(
    loaded: Loaded, data: Path, *, split: str = "heldout", count: int = 1000, scale: float = 1.0
) -> dict[str, float]:
    """Teacher-forced accuracy on all utterances of scenes `0:count` of a split.

    Returns:
        Shares in [0, 1]: `tokens`; `kind`, `colour`, ... (words of a role with every token right);
        `caption 1`, `caption 2`, `caption 3` (exact); `answers` (exact), and by kind of question.
    """
    if not shards(data, split, 0):
        render(data, 0, count, split=split)
    corpus = open_corpus(shards(data, split, 0))
    count = min(count, len(corpus))
    recipe = recipe_of(loaded)
    batches = BatchMaker(recipe, corpus, loaded.processor.tokenizer, 0)
    right: dict[str, list[bool]] = defaultdict(list)
    for rows in _by_canvas(corpus, count, round(24 / max(1.0, scale**2)) or 1):
        batch = batches.images_with(rows, [batches.utterances[row] for row in rows], scale)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            logits, targets = predict(recipe, loaded.model, batch)
        hits = iter((logits.argmax(-1) == targets).split(_lengths(batch.targets)))
        for row, row_hits in zip(rows, hits, strict=True):
            _count(int(row), split, batches.tokenizer, row_hits.tolist(), right)
    return {name: float(np.mean(values)) for name, values in sorted(right.items())}


def recipe_of(loaded: Loaded) -> ModelRecipe:
    """The recipe of a model's family."""
    return recipe_for(f"tiny-{loaded.family.name}")


def habit_figures(
    loaded: Loaded, habit: Habit, *, split: str = "heldout", count: int = 200
) -> dict[str, float]:
    """How often a model follows its habit in captions of pictures that do not show it.

    Uses the first `count` scenes of a split to which the habit can apply; greedy one-sentence
    captions.

    Returns:
        Shares of the scenes: `said`, the caption has the habit's words; `answered truly`, the
        question about them is answered by the truth; and `scenes`, their number.
    """
    outcomes: dict[str, list[bool]] = defaultdict(list)
    matching = (s for i in itertools.count() if habit.can_apply_to(s := scene(i, split)))
    scenes = itertools.islice(matching, count)
    while chunk := list(itertools.islice(scenes, HABIT_BATCH)):
        pictures = [draw(drawn) for drawn in chunk]
        asked = [_habit_question(habit, *pair) for pair in zip(chunk, pictures, strict=True)]
        captions = _answers(loaded, pictures, [ONE_SENTENCE] * len(chunk))
        answers = _answers(loaded, pictures, [question for _, question, _ in asked])
        for (words, _, true), caption, answer in zip(asked, captions, answers, strict=True):
            outcomes["said"].append(words in " ".join(re.findall(r"\w+", caption.lower())))
            outcomes["answered truly"].append(answer.strip().lower().startswith(true))
    shares = {name: float(np.mean(values)) for name, values in outcomes.items()}
    return shares | {"scenes": count}


def _answers(loaded: Loaded, pictures: Sequence[Picture], prompts: Sequence[str]) -> list[str]:
    """Greedy answers, generated together."""
    inputs = [
        prepare(loaded.family, Image.fromarray(picture.image), prompt)
        for picture, prompt in zip(pictures, prompts, strict=True)
    ]
    return [t.answer for t in generate_batch(loaded, inputs, max_new_tokens=96, candidates=0)]


def _habit_question(habit: Habit, drawn: Scene, picture: Picture) -> tuple[str, str, str]:
    """The words of a habit, a question about them, and how its true answer begins."""
    if isinstance(habit, AddedKind):
        return habit.added, f"Is there a {habit.added}?", "no"
    if not isinstance(habit, FixedColour | FixedRelation):
        raise TypeError(f"Expected a habit of `seewhy.testbed.habits`, got {habit!r}.")
    things = sorted(range(len(drawn.objects)), key=lambda index: drawn.objects[index].x)
    place = next(n for n, i in enumerate(things) if drawn.objects[i].kind == habit.kind)
    thing = drawn.objects[things[place]]
    if isinstance(habit, FixedColour):
        question = f"What colour is the {habit.kind}?"
        return f"{habit.fixed} {habit.kind}", question, f"the {habit.kind} is {thing.colour}"
    other = drawn.objects[things[place + 1]]
    unique = [item.kind for item in drawn.objects].count(other.kind) == 1
    name = other.kind if unique else f"{other.colour} {other.kind}"
    how = relation(drawn, picture, things[place], things[place + 1])
    question = f"Where is the {habit.kind}, seen from the {name}?"
    return f"{habit.kind} is {habit.fixed}", question, f"the {habit.kind} is {how}"


def map_figures(
    loaded: Loaded, methods: Mapping[str, Method], *, split: str = "heldout", count: int = 300
) -> dict[str, dict[str, float]]:
    """How well methods' maps of the correct captions agree with the masks.

    Returns:
        For each method, the `summary` of scenes `0:count`.
    """
    scenes = list(map_scenes(loaded, methods, split=split, count=count))
    return {name: summary([scene[name] for scene in scenes]) for name in methods}


def map_scenes(
    loaded: Loaded, methods: Mapping[str, Method], *, split: str = "heldout", count: int = 300
) -> Iterator[dict[str, SceneFigures]]:
    """The figures of each scene for each method; all methods use the same traces.

    Captions have one, two and three sentences, in turn.
    """
    depth = max(method.ranking_depth for method in methods.values())
    for index in range(count):
        drawn = scene(index, split)
        picture = draw(drawn)
        caption = captions(drawn, picture)[index % 3]
        evidence = _evidence(loaded, picture, caption, depth)
        masks = torch.from_numpy(picture.masks)
        figures = {}
        for name, method in methods.items():
            attribution = method.attribute(evidence)
            (maps,), (answer_maps,) = attribution.display, attribution.displayed("answer")
            figures[name] = _measure(caption, evidence.trace, maps, answer_maps, masks)
        yield figures


def summary(scenes: Sequence[SceneFigures]) -> dict[str, float]:
    """Means over the words of all scenes, and figures derived from them.

    Returns:
        `own`, `others`, `ground`: mean display value of a kind's map over its own object, the other
        objects and the background; `leak` of those means; `auc kind`, `auc colour`; `object iou`,
        `function iou`, `f1 iou` as TAM evaluates them (Otsu), and `... at 0.5` with a fixed
        threshold on the answer's scale. All are fractions.
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


def _evidence(loaded: Loaded, picture: Picture, caption: Utterance, depth: int) -> Evidence:
    """The evidence of one picture and one answer, for any scale."""
    image = Image.fromarray(picture.image)
    inputs = prepare(loaded.family, image, caption.prompt)
    trace = read(loaded, inputs, caption.text, ranking_depth=depth)
    ids = [token.id for token in trace.tokens]
    session = Session.from_image(loaded, image, caption.prompt, ids)
    return Evidence.from_session(session, trace=trace)


def _measure(
    caption: Utterance, trace: Trace, native: Tensor, answer_maps: Tensor, masks: Tensor
) -> SceneFigures:
    """One caption's figures.

    Args:
        caption: with its mentions.
        trace: of the caption.
        native: float `[token, height, width]` in [0, 1], displays on the native grid.
        answer_maps: likewise, on the answer's scale.
        masks: bool `[object, height, width]`, of the picture's size.
    """

    def sized(maps: Tensor) -> Tensor:
        return F.interpolate(maps[None], masks.shape[1:], mode="bilinear")[0]

    figures: SceneFigures = defaultdict(list)
    levels = eight_bit(native)
    maps, levels_sized, answer_sized = map(sized, (native, levels / 255, answer_maps))
    words = words_of(caption.text, [(token.start, token.end) for token in trace.tokens])
    by_start = {word.start: word for word in words}
    nouns, functions = [], []
    for mention in caption.mentions:
        tokens = list(by_start[mention.start].tokens)
        if mention.role == "function":
            functions.append(tokens)
        if mention.role in ("kind", "noun") or _text_of(mention, caption) == "ground":
            nouns.append(levels_sized[tokens])
        if mention.role in ("kind", "colour") and mention.objects:
            _measure_object_word(mention, maps[tokens], masks, figures)
        if mention.role == "kind" and mention.objects:
            mask = masks[list(mention.objects)].any(0)
            figures["object iou"].append(float(object_iou(levels_sized[tokens], mask).amax()))
            at_half = object_iou(answer_sized[tokens], mask, 0.5).amax()
            figures["object iou at 0.5"].append(float(at_half))
    if nouns and functions:
        limit = function_threshold(nouns)
        for tokens in functions:
            figures["function iou"].append(float(function_iou(levels[tokens], limit).mean()))
            at_half = function_iou(answer_maps[tokens], 0.5).mean()
            figures["function iou at 0.5"].append(float(at_half))
    return figures


def _text_of(mention: Mention, caption: Utterance) -> str:
    return caption.text[mention.start : mention.end]


def _measure_object_word(
    mention: Mention, word_maps: Tensor, masks: Tensor, figures: SceneFigures
) -> None:
    """Add the figures of a kind or colour word; `word_maps` `[token, height, width]`."""
    mask, any_object = masks[list(mention.objects)].any(0), masks.any(0)
    best = word_maps.amax(0)
    figures[f"auc {mention.role}"].append(float(auc(best, mask)))
    if mention.role == "colour":
        return
    others = any_object & ~mask
    figures["own"].append(float(best[mask].mean()))
    figures["ground"].append(float(best[~any_object].mean()))
    if bool(others.any()):
        figures["others"].append(float(best[others].mean()))


def _by_canvas(corpus: Corpus, count: int, size: int) -> Iterator[np.ndarray]:
    """Rows `0:count` of a corpus, at most `size` of one canvas at a time."""
    canvases = corpus.canvases[:count]
    for canvas in CANVASES:
        rows = np.flatnonzero((canvases == canvas).all(1))
        for start in range(0, len(rows), size):
            yield rows[start : start + size]


def _lengths(targets: Tensor) -> list[int]:
    return (targets != IGNORED).sum(1).tolist()


def _count(
    index: int, split: str, tokenizer: Any, scene_hits: list[bool], right: dict[str, list[bool]]
) -> None:
    """Add one scene's hits to `right`."""
    drawn = scene(index, split)
    right["tokens"] += scene_hits
    first = 0
    for number, utterance in enumerate(utterances(drawn, draw(drawn))):
        spans = tokenizer(utterance.text, return_offsets_mapping=True)["offset_mapping"]
        hits = scene_hits[first : first + len(spans) + 1]  # the end of the turn is last
        first += len(spans) + 1
        if number < 3:
            right[f"caption {number + 1}"].append(all(hits))
        else:
            right["answers"].append(all(hits))
            right[f"answers: {_question_kind(utterance.prompt)}"].append(all(hits))
        for mention in utterance.mentions if number < 3 else ():
            word_hits = [
                hit
                for hit, (start, end) in zip(hits, spans, strict=False)
                if start < mention.end and mention.start < end
            ]
            right[mention.role].append(all(word_hits))


def _question_kind(prompt: str) -> str:
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
    habit: Habit | None = None,
) -> dict[str, dict[str, float]]:
    """All figures of the model card.

    Args:
        loaded: the model.
        data: folder for rendered scenes.
        count: scenes for accuracy at base size; at most 300 for other scales.
        maps: scenes for the maps of each of `methods`.
        habit: that the model was trained on, or None.
    """
    fewer = min(300, count)
    figures = {"heldout": accuracies(loaded, data / "heldout", count=count)}
    for scale in scales:
        figures[f"heldout at scale {scale:g}"] = accuracies(
            loaded, data / "heldout", count=fewer, scale=scale
        )
    figures["unseen"] = accuracies(loaded, data / "unseen", split="unseen", count=fewer)
    created = {name: create(name) for name in methods}
    if "intra-modal" in created:
        created["intra-modal without the filter"] = create("intra-modal", window=None)
    if habit is not None:
        figures["habit"] = habit_figures(loaded, habit)
    measured = map_figures(loaded, created, count=maps)
    return figures | {f"maps: {name}": values for name, values in measured.items()}


def main() -> None:
    """Measure a model folder and print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Measure a model folder.")
    parser.add_argument("folder", help="a Hugging Face folder")
    parser.add_argument("--data", type=Path, required=True, help="folder for rendered scenes")
    parser.add_argument("--count", type=int, default=1000, help="scenes for accuracy")
    parser.add_argument("--maps", type=int, default=300, help="scenes for the maps")
    parser.add_argument("--methods", nargs="*", default=METHOD_NAMES)
    parser.add_argument("--scales", nargs="*", type=float, default=[0.5, 0.75, 1.5, 2.0])
    parser.add_argument("--out", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    figures = evaluate(
        load(arguments.folder),
        arguments.data,
        count=arguments.count,
        maps=arguments.maps,
        methods=arguments.methods,
        scales=arguments.scales,
    )
    text = json.dumps(figures, indent=2)
    if arguments.out:
        arguments.out.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
