from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError

import pytest

from seewhy.cli._options import add_model_options, load_options
from seewhy.cli._processor_options import processor_option
from seewhy.cli.main import main
from seewhy.core.errors import ParameterError


def options_of(*arguments):
    parser = ArgumentParser()
    add_model_options(parser.add_argument_group("the model"))
    return load_options(parser.parse_args(arguments))


def test_options_become_settings_of_load():
    found = options_of(
        *("--max-pixels", "5000", "--min-pixels", "10"),
        *("--processor-option", "do_resize=False", "--processor-option", 'size={"height": 3}'),
    )
    wanted = {"max_pixels": 5000, "min_pixels": 10, "do_resize": False, "size": {"height": 3}}
    assert found == wanted
    assert options_of() == {}


@pytest.mark.parametrize("text", ["max_pixels", "=3", "size=", "size={3}", "size=big"])
def test_processor_option_refuses_what_is_no_setting(text):
    with pytest.raises(ArgumentTypeError, match="Expected"):
        processor_option(text)


def test_options_refuse_unknown_names_and_doubles():
    with pytest.raises(ParameterError, match="did you mean 'do_resize'"):
        options_of("--processor-option", "do_resiz=true")
    with pytest.raises(ParameterError, match="each setting of the image processor once"):
        options_of("--max-pixels", "5", "--processor-option", "max_pixels=6")


def test_explain_shows_the_model_a_smaller_picture(tmp_path, capsys):
    arguments = ["explain", "--answer", "A red star.", "--json", "--quiet"]
    assert main([*arguments, "--max-pixels", "3000"]) == 0
    left, top, right, bottom = json.loads(capsys.readouterr().out)["words"][1]["box"]
    # A scene of 160 x 160 pixels becomes 3 x 3 tokens.
    thirds = [edge / 160 * 3 for edge in (left, top, right, bottom)]
    assert thirds == pytest.approx([round(third) for third in thirds])
    assert main([*arguments, "--processor-option", "crop_to_patches=true"]) == 2
    assert "image processor of qwen2-vl, got crop_to_patches" in capsys.readouterr().err
