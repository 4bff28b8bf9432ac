"""Someone at the app's page, and the server that says what a test says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from browser.app_server import FakeService, Job, png, record_like, serve
from golden.records import PIECES

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
        # Without motion nothing is waited for, and no frame is drawn for its own sake.
        told = {"prefers-reduced-motion": "reduce", **(media or {})}
        features = [{"name": name, "value": value} for name, value in told.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.driver.get(
            "about:blank"
        )  # an address that differs in its fragment alone loads nothing
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

    def edges(self, selector: str, *names: str) -> list[float]:
        """Edges of an element in the window, in CSS pixels."""
        return self.run(
            "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return arguments[1].map((name) => box[name])",
            selector,
            list(names),
        )

    def width(self) -> int:
        """How wide the page is, with what stands out of the window."""
        return self.run("return document.documentElement.scrollWidth")

    def cards(self) -> list[str]:
        return [node.text.split("\n")[0] for node in self.all(".card .card-text")]


@pytest.fixture(scope="module")
def service() -> FakeService:
    return FakeService()


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
