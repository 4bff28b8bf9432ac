"""The page of explanations side by side in Chromium: words, places, differences, keys, links."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from browser.axe import violations
from golden.records import PIECES, Shown, clip, draw, record_of
from golden.verdict_records import diagnosed_record
from seewhy.comparison import Comparison
from seewhy.explanation import Explanation

pytestmark = pytest.mark.browser

NOTE = "<img src=x onerror=alert(1)>"
STAR, HOUSE, TREE = 2, 7, 12
Open = Callable[..., WebDriver]


def explained(method: str = "tam", model: str = "tiny", **options) -> Explanation:
    record = record_of(**options)
    provenance = replace(record.provenance, method=method, model=model, notes=())
    return Explanation(replace(record, provenance=provenance))


@pytest.fixture(scope="module")
def methods() -> Comparison:
    names = ("tam", "arc", "attention", "rise")
    return Comparison.of(
        [explained(name, seed=seed) for seed, name in enumerate(names)], notes=[NOTE]
    )


@pytest.fixture(scope="module")
def answers() -> Comparison:
    """Two pictures of one size, with answers that differ in a word."""
    other = (PIECES[0], (" blue", "star"), *PIECES[2:9], PIECES[20])
    moved = Shown(draw(objects={"star": (0.7, 0.4, 0.13)}), objects={"star": (0.7, 0.4, 0.13)})
    return Comparison.of([explained(), explained(shown=(moved,), pieces=other)])


@pytest.fixture
def open_page(chromium: WebDriver, tmp_path: Path) -> Iterator[Open]:
    def open_(comparison: Comparison, fragment: str = "", width: int = 1280) -> WebDriver:
        file = tmp_path / "comparison.html"
        file.write_text(comparison.html(), "utf-8")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        chromium.get("about:blank")
        chromium.get_log("browser")
        chromium.get(file.as_uri() + fragment)
        WebDriverWait(chromium, 20, poll_frequency=0.02).until(
            lambda d: d.execute_script("return 'ready' in document.documentElement.dataset")
        )
        return chromium

    yield open_
    assert chromium.get_log("browser") == []
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_script("try { localStorage.clear() } catch { }")


def texts(page: WebDriver, selector: str) -> list[str]:
    return [node.text for node in page.find_elements(By.CSS_SELECTOR, selector)]


def chosen(page: WebDriver) -> list[str]:
    return texts(page, ".answer button[aria-pressed=true]")


def drawn(page: WebDriver) -> list[str]:
    """What each canvas shows, as text that differs where its pixels do."""
    return page.execute_script(
        "return [...document.querySelectorAll('.frame canvas')].map((one) => one.toDataURL())"
    )


def pixel(page: WebDriver, frame: int, x: float, y: float) -> list[int]:
    """Colour and alpha of a canvas at a share of its width and height."""
    return page.execute_script(
        """
        const [frame, x, y] = arguments;
        const one = document.querySelectorAll(".frame canvas")[frame];
        // Copied: a canvas that is read often would be drawn in another way.
        const copy = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
        copy.drawImage(one, -Math.floor(x * one.width), -Math.floor(y * one.height));
        return [...copy.getImageData(0, 0, 1, 1).data];
        """,
        frame,
        x,
        y,
    )


def test_page_shows_one_word_in_all_columns(open_page, methods):
    page = open_page(methods, f"#word={STAR}")
    assert page.find_element(By.TAG_NAME, "h1").text == "Four methods, one answer"
    assert texts(page, ".column .column-name") == ["A\ntam", "B\narc", "C\nattention", "D\nrise"]
    assert chosen(page) == ["star"]
    assert page.find_element(By.CSS_SELECTOR, ".answer").text == methods.answer
    before = drawn(page)
    assert len(before) == 5
    page.find_elements(By.CSS_SELECTOR, ".answer button")[TREE].click()
    assert chosen(page) == ["tree"]
    assert all(one != other for one, other in zip(before, drawn(page), strict=True))
    # The tree is at the right: its map is bright there, the picture's other half is dark.
    right, left = pixel(page, 0, 0.77, 0.66), pixel(page, 0, 0.1, 0.1)
    assert sum(right[:3]) > sum(left[:3]) + 200
    probability = page.find_element(By.CSS_SELECTOR, ".column dd").text
    assert probability == f"{methods[TREE].first.probability * 100:.0f} %"


def test_names_and_notes_are_text(open_page, methods):
    named = Comparison.of(methods.explanations[:2], labels=[NOTE, "b"], notes=[NOTE])
    page = open_page(named)
    assert texts(page, ".column-name")[0] == f"A\n{NOTE}"
    assert NOTE in page.find_element(By.CSS_SELECTOR, "ul.notes").text
    assert page.find_elements(By.CSS_SELECTOR, "img[src=x]") == []


def test_pair_can_be_chosen_and_says_how_much_it_agrees(open_page, methods):
    page = open_page(methods, f"#word={STAR}")
    word = methods[STAR]
    for value, first, second in (("1", 0, 2), ("1-", 2, 0), ("5", 2, 3)):
        Select(page.find_element(By.ID, "pair")).select_by_value(value)
        agreement = word.agreement_of(first, second)
        told = page.find_element(By.CSS_SELECTOR, ".agreement").text
        assert f"rank correlation\n{agreement.rank_correlation:.2f}\nover 192 cells" in told
        assert f"brightest tenth shared\n{agreement.top_overlap * 100:.0f} %" in told
        letters = "ABCD"[first] + "ABCD"[second]
        assert page.execute_script("return location.hash") == f"#word={STAR}&pair={letters}"
        legend = page.find_element(By.CSS_SELECTOR, ".difference-legend").text
        assert f"more in {letters[0]} (" in legend
    assert "divided by its sum" in page.find_element(By.CSS_SELECTOR, ".why").text
    rows = texts(page, ".summary tbody tr")
    assert len(rows) == 6
    mean = methods.agreement_of(0, 1)
    assert rows[0].endswith(
        f"{mean.rank_correlation:.2f} {mean.top_overlap * 100:.0f} % {mean.pairs}"
    )


def test_difference_is_blue_where_the_first_has_more_and_orange_where_the_second(open_page):
    places = {"star": (0.25, 0.3, 0.13)}, {"star": (0.75, 0.3, 0.13)}
    shown = [Shown(draw(), objects=one) for one in places]
    found = Comparison.of([explained(shown=(shown[0],)), explained("arc", shown=(shown[1],))])
    page = open_page(found, f"#word={STAR}")
    difference = 2
    red, _, blue, alpha = pixel(page, difference, 0.25, 0.3)
    assert blue > red
    assert alpha > 100
    red, _, blue, alpha = pixel(page, difference, 0.75, 0.3)
    assert red > blue
    assert alpha > 100
    assert pixel(page, difference, 0.5, 0.9)[3] < 60
    Select(page.find_element(By.ID, "pair")).select_by_value("0-")
    red, _, blue, _ = pixel(page, difference, 0.25, 0.3)
    assert red > blue


def test_place_is_marked_in_all_pictures_of_its_size(open_page, methods):
    page = open_page(methods, f"#word={STAR}")
    frame = page.find_elements(By.CSS_SELECTOR, ".frame")[1]
    size = frame.size
    ActionChains(page, duration=20).move_to_element_with_offset(
        frame, round(-0.2 * size["width"]), round(-0.26 * size["height"])
    ).perform()
    marks = page.execute_script(
        "return [...document.querySelectorAll('.place-mark')].map((one) => [one.hidden, "
        "parseFloat(one.style.left), parseFloat(one.style.top)])"
    )
    assert len(marks) == 5
    for hidden, left, top in marks:
        assert not hidden
        assert (left, top) == (pytest.approx(30, abs=1), pytest.approx(24, abs=1))
    here = texts(page, ".column .here")
    for column, told in zip(methods.columns, here, strict=True):
        heat = column.explanation[STAR].heatmap
        row, cell = int(0.24 * 12), int(0.3 * 16)
        share = heat[row, cell] / heat.sum()
        assert told.startswith(f"here: {heat[row, cell]:.2f}, ")
        assert told.endswith(f"{share * 100:.1f} % of the map")
    assert texts(page, ".pair .here")[0].endswith((" more in A", " more in B"))
    ActionChains(page, duration=20).move_to_element(page.find_element(By.TAG_NAME, "h1")).perform()
    assert texts(page, ".column .here") == [""] * 4


def test_pictures_of_other_sizes_are_not_linked(open_page):
    small = Shown(draw(320, 320), (10, 10))
    page = open_page(Comparison.of([explained(), explained(shown=(small,))]), f"#word={STAR}")
    assert "other sizes" in page.find_element(By.CSS_SELECTOR, ".why").text
    ActionChains(page, duration=20).move_to_element(
        page.find_element(By.CSS_SELECTOR, ".frame")
    ).perform()
    here = texts(page, ".column .here")
    assert here[0].startswith("here: ")
    assert here[1] == ""
    assert page.find_elements(By.CSS_SELECTOR, ".summary") == []


def test_answers_that_differ_stand_in_their_columns(open_page, answers):
    page = open_page(answers, "#word=1")
    assert page.find_element(By.TAG_NAME, "h1").text == "Two pictures, word by word"
    assert texts(page, ".column .answer") == list(answers.answers)
    assert chosen(page) == ["red"]
    assert "“red” is not in this answer." in texts(page, ".column")[1]
    assert "“red” is not in the answer of B" in page.find_element(By.CSS_SELECTOR, ".why").text
    alone = texts(page, ".answer button.alone")
    assert {"red", "blue", "tree"} <= set(alone)
    assert "star" not in alone
    star = page.find_elements(By.XPATH, "//button[normalize-space()='star']")
    assert len(star) == 2
    star[1].click()
    assert chosen(page) == ["star", "star"]
    assert "The pictures differ" in page.find_element(By.CSS_SELECTOR, ".why").text


def test_keys_walk_through_words_and_over_places(open_page, methods):
    page = open_page(methods, f"#word={STAR}")
    body = page.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.ARROW_RIGHT)
    assert page.execute_script("return location.hash") == f"#word={STAR + 1}"
    body.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert chosen(page) == ["red"]
    page.find_element(By.CSS_SELECTOR, ".answer button[aria-pressed=true]").send_keys(Keys.END)
    assert chosen(page) == [methods[-1].text]
    assert page.switch_to.active_element.text == methods[-1].text
    page.switch_to.active_element.send_keys(Keys.ARROW_RIGHT, Keys.HOME)
    assert chosen(page) == ["A"]
    stops = "return document.querySelectorAll('.answer button[tabindex=\"0\"]').length"
    assert page.execute_script(stops) == 1
    frame = page.find_elements(By.CSS_SELECTOR, ".frame")[0]
    page.execute_script("arguments[0].focus()", frame)
    frame.send_keys(Keys.ARROW_RIGHT)
    assert all(told.startswith("here: ") for told in texts(page, ".column .here"))
    left = page.execute_script("return document.querySelector('.place-mark').style.left")
    frame.send_keys(Keys.ARROW_RIGHT)
    assert page.execute_script("return document.querySelector('.place-mark').style.left") != left
    assert chosen(page) == ["A"]


def test_pointing_looks_at_a_word_and_a_click_keeps_it(open_page, methods):
    page = open_page(methods, f"#word={STAR}")
    words = page.find_elements(By.CSS_SELECTOR, ".answer button")
    ActionChains(page, duration=20).move_to_element(words[TREE]).perform()
    assert chosen(page) == ["tree"]
    assert page.execute_script("return location.hash") == f"#word={STAR}"
    ActionChains(page, duration=20).move_to_element(page.find_element(By.TAG_NAME, "h1")).perform()
    WebDriverWait(page, 5, 0.02).until(lambda d: chosen(d) == ["star"])
    words[HOUSE].click()
    ActionChains(page, duration=20).move_to_element(words[TREE]).perform()
    ActionChains(page, duration=20).move_to_element(page.find_element(By.TAG_NAME, "h1")).perform()
    WebDriverWait(page, 5, 0.02).until(lambda d: chosen(d) == [words[HOUSE].text])
    assert page.execute_script("return location.hash") == f"#word={HOUSE}"


def test_prompts_that_differ_have_the_letters_of_their_columns(open_page):
    asked = explained(prompt="What is it?")
    page = open_page(Comparison.of([explained(), asked, explained()]))
    first = explained().record.prompt
    assert texts(page, ".prompt") == [f"A\nC\n{first}", "B\nWhat is it?"]


def test_answer_without_words_is_shown(open_page):
    page = open_page(Comparison.of([explained(pieces=(("\n", ""),))] * 2))
    assert texts(page, ".answer button") == []
    page.find_element(By.TAG_NAME, "body").send_keys(Keys.ARROW_RIGHT)


def test_address_says_what_is_shown(open_page, methods):
    page = open_page(methods, "#word=7&pair=DB&scale=word")
    assert chosen(page) == ["house"]
    assert Select(page.find_element(By.ID, "pair")).first_selected_option.text == "B − D"
    checked = page.find_element(By.CSS_SELECTOR, "[role=radio][aria-checked=true]")
    assert checked.text == "This word alone"
    page.execute_script("location.hash = 'word=2'")
    WebDriverWait(page, 5, 0.02).until(lambda d: chosen(d) == ["star"])
    page.execute_script("location.hash = 'word=99'")
    assert chosen(page) == ["star"]


def test_scale_of_one_word_uses_its_whole_range(open_page, methods):
    page = open_page(methods, "#word=0")
    high = ".column .legend p span:last-child"
    answer = texts(page, high)
    page.find_elements(By.CSS_SELECTOR, "[role=radio]")[1].click()
    alone = texts(page, high)
    for column, (whole, own) in enumerate(zip(answer, alone, strict=True)):
        word = methods[0].words[column]
        assert float(whole) == pytest.approx(word.range_of("answer")[1], abs=0.006)
        assert float(own) == pytest.approx(word.range_of("word")[1], abs=0.006)
    assert page.execute_script("return location.hash") == "#word=0&scale=word"


def test_models_share_a_scale_and_words_are_tinted_by_probability(open_page):
    one, other = explained(), explained(model="big", seed=3)
    page = open_page(Comparison.of([one, other]), f"#word={STAR}")
    assert page.find_element(By.TAG_NAME, "h1").text == "Two models, one answer"
    highs = texts(page, ".column .legend p span:last-child")
    assert len(set(highs)) == 1
    for button, a, b in zip(
        page.find_elements(By.CSS_SELECTOR, ".answer button"), one, other, strict=True
    ):
        change = b.probability / a.probability
        if 0.99 < change < 1.01:
            continue
        expected = "lower" if change < 0.98 else "higher" if change > 1.021 else None
        if expected:
            assert button.get_attribute("data-change") == expected
    assert "the difference is of their values" in page.find_element(By.CSS_SELECTOR, ".why").text


def test_verdicts_are_marked_where_a_column_was_diagnosed(open_page):
    record = diagnosed_record()
    plain = replace(record, verdicts=None, provenance=replace(record.provenance, method="arc"))
    page = open_page(Comparison.of([Explanation(record), Explanation(plain)]), f"#word={STAR}")
    verdict = record.verdicts[STAR]
    columns = page.find_elements(By.CSS_SELECTOR, ".column")
    shown = columns[0].find_element(By.CSS_SELECTOR, ".verdict")
    assert shown.get_attribute("data-source") == verdict.source
    assert columns[1].find_elements(By.CSS_SELECTOR, ".verdict") == []
    star = page.find_element(By.CSS_SELECTOR, ".answer button[aria-pressed=true]")
    assert star.get_attribute("data-source") == verdict.source


def test_views_of_clips_can_be_chosen(open_page):
    steps = clip(4)
    page = open_page(Comparison.of([explained("tam", shown=steps), explained("arc", shown=steps)]))
    select = Select(page.find_element(By.ID, "view"))
    assert len(select.options) == 5
    select.select_by_index(4)
    assert set(texts(page, ".column .view-name")) == {select.options[4].text}
    assert "view=3" in page.execute_script("return location.hash")


@pytest.mark.parametrize("width", [1280, 390])
def test_page_has_no_fault_that_axe_finds(open_page, methods, answers, width):
    for comparison in (methods, answers):
        page = open_page(comparison, f"#word={STAR}", width)
        assert violations(page) == []
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    page = open_page(methods, f"#word={STAR}", width)
    ground = "return getComputedStyle(document.body).backgroundColor"
    assert page.execute_script(ground) == "rgb(20, 21, 23)"
    assert violations(page) == []
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_long_answer_is_small_and_keeps_the_chosen_word_in_sight(open_page):
    """200 words in 4 columns of 1,000 cells."""
    pieces = tuple((f" word{n}", ["star", "house", "tree"][n % 3]) for n in range(200))
    names = ("tam", "arc", "attention", "rise")
    found = Comparison.of(
        [explained(name, pieces=pieces, grid=(25, 40), scales=(1.0,)) for name in names]
    )
    page = open_page(found, "#word=0")
    assert len(found.html()) < 2_500_000
    page.find_element(By.TAG_NAME, "body").send_keys(Keys.ARROW_LEFT)
    page.find_element(By.CSS_SELECTOR, ".answer button[aria-pressed=true]").send_keys(Keys.END)
    assert chosen(page) == ["word199"]
    inside = page.execute_script("""
        const [outer, inner] = [".answer", ".answer button[aria-pressed=true]"].map((one) =>
          document.querySelector(one).getBoundingClientRect());
        return inner.top >= outer.top && inner.bottom <= outer.bottom;
    """)
    assert inside
