"""The head: rows, biases, scale and cap such that the lens reads the model's own logits."""

from __future__ import annotations

import functools
import logging
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

import tiny_models
from painting import noise
from seewhy.core.errors import ModelError
from seewhy.methods._scores import LensMap
from seewhy.models import Loaded, generate, load, prepare, read
from seewhy.models.contrast import contrasted, deciding_token
from seewhy.models.unembedding import (
    Unembedding,
    cached_unembedding,
    dequantized_rows,
    infer_unembedding,
    unembedding_layer,
    unembedding_size,
)

PROMPT = "What is to the left of the red star?"
ANSWER = "A red star and a house."


def ask(loaded: Loaded) -> Any:
    return prepare(loaded.family, noise(60, 40), PROMPT)


def own_logits(loaded: Loaded, trace: Any) -> Tensor:
    """float32 `[position, vocab]`: one plain forward pass of the model over prompt and answer."""
    tensors = dict(trace.inputs.tensors)
    said = torch.tensor([[token.id for token in trace.tokens]])
    ids = torch.cat([tensors["input_ids"], said], 1)
    tensors |= {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    tensors |= loaded.family.token_types(ids, trace.inputs.length)
    with torch.no_grad():
        return loaded.model(**tensors).logits[0].float()


def expect_true_to_the_model(
    loaded: Loaded, trace: Any, *, atol: float = 1e-4, rtol: float = 1e-4
) -> None:
    """Probabilities are the model's softmax; the lens is its own logits at the visual tokens."""
    logits, inputs = own_logits(loaded, trace), trace.inputs
    ids = torch.tensor([token.id for token in trace.text_tokens])
    answer = torch.arange(inputs.length, inputs.length + len(trace.tokens))
    before = torch.cat([inputs.prompt_positions, answer]) - 1
    wanted = logits[before].softmax(-1)[torch.arange(len(ids)), ids]
    given = torch.tensor([token.probability for token in trace.text_tokens])
    torch.testing.assert_close(given, wanted, atol=atol, rtol=rtol)
    seen = logits[inputs.visual_positions][:, ids].T.relu()
    assert float(seen.max()) > 0.1
    torch.testing.assert_close(LensMap()(trace), seen, atol=atol, rtol=rtol)


def both_traces(loaded: Loaded) -> list[Any]:
    return [generate(loaded, ask(loaded), max_new_tokens=6), read(loaded, ask(loaded), ANSWER)]


# --- where the weight lies -------------------------------------------------------------------


def test_head_of_its_own_is_read():
    loaded = load(tiny_models.build())
    assert loaded.model.lm_head.weight is not loaded.model.get_input_embeddings().weight
    for trace in both_traces(loaded):
        expect_true_to_the_model(loaded, trace)
        assert trace.biases is None
        assert trace.softcap is None


def test_head_tied_to_the_embeddings_is_read():
    model, processor = tiny_models.build()
    model.get_input_embeddings().weight.data *= 20
    model.lm_head.weight = model.get_input_embeddings().weight
    loaded = load((model, processor))
    for trace in both_traces(loaded):
        expect_true_to_the_model(loaded, trace)


def with_bias(model: Any) -> Any:
    head = torch.nn.Linear(48, model.lm_head.weight.shape[0])
    head.weight.data = model.lm_head.weight.data.clone()
    head.bias.data = torch.linspace(-2, 3, len(head.bias))
    model.set_output_embeddings(head)
    return model


def test_head_with_a_bias_is_read():
    model, processor = tiny_models.build()
    loaded = load((with_bias(model), processor))
    for trace in both_traces(loaded):
        expect_true_to_the_model(loaded, trace)
        ids = torch.tensor([token.id for token in trace.text_tokens])
        assert torch.equal(trace.biases, model.lm_head.bias[ids])


def test_rows_are_copies():
    model, _ = tiny_models.build()
    before = model.lm_head.weight.detach().clone()
    rows, biases = Unembedding(with_bias(model).lm_head).rows(torch.tensor([3, 3, 5]))
    rows.zero_()
    biases.zero_()
    assert torch.equal(model.lm_head.weight, before)
    assert model.lm_head.bias.any()


@pytest.mark.parametrize("biased", [False, True])
def test_head_padded_beyond_the_tokenizer_is_read(biased):
    """Checkpoints round their vocabulary up: the rows beyond the tokenizer's mean nothing."""
    model, processor = tiny_models.build()
    size = len(processor.tokenizer)
    model.resize_token_embeddings(size + 61)
    if biased:
        model = with_bias(model)
    model.lm_head.weight.data[size:] *= 40  # the likeliest of all
    loaded = load((model, processor))
    assert unembedding_size(model) == size + 61
    trace = read(loaded, ask(loaded), ANSWER, candidates=10_000)
    expect_true_to_the_model(loaded, trace)
    for token in trace.text_tokens:
        assert len(token.candidates) == size + 61
        assert all(isinstance(text, str) for text, _ in token.candidates)
        assert sum(p for _, p in token.candidates) == pytest.approx(1, abs=1e-4)
    assert any(int(ranking[0]) >= size for ranking in trace.rankings)


def test_answer_may_hold_ids_beyond_the_tokenizer():
    model, processor = tiny_models.build()
    size = len(processor.tokenizer)
    model.resize_token_embeddings(size + 10)
    loaded = load((model, processor))
    star = processor.tokenizer(" star", add_special_tokens=False)["input_ids"]
    trace = read(loaded, ask(loaded), [*star, size + 3, *star])
    assert trace.answer == " star star"
    place = len(star)
    assert (trace.tokens[place].id, trace.tokens[place].text) == (size + 3, "")


# --- what is done to logits ------------------------------------------------------------------


def bent(bend: Any, **config: Any) -> Loaded:
    """A model whose class does something to its logits, and whose text config says so."""

    class Bent(Qwen2VLForConditionalGeneration):
        @functools.wraps(Qwen2VLForConditionalGeneration.forward)
        def forward(self, *arguments: Any, **keywords: Any) -> Any:
            out: Any = super().forward(*arguments, **keywords)
            out.logits = bend(out.logits)
            return out

    model, processor = tiny_models.build()
    model.__class__ = Bent
    for name, value in config.items():
        setattr(model.config.get_text_config(), name, value)
    return load((model, processor))


def capped(cap: float) -> Any:
    return lambda logits: cap * torch.tanh(logits / cap)


TRANSFORMS = {
    "gemma": (capped(2.0), {"final_logit_softcapping": 2.0}, 1.0, 2.0),
    "cohere": (lambda z: z * 0.25, {"logit_scale": 0.25}, 0.25, None),
    "granite": (lambda z: z / 8, {"logits_scaling": 8.0}, 0.125, None),
    "falcon-h1": (lambda z: z * 0.5, {"lm_head_multiplier": 0.5}, 0.5, None),
    "scaled, then capped": (
        lambda z: capped(3.0)(z * 0.5),
        {"logit_scale": 0.5, "final_logit_softcapping": 3.0},
        0.5,
        3.0,
    ),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_head_follows_what_the_class_does_to_logits(name):
    bend, config, scale, cap = TRANSFORMS[name]
    loaded = bent(bend, **config)
    plain = load(tiny_models.build())
    for trace in both_traces(loaded):
        expect_true_to_the_model(loaded, trace)
        assert trace.softcap == cap
        ids = torch.tensor([token.id for token in trace.text_tokens])
        torch.testing.assert_close(trace.unembedding_rows, plain.model.lm_head.weight[ids] * scale)
    head = cached_unembedding(loaded.model)
    assert (head.scale, head.softcap) == (scale, cap)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_head_scales_biases_too(name):
    bend, config, scale, _ = TRANSFORMS[name]
    loaded = bent(bend, **config)
    with_bias(loaded.model)
    trace = read(loaded, ask(loaded), ANSWER)
    expect_true_to_the_model(loaded, trace)
    ids = torch.tensor([token.id for token in trace.text_tokens])
    torch.testing.assert_close(trace.biases, loaded.model.lm_head.bias[ids] * scale)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_head_that_the_config_names_but_the_class_does_not_bend_is_plain(name):
    """Configs carry fields over that their class never reads: they are not believed."""
    _, config, _, _ = TRANSFORMS[name]
    loaded = bent(lambda logits: logits, **config)
    for trace in both_traces(loaded):
        expect_true_to_the_model(loaded, trace)
        assert trace.softcap is None
    assert cached_unembedding(loaded.model).scale == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("final_logit_softcapping", None), ("logit_scale", 0), ("logits_scaling", True)],
)
def test_head_of_a_config_that_names_nothing_is_plain(name, value):
    loaded = bent(lambda logits: logits, **{name: value})
    expect_true_to_the_model(loaded, read(loaded, ask(loaded), ANSWER))


