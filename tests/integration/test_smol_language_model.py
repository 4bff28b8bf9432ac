"""SmolLM2 itself, from its wheel: inside Qwen2-VL it says exactly what the Llama class says."""

import pytest
import torch

import smol_parts
from seewhy.core.errors import ModelError
from seewhy.testbed.smol import families
from seewhy.testbed.smol.language_model import language_model
from seewhy.testbed.smol.parts import Parts
from seewhy.testbed.smol.wheel import INSTALL, language_model_file

VISION = {"depth": 6, "embed_dim": 256, "num_heads": 4, "mlp_ratio": 4, "hidden_act": "silu"}
VISION |= {"patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2}


def is_there() -> bool:
    try:
        language_model_file()
    except ModelError:
        return False
    return True


pytestmark = pytest.mark.skipif(not is_there(), reason=f"SmolLM2 is missing: {INSTALL}")


def test_logits_inside_qwen2_vl_are_those_of_the_llama_class_and_english():
    language = language_model()
    family = families.family_for("qwen2_vl")
    config = families.qwen2_vl_config(language.config, VISION)
    sections = config.text_config.rope_parameters["mrope_section"]
    assert sections == [1] * 32 + [0]
    tokenizer = language.tokenizer(family)
    assert len(tokenizer) == config.text_config.vocab_size == 49_152
    vision = {n: t.float() for n, t in smol_parts.random_parts(config).tensors.items()}
    model = smol_parts.plain_model(config, Parts(vision, {}, 0.0), language)
    llama = smol_parts.plain_llama(language)
    question = [{"role": "user", "content": "What is the capital of France?"}]
    text = tokenizer.apply_chat_template(question, tokenize=False, add_generation_prompt=True)
    assert text == (
        "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
    )
    ids = tokenizer(f"{text}The capital of France is", return_tensors="pt").input_ids
    with torch.no_grad():
        expected, found = (one(ids).logits for one in (llama, model))
    assert torch.equal(found, expected)
    assert tokenizer.decode(found[0, -1].argmax()) == " Paris"
