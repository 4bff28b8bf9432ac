"""The tools beside an answer, as a person uses them, with a server that says what the test says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from browser.app_person import (  # noqa: F401 - fixtures
    Person,
    address,
    person,
    service,
)
from browser.app_server import Job, record_like
from browser.axe import violations
from golden.records import record_of
from golden.verdict_records import diagnosed_record
from seewhy.answer_diff import diff_of
from seewhy.comparison import Comparison
from seewhy.explanation import Explanation
from seewhy.report.payload import payload

pytestmark = pytest.mark.browser

STAR, SHINES, HOUSE, TREE = 2, 3, 7, 12
AFTER = "A blue boat shines above the blue house"
HOSTILE = '<img src=x onerror="window.broken=1"> & </script>'


class User(Person):
    """Someone at a shown answer."""

    def at(self, entry: dict[str, Any], **told: Any) -> User:
        self.open(f"#entry={entry['id']}", **told)
        self.until_shown(entry["id"])
        self.until("return document.querySelector('.entry .word-tools .tool')")
        return self

    def answer(self) -> list[WebElement]:
        return self.all(".entry .answer [role=option]")

    def draw(self, left: float, top: float, right: float, bottom: float) -> None:
        """A box, by parts of the picture's sides."""
        frame = self.one(".entry .picture-frame")
        self.run("arguments[0].scrollIntoView({ block: 'center' })", frame)
        width, height = frame.size["width"], frame.size["height"]
        actions = ActionChains(self.driver, duration=10)
        places = [(left, top), ((left + right) / 2, (top + bottom) / 2), (right, bottom)]
        for number, (x, y) in enumerate(places):
            dx, dy = round(width * (x - 0.5)), round(height * (y - 0.5))
            actions.move_to_element_with_offset(frame, dx, dy)
            if not number:
                actions.click_and_hold()
        actions.release().perform()

    def draw_star(self) -> None:
        self.draw(0.14, 0.04, 0.46, 0.44)

    def until_text(self, selector: str, text: str) -> None:
        """Wait until an element holds a text."""
        script = "return document.querySelector(arguments[0])?.textContent.includes(arguments[1])"
        self.until(script, selector, text)

    def job(self) -> Job:
        return self.service.new_jobs.get(timeout=10)

    def shown_word(self) -> str:
        return self.text(".entry .details h2")


@pytest.fixture
def user(person: Person) -> User:  # noqa: F811 - a fixture
    return User(person.driver, person.service, person.url, person.folder)


def effect(**lost: float) -> list[dict[str, Any]]:
    """What each word of the golden answer loses; words are named by their numbers."""
    words = []
    for index, word in enumerate(record_of().words):
        drop = lost.get(f"w{index}", 0.0)
        words.append(
            {
                "word": index, "text": word.text, "before": -0.05, "after": -0.05 - drop,
                "lost": drop, "control": 0.02, "repeats": None,
            }
        )  # fmt: skip
    return words


def changed(user: User, text: str | None, change: str, parent: str) -> dict[str, Any]:
    """The result of a job after which there is another answer."""
    before = next(one for one in user.service.entries if one["id"] == parent)
    entry = user.service.add_entry(record_like(text), parent=parent, change=change)
    diff = diff_of(Explanation(record_of()), Explanation(record_like(text)))
    return {"entry": entry, "before": before, "diff": [part.to_json() for part in diff]}


# ---- a region


