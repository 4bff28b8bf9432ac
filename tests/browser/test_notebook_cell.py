"""Report and app in a notebook's cell: the real module, a model of anywidget, a live kernel.

The page around the cells has strong styles of its own, which must neither come in nor be changed.
"""

from __future__ import annotations

import pytest
from PIL import Image
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.ui import WebDriverWait

import seewhy
from golden.records import record_of
from golden.verdict_records import diagnosed_record
from notebook_host import served
from seewhy.explanation import Explanation
from seewhy.testbed.scenes import draw, scene

pytestmark = pytest.mark.browser

STAR = 2


@pytest.fixture(scope="module")
def page(chromium: WebDriver):
    """A notebook with a report, one whose kernel has ended, and the app."""
    explainer = seewhy.load()
    picture = Image.fromarray(draw(scene(0, "heldout")).image)
    one, other = Explanation(record_of()), Explanation(diagnosed_record())
    app = explainer.interact(picture, "Write a one-sentence caption for this image:", height=600)
    widgets = {"report": one.widget(height=500), "dead": other.widget(), "app": app}
    pictures = {"report": one._repr_mimebundle_()[0]["image/png"]}
    with served(widgets, dead={"dead"}, pictures=pictures) as address:
        chromium.get("about:blank")
        chromium.get_log("browser")
        chromium.get(address)
        wait(chromium, "return 'ready' in document.documentElement.dataset")
        for name in ("report", "app"):
            wait(chromium, f"return Boolean(cells.{name}.root.querySelector('[data-ready]'))")
        yield chromium
        assert chromium.get_log("browser") == []
        chromium.get("about:blank")
    app.close()


def wait(page: WebDriver, script: str, *arguments: object) -> object:
    return WebDriverWait(page, 60, 0.05).until(lambda d: d.execute_script(script, *arguments))


FIND = "const $ = (at, cell = 'report') => cells[cell].root.querySelector(at); "


def run(page: WebDriver, script: str, *arguments: object):
    return page.execute_script(FIND + script, *arguments)


def words(page: WebDriver) -> list:
    return page.execute_script(
        "return [...cells.report.root.querySelectorAll('.answer [role=option]')]"
    )


def test_report_is_drawn_in_a_shadow_root_and_works(page):
    texts = [word.text for word in record_of().words]
    assert [word.text for word in words(page)] == texts
    words(page)[STAR].click()
    assert run(page, "return $('.unit.pin-a').textContent") == "star"
    assert run(page, "return location.hash") == ""
    assert page.find_elements("css selector", "body > * .answer") == [], "it is in the light tree"


def test_notebook_s_styles_do_not_come_in(page):
    told = """const told = (at) => { const s = getComputedStyle($(at)); return [s.textTransform,
        s.whiteSpace, s.textAlign, s.borderStyle, s.display, s.fontSize, s.letterSpacing]; };
        return [told('.answer .unit'), told('.topbar button'), told('.viewer')];"""
    unit, button, viewer = run(page, told)
    assert unit[:4] == ["none", "pre-wrap", "start", "none"], "the notebook says pre"
    assert "none" not in (unit[4], button[4], viewer[4]), "nothing of it is hidden"
    assert button[5] == "13px", "sizes do not depend on the notebook's root font"
    assert "4px" not in (unit[6], button[6], viewer[6])


def test_report_s_styles_do_not_go_out(page):
    own = "const s = getComputedStyle(document.getElementById(arguments[0])); return " \
          "[s.color, s.fontSize, s.borderStyle, s.margin]"  # fmt: skip
    outside = [page.execute_script(own, name) for name in ("own", "plain")]
    assert outside == [["rgb(0, 255, 0)", "50px", "dotted", "40px"]] * 2
    assert (
        page.execute_script("return document.querySelectorAll('head style, head link').length") == 2
    )
    assert page.execute_script("return document.documentElement.className") == ""


def test_page_is_as_wide_as_its_cell_and_scrolls_in_itself(page):
    place = run(page, "const p = $('.cell-page'); return [p.clientHeight, p.scrollHeight > 600]")
    assert place[0] <= 500
    assert place[1]
    columns = "return getComputedStyle($('main')).gridTemplateColumns.split(' ').length"
    assert run(page, columns) == 2
    page.execute_script("document.getElementById('report').style.width = '500px'")
    assert run(page, columns) == 1, "the window is wide, the cell is not"
    page.execute_script("document.getElementById('report').style.width = ''")


def test_static_picture_goes_when_the_live_page_is_there(page):
    hidden = "return getComputedStyle(document.querySelector('#report img')).display"
    assert wait(page, f"{hidden} === 'none'") is True


def test_keys_reach_the_page_and_no_shortcut_of_the_notebook(page):
    words(page)[STAR].click()
    ActionChains(page).send_keys("t").perform()
    assert run(page, "return $('.answer').dataset.segmentation") == "tokens"
    words(page)[STAR].click()
    ActionChains(page).send_keys("t").perform()
    assert run(page, "return $('.answer').dataset.segmentation") == "words"
    marked = "return document.querySelectorAll('#report [data-lm-suppress-shortcuts]').length"
    assert page.execute_script(marked) == 1


def test_focus_is_kept_inside_the_shadow_root(page):
    words(page)[STAR].click()
    ActionChains(page).send_keys("\ue014").perform()  # arrow right
    focused = "return cells.report.root.activeElement?.textContent"
    assert page.execute_script(focused) == record_of().words[STAR + 1].text


@pytest.mark.parametrize(("ground", "theme"), [("rgb(17, 17, 17)", "dark"), ("white", "light")])
def test_theme_is_that_of_the_notebook(page, ground, theme):
    page.execute_script("document.body.style.background = arguments[0]", ground)
    assert wait(page, "return cells.report.root.querySelector('.cell-page').dataset.theme === "
                      "arguments[0]", theme)  # fmt: skip
    scheme = run(page, "return getComputedStyle($('.cell-page')).colorScheme")
    assert scheme == theme


def test_without_a_kernel_there_is_one_line(page):
    told = "return cells.dead.root.textContent.includes('run this cell again')"
    assert wait(page, told)


def test_app_answers_in_a_cell_and_its_answer_stays_after_a_reload(page):
    assert run(page, "return $('textarea', 'app').value").startswith("Write a one-sentence")
    shown = "return $('img', 'app')?.naturalWidth"
    assert wait(page, FIND + shown) == 160
    press = "[...cells.app.root.querySelectorAll('button')].find((b) => b.textContent === 'Ask')"
    run(page, f"{press}.click()")
    wait(page, "return cells.app.root.querySelectorAll('.answer [role=option]').length > 10")
    text = run(page, "return $('.answer', 'app').textContent")
    assert "mushroom" in text
    page.execute_script("cells.app.cleanup()")
    assert page.execute_script("return cells.app.el.childNodes.length") == 0
    page.execute_script("return showCell('app').then((cell) => { cells.app = cell; })")
    wait(page, "return Boolean(cells.app.root.querySelector('[data-ready]'))")
    assert "mushroom" in run(page, "return $('.history', 'app').textContent")


def test_cleanup_leaves_nothing_behind(page):
    page.execute_script("cells.report.cleanup()")
    left = page.execute_script(
        "return [cells.report.el.childNodes.length, models.report.listeners()]"
    )
    assert left == [0, 0]
    assert page.execute_script("return models.report.sent.at(-1).ask") == "bye"
    assert page.execute_script("return document.querySelector('#report img').style.display") == ""
