"""What a tower alone makes of held-out scenes: its cells read by the heads of `sight`.

    python -m seewhy.testbed.recipe_smol.tower_figures --model smol-llava --run runs/smol-llava

A thing is right where its cells, each weighed by the share of it that the thing covers, vote for
its kind or colour. What the whole model misses beyond this, the adapter misses.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from seewhy.testbed.emoji.colours import COLOURS
from seewhy.testbed.emoji.scenes import draw, scene
from seewhy.testbed.emoji.sprites import has_unseen_style
from seewhy.testbed.recipe_smol.collages import (
    MIN_COVER,
    NAMES_OF_KINDS,
    covers_of,
    label_map,
    scene_cells,
)
from seewhy.testbed.recipe_smol.sight import Heads
from seewhy.testbed.recipe_smol.smol_recipe import MODELS, WIDTH, SmolRecipe, smol_recipe


class Tower:
    """The tower of a run with its heads.

    Args:
        recipe: of the model.
        run: folder with `sight.pt`.
    """

    def __init__(self, recipe: SmolRecipe, run: Path) -> None:
        saved = torch.load(run / "sight.pt", map_location="cpu")
        self.recipe = recipe
        self.model = recipe.without_language()
        recipe.load_vision(self.model, saved["vision"])
        self.heads = Heads(WIDTH)
        self.heads.load_state_dict(saved["heads"])

    @torch.inference_mode()
    def read(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """Probabilities `[cell, class]` of each aspect of a picture, uint8 `[h, w, 3]`."""
        features = self.recipe.see(self.model, torch.from_numpy(image)[None])
        found = self.heads(features[0].float())
        return {name: logits.softmax(-1).numpy() for name, logits in found.items()}


def tower_figures(tower: Tower, split: str, count: int) -> dict[str, float]:
    """Shares of things with the right kind and colour, of ground cells, and of middles of things.

    Args:
        tower: of the run.
        split: of the emoji world's scenes.
        count: of the scenes; the first ones.

    Returns:
        `things`, `colours` (of things of one colour), `ground`; `middles`: intersection over union
        of the cells that are said to be the middle of a thing, over all scenes; `things n`.
    """
    right: dict[str, list[bool]] = defaultdict(list)
    both = either = 0
    for index in range(count):
        drawn = scene(index, split)
        picture = draw(drawn)
        boxes = tower.recipe.layout(drawn.width, drawn.height, 1).boxes
        cells = scene_cells(drawn, picture.masks, boxes)
        found = tower.read(picture.image)
        right["ground"] += list(found["kind"][cells.kind == 0].argmax(1) == 0)
        middle = found["centre"].argmax(1)
        both += int((middle & cells.centre).sum())
        either += int((middle | cells.centre).sum())
        covers = covers_of(label_map(picture.masks), len(drawn.things), boxes)
        for thing, cover in zip(drawn.things, covers.T, strict=True):
            weights = np.where(cover >= MIN_COVER, cover, 0)
            if not weights.any():
                continue
            kind = (weights @ found["kind"])[1:].argmax()
            right["things"].append(NAMES_OF_KINDS[kind] == thing.kind)
            if thing.colour:
                colour = (weights @ found["colour"]).argmax()
                right["colours"].append(colour == 1 + COLOURS.index(thing.colour))
    shares = {name: float(np.mean(values)) for name, values in right.items()}
    return {**shares, "middles": both / max(1, either), "things n": float(len(right["things"]))}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The figures of a tower alone.")
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=60)
    arguments = parser.parse_args()
    tower = Tower(smol_recipe(arguments.model), arguments.run)
    for split in ("heldout", "pairs", *(["style"] if has_unseen_style() else [])):
        figures = tower_figures(tower, split, arguments.scenes)
        print(split, " ".join(f"{name} {value:.3f}" for name, value in figures.items()), flush=True)


if __name__ == "__main__":
    main()