def test_measure_shows_what_each_word_loses_beside_what_its_map_says(user):
    entry = user.service.add_entry()
    user.at(entry).draw_star()
    user.click(".region-change .tool", "Measure")
    job = user.job()
    region = job.asked.pop("region")
    assert job.asked == {"kind": "effect", "entry": "e1", "change": "erase", "fill": "blur"}
    assert (region["kind"], region["view"]) == ("box", 0)
    assert region["points"][0] == [pytest.approx(67, abs=2), pytest.approx(14, abs=2)]
    job.say("stage", text="reading the answer")
    user.until_text(".region-change .run-text", "Reading")
    assert not user.all(".region-change .tool")[0].is_enabled()
    words = effect(w2=4.2, w1=1.5, w12=-0.3)
    picture = user.service.add_picture("changed.png", (user.folder / user.file()).read_bytes())
    job.say("done", result={"words": words, "picture": picture["url"], "notes": ["A note."]})
    user.one(".effect-table")
    rows = [row.text for row in user.all(".effect-table tbody tr")[:2]]
    assert rows[0].startswith("star 95 % → 1.4 % 4.20 0.02 ")
    assert rows[1].startswith("red 95 % → 21 % 1.50 0.02 ")
    assert "“star” falls from 95 % to 1.4 %." in user.text(".effect-head")
    # "shines" has much of its map there, and loses nothing: that is said.
    assert "The map says more than the change for “shines”" in user.text(".effect-head")
    assert "A note." in user.text(".effect")
    assert len(user.all(".effect-table tbody tr:not([hidden])")) == 8
    user.click(".effect .tool.small")
    gained = user.all(f".effect-table tr[data-word='{TREE}']")[0]
    assert "gained 0.30" in gained.text
    strength = "return getComputedStyle(arguments[0]).getPropertyValue('--strength')"
    assert user.run(strength, user.answer()[STAR]) == "1.000"
    assert user.run("return document.querySelector('.effect img').complete")
    assert violations(user.driver) == []
    user.all(".region-change [data-value=mean]")[0].click()
    assert user.all(".effect-table") == [], "it was measured with another filling"
    assert user.run(strength, user.answer()[STAR]) != "1.000"
    assert "the last one took" in user.text(".region-change")


def test_rubbed_out_and_asked_again_shows_both_pictures_and_what_went_and_came(user):
    entry = user.service.add_entry()
    user.at(entry).draw_star()
    user.click(".region-change .tool", "Rub out and ask again")
    job = user.job()
    told = {name: job.asked[name] for name in ("kind", "change", "fill")}
    assert told == {"kind": "change", "change": "erase", "fill": "blur"}
    job.say("answer", text="A blue")
    user.until_text(".region-change .tool-written", "A blue")
    job.say("done", result=changed(user, AFTER, "a region was erased (blur)", entry["id"]))
    panel = user.one(".tool-panel.answers")
    gone = [node.text for node in panel.find_elements(By.TAG_NAME, "del")]
    come = [node.text for node in panel.find_elements(By.TAG_NAME, "ins")]
    assert gone == [
        *("red", "star", "and", "a", "small", "green", "tree"),
        *("stands", "to", "the", "right", "of", "it", "."),
    ]
    assert come == ["blue", "boat"]
    # Not by colour alone.
    line = "return getComputedStyle(arguments[0]).textDecorationLine"
    assert user.run(line, panel.find_element(By.TAG_NAME, "del")) == "line-through"
    assert user.run(line, panel.find_element(By.TAG_NAME, "ins")) == "underline"
    texts = [node.text for node in user.all(".answers-text")]
    assert texts == [record_of().answer, AFTER]
    assert user.text(".answers-summary").startswith("Went: red, star, and, a, ")
    assert "Came: blue, boat." in user.text(".answers-summary")
    assert "Came: blue, boat." in user.said()
    sources = [node.get_attribute("src") for node in user.all(".answers-column img")]
    assert [str(one).split("/api")[1] for one in sources] == [
        f"/entries/{number}/picture/0" for number in ("e1", "e2")
    ]
    assert user.run("return document.activeElement.textContent") == "Before and after"
    assert violations(user.driver) == []
    user.all(".answers-column[data-side=del] button")[TREE].click()
    assert user.shown_word() == "tree"
    user.all(".answers-column[data-side=ins] ins button")[1].click()
    user.until_shown("e2")
    user.until_text(".entry .details h2", "boat")


def test_answer_that_stays_the_same_is_said_to_do_so(user):
    entry = user.service.add_entry()
    user.at(entry).draw_star()
    user.click(".region-change .tool.primary")
    result = changed(user, None, "a region was erased (blur)", entry["id"])
    assert [part["kind"] for part in result["diff"]] == ["same"]
    user.job().say("done", result=result)
    assert user.told(".answers-summary") == "The answer is the same, word for word."
    user.click(".tool-panel .tool-close")
    assert user.all(".tool-panel") == []
    assert user.focused() == "Rub out and ask again"
    assert user.all(".region-word")[0].is_displayed(), "the region is still there"


