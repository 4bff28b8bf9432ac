"""Parts and a language model become an ordinary folder of the family's class."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

import smol_parts
from seewhy import models
from seewhy.core.errors import ModelError
from seewhy.explainer import Explainer
from seewhy.testbed.smol.assembly import assemble
from seewhy.testbed.smol.families import family_for
from seewhy.testbed.smol.part_files import PARTS
from seewhy.testbed.smol.parts import Parts, read_parts

KINDS = {
    "qwen2_vl": "Qwen2VLForConditionalGeneration",
    "llava": "LlavaForConditionalGeneration",
    "llava-siglip": "LlavaForConditionalGeneration",
    "internvl": "InternVLForConditionalGeneration",
}


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    return smol_parts.tiny_language(tmp_path_factory.mktemp("language"))


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def parts(tmp_path_factory, language, kind):
    return smol_parts.write_random_parts(tmp_path_factory.mktemp("parts") / kind, kind, language)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, parts, language):
    out = tmp_path_factory.mktemp("out") / parts.name
    assemble(parts, out, language)
    return out


def test_folder_loads_as_the_family_and_is_explained(folder, kind):
    loaded = models.load(folder)
    assert type(loaded.model).__name__ == KINDS[kind]
    assert {p.dtype for p in loaded.model.parameters()} == {torch.bfloat16}
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    found = Explainer(loaded).explain(Image.fromarray(pixels), "cat?", answer="a cat in a hat")
    assert [word.text for word in found] == ["a", "cat", "in", "a", "hat"]
    assert np.isfinite(found["cat"].heatmap).all()


def test_folder_has_the_names_of_released_checkpoints_and_bfloat16_weights(folder, kind, parts):
    state = load_file(folder / "model.safetensors")
    assert {tensor.dtype for tensor in state.values()} == {torch.bfloat16}
    if kind == "qwen2_vl":
        assert {"model.embed_tokens.weight", "visual.patch_embed.proj.weight"} <= set(state)
    assert "lm_head.weight" not in state
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == [KINDS[kind]]
    assert (folder / "README.md").read_text() == "# A stand-in\n"
    assert not (folder / PARTS).exists()


def test_weights_are_merged_in_float32_and_rounded_once(folder, parts, language):
    model = AutoModelForImageTextToText.from_pretrained(folder)
    read = read_parts(parts)
    at = "model.language_model.layers.1.mlp.down_proj"
    first, second = read.lora[at]
    base = language.state["model.layers.1.mlp.down_proj.weight"]
    expected = (base + 2.0 * second.float() @ first.float()).bfloat16()
    assert not torch.equal(expected, base.bfloat16())
    assert torch.equal(model.get_submodule(at).weight, expected)
    name, tensor = next(iter(read.tensors.items()))
    assert torch.equal(model.state_dict()[name], tensor)


def test_without_lora_the_logits_are_those_of_the_llama_class(language, kind):
    config = smol_parts.config_of(kind, language)
    parts = Parts(smol_parts.random_parts(config).tensors, {}, 0.0)
    llama, model = smol_parts.plain_llama(language), smol_parts.plain_model(config, parts, language)
    tokenizer = language.tokenizer(family_for(config.model_type))
    ids = tokenizer("the cat in the hat sat in a cat", return_tensors="pt").input_ids
    with torch.no_grad():
        expected, found = (one(ids).logits for one in (llama, model))
    assert expected.abs().max() > 0.1
    assert torch.equal(found, expected)


@pytest.fixture
def damaged(tmp_path, language):
    """A folder of parts that a test damages."""
    return smol_parts.write_random_parts(tmp_path / "parts", "qwen2_vl", language)


def test_file_of_parts_that_is_cut_is_an_error(damaged, language, tmp_path):
    data = (damaged / PARTS).read_bytes()
    (damaged / PARTS).write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match="Expected a whole file .*parts.safetensors"):
        assemble(damaged, tmp_path / "out", language)
    (damaged / PARTS).unlink()
    with pytest.raises(ModelError, match="Expected a whole file .*parts.safetensors"):
        assemble(damaged, tmp_path / "out", language)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.pop("model.visual.merger.ln_q.weight"), r"ln_q.weight of the shape none"),
        (lambda t: t.update({"model.visual.extra": torch.ones(2)}), r"visual.extra .* has none"),
        (
            lambda t: t.update({"model.visual.merger.ln_q.weight": torch.ones(3)}),
            r"ln_q.weight of the shape \(3,\) where its config has \(32,\)",
        ),
        (
            lambda t: t.pop("lora.model.language_model.layers.0.mlp.up_proj.A"),
            r"got no lora.model.language_model.layers.0.mlp.up_proj.A",
        ),
        (lambda t: t.update({"lora.x.C": torch.ones(2)}), "got no lora.x.A"),
        (
            lambda t: t.update({"lora.no.A": torch.ones(2, 4), "lora.no.B": torch.ones(4, 2)}),
            r"B \[4, 2\] for no: there is no such layer",
        ),
        (
            lambda t: t.update(
                {"lora.model.language_model.layers.0.mlp.up_proj.A": torch.ones(2, 5)}
            ),
            r"A \[2, 5\] .*up_proj: there is a weight of \[96, 64\]",
        ),
    ],
)
def test_parts_that_do_not_fit_are_an_error_that_names_them(
    damaged, language, tmp_path, change, told
):
    tensors = load_file(damaged / PARTS)
    change(tensors)
    save_file(tensors, damaged / PARTS, {"lora_scale": "2.0"})
    with pytest.raises(ModelError, match=told):
        assemble(damaged, tmp_path / "out", language)


def test_lora_without_a_scale_is_an_error(damaged, language, tmp_path):
    save_file(load_file(damaged / PARTS), damaged / PARTS)
    with pytest.raises(ModelError, match="Expected the metadata 'lora_scale'"):
        assemble(damaged, tmp_path / "out", language)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"model_type": "bert"}'])
def test_config_that_is_none_of_a_family_is_an_error(damaged, language, tmp_path, text):
    (damaged / "config.json").write_text(text)
    with pytest.raises(ModelError, match="Expected a config of"):
        assemble(damaged, tmp_path / "out", language)
