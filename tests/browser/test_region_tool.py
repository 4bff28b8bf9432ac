"""Which words come from a place of the picture: drawn by mouse, finger and keyboard."""

from __future__ import annotations

import re
from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from browser.axe import violations
from browser.test_mount import open_host, told  # noqa: F401 - a fixture
from browser.test_report import HOUSE, STAR, TREE, classes, hover, words
from golden.records import (
    clip_record,
    mixed_record,
    pictures_record,
    record_of,
    with_layers,
    with_visual_share,
)
from seewhy.core.record import Record
from seewhy.core.regions import Region
from seewhy.explained_word import RecordWords
from seewhy.word_share import words_from

pytestmark = pytest.mark.browser

ON_STAR = (0.14, 0.04, 0.46, 0.44)  # left, top, right, bottom, as parts of the picture's sides
BETWEEN = (0.55, 0.02, 0.95, 0.2)


def frame(page: WebDriver, which: int = 0) -> WebElement:
    return page.find_elements(By.CSS_SELECTOR, ".picture-frame")[which]


def drag(page: WebDriver, box: tuple[float, float, float, float], which: int = 0) -> None:
    """Press at the first corner, move to the second, release."""
    node = frame(page, which)
    left, top, right, bottom = box
    steps = [(left, top), ((left + right) / 2, (top + bottom) / 2), (right, bottom)]
    path(page, node, steps)


def path(page: WebDriver, node: WebElement, steps: list[tuple[float, float]]) -> None:
    width, height = node.size["width"], node.size["height"]
    actions = ActionChains(page, duration=10)
    for number, (x, y) in enumerate(steps):
        actions.move_to_element_with_offset(
            node, round(width * (x - 0.5)), round(height * (y - 0.5))
        )
        if number == 0:
            actions.click_and_hold()
    actions.release().perform()


def tap(page: WebDriver, x: float, y: float) -> None:
    path(page, frame(page), [(x, y)])


def ranked(page: WebDriver) -> list[str]:
    names = page.find_elements(By.CSS_SELECTOR, ".region-word .name")
    return [name.text for name in names]


def about(page: WebDriver) -> str:
    return page.find_element(By.CSS_SELECTOR, ".region-about").text


def box_of(page: WebDriver) -> list[int]:
    """left, top, right, bottom of the region, in whole pixels of the picture."""
    found = re.search(r"(\d+), (\d+) to (\d+), (\d+) px", about(page))
    assert found
    return [int(edge) for edge in found.groups()]


def is_on(page: WebDriver) -> bool:
    button = page.find_element(By.CSS_SELECTOR, ".region-open")
    return button.get_attribute("aria-pressed") == "true"


def press(page: WebDriver, *keys: str) -> None:
    ActionChains(page).send_keys(*keys).perform()


def spoken(page: WebDriver) -> str:
    return page.find_element(By.ID, "live").get_attribute("textContent") or ""


def test_box_ranks_the_words_by_how_much_of_them_comes_from_there(open_page):
    page = open_page(with_visual_share(record_of()))
    page.find_element(By.CSS_SELECTOR, ".region-open").click()
    assert is_on(page)
    drag(page, ON_STAR)
    left, top, right, bottom = box_of(page)
    assert (left, top) == (pytest.approx(0.14 * 480, abs=2), pytest.approx(0.04 * 360, abs=2))
    assert (right, bottom) == (pytest.approx(0.46 * 480, abs=2), pytest.approx(0.44 * 360, abs=2))
    assert {"star", "red"} & set(ranked(page)[:3])
    assert len(ranked(page)) == 6
    numbers = page.find_elements(By.CSS_SELECTOR, ".region-word .main")
    shares = [float(number.text.split()[0]) for number in numbers]
    row = page.find_elements(By.CSS_SELECTOR, ".region-word")[0]
    assert re.fullmatch(
        r"\w+ \d+ % of its map lies here, \d+ % came from here", row.accessible_name
    )
    assert shares == sorted(shares, reverse=True)
    # The words are tinted as far as they come from there, and none is marked as looked at.
    tinted = classes(page, "in-cell")
    assert STAR in tinted
    assert classes(page, "current") == []
    page.find_element(By.CSS_SELECTOR, ".region-all").click()
    assert len(ranked(page)) == len(record_of().words)
    assert violations(page) == []


