"""Methods that look inside against their equations, step by step in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import tiny_llava
from painting import noise
from seewhy.functional.rollout import Rollout
from seewhy.methods import Evidence, create
from seewhy.methods._whitebox import WhiteBox
from seewhy.methods.attn_lrp import AttnLRP
from seewhy.methods.grad_cam_plus_plus import channel_weights
from seewhy.methods.integrated_gradients import IntegratedGradients, blank_embeddings
from seewhy.models import load
from seewhy.models.attention import (
    attention_output,
    attention_rows,
    attention_weights,
    patched_attention,
)
from seewhy.models.decoder import (
    decoder_of,
    final_states,
    hook_layer_input,
    layer_input_states,
)
from seewhy.models.gradients import differentiable
from seewhy.models.session import Session

PROMPT = "What is to the left of the red star?"
ANSWER = (40, 41, 42)


@pytest.fixture(scope="module")
def inside():
    """A tiny LLaVA in float64: its language model is a Llama, without biases."""
    loaded = load(tiny_llava.build(torch.float64))
    session = Session.from_image(loaded, noise(90, 60), PROMPT, ANSWER)
    return WhiteBox.of(Evidence.from_session(session, ranking_depth=1), "this test")


def logits_from(inside, embeddings):
    """z_i of every explained token, when these embeddings enter the language model."""
    loaded = inside.session.loaded
    with torch.no_grad(), hook_layer_input(loaded.model, 0, lambda _: embeddings[None]):
        return inside.logits(final_states(loaded, inside.trace.inputs, ANSWER))


def entered(inside):
    return layer_input_states(inside.session.loaded, inside.trace.inputs, ANSWER)


def everywhere(inside, score):
    """`score` of each explained token, with gradients by autograd, one full pass for each token."""
    loaded, found = inside.session.loaded, []
    for number in range(len(ANSWER)):
        leaf = entered(inside).detach().requires_grad_()
        with (
            differentiable(loaded.model),
            hook_layer_input(loaded.model, 0, lambda _, x=leaf: x[None]),
        ):
            logit = inside.logits(final_states(loaded, inside.trace.inputs, ANSWER))[number]
            logit.backward()
        found.append(score(leaf.detach(), leaf.grad))
    return torch.stack(found)


def maps_of(method, inside):
    """`[token, visual]` of the answer, in the order of the visual axis."""
    (maps,) = method.attribute(inside.evidence).maps
    return maps.flatten(1).double()


def at_visual(inside, values):
    return inside.trace.to_grid(values[:, inside.visual].float())[0].flatten(1).double()


def test_logits_are_the_models_own(inside):
    loaded = inside.session.loaded
    tensors = dict(inside.trace.inputs.tensors)
    tensors["input_ids"] = torch.cat([tensors["input_ids"], torch.tensor([ANSWER])], 1)
    tensors["attention_mask"] = torch.ones_like(tensors["input_ids"])
    with torch.no_grad():
        real = loaded.model(**tensors).logits[0]
        ours = inside.logits(final_states(loaded, inside.trace.inputs, ANSWER))
    begin = inside.trace.inputs.length - 1
    expected = [real[begin + at, token] for at, token in enumerate(ANSWER)]
    torch.testing.assert_close(ours, torch.stack(expected), rtol=1e-9, atol=1e-9)


def test_gradients_equal_finite_differences(inside):
    gradients = inside.gradients(lambda states, gradient: gradient)
    x, draw = entered(inside), torch.Generator().manual_seed(0)
    for _ in range(3):
        way = torch.randn(x.shape, generator=draw, dtype=x.dtype)
        # Its norms round to float32, so the step cannot be as small as float64 would have it.
        step = 1e-4 * way
        slope = (logits_from(inside, x + step) - logits_from(inside, x - step)) / 2e-4
        torch.testing.assert_close((gradients * way).sum((1, 2)), slope, rtol=1e-2, atol=1e-2)


def test_input_x_gradient_equals_the_equation(inside):
    expected = everywhere(inside, lambda x, g: (x * g).sum(-1).clamp_min(0))
    torch.testing.assert_close(
        maps_of(create("input-x-gradient"), inside),
        at_visual(inside, expected),
        rtol=1e-4,
        atol=1e-7,
    )


def test_smooth_grad_equals_the_equation(inside):
    method, loaded = create("smooth-grad", samples=3, noise=0.2, seed=5), inside.session.loaded
    x, draw = entered(inside), torch.Generator().manual_seed(5)
    own = x[inside.visual]
    spread = 0.2 * (own.max() - own.min())
    total = torch.zeros(len(ANSWER), *x.shape, dtype=x.dtype)
    for _ in range(3):
        moved = x.clone()
        moved[inside.visual] += spread * torch.randn(own.shape, generator=draw).double()
        for number in range(len(ANSWER)):
            leaf = moved.clone().requires_grad_()
            with (
                differentiable(loaded.model),
                hook_layer_input(loaded.model, 0, lambda _, x=leaf: x[None]),
            ):
                inside.logits(final_states(loaded, inside.trace.inputs, ANSWER))[number].backward()
            assert leaf.grad is not None
            total[number] += leaf.grad / 3
    expected = (total**2).sum(-1).sqrt()
    torch.testing.assert_close(
        maps_of(method, inside), at_visual(inside, expected), rtol=1e-3, atol=1e-6
    )


def test_integrated_gradients_add_up_to_the_difference_of_the_logits(inside):
    """Completeness (Sundararajan et al. 2017, Proposition 1)."""
    method = IntegratedGradients(steps=128)
    x = entered(inside)
    without = x.clone()
    without[inside.visual] = blank_embeddings(inside)
    difference = logits_from(inside, x) - logits_from(inside, without)
    torch.testing.assert_close(method.completed(inside).sum(1), difference, rtol=1e-2, atol=1e-2)
    assert float(difference.abs().min()) > 0.05


def test_integrated_gradients_are_taken_in_the_middle_of_each_step(inside):
    """Two steps: gradients a quarter and three quarters of the way from the grey picture."""
    x, loaded = entered(inside), inside.session.loaded
    way = torch.zeros_like(x)
    way[inside.visual] = x[inside.visual] - blank_embeddings(inside)
    expected = torch.zeros(len(ANSWER), len(x), dtype=x.dtype)
    for share in (0.25, 0.75):
        for number in range(len(ANSWER)):
            leaf = (x - (1 - share) * way).requires_grad_()
            with (
                differentiable(loaded.model),
                hook_layer_input(loaded.model, 0, lambda _, x=leaf: x[None]),
            ):
                inside.logits(final_states(loaded, inside.trace.inputs, ANSWER))[number].backward()
            assert leaf.grad is not None
            expected[number] += (way * leaf.grad).sum(-1) / 2
    found = IntegratedGradients(steps=2).completed(inside)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)


def test_channel_weights_equal_the_equation():
    draw = np.random.default_rng(0)
    states, gradient = draw.normal(size=(2, 5, 7))
    expected = np.zeros(7)
    for d in range(7):
        total = max(sum(states[u, d] for u in range(5)), 0.0)
        for v in range(5):
            g = gradient[v, d]
            alpha = g**2 / (2 * g**2 + g**3 * total) if g > 0 else 0.0
            assert alpha <= 0.5
            expected[d] += alpha * max(g, 0.0)
    found = channel_weights(torch.tensor(states), torch.tensor(gradient))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["grad-cam", "grad-cam-plus-plus", "layer-cam"])
def test_cams_equal_their_equations(inside, name):
    visual = inside.visual

    def score(h, g):
        h, g = h.numpy(), g.numpy()
        own = g[visual]
        if name == "layer-cam":
            values = [
                sum(max(b, 0) * a for a, b in zip(x, y, strict=True))
                for x, y in zip(h, g, strict=True)
            ]
        else:
            if name == "grad-cam":
                weights = sum(own) / len(own)
            else:
                total = np.maximum(h[visual].sum(0), 0)
                positive = np.maximum(own, 0)
                alpha = positive**2 / np.maximum(2 * positive**2 + positive**3 * total, 1e-300)
                weights = (alpha * positive).sum(0)
            values = [x @ weights for x in h]
        return torch.tensor(np.maximum(values, 0))

    expected = everywhere(inside, score)
    torch.testing.assert_close(
        maps_of(create(name, layer=0), inside), at_visual(inside, expected), rtol=1e-3, atol=1e-6
    )


@pytest.mark.parametrize("block", [1, 4, 6])
def test_rollout_equals_the_product_of_matrices(block):
    draw = torch.Generator().manual_seed(0)
    layers = torch.rand(3, 6, 6, generator=draw, dtype=torch.float64).tril()
    product = torch.eye(6, dtype=torch.float64)
    for layer in layers:
        product = (0.25 * torch.eye(6) + 0.75 * layer) @ product
    starts = torch.tensor([5, 2])
    expected = product[starts]
    expected[[0, 1], starts] -= 0.25**3
    rollout = Rollout(starts, 6, 0.25, 0.75, dtype=torch.float64)
    for layer in reversed(layers):
        for rows in torch.arange(6).split(block):
            for which in (slice(0, 1), 1):
                rollout.add(which, rows, layer[rows])
        rollout.end_layer()
    torch.testing.assert_close(rollout.relevance(), expected)


def test_attention_rollout_equals_the_product_of_matrices(inside):
    product = torch.eye(len(entered(inside)), dtype=torch.float64)
    session, everywhere = inside.session, torch.arange(len(product))
    rows = attention_rows(session.loaded, inside.trace.inputs, session.ids, everywhere)
    for layer in rows.double():
        mixed = (layer + torch.eye(len(layer))) / 2
        product = (mixed / mixed.sum(1, keepdim=True)) @ product
    torch.testing.assert_close(
        maps_of(create("attention-rollout"), inside),
        at_visual(inside, product[inside.origins]),
        rtol=1e-4,
        atol=1e-7,
    )


def test_gradient_attention_equals_the_update_of_square_matrices(inside):
    loaded, rows = inside.session.loaded, []
    for number in range(len(ANSWER)):
        heard = []

        def attend(module, query, key, value, mask, heard=heard, **keywords):
            weights = attention_weights(query, key, mask, scaling=keywords["scaling"])
            weights = weights if weights.requires_grad else weights.requires_grad_()
            weights.retain_grad()
            heard.append(weights)
            return attention_output(weights, value)

        with differentiable(loaded.model), patched_attention(loaded.model, attend):
            inside.logits(final_states(loaded, inside.trace.inputs, ANSWER))[number].backward()
        relevance = torch.eye(heard[0].shape[-1], dtype=torch.float64)
        for weights in heard:
            mean = (weights.grad * weights).detach()[0].clamp_min(0).mean(0)
            relevance = relevance + mean @ relevance
        rows.append(relevance[inside.origins[number]])
    torch.testing.assert_close(
        maps_of(create("gradient-attention"), inside),
        at_visual(inside, torch.stack(rows)),
        rtol=1e-4,
        atol=1e-8,
    )


def linear_back(x, weight, relevance):
    """Epsilon rule with epsilon 0: R_i = x_i sum_j w_ji R_j / z_j."""
    z = x @ weight.T
    return x * ((relevance / z) @ weight)


def turned(x):
    """Rotary embeddings pair the first half of the channels with the second."""
    half = x.shape[-1] // 2
    return torch.cat([-x[..., half:], x[..., :half]], -1)


def turned_back(x):
    half = x.shape[-1] // 2
    return torch.cat([x[..., half:], -x[..., :half]], -1)


def normed(norm, x):
    return x / (x.pow(2).mean(-1, keepdim=True) + norm.variance_epsilon).sqrt() * norm.weight


class TokenGrid:
    """One Llama layer, read and carried back by hand."""

    def __init__(self, layer, cos, sin):
        self.layer, self.cos, self.sin = layer, cos, sin
        self.heads = layer.self_attn.config.num_attention_heads

    def split(self, x):
        return x.view(len(x), self.heads, -1).transpose(0, 1)

    def join(self, x):
        return x.transpose(0, 1).flatten(1)

    def read(self, h):
        attention, mlp = self.layer.self_attn, self.layer.mlp
        self.h, self.n = h, normed(self.layer.input_layernorm, h)
        self.q, self.k, self.v = (
            self.split(self.n @ w.weight.T)
            for w in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        self.rq, self.rk = (x * self.cos + turned(x) * self.sin for x in (self.q, self.k))
        self.scale = self.q.shape[-1] ** -0.5
        scores = self.scale * self.rq @ self.rk.transpose(1, 2)
        later = torch.ones(scores.shape[1:]).triu(1).bool()
        self.weights = scores.masked_fill(later, -torch.inf).softmax(-1)
        self.o = self.join(self.weights @ self.v)
        self.written = self.o @ attention.o_proj.weight.T
        self.middle = h + self.written
        self.m = normed(self.layer.post_attention_layernorm, self.middle)
        self.gate, self.up = self.m @ mlp.gate_proj.weight.T, self.m @ mlp.up_proj.weight.T
        self.product = self.gate * self.gate.sigmoid() * self.up
        self.fed = self.product @ mlp.down_proj.weight.T
        self.out = self.middle + self.fed
        return self.out

    def carry_back(self, relevance):
        """Relevance of what entered, and what the softmax took up."""
        attention, mlp = self.layer.self_attn, self.layer.mlp
        product = linear_back(self.product, mlp.down_proj.weight, relevance * self.fed / self.out)
        gate = linear_back(self.m, mlp.gate_proj.weight, product / 2)
        up = linear_back(self.m, mlp.up_proj.weight, product / 2)
        middle = relevance * self.middle / self.out + gate + up
        written = middle * self.written / self.middle
        o = linear_back(self.o, attention.o_proj.weight, written)
        share = self.split(o / self.o)  # R / z of each head's sums A v
        moved = torch.einsum("hij,hjd,hid->hij", self.weights, self.v, share)
        values = torch.einsum("hij,hjd,hid->hjd", self.weights, self.v, share) / 2
        weights = moved / 2
        # The softmax's Taylor expansion, divided by its input, which may be minus infinity.
        below = weights - self.weights * weights.sum(-1, keepdim=True)
        queries = self.rq * self.scale * torch.einsum("hij,hjd->hid", below, self.rk) / 2
        keys = self.rk * self.scale * torch.einsum("hij,hid->hjd", below, self.rq) / 2
        taken = weights.sum() - queries.sum() - keys.sum()
        hook_layer_input = middle * self.h / self.middle
        for relevance, projection, own, rotated in (
            (queries, attention.q_proj, self.q, self.rq),
            (keys, attention.k_proj, self.k, self.rk),
            (values, attention.v_proj, self.v, None),
        ):
            if rotated is not None:
                z = relevance / rotated
                relevance = own * (z * self.cos + turned_back(z * self.sin))
            hook_layer_input = hook_layer_input + linear_back(
                self.n, projection.weight, self.join(relevance)
            )
        return hook_layer_input, taken


@torch.no_grad()
def test_attn_lrp_equals_its_rules_carried_back_by_hand(inside):
    model = inside.session.loaded.model
    decoder, h = decoder_of(model), entered(inside)
    positions = torch.arange(len(h))[None]
    cos, sin = (part[0].double() for part in decoder.rotary_emb(h[None], positions))
    layers = [TokenGrid(layer, cos, sin) for layer in decoder.layers]
    for layer in layers:
        h = layer.read(h)
    final = normed(decoder.norm, h)
    rows = inside.trace.unembedding_rows[-len(ANSWER) :]
    expected, taken = [], torch.zeros(len(ANSWER), dtype=torch.float64)
    for number, row in enumerate(rows):
        origin = inside.origins[number]
        relevance = torch.zeros_like(h)
        relevance[origin] = final[origin] * row
        for layer in reversed(layers):
            relevance, lost = layer.carry_back(relevance)
            taken[number] += lost
        expected.append(relevance.sum(-1))
    found = AttnLRP().signed_relevance(inside)
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-3, atol=1e-4)
    # What arrives, and what the softmax took up, is the logit: nothing else is lost.
    logits = (final[inside.origins] * rows).sum(-1)
    torch.testing.assert_close(found.sum(1) + taken, logits, rtol=1e-3, atol=1e-3)


def early_logits(inside, layer, attend):
    """z_i^(l) of every explained token, by the output of a decoder layer under `attend`."""
    loaded, heard = inside.session.loaded, []
    decoder = decoder_of(loaded.model)
    hook = decoder.layers[layer].register_forward_hook(
        lambda module, arguments, output: heard.append(output[0])
    )
    try:
        with patched_attention(loaded.model, attend):
            final_states(loaded, inside.trace.inputs, ANSWER)
    finally:
        hook.remove()
    states = heard[0] if heard[0].ndim == 2 else heard[0][0]
    normed_states = normed(decoder.norm, states)
    rows = inside.trace.unembedding_rows[-len(ANSWER) :]
    return (normed_states[inside.origins] * rows).sum(-1)


def test_dex_ar_equals_its_equations_with_one_whole_backward_pass_per_token_and_layer(inside):
    loaded, visual = inside.session.loaded, set(inside.visual.tolist())
    layers = len(decoder_of(loaded.model).layers)
    expected = torch.zeros(len(ANSWER), len(entered(inside)), dtype=torch.float64)
    for number, origin in enumerate(inside.origins.tolist()):
        for layer in range(layers):
            heard = {}

            def attend(module, query, key, value, mask, heard=heard, **keywords):
                weights = attention_weights(query, key, mask, scaling=keywords["scaling"])
                weights = weights if weights.requires_grad else weights.requires_grad_()
                weights.retain_grad()
                heard[module.layer_idx] = weights
                return attention_output(weights, value)

            with differentiable(loaded.model):
                early_logits(inside, layer, attend)[number].backward()
            for head in heard[layer].grad[0, :, origin]:
                positive = [max(float(g), 0.0) for g in head[: origin + 1]]
                of_picture = max(g for v, g in enumerate(positive) if v in visual)
                of_text = max(g for v, g in enumerate(positive) if v not in visual)
                for v, g in enumerate(positive):
                    expected[number, v] += max(of_picture - of_text, 0.0) * g
    assert float(expected[:, inside.visual].max()) > 0
    attribution = create("dex-ar").attribute(inside.evidence)
    torch.testing.assert_close(
        attribution.maps[0].flatten(1).double(), at_visual(inside, expected), rtol=1e-4, atol=1e-10
    )
    context = expected[:, inside.text].tril(len(inside.text) - len(ANSWER) - 1).float()
    torch.testing.assert_close(attribution.context, context, rtol=1e-4, atol=1e-10)


def test_llava_cam_equals_its_equations_by_hooks_on_the_norm_before_the_mlp(inside):
    """As in the published code: states and gradients at the output of the layer's second norm."""
    loaded, visual, generator = inside.session.loaded, inside.visual, np.random.default_rng(3)
    layer = decoder_of(loaded.model).layers[0]
    expected = torch.zeros(len(ANSWER), len(visual), dtype=torch.float64)
    for _ in range(2):
        pixels = np.asarray(inside.session.images[0], dtype=np.float32)
        moved = np.clip(pixels + generator.normal(0, 0.2 * 255, pixels.shape), 0, 255)
        session = inside.session.with_images(Image.fromarray(moved.astype(np.uint8)))
        for number in range(len(ANSWER)):
            heard = []

            def listen(module, arguments, output, heard=heard):
                output.requires_grad_()
                output.retain_grad()
                heard.append(output)

            hook = layer.post_attention_layernorm.register_forward_hook(listen)
            with differentiable(loaded.model):
                inside.logits(final_states(loaded, session.inputs(), ANSWER))[number].backward()
            hook.remove()
            states, gradient = heard[0].detach()[0][visual], heard[0].grad[0][visual]
            weights = gradient.clamp_min(0).mean(0)
            cam = (states * weights).mean(1).clamp_min(0)
            expected[number] += cam / cam.max() / 2
    grid = inside.trace.to_grid(expected.float())[0].flatten(1).double()
    method = create("llava-cam", samples=2, noise=0.2, seed=3)
    torch.testing.assert_close(maps_of(method, inside), grid, rtol=1e-4, atol=1e-6)


