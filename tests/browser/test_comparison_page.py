"""The page of one answer by two models in Chromium: choosing a word changes the maps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from golden.records import record_of
from seewhy.report.comparison_page import html
from seewhy.report.comparison_payload import ComparedMaps, payload

pytestmark = pytest.mark.browser

NOTE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def page(chromium, tmp_path):
    record = replace(record_of(), warnings=("The answer repeats itself.",))
    shapes = [picture.base_grid.shape for picture in record.pictures]
    words = []
    for index, _ in enumerate(record.words):
        maps = []
        for shape in shapes:
            first, second = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
            first[0, 0], second[-1, -1] = 1 + index, 3 + index
            maps.append(ComparedMaps(first, second))
        words.append(((0.5, 0.5 / (index + 1)), maps))
    data = payload(record, record, words, by="tokens", notes=[NOTE])
    file = tmp_path / "comparison.html"
    file.write_text(html(data), "utf-8")
    chromium.get_log("browser")
    chromium.get(file.as_uri())
    WebDriverWait(chromium, 20).until(
        lambda d: d.execute_script("return 'ready' in document.documentElement.dataset")
    )
    yield chromium, data
    assert chromium.get_log("browser") == []


def shown(driver, kind):
    images = driver.find_elements(By.CSS_SELECTOR, f"figure[data-kind={kind}] img.map")
    return [image.get_attribute("src") for image in images]


def test_page_shows_the_answer_and_both_maps_of_a_word(page):
    driver, data = page
    assert driver.find_element(By.CSS_SELECTOR, ".answer").text == data["answer"]
    buttons = driver.find_elements(By.CSS_SELECTOR, ".answer button")
    assert [button.text for button in buttons] == [word["text"] for word in data["words"]]
    for index in (len(buttons) - 1, 0):
        buttons[index].click()
        for kind in ("first", "second", "difference"):
            assert shown(driver, kind) == [view[kind] for view in data["words"][index]["views"]]
        pressed = [button.get_attribute("aria-pressed") for button in buttons]
        assert pressed.count("true") == 1
        assert pressed[index] == "true"
    numbers = driver.find_element(By.ID, "numbers").text
    assert numbers.startswith(f"“{data['words'][0]['text']}”: 50 % by the first model, 50 %")
    sizes = driver.execute_script(
        "return [...document.images].every((image) => image.complete && image.naturalWidth > 0)"
    )
    assert sizes


def test_page_tints_words_by_probability_and_takes_notes_as_text(page):
    driver, _ = page
    buttons = driver.find_elements(By.CSS_SELECTOR, ".answer button")
    assert buttons[0].get_attribute("data-change") is None
    assert buttons[1].get_attribute("data-change") == "lower"
    notes = driver.find_element(By.CSS_SELECTOR, "ul.notes").text
    assert NOTE in notes
    assert "repeats" not in notes
    assert driver.find_element(By.CSS_SELECTOR, ".warnings").text == "The answer repeats itself."
    before = driver.find_element(By.CSS_SELECTOR, "html").value_of_css_property("color-scheme")
    driver.find_element(By.CSS_SELECTOR, ".tools button").click()
    after = driver.find_element(By.CSS_SELECTOR, "html").value_of_css_property("color-scheme")
    assert before != after
