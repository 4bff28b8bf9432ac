"""The app's page as a person uses it, with a server that says what the test says."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from browser.app_server import FakeService, Job, png, record_like, serve
from browser.axe import unfold, violations
from golden.records import PIECES, record_of

pytestmark = pytest.mark.browser

ANSWER = "".join(text for text, _ in PIECES)
QUESTION = "What is in this picture?"
HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


class Person:
    """Someone at the page."""

    def __init__(self, driver: WebDriver, service: FakeService, url: str, folder: Path) -> None:
        self.driver, self.service, self.url, self.folder = driver, service, url, folder

    def open(
        self, fragment: str = "", *, width: int = 1280, height: int = 900, touch: bool = False,
        media: dict[str, str] | None = None, path: str = "",
    ) -> Person:  # fmt: skip
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})
        features = [{"name": name, "value": value} for name, value in (media or {}).items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.driver.get("about:blank")
        self.driver.get(self.url + path + fragment)
        self.until("return 'ready' in document.documentElement.dataset")
        return self

    def until(self, script: str, *arguments: object) -> Any:
        waiting = WebDriverWait(self.driver, 10, poll_frequency=0.02)
        return waiting.until(lambda d: d.execute_script(script, *arguments), script)

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        self.until("return document.querySelector(arguments[0])", selector)
        return self.all(selector)[0]

    def text(self, selector: str) -> str:
        return self.one(selector).text

    def told(self, selector: str) -> str:
        """What an element says, once it says something."""
        self.until("return document.querySelector(arguments[0])?.textContent.trim()", selector)
        return self.text(selector)

    def click(self, selector: str, word: str = "") -> None:
        for node in self.all(selector):
            if node.is_displayed() and word in (
                node.text or node.get_attribute("aria-label") or ""
            ):
                node.click()
                return
        pytest.fail(f"nothing to click at {selector} {word}")

    def press(self, *keys: str) -> None:
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def focused(self) -> str:
        return self.run(
            "const e = document.activeElement; return e.getAttribute('aria-label') || e.id || "
            "e.textContent.trim().slice(0, 40)"
        )

    def said(self) -> str:
        """What a screen reader was told last."""
        return self.run("return document.querySelector('.seewhy-app > [aria-live]').textContent")

    # ---- files

    def file(self, name: str = "star.png", data: bytes | None = None) -> str:
        path = self.folder / name
        path.write_bytes(png() if data is None else data)
        return str(path)

    def choose(self, *paths: str) -> None:
        self.one("#files").send_keys("\n".join(paths or (self.file(),)))

    def drop(self, *paths: str, x: int = 300, y: int = 300) -> None:
        data = {"items": [], "files": list(paths), "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            event = {"type": kind, "x": x, "y": y, "data": data}
            self.driver.execute_cdp_cmd("Input.dispatchDragEvent", event)

    def until_sent(self, count: int = 1) -> None:
        self.until(
            "return document.querySelectorAll('.slot[data-state=sent]').length === arguments[0]",
            count,
        )

    # ---- asking

    def ask(self, question: str = QUESTION) -> Job:
        field = self.one("#prompt-field")
        field.clear()
        field.send_keys(question, Keys.ENTER)
        return self.service.new_jobs.get(timeout=10)

    def hear(self, job: Job, name: str, **data: Any) -> None:
        """Say something of a job, and wait until the page shows it."""
        job.say(name, **data)
        if name == "answer":
            shown = "return document.querySelector('.live-entry .answer')?.textContent"
            self.until(f"{shown} === arguments[0]", data["text"])

    def finish(self, job: Job, entry: dict[str, Any], **result: Any) -> None:
        job.say("done", result={"entry": entry, **result})
        self.until_shown(entry["id"])

    def until_shown(self, number: str) -> None:
        self.until(
            "return document.querySelector(`.entry[data-entry='${arguments[0]}']:not([hidden])`)",
            number,
        )

    def places(self) -> dict[str, list[float]]:
        """Where the picture, the question and the answer stand."""
        return self.run("""
            const places = {};
            for (const name of [".pane .picture-frame", ".prompt-block", ".answer"]) {
              const node = document.querySelector(`.entry:not([hidden]) ${name}`);
              const { left, top, width } = node.getBoundingClientRect();
              places[name] = [left, top, width].map((x) => Math.round(x));
            }
            return places;
        """)

    def cards(self) -> list[str]:
        return [node.text.split("\n")[0] for node in self.all(".card .card-text")]


Visit = Callable[..., Person]


@pytest.fixture(scope="module")
def service() -> Iterator[FakeService]:
    yield FakeService()


@pytest.fixture(scope="module")
def address(service: FakeService) -> Iterator[str]:
    server = serve(service)
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def person(
    chromium: WebDriver, service: FakeService, address: str, tmp_path: Path
) -> Iterator[Person]:
    """A person and an empty server; afterwards the console holds refused requests at most."""
    service.reset()
    chromium.get("about:blank")
    chromium.get_log("browser")
    yield Person(chromium, service, address, tmp_path)
    left = [line["message"] for line in chromium.get_log("browser")]
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.execute_script("try { localStorage.clear() } catch { }")
    chromium.get("about:blank")
    assert [line for line in left if "Failed to load resource" not in line] == []


def family(service: FakeService) -> list[str]:
    """Five entries: two made from the first, one of these changed again, one alone."""
    first = service.add_entry()
    second = service.add_entry(
        record_like("A house and a tree."), parent=first["id"], change="without the region"
    )
    service.add_entry(
        record_like("A star above the green house."), parent=first["id"], change="with another word"
    )
    service.add_entry(record_like("There is one tree.", prompt="How many trees are there?"))
    service.add_entry(record_like("A tree."), parent=second["id"], change="the region alone")
    return [entry["id"] for entry in service.entries]


# ---- a question


def test_page_begins_with_one_obvious_thing(person):
    person.open()
    assert person.text("h1") == "Ask about a picture"
    assert "Drop a picture here" in person.text(".drop")
    assert not person.one("#history").is_displayed()
    assert not person.one(".option-fields").is_displayed()
    assert [node.get_attribute("aria-label") for node in person.all(".example")] == [
        f"Drawn scene {number}" for number in range(1, 5)
    ]
    assert violations(person.driver) == []
    unfold(person.driver)
    assert violations(person.driver) == []
    person.click("#ask-button")
    assert person.told("#picture-error") == "! Choose a picture first." or person.told(
        "#picture-error"
    ).endswith("Choose a picture first.")
    assert person.focused() == "choose"
    assert person.service.jobs == []


@pytest.mark.parametrize(("width", "touch"), [(1280, False), (390, True)])
def test_answer_is_written_in_its_place_and_the_report_follows_without_a_jump(person, width, touch):
    person.open(width=width, height=844, touch=touch)
    person.choose()
    person.until_sent()
    job = person.ask()
    assert job.asked == {
        "kind": "explain", "pictures": ["p1"], "prompt": QUESTION, "model": person.service.state()["default_model"],
        "method": "logit-shares",
    }  # fmt: skip
    job.say("queued", position=2)
    person.until("return document.querySelector('.run-text').textContent.includes('2 other')")
    job.say("started")
    job.say("stage", text="loading the model")
    person.until("return document.querySelector('.run-text').textContent === 'Loading the model …'")
    assert person.said() == "Loading the model …"
    text = ""
    for piece, _ in PIECES[:9]:
        text += piece
        person.hear(job, "answer", text=text)
    assert person.text(".card.pending .card-answer") == "Being answered …"
    assert person.said() == "Writing …", "the words themselves are not read out one by one"
    assert person.all(".live-entry [aria-live]:not(.visually-hidden)") == []
    top, bottom = person.run(
        "const { top, bottom } = document.querySelector('.run-line').getBoundingClientRect();"
        "return [top, bottom]"
    )
    assert 0 <= top and bottom <= 844, "what is written is in sight"
    assert violations(person.driver) == []
    person.hear(job, "answer", text=ANSWER)
    before = person.places()
    job.say("stage", text="explaining")
    entry = person.service.add_entry(record_of(prompt=QUESTION))
    person.finish(job, entry)
    assert person.places() == before
    assert person.said() == f"Answered: {ANSWER}"
    assert person.text(".entry .answer").replace("\n", " ") == ANSWER
    assert person.cards() == [re.sub(r" \S+$", " …", ANSWER[:60])] or person.cards()[0].startswith(
        "A red star"
    )
    assert person.all(".live-entry") == []
    assert person.run("return document.documentElement.scrollWidth") <= width
    assert violations(person.driver) == []


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
    assert "rise · answer begun · at most 40 tokens · diagnosed · with layers" in person.text(
        ".options summary"
    )
    asked = person.ask("").asked
    assert asked["prompt"] == "Write a one-sentence caption for this image:"
    told = {
        name: asked[name]
        for name in ("method", "max_new_tokens", "answer_start", "diagnose", "layers")
    }
    assert told == {
        "method": "rise", "max_new_tokens": 40, "answer_start": "A cat on", "diagnose": True,
        "layers": True,
    }  # fmt: skip
    person.click(".run-line button", "Cancel")
    person.click(".options summary") if not person.one("#given").is_displayed() else None
    person.one("#answer-start").clear()
    person.one("#length").clear()
    person.one("#length").send_keys("9999")
    person.click("#ask-button")
    assert "from 1 to 512" in person.told("#options-error")
    person.one("#length").clear()
    person.one("#given").send_keys("A red star.")
    asked = person.ask("").asked
    assert asked["answer"] == "A red star."
    assert "answer_start" not in asked and "max_new_tokens" not in asked


def test_stop_keeps_what_is_written(person):
    person.open()
    person.click(".example")
    person.until_sent()
    job = person.ask()
    person.hear(job, "answer", text="A red star")
    person.click(".run-line button", "Stop")
    assert job.stopped.wait(5)
    assert "Stopping" in person.told(".run-text")
    assert person.focused() == "Cancel", "the focus does not go with the button"
    entry = person.service.add_entry(record_like("A red star"))
    person.finish(job, entry)
    assert person.text(".entry .answer") == "A red star"
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
    job = person.ask()
    message = f"Expected less, got 6 GiB: ask for a shorter answer. {HOSTILE}"
    person.hear(job, "answer", text="A red")
    job.say("failed", kind="memory-limit", message=message)
    assert person.told(".live-entry .failure p") == message
    assert person.text(".live-entry .answer") == "A red"
    assert violations(person.driver) == []
    person.click(".failure button", "Ask again")
    again = person.service.new_jobs.get(timeout=10)
    assert again.asked == job.asked
    again.say("failed", kind="memory-limit", message=message)
    person.told(".live-entry .failure p")
    person.click(".failure button", "Change the question")
    assert person.one("#prompt-field").get_attribute("value") == QUESTION
    assert len(person.all(".slot[data-state=sent]")) == 1


def test_question_that_the_server_refuses_is_kept(person):
    person.open()
    person.click(".example")
    person.until_sent()
    person.service.refused["POST /api/jobs"] = (429, "Too many wait: try again in a moment.")
    person.one("#prompt-field").send_keys(QUESTION)
    person.click("#ask-button")
    assert "Too many wait" in person.told(".failure p")
    person.service.limits["prompt_characters"] = 10
    person.open()
    person.click(".example")
    person.until_sent()
    person.one("#prompt-field").send_keys(QUESTION, Keys.ENTER)
    assert "24 characters; at most 10" in person.told("#question-error")


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
    person.driver.execute_cdp_cmd(
        "Browser.grantPermissions",
        {
            "origin": person.url.rstrip("/"),
            "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"],
        },
    )
    person.run("""
        const done = arguments[arguments.length - 1];
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


