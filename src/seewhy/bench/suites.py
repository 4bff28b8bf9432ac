"""Suites: named configs, which give the default values of other configs.

Each is one function; its docstring is its summary. Lists of methods and metrics are derived from
class attributes, so a new method is included without a change here. Suites include only what ships
with seewhy, so that a name means the same everywhere; add others by `methods` and `metrics`.

Importing this module imports no method; calling a suite does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from seewhy.bench.config import BenchConfig
from seewhy.core.errors import ParameterError, UnknownNameError
from seewhy.core.suggestions import unknown_name_message

if TYPE_CHECKING:
    from seewhy.methods import Method

MODELS = ("tiny-qwen2-vl", "tiny-llava", "tiny-internvl")
"""One shipped model of each of three families."""

EMOJI_MODELS = ("smol-qwen2-vl", "smol-llava", "smol-internvl")
"""Models that know scenes of emoji; those that ship are used."""

EMOJI = "emoji"
"""The data set of these scenes."""

PAPER_SCALES = ("(1, 2)", "(1, 1.5, 2)")
"""Scales by the paper's figures, in which a patch is divided into four; it names none."""

_READINGS: dict[str, Any] = {
    "methods": (
        *("tam", "tam(published=True)", "tam(window=None)"),
        *(
            f"intra-modal(scales={scales}{grid}{window})"
            for scales in (*PAPER_SCALES, "(1, 0.75, 1.25)")
            for grid in ("", ", grid=finest")
            for window in ("", ", window=None")
        ),
    ),
    "metrics": ("overlap", "pointing-game", "auc"),
    "words": 1,
}
"""Of both readings of the paper's aggregation, in either world."""

METHOD_ORDER = (
    *("random", "centre", "logit-lens", "tam", "msea", "arc", "intra-modal", "corroborated"),
    "logit-shares",
    *("attention", "attention-rollout", "gradient-attention", "dex-ar"),
    *("grad-cam", "grad-cam-plus-plus", "layer-cam", "llava-cam"),
    *("input-x-gradient", "integrated-gradients", "smooth-grad", "attn-lrp"),
    *("occlusion", "rise", "kernel-shap", "region-search"),
)
"""Order of rows in tables; other methods come last, by name. A run's key depends on it."""

PIXEL_CURVES = ("insertion", "deletion")
CONTEXT_CURVES = ("context-insertion", "context-deletion")
SANITY_CHECKS = (
    *("parameter-randomisation", "label-randomisation"),
    *("noise-sensitivity", "repeatability"),
)
METRIC_ORDER = (
    *("overlap", "pointing-game", "energy", "auc"),
    *(*PIXEL_CURVES, *CONTEXT_CURVES, "erasure"),
    *("hallucination", "hallucination-baselines", "hallucination-detectors"),
    *(*SANITY_CHECKS, "scale-stability", "cost"),
)
"""Order of metrics in tables; others come last, by name."""

FILLS = ("blur", "mean", "noise")
CONTEXT_BASELINES = (
    *("attention", "attention-rollout", "gradient-attention", "input-x-gradient", "attn-lrp"),
)
"""White-box methods that score context tokens like visual tokens, with few passes."""

NOT_A_BASE = {"region-search": "up to 200 passes per token at every scale"}
"""Baselines that no suite uses as the base of MSEA or ARC, and why."""
MANY_PASSES = ("integrated-gradients", "smooth-grad", "llava-cam", "rise")
"""Bases that only the suite `full` composes: each needs dozens of passes per picture."""


def all_methods() -> tuple[str, ...]:
    """Every method of seewhy; the fallback's spec follows its method."""
    return _methods(lambda method: True)


def controls() -> tuple[str, ...]:
    """Methods that use neither the model nor the picture."""
    return _methods(lambda method: not method.all_needs)


def state_methods() -> tuple[str, ...]:
    """Methods of states and shares: the logit lens, the paper's methods, the default, ours."""
    return _methods(lambda method: {"states", "shares"} & method.all_needs)


def white_box() -> tuple[str, ...]:
    """Baselines that use attentions or gradients."""
    needs = {"attentions", "gradients"}
    return _methods(lambda method: needs & method.all_needs and "states" not in method.all_needs)


def perturbation() -> tuple[str, ...]:
    """Baselines that change the picture and use only the model's output."""
    return _methods(lambda method: method.all_needs == {"pictures"})


def bases() -> tuple[str, ...]:
    """Baselines that can be the base of MSEA and ARC."""
    return tuple(name for name in (*white_box(), *perturbation()) if name not in NOT_A_BASE)


