"""The code of a page in a cell: one module, and rules that keep to the cell."""

import gzip
import re

import pytest

from seewhy.app.page import style as app_style
from seewhy.notebook.page_code import in_cell, loader, packed, page_code
from seewhy.report.comparison_page import STYLES as COMPARISON
from seewhy.report.page import STYLES, asset

PAGES = {
    "report": "".join(map(asset, STYLES)),
    "comparison": "".join(map(asset, COMPARISON)),
    "app": app_style().decode(),
}


@pytest.mark.parametrize("kind", PAGES)
def test_page_is_one_module_without_imports(kind):
    code = page_code(kind, PAGES[kind])
    assert not re.findall(r"^import\b|\bimport *\(", code.script, re.MULTILINE)
    assert code.script.endswith(f"export const {{ show }} = $notebook_{kind}_page;\n")
    assert [gzip.decompress(part).decode() for part in code.packed] == [code.script, code.style]
    assert sum(map(len, code.packed)) < 200_000


@pytest.mark.parametrize("kind", PAGES)
def test_rules_depend_on_the_cell_alone(kind):
    style = page_code(kind, PAGES[kind]).style
    assert not re.findall(r"[\d.]rem\b|[\d.]d?vh\b|[\d.]vw\b", style)
    assert not re.findall(r"@media[^{]*\b(?:min|max)-width", style)
    assert "@container seewhy-cell" in style


def test_version_changes_with_the_code():
    one, same, other = (page_code("report", style) for style in ("a {}", "a {}", "b {}"))
    assert one.version == same.version != other.version


def test_other_rules_stay_as_they_are():
    kept = "@media (hover: none) { .rem { --x-3rem: 1px; } } @media print { p { margin: 0; } }"
    assert in_cell(kept) == kept
    assert in_cell("a { margin: -0.5rem .25rem }") == "a { margin: -8px 4px }"


def test_loader_is_small_and_needs_no_file():
    assert len(loader()) < 10_000
    assert "export default { render }" in loader()
    assert not re.findall(r"^import\b", loader(), re.MULTILINE)


def test_packed_is_the_same_for_the_same_text():
    assert packed("té\ud800xt") == packed("té\ud800xt")
