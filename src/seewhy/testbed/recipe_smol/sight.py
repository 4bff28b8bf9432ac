"""Stage 1: the tower learns what every cell of a picture shows, without the language model.

    python -m seewhy.testbed.recipe_smol.sight --model smol-llava --run runs/smol-llava

A token's output approaches the embeddings of the words for what its place shows. Resumes from its
last checkpoint.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seewhy.testbed.emoji.colours import COLOURS
from seewhy.testbed.emoji.grounds import NAMES
from seewhy.testbed.emoji.kinds import KINDS
from seewhy.testbed.emoji.scenes import SIGN_WORDS, draw, scene
from seewhy.testbed.emoji.sprites import expect_more_styles
from seewhy.testbed.recipe.checkpoints import write_checkpoint
from seewhy.testbed.recipe.model_recipe import embeddings_of
from seewhy.testbed.recipe_smol.collages import Cells, cells_of, collage, scene_cells
from seewhy.testbed.recipe_smol.smol_recipe import (
    MODELS,
    WIDTH,
    SmolRecipe,
    autocast,
    smol_recipe,
)
from seewhy.testbed.recipe_smol.vectors import CellVectors
from seewhy.testbed.smol.language_model import language_model

BATCH = 24
"""Collages of 256 pixels in a batch; of larger ones as many as have that area."""
STEPS = 3700
POOL = 3000
"""Drawn pictures that are kept and shown again."""
FRESH = 0.5
"""Share of newly drawn pictures in a batch; the others are of the pool."""


ASPECTS = ("kind", "colour", "word", "ground", "centre")
"""Of a cell, as `Cells` has them."""


class Heads(nn.Module):
    """Linear readers of the tower's output; used in this stage only."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.kind = nn.Linear(width, len(KINDS) + 1)
        self.colour = nn.Linear(width, len(COLOURS) + 1)
        self.word = nn.Linear(width, len(SIGN_WORDS) + 1)
        self.ground = nn.Linear(width, len(NAMES))
        self.centre = nn.Linear(width, 2)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        hidden = self.norm(features)
        return {name: getattr(self, name)(hidden) for name in ASPECTS}


