"""The stages of which methods are composed: base map, aggregation, interference, filter.

A stage is a small frozen object whose fields are its parameters, checked when it is made; called,
it does its part of the work. `Pipeline` puts them in a row. Any base map can stand under MSEA and
ARC: a callable from a trace to maps of every context token, or a whole method, which is asked for
the maps of each scale by itself.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution, ScaleView
from seewhy.core.errors import ParameterError
from seewhy.core.geometry import flatten, resample, unflatten
from seewhy.core.text import Token
from seewhy.core.trace import Trace
from seewhy.functional.aggregate_scales import aggregate_scales
from seewhy.functional.interference import context_weights, interference, remove_interference
from seewhy.functional.logit_lens import logit_lens, text_activation
from seewhy.functional.rank_biased_overlap import rank_biased_overlap
from seewhy.functional.rank_gaussian_filter import rank_gaussian_filter
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._parameters import SCALES, Variant, Weights, expect_choice, expect_scales


class BaseMap(Protocol):
    """Where single tokens point, before anything is aggregated or removed."""

    name: ClassVar[str]

    @abstractmethod
    def __call__(self, trace: Trace, model: object | None) -> Tensor:
        """float32 `[text, visual]`, non-negative: what each visual token says for each word."""
        ...


@dataclass(frozen=True)
class LensMap:
    """The logit lens: A_j[v] = relu(H_v . W[c_j]), through the model's own output transform."""

    name: ClassVar[str] = "logit-lens"

    def __call__(self, trace: Trace, model: object | None = None) -> Tensor:
        """float32 `[text, visual]`."""
        return logit_lens(trace.visual_states, trace.unembedding_rows, **output_of(trace))


def output_of(trace: Trace) -> dict[str, Any]:
    """What the lens must know of the model's output, beside rows: biases, soft cap and foils."""
    names = ("biases", "softcap", "foils", "foil_biases")
    return {name: getattr(trace, name) for name in names}


LENS = LensMap()


@dataclass(frozen=True)
class Aggregation:
    """MSEA: base maps of several scales, brought to the base grid and averaged.

    A = sum_s w_s resize(A^(s)) / sum_s w_s. With `"uniform"` all w_s are 1 (our reading of the
    paper's Eq. 4 and 5); with `"consistency"` w_s of an answer's token is p(token | image at scale
    s, same prefix), so that a scale at which the model would not have said it counts less (ours).
    The prompt's tokens were not the model's decision: their maps are averaged uniformly.

    Attributes:
        scales: positive, not repeated. The base scale is always among them, for the model spoke
            there and its map is at hand. None takes `SCALES` and leaves out those that collapse.
        weights: `"uniform"` or `"consistency"`.
    """

    scales: tuple[float, ...] | None = (1.0,)
    weights: Weights = "uniform"

    def __post_init__(self) -> None:
        expect_scales(self.scales)
        expect_choice("weights", self.weights, Weights)

    @property
    def further(self) -> tuple[float, ...]:
        """The scales beside the base."""
        return tuple(s for s in (self.scales or SCALES) if s != 1.0)

    def __call__(
        self,
        evidence: Evidence,
        base: BaseMap | Method,
        first: int = 0,
        selected: Sequence[int] | None = None,
    ) -> tuple[Tensor, tuple[ScaleView, ...]]:
        """float32 maps `[text, cell]` on the base grids, and each scale's share in them.

        A base map that is a method is asked for the tokens from the first on, and pays for those
        wanted; the maps of others are empty.
        """
        home = evidence.trace.inputs.scale  # not 1 where a base map is asked for another scale
        traces = evidence.traces((home, *self.further), strict=self.scales is not None)
        native = [_native(base, trace, evidence, first, selected) for trace in traces]
        shares = self._shares(traces)
        grids = evidence.trace.inputs.base_grids
        maps = aggregate_scales(
            [
                flatten(list(map(resample, own, trace.inputs.base_grids, grids)))
                for own, trace in zip(native, traces, strict=True)
            ],
            shares,
        )
        views = zip(traces, native, shares, strict=True)
        return maps, tuple(
            scale_view(trace, own, share, evidence.explained) for trace, own, share in views
        )

    def _shares(self, traces: Sequence[Trace]) -> Tensor:
        """float32 `[scale, text]`, each token's shares sum to 1."""
        shares = torch.ones(len(traces), len(traces[0].text_tokens))
        if self.weights == "consistency" and len(traces) > 1:
            shares[:, len(traces[0].prompt_tokens) :] = torch.stack(
                [token_probabilities(t.tokens) for t in traces]
            )
        shares[:, shares.sum(0) == 0] = 1.0  # no scale would have said it: none is preferred
        return (shares / shares.sum(0)).to(traces[0].unembedding_rows.device)