def test_file_that_is_no_picture_is_told_beside_it(person):
    person.open()
    name = f"{HOSTILE.replace('/', '')} " + "long " * 30 + ".png"
    person.choose(person.file("star.png"), person.file(name, b"no picture"))
    person.until("return document.querySelector('.slot[data-state=failed]')")
    assert "choose a PNG or JPEG file" in person.text(".slot[data-state=failed] .slot-error")
    assert person.run("return document.documentElement.scrollWidth") <= 1280
    assert violations(person.driver) == []
    person.click("#ask-button")
    assert "Remove the file" in person.told("#picture-error")
    person.click(".slot[data-state=failed] .slot-remove")
    assert person.all("#picture-error p") == []
    assert person.ask().asked["pictures"] == ["p1"]


def test_limits_are_told_before_anything_is_sent(person):
    person.service.limits |= {"picture_bytes": 1000, "pictures": 1}
    person.open()
    person.choose(person.file("large.png", png(900, 900)))
    error = person.told(".slot-error")
    assert re.fullmatch(r"This file has \d+ kB; the server takes at most 1 kB\. .*", error)
    assert ("POST", "/api/pictures") not in person.service.requests
    person.service.limits["picture_bytes"] = 10**7
    person.open()
    person.choose(person.file("one.png"), person.file("two.png"))
    person.until_sent(2)
    person.click("#ask-button")
    assert "At most 1 pictures" in person.told("#picture-error")


