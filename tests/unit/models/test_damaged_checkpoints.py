"""A checkpoint with missing or damaged files is one line that names them."""

from __future__ import annotations

import json
import pickle
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import tiny_models
from families import BUILDERS
from seewhy.core.errors import ModelError, ParameterError, SeewhyError
from seewhy.models import load
from seewhy.models.loading_report import expect_complete
from whole_models import whole_models


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_models.save(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def damaged(folder, tmp_path):
    """A copy of the folder, to damage it."""
    return shutil.copytree(folder, tmp_path / "copy")


CONTENTS = {
    "empty": b"",
    "cut": b'{"model_type": "qw',
    "binary": bytes(range(256)) * 4,
    "a list": b"[1, 2]",
    "null": b"null",
    "a number": b"3",
    "too deep": b"[" * 100_000,
    "an object too deep": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a pickle": pickle.dumps({"a": 1}),
    "other text": '{"a": 1}'.encode("utf-16"),
}
JSON_FILES = ("config.json", "generation_config.json", "preprocessor_config.json")


@pytest.mark.parametrize("name", [*JSON_FILES, "tokenizer_config.json"])
@pytest.mark.parametrize("contents", CONTENTS.values(), ids=CONTENTS)
def test_damaged_json_is_told_by_its_file(name, contents, damaged):
    (damaged / name).write_bytes(contents)
    with pytest.raises(ModelError, match=f"Expected one JSON object in .*{name}") as caught:
        load(damaged)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", JSON_FILES)
def test_folder_in_place_of_a_file_is_told(name, damaged):
    (damaged / name).unlink()
    (damaged / name).mkdir()
    with pytest.raises(ModelError, match=f"{name}', got Is a directory"):
        load(damaged)


@pytest.mark.parametrize("contents", CONTENTS.values(), ids=CONTENTS)
def test_damaged_tokenizer_is_told(contents, damaged):
    (damaged / "tokenizer.json").write_bytes(contents)
    with pytest.raises(ModelError, match="from the tokenizer or processor") as caught:
        load(damaged)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("contents", CONTENTS.values(), ids=CONTENTS)
def test_damaged_weights_are_told(contents, damaged):
    (damaged / "model.safetensors").write_bytes(contents)
    with pytest.raises(ModelError, match="from the weights") as caught:
        load(damaged)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [[1, 2], {"a": len}], ids=["a list", "code"])
def test_pickled_weights_of_something_else_are_told(value, damaged):
    (damaged / "model.safetensors").unlink()
    (damaged / "pytorch_model.bin").write_bytes(pickle.dumps(value))
    with pytest.raises(ModelError, match="from the weights"):
        load(damaged)


def changed_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    save_file(change(weights), folder / "model.safetensors", metadata={"format": "pt"})


def test_missing_weights_are_named(damaged):
    lost = ["lm_head.weight", "model.layers.0.mlp.up_proj.weight", "visual.merger.ln_q.bias"]
    changed_weights(
        damaged, lambda weights: {key: w for key, w in weights.items() if key not in lost}
    )
    with pytest.raises(
        ModelError,
        match=r"got none for lm_head\.weight, .*layers\.0\.mlp\.up_proj\.weight, .*ln_q\.bias: "
        "random numbers",
    ):
        load(damaged)


def test_unexpected_weights_are_named(damaged):
    changed_weights(damaged, lambda weights: {**weights, "score.weight": torch.zeros(2)})
    with pytest.raises(ModelError, match=r"Expected only weights .* got score\.weight: "):
        load(damaged)


def test_misshapen_weights_are_named_with_their_shapes(damaged):
    changed_weights(damaged, lambda weights: {**weights, "lm_head.weight": torch.zeros(3, 48)})
    with pytest.raises(ModelError, match=r"got lm_head\.weight \[3, 48\] in place of \[\d+, 48\]"):
        load(damaged)


def test_report_of_errors_is_told():
    with pytest.raises(ModelError, match="Expected the weights of 'x', got out of luck: "):
        expect_complete({"error_msgs": ["out\n of luck"]}, "x")


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_whole_model_of_every_family_is_no_false_alarm(name, tmp_path):
    model, _ = BUILDERS[name]()
    model.save_pretrained(tmp_path)
    _, report = type(model).from_pretrained(tmp_path, output_loading_info=True)
    expect_complete(report, name)


@pytest.mark.parametrize("name", whole_models())
def test_shipped_model_is_no_false_alarm(name):
    assert load(whole_models()[name]).processor.template


