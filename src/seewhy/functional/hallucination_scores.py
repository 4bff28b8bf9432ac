"""Published scores of words that the picture may not support, from states and attention.

Each formula is that of its paper and of its authors' code; what either leaves open is marked as our
reading. Low values mean "unsupported", except for `attention_dispersion`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from seewhy.core.axes import expect_axes


def token_probabilities(logits: Tensor, ids: Tensor, temperature: float = 1.0) -> Tensor:
    r"""Probabilities of some tokens under the logit lens of each state.

    $$p_v(c) = \mathrm{softmax}(\tau\, z_v)_c$$

    Args:
        logits: z, float `[row, vocab]`.
        ids: int64 `[token]`.
        temperature: the factor of the logits.

    Returns:
        `[token, row]`, at least float32, in [0, 1].

    Example:
        >>> token_probabilities(torch.zeros(1, 4), torch.tensor([2])).tolist()
        [[0.25]]
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32)) * temperature
    chosen = logits[:, ids.to(logits.device)]
    return (chosen - logits.logsumexp(-1, keepdim=True)).exp().T


def summed_visual_attention(attention: Tensor) -> Tensor:
    r"""SVAR: the attention of a word to the picture, summed over layers.

    $$\sum_{l} \frac{1}{H} \sum_h \sum_v A^{l,h}_{v}$$

    Args:
        attention: float `[layer, ..., visual]`, means over heads, of the chosen layers.

    Returns:
        `[...]`, from 0 to the number of layers.

    Source:
        Jiang et al., "Devils in Middle Layers of Large Vision-Language Models" (CVPR 2025, arXiv
        2411.16724): layers 5 to 18 of 32, counted from 0. Where it is written as a sum over heads,
        it is H times as large, which no statistic of ranks sees.

    Example:
        >>> summed_visual_attention(torch.tensor([[[0.25, 0.5]], [[0.0, 0.25]]])).tolist()
        [1.0]
    """
    return attention.sum(-1).sum(0)


def contextual_lens(words: Tensor, patches: Tensor) -> Tensor:
    r"""ContextualLens: the largest cosine of a word's mean state and a patch's state.

    $$\max_v \cos\left(\tfrac{1}{|T|} \sum_{t \in T} h^{l_T}_t,\; h^{l_I}_v\right)$$

    Args:
        words: float `[token, hidden]`, states at the tokens' own positions.
        patches: float `[visual, hidden]`, states of visual tokens, perhaps of another layer.

    Returns:
        A scalar in [-1, 1].

    Source:
        Phukan et al., "Beyond Logit Lens" (NAACL 2025, arXiv 2411.19187).

    Example:
        >>> patches = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
        >>> round(float(contextual_lens(torch.tensor([[0.0, 2.0], [2.0, 0.0]]), patches)), 4)
        1.0
    """
    expect_axes(patches, "visual hidden", name="patches", hidden=words.shape[-1])
    return F.cosine_similarity(words.mean(0), patches, dim=-1).max()


def top_patch_similarity(word: Tensor, patches: Tensor, ranking: Tensor, k: int = 32) -> Tensor:
    r"""The mean cosine of a word's state and the states of its k highest-ranked patches.

    $$\frac{1}{|K|} \sum_{v \in K} \cos(h_w, h_v), \quad K = \mathrm{top}_k\, r$$

    Args:
        word: float `[hidden]`.
        patches: float `[visual, hidden]`.
        ranking: r, float `[visual]`, such as the word's probability under the logit lens.
        k: number of patches; all if there are fewer.

    Returns:
        A scalar in [-1, 1].

    Source:
        The local score of GLSim (Park and Li, NeurIPS 2025, arXiv 2508.19972), k = 32.

    Example:
        >>> patches = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
        >>> ranking = torch.tensor([0.9, 0.6, 0.1])
        >>> float(top_patch_similarity(torch.tensor([1.0, 0.0]), patches, ranking, k=2))
        0.5
    """
    visual = expect_axes(patches, "visual hidden", name="patches", hidden=len(word))["visual"]
    expect_axes(ranking, "visual", name="ranking", visual=visual)
    best = ranking.topk(min(k, visual)).indices
    return F.cosine_similarity(word, patches[best], dim=-1).mean()