@pytest.mark.parametrize(
    ("bend", "config"),
    [
        (lambda z: z * 3, {}),
        (lambda z: z * 3, {"logit_scale": 2.0}),
        (lambda z: z - torch.arange(z.shape[-1]), {}),
        (capped(1.0), {"final_logit_softcapping": 50.0}),
        (lambda z: -z, {}),
    ],
)
@pytest.mark.parametrize(
    "show",
    [
        lambda one: generate(one, ask(one), max_new_tokens=3),
        lambda one: read(one, ask(one), ANSWER),
    ],
    ids=["generate", "read"],
)
def test_head_refuses_a_transform_that_nothing_explains(bend, config, show):
    loaded = bent(bend, **config)
    with pytest.raises(ModelError, match=r"logits of Bent .* differ by \d+% of the largest"):
        show(loaded)


def test_head_is_told_once_for_each_model_and_module():
    loaded = load(tiny_models.build())
    model = loaded.model
    assert cached_unembedding(model).module is model.lm_head
    read(loaded, ask(loaded), ANSWER)
    told = cached_unembedding(model)
    assert infer_unembedding(model, torch.zeros(48), torch.ones(1)) is told
    with_bias(model)
    assert cached_unembedding(model) is not told
    read(loaded, ask(loaded), ANSWER)
    assert cached_unembedding(model).module is model.lm_head


