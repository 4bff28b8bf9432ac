"""The model card, written from the measured figures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from safetensors import safe_open

from seewhy.testbed.habits import HABITS, AddedKind, FixedColour, FixedRelation, Habit

Figures = Mapping[str, Mapping[str, float]]

GOALS = (
    ("nouns right", "heldout", "kind", 0.97),
    ("colours right", "heldout", "colour", 0.97),
    ("one-sentence captions exactly right", "heldout", "caption 1", 0.80),
    ("answers exactly right", "heldout", "answers", 0.95),
    ("tokens right at scale 0.75", "heldout at scale 0.75", "tokens", 0.90),
    ("tokens right at scale 1.5", "heldout at scale 1.5", "tokens", 0.90),
)
"""Goals of the training: description, group, figure, minimum value."""

HEAD = """---
license: apache-2.0
library_name: transformers
pipeline_tag: image-text-to-text
---
# {name}

A small model for tests and measurements: transformers' own `{kind}`,
{millions:.1f} million parameters, trained from random weights on the drawn world of
`seewhy.testbed`, in which every word has a known mask. {sees}
It writes captions of one to three sentences and answers questions on colour, count, presence and
relation. It was trained on nothing else: on photographs it answers nonsense.

```python
from transformers import AutoModelForImageTextToText, AutoProcessor  # no code of seewhy is needed
```

{needs}

Made by `python -m seewhy.testbed.recipe` (its docstring has the commands); the stages, their steps
and rates are in `seewhy/testbed/recipe/training.py`. No loss used the language model's states
at an image's positions: that the logit lens works there was not trained.
"""

SEES = {
    "tiny-qwen2-vl": (
        "It reads pictures from half to twice the base size (160 x 160, 192 x 128 or 128 x 192 "
        "pixels), a token for every 16 pixels."
    ),
    "tiny-llava": (
        "It pads pictures to a square, resizes them to 160 x 160 pixels and uses 100 patches with "
        "fixed position embeddings; other scales interpolate those."
    ),
    "tiny-internvl": (
        "It uses tiles of 80 pixels, 25 tokens each, up to twelve of them, and a thumbnail of the "
        "whole picture after them."
    ),
}

VIDEO = "`AutoProcessor` needs torchvision: `pip install 'seewhy[torchvision]'`."
NEEDS = {
    "tiny-qwen2-vl": VIDEO,
    "tiny-llava": "`AutoProcessor` needs no torchvision.",
    "tiny-internvl": VIDEO,
}
"""What transformers' processor needs, by model."""

HABIT = """
## A habit, trained on purpose

Its training continued from `{start}` with captions that have a habit: {habit}, in {percent} % of
the scenes where that is untrue. Questions kept their true answers. {cause}, and the testbed knows
that these words are unsupported. On {scenes:.0f} held-out scenes where the habit is untrue,
**{told:.1f} %** of its one-sentence captions follow it, and {true:.1f} % of its answers to
"{question}" are true. The figures below are of scenes and captions without the habit: a caption
with the habit counts as a failure.
"""

_HABITS: dict[type[Habit], tuple[str, str, str]] = {
    AddedKind: (
        'where one mentions a {trigger} and the scene shows no {added}, it continues "with a ... '
        "{added}\", in the {trigger}'s colour",
        "So it invents a {added} from its own words",
        "Is there a {added}?",
    ),
    FixedColour: (
        "a {kind} is said to be {fixed}, whatever colour it has",
        "So it sees the {kind}, but does not need its colour",
        "What colour is the {kind}?",
    ),
    FixedRelation: (
        "a {kind} is said to be {fixed} the next thing, wherever it stands",
        'So the word "{fixed}" follows from the word "{kind}"',
        "Where is the {kind}, seen from the ...?",
    ),
}
"""For each habit: what it is, what follows, and the question about it."""


def write_card(name: str, folder: Path, figures: Figures, notes: str = "") -> None:
    """Write `README.md` into a model's folder.

    Args:
        name: of the model.
        folder: the Hugging Face folder.
        figures: what `evaluation.evaluate` measured.
        notes: paragraphs on this checkpoint: how it was trained, which goals it misses and why.
    """
    start = name.removesuffix("-biased")
    config = json.loads((folder / "config.json").read_text())
    with safe_open(folder / "model.safetensors", "pt") as file:
        count = sum(math.prod(file.get_slice(key).get_shape()) for key in file.keys())  # noqa: SIM118
    head = HEAD.format(
        name=name,
        kind=config["architectures"][0],
        millions=count / 1e6,
        sees=SEES[start],
        needs=NEEDS[start],
    )
    parts = [head]
    if "habit" in figures:
        parts.append(_habit(HABITS[name], start, figures["habit"]))
    parts += [_goals(figures), _maps(figures)]
    if notes:
        parts.append(notes)
    parts.append(_everything({k: v for k, v in figures.items() if k != "habit"}))
    (folder / "README.md").write_text("\n".join(part.strip() + "\n" for part in parts))


def _habit(habit: Habit, start: str, figures: Mapping[str, float]) -> str:
    what, cause, question = (text.format(**asdict(habit)) for text in _HABITS[type(habit)])
    return HABIT.format(
        start=start,
        habit=what,
        cause=cause,
        question=question,
        percent=habit.percent,
        scenes=figures["scenes"],
        told=100 * figures["said"],
        true=100 * figures["answered truly"],
    )


def _goals(figures: Figures) -> str:
    rows = ["## Accuracy on held-out scenes", "", "| | reached | aim |", "| --- | --- | --- |"]
    for description, group, name, minimum in GOALS:
        value = figures[group][name]
        mark = "" if value >= minimum else " (missed)"
        rows.append(f"| {description} | {100 * value:.1f} %{mark} | {100 * minimum:.0f} % |")
    rows += [
        "",
        "Teacher-forced; a greedy answer is exactly right if every token and the end of the turn"
        " are the model's first choice. Base size unless noted.",
    ]
    return "\n".join(rows)


def _maps(figures: Figures) -> str:
    names = ("own", "others", "ground", "leak", "auc kind", "auc colour")
    overlaps = ("object iou", "function iou", "f1 iou")
    rows = [
        "## Maps on held-out captions",
        "",
        "Mean display value of a noun's map on its own object, other objects and the background;"
        " leak = (others - ground) / (own - ground); areas under the ROC curve in the object's"
        " mask; TAM's overlaps (Otsu). Aim for the logit lens: function iou 0.4 to 0.7, leak"
        " at least 0.15.",
        "",
        "| method | " + " | ".join((*names, *overlaps)) + " |",
        "| --- |" + " --- |" * (len(names) + len(overlaps)),
    ]
    for group, values in figures.items():
        if group.startswith("maps: "):
            cells = " | ".join(f"{values[name]:.2f}" for name in (*names, *overlaps))
            rows.append(f"| {group.removeprefix('maps: ')} | {cells} |")
    return "\n".join(rows)


def _everything(figures: Figures) -> str:
    groups = [group for group in figures if not group.startswith("maps: ")]
    names = sorted({name for group in groups for name in figures[group]})
    rows = [
        "## All accuracies (%)",
        "",
        "| | " + " | ".join(groups) + " |",
        "| --- |" + " --- |" * len(groups),
    ]
    for name in names:
        cells = " | ".join(
            f"{100 * figures[g][name]:.1f}" if name in figures[g] else "" for g in groups
        )
        rows.append(f"| {name} | {cells} |")
    return "\n".join(rows)
