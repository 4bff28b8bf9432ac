"""Detectors of unsupported words against slow float64 replicas.

The replicas of the detectors read transformers' own hidden states and eager attention, all layers
at once; ours visits the layers of one pass.
"""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
import torch

from metric_cases import SHIPPED, drawn
from seewhy.functional.hallucination_scores import (
    attention_dispersion,
    connected_groups,
    contextual_lens,
    global_local_similarity,
    grounding_consistency,
    instruction_lens_score,
    summed_visual_attention,
    token_probabilities,
    top_patch_similarity,
)
from seewhy.metrics._detectors import detect
from seewhy.metrics._reruns import session_of
from seewhy.models import load
from seewhy.models.batching import batch


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def softmax(row, temperature=1.0):
    top = max(row)
    weights = [math.exp(temperature * (x - top)) for x in row]
    return [w / sum(weights) for w in weights]


def mean(rows):
    rows = list(rows)
    return sum(rows) / len(rows)


def mean_state(states):
    return [mean(column) for column in zip(*states, strict=True)]


def best_of(ranking, k):
    return sorted(range(len(ranking)), key=lambda n: -ranking[n])[:k]


def local_of(word, patches, ranking, k=32):
    return mean(cosine(word, patches[n]) for n in best_of(ranking, k))


def inslen_of(word, local, instruction, said, count=4, bias=2.0, weight=0.4):
    chosen = best_of(said, count)
    centre = mean_state([instruction[n] for n in chosen])
    distance = math.dist(word, centre) / math.dist(word, [0.0] * len(word))
    calibrated = max(said) * local
    consistency = (bias - distance) * mean(said[n] for n in chosen)
    return (1 - weight) * calibrated + weight * consistency


def groups_of(cells):
    """Connected groups of eight neighbours, by walking."""
    left, groups = set(cells), []
    while left:
        waiting, group = [left.pop()], set()
        while waiting:
            row, column = waiting.pop()
            group.add((row, column))
            around = {(row + a, column + b) for a in (-1, 0, 1) for b in (-1, 0, 1)}
            near = around & left
            left -= near
            waiting += near
        groups.append(group)
    return groups


def dispersion_of(attention, grids, share=0.1, least=3):
    lowest = min(attention)
    total = sum(a - lowest for a in attention)
    if not total:
        return 1.0
    spread = [(a - lowest) / total for a in attention]
    top = set(best_of(spread, max(1, round(len(spread) * share))))
    rest = [a for n, a in enumerate(spread) if n not in top]
    entropy = 0.0
    if sum(rest) > 0:
        entropy = -sum(a / sum(rest) * math.log(a / sum(rest)) for a in rest if a > 0)
    mass = 0.0
    for grid in grids:
        where = {int(n): place for place, n in np.ndenumerate(grid)}
        token = {place: n for n, place in where.items()}
        for group in groups_of([where[n] for n in top if n in where]):
            if len(group) >= least:
                mass += sum(spread[token[place]] for place in group)
    return (1 - mass) * entropy / math.log(len(spread))


def consistency_of(word, patches, share=0.05):
    found = sorted((cosine(word, patch) for patch in patches), reverse=True)
    return mean(found[: max(1, round(share * len(found)))])