def test_head_contrasts_through_scale_and_cap():
    """The lens of a contrast is the difference of the model's own logits."""
    bend, config, _, cap = TRANSFORMS["scaled, then capped"]
    loaded = bent(bend, **config)
    with_bias(loaded.model)
    trace = read(loaded, ask(loaded), "A red star.")
    from seewhy.core.text import words_of

    words = words_of(trace.answer, [(t.start, t.end) for t in trace.tokens])
    word = next(word for word in words if word.text == "star")
    place, foil = deciding_token(loaded, trace, word, "fish")
    made = LensMap()(contrasted(loaded, trace, word, place, foil))
    logits = own_logits(loaded, trace)[trace.inputs.visual_positions]
    said = trace.tokens[place].id
    text = len(trace.prompt_tokens) + place
    torch.testing.assert_close(
        made[text], (logits[:, said] - logits[:, foil]).relu(), atol=1e-4, rtol=1e-4
    )
    assert 0 < float(made[text].max()) <= 2 * cap


def test_head_of_refuses_a_model_without_one(monkeypatch):
    model, _ = tiny_models.build()
    monkeypatch.setattr(model, "get_output_embeddings", lambda: None)
    with pytest.raises(ModelError, match="a model with a base model and a head, got Qwen2VLFor"):
        unembedding_layer(model)


# --- half precision --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_summed_in_float32(dtype):
    loaded = load(tiny_models.build(dtype=dtype))
    trace = read(loaded, ask(loaded), ANSWER)
    assert trace.visual_states.dtype == trace.unembedding_rows.dtype == dtype
    made = LensMap()(trace)
    assert made.dtype == torch.float32
    exact = (trace.unembedding_rows.double() @ trace.visual_states.double().T).relu()
    torch.testing.assert_close(made.double(), exact, atol=1e-5, rtol=1e-5)
    rounded = (trace.unembedding_rows @ trace.visual_states.T).relu().double()
    assert float((made - exact).abs().max()) < float((rounded - exact).abs().max()) / 50
    expect_true_to_the_model(loaded, trace, atol=0.05, rtol=0.02)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_head_is_told_from_rounded_logits(dtype):
    bend, config, scale, cap = TRANSFORMS["scaled, then capped"]
    loaded = bent(bend, **config)
    loaded.model.to(dtype)
    trace = generate(loaded, ask(loaded), max_new_tokens=4)
    assert (cached_unembedding(loaded.model).scale, trace.softcap) == (scale, cap)
    expect_true_to_the_model(loaded, trace, atol=0.05, rtol=0.02)


# --- quantised heads -------------------------------------------------------------------------

IDS = torch.tensor([5, 0, 63, 31, 32, 5, 17])