def light_bases() -> tuple[str, ...]:
    """The bases that need few passes."""
    return tuple(name for name in bases() if name not in MANY_PASSES)


def compose(names: Iterable[str]) -> tuple[str, ...]:
    """MSEA, then ARC, with each of some methods as base.

    Example:
        >>> compose(["rise"])
        ('msea(base=rise)', 'arc(base=rise)')
    """
    listed = tuple(names)
    return tuple(f"{outer}(base={name})" for outer in ("msea", "arc") for name in listed)


def with_fills(metrics: Iterable[str]) -> tuple[str, ...]:
    """Metrics with a fill once for each fill; other metrics unchanged.

    Example:
        >>> with_fills(["cost", "deletion"])
        ('cost', 'deletion(fill=blur)', 'deletion(fill=mean)', 'deletion(fill=noise)')
    """
    return tuple(
        spec
        for name in metrics
        for spec in ([f"{name}(fill={fill})" for fill in FILLS] if name in PIXEL_CURVES else [name])
    )


def quick() -> BenchConfig:
    """The paper's methods, ours and the controls on one model: a few minutes."""
    return _suite(
        "quick",
        models=MODELS[:1],
        methods=(*controls(), *state_methods()),
        metrics=("overlap", "pointing-game", "energy", "deletion", "cost"),
        limit=8,
        words=1,
    )


def paper() -> BenchConfig:
    """All methods on three families: overlap, faithfulness and erasure."""
    return _suite(
        "paper",
        methods=all_methods(),
        metrics=(
            *("overlap", "pointing-game", "energy", "auc"),
            *(*PIXEL_CURVES, "erasure", "scale-stability"),
        ),
        limit=20,
        words=1,
    )


def cost() -> BenchConfig:
    """Time, memory and passes of every method, all words explained."""
    return _suite(
        "cost",
        methods=all_methods(),
        metrics=("cost",),
        limit=5,
        words=1,
    )


def sanity() -> BenchConfig:
    """Do maps change with the model's weights and the word, and not with a little noise?"""
    return _suite(
        "sanity",
        methods=(*controls(), *state_methods(), *white_box()),
        metrics=SANITY_CHECKS,
        limit=6,
        words=1,
    )


def claims() -> BenchConfig:
    """Is the paper's method better than TAM, and ours better still? Many scenes, few methods."""
    return _suite(
        "claims",
        methods=(*state_methods(), "gradient-attention", "attn-lrp"),
        metrics=("overlap", "auc", *with_fills(PIXEL_CURVES)),
        limit=100,
        words=2,
    )


def readings() -> BenchConfig:
    """Both readings of the paper's aggregation, with and without the filter, and TAM."""
    return _suite("readings", **_READINGS, limit=60)


def shares() -> BenchConfig:
    """The default, its parts and MSEA over it, beside the strongest others. Many scenes."""
    base = "logit-shares"
    return _suite(
        "shares",
        methods=(
            *("logit-lens", "tam", "arc", "intra-modal(window=None)", "corroborated"),
            *("gradient-attention", "attn-lrp", base, f"{base}(hops=1)"),
            f"msea(base={base}, scales=(1, 1.5))",
        ),
        metrics=("overlap", "pointing-game", "auc", *PIXEL_CURVES),
        limit=100,
        words=1,
        reference=base,
    )


def ablation() -> BenchConfig:
    """Ablations: one change at a time, on training scenes; the defaults are chosen by it."""
    return _suite(
        "ablation",
        methods=_ablations(),
        metrics=("overlap", "deletion"),
        limit=60,
        words=2,
        data=("testbed:split=train",),
        reference="intra-modal",
    )


def composed() -> BenchConfig:
    """What MSEA and ARC change with each baseline as their base."""
    return _suite(
        "composed",
        methods=("logit-lens", "msea", "arc", *light_bases(), *compose(light_bases())),
        metrics=("overlap", "deletion"),
        limit=20,
        words=1,
        reference="logit-lens",
    )


def context() -> BenchConfig:
    """Does a word depend on the earlier words that a method ranks high? Deletes and keeps them."""
    return _suite(
        "context",
        methods=(*controls(), *state_methods(), *CONTEXT_BASELINES),
        metrics=CONTEXT_CURVES,
        limit=40,
        words=2,
    )


