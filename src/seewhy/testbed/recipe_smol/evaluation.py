"""The figures of a smol model: what it says of held-out scenes, scored against the scenes.

    python -m seewhy.testbed.recipe_smol.evaluation MODEL --scenes 500 --out figures.json

With paraphrases "exactly right" means nothing. So every mention of a kind, a colour, a count or a
place in the model's own greedy answers is checked against the scene.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seewhy.models import load
from seewhy.testbed.captions import Utterance
from seewhy.testbed.emoji.captions import captions
from seewhy.testbed.emoji.questions import questions
from seewhy.testbed.emoji.reading import read_answer
from seewhy.testbed.emoji.scenes import Picture, Scene, draw, scene
from seewhy.testbed.pretrained import pretrained_folder
from seewhy.testbed.recipe_smol.smol_qwen2_vl import CELL, END, IMAGE, START, position_ids

LONGEST = 80
"""Tokens of an answer."""
BARS = {
    "kind": 0.85,
    "colour": 0.90,
    "count": 0.80,
    "relation": 0.75,
    "answers": 0.85,
    "own captions": 0.80,
}
STYLE_BAR = 0.60
"""Of kinds, in the unseen style."""


class Speaker:
    """Writes the greedy answers to several prompts about one picture: the picture is read once."""

    def __init__(self, loaded: Any) -> None:
        self.model, self.tokenizer = loaded.model.model, loaded.processor.tokenizer
        self.table = self.model.language_model.embed_tokens
        self.prefix = [*self._encode("<|im_start|>user\n"), START]
        self.turn = self._encode("<|im_end|>\n<|im_start|>assistant\n")
        self.stop = self._encode("<|im_end|>")[0]

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
        from transformers import DynamicCache

        from seewhy.testbed.recipe_smol.smol_qwen2_vl import see

        rows, columns = image.shape[0] // CELL, image.shape[1] // CELL
        cells = see(self.model.visual, torch.from_numpy(image)[None])
        ids = torch.tensor([[*self.prefix, *[IMAGE] * (rows * columns), END]])
        embeds = self.table(ids)
        first = len(self.prefix)
        embeds[0, first : first + rows * columns] = cells[0].to(embeds.dtype)
        ids_of, after = position_ids(rows, columns, first)
        text = np.tile(np.arange(first), (3, 1))
        positions = np.concatenate([text, ids_of, np.full((3, 1), after)], 1)
        cache = DynamicCache()
        self.model.language_model(
            inputs_embeds=embeds,
            position_ids=torch.from_numpy(positions)[:, None],
            past_key_values=cache,
            use_cache=True,
        )
        return cache, ids.shape[1], after + 1

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
        return self.model.language_model(
            inputs_embeds=embeds,
            attention_mask={"full_attention": mask},
            position_ids=positions.expand(3, -1, -1),
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state


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
        By role (`kind`, `colour`, `count`, `relation`: places, too) over captions and answers;
        `answers`: without a false mention and with a true one; `own captions`: mentions of
        captions; `... n`: how many there were.
    """
    hits: dict[str, list[bool]] = defaultdict(list)
    for index in range(start, start + count):
        drawn = scene(index, split)
        picture = draw(drawn)
        said = (*captions(drawn, picture), *questions(drawn, picture)[:asked])
        texts = speaker.answers(picture.image, [one.prompt for one in said])
        _score(drawn, picture, said, texts, hits)
    shares = {name: float(np.mean(values)) for name, values in sorted(hits.items())}
    return shares | {f"{name} n": float(len(values)) for name, values in sorted(hits.items())}


def _score(
    drawn: Scene,
    picture: Picture,
    said: Sequence[Utterance],
    texts: Sequence[str],
    hits: dict[str, list[bool]],
) -> None:
    for number, (one, text) in enumerate(zip(said, texts, strict=True)):
        claims = read_answer(text, drawn, picture, one.prompt)
        verdicts = [(c.role, c.verdict) for c in claims if c.verdict is not None]
        for role, verdict in verdicts:
            hits[role].append(verdict)
            hits["own captions" if number < 3 else "mentions of answers"].append(verdict)
        if number >= 3:
            hits["answers"].append(bool(verdicts) and all(verdict for _, verdict in verdicts))


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="The figures of a smol model.")
    parser.add_argument("model", help="name of a shipped model, or an assembled folder")
    parser.add_argument("--scenes", type=int, default=500)
    parser.add_argument("--splits", nargs="+", default=["heldout", "pairs", "style"])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    folder = Path(arguments.model)
    loaded = load(str(folder if folder.is_dir() else pretrained_folder(arguments.model)))
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
