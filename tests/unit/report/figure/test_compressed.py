"""Large files have their pictures as JPEG, and stay whole."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from golden.records import draw, record_of
from seewhy.report.figure import FigureOptions, compressed, make_figure


@pytest.fixture(scope="module")
def noisy():
    """A figure of a picture that does not compress, and its files as they are without JPEG."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 12, (300, 400, 1)) + np.asarray(draw(400, 300), float)
    image = Image.fromarray(noise.clip(0, 255).astype(np.uint8))
    figure = make_figure(record_of(image=image), [2, 12])
    exact = figure.pdf(), figure.svg()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compressed, "LARGE", 100_000)
        yield figure, *exact


def objects(pdf: bytes) -> dict[int, bytes]:
    """The objects of a PDF by number, found by its table."""
    start = int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])
    head = re.match(rb"xref\n0 (\d+)\n", pdf[start:])
    assert head
    lines = pdf[start + head.end() :].split(b"\n")[: int(head[1])]
    offsets = {n: int(line[:10]) for n, line in enumerate(lines) if b" n" in line}
    ends = [*sorted(offsets.values()), start]
    found = {n: pdf[at : ends[ends.index(at) + 1]] for n, at in offsets.items()}
    for number, content in found.items():
        assert content.startswith(b"%d 0 obj" % number)
    return found


def pictures(pdf: bytes) -> list[np.ndarray]:
    """The JPEG pictures of a PDF."""
    found = []
    for content in objects(pdf).values():
        head = re.match(rb"\d+ 0 obj\n<< (.*?) >>\nstream\n", content, re.S)
        if head and b"/DCTDecode" in head[1]:
            length = int(re.findall(rb"/Length (\d+)", head[1])[0])
            data = content[head.end() : head.end() + length]
            assert content[head.end() + length :].startswith(b"\nendstream\nendobj\n")
            found.append(np.asarray(Image.open(io.BytesIO(data)), float))
    return found


def test_large_pdf_is_made_small_and_keeps_its_pictures(noisy):
    figure, exact, _ = noisy
    pdf = figure.pdf()
    assert len(pdf) < 0.6 * len(exact)
    own = [np.asarray(axis.images[0].get_array(), float) for axis in figure.figure.axes[:3]]
    found = pictures(pdf)
    assert [one.shape for one in found] == [one.shape for one in own]
    for one, other in zip(found, own, strict=True):
        assert np.abs(one[::-1] - other).mean() < 4  # in the file rows go upwards
    assert objects(pdf).keys() == objects(exact).keys()
    assert pdf.rstrip().endswith(b"%%EOF")


def test_large_svg_is_made_small_and_keeps_the_bar_exact(noisy):
    figure, _, exact = noisy
    svg = figure.svg()
    assert len(svg) < 0.6 * len(exact)
    kinds = re.findall(r"data:image/(\w+);base64,", svg)
    assert kinds == ["jpeg"] * 3 + ["png"]
    data = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", svg)
    assert all(Image.open(io.BytesIO(base64.b64decode(one))).format == "JPEG" for one in data)


def test_small_files_stay_exact():
    figure = make_figure(record_of(grid=(2, 2)), [2], options=FigureOptions(width_cm=4))
    assert b"/DCTDecode" not in figure.pdf()
    assert "image/jpeg" not in figure.svg()


@pytest.mark.parametrize("change", [(b"xref\n0", b"xref\n1"), (b"startxref", b"startxxxx")])
def test_a_pdf_of_another_form_is_left_as_it_is(noisy, change):
    _, exact, _ = noisy
    other = exact.replace(*change)
    assert compressed.small_pdf(other) == other