def four_bit_given(vocab: int, hidden: int) -> Tensor:
    """A weight whose rows differ in size."""
    draw = torch.Generator().manual_seed(4)
    return torch.randn(vocab, hidden, generator=draw) * torch.linspace(0.1, 9, vocab)[:, None]


def four_bit_weight(bnb: Any, *, vocab: int = 64, hidden: int = 192, **options: Any) -> Any:
    """A weight that bitsandbytes quantised on the CPU, all magnitudes different."""
    dtype = options.pop("dtype", torch.float32)
    weight = four_bit_given(vocab, hidden)
    return bnb.nn.Params4bit(weight.to(dtype), requires_grad=False, **options).to("cpu")


@pytest.fixture(scope="module")
def bnb():
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    return pytest.importorskip("bitsandbytes")


FOUR_BIT = [
    pytest.mark.parametrize("kind", ["nf4", "fp4"]),
    pytest.mark.parametrize("double", [False, True]),
    pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16]),
]


def four_bit(function: Any) -> Any:
    return functools.reduce(lambda done, mark: mark(done), FOUR_BIT, function)


@four_bit
@pytest.mark.parametrize(
    ("vocab", "hidden", "blocksize"), [(64, 192, 64), (65, 128, 128), (70, 64, 64)]
)
def test_four_bit_rows_equal_those_of_bitsandbytes(
    bnb, kind, double, dtype, vocab, hidden, blocksize
):
    options = {"quant_type": kind, "compress_statistics": double, "blocksize": blocksize}
    weight = four_bit_weight(bnb, vocab=vocab, hidden=hidden, dtype=dtype, **options)
    assert weight.quant_state.nested is double
    whole = bnb.functional.dequantize_4bit(weight.data, weight.quant_state)
    rows = dequantized_rows(weight, IDS)
    assert rows.dtype == whole.dtype == dtype
    # Half precision: bitsandbytes rounds the code book or the product, we the product alone.
    tolerance = 1e-6 if dtype == torch.float32 else torch.finfo(dtype).eps
    torch.testing.assert_close(rows, whole[IDS], rtol=tolerance, atol=0)


@four_bit
@pytest.mark.parametrize(("hidden", "blocksize"), [(48, 64), (40, 128), (192, 128), (65, 64)])
def test_four_bit_rows_in_blocks_that_reach_over_their_ends(
    bnb, kind, double, dtype, hidden, blocksize
):
    """Against bitsandbytes' plain implementation: the kernel that it has for processors (0.50)
    begins a block with each row, though the weight was not quantised so.
    """
    from bitsandbytes.backends.default.ops import _dequantize_4bit_compute
    from bitsandbytes.backends.utils import _get_4bit_code

    options = {"quant_type": kind, "compress_statistics": double, "blocksize": blocksize}
    weight = four_bit_weight(bnb, vocab=64, hidden=hidden, dtype=dtype, **options)
    state = weight.quant_state
    largest = state.absmax
    if double:
        largest = bnb.functional.dequantize_blockwise(largest, state.state2) + state.offset
    whole = _dequantize_4bit_compute(
        *(weight.data.reshape(-1), largest, _get_4bit_code(kind, weight.device)),
        *(blocksize, state.shape, torch.float32),
    )
    rows = dequantized_rows(weight, IDS)
    tolerance = 1e-6 if dtype == torch.float32 else torch.finfo(dtype).eps
    torch.testing.assert_close(rows.float(), whole[IDS], rtol=tolerance, atol=0)
    given = four_bit_given(64, hidden)[IDS]
    assert float((rows.float() - given).norm() / given.norm()) < 0.2


@pytest.mark.parametrize("storage", [torch.uint8, torch.bfloat16, torch.float32])
def test_four_bit_rows_in_any_storage(bnb, storage):
    """Four bits kept as bfloat16 or float32 (for FSDP) are not bfloat16 or float32."""
    weight = four_bit_weight(bnb, quant_type="nf4", quant_storage=storage)
    assert weight.dtype == storage
    whole = bnb.functional.dequantize_4bit(weight.data, weight.quant_state)
    torch.testing.assert_close(dequantized_rows(weight, IDS), whole[IDS], rtol=1e-6, atol=0)