def token_probabilities(tokens: Sequence[Token]) -> Tensor:
    """float32 `[token]`, the probability that the model gave each token."""
    return torch.tensor([token.probability for token in tokens])


def _native(
    base: BaseMap | Method,
    trace: Trace,
    evidence: Evidence,
    first: int,
    selected: Sequence[int] | None,
) -> tuple[Tensor, ...]:
    """For each view float32 `[text, height, width]` on the native grid of a trace's scale."""
    if not isinstance(base, Method):
        return trace.to_grid(base(trace, evidence.model))
    single = evidence.at_scale(trace.inputs.scale, selected, first)
    maps = base.attribute(single).maps
    evidence.seconds += single.seconds
    return tuple(torch.cat([one.new_zeros(first, *one.shape[1:]), one]) for one in maps)


def scale_view(trace: Trace, maps: Sequence[Tensor], share: Tensor, own: slice) -> ScaleView:
    """One scale's share, of the explained tokens.

    Args:
        trace: the reading at that scale.
        maps: for each view float32 `[text, height, width]`.
        share: float32 `[text]`.
        own: the explained tokens on the text axis.
    """
    tokens = trace.text_tokens[own]
    ids = torch.tensor([token.id for token in tokens], device=trace.rankings.device)
    return ScaleView(
        scale=trace.inputs.scale,
        input_sizes=trace.inputs.seen,
        maps=tuple(one[own] for one in maps),
        probabilities=token_probabilities(tokens).to(share.device),
        is_top1=trace.rankings[own, 0] == ids,
        weights=share[own],
    )


@dataclass(frozen=True)
class RankingCorrelation:
    """ARC: how far two context tokens' top-k prediction rankings agree, by rank-biased overlap.

    k = 50 is the paper's; p and the variants are ours, for the paper states neither at hand.

    Attributes:
        k: depth of the rankings, at least 1 and at most what the trace holds.
        p: persistence of the rank-biased overlap, in (0, 1).
        variant: how the agreement rho enters the weight of a context token: `"scaled"`
            (1 - rho) s, `"inverse"` 1 - rho, `"threshold"` s where rho is below the threshold.
        threshold: for `"threshold"`, in [0, 1].
    """

    k: int = 50
    p: float = 0.9
    variant: Variant = "scaled"
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1:
            raise ParameterError(
                f"Expected k as a whole number of at least 1, got {self.k!r}: the paper takes 50."
            )
        if not 0 < self.p < 1:
            raise ParameterError(
                f"Expected p between 0 and 1, both excluded, got {self.p!r}: 0.9 puts 86% of the "
                "weight on the first ten ranks."
            )
        if not 0 <= self.threshold <= 1:
            raise ParameterError(f"Expected threshold in [0, 1], got {self.threshold!r}.")
        expect_choice("variant", self.variant, Variant)

    def __call__(self, trace: Trace) -> Tensor:
        """rho: float32 `[text, text]` in [0, 1]."""
        depth = trace.rankings.shape[1]
        if self.k > depth:
            raise ParameterError(
                f"Expected k of at most {depth}, the depth of the rankings that were kept, got "
                f"{self.k}: lower k, or read the image with a ranking depth of {self.k}."
            )
        return rank_biased_overlap(trace.rankings[:, : self.k], self.p)


