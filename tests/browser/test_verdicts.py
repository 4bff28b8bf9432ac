"""Verdicts on the page: marks, legend, sentence, what was changed, and the chain."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from browser.test_report import address, classes, hover, words
from golden.records import record_of
from golden.verdict_records import (
    ABOVE,
    GREEN,
    HEBREW,
    HOSTILE,
    HOUSE,
    IT,
    RED,
    RIGHT,
    SHINES,
    SMALL,
    STANDS,
    STAR,
    TREE,
    diagnosed_record,
    diagnosed_views,
)
from seewhy.core.record import Record
from seewhy.core.verdict import SOURCES
from seewhy.report import page as page_module
from seewhy.report.payload import payload

pytestmark = pytest.mark.browser

AND = 8


def press(page: WebDriver, *keys: str) -> None:
    ActionChains(page).send_keys(*keys).perform()


def all_of(page: WebDriver, selector: str) -> list[WebElement]:
    return page.find_elements(By.CSS_SELECTOR, selector)


def one(page: WebDriver, selector: str) -> WebElement:
    return page.find_element(By.CSS_SELECTOR, selector)


def attribute(page: WebDriver, selector: str, name: str) -> str:
    return one(page, selector).get_attribute(name) or ""


def sentence(page: WebDriver) -> str:
    return page.find_element(By.ID, "verdict-sentence").text


def focused(page: WebDriver) -> str:
    return page.switch_to.active_element.text


def rows(page: WebDriver) -> dict[str, str]:
    """Each change and the number beside it."""
    found = all_of(page, "#changes tbody tr")
    cells = [
        (row.find_element(By.TAG_NAME, "th"), row.find_element(By.CSS_SELECTOR, "td.number"))
        for row in found
    ]
    return {name.text: number.text.replace("\n", " ") for name, number in cells}


def variable(page: WebDriver, node: WebElement, name: str) -> float:
    read = "return Number(getComputedStyle(arguments[0]).getPropertyValue(arguments[1]))"
    return page.execute_script(read, node, name)


def mark(page: WebDriver, node: WebElement) -> dict[str, str]:
    """The style of a word's mark."""
    script = """
    const style = getComputedStyle(arguments[0], "::after");
    return Object.fromEntries(arguments[1].map((name) => [name, style.getPropertyValue(name)]));
    """
    names = ["content", "clip-path", "border-top-width", "border-top-color", "background-color"]
    return page.execute_script(
        script, node, [*names, "top", "left", "width", "height", "transform"]
    )


def with_support(record: Record, least: float) -> Record:
    """The record with no support below `least`."""
    assert record.verdicts is not None
    verdicts = (v and replace(v, support=max(v.support, least)) for v in record.verdicts)
    return replace(record, verdicts=tuple(verdicts))


def test_words_with_a_verdict_have_a_mark_and_say_it_in_their_name(open_page):
    record = diagnosed_record()
    page = open_page(record)
    for node, verdict in zip(words(page), record.verdicts, strict=True):
        assert (mark(page, node)["content"] == '""') == (verdict is not None)
        assert node.get_attribute("data-source") == (verdict and verdict.source)
        if verdict is None:
            assert node.accessible_name == node.text
        else:
            assert float(mark(page, node)["width"].removesuffix("px")) > 8
    assert [words(page)[i].accessible_name for i in (STAR, IT, TREE, RIGHT, SHINES)] == [
        "star: from the picture, support 97 %",
        "it: repeats an earlier word, support 93 %",
        "tree: from words or habit, support 3.0 %",
        "right: from another place, support 31 %",
        "shines: unclear, support 50 %",
    ]
    assert page.find_element(By.ID, "answer").text == record.answer


def test_marks_differ_in_shape_and_colour(open_page):
    page = open_page(diagnosed_record())
    places = {"picture": STAR, "repeats": IT, "words": TREE, "misread": RIGHT, "unclear": SMALL}
    assert set(places) == set(SOURCES)
    marks = [mark(page, words(page)[i]) for i in places.values()]
    shapes = {(one["clip-path"], one["border-top-width"]) for one in marks}
    assert len(shapes) == len({one["border-top-color"] for one in marks}) == 5


