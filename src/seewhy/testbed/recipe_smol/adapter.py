"""Stages 2 and 3: SmolLM2 learns to read cells, first as word grids, then as pictures; and a habit.

    python -m seewhy.testbed.recipe_smol.adapter words --model smol-llava --run runs/smol-llava
    python -m seewhy.testbed.recipe_smol.adapter both  --model smol-llava --run runs/smol-llava
    python -m seewhy.testbed.recipe_smol.adapter habit --model smol-qwen2-vl --run RUN

A word grid is text on a grid: each cell holds a mixture of word embeddings, and a loss asks for the
word of the next cell, as in any text. Pictures have a loss on captions and answers only: none
touches the language model's states at a picture's places. Only the adapter (LoRA) is trained. The
tower stays as `sight` leaves it; while that still runs, its newest checkpoint is taken over.
`habit` goes on from `both` with captions that are untrue on purpose, for a biased model. Each stage
resumes from its last checkpoint.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, LlamaModel
from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VLTextModel

from seewhy.testbed.emoji.habits import EMOJI_HABITS
from seewhy.testbed.recipe.checkpoints import write_checkpoint
from seewhy.testbed.recipe_smol.batches import (
    HABIT_SHARES,
    IGNORED,
    SHARES,
    Batch,
    BatchMaker,
    Scenes,
)
from seewhy.testbed.recipe_smol.smol_recipe import (
    MODELS,
    SmolRecipe,
    autocast,
    smol_recipe,
    working_dtype,
)
from seewhy.testbed.recipe_smol.vectors import CellVectors
from seewhy.testbed.smol.language_model import language_model

RANK, SCALE = 8, 2.0
SIZE = 4
"""Scenes of a batch."""
STEPS = {"words": 160, "both": 1200, "habit": 100}
RATES = {"words": 1.2e-3, "both": 6e-4, "habit": 3e-4}
EARLIER = {"both": "words", "habit": "both"}
"""The stage that another one goes on from."""
FASTER = 4.0
"""The rate of LoRA's B is that of A times this (LoRA+, arXiv 2402.12354)."""


class Adapted(nn.Module):
    """A frozen linear layer with a trained addition of low rank."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear
        self.A = nn.Parameter(torch.randn(RANK, linear.in_features) / linear.in_features**0.5)
        self.B = nn.Parameter(torch.zeros(linear.out_features, RANK))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + F.linear(F.linear(x, self.A), SCALE * self.B)


def adapted(model: Any) -> dict[str, Adapted]:
    """Put adapters around all linear layers of a language model; by the layers' paths."""
    found = {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear)}
    result = {}
    for name, linear in found.items():
        parent, _, last = name.rpartition(".")
        result[name] = Adapted(linear)
        setattr(model.get_submodule(parent), last, result[name])
    return result


def grouped_attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor, **_: Any
) -> tuple[Tensor, None]:
    """Attention of queries that share keys, by plain products of matrices.

    On CPUs the fused kernel repeats the keys and is slow backwards, in bfloat16 above all.
    """
    batch, heads, tokens, size = query.shape
    groups = key.shape[1]
    together = query.reshape(batch, groups, -1, size) * size**-0.5
    scores = (together @ key.transpose(2, 3)).view(batch, groups, -1, tokens, tokens)
    weights = (scores + attention_mask[:, :, None]).softmax(-1, dtype=query.dtype)
    output = weights.view(batch, groups, -1, tokens) @ value
    return output.view(batch, heads, tokens, size).transpose(1, 2).contiguous(), None


AttentionInterface.register("grouped", grouped_attention)


