"""The report as a person uses it: mouse, keyboard, touch."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from golden.location_records import box_record, boxes_of_pictures
from golden.records import record_of, with_visual_share
from seewhy.core.boxes import BoxFormat
from seewhy.report.overlay import overlay
from seewhy.report.page import html
from seewhy.report.spans import spans_of

pytestmark = pytest.mark.browser

STAR, HOUSE, TREE, AND = 2, 7, 12, 8


def words(page: WebDriver) -> list[WebElement]:
    return page.find_elements(By.CSS_SELECTOR, "#answer [role=option]")


def classes(page: WebDriver, kind: str) -> list[int]:
    found = page.find_elements(By.CSS_SELECTOR, f"#answer .{kind}")
    return [int(node.get_attribute("data-index") or -1) for node in found]


def hover(page: WebDriver, node: WebElement) -> None:
    ActionChains(page, duration=20).move_to_element(node).perform()


def facts(page: WebDriver) -> str:
    return page.find_element(By.ID, "details").text


def address(page: WebDriver) -> str:
    return page.execute_script("return location.hash")


def canvas(page: WebDriver, which: int = 0) -> np.ndarray:
    """The map on stage, once it has stopped gliding: uint8 `[height, width, 4]`."""
    read = f"return document.querySelectorAll('.picture-frame canvas')[{which}].toDataURL()"
    before = ""

    def rests(driver: WebDriver) -> bool:
        nonlocal before
        now = driver.execute_script(read)
        before, rested = now, now == before
        return rested

    WebDriverWait(page, 10, poll_frequency=0.1).until(rests)
    png = base64.b64decode(before.split(",")[1])
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def centre_of_light(pixels: np.ndarray) -> tuple[float, float]:
    """x and y, as fractions of the sides, of the middle of what is opaque most."""
    alpha = pixels[..., 3].astype(float)
    strong = alpha > (alpha.min() + alpha.max()) / 2
    y, x = np.nonzero(strong)
    return x.mean() / pixels.shape[1], y.mean() / pixels.shape[0]


def test_report_shows_the_caption_and_starts_at_a_word_of_the_picture(open_page):
    page = open_page()
    record = record_of()
    assert [node.text for node in words(page)] == [word.text for word in record.words]
    assert page.find_element(By.ID, "answer").text == record.answer
    assert classes(page, "current") == [1]
    assert "red" in facts(page)


def test_hover_lays_the_words_map_over_the_picture(open_page):
    page = open_page()
    hover(page, words(page)[STAR])
    x, y = centre_of_light(canvas(page))
    assert (x, y) == (pytest.approx(0.3, abs=0.06), pytest.approx(0.24, abs=0.08))
    hover(page, words(page)[TREE])
    x, y = centre_of_light(canvas(page))
    assert (x, y) == (pytest.approx(0.77, abs=0.06), pytest.approx(0.66, abs=0.08))
    assert classes(page, "current") == [TREE]


def test_hover_draws_what_the_saved_overlay_shows(open_page):
    page = open_page(fragment=f"#word={HOUSE}")
    laid = canvas(page).astype(float)
    height, width = laid.shape[:2]
    record = record_of()
    unit = spans_of(record).words[HOUSE]
    (picture,) = record.pictures
    black = picture.image * 0
    alone = np.asarray(overlay(black, unit.displays[0], picture.base_grid, size=(width, height)))
    shown = laid[..., :3] * laid[..., 3:] / 255
    assert np.abs(shown - alone).mean() < 1.5


def test_hover_leaves_the_picture_dark_for_a_word_without_evidence(open_page):
    page = open_page()
    hover(page, words(page)[STAR])
    bright = canvas(page)[..., 3].max()
    hover(page, words(page)[AND])
    assert canvas(page)[..., 3].max() < bright - 50
    assert "The map is nearly dark" in facts(page)


def test_hover_tints_the_earlier_words_that_it_leaned_on(open_page):
    page = open_page()
    hover(page, words(page)[AND])
    record = record_of()
    asked = len(record.prompt_words)
    context = spans_of(record).words[AND].context
    most = context[0][1]
    wanted = {at - asked: share / most for at, share in context if share >= 0.01 * most}
    tinted = page.find_elements(By.CSS_SELECTOR, "#answer .context")
    strength = "return getComputedStyle(arguments[0]).getPropertyValue('--strength')"
    found = {
        int(node.get_attribute("data-index") or -1): float(page.execute_script(strength, node))
        for node in tinted
    }
    assert found == pytest.approx({k: v for k, v in wanted.items() if k >= 0}, abs=0.005)
    assert max(found) < AND
    in_prompt = page.find_elements(By.CSS_SELECTOR, "#prompt .context")
    assert len(in_prompt) == sum(k < 0 for k in wanted)


def test_click_pins_a_word_and_a_second_one_beside_it(open_page):
    page = open_page()
    words(page)[STAR].click()
    assert classes(page, "pin-a") == [STAR]
    words(page)[TREE].click()
    assert (classes(page, "pin-a"), classes(page, "pin-b")) == ([STAR], [TREE])
    shown = page.find_elements(By.CSS_SELECTOR, ".pane")
    assert [pane.text for pane in shown] == ["star", "tree"]
    assert centre_of_light(canvas(page, 0))[0] < 0.5 < centre_of_light(canvas(page, 1))[0]
    assert address(page) == f"#word={STAR}&with={TREE}"
    record = record_of()
    one, other = (spans_of(record).words[i].maps[0].double().flatten() for i in (STAR, TREE))
    r = float(np.corrcoef(one, other)[0, 1])
    said = page.find_element(By.ID, "correlation").text.replace("−", "-")
    assert float(said) == pytest.approx(r, abs=0.011)


def test_hover_returns_to_the_pinned_word(open_page):
    page = open_page()
    words(page)[STAR].click()
    hover(page, words(page)[HOUSE])
    assert classes(page, "current") == [HOUSE]
    hover(page, page.find_element(By.CSS_SELECTOR, ".brand"))
    WebDriverWait(page, 5, 0.02).until(lambda d: classes(d, "current") == [STAR])


def test_pins_can_be_taken_back(open_page):
    page = open_page(fragment=f"#word={STAR}&with={TREE}")
    assert classes(page, "pin-b") == [TREE]
    words(page)[STAR].click()
    assert (classes(page, "pin-a"), classes(page, "pin-b")) == ([TREE], [])
    page.find_element(By.ID, "clear").click()
    assert classes(page, "pin-a") == []


def test_keyboard_alone_reaches_words_and_pins(open_page):
    page = open_page()
    assert len(page.find_elements(By.CSS_SELECTOR, "#answer [tabindex='0']")) == 1
    for _ in range(20):
        ActionChains(page).send_keys(Keys.TAB).perform()
        if page.switch_to.active_element.get_attribute("role") == "option":
            break
    assert page.switch_to.active_element.text == "red"

    def press(*keys: str) -> None:
        ActionChains(page).send_keys(*keys).perform()

    press(Keys.ARROW_RIGHT)
    assert page.switch_to.active_element.text == "star"
    assert classes(page, "current") == [STAR]
    press(Keys.ENTER, Keys.END, Keys.ARROW_LEFT, Keys.SPACE)
    assert (classes(page, "pin-a"), classes(page, "pin-b")) == ([STAR], [18])
    assert "star" in page.find_element(By.ID, "live").get_attribute("textContent")
    press(Keys.ESCAPE)
    assert classes(page, "pin-a") == []
    press(Keys.HOME)
    assert classes(page, "current") == [0]
    first = words(page)[0].location["y"]
    press(Keys.ARROW_DOWN)
    assert page.switch_to.active_element.location["y"] > first


def test_touch_looks_first_and_pins_second(open_page):
    page = open_page(width=400, touch=True)
    tap = page.execute_cdp_cmd

    def finger(node: WebElement) -> None:
        page.execute_script("arguments[0].scrollIntoView({block: 'end'})", node)
        box = page.execute_script("return arguments[0].getBoundingClientRect().toJSON()", node)
        at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        tap("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at]})
        tap("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    finger(words(page)[TREE])
    WebDriverWait(page, 5, 0.02).until(lambda d: classes(d, "current") == [TREE])
    assert classes(page, "pin-a") == []
    finger(words(page)[TREE])
    WebDriverWait(page, 5, 0.02).until(lambda d: classes(d, "pin-a") == [TREE])


def test_picture_tells_which_words_came_from_a_place(open_page):
    page = open_page()
    plate = page.find_element(By.CSS_SELECTOR, ".picture-frame")
    width, height = plate.size["width"], plate.size["height"]
    dx, dy = round(width * (0.77 - 0.5)), round(height * (0.66 - 0.5))
    ActionChains(page, duration=20).move_to_element_with_offset(plate, dx, dy).perform()
    here = page.find_element(By.ID, "cell-words").text
    assert here.startswith("Here: ")
    assert "tree" in here
    assert "star" not in here
    assert TREE in classes(page, "in-cell")
    hover(page, page.find_element(By.CSS_SELECTOR, ".brand"))
    assert page.find_element(By.ID, "cell-words").text == ""


def test_scales_are_shown_in_order_with_what_the_model_would_have_said(open_page):
    page = open_page(fragment=f"#word={STAR}")
    strip = page.find_elements(By.CSS_SELECTOR, ".scales figcaption")
    texts = [node.text.split("\n") for node in strip]
    assert [lines[0] for lines in texts] == ["× 0.5", "× 0.75", "× 1 base", "× 1.25", "× 1.5"]
    record = record_of()
    unit = spans_of(record).words[STAR]
    order = sorted(range(5), key=lambda i: record.attribution.scales[i].scale)
    wanted = ["still said" if unit.scales[i].is_top1 else "not said" for i in order]
    assert [lines[1] for lines in texts] == wanted
    assert len(set(wanted)) == 2


def test_tokens_can_be_shown_instead_of_words(open_page):
    page = open_page(fragment=f"#word={STAR}")
    page.find_element(By.CSS_SELECTOR, "#segmentation [data-value=tokens]").click()
    texts = [node.text for node in words(page)]
    assert texts[:5] == ["A", "red", "st", "ar", "shines"]
    assert texts[-1] == "∅"
    assert classes(page, "current") == [2]
    assert address(page) == "#token=2"


def test_address_of_a_word_that_is_not_there_is_passed_over(open_page):
    page = open_page(fragment="#word=999&with=1")
    assert classes(page, "current") == [1]
    assert classes(page, "pin-a") == []


def test_theme_follows_the_system_until_a_person_chooses(open_page):
    page = open_page()
    ground = "return getComputedStyle(document.body).backgroundColor"

    def system(scheme: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def is_dark(driver: WebDriver) -> bool:
        red = int(driver.execute_script(ground).split("(")[1].split(",")[0])
        return red < 60

    wait = WebDriverWait(page, 5, poll_frequency=0.05)
    system("light")
    wait.until_not(is_dark)
    system("dark")
    wait.until(is_dark)
    page.find_element(By.ID, "theme").click()
    wait.until_not(is_dark)
    page.refresh()
    wait.until_not(is_dark)
    system("light")


def test_modes_and_colours_change_what_is_drawn(open_page):
    page = open_page(fragment=f"#word={STAR}")
    heat = canvas(page)
    page.find_element(By.CSS_SELECTOR, "#colours [data-value=viridis]").click()
    assert np.abs(canvas(page).astype(int) - heat).mean() > 5
    page.find_element(By.CSS_SELECTOR, "#mode [data-value=spotlight]").click()
    light = canvas(page)[..., 3]
    height, width = light.shape
    assert light[int(0.24 * height), int(0.3 * width)] < 60 < 150 < light[-5, -5]
    page.find_element(By.CSS_SELECTOR, "#mode [data-value=picture]").click()
    assert canvas(page)[..., 3].max() == 0


def test_strength_slider_thins_the_map(open_page):
    page = open_page()
    before = canvas(page)[..., 3].max()
    ActionChains(page).send_keys("[", "[", "[").perform()
    assert canvas(page)[..., 3].max() < before - 40


def test_read_along_walks_through_the_words(open_page):
    page = open_page()
    page.find_element(By.ID, "play").click()
    WebDriverWait(page, 8, 0.02).until(lambda d: classes(d, "current") == [STAR])
    page.find_element(By.ID, "play").click()
    assert page.find_element(By.ID, "play").get_attribute("aria-pressed") == "false"


def test_help_lists_the_keys(open_page):
    page = open_page()
    ActionChains(page).send_keys("?").perform()
    dialog = page.find_element(By.ID, "help")
    assert dialog.is_displayed()
    assert "pin or unpin a word" in dialog.text
    ActionChains(page).send_keys(Keys.ESCAPE).perform()
    assert not dialog.is_displayed()


def test_text_of_a_model_stays_text(open_page):
    evil = "<script>window.broken=1</script>"
    image = "<img src=x onerror='window.broken=2'>"
    pieces = (
        ("</script>", ""),
        (evil, "star"),
        (f" {image}", "tree"),
        (" <!--", ""),
        ("\u2028", ""),
    )
    page = open_page(record_of(pieces, prompt=f"{evil} <b>bold</b>"))
    assert page.find_element(By.ID, "answer").text.startswith(f"</script>{evil} {image}")
    for cut in ("tokens", "words"):
        page.find_element(By.CSS_SELECTOR, f"#segmentation [data-value={cut}]").click()
        for node in words(page)[:6]:
            node.click()
    assert page.execute_script("return window.broken === undefined")
    assert page.find_elements(By.CSS_SELECTOR, "#answer img, #answer script, #prompt b") == []
    assert page.find_elements(By.CSS_SELECTOR, "#tiles img, #details img, #details script") == []


def test_page_asks_nothing_of_the_network(open_page):
    page = open_page()
    words(page)[STAR].click()
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert any(url.endswith("report.html") for url in asked)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_policy_stops_script_and_style_that_are_not_the_pages_own(open_page, chromium):
    page = open_page()
    page.execute_script("""
        const script = document.createElement("script");
        script.textContent = "window.broken = 1";
        document.body.append(script);
    """)
    assert page.execute_script("return window.broken === undefined")
    refused = chromium.get_log("browser")
    assert any("Content Security Policy" in entry["message"] for entry in refused)


def test_page_fits_every_width(open_page):
    page = open_page(fragment=f"#word={STAR}&with={TREE}")
    for width in (360, 400, 768, 1024, 1600):
        page.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
        )
        assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_page_names_every_control(open_page):
    page = open_page()
    controls = page.find_elements(By.CSS_SELECTOR, "button, input, [role=option], [role=listbox]")
    # Those of a closed menu or dialog have no name yet: axe looks at them open.
    shown = [control for control in controls if control.is_displayed()]
    assert len(shown) > 20
    assert [c.get_attribute("outerHTML") for c in shown if not c.accessible_name] == []


def test_facts_name_what_was_said_even_if_it_was_no_first_choice(open_page):
    record = record_of()
    token = replace(
        record.tokens[1], candidates=((" blue", 0.6), (" green", 0.3)), probability=0.01
    )
    tokens = (record.tokens[0], token, *record.tokens[2:])
    page = open_page(replace(record, tokens=tokens), fragment="#word=1")
    rows = page.find_element(By.ID, "candidates").text.split("\n")
    # How another word would have gone on is not known; what was said is whole.
    assert rows == ["blue…", "60 %", "green…", "30 %", "red", "1.0 %"]
    assert page.find_element(By.CSS_SELECTOR, "#candidates .marked").text == "red"


def test_answer_without_a_word_still_shows_its_tokens(open_page):
    page = open_page(record_of(((" ", "star"), ("", ""))))
    assert words(page) == []
    page.find_element(By.CSS_SELECTOR, "#segmentation [data-value=tokens]").click()
    assert [node.text for node in words(page)] == ["␣", "∅"]
    page.find_element(By.CSS_SELECTOR, "#segmentation [data-value=words]").click()
    assert words(page) == []


def test_unseen_margins_are_marked(open_page):
    page = open_page(record_of(margin=0.2), fragment=f"#word={STAR}")
    pixels = canvas(page)
    width = pixels.shape[1]
    margin = pixels[:, : int(0.19 * width), :3].astype(int)
    assert np.ptp(margin, axis=2).max() <= 2
    assert len(np.unique(margin[..., 0] // 8)) >= 2


def test_panel_says_how_much_came_from_the_picture(open_page):
    record = with_visual_share(record_of())
    record.attribution.visual_share[2:4] = torch.tensor([0.76, 0.9])
    page = open_page(record, fragment=f"#word={STAR}")
    share = page.find_element(By.ID, "visual-share")
    said = "Of what the word took, 83 % came from the picture, 17 % from earlier words."
    assert share.text == said
    # A map says where, not why: there is no other sentence, but how to find out.
    assert page.find_elements(By.CSS_SELECTOR, ".summary") == []
    assert "diagnose=True" in page.find_element(By.ID, "no-verdict").text
    assert share.find_element(By.CSS_SELECTOR, ".split-bar").size["height"] > 0


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 % came .*, 100 % from earlier"), (0.997, "> 99 % came .*, < 1 % from earlier")],
)
def test_panel_says_no_share_is_none_or_all_if_it_is_not(open_page, share, text):
    record = with_visual_share(record_of())
    record.attribution.visual_share.fill_(share)
    page = open_page(record)
    assert re.search(text, page.find_element(By.ID, "visual-share").text)


def test_panel_says_nothing_of_a_share_that_is_not_measured(open_page):
    page = open_page(fragment=f"#word={STAR}")
    assert page.find_elements(By.ID, "visual-share") == []
    # A map's heights and the weights of words have two units: they are not compared.
    _, share = spans_of(record_of()).words[STAR].context[0]
    text = page.find_element(By.CSS_SELECTOR, ".summary").text
    assert text.startswith("The map has a bright place. Of what earlier words gave, “")
    assert text.endswith(f"has the most: {100 * share:.0f} %.")


def drawn(page: WebDriver, kind: str) -> list[dict[str, float]]:
    """The boxes or points over the pictures: their places as fractions of the picture."""
    read = """
        return [...document.querySelectorAll(arguments[0])].map((node) => {
          const [own, frame] = [node, node.closest(".picture-frame")].map(
            (one) => one.getBoundingClientRect());
          return {
            left: (own.left - frame.left) / frame.width, top: (own.top - frame.top) / frame.height,
            right: (own.right - frame.left) / frame.width,
            bottom: (own.bottom - frame.top) / frame.height,
          };
        });"""
    return page.execute_script(read, f".location.{kind}")


def located(page: WebDriver) -> list[str]:
    return [words(page)[at].text for at in classes(page, "located")]


def test_box_of_the_answer_is_drawn_with_its_phrase_and_with_its_coordinates(open_page):
    page = open_page(box_record())
    by_text = {node.text: node for node in words(page)}
    for text in ("The", "190", "420"):
        hover(page, by_text[text])
        (box,) = drawn(page, "box")
        wanted = {"left": 0.19, "top": 0.06, "right": 0.41, "bottom": 0.42}
        assert box == {side: pytest.approx(at, abs=0.01) for side, at in wanted.items()}
        assert drawn(page, "point") == []
        assert {"The", "190", "60", "410", "420"} <= set(located(page))
    assert "91, 22 to 197, 151 px" in facts(page)
    assert "(relative-1000)" in facts(page)
    assert re.search(r"The phrase: its peak is in the box, overlap \(IoU\) 0\.\d\d", facts(page))
    hover(page, by_text["shines"])
    assert (drawn(page, "box"), located(page)) == ([], [])
    assert "relative-1000" not in facts(page)


def test_point_of_the_answer_is_drawn_at_its_place(open_page):
    page = open_page(box_record())
    hover(page, next(node for node in words(page) if node.text == "770"))
    (point,) = drawn(page, "point")
    assert (point["left"] + point["right"]) / 2 == pytest.approx(0.77, abs=0.01)
    assert (point["top"] + point["bottom"]) / 2 == pytest.approx(0.66, abs=0.01)
    assert drawn(page, "box") == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_outline_of_a_box_stands_out_from_the_picture_in_both_themes(open_page, theme):
    page = open_page(box_record())
    page.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    hover(page, words(page)[0])
    outline = page.find_element(By.CSS_SELECTOR, ".location.box")
    assert "255, 214, 10" in outline.value_of_css_property("border-top-color")
    assert outline.value_of_css_property("outline-style") == "solid"


def test_list_of_boxes_can_be_walked_by_keyboard(open_page):
    page = open_page(box_record())
    rows = page.find_elements(By.CSS_SELECTOR, "#location-list li")
    assert [row.text.split("\n")[0] for row in rows] == [
        "Box, The star: 91, 22 to 197, 151 px",
        "Point, A tree: at 370, 238 px",
    ]
    numbers = rows[1].find_elements(By.TAG_NAME, "button")[1]
    assert numbers.get_attribute("aria-label") == "Show the map of the numbers: Point, A tree"
    page.execute_script("arguments[0].focus()", numbers)
    ActionChains(page).send_keys(Keys.ENTER).perform()
    assert len(drawn(page, "point")) == 1
    told = page.find_element(By.ID, "live").get_attribute("textContent")
    assert "Point, A tree: at 370, 238 px." in told


def test_box_of_an_unknown_convention_is_told_and_not_drawn(open_page):
    page = open_page(replace(box_record(), box_format=BoxFormat(None, ())))
    hover(page, words(page)[0])
    assert drawn(page, "box") == []
    assert "not placed, numbers 190, 60, 410, 420" in facts(page)
    assert "not documented for the family" in facts(page)


def test_report_without_boxes_has_no_list_of_them(open_page):
    page = open_page()
    assert not page.find_element(By.CSS_SELECTOR, ".location-list").is_displayed()
    assert "box or point" not in page.find_element(By.CSS_SELECTOR, ".guide").text


def test_box_of_several_pictures_is_drawn_in_its_own(open_page):
    page = open_page(boxes_of_pictures())
    hover(page, words(page)[0])
    shown = page.execute_script(
        "return [...document.querySelectorAll('.pane')]"
        ".map((pane) => pane.querySelectorAll('.location').length)"
    )
    assert sorted(shown) == [0, 1]
    assert "in picture 1" in page.find_element(By.ID, "location-list").text


def test_display_switch_shows_a_faint_map_and_the_legend_says_which_display_it_is(open_page):
    record = record_of()
    record.attribution.maps[0][2:4] *= 0.05  # "star" is said in two tokens
    page = open_page(record, fragment=f"#word={STAR}")
    legend = page.find_element(By.CSS_SELECTOR, ".legend")
    faint = canvas(page)[..., 3].max()
    assert "one range for all words" in legend.text
    assert "or more" in legend.text
    page.find_element(By.CSS_SELECTOR, "#display [data-value=word]").click()
    assert canvas(page)[..., 3].max() > faint + 50
    assert "this word’s map alone" in legend.text
    ActionChains(page).send_keys("s").perform()
    checked = page.find_element(By.CSS_SELECTOR, "#display [aria-checked=true]")
    assert checked.text == "With the words"
    assert "one range with the words before" in legend.text


def test_page_begins_with_the_scale_that_was_asked_for(open_page, tmp_path, chromium):
    file = tmp_path / "joint.html"
    file.write_text(html(record_of(), "joint"), "utf-8")
    chromium.get(file.as_uri())
    WebDriverWait(chromium, 20, 0.02).until(
        lambda d: d.execute_script("return 'ready' in document.documentElement.dataset")
    )
    checked = chromium.find_element(By.CSS_SELECTOR, "#display [aria-checked=true]")
    assert checked.text == "With the words"
