"""Folders of adapters: base and adapter are loaded together, or it is said what is missing."""

from __future__ import annotations

import copy
import json
import shutil
import sys
from pathlib import Path

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file

import tiny_models
from explained import PICTURE, PROMPT, distance
from seewhy.core.errors import ModelError, UnsupportedModelError
from seewhy.explainer import Explainer
from seewhy.models import load

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:peft")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A base model's folder, and an adapter's beside it."""
    base = tiny_models.save(tmp_path_factory.mktemp("models") / "base")
    wrapped = lora(load(base).model)
    wrapped.save_pretrained(base.parent / "adapter")
    return base, base.parent / "adapter", wrapped


def lora(model, **settings):
    config = {"r": 4, "target_modules": ["q_proj", "o_proj", "up_proj", "lm_head"], **settings}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return peft.get_peft_model(
            copy.deepcopy(model), peft.LoraConfig(init_lora_weights=False, **config)
        )


@pytest.fixture
def adapter(saved, tmp_path):
    """A copy of the adapter's folder, to change it."""
    return shutil.copytree(saved[1], tmp_path / "adapter")


def change_config(folder, **settings):
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))


def test_folder_of_an_adapter_is_loaded_with_its_base(saved):
    base, folder, wrapped = saved
    loaded = load(folder)
    assert loaded.name == str(folder)
    assert loaded.family.name == "qwen2-vl"
    assert loaded.processor.template == tiny_models.TEMPLATE
    merged = copy.deepcopy(wrapped).merge_and_unload()
    one, other = (
        Explainer(each).explain(PICTURE, PROMPT, answer="a red star")
        for each in (load((merged, load(base).processor)), loaded)
    )
    assert distance(one, other) <= 1e-4
    assert "The model runs with the adapter 'default' (LORA)." in other.record.provenance.notes


def test_base_may_be_named_from_the_adapters_folder(saved, adapter):
    shutil.copytree(saved[0], adapter / "base")
    change_config(adapter, base_model_name_or_path="base")
    assert load(adapter).model.config.name_or_path == str(adapter / "base")


def test_processor_of_the_adapter_comes_first(saved, adapter):
    template = tiny_models.TEMPLATE.replace("helpful", "tuned")
    load(saved[0]).processor.tokenizer.save_pretrained(adapter)
    (adapter / "chat_template.jinja").write_text(template)
    assert load(adapter).processor.template == template
    shutil.copy(saved[0] / "preprocessor_config.json", adapter)
    assert load(adapter).processor.template == template


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"base_model_name_or_path": None},
            "Expected base_model_name_or_path in the",
        ),
        ({"base_model_name_or_path": "/no/base"}, "Expected the base model '/no/base' of the"),
        ({"base_model_name_or_path": "some/base"}, "Expected the base model 'some/base' of the"),
        ({"peft_type": "NOTHING"}, "from the adapter: "),
        ({"r": 3}, "from the adapter: "),
    ],
)
def test_adapter_that_cannot_be_loaded_is_told(settings, told, adapter):
    change_config(adapter, **settings)
    with pytest.raises(ModelError, match=told) as caught:
        load(adapter)
    assert "\n" not in str(caught.value)


def test_adapter_of_the_sequence_is_refused_before_its_base_is_read(adapter):
    change_config(adapter, peft_type="PROMPT_TUNING", base_model_name_or_path="/no/base")
    with pytest.raises(UnsupportedModelError, match="type PROMPT_TUNING: it puts virtual tokens"):
        load(adapter)


def test_weights_of_an_adapter_are_complete(adapter):
    file = adapter / "adapter_model.safetensors"
    weights = load_file(file)
    lost = next(key for key in weights if "up_proj.lora_B" in key)
    save_file({key: weight for key, weight in weights.items() if key != lost}, file)
    with pytest.raises(ModelError, match=r"got no .*up_proj\.lora_B\.default\.weight"):
        load(adapter)
    foreign = lost.replace("up_proj", "side_proj")
    save_file({**weights, foreign: weights[lost].clone()}, file)
    with pytest.raises(ModelError, match=r"got unknown .*side_proj\.lora_B"):
        load(adapter)


@pytest.mark.parametrize("contents", [b"", b"[]", b"[" * 100_000], ids=["empty", "list", "deep"])
def test_damaged_config_of_an_adapter_is_told(contents, adapter):
    (adapter / "adapter_config.json").write_bytes(contents)
    with pytest.raises(ModelError, match=r"Expected one JSON object in .*adapter_config\.json"):
        load(adapter)


def test_damaged_or_missing_weights_of_an_adapter_are_told(adapter):
    (adapter / "adapter_model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="from the adapter: "):
        load(adapter)
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match="from the adapter: "):
        load(adapter)


def test_model_and_adapter_in_one_folder_are_told_apart(saved, adapter):
    for name in ("config.json", "model.safetensors"):
        shutil.copy(saved[0] / name, adapter)
    with pytest.raises(ModelError, match="Expected a model or an adapter, got both"):
        load(adapter)
    (adapter / "model.safetensors").unlink()
    assert load(adapter).model.peft_config


def test_without_peft_the_extra_is_named(adapter, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ModelError, match=r"pip install 'seewhy\[peft\]'"):
        load(adapter)


def test_saved_head_and_new_tokens_of_an_adapter(saved, tmp_path):
    wrapped = lora(
        load(saved[0]).model,
        target_modules=["q_proj"],
        modules_to_save=["lm_head"],
        trainable_token_indices={"embed_tokens": [1, 2]},
    )
    wrapped.save_pretrained(tmp_path)
    assert load(Path(tmp_path)).model.lm_head.original_module is not None
