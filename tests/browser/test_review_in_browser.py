"""The product review in a browser, and the layout of both pages.

Needs Chromium (tests/browser/install.sh); skipped without it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.product_review.compare_products import compare_products
from pipeline.settings.config import load_config
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.browser.open_page import AXE, HOSTILE, PICTURES, OpenPage, needs_chromium, order_buttons
from tests.unit.nights import NIGHT

pytestmark = needs_chromium


def test_two_products_are_compared_as_by_the_step(review_page: OpenPage, store: Path) -> None:
    page = review_page.page
    workspace, config = Workspace(store), load_config(store)
    first, other = order_buttons(page)[0], order_buttons(page)[-1]
    for product in (first, other):
        page.check(f"[aria-label='Compare {product}']")
    text = page.inner_text("#compared strong")
    comparison = compare_products(
        workspace, config, Progress(), as_of=NIGHT, first=first, other=other
    )
    assert text.startswith(f"The chance that {first} is disputed less than {other}: ")
    assert int(text.rsplit(" ", 1)[1].rstrip("%")) == pytest.approx(
        100 * comparison["chance"], abs=1.5
    )


def test_a_review_is_searched_filtered_and_opened(review_page: OpenPage) -> None:
    page = review_page.page
    first = order_buttons(page)[0]
    page.fill("#search", first)
    assert order_buttons(page) == [first]
    page.locator("#rows button.open").first.click()
    assert "disputes in" in page.inner_text("#rows tr.detail")
    page.click("#clear")
    page.select_option("[data-filter=category]", HOSTILE)
    assert HOSTILE in page.inner_text("#rows tr >> nth=0")
    page.click("#language")
    assert page.inner_text("#h-list") == "商品"
    if not page.locator("#rows tr.detail").count():
        page.locator("#rows button.open").first.click()
    assert "笔订单中有" in page.inner_text("#rows tr.detail >> nth=0")
    assert "disputes in" not in page.inner_text("#rows tr.detail >> nth=0")
    page.wait_for_selector("body[data-charts=drawn]")
    assert page.locator(".chart svg").count() == 2


@pytest.mark.skipif(
    not AXE.exists(), reason="no axe-core on this machine: tests/browser/install.sh"
)
@pytest.mark.parametrize(
    ("fixture", "scheme", "width"), [("report_page", "dark", 390), ("review_page", "light", 1280)]
)
def test_axe_reports_nothing(
    request: pytest.FixtureRequest, fixture: str, scheme: str, width: int
) -> None:
    page = request.getfixturevalue(fixture).page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    page.locator("#rows button.open").first.click()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    results = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [f"{r['id']}: {r['nodes'][0]['html']}" for r in results["violations"]] == []


@pytest.mark.parametrize("fixture", ["report_page", "review_page"])
def test_nothing_is_wider_than_the_screen(request: pytest.FixtureRequest, fixture: str) -> None:
    """Also saves screenshots, for anyone who changes a page to look at."""
    page = request.getfixturevalue(fixture).page
    page.locator("#rows button.open").first.click()
    PICTURES.mkdir(parents=True, exist_ok=True)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.screenshot(path=PICTURES / f"{fixture}-{width}.png")