def test_marks_stand_below_their_words_and_do_not_touch_the_next_line(open_page):
    page = open_page(diagnosed_record())
    record = diagnosed_record()
    boxes = [node.rect for node in words(page)]
    for node, box, verdict in zip(words(page), boxes, record.verdicts, strict=True):
        if verdict is None:
            continue
        style = mark(page, node)
        numbers = {
            n: float(style[n].removesuffix("px")) for n in ("top", "left", "width", "height")
        }
        across, down = map(float, style["transform"].removesuffix(")").split(",")[-2:])
        assert numbers["top"] + down >= box["height"]
        middle = numbers["left"] + across + numbers["width"] / 2
        assert middle == pytest.approx(box["width"] / 2, abs=1)
        bottom = box["y"] + numbers["top"] + down + numbers["height"]
        tops = [other["y"] for other in boxes if other["y"] > box["y"] + 10]
        assert bottom <= min(tops, default=math.inf) + 3


def test_doubtful_words_are_underlined(open_page):
    page = open_page(diagnosed_record())
    assert classes(page, "doubtful") == [GREEN, TREE, STANDS, RIGHT]
    assert "wavy" in words(page)[GREEN].value_of_css_property("text-decoration")


def test_legend_names_each_source_that_occurs_with_its_count(open_page):
    page = open_page(diagnosed_record())
    legend = page.find_element(By.ID, "verdict-legend")
    assert [" ".join(entry.text.split()) for entry in all_of(page, "#verdict-legend li")] == [
        "from the picture 5", "repeats an earlier word 1", "from words or habit 3",
        "from another place 1", "unclear 2", "support below 50 %",
    ]  # fmt: skip
    assert legend.accessible_name == "What the words rest on"
    record = diagnosed_record()
    only = tuple(v if i == STAR else None for i, v in enumerate(record.verdicts))
    page = open_page(replace(record, verdicts=only))
    (entry,) = all_of(page, "#verdict-legend li")
    assert entry.text.split() == ["from", "the", "picture", "1"]


def test_page_of_an_answer_that_was_not_diagnosed_claims_no_cause(open_page):
    page = open_page(record_of(), fragment=f"#word={STAR}")
    assert not page.find_element(By.ID, "verdict-legend").is_displayed()
    assert all_of(page, ".verdict-mark") == []
    assert one(page, ".summary").text.startswith(
        "The map has a bright place. Of what earlier words gave, “caption” has the most: "
    )
    assert "explain with diagnose=True, or with --diagnose" in one(page, "#no-verdict").text
    assert "A mark under a word" not in one(page, ".guide").text


def test_panel_says_the_verdicts_own_sentence(open_page):
    record = diagnosed_record()
    page = open_page(record, fragment=f"#word={TREE}")
    assert sentence(page) == record.verdicts[TREE].sentence
    head = one(page, ".verdict-head").text.split()
    assert " ".join(head) == "from words or habit support 3.0 %"
    assert [node.text for node in all_of(page, ".summary")] == [sentence(page)]
    press(page, "?", Keys.ESCAPE)
    words(page)[STAR].click()
    assert "from 96 % to 1.2 %" in attribute(page, "#live", "textContent")


def test_panel_says_why_a_word_has_no_verdict(open_page):
    page = open_page(diagnosed_record(), fragment=f"#word={AND}")
    assert all_of(page, "#verdict") == []
    assert one(page, "#no-verdict").text.startswith("No verdict: only words that say something")


def test_plot_shows_every_change_with_its_number(open_page):
    page = open_page(diagnosed_record(), fragment=f"#word={TREE}")
    assert rows(page) == {
        "nothing": "98 %",
        "other pictures": "93 % median of 12",
        "a grey picture": "93 %",
        "without “house”": "12 %",
        "“boat” in place of “house”": "5.0 %",
    }
    record = diagnosed_record()
    changes = record.verdicts[TREE].because.changes
    for row, change in zip(all_of(page, "#changes tr[data-change]"), changes, strict=True):
        dots = row.find_elements(By.CSS_SELECTOR, ".dot")
        found = [variable(page, dot, "--x") for dot in dots]
        assert found == pytest.approx([math.exp(x) for x in change.log_probabilities], abs=1e-3)


@pytest.mark.parametrize(
    ("word", "names"),
    [
        (STAR, ["other pictures", "a grey picture", "without its place", "only its place"]),
        (RED, ["other colours", "its place upside down"]),
        (ABOVE, ["mirrored", "upside down"]),
        (IT, ["“cat” in place of “house”"]),
        (STANDS, ["without “for”"]),
    ],
)
def test_plot_names_every_kind_of_change(open_page, word, names):
    page = open_page(diagnosed_record(), fragment=f"#word={word}")
    assert list(rows(page)) == ["nothing", *names]


