"""Logit shares in every family, and in decoders of every kind: what is captured is what was read.

The answer is generated with a capture, and without one; read again in one pass; in a batch; with
another cache and another attention function. All give the same shares.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch

import seewhy
import tiny_gemma4
from decoders import DECODERS, llava_with
from families import BUILDERS, build, shared
from painting import noise
from seewhy.core.attribution import Attribution
from seewhy.core.errors import UnsupportedModelError
from seewhy.core.trace import Inputs, Trace
from seewhy.explainer import Explainer
from seewhy.methods import Evidence, create
from seewhy.methods._scores import text_positions
from seewhy.methods._shares import share_reader
from seewhy.models import Loaded, generate, load, prepare, read
from seewhy.models.attention_hooks import AttentionHooks
from seewhy.models.conversation import user_message
from seewhy.models.decoder import decoder_of
from seewhy.models.residual_stream import residual_stream
from seewhy.models.session import Session

PROMPT = "What is to the left of the red star?"
SIZE = (90, 60)
METHOD = create("logit-shares")
EVERY = [*sorted(BUILDERS), *sorted(DECODERS)]
#: PaliGemma's masks cannot be made for a cache of fixed size whose layers slide (transformers).
NOT_STATIC = {"paligemma 2"}
CLIPS = [
    "glm4v",
    "internvl",
    "llava-onevision",
    "qwen2-5-vl",
    "qwen2-vl",
    "qwen3-vl",
    "smolvlm",
]

every = pytest.mark.parametrize("name", EVERY)


@cache
def decoder(name: str) -> Loaded:
    """The same one at every call, for tests that leave it as it was."""
    return shared(name) if name in BUILDERS else DECODERS[name]()


def fresh(name: str) -> Loaded:
    """A new one."""
    return build(name) if name in BUILDERS else DECODERS[name]()


@cache
def inputs_of(name: str) -> Inputs:
    return prepare(decoder(name).family, noise(*SIZE), PROMPT)


@cache
def generated(name: str) -> Trace:
    """An answer that was generated with a capture."""
    return generate(decoder(name), inputs_of(name), max_new_tokens=4, attention=True)


def ids_of(trace: Trace) -> list[int]:
    return [token.id for token in trace.tokens]


def attributed(loaded: Loaded, trace: Trace) -> Attribution:
    """The attribution of all words, those of the prompt too."""
    session = Session.from_chat(loaded, user_message(noise(*SIZE), PROMPT), ids_of(trace))
    return METHOD.attribute(Evidence.from_session(session, trace=trace, start=0))


@cache
def expected(name: str) -> Attribution:
    """Of one pass over the prompt and the answer, in which nothing is cached."""
    loaded = decoder(name)
    trace = read(loaded, inputs_of(name), ids_of(generated(name)), attention=True)
    return attributed(loaded, trace)


def expect_equal(one: Attribution, other: Attribution) -> None:
    for a, b in zip(one.maps, other.maps, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(b.max()))
    for name in ("context", "high", "visual_share"):
        a, b = getattr(one, name), getattr(other, name)
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(b.max()))


@every
def test_capture_leaves_generation_as_it_was(name):
    plain = generate(decoder(name), inputs_of(name), max_new_tokens=4)
    captured = generated(name)
    assert ids_of(captured) == ids_of(plain)
    assert torch.equal(captured.visual_states, plain.visual_states)
    assert torch.equal(captured.text_states, plain.text_states)
    assert [t.probability for t in captured.tokens] == [t.probability for t in plain.tokens]


@every
def test_capture_of_generation_equals_that_of_reading(name):
    expect_equal(attributed(decoder(name), generated(name)), expected(name))
    assert all(float(maps.max()) > 0 for maps in expected(name).maps)


@every
def test_shares_and_all_other_parts_add_up_to_the_logit(name):
    expect_complete(decoder(name), 1e-4)


@pytest.mark.parametrize("name", ["gemma2: capped, sliding", "gemma3", "qwen2-vl"])
def test_shares_and_all_other_parts_add_up_to_the_logit_in_float64(name):
    loaded = fresh(name)
    loaded.model.to(torch.float64)
    # transformers' norms and rotary embeddings round to float32.
    expect_complete(loaded, 2e-6)


@torch.no_grad()
def expect_complete(loaded: Loaded, tolerance: float) -> None:
    """The logit is the sum of shares, biases, the layers' other parts and what entered.

    Every part but the shares is computed here, from hooks and from the model's own norms.
    """
    inputs = prepare(loaded.family, noise(*SIZE), PROMPT)
    answer = ids_of(generate(loaded, inputs, max_new_tokens=4))
    trace = read(loaded, inputs, answer, attention=True)
    session = Session.from_chat(loaded, user_message(noise(*SIZE), PROMPT), answer)
    reader = share_reader(Evidence.from_session(session, trace=trace, start=0), "this test")
    states, attended, final = watched(loaded, inputs, answer)
    origins = (text_positions(trace) - 1).clamp_min(0)
    direction = reader.directions
    logits = (final[origins] * trace.unembedding_rows).sum(-1)
    total = (states[0][origins] * direction).sum(-1) + reader.constants
    # What enters is multiplied on its way by what each layer keeps.
    branches = residual_stream(loaded.model).branches
    kept = 1.0
    for number in reversed(range(len(branches))):
        branch, layer = branches[number], reader.layers[number]
        entered = attended[number] if branch.norm is None else branch.norm(attended[number][None])
        entered = branch.enters * entered.view_as(states[number])
        rest = states[number + 1] - branch.keeps * states[number] - entered
        total = total + kept * (rest[origins] * direction).sum(-1)
        total = total + layer.shares(slice(None)).sum((0, 2)) + layer.constants
        kept *= branch.keeps
    total = total + (kept - 1) * (states[0][origins] * direction).sum(-1)
    error = (total - logits).abs().max() / logits.abs().max()
    assert float(error) < tolerance


def watched(loaded: Loaded, inputs: Inputs, answer: list[int]) -> tuple[list, list, torch.Tensor]:
    """Each layer's input and the last one's output, each attention's output, and final states."""
    model: Any = loaded.model
    stream, states, attended = residual_stream(model), [], []

    def enters(module: Any, arguments: Any, keywords: Any) -> None:
        states.append((arguments[0] if arguments else keywords["hidden_states"])[0])

    def leaves(module: Any, arguments: Any, output: Any) -> None:
        attended.append(output[0] if isinstance(output, tuple) else output)

    hooks = [
        *(
            layer.register_forward_pre_hook(enters, with_kwargs=True)
            for layer in decoder_of(model).layers
        ),
        *(branch.attention.register_forward_hook(leaves) for branch in stream.branches),
        stream.norm.register_forward_pre_hook(enters, with_kwargs=True),
    ]
    tensors = dict(inputs.tensors)
    tensors["input_ids"] = torch.cat([tensors["input_ids"], torch.tensor([answer])], 1)
    tensors["attention_mask"] = torch.ones_like(tensors["input_ids"])
    if "mm_token_type_ids" in tensors:
        kinds = tensors["input_ids"] == loaded.family.image_token_id
        tensors["mm_token_type_ids"] = kinds.long()
    final = model.base_model(**tensors).last_hidden_state[0]
    for hook in hooks:
        hook.remove()
    return states, attended, final


