"""`seewhy methods`, `models`, `metrics`, `datasets`, `cite` and `version`."""

import json

import pytest

from seewhy.cli.main import main
from seewhy.datasets import DATASETS
from seewhy.methods import METHODS, citation
from seewhy.metrics import METRICS
from seewhy.models import FAMILIES

LISTED = [
    ("methods", METHODS),
    ("models", FAMILIES),
    ("metrics", METRICS),
    ("datasets", DATASETS),
]


@pytest.mark.parametrize(("command", "registry"), LISTED)
def test_listing_names_every_entry(command, registry, capsys):
    assert main([command]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines if line and not line[0].isspace()} >= set(
        registry.names()
    )


@pytest.mark.parametrize(("command", "registry"), LISTED)
def test_listing_is_one_json_object_when_asked(command, registry, capsys):
    assert main([command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)[command]
    assert tuple(row["name"] for row in rows) == registry.names()
    assert all(all(row.values()) for row in rows)


@pytest.mark.parametrize("name", METHODS.names())
def test_cite_prints_bibtex(name, capsys):
    assert main(["cite", name]) == 0
    assert capsys.readouterr().out == citation(name) + "\n"


def test_cite_gives_near_matches(capsys):
    assert main(["cite", "intramodal"]) == 2
    assert "did you mean 'intra-modal'" in capsys.readouterr().err


def test_version_names_what_it_stands_on(capsys):
    assert main(["version"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["seewhy", "python", "torch", "transformers", "tokenizers", "numpy", "pillow"]
