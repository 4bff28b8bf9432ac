"""The answers of a sitting: opened again, deleted, taken away, brought back."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from browser.app_person import HOSTILE, family
from browser.app_server import record_like
from browser.axe import violations
from golden.records import record_of

pytestmark = pytest.mark.browser


def test_entries_are_reopened_from_what_was_read(person):
    numbers = family(person.service)
    person.open(f"#entry={numbers[1]}&word=1")
    person.until_shown(numbers[1])
    assert person.text(".unit.current") == "house"
    assert person.cards() == [
        "A red star shines above the blue house and a small green …", "A house and a tree.",
        "A tree.", "A star above the green house.", "There is one tree.",
    ]  # fmt: skip
    changes = [node.text for node in person.all(".card-change")]
    assert changes == ["without the region", "the region alone", "with another word"]
    assert len(person.all(".history-lines path")) == 3
    assert "without the region" in person.text(".lineage")
    person.click(".menu-button.share")
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
    read = [path for _, path in person.service.requests if re.fullmatch("/api/entries/e.", path)]
    assert sorted(read) == [f"/api/entries/{numbers[at]}" for at in (0, 1, 3)]


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
    person.until_shown(numbers[2])
    assert ("DELETE", f"/api/entries/{numbers[3]}") in person.service.requests
    person.run("document.querySelector('.card-open[tabindex=\"0\"]').focus()")
    person.press(Keys.HOME)
    person.press(Keys.DELETE)
    assert person.text(".card.confirming").startswith("Delete for good?")
    person.press(Keys.ESCAPE)
    assert len(person.all(".card")) == 4
    person.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.DELETE, Keys.ENTER)
    person.until("return document.querySelectorAll('.card').length === 3")
    assert "A tree." not in person.cards()
    for left in (2, 1, 0):
        person.click(".menu-button.delete")
        person.click(".menu-panel .danger")
        person.until("return document.querySelectorAll('.card').length === arguments[0]", left)
        person.until("return !document.querySelector('.confirming')")
        shown = "return (document.querySelector('.entry:not([hidden])') !== null) === arguments[0]"
        person.until(shown, left > 0)
    assert person.run("return document.querySelector('.seewhy-app').dataset.mode") == "start"
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
    live = "return document.querySelector('.live-entry:not([hidden]) .answer')?.textContent"
    person.until(f"{live} === 'A red star'")
    person.click(".card-open", "There is one tree.")
    person.until_shown(entry["id"])
    job.say("done", result={"entry": person.service.add_entry(record_like("A red star"))})
    person.until("return !document.querySelector('.card.pending, .live-entry')")
    shown = person.one(".entry:not([hidden])").get_attribute("data-entry")
    assert shown == entry["id"], "nobody is taken away from what they read"
    assert person.said() == "Answered: A red star"
    assert person.cards() == ["There is one tree.", "A red star"]


def test_answer_that_was_opened_is_asked_again_by_another_question(person):
    entry = person.service.add_entry()
    person.open(f"#entry={entry['id']}")
    person.until_shown(entry["id"])
    person.click("#options-toggle")
    assert "asked again with its own model" in person.text(".option-note")
    assert not person.one("#method").is_enabled()
    question = "How many trees are there?"
    job = person.ask(question)
    assert job.asked == {"kind": "reprompt", "entry": entry["id"], "prompt": question}
    changed = person.service.add_entry(
        record_like("One.", prompt=question), parent=entry["id"], change="another question"
    )
    person.finish(job, changed, before=entry, diff=[])
    assert "another question" in person.text(".lineage")


def test_report_folder_and_figure_are_saved(person):
    number = person.service.add_entry()["id"]
    downloads = {"behavior": "allow", "downloadPath": str(person.folder)}
    person.driver.execute_cdp_cmd("Browser.setDownloadBehavior", downloads)
    person.open(f"#entry={number}&word=2")
    person.until_shown(number)
    person.click(".menu-button.share")
    for name in ("Report", "Folder", "Figure"):
        person.click(".menu-row", name)
    wanted = {f"{number}-report.html", f"{number}-folder.zip", f"{number}-figure"}
    WebDriverWait(person.driver, 10, 0.02).until(
        lambda _: wanted <= {path.name for path in person.folder.iterdir()}
    )
    assert (person.folder / f"{number}-report.html").read_bytes() == b"the file"
    assert person.service.queries[-1] == {"words": "2", "format": "pdf", "layout": "row"}
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