def test_words_can_be_pointed_at_in_the_mode_and_after_it(open_page):
    page = open_page()
    page.find_element(By.CSS_SELECTOR, ".region-open").click()
    drag(page, ON_STAR)
    opacity = "return getComputedStyle(document.querySelector('.picture-frame canvas')).opacity"
    wait = WebDriverWait(page, 5, poll_frequency=0.02)
    wait.until(lambda d: d.execute_script(opacity) == "0")
    hover(page, words(page)[TREE])
    assert classes(page, "current") == [TREE]
    wait.until(lambda d: d.execute_script(opacity) == "1")
    row = page.find_elements(By.CSS_SELECTOR, ".region-word")[0]
    hover(page, row)
    assert words(page)[classes(page, "current")[0]].text == ranked(page)[0]
    page.find_element(By.CSS_SELECTOR, ".region-open").click()
    assert not is_on(page)
    assert not page.find_element(By.ID, "region").is_displayed()
    assert not page.find_element(By.CSS_SELECTOR, ".region-surface").is_displayed()
    hover(page, words(page)[HOUSE])
    assert classes(page, "current") == [HOUSE]
    assert classes(page, "context") != []
    words(page)[STAR].click()
    assert classes(page, "pin-a") == [STAR]


def test_mouse_that_is_dragged_over_the_picture_begins_the_mode(open_page):
    page = open_page()
    tap(page, 0.77, 0.66)
    assert not is_on(page), "a click looks at the word with most there"
    looked_at = page.find_element(By.CSS_SELECTOR, "#details h2").text
    assert looked_at in {"tree", "green", "small", "stands", "right"}
    drag(page, ON_STAR)
    assert is_on(page)
    assert about(page).startswith("Box ")
    press(page, Keys.ESCAPE)
    assert is_on(page)
    assert not page.find_element(By.ID, "region").is_displayed()
    press(page, Keys.ESCAPE)
    assert not is_on(page)


def test_box_is_moved_resized_and_replaced(open_page):
    page = open_page()
    drag(page, ON_STAR)
    before = box_of(page)
    path(page, frame(page), [(0.3, 0.24), (0.4, 0.34), (0.5, 0.44)])
    moved = box_of(page)
    assert [b - a for a, b in zip(before, moved, strict=True)] == pytest.approx(
        [96, 72, 96, 72], abs=3
    )
    corner = page.find_element(By.CSS_SELECTOR, ".region-handle.se")
    ActionChains(page, duration=10).drag_and_drop_by_offset(corner, 60, 40).perform()
    resized = box_of(page)
    assert resized[:2] == moved[:2]
    assert resized[2] > moved[2]
    assert resized[3] > moved[3]
    # A box stays on the picture.
    path(page, frame(page), [(0.5, 0.5), (0.9, 0.9), (1.4, 1.4)])
    assert box_of(page)[2:] == [480, 360]
    drag(page, BETWEEN)
    assert box_of(page)[1] < 20


def test_lasso_and_point(open_page):
    page = open_page()
    page.find_element(By.CSS_SELECTOR, ".region-open").click()
    page.find_element(By.CSS_SELECTOR, ".region-bar [data-value=lasso]").click()
    path(page, frame(page), [(0.3, 0.02), (0.46, 0.24), (0.3, 0.46), (0.14, 0.24)])
    assert about(page).startswith("Outline within ")
    assert ranked(page)[0] in {"star", "red", "shines"}
    page.find_element(By.CSS_SELECTOR, ".region-bar [data-value=point]").click()
    tap(page, 0.77, 0.66)
    assert re.match(r"The place at 3\d\d, 2\d\d px: 0\.5 % of the picture", about(page))
    assert ranked(page)[0] in {"tree", "green", "small", "stands", "right"}
    # A tap is a point whatever is drawn otherwise.
    page.find_element(By.CSS_SELECTOR, ".region-bar [data-value=box]").click()
    tap(page, 0.3, 0.24)
    assert about(page).startswith("The place at 14")
    page.find_element(By.CSS_SELECTOR, ".region-clear").click()
    assert not page.find_element(By.ID, "region").is_displayed()


