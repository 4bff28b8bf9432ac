"""Right-to-left text, scripts without spaces, special tokens and thinking blocks on the page."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from golden.records import record_of
from seewhy.core.trace import PromptSpan

pytestmark = pytest.mark.browser

HEBREW = (("שלום", ""), (" ירוק", "tree"), (" 12", ""), (":30", ""), (" -3.5", ""), (".", ""))
MARKED = (
    ("<think>", ""), ("A", ""), (" tree", "tree"), ("?", ""), ("</think>", ""), ("\n\n", ""),
    ("The", ""), ("<|object_ref_start|>", ""), (" star", "star"), ("<|object_ref_end|>", ""),
    (".", ""),
)  # fmt: skip
SPECIAL = (0, 4, 7, 9)


def units(page: WebDriver) -> list[dict]:
    """Text, left and right of each word of the answer, in reading order."""
    return page.execute_script(
        "return [...document.querySelectorAll('#answer .unit')].map((node) => {"
        "const box = node.getBoundingClientRect();"
        "return {text: node.textContent, left: box.left, right: box.right, name: node.ariaLabel}})"
    )


def current(page: WebDriver) -> str:
    return page.find_element(By.CSS_SELECTOR, "#answer .current").text


def press(page: WebDriver, *keys: str) -> None:
    ActionChains(page).send_keys(*keys).perform()


def test_words_from_right_to_left_stand_and_are_walked_in_their_order(open_page):
    page = open_page(record_of(HEBREW), fragment="#word=0")
    answer = page.find_element(By.ID, "answer")
    assert (answer.get_attribute("dir"), answer.get_attribute("lang")) == ("rtl", "he")
    shown = units(page)
    assert [one["text"] for one in shown] == ["שלום", "ירוק", "12:30", "-3.5", "."]
    lefts = [one["left"] for one in shown]
    assert lefts == sorted(lefts, reverse=True)
    # The sign stays before its number: among Hebrew words it would move behind it.
    sign, digit = page.execute_script(
        "const text = [...document.querySelectorAll('#answer .unit')][3].firstChild;"
        "return [0, 1].map((at) => { const range = document.createRange();"
        "range.setStart(text, at); range.setEnd(text, at + 1);"
        "return range.getBoundingClientRect().left })"
    )
    assert sign < digit
    page.find_element(By.CSS_SELECTOR, "#answer .unit").click()
    press(page, Keys.ARROW_LEFT)
    assert current(page) == "ירוק"
    press(page, Keys.ARROW_RIGHT)
    assert current(page) == "שלום"


TEXTS = [
    ("红色的车。", "zh", "ltr", "PingFang SC"),
    ("赤い車です。", "ja", "ltr", "Hiragino Sans"),
    ("빨간 자동차", "ko", "ltr", "Malgun Gothic"),
    ("قطة حمراء", "ar", "rtl", "Geeza Pro"),
    ("रंगीन कार", "hi", "ltr", None),
    ("สุนัขสีแดง", "th", "ltr", None),
    ("A red star", None, "ltr", None),
]


def test_texts_have_the_direction_and_the_fonts_of_their_script(open_page):
    turns, prompt = [], ""
    for text, *_ in TEXTS:
        turns.append(PromptSpan("user", len(prompt), len(prompt) + len(text)))
        prompt += text + "\n"
    page = open_page(record_of((("A", "star"),), prompt=prompt, turns=tuple(turns)))
    holders = page.find_elements(By.CSS_SELECTOR, "#prompt .words")
    for holder, (_, language, direction, first) in zip(holders, TEXTS, strict=True):
        assert holder.get_attribute("dir") == direction
        assert (holder.get_attribute("lang") or None) == language
        fonts = holder.value_of_css_property("font-family")
        own = {wanted for *_, wanted in TEXTS if wanted}
        if first:
            assert min(own, key=fonts.index) == first
        for script in ("Arabic", "Hebrew", "Devanagari", "Thai", "Khmer", "Emoji", *own):
            assert script in fonts


def test_special_tokens_are_marks_and_thinking_is_folded(open_page):
    page = open_page(record_of(MARKED, special=SPECIAL))
    block = page.find_element(By.CSS_SELECTOR, "#answer details.thinking")
    assert block.get_attribute("open") is None
    assert block.find_element(By.TAG_NAME, "summary").text.split() == ["Thinking", "5", "words"]
    marks = page.find_elements(By.CSS_SELECTOR, "#answer > [role=listbox] > .unit.special")
    assert [mark.text for mark in marks] == ["<|object_ref_start|>", "<|object_ref_end|>"]
    assert marks[0].get_attribute("aria-label") == "markup object ref start"
    ordinary = page.find_element(By.CSS_SELECTOR, "#answer > [role=listbox] > .unit:not(.special)")
    assert marks[0].size["height"] < ordinary.size["height"]
    # The words of the answer itself are looked at first, and keys pass the folded block over.
    assert current(page) == "star"
    marks[0].click()
    press(page, Keys.HOME)
    assert current(page) == "The"
    tiles = page.find_elements(By.CSS_SELECTOR, "#tiles .tile")
    assert len(tiles) == 5
    block.find_element(By.TAG_NAME, "summary").click()
    assert block.get_attribute("open") is not None
    words = block.find_elements(By.CSS_SELECTOR, ".unit")
    assert [word.text for word in words] == ["<think>", "A", "tree", "?", "</think>"]
    words[2].click()
    assert current(page) == "tree"
    assert len(page.find_elements(By.CSS_SELECTOR, "#tiles .tile")) == 10


def test_an_address_within_a_folded_block_unfolds_it(open_page):
    page = open_page(record_of(MARKED, special=SPECIAL), fragment="#word=2")
    assert current(page) == "tree"
    assert page.find_element(By.CSS_SELECTOR, "#answer details").get_attribute("open") is not None


def test_an_answer_that_ends_within_its_thinking_is_unfolded(open_page):
    page = open_page(record_of(MARKED[:4], special=(0,)))
    assert page.find_element(By.CSS_SELECTOR, "#answer details").get_attribute("open") is not None
    assert current(page) == "tree"