@pytest.mark.parametrize("kind", ["nf4", "fp4"])
@pytest.mark.parametrize("double", [False, True])
def test_four_bit_rows_that_the_processor_packed_anew(bnb, kind, double):
    """On processors that multiply bfloat16, the first pass rearranges the weight in place."""
    weight = four_bit_weight(bnb, quant_type=kind, compress_statistics=double)
    whole = bnb.functional.dequantize_4bit(weight.data, weight.quant_state)
    weight.data, weight.quant_state = bnb.functional._convert_weight_packed_for_cpu(
        weight.data, weight.quant_state
    )
    assert weight.quant_state.packing_format_for_cpu
    rows = dequantized_rows(weight, IDS)
    assert rows.dtype == torch.bfloat16  # magnitudes are rounded to it, and so is the product
    torch.testing.assert_close(rows.float(), whole[IDS], rtol=2**-7, atol=1e-6)
    assert torch.equal(rows == 0, whole[IDS] == 0)


def test_four_bit_rows_are_the_same_before_and_after_the_first_pass(bnb):
    layer = bnb.nn.Linear4bit(192, 64, bias=False, quant_type="nf4")
    layer.weight = four_bit_weight(bnb, quant_type="nf4")
    head = Unembedding(layer.eval())
    before, _ = head.rows(IDS)
    with torch.no_grad():
        logits = head(torch.eye(192))
    after, _ = head.rows(IDS)
    torch.testing.assert_close(after.float(), before.float(), rtol=2**-7, atol=1e-6)
    torch.testing.assert_close(logits.T[IDS].float(), after.float(), rtol=2**-6, atol=1e-4)


def eight_bit_layer(bnb: Any) -> Any:
    draw = torch.Generator().manual_seed(8)
    weight = torch.randn(64, 48, generator=draw) * torch.linspace(0.1, 9, 64)[:, None]
    layer = bnb.nn.Linear8bitLt(48, 64, bias=True, has_fp16_weights=False)
    layer.load_state_dict({"weight": weight, "bias": torch.linspace(-1, 1, 64)})
    return layer.to("cpu").eval()


def test_eight_bit_rows_equal_those_of_bitsandbytes(bnb):
    layer = eight_bit_layer(bnb)
    whole = bnb.functional.int8_vectorwise_dequant(layer.weight.data, layer.weight.SCB)
    rows = dequantized_rows(layer.weight, IDS)
    assert layer.weight.dtype == torch.int8
    torch.testing.assert_close(rows, whole[IDS], rtol=1e-6, atol=0)