def test_keyboard_alone_draws_moves_resizes_and_leaves(open_page):
    page = open_page()
    press(page, "r")
    assert is_on(page)
    surface = page.switch_to.active_element
    assert surface.get_attribute("role") == "application"
    assert "Arrow keys move it" in page.find_element(By.ID, "region-keys").text
    press(page, Keys.ENTER)
    first = box_of(page)
    press(page, Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_UP)
    moved = box_of(page)
    step = 480 / 50
    assert [a - b for a, b in zip(first, moved, strict=True)] == pytest.approx(
        [2 * step, step, 2 * step, step], abs=1.5
    )
    ActionChains(page).key_down(Keys.SHIFT).send_keys(
        Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_DOWN
    ).key_up(Keys.SHIFT).perform()
    resized = box_of(page)
    assert resized[:2] == moved[:2]
    assert resized[2] - moved[2] == pytest.approx(step, abs=1.5)
    assert resized[3] - moved[3] == pytest.approx(2 * step, abs=1.5)
    WebDriverWait(page, 5, poll_frequency=0.05).until(
        lambda d: f"{resized[0]}, {resized[1]} to" in spoken(d)
    )
    assert "Most of their maps lie here:" in spoken(page)
    assert "box" in (surface.get_attribute("aria-label") or "")
    press(page, Keys.DELETE)
    assert not page.find_element(By.ID, "region").is_displayed()
    assert violations(page) == []
    press(page, Keys.ESCAPE)
    assert not is_on(page)


def test_finger_draws_and_the_page_does_not_scroll(open_page):
    page = open_page(width=390, touch=True)
    page.find_element(By.CSS_SELECTOR, ".region-open").click()
    box = page.execute_script("return arguments[0].getBoundingClientRect().toJSON()", frame(page))

    def at(x: float, y: float) -> dict[str, float]:
        return {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}

    def touch(kind: str, *points: dict[str, float]) -> None:
        page.execute_cdp_cmd(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)}
        )

    before = page.execute_script("return scrollY")
    touch("touchStart", at(0.14, 0.04))
    for part in (0.3, 0.6, 1.0):
        touch("touchMove", at(0.14 + 0.32 * part, 0.04 + 0.4 * part))
    touch("touchEnd")
    WebDriverWait(page, 5, poll_frequency=0.02).until(lambda d: about(d).startswith("Box "))
    assert page.execute_script("return scrollY") == before
    assert {"star", "red"} & set(ranked(page)[:3])
    assert page.execute_script("return document.documentElement.scrollWidth") <= 390
    assert violations(page) == []


def test_region_of_a_word_is_that_of_python_and_has_a_level(open_page):
    record = record_of()
    page = open_page(record, fragment=f"#word={STAR}")
    button = page.find_element(By.CSS_SELECTOR, ".region-of-word")
    assert button.text == "Region of “star”"
    button.click()
    assert about(page).startswith("Where the map of “star” is bright: ")
    assert ranked(page)[0] in {"star", "red", "shines"}
    assert classes(page, "current") == [STAR]
    parts = []
    slider = page.find_element(By.CSS_SELECTOR, ".region-level input")
    for key in (Keys.HOME, Keys.END):
        slider.send_keys(key)
        parts.append(float(about(page).split(": ")[1].split()[0]))
    assert parts[0] > 2 * parts[1]
    assert "90 %" in page.find_element(By.CSS_SELECTOR, ".region-level").text
    page.execute_script("arguments[0].focus()", slider)
    press(page, Keys.ARROW_LEFT)
    assert page.switch_to.active_element == slider, "the slider keeps the focus"
    # Arrow keys on the picture go on with the box around it.
    page.execute_script("document.querySelector('.region-surface').focus()")
    press(page, Keys.ARROW_DOWN)
    assert about(page).startswith("Box ")


def test_region_is_drawn_for_both_pins_and_stays_with_tokens(open_page):
    page = open_page(fragment=f"#word={STAR}&with={TREE}")
    drag(page, ON_STAR)
    drawn = [
        path.get_attribute("d")
        for path in page.find_elements(By.CSS_SELECTOR, ".region-drawing .region-line")
    ]
    assert len(drawn) == 2
    assert drawn[0] == drawn[1]
    assert (classes(page, "pin-a"), classes(page, "pin-b")) == ([STAR], [TREE])
    before = box_of(page)
    page.find_element(By.CSS_SELECTOR, "#segmentation [data-value=tokens]").click()
    assert box_of(page) == before
    assert "st" in ranked(page)
    page.find_element(By.CSS_SELECTOR, "#segmentation [data-value=words]").click()
    assert "star" in ranked(page)


