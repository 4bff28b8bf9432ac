"""`seewhy methods`, `models`, `metrics`, `datasets`, `suites`, `cite` and `version`."""

import json

import pytest

from seewhy.bench.suites import SUITES
from seewhy.cli.listings import MAX_VALUES, WIDEST, paragraph
from seewhy.cli.main import main
from seewhy.datasets import DATASETS
from seewhy.methods import METHODS, citation
from seewhy.metrics import METRICS
from seewhy.models import FAMILIES

LISTED = [
    ("methods", METHODS.names()),
    ("models", FAMILIES.names()),
    ("metrics", METRICS.names()),
    ("datasets", DATASETS.names()),
    ("suites", tuple(SUITES)),
]


@pytest.mark.parametrize(("command", "names"), LISTED)
def test_listing_names_every_entry(command, names, capsys):
    assert main([command]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert tuple(line for line in lines if line and not line[0].isspace()) == names


@pytest.mark.parametrize(("command", "names"), LISTED)
def test_listing_is_one_json_object_when_asked(command, names, capsys):
    assert main([command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)[command]
    assert tuple(row["name"] for row in rows) == names
    assert all(all(row.values()) for row in rows)


@pytest.mark.parametrize(("command", "names"), LISTED)
@pytest.mark.parametrize("width", [80, 200])
def test_listing_fits_the_terminal_and_breaks_no_word(command, names, width, capsys, monkeypatch):
    main([command, "--json"])
    rows = json.loads(capsys.readouterr().out)[command]
    monkeypatch.setenv("COLUMNS", str(width))
    main([command])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= min(width, WIDEST)
    printed = set(out.replace(",", " ").split())
    for row in rows:
        for value in row.values():
            shown = [value] if isinstance(value, str) else value[:MAX_VALUES]
            assert {word for text in shown for word in text.replace(",", " ").split()} <= printed


def test_methods_tell_what_limits_their_use(capsys):
    main(["methods", "--json"])
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["methods"]}
    assert "patented" in rows["attn-lrp"]["licence"]
    assert "Canada" in rows["attn-lrp"]["licence"]
    assert rows["corroborated"]["licence"] == rows["attn-lrp"]["licence"]
    assert "licence" not in rows["tam"]


def test_paragraph_names_some_of_many_values_and_says_how_many_more_there_are():
    many = {"name": "full", "methods": [f"m{n}" for n in range(MAX_VALUES + 2)]}
    said = " ".join(paragraph(many, 80).split())
    assert said.endswith(f", m{MAX_VALUES - 1}, and 2 more (see --json)")


@pytest.mark.parametrize("spec", ["attn-lrp", "corroborated", "msea(base=attn-lrp)"])
def test_cite_tells_the_patent_of_a_method_that_contains_it(spec, capsys):
    assert main(["cite", spec]) == 0
    assert "patented" in capsys.readouterr().err
    assert main(["cite", spec, "--json"]) == 0
    assert "patented" in json.loads(capsys.readouterr().out)["licence"]


def test_cite_tells_no_patent_of_other_methods(capsys):
    assert main(["cite", "corroborated(relevance=gradient-attention)"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", METHODS.names())
def test_cite_prints_bibtex(name, capsys):
    assert main(["cite", name]) == 0
    assert capsys.readouterr().out == citation(name) + "\n"


def test_cite_is_one_json_object_when_asked(capsys):
    assert main(["cite", "arc", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)["cite"]
    assert "\n\n".join(entries) == citation("arc")


def test_cite_gives_near_matches(capsys):
    assert main(["cite", "intramodal"]) == 2
    assert "did you mean 'intra-modal'" in capsys.readouterr().err


def test_version_names_the_packages_that_it_needs(capsys):
    assert main(["version"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["seewhy", "python", "torch", "transformers", "tokenizers", "numpy", "pillow"]


def test_version_is_one_json_object_when_asked(capsys, monkeypatch):
    monkeypatch.setattr("seewhy.cli.listings.PACKAGES", ("torch", "no-such-thing"))
    assert main(["version", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["version"]
    assert list(found) == ["seewhy", "python", "torch", "no-such-thing"]
    assert found["no-such-thing"] is None
    assert main(["version"]) == 0
    assert capsys.readouterr().out.endswith("no-such-thing is not installed\n")
