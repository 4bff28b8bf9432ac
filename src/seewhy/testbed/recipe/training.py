"""The three stages: text (T), vision alone (V), and both together (B).

    python -m seewhy.testbed.recipe.training text   --student tiny-llava --run runs/tiny-llava
    python -m seewhy.testbed.recipe.training vision --student tiny-llava --run runs/tiny-llava
    python -m seewhy.testbed.recipe.training both   --student tiny-llava --run runs/tiny-llava

End to end from nothing, the model stays blind for a long time. So the language model first learns
to speak of grids of words, and the vision tower, on its own, to tell kinds and colours apart; then
they learn together. No loss ever touches the language model's states at an image's positions.
Each stage resumes from its last checkpoint and runs on CPU or GPU.
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

from seewhy.testbed.recipe.batches import IGNORED, Batch, Teacher
from seewhy.testbed.recipe.corpus import COLOUR_NAMES, KIND_NAMES, STEP, open_corpus, shards
from seewhy.testbed.recipe.student import STUDENTS, Layout, Student, embeddings_of, student

GROUND_COVER = 0.3
"""A cell shows a thing if the thing covers at least this share of it."""


@dataclass(frozen=True)
class Stage:
    """How long and how fast a stage learns.

    Attributes:
        steps: optimizer steps in all.
        matrix_rate, other_rate: peak learning rates of Muon (matrices) and AdamW (the rest).
        cooldown: share of the steps, at the end, in which the rate falls to zero.
    """

    steps: int
    matrix_rate: float
    other_rate: float
    cooldown: float
    warmup: int = 100

    def rate(self, step: int) -> float:
        """The factor on the peak rates at a step: warm up, stay, fall linearly."""
        falling = (self.steps - step) / max(1, self.cooldown * self.steps)
        return min(1.0, (step + 1) / self.warmup, max(falling, 0.0))


STAGES = {
    "text": Stage(steps=900, matrix_rate=2e-3, other_rate=2e-3, cooldown=0.5, warmup=50),
    "vision": Stage(steps=900, matrix_rate=2e-3, other_rate=1e-3, cooldown=0.5, warmup=50),
    "both": Stage(steps=3000, matrix_rate=1.5e-3, other_rate=1e-3, cooldown=0.5),
}
BIASED = Stage(steps=400, matrix_rate=5e-4, other_rate=4e-4, cooldown=0.7, warmup=20)
"""The stage `both` of a model that is taught a habit after it has learnt to see."""


def read(student: Student, model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits where something is taught, and the targets there.

    Returns:
        `[taught, vocab]` and int64 `[taught]`.
    """
    embeds = model.get_input_embeddings()(batch.ids)
    if batch.pixels is not None:
        assert batch.layout is not None  # where there are pixels, they are laid out
        seen = student.process_image(model, batch.pixels, batch.layout)
        places = batch.ids == model.config.image_token_id
        embeds = embeds.masked_scatter(places[..., None], seen.to(embeds.dtype))
    states = student.language(model, embeds, batch.mask, batch.positions)
    taught = batch.targets != IGNORED
    return model.lm_head(states[taught]), batch.targets[taught]