def frozen_language(recipe: SmolRecipe, state: dict[str, Tensor]) -> Any:
    """A family's text model with SmolLM2's weights, frozen but for `biases`."""
    text: Any = recipe.config().get_text_config()
    text._attn_implementation = "grouped"
    model: Any = (Qwen2VLTextModel if recipe.family.has_attention_biases else LlamaModel)(text)
    known = {name.removeprefix("model."): value for name, value in state.items()}
    missing, unknown = model.load_state_dict(known, strict=False)
    if unknown or any(not name.endswith("_proj.bias") for name in missing):
        raise ValueError(f"Expected SmolLM2's parameters, got {unknown}, without {missing}.")
    with torch.no_grad():
        for name in missing:
            model.get_parameter(name).zero_()
    model.to(working_dtype()).requires_grad_(False)
    for parameter in biases(model).values():
        parameter.data = parameter.data.float()
        parameter.requires_grad_()
    return model


def biases(model: Any) -> dict[str, nn.Parameter]:
    """The biases of attention, by path: with them a head can attend by distance alone."""
    return {n: p for n, p in model.named_parameters() if n.endswith("_proj.bias")}


class Run:
    """One of the stages.

    Args:
        recipe: of the model.
        folder: of the run; holds `sight.pt` and the checkpoints of the stages.
        stage: one of `STEPS`.
        steps: of the stage.
        start: a checkpoint of another model, whose adapter `words` starts from.
    """

    def __init__(
        self, recipe: SmolRecipe, folder: Path, stage: str, steps: int, start: Path | None = None
    ) -> None:
        self.recipe, self.folder, self.stage, self.steps = recipe, folder, stage, steps
        language = language_model()
        tokenizer: Any = language.tokenizer(recipe.family)
        self.table = language.state["model.embed_tokens.weight"].float()
        vectors = CellVectors(tokenizer, self.table)
        self.model = recipe.without_language()
        text = self.model.model.language_model = frozen_language(recipe, language.state)
        self.biases = biases(text)
        self.adapters = adapted(text)
        self.step, self.next_scene = 0, 0
        if stage in EARLIER:
            self._start(EARLIER[stage])
        elif start is not None:
            self.load(torch.load(start, map_location="cpu"))
        self.optimizer = self._optimizer()
        self._resume()
        habit = EMOJI_HABITS[f"{recipe.name}-biased"] if stage == "habit" else None
        shares = SHARES if habit is None else HABIT_SHARES
        self.batches = BatchMaker(recipe, tokenizer, vectors, self.step + 1, shares)
        self.scenes = Scenes(self.next_scene, SIZE, habit)

    def _start(self, stage: str) -> None:
        earlier = torch.load(self.folder / f"{stage}.pt", map_location="cpu")
        self.load(earlier)
        self.next_scene = earlier["next_scene"]
        self._take_tower()

    def _take_tower(self) -> None:
        """Take over the tower's newest checkpoint."""
        sight = torch.load(self.folder / "sight.pt", map_location="cpu")
        self.recipe.load_vision(self.model, sight["vision"])
        for parameter in self.recipe.vision(self.model).values():
            parameter.requires_grad_(False)

    def predict(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Logits `[target, vocab]`, targets and weights `[target]` of a batch."""
        embeds = self.table[batch.ids]
        if batch.images is not None:
            cells = self.recipe.see(self.model, batch.images).float()
        else:
            assert batch.vectors is not None
            cells = batch.vectors
        embeds = embeds.masked_scatter(batch.places[..., None].expand_as(embeds), cells)
        mask = torch.zeros(batch.mask.shape)
        mask.masked_fill_(~batch.mask, torch.finfo(mask.dtype).min)
        states = self.recipe.language(self.model, embeds.to(working_dtype()), mask, batch.positions)
        asked = batch.targets != IGNORED
        head = self.model.model.language_model.embed_tokens.weight
        return (
            F.linear(states[asked].to(head.dtype), head),
            batch.targets[asked],
            batch.weights[asked],
        )

    def take_step(self) -> dict[str, list[float]]:
        """One step; lists of right (1) and wrong (0) by role, and the loss."""
        grid = self.stage == "words" or self.step % 8 == 7
        batch = self.batches.batch(self.scenes.take(), grid=grid)
        rate = min(1.0, (self.step + 1) / 30, (self.steps - self.step) / (0.6 * self.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * rate
        with autocast():
            logits, targets, weights = self.predict(batch)
        losses = F.cross_entropy(logits.float(), targets, reduction="none")
        loss = (losses * weights).sum() / weights.sum()
        loss.backward()
        nn.utils.clip_grad_norm_([p for g in self.optimizer.param_groups for p in g["params"]], 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.next_scene = self.scenes.next
        figures: dict[str, list[float]] = defaultdict(list)
        figures["grid" if grid else "loss"].append(loss.item())
        right = (logits.detach().argmax(-1) == targets).float().tolist()
        for (row, column), hit in zip(
            (batch.targets != IGNORED).nonzero().tolist(), right, strict=True
        ):
            ahead = bool(batch.places[row, column + 1])
            role = batch.roles.get((row, column), "place" if ahead else "end")
            figures[role].append(hit)
        return figures

    def run(self, minutes: float) -> None:
        """Take the remaining steps, or as many as fit."""
        start, first = time.perf_counter(), self.step
        recent: dict[str, list[float]] = defaultdict(list)
        while self.step < self.steps and time.perf_counter() - start < 60 * minutes:
            for name, values in self.take_step().items():
                recent[name].extend(values)
            if self.step % 10 == 0:
                pace = (time.perf_counter() - start) / (self.step - first)
                means = " ".join(f"{k} {np.mean(v):.2f}" for k, v in sorted(recent.items()))
                print(f"{self.step}/{self.steps} {means} {pace:.2f} s/step", flush=True)
                recent.clear()
            if self.step % 25 == 0:
                self.save()
                if self.stage != "words":
                    self._take_tower()
        self.save()

    def save(self) -> None:
        """Write the checkpoint; one that is killed while writing leaves the earlier one."""
        write_checkpoint(
            self.folder / f"{self.stage}.pt",
            {
                "step": self.step,
                "next_scene": self.next_scene,
                "adapters": {n: (a.A.data, a.B.data) for n, a in self.adapters.items()},
                "biases": {n: bias.data for n, bias in self.biases.items()},
                "optimizer": self.optimizer.state_dict(),
            },
        )

    def load(self, saved: dict[str, Any]) -> None:
        """Copy saved adapters and biases."""
        with torch.no_grad():
            for name, (a, b) in saved["adapters"].items():
                self.adapters[name].A.copy_(a)
                self.adapters[name].B.copy_(b)
            for name, bias in self.biases.items():
                bias.copy_(saved["biases"].get(name, bias))

    def _resume(self) -> None:
        file = self.folder / f"{self.stage}.pt"
        if not file.exists():
            return
        state = torch.load(file, map_location="cpu")
        self.load(state)
        peaks = [group["peak"] for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(state["optimizer"])
        for group, peak in zip(self.optimizer.param_groups, peaks, strict=True):
            group["peak"] = peak
        self.step, self.next_scene = state["step"], state["next_scene"]

    def _optimizer(self) -> torch.optim.Optimizer:
        rate = RATES[self.stage]
        slow = [*(a.A for a in self.adapters.values()), *self.biases.values()]
        fast = [a.B for a in self.adapters.values()]
        groups = [
            {"params": slow, "lr": rate, "peak": rate},
            {"params": fast, "lr": FASTER * rate, "peak": FASTER * rate},
        ]
        return torch.optim.AdamW(groups, weight_decay=0.0, betas=(0.9, 0.98))


def main() -> None:
    """Run one stage."""
    parser = argparse.ArgumentParser(description="Train the adapter.")
    parser.add_argument("stage", choices=STEPS)
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="a checkpoint of another model, for words")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.stage == "habit" and f"{arguments.model}-biased" not in EMOJI_HABITS:
        known = ", ".join(name.removesuffix("-biased") for name in EMOJI_HABITS)
        parser.error(f"expected a model with a habit ({known}), got {arguments.model}")
    torch.set_num_threads(arguments.threads)
    steps = arguments.steps or STEPS[arguments.stage]
    recipe = smol_recipe(arguments.model)
    run = Run(recipe, arguments.run, arguments.stage, steps, arguments.start)
    run.run(arguments.minutes)


if __name__ == "__main__":
    main()