def global_local_similarity(overall: Tensor, local: Tensor, weight: float = 0.6) -> Tensor:
    r"""GLSim: a word's similarity to the instruction's last state, and to its patches.

    $$w\, s_{\mathrm{global}} + (1 - w)\, s_{\mathrm{local}}$$

    Args:
        overall: the cosine of the states of the word and of the last position before the answer.
        local: `top_patch_similarity`.
        weight: w, in [0, 1].

    Source:
        Park and Li, GLSim (NeurIPS 2025, arXiv 2508.19972); w = 0.6.

    Example:
        >>> float(global_local_similarity(torch.tensor(1.0), torch.tensor(0.5), 0.5))
        0.75
    """
    return weight * overall + (1 - weight) * local


def instruction_lens_score(
    word: Tensor,
    local: Tensor,
    instruction: Tensor,
    probabilities: Tensor,
    *,
    count: int = 4,
    bias: float = 2.0,
    weight: float = 0.4,
) -> Tensor:
    r"""InsLen: a local score that the instruction's tokens calibrate, and context consistency.

    $$(1 - w)\, \max_q p_q\, s_{\mathrm{local}} + w\, \Big(\frac{1}{|K|} \sum_{q \in K} p_q\Big)
    \Big(b - \frac{\lVert h_w - \frac{1}{|K|} \sum_{q \in K} h_q \rVert}{\lVert h_w \rVert}\Big),
    \quad K = \mathrm{top}_n\, p$$

    Args:
        word: h_w, float `[hidden]`.
        local: s_local, `top_patch_similarity`.
        instruction: h_q, float `[text, hidden]`, states of the text after the picture.
        probabilities: p_q, float `[text]`, the word's under the logit lens of those states.
        count: n; all if there are fewer.
        bias: b.
        weight: w, in [0, 1].

    Returns:
        A scalar.

    Source:
        Lai et al., "Instruction Lens Score" (ICML 2026, arXiv 2605.12258). The paper's text was not
        at hand; the formula and the values for LLaVA-1.5-7B are those of the authors' code.

    Example:
        >>> word, state = torch.tensor([1.0, 0.0]), torch.tensor([[1.0, 0.0]])
        >>> local, sure = torch.tensor(1.0), torch.tensor([1.0])
        >>> round(float(instruction_lens_score(word, local, state, sure)), 4)
        1.4
    """
    text = expect_axes(instruction, "text hidden", name="instruction", hidden=len(word))["text"]
    expect_axes(probabilities, "text", name="probabilities", text=text)
    best = probabilities.topk(min(count, len(probabilities)))
    distance = (word - instruction[best.indices].mean(0)).norm() / word.norm()
    calibrated = best.values[0] * local
    return (1 - weight) * calibrated + weight * best.values.mean() * (bias - distance)


def attention_dispersion(
    attention: Tensor, grids: Sequence[Tensor], *, share: float = 0.1, least: int = 3
) -> Tensor:
    r"""ADS of one layer: how much attention lies outside compact bright groups, and how evenly.

    $$(1 - m)\, \frac{H(a_{\mathrm{rest}})}{\log V}$$

    a is the attention over the picture, less its minimum, with the sum 1. The brightest `share` of
    the V visual tokens are the foreground; m is the sum of a over its connected groups (of eight
    neighbours) of at least `least` tokens. H is the entropy of a over all other tokens, with the
    sum 1. It is high where attention is scattered.

    Args:
        attention: float `[..., visual]`, non-negative, the mean over heads.
        grids: for each token grid int64 `[height, width]`, each cell's index on the visual axis.
        share: of the visual tokens.
        least: number of tokens.

    Returns:
        `[...]` in [0, 1]; 1 for constant attention, NaN for fewer than two visual tokens.

    Source:
        Nguyen et al., "Beyond the Global Scores" (CVPR 2026, arXiv 2604.04863), with the values of
        the authors' code. Several grids (tiles) are our reading: groups end at a grid's edge.

    Example:
        >>> attention = torch.zeros(25)
        >>> attention[:3] = 1.0  # three neighbours in the first row
        >>> grid = torch.arange(25).view(5, 5)
        >>> float(attention_dispersion(attention, [grid], share=0.12))
        0.0
    """
    visual = attention.shape[-1]
    if visual < 2:
        return torch.full(attention.shape[:-1], math.nan, device=attention.device)
    shifted = attention - attention.amin(-1, keepdim=True)
    total = shifted.sum(-1, keepdim=True)
    spread = shifted / total
    kept = max(1, round(visual * share))
    foreground = torch.zeros_like(spread, dtype=torch.bool)
    foreground.scatter_(-1, spread.nan_to_num().topk(kept).indices, True)
    rest = spread.masked_fill(foreground, 0)
    left = rest.sum(-1, keepdim=True)
    entropy = torch.special.entr(rest / left.where(left > 0, torch.ones_like(left))).sum(-1)
    compact = _in_large_groups(foreground, grids, least)
    mass = spread.masked_fill(~compact, 0).sum(-1)
    score = (1 - mass) * entropy / math.log(visual)
    return torch.where(total[..., 0] > 0, score, torch.ones_like(score))


