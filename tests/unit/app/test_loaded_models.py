"""Models: loaded when asked, dropped when others need the memory."""

from types import SimpleNamespace

import pytest
import torch

from seewhy.app.errors import RequestError
from seewhy.app.loaded_models import LoadedModels, checkpoint_bytes, weight_bytes
from seewhy.core.errors import MemoryLimitError, ParameterError
from seewhy.testbed.pretrained import DEFAULT, pretrained


class FakeExplainer:
    """What the app sees of an explainer: a name and weights."""

    def __init__(self, name, size):
        model = torch.nn.Module()
        model.weight = torch.nn.Parameter(torch.zeros(size, dtype=torch.uint8), False)
        self.name = name
        self.loaded = SimpleNamespace(model=model, family=SimpleNamespace(name="f"))


@pytest.fixture
def loads(monkeypatch):
    """Loading makes models of 100 bytes, or as many as their name says."""
    calls = []

    def load(name, **options):
        calls.append((name, options))
        return FakeExplainer(name, int(name[1:]) if name[1:].isdigit() else 100)

    monkeypatch.setattr("seewhy.load", load)
    monkeypatch.setattr("seewhy.app.loaded_models.gc.collect", lambda: 0)
    monkeypatch.setattr("seewhy.app.loaded_models.checkpoint_bytes", lambda name: None)
    return calls


def loaded(models):
    return [model["name"] for model in models.state() if model["loaded"]]


def test_without_names_the_models_of_the_package_are_there_the_default_first():
    models = LoadedModels()
    assert models.default == DEFAULT
    assert set(models.names) == set(pretrained())
    assert "biased" not in models.names[1]
    assert all(model["shipped"] and not model["loaded"] for model in models.state())


def test_a_model_is_loaded_once_when_it_is_asked(loads):
    models, stages = LoadedModels(["a", "b"], options={"dtype": "auto"}), []
    assert models.get("a", stages.append) is models.get("a", stages.append)
    assert (loads, stages) == ([("a", {"dtype": "auto"})], ["loading a"])
    assert models.state() == [
        {"name": "a", "family": "f", "loaded": True, "shipped": False},
        {"name": "b", "family": None, "loaded": False, "shipped": False},
    ]


def test_the_model_that_was_not_used_for_longest_goes(loads):
    models = LoadedModels(["a", "b", "c", "d"], max_memory=250)
    for name in ("a", "b", "a", "c"):
        models.get(name)
    assert loaded(models) == ["a", "c"]
    models.get("d")
    assert loaded(models) == ["c", "d"]


def test_a_model_that_never_fits_is_refused_and_not_kept(loads):
    models = LoadedModels(["a", "b300"], max_memory=250)
    models.get("a")
    with pytest.raises(MemoryLimitError, match="the model b300 to fit the app's memory"):
        models.get("b300")
    assert "b300" not in loaded(models)


def test_a_model_that_cannot_fit_is_refused_before_it_is_loaded(loads, monkeypatch):
    monkeypatch.setattr("seewhy.app.loaded_models.checkpoint_bytes", lambda name: 300)
    models = LoadedModels(["a"], max_memory=250)
    with pytest.raises(MemoryLimitError, match="start the app with a larger --max-memory"):
        models.get("a")
    assert loads == []


def test_room_is_made_before_a_model_of_known_size_is_loaded(loads, monkeypatch):
    monkeypatch.setattr("seewhy.app.loaded_models.checkpoint_bytes", lambda name: 100)
    models = LoadedModels(["a", "b", "c"], max_memory=250)
    models.get("a")
    models.get("b")
    held = []
    monkeypatch.setattr(
        "seewhy.load", lambda name: held.extend(loaded(models)) or FakeExplainer(name, 100)
    )
    models.get("c")
    assert held == ["b"]


def test_without_a_limit_models_go_where_a_further_one_finds_no_memory(loads, monkeypatch):
    monkeypatch.setattr("seewhy.app.loaded_models.checkpoint_bytes", lambda name: 1000)
    monkeypatch.setattr("seewhy.memory.available.available_memory", lambda model: 1200)
    models = LoadedModels(["a", "b"])
    models.get("a")
    models.get("b")
    assert loaded(models) == ["b"]


def test_given_explainers_are_there_and_never_dropped(loads):
    mine = FakeExplainer("mine", 200)
    models = LoadedModels([mine, "a"], max_memory=250)
    assert models.default == "mine"
    assert models.get("mine") is mine
    models.get("a")
    assert "mine" in loaded(models)


def test_unknown_names_are_refused_with_near_ones(loads):
    with pytest.raises(RequestError, match="did you mean 'tiny-llava'") as refused:
        LoadedModels().get("tiny-lava")
    assert refused.value.status == 422


def test_a_name_twice_and_an_amount_that_is_none_are_refused():
    with pytest.raises(ParameterError, match="each model once, got 'a'"):
        LoadedModels(["a", "a"])
    with pytest.raises(ParameterError, match="an amount of memory"):
        LoadedModels(["a"], max_memory="much")


def test_weights_are_counted_once():
    explainer = FakeExplainer("a", 100)
    explainer.loaded.model.other = explainer.loaded.model.weight
    assert weight_bytes(explainer) == 100


@pytest.mark.parametrize("name", [DEFAULT, str(pretrained()[DEFAULT])])
def test_bytes_of_a_checkpoint_are_those_of_its_files(name):
    file = pretrained()[DEFAULT] / "model.safetensors"
    assert checkpoint_bytes(name) == file.stat().st_size


@pytest.mark.parametrize("name", ["no/such-model", "/no/such/folder", "\0"])
def test_bytes_of_what_is_not_there_are_unknown(name):
    assert checkpoint_bytes(name) is None
