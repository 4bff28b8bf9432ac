"""The command line's words: what is taken, and the one line for what is not."""

import argparse
import re
from typing import get_args

import pytest

from seewhy.bench.suites import SUITES
from seewhy.cli._options import real, whole
from seewhy.cli.explain import scales
from seewhy.cli.parser import build_parser
from seewhy.cli.parser import parse as parse_words
from seewhy.datasets import DATASETS
from seewhy.methods import DEFAULT, METHODS
from seewhy.methods._parameters import Variant, Weights
from seewhy.metrics import METRICS
from seewhy.testbed.pretrained import DEFAULT as DEFAULT_MODEL
from seewhy.testbed.pretrained import pretrained


def parse(*words):
    return parse_words(words)


def test_explain_needs_no_word_at_all():
    found = parse("explain")
    assert (found.images, found.model, found.prompt, found.scales) == ([], None, None, None)
    assert found.run == "seewhy.cli.explain:explain"


def test_explain_reads_its_options():
    found = parse(
        *("explain", "a.png", "--scales", "0.5,1,1.5", "--k", "20", "--p", "0.8", "--scene", "4"),
        *("--device-map", "auto", "--dtype", "bfloat16", "--json", "--max-new-tokens", "9"),
    )
    assert found.images == ["a.png"]
    assert found.scales == (0.5, 1.0, 1.5)
    assert (found.k, found.p, found.scene, found.max_new_tokens) == (20, 0.8, 4, 9)
    assert (found.device_map, found.dtype, found.json) == ("auto", "bfloat16", True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["explode"], "Expected the name of a command, got 'explode': choose one of explain, "),
        (["explian", "--json"], "seewhy: Expected the name of a command, got 'explian': did you m"),
        (["opn", "x"], "did you mean 'open'?"),
        (["--verison"], "seewhy: Expected one of the options of this command, got --verison: did "),
        (["--debug", "methods"], "Expected --debug after the command, got it before: move it"),
        (["methods", "tam"], "Expected no further words, got 'tam': leave it out"),
        (["explain", "--scale", "2"], "got --scale: did you mean --scales? (see seewhy explain --"),
        (["explain", "a.png", "--promt=What?"], "got --promt: did you mean --prompt?"),
        (["explain", "a.png", "--xyz", "b.png"], "got --xyz: leave it out"),
        (["explain", "-x"], "got -x: leave it out"),
        (["bench", "--sute", "quick"], "seewhy bench: Expected one of the options of this comma"),
        (["explain", "--scales", "0"], "Expected a number above 0, got '0'"),
        (["explain", "--scales", "1,-2"], "Expected a number above 0, got '-2'"),
        (["explain", "--scales", "1,,2"], "Expected a number above 0, got ''"),
        (["explain", "--scales", "1,nan"], "Expected a number above 0, got 'nan'"),
        (["explain", "--scales", "inf"], "Expected a number above 0, got 'inf'"),
        (["explain", "--scales", "1,1.0"], "Expected each scale once, got '1,1.0'"),
        (["explain", "--p", "1"], "Expected a number above 0 and below 1, got '1'"),
        (["explain", "--k", "0"], "Expected a whole number of at least 1, got '0'"),
        (["explain", "--max-new-tokens", "1.5"], "Expected a whole number of at least 1"),
        (["explain", "--scene", "-1"], "Expected a whole number of at least 0, got '-1'"),
        (["explain", "--dtype", "int8"], "invalid choice: 'int8'"),
        (["explain", "--contrast", "cup"], "Expected WORD=OTHER, got 'cup'"),
        (["explain", "--fps", "0"], "Expected a number above 0, got '0'"),
        (["cite"], "the following arguments are required: METHOD"),
    ],
)
def test_parser_answers_a_mistake_with_one_line_and_status_2(words, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(*words)
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert message in err
    assert "--help)" in err


def test_version_is_printed(capsys):
    with pytest.raises(SystemExit, match="0"):
        parse("--version")
    assert capsys.readouterr().out.startswith("seewhy 0.")


def test_scales_keep_their_order():
    assert scales("2,0.5,1") == (2.0, 0.5, 1.0)


def test_whole_takes_its_bound():
    assert whole(at_least=3)("3") == 3


@pytest.mark.parametrize("text", ["0", "1", "-1", "x", "nan"])
def test_real_leaves_out_its_bounds(text):
    with pytest.raises(argparse.ArgumentTypeError, match="above 0 and below 1"):
        real(above=0, below=1)(text)


@pytest.mark.parametrize("command", sorted(build_parser()[1]))
def test_every_command_says_what_it_does_and_can_show_a_traceback(command):
    parser = build_parser()[1][command]
    assert parser.description
    assert "--debug" in parser.option_names()
    without_json = ("app", "open", "figure", "bench", "audit")
    assert "--json" in parser.option_names() or command in without_json


def test_names_in_the_help_of_explain_are_those_that_exist():
    said = " ".join(build_parser()[1]["explain"].format_help().split())
    assert f"(default: {DEFAULT}," in said
    assert f"{', '.join(pretrained())} (default: {DEFAULT_MODEL})" in said
    assert f"--weights {{{','.join(get_args(Weights))}}}" in said
    assert f"--variant {{{','.join(get_args(Variant))}}}" in said


def test_help_breaks_no_name(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert "tiny-qwen2-vl-biased" in build_parser()[1]["explain"].format_help()


@pytest.mark.parametrize("names", [METHODS.names(), METRICS.names(), DATASETS.names(), SUITES])
def test_bench_help_lists_everything_that_can_be_named(names, capsys):
    with pytest.raises(SystemExit, match="0"):
        parse("bench", "--help")
    listed = re.findall(r"[\w-]+", capsys.readouterr().out)
    assert set(names) <= set(listed)


def test_commands_share_the_options_of_models():
    for command in ("explain", "bench"):
        found = parse(command, "--dtype", "float16", "--device-map", "cpu", "--trust-remote-code")
        assert (found.dtype, found.device_map, found.trust_remote_code) == ("float16", "cpu", True)
