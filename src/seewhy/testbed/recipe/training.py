"""The three stages: text (T), vision alone (V), and both together (B).

    python -m seewhy.testbed.recipe.training text   --model tiny-llava --run runs/tiny-llava
    python -m seewhy.testbed.recipe.training vision --model tiny-llava --run runs/tiny-llava
    python -m seewhy.testbed.recipe.training both   --model tiny-llava --run runs/tiny-llava

A model that is trained end to end from random weights ignores the image for a long time. So the
language model is first trained on text and on grids of words, and the vision tower separately on
kinds and colours; then both are trained together. No loss uses the language model's states at an
image's positions. Each stage resumes from its last checkpoint and runs on CPU or GPU.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoTokenizer

from seewhy.testbed.recipe.batches import IGNORED, Batch, BatchMaker
from seewhy.testbed.recipe.checkpoints import write_checkpoint
from seewhy.testbed.recipe.corpus import COLOUR_NAMES, KIND_NAMES, STEP, open_corpus, shards
from seewhy.testbed.recipe.model_recipe import (
    MODELS,
    ModelRecipe,
    embeddings_of,
    recipe_for,
)
from seewhy.testbed.recipe.picture_recipe import Layout

MIN_COVER = 0.3
"""A cell shows an object that covers at least this share of it."""


@dataclass(frozen=True)
class Stage:
    """Length and learning rates of a stage.

    Attributes:
        steps: optimizer steps in all.
        matrix_rate, other_rate: peak learning rates of Muon (matrices) and AdamW (the rest).
        cooldown: share of the steps, at the end, in which the rate falls to zero.
        warmup: steps in which the rate rises from zero.
    """

    steps: int
    matrix_rate: float
    other_rate: float
    cooldown: float
    warmup: int = 100

    def rate(self, step: int) -> float:
        """The factor on the peak rates at a step: rise, stay constant, fall linearly."""
        falling = (self.steps - step) / max(1, self.cooldown * self.steps)
        return min(1.0, (step + 1) / self.warmup, max(falling, 0.0))


STAGES = {
    "text": Stage(steps=900, matrix_rate=2e-3, other_rate=2e-3, cooldown=0.5, warmup=50),
    "vision": Stage(steps=900, matrix_rate=2e-3, other_rate=1e-3, cooldown=0.5, warmup=50),
    "both": Stage(steps=3000, matrix_rate=1.5e-3, other_rate=1e-3, cooldown=0.5),
}
BIASED = Stage(steps=400, matrix_rate=5e-4, other_rate=4e-4, cooldown=0.7, warmup=20)
"""The stage `both` of a finished model that is trained on a habit."""


def predict(recipe: ModelRecipe, model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits at all tokens with a target, and the targets.

    Returns:
        `[target, vocab]` and int64 `[target]`.
    """
    embeds = model.get_input_embeddings()(batch.ids)
    if batch.pixels is not None:
        assert batch.layout is not None  # every batch with pixels has a layout
        features = recipe.process_image(model, batch.pixels, batch.layout)
        visual = batch.ids == model.config.image_token_id
        embeds = embeds.masked_scatter(visual[..., None], features.to(embeds.dtype))
    states = recipe.language(model, embeds, batch.mask, batch.positions)
    has_target = batch.targets != IGNORED
    return model.lm_head(states[has_target]), batch.targets[has_target]


