"""The example figures of the documentation, and how large figures are as files.

    python benchmarks/figures.py    # a minute; docs/assets/figure*.png, results/figures.*

The examples are of the shipped model and a drawn scene. Sizes are measured on a picture with the
spectrum of a photograph (1 / f noise of a fixed seed), which compresses as badly as photographs do.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
from PIL import Image

import seewhy
from seewhy.testbed.scenes import draw, scene

HERE = Path(__file__).parent
ASSETS = HERE.parent / "docs" / "assets"
METHODS = ["logit-shares", "tam", "attn-lrp"]
WIDTHS = (8.4, 17.4)


def photograph(width: int = 1600, height: int = 1200, seed: int = 0) -> Image.Image:
    """Coloured noise whose amplitude falls with frequency, as that of photographs does."""
    rng = np.random.default_rng(seed)
    down, across = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]
    falling = 1 / np.maximum(np.hypot(down, across), 1 / width)
    noise = rng.normal(size=(height, width, 3))
    planes = np.fft.ifft2(np.fft.fft2(noise, axes=(0, 1)) * falling[..., None], axes=(0, 1)).real
    planes = (planes - planes.mean()) / planes.std()
    return Image.fromarray((128 + 50 * planes).clip(0, 255).astype(np.uint8))


def examples(explainer: seewhy.Explainer) -> None:
    """Draw the figures that the documentation shows."""
    picture = Image.fromarray(draw(scene(0, "heldout")).image)
    words = ["mushroom", "umbrella", "moon", "car"]
    figure = explainer.figure(picture, words=words[:3])
    figure.save(ASSETS / "figure.png", overwrite=True)
    grid = explainer.figure(picture, words=words, methods=METHODS)
    grid.save(ASSETS / "figure-grid.png", overwrite=True)


def sizes(explainer: seewhy.Explainer) -> list[dict[str, object]]:
    """Kilobytes of figures of one and of three methods, in a column and over a page."""
    picture = photograph()
    first = explainer.explain(picture, answer="A cat sits on the red sofa.")
    others = [
        explainer.explain(picture, answer="A cat sits on the red sofa.", method=method)
        for method in METHODS[1:]
    ]
    rows = []
    for width in WIDTHS:
        for name, methods in (("one method", []), ("three methods", others)):
            start = time.perf_counter()
            figure = first.figure(["cat", "sits", "red", "sofa"], methods=methods, width_cm=width)
            files = {kind: len(figure.file(kind).content) / 1000 for kind in ("pdf", "svg", "png")}
            seconds = time.perf_counter() - start
            size = " x ".join(f"{side:g}" for side in figure.size_cm)
            rows.append({"figure": f"{name}, four words", "cm": size, **files, "seconds": seconds})
    return rows


def table(rows: list[dict[str, object]]) -> str:
    """The sizes as Markdown."""
    lines = ["| figure | size in cm | PDF | SVG | PNG |", "| --- | ---: | ---: | ---: | ---: |"]
    for row in rows:
        told = " | ".join(f"{row[kind]:.0f} kB" for kind in ("pdf", "svg", "png"))
        lines.append(f"| {row['figure']} | {row['cm']} | {told} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Draw, measure and write."""
    explainer = seewhy.load()
    examples(explainer)
    rows = sizes(explainer)
    results = HERE / "results"
    (results / "figures.json").write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    (results / "figures.md").write_text(table(rows), "utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
