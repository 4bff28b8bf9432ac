import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from golden.records import (
    chat_record,
    clip_record,
    mixed_record,
    pictures_record,
    record_of,
    same,
    small_record,
    small_views_record,
    with_layers,
    with_visual_share,
)
from golden.verdict_records import diagnosed_record, diagnosed_views, small_diagnosed_record
from seewhy.core.errors import OutputError, SchemaError
from seewhy.report import safe_folder
from seewhy.report.bundle import open_record, save_record


@pytest.fixture
def folder(tmp_path) -> Path:
    return save_record(small_record(), tmp_path / "out")


def rewrite(folder: Path, change) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_save_record_writes_the_whole_folder(tmp_path):
    folder = save_record(record_of(), tmp_path / "out", overlays=True)
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {
        "manifest.json", "explanation.json", "maps.safetensors", "pictures/0.png", "report.html",
        "overlays/00-a.png", "overlays/02-star.png", "overlays/19-mark.png",
    } <= names  # fmt: skip
    assert len(names) == 5 + 20
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["files"]) == names - {"manifest.json"}
    assert manifest["model"] == "seewhy/tiny-qwen2-vl"
    assert manifest["seconds"]["generate"] == 1.204


def test_save_record_writes_overlays_on_request_alone(folder):
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert names == {
        "manifest.json", "explanation.json", "maps.safetensors", "pictures/0.png", "report.html",
    }  # fmt: skip


def test_save_record_leaves_no_other_files(folder):
    assert os.listdir(folder.parent) == ["out"]


def test_save_record_makes_a_folder_with_the_usual_permissions(folder, tmp_path):
    (tmp_path / "plain").mkdir()
    assert folder.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_save_record_makes_missing_parents(tmp_path):
    save_record(small_record(), tmp_path / "a" / "b" / "out")
    assert (tmp_path / "a" / "b" / "out" / "report.html").is_file()


def test_open_record_gives_back_the_same_record(tmp_path):
    record = record_of(margin=0.1)
    assert same(open_record(save_record(record, tmp_path / "out")), record)


@pytest.mark.parametrize(
    "make", [pictures_record, clip_record, mixed_record, chat_record, small_views_record]
)
def test_open_record_gives_back_views_turns_and_contrasts(tmp_path, make):
    record = make()
    assert same(open_record(save_record(record, tmp_path / "out")), record)


@pytest.mark.parametrize(
    "record", [diagnosed_record(), small_diagnosed_record(), *diagnosed_views().values()]
)
def test_open_record_gives_back_verdicts(tmp_path, record):
    back = open_record(save_record(record, tmp_path / "out"))
    assert back.verdicts == record.verdicts
    assert same(back, record)


def test_open_record_refuses_verdicts_that_do_not_fit_the_words(tmp_path):
    record = small_diagnosed_record()
    folder = save_record(replace(record, verdicts=record.verdicts[:1]), tmp_path / "out")
    with pytest.raises(SchemaError, match="an entry for each of 2 words, got 1"):
        open_record(folder)


def test_open_record_gives_back_an_explained_prompt(tmp_path):
    record = pictures_record(explained=True)
    back = open_record(save_record(record, tmp_path / "out"))
    assert back.prompt_attribution is not None
    assert len(back.prompt_attribution.scales) == 5
    assert same(back, record)


def test_open_record_gives_back_layers_and_the_visual_share(tmp_path):
    record = with_visual_share(with_layers(small_views_record()))
    back = open_record(save_record(record, tmp_path / "layered"))
    assert back.layers is not None
    assert back.attribution.visual_share is not None
    assert same(back, record)


def test_open_record_gives_back_any_base_grid(tmp_path):
    record = pictures_record()
    one, two = record.pictures
    turned = replace(two.base_grid, index=two.base_grid.index.flip(0), name="thumbnail")
    record = replace(record, pictures=(one, replace(two, base_grid=turned)))
    assert same(open_record(save_record(record, tmp_path / "out")), record)


def test_open_record_gives_back_odd_text_and_extreme_numbers(tmp_path):
    pieces = (("</script>", ""), ("é \U0001f984", ""), ("\ud83d", ""), ("\x00\u2028", ""), ("", ""))
    record = record_of(pieces, prompt="日本 \x7f")
    maps = record.attribution.maps[0].clone()
    maps[0, 0, :3] = torch.tensor([1e-45, 3.4e38, 0.1])
    record = replace(record, attribution=replace(record.attribution, maps=(maps,)))
    assert same(open_record(save_record(record, tmp_path / "out")), record)


def test_open_record_needs_neither_overlays_nor_page(tmp_path):
    folder = save_record(small_record(), tmp_path / "out", overlays=True)
    shutil.rmtree(folder / "overlays")
    (folder / "report.html").unlink()
    assert same(open_record(folder), small_record())


def test_saved_overlays_have_the_pictures_shape(tmp_path):
    folder = save_record(small_record(), tmp_path / "out", overlays=True)
    with Image.open(folder / "overlays" / "01-star.png") as laid:
        assert laid.size == (640, 427)


