"""The app's page by keyboard, on a phone, in the dark, without motion, and in another page."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from browser.app_person import family
from browser.app_server import png, record_like
from browser.axe import unfold, violations

pytestmark = pytest.mark.browser


def test_keyboard_alone_is_enough(person):
    person.open()
    person.press(Keys.TAB)
    assert person.focused() == "Skip to the question"
    person.press(Keys.ENTER)
    person.press(Keys.TAB)
    assert person.focused() == "choose"
    person.press(Keys.TAB)
    assert person.focused() == "Drawn scene 1"
    person.press(Keys.ENTER)
    person.until_sent()
    assert person.focused() == "prompt-field"
    person.press("not? d t / n", Keys.ENTER)
    job = person.service.new_jobs.get(timeout=10)
    assert job.asked["prompt"] == "not? d t / n", "no shortcut steals what is typed"
    person.run("document.activeElement.blur()")
    entry = person.service.add_entry()
    person.finish(job, entry)
    assert person.run("return document.activeElement.closest('.answer') !== null")
    before = person.text(".unit.current")
    person.press(Keys.ARROW_RIGHT)
    assert person.text(".unit.current") != before
    person.press("/")
    assert person.focused() == "prompt-field"
    person.press("n")
    assert person.one("#prompt-field").get_attribute("value").endswith("nn")
    person.run("document.activeElement.blur()")
    person.press("n")
    assert person.focused() == "choose"
    assert person.one("#prompt-field").get_attribute("value").endswith("nn"), "nothing is lost"
    person.press("k")
    person.until_shown(entry["id"])


def test_phone_can_take_a_photo_and_needs_no_scrolling_aside(person):
    numbers = family(person.service)
    phone = {"width": 390, "height": 844, "touch": True}
    person.open(**phone)
    camera = person.one("#camera")
    assert camera.get_attribute("capture") == "environment"
    assert camera.get_attribute("accept") == "image/*"
    assert person.one("#photo").is_displayed()
    assert "Drop a picture" not in person.text(".drop")
    unfold(person.driver)
    assert person.width() == 390
    person.choose(person.file("a" * 80 + ".png"), person.file("b.png"))
    person.until_sent(2)
    assert person.width() == 390
    person.open(f"#entry={numbers[1]}", **phone)
    person.until_shown(numbers[1])
    assert person.width() == 390
    for name in ("share", "delete"):
        person.click(f".menu-button.{name}")
        left, right = person.edges(f".{name} + .menu-panel", "left", "right")
        assert 0 <= left < right <= 390
    assert violations(person.driver) == []


def test_dark_page_can_be_read_and_a_choice_of_light_is_kept(person):
    numbers = family(person.service)
    dark = {"prefers-color-scheme": "dark"}
    person.open(media=dark)
    unfold(person.driver)
    ground = "return getComputedStyle(document.querySelector('.seewhy-app')).backgroundColor"
    assert person.run(ground) == "rgb(20, 21, 23)"
    assert violations(person.driver) == []
    person.click(".card-open", "A house and a tree.")
    person.until_shown(numbers[1])
    person.click(".menu-button.delete")
    assert violations(person.driver) == []
    person.press(Keys.ESCAPE)
    person.click("#theme")
    person.open(media=dark)
    assert person.run("return document.documentElement.dataset.theme") == "light"


def test_nothing_moves_for_who_wants_no_motion_and_forced_colours_show_what_is_chosen(person):
    person.service.add_entry()
    person.open(media={"prefers-reduced-motion": "reduce", "forced-colors": "active"})
    person.click(".example")
    person.until_sent()
    job = person.ask()
    person.hear(job, "answer", text="A red star")
    moving = "return document.getAnimations().filter((one) => one.playState === 'running').length"
    assert person.run(moving) == 0
    person.finish(job, person.service.add_entry(record_like("A red star")))
    border = person.run(
        "return getComputedStyle(document.querySelector('.card-open[aria-current]')).borderTopWidth"
    )
    assert border == "2px"


def test_app_lives_in_an_element_of_another_page(person):
    person.service.add_picture("given", png())
    person.open(path="deep/host")
    ids = person.run("return [...document.querySelectorAll('[id]')].map(({id}) => id)")
    assert len(ids) == len(set(ids))
    assert len(person.all("#cell .slot[data-state=sent]")) == 1
    assert person.run("return document.querySelector('#cell .seewhy-app').scrollWidth") <= 600
    assert [len(person.all(name)) for name in ("h1", "main, [role=main]")] == [1, 0]
    person.click("#own")
    person.press("n")
    assert person.focused() == "own", "keys belong to the page unless the focus is inside"
    field = person.one("#cell textarea")
    assert field.get_attribute("value") == "What is this?"
    person.service.is_gone = True
    field.send_keys(Keys.ENTER)
    person.service.new_jobs.get(timeout=10)
    assert "The server does not answer" in person.told("#cell .failure p")
    assert person.all("#other .failure") == []
    person.service.is_gone = False
    person.click("#cell .failure button", "Ask again")
    job = person.service.new_jobs.get(timeout=10)
    person.finish(job, person.service.add_entry())
    assert person.run("return [location.hash, document.title]") == ["", "A notebook"]
    assert person.all("#other .card") == []
    person.one("#cell textarea").send_keys(Keys.ENTER)
    job = person.service.new_jobs.get(timeout=10)
    person.run("for (const one of mounts) one.unmount()")
    assert job.cancelled.wait(5), "a job ends with its app"
    assert person.all(".seewhy-app") == []
    assert person.run("return outside.filter(({ live }) => live)") == []
