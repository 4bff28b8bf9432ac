"""The button "Figure" of the report: the files that it saves, without a server."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from browser.axe import violations
from golden.records import chat_record, clip_record, pictures_record, record_of
from seewhy.report.figure import FigureOptions, make_figure
from seewhy.report.page import frame

pytestmark = pytest.mark.browser

SVG = "{http://www.w3.org/2000/svg}"
HREF = "href"
STAR, TREE = 2, 12

Save = Callable[[str, str], bytes]


@pytest.fixture
def save(chromium: WebDriver, tmp_path: Path) -> Iterator[Save]:
    """Save a format by its button; wait for the file of this name and return its content."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    behaviour = {"behavior": "allow", "downloadPath": str(folder)}
    chromium.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)

    def save_(format: str, name: str) -> bytes:
        chromium.find_element(By.ID, "figure").click()
        chromium.find_element(By.CSS_SELECTOR, f"[data-format={format}]").click()
        file = folder / name
        WebDriverWait(chromium, 20, poll_frequency=0.02).until(
            lambda _: file.is_file() and not list(folder.glob("*.crdownload")),
            f"no {name}, but {sorted(path.name for path in folder.iterdir())}",
        )
        content = file.read_bytes()
        file.unlink()
        return content

    yield save_
    chromium.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "default"})


def boxes(svg: ElementTree.Element) -> np.ndarray:
    """Left, top, width and height of each picture, in points, from an SVG of the page."""
    names = ("x", "y", "width", "height")
    return np.array([[float(one.get(n, "nan")) for n in names] for one in svg.iter(f"{SVG}image")])


def drawn_boxes(figure) -> np.ndarray:
    """The same of a figure of matplotlib."""
    width, height = 72 * figure.figure.get_size_inches()
    places = [axis.get_position() for axis in figure.figure.axes]
    return np.array(
        [[p.x0 * width, (1 - p.y1) * height, p.width * width, p.height * height] for p in places]
    )


def texts(svg: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in svg.iter(f"{SVG}text")]


def expect_as_in_python(content: bytes, figure) -> ElementTree.Element:
    """The page's SVG has the pictures and the texts of Python's figure, at the same places."""
    svg = ElementTree.fromstring(content)
    np.testing.assert_allclose(boxes(svg), drawn_boxes(figure), atol=1.0)
    assert sorted(texts(svg)) == sorted(text.get_text() for text in figure.figure.texts)
    return svg


def test_figure_of_one_word_is_saved_as_in_python(open_page, save):
    record = record_of()
    open_page(record, f"#word={STAR}")
    figure = make_figure(record, [STAR])
    svg = expect_as_in_python(save("svg", "seewhy-star.svg"), figure)
    assert svg.get("width") == "8.4cm"
    sizes = {float(one.get("font-size", "nan")) for one in svg.iter(f"{SVG}text")}
    assert min(sizes) >= 6
    assert max(sizes) == 8
    assert all(one.get(HREF, "").startswith("data:image/png;") for one in svg.iter(f"{SVG}image"))
    image = Image.open(io.BytesIO(save("png", "seewhy-star.png"))).convert("RGB")
    own = Image.open(io.BytesIO(figure.png())).convert("RGB")
    assert abs(image.width - own.width) <= 1
    assert abs(image.height - own.height) <= 1
    # The pictures are the same but for rounding; letters may have another font.
    left, top, width, height = (boxes(svg)[1] * 300 / 72).round().astype(int)
    inside = np.s_[top + 6 : top + height - 6, left + 6 : left + width - 6]
    difference = np.asarray(image, float)[inside] - np.asarray(own, float)[inside]
    assert np.abs(difference).mean() < 4


def test_figure_of_two_pinned_words_has_the_caption_of_python(open_page, save):
    record = record_of()
    open_page(record, f"#word={STAR}&with={TREE}")
    figure = make_figure(record, [STAR, TREE])
    expect_as_in_python(save("svg", "seewhy-star-tree.svg"), figure)
    tex = save("tex", "seewhy-star-tree.tex").decode()
    own = figure.tex()
    for line in (r"  \\caption.*", r"  \\label.*"):
        (found,) = re.findall(line, tex)
        assert found in own
    assert "\\includegraphics[width=8.40cm]{seewhy-star-tree}" in tex


