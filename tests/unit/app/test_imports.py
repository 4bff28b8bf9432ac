"""Uploaded zips: of an explanation, and of what attacks a reader of zips."""

import io
import json
import os
import stat
import zipfile

import pytest
import torch
from PIL import Image

from golden.records import small_record
from seewhy.app.errors import RequestError
from seewhy.app.imports import FILES, read_import
from seewhy.app.limits import Limits
from seewhy.core.errors import SchemaError
from seewhy.report.bundle import save_record

LIMITS = Limits(pixels=100_000, import_bytes=2**20)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The files of a saved explanation by name."""
    folder = save_record(small_record(), tmp_path_factory.mktemp("saved") / "entry")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def packed(files, prefix="", method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(f"{prefix}{name}" if isinstance(name, str) else name, content)
    return buffer.getvalue()


def read(content, folder, limits=LIMITS):
    folder = folder / "unpacked"
    folder.mkdir()
    return read_import(content, limits, folder)


@pytest.mark.parametrize("prefix", ["", "my explanation/", "a/b/"])
def test_a_zip_of_a_folder_gives_the_explanation(files, tmp_path, prefix):
    content = packed({**files, "__MACOSX/._manifest.txt": b"x"}, prefix)
    explanation, record = read(content, tmp_path), small_record()
    assert explanation.answer == record.answer
    assert torch.equal(explanation.record.pictures[0].image, record.pictures[0].image)


def test_pages_and_other_files_of_the_zip_are_not_even_unpacked(files, tmp_path):
    more = {"report.html": b"<script>alert(1)</script>", "evil.py": b"x", "pictures/x.png": b"x"}
    read(packed({**files, **more}), tmp_path)
    held = {path.name for path in (tmp_path / "unpacked").rglob("*") if path.is_file()}
    assert held == {"manifest.json", "explanation.json", "maps.safetensors", "0.png"}


@pytest.mark.parametrize(
    "name",
    [
        *("../manifest.json", "/manifest.json", "a/../../manifest.json", "..\\manifest.json"),
        *("C:\\manifest.json", "pictures/../../0.png", "./manifest.json", "a//b"),
    ],
)
def test_names_that_leave_the_folder_are_refused(files, tmp_path, name):
    with pytest.raises(RequestError, match="leaves its folder|manifest.json") as refused:
        read(packed({**files, name: b"x"}), tmp_path)
    assert refused.value.status == 422
    assert [path.name for path in tmp_path.iterdir()] == ["unpacked"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_other_special_files_are_refused(files, tmp_path, kind):
    link = zipfile.ZipInfo("maps.safetensors")
    link.external_attr = (kind | 0o777) << 16
    others = {name: content for name, content in files.items() if name != "maps.safetensors"}
    with pytest.raises(RequestError, match="a link, or another special file"):
        read(packed({**others, link: b"/etc/passwd"}), tmp_path)


def test_a_file_that_comes_twice_is_refused(files, tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = packed({**files, zipfile.ZipInfo("manifest.json"): files["manifest.json"]})
    with pytest.raises(RequestError, match="manifest.json twice"):
        read(content, tmp_path)


def test_few_bytes_that_unpack_to_many_are_refused(files, tmp_path):
    """By their ratio, and by their sum."""
    content = packed({**files, "maps.safetensors": b"\0" * (3 << 20)})
    assert len(content) < 100_000
    with pytest.raises(RequestError, match="unpacks to at most") as refused:
        read(content, tmp_path)
    assert refused.value.status == 413


def test_a_size_that_is_a_lie_does_not_help(files, tmp_path):
    """The zip states 10 bytes; what comes is counted."""
    content = bytearray(packed({**files, "maps.safetensors": b"\0" * (3 << 20)}))
    true_size = (3 << 20).to_bytes(4, "little")
    for place in [i for i in range(len(content)) if content[i : i + 4] == true_size]:
        content[place : place + 4] = (10).to_bytes(4, "little")
    with pytest.raises((RequestError, SchemaError), match="Expected"):
        read(bytes(content), tmp_path)
    unpacked = [path for path in (tmp_path / "unpacked").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in unpacked) <= 2 * LIMITS.import_bytes


def test_a_list_of_very_many_files_is_not_read(tmp_path):
    content = packed({f"{number}": b"" for number in range(FILES + 1)}, method=zipfile.ZIP_STORED)
    with pytest.raises(RequestError, match="one of 10,001 files"):
        read(content, tmp_path)


def large_picture(files, size):
    """The same explanation, whose picture has another size."""
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, "PNG")
    return {**files, "pictures/0.png": buffer.getvalue()}


def test_pictures_of_too_many_pixels_are_refused_before_they_are_decoded(files, tmp_path):
    with pytest.raises(RequestError, match="at most 100,000 pixels") as refused:
        read(packed(large_picture(files, (1000, 101))), tmp_path)
    assert refused.value.status == 413


def test_many_pictures_that_are_large_together_are_refused(files, tmp_path):
    picture = large_picture(files, (1000, 99))["pictures/0.png"]
    more = {f"pictures/{number}.png": picture for number in range(5)}
    with pytest.raises(RequestError, match="pixels"):
        read(packed({**files, **more}), tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"not a zip", b"PK\x05\x06" + b"\0" * 18, b"\x1f\x8b" + b"\0" * 50]
)
def test_files_that_are_no_zips_of_ours_are_refused(tmp_path, content):
    with pytest.raises(RequestError, match="Expected a zip of a folder that seewhy saved"):
        read(content, tmp_path)


@pytest.mark.parametrize("cut", [10, 100, 1000])
def test_a_zip_that_is_cut_short_is_refused(files, tmp_path, cut):
    with pytest.raises((RequestError, SchemaError), match="Expected"):
        read(packed(files)[:-cut], tmp_path)


def test_an_explanation_that_was_changed_is_refused(files, tmp_path):
    changed = files["explanation.json"].replace(b'"answer"', b'"Answer"')
    with pytest.raises(SchemaError, match="the zip") as refused:
        read(packed({**files, "explanation.json": changed}), tmp_path)
    assert str(tmp_path) not in str(refused.value)


def test_a_manifest_that_names_files_elsewhere_opens_none(files, tmp_path):
    manifest = json.loads(files["manifest.json"])
    explanation = json.loads(files["explanation.json"])
    explanation["pictures"][0]["file"] = "../../../../etc/passwd"
    content = json.dumps(explanation).encode()
    import hashlib

    listed = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    manifest["files"]["explanation.json"] = listed
    manifest["files"]["../../../../etc/passwd"] = listed
    changed = {"explanation.json": content, "manifest.json": json.dumps(manifest).encode()}
    with pytest.raises(SchemaError, match="Expected"):
        read(packed({**files, **changed}), tmp_path)
    assert os.listdir(tmp_path) == ["unpacked"]