def test_saved_overlays_of_several_views_are_one_for_each(tmp_path):
    folder = save_record(pictures_record(), tmp_path / "out", overlays=True)
    names = sorted(p.name for p in (folder / "overlays").iterdir())
    assert len(names) == 2 * 20
    assert names[4:6] == ["02-star-0.png", "02-star-1.png"]
    assert sorted(p.name for p in (folder / "pictures").iterdir()) == ["0.png", "1.png"]
    # Together about as many pixels as the one of a single picture.
    for name, size in zip(names[4:6], [(453, 283), (340, 453)], strict=True):
        with Image.open(folder / "overlays" / name) as laid:
            assert laid.size == size


def test_saved_overlays_of_many_steps_sort_as_the_steps_do(tmp_path):
    folder = save_record(clip_record(11), tmp_path / "out", overlays=True)
    names = sorted(p.name for p in (folder / "overlays").glob("02-*"))
    assert names == [f"02-star-{step:02}.png" for step in range(11)]
    with Image.open(folder / "overlays" / names[0]) as laid:
        assert laid.size == (200, 112)


def test_explanation_json_can_be_read_without_seewhy(tmp_path):
    folder = save_record(chat_record(), tmp_path / "out")
    saved = json.loads((folder / "explanation.json").read_text())
    assert [turn["role"] for turn in saved["turns"]] == ["system", "user", "assistant", "user"]
    assert saved["contrasts"] == [{"word": 2, "alternative": "sun"}]
    (picture,) = saved["pictures"]
    assert picture == {
        "file": "pictures/0.png", "size": [480, 360], "base_grid": "image",
        "medium": 0, "frames": [], "seconds": None,
    }  # fmt: skip
    assert saved["words"][2]["shares"] == [1.0]
    assert len(saved["prompt_words"][0]["peaks"]) == 1


def test_explanation_json_holds_the_time_of_each_step(tmp_path):
    folder = save_record(clip_record(3), tmp_path / "out")
    saved = json.loads((folder / "explanation.json").read_text())
    assert [one["seconds"] for one in saved["pictures"]] == [0.0, 0.5, 1.0]
    assert [one["frames"] for one in saved["pictures"]] == [[0, 1], [2, 3], [4, 5]]
    star = saved["words"][2]
    assert sum(star["shares"]) == pytest.approx(1)
    assert star["best_view"] == 1
    assert "peaks" not in saved["prompt_words"][0]


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
    with pytest.raises(OutputError, match="which has no manifest.json of seewhy"):
        save_record(small_record(), tmp_path / "thesis", overwrite=True)
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"


def test_save_record_never_overwrites_files_that_a_user_added(folder):
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="which also holds 'notes.txt'"):
        save_record(small_record(), folder, overwrite=True)
    assert (folder / "notes.txt").read_text() == "mine"


def test_save_record_never_overwrites_a_file_or_a_link(tmp_path, folder):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(folder)
    for name in ("file", "link"):
        with pytest.raises(OutputError, match="which is not a folder: choose another place"):
            save_record(small_record(), tmp_path / name, overwrite=True)
    assert (tmp_path / "file").read_text() == "mine"
    assert same(open_record(folder), small_record())


@pytest.mark.parametrize(
    "failure", [OSError(28, "No space left on device"), KeyboardInterrupt("stop")]
)
def test_save_record_leaves_no_partial_folder(tmp_path, monkeypatch, failure):
    def fail(*_):
        raise failure

    monkeypatch.setattr(safe_folder, "_files", fail)
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


def test_open_record_refuses_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(
        SchemaError, match="Expected manifest.json in .*none, which cannot be read .No such"
    ):
        open_record(tmp_path / "none")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "Expected JSON"),
        ("[]", "manifest of an explanation"),
        ('{"kind": "other"}', "manifest of an explanation"),
    ],
)
def test_open_record_refuses_a_foreign_manifest(folder, content, words):
    (folder / "manifest.json").write_text(content)
    with pytest.raises(SchemaError, match=words):
        open_record(folder)


@pytest.mark.parametrize("version", [6, 0, None, "1"])
def test_open_record_refuses_a_newer_or_unknown_schema(folder, version):
    rewrite(folder, lambda manifest: manifest.update(schema=version))
    with pytest.raises(SchemaError, match="schema 5 or older .*update seewhy"):
        open_record(folder)


@pytest.mark.parametrize("name", ["explanation.json", "maps.safetensors", "pictures/0.png"])
def test_open_record_refuses_a_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(SchemaError, match=f"Expected {name} in .*No such file"):
        open_record(folder)


@pytest.mark.parametrize("name", ["explanation.json", "maps.safetensors", "pictures/0.png"])
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


def test_open_record_refuses_a_folder_that_lost_one_of_its_pictures(tmp_path):
    folder = save_record(pictures_record(), tmp_path / "out")
    (folder / "pictures" / "1.png").unlink()
    with pytest.raises(SchemaError, match=r"Expected pictures/1\.png in .*No such file"):
        open_record(folder)