def test_plot_of_an_improbable_word_has_a_shorter_axis(open_page):
    record = diagnosed_record()
    red = record.verdicts[RED]
    rare = replace(red, because=replace(red.because, log_probability=math.log(0.08)))
    verdicts = tuple(rare if v is red else v for v in record.verdicts)
    page = open_page(replace(record, verdicts=verdicts), fragment=f"#word={RED}")
    assert one(page, ".axis").text.split("\n")[-1].endswith("10 %")
    (first, *_) = all_of(page, "#changes tr[data-change] .dot")
    assert variable(page, first, "--x") == pytest.approx(0.4, abs=0.01)


def test_all_numbers_can_be_checked_by_hand(open_page):
    record = diagnosed_record()
    page = open_page(record, fragment=f"#word={STAR}")
    one(page, ".all-numbers summary").click()
    cells = all_of(page, "#change-numbers tbody tr")[3].find_elements(By.CSS_SELECTOR, "th, td")
    assert [cell.text for cell in cells] == ["without its place", "−3.912", "2.0 %"]
    twelve = all_of(page, "#change-numbers tbody tr")[1].find_elements(By.TAG_NAME, "td")
    assert len(twelve[0].text.split()) == 12


def test_place_that_was_changed_is_drawn_on_the_picture(open_page):
    page = open_page(diagnosed_record(), fragment=f"#word={STAR}")
    (box,) = all_of(page, ".changed-box")
    frame = one(page, ".picture-frame").rect
    left, top, right, bottom = 90 / 480, 30 / 360, 200 / 480, 150 / 360
    found = box.rect
    assert found["x"] == pytest.approx(frame["x"] + left * frame["width"], abs=1)
    assert found["y"] == pytest.approx(frame["y"] + top * frame["height"], abs=1)
    assert found["width"] == pytest.approx((right - left) * frame["width"], abs=1)
    assert found["height"] == pytest.approx((bottom - top) * frame["height"], abs=1)
    hover(page, one(page, "tr[data-kind=place-removed] th"))
    assert "highlighted" in attribute(page, ".changed-box", "class")
    hover(page, one(page, ".brand"))
    assert "highlighted" not in attribute(page, ".changed-box", "class")
    hover(page, words(page)[TREE])
    assert all_of(page, ".changed-box") == []


def test_place_is_drawn_in_its_own_picture(open_page):
    page = open_page(diagnosed_views()["pictures"], fragment=f"#word={STAR}")
    frames = all_of(page, ".picture-frame")
    assert [len(frame.find_elements(By.CLASS_NAME, "changed-box")) for frame in frames] == [0, 1]
    assert "without its place in picture 2" in rows(page)


def test_place_in_a_clip_is_drawn_in_its_step(open_page):
    page = open_page(diagnosed_views()["clip"], fragment=f"#word={STAR}&view=0")
    assert len(all_of(page, ".changed-box")) == 1
    page = open_page(diagnosed_views()["clip"], fragment=f"#word={STAR}&view=3")
    assert all_of(page, ".changed-box") == []
    assert any(name.startswith("without its place in step at") for name in rows(page))


def test_earlier_word_that_was_changed_is_marked_in_the_text(open_page):
    page = open_page(diagnosed_record(), fragment=f"#word={TREE}")
    assert classes(page, "changed") == [HOUSE]
    hover(page, one(page, "tr[data-kind=word-dropped] th"))
    assert classes(page, "highlighted") == [HOUSE]
    hover(page, one(page, ".brand"))
    assert classes(page, "highlighted") == []
    page = open_page(diagnosed_record(), fragment=f"#word={STANDS}")
    assert [node.text for node in all_of(page, "#prompt .changed")] == ["for"]


def test_chain_is_walked_by_mouse_and_back(open_page):
    page = open_page(diagnosed_record(), fragment=f"#word={GREEN}")
    steps = [" ".join(step.text.split()) for step in all_of(page, "#chain li")]
    assert steps == ["green shares the verdict of", "tree follows", "house from the picture"]
    page.find_element(By.ID, "chain-2").click()
    assert classes(page, "current") == [HOUSE]
    assert address(page) == f"#word={HOUSE}"
    followers = all_of(page, ".followers button")
    assert [" ".join(link.text.split()) for link in followers] == ["blue", "tree", "it"]
    followers[1].click()
    assert classes(page, "current") == [TREE]