@every
def test_shares_are_those_of_eager_attention(name):
    loaded = fresh(name)
    model: Any = loaded.model
    model.set_attn_implementation("eager")
    trace = generate(loaded, inputs_of(name), max_new_tokens=4, attention=True)
    assert decoder_of(model).config._attn_implementation == "eager"
    assert ids_of(trace) == ids_of(generated(name))
    expect_equal(attributed(loaded, trace), expected(name))


@pytest.mark.parametrize("name", [name for name in EVERY if name not in NOT_STATIC])
def test_shares_are_those_of_a_cache_of_fixed_size(name):
    static = {"max_new_tokens": 4, "cache_implementation": "static"}
    plain = generate(decoder(name), inputs_of(name), **static)
    trace = generate(decoder(name), inputs_of(name), attention=True, **static)
    assert torch.equal(trace.text_states, plain.text_states)
    assert ids_of(trace) == ids_of(generated(name))
    expect_equal(attributed(decoder(name), trace), expected(name))


@pytest.mark.parametrize("room", [-1, 0, 1, 2, 3, 9])
def test_shares_are_those_of_a_sliding_cache_that_fills_up(room):
    """A buffer that is overwritten in place: its size is about the prompt's."""
    loaded = llava_with("MistralConfig", sliding_window=8)
    length = prepare(loaded.family, noise(*SIZE), PROMPT).length
    loaded = llava_with("MistralConfig", sliding_window=length + room)
    inputs = prepare(loaded.family, noise(*SIZE), PROMPT)
    trace = generate(
        loaded, inputs, max_new_tokens=6, attention=True, cache_implementation="static"
    )
    again = read(loaded, inputs, ids_of(trace), attention=True)
    expect_equal(attributed(loaded, trace), attributed(loaded, again))