def test_figure_follows_scale_colours_view_and_contrast(open_page, save):
    record = pictures_record()
    page = open_page(record, f"#word={STAR}&view=1")
    for choice in ("#display [data-value=word]", "#colours [data-value=viridis]"):
        page.execute_script("document.querySelector(arguments[0]).click()", choice)
    options = FigureOptions(scale="word", view=1, colourmap="viridis")
    content = save("svg", "seewhy-star.svg")
    expect_as_in_python(content, make_figure(record, [STAR], options=options))
    record = chat_record()
    open_page(record, f"#word={STAR}")
    svg = expect_as_in_python(save("svg", "seewhy-star.svg"), make_figure(record, [STAR]))
    assert "rather than sun" in texts(svg)


def test_figure_of_a_clip_and_of_a_word_of_the_prompt(open_page, save):
    record = clip_record()
    open_page(record, f"#word={STAR}&with={TREE}")
    figure = make_figure(record, [STAR, TREE])
    expect_as_in_python(save("svg", "seewhy-star-tree.svg"), figure)
    open_page(pictures_record(explained=True), "#word=p3")
    svg = ElementTree.fromstring(save("svg", "seewhy-star.svg"))
    assert "in the prompt" in texts(svg)
    assert not any(text.startswith("p ") for text in texts(svg))


HOSTILE = ((r"</title><script>x$\%", "star"), (" שלום", ""), (" 🐈‍⬛", "tree"), (" a\nb", ""))


def test_hostile_words_stay_text_and_names_of_files_stay_safe(open_page, save):
    record = record_of(HOSTILE)
    open_page(record, "#word=0")
    name = make_figure(record, [0]).name
    svg = ElementTree.fromstring(save("svg", f"{name}.svg"))
    assert not list(svg.iter(f"{SVG}script"))
    assert any("<" in text or "script" in text for text in texts(svg))
    tex = save("tex", f"{name}.tex").decode()
    assert re.findall(r"  \\caption.*", tex)[0] in make_figure(record, [0]).tex()


def test_menu_works_by_keyboard_and_tells_what_it_does(open_page, save):
    page = open_page(fragment=f"#word={STAR}")
    button, panel = (page.find_element(By.ID, name) for name in ("figure", "figure-panel"))
    assert not panel.is_displayed()
    page.find_element(By.TAG_NAME, "body").send_keys("g")
    assert panel.is_displayed()
    assert button.get_attribute("aria-expanded") == "true"
    assert "Figure of “star”" in panel.text
    assert page.switch_to.active_element.get_attribute("data-format") == "svg"
    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not panel.is_displayed()
    assert page.switch_to.active_element == button
    button.send_keys(Keys.ENTER)
    ActionChains(page, duration=20).move_by_offset(5, 500).click().perform()
    assert not panel.is_displayed()
    save("svg", "seewhy-star.svg")
    assert page.find_element(By.ID, "live").get_attribute("textContent") == "Saved seewhy-star.svg."


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_menu_has_no_fault_that_axe_finds(open_page, chromium, width, theme):
    page = open_page(fragment=f"#word={STAR}", width=width)
    page.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    page.find_element(By.ID, "figure").click()
    panel = page.find_element(By.ID, "figure-panel")
    box = panel.rect
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert not [one for one in violations(page) if "figure" in one]


def test_figure_is_saved_from_a_frame_without_an_origin(chromium, tmp_path):
    """In a notebook's cell the page has no origin of its own, and may save files all the same."""
    page, folder = tmp_path / "frame.html", tmp_path / "downloads"
    folder.mkdir()
    page.write_text(f"<!doctype html><title>cell</title>{frame(record_of())}", "utf-8")
    behaviour = {"behavior": "allow", "downloadPath": str(folder)}
    chromium.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
    chromium.get(page.as_uri())
    chromium.switch_to.frame(0)
    wait = WebDriverWait(chromium, 20, poll_frequency=0.02)
    wait.until(lambda d: d.execute_script("return 'ready' in document.documentElement.dataset"))
    chromium.find_element(By.ID, "figure").click()
    chromium.find_element(By.CSS_SELECTOR, "[data-format=png]").click()
    wait.until(lambda _: [file for file in folder.iterdir() if file.suffix == ".png"])
    chromium.switch_to.default_content()
    chromium.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "default"})
    assert [log for log in chromium.get_log("browser") if log["level"] == "SEVERE"] == []
