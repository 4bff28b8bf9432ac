"""What a download has brought so far."""

import sys
from types import SimpleNamespace

import pytest

from seewhy.core.downloads import cached_bytes, downloaded


@pytest.fixture
def blobs(monkeypatch, tmp_path):
    constants = SimpleNamespace(HF_HUB_CACHE=str(tmp_path))
    monkeypatch.setitem(sys.modules, "huggingface_hub.constants", constants)
    folder = tmp_path / "models--org--name" / "blobs"
    folder.mkdir(parents=True)
    (folder / "config").write_bytes(b"x" * 10)
    return folder


def test_downloaded_counts_what_came_since(blobs):
    told = downloaded("org/name")
    assert told() == ""
    (blobs / "weights.incomplete").write_bytes(b"x" * 3_000_000)
    assert told() == "3 MB downloaded, "


@pytest.mark.parametrize("name", ["", "other/name", "/a/folder/deep", "C:\\folder", "tiny"])
@pytest.mark.usefixtures("blobs")
def test_a_name_without_files_in_the_cache_has_none(name):
    assert cached_bytes(name) == 0
    assert downloaded(name)() == ""


def test_without_the_hub_nothing_is_said(monkeypatch):
    monkeypatch.delitem(sys.modules, "huggingface_hub.constants", raising=False)
    assert cached_bytes("org/name") == 0