@every
def test_shares_in_a_padded_batch_are_those_of_single_prompts(name):
    explainer = Explainer(decoder(name))
    pictures = [noise(*SIZE), noise(60, 90, 1), noise(120, 40, 2)]
    prompts = [PROMPT, "What?", "What is above the green tree? Describe the picture."]
    batch = explainer.explain_batch(pictures, prompts, max_new_tokens=4)
    for picture, prompt, found in zip(pictures, prompts, batch, strict=True):
        assert found.method == "logit-shares"
        alone = explainer.explain(picture, prompt, max_new_tokens=4)
        assert found.answer == alone.answer
        expect_equal(found.record.attribution, alone.record.attribution)
        assert found.record.prompt_attribution is not None
        assert alone.record.prompt_attribution is not None
        expect_equal(found.record.prompt_attribution, alone.record.prompt_attribution)


@pytest.mark.parametrize("name", ["llava", "mistral: sliding"])
def test_shares_in_a_batch_of_which_an_answer_ends_early_are_those_of_single_prompts(name):
    explainer = Explainer(decoder(name))
    pictures, prompts = [noise(*SIZE), noise(60, 90, 1)], [PROMPT, "What?"]
    plain = explainer.explain_batch(pictures, prompts, max_new_tokens=5)
    first, second = ([token.id for token in one.record.tokens] for one in plain)
    end = next(id for id in second[1:] if id not in first and id != second[0])
    options: dict[str, Any] = {"max_new_tokens": 5, "eos_token_id": end}
    batch = explainer.explain_batch(pictures, prompts, **options)
    lengths = [len(found.record.tokens) for found in batch]
    assert lengths[1] < lengths[0] == 5
    for picture, prompt, found in zip(pictures, prompts, batch, strict=True):
        alone = explainer.explain(picture, prompt, **options)
        expect_equal(found.record.attribution, alone.record.attribution)


@pytest.mark.parametrize("chunk", [16, 40])
@pytest.mark.parametrize("name", ["gemma2: capped, sliding", "llava", "mistral: sliding"])
def test_shares_are_those_of_a_prompt_that_is_read_in_chunks(name, chunk):
    trace = generate(
        decoder(name),
        inputs_of(name),
        max_new_tokens=4,
        attention=True,
        prefill_chunk_size=chunk,
    )
    assert ids_of(trace) == ids_of(generated(name))
    expect_equal(attributed(decoder(name), trace), expected(name))


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_shares_of_several_pictures_are_those_of_one_reading(name):
    explainer = Explainer(shared(name))
    pictures = [noise(*SIZE), noise(60, 90, 1)]
    found = explainer.explain(pictures, PROMPT, max_new_tokens=3)
    ids = [token.id for token in found.record.tokens]
    again = explainer.explain(pictures, PROMPT, answer=ids)
    assert (found.method, len(found.record.attribution.maps)) == ("logit-shares", 2)
    expect_equal(found.record.attribution, again.record.attribution)
    assert all(float(maps.max()) > 0 for maps in found.record.attribution.maps)


