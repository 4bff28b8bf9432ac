"""The audit's page in Chromium: the first line, the worst words, tables, filters, keys."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from audit_rows import MADE, SCORES, ListedRows, answer_row, scene_rows, word_row
from seewhy.audit.page import write_page

pytestmark = pytest.mark.browser

WICKED = '<img src=x onerror="alert(1)"><b>fish</b>'


@pytest.fixture(scope="module")
def scenes():
    return scene_rows(40)


@pytest.fixture
def open_audit(chromium, scenes, tmp_path: Path):
    """Open the page of rows and wait until it is drawn; afterwards the console must be clean."""

    def open_(rows=None, fragment="", width=1280, scheme="light", touch=False, **told):
        told = {"scores": SCORES, "made": MADE, **told}
        page = write_page(tmp_path, rows or scenes, **told)
        chromium.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": touch},
        )
        chromium.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        chromium.get("about:blank")
        chromium.get_log("browser")
        chromium.get(page.as_uri() + fragment)
        WebDriverWait(chromium, 20, 0.02).until(
            lambda d: d.execute_script("return 'ready' in document.documentElement.dataset")
        )
        return chromium

    yield open_
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert chromium.get_log("browser") == []
    chromium.execute_script("try { localStorage.clear() } catch { }")


def texts(page, selector):
    return [found.text for found in page.find_elements(By.CSS_SELECTOR, selector)]


def lemmas(page):
    cards = page.find_elements(By.CSS_SELECTOR, "#worst > li")
    return [card.get_attribute("data-lemma") for card in cards]


def fragment(page):
    return page.execute_script("return decodeURIComponent(location.hash)")


def press(page, key):
    page.switch_to.active_element.send_keys(key)


def choose_table(page, name):
    page.find_element(By.CSS_SELECTOR, f"#tables button[data-value='{name}']").click()


def test_first_line_is_the_finding(open_audit):
    page = open_audit()
    first = page.find_element(By.CSS_SELECTOR, "main h1").text
    assert first.startswith("'fish' is said after 'boat' without the picture in ")
    assert texts(page, "main h1 em")[:2] == ["'fish'", "'boat'"]
    lead = page.find_element(By.ID, "lead").text
    assert "40 answers were diagnosed, 2 more rows could not be used" in lead
    assert "95 % interval" in lead


def test_sources_have_a_name_a_mark_a_share_and_an_interval(open_audit):
    page = open_audit()
    rows = texts(page, "#sources li")
    assert len(rows) == 5
    assert "from words or habit" in rows[2]
    assert all(" % · " in row or "0 % · " in row for row in rows)
    marks = page.find_elements(By.CSS_SELECTOR, "#sources .verdict-mark path")
    assert len({mark.get_attribute("d") for mark in marks}) == 5


def test_worst_words_come_first_and_a_few_at_a_time(open_audit, scenes):
    page = open_audit()
    assert len(lemmas(page)) == 12
    supports = texts(page, "#worst .numbers > div:first-child dd")
    values = [0.0 if s.startswith("<") else float(s.removesuffix(" %")) for s in supports]
    assert values == sorted(values)
    page.find_element(By.ID, "more").click()
    assert len(lemmas(page)) == 24
    assert page.switch_to.active_element.get_attribute("class") == "card"
    while page.find_element(By.ID, "more").is_displayed():
        page.find_element(By.ID, "more").click()
    said = int(page.find_element(By.ID, "count").text.split()[0])
    assert len(lemmas(page)) == said
    # A colour that shares the verdict of its noun is not listed beside it.
    bad = [row for row in scenes.words if row.support < 0.5]
    assert said == sum('"noun": null' in row.because for row in bad)


def test_a_card_shows_the_word_its_verdict_and_a_link_into_the_report(open_audit, scenes):
    page = open_audit()
    card = page.find_element(By.CSS_SELECTOR, "#worst > li")
    worst = min((row for row in scenes.words if '"noun": null' in row.because),
                key=lambda row: (row.support, -row.probability))  # fmt: skip
    answer = next(row for row in scenes.answers if row.id == worst.id)
    assert card.find_element(By.TAG_NAME, "mark").text == worst.text
    assert card.find_element(By.TAG_NAME, "blockquote").text.strip("… ") in answer.answer
    assert worst.sentence in card.text
    assert "from words or habit" in card.text
    link = card.find_element(By.TAG_NAME, "a").get_attribute("href")
    assert link.endswith(f"/reports/{worst.id}/report.html#word={worst.word}")


def test_a_map_lies_over_the_picture_where_it_is_bright(open_audit):
    buffer = io.BytesIO()
    Image.new("RGB", (80, 40), "white").save(buffer, "PNG")
    values = np.zeros((4, 8), np.uint8)
    values[3, 7] = 255
    answer = answer_row(thumbnail=buffer.getvalue(), width=800, height=400)
    word = word_row(map=values.tobytes(), map_height=4, map_width=8, peak=(750.0, 350.0))
    page = open_audit(ListedRows([answer], [word]))
    alphas = page.execute_script(
        "const c = document.querySelector('#worst canvas'); const {width: w, height: h} = c;"
        "const {data} = c.getContext('2d').getImageData(0, 0, w, h);"
        "return [w, h, data[4 * (16 * w + 32) + 3], data[4 * (140 * w + 300) + 3]];"
    )
    assert alphas[:2] == [320, 160]
    assert alphas[3] > alphas[2] + 50
    box = "return arguments[0].getBoundingClientRect().toJSON()"
    frame = page.execute_script(box, page.find_element(By.CSS_SELECTOR, "#worst .frame"))
    peak = page.execute_script(box, page.find_element(By.CSS_SELECTOR, "#worst .peak"))
    assert (peak["x"] + peak["width"] / 2 - frame["x"]) / frame["width"] == pytest.approx(
        750 / 800, abs=0.01
    )
    assert frame["width"] / frame["height"] == pytest.approx(2, abs=0.02)


def test_a_map_lies_over_the_part_of_the_picture_that_the_model_saw(open_audit):
    buffer = io.BytesIO()
    Image.new("RGB", (80, 40), "white").save(buffer, "PNG")
    values = np.zeros((2, 2), np.uint8)
    values[:, 1] = 255
    middle = '{"rows": [0, 200, 400], "columns": [200, 400, 600]}'
    answer = answer_row(thumbnail=buffer.getvalue(), width=800, height=400, grid=middle)
    word = word_row(map=values.tobytes(), map_height=2, map_width=2, peak=(500.0, 100.0))
    page = open_audit(ListedRows([answer], [word]))
    dark, bright, beside = page.execute_script(
        "const c = document.querySelector('#worst canvas'); const {width: w, height: h} = c;"
        "const {data} = c.getContext('2d').getImageData(0, 0, w, h);"
        "return [100, 220, 300].map(x => [...data.slice(4 * (20 * w + x), 4 * (20 * w + x) + 4)]);"
    )
    assert bright[0] > dark[0] + 100  # inferno: bright is yellow, dark is black
    assert beside[0] == beside[1] == beside[2]  # the grey stripes of what was not seen
    assert beside != dark


def test_filters_narrow_the_list_and_stand_in_the_address(open_audit):
    page = open_audit()
    page.find_element(By.ID, "find").send_keys("abo")
    assert set(lemmas(page)) == {"above"}
    assert fragment(page) == "#find=abo"
    page.find_element(By.ID, "clear").click()
    assert fragment(page) == ""
    Select(page.find_element(By.ID, "filter-source")).select_by_value("unclear")
    badges = set(texts(page, "#worst .badge:not(.truth-badge)"))
    assert badges == {"unclear"}
    Select(page.find_element(By.ID, "filter-truth")).select_by_value("untrue")
    assert "truth=untrue" in fragment(page)
    assert "0 of the" in page.find_element(By.ID, "count").text
    assert "No row fits" in page.find_element(By.ID, "table").text


def test_support_is_a_range(open_audit):
    page = open_audit()
    lowest = page.find_element(By.ID, "from")
    lowest.clear()
    lowest.send_keys("0.2")
    shown = texts(page, "#worst .numbers > div:first-child dd")
    assert shown
    assert all(float(text.removesuffix(" %")) >= 20 for text in shown)
    assert "from=0.2" in fragment(page)


def test_the_address_brings_back_filters_table_and_order(open_audit):
    page = open_audit(fragment="#word=fish&source=words&table=word&order=probability")
    assert set(lemmas(page)) == {"fish"}
    assert texts(page, "#chips button") == ["word: fish ×"]
    assert Select(page.find_element(By.ID, "filter-source")).first_selected_option.text == (
        "from words or habit"
    )
    assert texts(page, "#tables [aria-checked='true']") == ["Words"]
    assert texts(page, "#order [aria-checked='true']") == ["Most probable"]
    page.execute_script("location.hash = '#role=relation'")
    WebDriverWait(page, 5, 0.02).until(lambda d: "fish" not in lemmas(d))
    assert set(lemmas(page)) <= {"above", "below", "left", "right", "front", "behind"}
    assert texts(page, "#tables [aria-checked='true']") == ["Habits"]


def test_an_address_that_is_damaged_changes_nothing(open_audit):
    page = open_audit(fragment="#truth=maybe&from=2&to=x&table=none&cause=%E0%A4%A&order=1")
    assert texts(page, "#tables [aria-checked='true']") == ["Habits"]
    assert page.find_element(By.ID, "from").get_property("value") == "0"


def test_the_first_habit_is_one_click_away(open_audit):
    page = open_audit()
    page.find_element(By.CSS_SELECTOR, "#hero-tools button").click()
    assert set(lemmas(page)) == {"fish"}
    assert page.switch_to.active_element.get_attribute("id") == "worst-title"
    assert Select(page.find_element(By.ID, "filter-cause")).first_selected_option.text == (
        "fish after boat"
    )


def test_a_row_of_a_table_filters_the_list_and_does_so_no_more(open_audit):
    page = open_audit()
    choose_table(page, "word")
    rows = texts(page, "#table tbody th")
    at = rows.index("fish")
    button = page.find_elements(By.CSS_SELECTOR, "#table tbody th button")[at]
    button.click()
    assert set(lemmas(page)) == {"fish"}
    assert texts(page, "#table tbody th") == rows, "the table does not filter by its own key"
    active = page.switch_to.active_element
    assert (active.text, active.get_attribute("aria-pressed")) == ("fish", "true")
    assert "fit the filters" in page.find_element(By.ID, "table-note").text
    assert "word=fish" in fragment(page)
    press(page, Keys.ENTER)
    assert fragment(page) == "#table=word"
    assert not page.find_element(By.ID, "table-note").is_displayed()


def test_heads_sort_by_click_and_by_key(open_audit):
    page = open_audit()
    choose_table(page, "word")
    head = page.find_element(By.CSS_SELECTOR, "#table thead button[data-column='0']")
    head.click()
    counts = [int(text) for text in texts(page, "#table tbody td:nth-child(2)")]
    assert counts == sorted(counts, reverse=True)
    press(page, Keys.ENTER)
    counts = [int(text) for text in texts(page, "#table tbody td:nth-child(2)")]
    assert counts == sorted(counts)
    assert "rising" in page.find_element(By.ID, "live").get_property("textContent")
    assert len(page.find_elements(By.CSS_SELECTOR, "#table th[aria-sort='ascending']")) == 1


def test_the_table_of_habits_says_after_which_word_and_how_often(open_audit):
    page = open_audit()
    row = texts(page, "#table tbody tr")[0].split("\n")
    assert row[0].startswith("fish boat")
    assert " of " in row[0]
    assert "yes" in row[-1]


def test_more_rows_are_shown_when_asked_for(open_audit):
    page = open_audit()
    choose_table(page, "word")
    assert len(texts(page, "#table tbody tr")) == 12
    page.find_element(By.ID, "more-rows").click()
    assert len(texts(page, "#table tbody tr")) > 20
    assert not page.find_element(By.ID, "more-rows").is_displayed()


def test_figures_against_the_truth_have_intervals(open_audit):
    page = open_audit()
    told = page.find_element(By.ID, "truth").text
    assert "CHAIR_i" in told
    assert "AUROC" in told
    assert "false positives at 95 % recall" in told
    assert texts(page, ".grounding tbody th") == ["all groups", "attribute", "object", "relation"]


def test_without_truth_nothing_is_said_of_it(open_audit):
    page = open_audit(scene_rows(12, truth=False), scores={})
    assert not page.find_element(By.ID, "truth-part").is_displayed()
    assert not page.find_element(By.ID, "filter-truth").is_displayed()
    assert "not true" not in page.find_element(By.ID, "table").text
    assert texts(page, ".truth-badge") == []


def test_rows_that_failed_are_listed(open_audit):
    page = open_audit()
    assert "The picture cannot be read. 2 scene-x0" in page.find_element(By.ID, "reasons").text


def test_keys_go_from_word_to_word_and_change_the_picture(open_audit):
    page = open_audit()
    body = page.find_element(By.TAG_NAME, "body")
    body.send_keys("j")
    cards = page.find_elements(By.CSS_SELECTOR, "#worst > li")
    assert page.switch_to.active_element == cards[0]
    for _ in range(12):
        press(page, "j")
    assert len(lemmas(page)) == 24, "after the last word more are drawn"
    now = page.find_elements(By.CSS_SELECTOR, "#worst > li")
    assert page.switch_to.active_element == now[12]
    press(page, "k")
    assert page.switch_to.active_element == now[11]
    press(page, "m")
    assert page.find_element(By.ID, "worst").get_attribute("data-picture") == "bare"
    press(page, "m")
    assert page.find_element(By.ID, "worst").get_attribute("data-picture") == "alone"
    press(page, "/")
    assert page.switch_to.active_element.get_attribute("id") == "find"
    press(page, "m")
    assert page.find_element(By.ID, "find").get_property("value") == "m", "typed, not a shortcut"


def test_everything_is_reached_by_tab(open_audit):
    page = open_audit(scene_rows(4))
    reached = set()
    for _ in range(80):
        press(page, Keys.TAB)
        reached.add(page.switch_to.active_element.get_attribute("id") or
                    page.switch_to.active_element.tag_name)  # fmt: skip
    assert {"theme", "find", "filter-source", "filter-role", "from", "to", "a"} <= reached


def test_dark_follows_the_system_and_can_be_chosen(open_audit):
    page = open_audit(scheme="dark")
    background = "return getComputedStyle(document.body).backgroundColor"
    assert page.execute_script(background) == "rgb(20, 21, 23)"
    page.find_element(By.ID, "theme").click()
    WebDriverWait(page, 5, 0.02).until(
        lambda d: d.execute_script(background) == "rgb(251, 250, 246)"
    )


@pytest.mark.parametrize(
    ("width", "touch"), [(360, True), (390, False), (768, False), (1280, False)]
)
def test_page_is_never_wider_than_the_screen(open_audit, width, touch):
    page = open_audit(width=width, touch=touch)
    for table in ("word", "prompt", "cause"):
        choose_table(page, table)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_every_control_has_a_name_and_every_picture_a_text(open_audit):
    page = open_audit()
    unnamed = page.execute_script(
        "return [...document.querySelectorAll('button, select, input, img, a')].filter(e => "
        "!(e.textContent.trim() || e.getAttribute('aria-label') || e.alt || e.labels?.length))"
        ".map(e => e.outerHTML)"
    )
    assert unnamed == []


def test_hostile_text_stays_text(open_audit):
    answers = [answer_row(f"{WICKED}{n}", f"x {WICKED}", prompt=WICKED, image=WICKED,
                          report="javascript:alert(1)") for n in range(3)]  # fmt: skip
    words = [
        word_row(row.id, WICKED, start=2, end=2 + len(WICKED), sentence=WICKED, role=WICKED,
                 source=WICKED, category=WICKED, follows=WICKED, follows_part="prompt")
        for row in answers
    ]  # fmt: skip
    page = open_audit(ListedRows(answers, words), made={"data": WICKED, WICKED: WICKED},
                      scores={WICKED: 0.5})  # fmt: skip
    assert page.find_elements(By.CSS_SELECTOR, "main img") == []
    assert texts(page, "#worst mark") == [WICKED] * 3
    href = page.find_element(By.CSS_SELECTOR, "#worst a").get_attribute("href")
    assert href.startswith("file://")
    for table in ("word", "category", "role", "prompt"):
        choose_table(page, table)
        page.find_element(By.CSS_SELECTOR, "#table tbody button").click()
    assert len(lemmas(page)) == 3
    assert len(texts(page, "#chips button")) == 3
    page.refresh()
    WebDriverWait(page, 20, 0.02).until(
        lambda d: d.execute_script("return 'ready' in document.documentElement.dataset")
    )
    assert len(texts(page, "#chips button")) == 3, "the address keeps them"


def test_an_audit_without_words_is_a_page_too(open_audit):
    page = open_audit(ListedRows([], []), made={}, scores={})
    assert "No word was diagnosed" in page.find_element(By.ID, "finding").text
    assert not page.find_element(By.ID, "tables-part").is_displayed()
