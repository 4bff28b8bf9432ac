"""The lazy registry, over a package made for the purpose."""

import sys
from abc import ABC, abstractmethod

import pytest

from seewhy.core.errors import UnknownNameError
from seewhy.core.registry import Registry


class Base(ABC):
    @abstractmethod
    def go(self) -> int: ...


@pytest.fixture
def registry(tmp_path, monkeypatch):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "_shared.py").write_text("raise RuntimeError('shared parts are no entry')")
    good = "from {m} import Base\nclass Thing(Base):\n    def go(self): return {n}\n"
    (folder / "red_car.py").write_text(good.format(m=__name__, n=1))
    (folder / "star.py").write_text(good.format(m=__name__, n=2))
    (folder / "empty.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    yield Registry("shop", Base, "thing")
    for name in [n for n in sys.modules if n.split(".")[0] == "shop"]:
        del sys.modules[name]


def test_registry_lists_names_without_importing(registry):
    assert registry.names() == ("empty", "red-car", "star")
    assert "shop.star" not in sys.modules


@pytest.mark.parametrize("name", ["red-car", "red_car", "Red-Car"])
def test_registry_finds_a_name_in_any_spelling(registry, name):
    assert registry.get(name)().go() == 1


def test_registry_gives_near_matches(registry):
    with pytest.raises(UnknownNameError, match=r"got 'stat': did you mean 'star'\?.*red-car"):
        registry.get("stat")


def test_registry_does_not_offer_modules_with_an_underscore(registry):
    with pytest.raises(UnknownNameError, match="Expected the name of a thing, got 'shared'"):
        registry.get("shared")


def test_registry_refuses_a_file_without_a_final_class(registry):
    with pytest.raises(TypeError, match=r"one final thing class in shop\.empty, got 0"):
        registry.get("empty")
