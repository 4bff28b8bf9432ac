"""Draw the pictures of the README and of docs/method.md anew, from the shipped model.

    make pictures        # or: python benchmarks/docs_pictures.py

`docs/assets/report.png` is the report of the demo in Chromium, with "umbrella" pointed at;
`docs/assets/corroborated.png` is a figure of one word by two methods.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

ASSETS = ROOT / "docs" / "assets"
SIZE = (1390, 925)
"""Width and height of the report's picture in pixels."""
METHODS = ("intra-modal(window=None)", "corroborated")


def report_picture(page: Path, word: int, out: Path) -> None:
    """A picture of a report in Chromium, with one of its words pointed at."""
    from page_latency import Browser

    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(profile)
        browser.resize(*SIZE)
        browser.driver.get(f"{page.as_uri()}#word={word}")
        ready = "return 'ready' in document.documentElement.dataset"
        while not browser.driver.execute_script(ready):
            time.sleep(0.05)
        time.sleep(1)  # the map changes gradually
        browser.driver.save_screenshot(str(out))
        browser.driver.quit()


def main() -> None:
    """Explain the demo's scene, and draw both pictures."""
    import seewhy
    from seewhy.testbed.scenes import draw, scene

    explainer = seewhy.load()
    picture = draw(scene(0, "heldout")).image
    explanation = explainer.explain(picture, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        explanation.save(Path(folder) / "demo")
        word = next(n for n, one in enumerate(explanation) if one.text == "umbrella")
        report_picture(Path(folder) / "demo" / "report.html", word, ASSETS / "report.png")
    figure = explainer.figure(picture, words=["pink"], methods=list(METHODS))
    figure.save(ASSETS / "corroborated.png", overwrite=True)


if __name__ == "__main__":
    main()
