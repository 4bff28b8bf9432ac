"""What is public is complete, documented and, for methods and families, told with its sources."""

import inspect
import re
from pathlib import Path

import pytest

import seewhy
from seewhy.methods import METHODS, citation
from seewhy.models import FAMILIES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def test_all_names_can_be_had_and_are_documented():
    for name in seewhy.__all__:
        thing = getattr(seewhy, name)
        assert isinstance(thing, str) or inspect.getdoc(thing), f"seewhy.{name} has no docstring"


def test_all_is_what_dir_shows():
    assert set(seewhy.__all__) <= set(dir(seewhy))
    assert len(set(seewhy.__all__)) == len(seewhy.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = seewhy.no_such_name


def test_every_public_name_stands_in_the_documentation():
    text = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^::: seewhy\.(?:\w+\.)*(\w+)$", text, re.MULTILINE))
    missing = [n for n in seewhy.__all__ if n not in shown and not n.startswith("__")]
    assert not missing, f"docs/reference/api.md does not show {missing}"


def test_every_package_has_a_page_in_the_reference():
    packages = {path.parent.name for path in (ROOT / "src" / "seewhy").glob("*/__init__.py")}
    for name in packages:
        text = (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8")
        assert re.search(rf"^::: seewhy\.{name}$", text, re.MULTILINE), (
            f"docs/reference/{name}.md shows another package"
        )


def test_version_is_the_one_of_the_citation_file():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {seewhy.__version__}\n" in text


@pytest.mark.parametrize("name", METHODS.names())
def test_method_is_documented_and_cited(name):
    method = METHODS.get(name)
    assert method.name == name
    assert method.__doc__
    assert method.summary.strip()
    assert re.search(r"@\w+\{[\w:-]+,", citation(name)), "no BibTeX entry"
    assert f"`{name}`" in (DOCS / "method.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FAMILIES.names())
def test_family_is_documented(name):
    family = FAMILIES.get(name)
    assert family.name == name
    assert family.__doc__
    if name != "probed":  # it stands for those that no other stands for
        assert family.checkpoints
        assert family.model_types
    assert family.scaling.strip()
    assert f"`{name}`" in (DOCS / "families.md").read_text(encoding="utf-8")
