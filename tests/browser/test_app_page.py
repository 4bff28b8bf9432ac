"""Asking on the app's page as a person does it, with a server that says what the test says."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from browser.app_person import ANSWER, HOSTILE, QUESTION
from browser.app_server import MODEL, png, record_like
from browser.axe import unfold, violations
from golden.records import PIECES, record_of

pytestmark = pytest.mark.browser


def test_page_begins_with_one_obvious_thing(person):
    person.open()
    assert person.text("h1") == "Ask about a picture"
    assert "Drop a picture here" in person.text(".drop")
    assert not person.one("#history").is_displayed()
    assert not person.one(".option-fields").is_displayed()
    named = [node.get_attribute("aria-label") for node in person.all(".example")]
    assert named == [f"Drawn scene {number}" for number in range(1, 5)]
    unfold(person.driver)
    assert violations(person.driver) == []
    person.click("#ask-button")
    assert person.told("#picture-error").endswith("Choose a picture first.")
    assert person.focused() == "choose"
    assert person.service.jobs == []


@pytest.mark.parametrize(("width", "touch"), [(1280, False), (390, True)])
def test_answer_is_written_in_its_place_and_the_report_follows_without_a_jump(person, width, touch):
    person.open(width=width, height=844, touch=touch)
    person.choose()
    person.until_sent()
    job = person.ask()
    assert job.asked == {
        "kind": "explain", "pictures": ["p1"], "prompt": QUESTION, "model": MODEL,
        "method": "logit-shares",
    }  # fmt: skip
    job.say("queued", position=2)
    person.until("return document.querySelector('.run-text').textContent.includes('2 other')")
    job.say("started")
    job.say("stage", text="loading the model")
    person.until("return document.querySelector('.run-text').textContent.startsWith('Loading the')")
    assert person.said() == "Loading the model …"
    text = ""
    for piece, _ in PIECES[:6]:
        text += piece
        person.hear(job, "answer", text=text)
    assert person.text(".card.pending .card-answer") == "Being answered …"
    assert person.said() == "Writing …", "the words themselves are not read out one by one"
    top, bottom = person.edges(".run-line", "top", "bottom")
    assert 0 <= top < bottom <= 844, "what is written is in sight"
    assert violations(person.driver) == []
    person.hear(job, "answer", text=ANSWER)
    before = person.places()
    job.say("stage", text="explaining")
    entry = person.service.add_entry(record_of(prompt=QUESTION))
    person.finish(job, entry)
    assert person.places() == before
    assert person.said() == f"Answered: {ANSWER}"
    assert person.text(".entry .answer").replace("\n", " ") == ANSWER
    assert person.cards()[0].startswith("A red star shines")
    assert person.all(".live-entry") == []
    assert person.run("return document.documentElement.scrollWidth") <= width
    assert person.driver.title == "A red star shines above the blue house and a … · seewhy"


def test_options_are_asked_for(person):
    person.open()
    person.click(".example")
    person.until_sent()
    person.click(".options summary")
    person.one("#method").send_keys("rise")
    person.one("#length").send_keys("40")
    person.one("#answer-start").send_keys("A cat on")
    assert not person.one("#given").is_enabled(), "an answer is given or begun, not both"
    person.click("#diagnose")
    person.click("#layers")
    told = "rise · answer begun · at most 40 tokens · diagnosed · with layers"
    assert told in person.text(".options summary")
    asked = person.ask("").asked
    assert asked == {
        "kind": "explain", "model": MODEL, "pictures": ["p1"], "method": "rise",
        "prompt": "Write a one-sentence caption for this image:", "max_new_tokens": 40,
        "answer_start": "A cat on", "diagnose": True, "layers": True,
    }  # fmt: skip
    person.click(".run-line button", "Cancel")
    person.click(".options summary")
    person.one("#answer-start").clear()
    person.one("#length").clear()
    person.one("#length").send_keys("9999")
    person.click("#ask-button")
    assert "from 1 to 512" in person.told("#options-error")
    person.one("#length").clear()
    person.one("#given").send_keys("A red star.")
    asked = person.ask("").asked
    assert asked["answer"] == "A red star."
    assert not {"answer_start", "max_new_tokens"} & set(asked)


def test_stop_keeps_what_is_written(person):
    person.open()
    person.click(".example")
    person.until_sent()
    job = person.ask()
    person.hear(job, "answer", text="A red star")
    person.one("#prompt-field").send_keys(Keys.ENTER)
    assert "Wait for the answer" in person.told("#question-error")
    person.click(".run-line button", "Stop")
    assert job.stopped.wait(5)
    assert "Stopping" in person.told(".run-text")
    assert person.focused() == "Cancel", "the focus does not go with the button"
    person.finish(job, person.service.add_entry(record_like("A red star")))
    assert person.text(".entry .answer") == "A red star"
    assert person.all("#question-error p") == []
    job = person.ask("And now?")
    person.hear(job, "answer", text="A")
    person.press(Keys.ESCAPE)
    assert job.stopped.wait(5), "Escape stops as well"
    person.finish(job, person.service.add_entry(record_like("A")))


def test_cancel_throws_the_answer_away_and_nothing_that_was_written(person):
    person.open()
    person.click(".example")
    person.until_sent()
    job = person.ask()
    person.hear(job, "answer", text="A red")
    person.click(".run-line button", "Cancel")
    assert job.cancelled.wait(5)
    person.until("return !document.querySelector('.live-entry')")
    assert person.one("#prompt-field").get_attribute("value") == QUESTION
    assert len(person.all(".slot[data-state=sent]")) == 1
    assert person.focused() == "prompt-field"
    assert not person.one("#history").is_displayed()
    assert person.said() == "Cancelled"


def test_failure_is_told_where_the_answer_would_be(person):
    person.open()
    person.choose()
    person.until_sent()
    person.service.refused["POST /api/jobs"] = (429, "Too many wait: try again in a moment.")
    person.one("#prompt-field").send_keys(QUESTION)
    person.click("#ask-button")
    assert person.told(".live-entry .failure p") == "Too many wait: try again in a moment."
    person.click(".failure button", "Ask again")
    job = person.service.new_jobs.get(timeout=10)
    message = f"Expected less, got 6 GiB: ask for a shorter answer. {HOSTILE}"
    person.hear(job, "answer", text="A red")
    job.say("failed", kind="memory-limit", message=message)
    person.until(
        "return document.querySelector('.failure p')?.textContent === arguments[0]", message
    )
    assert person.text(".live-entry .answer") == "A red"
    assert violations(person.driver) == []
    person.click(".failure button", "Change the question")
    assert person.one("#prompt-field").get_attribute("value") == QUESTION
    assert len(person.all(".slot[data-state=sent]")) == 1
    person.service.refused["GET /api/state"] = (500, "It failed.")
    person.one("#prompt-field").send_keys(" again", Keys.ENTER)
    assert person.service.new_jobs.get(timeout=10).asked["prompt"] == f"{QUESTION} again"


def test_failure_out_of_sight_is_told_in_sight(person):
    entry = person.service.add_entry(record_like("There is one tree."))
    person.open()
    person.click(".example")
    person.until_sent()
    job = person.ask()
    person.hear(job, "answer", text="A red")
    person.click(".card-open", "There is one tree.")
    person.until_shown(entry["id"])
    job.say("failed", kind="memory-limit", message="It was too long.")
    told = "“What is in this picture?” was not answered. It was too long."
    assert person.told("#notice .failure p") == told
    assert person.all(".card.pending") == []
    assert person.one("#prompt-field").get_attribute("value") == QUESTION
    person.click("#notice .failure button", "Close")
    assert person.all("#notice .failure") == []


def test_lost_connection_is_told_and_taken_up_again(person):
    person.open()
    person.click(".example")
    person.until_sent()
    person.service.broken_streams = 1
    job = person.ask()
    job.say("answer", text="A red")
    person.until("return document.querySelector('.run-line').dataset.lost === 'true'")
    assert person.text(".run-text") == "The connection is lost. Trying again …"
    person.hear(job, "answer", text="A red star")
    assert person.service.heard == [0, 1], "the browser says what it heard last"
    person.finish(job, person.service.add_entry(record_like("A red star")))


def test_server_that_is_not_there_at_first_is_tried_again(person):
    person.service.refused["GET /api/state"] = (401, "Open the address that `seewhy app` printed.")
    person.open()
    assert "Open the address" in person.told("#notice .failure p")
    assert violations(person.driver) == []
    person.choose()
    person.until_sent()
    person.one("#prompt-field").send_keys(QUESTION)
    person.click("#ask-button")
    assert person.service.new_jobs.get(timeout=10).asked["model"] == MODEL
    assert person.all("#notice .failure") == []


# ---- pictures


def test_several_pictures_are_dropped_pasted_and_taken_back(person):
    person.open()
    person.drop(person.file("star.png"), person.file("a second one.png", png(300, 500)))
    person.until_sent(2)
    assert not person.one(".drop-veil").is_displayed()
    names = [node.text for node in person.all(".slot-title")]
    assert names == ["star.png", "a second one.png"]
    known = {picture["name"]: picture["id"] for picture in person.service.pictures.values()}
    assert [node.text for node in person.all(".slot-facts")] == ["480 × 360", "300 × 500"]
    allowed = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    person.driver.execute_cdp_cmd(
        "Browser.grantPermissions", {"origin": person.url.rstrip("/"), "permissions": allowed}
    )
    person.run("""
        return fetch("/api/examples/0/picture").then((got) => got.blob()).then((blob) =>
          navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]));
    """)
    person.click("#prompt-field")
    ActionChains(person.driver).key_down(Keys.CONTROL).send_keys("v").key_up(Keys.CONTROL).perform()
    person.until_sent(3)
    person.all(".slot-remove")[1].click()
    person.until_sent(2)
    assert person.focused().startswith("Remove"), "the focus stays among the pictures"
    job = person.ask()
    assert job.asked["pictures"] == [known["star.png"], "p3"]
    assert len(person.all(".live-entry .pane")) == 2


def test_file_that_is_not_taken_is_told_beside_it(person):
    person.service.limits |= {"picture_bytes": 30_000, "pictures": 1}
    person.open()
    name = f"{HOSTILE.replace('/', '')} " + "long " * 30 + ".png"
    person.choose(person.file("star.png"), person.file(name, b"no picture"))
    person.choose(person.file("large.png", b"\0" * 40_000))
    person.until("return document.querySelectorAll('.slot[data-state=failed]').length === 2")
    wrong, large = [node.text for node in person.all(".slot[data-state=failed] .slot-error")]
    assert "choose a PNG or JPEG file" in wrong
    assert large.startswith("This file has 40 kB; the server takes at most 30 kB.")
    assert person.service.requests.count(("POST", "/api/pictures")) == 2, "it was not sent"
    assert person.run("return document.documentElement.scrollWidth") <= 1280
    assert violations(person.driver) == []
    person.click("#ask-button")
    assert "Remove the file" in person.told("#picture-error")
    for _ in range(2):
        person.click(".slot[data-state=failed] .slot-remove")
    assert person.all("#picture-error p") == []
    person.service.refused["POST /api/pictures"] = (429, "Too many at once.", "busy")
    person.choose(person.file("two.png"))
    assert person.told(".slot[data-state=failed] .slot-error").startswith("Too many at once.")
    person.click(".slot-error button", "Try again")
    person.until_sent(2)
    person.click("#ask-button")
    assert "At most 1 picture can be" in person.told("#picture-error")
    person.drop(str(person.folder))
    assert "A folder was dropped" in person.told("#notice .failure p")
    person.all(".slot-remove")[1].click()
    person.service.limits["prompt_characters"] = 10
    person.open()
    person.click(".example")
    person.until_sent()
    person.one("#prompt-field").send_keys(QUESTION, Keys.ENTER)
    assert "24 characters; at most 10" in person.told("#question-error")
    assert person.service.jobs == []


def test_twelve_megapixels_are_shown_and_asked_about(person):
    data = io.BytesIO()
    Image.new("RGB", (4000, 3000), (20, 90, 160)).save(data, "JPEG")
    person.open()
    person.choose(person.file("photo.jpg", data.getvalue()))
    person.until_sent()
    assert person.text(".slot-facts") == "4000 × 3000"
    person.until("return document.querySelector('.slot img').naturalWidth === 4000")
    person.ask()
    left, right, top, bottom = person.edges(
        ".live-entry .picture-frame", "left", "right", "top", "bottom"
    )
    assert (right - left) / (bottom - top) == pytest.approx(4 / 3, abs=0.01)


def test_long_and_right_to_left_answers_are_followed(person):
    long = " ".join(f"word{number}" for number in range(200))
    person.open()
    person.click(".example")
    person.until_sent()
    job = person.ask("ما هذا؟")
    person.hear(job, "answer", text="قطة حمراء")
    assert person.one(".live-entry .answer").get_attribute("dir") == "rtl"
    person.hear(job, "answer", text=long)
    assert person.one(".live-entry .answer").get_attribute("data-length") == "long"
    (bottom,) = person.edges(".run-line", "bottom")
    assert bottom <= 900, "the page follows what is written"
    assert re.fullmatch("Writing …(?: \\d+ s)?", person.text(".run-told"))
