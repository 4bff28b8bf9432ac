"""A real Chromium without a window, and the report in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from browser.app_person import address, person, service  # noqa: F401 - fixtures
from golden.records import record_of
from seewhy.core.record import Record
from seewhy.report.page import html

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1280,900",
)  # fmt: skip

OpenPage = Callable[..., WebDriver]


def found(*names: str) -> str:
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.fail(f"Expected {names[0]} on the path, got none: apt-get install chromium "
                    "chromium-driver (`make test` does).")  # fmt: skip
    return path


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    options = webdriver.ChromeOptions()
    options.binary_location = found("chromium", "chromium-browser", "google-chrome")
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chromedriver = webdriver.ChromeService(found("chromedriver"))
    driver = webdriver.Chrome(options=options, service=chromedriver)
    driver.set_script_timeout(20)
    yield driver
    driver.quit()


@pytest.fixture
def open_page(chromium: WebDriver, tmp_path: Path) -> Iterator[OpenPage]:
    """Open a record's report and wait until it is drawn; afterwards the console must be clean."""

    def open_(
        record: Record | None = None, fragment: str = "", width: int = 1280, touch: bool = False
    ) -> WebDriver:
        page = tmp_path / "report.html"
        page.write_text(html(record or record_of()), "utf-8")
        chromium.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": touch},
        )
        chromium.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})
        chromium.get("about:blank")
        for kind in ("browser", "performance"):
            chromium.get_log(kind)  # what earlier pages left
        chromium.get(page.as_uri() + fragment)
        WebDriverWait(chromium, 20, poll_frequency=0.02).until(
            lambda d: d.execute_script("return 'ready' in document.documentElement.dataset")
        )
        return chromium

    yield open_
    # Pages that are opened without this fixture have the window's own size and a mouse.
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    assert chromium.get_log("browser") == []
    chromium.execute_script("try { localStorage.clear() } catch { }")
