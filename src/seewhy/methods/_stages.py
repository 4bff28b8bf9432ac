"""The stages of methods: base map, aggregation, interference, filter.

A stage is a small frozen callable whose fields are its parameters, checked when it is made.
`Pipeline` runs them in order. The base map of MSEA and ARC can be a callable from a trace to maps
of every context token, or a method, which then makes the maps of each scale.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution, ScaleView
from seewhy.core.display import LEAST_RANGE
from seewhy.core.errors import ParameterError
from seewhy.core.geometry import TokenGrid, filled, flatten, resample, unflatten
from seewhy.core.trace import Trace
from seewhy.functional.aggregate_scales import aggregate_scales
from seewhy.functional.interference import context_weights, interference, remove_interference
from seewhy.functional.logit_lens import logit_lens, text_activation
from seewhy.functional.rank_biased_overlap import rank_biased_overlap
from seewhy.functional.rank_gaussian_filter import rank_gaussian_filter
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._parameters import SCALES, Grid, Variant, Weights, expect_choice, expect_scales
from seewhy.methods._scores import (
    LENS,
    BaseMap,
    answer_range,
    context_states,
    joint_range,
    output_of,
    own_range,
    same_text,
    scale_view,
    token_probabilities,
)


@dataclass(frozen=True)
class Aggregation:
    """MSEA: base maps of several scales, brought to one grid and averaged.

    A = sum_s w_s resize(A^(s)) / sum_s w_s. With `"uniform"` all w_s are 1 (our reading of the
    paper's Eq. 4 and 5); with `"consistency"` w_s of an answer's token is p(token | image at scale
    s, same prefix), so a scale at which the token is improbable counts less (ours). The prompt's
    tokens are not predictions: their maps are averaged uniformly.

    Attributes:
        scales: positive, not repeated. The base scale, that of the answer, is always included.
            None takes `SCALES`; of those, one that comes out within 10 % of another is left out,
            and a smaller one takes the place of one that a limit forbids.
        weights: `"uniform"` or `"consistency"`.
        grid: `"base"`: maps are resized to the base scale's grid, bilinearly. `"finest"`: to the
            finest scale's, where a coarser cell fills the cells whose centres it holds.
    """

    scales: tuple[float, ...] | None = (1.0,)
    weights: Weights = "uniform"
    grid: Grid = "base"

    def __post_init__(self) -> None:
        expect_scales(self.scales)
        expect_choice("weights", self.weights, Weights)
        expect_choice("grid", self.grid, Grid)

    @property
    def further(self) -> tuple[float, ...]:
        """The scales other than the base scale."""
        return tuple(s for s in (self.scales or SCALES) if s != 1.0)

    def __call__(
        self,
        evidence: Evidence,
        base: BaseMap | Method,
        first: int = 0,
        selected: Sequence[int] | None = None,
    ) -> tuple[Tensor, tuple[TokenGrid, ...], tuple[ScaleView, ...]]:
        """float32 maps `[text, cell]`, their grids, and each scale's part in them.

        A base map that is a method explains the tokens from `first` on, with maps of the
        `selected` ones; other maps may be empty.
        """
        base_scale = evidence.trace.inputs.scale  # not 1 for a base map at another scale
        traces = evidence.traces((base_scale, *self.further), strict=self.scales is not None)
        native = [_native_maps(base, trace, evidence, first, selected) for trace in traces]
        shares = self._shares(traces)
        grids, bring = native[0].grids, resample
        if self.grid == "finest":
            views = zip(*(maps.grids for maps in native), strict=True)
            grids, bring = tuple(max(view, key=_cells) for view in views), filled
        amounts = isinstance(base, Method) and base.amounts
        maps = aggregate_scales(
            [flatten(maps.on_grids(grids, bring, amounts)) for maps in native], shares
        )
        scales = tuple(
            scale_view(trace, maps.views, share, evidence.explained, evidence.trace)
            for trace, maps, share in zip(traces, native, shares, strict=True)
        )
        return maps, grids, scales

    def _shares(self, traces: Sequence[Trace]) -> Tensor:
        """float32 `[scale, text]`, each token's shares sum to 1."""
        shares = torch.ones(len(traces), len(traces[0].text_tokens))
        if self.weights == "consistency" and len(traces) > 1:
            shares[:, len(traces[0].prompt_tokens) :] = torch.stack(
                [token_probabilities(t.tokens) for t in traces]
            )
        shares[:, shares.sum(0) == 0] = 1.0  # improbable at every scale: uniform
        return (shares / shares.sum(0)).to(traces[0].unembedding_rows.device)


@dataclass(frozen=True, eq=False)
class _NativeMaps:
    """The maps of one scale: for each view float32 `[text, height, width]` on its grid."""

    views: tuple[Tensor, ...]
    grids: tuple[TokenGrid, ...]

    def on_grids(
        self,
        targets: Sequence[TokenGrid],
        bring: Callable[[Tensor, TokenGrid, TokenGrid], Tensor],
        amounts: bool,
    ) -> list[Tensor]:
        """The maps on other grids; amounts are divided like the cells."""
        return [
            bring(view, source, target) * (target.cell_area / source.cell_area if amounts else 1.0)
            for view, source, target in zip(self.views, self.grids, targets, strict=True)
        ]


def _cells(grid: TokenGrid) -> int:
    return grid.index.numel()


def _native_maps(
    base: BaseMap | Method,
    trace: Trace,
    evidence: Evidence,
    first: int,
    selected: Sequence[int] | None,
) -> _NativeMaps:
    """The maps at the trace's scale."""
    grids = trace.inputs.base_grids
    if not isinstance(base, Method):
        return _NativeMaps(trace.to_grid(base(trace, evidence)), grids)
    single = evidence.at_scale(trace.inputs.scale, selected, first)
    found = base.attribute(single)
    evidence.seconds += single.seconds
    views = (torch.cat([view.new_zeros(first, *view.shape[1:]), view]) for view in found.maps)
    return _NativeMaps(tuple(views), found.grids or grids)


@dataclass(frozen=True)
class RankingCorrelation:
    """ARC: how far two context tokens' top-k prediction rankings agree, by rank-biased overlap.

    k = 50 is the paper's; p and the variants are ours.

    Attributes:
        k: depth of the rankings, at least 1 and at most the depth in the trace.
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
                f"Expected k of at most {depth}, the depth of the kept rankings, got "
                f"{self.k}: lower k, or read the image with a ranking depth of {self.k}."
            )
        return rank_biased_overlap(trace.rankings[:, : self.k], self.p)


@dataclass(frozen=True)
class Interference:
    """The part of a token's map that earlier context tokens explain, removed by least squares.

    ECI of TAM: I_i = sum_j w_ij A_j / sum_j w_ij, A_i' = relu(A_i - lambda_i I_i), lambda_i =
    <A_i, I_i> / <I_i, I_i>, over context tokens j before i whose decoded text differs from token
    i's. w_ij is the text activation s_ij; under ARC it also depends on how far the rankings agree,
    and j's relevance to i is rho_ij s_ij (our reading).

    Attributes:
        correlation: ARC's, or None for TAM's.
    """

    correlation: RankingCorrelation | None = None

    def __call__(
        self, maps: Tensor, activation: Tensor, trace: Trace, explained: slice
    ) -> tuple[Tensor, Tensor]:
        """Remove interference from the explained tokens' maps, and compute context relevance.

        Args:
            maps: float32 `[text, cell]`.
            activation: float32 `[text, text]`, 0 on and above the diagonal.
            explained: the explained tokens on the text axis.

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
        cleaned, _ = remove_interference(maps[explained], interference(maps, weights[explained]))
        return cleaned, relevance[explained]


@dataclass(frozen=True)
class RankGaussian:
    """TAM's rank Gaussian filter, in the joint scale of image and text scores.

    The filter's width is std / mean of a window, which changes if a map is shifted. So it is
    applied after the joint scaling, as in TAM, and the result is scaled back.

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
    """Base map, aggregation over scales, removal of interference, filter.

    The scores of a base map that is a method have their own unit, so they are not scaled together
    with the text activations: each token's range begins at 0 and ends at the maximum of its maps,
    or, if they are amounts, at the end of `answer_range`. If such a method has no map of a context
    token (because the token is not selected, or is in the prompt), that token does not interfere.

    Attributes:
        base: maps of single tokens, from a base map or a method.
        aggregation: over scales; by default only the base scale.
        interference: removed from the maps, or None.
        filter: the last step, or None.
        whole_prompt: whether the joint range of a prompt's token includes the scores of all tokens
            of the prompt, as in TAM's published code, or only of those before it.
    """

    base: BaseMap | Method = LENS
    aggregation: Aggregation = Aggregation()
    interference: Interference | None = None
    filter: RankGaussian | None = None
    whole_prompt: bool = False

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
        """Explain the tokens of `evidence.explained`.

        Raises:
            ParameterError: if the trace has foils and the base map cannot contrast words.
        """
        trace, explained = evidence.trace, evidence.explained
        method = self.base if isinstance(self.base, Method) else None
        if method is not None and trace.foils is not None and not method.can_contrast:
            raise ParameterError(
                f"Expected a base map that contrasts words, got {method.name}: leave out the "
                "contrast, or take a base such as logit-lens."
            )
        # Only the token's own map is needed, unless earlier tokens may interfere with it.
        first, selected = explained.start, evidence.selected
        if self.interference is not None:
            first, selected = 0, range(max(selected, default=-1) + 1)
        maps, grids, scales = self.aggregation(evidence, self.base, first, selected)
        activation = text_activation(
            context_states(trace), trace.unembedding_rows, **output_of(trace)
        )
        if self.interference is None:
            maps, relevance = maps[explained], activation[explained]
        else:
            maps, relevance = self.interference(maps, activation, trace, explained)
        low, high = _display_range(method, maps, activation[explained], len(trace.tokens))
        if self.whole_prompt:
            low, high = _with_whole_prompt(trace, explained, low, high)
        views = unflatten(maps, grids)
        if self.filter is not None:
            views = tuple(self.filter(view, low, high) for view in views)
        attribution = Attribution(views, relevance, low, high, scales, grids=grids)
        if method is None or not method.amounts or self.interference is not None:
            return attribution
        return _with_context_of(method.attribute(evidence), attribution)


def _display_range(
    base: Method | None, maps: Tensor, activation: Tensor, answer: int
) -> tuple[Tensor, Tensor]:
    """The display range of maps `[token, cell]`, of which the last `answer` are the answer's."""
    if base is None:
        return joint_range(maps, activation)
    return answer_range(maps, maps[-answer:]) if base.amounts else own_range(maps)


def _with_whole_prompt(
    trace: Trace, explained: slice, low: Tensor, high: Tensor
) -> tuple[Tensor, Tensor]:
    """Ranges `[token]`, those of the prompt's tokens widened by the scores of the whole prompt."""
    prompt = len(trace.prompt_tokens)
    own = range(explained.indices(len(trace.text_tokens))[0], prompt)
    if not own:
        return low, high
    states, rows = trace.text_states[:prompt], trace.unembedding_rows[own.start : prompt]
    biases = None if trace.biases is None else trace.biases[own.start : prompt]
    scores = logit_lens(states, rows, biases, softcap=trace.softcap)
    low, high = low.clone(), high.clone()
    low[: len(own)] = low[: len(own)].minimum(scores.amin(1))
    high[: len(own)] = high[: len(own)].maximum(scores.amax(1))
    return low, high


def _with_context_of(base: Attribution, attribution: Attribution) -> Attribution:
    """An attribution with the context and the visual share of its base map at the base scale.

    The context is shown as the same part of all that was taken.
    """
    parts = base.context / base.high.clamp_min(LEAST_RANGE)[:, None]
    return replace(
        attribution,
        context=parts * attribution.high[:, None],
        visual_share=base.visual_share,
    )


class StagedMethod(Method):
    """A method that is a pipeline of stages. Its base map may be another method."""

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
            object.__setattr__(self, "base", base_map_of(base))
        _ = self._pipeline  # each stage checks its parameters when it is made

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        return self._pipeline(evidence)

    @property
    def reads_visual_states(self) -> bool:
        """True for base maps of the logit lens; else as the base map."""
        base = self._pipeline.base
        return not isinstance(base, Method) or base.reads_visual_states

    @property
    def subtracts_words(self) -> bool:
        """Whether interference is removed, here or in the base map."""
        base = self._pipeline.base
        of_base = isinstance(base, Method) and base.subtracts_words
        return self._pipeline.interference is not None or of_base

    @property
    def further_scales(self) -> tuple[float, ...]:
        """Those of the aggregation, or of the base map."""
        base = self._pipeline.base
        of_base = base.further_scales if isinstance(base, Method) else ()
        return self._pipeline.aggregation.further or of_base

    @property
    def ranking_depth(self) -> int:
        """ARC's k, or 1; or the base map's depth, if that is more."""
        removal, base = self._pipeline.interference, self._pipeline.base
        depth = removal.correlation.k if removal and removal.correlation else 1
        return max(depth, base.ranking_depth) if isinstance(base, Method) else depth


def base_map_of(method: Method) -> BaseMap | Method:
    """The base map of a method that has no other stage, or the method.

    A base map with parameters, such as the logit lens of a layer, stays a method: it has a spec.
    """
    if isinstance(method, StagedMethod) and method.stages == Pipeline(base=method.stages.base):
        base = method.stages.base
        return base if isinstance(base, Method) or base == LENS else method
    return method