def test_chain_is_walked_by_keyboard_until_the_picture(open_page):
    page = open_page(diagnosed_record(), fragment=f"#word={GREEN}")
    page.execute_script("document.getElementById('chain-1').focus()")
    press(page, Keys.ENTER)
    assert classes(page, "current") == [TREE]
    assert focused(page) == "house"
    press(page, Keys.ENTER)
    assert classes(page, "current") == [HOUSE]
    # The chain ends here: the focus is on the word.
    assert focused(page) == "house"
    assert page.switch_to.active_element.get_attribute("role") == "option"
    assert all_of(page, "#chain") == []


def test_key_f_follows_the_chain_and_stays_at_its_end(open_page):
    page = open_page(diagnosed_record(), fragment=f"#word={GREEN}")
    press(page, "f")
    assert classes(page, "current") == [TREE]
    press(page, "f", "f")
    assert classes(page, "current") == [HOUSE]
    press(page, "?")
    assert "go to the word that it follows from" in page.find_element(By.ID, "help").text
    press(page, Keys.ESCAPE)


def test_chain_ends_in_the_prompt(open_page):
    page = open_page(diagnosed_record(), fragment=f"#word={STANDS}")
    steps = [" ".join(step.text.split()) for step in all_of(page, "#chain li")]
    assert steps == ["stands follows", "for in the prompt"]
    # Its words were not explained: there is nothing to look at.
    assert all_of(page, "#chain button") == []
    page = open_page(diagnosed_views()["chat"], fragment=f"#word={STANDS}")
    page.find_element(By.ID, "chain-1").click()
    assert one(page, "#details h2").text == "What"


def test_chain_that_leads_back_to_itself_ends(open_page):
    record = diagnosed_record()
    tree, house = record.verdicts[TREE], record.verdicts[HOUSE]
    turned = replace(house, because=replace(house.because, part="answer", follows=TREE))
    lost = replace(tree, because=replace(tree.because, noun=None, follows=HOUSE))
    verdicts = tuple({id(tree): lost, id(house): turned}.get(id(v), v) for v in record.verdicts)
    page = open_page(replace(record, verdicts=verdicts), fragment=f"#word={TREE}")
    assert len(all_of(page, "#chain li")) == 2


def test_chain_to_a_word_that_does_not_exist_is_no_chain(open_page):
    record = diagnosed_record()
    tree = record.verdicts[TREE]
    lost = replace(tree, because=replace(tree.because, follows=99))
    verdicts = tuple(lost if v is tree else v for v in record.verdicts)
    page = open_page(replace(record, verdicts=verdicts), fragment=f"#word={TREE}")
    assert all_of(page, "#chain") == []
    assert sentence(page) == tree.sentence


def test_page_opens_on_the_worst_word(open_page):
    page = open_page(diagnosed_record())
    assert classes(page, "current") == [TREE]
    assert sentence(page).startswith("Said without the picture all the same")


def test_page_opens_as_before_where_no_word_is_clearly_unsupported(open_page):
    page = open_page(with_support(diagnosed_record(), 0.5))
    assert classes(page, "current") == [RED]
    page = open_page(with_support(diagnosed_record(), 0.49))
    assert classes(page, "current") == [TREE]  # the first with a verdict of its own


def test_address_wins_over_the_worst_word(open_page):
    page = open_page(diagnosed_record(), fragment=f"#word={HOUSE}")
    assert classes(page, "current") == [HOUSE]


def test_tokens_show_the_verdict_of_their_word(open_page):
    record = diagnosed_record()
    page = open_page(record, fragment="#token=3")
    assert one(page, "#details h2").text == "ar"
    assert sentence(page) == record.verdicts[STAR].sentence
    assert "the verdict of the word “star”" in one(page, ".verdict-note").text
    nodes = words(page)
    assert [mark(page, nodes[i])["content"] for i in (2, 3)] == ['""', "none"]
    assert nodes[3].accessible_name == "ar: from the picture, support 97 %"
    press(page, "f")
    page = open_page(record, fragment="#token=12")  # green
    page.find_element(By.ID, "chain-1").click()
    assert one(page, "#details h2").text == "tree"
    assert address(page) == "#token=13"