def hallucination() -> BenchConfig:
    """Do scores find the words that the picture does not support? On biased models, by habit."""
    from seewhy.testbed.habits import HABITS
    from seewhy.testbed.pretrained import pretrained

    models = tuple(name for name in HABITS if name in pretrained())
    return _suite(
        "hallucination",
        models=models,
        methods=state_methods(),
        metrics=("hallucination", "hallucination-baselines", "hallucination-detectors"),
        limit=100,
        words=8,
        data=tuple(f"testbed:habit={HABITS[name].name}" for name in models),
        answers="own",
        pairs=True,
    )


def full() -> BenchConfig:
    """Every method and metric on all held-out scenes, for a cluster or a night."""
    from seewhy.metrics import METRICS

    names = (metric.name for metric in METRICS if _ships_with_seewhy(metric))
    return _suite(
        "full",
        methods=(*all_methods(), *compose(bases())),
        metrics=with_fills(_sorted(names, METRIC_ORDER)),
        words=3,
    )


def emoji_claims() -> BenchConfig:
    """The paper's claim in every reading, on scenes of emoji: overlap, many scenes."""
    return _emoji_suite(
        "emoji-claims",
        methods=(
            *(*controls(), "logit-lens", "tam", "tam(published=True)", "tam(window=None)"),
            *("msea", "arc"),
            *("intra-modal", "intra-modal(window=None)"),
            *(f"intra-modal(scales={scales})" for scales in PAPER_SCALES),
            *(f"intra-modal(scales={scales}, window=None)" for scales in PAPER_SCALES),
            *("logit-shares", "msea(base=logit-shares, scales=(1, 1.5))"),
        ),
        metrics=("overlap", "pointing-game", "auc"),
        limit=30,
        words=1,
    )


def emoji_readings() -> BenchConfig:
    """Both readings of the paper's aggregation, with and without the filter, and TAM."""
    return _emoji_suite("emoji-readings", **_READINGS, limit=20)


def emoji_faithfulness() -> BenchConfig:
    """The paper's method, TAM, and the default on scenes of emoji: deletion."""
    return _emoji_suite(
        "emoji-faithfulness",
        methods=("tam", "intra-modal", "intra-modal(window=None)", "logit-shares"),
        metrics=("deletion",),
        limit=12,
        words=1,
        data=(f"{EMOJI}:captions=1",),
    )


def emoji_methods() -> BenchConfig:
    """Baselines with gradients, `corroborated` and the default on scenes of emoji: few scenes."""
    return _emoji_suite(
        "emoji-methods",
        methods=(
            *("logit-lens", "tam", "intra-modal(window=None)", "corroborated", "logit-shares"),
            *("attention", "gradient-attention", "attn-lrp"),
        ),
        metrics=("overlap", "pointing-game", "auc"),
        limit=6,
        words=1,
        data=(f"{EMOJI}:captions=1",),
    )


def emoji_ablation() -> BenchConfig:
    """k, p, scales and filter windows on scenes of emoji, 12 x 12 cells; training scenes."""
    return _emoji_suite(
        "emoji-ablation",
        methods=_emoji_ablations(("(0.5, 1)", "(0.75, 1, 1.25)", "(1, 1.5)", *PAPER_SCALES)),
        metrics=("overlap", "auc"),
        limit=15,
        words=1,
        data=(f"{EMOJI}:split=train",),
        reference="intra-modal",
    )


def emoji_ablation_fine() -> BenchConfig:
    """The same on pictures of twice the size, 24 x 24 cells."""
    return _emoji_suite(
        "emoji-ablation-fine",
        methods=_emoji_ablations(("(0.5, 1)", "(0.5, 0.75, 1)")),
        metrics=("overlap", "auc"),
        limit=8,
        words=1,
        data=(f"{EMOJI}:split=train,scale=2",),
        reference="intra-modal",
    )


def emoji_composed() -> BenchConfig:
    """What MSEA and ARC change with a few baselines as their base, on scenes of emoji."""
    bases = ("logit-shares", "attention")
    return _emoji_suite(
        "emoji-composed",
        methods=("logit-lens", "msea", "arc", *bases, *compose(bases)),
        metrics=("overlap", "auc"),
        limit=12,
        words=1,
        reference="logit-lens",
    )


def emoji_context() -> BenchConfig:
    """Does a word depend on the earlier words that a method ranks high? On scenes of emoji."""
    return _emoji_suite(
        "emoji-context",
        methods=("random", "tam", "arc", "logit-shares", "attention"),
        metrics=CONTEXT_CURVES,
        limit=10,
        words=1,
        data=(f"{EMOJI}:captions=1",),
    )


