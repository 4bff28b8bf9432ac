"""Loading: by folder, by pair, and what is said of everything else, before any weights are read."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoConfig, AutoModelForImageTextToText

import tiny_models
import unadapted
from painting import noise
from seewhy.core.errors import ModelError, UnknownNameError, UnsupportedModelError
from seewhy.models import ProcessorParts, family_choice, load, model_config, prepare
from seewhy.models.isolation import eval_mode


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_models.save(tmp_path_factory.mktemp("tiny"))


def copy(folder, place, *, without=(), **config):
    """A copy of a saved model with a changed config, or without some files."""
    for file in folder.iterdir():
        if file.name not in without:
            (place / file.name).write_bytes(file.read_bytes())
    settings = json.loads((place / "config.json").read_text())
    (place / "config.json").write_text(json.dumps({**settings, **config}))
    return place


@pytest.mark.parametrize("form", [str, lambda path: path])
def test_load_takes_a_folder(folder, form):
    loaded = load(form(folder))
    assert loaded.name == str(folder)
    assert loaded.family.name == "qwen2-vl"
    assert not loaded.model.training
    assert type(loaded.processor.image_processor).__name__ == "Qwen2VLImageProcessorPil"
    assert loaded.processor.template == tiny_models.TEMPLATE


def test_load_takes_a_pair(folder):
    model, processor = tiny_models.build()
    loaded = load((model, processor))
    assert loaded.model is model
    assert loaded.processor is processor
    assert loaded.family.model is model
    same = load(folder)
    image = noise(60, 40)
    one, other = (prepare(each.family, image, "What?").tensors for each in (loaded, same))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_load_takes_a_processor_apart():
    model, processor = tiny_models.build()
    whole = SimpleNamespace(
        image_processor=processor.image_processor,
        tokenizer=processor.tokenizer,
        chat_template={"default": "one", "other": "two"},
    )
    assert load((model, whole)).processor.template == "one"


def test_load_passes_dtype_and_device_map_on(folder, monkeypatch):
    given = {}
    real = AutoModelForImageTextToText.from_pretrained

    def remember(place, **kwargs):
        given.update(kwargs)
        assert given.pop("output_loading_info")
        assert given.pop("ignore_mismatched_sizes")
        return real(place, **{key: kwargs[key] for key in ("dtype", "attn_implementation")})

    monkeypatch.setattr(AutoModelForImageTextToText, "from_pretrained", remember)
    loaded = load(folder, dtype=torch.bfloat16, device_map="auto", attn_implementation="eager")
    assert given == {
        "dtype": torch.bfloat16,
        "device_map": "auto",
        "attn_implementation": "eager",
    }
    assert loaded.model.dtype == torch.bfloat16


def test_load_finds_the_template_in_json(folder, tmp_path):
    place = copy(folder, tmp_path, without=["chat_template.jinja"])
    (place / "chat_template.json").write_text(json.dumps({"chat_template": "from json"}))
    assert load(place).processor.template == "from json"


def test_load_does_without_a_template(folder, tmp_path):
    place = copy(folder, tmp_path, without=["chat_template.jinja"])
    loaded = load(place, chat_template="plain")
    assert loaded.processor.template is None
    assert len(prepare(loaded.family, noise(60, 40), "What?").prompt_positions) == 3


@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing", "~/no/such", "a/b/c"])
def test_load_refuses_a_folder_that_is_not_there(name):
    with pytest.raises(UnknownNameError, match="which is not there"):
        load(name)


def test_load_refuses_a_folder_without_a_config(tmp_path):
    with pytest.raises(UnknownNameError, match=r"holds no config\.json"):
        load(tmp_path)


def test_load_refuses_an_unknown_hub_id_with_near_matches():
    begun = time.perf_counter()
    with pytest.raises(
        UnknownNameError, match=r"offline\?\)\. Did you mean 'Qwen/Qwen2-VL-2B-Instruct'"
    ) as caught:
        load("qwen/qwen2-vl-2b")
    assert isinstance(caught.value.__cause__, OSError)
    assert time.perf_counter() - begun < 3


def test_load_does_not_suggest_the_very_id_that_was_typed():
    with pytest.raises(UnknownNameError, match="Connect to the network, or give") as caught:
        load("Qwen/Qwen2-VL-2B-Instruct")
    assert "Did you mean" not in str(caught.value)


def test_load_suggests_the_names_that_the_caller_knows():
    with pytest.raises(UnknownNameError, match=r"Did you mean 'tiny-llava'\?"):
        load("tiny-lava", suggestions=("tiny-llava",))


def test_load_asks_only_the_cache_when_the_hub_does_not_resolve(monkeypatch):
    from huggingface_hub import constants
    from transformers import AutoConfig

    def unresolved(*address):
        raise OSError("no name server")

    def remember(place, **kwargs):
        given.update(kwargs)
        raise OSError("not cached")

    given = {}
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(model_config.socket, "getaddrinfo", unresolved)
    monkeypatch.setattr(AutoConfig, "from_pretrained", remember)
    with pytest.raises(UnknownNameError, match="cannot be reached"):
        load("some/model", revision="main")
    assert given == {"revision": "main", "local_files_only": True, "trust_remote_code": False}


def test_load_refuses_a_text_only_model(tmp_path):
    with pytest.raises(UnsupportedModelError, match="a Qwen2ForCausalLM .*reads no images"):
        load(tiny_models.save_text_only(tmp_path))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("mllama", "layers of cross-attention"),
        ("blip-2", "a resampler, whose tokens all attend to"),
    ],
)
def test_load_refuses_what_no_map_could_be_true_to_with_its_reason(kind, reason):
    config = AutoConfig.for_model(kind)
    with pytest.raises(UnsupportedModelError, match=f"got 'some/model', .*{kind}.*{reason}"):
        family_choice.family_of(config, name="some/model")


def test_load_refuses_a_config_with_broken_fields(folder, tmp_path):
    place = copy(folder, tmp_path, text_config={"hidden_size": "wide"})
    with pytest.raises(ModelError, match=r"Expected a valid config\.json in .*hidden_size"):
        load(place)


OWN_CODE = """
from transformers import AyaVisionConfig, AyaVisionForConditionalGeneration