@dataclass(frozen=True)
class Interference:
    """What a token's map owes to other context tokens, taken off it by least squares.

    ECI of TAM: I_i = sum_j w_ij A_j / sum_j w_ij, A_i' = relu(A_i - lambda_i I_i), lambda_i =
    <A_i, I_i> / <I_i, I_i>, over context tokens j before i whose decoded text differs from token
    i's. w_ij is the text activation s_ij; under ARC it also depends on how far the rankings agree,
    and j's relevance to i is rho_ij s_ij (our reading).

    Attributes:
        correlation: ARC's, or None for TAM's.
    """

    correlation: RankingCorrelation | None = None

    def __call__(
        self, maps: Tensor, activation: Tensor, trace: Trace, own: slice
    ) -> tuple[Tensor, Tensor]:
        """Clean the explained tokens' maps and say how relevant each context token is to them.

        Args:
            maps: float32 `[text, cell]`.
            activation: float32 `[text, text]`, 0 on and above the diagonal.
            own: the explained tokens on the text axis.

        Returns:
            Maps `[token, cell]` and relevance `[token, text]`.
        """
        same = same_text(trace).to(maps.device)
        if self.correlation is None:
            weights, relevance = context_weights(activation, same), activation
        else:
            rho = self.correlation(trace).to(activation.device)
            weights = context_weights(
                activation, same, rho, self.correlation.variant, self.correlation.threshold
            )
            relevance = rho * activation
        cleaned, _ = remove_interference(maps[own], interference(maps, weights[own]))
        return cleaned, relevance[own]


@dataclass(frozen=True)
class RankGaussian:
    """TAM's rank Gaussian filter, in the joint scale of image and text scores.

    The filter's width is std / mean of a window, which is not the same for a shifted map; so it is
    applied where TAM applies it, after the joint scaling, and its result is brought back to the
    raw scale.

    Attributes:
        window: side of the window, odd and at least 3.
    """

    window: int = 3

    def __post_init__(self) -> None:
        odd = isinstance(self.window, int) and self.window >= 3 and self.window % 2 == 1
        if not odd:
            raise ParameterError(
                f"Expected window as an odd number of at least 3, got {self.window!r}: TAM takes "
                "3, None leaves the filter out."
            )

    def __call__(self, maps: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Filter float32 `[token, height, width]`, given each token's joint range `[token]`."""
        low, span = low[:, None, None], (high - low)[:, None, None]
        scaled = (maps - low) / span.clamp_min(torch.finfo(maps.dtype).tiny)
        return rank_gaussian_filter(scaled, self.window) * span + low


@dataclass(frozen=True)
class Pipeline:
    """Base map, aggregation over scales, removal of interference, filter: any of them optional.

    The scores of a base map that is a method are in a unit of their own, so they are not scaled
    together with the text activations: the range of each token is that of its maps, from 0 on.
    Where such a method has no map of a context token (it did not pay for it, or cannot explain the
    prompt), that token does not interfere.

    Attributes:
        base: where single tokens point. A method that is nothing but a base map counts as that.
        aggregation: over scales; by default the base scale alone.
        interference: what to take off the maps, or None.
        filter: the last step, or None.
    """

    base: BaseMap | Method = LENS
    aggregation: Aggregation = Aggregation()
    interference: Interference | None = None
    filter: RankGaussian | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.base, Method):
            if not callable(self.base):
                raise ParameterError(
                    f"Expected base as a method or a base map, got {self.base!r}: give its name "
                    "to seewhy.methods.create, or make it first."
                )
        elif self.aggregation.further and self.base.all_needs & {"scales", "rankings"}:
            raise ParameterError(
                f"Expected a base map of a single scale and no rankings under several scales, got "
                f"{self.base.spec}: aggregate first, as in arc(base=msea)."
            )

    def __call__(self, evidence: Evidence) -> Attribution:
        """Explain every token that is asked for.

        Raises:
            ParameterError: if words are contrasted and the base map cannot.
        """
        trace, own = evidence.trace, evidence.explained
        grids = trace.inputs.base_grids
        method = self.base if isinstance(self.base, Method) else None
        if method is not None and trace.foils is not None and not method.can_contrast:
            raise ParameterError(
                f"Expected a base map that contrasts words, got {method.name}: leave out the "
                "contrast, or take a base such as logit-lens."
            )
        # A token's own map is all that counts, unless others may interfere with it.
        first, selected = own.start, evidence.selected
        if self.interference is not None:
            first, selected = 0, range(max(selected, default=-1) + 1)
        maps, scales = self.aggregation(evidence, self.base, first, selected)
        activation = text_activation(
            context_states(trace), trace.unembedding_rows, **output_of(trace)
        )
        if self.interference is None:
            maps, relevance = maps[own], activation[own]
        else:
            maps, relevance = self.interference(maps, activation, trace, own)
        low, high = own_range(maps) if method else joint_range(maps, activation[own])
        views = unflatten(maps, grids)
        if self.filter is not None:
            views = tuple(self.filter(view, low, high) for view in views)
        return Attribution(views, relevance, low, high, scales)