def grounding_consistency(words: Tensor, patches: Tensor, share: float = 0.05) -> Tensor:
    r"""CGC of one layer: the mean cosine of a word's state and its most similar patches.

    $$\frac{1}{k} \sum_{v \in K} \cos(h_w, h_v), \quad K = \mathrm{top}_k \cos(h_w, h_v),
    \quad k = \max(1, \mathrm{round}(s V))$$

    Args:
        words: float `[token, hidden]`.
        patches: float `[visual, hidden]`.
        share: s, of the V visual tokens.

    Returns:
        `[token]` in [-1, 1].

    Source:
        Nguyen et al., "Beyond the Global Scores" (CVPR 2026, arXiv 2604.04863), with the share of
        the authors' settings.

    Example:
        >>> patches = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> grounding_consistency(torch.tensor([[0.0, 3.0]]), patches).tolist()
        [1.0]
    """
    visual = expect_axes(patches, "visual hidden", name="patches", hidden=words.shape[-1])["visual"]
    cosines = F.normalize(words, dim=-1) @ F.normalize(patches, dim=-1).T
    return cosines.topk(max(1, round(visual * share)), dim=-1).values.mean(-1)


def connected_groups(mask: Tensor) -> Tensor:
    """Label the connected groups of cells, of eight neighbours each.

    Args:
        mask: bool `[batch, height, width]`.

    Returns:
        int64 `[batch, height, width]`: 0 outside of the mask, else a number that only cells of one
        group share.

    Example:
        >>> connected_groups(torch.tensor([[[True, False, True], [True, False, False]]])).tolist()
        [[[4, 0, 3], [4, 0, 0]]]
    """
    batch, height, width = expect_axes(mask, "batch height width", name="mask").values()
    numbers = torch.arange(1, height * width + 1, dtype=torch.float64, device=mask.device)
    labels = numbers.view(1, height, width).expand(batch, -1, -1) * mask
    while True:  # the largest number of a group spreads by one cell in each round
        spread = F.max_pool2d(labels[:, None], 3, stride=1, padding=1)[:, 0] * mask
        if torch.equal(spread, labels):
            return labels.long()
        labels = spread


def _in_large_groups(mask: Tensor, grids: Sequence[Tensor], least: int) -> Tensor:
    """bool `[..., visual]`: the tokens of a mask whose group on their grid has enough tokens."""
    flat = mask.flatten(0, -2) if mask.ndim > 1 else mask[None]
    result = torch.zeros_like(flat)
    for grid in grids:
        index = grid.flatten().to(mask.device)
        labels = connected_groups(flat[:, index].view(-1, *grid.shape)).flatten(1)
        sizes = torch.zeros(len(labels), labels.shape[1] + 1, dtype=torch.int64, device=mask.device)
        sizes.scatter_add_(1, labels, torch.ones_like(labels))
        result[:, index] = (labels > 0) & (sizes.gather(1, labels) >= least)
    return result.view(mask.shape)
