"""The bench's page in Chromium: sorting, switching, plots, and nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from seewhy.report.bench_page import html

pytestmark = pytest.mark.browser

METHODS = ("tam", "random", "<b>mine</b>")
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def cell(method, column, value, *, apart=None):
    return {
        "method": METHODS[method],
        "column": column,
        "value": value,
        "low": value - 0.05,
        "high": value + 0.05,
        "samples": 9,
        "values": 30,
        "apart": apart,
        "significant": apart is not None,
    }


def view(model, shift):
    return {
        "model": model,
        "data": "testbed",
        "samples": 9,
        "answer": f"By object-iou, `<b>mine</b>` leads on {model}.",
        "elsewhere": "Of 1 other figures it is the best in 0.",
        "main": 0,
        "cells": [
            cell(0, 0, 0.40 + shift),
            cell(1, 0, 0.10 + shift, apart=[-0.3, -0.4, -0.2]),
            cell(2, 0, 0.55 + shift, apart=[0.15, 0.1, 0.2]),
            *(cell(method, 1, 0.5 * 10**method) for method in range(3)),
        ],
        "curves": [
            {
                "metric": "deletion",
                "name": "deletion-curve",
                "lines": [
                    {"method": m, "points": [[x, 1 - x, 0.9 - x, 1.1 - x] for x in (0, 0.5, 1)]}
                    for m in METHODS
                ],
            }
        ],
        "breakdown": [
            {**cell(method, 0, 0.3), "group": f"{kind}: {name}"}
            for method in range(3)
            for kind, names in (("role", ("kind", "colour")), ("size", ("small", "large")))
            for name in names
        ],
        "cases": [
            {
                "kind": "best",
                "model": model,
                "data": "testbed",
                "sample": "heldout-1",
                "figure": "object-iou",
                "answer": "A <i>cup</i>.",
                "word": "cup",
                "picture": PIXEL,
                "report": "gallery/00/report.html",
                "tiles": [
                    {"method": "tam", "picture": PIXEL, "score": 0.5},
                    {"method": "random", "why": "out of memory"},
                ],
            }
        ],
    }


PAYLOAD = {
    "reference": "tam",
    "settings": {"answers": "reference", "seed": 0},
    "made": {"suite": "quick", "versions": {"seewhy": "1"}},
    "methods": dict.fromkeys(METHODS, "A summary."),
    "columns": [
        {
            "metric": "overlap",
            "name": "object-iou",
            "summary": "overlap with the mask",
            "better": True,
            "unit": "fraction",
            "scale": 100,
        },
        {
            "metric": "cost",
            "name": "seconds",
            "summary": "wall time",
            "better": False,
            "unit": "seconds",
            "scale": 1,
        },
    ],
    "views": [view("first", 0.0), view("second", 0.2)],
    "reasons": [
        {
            "what": "rise",
            "where": "first on testbed",
            "status": "failed",
            "reason": "out of memory",
            "count": 3,
            "example": "heldout-2",
        }
    ],
}


WITHOUT_COST = {
    **PAYLOAD,
    "columns": PAYLOAD["columns"][:1],
    "views": [
        {**one, "cells": [cell for cell in one["cells"] if cell["column"] == 0]}
        for one in PAYLOAD["views"]
    ],
}


@pytest.fixture
def payload():
    return PAYLOAD


@pytest.fixture
def page(chromium, payload, tmp_path: Path):
    path = tmp_path / "bench.html"
    path.write_text(html(payload), "utf-8")
    chromium.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    chromium.get("about:blank")
    chromium.get_log("browser")
    chromium.get(path.as_uri())
    WebDriverWait(chromium, 20, 0.02).until(
        lambda d: d.execute_script("return 'ready' in document.documentElement.dataset")
    )
    yield chromium
    assert chromium.get_log("browser") == []
    chromium.execute_script("try { localStorage.clear() } catch { }")


def texts(page, selector):
    return [found.text for found in page.find_elements(By.CSS_SELECTOR, selector)]


def methods(page):
    return texts(page, "#table tbody th")


def test_table_marks_best_reference_and_differences(page):
    # Sorted by the main figure at first: the best of it comes first, then the cheapest.
    assert methods(page) == ["<b>mine</b>", "tam", "random"]
    assert texts(page, "#table td b") == ["55.0", "0.500"]
    assert texts(page, "#table tr.reference th") == ["tam"]
    assert len(page.find_elements(By.CSS_SELECTOR, "#table .star")) == 2
    assert "35.0 to 45.0" in texts(page, "#table tr.reference td")[0]


def test_heads_sort_by_click_and_by_key(page):
    sorted_by = page.find_element(By.CSS_SELECTOR, "#table th[aria-sort='descending']")
    assert "object-iou" in sorted_by.text
    page.find_element(By.CSS_SELECTOR, "#table thead button[data-column='1']").click()
    assert methods(page) == ["tam", "random", "<b>mine</b>"]
    page.find_element(By.CSS_SELECTOR, "#table thead button").click()
    assert methods(page) == ["<b>mine</b>", "tam", "random"]
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert methods(page) == ["random", "tam", "<b>mine</b>"]
    assert "rising" in page.find_element(By.ID, "live").get_property("textContent")


def test_the_first_paragraph_answers_the_title(page):
    first = page.find_element(By.CSS_SELECTOR, "main h1 + p")
    assert first.text == "By object-iou, <b>mine</b> leads on first."
    assert texts(page, "main h1 + p code") == ["<b>mine</b>"]
    page.find_element(By.CSS_SELECTOR, "#views button[data-value='1']").click()
    assert first.text == "By object-iou, <b>mine</b> leads on second."


def test_models_switch_by_arrow_keys(page):
    first = page.find_element(By.CSS_SELECTOR, "#views button")
    first.send_keys(Keys.ARROW_RIGHT)
    assert texts(page, "#views [aria-checked='true']") == ["second"]
    assert "75.0" in texts(page, "#table td b")
    page.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert texts(page, "#views [aria-checked='true']") == ["first"]


def test_metrics_can_be_put_away(page):
    page.find_element(By.CSS_SELECTOR, "#metrics button").click()
    assert len(page.find_elements(By.CSS_SELECTOR, "#table thead button")) == 1


def test_trade_off_has_a_point_for_each_method(page):
    assert Select(page.find_element(By.ID, "cost")).first_selected_option.text == "seconds"
    points = page.find_elements(By.CSS_SELECTOR, "#cost-chart circle")
    assert len(points) == 3
    places = [float(point.get_attribute("cx")) for point in points]
    # Costs of 0.5, 5 and 50 stand evenly on a logarithmic axis, best quality first.
    last, first, middle = places[0], places[1], places[2]
    assert middle - first == pytest.approx(last - middle) or first < middle < last


def test_curves_show_the_chosen_methods(page):
    assert len(page.find_elements(By.CSS_SELECTOR, "#curves .line")) == 3
    page.find_element(By.CSS_SELECTOR, "#curve-methods button").click()
    assert len(page.find_elements(By.CSS_SELECTOR, "#curves .line")) == 2


def test_breakdown_follows_the_kind(page):
    assert texts(page, "#groups thead th") == ["method", "colour", "kind"]
    Select(page.find_element(By.ID, "kind")).select_by_value("size")
    assert texts(page, "#groups thead th") == ["method", "large", "small"]


def test_cases_link_to_reports_and_say_why_a_map_is_missing(page):
    link = page.find_element(By.CSS_SELECTOR, ".case a")
    assert link.get_attribute("href").endswith("gallery/00/report.html")
    assert "out of memory" in page.find_element(By.CSS_SELECTOR, ".case .tiles").text
    assert "A <i>cup</i>." in page.find_element(By.CSS_SELECTOR, ".case p").text


def test_reasons_are_listed(page):
    summaries = texts(page, "#reasons summary")
    assert summaries == ["failed: out of memory 1 figure, 1 model and data set"]
    assert texts(page, "#reasons tbody th") == [""]  # folded
    page.find_element(By.CSS_SELECTOR, "#reasons summary").click()
    assert texts(page, "#reasons tbody th") == ["rise"]
    assert texts(page, "#reasons tbody td") == ["first on testbed", "3", "heldout-2"]


def test_theme_flips_and_is_kept(page):
    before = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    page.find_element(By.ID, "theme").click()
    assert page.execute_script("return document.documentElement.dataset.theme") in ("dark", "light")
    WebDriverWait(page, 5, 0.02).until(
        lambda d: (
            d.execute_script("return getComputedStyle(document.body).backgroundColor") != before
        )
    )


@pytest.mark.parametrize("width", [360, 1280])
def test_page_is_never_wider_than_the_screen(page, width):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_every_control_has_a_name(page):
    unnamed = page.execute_script(
        "return [...document.querySelectorAll('button, select, img, svg[role=img]')].filter(e => "
        "!(e.textContent.trim() || e.getAttribute('aria-label') || e.alt || e.labels?.length))"
        ".length"
    )
    assert unnamed == 0


def test_page_names_nothing_from_elsewhere():
    text = html(PAYLOAD)
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    assert "<i>cup" not in text


def test_page_refuses_nan():
    with pytest.raises(ValueError, match="JSON compliant"):
        html({"value": float("nan")})


@pytest.mark.parametrize("payload", [WITHOUT_COST])
def test_page_plots_no_quality_against_itself_where_no_cost_was_measured(page, payload):
    assert texts(page, "#cost-chart") == ["No two methods have both a quality and a cost here."]
    assert not page.find_elements(By.CSS_SELECTOR, "#cost-chart svg")