def test_twelve_megapixels_are_shown_and_asked_about(person):
    data = io.BytesIO()
    Image.effect_noise((400, 300), 60).convert("RGB").resize((4000, 3000)).save(data, "JPEG")
    person.open()
    person.choose(person.file("photo.jpg", data.getvalue()))
    person.until_sent()
    assert person.text(".slot-facts") == "4000 × 3000"
    person.until("return document.querySelector('.slot img').naturalWidth === 4000")
    job = person.ask()
    person.until("return document.querySelector('.live-entry .pane img')?.complete")
    width, height = person.run(
        "const { width, height } = document.querySelector('.picture-frame').getBoundingClientRect();"
        "return [width, height]"
    )
    assert width / height == pytest.approx(4 / 3, abs=0.01)
    job.say("failed", kind="x", message="y")


# ---- the history


def test_entries_are_reopened_from_what_was_read(person):
    numbers = family(person.service)
    person.open(f"#entry={numbers[1]}&word=1")
    person.until_shown(numbers[1])
    assert person.text(".unit.current") == "house"
    assert person.cards() == [
        "A red star shines above the blue house and a small green …", "A house and a tree.", "A tree.",
        "A star above the green house.", "There is one tree.",
    ]  # fmt: skip
    changes = [node.text for node in person.all(".card-change")]
    assert changes == ["without the region", "the region alone", "with another word"]
    assert len(person.all(".history-lines path")) == 3
    assert "without the region" in person.text(".lineage")
    assert violations(person.driver) == []
    person.click(".card-open", "There is one tree.")
    person.until_shown(numbers[3])
    assert f"entry={numbers[3]}" in person.driver.current_url
    assert person.one("#prompt-field").get_attribute("value") == "How many trees are there?"
    person.driver.back()
    person.until_shown(numbers[1])
    person.click(".lineage button")
    person.until_shown(numbers[0])
    person.all(".entry .answer .unit")[3].click()
    assert re.search(rf"#entry={numbers[0]}&word=3$", person.driver.current_url)
    person.click(".card-open", "A house and a tree.")
    person.until_shown(numbers[1])
    read = [
        path
        for method, path in person.service.requests
        if path.startswith("/api/entries/e") and "picture" not in path
    ]
    assert sorted(read) == sorted(
        f"/api/entries/{number}" for number in (numbers[1], numbers[3], numbers[0])
    )


