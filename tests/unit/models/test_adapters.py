"""Every type of adapter that PEFT has is explained as what it computes, or refused by name."""

from __future__ import annotations

import copy

import peft
import pytest
import torch
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

import seewhy
import tiny_models
from explained import PICTURE, PROMPT, distance, explained
from seewhy.core.errors import ParameterError, UnsupportedModelError
from seewhy.explainer import Explainer
from seewhy.models import load, prepare
from seewhy.models.adapters import REFUSED, adapter_state, base_layer, describe_adapters
from seewhy.models.unembedding import cached_unembedding
from seewhy.models.wrappers import unwrap

#: PEFT warns of what some types do not have here: CUDA, hooks inside of their layers.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

PROJECTIONS = r".*language_model.*(q|k|v|o|gate|up|down)_proj"
WITH_HEAD = rf"({PROJECTIONS}|lm_head)"

#: Settings of each type that acts in layers, for the sizes of the tiny model.
IN_LAYERS = {
    "ADALORA": {"total_step": 10},
    "BEFT": {"target_modules": r".*language_model.*[qkv]_proj"},
    "BOFT": {"boft_block_size": 4},
    "C3A": {"block_size": 8, "target_modules": PROJECTIONS},
    "DEFT": {},
    "DELORA": {},
    "FOURIERFT": {"n_frequency": 50, "scaling": 1.0},
    "GLORA": {},
    "GRALORA": {},
    "HIRA": {},
    "HRA": {},
    "IA3": {"feedforward_modules": ".*down_proj"},
    "LN_TUNING": {"target_modules": ".*norm.*"},
    "LOHA": {},
    "LOKR": {},
    "LORA": {},
    "MISS": {"r": 8},
    "OFT": {"oft_block_size": 4, "r": 0},
    "OSF": {},
    "PEANUT": {},
    "PSOFT": {"r": 8},
    "PVERA": {},
    "RANDLORA": {"r": 4, "randlora_alpha": 4},
    "ROAD": {"group_size": 4, "target_modules": PROJECTIONS},
    "SHIRA": {"r": 2},
    "SUPERTUNING": {},
    "TINYLORA": {},
    "TRAINABLE_TOKENS": {"token_indices": [1, 2, 40, 41], "target_modules": ["lm_head"]},
    "UNILORA": {},
    "VBLORA": {"num_vectors": 16, "vector_length": 8, "target_modules": PROJECTIONS},
    "VERA": {},
    "WAVEFT": {"n_frequency": 48, "scaling": 1.0},
}

#: Further settings of LoRA, beside the plain one.
OF_LORA = {
    "DoRA": {"use_dora": True},
    "rank-stabilised": {"use_rslora": True},
    "head": {"target_modules": ["lm_head", "embed_tokens"]},
    "saved head": {"modules_to_save": ["lm_head"], "target_modules": PROJECTIONS},
    "saved norms": {"modules_to_save": ["embed_tokens", "norm"], "target_modules": PROJECTIONS},
    "tokens of the head": {
        "trainable_token_indices": {"lm_head": [1, 2, 40]},
        "target_modules": PROJECTIONS,
    },
}

#: Types that cannot be built from settings alone, or not for this model; refused ones by config.
NOT_BUILT = {"ADAMSS", "FROD", "LILY", "POLY", "SHADOW", "XLORA"}


@pytest.fixture(scope="module")
def bare():
    return tiny_models.build()