class Sight:
    """The run: the tower, its heads, optimizers, and pictures.

    Args:
        recipe: of the model.
        folder: of the run; `sight.pt` in it is the checkpoint.
        steps: of the whole stage.
        start: a checkpoint of `smol-qwen2-vl`, to start from its tower.

    Raises:
        SeewhyError: if the styles that only teach sight are not at hand.
    """

    def __init__(
        self, recipe: SmolRecipe, folder: Path, steps: int, start: Path | None = None
    ) -> None:
        expect_more_styles()  # without them the tower would learn less, in silence
        self.recipe, self.folder, self.steps = recipe, folder, steps
        language = language_model()
        tokenizer: Any = language.tokenizer(recipe.family)
        table = language.state["model.embed_tokens.weight"].float()
        self.vectors = CellVectors(tokenizer, table)
        self.model = recipe.without_language()
        self.vision = recipe.vision(self.model)
        self.heads = Heads(WIDTH)
        self.size = BATCH * 256**2 // recipe.collage_side**2
        self.step = 0
        self.rng = np.random.default_rng(1)
        self.pool: list[tuple[np.ndarray, Cells]] = []
        self.drawn = 0
        self.optimizers = self._optimizers()
        if not self._resume():
            self._start(start)

    def _start(self, start: Path | None) -> None:
        pictures = torch.from_numpy(np.stack([self._fresh()[0] for _ in range(96)]))
        if start is not None:
            saved = torch.load(start, map_location="cpu")["vision"]
            self.recipe.start_from(self.model, saved)
        else:
            self.recipe.embed_patches(self.model, pictures)
        self.recipe.start_attention(self.model, pictures[:8])

    def _fresh(self) -> tuple[np.ndarray, Cells]:
        self.drawn += 1
        image, labels, things, ground = collage(self.drawn, self.recipe.collage_side)
        item = image, cells_of(labels, things, ground, self._boxes(image))
        if len(self.pool) < POOL:
            self.pool.append(item)
        else:
            self.pool[int(self.rng.integers(POOL))] = item
        return item

    def _boxes(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        return self.recipe.layout(width, height, 1).boxes

    def batch(self) -> tuple[Tensor, Cells]:
        """Pictures of one size, uint8 `[batch, h, w, 3]`, and their cells."""
        if self.step > 0.8 * self.steps and self.step % 2:
            return self._scenes()
        fresh = self.size if len(self.pool) < self.size else round(FRESH * self.size)
        items = [self._fresh() for _ in range(fresh)]
        kept = self.rng.integers(len(self.pool), size=self.size - fresh)
        return _stacked(items + [self.pool[i] for i in kept])

    def _scenes(self) -> tuple[Tensor, Cells]:
        items = []
        while len(items) < BATCH // 3:
            self.drawn += 1
            one = scene(self.drawn, "train", seed=1)
            if one.width == one.height:
                picture = draw(one)
                boxes = self._boxes(picture.image)
                items.append((picture.image, scene_cells(one, picture.masks, boxes)))
        return _stacked(items)

    def _rate(self) -> float:
        return min(1.0, (self.step + 1) / 60, (self.steps - self.step) / (0.55 * self.steps))

    def take_step(self) -> dict[str, float]:
        """One step; the share of right cells among its figures."""
        images, cells = self.batch()
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * self._rate()
        with autocast():
            features = self.recipe.see(self.model, images)
        features = features.float()
        loss, figures = self.loss(features, cells)
        loss.backward()
        nn.utils.clip_grad_norm_(self.vision.values(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return {"loss": loss.item(), **figures}

    def loss(self, features: Tensor, cells: Cells) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropies of the words, and the distance to the cell's vector."""
        labels = {name: torch.from_numpy(getattr(cells, name)) for name in ASPECTS}
        known = labels["kind"] >= 0
        thing = labels["kind"] > 0
        # Two thirds of the ground is left out: it is most of a picture and easy.
        counted = thing | (known & (torch.rand(known.shape) < 0.34))
        logits = self.heads(features[counted])
        sign = labels["kind"] == len(KINDS)
        loss = F.cross_entropy(logits["kind"], labels["kind"][counted], label_smoothing=0.03)
        loss = loss + 0.6 * F.cross_entropy(logits["colour"], labels["colour"][counted])
        if sign.any():
            loss = loss + 0.3 * F.cross_entropy(logits["word"][sign[counted]], labels["word"][sign])
        ground = labels["ground"][counted]
        loss = loss + 0.3 * F.cross_entropy(logits["ground"], ground, ignore_index=-1)
        loss = loss + 0.6 * F.cross_entropy(logits["centre"], labels["centre"][counted])
        target = self.vectors.of(cells)[counted]
        distance = (features[counted] - target).square().sum(-1) / self.vectors.norm**2
        loss = loss + 2.0 * distance.mean()
        with torch.no_grad():
            found = logits["kind"].argmax(-1)
            hit = (found == labels["kind"][counted])[thing[counted]].float().mean()
            colour = (logits["colour"].argmax(-1) == labels["colour"][counted]).float().mean()
            centre = labels["centre"][counted].bool()
            middle = logits["centre"].argmax(-1).bool()
            overlap = (centre & middle).sum() / (centre | middle).sum()
        return loss, {
            "kind": float(hit),
            "colour": float(colour),
            "centre": float(overlap),
            "distance": distance.mean().item(),
        }

    def run(self, minutes: float) -> None:
        """Take the remaining steps, or as many as fit."""
        start, recent = time.perf_counter(), {}
        first = self.step
        while self.step < self.steps and time.perf_counter() - start < 60 * minutes:
            for name, value in self.take_step().items():
                recent.setdefault(name, []).append(value)
            if self.step % 20 == 0:
                pace = (time.perf_counter() - start) / (self.step - first)
                means = " ".join(f"{k} {np.mean(v):.3f}" for k, v in recent.items())
                print(f"{self.step}/{self.steps} {means} {pace:.2f} s/step", flush=True)
                recent = {}
            if self.step % 100 == 0:
                self.save()
        self.save()

    def save(self) -> None:
        """Write the checkpoint; one that is killed while writing leaves the earlier one."""
        write_checkpoint(
            self.folder / "sight.pt",
            {
                "step": self.step,
                "drawn": self.drawn,
                "vision": {name: p.data for name, p in self.vision.items()},
                "heads": self.heads.state_dict(),
                "optimizers": [o.state_dict() for o in self.optimizers],
            },
        )

    def _resume(self) -> bool:
        file = self.folder / "sight.pt"
        if not file.exists():
            return False
        state = torch.load(file, map_location="cpu")
        self.recipe.load_vision(self.model, state["vision"])
        self.heads.load_state_dict(state["heads"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            peaks = [group["peak"] for group in optimizer.param_groups]
            optimizer.load_state_dict(saved)
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["peak"] = peak
        self.step, self.drawn = state["step"], state["drawn"]
        self.rng = np.random.default_rng((self.step, 1))
        return True

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        parameters = list(self.vision.values())
        tables = [id(table) for table in embeddings_of(self.model)]
        matrices = [p for p in parameters if p.ndim == 2 and id(p) not in tables]
        chosen = {id(p) for p in matrices}
        others = [p for p in parameters if id(p) not in chosen] + list(self.heads.parameters())
        optimizers: list[torch.optim.Optimizer] = [
            torch.optim.Muon(matrices, lr=2e-3, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, lr=1.5e-3, weight_decay=0.0, betas=(0.9, 0.98)),
        ]
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["peak"] = group["lr"]
        return optimizers


def _stacked(items: list[tuple[np.ndarray, Cells]]) -> tuple[Tensor, Cells]:
    images = torch.from_numpy(np.stack([image for image, _ in items]))
    return images, Cells(*(np.stack([getattr(cells, n) for _, cells in items]) for n in ASPECTS))


def main() -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description="Train the tower.")
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="sight.pt of smol-qwen2-vl, for its tower")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipe = smol_recipe(arguments.model)
    Sight(recipe, arguments.run, arguments.steps, arguments.start).run(arguments.minutes)


if __name__ == "__main__":
    main()
