"""axe finds nothing on any page: light and dark, on a desktop and a phone, everything unfolded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from audit_rows import MADE, SCORES, scene_rows
from browser.axe import unfold, violations
from browser.test_bench_page import PAYLOAD
from golden.records import mixed_record, record_of, with_layers
from golden.verdict_records import diagnosed_record
from seewhy.audit.page import write_page
from seewhy.core.record import Record
from seewhy.report.bench_page import html as bench_html
from seewhy.report.page import html

pytestmark = pytest.mark.browser

THINKING = (("<think>", ""), (" tree", "tree"), ("</think>", ""), (" house", "house"))


def written(text: str, folder: Path) -> Path:
    page = folder / "page.html"
    page.write_text(text, "utf-8")
    return page


def report(record: Record) -> Callable[[Path], Path]:
    return lambda folder: written(html(record), folder)


def layered() -> Record:
    """Layers, a contrast, a warning and a thinking block."""
    record = record_of(THINKING, special=(0, 2), contrasts=((3, "barn"),))
    return with_layers(replace(record, warnings=("The answer repeats itself.",)))


PAGES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "pictures and clips": (report(mixed_record()), "#word=2&view=1"),
    "two words": (report(record_of(explained=True)), "#word=2&with=12"),
    "verdicts": (report(diagnosed_record()), ""),
    "layers": (report(layered()), ""),
    "bench": (lambda folder: written(bench_html(PAYLOAD), folder), ""),
    "audit": (lambda f: write_page(f, scene_rows(40), scores=SCORES, made=MADE), ""),
}


def look(driver: WebDriver, width: int, scheme: str) -> None:
    """Give the page a width and a colour scheme; its colours are those at once, not on the way."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(name, chromium, tmp_path):
    make, fragment = PAGES[name]
    try:
        look(chromium, 1280, "light")
        chromium.get("about:blank")
        chromium.get(make(tmp_path).as_uri() + fragment)
        WebDriverWait(chromium, 20, 0.02).until(
            lambda d: d.execute_script("return 'ready' in document.documentElement.dataset")
        )
        unfold(chromium)
        for width in (1280, 390):
            for scheme in ("light", "dark"):
                look(chromium, width, scheme)
                assert violations(chromium) == [], f"{width} px, {scheme}"
    finally:
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        chromium.execute_script("try { localStorage.clear() } catch { }")


def test_axe_is_heard(chromium, tmp_path):
    page = "<!doctype html><html lang='en'><title>x</title><main><h1>x</h1><input></main></html>"
    chromium.get(written(page, tmp_path).as_uri())
    (found,) = violations(chromium)
    assert found.startswith("label (critical): Form elements must have labels: input")
