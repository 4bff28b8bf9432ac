"""The figures of a smol model: what it says of held-out scenes, scored against the scenes.

    python -m seewhy.testbed.recipe_smol.evaluation MODEL --scenes 500 --out figures.json

With paraphrases "exactly right" means nothing. So every mention of a kind, a colour, a count or a
place in the model's own greedy answers is checked against the scene.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from seewhy.models import load
from seewhy.testbed.emoji.captions import captions
from seewhy.testbed.emoji.grammar import article
from seewhy.testbed.emoji.habits import AddedThing
from seewhy.testbed.emoji.questions import questions
from seewhy.testbed.emoji.scenes import Picture, Scene, draw, scene
from seewhy.testbed.emoji.scores import answer_figures
from seewhy.testbed.pretrained import pretrained_folder
from seewhy.testbed.recipe_smol.smol_recipe import recipe_of, working_dtype

LONGEST = 80
"""Tokens of an answer."""
BARS = {
    "kinds": 0.85,
    "colours": 0.90,
    "counts": 0.80,
    "places": 0.75,
    "answers": 0.85,
    "own captions": 0.80,
}
STYLE_BAR = 0.60
"""Of kinds, in the unseen style."""


class Speaker:
    """Writes the greedy answers to several prompts about one picture: the picture is read once."""

    def __init__(self, loaded: Any) -> None:
        self.recipe = recipe_of(loaded.model.config.model_type)
        self.model, self.tokenizer = loaded.model, loaded.processor.tokenizer
        self.table = self.model.model.language_model.embed_tokens
        self.turn = self._encode(self.recipe.turn)
        self.stop = self._encode(self.recipe.end)[0]

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)

    @torch.inference_mode()
    def answers(self, image: np.ndarray, prompts: Sequence[str]) -> list[str]:
        """An answer to each prompt about a picture, uint8 `[height, width, 3]`."""
        cache, head, after = self._read(image)
        cache.batch_repeat_interleave(len(prompts))
        lines = [[*self._encode(prompt), *self.turn] for prompt in prompts]
        width = max(map(len, lines))
        ids = torch.tensor([[0] * (width - len(line)) + line for line in lines])
        counted = torch.tensor(
            [[False] * (width - len(line)) + [True] * len(line) for line in lines]
        )
        positions = (after + counted.cumsum(1) - 1).clamp(min=0)
        said: list[list[int]] = [[] for _ in prompts]
        done = torch.zeros(len(prompts), dtype=torch.bool)
        for _ in range(LONGEST):
            states = self._forward(self.table(ids), positions, counted, head, cache)
            best = (states[:, -1] @ self.table.weight.T).argmax(-1)
            done |= best == self.stop
            for row, token in enumerate(best.tolist()):
                if not done[row]:
                    said[row].append(token)
            if done.all():
                break
            ids, positions = best[:, None], positions[:, -1:] + 1
            counted = torch.cat([counted, torch.ones(len(prompts), 1, dtype=torch.bool)], 1)
        return [self.tokenizer.decode(ids) for ids in said]

    def _read(self, image: np.ndarray) -> tuple[Any, int, int]:
        """The cache of prefix and picture, its length, and the position after it."""
        height, width = image.shape[:2]
        layout = self.recipe.layout(width, height, 1)
        start = self.recipe.beginning(self.tokenizer, layout)
        embeds = self.table(torch.from_numpy(start.ids))[None]
        cells = self.recipe.see(self.model, torch.from_numpy(image)[None])
        embeds[:, start.places] = cells.to(embeds.dtype)
        cache = DynamicCache()
        length = len(start.ids)
        mask = torch.full((1, 1, length, length), torch.finfo(embeds.dtype).min).triu(1)
        positions = torch.from_numpy(start.positions)[:, None]
        self.recipe.language(self.model, embeds, mask.to(embeds.dtype), positions, cache)
        return cache, length, start.then

    def _forward(
        self, embeds: Tensor, positions: Tensor, counted: Tensor, head: int, cache: Any
    ) -> Tensor:
        """Final states `[line, token, hidden]` of new tokens; padding on the left is not seen."""
        lines, new, _ = embeds.shape
        before = torch.ones(lines, head, dtype=torch.bool)
        seen = torch.cat([before, counted], 1)[:, None, None, :].expand(-1, 1, new, -1)
        total = seen.shape[-1]
        order = torch.arange(total)[None, :] <= torch.arange(total - new, total)[:, None]
        mask = torch.zeros(lines, 1, new, total, dtype=embeds.dtype)
        mask.masked_fill_(~(seen & order), torch.finfo(embeds.dtype).min)
        return self.recipe.language(self.model, embeds, mask, positions[None], cache)


def figures(
    speaker: Speaker, split: str, count: int, *, start: int = 0, asked: int = 8
) -> dict[str, float]:
    """Shares of true mentions in the answers about scenes `start : start + count` of a split.

    Args:
        speaker: of the model.
        split: of the emoji world's scenes.
        count, start: of the scenes.
        asked: questions of a scene, at most.

    Returns:
        By sort of `answer_figures` ("kinds", "colours", ...) over captions and answers; `answers`:
        without a false mention and with a true one; `own captions`: mentions of captions; `... n`:
        how many there were.
    """
    counts: Counter[tuple[str, bool]] = Counter()
    for index in range(start, start + count):
        drawn = scene(index, split)
        picture = draw(drawn)
        said = (*captions(drawn, picture), *questions(drawn, picture)[:asked])
        texts = speaker.answers(picture.image, [one.prompt for one in said])
        for number, (one, text) in enumerate(zip(said, texts, strict=True)):
            counts += judged(drawn, picture, text, "" if number < 3 else one.prompt)
    shares, numbers = {}, {}
    for name in sorted({name for name, _ in counts}):
        number = counts[name, True] + counts[name, False]
        shares[name], numbers[f"{name} n"] = counts[name, True] / number, float(number)
    return shares | numbers


def habit_figures(
    speaker: Speaker, habit: AddedThing, count: int, *, split: str = "heldout"
) -> dict[str, float]:
    """How often a model follows its habit, in pictures that do not show what it adds.

    Args:
        speaker: of the model.
        habit: of its captions.
        count: how many scenes; the first ones of the split to which the habit can apply.
        split: of the emoji world's scenes.

    Returns:
        `said`: of the captions of one and two sentences that name the trigger, the share that adds
        the habit's words; `said n`: how many name it; `answered truly`: the share of the scenes for
        which the question whether the added thing is there is answered with "No"; `scenes`.
    """
    question = f"Is there {article(habit.added)} {habit.added} in the picture?"
    trigger = re.compile(rf"\b{habit.trigger}\b")
    matching = (s for i in itertools.count() if habit.can_apply_to(s := scene(i, split)))
    said: list[bool] = []
    true: list[bool] = []
    for drawn in itertools.islice(matching, count):
        picture = draw(drawn)
        prompts = [one.prompt for one in captions(drawn, picture)[:2]]
        *told, answer = speaker.answers(picture.image, [*prompts, question])
        said += [habit.text in text for text in told if trigger.search(text)]
        true.append(answer.strip().startswith("No"))
    share = float(np.mean(said)) if said else 0.0
    return {
        "said": share,
        "said n": float(len(said)),
        "answered truly": float(np.mean(true)),
        "scenes": float(count),
    }


def judged(drawn: Scene, picture: Picture, text: str, question: str = "") -> Counter:
    """How many mentions of a text are right and wrong, by (figure, verdict).

    Args:
        drawn, picture: of the scene.
        text: an answer, or a caption where there is no question.
        question: what was asked.
    """
    counts: Counter[tuple[str, bool]] = Counter()
    for name, score in answer_figures(drawn, picture, text, question).items():
        counts[name, True] += score.right
        counts[name, False] += score.wrong
    right, wrong = (sum(n for (_, v), n in counts.items() if v == verdict) for verdict in (1, 0))
    if question:
        counts["answers", bool(right and not wrong)] += 1
    else:
        counts["own captions", True] += right
        counts["own captions", False] += wrong
    return +counts


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="The figures of a smol model.")
    parser.add_argument("model", help="name of a shipped model, or an assembled folder")
    parser.add_argument("--scenes", type=int, default=500)
    parser.add_argument("--splits", nargs="+", default=["heldout", "pairs", "style"])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    folder = Path(arguments.model)
    path = folder if folder.is_dir() else pretrained_folder(arguments.model)
    loaded = load(str(path), dtype=working_dtype())
    speaker, measured = Speaker(loaded), {}
    for split in arguments.splits:
        begun = time.perf_counter()
        measured[split] = figures(speaker, split, arguments.scenes)
        print(
            split, json.dumps(measured[split]), f"{time.perf_counter() - begun:.0f} s", flush=True
        )
    if arguments.out:
        arguments.out.write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