class VisionClassifier(nn.Module):
    """A head for the vision stage only: predicts kind and colour of every token's cell."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        width = model.config.get_text_config().hidden_size
        self.norm = nn.LayerNorm(width)
        self.kind = nn.Linear(width, len(KIND_NAMES) + 1)
        self.colour = nn.Linear(width, len(COLOUR_NAMES) + 1)

    def loss(self, features: Tensor, labels: Tensor) -> tuple[Tensor, float]:
        """Cross-entropy of kind and colour, and the share of objects' cells with both right.

        Args:
            features: `[batch, visual, hidden]`.
            labels: int64 `[batch, visual]` as in `Corpus.labels`, `IGNORED` where ambiguous.
        """
        known = labels != IGNORED
        hidden, labels = self.norm(features[known].float()), labels[known]
        kinds = torch.where(labels > 0, (labels - 1) // len(COLOUR_NAMES) + 1, 0)
        colours = torch.where(labels > 0, (labels - 1) % len(COLOUR_NAMES) + 1, 0)
        kind, colour = self.kind(hidden), self.colour(hidden)
        right = (kind.argmax(-1) == kinds) & (colour.argmax(-1) == colours)
        loss = F.cross_entropy(kind, kinds) + F.cross_entropy(colour, colours)
        return loss, float(right[labels > 0].float().mean())


def cell_labels(maps: np.ndarray, layout: Layout) -> Tensor:
    """The label of each visual token's box: int64 `[batch, visual]` of label maps `[batch, h, w]`.

    The label is the object that covers most of the box, if it covers at least `MIN_COVER`, and
    `IGNORED` if it covers less. A box without objects has label 0.
    """
    labels = np.zeros((len(maps), layout.visual), np.int64)
    for token, box in enumerate(layout.boxes):
        left, top, right, bottom = (round(edge / STEP) for edge in box)
        samples = max(1, (right - left) * (bottom - top))
        inside = maps[:, max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
        for row, box_labels in enumerate(inside.reshape(len(maps), -1)):
            counts = np.bincount(box_labels[box_labels > 0], minlength=1)
            largest = counts.max()
            if largest:
                enough = largest >= MIN_COVER * samples
                labels[row, token] = counts.argmax() if enough else IGNORED
    return torch.from_numpy(labels)


class Run:
    """One training run: its folder, its model, its optimizers, its log.

    Args:
        recipe: of the model.
        folder: holds `tokenizer/` and a checkpoint for each stage.
        stage: `"text"`, `"vision"` or `"both"`.
        plan: steps and rates.
        seed: of the batches.
        data: folder of the rendered scenes.
        start: folder of a finished model to start from, in place of the earlier stages.
    """

    def __init__(
        self,
        recipe: ModelRecipe,
        folder: Path,
        stage: str,
        plan: Stage,
        *,
        seed: int,
        data: Path,
        start: Path | None = None,
    ) -> None:
        self.recipe, self.folder, self.stage, self.plan = recipe, folder, stage, plan
        self.tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
        corpus = open_corpus(shards(data, "train", 0))
        self.batches = BatchMaker(recipe, corpus, self.tokenizer, seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = recipe.prepare(recipe.build(self.tokenizer).train())
        self.model.to(self.device)
        self.head = VisionClassifier(self.model).to(self.device)
        self.step = 0
        if start is None:
            self._start_from_earlier_stages()
        else:
            self.model.load_state_dict(type(self.model).from_pretrained(start).state_dict())
        self.optimizers = self._optimizers()
        self._resume()

    @property
    def checkpoint(self) -> Path:
        """The file with this stage's state."""
        return self.folder / f"{self.stage}.pt"

    def train(self, loss: Callable[[Run], tuple[Tensor, dict[str, float]]]) -> None:
        """Take all remaining steps; print progress and save checkpoints."""
        start, first = time.perf_counter(), self.step
        recent: dict[str, list[float]] = {}
        while self.step < self.plan.steps:
            for name, figure in self._take_step(loss).items():
                recent.setdefault(name, []).append(figure)
            if self.step % 20 == 0:
                pace = (time.perf_counter() - start) / (self.step - first)
                self._print_progress(recent, pace)
                recent.clear()
            if self.step % 500 == 0 or self.step == self.plan.steps:
                self.save()

    def _take_step(
        self, loss: Callable[[Run], tuple[Tensor, dict[str, float]]]
    ) -> dict[str, float]:
        """One optimizer step; returns the figures to print."""
        factor = self.plan.rate(self.step)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * factor
        with torch.autocast(self.device.type, torch.bfloat16):
            value, figures = loss(self)
        value.backward()
        norm = nn.utils.clip_grad_norm_(self._trained(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return {"loss": value.item(), "norm": float(norm), **figures}

    def _print_progress(self, recent: dict[str, list[float]], pace: float) -> None:
        """Print the means since the last line; `pace` in seconds a step."""
        means = " ".join(f"{name} {np.mean(v):.4f}" for name, v in recent.items())
        minutes = (self.plan.steps - self.step) * pace / 60
        print(
            f"{self.stage} {self.step}/{self.plan.steps} {means} "
            f"rate {self.plan.rate(self.step - 1):.2f} {pace:.2f} s/step {minutes:.0f} min left",
            flush=True,
        )

    def save(self) -> None:
        """Write the checkpoint; a run that is killed while writing keeps the previous one."""
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "head": self.head.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        write_checkpoint(self.checkpoint, state)

    def _start_from_earlier_stages(self) -> None:
        if self.stage != "both":
            return
        text = torch.load(self.folder / "text.pt", map_location=self.device)["model"]
        vision = torch.load(self.folder / "vision.pt", map_location=self.device)["model"]
        names = {id(value): name for name, value in self.model.named_parameters()}
        tower = {names[id(p)]: vision[names[id(p)]] for p in self._vision_parameters()}
        self.model.load_state_dict({**text, **tower})

    def _resume(self) -> None:
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.head.load_state_dict(state["head"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            peaks = [group["peak"] for group in optimizer.param_groups]
            optimizer.load_state_dict(saved)
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["peak"] = peak
        self.step = state["step"]
        # Batches after resuming must not repeat earlier ones.
        self.batches.rng = np.random.default_rng((self.step, 1))
        print(f"{self.stage}: resumed at step {self.step}", flush=True)

    def _trained(self) -> Iterator[nn.Parameter]:
        if self.stage != "text":
            yield from self._vision_parameters()
        if self.stage == "vision":
            yield from self.head.parameters()
        else:
            yield from self.model.model.language_model.parameters()

    def _vision_parameters(self) -> Iterator[nn.Parameter]:
        for part in self.recipe.vision_modules(self.model):
            yield from part.parameters()

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        """Muon for the hidden matrices, AdamW for embeddings, heads, norms and biases."""
        trained = list(self._trained())
        excluded = {id(p) for p in embeddings_of(self.model)}
        excluded |= {id(p) for p in self.head.parameters()}
        matrices = [p for p in trained if p.ndim == 2 and id(p) not in excluded]
        matrix_ids = {id(p) for p in matrices}
        others = [p for p in trained if id(p) not in matrix_ids]
        muon = torch.optim.Muon(
            matrices, lr=self.plan.matrix_rate, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"
        )
        adam = torch.optim.AdamW(
            others, lr=self.plan.other_rate, weight_decay=0.0, betas=(0.9, 0.98)
        )
        for optimizer in (muon, adam):
            for group in optimizer.param_groups:
                group["peak"] = group["lr"]
        return [muon, adam]


def text_loss(run: Run) -> tuple[Tensor, dict[str, float]]:
    """The text stage: word grids in even steps, plain sentences in odd steps."""
    grids = run.step % 2 == 0
    batch = run.batches.word_grids(16) if grids else run.batches.sentences(16)
    logits, targets = predict(run.recipe, run.model, _to_device(batch, run.device))
    loss = F.cross_entropy(logits.float(), targets)
    return loss, {"grids" if grids else "sentences": loss.item()}


def vision_loss(run: Run) -> tuple[Tensor, dict[str, float]]:
    """The vision stage: kind and colour of every cell, from the vision tower only."""
    batches = run.batches
    _, rows = batches.draw_rows(16)
    images = np.stack([batches.corpus.image(row) for row in rows])
    layout = batches.layout(images.shape[2], images.shape[1], 1.0)
    labels = cell_labels(np.stack([batches.corpus.label_map(row) for row in rows]), layout)
    pixels = run.recipe.pixels(torch.from_numpy(images))
    features = run.recipe.process_image(run.model, pixels.to(run.device), layout)
    loss, right = run.head.loss(features, labels.to(run.device))
    return loss, {"right": right}


def joint_loss(run: Run) -> tuple[Tensor, dict[str, float]]:
    """The joint stage: images; every eighth step is plain text, so that language is kept."""
    text = run.step % 8 == 7
    batch = run.batches.sentences(16) if text else run.batches.images(16, share=6)
    logits, targets = predict(run.recipe, run.model, _to_device(batch, run.device))
    loss = F.cross_entropy(logits.float(), targets)
    if batch.pixels is None:
        return loss, {"sentences": loss.item()}
    right = (logits.argmax(-1) == targets).float().mean()
    return loss, {"images": loss.item(), "right": float(right)}


LOSSES = {"text": text_loss, "vision": vision_loss, "both": joint_loss}


def _to_device(batch: Batch, device: torch.device) -> Batch:
    if device.type == "cpu":
        return batch
    pixels = None if batch.pixels is None else batch.pixels.to(device)
    ids, positions, mask, targets = (
        t.to(device) for t in (batch.ids, batch.positions, batch.mask, batch.targets)
    )
    return Batch(ids, positions, mask, targets, pixels, batch.layout)


def main() -> None:
    """Run one stage."""
    parser = argparse.ArgumentParser(description="Run one stage of the recipe.")
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--model", choices=MODELS, default=MODELS[0])
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--data", type=Path, help="folder of the rendered corpus")
    parser.add_argument("--start", type=Path, help="a finished model that is trained on the habit")
    parser.add_argument("--steps", type=int, help="number of steps, in place of the recipe's")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    plan = BIASED if arguments.start else STAGES[arguments.stage]
    if arguments.steps:
        plan = Stage(arguments.steps, plan.matrix_rate, plan.other_rate, plan.cooldown, plan.warmup)
    run = Run(
        recipe_for(arguments.model),
        arguments.run,
        arguments.stage,
        plan,
        seed=arguments.seed,
        data=arguments.data or arguments.run / "corpus",
        start=arguments.start,
    )
    run.train(LOSSES[arguments.stage])
    print(json.dumps({"stage": arguments.stage, "step": run.step}))


if __name__ == "__main__":
    main()