def test_entries_are_deleted_after_a_question(person):
    numbers = family(person.service)
    person.open(f"#entry={numbers[3]}")
    person.until_shown(numbers[3])
    person.click(".menu-button.delete")
    assert person.focused() == "Delete"
    person.click(".menu-panel button", "Keep")
    assert len(person.all(".card")) == 5
    person.click(".menu-button.delete")
    person.click(".menu-panel .danger")
    person.until("return document.querySelectorAll('.card').length === 4")
    person.until(
        "return document.querySelector('.entry')?.dataset.entry !== arguments[0]", numbers[3]
    )
    assert ("DELETE", f"/api/entries/{numbers[3]}") in person.service.requests
    person.run("document.querySelector('.card-open[tabindex=\"0\"]').focus()")
    person.press(Keys.HOME)
    person.press(Keys.DELETE)
    assert person.text(".card.confirming").startswith("Delete for good?")
    person.press(Keys.ESCAPE)
    person.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.DELETE, Keys.ENTER)
    person.until("return document.querySelectorAll('.card').length === 3")
    assert "A tree." not in person.cards()


def test_last_entry_that_is_deleted_leaves_the_question(person):
    entry = person.service.add_entry()
    person.open(f"#entry={entry['id']}")
    person.until_shown(entry["id"])
    person.click(".menu-button.delete")
    person.click(".menu-panel .danger")
    person.until("return document.querySelector('.seewhy-app').dataset.mode === 'start'")
    assert not person.one("#history").is_displayed()
    assert "entry" not in person.driver.current_url