def test_eight_bit_rows_are_the_same_before_and_after_the_first_pass(bnb):
    """The first pass takes the scales from the weight and keeps them in the layer."""
    layer = eight_bit_layer(bnb)
    head = Unembedding(layer)
    before, biases = head.rows(IDS)
    with torch.no_grad():
        layer(torch.randn(2, 48).half())
    assert layer.weight.SCB is None
    after, same = head.rows(IDS)
    assert torch.equal(before, after)
    torch.testing.assert_close(biases.float(), same.float(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "weight",
    [
        torch.zeros(4, 8, dtype=torch.int8),
        torch.zeros(4, 8, dtype=torch.uint8),
        torch.zeros(4, 8, dtype=torch.int32),
        torch.zeros(4, 8, dtype=torch.float8_e4m3fn),
    ],
    ids=lambda weight: str(weight.dtype),
)
def test_unknown_quantisation_is_refused(weight):
    with pytest.raises(ModelError, match=f"or one that bitsandbytes.* of {weight.dtype}: leave"):
        dequantized_rows(weight, torch.tensor([1]))


# --- whole models, quantised and off-loaded --------------------------------------------------


def wide(dtype: torch.dtype = torch.float32, *, tied: bool = False) -> tuple[Any, Any]:
    """A tiny Qwen2-VL whose sizes bitsandbytes can pack: widths of 64, rows in groups of 32."""
    small, processor = tiny_models.build()
    config = small.config.to_dict()
    config["text_config"] |= {
        "hidden_size": 64,
        "intermediate_size": 128,
        "vocab_size": 448,
        "rope_parameters": {"rope_type": "default", "mrope_section": [4, 2, 2]},
        "tie_word_embeddings": tied,
    }
    config["vision_config"] |= {"embed_dim": 64, "hidden_size": 64}
    config["tie_word_embeddings"] = tied
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Qwen2VLForConditionalGeneration(Qwen2VLConfig(**config))
        model.lm_head.weight.data *= 20
    for name in ("eos_token_id", "pad_token_id"):
        setattr(model.generation_config, name, getattr(small.generation_config, name))
    return model.to(dtype).eval(), processor


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folders of the model, plain and with tied weights."""
    folders = {}
    for tied in (False, True):
        folders[tied] = tmp_path_factory.mktemp("wide")
        model, processor = wide(tied=tied)
        model.save_pretrained(folders[tied])
        tiny_models.save_processor(folders[tied], "qwen2-vl", processor)
    return folders


QUANTISED = {
    "nf4": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    "nf4 twice": {
        "load_in_4bit": True,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": True,
        "bnb_4bit_compute_dtype": torch.bfloat16,
    },
    "fp4": {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"},
    "int8": {"load_in_8bit": True},
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("head_too", [True, False], ids=["head quantised", "head left out"])
@pytest.mark.parametrize("name", QUANTISED)
def test_quantised_model_is_true_to_itself(bnb, saved, name, head_too, dtype):
    from transformers import BitsAndBytesConfig

    skipped = [] if head_too else ["lm_head"]
    config = BitsAndBytesConfig(**QUANTISED[name], llm_int8_skip_modules=skipped)
    loaded = load(saved[False], dtype=dtype, quantization_config=config)
    head = loaded.model.lm_head
    assert type(head).__name__ == (
        "Linear" if not head_too else "Linear8bitLt" if name == "int8" else "Linear4bit"
    )
    said = generate(loaded, ask(loaded), max_new_tokens=4)
    # In 8 bit the states are rounded for the product, so the lens is closer to the truth.
    expect_true_to_the_model(loaded, said, atol=0.15, rtol=0.03)
    assert said.unembedding_rows.is_floating_point()
    heard = read(loaded, ask(loaded), [token.id for token in said.tokens])
    torch.testing.assert_close(heard.unembedding_rows, said.unembedding_rows)
    # Rows are near those of the model before it was quantised.
    ids = torch.tensor([token.id for token in said.text_tokens])
    plain = wide(dtype)[0].lm_head.weight.detach()[ids].float()
    apart = (said.unembedding_rows.float() - plain).norm(dim=1) / plain.norm(dim=1)
    assert float(apart.max()) < (0.01 if not head_too or name == "int8" else 0.2)


def off_loaded(folder: Any, place: Any, **options: Any) -> Loaded:
    return load(folder, offload_folder=str(place), **options)


@pytest.mark.parametrize(
    ("where", "tied"),
    [
        ("head", False),
        ("text", False),
        ("text", True),
        ("auto", False),
        ("auto", True),
    ],
)
def test_off_loaded_model_gives_the_same_trace(saved, tmp_path, where, tied):
    options = {
        "head": {"device_map": {"model": "cpu", "lm_head": "disk"}},
        "text": {
            "device_map": {"model.visual": "cpu", "model.language_model": "disk", "lm_head": "disk"}
        },
        "auto": {"device_map": "auto", "max_memory": {"cpu": 100_000}},
    }[where]
    plain, loaded = load(saved[tied]), off_loaded(saved[tied], tmp_path, **options)
    assert loaded.model.lm_head.weight.device.type == "meta"
    for show in (
        lambda one: generate(one, ask(one), max_new_tokens=4),
        lambda one: read(one, ask(one), ANSWER),
    ):
        wanted, given = show(plain), show(loaded)
        assert [t.id for t in given.tokens] == [t.id for t in wanted.tokens]
        for name in (
            "visual_states",
            "text_states",
            "unembedding_rows",
            "rankings",
            "first_prediction_state",
        ):
            assert torch.equal(getattr(given, name), getattr(wanted, name)), name
        assert [t.probability for t in given.text_tokens] == pytest.approx(
            [t.probability for t in wanted.text_tokens], abs=1e-6
        )
    assert loaded.model.lm_head.weight.device.type == "meta"


def test_rows_leave_an_off_loaded_head_where_it_was(saved, tmp_path):
    loaded = off_loaded(saved[False], tmp_path, device_map={"model": "cpu", "lm_head": "disk"})
    rows, _ = cached_unembedding(loaded.model).rows(torch.tensor([1, 2]))
    assert rows.device.type == "cpu"
    assert loaded.model.lm_head.weight.device.type == "meta"
