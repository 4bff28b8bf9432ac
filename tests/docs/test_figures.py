"""The page on figures shows the sizes that were measured."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_sizes_on_the_page_are_those_that_were_measured():
    measured = (ROOT / "benchmarks/results/figures.md").read_text("utf-8")
    assert measured.count("kB") == 12
    assert measured in (ROOT / "docs/figures.md").read_text("utf-8")