class OwnConfig(AyaVisionConfig):
    model_type = "own_vision"

class OwnModel(AyaVisionForConditionalGeneration):
    config_class = OwnConfig
"""


@pytest.fixture(scope="module")
def own_code(tmp_path_factory):
    """A checkpoint that brings its own classes, as many do before transformers has them."""
    place = tmp_path_factory.mktemp("own")
    model, processor = unadapted.aya_vision()
    model.save_pretrained(place)
    processor.save_pretrained(place)
    (place / "own.py").write_text(OWN_CODE)
    file = place / "config.json"
    config = json.loads(file.read_text()) | {
        "model_type": "own_vision",
        "architectures": ["OwnModel"],
        "auto_map": {
            "AutoConfig": "own.OwnConfig",
            "AutoModelForImageTextToText": "own.OwnModel",
        },
    }
    file.write_text(json.dumps(config))
    return place


def test_load_runs_no_code_of_a_checkpoint_unless_it_is_trusted(own_code):
    with pytest.raises(UnsupportedModelError, match="pass trust_remote_code=True if you trust it"):
        load(own_code)


def test_load_places_a_trusted_model_of_its_own_code_by_experiment(own_code):
    loaded = load(own_code, trust_remote_code=True)
    assert type(loaded.model).__name__ == "OwnModel"
    assert loaded.family.name == "probed"
    inputs = prepare(loaded.family, noise(60, 60), "What?")
    assert inputs.views[0].geometry.visual == len(inputs.visual_positions) > 0
    (note,) = inputs.media[0].notes
    assert "found by experiment" in note
    assert "100% of painted blocks" in note


def test_load_refuses_a_model_type_that_transformers_does_not_know(folder, tmp_path):
    place = copy(folder, tmp_path, model_type="nonesuch")
    with pytest.raises(UnsupportedModelError, match="nonesuch") as caught:
        load(place)
    assert isinstance(caught.value.__cause__, ValueError)


def test_load_refuses_missing_weights(folder, tmp_path):
    place = copy(folder, tmp_path, without=["model.safetensors"])
    with pytest.raises(ModelError, match="Expected the weights") as caught:
        load(place)
    assert isinstance(caught.value.__cause__, OSError)


def test_load_refuses_damaged_weights(folder, tmp_path):
    place = copy(folder, tmp_path)
    weights = place / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="Expected the weights"):
        load(place)


def test_load_refuses_a_missing_image_processor(folder, tmp_path):
    with pytest.raises(ModelError, match="Expected the weights, tokenizer and processor"):
        load(copy(folder, tmp_path, without=["preprocessor_config.json"]))


def test_load_refuses_a_missing_tokenizer(folder, tmp_path):
    # transformers makes an empty tokenizer of nothing, and does not say so.
    with pytest.raises(ModelError, match=r"special tokens alone: tokenizer\.json \(or vocab\.json"):
        load(copy(folder, tmp_path, without=["tokenizer.json", "vocab.json", "merges.txt"]))


def test_load_refuses_half_a_processor():
    model, processor = tiny_models.build()
    with pytest.raises(ModelError, match="Expected a processor with an image_processor"):
        load((model, processor.tokenizer))


def test_composed_refuses_a_slow_tokenizer():
    with pytest.raises(ModelError, match="Expected a fast tokenizer, got SimpleNamespace"):
        ProcessorParts(None, SimpleNamespace(is_fast=False))


def test_undisturbed_leaves_every_module_in_its_own_mode():
    model, _ = tiny_models.build()
    model.train()
    model.lm_head.eval()
    before = [module.training for module in model.modules()]

    def stumble() -> None:
        with eval_mode(model):
            assert not any(module.training for module in model.modules())
            assert not torch.is_grad_enabled()
            raise KeyError("stumbled")

    with pytest.raises(KeyError, match="stumbled"):
        stumble()
    assert [module.training for module in model.modules()] == before
    assert torch.is_grad_enabled()