def test_region_counts_a_words_own_map_where_a_layer_is_shown(open_page):
    page = open_page(with_layers(record_of()), fragment=f"#word={STAR}")
    drag(page, ON_STAR)
    before = ranked(page)
    slider = page.find_element(By.CSS_SELECTOR, ".layer-slider")
    slider.send_keys(Keys.HOME)
    note = page.find_element(By.CSS_SELECTOR, ".region-note").text
    assert note.endswith("Counted is each word’s own map, not that of the layer.")
    assert ranked(page) == before


def test_region_in_one_of_several_pictures(open_page):
    page = open_page(pictures_record())
    drag(page, (0.1, 0.2, 0.9, 0.95), which=1)
    assert "in picture 2" in about(page)
    shown = [node.is_displayed() for node in page.find_elements(By.CSS_SELECTOR, ".region-drawing")]
    assert shown == [False, True]
    assert ranked(page)[0] in {"tree", "green", "small", "stands", "right"}


def test_region_of_a_clip_stays_at_its_step(open_page):
    page = open_page(clip_record(), fragment=f"#word={STAR}")
    alt = page.find_element(By.CSS_SELECTOR, ".pane img").get_attribute("alt")
    drag(page, (0.1, 0.05, 0.6, 0.6))
    for word in (TREE, HOUSE):
        hover(page, words(page)[word])
        assert page.find_element(By.CSS_SELECTOR, ".pane img").get_attribute("alt") == alt
        assert page.find_element(By.CSS_SELECTOR, ".region-drawing").is_displayed()
    assert "in step at 0:0" in about(page)


def regions_of(record: Record) -> list[Region]:
    """Boxes, outlines, points and masks; partly beyond a cell, a picture, or across themselves."""
    found = []
    for view, picture in enumerate(record.pictures):
        width, height = picture.size
        star = [(0.5, 0.02), (0.8, 0.95), (0.05, 0.35), (0.95, 0.35), (0.2, 0.95)]
        found += [
            Region.box(0.13 * width, 0.07 * height, 0.46 * width, 0.44 * height, view),
            Region.box(0, 0, width, height, view),
            Region.box(0.6 * width, 0.6 * height, 0.605 * width, 0.605 * height, view),
            Region.polygon([(0.3 * width, 0), (0.5 * width, 0.3 * height), (0, height)], view),
            Region.polygon([(x * width, y * height) for x, y in star], view),
            Region.point(0.3 * width, 0.24 * height, view),
            Region.point(width, height, view),
            Region.mask(picture.image[..., 0] > 200, view),
        ]
    return found


RECORDS = {
    "one picture": lambda: with_visual_share(record_of()),
    "no visual share": record_of,
    "a margin that is not seen": lambda: record_of(margin=0.2),
    "pictures": pictures_record,
    "pictures and a clip": mixed_record,
}


@pytest.mark.parametrize("name", RECORDS)
def test_words_of_a_region_are_those_of_python(open_host, name):  # noqa: F811 - a fixture
    record = RECORDS[name]()
    has_margin = name.startswith("a margin")  # a point there is in no cell
    regions = [one for one in regions_of(record) if not has_margin or one.kind != "point"]
    page = open_host(told(record))
    found: list[list[dict[str, Any]]] = page.execute_script(
        "return arguments[0].map((one) => mounts[0].report.wordsFrom(one))",
        [region.to_json() for region in regions],
    )
    for region, shares in zip(regions, found, strict=True):
        wanted = {one.index: one for one in words_from(RecordWords(record), region)}
        for one in shares:
            own = wanted[one["word"]]
            # 8 bit: each cell is off by half a step of the map's range at most.
            assert one["share"] == pytest.approx(own.share, abs=0.006), region.kind
            assert one["amount"] == pytest.approx(own.amount, abs=0.006), region.kind
        if region.kind in {"box", "point"}:
            best = max(one["amount"] for one in shares)
            most = max(one.amount for one in wanted.values())
            assert best == pytest.approx(most, abs=0.006)


