"""Warnings above everything, and the notes of a word beside its map."""

from __future__ import annotations

from dataclasses import replace

import pytest
from selenium.webdriver.common.by import By

from golden.records import record_of

pytestmark = pytest.mark.browser

STAR, HOUSE = 2, 7
HOSTILE = "<img src=x onerror=alert(1)> The answer repeats itself."


def test_warnings_stand_above_the_picture_and_the_answer(open_page):
    record = record_of()
    notes = replace(record.provenance, notes=(HOSTILE, "Two frames."))
    page = open_page(replace(record, warnings=(HOSTILE,), provenance=notes))
    warnings = page.find_element(By.ID, "warnings")
    assert warnings.text == HOSTILE
    assert warnings.is_displayed()
    for later in ("answer", "panes"):
        assert (
            warnings.location["y"] + warnings.size["height"]
            <= (page.find_element(By.ID, later).location["y"])
        )
    told = page.find_element(By.ID, "provenance").text
    assert "Two frames." in told
    assert HOSTILE not in told


def test_report_without_warnings_has_no_empty_box(open_page):
    page = open_page()
    assert not page.find_element(By.ID, "warnings").is_displayed()
    assert not page.find_elements(By.CSS_SELECTOR, ".word-note")


@pytest.mark.parametrize("width", [360, 1280])
def test_note_of_a_word_stands_with_its_map(open_page, width):
    note = "The evidence for “star” was read before the question."
    page = open_page(replace(record_of(), word_notes=((STAR, note),)), f"#word={STAR}", width=width)
    (shown,) = page.find_elements(By.CSS_SELECTOR, "#details .word-note")
    assert shown.text == note
    page.execute_script(f"location.hash = '#word={HOUSE}'")
    page.execute_script("return new Promise(requestAnimationFrame)")
    assert not page.find_elements(By.CSS_SELECTOR, "#details .word-note")