def test_entry_that_is_gone_is_told(person):
    person.open("#entry=nothing")
    assert person.told("#notice .failure p") == "This answer was deleted."
    assert person.one("#choose").is_displayed()


def test_answer_goes_on_while_another_one_is_looked_at(person):
    entry = person.service.add_entry(record_like("There is one tree."))
    person.open()
    person.click(".example")
    person.until_sent()
    job = person.ask()
    person.hear(job, "answer", text="A red")
    person.click(".card-open", "There is one tree.")
    person.until_shown(entry["id"])
    job.say("answer", text="A red star")
    person.click(".card.pending .card-open")
    person.until(
        "return document.querySelector('.live-entry:not([hidden]) .answer').textContent === 'A red star'"
    )
    person.click(".card-open", "There is one tree.")
    person.until_shown(entry["id"])
    new = person.service.add_entry(record_like("A red star"))
    job.say("done", result={"entry": new})
    person.until("return !document.querySelector('.card.pending')")
    assert (
        person.run("return document.querySelector('.entry:not([hidden])').dataset.entry")
        == entry["id"]
    )
    assert person.said() == "Answered: A red star"
    assert person.cards() == ["There is one tree.", "A red star"]


def test_answer_of_an_earlier_sitting_is_asked_again_by_another_question(person):
    entry = person.service.add_entry()
    person.open(f"#entry={entry['id']}")
    person.until_shown(entry["id"])
    job = person.ask("How many trees are there?")
    assert job.asked == {
        "kind": "reprompt",
        "entry": entry["id"],
        "prompt": "How many trees are there?",
    }
    changed = person.service.add_entry(
        record_like("One.", prompt="How many trees are there?"),
        parent=entry["id"],
        change="another question",
    )
    person.finish(job, changed, before=entry, diff=[])
    assert "another question" in person.text(".lineage")


# ---- taking away, and bringing back


