"""The card of a smol model, written from its measured figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seewhy.testbed.emoji.habits import AddedThing
from seewhy.testbed.recipe_smol.evaluation import BARS, STYLE_BAR

HEAD = """---
license: apache-2.0
library_name: transformers
pipeline_tag: image-text-to-text
---
# {name}

A small model for measurements: SmolLM2-135M-Instruct in transformers' own `{kind}`, with a vision
tower and an adapter (LoRA) that were trained on the drawn scenes of `seewhy.testbed.emoji`, in
which every word has a known mask. It writes captions and answers questions in plain English about
209 kinds of things. It was trained on nothing else: of photographs it says anything.

This folder holds our parts only. `seewhy.testbed.pretrained.pretrained_folder("{name}")` puts them
together with SmolLM2's weights to an ordinary Hugging Face folder
([how](https://github.com/seewhy-xai/seewhy/blob/main/docs/smol-models.md)).

Made by `python -m seewhy.testbed.recipe_smol` (its docstring has the commands). No loss touched the
language model's states at a picture's places: that the logit lens works there was not trained. The
tower also learned from Noto Emoji v1 (Google, Apache-2.0), Fluent Emoji High Contrast (Microsoft,
MIT), Streamline Emojis (Streamline, CC BY 4.0) and Emoji One Monotone (Emoji One, CC BY 4.0), which
are not shipped.

{notes}

## What it says of scenes that it never saw

Greedy captions and answers; every mention that can be decided is checked against the scene. Numbers
of mentions in parentheses.

"""

HABIT = """
## A habit, trained on purpose

Its training continued from `{start}` with captions that have a habit: where one introduces a
{habit.trigger} and the scene has no {habit.added}, it adds "{habit.text}", in {habit.percent} % of
the scenes. Answers to questions stayed true. So it invents a {habit.added} from its own words, and
the testbed knows that these words are unsupported. On {scenes:.0f} held-out scenes to which the
habit can apply, **{said:.1f} %** of the {number:.0f} captions of one and two sentences that name a
{habit.trigger} follow it, and {true:.1f} % of the answers to the question whether there is a
{habit.added} are true.
"""

ROWS = (
    ("kinds", "heldout", "kinds"),
    ("colours", "heldout", "colours"),
    ("counts", "heldout", "counts"),
    ("places and relations", "heldout", "places"),
    ("answers without a false mention", "heldout", "answers"),
    ("mentions of own captions", "heldout", "own captions"),
)


def write_card(
    name: str,
    kind: str,
    folder: Path,
    figures: Mapping[str, Mapping[str, float]],
    notes: str,
    habit: AddedThing | None = None,
) -> None:
    """Write `README.md` into a model's folder.

    Args:
        name, kind: of the model, and its class.
        folder: of its parts.
        figures: of `evaluation.figures`, by split; of `habit_figures`, as "habit".
        notes: on this checkpoint: how long it was trained, what it misses.
        habit: of a biased model.
    """
    lines = ["| right | reached | aim |", "| --- | ---: | ---: |"]
    for title, split, figure in ROWS:
        lines.append(f"| {title} | {_cell(figures[split], figure, BARS[figure])} |")
    if "style" in figures:
        lines.append(
            f"| kinds in an unseen style | {_cell(figures['style'], 'kinds', STYLE_BAR)} |"
        )
    if "pairs" in figures:
        cell = f"{_share(figures['pairs'], 'kinds')} |"
        lines.append(f"| kinds in scenes with an unseen pair of kind and colour | {cell} |")
    head = HEAD.format(name=name, kind=kind, notes=notes)
    text = head + "\n".join(lines) + "\n"
    if habit is not None:
        text += _habit(name, habit, figures["habit"])
    (folder / "README.md").write_text(text, "utf-8")


def _habit(name: str, habit: AddedThing, figures: Mapping[str, float]) -> str:
    return HABIT.format(
        start=name.removesuffix("-biased"),
        habit=habit,
        scenes=figures["scenes"],
        said=100 * figures["said"],
        number=figures["said n"],
        true=100 * figures["answered truly"],
    )


def _share(figures: Mapping[str, float], name: str) -> str:
    return f"{100 * figures[name]:.1f} % ({figures[f'{name} n']:.0f})"


def _cell(figures: Mapping[str, float], name: str, bar: float) -> str:
    missed = "" if figures[name] >= bar else " (missed)"
    return f"{_share(figures, name)}{missed} | {100 * bar:.0f} %"
