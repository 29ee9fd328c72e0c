"""docs-pictures: the committed picture of the demo's page, taken in Chromium."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from pipeline.documentation.demo_facts import DEMO_NIGHT, write_demo_facts
from pipeline.settings.errors import BadInput
from pipeline.workspace.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1200, 1760


def docs_pictures(workspace: Workspace, *, as_of: date = DEMO_NIGHT) -> Path:
    """Write `report.png` and the facts it shows into `docs/images`; returns the picture's path.

    Raises `BadInput` without Chromium or without a published night.
    """
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise BadInput("Chromium is missing. Install it: bash tests/browser/install.sh")
    PICTURES.mkdir(parents=True, exist_ok=True)
    write_demo_facts(workspace, as_of, PICTURES)
    page_path = workspace.folder / "runs" / as_of.isoformat() / "latest" / "report.html"
    picture = PICTURES / "report.png"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, locale="en-GB")
        page.goto(page_path.resolve().as_uri())
        # the queues are only named, so that all sections down to the first row fit
        page.evaluate(
            "document.querySelectorAll('details.queue').forEach(d => { d.open = false; })"
        )
        # the first row, open: its reasons, its draft and its time line
        page.locator("#rows button.open").first.click()
        page.evaluate("window.scrollTo(0, 0)")
        page.screenshot(path=picture)
        browser.close()
    return picture
