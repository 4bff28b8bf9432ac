"""Suites: what is measured by what, and how much of it, under one name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seewhy.bench.plan import Answers
from seewhy.core.errors import UnknownNameError
from seewhy.core.suggestions import unknown_name_message
from seewhy.methods import DEFAULT


@dataclass(frozen=True)
class Suite:
    """What a run does where nobody says otherwise.

    Attributes:
        name: what `--suite` takes.
        summary: one sentence.
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
STAGED = ("logit-lens", "tam", "msea", "arc", "intra-modal", DEFAULT, "corroborated")
INWARD = (
    *("attention", "attention-rollout", "gradient-attention", "grad-cam", "grad-cam-plus-plus"),
    *("layer-cam", "input-x-gradient", "integrated-gradients", "smooth-grad", "attn-lrp"),
)
READING_TEXT = (
    *("attention", "attention-rollout", "gradient-attention", "input-x-gradient", "attn-lrp"),
)
"""Those of them that weigh earlier words as they weigh the picture, with few passes."""
OUTWARD = ("occlusion", "rise", "kernel-shap")
BASES = (*INWARD, *OUTWARD)
ALL = (*CONTROLS, *STAGED, *BASES, "region-search")
OFTEN = ("integrated-gradients", "smooth-grad", "rise")
"""Bases that read a picture so often that compositions of them are left to the suite `full`."""
LIGHT = tuple(base for base in BASES if base not in OFTEN)
CAUSAL = ("insertion", "deletion")
FILLS = ("blur", "mean", "noise")
FILLED = tuple(f"{curve}(fill={fill})" for curve in CAUSAL for fill in FILLS)
CONTEXTUAL = ("context-insertion", "context-deletion")
SANITY = (
    *("parameter-randomisation", "label-randomisation"),
    *("noise-sensitivity", "repeatability"),
)


def composed(bases: Iterable[str]) -> tuple[str, ...]:
    """MSEA over each of some methods, then ARC."""
    return tuple(f"{above}(base={one})" for above in ("msea", "arc") for one in bases)


def _ablations() -> tuple[str, ...]:
    """Parts alone; then the paper's method, the default and ours, one thing changed at a time."""
    paper, ours = "intra-modal", "corroborated"
    scales = ("(0.5, 1)", "(1, 1.5)", "(1, 2)", "(0.5, 1, 1.5)", "(0.75, 1, 1.25)")
    return (
        *("logit-lens", "tam(window=None)", "tam", "msea", "arc", "arc(window=3)", paper),
        f"{paper}(window=5)",
        *(f"{paper}(variant={variant})" for variant in ("inverse", "threshold")),
        f"{paper}(weights=consistency)",
        *(f"{paper}(k={k})" for k in (5, 10, 20, 100, 200)),
        *(f"{paper}(p={p})" for p in (0.5, 0.7, 0.8, 0.95, 0.99)),
        DEFAULT,
        f"{paper}(variant=inverse, window=None)",
        *(f"{paper}(scales={some}, window=None)" for some in scales),
        ours,
        *(f"{ours}(exponent={q})" for q in (0.1, 0.2, 0.5, 1)),
        *(f"{ours}(base={base})" for base in ("logit-lens", "tam", "intra-modal")),
        f"{ours}(base={paper}(variant=inverse, window=None))",
        *(f"{ours}(witness={one})" for one in ("gradient-attention", "input-x-gradient")),
    )


SUITES = {
    suite.name: suite
    for suite in (
        Suite(
            "quick",
            "The paper's methods, ours and the controls on one model: a few minutes.",
            models=("tiny-qwen2-vl",),
            methods=(*CONTROLS, *STAGED),
            metrics=("overlap", "pointing-game", "energy", "deletion", "cost"),
            limit=8,
            words=1,
        ),
        Suite(
            "paper",
            "All methods on three families: overlap, faithfulness and erasure.",
            models=FAMILIES,
            methods=ALL,
            metrics=(
                *("overlap", "pointing-game", "energy", "auc"),
                *(*CAUSAL, "erasure", "scale-stability"),
            ),
            limit=20,
            words=1,
        ),
        Suite(
            "cost",
            "Time, memory and passes of every method, all words explained.",
            models=FAMILIES,
            methods=ALL,
            metrics=("cost",),
            limit=5,
            words=1,
        ),
        Suite(
            "sanity",
            "Do maps change with the model's weights and the word, and not with a little noise?",
            models=FAMILIES,
            methods=(*CONTROLS, *STAGED, *INWARD),
            metrics=SANITY,
            limit=6,
            words=1,
        ),
        Suite(
            "claims",
            "Is the paper's method above TAM, and ours above it? Many scenes, few methods.",
            models=FAMILIES,
            methods=(*STAGED, "gradient-attention", "attn-lrp"),
            metrics=("overlap", "auc", *FILLED),
            limit=100,
            words=2,
        ),
        Suite(
            "ablation",
            "One thing changed at a time, on training scenes: what defaults follow from.",
            models=FAMILIES,
            methods=_ablations(),
            metrics=("overlap", "deletion"),
            data=("testbed:split=train",),
            limit=60,
            words=2,
            reference="intra-modal",
        ),
        Suite(
            "composed",
            "What MSEA and ARC do to the baselines that they can stand over.",
            models=FAMILIES,
            methods=("logit-lens", "msea", "arc", *LIGHT, *composed(LIGHT)),
            metrics=("overlap", "deletion"),
            limit=20,
            words=1,
            reference="logit-lens",
        ),
        Suite(
            "context",
            "Did a word lean on the earlier words that a method names? They are dropped, and kept.",
            models=FAMILIES,
            methods=(*CONTROLS, *STAGED, *READING_TEXT),
            metrics=CONTEXTUAL,
            limit=40,
            words=2,
        ),
        Suite(
            "hallucination",
            "Do maps tell the words that the picture does not bear out? On the biased model.",
            models=("tiny-qwen2-vl-biased",),
            methods=STAGED,
            metrics=("hallucination", "hallucination-baselines"),
            data=("testbed:habit=yes",),
            limit=100,
            words=8,
            answers="own",
        ),
        Suite(
            "full",
            "Everything on all held-out scenes, for a cluster or a night.",
            models=FAMILIES,
            methods=(*ALL, *composed(BASES)),
            metrics=(
                *("overlap", "pointing-game", "energy", "auc"),
                *(*FILLED, *CONTEXTUAL, "erasure"),
                *("hallucination", "hallucination-baselines"),
                *SANITY,
                *("scale-stability", "cost"),
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
        raise UnknownNameError(unknown_name_message("suite", name, tuple(SUITES)))
    return SUITES[name]
