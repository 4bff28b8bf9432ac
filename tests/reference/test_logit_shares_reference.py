"""Logit shares against their equations, position by position in float64.

The replica records what each attention was called with and what each layer takes and gives, makes
whole attention matrices, and follows the equations with loops. It uses nothing of the method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch

import tiny_llava
import tiny_paligemma
from decoders import llava_with
from painting import noise
from seewhy.core.text import Word
from seewhy.methods import Evidence, create
from seewhy.methods._shares import shares_of
from seewhy.models import load
from seewhy.models.attention import fast_attention, patched_attention
from seewhy.models.contrast import contrasted
from seewhy.models.decoder import decoder_of
from seewhy.models.session import Session

PROMPT = "What is to the left of the red star?"
ANSWER = (40, 41, 42)
CLOSE = {"rtol": 1e-8, "atol": 1e-10}


class Float64Norm(torch.nn.Module):
    """An RMS norm that does not round to float32."""

    def __init__(self, gain: torch.Tensor, epsilon: float) -> None:
        super().__init__()
        self.gain, self.epsilon = torch.nn.Parameter(gain), epsilon

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        mean = states.square().mean(-1, keepdim=True)
        return self.gain * states * (mean + self.epsilon).rsqrt()


@dataclass
class Layer:
    """One layer, from every position: weights, values, and the direction of one token.

    Attributes:
        weights: A `[head, position, position]`.
        values: V `[head, position, dim]`.
        projection: `[hidden, head, dim]`.
        enters: a diagonal `[position, hidden]`: the norm after the projection, or ones.
    """

    weights: torch.Tensor
    values: torch.Tensor
    projection: torch.Tensor
    enters: torch.Tensor


class Replica:
    """A reading of one answer with everything in memory."""

    def __init__(self, loaded: Any, session: Session) -> None:
        self.inputs = session.inputs()
        decoder = decoder_of(loaded.model)
        calls: list[tuple] = []
        projected: list[torch.Tensor] = []
        last: list[torch.Tensor] = []

        def attend(module, query, key, value, mask, **keywords):
            if any(module is layer.self_attn for layer in decoder.layers):
                calls.append((query[0], key[0], value[0], mask, keywords))
            return fast_attention(module, query, key, value, mask, **keywords)

        hooks = [
            layer.self_attn.o_proj.register_forward_hook(lambda m, x, y: projected.append(y[0]))
            for layer in decoder.layers
        ]
        hooks.append(decoder.norm.register_forward_pre_hook(lambda m, x: last.append(x[0][0])))
        with patched_attention(loaded.model, attend):
            session.read(ranking_depth=1)
        for hook in hooks:
            hook.remove()
        self.layers = [
            self._layer(*call, layer, output)
            for call, layer, output in zip(calls, decoder.layers, projected, strict=True)
        ]
        self.final = diagonal(decoder.norm, last[0])

    @staticmethod
    def _layer(query, key, value, mask, keywords, layer, output) -> Layer:
        heads, positions, dim = query.shape
        groups = len(key)
        weights = torch.zeros(heads, positions, positions, dtype=torch.float64)
        for head in range(heads):
            group = head // (heads // groups)
            scores = (query[head] @ key[group].T) * (keywords.get("scaling") or dim**-0.5)
            if (cap := keywords.get("softcap")) is not None:
                scores = cap * torch.tanh(scores / cap)
            if mask is None:
                allowed = torch.ones(positions, positions, dtype=torch.bool).tril()
            else:
                allowed = mask[0, 0]
            scores = torch.where(allowed, scores, -torch.inf)
            sink = keywords.get("s_aux")
            total = scores.exp().sum(-1, keepdim=True)
            if sink is not None:
                total = total + sink[head].double().exp()
            weights[head] = scores.exp() / total
        values = value.repeat_interleave(heads // groups, 0)
        weight = layer.self_attn.o_proj.weight.view(-1, heads, values.shape[-1])
        after = getattr(layer, "pre_feedforward_layernorm", None)
        norm = layer.post_attention_layernorm if after is not None else None
        enters = torch.ones_like(output) if norm is None else diagonal(norm, output)
        return Layer(weights.detach(), values.detach(), weight.detach(), enters.detach())

    def pulled(self, row: torch.Tensor, origin: int) -> list[torch.Tensor]:
        """u of each layer, `[head, dim]`, for a token predicted at `origin`."""
        direction = row * self.final[origin]
        return [
            torch.einsum("i,ihd->hd", direction * layer.enters[origin], layer.projection)
            for layer in self.layers
        ]

    def shares(
        self, row: torch.Tensor, origin: int, hops: int, focus: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What a token took from each visual token and each context token."""
        scores = [
            torch.einsum("hpd,hd->hp", layer.values, u)
            for layer, u in zip(self.layers, self.pulled(row, origin), strict=True)
        ]
        taken = [
            (layer.weights[:, origin] * score).clamp_min(0).sum(0)
            for layer, score in zip(self.layers, scores, strict=True)
        ]
        visual = self.inputs.visual_positions.tolist()
        text = [p for p in range(taken[0].numel()) if p not in set(visual)]
        places = torch.stack([sum(a[v] for a in taken) for v in visual])
        kept = {x: float(sum(a[x] for a in taken)) for x in text}
        if hops == 2:
            passed = torch.zeros_like(places)
            for x in text:
                # What x read of each position in each layer: A <V, u>_+^q, summed over heads.
                read = [
                    (layer.weights[:, x] * score.clamp_min(0) ** focus).sum(0)
                    for layer, score in zip(self.layers, scores, strict=True)
                ]
                for number, amounts in enumerate(taken):
                    below = read[:number]
                    whole = sum((r.sum() for r in below), torch.tensor(0.0).double())
                    if float(whole) == 0:
                        continue
                    for r in below:
                        moved = amounts[x] * r[visual] / whole
                        passed += moved
                        kept[x] -= float(moved.sum())
            places = places + passed
        return places, self._context(scores, kept, origin)

    def _context(self, scores: list, kept: dict[int, float], origin: int) -> torch.Tensor:
        """What named text kept, divided by what the state at the origin is made of."""
        inputs = self.inputs
        visual = set(inputs.visual_positions.tolist())
        positions = [*inputs.prompt_positions.tolist()]
        positions += [inputs.length + n for n in range(len(ANSWER))]
        parts = torch.zeros(self.layers[0].weights.shape[1] + 1, dtype=torch.float64)
        parts[origin] = 1
        for layer, score in reversed(list(zip(self.layers, scores, strict=True))):
            moved = torch.zeros_like(parts)
            for x in range(len(parts) - 1):
                if x in visual or not float(parts[x]):
                    continue
                read = (layer.weights[:, x] * score.clamp_min(0)).sum(0)
                if float(read.sum()):
                    moved[:-1] += parts[x] * read / read.sum()
            parts = (parts + moved) / 2
        named = sum(kept.get(p, 0.0) for p in positions)
        earlier = parts[positions] * torch.tensor([p <= origin for p in positions])
        # The first word of all has nothing before it.
        return named * earlier / earlier.sum() if float(earlier.sum()) else earlier


