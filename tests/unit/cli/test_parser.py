"""The command line's words: what is taken, and the one line for what is not."""

import argparse
import re

import pytest

from seewhy.bench.suites import SUITES
from seewhy.cli.parser import build_parser, real, scales, whole
from seewhy.datasets import DATASETS
from seewhy.methods import METHODS
from seewhy.metrics import METRICS


def parse(*words):
    return build_parser().parse_args(list(words))


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
        (["explode"], "invalid choice: 'explode'"),
        (["explain", "--scale", "2"], "unrecognized arguments: --scale"),
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
