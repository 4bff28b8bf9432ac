"""Stages 2 and 3: SmolLM2 learns to read cells, first as word grids, then as pictures.

    python -m seewhy.testbed.recipe_smol.adapter words --run runs/smol-qwen2-vl
    python -m seewhy.testbed.recipe_smol.adapter both  --run runs/smol-qwen2-vl

A word grid is text on a grid: each cell holds a mixture of word embeddings, and a loss asks for the
word of the next cell, as in any text. Pictures have a loss on captions and answers only: none
touches the language model's states at a picture's places. Only the adapter (LoRA) is trained. The
tower stays as `sight` leaves it; while that still runs, its newest checkpoint is taken over. Each
stage resumes from its last checkpoint.
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

from seewhy.testbed.recipe_smol import smol_qwen2_vl
from seewhy.testbed.recipe_smol.batches import IGNORED, Batch, BatchMaker, Scenes
from seewhy.testbed.recipe_smol.vectors import CellVectors
from seewhy.testbed.smol.language_model import language_model, smol_tokenizer

RANK, SCALE = 8, 2.0
SIZE = 6
"""Scenes of a batch."""
STEPS = {"words": 160, "both": 300}
RATES = {"words": 1.2e-3, "both": 6e-4}


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


def language_class(state: dict[str, Tensor]) -> Any:
    """Qwen2-VL's text model with SmolLM2's weights in bfloat16, frozen."""
    from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VLTextModel

    text: Any = smol_qwen2_vl.config().get_text_config()
    # In float32: the CPU kernel for bfloat16 is slow backwards.
    text._attn_implementation = "float32_sdpa"
    model: Any = Qwen2VLTextModel(text)
    known = {name.removeprefix("model."): value for name, value in state.items()}
    missing, unknown = model.load_state_dict(known, strict=False)
    if unknown or any(not name.endswith("_proj.bias") for name in missing):
        raise ValueError(f"Expected SmolLM2's parameters, got {unknown}, without {missing}.")
    with torch.no_grad():
        for name in missing:
            model.get_parameter(name).zero_()
    return model.bfloat16().requires_grad_(False)


class Run:
    """One of the two stages.

    Args:
        folder: of the run; holds `sight.pt`, `words.pt`, `both.pt`.
        stage: "words" or "both".
        steps: of the stage.
    """

    def __init__(self, folder: Path, stage: str, steps: int) -> None:
        self.folder, self.stage, self.steps = folder, stage, steps
        state = language_model().state
        self.table = state["model.embed_tokens.weight"].float()
        self.vectors = CellVectors(smol_tokenizer(), self.table)
        self.model = language_class(state)
        self.adapters = adapted(self.model)
        self.visual = smol_qwen2_vl.tower() if stage == "both" else None
        self.step, self.next_scene = 0, 0
        if stage == "both":
            self._start()
        self.optimizer = self._optimizer()
        self._resume()
        self.batches = BatchMaker(smol_tokenizer(), self.vectors, seed=self.step + 1)
        self.scenes = Scenes(self.next_scene, SIZE)

    def _start(self) -> None:
        words = torch.load(self.folder / "words.pt", map_location="cpu")
        self._load_adapters(words["adapters"])
        self.next_scene = words["next_scene"]
        self._take_tower()

    def _take_tower(self) -> None:
        """Take over the tower's newest checkpoint."""
        sight = torch.load(self.folder / "sight.pt", map_location="cpu")
        assert self.visual is not None
        self.visual.load_state_dict(sight["visual"])
        self.visual.requires_grad_(False)

    def predict(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Logits `[target, vocab]`, targets and weights `[target]` of a batch."""
        embeds = self.table[batch.ids]
        if batch.images is not None:
            cells = smol_qwen2_vl.see(self.visual, batch.images).float()
        else:
            assert batch.vectors is not None
            cells = batch.vectors
        places = (batch.ids == smol_qwen2_vl.IMAGE)[..., None].expand_as(embeds)
        embeds = embeds.masked_scatter(places, cells)
        mask = torch.zeros(batch.mask.shape)
        mask.masked_fill_(~batch.mask, torch.finfo(mask.dtype).min)
        states = self.model(
            inputs_embeds=embeds.bfloat16(),
            attention_mask={"full_attention": mask},
            position_ids=batch.positions,
            use_cache=False,
        ).last_hidden_state
        asked = batch.targets != IGNORED
        head = self.model.embed_tokens.weight
        return F.linear(states[asked].bfloat16(), head), batch.targets[asked], batch.weights[asked]

    def take_step(self) -> dict[str, list[float]]:
        """One step; lists of right (1) and wrong (0) by role, and the loss."""
        grid = self.stage == "words" or self.step % 8 == 7
        batch = self.batches.batch(self.scenes.take(), grid=grid)
        rate = min(1.0, (self.step + 1) / 30, (self.steps - self.step) / (0.6 * self.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * rate
        with torch.autocast("cpu", torch.bfloat16):
            logits, targets, weights = self.predict(batch)
        losses = F.cross_entropy(logits.float(), targets, reduction="none")
        loss = (losses * weights).sum() / weights.sum()
        loss.backward()
        nn.utils.clip_grad_norm_(self._trained(), 1.0)
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
            role = batch.roles.get((row, column), "place" if column < 150 else "end")
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
                if self.visual is not None:
                    self._take_tower()
        self.save()

    def save(self) -> None:
        """Write the checkpoint; one that is killed while writing leaves the earlier one."""
        new = self.folder / f"{self.stage}.new"
        torch.save(
            {
                "step": self.step,
                "next_scene": self.next_scene,
                "adapters": {n: (a.A.data, a.B.data) for n, a in self.adapters.items()},
                "visual": None if self.visual is None else self.visual.state_dict(),
                "optimizer": self.optimizer.state_dict(),
            },
            new,
        )
        new.replace(self.folder / f"{self.stage}.pt")

    def _load_adapters(self, saved: dict[str, tuple[Tensor, Tensor]]) -> None:
        with torch.no_grad():
            for name, (a, b) in saved.items():
                self.adapters[name].A.copy_(a)
                self.adapters[name].B.copy_(b)

    def _resume(self) -> None:
        file = self.folder / f"{self.stage}.pt"
        if not file.exists():
            return
        state = torch.load(file, map_location="cpu")
        self._load_adapters(state["adapters"])
        peaks = [group["peak"] for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(state["optimizer"])
        for group, peak in zip(self.optimizer.param_groups, peaks, strict=True):
            group["peak"] = peak
        self.step, self.next_scene = state["step"], state["next_scene"]

    def _trained(self) -> list[nn.Parameter]:
        return [p for a in self.adapters.values() for p in (a.A, a.B)]

    def _optimizer(self) -> torch.optim.Optimizer:
        optimizer = torch.optim.AdamW(
            self._trained(), lr=RATES[self.stage], weight_decay=0.0, betas=(0.9, 0.98)
        )
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
        return optimizer


def main() -> None:
    """Run one stage."""
    parser = argparse.ArgumentParser(description="Train the adapter.")
    parser.add_argument("stage", choices=STEPS)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    steps = arguments.steps or STEPS[arguments.stage]
    Run(arguments.run, arguments.stage, steps).run(arguments.minutes)


if __name__ == "__main__":
    main()