def test_region_is_kept_alone_or_moved(user):
    user.at(user.service.add_entry()).draw_star()
    user.all(".region-change [data-value=keep]")[0].click()
    assert not user.one(".region-change [data-value=mean]").is_displayed()
    user.click(".region-change .tool.primary", "Keep only this and ask again")
    job = user.job()
    assert job.asked["change"] == "keep"
    job.say("failed", kind="region", message="Expected a larger region.")
    assert user.told(".region-change .failure") == "Expected a larger region."
    user.all(".region-change [data-value=move]")[0].click()
    copy = user.one(".move-copy")
    frame = user.one(".entry .picture-frame")
    assert copy.size["width"] == pytest.approx(0.32 * frame.size["width"], abs=3)
    label = copy.get_attribute("aria-label") or ""
    assert label.startswith("Where it goes: its middle at ")
    before = copy.rect
    ActionChains(user.driver, duration=10).drag_and_drop_by_offset(copy, 20, 60).perform()
    assert (copy.rect["x"] - before["x"], copy.rect["y"] - before["y"]) == (
        pytest.approx(20, abs=2), pytest.approx(60, abs=2),
    )  # fmt: skip
    user.run("arguments[0].focus()", copy)
    user.press(Keys.ARROW_DOWN)
    assert copy.rect["y"] > before["y"] + 61
    assert violations(user.driver) == []
    user.click(".region-change .tool", "Measure")
    asked = user.job().asked
    middle = [
        (copy.rect[at] + copy.size[side] / 2 - frame.rect[at]) / frame.size[side] * pixels
        for at, side, pixels in (("x", "width", 480), ("y", "height", 360))
    ]
    assert asked["to"] == pytest.approx(middle, abs=2)
    user.click(".region-clear")
    assert user.all(".move-copy") == []


def test_region_journey_by_keyboard_alone(user):
    user.at(user.service.add_entry())
    user.answer()[STAR].click()
    user.press("r")
    assert user.run("return document.activeElement.className") == "region-surface"
    user.press(Keys.ENTER, *[Keys.ARROW_UP] * 8, *[Keys.ARROW_LEFT] * 8)
    for _ in range(40):
        user.press(Keys.TAB)
        if user.focused() == "Measure":
            break
    user.press(Keys.ENTER)
    job = user.job()
    assert user.focused() == "Cancel"
    job.say("done", result={"words": effect(w2=2.0), "picture": "/api/entries/e1/picture/0"})
    user.one(".effect-table")
    assert user.focused() == "Without this place"


# ---- words


def test_edited_word_is_gone_on_from(user):
    entry = user.service.add_entry()
    user.at(entry)
    user.answer()[STAR].click()
    user.click(".word-tools .tool", "Edit")
    field = user.one(".edit-text input")
    assert (field.get_attribute("value"), field.accessible_name) == ("star", "In place of “star”")
    assert user.text(".edit-text").startswith("A red")
    assert user.run("return document.activeElement === arguments[0]", field)
    # Letters that are shortcuts elsewhere are written, and nothing else.
    field.clear()
    field.send_keys("tmp")
    assert user.run("return document.querySelector('.answer').dataset.segmentation") == "words"
    assert violations(user.driver) == []
    field.clear()
    field.send_keys(Keys.ENTER)
    assert user.service.jobs == [], "nothing is no word"
    field.send_keys("boat", Keys.ENTER)
    job = user.job()
    assert job.asked == {"kind": "continue", "entry": "e1", "word": STAR, "replacement": "boat"}
    job.say("answer", text="A red boat sails")
    user.until_text(".edit-text .tool-written", " sails")
    job.say("done", result=changed(user, "A red boat sails above the blue house", "word 3", "e1"))
    user.one(".tool-panel.answers")
    assert user.all(".answers-column img") == [], "the picture is the same"
    assert [node.text for node in user.all("ins")] == ["boat", "sails"]


def test_panel_closes_with_escape_and_gives_the_focus_back(user):
    user.at(user.service.add_entry())
    user.answer()[STAR].click()
    user.click(".word-tools .tool", "Edit")
    assert user.all(".word-tools .tool")[0].get_attribute("aria-expanded") == "true"
    user.press(Keys.ESCAPE)
    assert user.all(".tool-panel") == []
    assert user.focused() == "Edit"
    assert user.all(".entry .unit.pin-a") != [], "the pin stays"
    user.press(Keys.ENTER)
    user.click(".answer-tools .tool", "Ask differently")
    assert [node.text for node in user.all(".tool-panel h2")] == [
        "The same picture, another question"
    ], "one panel at a time"


