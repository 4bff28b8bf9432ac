"""A model in parts is made once, by one process, whole or not at all."""

import multiprocessing
import os
import shutil
import threading
import time
from typing import Any

import pytest

import smol_parts
from seewhy.core.announcements import listening
from seewhy.core.errors import ModelError, OutputError
from seewhy.testbed.smol import assembly, cache, wheel
from seewhy.testbed.smol.cache import (
    assembled_folder,
    cached_folder,
    is_finished,
    parts_key,
    weight_bytes,
)
from seewhy.testbed.smol.part_files import MANIFEST, PARTS, assembled_from


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A folder of parts, and beside it the tiny file that stands for SmolLM2's."""
    folder = tmp_path_factory.mktemp("shipped")
    language = smol_parts.tiny_language(folder)
    smol_parts.write_random_parts(folder / "smol-tiny", "qwen2_vl", language)
    return folder


@pytest.fixture
def parts(shipped, monkeypatch, tmp_path):
    """A copy of the parts, with an empty cache."""
    smol_parts.use_tiny_language(monkeypatch, tmp_path, shipped / "tiny.gguf")
    return shutil.copytree(shipped / "smol-tiny", tmp_path / "smol-tiny")


@pytest.fixture
def made(monkeypatch):
    """How often a model was made."""
    calls = []

    def counted(parts, out, language=None):
        calls.append(out)
        return assemble(parts, out, language)

    assemble = assembly.assemble
    monkeypatch.setattr(assembly, "assemble", counted)
    return calls


def test_assembled_folder_is_made_once_and_announced(parts, made):
    said = []
    with listening(said.append):
        folder = assembled_folder(parts)
        assert assembled_folder(parts) == folder
    assert len(made) == 1
    assert said == [f"making smol-tiny of its parts and SmolLM2 (once, into {folder.parent})"]
    assert assembled_from(folder) == "smol-tiny"
    assert {path.name for path in folder.parent.iterdir()} == {folder.name, f"{folder.name}.lock"}
    assert {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {"0o644"}


def test_cached_folder_needs_no_wheel(parts, made, monkeypatch):
    folder = assembled_folder(parts)
    monkeypatch.setenv(wheel.VARIABLE, "/no/such/file")
    assert assembled_folder(parts) == folder
    (parts / "config.json").write_text((parts / "config.json").read_text() + " ")
    said = []
    with listening(said.append), pytest.raises(ModelError, match="there is no such file"):
        assembled_folder(parts)
    assert said == []
    assert not cached_folder(parts).exists()


def test_key_changes_with_each_file_the_wheel_and_the_version(parts, monkeypatch):
    keys = [parts_key(parts)]
    (parts / "README.md").write_text("another card")
    (parts / ".hidden").write_text("")
    assert parts_key(parts) == keys[0]
    for name in ("generation_config.json", PARTS):
        (parts / name).write_bytes((parts / name).read_bytes() + b" ")
        keys.append(parts_key(parts))
    monkeypatch.setattr(cache, "SHA256", "another")
    keys.append(parts_key(parts))
    monkeypatch.setattr(cache, "VERSION", 0)
    keys.append(parts_key(parts))
    assert len(set(keys)) == 5


@pytest.mark.parametrize("name", [MANIFEST, "model.safetensors", "tokenizer.json"])
def test_damaged_folder_is_made_anew(parts, made, name):
    folder = assembled_folder(parts)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    assert not is_finished(folder)
    assert assembled_folder(parts) == folder
    assert len(made) == 2
    assert (folder / name).read_bytes() == whole


def test_what_a_killed_process_left_does_no_harm(parts):
    folder = cached_folder(parts)
    left = folder.with_name(f".{folder.name}.new")
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"half")
    assert assembled_folder(parts) == folder
    assert is_finished(folder)
    assert not left.exists()


def test_failure_leaves_nothing_behind(parts, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(assembly.shutil, "copyfile", full)
    with pytest.raises(OutputError, match=r"Expected 0.4 GB of free space.*No space.*SEEWHY_CACHE"):
        assembled_folder(parts)
    assert [p.suffix for p in cached_folder(parts).parent.iterdir()] == [".lock"]


def test_cache_that_cannot_be_written_is_an_error_that_names_the_variable(
    parts, monkeypatch, tmp_path
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEEWHY_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="name another folder in SEEWHY_CACHE"):
        assembled_folder(parts)


def test_threads_make_one_folder(parts, made):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(assembled_folder(parts))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [cached_folder(parts)] * 3
    assert len(made) == 1


def make_and_look(parts, sha256, ready, results):
    """In a process of its own: wait for the other one, make the folder, and look at it at once."""
    wheel.SHA256 = sha256
    times = []
    assemble = assembly.assemble

    def slow(*arguments):
        time.sleep(0.3)  # the other one comes meanwhile
        assemble(*arguments)
        times.append(os.getpid())

    assembly.assemble = slow
    ready.wait()
    folder = assembled_folder(parts)
    results.put((os.getpid(), times, is_finished(folder)))


def test_processes_make_one_folder_and_none_sees_half_of_it(parts):
    # Forked where that is possible: importing torch twice takes longer than the test.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context: Any = multiprocessing.get_context(method)
    ready, results = context.Barrier(2), context.Queue()
    arguments = (parts, wheel.SHA256, ready, results)
    workers = [context.Process(target=make_and_look, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=100) for _ in workers]
    for worker in workers:
        worker.join()
    assert all(whole for _, _, whole in found)
    assert len([times for _, times, _ in found if times]) == 1


def test_weight_bytes_are_told_before_the_model_is_made(parts, monkeypatch):
    before = weight_bytes(parts)
    assert before == cache.LANGUAGE_BYTES + (parts / PARTS).stat().st_size
    folder = assembled_folder(parts)
    assert weight_bytes(parts) == (folder / "model.safetensors").stat().st_size