def test_region_of_a_word_is_pythons(open_host):  # noqa: F811 - a fixture
    record = pictures_record()
    page = open_host(told(record))
    for index, level in ((STAR, 0.5), (TREE, 0.3)):
        page.execute_script(
            """
            const report = mounts[0].report;
            report.chooseWord(arguments[0]);
            document.querySelector("#first .region-of-word").click();
            const input = document.querySelector("#first .region-level input");
            input.value = String(100 * arguments[1]);
            input.dispatchEvent(new Event("input"));
            """,
            index,
            level,
        )
        own = page.execute_script("return mounts[0].report.region")
        wanted = RecordWords(record).words[index].region(level).to_json()
        assert own == {**wanted, "points": []} | {
            edges: pytest.approx(wanted[edges], rel=1e-6) for edges in ("row_edges", "column_edges")
        }


def test_handle_of_a_mounted_report(open_host):  # noqa: F811 - a fixture
    page = open_host(told())
    run = page.execute_script
    run("""
        const { report } = mounts[0];
        window.heard = [];
        window.stops = [
          report.onWord((word) => heard.push(["word", word])),
          report.onRegion((region) => heard.push(["region", region?.kind ?? null])),
          report.onCandidate((one) => heard.push(["candidate", one.word, one.text])),
        ];
        report.chooseWord(arguments[0]);
    """, TREE)  # fmt: skip
    assert run("return mounts[0].report.word") == TREE
    assert run("return heard") == [["word", TREE]]
    names = page.find_elements(By.CSS_SELECTOR, "#first .candidate")
    assert [name.text for name in names] == ["and…", "</b>", "on…"]
    assert names[0].accessible_name == "Why “tree” and not “and”?"
    assert page.find_elements(By.CSS_SELECTOR, "#second .candidate") == []
    names[0].click()
    run("mounts[0].report.setRegion({ view: 0, kind: 'box', points: [[0, 0], [240, 180]] })")
    run("mounts[0].report.setRegion(null)")
    assert run("return heard.slice(1)") == [
        ["candidate", TREE, " and"], ["region", "box"], ["region", None],
    ]  # fmt: skip
    tinted = (
        "return [...document.querySelectorAll('#first .answer .in-cell')]"
        ".map((node) => node.dataset.index)"
    )
    run("mounts[0].report.setTints(Array.from({ length: 20 }, (_, i) => Number(i === 3)))")
    assert run(tinted) == ["3"]
    run("mounts[0].report.setTints(null)")
    assert run(tinted) == []
    run("stops.forEach((stop) => stop()); mounts[0].report.chooseWord(0)")
    assert len(run("return heard")) == 4


def test_overlay_of_a_mounted_report_stays_over_its_view(open_host):  # noqa: F811 - a fixture
    page = open_host(told(pictures_record()))
    page.execute_script("window.over = mounts[0].report.overlay(1)")
    place = """
        const box = over.node.getBoundingClientRect();
        const frame = over.node.closest(".pane").querySelector("img").getBoundingClientRect();
        return {
          same: ["left", "top", "width", "height"].every((k) => Math.abs(box[k] - frame[k]) < 0.5),
          middle: over.toPicture({
            clientX: box.x + box.width / 2, clientY: box.y + box.height / 2,
          }),
          end: over.toScreen(300, 400), size: [box.width, box.height],
        };"""
    found = page.execute_script(place)
    assert found["same"]
    assert found["middle"] == pytest.approx([150, 200], abs=1)
    assert found["end"] == pytest.approx(found["size"], abs=1)
    # Two pins in one picture: the other has no pane, and comes back.
    for word in (STAR, HOUSE):
        page.find_elements(By.CSS_SELECTOR, "#first .answer [role=option]")[word].click()
    assert page.execute_script("return over.node.isConnected") is False
    page.find_element(By.CSS_SELECTOR, "#first .hint button").click()
    assert page.execute_script(place)["same"]
    page.execute_script("over.remove()")
    assert page.find_elements(By.CSS_SELECTOR, "#first .overlay") == []
