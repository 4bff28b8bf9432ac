"""The model card, written from the measured figures and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

Figures = Mapping[str, Mapping[str, float]]

GOALS = (
    ("nouns right", "heldout", "kind", 0.97),
    ("colours right", "heldout", "colour", 0.97),
    ("one-sentence captions exactly right", "heldout", "caption 1", 0.80),
    ("answers exactly right", "heldout", "answers", 0.95),
    ("tokens right at scale 0.75", "heldout at scale 0.75", "tokens", 0.90),
    ("tokens right at scale 1.5", "heldout at scale 1.5", "tokens", 0.90),
)
"""What was aimed at: description, group, figure, least value."""

HEAD = """---
license: apache-2.0
library_name: transformers
pipeline_tag: image-text-to-text
---
# tiny-qwen2-vl

A laboratory animal: transformers' own `Qwen2VLForConditionalGeneration`, 3.3 million parameters,
trained from nothing on the drawn world of `seewhy.testbed`, in which every word has a known mask.
It reads pictures from half to twice the base size (160 x 160, 192 x 128 or 128 x 192 pixels),
writes captions of one to three sentences and answers questions on colour, count, presence and
relation. It knows nothing else.

```python
from transformers import AutoModelForImageTextToText, AutoProcessor  # no code of seewhy's needed
```

Made by `make train` (`python -m seewhy.testbed.recipe`); the stages, their steps and rates stand in
`seewhy/testbed/recipe/training.py`. No loss ever touched the language model's states at an image's
positions: its logit lens emerged.
"""


def write_card(folder: Path, figures: Figures, notes: str = "") -> None:
    """Write `README.md` into a model's folder.

    Args:
        folder: the Hugging Face folder.
        figures: what `evaluation.evaluate` measured.
        notes: paragraphs on how this very checkpoint came about, and what it misses and why.
    """
    parts = [HEAD, _goals(figures), _maps(figures)]
    if notes:
        parts.append(notes)
    parts.append(_everything(figures))
    (folder / "README.md").write_text("\n".join(part.strip() + "\n" for part in parts))


def _goals(figures: Figures) -> str:
    rows = ["## Accuracy on held-out scenes", "", "| | reached | aim |", "| --- | --- | --- |"]
    for what, group, name, least in GOALS:
        value = figures[group][name]
        mark = "" if value >= least else " (missed)"
        rows.append(f"| {what} | {100 * value:.1f} %{mark} | {100 * least:.0f} % |")
    rows += [
        "",
        "Teacher-forced; a greedy answer is exactly right if every token and the end of the turn"
        " are the model's first choice. Base size unless said otherwise.",
    ]
    return "\n".join(rows)


def _maps(figures: Figures) -> str:
    names = ("own", "others", "ground", "leak", "auc kind", "auc colour")
    overlaps = ("object iou", "function iou", "f1 iou")
    rows = [
        "## Maps on held-out captions",
        "",
        "Mean display value of a noun's map on its own thing, other things and the ground; leak ="
        " (others - ground) / (own - ground); areas under the ROC curve in the thing's mask; TAM's"
        " overlaps (Otsu). Aim for the bare lens: function iou 0.4 to 0.7, leak at least 0.15.",
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