def emoji_hallucination() -> BenchConfig:
    """Do scores find what a model invents by itself? Own answers about scenes of emoji."""
    return _emoji_suite(
        "emoji-hallucination",
        methods=("logit-lens", "tam", "arc", "intra-modal(window=None)", "logit-shares"),
        metrics=("hallucination", "hallucination-baselines", "hallucination-detectors"),
        limit=40,
        words=8,
        data=(f"{EMOJI}:captions=2",),
        answers="own",
        reference="logit-shares",
    )


def emoji_habit() -> BenchConfig:
    """Do scores find what a habit adds? Own answers of the biased smol model."""
    from seewhy.testbed.emoji.habits import EMOJI_HABITS
    from seewhy.testbed.pretrained import pretrained

    models = tuple(name for name in EMOJI_HABITS if name in pretrained())
    return _emoji_suite(
        "emoji-habit",
        models=models or tuple(EMOJI_HABITS),
        methods=("logit-lens", "tam", "arc", "intra-modal(window=None)", "logit-shares"),
        metrics=("hallucination", "hallucination-baselines", "hallucination-detectors"),
        limit=40,
        words=8,
        data=tuple(f"{EMOJI}:captions=2,habit={EMOJI_HABITS[name].name}" for name in models),
        answers="own",
        reference="logit-shares",
    )


def emoji_sanity() -> BenchConfig:
    """Do maps change with weights and words, and not with noise? On scenes of emoji."""
    return _emoji_suite(
        "emoji-sanity",
        methods=(*controls(), "logit-lens", "tam", "arc", "intra-modal", "logit-shares"),
        metrics=SANITY_CHECKS,
        limit=3,
        words=1,
        data=(f"{EMOJI}:captions=1",),
    )


def emoji_cost() -> BenchConfig:
    """Time, memory and passes of methods of few passes, on scenes of emoji."""
    return _emoji_suite(
        "emoji-cost",
        methods=(*state_methods(), "attention", "gradient-attention", "attn-lrp"),
        metrics=("cost",),
        limit=2,
        words=1,
        data=(f"{EMOJI}:captions=1",),
    )


SUITES: dict[str, Callable[[], BenchConfig]] = {
    suite.__name__.replace("_", "-"): suite
    for suite in (
        *(quick, paper, cost, sanity, claims, readings, shares, ablation),
        *(composed, context, hallucination, full),
        *(emoji_claims, emoji_readings, emoji_faithfulness, emoji_methods),
        *(emoji_ablation, emoji_ablation_fine),
        *(
            emoji_composed,
            emoji_context,
            emoji_hallucination,
            emoji_habit,
            emoji_sanity,
            emoji_cost,
        ),
    )
}
"""The values of `--suite`, and the function of each."""


def suite_of(name: str) -> BenchConfig:
    """The config of a suite.

    Raises:
        UnknownNameError: if there is no such suite; near matches are given.
    """
    if name not in SUITES:
        raise UnknownNameError(unknown_name_message("suite", name, tuple(SUITES)))
    return SUITES[name]()


def resolve(config: BenchConfig) -> BenchConfig:
    """Fill a config's values of None from its suite.

    The suite's reference is used if it is among the methods, else the first method. Where the suite
    has pairs of models and data, naming some of its models takes their data, and the reverse.

    Raises:
        UnknownNameError: if there is no such suite or method; near matches are given.
        ParameterError: if the reference is not among the methods.
    """
    suite = suite_of(config.suite)
    config = replace(config, **_paired(config, suite))
    # Most suites set no dtype, so a config without one keeps the checkpoint's.
    missing = {f.name for f in fields(config) if getattr(config, f.name) is None}
    filled = replace(config, **{name: getattr(suite, name) for name in missing})
    return replace(filled, reference=_reference(filled, required="reference" not in missing))


def _paired(config: BenchConfig, suite: BenchConfig) -> dict[str, Any]:
    """Models, data and pairs of a config, from those of its suite where the suite has pairs."""
    if not suite.pairs or config.pairs is not None:
        return {}
    pairs = list(zip(suite.models or (), suite.data or (), strict=True))
    models, data = (None if part is None else list(part) for part in (config.models, config.data))
    kept = [pair for pair in pairs if pair[0] in (models or [pair[0]])]
    kept = [pair for pair in kept if pair[1] in (data or [pair[1]])]
    known = models in (None, [m for m, _ in kept]) and data in (None, [d for _, d in kept])
    if not known or not kept:
        return {"pairs": False}
    return {"models": [m for m, _ in kept], "data": [d for _, d in kept], "pairs": True}