def test_candidate_asks_why_the_word_and_not_the_other(user):
    user.at(user.service.add_entry())
    user.answer()[TREE].click()
    user.click(".candidate", "and")
    job = user.job()
    assert job.asked == {"kind": "contrast", "entry": "e1", "word": TREE, "alternative": "and"}
    assert user.text(".tool-panel h2") == "Why “tree” and not “and”"
    record = record_of(contrasts=((TREE, "and"),))
    new = user.service.add_entry(record, parent="e1", change="why “tree” and not “and”")
    job.say("done", result={"entry": new})
    user.until_shown("e2")
    user.until_text(".entry .details h2", "tree")
    assert "and not: and" in user.shown_word()


def test_contrast_with_a_word_that_is_written(user):
    user.at(user.service.add_entry())
    user.answer()[TREE].click()
    user.click(".word-tools .tool", "Why not")
    field = user.one(".tool-panel.contrast input")
    options = [node.get_attribute("value") for node in user.all(".tool-panel.contrast option")]
    assert options == ["and", "</b>", "on"]
    field.send_keys("bush", Keys.ENTER)
    assert user.job().asked["alternative"] == "bush"
    user.click(".tool-panel .run-line button", "Cancel")
    user.until("return !document.querySelector('.tool-panel .run-line')")
    assert user.said() == "Cancelled"
    assert user.service.jobs[0].cancelled.wait(5)


def test_verdict_of_a_word_shows_its_progress_and_keeps_the_word(user):
    plain = replace(diagnosed_record(), verdicts=None)
    entry = user.service.add_entry(plain)
    user.at(entry)
    assert user.text(".entry .verdict-note").endswith("To find that out, choose “Verdict” above.")
    user.answer()[HOUSE].click()
    user.click(".word-tools .tool", "Verdict")
    job = user.job()
    assert job.asked == {"kind": "diagnose", "entry": "e1", "words": [HOUSE]}
    job.say("stage", text="changing the picture")
    user.until_text(".run-text", "Changing")
    verdicts = diagnosed_record().verdicts
    assert verdicts is not None
    some = tuple(v if i == HOUSE else None for i, v in enumerate(verdicts))
    user.service.payloads["e1"] = payload(replace(plain, verdicts=some))
    job.say("done", result={"entry": entry})
    user.one(".entry .verdict-head")
    assert user.shown_word() == "house"
    assert user.said().startswith("house: ")
    button = user.all(".word-tools .tool")[2]
    assert button.get_attribute("aria-disabled") == "true"
    assert button.get_attribute("title") == "It has a verdict already: see below."
    button.click()
    assert len(user.service.jobs) == 1


def test_verdicts_of_all_words_can_be_cancelled(user):
    user.at(user.service.add_entry())
    user.click(".answer-tools .tool", "Verdicts")
    assert user.service.jobs == [], "it begins when it is told to"
    user.click(".tool-panel .tool.primary", "Find out for all 20 words")
    job = user.job()
    assert job.asked == {"kind": "diagnose", "entry": "e1"}
    user.click(".tool-panel .run-line button", "Cancel")
    assert job.cancelled.wait(5)
    user.until("return !document.querySelector('.run-line')")
    assert user.one(".tool-panel .tool.primary").is_enabled()


def test_other_question_about_the_same_picture(user):
    user.at(user.service.add_entry())
    user.click(".answer-tools .tool", "Ask differently")
    field = user.one(".tool-panel textarea")
    assert field.get_attribute("value") == record_of().prompt.strip()
    field.clear()
    field.send_keys("What is red?")
    user.click(".tool-panel .tool.primary", "Ask")
    job = user.job()
    assert job.asked == {"kind": "reprompt", "entry": "e1", "prompt": "What is red?"}
    job.say("answer", text="The")
    user.until_text(".tool-panel .tool-written", "The")
    job.say("done", result=changed(user, "The star.", "another question", "e1"))
    assert user.told(".tool-panel.answers h2") == "Before and after"


# ---- side by side


def compared() -> Any:
    one, other = record_of(), record_of(seed=1)
    return Comparison.of([Explanation(one), Explanation(other)], labels=["one", "other"]).payload