def drawn_states(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_lens_probabilities_equal_a_softmax_of_each_row():
    logits, ids = drawn_states(5, 9) * 3, [2, 7]
    found = token_probabilities(logits, torch.tensor(ids), 0.5)
    slow = [[softmax(row, 0.5)[token] for row in logits.tolist()] for token in ids]
    np.testing.assert_allclose(found.numpy(), slow, rtol=1e-12)


def test_similarity_scores_equal_loops():
    words, patches = drawn_states(3, 8), drawn_states(40, 8, seed=1)
    ranking = drawn_states(40, seed=2).softmax(0)
    lens = contextual_lens(words, patches)
    centre = mean_state(words.tolist())
    assert float(lens) == pytest.approx(max(cosine(centre, patch) for patch in patches.tolist()))
    local = top_patch_similarity(words[0], patches, ranking, k=7)
    slow = local_of(words[0].tolist(), patches.tolist(), ranking.tolist(), 7)
    assert float(local) == pytest.approx(slow)
    few = top_patch_similarity(words[0], patches[:5], ranking[:5])
    assert float(few) == pytest.approx(local_of(words[0].tolist(), patches[:5].tolist(), [0] * 5))
    assert float(global_local_similarity(lens, local)) == pytest.approx(
        0.6 * float(lens) + 0.4 * float(local)
    )
    consistent = grounding_consistency(words, patches, 0.1)
    np.testing.assert_allclose(
        consistent.numpy(),
        [consistency_of(word, patches.tolist(), 0.1) for word in words.tolist()],
    )


def test_instruction_lens_score_equals_a_loop():
    word, instruction = drawn_states(8), drawn_states(6, 8, seed=1)
    said = drawn_states(6, seed=2).softmax(0) / 3
    for count in (1, 4, 9):
        found = instruction_lens_score(word, torch.tensor(0.3), instruction, said, count=count)
        slow = inslen_of(word.tolist(), 0.3, instruction.tolist(), said.tolist(), count)
        assert float(found) == pytest.approx(slow)


@pytest.mark.parametrize("seed", range(4))
def test_connected_groups_equal_a_walk(seed):
    rng = random.Random(seed)
    mask = torch.tensor([[[rng.random() < 0.4 for _ in range(9)] for _ in range(7)]] * 2)
    mask[1] = ~mask[1]
    for labels, cells in zip(connected_groups(mask), mask, strict=True):
        places = [tuple(place) for place in cells.nonzero().tolist()]
        found = {}
        for row, column in places:
            found.setdefault(int(labels[row, column]), set()).add((row, column))
        assert 0 not in found
        assert sorted(map(sorted, found.values())) == sorted(map(sorted, groups_of(places)))
        assert not bool(labels[~cells].any())


@pytest.mark.parametrize("seed", range(4))
def test_attention_dispersion_equals_a_loop(seed):
    attention = drawn_states(3, 40, seed=seed).exp()
    attention[0, :] = 0.25
    grids = [torch.arange(24).view(4, 6), 24 + torch.arange(16).view(4, 4).T]
    found = attention_dispersion(attention, grids, share=0.4)
    arrays = [grid.numpy() for grid in grids]
    slow = [dispersion_of(row, arrays, 0.4) for row in attention.tolist()]
    np.testing.assert_allclose(found.numpy(), slow, rtol=1e-12)
    assert slow[0] == 1.0


@pytest.fixture(scope="module", params=["tiny-qwen2-vl", "tiny-llava", "tiny-internvl"])
def scene_case(request):
    loaded = load(SHIPPED.parent / request.param)
    loaded.model.double()
    return drawn(loaded, index=3)


@torch.no_grad()
def test_detectors_equal_replicas_over_transformers_own_states(scene_case):
    """All seven, from hidden states and eager attention of one call of the model itself."""
    session = session_of(scene_case)
    inputs, loaded = session.inputs(), session.loaded
    words = [word.tokens for word in scene_case.words][:6]
    found = detect(session, inputs, words)

    model, before = loaded.model, inputs.length - 1
    tensors = batch(loaded.family, [inputs], [session.ids]).tensors
    model.set_attn_implementation("eager")
    out = model(**tensors, output_hidden_states=True, output_attentions=True, use_cache=False)
    model.set_attn_implementation("sdpa")
    visual = inputs.visual_positions.tolist()
    text = list(range(max(visual) + 1, inputs.length))
    states = [depth[0].tolist() for depth in out.hidden_states]
    logits = [model.lm_head(depth[0]).numpy() for depth in out.hidden_states]
    layers = len(states) - 1
    assert layers == 5
    grids, first = [], 0
    for view in inputs.views:
        grids += [(grid.index + first).numpy() for grid in view.geometry.grids]
        first += view.geometry.visual

    def lens(depth, positions, token, temperature=1.0):
        scores = np.exp(temperature * logits[depth][positions])
        return (scores[:, token] / scores.sum(1)).tolist()

    def at(depth, positions):
        return [states[depth][p] for p in positions]

    def attention(layer, position):
        return out.attentions[layer][0, :, position].mean(0)[visual].tolist()

    for place, tokens in enumerate(words):
        said, position = session.ids[tokens[0]], before + tokens[0]
        ids = [session.ids[token] for token in tokens]
        confidence = max(
            max(lens(depth, visual, token)) for token in ids for depth in range(layers + 1)
        )
        own = mean_state(at(4, [before + 1 + token for token in tokens]))
        overall = cosine(states[4][before], states[5][position])
        local = local_of(states[4][position], at(5, visual), lens(5, visual, said))
        calibrated = local_of(states[5][position], at(4, visual), lens(4, visual, said, 0.1))
        replicas = {
            "negative-internal-confidence": -confidence,
            "negative-svar": -sum(sum(attention(layer, position)) for layer in (1, 2)),
            "negative-contextual-lens": -max(cosine(own, patch) for patch in at(2, visual)),
            "negative-glsim": -(0.6 * overall + 0.4 * local),
            "negative-inslen": -inslen_of(
                states[5][position], calibrated, at(3, text), lens(3, text, said, 0.1)
            ),
            "ads": mean(dispersion_of(attention(layer, position), grids) for layer in (1, 2)),
            "negative-cgc": -mean(
                consistency_of(states[depth][position], at(depth, visual)) for depth in (2, 3)
            ),
        }
        for name, slow in replicas.items():
            assert float(found[name][place]) == pytest.approx(slow, rel=1e-4), (name, place)


def test_summed_visual_attention_counts_every_layer_once():
    attention = drawn_states(4, 3, 6).softmax(-1)
    slow = [sum(sum(layer[word]) for layer in attention.tolist()) for word in range(3)]
    np.testing.assert_allclose(summed_visual_attention(attention).numpy(), slow)
