"""The config of `seewhy bench`: a file, options over it, and what is printed."""

import pytest

from seewhy.bench.plan import plan_of
from seewhy.bench.suites import resolve, suite_of
from seewhy.cli.bench import bench_config
from seewhy.cli.main import main
from seewhy.cli.parser import parse


def config(*words):
    return bench_config(parse(["bench", *words]))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "bench.toml"
    path.write_text(
        'suite = "cost"  # a comment\nmethods = ["tam"]\nlimit = 3\ngallery = false\n'
        '[load_options]\nattn_implementation = "eager"\n'
    )
    return str(path)


def test_a_printed_config_makes_the_plan_of_its_suite(tmp_path, capsys):
    assert main(["bench", "--suite", "quick", "--print-config"]) == 0
    path = tmp_path / "quick.toml"
    path.write_text(capsys.readouterr().out)
    again = resolve(config("--config", str(path)))
    assert plan_of(again).key == plan_of(resolve(suite_of("quick"))).key
    assert again == resolve(config())


def test_options_override_the_file(file):
    found = config("--config", file, "--limit", "5", "--device-map", "cpu", "--retry")
    assert (found.suite, found.methods, found.limit) == ("cost", ("tam",), 5)
    assert (found.retry, found.gallery) == (True, False)
    assert found.load_options == {"attn_implementation": "eager", "device_map": "cpu"}


def test_without_a_file_cases_are_drawn_unless_told_otherwise():
    assert config().gallery
    assert not config("--no-gallery").gallery


def test_an_unknown_key_of_the_file_is_told_with_near_matches(file, tmp_path, capsys):
    (tmp_path / "wrong.toml").write_text("limits = 3\n")
    assert main(["bench", "--config", str(tmp_path / "wrong.toml"), "--print-config"]) == 2
    assert "got 'limits': did you mean 'limit'" in capsys.readouterr().err
