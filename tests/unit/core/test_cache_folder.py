"""Where the cache is, by the environment and the platform."""

import pytest

from seewhy.core import cache_folder as module
from seewhy.core.cache_folder import cache_folder


@pytest.fixture
def home(monkeypatch, tmp_path):
    for name in ("SEEWHY_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("platform", "place"),
    [
        ("linux", ".cache/seewhy"),
        ("darwin", "Library/Caches/seewhy"),
        ("win32", "at/seewhy/cache"),
    ],
)
def test_cache_folder_is_the_platforms(home, monkeypatch, platform, place):
    monkeypatch.setattr(module.sys, "platform", platform)
    if platform == "win32":
        monkeypatch.setenv("LOCALAPPDATA", str(home / "at"))
    assert cache_folder() == home / place


def test_cache_folder_can_be_named(home, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == home / ".cache" / "seewhy"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "xdg"))
    assert cache_folder() == home / "xdg" / "seewhy"
    monkeypatch.setenv("SEEWHY_CACHE", "~/mine")
    assert cache_folder() == home / "mine"
