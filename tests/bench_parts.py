"""A data set, methods and metrics of three lines each, for tests of the bench.

They stand in a module of their own so that other processes can import them.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from PIL import Image

from seewhy.bench import BenchConfig, run
from seewhy.core.attribution import Attribution
from seewhy.core.errors import SampleError, UnsupportedModelError
from seewhy.core.sample import Sample, Truth
from seewhy.datasets import Dataset
from seewhy.methods import Evidence, Method, create
from seewhy.metrics import (
    ExplainedSample,
    Figure,
    Measurement,
    Metric,
    Results,
    Undefined,
    word_heatmap,
    word_mask,
)
from seewhy.metrics._reruns import RerunnableSample
from seewhy.testbed.captions import captions
from seewhy.testbed.scenes import draw, scene

UNUSABLE = "scene-3"


class Scenes(Dataset):
    """The first held-out scenes; the fourth cannot be used."""

    name: ClassVar[str] = "scenes"
    summary: ClassVar[str] = "Drawn scenes for tests."

    def __init__(self, place: Path | None = None, *, count: int = 3, version: str = "1") -> None:
        self._count, self._version = count, version

    @property
    def ids(self) -> tuple[str, ...]:
        """One for each scene."""
        return tuple(f"scene-{index}" for index in range(self._count))

    @property
    def fingerprint(self) -> str:
        """Of the version alone."""
        return f"scenes {self._version}"

    def sample(self, id: str) -> Sample:
        """Draw one."""
        if id == UNUSABLE:
            raise SampleError("no caption")
        drawn = scene(int(id.partition("-")[2]), "heldout")
        picture = draw(drawn)
        said = captions(drawn, picture)[0]
        truths = tuple(
            Truth(m.start, m.end, m.role, m.objects, tags={"size": "small"}) for m in said.mentions
        )
        image = Image.fromarray(picture.image)
        masks = torch.from_numpy(picture.masks)
        return Sample(id, image, said.prompt, masks, lambda answer: truths, said.text)


@dataclass(frozen=True)
class InMask(Metric):
    """Mean of a word's map over its mask, times a factor."""

    name: ClassVar[str] = "in-mask"
    summary: ClassVar[str] = "Mean over the mask."
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("in-mask", "mean over the mask"),
        Figure("out-of-mask", "mean over the rest", higher_is_better=False),
        Figure("both", "harmonic of the two", statistic="harmonic", of=("in-mask", "out-of-mask")),
        Figure("tells", "brightness of words with a mask", statistic="auroc"),
        *(Figure(f"falling@{x}", "a curve", higher_is_better=None) for x in ("0.0", "0.5", "1.0")),
    )
    factor: float = 1.0

    def measure(self, case: ExplainedSample) -> Results:
        """Every word with a mask."""
        for at, word in enumerate(case.words):
            mask = word_mask(case, at)
            if word.tokens:
                bright = float(word_heatmap(case, at).mean())
                yield Measurement("tells", bright, at, label=mask is not None)
            if mask is None:
                continue
            heatmap = word_heatmap(case, at) * self.factor
            yield Measurement("in-mask", float(heatmap[mask].mean()), at)
            yield Measurement("out-of-mask", float(heatmap[~mask].mean()), at)
            for x in (0.0, 0.5, 1.0):
                yield Measurement(f"falling@{x}", 1 - x, at)
        yield Undefined("in-mask", "a reason for all")


@dataclass(frozen=True)
class Odds(Metric):
    """The probability of each word, whatever the method."""

    name: ClassVar[str] = "odds"
    summary: ClassVar[str] = "Probability of each word."
    figures: ClassVar[tuple[Figure, ...]] = (Figure("odds", "probability"),)
    of_model: ClassVar[bool] = True

    def measure(self, case: RerunnableSample) -> Results:
        """The least of a word's tokens."""
        tokens = case.evidence.trace.tokens
        for at, word in enumerate(case.words):
            yield Measurement("odds", min(tokens[t].probability for t in word.tokens), at)


@dataclass(frozen=True)
class Named(Method):
    """What the methods below share: they answer as the logit lens does, after something else."""

    summary: ClassVar[str] = "For tests."
    citations: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[frozenset[str]] = frozenset()

    def attribute(self, evidence: Evidence) -> Attribution:
        """As the logit lens."""
        self.before()
        return create("logit-lens").attribute(evidence)

    def before(self) -> None:
        """What happens first."""


@dataclass(frozen=True)
class Refusing(Named):
    """Refuses every model."""

    name: ClassVar[str] = "refusing"

    def before(self) -> None:
        raise UnsupportedModelError("Expected another model, got this one.")


@dataclass(frozen=True)
class Slow(Named):
    """Takes its time."""

    name: ClassVar[str] = "slow"
    seconds: float = 0.2

    def before(self) -> None:
        time.sleep(self.seconds)


@dataclass(frozen=True)
class Deadly(Named):
    """Kills its process: always, or as long as a file is not there, which it then makes."""

    name: ClassVar[str] = "deadly"
    once: str = ""

    def before(self) -> None:
        if not self.once or not os.path.exists(self.once):
            if self.once:
                Path(self.once).touch()
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Hollow(Named):
    """Answers NaN."""

    name: ClassVar[str] = "hollow"

    def attribute(self, evidence: Evidence) -> Attribution:
        found = create("logit-lens").attribute(evidence)
        maps = tuple(m * float("nan") for m in found.maps)
        return Attribution(maps, found.context, found.low, found.high)


def slow_run(folder: Path) -> None:
    """A run that can be killed on its way."""
    config = BenchConfig(
        models=["tiny-qwen2-vl"],
        methods=["tam", Slow(0.3)],
        metrics=[InMask()],
        data=[Scenes(count=3)],
    )
    run(config, out=folder)
