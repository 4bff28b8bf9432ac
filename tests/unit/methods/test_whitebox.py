"""Methods that look inside, on tiny models of several families."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from families import BUILDERS, build, shared
from painting import noise
from seewhy.core.errors import (
    ModelError,
    NonFiniteError,
    ParameterError,
    UnsupportedModelError,
)
from seewhy.functional.rollout import Rollout
from seewhy.images.clips import Clip
from seewhy.methods import METHODS, Evidence, citation, create
from seewhy.methods._whitebox import WhiteBox, expect_finite
from seewhy.methods.dex_ar import filtered_sum
from seewhy.methods.integrated_gradients import blank
from seewhy.methods.llava_cam import noisy
from seewhy.models.decoder import decoder_of, final_states
from seewhy.models.passes import count_passes
from seewhy.models.session import Session

PROMPT = "What is to the left of the red star?"
ANSWER = (40, 41, 42, 43)
CAMS = ("grad-cam", "grad-cam-plus-plus", "layer-cam", "llava-cam(samples=2)")
LOOKS = ("attention", "attention-rollout")
GRADIENTS = (
    *("gradient-attention", "input-x-gradient", "integrated-gradients(steps=2)"),
    *("smooth-grad(samples=2)", "attn-lrp", "dex-ar"),
)
SPECS = (*LOOKS, *CAMS, *GRADIENTS)
#: A Llama under CLIP; Qwen2 with tiles and a thumbnail; a prefix that sees itself; M-RoPE.
FAMILIES = ("llava", "internvl", "paligemma", "qwen2-vl")
#: Hidden states of random weights that point away from every positive gradient.
EMPTY = {("grad-cam-plus-plus", "qwen2-vl"), ("layer-cam", "qwen2-vl")}


@cache
def reading(family):
    session = Session.from_image(shared(family), noise(90, 60), PROMPT, ANSWER)
    return session, session.read(ranking_depth=4)


def evidence_of(family, **options):
    session, trace = reading(family)
    return Evidence.from_session(session, trace=trace, **options)


def evidence_of_all_text(family):
    """The prompt's tokens are explained too."""
    session, trace = reading(family)
    return Evidence.from_session(session, trace=trace, start=0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("spec", SPECS)
def test_method_explains_what_is_wanted_and_nothing_else(spec, family):
    evidence = evidence_of(family)
    text, prompt = len(evidence.trace.text_tokens), len(evidence.trace.prompt_tokens)
    whole = create(spec).attribute(evidence)
    assert [maps.shape for maps in whole.maps] == [
        (len(ANSWER), *grid.shape) for grid in evidence.trace.inputs.base_grids
    ]
    for values in (*whole.maps, whole.context, whole.low, whole.high):
        assert values.dtype == torch.float32
        assert bool(values.isfinite().all())
        assert float(values.min()) >= 0
    if (spec, family) not in EMPTY:
        assert all(float(maps.max()) > 0 for maps in whole.maps)
    assert whole.context.shape == (len(ANSWER), text)
    assert float(whole.context.triu(prompt).abs().max()) == 0
    part = create(spec).attribute(evidence_of(family, selected=[prompt + 1, prompt + 3]))
    for some, all_of_it in zip(part.maps, whole.maps, strict=True):
        assert float(some[[0, 2]].abs().max()) == 0
        torch.testing.assert_close(some[[1, 3]], all_of_it[[1, 3]], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("spec", SPECS)
def test_method_explains_the_prompts_tokens_too(spec):
    evidence = evidence_of_all_text("llava")
    prompt = len(evidence.trace.prompt_tokens)
    whole, answer = create(spec).attribute(evidence), create(spec).attribute(evidence_of("llava"))
    assert len(whole.maps[0]) == len(evidence.trace.text_tokens)
    assert float(whole.maps[0][:prompt].max()) > 0
    torch.testing.assert_close(whole.maps[0][prompt:], answer.maps[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("spec", SPECS)
def test_method_repeats_itself_to_the_bit(spec):
    one, two = (create(spec).attribute(evidence_of("qwen2-vl")) for _ in range(2))
    assert torch.equal(one.maps[0], two.maps[0])
    assert torch.equal(one.context, two.context)


@pytest.mark.parametrize("spec", SPECS)
def test_method_runs_nothing_where_nothing_is_wanted(spec):
    with count_passes(shared("llava").model) as passes:
        attribution = create(spec).attribute(evidence_of("llava", selected=[]))
    assert (passes.forward, passes.backward) == (0, 0)
    assert float(attribution.maps[0].abs().max()) == 0


@pytest.mark.parametrize(
    ("spec", "forward_passes", "backward_passes"),
    [
        ("attention", 1, 0),
        ("attention-rollout", 1, 0),
        ("gradient-attention", 1, 3),
        ("grad-cam", 1, 3),
        ("attn-lrp", 1, 3),
        ("dex-ar", 1, 2),
        ("integrated-gradients(steps=4)", 6, 12),
        ("smooth-grad(samples=2)", 2, 6),
        ("llava-cam(samples=2)", 2, 6),
    ],
)
def test_method_costs_what_it_says(spec, forward_passes, backward_passes):
    prompt = len(reading("llava")[1].prompt_tokens)
    with count_passes(shared("llava").model) as passes:
        create(spec).attribute(evidence_of("llava", selected=range(prompt, prompt + 3)))
    assert (passes.forward, passes.backward) == (forward_passes, backward_passes)


@pytest.mark.parametrize("spec", SPECS)
def test_method_stands_under_several_scales(spec):
    """At another scale it opens that reading, with its own positions."""
    attribution = create("msea", base=spec, scales=(1.0, 0.5)).attribute(evidence_of("qwen2-vl"))
    assert [round(view.scale, 2) for view in attribution.scales] == [1.0, 0.52]
    assert attribution.scales[0].maps[0].shape != attribution.scales[1].maps[0].shape
    for view in attribution.scales:
        assert (float(view.maps[0].max()) > 0) == ((spec, "qwen2-vl") not in EMPTY)


def planted(place):
    """A LLaVA in which nothing but one visual token can reach what is said.

    Keys are zero, so all attention is even, and values are passed on at one position alone.
    """
    loaded = build("llava")
    session = Session.from_image(loaded, noise(90, 60), PROMPT, ANSWER)
    position = int(session.inputs().visual_positions[place])

    def only_there(module, arguments, output):
        kept = torch.zeros_like(output)
        kept[:, position] = output[:, position]
        return kept

    for layer in decoder_of(loaded.model).layers:
        nn.init.zeros_(layer.self_attn.k_proj.weight)
        layer.self_attn.v_proj.register_forward_hook(only_there)
    return Evidence.from_session(session, ranking_depth=1)


@pytest.mark.parametrize("spec", [*GRADIENTS, "layer-cam"])
def test_method_finds_the_one_visual_token_that_counts(spec):
    evidence = planted(29)
    values = torch.zeros(1, len(evidence.trace.inputs.visual_positions))
    values[0, 29] = 1
    (expected,) = evidence.trace.to_grid(values)
    (maps,) = create(spec).attribute(evidence).maps
    # Those with a sign may find that it speaks against a token.
    found = (maps / maps.flatten(1).amax(1).clamp_min(1e-30)[:, None, None]).amax(0)
    torch.testing.assert_close(found, expected[0], rtol=0, atol=1e-4)


@pytest.mark.parametrize("spec", [*CAMS, *GRADIENTS])
def test_method_is_empty_where_what_is_said_cannot_see_the_picture(spec):
    loaded = build("llava")
    for layer in decoder_of(loaded.model).layers:
        nn.init.zeros_(layer.self_attn.v_proj.weight)
    evidence = Evidence.from_session(
        Session.from_image(loaded, noise(90, 60), PROMPT, ANSWER), ranking_depth=1
    )
    (maps,) = create(spec).attribute(evidence).maps
    assert float(maps.abs().max()) == 0


@pytest.mark.parametrize("spec", [*CAMS, *GRADIENTS])
def test_method_contrasts_words(spec):
    evidence = evidence_of("llava")
    dice = torch.Generator().manual_seed(3)
    rows = evidence.trace.unembedding_rows
    foils = torch.randn(rows.shape, generator=dice) * rows.std()
    foils[-1] = 0
    other = evidence.map(lambda trace: replace(trace, foils=foils))
    plain, contrasted = (create(spec).attribute(one).maps[0] for one in (evidence, other))
    assert METHODS.get(create(spec).name).contrastive
    assert not torch.allclose(contrasted[0], plain[0], rtol=1e-2)
    torch.testing.assert_close(contrasted[-1], plain[-1], rtol=1e-4, atol=1e-6)


def test_logits_are_less_those_of_the_foils():
    evidence = evidence_of("llava")
    trace = replace(
        evidence.trace,
        softcap=2.0,
        biases=torch.linspace(-1, 1, len(evidence.trace.unembedding_rows)),
        foils=evidence.trace.unembedding_rows.flip(0),
        foil_biases=torch.linspace(1, -1, len(evidence.trace.unembedding_rows)),
    )
    inside = WhiteBox.of(evidence.map(lambda _: trace), "this test")
    with torch.no_grad():
        states = final_states(inside.session.loaded, trace.inputs, ANSWER)
    found = inside.logits(states)
    for number, at in enumerate(inside.evidence.selected):
        state = states[inside.origins[number]]
        said = state @ trace.unembedding_rows[at] + trace.biases[at]
        foil = state @ trace.foils[at] + trace.foil_biases[at]
        expected = 2 * (said / 2).tanh() - 2 * (foil / 2).tanh()
        torch.testing.assert_close(found[number], expected)


def test_origins_are_the_positions_before_the_tokens():
    evidence = evidence_of_all_text("llava")
    inside = WhiteBox.of(evidence, "this test")
    inputs = evidence.trace.inputs
    ids = torch.cat([inputs.tensors["input_ids"][0], torch.tensor(ANSWER)])
    assert ids[inside.text].tolist() == [token.id for token in evidence.trace.text_tokens]
    assert torch.equal(inside.origins, inside.text - 1)
    assert int(inside.origins[-len(ANSWER)]) == inputs.length - 1


@pytest.mark.parametrize("spec", SPECS)
def test_method_refuses_a_trace_alone(spec):
    method = create(spec)
    with pytest.raises(ParameterError, match=f"{method.name} runs the model. Explain with"):
        method.attribute(Evidence.from_traces({1.0: reading("llava")[1]}))


def test_method_refuses_another_answers_reading():
    session, trace = reading("llava")
    evidence = Evidence.from_session(session.with_ids((50, 51)), trace=trace)
    with pytest.raises(ParameterError, match="trace's 4 tokens, got one about 2 others"):
        create("attention").attribute(evidence)


def test_attention_takes_the_layers_that_it_names():
    evidence = evidence_of("qwen2-vl")

    def maps(layer):
        return create("attention", layer=layer).attribute(evidence).maps[0]

    assert torch.equal(maps("middle"), maps(1))
    assert torch.equal(maps(-1), maps(1))
    assert not torch.allclose(maps(0), maps(1), rtol=1e-3)
    torch.testing.assert_close(maps("mean"), (maps(0) + maps(1)) / 2)


def test_attention_leaves_some_for_the_text():
    """What is paid to visual tokens, context and the rest together is 1."""
    attribution = create("attention").attribute(evidence_of("llava"))
    seen = attribution.maps[0].flatten(1).sum(1) + attribution.context.sum(1)
    assert bool((seen < 1).all())
    assert bool((attribution.context.sum(1) > 0).all())
    assert torch.equal(
        attribution.high,
        torch.maximum(attribution.maps[0].flatten(1).amax(1), attribution.context.amax(1)),
    )


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_rollout_leaves_out_the_identity(share):
    rollout = Rollout(torch.tensor([2, 3]), 4, share, share)
    for _ in range(3):
        rollout.add(slice(None), torch.arange(4), torch.zeros(4, 4))
        rollout.end_layer()
    assert float(rollout.relevance().abs().max()) == 0


def test_blank_is_grey_and_of_the_same_size():
    picture = noise(24, 16)
    assert blank(picture).size == (24, 16)
    assert blank(picture).getcolors() == [(24 * 16, (128, 128, 128))]
    clip = Clip((picture, noise(24, 16, 1)), (0.0, 0.5))
    grey = blank(clip)
    assert grey.seconds == clip.seconds
    assert [frame.tobytes() for frame in grey.frames] == 2 * [blank(picture).tobytes()]


def test_integrated_gradients_refuse_another_number_of_visual_tokens(monkeypatch):
    evidence = evidence_of("qwen2-vl")
    smaller = evidence.session.with_images(noise(40, 30))
    monkeypatch.setattr(Session, "with_images", lambda *pictures: smaller)
    with pytest.raises(ModelError, match="tokens depend on the content"):
        create("integrated-gradients").attribute(evidence)


def test_integrated_gradients_of_a_blank_picture_are_empty():
    grey = Image.new("RGB", (60, 40), (128, 128, 128))
    session = Session.from_image(shared("qwen2-vl"), grey, PROMPT, ANSWER)
    evidence = Evidence.from_session(session, ranking_depth=1)
    (maps,) = create("integrated-gradients", steps=1).attribute(evidence).maps
    assert float(maps.abs().max()) == 0


def test_smooth_grad_depends_on_its_seed():
    one, two = (
        create("smooth-grad", samples=1, seed=seed).attribute(evidence_of("llava")).maps[0]
        for seed in (0, 1)
    )
    assert not torch.allclose(one, two, rtol=1e-3)


def test_attn_lrp_refuses_a_family_without_rules():
    session = Session.from_image(shared("gemma4"), noise(90, 60), PROMPT, ANSWER)
    evidence = Evidence.from_session(session, ranking_depth=1)
    with pytest.raises(UnsupportedModelError, match="AttnLRP has no rule"):
        create("attn-lrp").attribute(evidence)


@pytest.mark.parametrize(
    ("dtype", "match"),
    [
        (torch.float16, "float16.: load the model in float32 or bfloat16"),
        (torch.bfloat16, "bfloat16.: gradients through all layers.*such as grad-cam"),
        (torch.float32, "float32.: gradients through all layers.*such as grad-cam"),
    ],
)
def test_expect_finite_advises_by_the_dtype(dtype, match):
    values = torch.ones(3, 4)
    assert expect_finite(values, dtype) is values
    values[1, 2] = torch.nan
    with pytest.raises(NonFiniteError, match=f"for 1 of 3 tokens .dtype torch.{match}"):
        expect_finite(values, dtype)


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("attention(layer=top)", "layer as mean, middle, a whole number, .* got 'top'"),
        ("attention(layer=0.5)", r"several such as \(3, 5\), or a range such as 4-7, got 0.5"),
        ("attention(layer=())", r"a whole number, .* got \(\)"),
        ("attention(layer=(1, true))", r"a whole number, .* got \(1, True\)"),
        ("attention(head=middle)", "head as mean, a whole number, .* got 'middle'"),
        ("logit-lens(layer=mean)", "layer as a whole number, .* got 'mean'"),
        ("logit-lens(layer=true)", "layer as a whole number, .* got True"),
        ("grad-cam(layer=last)", "whole number, got 'last'"),
        ("grad-cam-plus-plus(layer=1.5)", "whole number, got 1.5"),
        ("dex-ar(first_layer=mean)", "first_layer as a whole number, got 'mean'"),
        ("layer-cam(layer=true)", "whole number, got True"),
        ("integrated-gradients(steps=0)", "steps as a whole number of at least 1, got 0"),
        ("llava-cam(samples=0)", "samples as a whole number of at least 1, got 0"),
        ("llava-cam(noise=2)", "noise between 0 and 1, both excluded, got 2"),
        ("llava-cam(layer=mean)", "layer as a whole number, got 'mean'"),
        ("smooth-grad(samples=0)", "samples as a whole number of at least 1, got 0"),
        ("smooth-grad(noise=0)", "noise between 0 and 1"),
    ],
)
def test_method_refuses_parameters_out_of_range(spec, match):
    with pytest.raises(ParameterError, match=match):
        create(spec)


@pytest.mark.parametrize(
    "spec", ["attention(layer=9)", "grad-cam(layer=-3)", "dex-ar(first_layer=2)"]
)
def test_method_refuses_a_layer_that_the_model_has_not(spec):
    with pytest.raises(ParameterError, match="Expected a layer from -2 to 1"):
        create(spec).attribute(evidence_of("llava"))


@pytest.mark.parametrize("spec", SPECS)
def test_method_cites_its_work(spec):
    assert citation(spec).startswith("@")


@pytest.mark.parametrize("family", BUILDERS)
def test_dex_ar_explains_every_family(family):
    session = Session.from_image(shared(family), noise(90, 60), PROMPT, ANSWER)
    evidence = Evidence.from_session(session, ranking_depth=1)
    attribution = create("dex-ar").attribute(evidence)
    assert all(bool(maps.isfinite().all()) for maps in attribution.maps)
    assert max(float(maps.max()) for maps in attribution.maps) > 0


def test_dex_ar_takes_the_layers_from_the_first_one_on():
    evidence = evidence_of("internvl")

    def maps(first):
        return create("dex-ar", first_layer=first).attribute(evidence).maps[0]

    assert torch.equal(maps(-10), maps(0))
    assert torch.equal(maps(-1), maps(1))
    below = maps(0) - maps(1)
    rounding = 1e-5 * float(maps(0).max())
    assert float(below.min()) >= -rounding
    assert float(below.max()) > 100 * rounding


def test_dex_ar_leaves_out_heads_that_look_at_text():
    weights = torch.tensor([[[0.5, 0.5, 0.0]], [[0.5, 0.5, 0.0]]])
    gradients = torch.tensor([[[2.0, 3.0, 9.0]], [[3.0, 1.0, 9.0]]])
    found = filtered_sum(weights, gradients, torch.tensor([0]))
    assert found.tolist() == [[6.0, 2.0, 0.0]]


@pytest.mark.parametrize("family", BUILDERS)
def test_llava_cam_explains_every_family(family):
    session = Session.from_image(shared(family), noise(90, 60), PROMPT, ANSWER)
    evidence = Evidence.from_session(session, ranking_depth=1)
    attribution = create("llava-cam", samples=1).attribute(evidence)
    largest = max(float(maps.max()) for maps in attribution.maps)
    assert 0 < largest <= 1


@pytest.mark.parametrize("layer", [-1, 1])
def test_llava_cam_refuses_the_last_layer(layer):
    with pytest.raises(ParameterError, match=f"below the last, got {layer}: .* would be empty"):
        create("llava-cam", layer=layer).attribute(evidence_of("llava"))


def test_llava_cam_depends_on_its_seed_and_takes_clips():
    one, two = (
        create("llava-cam", samples=1, seed=seed).attribute(evidence_of("llava")).maps[0]
        for seed in (0, 1)
    )
    assert not torch.allclose(one, two, rtol=1e-3)
    clip = Clip((noise(24, 16), noise(24, 16, 1)), (0.0, 0.5))
    moved = noisy(clip, 0.1, np.random.default_rng(0))
    assert moved.seconds == clip.seconds
    assert [frame.size for frame in moved.frames] == [(24, 16)] * 2


def test_noise_has_its_share_of_the_colour_range():
    grey = Image.new("RGB", (200, 100), (128, 128, 128))
    pixels = np.asarray(noisy(grey, 0.1, np.random.default_rng(0)), dtype=float)
    assert pixels.std() == pytest.approx(25.5, rel=0.02)
    assert pixels.mean() == pytest.approx(127.5, abs=0.3)


def test_a_decoder_layer_without_an_mlp_is_refused(monkeypatch):
    monkeypatch.setattr("seewhy.models.decoder.MLPS", ("experts",))
    with pytest.raises(UnsupportedModelError, match="one of experts, got LlamaDecoderLayer"):
        create("llava-cam", samples=1).attribute(evidence_of("llava"))


def test_a_decoder_without_a_norm_is_refused():
    loaded = build("llava")
    evidence = Evidence.from_session(
        Session.from_image(loaded, noise(90, 60), PROMPT, ANSWER), ranking_depth=1
    )
    decoder = decoder_of(loaded.model)
    decoder.last_norm = decoder._modules.pop("norm")
    with pytest.raises(UnsupportedModelError, match="final norm named 'norm', got LlamaModel"):
        create("dex-ar").attribute(evidence)


def maps_of(spec, family="qwen2-vl"):
    return create(spec).attribute(evidence_of(family)).maps[0]


@pytest.mark.parametrize("name", ["attention", "logit-lens"])
def test_several_layers_are_their_mean(name):
    lower, upper = (maps_of(f"{name}(layer={layer})") for layer in (0, 1))
    assert not torch.allclose(lower, upper, rtol=1e-3)
    for several in ("(0, 1)", "(1, 0, -1)", "0-1", "-2--1", "0--1"):
        torch.testing.assert_close(maps_of(f"{name}(layer={several})"), (lower + upper) / 2)
    assert torch.equal(maps_of(f"{name}(layer=1-1)"), upper)


def test_attention_takes_the_heads_that_it_names():
    heads = decoder_of(shared("qwen2-vl").model).config.num_attention_heads
    single = [maps_of(f"attention(head={head})") for head in range(heads)]
    assert not torch.allclose(single[0], single[1], rtol=1e-3)
    torch.testing.assert_close(torch.stack(single).mean(0), maps_of("attention"))
    torch.testing.assert_close(maps_of(f"attention(head=0-{heads - 1})"), maps_of("attention"))
    torch.testing.assert_close(maps_of("attention(head=(0, 1))"), (single[0] + single[1]) / 2)
    assert torch.equal(maps_of("attention(head=-1)"), single[-1])


@pytest.mark.parametrize("family", BUILDERS)
def test_lens_of_the_last_layer_is_that_of_the_final_states_in_every_family(family):
    session = Session.from_image(shared(family), noise(90, 60), PROMPT, ANSWER)
    evidence = Evidence.from_session(session, ranking_depth=1)
    final, last, lowest, both = (
        create(f"logit-lens(layer={layer})").attribute(evidence)
        for layer in ("none", "-1", "0", "0-1")
    )
    assert torch.equal(last.context, final.context)
    for index, maps in enumerate(final.maps):
        torch.testing.assert_close(last.maps[index], maps, rtol=1e-3, atol=1e-5)
        assert not torch.allclose(lowest.maps[index], maps, rtol=1e-2)
        mean = (lowest.maps[index] + last.maps[index]) / 2
        torch.testing.assert_close(both.maps[index], mean)


@pytest.mark.parametrize("family", BUILDERS)
def test_attention_of_chosen_layers_and_heads_is_there_in_every_family(family):
    session = Session.from_image(shared(family), noise(90, 60), PROMPT, ANSWER)
    evidence = Evidence.from_session(session, ranking_depth=1)
    attribution = create("attention(layer=(0, 1), head=0)").attribute(evidence)
    assert all(float(maps.max()) > 0 for maps in attribution.maps)


@pytest.mark.parametrize("layer", ["none", "0", "(0, 1)"])
def test_lens_costs_one_pass_more_for_layers(layer):
    with count_passes(shared("llava").model) as passes:
        create(f"logit-lens(layer={layer})").attribute(evidence_of("llava"))
    assert (passes.forward, passes.backward) == (int(layer != "none"), 0)


def test_lens_of_a_layer_contrasts_words():
    evidence = evidence_of("llava")
    rows = evidence.trace.unembedding_rows
    other = evidence.map(lambda trace: replace(trace, foils=rows.flip(0)))
    plain, contrasted = (
        create("logit-lens(layer=0)").attribute(one).maps[0] for one in (evidence, other)
    )
    assert not torch.allclose(plain, contrasted, rtol=1e-2)


def test_lens_of_a_layer_is_a_base_with_its_own_spec():
    method = create("msea(scales=(1.0, 0.5), base=logit-lens(layer=0))")
    assert method.spec == "msea(scales=(1.0, 0.5), base=logit-lens(layer=0))"
    assert create(method.spec) == method
    attribution = method.attribute(evidence_of("qwen2-vl"))
    assert [round(view.scale, 2) for view in attribution.scales] == [1.0, 0.52]
    torch.testing.assert_close(attribution.scales[0].maps[0], maps_of("logit-lens(layer=0)"))


def test_lens_of_a_layer_refuses_a_trace_alone():
    with pytest.raises(ParameterError, match=r"logit-lens runs the model\. Explain with"):
        create("logit-lens(layer=0)").attribute(Evidence.from_traces({1.0: reading("llava")[1]}))


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("attention(layer=(0, 9))", "Expected a layer from -2 to 1, got 9"),
        ("attention(layer=1-0)", "layer as a rising range, got '1-0'"),
        ("attention(head=64)", "Expected a head from -. to ., got 64: .* attention heads"),
        ("attention(head=-1-0)", "head as a rising range, got '-1-0'"),
        ("logit-lens(layer=2)", "Expected a layer from -2 to 1, got 2"),
        ("logit-lens(layer=0-2)", "Expected a layer from -2 to 1, got 2"),
    ],
)
def test_layers_and_heads_that_the_model_has_not_are_refused(spec, match):
    with pytest.raises(ParameterError, match=match):
        create(spec).attribute(evidence_of("llava"))


@pytest.mark.parametrize(
    "spec",
    [
        "attention(layer=(3, 5), head=0)",
        "attention(layer=4-7, head=-2--1)",
        "logit-lens(layer=4)",
        "logit-lens(layer=-1)",
        "arc(base=logit-lens(layer=(4,)))",
        "arc(base=attention(layer=4-7))",
    ],
)
def test_spec_of_layers_is_there_and_back(spec):
    assert create(spec).spec == spec
    assert create(create(spec).spec) == create(spec)
