"""The page draws figures by itself: its numbers and sentences are those of Python."""

import re

import pytest

from seewhy.core.display import Display
from seewhy.report.colourmaps import DEFAULT
from seewhy.report.figure import caption, drawing, geometry, latex, options, scales
from seewhy.report.overlay import OPACITY
from seewhy.report.page import asset

JS = "js/report/figure_{}.js"


def constants(module: str) -> dict[str, float]:
    """The numbers that a module of the page names."""
    found = re.findall(r"^(?:export )?const ([A-Z_]+) = ([\d.]+);", asset(JS.format(module)), re.M)
    assert found
    return {name: float(value) for name, value in found}


def test_places_are_measured_by_the_same_numbers():
    own = {
        **{n: getattr(geometry, n) for n in constants("layout") if hasattr(geometry, n)},
        "LEAST_WIDTH": geometry.ROW_LEAST[0],
        "LEAST_HEIGHT": geometry.ROW_LEAST[1],
    }
    assert constants("layout") == own
    assert len(own) == 11


def test_text_has_the_same_sizes():
    assert constants("svg") == {
        "WIDTH_CM": options.FigureOptions().width_cm,
        "DPI": drawing.DPI,
        "TITLE_SIZE": drawing.TITLE_SIZE,
        "TEXT_SIZE": drawing.TEXT_SIZE,
        "LEAST_SIZE": drawing.LEAST_SIZE,
        "BASE": drawing.BASE,
        "BAR_GAP": drawing.BAR_GAP,
        "OPACITY": OPACITY,
    }
    colours = dict(re.findall(r'const (INK|SOFT|EDGE) = "(#\w+)"', asset(JS.format("svg"))))
    assert colours == {"INK": drawing.INK, "SOFT": drawing.SOFT, "EDGE": drawing.EDGE}
    assert DEFAULT == options.FigureOptions().colourmap


@pytest.mark.parametrize("display", Display.__args__)
def test_scales_are_told_in_the_same_words(display):
    assert f'{display}: "{scales.SCALE_NOTES[display]}"' in asset(JS.format("content"))
    assert f'{display}: "{caption.SCALES[display]}"' in asset(JS.format("latex"))


def test_the_same_characters_are_escaped():
    block = asset(JS.format("latex")).split("const ESCAPES = {")[1].split("};")[0]
    pairs = re.findall(r'^  ("(?:[^"\\]|\\.)+"|\'"\'|.): "(.*)",$', block, re.M)
    read = {name.strip("\"'") or '"': value.replace("\\\\", "\\") for name, value in pairs}
    named = {"\\\\": "\\", "\\u00a0": "\u00a0", "\\0": "\0"}
    own = {named.get(name, name): value for name, value in read.items()}
    assert own == {**latex._ESCAPES, "\0": "{}"}