def test_methods_are_put_side_by_side(user):
    user.at(user.service.add_entry())
    user.click(".answer-tools .tool", "Side by side")
    boxes = user.all(".compare-choice input")
    assert [box.is_selected() for box in boxes] == [True, False]
    assert [box.is_enabled() for box in boxes] == [False, True]
    assert not user.one(".tool-panel .tool.primary").is_enabled()
    assert user.text(".tool-panel .tool-reason").endswith("Choose one to three more methods.")
    assert "RISE (slow)" in user.text(".compare-choices")
    boxes[1].click()
    assert violations(user.driver) == []
    user.click(".tool-panel .tool.primary", "Compare")
    job = user.job()
    assert job.asked == {"kind": "compare", "entry": "e1", "methods": ["rise"]}
    job.say("done", result={"comparison": compared(), "url": "/api/comparisons/c1.html"})
    user.one(".tool-panel .seewhy-comparison")
    user.until("return document.querySelectorAll('.seewhy-comparison canvas').length >= 2")
    link = user.one(".tool-panel.comparison .tool-head a")
    assert str(link.get_attribute("href")).endswith("/api/comparisons/c1.html")
    ids = user.run("return [...document.querySelectorAll('[id]')].map(({ id }) => id)")
    assert len(ids) == len(set(ids))
    assert violations(user.driver) == []
    user.click(".tool-panel.comparison .tool-close")
    assert user.all(".seewhy-comparison") == []
    assert user.focused() == "Side by side"


def test_models_pictures_and_answers_are_put_side_by_side(user):
    entry = user.service.add_entry()
    user.service.add_entry(record_like("A house."), parent="e1", change="without the star")
    for number in range(4):
        user.service.add_entry(record_like(f"House number {number}."))
    user.at(entry)
    user.click(".answer-tools .tool", "Side by side")
    user.all(".tool-panel [data-value=models]")[0].click()
    user.all(".compare-choice input")[1].click()
    user.click(".tool-panel .tool.primary")
    assert user.job().asked == {
        "kind": "compare", "entry": "e1", "models": [user.service.state()["models"][1]["name"]],
    }  # fmt: skip
    user.click(".tool-panel .run-line button", "Cancel")
    user.all(".tool-panel [data-value=pictures]")[0].click()
    user.one(".compare-files input").send_keys(user.file("other.png"))
    user.until_text(".compare-choice", "other.png")
    user.until("return !document.querySelector('.tool-panel .tool.primary').disabled")
    user.click(".tool-panel .tool.primary")
    assert user.job().asked == {"kind": "compare", "entry": "e1", "pictures": ["p1"]}
    user.click(".tool-panel .run-line button", "Cancel")
    user.all(".tool-panel [data-value=entries]")[0].click()
    boxes = user.all(".compare-choice input")
    assert len(boxes) == 6
    for box in boxes[1:4]:
        box.click()
    assert "Four is the most." in user.text(".tool-panel .tool-reason")
    assert [box.is_enabled() for box in boxes] == [False, True, True, True, False, False]
    boxes[1].click()
    assert boxes[4].is_enabled()
    user.click(".tool-panel .tool.primary")
    asked = user.job().asked
    assert asked["kind"] == "compare"
    assert asked["entries"][0] == "e1"
    assert len(asked["entries"]) == 3


# ---- what cannot be asked, failures, leaving


def test_imported_answer_says_why_it_cannot_be_asked_and_can_be_compared(user):
    entry = user.service.add_entry(can_ask=False)
    user.service.add_entry(record_like("A house."))
    user.open(f"#entry={entry['id']}")
    user.one(".answer-tools")
    reason = user.text(".answer-tools .tool-reason")
    assert "its model “seewhy/tiny-qwen2-vl” is not here" in reason
    user.draw_star()
    assert len(user.all(".region-word")) == 6, "maps are in the page: they need no model"
    for button in user.all(".region-change .tool, .word-tools .tool"):
        assert button.get_attribute("aria-disabled") == "true"
        assert "is not here" in str(button.get_attribute("title"))
        button.click()
    assert user.service.jobs == []
    user.click(".answer-tools .tool", "Side by side")
    user.all(".compare-choice input")[1].click()
    user.click(".tool-panel .tool.primary")
    assert user.job().asked == {"kind": "compare", "entries": ["e1", "e2"]}


