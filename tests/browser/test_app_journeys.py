"""Whole journeys through the app, with its own server and the model that ships with the package."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from browser.test_app_tools import User
from seewhy.testbed.scenes import draw, scene

pytestmark = pytest.mark.browser
pytest.importorskip("fastapi")

PATIENCE_S = 60
THING = "umbrella"


@pytest.fixture(scope="module")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app's server with the shipped model, on a free port of this machine."""
    from seewhy.app.access import Access
    from seewhy.app.service import Service
    from seewhy.app.serving import bound_socket, server_of

    service = Service(folder=tmp_path_factory.mktemp("app"))
    listening = bound_socket("127.0.0.1", None)
    port = listening.getsockname()[1]
    server = server_of(service, Access("127.0.0.1", port, None))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join(30)
    service.close()
    listening.close()
    assert not thread.is_alive()


class Visitor(User):
    """Someone at the real app."""

    def until(self, script: str, *arguments: object):
        waiting = WebDriverWait(self.driver, PATIENCE_S, poll_frequency=0.03)
        return waiting.until(lambda d: d.execute_script(script, *arguments), script)

    def ask_about_example(self) -> None:
        self.until("return document.querySelector('.example')")
        self.all(".example")[0].click()
        self.until("return document.querySelector('.slot[data-state=sent]')")
        field = self.one("#prompt-field")
        field.clear()
        field.send_keys("Describe the picture.")
        self.click("#ask-button")
        self.until("return document.querySelector('.entry .word-tools .tool')")

    def place_of(self, text: str) -> int:
        return [node.text for node in self.answer()].index(text)

    def rows(self) -> dict[str, tuple[str, float]]:
        """What each word lost: the first of several with the same text."""
        found: dict[str, tuple[str, float]] = {}
        self.click(".effect .tool.small")
        for row in self.all(".effect-table tbody tr"):
            name = row.find_element(By.TAG_NAME, "th").text
            cells = [cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
            lost = 0.0 if cells[1].startswith("gained") else float(cells[1])
            found.setdefault(name, (cells[0], lost))
        return found


@pytest.fixture
def visitor(chromium: WebDriver, app_url: str, tmp_path: Path) -> Iterator[Visitor]:
    chromium.get("about:blank")
    chromium.get_log("browser")
    yield Visitor(chromium, None, app_url, tmp_path)  # type: ignore[arg-type] - nothing is faked
    assert chromium.get_log("browser") == []
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.get("about:blank")


def box_of(kind: str) -> tuple[float, float, float, float]:
    """The box around a thing of the first example, by parts of the picture's sides."""
    drawn = scene(0, "heldout")
    index = next(i for i, thing in enumerate(drawn.objects) if thing.kind == kind)
    mask = draw(drawn).masks[index]
    height, width = mask.shape
    down, across = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    edge = 0.01
    return (
        max(across[0] / width - edge, 0.005), max(down[0] / height - edge, 0.005),
        min((across[-1] + 1) / width + edge, 0.995), min((down[-1] + 1) / height + edge, 0.995),
    )  # fmt: skip


def test_thing_is_boxed_its_words_are_read_it_is_rubbed_out_and_its_word_goes(visitor):
    visitor.open()
    visitor.ask_about_example()
    assert THING in [node.text for node in visitor.answer()]
    visitor.draw(*box_of(THING))
    words = [node.text for node in visitor.all(".region-word .name")]
    assert {"red", THING} == set(words[:2]), "the words of the thing come from there"
    visitor.click(".region-change .tool", "Measure")
    visitor.one(".effect-table")
    rows = visitor.rows()
    assert rows[THING][1] > 2
    assert rows["red"][1] > 2
    assert rows["mushroom"][1] < 0.5
    visitor.all(".region-change [data-value=mean]")[0].click()
    visitor.click(".region-change .tool", "Rub out and ask again")
    panel = visitor.one(".tool-panel.answers")
    gone = [node.text for node in panel.find_elements(By.TAG_NAME, "del")]
    assert {"red", THING} <= set(gone)
    after = visitor.all(".answers-text")[1].text
    assert THING not in after
    images = "[...document.querySelectorAll('.answers-column img')]"
    visitor.until(f"return {images}.length === 2 && {images}.every((one) => one.naturalWidth)")
    visitor.click(".tool-panel .tool", "Open the new answer")
    visitor.until_text(".entry:not([hidden]) .answer", after)
    assert len(visitor.all(".card-open")) == 2


def test_word_is_diagnosed_edited_contrasted_and_methods_stand_side_by_side(visitor):
    visitor.open()
    visitor.ask_about_example()
    before = visitor.text(".entry .answer")
    at = visitor.place_of(THING)
    visitor.answer()[at].click()
    visitor.click(".word-tools .tool", "Verdict")
    visitor.until("return document.querySelector('.entry .verdict-head')")
    assert visitor.shown_word() == THING
    assert "from the picture" in visitor.text(".entry .verdict-head")
    visitor.click(".word-tools .tool", "Edit")
    field = visitor.one(".edit-text input")
    field.clear()
    field.send_keys("boat")
    visitor.click(".tool-panel .tool.primary", "Go on from here")
    visitor.one(".tool-panel.answers")
    after = visitor.all(".answers-text")[1].text
    assert after.startswith(before[: before.index(THING)] + "boat")
    visitor.click(".tool-panel .tool-close")
    other = visitor.all(".candidate")[0].text.rstrip("…")
    visitor.all(".candidate")[0].click()
    visitor.until("return document.querySelector('.entry:not([hidden]) .details .foil')")
    assert visitor.shown_word() == f"{THING}, and not: {other}"
    visitor.click(".answer-tools .tool", "Side by side")
    boxes = {str(box.get_attribute("value")): box for box in visitor.all(".compare-choice input")}
    boxes["logit-lens"].click()
    visitor.click(".tool-panel .tool.primary", "Compare")
    visitor.one(".tool-panel .seewhy-comparison")
    visitor.until("return document.querySelectorAll('.seewhy-comparison canvas').length >= 2")
    text = visitor.text(".seewhy-comparison")
    assert all(name in text for name in ("logit-shares", "logit-lens"))
    link = str(visitor.one(".tool-panel.comparison .tool-head a").get_attribute("href"))
    visitor.driver.get(link)
    visitor.until("return 'ready' in document.documentElement.dataset")
    assert visitor.text(".comparison-title").startswith("Two methods")


@pytest.mark.filterwarnings("ignore::seewhy.core.errors.ShippedModelWarning")
def test_photograph_is_asked_about_taken_away_and_brought_back(visitor):
    downloads = {"behavior": "allow", "downloadPath": str(visitor.folder)}
    visitor.driver.execute_cdp_cmd("Browser.setDownloadBehavior", downloads)
    noise = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    path = visitor.folder / "street.png"
    Image.fromarray(noise).resize((160, 160)).save(path)
    visitor.open()
    visitor.until("return document.querySelector('#files')")
    visitor.one("#files").send_keys(str(path))
    visitor.until("return document.querySelector('.slot[data-state=sent]')")
    visitor.click("#ask-button")
    visitor.until("return document.querySelector('.entry:not(.live-entry):not([hidden])')")
    answer = visitor.text(".entry .answer")
    warning = visitor.one(".entry .warnings")
    assert "drawn scenes only" in warning.text
    assert warning.location["y"] > visitor.one(".entry .answer").location["y"]
    visitor.click(".menu-button.share")
    visitor.click(".menu-row", "Folder")
    WebDriverWait(visitor.driver, PATIENCE_S, 0.02).until(lambda _: [*visitor.folder.glob("*.zip")])
    cards = len(visitor.all(".card"))  # the sitting's, with those of other journeys
    visitor.click(".menu-button.delete")
    visitor.click(".menu-panel .danger")
    visitor.until("return document.querySelectorAll('.card').length === arguments[0]", cards - 1)
    (saved,) = visitor.folder.glob("*.zip")
    visitor.one("#import-file").send_keys(str(saved))
    visitor.until("return document.querySelectorAll('.card').length === arguments[0]", cards)
    visitor.until_text(".entry:not([hidden]) .answer", answer)
    assert visitor.text(".entry .answer") == answer
    assert "caption" in str(visitor.one("#prompt-field").get_attribute("value"))
