"""Region search: the few regions that suffice for a token and without which it goes, greedily."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.functional.perturbation import Fill
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._perturbation import (
    PerturbedView,
    expect_at_least,
    expect_fill,
    perturbed_views,
    picture_attribution,
    superpixels,
)


@dataclass(frozen=True)
class RegionSearch(Method):
    r"""Superpixels are chosen one by one, each time the one that raises the objective most.

    $$F_i(S) = p_i(\text{only } S \text{ shown}) + 1 - p_i(\text{all but } S \text{ shown})$$

    The r-th region's score is what the objective still gains from it on, the sum of the gains of
    the regions r, r + 1, ...: it falls in the order of choice and ends at 0. The search ends after
    `steps` regions, or where none raises the objective.

    It pays for each token that is wanted, up to 2 (V + (V - 1) + ...) readings for V regions; what
    tokens have in common is read once. Other tokens' maps are empty.

    Source: after EAGLE (Chen et al. 2026), of which the abstract was at hand: an objective of
    sufficiency and indispensability, and greedy search over sparsified regions. Ours and maybe
    not theirs: probabilities as the two scores, added with equal weight; SLIC superpixels, their
    number, the mean colour; the early end; and how scores come of gains.

    Attributes:
        segments: superpixels to aim at in each picture.
        steps: regions that are chosen at most.
        fill: what covers the others: `"mean"` the mean colour, `"blur"`, or `"noise"`.
        seed: of the noise.
    """

    name: ClassVar = "region-search"
    summary: ClassVar = (
        "Greedy choice of up to 8 of 16 superpixels that suffice and cannot be spared."
    )
    citations: ClassVar = ("chen2026eagle", "achanta2012slic")
    needs: ClassVar = frozenset({"pictures"})

    segments: int = 16
    steps: int = 8
    fill: Fill = "mean"
    seed: int = 0

    def __post_init__(self) -> None:
        expect_at_least("segments", self.segments, 2)
        expect_at_least("steps", self.steps, 1)
        expect_fill(self.fill)

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain every token of the answer that is wanted."""
        pictures = perturbed_views(evidence, self.name, self.fill, self.seed)
        prompt = len(evidence.trace.prompt_tokens)
        selected = [place - prompt for place in evidence.selected if place >= prompt]
        maps = [self._map(picture, selected) for picture in pictures]
        return picture_attribution(evidence, maps, self.name)

    def _map(self, picture: PerturbedView, selected: list[int]) -> Tensor:
        """float32 `[token, height, width]`."""
        parts = superpixels(picture.image, self.segments)
        scores = search(Subsets(picture, parts), selected, self.steps)
        return torch.einsum("tp,phc->thc", scores, picture.means(parts))


@dataclass(frozen=True, eq=False)
class Subsets:
    """How probable the answer's tokens are when only some regions are shown; each is read once.

    Attributes:
        picture: to read.
        parts: bool `[region, height, width]`.
    """

    picture: PerturbedView
    parts: Tensor
    _known: dict[frozenset[int], Tensor] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """Of the answer."""
        return len(self.picture.session.ids)

    @property
    def everything(self) -> frozenset[int]:
        """All regions."""
        return frozenset(range(len(self.parts)))

    def read(self, subsets: Iterable[frozenset[int]]) -> None:
        """Read those that are not known, together."""
        new = [one for one in dict.fromkeys(subsets) if one not in self._known]
        found = self.picture.read(self.parts[sorted(one)].any(0) for one in new).exp()
        self._known.update(zip(new, found, strict=True))

    def probability(self, subset: frozenset[int], token: int) -> float:
        """p(token | only the subset shown), of a subset that was read."""
        return float(self._known[subset][token])


def search(subsets: Subsets, tokens: list[int], steps: int) -> Tensor:
    """The scores of regions for some tokens, by greedy choice.

    All tokens take a step at the same time, so that their readings go through the model together.

    Args:
        subsets: gives `tokens`, `everything`, `read` and `probability`.
        tokens: places in the answer.
        steps: regions that are chosen at most.

    Returns:
        float32 `[token, region]`, of all tokens of the answer, 0 for those not asked for.
    """
    everything = subsets.everything

    def objective(chosen: frozenset[int], token: int) -> float:
        rest = everything - chosen
        return subsets.probability(chosen, token) + 1 - subsets.probability(rest, token)

    scores = torch.zeros(subsets.tokens, len(everything))
    if not tokens:
        return scores
    subsets.read([frozenset(), everything])
    chosen = dict.fromkeys(tokens, frozenset[int]())
    gains: dict[int, list[tuple[int, float]]] = {token: [] for token in tokens}
    searching = list(tokens)
    for _ in range(min(steps, len(everything))):
        tried = {
            t: [chosen[t] | {one} for one in sorted(everything - chosen[t])] for t in searching
        }
        larger = [one for some in tried.values() for one in some]
        subsets.read([*larger, *(everything - one for one in larger)])
        going_on = []
        for token in searching:
            best = max(tried[token], key=lambda one, token=token: objective(one, token))
            gain = objective(best, token) - objective(chosen[token], token)
            if gain > 0:
                (region,) = best - chosen[token]
                gains[token].append((region, gain))
                chosen[token] = best
                going_on.append(token)
        searching = going_on
    for token, steps_taken in gains.items():
        still = 0.0
        for region, gain in reversed(steps_taken):
            still += gain
            scores[token, region] = still
    return scores