def test_method_that_cannot_contrast_says_so(user):
    entry = user.service.add_entry()
    entry["method"] = "rise(masks=10)"
    user.at(entry)
    user.answer()[TREE].click()
    button = user.all(".word-tools .tool")[1]
    assert "“RISE” cannot explain one word against another" in str(button.get_attribute("title"))
    user.click(".candidate", "and")
    assert "cannot explain one word against another" in user.told(".tool-panel .tool-reason")
    assert user.service.jobs == []


def test_failure_is_told_where_it_happened_and_can_be_tried_again(user):
    user.at(user.service.add_entry())
    user.answer()[STAR].click()
    user.click(".word-tools .tool", "Edit")
    waits = "Too many questions wait. Try again in a minute."
    user.service.refused["POST /api/jobs"] = (429, waits)
    field = user.one(".edit-text input")
    field.clear()
    field.send_keys("boat", Keys.ENTER)
    assert user.told(".tool-panel .failure") == waits
    assert field.get_attribute("value") == "boat"
    field.send_keys(Keys.ENTER)
    assert user.job().asked["replacement"] == "boat"


def test_leaving_the_answer_cancels_what_was_asked_of_it(user):
    user.at(user.service.add_entry())
    other = user.service.add_entry(record_like("A house."))
    user.at(user.service.entries[0]).draw_star()
    user.click(".region-change .tool.primary")
    job = user.job()
    user.until("return document.querySelectorAll('.card-open').length === 2")
    user.all(".card-open")[1].click()
    user.until_shown(other["id"])
    assert job.cancelled.wait(5)
    assert user.all(".tool-panel, .effect-table, .move-copy") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tools_on_a_phone(user, scheme):
    entry = user.service.add_entry()
    user.at(entry, width=390, height=844, touch=True, media={"prefers-color-scheme": scheme})
    user.run("document.querySelector('.region-open').click()")
    user.run("document.querySelector('.region-surface').focus()")
    user.press(Keys.ENTER)
    user.run("document.querySelector('.region-change .tool').click()")
    job = user.job()
    job.say("done", result={"words": effect(w2=2.0), "picture": "/api/entries/e1/picture/0"})
    user.one(".effect-table")
    width = "return document.documentElement.scrollWidth"
    assert user.run(width) <= 390
    user.run("document.querySelector('.region-change .tool.primary').click()")
    user.job().say("done", result=changed(user, AFTER, "a region was erased (blur)", "e1"))
    user.one(".tool-panel.answers")
    assert user.run(width) <= 390
    assert violations(user.driver) == []


def test_words_of_a_model_and_a_user_stay_text(user):
    record = record_like(f"{HOSTILE} star")
    entry = user.service.add_entry(record)
    user.at(entry)
    user.answer()[0].click()
    user.click(".word-tools .tool", "Edit")
    field = user.one(".edit-text input")
    field.clear()
    field.send_keys(HOSTILE, Keys.ENTER)
    job = user.job()
    job.say("stage", text=HOSTILE)
    job.say("answer", text=f"{HOSTILE} <img src=x>")
    user.until_text(".edit-text .tool-written", "img")
    new = user.service.add_entry(record_like(f"{HOSTILE} moon"), parent="e1", change=HOSTILE)
    diff = [{"kind": "added", "text": HOSTILE, "before": [], "after": [0, 1]}]
    job.say("done", result={"entry": new, "before": entry, "diff": diff})
    panel = user.one(".tool-panel.answers")
    assert HOSTILE in panel.find_element(By.CSS_SELECTOR, ".answers-change").text
    assert panel.find_elements(By.CSS_SELECTOR, "img, script") == []
    user.draw(0.1, 0.1, 0.9, 0.9)
    user.click(".region-change .tool", "Measure")
    words = [
        {"word": i, "before": -0.1, "after": -2.0, "lost": 1.9} for i in range(len(record.words))
    ]
    picture = "/api/entries/e1/picture/0"
    user.job().say("done", result={"words": words, "picture": picture, "notes": [HOSTILE]})
    user.one(".effect-table")
    assert [node.tag_name for node in user.all(".effect script, .effect td img")] == []
    assert user.run("return window.broken") is None
