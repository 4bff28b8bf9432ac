import json
import os
import shutil
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from golden.records import record_of, small_record
from seewhy.core.errors import OutputError, SchemaError
from seewhy.report import bundle
from seewhy.report.bundle import expect_writable, open_record, safe_name, save_record


def same(one, other) -> bool:
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and all(
            same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one)
        )
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@pytest.fixture
def folder(tmp_path) -> Path:
    return save_record(small_record(), tmp_path / "out")


def rewrite(folder: Path, change) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_save_record_writes_the_whole_folder(tmp_path):
    folder = save_record(record_of(), tmp_path / "out")
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {
        "manifest.json", "explanation.json", "maps.safetensors", "picture.png", "report.html",
        "overlays/00-a.png", "overlays/02-star.png", "overlays/19-mark.png",
    } <= names  # fmt: skip
    assert len(names) == 5 + 20
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["files"]) == names - {"manifest.json"}
    assert manifest["model"] == "seewhy/tiny-qwen2-vl"
    assert manifest["seconds"]["generate"] == 1.204


def test_save_record_leaves_nothing_beside_the_folder(folder):
    assert os.listdir(folder.parent) == ["out"]


def test_save_record_makes_a_folder_as_open_as_any_other(folder, tmp_path):
    (tmp_path / "plain").mkdir()
    assert folder.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_save_record_makes_missing_parents(tmp_path):
    save_record(small_record(), tmp_path / "a" / "b" / "out")
    assert (tmp_path / "a" / "b" / "out" / "report.html").is_file()


def test_open_record_gives_back_the_same_record(tmp_path):
    record = record_of(margin=0.1)
    assert same(open_record(save_record(record, tmp_path / "out")), record)


def test_open_record_gives_back_odd_text_and_extreme_numbers(tmp_path):
    pieces = (("</script>", ""), ("é \U0001f984", ""), ("\ud83d", ""), ("\x00\u2028", ""), ("", ""))
    record = record_of(pieces, prompt="日本 \x7f")
    maps = record.attribution.maps.clone()
    maps[0, 0, :3] = torch.tensor([1e-45, 3.4e38, 0.1])
    record = replace(record, attribution=replace(record.attribution, maps=maps))
    assert same(open_record(save_record(record, tmp_path / "out")), record)


def test_open_record_needs_neither_overlays_nor_page(folder):
    shutil.rmtree(folder / "overlays")
    (folder / "report.html").unlink()
    assert same(open_record(folder), small_record())


def test_saved_overlays_have_the_pictures_shape(folder):
    with Image.open(folder / "overlays" / "01-star.png") as laid:
        assert laid.size == (640, 427)


def test_save_record_refuses_a_folder_that_exists(folder):
    with pytest.raises(OutputError, match="Expected a new folder, got .*out, which exists"):
        save_record(small_record(), folder)


def test_save_record_overwrites_what_it_wrote(folder):
    save_record(record_of(), folder, overwrite=True)
    assert same(open_record(folder), record_of())
    assert os.listdir(folder.parent) == ["out"]


def test_save_record_overwrites_an_empty_folder(tmp_path):
    (tmp_path / "out").mkdir()
    save_record(small_record(), tmp_path / "out", overwrite=True)
    assert same(open_record(tmp_path / "out"), small_record())


def test_save_record_never_overwrites_a_foreign_folder(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    with pytest.raises(OutputError, match="which has no manifest.json of ours"):
        save_record(small_record(), tmp_path / "thesis", overwrite=True)
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"


def test_save_record_never_overwrites_files_that_a_person_added(folder):
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="which also holds 'notes.txt'"):
        save_record(small_record(), folder, overwrite=True)
    assert (folder / "notes.txt").read_text() == "mine"


def test_save_record_never_overwrites_a_file_or_a_link(tmp_path, folder):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(folder)
    for name in ("file", "link"):
        with pytest.raises(OutputError, match="which is none: choose another place"):
            save_record(small_record(), tmp_path / name, overwrite=True)
    assert (tmp_path / "file").read_text() == "mine"
    assert same(open_record(folder), small_record())


@pytest.mark.parametrize(
    "failure", [OSError(28, "No space left on device"), KeyboardInterrupt("stop")]
)
def test_save_record_leaves_nothing_half_written(tmp_path, monkeypatch, failure):
    def fail(*_):
        raise failure

    monkeypatch.setattr(bundle, "_described", fail)
    kind, words = (
        (OutputError, "got No space left on device: nothing was left there")
        if isinstance(failure, OSError)
        else (KeyboardInterrupt, "stop")
    )
    with pytest.raises(kind, match=words):
        save_record(small_record(), tmp_path / "a" / "out")
    assert list(tmp_path.iterdir()) == []


def test_save_record_keeps_the_old_folder_where_overwriting_fails(folder, monkeypatch):
    rename = Path.rename

    def fail(self, target):
        if self.suffix == ".part" and self.parent == folder.parent:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OutputError, match="got Input/output error"):
        save_record(record_of(), folder, overwrite=True)
    assert os.listdir(folder.parent) == ["out"]
    assert same(open_record(folder), small_record())


def test_expect_writable_finds_a_place_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="folder that can be written, got .*file"):
        expect_writable(tmp_path / "file" / "out")


def test_expect_writable_finds_a_place_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may run as root
    with pytest.raises(OutputError, match="folder that can be written"):
        expect_writable(tmp_path / "out")


def test_expect_writable_writes_nothing(tmp_path):
    assert expect_writable(tmp_path / "a" / "out") == tmp_path / "a" / "out"
    assert list(tmp_path.iterdir()) == []


def test_open_record_refuses_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(SchemaError, match="Expected manifest.json in .*none, got No such file"):
        open_record(tmp_path / "none")


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "Expected JSON"), ("[]", "manifest of seewhy"), ('{"kind": "other"}', "manifest of s")],
)
def test_open_record_refuses_a_foreign_manifest(folder, content, words):
    (folder / "manifest.json").write_text(content)
    with pytest.raises(SchemaError, match=words):
        open_record(folder)


@pytest.mark.parametrize("version", [2, None, "1"])
def test_open_record_refuses_a_newer_or_unknown_schema(folder, version):
    rewrite(folder, lambda manifest: manifest.update(schema=version))
    with pytest.raises(SchemaError, match="schema 1 or older .*update seewhy"):
        open_record(folder)


@pytest.mark.parametrize("name", ["explanation.json", "maps.safetensors", "picture.png"])
def test_open_record_refuses_a_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(SchemaError, match=f"Expected {name} in .*No such file"):
        open_record(folder)


@pytest.mark.parametrize("name", ["explanation.json", "maps.safetensors", "picture.png"])
def test_open_record_refuses_a_changed_file(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[-3] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(SchemaError, match=f"Expected {name} .*damaged or changed"):
        open_record(folder)


def test_open_record_refuses_a_manifest_without_its_files(folder):
    rewrite(folder, lambda manifest: manifest.pop("files"))
    with pytest.raises(SchemaError, match=r"explanation\.json in the manifest"):
        open_record(folder)


def test_open_record_refuses_content_that_does_not_fit_together(folder):
    rewrite(folder, lambda manifest: manifest.pop("created"))
    with pytest.raises(SchemaError, match="cannot be read .KeyError: 'created'"):
        open_record(folder)


@given(st.text())
def test_safe_name_is_a_plain_file_name(text):
    name = safe_name(text)
    assert name
    assert len(name.encode("utf-8", "surrogatepass")) <= 160
    assert not set(name) & set('/\\:*?"<>| \x00.')