def _suite(name: str, **values: Any) -> BenchConfig:
    """A config with every value, often without a dtype; most suites share some of them."""
    shared = {"models": MODELS, "data": ("testbed",), "answers": "reference", "reference": "tam"}
    shared["pairs"] = False
    return BenchConfig(name, **{**shared, **values})


def _emoji_suite(name: str, **values: Any) -> BenchConfig:
    """A config on scenes of emoji, for the models that know them."""
    from seewhy.testbed.pretrained import pretrained

    shipped = tuple(model for model in EMOJI_MODELS if model in pretrained())
    # Without any, the plan says that there is no such model. They are stored in bfloat16.
    shared = {"models": shipped or EMOJI_MODELS[:1], "data": (EMOJI,), "dtype": "float32"}
    return _suite(name, **{**shared, **values})


def _reference(config: BenchConfig, required: bool) -> str | None:
    from seewhy.bench.specs import label_of, method_of

    labels = [label_of(method_of(method)) for method in config.methods or ()]
    if config.reference in labels:
        return config.reference
    if required:
        raise ParameterError(
            f"Expected the reference among the methods ({', '.join(labels)}), got "
            f"{config.reference!r}: add it to them, or choose one of them."
        )
    return labels[0] if labels else None


def _methods(condition: Callable[[Method], Any]) -> tuple[str, ...]:
    """Specs of seewhy's methods that meet a condition; the fallback's spec follows its method."""
    from seewhy.methods import FALLBACK, METHODS, create

    methods = (create(m.name) for m in METHODS if _ships_with_seewhy(m))
    names = _sorted((method.name for method in methods if condition(method)), METHOD_ORDER)
    variant = FALLBACK.partition("(")[0]
    return tuple(spec for name in names for spec in (name, *[FALLBACK] * (name == variant)))


def _ships_with_seewhy(entry: type) -> bool:
    return entry.__module__.partition(".")[0] == "seewhy"


def _sorted(names: Iterable[str], order: Sequence[str]) -> list[str]:
    ranks = {name: rank for rank, name in enumerate(order)}
    return sorted(names, key=lambda name: (ranks.get(name, len(order)), name))


def _ablations() -> tuple[str, ...]:
    """The parts; then the paper's method, without its filter, and ours, one change at a time."""
    from seewhy.methods import FALLBACK

    base, ours = "intra-modal", "corroborated"
    scales = ("(0.5, 1)", "(1, 1.5)", "(1, 2)", "(0.5, 1, 1.5)", "(0.75, 1, 1.25)")
    return (
        *("logit-lens", "tam(window=None)", "tam", "msea", "arc", "arc(window=3)", base),
        f"{base}(window=5)",
        *(f"{base}(variant={variant})" for variant in ("inverse", "threshold")),
        f"{base}(weights=consistency)",
        *(f"{base}(k={k})" for k in (5, 10, 20, 100, 200)),
        *(f"{base}(p={p})" for p in (0.5, 0.7, 0.8, 0.95, 0.99)),
        FALLBACK,
        f"{base}(variant=inverse, window=None)",
        *(f"{base}(scales={values}, window=None)" for values in scales),
        ours,
        *(f"{ours}(exponent={q})" for q in (0.1, 0.2, 0.5, 1)),
        *(f"{ours}(base={name})" for name in ("logit-lens", "tam", "intra-modal")),
        f"{ours}(base={base}(variant=inverse, window=None))",
        *(f"{ours}(relevance={name})" for name in ("gradient-attention", "input-x-gradient")),
    )


def _emoji_ablations(scales: Iterable[str]) -> tuple[str, ...]:
    """The paper's method, one change at a time, with and without its filter."""
    base = "intra-modal"
    return (
        *("logit-lens", "tam", "tam(window=None)", "tam(window=5)", "msea", "arc", base),
        *(f"{base}(window={window})" for window in (5, 7)),
        *(f"{base}(k={k})" for k in (10, 200, 1000)),
        *(f"{base}(p={p})" for p in (0.8, 0.98)),
        f"{base}(window=None)",
        *(f"{base}(k={k}, window=None)" for k in (10, 200, 1000)),
        *(f"{base}(p={p}, window=None)" for p in (0.8, 0.98)),
        *(f"{base}(variant={variant}, window=None)" for variant in ("inverse", "threshold")),
        *(f"{base}(scales={values}, window=None)" for values in scales),
    )