def adapted(model, config, **options):
    """A copy of a model with an adapter, whose trainable weights are changed a little."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        wrapped = peft.get_peft_model(copy.deepcopy(model), config, **options)
        for weight in wrapped.parameters():
            if weight.requires_grad:
                size = weight.detach().abs().mean().clamp_min(0.02) / 4
                weight.data += torch.randn(weight.shape) * size
    return wrapped.train()


def config_of(kind, **settings):
    made = PEFT_TYPE_TO_CONFIG_MAPPING[peft.PeftType(kind)]
    return made(**{"target_modules": WITH_HEAD, **settings})


def assert_explained_as_merged(bare, wrapped, method="logit-shares"):
    merged = copy.deepcopy(wrapped).eval().merge_and_unload()
    one, other = (explained(m, bare[1], method, "a red star") for m in (merged, wrapped))
    assert distance(one, other) <= 1e-4


def test_every_type_of_peft_is_known():
    known = {*IN_LAYERS, *REFUSED, *NOT_BUILT}
    assert {kind.value for kind in PEFT_TYPE_TO_CONFIG_MAPPING} <= known


@pytest.mark.parametrize("kind", IN_LAYERS)
def test_adapter_in_layers_is_explained_as_merged(kind, bare):
    assert_explained_as_merged(bare, adapted(bare[0], config_of(kind, **IN_LAYERS[kind])))


@pytest.mark.parametrize("kind", OF_LORA)
def test_lora_of_every_kind_is_explained_as_merged(kind, bare):
    wrapped = adapted(bare[0], config_of("LORA", **OF_LORA[kind]))
    assert_explained_as_merged(bare, wrapped)
    assert_explained_as_merged(bare, wrapped, "attn-lrp")


def test_adapter_that_is_not_linear_has_no_parts_of_logits(bare):
    wrapped = adapted(bare[0], config_of("LILY", target_modules=PROJECTIONS))
    found = explained(wrapped, bare[1], "logit-shares", "a red star")
    assert found.method == "intra-modal(window=None)"
    assert any("to multiply its input with a matrix" in note for note in found.notes)
    with pytest.raises(UnsupportedModelError, match="AttnLRP has no rule"):
        explained(wrapped, bare[1], "attn-lrp", "a red star")


PROMPTS = {
    "PROMPT_TUNING": {"num_virtual_tokens": 3},
    "P_TUNING": {"num_virtual_tokens": 3},
    "PREFIX_TUNING": {"num_virtual_tokens": 3},
    "MULTITASK_PROMPT_TUNING": {"num_virtual_tokens": 3},
    "CARTRIDGE": {"num_virtual_tokens": 3},
    "CPT": {"cpt_token_ids": [1, 2], "cpt_mask": [1, 1], "cpt_tokens_type_mask": [1, 1]},
}


@pytest.mark.parametrize("kind", PROMPTS)
def test_adapter_of_the_sequence_is_refused_by_name(kind, bare):
    made = PEFT_TYPE_TO_CONFIG_MAPPING[peft.PeftType(kind)]
    config = made(task_type="CAUSAL_LM", **PROMPTS[kind])
    wrapped = peft.get_peft_model(copy.deepcopy(bare[0]), config)
    with pytest.raises(UnsupportedModelError, match=f"of type {kind}: it puts virtual"):
        load((wrapped, bare[1]))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"alora_invocation_tokens": [1, 2]}, "aLoRA"),
        ({"peft_type": "ADAPTION_PROMPT"}, "virtual tokens beside the prompt"),
        ({"peft_type": "XLORA"}, "decides how its adapters are mixed"),
        ({"peft_type": "POLY"}, "a task's number"),
        ({"peft_type": "SHADOW"}, "a second stream"),
        ({"peft_type": "NEW"}, "not known to act in layers alone"),
    ],
)
def test_adapter_that_acts_outside_of_layers_is_refused(settings, reason, bare):
    wrapped = adapted(bare[0], config_of("LORA"))
    config = wrapped.peft_config["default"]
    for name, value in settings.items():
        setattr(config, name, value)
    with pytest.raises(UnsupportedModelError, match=reason):
        unwrap(wrapped)


def test_rows_of_a_head_with_an_adapter_are_those_it_multiplies_with(bare):
    wrapped = adapted(bare[0], config_of("LORA", target_modules=["lm_head"], use_dora=True)).eval()
    ids = torch.tensor([1, 40, 41])
    rows, biases = cached_unembedding(unwrap(wrapped)).rows(ids)
    merged = copy.deepcopy(wrapped).merge_and_unload()
    torch.testing.assert_close(rows, merged.lm_head.weight[ids].detach(), rtol=1e-5, atol=1e-5)
    assert biases is None
    shown = base_layer(unwrap(wrapped).lm_head).weight[ids].detach()
    assert float((rows - shown).abs().max()) > 1e-3


def test_adapter_can_be_switched_between_explanations(bare):
    """What is known of a model is of the layers that it has, and adapters change them in place."""
    model, processor = copy.deepcopy(bare[0]), bare[1]
    before = explained(model, processor, "logit-shares", "a red star")
    config = config_of("LORA", init_lora_weights=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        wrapped = peft.get_peft_model(model, config)
        wrapped.add_adapter("norms", config_of("LORA", target_modules=["q_proj"]))
    with_adapter = explained(wrapped, processor, "logit-shares", "a red star")
    assert abs(with_adapter.tokens[1].probability - before.tokens[1].probability) > 1e-6
    with wrapped.disable_adapter():
        without = explained(wrapped, processor, "logit-shares", "a red star")
        assert describe_adapters(unwrap(wrapped)) == "The model's adapters are switched off."
    assert distance(before, without) <= 1e-6
    wrapped.set_adapter("norms")
    assert describe_adapters(unwrap(wrapped)) == "The model runs with the adapter 'norms' (LORA)."
    assert distance(before, explained(wrapped, processor, "logit-shares", "a red star")) <= 1e-6
    wrapped.set_adapter("default")
    wrapped.merge_adapter()
    again = explained(wrapped, processor, "logit-shares", "a red star")
    assert distance(with_adapter, again) <= 1e-4


def test_norm_with_an_adapter_replaces_the_one_that_was_measured(bare):
    model, processor = copy.deepcopy(bare[0]), bare[1]
    explained(model, processor, "logit-shares", "a red star")
    tuned = peft.get_peft_model(model, config_of("LN_TUNING", target_modules=".*norm.*"))
    for name, weight in tuned.named_parameters():
        if weight.requires_grad and "norm" in name:
            weight.data *= 1.5
    merged = copy.deepcopy(tuned).merge_and_unload()
    one, other = (explained(m, processor, "logit-shares", "a red star") for m in (merged, tuned))
    assert distance(one, other) <= 1e-6


def test_mixed_adapters_and_those_that_transformers_adds(bare):
    mixed = adapted(bare[0], config_of("LORA", target_modules=PROJECTIONS), mixed=True)
    assert unwrap(mixed) is mixed.base_model.model
    explained(mixed, bare[1], "logit-shares", "a red star")
    own = copy.deepcopy(bare[0])
    before = explained(own, bare[1], "logit-shares", "a red star")
    own.add_adapter(peft.LoraConfig(target_modules=["q_proj", "o_proj"]))
    after = explained(own, bare[1], "logit-shares", "a red star")
    assert distance(before, after) <= 1e-6
    assert "The model runs with the adapter 'default' (LORA)." in after.record.provenance.notes


def traced(wrapped, processor, **options):
    inner = unwrap(wrapped)
    explainer = Explainer(load((wrapped, processor)))
    inputs = dict(prepare(explainer.loaded.family, PICTURE, PROMPT).tensors)
    with seewhy.trace(wrapped, processor) as trace:
        inputs |= dict(processor.image_processor(images=PICTURE, return_tensors="pt"))
        wrapped.generate(**inputs, max_new_tokens=3, do_sample=False, **options)
    assert adapter_state(inner)
    return trace, explainer


def test_trace_records_a_call_of_the_wrapper(bare):
    wrapped = adapted(bare[0], config_of("LORA")).eval()
    trace, explainer = traced(wrapped, bare[1])
    found = trace.explain(prompt=PROMPT, explain_prompt=False)
    ids = [token.id for token in found.record.tokens]
    wanted = explainer.explain(PICTURE, PROMPT, answer=ids, explain_prompt=False)
    assert distance(wanted, found) <= 1e-4


def test_trace_refuses_other_adapters_than_those_of_the_call(bare):
    wrapped = adapted(bare[0], config_of("LORA", target_modules=PROJECTIONS)).eval()
    with wrapped.disable_adapter():
        trace, _ = traced(wrapped, bare[1])
    with pytest.raises(ParameterError, match="Expected the adapters that acted in the call"):
        trace.explain(prompt=PROMPT)
    chosen, _ = traced(wrapped, bare[1], adapter_names=["__base__"])
    with pytest.raises(ParameterError, match="chosen for the call alone"):
        chosen.explain(prompt=PROMPT)


def test_layers_in_eight_bits_keep_their_parts_of_logits(tmp_path):
    """A quantised layer rounds its inputs, so that no product is exact; adapters sit on top."""
    pytest.importorskip("bitsandbytes")
    from transformers import BitsAndBytesConfig

    kept = ["lm_head", "visual", "model.visual"]
    quantised = BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=kept)
    loaded = load(tiny_models.save(tmp_path), quantization_config=quantised)
    before = explained(loaded.model, loaded.processor, "logit-shares", "a red star")
    assert before.method == "logit-shares"
    config = config_of("LORA", target_modules=["q_proj", "o_proj", "lm_head"])
    after = explained(
        peft.get_peft_model(loaded.model, config), loaded.processor, "logit-shares", "a red star"
    )
    assert distance(before, after) <= 1e-4
