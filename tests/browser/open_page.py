"""A page opened in Chromium, and what the tests in a browser share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.unit.nights import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(
    not CHROMIUM, reason="no Chromium on this machine: tests/browser/install.sh"
)
AXE = ROOT / ".browser" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / ".browser" / "pictures"
HOSTILE = "</script><script>window.hit=1</script><img src=x onerror=window.hit=2>"
# the text of these rows, counted from 0
HOSTILE_ROWS = {
    1: HOSTILE,
    2: "x" * 10_000,
    3: "javascript:window.hit=4",
    4: "abc\u202egpj.exe\u2066\u200f",
    5: "<a href='javascript:window.hit=5'>see [here](javascript:window.hit=6)</a>",
}
HANGS_MILLISECONDS = 120_000
# rows of the contact list
COUNT = 200


@dataclass
class OpenPage:
    """A page with its console messages and errors, and the addresses that it requested."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def open_page(
    browser: Browser, path: Path, ready: str = "#matches:not(:empty)"
) -> Iterator[OpenPage]:
    """Open the file and wait for the element `ready`; at the end check that nothing failed, that no
    hostile text ran and that the page requested nothing else."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="en-GB", accept_downloads=True
    )
    # only a page that hangs takes longer, however busy the machine is
    context.set_default_timeout(HANGS_MILLISECONDS)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = OpenPage(context.new_page())
    opened.page.on("console", lambda message: opened.errors.append(message.text))
    opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.page.on("request", lambda request: opened.requests.append(request.url))
    address = path.resolve().as_uri()
    opened.page.goto(address)
    opened.page.wait_for_selector(ready)
    yield opened
    assert opened.page.evaluate("window.hit") is None
    assert opened.errors == []
    assert [url for url in opened.requests if not url.startswith(("blob:", address))] == []
    context.close()


def order_buttons(page: Page) -> list[str]:
    """The texts of the buttons that open a row: the ids of the rows on the screen."""
    return page.locator("#rows button.open").all_inner_texts()
