"""The pages in a real browser, as people use them: by mouse and by keyboard, with hostile text in
it.

Needs Debian's Chromium (tests/browser/install.sh); skipped without it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import polars as pl
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from pipeline.board.board_app import create_app
from pipeline.load.contacts import read_own, take_contacts
from pipeline.pages.report import PAGE, report
from pipeline.product_review.compare_products import compare_products
from pipeline.product_review.products import products
from pipeline.settings.config import load_config
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import AS_OF, NIGHT, ROOT, latest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = ROOT / ".browser" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / ".browser" / "pictures"
pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="no Chromium on this machine: tests/browser/install.sh"
)
HOSTILE = "</script><script>window.hit=1</script><img src=x onerror=window.hit=2>"
COUNT = 200


@dataclass
class Seen:
    """A page and whatever it said or asked for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def store(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished store with a list of 200 rows, the second full of hostile text, and a page with
    charts."""
    folder = shutil.copytree(finished, tmp_path_factory.mktemp("browser") / "store", symlinks=True)
    (folder / "config.toml").write_text(
        "limits = {dispute_rate = 0.03}\npage = {indicator_weeks = 4}\n"
    )
    run = latest(folder)
    listed = pl.read_parquet(run / "contact_list.parquet")
    ids = pl.read_parquet(run / "scores.parquet")["order_id"].head(COUNT)
    rows = pl.concat([listed] * (COUNT // listed.height + 1)).head(COUNT)
    is_second = pl.int_range(pl.len()) == 1
    texts = ("product_title", "draft_message", "reason_1", "country")
    hostile = [
        pl.when(is_second).then(pl.lit(HOSTILE)).otherwise(pl.col(name)).alias(name)
        for name in texts
    ]
    rank = pl.int_range(1, COUNT + 1, dtype=pl.UInt32)
    rows.with_columns(*hostile, order_id=ids, rank=rank).write_parquet(run / "contact_list.parquet")
    (folder / "quarantine" / "x.csv").write_text(f"row,column,reason\n3,{HOSTILE},{HOSTILE}\n")
    place, config = Workspace(folder), load_config(folder)
    report(place, config, Progress(), as_of=NIGHT)
    titles = pl.col("category").replace({"shoes": HOSTILE})
    place.replace_table(
        "products", place.table_files().read_all_of("products").with_columns(titles), {}
    )
    products(place, config, Progress(), as_of=NIGHT)
    return folder


@pytest.fixture
def seen(browser: Browser, store: Path) -> Iterator[Seen]:
    """The morning's page; at the end nothing may have failed, run or been asked for."""
    with opened(browser, store / "runs" / AS_OF / "latest-report" / PAGE) as found:
        yield found


@pytest.fixture
def review(browser: Browser, store: Path) -> Iterator[Seen]:
    """The page of the selection review, held to the same."""
    with opened(browser, store / "runs" / AS_OF / "latest-products" / "products.html") as found:
        yield found


@contextmanager
def opened(browser: Browser, path: Path) -> Iterator[Seen]:
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="en-GB", accept_downloads=True
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    found = Seen(context.new_page())
    found.page.on("console", lambda message: found.errors.append(message.text))
    found.page.on("pageerror", lambda error: found.errors.append(str(error)))
    found.page.on("request", lambda request: found.requests.append(request.url))
    address = path.resolve().as_uri()
    found.page.goto(address)
    found.page.wait_for_selector("#found:not(:empty)")
    yield found
    assert found.page.evaluate("window.hit") is None
    assert found.errors == []
    assert [url for url in found.requests if not url.startswith(("blob:", address))] == []
    context.close()


def rows_of(page: Page) -> list[str]:
    return page.locator("#rows button.open").all_inner_texts()


def test_search_filter_and_sort(seen: Seen, store: Path) -> None:
    page, listed = seen.page, pl.read_parquet(latest(store) / "contact_list.parquet")
    # as many as one sees, and more as one goes on
    assert rows_of(page) == listed["order_id"].head(60).to_list()
    page.locator("#more").scroll_into_view_if_needed()
    page.wait_for_selector("#rows tr:nth-child(61)")
    order = listed["order_id"][150]
    page.fill("#search", order.upper())
    assert rows_of(page) == [order]
    page.click("#clear")
    country = listed["country"][0]
    page.select_option("[data-filter=country]", country)
    wanted = listed.filter(pl.col("country") == country)
    assert page.inner_text("#found") == f"{wanted.height} of {COUNT} orders"
    assert rows_of(page) == wanted["order_id"].head(60).to_list()
    page.click("#clear")
    page.click("th[data-column=probability] button")
    assert page.get_attribute("th[data-column=probability]", "aria-sort") == "descending"
    best = listed.sort(pl.col("probability").round(4), "rank", descending=[True, False])
    assert rows_of(page)[:20] == best["order_id"].head(20).to_list()


def test_open_copy_mark_export_and_give_back(seen: Seen, store: Path, tmp_path: Path) -> None:
    page, listed = seen.page, pl.read_parquet(latest(store) / "contact_list.parquet")
    first, second, third = listed["order_id"].head(3)
    page.click(f"text={first}")
    told = page.inner_text("#detail-0")
    assert listed["reason_1"][0] in told
    page.click("#detail-0 button.copy")
    page.wait_for_selector("#detail-0 [role=status]:text('Copied.')")
    assert page.evaluate("navigator.clipboard.readText()") == listed["draft_message"][0]
    assert page.is_disabled("#export")
    page.check("[data-mark='0']")
    page.fill("[data-at='0']", f"{AS_OF} 14:30")
    page.select_option("[data-outcome='0']", "answered")
    page.check("[data-mark='2']")
    page.check("[data-mark='1']")
    page.uncheck("[data-mark='1']")
    # a mark outlives the window
    page.reload()
    with page.expect_download() as download:
        page.click("#export")
    sheet = tmp_path / download.value.suggested_filename
    download.value.save_as(sheet)
    assert sheet.name == f"contacted-{AS_OF}.csv"
    take_contacts(Workspace(store), Progress(), file=sheet)
    own = {row["order_id"]: row for row in read_own(Workspace(store)).iter_rows(named=True)}
    assert set(own) == {first, third}
    assert own[first]["outcome"] == "answered"
    # 14:30 in the store's zone, Asia/Shanghai
    assert own[first]["occurred_at"].isoformat() == f"{AS_OF}T06:30:00+00:00"
    assert second not in own


def test_hostile_text_is_shown_and_does_nothing(seen: Seen) -> None:
    page = seen.page
    page.locator("#rows button.open").nth(1).click()
    assert HOSTILE in page.inner_text("#row-1")
    assert HOSTILE in page.inner_text("#detail-1")
    assert page.input_value("#detail-1 textarea") == HOSTILE
    page.click("#language")
    page.select_option("[data-filter=country]", HOSTILE)
    assert len(rows_of(page)) == 1
    assert HOSTILE[:60] in page.inner_text("#health")
    # and even a script that got in is stopped by the policy
    page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "window.hit = 3";
      document.body.append(script);
    }""")
    assert "Content Security Policy" in seen.errors.pop()


def test_keyboard_alone_does_the_morning(seen: Seen, store: Path) -> None:
    page, press = seen.page, seen.page.keyboard.press
    press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(40):
        press("Tab")
        if page.evaluate("document.activeElement.classList.contains('open')"):
            break
    press("Enter")
    assert page.get_attribute("[data-row='0']", "aria-expanded") == "true"
    press("ArrowDown")
    press("ArrowDown")
    press("m")
    assert page.is_checked("[data-mark='2']")
    press("c")
    page.wait_for_selector("#detail-2 [role=status]:text('Copied.')")
    page.focus("#export")
    with page.expect_download():
        press("Enter")
    page.focus("[data-row='2']")
    press("m")
    assert not page.is_checked("[data-mark='2']")


def test_both_languages_and_every_chart(seen: Seen) -> None:
    page = seen.page
    page.wait_for_selector("body[data-charts=drawn]")
    charts = page.evaluate(
        "Object.keys(JSON.parse(document.getElementById('data').textContent).charts)"
    )
    rates = ("dispute_rate", "adjudication_filing_rate", "seller_liability_rate")
    assert charts == [f"indicator-{name}" for name in rates]
    assert page.locator(".chart svg").count() == len(charts)
    assert "Contact list" in page.inner_text("#h-list")
    page.click("#language")
    assert (page.inner_text("#h-list"), page.get_attribute("html", "lang")) == ("联系名单", "zh")
    assert "运输中" in page.inner_text("#rows")
    assert "{" not in page.inner_text("main").replace(HOSTILE, "")
    page.locator("#rows button.open").first.click()
    reasons = page.locator("#detail-0 ol li").all_inner_texts()
    assert reasons
    assert not [text for text in reasons if re.search("[a-z]{4}", text)]
    assert "最新数据是近期的" in page.inner_text("#health")
    expect(page.locator("#chart-indicator-dispute_rate")).to_contain_text("上限")


def test_the_board_gives_marks_back_by_itself(browser: Browser, store: Path) -> None:
    server = make_server("127.0.0.1", 0, create_app(Workspace(store), None), threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    page = browser.new_page(locale="en-GB")
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.click(f"text={AS_OF}")
        order = page.locator("#rows button.open").nth(4).inner_text()
        page.check(f"[aria-label='Contacted: order {order}']")
        page.click("#give-back button")
        page.wait_for_url("**taken=*")
        assert "1 new contacts taken, 1 in the sheet; 0 cells in quarantine." in page.inner_text(
            "#list"
        )
        assert order in read_own(Workspace(store))["order_id"].to_list()
        page.click("#list >> text=All nights")
        page.fill("[name=q]", order)
        page.press("[name=q]", "Enter")
        assert order in page.inner_text("main")
        page.click("#language")
        assert "查找订单" in page.inner_text("main")
        assert [text for text in errors if "favicon" not in text] == []
    finally:
        page.close()
        server.shutdown()
        thread.join()
        server.server_close()


def test_two_products_compared_as_the_step_compares_them(review: Seen, store: Path) -> None:
    page = review.page
    place, config = Workspace(store), load_config(store)
    first, other = rows_of(page)[0], rows_of(page)[-1]
    for product in (first, other):
        page.check(f"[aria-label='Compare {product}']")
    told = page.inner_text("#compared strong")
    chance = compare_products(place, config, Progress(), as_of=NIGHT, first=first, other=other)[
        "chance"
    ]
    assert told.startswith(f"The chance that {first} is disputed less than {other}: ")
    assert int(told.rsplit(" ", 1)[1].rstrip("%")) == pytest.approx(100 * chance, abs=1.5)


def test_a_review_is_searched_filtered_and_opened(review: Seen) -> None:
    page = review.page
    first = rows_of(page)[0]
    page.fill("#search", first)
    assert rows_of(page) == [first]
    page.locator("#rows button.open").first.click()
    assert "disputes in" in page.inner_text("#rows tr.detail")
    page.click("#clear")
    page.select_option("[data-filter=category]", HOSTILE)
    assert HOSTILE in page.inner_text("#rows tr >> nth=0")
    page.click("#language")
    assert page.inner_text("#h-list") == "商品"
    page.wait_for_selector("body[data-charts=drawn]")
    assert page.locator(".chart svg").count() == 2


@pytest.mark.skipif(
    not AXE.exists(), reason="no axe-core on this machine: tests/browser/install.sh"
)
@pytest.mark.parametrize(
    ("which", "scheme", "width"), [("seen", "dark", 390), ("review", "light", 1280)]
)
def test_axe_finds_no_serious_fault(
    request: pytest.FixtureRequest, which: str, scheme: str, width: int
) -> None:
    page = request.getfixturevalue(which).page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    page.locator("#rows button.open").first.click()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    told = [
        f"{one['impact']} {one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]
    ]
    assert [line for line in told if line.startswith(("serious", "critical"))] == []


@pytest.mark.parametrize("which", ["seen", "review"])
def test_nothing_is_wider_than_the_screen(request: pytest.FixtureRequest, which: str) -> None:
    """The pictures are for whoever changes a page: look at them."""
    page = request.getfixturevalue(which).page
    page.locator("#rows button.open").first.click()
    PICTURES.mkdir(parents=True, exist_ok=True)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.screenshot(path=PICTURES / f"{which}-{width}.png")


def test_a_night_without_anybody_to_write_to(browser: Browser, store: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(store, tmp_path / "store", symlinks=True)
    (folder / "config.toml").write_text("page = {charts = false, indicator_weeks = 0}\n")
    run = latest(folder)
    for name in ("contact_list.parquet", "scores.parquet"):
        pl.read_parquet(run / name).clear().write_parquet(run / name)
    (run / "dispute_clock.csv").unlink()
    path = report(Workspace(folder), load_config(folder), Progress(), as_of=NIGHT) / PAGE
    with opened(browser, path) as found:
        found.page.wait_for_selector("#found")
        assert found.page.inner_text("#found") == "0 of 0 orders"
        assert "No dispute is open" in found.page.inner_text("#clock")