@pytest.mark.parametrize("name", CLIPS)
def test_shares_of_a_clip_are_those_of_one_reading(name):
    explainer = Explainer(shared(name))
    clip = seewhy.read_clip([noise(32, 24, n) for n in range(4)])
    found = explainer.explain(clip, PROMPT, max_new_tokens=3)
    ids = [token.id for token in found.record.tokens]
    again = explainer.explain(clip, PROMPT, answer=ids)
    assert found.method == "logit-shares"
    assert len(found.record.attribution.maps) > 1
    expect_equal(found.record.attribution, again.record.attribution)


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_shares_are_read_in_bfloat16(name):
    """In half precision the sum check still holds, and maps are about those of float32."""
    loaded = build(name)
    loaded.model.to(torch.bfloat16)
    trace = read(loaded, inputs_of(name), ids_of(generated(name)), attention=True)
    found = attributed(loaded, trace)
    for a, b in zip(found.maps, expected(name).maps, strict=True):
        assert a.dtype == torch.float32
        assert float((a - b).norm() / b.norm()) < 0.2


def test_shares_of_layers_that_share_keys_are_those_of_one_reading():
    """Gemma 4 may take keys and values of a lower layer."""
    loaded = load(tiny_gemma4.build(shared=1))
    inputs = prepare(loaded.family, noise(*SIZE), PROMPT)
    trace = generate(loaded, inputs, max_new_tokens=4, attention=True)
    again = read(loaded, inputs, ids_of(trace), attention=True)
    expect_equal(attributed(loaded, trace), attributed(loaded, again))


# --- attention that is read wrongly ------------------------------------------------------------


def wrong_keys(layer: dict[str, Any]) -> None:
    layer["keys"] = layer["keys"].roll(1, 1)


def wrong_values(layer: dict[str, Any]) -> None:
    layer["values"] = layer["values"].roll(1, 1)


def wrong_mask(layer: dict[str, Any]) -> None:
    layer["mask"] = layer["mask"].clone()
    layer["mask"][:, :20] = False


def wrong_scaling(layer: dict[str, Any]) -> None:
    layer["scaling"] = layer["scaling"] * 4


def wrong_queries(layer: dict[str, Any]) -> None:
    layer["queries"] = layer["queries"].roll(1, 0)


def wrong_first_queries(layer: dict[str, Any]) -> None:
    """Those of the template and the prompt, which predict no word of the answer."""
    layer["queries"] = layer["queries"].clone()
    layer["queries"][:8] = layer["queries"][:8].roll(1, 0)


@pytest.mark.parametrize(
    "spoil",
    [wrong_keys, wrong_values, wrong_mask, wrong_scaling, wrong_queries, wrong_first_queries],
)
def test_shares_of_attention_that_is_read_wrongly_are_refused(spoil, monkeypatch):
    right = AttentionHooks._captured_layer

    def spoilt(self: AttentionHooks, *arguments: Any) -> Any:
        layer = right(self, *arguments)
        parts = dict(vars(layer))
        spoil(parts)
        return type(layer)(**parts)

    monkeypatch.setattr(AttentionHooks, "_captured_layer", spoilt)
    loaded = llava_with("LlamaConfig", attention_multiplier=1.0)
    with torch.no_grad():  # random attention is near uniform, and hides which keys are read
        for layer in decoder_of(loaded.model).layers:
            layer.self_attn.q_proj.weight *= 30
            layer.self_attn.v_proj.weight *= 5
    session = Session.from_image(loaded, noise(*SIZE), PROMPT, [40, 41])
    with pytest.raises(UnsupportedModelError, match="parts of an attention to add up"):
        METHOD.attribute(Evidence.from_session(session, ranking_depth=1))
    found = Explainer(loaded).explain(noise(*SIZE), PROMPT, max_new_tokens=2, explain_prompt=False)
    assert found.method == "intra-modal(window=None)"
    assert any("Explained by intra-modal" in note for note in found.record.provenance.notes)
