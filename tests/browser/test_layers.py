"""A word layer by layer: the strip in its panel, by mouse, keyboard and touch."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from browser.test_report import canvas, classes, words
from golden.records import chat_record, pictures_record, record_of, with_layers
from seewhy.core.record import Record
from seewhy.report.overlay import overlay
from seewhy.report.word_layers import WordLayers, word_layers

pytestmark = pytest.mark.browser

STAR, TREE, LAYERS, HEADS = 2, 12, 6, 4


def layers_of(record: Record, word: int = STAR) -> WordLayers:
    assert record.layers is not None
    return word_layers(record.layers, record.words[word].tokens)


def slider(page: WebDriver) -> WebElement:
    return page.find_element(By.ID, "layer")


def press(page: WebDriver, *keys: str) -> None:
    ActionChains(page).send_keys(*keys).perform()


def open_layer(page: WebDriver, layer: int) -> None:
    """Show a layer, counted from 0, by the keyboard alone."""
    page.execute_script("arguments[0].focus()", slider(page))
    press(page, Keys.HOME, Keys.HOME, *[Keys.ARROW_RIGHT] * layer)


def badge(page: WebDriver) -> str:
    return page.find_element(By.CSS_SELECTOR, ".layer-badge").text


def readout(page: WebDriver) -> str:
    return page.find_element(By.ID, "layer-readout").text


def drawn(record: Record, maps: np.ndarray, highest: float, page: WebDriver) -> np.ndarray:
    """A map over black, as the page should draw it."""
    height, width = canvas(page).shape[:2]
    (picture,) = record.pictures
    values = torch.from_numpy(maps / highest)
    return np.asarray(overlay(picture.image * 0, values, picture.base_grid, size=(width, height)))


def test_strip_is_shown_only_where_there_are_layers(open_page):
    page = open_page(fragment=f"#word={STAR}")
    assert page.find_elements(By.ID, "layers") == []
    assert "Layer by layer" not in page.find_element(By.CSS_SELECTOR, ".guide").text
    page = open_page(with_layers(record_of()), fragment=f"#word={STAR}")
    assert page.find_element(By.ID, "layers").is_displayed()
    assert "Layer by layer" in page.find_element(By.CSS_SELECTOR, ".guide").text


def test_strip_has_two_bars_for_each_layer(open_page):
    record = with_layers(record_of())
    page = open_page(record, fragment=f"#word={STAR}")
    found = layers_of(record)

    def strengths(kind: str) -> list[float]:
        bars = page.find_elements(By.CSS_SELECTOR, f".layer-column .{kind}")
        read = "return Number(arguments[0].style.getPropertyValue('--strength'))"
        return [page.execute_script(read, bar) for bar in bars]

    assert strengths("read") == pytest.approx(found.probabilities.tolist(), abs=1e-4)
    taken = found.picture.sum(1)
    assert strengths("taken") == pytest.approx((taken / taken.max()).tolist(), abs=0.02)
    heights = [
        bar.size["height"] for bar in page.find_elements(By.CSS_SELECTOR, ".layer-column .read")
    ]
    assert heights == sorted(heights)
    assert heights[-1] > heights[0] + 10


def test_slider_lays_a_layers_map_over_the_picture_and_escape_the_words_own(open_page):
    record = with_layers(record_of())
    page = open_page(record, fragment=f"#word={STAR}")
    own = canvas(page)
    (maps,) = layers_of(record).lens_maps
    for layer in (1, 4):
        open_layer(page, layer)
        assert badge(page) == f"Layer {layer + 1}: what could be read there"
        laid = canvas(page).astype(float)
        shown = laid[..., :3] * laid[..., 3:] / 255
        assert np.abs(shown - drawn(record, maps[layer], maps.max(), page)).mean() < 1.5
    peak = page.find_element(By.CSS_SELECTOR, ".peak")
    assert peak.value_of_css_property("opacity") == "0"
    assert "all layers" in page.find_element(By.CSS_SELECTOR, ".legend").text
    press(page, Keys.ESCAPE)
    assert (canvas(page) == own).all()
    assert badge(page) == ""
    assert page.switch_to.active_element == slider(page)
    assert "one range for all words" in page.find_element(By.CSS_SELECTOR, ".legend").text


def test_slider_opens_at_the_last_layer_with_the_first_key(open_page):
    page = open_page(with_layers(record_of()), fragment=f"#word={STAR}")
    page.execute_script("arguments[0].focus()", slider(page))
    press(page, Keys.ARROW_RIGHT)
    assert readout(page).startswith(f"Layer {LAYERS} of {LAYERS}.")
    press(page, Keys.ARROW_LEFT)
    assert readout(page).startswith(f"Layer {LAYERS - 1} of {LAYERS}.")
    assert classes(page, "current") == [STAR]


def test_slider_tells_a_screen_reader_the_layer_and_its_numbers(open_page):
    record = with_layers(record_of())
    page = open_page(record, fragment=f"#word={STAR}")
    assert slider(page).accessible_name == "Layer"
    assert slider(page).get_attribute("aria-valuetext") == "no layer, the word's own map"
    open_layer(page, 4)
    found = layers_of(record)
    told = slider(page).get_attribute("aria-valuetext") or ""
    assert told.startswith(f"layer 5 of {LAYERS}, probability {found.probabilities[4]:.0%}"[:-1])
    assert told.endswith(f"{found.picture[4].sum():.2f} taken from the picture")


def test_toggle_shows_what_was_taken_in_place_of_what_could_be_read(open_page):
    record = with_layers(record_of())
    page = open_page(record, fragment=f"#word={STAR}")
    open_layer(page, 2)
    read = canvas(page)
    page.find_element(By.CSS_SELECTOR, "#layer-source [data-value=taken]").click()
    assert badge(page) == "Layer 3: what was taken there"
    taken = canvas(page).astype(float)
    (maps,) = layers_of(record).share_maps
    shown = taken[..., :3] * taken[..., 3:] / 255
    assert np.abs(shown - drawn(record, maps[2], maps.max(), page)).mean() < 1.5
    press(page, Keys.ARROW_LEFT)
    assert badge(page) == "Layer 3: what could be read there"
    assert (canvas(page) == read).all()


def test_pointer_on_a_column_shows_its_layer_and_the_button_closes_it(open_page):
    page = open_page(with_layers(record_of()), fragment=f"#word={STAR}")
    own = canvas(page)
    close = page.find_element(By.ID, "layer-close")
    assert not close.is_displayed()
    page.find_elements(By.CSS_SELECTOR, ".layer-column")[3].click()
    assert readout(page).startswith("Layer 4 of")
    assert slider(page).get_attribute("value") == "4"
    shown = page.find_elements(By.CSS_SELECTOR, ".layer-column.shown")
    assert [column.get_attribute("data-layer") for column in shown] == ["3"]
    close.click()
    assert badge(page) == ""
    assert not close.is_displayed()
    assert (canvas(page) == own).all()


def test_thumb_stays_beneath_its_column(open_page):
    page = open_page(with_layers(record_of()), fragment=f"#word={STAR}")
    columns = page.find_elements(By.CSS_SELECTOR, ".layer-column")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", slider(page))
    for layer in (0, 2, LAYERS - 1):
        box = columns[layer].rect
        middle = box["x"] + box["width"] / 2
        thumb = slider(page).rect
        dx = middle - (thumb["x"] + thumb["width"] / 2)
        ActionChains(page, duration=20).move_to_element_with_offset(
            slider(page), round(dx), 0
        ).click().perform()
        assert slider(page).get_attribute("value") == str(layer + 1)
        track = page.execute_script(
            "const box = arguments[0].getBoundingClientRect(), thumb = 16;"
            "const part = (arguments[0].value - 1) / (arguments[0].max - 1);"
            "return box.x + scrollX + thumb / 2 + part * (box.width - thumb)",
            slider(page),
        )
        assert track == pytest.approx(middle, abs=1.5)


def test_heads_of_the_layer_have_a_cell_each(open_page):
    record = with_layers(record_of())
    page = open_page(record, fragment=f"#word={STAR}")
    heads = page.find_element(By.ID, "heads")
    assert not heads.is_displayed()
    open_layer(page, 2)
    found = layers_of(record)
    titles = [cell.get_attribute("title") for cell in heads.find_elements(By.CLASS_NAME, "head")]
    numbers = [re.findall(r"(?<= )[\d.e-]+(?= from)", str(title)) for title in titles]
    wanted = np.stack([found.picture[2], found.text[2]], 1)
    assert np.asarray(numbers, float) == pytest.approx(wanted, abs=0.006)
    assert len(titles) == HEADS
    row = heads.find_element(By.CSS_SELECTOR, "[role=img]")
    best = int(found.picture[2].argmax()) + 1
    assert f"most from the picture in head {best}:" in row.accessible_name


def test_layer_stays_open_from_word_to_word_and_the_slider_keeps_the_focus(open_page):
    record = with_layers(record_of())
    page = open_page(record, fragment=f"#word={STAR}")
    open_layer(page, 3)
    ActionChains(page, duration=20).move_to_element(words(page)[TREE]).perform()
    assert classes(page, "current") == [TREE]
    assert badge(page) == "Layer 4: what could be read there"
    assert page.switch_to.active_element == slider(page)
    laid = canvas(page).astype(float)
    (maps,) = layers_of(record, TREE).lens_maps
    shown = laid[..., :3] * laid[..., 3:] / 255
    assert np.abs(shown - drawn(record, maps[3], maps.max(), page)).mean() < 1.5


def test_escape_closes_the_layer_first_and_unpins_second(open_page):
    page = open_page(with_layers(record_of()), fragment=f"#word={STAR}")
    words(page)[STAR].click()
    page.find_elements(By.CSS_SELECTOR, ".layer-column")[3].click()
    press(page, Keys.ESCAPE)
    assert (badge(page), classes(page, "pin-a")) == ("", [STAR])
    press(page, Keys.ESCAPE)
    assert classes(page, "pin-a") == []


def test_comparison_and_the_prompts_words_show_their_own_maps(open_page):
    page = open_page(with_layers(chat_record()), fragment=f"#word={STAR}")
    open_layer(page, 3)
    words(page)[STAR].click()
    words(page)[TREE].click()
    assert page.find_elements(By.ID, "layers") == []
    shown = page.find_elements(By.CSS_SELECTOR, ".layer-badge")
    assert [one.text for one in shown] == ["", ""]
    page = open_page(with_layers(chat_record()), fragment="#word=p3")
    assert page.find_elements(By.ID, "layers") == []


@pytest.mark.parametrize("word", [STAR, TREE])
def test_maps_of_several_pictures_share_one_scale(open_page, word):
    record = with_layers(pictures_record())
    page = open_page(record, fragment=f"#word={word}")
    open_layer(page, 5)
    found = layers_of(record, word)
    highest = max(maps.max() for maps in found.lens_maps)
    alphas = [canvas(page, view)[..., 3].max() / 255 for view in (0, 1)]
    wanted = [0.8 * (0.62 + 0.38 * maps[5].max() / highest) for maps in found.lens_maps]
    assert alphas == pytest.approx(wanted, abs=0.04)
    assert abs(wanted[0] - wanted[1]) > 0.1
    assert "from the pictures" in readout(page)


def test_strip_fits_every_width_and_names_every_control(open_page):
    page = open_page(with_layers(record_of(), layers=80, heads=64), fragment=f"#word={STAR}")
    open_layer(page, 3)
    for width in (360, 400, 768, 1024, 1600):
        page.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
        )
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    strip = page.find_element(By.ID, "layers")
    controls = strip.find_elements(By.CSS_SELECTOR, "button, input, [role=img], [role=radiogroup]")
    assert len(controls) >= 6
    assert all(control.accessible_name for control in controls)


def test_finger_on_a_column_shows_its_layer(open_page):
    page = open_page(with_layers(record_of()), fragment=f"#word={STAR}", width=400, touch=True)
    column = page.find_elements(By.CSS_SELECTOR, ".layer-column")[1]
    page.execute_script("arguments[0].scrollIntoView({block: 'end'})", column)
    box = page.execute_script("return arguments[0].getBoundingClientRect().toJSON()", column)
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    page.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at]})
    page.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert readout(page).startswith("Layer 2 of")
