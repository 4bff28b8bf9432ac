"""A torchvision that torch cannot load must not keep anyone from explaining an image."""

import os
import subprocess
import sys

import pytest

import tiny_models
import torchvision_shim

SCRIPT = """
import sys
from PIL import Image
from seewhy.models import FAMILIES, load, prepare
assert {family.name for family in FAMILIES} >= {"internvl", "llava", "qwen2-vl"}
loaded = load(sys.argv[1])
inputs = prepare(loaded.family, Image.new("RGB", (48, 32)), "What is it?")
print(len(inputs.visual_positions), type(loaded.processor.image_processor).__name__)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_models.save(tmp_path_factory.mktemp("models") / "tiny")


def run(folder, place):
    path = os.pathsep.join([place, *(p for p in sys.path if p)])
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        check=False,
    )


def test_settle_torchvision_overlooks_one_that_fails_to_import(folder, tmp_path):
    broken = tmp_path / "torchvision"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise RuntimeError('operator nms does not exist')")
    done = run(folder, str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["24", "Qwen2VLImageProcessorPil"]


def test_settle_torchvision_overlooks_a_build_for_another_torch(folder):
    assert torchvision_shim.available(), "run `make install`: it puts torchvision beside the path"
    done = run(folder, str(torchvision_shim.LOCATION))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["24", "Qwen2VLImageProcessorPil"]