class StagedMethod(Method):
    """A method that is nothing but a pipeline of stages.

    Its base map may be another method.
    """

    contrastive: ClassVar[bool] = True

    @property
    @abstractmethod
    def stages(self) -> Pipeline:
        """The stages with this method's parameters."""

    @cached_property
    def _pipeline(self) -> Pipeline:
        return self.stages

    def __post_init__(self) -> None:
        if isinstance(base := getattr(self, "base", None), Method):
            object.__setattr__(self, "base", bare(base))
        _ = self._pipeline  # each stage checks its parameters when it is made

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain every token that is asked for."""
        return self._pipeline(evidence)

    @property
    def further_scales(self) -> tuple[float, ...]:
        """Those of the aggregation, or of the base map."""
        base = self._pipeline.base
        own = base.further_scales if isinstance(base, Method) else ()
        return self._pipeline.aggregation.further or own

    @property
    def ranking_depth(self) -> int:
        """ARC's k, or 1; or what the base map looks at, if it is more."""
        removal, base = self._pipeline.interference, self._pipeline.base
        own = removal.correlation.k if removal and removal.correlation else 1
        return max(own, base.ranking_depth) if isinstance(base, Method) else own


def bare(method: Method) -> BaseMap | Method:
    """The base map that a method is, if it is nothing else (such as the logit lens)."""
    if isinstance(method, StagedMethod) and method.stages == Pipeline(base=method.stages.base):
        return method.stages.base
    return method


def context_states(trace: Trace) -> Tensor:
    """`[text, hidden]`: the state at which each context token is scored against later tokens.

    For a token of the prompt it is the state at its own position; for a token of the answer the
    state from which it was predicted, as in TAM's published code. (At its own position the next
    token is predicted: token i's neighbour would be scored by token i's own logit, and would
    outweigh all others.) Where the trace does not hold the state from which the answer's first
    token was predicted, that token counts as irrelevant.
    """
    prompt = len(trace.prompt_tokens)
    states = trace.text_states
    opening = trace.first_prediction_state
    if opening is None:
        opening = states.new_zeros(states.shape[1])
    return torch.cat([states[:prompt], opening[None].to(states), states[prompt:-1]])


def same_text(trace: Trace) -> Tensor:
    """bool `[text, text]`: whether two context tokens decode to the same text.

    Leading space counts, as published (`"star"` and `" star"` differ). Tokens without text of
    their own, such as pieces of one character, are told apart by id.
    """
    numbers: dict[Hashable, int] = {}
    kinds = torch.tensor(
        [numbers.setdefault(t.text or t.id, len(numbers)) for t in trace.text_tokens]
    )
    return kinds[:, None] == kinds[None, :]


def joint_range(maps: Tensor, activation: Tensor) -> tuple[Tensor, Tensor]:
    """Smallest and largest score of each token over the image and its context together (TAM).

    The text scores are the text activations in every method, so that displays compare.

    Args:
        maps: float32 `[token, cell]`.
        activation: float32 `[token, text]`; token i's context is the text before it.

    Returns:
        low and high, float32 `[token]`.
    """
    tokens, text = activation.shape
    later = torch.ones_like(activation, dtype=torch.bool).triu(text - tokens)
    low = activation.masked_fill(later, math.inf).amin(1).minimum(maps.amin(1))
    high = activation.masked_fill(later, -math.inf).amax(1).maximum(maps.amax(1))
    return low, high


def own_range(maps: Tensor) -> tuple[Tensor, Tensor]:
    """0 and the largest score of each token's map, for scores that the text's do not compare with.

    Args:
        maps: float32 `[token, cell]`, non-negative.

    Returns:
        low and high, float32 `[token]`.
    """
    high = maps.amax(1)
    return torch.zeros_like(high), high