def test_report_folder_and_figure_are_saved(person):
    entry = person.service.add_entry()
    downloads = {"behavior": "allow", "downloadPath": str(person.folder)}
    person.driver.execute_cdp_cmd("Browser.setDownloadBehavior", downloads)
    person.open(f"#entry={entry['id']}&word=2")
    person.until_shown(entry["id"])
    person.click(".menu-button.share")
    assert violations(person.driver) == []
    for name in ("Report", "Folder"):
        person.click(".menu-row", name)
    person.click(".menu-row", "Figure")
    number = entry["id"]
    wanted = {f"{number}-report.html", f"{number}-folder.zip", f"{number}-figure"}
    WebDriverWait(person.driver, 10).until(
        lambda _: wanted <= {path.name for path in person.folder.iterdir()}
    )
    assert (person.folder / f"{number}-report.html").read_bytes() == b"the file"
    assert person.service.queries[-1]["words"] == "2"
    person.service.refused[f"GET /api/entries/{number}/report.html"] = (507, "No room is left.")
    person.click(".menu-row", "Report")
    assert person.told(".menu-told .failure") == "No room is left."
    person.press(Keys.ESCAPE)
    assert not person.one(".share + .menu-panel").is_displayed()


def test_saved_folder_is_opened(person):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as folder:
        folder.writestr("explanation.json", "{}")
    person.open()
    person.one("#import-file").send_keys(person.file("wrong.zip", b"no zip"))
    assert "Expected a zip" in person.told("#import-error .failure p")
    person.drop(person.file("saved.zip", data.getvalue()))
    person.until_shown("e1")
    assert person.one("#prompt-field").get_attribute("value") == record_of().prompt.strip()
    person.one("#prompt-field").send_keys(" More?", Keys.ENTER)
    assert "is not here" in person.told("#question-error")


# ---- everybody


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
    person.press(Keys.ARROW_RIGHT)
    assert person.text(".unit.current") == "shines" or person.text(".unit.current")
    person.press("/")
    assert person.focused() == "prompt-field"
    person.press("n")
    assert person.one("#prompt-field").get_attribute("value").endswith("n")
    person.run("document.activeElement.blur()")
    person.press("n")
    assert person.focused() == "choose"
    assert person.one("#prompt-field").get_attribute("value").endswith("n")
    person.press("k")
    person.until_shown(entry["id"])


def test_phone_can_take_a_photo_and_needs_no_scrolling_aside(person):
    numbers = family(person.service)
    person.open(width=390, height=844, touch=True)
    camera = person.one("#camera")
    assert (camera.get_attribute("capture"), camera.get_attribute("accept")) == (
        "environment",
        "image/*",
    )
    assert person.one("#photo").is_displayed()
    assert "Drop a picture" not in person.text(".drop")
    wide = "return document.documentElement.scrollWidth"
    assert person.run(wide) == 390
    unfold(person.driver)
    assert person.run(wide) == 390
    assert violations(person.driver) == []
    person.choose(person.file("a" * 80 + ".png"), person.file("b.png"))
    person.until_sent(2)
    assert person.run(wide) == 390
    person.open(f"#entry={numbers[1]}", width=390, height=844, touch=True)
    person.until_shown(numbers[1])
    assert person.run(wide) == 390
    assert violations(person.driver) == []
    for name in ("share", "delete"):
        person.click(f".menu-button.{name}")
        left, right = person.run(
            "const { left, right } = document.querySelector(`.${arguments[0]} + .menu-panel`)"
            ".getBoundingClientRect(); return [left, right]",
            name,
        )
        assert 0 <= left and right <= 390


def test_dark_page_can_be_read_and_stays_dark(person):
    numbers = family(person.service)
    person.open(media={"prefers-color-scheme": "dark"})
    unfold(person.driver)
    assert (
        person.run("return getComputedStyle(document.querySelector('.seewhy-app')).backgroundColor")
        == "rgb(20, 21, 23)"
    )
    assert violations(person.driver) == []
    person.open(f"#entry={numbers[1]}", media={"prefers-color-scheme": "dark"})
    person.until_shown(numbers[1])
    person.click(".menu-button.delete")
    assert violations(person.driver) == []
    person.press(Keys.ESCAPE)
    person.click("#theme")
    person.open()
    assert person.run("return document.documentElement.dataset.theme") == "light"


