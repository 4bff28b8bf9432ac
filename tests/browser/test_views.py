"""The report of several pictures, clips, conversations, explained prompts and contrasts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from browser.test_report import (
    AND,
    HOUSE,
    STAR,
    TREE,
    address,
    canvas,
    centre_of_light,
    classes,
    facts,
    hover,
    words,
)
from golden.records import (
    chat_record,
    clip,
    clip_record,
    mixed_record,
    pictures_record,
    record_of,
    still,
)
from seewhy.core.record import Record
from seewhy.report.payload import view_names
from seewhy.report.spans import spans_of

pytestmark = pytest.mark.browser


def all_of(page: WebDriver, selector: str) -> list[WebElement]:
    return page.find_elements(By.CSS_SELECTOR, selector)


def one(page: WebDriver, selector: str) -> WebElement:
    return page.find_element(By.CSS_SELECTOR, selector)


def press(page: WebDriver, *keys: str) -> None:
    ActionChains(page).send_keys(*keys).perform()


def asked(page: WebDriver) -> list[WebElement]:
    return all_of(page, "#prompt [role=option]")


def shares_under(page: WebDriver) -> list[str]:
    return [node.text for node in all_of(page, ".pane .share")]


def percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"


def on_stage(page: WebDriver) -> list[str | None]:
    return [node.get_attribute("alt") for node in all_of(page, ".pane img")]


def now(page: WebDriver) -> list[str]:
    return [node.text for node in all_of(page, ".step.shown .step-name")]


# --- several pictures ------------------------------------------------------------------------


def test_pictures_stand_side_by_side_each_with_its_share_of_the_word(open_page):
    page, record = open_page(pictures_record()), pictures_record()
    for word in (STAR, TREE):
        hover(page, words(page)[word])
        unit = spans_of(record).words[word]
        assert shares_under(page) == [f"{percent(s)} of the evidence" for s in unit.shares]
        best = [bool(pane.get_attribute("class").count("best")) for pane in all_of(page, ".pane")]
        assert best == [view == unit.best_view for view in (0, 1)]
    wide, tall = (plate.rect for plate in all_of(page, ".picture-frame"))
    assert wide["y"] == tall["y"]
    assert wide["height"] == pytest.approx(tall["height"], abs=1.5)
    assert wide["width"] / wide["height"] == pytest.approx(480 / 300, rel=0.02)
    assert tall["width"] / tall["height"] == pytest.approx(300 / 400, rel=0.02)


def test_pictures_of_a_word_share_one_scale(open_page):
    page = open_page(pictures_record(), fragment=f"#word={TREE}")
    wide, tall = canvas(page, 0), canvas(page, 1)
    # The tree stands in the tall one alone: the wide one stays as dark as it should.
    assert tall[..., 3].max() > wide[..., 3].max() + 40
    assert centre_of_light(tall)[1] == pytest.approx(0.6, abs=0.08)


def test_pictures_that_say_next_to_nothing_are_not_told_apart(open_page):
    page = open_page(pictures_record(), fragment=f"#word={AND}")
    assert shares_under(page) == ["next to nothing"] * 2
    assert all_of(page, ".pane.best") == []
    assert "The map is nearly dark" in facts(page)


def test_picture_can_be_enlarged_and_made_small_again(open_page):
    page = open_page(pictures_record(), fragment=f"#word={STAR}")
    before = all_of(page, ".picture-frame")[1].size["width"]
    all_of(page, ".enlarge")[1].click()
    assert on_stage(page) == [f"Picture {n}, as the model was shown it" for n in (2, 1)]
    assert all_of(page, ".picture-frame")[0].size["width"] > 1.3 * before
    assert all_of(page, ".enlarge")[0].get_attribute("aria-pressed") == "true"
    assert address(page) == f"#word={STAR}&view=1"
    press(page, Keys.ESCAPE)
    assert on_stage(page) == [f"Picture {n}, as the model was shown it" for n in (1, 2)]
    assert address(page) == f"#word={STAR}"


def test_two_pins_show_each_word_in_its_brightest_picture_with_its_name(open_page):
    page, record = open_page(pictures_record()), pictures_record()
    words(page)[STAR].click()
    words(page)[TREE].click()
    captions = [node.text.split("\n") for node in all_of(page, ".pane figcaption")]
    assert captions == [["star", "picture 1"], ["tree", "picture 2"]]
    for share, unit in zip(
        ("share of picture 1", "share of picture 2"),
        zip(*(spans_of(record).words[i].shares for i in (STAR, TREE)), strict=True),
        strict=True,
    ):
        row = next(row.text for row in all_of(page, "#details tr") if row.text.startswith(share))
        assert row == f"{share} {percent(unit[0])} {percent(unit[1])}"


def test_two_pins_can_be_looked_at_in_the_same_picture(open_page):
    page = open_page(pictures_record(), fragment=f"#word={STAR}&with={TREE}")
    strip = next(film for film in all_of(page, ".filmstrip") if film.is_displayed())
    strip.find_elements(By.CSS_SELECTOR, ".step")[1].click()
    captions = [node.text.split("\n")[1] for node in all_of(page, ".pane figcaption")]
    assert captions == ["picture 2", "picture 2"]
    assert address(page) == f"#word={STAR}&with={TREE}&view=1"


def test_six_pictures_stand_three_in_a_row(open_page):
    shown = tuple(still(300, 200, {}, n) for n in range(6))
    page = open_page(record_of(shown=shown))
    tops = [round(plate.rect["y"]) for plate in all_of(page, ".picture-frame")]
    assert len(tops) == 6
    assert [tops.count(top) for top in sorted(set(tops))] == [3, 3]


def test_pointing_at_a_picture_tells_the_words_of_that_picture(open_page):
    page = open_page(pictures_record())
    plate = all_of(page, ".picture-frame")[1]
    dy = round(plate.size["height"] * 0.1)
    ActionChains(page, duration=20).move_to_element_with_offset(plate, 0, dy).perform()
    here = page.find_element(By.ID, "cell-words").text
    assert here.startswith("Here in picture 2: ")
    assert "green" in here
    assert "star" not in here
    assert TREE in classes(page, "in-cell")


def test_keys_walk_through_pictures(open_page):
    page = open_page(pictures_record(), fragment=f"#word={STAR}")
    press(page, ".")
    assert address(page) == f"#word={STAR}&view=1"
    press(page, ".", ",")
    assert address(page) == f"#word={STAR}&view=0"


# --- clips -----------------------------------------------------------------------------------


def test_clip_shows_the_step_where_a_word_is_brightest_over_a_strip_of_all(open_page):
    page, record = open_page(clip_record()), clip_record()
    names = view_names(record.pictures)
    assert [node.text for node in all_of(page, ".step .step-name")] == names
    for word in (STAR, TREE):
        hover(page, words(page)[word])
        unit = spans_of(record).words[word]
        assert now(page) == [names[unit.best_view]]
        assert on_stage(page) == [f"Step at {names[unit.best_view]}, as the model was shown it"]
        readout = (
            f"{names[unit.best_view]} · {percent(unit.shares[unit.best_view])} of the evidence"
        )
        assert one(page, ".readout").text == f"{readout} · brightest"


def test_clip_draws_each_steps_share_as_a_bar(open_page):
    page, record = open_page(clip_record(), fragment=f"#word={TREE}"), clip_record()
    canvas(page)  # by when the bars rest, too
    shares = spans_of(record).words[TREE].shares
    heights = bars(page)
    ratio = [height / share for height, share in zip(heights, shares, strict=True)]
    assert max(ratio) == pytest.approx(min(ratio), rel=0.12)  # within a pixel
    assert min(heights[4:]) > 1.4 * max(heights[:4])  # the tree has grown by then


def bars(page: WebDriver) -> list[float]:
    return page.execute_script(
        "return [...document.querySelectorAll('.bar-a')]"
        ".map((bar) => bar.getBoundingClientRect().height)"
    )


def test_clip_step_that_is_pointed_at_is_shown_until_the_pointer_leaves(open_page):
    page, record = open_page(clip_record(), fragment=f"#word={STAR}"), clip_record()
    best = view_names(record.pictures)[spans_of(record).words[STAR].best_view]
    hover(page, all_of(page, ".step")[6])
    assert now(page) == ["0:03.0"]
    assert on_stage(page) == ["Step at 0:03.0, as the model was shown it"]
    hover(page, one(page, ".brand"))
    assert now(page) == [best]
    assert address(page) == f"#word={STAR}"


def test_clip_step_that_is_clicked_stays_while_words_change(open_page):
    page = open_page(clip_record(), fragment=f"#word={STAR}")
    all_of(page, ".step")[6].click()
    hover(page, words(page)[TREE])
    assert now(page) == ["0:03.0"]
    selected = [step.get_attribute("aria-selected") for step in all_of(page, ".step")]
    assert selected == ["false"] * 6 + ["true", "false"]
    assert "step at 0:03.0" in facts(page)
    one(page, ".follow").click()
    assert address(page) == f"#word={TREE}"
    assert all_of(page, ".step[aria-selected=true]") == []


def test_clip_can_be_walked_through_by_keyboard_alone(open_page):
    page = open_page(clip_record(), fragment=f"#word={STAR}")
    assert len(all_of(page, ".filmstrip [tabindex='0']")) == 1
    for _ in range(20):
        press(page, Keys.TAB)
        if page.switch_to.active_element.get_attribute("class").startswith("step"):
            break
    start = int(page.switch_to.active_element.get_attribute("data-view") or -1)
    assert start == spans_of(clip_record()).words[STAR].best_view
    press(page, Keys.ARROW_RIGHT)
    assert address(page) == f"#word={STAR}&view={start + 1}"
    assert page.switch_to.active_element.get_attribute("data-view") == str(start + 1)
    press(page, Keys.HOME)
    assert now(page) == ["0:00.0"]
    press(page, Keys.ARROW_LEFT, Keys.END)
    assert now(page) == ["0:03.5"]
    press(page, Keys.ENTER)
    assert address(page) == f"#word={STAR}"


def test_clip_with_two_pins_draws_two_bars_a_step(open_page):
    page = open_page(clip_record(), fragment=f"#word={STAR}&with={TREE}")
    assert one(page, ".filmstrip").get_attribute("class").split() == ["filmstrip", "comparison"]
    assert one(page, ".bar-b").is_displayed()
    label = all_of(page, ".step")[6].get_attribute("aria-label")
    star, tree = (percent(spans_of(clip_record()).words[i].shares[6]) for i in (STAR, TREE))
    assert label == f"0:03.0: star {star}, tree {tree} of the evidence"


def test_long_clip_brings_the_brightest_step_into_sight(open_page):
    page = open_page(clip_record(40), fragment=f"#word={TREE}", width=900)
    steps, step = (one(page, selector).rect for selector in (".steps", ".step.shown"))
    assert steps["x"] <= step["x"]
    assert step["x"] + step["width"] <= steps["x"] + steps["width"] + 1


def test_pictures_and_clips_stand_together(open_page):
    page, record = open_page(mixed_record(), fragment=f"#word={STAR}"), mixed_record()
    unit = spans_of(record).words[STAR]
    names = [node.text for node in all_of(page, ".enlarge")]
    assert names == ["Picture 1", "Clip at 0:01.0", "Picture 2"]
    clip_share = sum(unit.shares[1:7])
    wanted = [unit.shares[0], clip_share, unit.shares[7]]
    assert shares_under(page) == [f"{percent(share)} of the evidence" for share in wanted]
    assert [film.is_displayed() for film in all_of(page, ".filmstrip")] == [True, False]
    all_of(page, ".step")[4].click()
    assert on_stage(page)[0] == "Clip at 0:02.0, as the model was shown it"


def test_two_clips_have_a_strip_each(open_page):
    page = open_page(record_of(shown=(*clip(3), *clip(4, 1))))
    titles = [node.text for node in all_of(page, ".filmstrip-head .eyebrow")]
    assert titles == ["CLIP 1: WHAT MATTERS WHEN", "CLIP 2: WHAT MATTERS WHEN"]
    assert one(page, ".enlarge").text.startswith("Clip 1 at 0:0")


# --- the prompt's words ----------------------------------------------------------------------


def test_prompt_words_are_plain_text_where_they_were_not_explained(open_page):
    page = open_page()
    assert asked(page) == []
    assert one(page, "#prompt").get_attribute("role") is None


def test_prompt_words_can_be_pointed_at_and_say_whose_they_are(open_page):
    record = pictures_record(explained=True)
    page = open_page(record)
    texts = [unit.text for unit in spans_of(record).prompt_words]
    assert [node.text for node in asked(page)] == texts
    hover(page, asked(page)[texts.index("star,")])
    x, y = centre_of_light(canvas(page))
    assert (x, y) == (pytest.approx(0.3, abs=0.06), pytest.approx(0.24, abs=0.08))
    assert "the asker’s word, 4 of 8 in the prompt" in facts(page)
    assert "probability" not in facts(page)
    assert "said" not in facts(page)
    assert all_of(page, "#candidates") == []
    lean = [node.text for node in all_of(page, "#prompt .context")]
    wanted = spans_of(record).prompt_words[3]
    least = 0.01 * wanted.context[0][1]
    assert lean == [texts[i] for i in sorted(i for i, s in wanted.context if s >= least)]
    assert all_of(page, "#answer .context") == []


def test_prompt_words_can_be_pinned_beside_words_of_the_answer(open_page):
    page = open_page(pictures_record(explained=True))
    asked(page)[3].click()
    words(page)[STAR].click()
    assert address(page) == f"#word=p3&with={STAR}"
    assert [node.text for node in all_of(page, "#prompt .pin-a")] == ["star,"]
    assert classes(page, "pin-b") == [STAR]
    assert float(page.find_element(By.ID, "correlation").text) > 0.8
    rows = [row.text for row in all_of(page, "#details tr")]
    row = next(text for text in rows if text.startswith("probability"))
    assert row.startswith("probability not the model’s ")


def test_prompt_words_are_read_by_keyboard_alone(open_page):
    page = open_page(pictures_record(explained=True))
    assert len(all_of(page, "#prompt [tabindex='0']")) == 1
    for _ in range(30):
        press(page, Keys.TAB)
        if page.switch_to.active_element.get_attribute("id") == "prompt-unit-0":
            break
    press(page, Keys.END)
    assert page.switch_to.active_element.text == "tree?"
    press(page, Keys.ENTER)
    assert "the asker’s word" in (one(page, "#live").get_attribute("textContent") or "")
    press(page, Keys.ARROW_RIGHT)
    assert page.switch_to.active_element.get_attribute("id") == "unit-0"
    press(page, Keys.HOME, Keys.ARROW_LEFT, Keys.HOME, Keys.SPACE)
    assert address(page) == "#word=p7&with=p0"


def test_prompt_words_are_read_by_touch(open_page):
    page = open_page(pictures_record(explained=True), width=400, touch=True)
    node = asked(page)[3]
    page.execute_script("arguments[0].scrollIntoView({block: 'end'})", node)

    def tap() -> None:
        box = page.execute_script("return arguments[0].getBoundingClientRect().toJSON()", node)
        at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        for kind, points in (("touchStart", [at]), ("touchEnd", [])):
            page.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    tap()
    WebDriverWait(page, 5, 0.02).until(lambda d: "current" in (node.get_attribute("class") or ""))
    assert all_of(page, ".pin-a") == []
    tap()
    WebDriverWait(page, 5, 0.02).until(lambda d: "pin-a" in (node.get_attribute("class") or ""))


def test_prompt_tokens_are_shown_instead_of_its_words(open_page):
    record = chat_record()
    page = open_page(record, fragment="#word=p20")
    one(page, "#segmentation [data-value=tokens]").click()
    assert [node.text for node in asked(page)] == [t.text.strip() for t in record.prompt_tokens]
    assert address(page).startswith("#token=p")
    assert "the asker’s token" in facts(page)


# --- conversations and contrasts -------------------------------------------------------------


def test_conversation_shows_whose_turn_is_whose(open_page):
    record = chat_record()
    page = open_page(record)
    turns = all_of(page, ".turn")
    assert [t.get_attribute("aria-label") for t in turns] == ["System", "User", "Assistant", "User"]
    texts = [t.find_element(By.CSS_SELECTOR, ".words").text for t in turns]
    assert texts == [record.prompt[turn.start : turn.end] for turn in record.turns]
    assert turns[-1].rect["y"] < one(page, "#answer").rect["y"]
    for word, who in (
        ("0", "a word of the system’s"),
        ("4", "the asker’s word"),
        ("10", "a word of an earlier answer"),
    ):
        page.execute_script("location.hash = arguments[0]", f"word=p{word}")
        WebDriverWait(page, 5, 0.02).until(lambda d, who=who: who in facts(d))


def test_single_question_is_no_conversation(open_page):
    page = open_page()
    assert all_of(page, ".turn") == []
    assert one(page, "#prompt-block").text.replace("\n", " ") == f"ASKED {record_of().prompt}"


def test_contrasted_word_says_what_it_is_not(open_page):
    page = open_page(chat_record(), fragment=f"#word={STAR}")
    assert one(page, "#details h2").text == "star, and not: sun"
    meaning = "The map shows which places favour “star” rather than “sun”."
    assert one(page, ".summary").text.startswith(meaning)
    assert classes(page, "contrasted") == [STAR]
    hover(page, words(page)[HOUSE])
    assert one(page, "#details h2").text == "house"
    one(page, "#segmentation [data-value=tokens]").click()
    assert classes(page, "contrasted") == [2, 3]


def test_contrast_stays_text_whatever_it_holds(open_page):
    record = replace(chat_record(), contrasts=((STAR, "<b>sun</b>"),))
    page = open_page(record, fragment=f"#word={STAR}")
    assert one(page, "#details h2").text == "star, and not: <b>sun</b>"
    assert all_of(page, "#details h2 b") == []


def test_pinned_contrasted_word_keeps_its_contrast(open_page):
    page = open_page(chat_record(), fragment=f"#word={STAR}&with={TREE}")
    heads = [node.text for node in all_of(page, "#details h2")]
    assert heads == ["star, and not: sun", "tree"]


# --- all of them -----------------------------------------------------------------------------

KINDS = {
    "pictures": pictures_record(explained=True),
    "clip": clip_record(),
    "mixed": mixed_record(),
    "chat": chat_record(),
}


@pytest.mark.parametrize("record", KINDS.values(), ids=KINDS)
def test_page_of_views_fits_every_width(open_page, record: Record):
    page = open_page(record, fragment=f"#word={STAR}")
    for fragment in ("", f"&with={TREE}", "&view=1"):
        page.execute_script("location.hash = arguments[0]", f"word={STAR}{fragment}")
        for width in (360, 400, 768, 1024, 1600):
            page.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
            )
            assert page.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("record", KINDS.values(), ids=KINDS)
def test_page_of_views_names_every_control(open_page, record: Record):
    page = open_page(record, fragment=f"#word={STAR}")
    controls = all_of(page, "button, input, [role=option], [role=listbox], [role=group]")
    shown = [control for control in controls if control.is_displayed()]
    assert len(shown) > 20
    assert [c.get_attribute("outerHTML") for c in shown if not c.accessible_name] == []


@pytest.mark.parametrize("record", KINDS.values(), ids=KINDS)
def test_page_of_views_survives_every_key(open_page, record: Record):
    page = open_page(record)
    words(page)[STAR].click()
    press(
        page, ".", ",", "m", "c", "[", "t", ".", ",", "]", "m", "m", "d", "p", "p", "t", Keys.ESCAPE
    )
    assert len(facts(page)) > 40


def test_address_of_a_view_that_is_not_there_is_passed_over(open_page):
    page = open_page(clip_record(), fragment=f"#word={STAR}&view=99")
    assert address(page) == f"#word={STAR}"
    page = open_page(record_of(), fragment="#word=p1&view=0")
    assert classes(page, "current") == [1]