class VisionClassifier(nn.Module):
    """A head for the vision stage, thrown away after it: kind and colour of every token's cell."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        width = model.config.get_text_config().hidden_size
        self.norm = nn.LayerNorm(width)
        self.kind = nn.Linear(width, len(KIND_NAMES) + 1)
        self.colour = nn.Linear(width, len(COLOUR_NAMES) + 1)

    def loss(self, seen: Tensor, labels: Tensor) -> tuple[Tensor, float]:
        """Cross-entropy over both, and the share of things' cells with both right.

        Args:
            seen: `[batch, visual, hidden]`.
            labels: int64 `[batch, visual]` as in `Corpus.labels`, `IGNORED` where doubtful.
        """
        known = labels != IGNORED
        hidden, labels = self.norm(seen[known].float()), labels[known]
        kinds = torch.where(labels > 0, (labels - 1) // len(COLOUR_NAMES) + 1, 0)
        colours = torch.where(labels > 0, (labels - 1) % len(COLOUR_NAMES) + 1, 0)
        kind, colour = self.kind(hidden), self.colour(hidden)
        right = (kind.argmax(-1) == kinds) & (colour.argmax(-1) == colours)
        loss = F.cross_entropy(kind, kinds) + F.cross_entropy(colour, colours)
        return loss, float(right[labels > 0].float().mean())


def cell_labels(maps: np.ndarray, layout: Layout) -> Tensor:
    """What each visual token's box shows: int64 `[batch, visual]` of label maps `[batch, h, w]`.

    A box shows the thing that covers most of it, if that is at least `GROUND_COVER`; boxes in
    which a thing covers less, but some, are doubtful.
    """
    labels = np.zeros((len(maps), layout.visual), np.int64)
    for at, box in enumerate(layout.boxes):
        left, top, right, bottom = (round(edge / STEP) for edge in box)
        samples = max(1, (right - left) * (bottom - top))
        inside = maps[:, max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
        for row, shown in enumerate(inside.reshape(len(maps), -1)):
            objects = np.bincount(shown[shown > 0], minlength=1)
            most = objects.max()
            if most:
                enough = most >= GROUND_COVER * samples
                labels[row, at] = objects.argmax() if enough else IGNORED
    return torch.from_numpy(labels)


class Run:
    """One training run: its folder, its model, its optimizers, its log.

    Args:
        taught: the student.
        folder: holds `tokenizer/` and a checkpoint for each stage.
        stage: `"text"`, `"vision"` or `"both"`.
        plan: steps and rates.
        seed: of the batches.
        data: folder of the rendered scenes.
        start: folder of a finished model to go on from, instead of the stages before.
    """

    def __init__(
        self,
        taught: Student,
        folder: Path,
        stage: str,
        plan: Stage,
        *,
        seed: int,
        data: Path,
        start: Path | None = None,
    ) -> None:
        self.student, self.folder, self.stage, self.plan = taught, folder, stage, plan
        self.tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
        self.teacher = Teacher(taught, open_corpus(shards(data, "train", 0)), self.tokenizer, seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = taught.prepare(taught.build(self.tokenizer).train())
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
        """Where this stage keeps its state."""
        return self.folder / f"{self.stage}.pt"

    def train(self, loss: Callable[[Run], tuple[Tensor, dict[str, float]]]) -> None:
        """Take all steps that are left, printing progress and saving as it goes."""
        began, first = time.perf_counter(), self.step
        recent: dict[str, list[float]] = {}
        cast = torch.autocast(self.device.type, torch.bfloat16)
        while self.step < self.plan.steps:
            factor = self.plan.rate(self.step)
            for optimizer in self.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = group["peak"] * factor
            with cast:
                value, figures = loss(self)
            value.backward()
            norm = nn.utils.clip_grad_norm_(self._trained(), 1.0)
            for optimizer in self.optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            self.step += 1
            for name, figure in {"loss": value.item(), "norm": float(norm), **figures}.items():
                recent.setdefault(name, []).append(figure)
            if self.step % 20 == 0:
                pace = (time.perf_counter() - began) / (self.step - first)
                means = " ".join(f"{name} {np.mean(v):.4f}" for name, v in recent.items())
                left = (self.plan.steps - self.step) * pace / 60
                print(
                    f"{self.stage} {self.step}/{self.plan.steps} {means} "
                    f"rate {factor:.2f} {pace:.2f} s/step {left:.0f} min left",
                    flush=True,
                )
                recent.clear()
            if self.step % 500 == 0 or self.step == self.plan.steps:
                self.save()

    def save(self) -> None:
        """Write the checkpoint; a run killed while writing keeps the one before."""
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "head": self.head.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        fresh = self.checkpoint.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self.checkpoint)

    def _start_from_earlier_stages(self) -> None:
        if self.stage != "both":
            return
        text = torch.load(self.folder / "text.pt", map_location=self.device)["model"]
        vision = torch.load(self.folder / "vision.pt", map_location=self.device)["model"]
        names = {id(value): name for name, value in self.model.named_parameters()}
        seen = {names[id(p)]: vision[names[id(p)]] for p in self._eyes()}
        self.model.load_state_dict({**text, **seen})

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
        # Batches after a resume must not repeat those before it.
        self.teacher.rng = np.random.default_rng((self.step, 1))
        print(f"{self.stage}: resumed at step {self.step}", flush=True)

    def _trained(self) -> Iterator[nn.Parameter]:
        if self.stage != "text":
            yield from self._eyes()
        if self.stage == "vision":
            yield from self.head.parameters()
        else:
            yield from self.model.model.language_model.parameters()

    def _eyes(self) -> Iterator[nn.Parameter]:
        for part in self.student.eyes(self.model):
            yield from part.parameters()

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        """Muon for the hidden matrices, AdamW for embeddings, heads, norms and biases."""
        trained = list(self._trained())
        outer = {id(p) for p in embeddings_of(self.model)}
        outer |= {id(p) for p in self.head.parameters()}
        matrices = [p for p in trained if p.ndim == 2 and id(p) not in outer]
        chosen = {id(p) for p in matrices}
        others = [p for p in trained if id(p) not in chosen]
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
    """Half of the steps speak of word grids, half are plain sentences."""
    grids = run.step % 2 == 0
    batch = run.teacher.word_grids(16) if grids else run.teacher.sentences(16)
    logits, targets = read(run.student, run.model, _on(batch, run.device))
    loss = F.cross_entropy(logits.float(), targets)
    return loss, {"grids" if grids else "sentences": loss.item()}


def vision_loss(run: Run) -> tuple[Tensor, dict[str, float]]:
    """Kind and colour of every cell, from the vision tower alone."""
    teacher = run.teacher
    _, rows = teacher.draw_rows(16)
    images = np.stack([teacher.corpus.image(row) for row in rows])
    layout = teacher.layout(images.shape[2], images.shape[1], 1.0)
    labels = cell_labels(np.stack([teacher.corpus.label_map(row) for row in rows]), layout)
    pixels = run.student.pixels(torch.from_numpy(images))
    seen = run.student.process_image(run.model, pixels.to(run.device), layout)
    loss, right = run.head.loss(seen, labels.to(run.device))
    return loss, {"right": right}


def joint_loss(run: Run) -> tuple[Tensor, dict[str, float]]:
    """What is said of images; every eighth step is plain text, so that it stays a language."""
    text = run.step % 8 == 7
    batch = run.teacher.sentences(16) if text else run.teacher.images(16, share=6)
    logits, targets = read(run.student, run.model, _on(batch, run.device))
    loss = F.cross_entropy(logits.float(), targets)
    if batch.pixels is None:
        return loss, {"sentences": loss.item()}
    right = (logits.argmax(-1) == targets).float().mean()
    return loss, {"images": loss.item(), "right": float(right)}


LOSSES = {"text": text_loss, "vision": vision_loss, "both": joint_loss}


def _on(batch: Batch, device: torch.device) -> Batch:
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
    parser.add_argument("--student", choices=STUDENTS, default=STUDENTS[0])
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--data", type=Path, help="folder of the rendered corpus")
    parser.add_argument("--start", type=Path, help="a finished model to teach the habit")
    parser.add_argument("--steps", type=int, help="steps in all, in place of the recipe's")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    plan = BIASED if asked.start else STAGES[asked.stage]
    if asked.steps:
        plan = Stage(asked.steps, plan.matrix_rate, plan.other_rate, plan.cooldown, plan.warmup)
    run = Run(
        student(asked.student),
        asked.run,
        asked.stage,
        plan,
        seed=asked.seed,
        data=asked.data or asked.run / "corpus",
        start=asked.start,
    )
    run.train(LOSSES[asked.stage])
    print(json.dumps({"stage": asked.stage, "step": run.step}))


if __name__ == "__main__":
    main()