def test_attention_of_layers_and_heads_equals_their_mean(inside):
    heard = []

    def attend(module, query, key, value, mask, **keywords):
        weights = attention_weights(query, key, mask, scaling=keywords["scaling"])
        heard.append(weights[0])
        return attention_output(weights, value)

    loaded = inside.session.loaded
    with torch.no_grad(), patched_attention(loaded.model, attend):
        final_states(loaded, inside.trace.inputs, ANSWER)
    rows = [
        sum(heard[layer][head, origin] for layer in (0, 1) for head in (1, 2)) / 4
        for origin in inside.origins.tolist()
    ]
    torch.testing.assert_close(
        maps_of(create("attention", layer="0-1", head=(2, 1)), inside),
        at_visual(inside, torch.stack(rows)),
        rtol=1e-5,
        atol=1e-8,
    )


@torch.no_grad()
def test_lens_of_layers_equals_its_equation_with_the_layers_carried_out_by_hand(inside):
    decoder, h = decoder_of(inside.session.loaded.model), entered(inside)
    positions = torch.arange(len(h))[None]
    cos, sin = (part[0].double() for part in decoder.rotary_emb(h[None], positions))
    rows, maps = inside.trace.unembedding_rows[-len(ANSWER) :], []
    for layer in decoder.layers:
        h = TokenGrid(layer, cos, sin).read(h)
        maps.append((rows @ normed(decoder.norm, h)[inside.visual].T).clamp_min(0))
    for spec, expected in (
        ("logit-lens(layer=0)", maps[0]),
        ("logit-lens(layer=-1)", maps[-1]),
        ("logit-lens(layer=(0, 1))", (maps[0] + maps[1]) / 2),
        ("logit-lens", maps[-1]),
    ):
        found = inside.trace.to_grid(expected.float())[0].flatten(1).double()
        torch.testing.assert_close(maps_of(create(spec), inside), found, rtol=1e-4, atol=1e-5)