def test_nothing_moves_for_who_wants_no_motion_and_forced_colours_keep_what_is_chosen(person):
    person.service.add_entry()
    person.open(media={"prefers-reduced-motion": "reduce", "forced-colors": "active"})
    person.click(".example")
    person.until_sent()
    job = person.ask()
    person.hear(job, "answer", text="A red star")
    assert (
        person.run(
            "return document.getAnimations().filter((one) => one.playState === 'running').length"
        )
        == 0
    )
    entry = person.service.add_entry(record_like("A red star"))
    person.finish(job, entry)
    border = person.run(
        "return getComputedStyle(document.querySelector('.card-open[aria-current]')).borderTopWidth"
    )
    assert border == "2px"


def test_long_and_right_to_left_answers(person):
    long = " ".join(f"word{number}" for number in range(200))
    person.open()
    person.click(".example")
    person.until_sent()
    job = person.ask("ما هذا؟")
    person.hear(job, "answer", text="قطة حمراء")
    assert person.one(".live-entry .answer").get_attribute("dir") == "rtl"
    person.hear(job, "answer", text=long)
    assert person.one(".live-entry .answer").get_attribute("data-length") == "long"
    bottom = person.run("return document.querySelector('.run-line').getBoundingClientRect().bottom")
    assert bottom <= 900, "the page follows what is written"
    job.say("failed", kind="x", message="y")
    person.told(".failure p")


def test_text_of_models_and_users_never_becomes_markup(person):
    entry = person.service.add_entry(record_like(f"A {HOSTILE} cat", prompt=HOSTILE))
    person.service.add_entry(record_like("Fine."), parent=entry["id"], change=HOSTILE)
    person.open("#entry=e2")
    person.until_shown("e2")
    assert HOSTILE in person.text(".lineage")
    person.click(".card-open", "A <img")
    person.until_shown("e1")
    job = person.ask(HOSTILE)
    person.hear(job, "answer", text=HOSTILE)
    job.say("stage", text=HOSTILE)
    person.until("return document.querySelector('.run-text').textContent.includes('onerror')")
    assert person.all("[onerror], [src=x], body script") == []


# ---- inside another page


def test_app_lives_in_an_element_of_another_page(person):
    person.service.add_picture("given", png())
    person.open(path="deep/host")
    ids = person.run("return [...document.querySelectorAll('[id]')].map(({id}) => id)")
    assert len(ids) == len(set(ids))
    assert person.run("return location.hash") == ""
    assert len(person.all("#cell .slot[data-state=sent]")) == 1
    assert person.run("return document.querySelector('#cell .seewhy-app').scrollWidth") <= 600
    person.click("#own")
    person.press("n")
    assert person.focused() == "own", "keys belong to the page unless the focus is inside"
    field = person.one("#cell textarea")
    assert field.get_attribute("value") == "What is this?"
    person.service.is_gone = True
    field.send_keys(Keys.ENTER)
    job = person.service.new_jobs.get(timeout=10)
    assert "The server does not answer" in person.told("#cell .failure p")
    assert person.all("#other .failure") == []
    person.service.is_gone = False
    person.click("#cell .failure button", "Ask again")
    job = person.service.new_jobs.get(timeout=10)
    entry = person.service.add_entry()
    person.finish(job, entry)
    assert person.run("return location.hash") == ""
    assert person.all("#other .card") == []
    job_before = len(person.service.jobs)
    person.one("#cell textarea").send_keys(Keys.ENTER)
    job = person.service.new_jobs.get(timeout=10)
    person.run("for (const one of mounts) one.unmount()")
    assert job.cancelled.wait(5), "a job ends with its app"
    assert len(person.service.jobs) == job_before + 1
    assert person.all(".seewhy-app") == []
    assert person.run("return outside.filter(({ live }) => live)") == []


def test_server_that_cannot_be_reached_at_first_is_tried_again(person):
    person.service.refused["GET /api/state"] = (401, "Open the address that `seewhy app` printed.")
    person.open()
    assert "Open the address" in person.told("#notice .failure p")
    assert violations(person.driver) == []
    person.click(".failure button", "Try again")
    person.one("#choose")