def test_hostile_sentence_stays_text(open_page):
    page = open_page(diagnosed_record(), fragment=f"#word={STANDS}")
    assert one(page, "#verdict-sentence").get_attribute("textContent") == HOSTILE
    assert all_of(page, "#verdict b b, #verdict-sentence b, #verdict script") == []
    # What follows a sentence that turns the direction of writing is not turned.
    assert one(page, ".relation").text == "follows"


def test_sentence_from_right_to_left_is_laid_out_so(open_page):
    page = open_page(diagnosed_record(), fragment=f"#word={SMALL}")
    assert sentence(page) == HEBREW
    node = page.find_element(By.ID, "verdict-sentence")
    assert page.execute_script("return getComputedStyle(arguments[0]).direction", node) == "rtl"


def test_comparison_says_what_both_words_rest_on(open_page):
    page = open_page(diagnosed_record(), fragment=f"#word={STAR}&with={TREE}")
    text = page.find_element(By.ID, "details").text
    assert "rests on from the picture from words or habit" in text
    assert "support 97 % 3.0 %" in text
    assert all_of(page, ".changed-box, #answer .changed") == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marks_have_enough_contrast(open_page, theme):
    page = open_page(diagnosed_record())
    page.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    for word in (STAR, IT, TREE, RIGHT, SMALL):
        assert contrast(page, words(page)[word]) >= 3


def contrast(page: WebDriver, node: WebElement) -> float:
    """The contrast of a word's mark and the page, as WCAG defines it."""
    script = """
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const read = (colour) => {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    };
    const root = document.querySelector(".seewhy-report");
    root.style.transition = "none";
    const paper = read(getComputedStyle(root).backgroundColor);
    return [read(getComputedStyle(arguments[0], "::after").borderTopColor), paper];
    """

    def luminance(rgb: list[int]) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (value / 255 for value in rgb)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted(luminance(rgb) for rgb in page.execute_script(script, node))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("width", [360, 390, 768, 1024])
@pytest.mark.parametrize("word", [STAR, GREEN, TREE])
def test_page_with_verdicts_fits_every_width(open_page, width, word):
    page = open_page(diagnosed_record(), fragment=f"#word={word}", width=width)
    if word != GREEN:
        one(page, ".all-numbers summary").click()
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_page_with_verdicts_keeps_its_policy(open_page):
    # The console must be clean after each test: a blocked style or script would be told there.
    page = open_page(diagnosed_record(), fragment=f"#word={STAR}")
    policy = attribute(page, "meta[http-equiv=Content-Security-Policy]", "content")
    assert "unsafe" not in policy
    assert one(page, ".verdict-mark").rect["width"] > 8
    assert variable(page, one(page, ".support-meter"), "--strength") == pytest.approx(0.97)


def test_overview_marks_words_too(open_page):
    page = open_page(diagnosed_record())
    assert len(all_of(page, ".tile .verdict-mark")) == 12


@pytest.mark.parametrize("width", [1280, 390])
def test_label_of_a_tile_keeps_to_one_line(open_page, width):
    record = diagnosed_record()
    sure = tuple(replace(token, probability=0.9999) for token in record.tokens)
    page = open_page(replace(record, tokens=sure), width=width)
    script = "return [...document.querySelectorAll('.tile .label')].map((l) => l.offsetHeight)"
    # The overview is laid out after the page.
    WebDriverWait(page, 10, 0.02).until(lambda _: all(page.execute_script(script)))
    heights = page.execute_script(script)
    assert max(heights) - min(heights) < 4


def test_page_reads_a_payload_of_before_verdicts(open_page, monkeypatch):
    def older(record: Record) -> dict:
        return {k: v for k, v in payload(record).items() if k != "verdicts"}

    monkeypatch.setattr(page_module, "payload", older)
    page = open_page(record_of(), fragment=f"#word={STAR}")
    assert classes(page, "current") == [STAR]
    assert all_of(page, "#verdict, #no-verdict") == [one(page, "#no-verdict")]
    press(page, "f")
    assert classes(page, "current") == [STAR]


def test_copied_answer_is_its_text(open_page):
    record = diagnosed_record()
    page = open_page(record)
    script = """
    getSelection().selectAllChildren(document.getElementById("answer"));
    return getSelection().toString();
    """
    assert page.execute_script(script) == record.answer