def test_model_in_four_bits_is_no_false_alarm(folder, tmp_path):
    pytest.importorskip("bitsandbytes")
    from transformers import BitsAndBytesConfig

    quantised = BitsAndBytesConfig(load_in_4bit=True, llm_int8_skip_modules=["lm_head", "visual"])
    loaded = load(folder, quantization_config=quantised)
    assert type(loaded.model.model.language_model.layers[0].mlp.up_proj).__name__ == "Linear4bit"
    loaded.model.save_pretrained(tmp_path)
    for file in ("tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"):
        shutil.copy(folder / file, tmp_path)
    shutil.copy(folder / "chat_template.jinja", tmp_path)
    assert load(tmp_path).model.lm_head.weight.is_floating_point()


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("tokenizer.json", r"tokenizer\.json \(or vocab\.json and merges\.txt\) is missing"),
        ("tokenizer_config.json", r"Expected tokenizer_config\.json beside tokenizer\.json"),
        ("chat_template.jinja", r"Expected a chat template in .*\(chat_template\.jinja, or in"),
        ("preprocessor_config.json", r"from the tokenizer or processor: .*image processor"),
        ("model.safetensors", r"from the weights: .*no file named model\.safetensors"),
    ],
)
def test_missing_file_is_named(file, told, damaged):
    (damaged / file).unlink()
    with pytest.raises(ModelError, match=told):
        load(damaged)


def test_vocabulary_without_merges_is_told(damaged):
    state = json.loads((damaged / "tokenizer.json").read_text())["model"]
    (damaged / "vocab.json").write_text(json.dumps(state["vocab"]))
    (damaged / "tokenizer.json").unlink()
    with pytest.raises(SeewhyError, match="merges"):
        load(damaged)


def test_tokenizer_of_another_model_is_told(folder):
    model, processor = tiny_models.build()
    _, other = BUILDERS["llava"]()
    with pytest.raises(ModelError, match="or belong to another model"):
        load((model, other))
    processor.tokenizer.add_tokens([f"word{n}" for n in range(200)])
    with pytest.raises(ModelError, match=r"a tokenizer of the \d+ ids of .* got one of \d+ tokens"):
        load((model, processor))


@pytest.mark.parametrize("template", ["{{ messages", "{% for m in messages %}", "{{ 1 | }}"])
def test_broken_template_is_told(template, damaged, folder):
    (damaged / "chat_template.jinja").write_text(template)
    with pytest.raises(ModelError, match="that Jinja can read, got .* in line 1"):
        load(damaged)
    with pytest.raises(ModelError, match="that Jinja can read"):
        load(folder, chat_template=template)


def test_template_may_be_given(damaged):
    (damaged / "chat_template.jinja").write_text("  \n")
    with pytest.raises(ModelError, match="Expected a chat template"):
        load(damaged)
    assert load(damaged, chat_template=tiny_models.TEMPLATE).processor.template
    marked = tiny_models.TEMPLATE + "{% generation %}{% endgeneration %}"
    assert load(damaged, chat_template=marked).processor.template == marked
    for wrong in (3, " "):
        with pytest.raises(ParameterError, match="Expected chat_template as Jinja"):
            load(damaged, chat_template=wrong)


def test_family_without_templates_needs_none(tmp_path):
    model, processor = BUILDERS["paligemma"]()
    model.save_pretrained(tmp_path)
    processor.tokenizer.save_pretrained(tmp_path)
    processor.image_processor.save_pretrained(tmp_path)
    assert load(tmp_path).processor.template is None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"max_pixel": 3}, "Expected the name of a setting of loading, got 'max_pixel'"),
        ({"revison": "main"}, "did you mean 'revision'"),
        ({"dtype": "half a float"}, "Expected dtype as one of torch's"),
    ],
)
def test_unknown_setting_is_told(settings, told, folder):
    with pytest.raises(ParameterError, match=told):
        load(folder, **settings)


def test_settings_of_loading_are_refused_for_a_loaded_model():
    with pytest.raises(ParameterError, match="Expected no dtype, attn_implementation for a model"):
        load(tiny_models.build(), dtype="auto", attn_implementation="eager")


def test_loaded_model_finds_its_processor_by_its_name(folder):
    model = load(folder).model
    found = load(model)
    assert found.name == str(folder)
    assert found.processor.template == tiny_models.TEMPLATE
    model.config.name_or_path = ""
    with pytest.raises(ModelError, match=r"pass it with the model, as \(model, processor\)"):
        load(model)
    for place in ("/no/such/place", "some/model"):
        model.config.name_or_path = place
        with pytest.raises(ModelError, match=f"at '{place}', the place that its config names, got"):
            load(model)
