"""Configs: validated when made, and the same after a file."""

import re
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench_parts import InMask, Scenes
from seewhy.bench import run
from seewhy.bench.config import BenchConfig, config_of, read_config
from seewhy.bench.plan import plan_of
from seewhy.bench.suites import SUITES, resolve, suite_of
from seewhy.core.errors import ParameterError, UnknownNameError
from seewhy.methods import METHODS
from seewhy.metrics import METRICS
from seewhy.testbed.habits import HABITS
from seewhy.testbed.pretrained import pretrained

NAMES = st.text(st.characters(codec="utf-8"), max_size=8)


def through_file(config, folder):
    path = folder / "config.toml"
    path.write_bytes(config.to_toml().encode())
    return config_of(read_config(path))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"suite": 3}, "Expected suite to be text, got 3"),
        ({"methods": "tam"}, "Expected methods as a list, got 'tam'"),
        ({"data": Scenes()}, "Expected data as a list"),
        ({"limit": 0}, "Expected limit of at least 1, got 0"),
        ({"limit": True}, "Expected limit of at least 1, got True"),
        ({"words": 1.5}, r"Expected words of at least 0, got 1\.5"),
        ({"workers": 0}, "Expected workers of at least 1, got 0"),
        ({"answers": "mine"}, "Expected answers 'reference' or 'own', got 'mine'"),
        ({"engine": "rey"}, "Expected engine 'processes' or 'ray' or 'in-process', got 'rey'"),
        ({"pairs": 1}, "Expected pairs to be true or false, got 1"),
        ({"retry": "yes"}, "Expected retry to be true or false, got 'yes'"),
        ({"load_options": ["cpu"]}, "Expected load_options to be a table of names and values"),
    ],
)
def test_values_are_checked_when_a_config_is_made(values, message):
    with pytest.raises(ParameterError, match=message):
        BenchConfig(**values)


def test_unknown_keys_get_near_matches():
    with pytest.raises(ParameterError, match="got 'metods': did you mean 'methods'"):
        config_of({"metods": ["tam"]})


def test_a_list_that_changes_later_does_not_change_the_config():
    methods = ["tam"]
    config = BenchConfig(methods=methods)
    methods.append("arc")
    assert config.methods == ("tam",)


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_survives_its_file(name, tmp_path):
    config = resolve(suite_of(name))
    assert through_file(config, tmp_path) == config


def test_a_resolved_config_is_resolved_to_itself():
    config = resolve(BenchConfig(methods=["arc", "rise"], limit=3))
    assert (config.reference, config.words, config.limit) == ("arc", 1, 3)
    assert resolve(config) == config


@given(
    methods=st.lists(NAMES), options=st.dictionaries(NAMES, NAMES | st.integers() | st.booleans())
)
def test_any_text_survives_a_file(tmp_path_factory, methods, options):
    config = BenchConfig(methods=methods, load_options=options)
    assert through_file(config, tmp_path_factory.mktemp("config")) == config


def test_objects_do_not_go_into_a_file():
    with pytest.raises(ParameterError, match=r"names and specs in metrics .*, got InMask"):
        BenchConfig(metrics=[InMask()]).to_toml()


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(ParameterError, match=r"Expected a config file at .*missing, got No such"):
        read_config(tmp_path / "missing")
    (tmp_path / "broken").write_text("limit = \nseed = 1\n")
    with pytest.raises(ParameterError, match=r"Expected TOML in .*broken, got .*line 1"):
        read_config(tmp_path / "broken")


def test_every_field_is_documented():
    documented = set(re.findall(r"^ {8}([\w, ]+): ", BenchConfig.__doc__, re.MULTILINE))
    names = {name for line in documented for name in line.split(", ")}
    assert {f.name for f in fields(BenchConfig)} <= names


def test_suites_have_a_summary_and_their_own_name():
    for name, make in SUITES.items():
        assert make.__doc__
        assert make().suite == name


def test_run_takes_the_name_of_a_suite(tmp_path):
    with pytest.raises(UnknownNameError, match="got 'quik': did you mean 'quick'"):
        run("quik", out=tmp_path / "results")
    assert not list(tmp_path.iterdir())


def test_suites_fill_all_that_a_config_leaves_open():
    empty = {f.name for f in fields(BenchConfig) if getattr(BenchConfig(), f.name) is None}
    for name in SUITES:
        config = resolve(BenchConfig(suite=name))
        left = {key for key in empty if getattr(config, key) is None}
        assert left <= ({"dtype", "limit"} if name == "full" else {"dtype"})


def test_the_suite_of_biased_models_gives_each_the_scenes_of_its_habit():
    suite = suite_of("hallucination")
    assert suite.pairs is True
    assert set(suite.models) == set(HABITS) & set(pretrained())
    expected = [f"testbed:habit={HABITS[model].name}" for model in suite.models]
    assert list(suite.data) == expected


@pytest.mark.parametrize(
    ("given", "models", "data", "pairs"),
    [
        ({}, ["a", "b"], ["one", "two"], True),
        ({"models": ["b"]}, ["b"], ["two"], True),
        ({"data": ["one"]}, ["a"], ["one"], True),
        ({"models": ["c"]}, ["c"], ["one", "two"], False),
        ({"data": ["three"]}, ["a", "b"], ["three"], False),
        ({"models": ["b"], "data": ["one"]}, ["b"], ["one"], False),
        ({"pairs": False}, ["a", "b"], ["one", "two"], False),
    ],
)
def test_parts_of_a_suite_with_pairs_keep_them(given, models, data, pairs, monkeypatch):
    def paired():
        """Two pairs."""
        return replace(
            suite_of("quick"), suite="paired", models=["a", "b"], data=["one", "two"], pairs=True
        )

    monkeypatch.setitem(SUITES, "paired", paired)
    config = resolve(BenchConfig(suite="paired", **given))
    found = list(config.models or ()), list(config.data or ()), config.pairs
    assert found == (models, data, pairs)
    assert resolve(config) == config


def test_the_suite_full_holds_every_method_and_metric():
    plan = plan_of(replace(resolve(suite_of("full")), models=["tiny-qwen2-vl"]))
    assert {spec.method.name for spec in plan.methods} == set(METHODS.names())
    assert {spec.metric.name for spec in plan.metrics} == set(METRICS.names())
