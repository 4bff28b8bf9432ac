"""Shipped models by name: whole folders, and parts that become one where they are first loaded."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import seewhy
import smol_parts
from seewhy.answer_notes import foreign_to, shipped, shipped_name
from seewhy.app.loaded_models import LoadedModels, checkpoint_bytes
from seewhy.bench.model_specs import model_specs
from seewhy.bench.worker import Worker
from seewhy.cli.main import main
from seewhy.core.announcements import listening
from seewhy.core.errors import ModelError, UnknownNameError
from seewhy.explainer import _loaded
from seewhy.models.loading import expect_model
from seewhy.testbed import pretrained as module
from seewhy.testbed.pretrained import (
    DEFAULT,
    loadable,
    pretrained,
    pretrained_folder,
)
from seewhy.testbed.smol import wheel
from seewhy.testbed.smol.cache import cached_folder
from seewhy.testbed.smol.part_files import PARTS, is_in_parts
from seewhy.testbed.worlds import EMOJI, SHAPES, world_of

SMOL = "smol-tiny"


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Shipped folders: one that is whole, and one of parts."""
    folder = tmp_path_factory.mktemp("shipped")
    shutil.copytree(pretrained()[DEFAULT], folder / "checkpoints" / DEFAULT)
    language = smol_parts.tiny_language(folder)
    smol_parts.write_random_parts(folder / "checkpoints" / SMOL, "qwen2_vl", language)
    return folder / "checkpoints"


@pytest.fixture
def parts(checkpoints, monkeypatch, tmp_path):
    """The folder of parts; the cache is empty, and the language model there."""
    monkeypatch.setattr(module, "CHECKPOINTS", checkpoints)
    smol_parts.use_tiny_language(monkeypatch, tmp_path, checkpoints.parent / "tiny.gguf")
    return checkpoints / SMOL


@pytest.fixture
def without_wheel(parts, monkeypatch):
    monkeypatch.setenv(wheel.VARIABLE, "/no/such.gguf")
    return parts


@pytest.fixture
def picture():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))


def test_every_shipped_model_is_whole_or_in_parts():
    for folder in pretrained().values():
        assert is_in_parts(folder) != (folder / "model.safetensors").is_file()
        assert sum(path.stat().st_size for path in folder.iterdir()) <= 16 * 2**20


def test_pretrained_lists_models_in_parts_and_makes_nothing(without_wheel):
    assert list(pretrained()) == [SMOL, DEFAULT]
    assert shipped(SMOL) == shipped(without_wheel) == SMOL
    expect_model(str(without_wheel), {})
    assert not cached_folder(without_wheel).exists()


def test_pretrained_folder_is_whole(parts):
    assert pretrained_folder(DEFAULT) == pretrained()[DEFAULT]
    assert pretrained_folder(SMOL) == cached_folder(parts)
    assert (cached_folder(parts) / "model.safetensors").is_file()
    with pytest.raises(UnknownNameError, match="smol-tiny"):
        pretrained_folder("smol-tin")


@pytest.mark.parametrize("model", ["Qwen/Qwen2-VL-2B-Instruct", "~nobody/x", "a\0b", "", object()])
def test_loadable_leaves_other_models_as_they_are(parts, model):
    assert loadable(model) is model


def test_model_in_parts_is_loaded_by_name_and_by_folder(parts, picture):
    explainer = seewhy.load(SMOL)
    assert explainer.name == SMOL
    assert shipped_name(explainer.loaded) == SMOL
    assert seewhy.load(str(parts)).name == str(parts)
    assert _loaded(SMOL).name == SMOL
    found = explainer.explain(picture, "cat?", answer="a cat")
    assert not found.record.warnings
    assert "smol-tiny learned from collages" in " ".join(found.record.provenance.notes)
    by_hand = seewhy.load(explainer.loaded.model)
    assert shipped_name(by_hand.loaded) == SMOL


def test_pictures_are_not_judged_for_a_model_whose_scenes_have_any_colours(parts, picture):
    assert foreign_to(SMOL, [picture]) == ""
    assert "knows drawn scenes only" in foreign_to(DEFAULT, [picture])


def test_missing_wheel_is_told_only_when_the_model_is_chosen(without_wheel, capsys):
    assert seewhy.load(DEFAULT).name == DEFAULT
    for load in (seewhy.load, _loaded, LoadedModels().get):
        with pytest.raises(ModelError, match=r"SEEWHY_SMOLLM2, got '/no/such.gguf'"):
            load(SMOL)
    assert main(["explain", "--model", SMOL, "--scene", "1", "--json"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("seewhy: Expected the path of SmolLM2-135M-Instruct.Q4_1.gguf")


def test_bench_takes_fingerprints_without_making_the_model(without_wheel, tmp_path, monkeypatch):
    (spec,) = model_specs([SMOL], None, {})
    (by_folder,) = model_specs([without_wheel], None, {})
    assert (spec.label, spec.fingerprint) == (SMOL, by_folder.fingerprint)
    assert spec.describe()["place"] == ""
    assert not cached_folder(without_wheel).exists()
    other = shutil.copytree(without_wheel, tmp_path / SMOL)
    (other / "generation_config.json").write_text("{}")
    (changed,) = model_specs([other], None, {})
    assert changed.fingerprint != spec.fingerprint


def test_bench_loads_the_model(parts):
    (spec,) = model_specs([SMOL], "float32", {})
    worker = Worker(SimpleNamespace(models=[spec]))
    assert type(worker.loaded(0).model).__name__ == "Qwen2VLForConditionalGeneration"


def test_app_lists_the_model_tells_its_stages_and_knows_its_size(parts):
    models, said = LoadedModels(), []
    assert {"name": SMOL, "family": None, "loaded": False, "shipped": True} in models.state()
    assert (checkpoint_bytes(SMOL) or 0) > 269_000_000
    explainer = models.get(SMOL, said.append)
    assert explainer.name == SMOL
    assert [text.split()[0] for text in said] == ["loading", "making"]
    assert checkpoint_bytes(SMOL) == (cached_folder(parts) / "model.safetensors").stat().st_size


def test_cli_tells_what_is_made_on_stderr_unless_it_is_to_be_quiet(parts, capsys):
    from seewhy.cli.terminal import Stages

    with Stages():
        loadable(SMOL)
    assert "making smol-tiny of its parts and SmolLM2" in capsys.readouterr().err
    shutil.rmtree(cached_folder(parts))
    with Stages(quiet=True):
        loadable(SMOL)
    assert capsys.readouterr().err == ""
    shutil.rmtree(cached_folder(parts))
    said = []
    with listening(said.append), Stages(quiet=True):
        loadable(SMOL)
    assert said == []


def test_a_models_world_is_that_on_which_it_was_trained(tmp_path):
    for other in ("tiny-llava", "owner/another-model", "\0", None):
        assert world_of(other) == SHAPES
    assert world_of("smol-qwen2-vl") == EMOJI
    assert world_of(str(tmp_path)) == SHAPES
    (tmp_path / PARTS).touch()
    assert world_of(str(tmp_path)) == EMOJI
