"""Suites: what is measured by what, and how much of it, under one name."""

from __future__ import annotations

from dataclasses import dataclass

from seewhy.bench.plan import Answers
from seewhy.core.errors import UnknownNameError
from seewhy.core.registry import unknown


@dataclass(frozen=True)
class Suite:
    """What a run does where nobody says otherwise.

    Attributes:
        name: what `--suite` takes.
        summary: one sentence, with how long it takes.
        models: names of shipped models.
        methods, metrics, data: specs.
        limit: samples of each data set; None for all.
        words: words of a sample that metrics of single words look at.
        answers: `"reference"` or `"own"`.
        reference: the method that all others are compared with.
    """

    name: str
    summary: str
    models: tuple[str, ...]
    methods: tuple[str, ...]
    metrics: tuple[str, ...]
    data: tuple[str, ...] = ("testbed",)
    limit: int | None = None
    words: int = 2
    answers: Answers = "reference"
    reference: str = "tam"


FAMILIES = ("tiny-qwen2-vl", "tiny-llava", "tiny-internvl")
CONTROLS = ("random", "centre")
STAGED = ("logit-lens", "tam", "msea", "arc", "intra-modal", "standout")
INWARD = (
    *("attention", "attention-rollout", "gradient-attention", "grad-cam", "grad-cam-plus-plus"),
    *("layer-cam", "input-x-gradient", "integrated-gradients", "smooth-grad", "attn-lrp"),
)
OUTWARD = ("occlusion", "rise", "kernel-shap")

SUITES = {
    suite.name: suite
    for suite in (
        Suite(
            "quick",
            "The paper's methods, ours and the controls on one model, in about two minutes.",
            models=("tiny-qwen2-vl",),
            methods=(*CONTROLS, *STAGED),
            metrics=("overlap", "pointing-game", "energy", "deletion", "cost"),
            limit=8,
            words=1,
        ),
        Suite(
            "paper",
            "All methods on three families.",
            models=FAMILIES,
            methods=(
                *CONTROLS,
                *STAGED,
                *INWARD,
                *OUTWARD,
            ),
            metrics=(
                "overlap",
                "pointing-game",
                "energy",
                "auc",
                "insertion",
                "deletion",
                "cost",
            ),
            limit=60,
            words=1,
        ),
        Suite(
            "full",
            "Everything on all held-out scenes, for a cluster or a night.",
            models=FAMILIES,
            methods=(
                *CONTROLS,
                *STAGED,
                *INWARD,
                *OUTWARD,
                "region-search",
            ),
            metrics=(
                "overlap",
                "pointing-game",
                "energy",
                "auc",
                "insertion(fill=blur)",
                "insertion(fill=mean)",
                "insertion(fill=noise)",
                "deletion(fill=blur)",
                "deletion(fill=mean)",
                "deletion(fill=noise)",
                "context-insertion",
                "context-deletion",
                "erasure",
                "hallucination",
                "hallucination-baselines",
                "parameter-randomisation",
                "label-randomisation",
                "repeatability",
                "noise-sensitivity",
                "scale-stability",
                "cost",
            ),
            words=3,
        ),
    )
}


def suite_of(name: str) -> Suite:
    """The suite of a name.

    Raises:
        UnknownNameError: if there is none; near matches are given.
    """
    if name not in SUITES:
        raise UnknownNameError(unknown("suite", name, tuple(SUITES)))
    return SUITES[name]