def diagonal(norm: Any, states: torch.Tensor) -> torch.Tensor:
    """The gain over the root of the mean square, `[position, hidden]`, of an RMS norm."""
    mean = states.square().mean(-1, keepdim=True)
    return (norm.gain * (mean + norm.epsilon).rsqrt()).detach()


def exact_norms(model: Any) -> None:
    """Replace all norms of the language model by those that do not round."""
    decoder = decoder_of(model)
    for parent in [decoder, *decoder.layers]:
        for name, part in list(parent.named_children()):
            if type(part).__name__.endswith("RMSNorm"):
                gain = part.weight.data.double()
                gain = 1 + gain if "Gemma" in type(part).__name__ else gain
                epsilon = getattr(part, "variance_epsilon", getattr(part, "eps", 0.0))
                setattr(parent, name, Float64Norm(gain, epsilon))


def sharpened(loaded: Any) -> Any:
    """Random attention is near uniform, and hides which position was read: make it steep."""
    with torch.no_grad():
        for layer in decoder_of(loaded.model).layers:
            attention = layer.self_attn
            attention.q_proj.weight *= 8
            attention.v_proj.weight *= 4
    exact_norms(loaded.model)
    return loaded


KINDS = {
    "llava": lambda: load(tiny_llava.build(torch.float64)),
    "three layers": lambda: llava_with("LlamaConfig", torch.float64, num_hidden_layers=3),
    "capped, norms after, sliding": lambda: llava_with(
        "Gemma2Config", torch.float64, attn_logit_softcapping=2.0, sliding_window=12
    ),
    "prefix": lambda: load(tiny_paligemma.build(torch.float64)),
}


@pytest.fixture(scope="module", params=KINDS)
def case(request: pytest.FixtureRequest) -> tuple[Any, Session, Replica]:
    loaded = sharpened(KINDS[request.param]())
    session = Session.from_image(loaded, noise(90, 60), PROMPT, ANSWER)
    return loaded, session, Replica(loaded, session)


def origins_of(inputs: Any) -> list[int]:
    positions = [*inputs.prompt_positions.tolist()]
    positions += [inputs.length + n for n in range(len(ANSWER))]
    return [max(0, position - 1) for position in positions]


@pytest.mark.parametrize(("hops", "focus"), [(1, 2.0), (2, 2.0), (2, 0.0), (2, 3.5)])
def test_logit_shares_equal_the_equations(case, hops, focus):
    _, session, replica = case
    evidence = Evidence.from_session(session, ranking_depth=1, start=0)
    found = shares_of(evidence, "this test", hops=hops, focus=focus)
    rows = evidence.trace.unembedding_rows
    for token, origin in enumerate(origins_of(replica.inputs)):
        places, context = replica.shares(rows[token], origin, hops, focus)
        torch.testing.assert_close(found.places[token], places, **CLOSE)
        torch.testing.assert_close(found.context[token], context, **CLOSE)
    assert found.places.dtype == torch.float64
    assert float(found.places.max()) > 0


def test_logit_shares_of_a_contrast_equal_the_equations(case):
    """The direction is the difference of two rows; shares are cut at 0 after that."""
    loaded, session, replica = case
    trace = session.read(ranking_depth=1)
    word = Word("x", 0, 1, (0, 1))
    against = contrasted(loaded, trace, word, 0, 45)
    evidence = Evidence.from_session(session, trace=against)
    found = shares_of(evidence, "this test", hops=2, focus=2.0)
    row = loaded.model.lm_head.weight[ANSWER[0]] - loaded.model.lm_head.weight[45]
    places, context = replica.shares(row.detach(), replica.inputs.length - 1, 2, 2.0)
    torch.testing.assert_close(found.places[0], places, **CLOSE)
    torch.testing.assert_close(found.context[0], context, **CLOSE)


def test_logit_shares_are_densities_of_amounts(case):
    """A map is each token's amount; on one grid of equal cells nothing else is done."""
    _, session, _ = case
    evidence = Evidence.from_session(session, ranking_depth=1)
    (maps,) = create("logit-shares").attribute(evidence).maps
    found = shares_of(evidence, "this test", hops=2, focus=2.0)
    (grid,) = evidence.trace.inputs.base_grids
    torch.testing.assert_close(
        maps, found.places[:, grid.index.flatten()].view_as(maps).float(), rtol=1e-6, atol=0
    )
