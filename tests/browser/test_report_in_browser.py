"""The report in a browser, used by mouse and by keyboard, with hostile text in it.

Needs Chromium (tests/browser/install.sh); skipped without it.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import polars as pl
from playwright.sync_api import Browser, expect

from pipeline.load.contacts import read_own, take_contacts
from pipeline.pages.report import PAGE, report
from pipeline.settings.config import load_config
from pipeline.workspace.checksums import reseal
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.browser.open_page import (
    COUNT,
    HOSTILE,
    HOSTILE_ROWS,
    OpenPage,
    needs_chromium,
    open_page,
    order_buttons,
)
from tests.unit.nights import AS_OF, NIGHT, latest

pytestmark = needs_chromium


def test_search_filter_and_sort(report_page: OpenPage, store: Path) -> None:
    page, listed = report_page.page, pl.read_parquet(latest(store) / "contact_list.parquet")
    # the first 60 rows, and more after scrolling
    assert order_buttons(page) == listed["order_id"].head(60).to_list()
    page.locator("#more").scroll_into_view_if_needed()
    page.wait_for_selector("#rows tr:nth-child(61)")
    order = listed["order_id"][150]
    page.fill("#search", order.upper())
    assert order_buttons(page) == [order]
    page.click("#clear")
    country = listed["country"][0]
    page.select_option("[data-filter=country]", country)
    wanted = listed.filter(pl.col("country") == country)
    assert page.inner_text("#matches") == f"{wanted.height} of {COUNT} orders"
    assert order_buttons(page) == wanted["order_id"].head(60).to_list()
    page.click("#clear")
    page.click("th[data-column=probability] button")
    assert page.get_attribute("th[data-column=probability]", "aria-sort") == "descending"
    best = listed.sort(pl.col("probability").round(4), "rank", descending=[True, False])
    assert order_buttons(page)[:20] == best["order_id"].head(20).to_list()


def test_open_copy_mark_export_and_give_back(
    report_page: OpenPage, store: Path, tmp_path: Path
) -> None:
    page, listed = report_page.page, pl.read_parquet(latest(store) / "contact_list.parquet")
    first, second, third = listed["order_id"].head(3)
    page.click(f"#rows >> text={first}")
    assert listed["reason_1"][0] in page.inner_text("#detail-0")
    page.click("#detail-0 button.copy")
    page.wait_for_selector("#detail-0 [role=status]:text('Copied.')")
    assert page.evaluate("navigator.clipboard.readText()") == listed["draft_message"][0]
    assert page.is_disabled("#export")
    page.check("[data-mark='0']")
    page.fill("[data-at='0']", f"{AS_OF} 14:30")
    page.select_option("[data-outcome='0']", "answered")
    page.check("[data-mark='2']")
    page.check("[data-mark='1']")
    assert page.inner_text("#export") == "Save 3 marked orders as CSV"
    page.uncheck("[data-mark='1']")
    # marks survive a reload
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


def test_a_row_says_what_is_needed_without_a_click(report_page: OpenPage, store: Path) -> None:
    page, listed = report_page.page, pl.read_parquet(latest(store) / "contact_list.parquet")
    first = listed.row(0, named=True)
    cells = page.inner_text("#row-0")
    assert first["reason_1"] in cells
    assert f"{first['order_value_usd']:.2f} USD" in cells
    assert f"{first['stake_usd']:.2f} at stake" in cells
    for name in ("carrier", "tracking_number", "last_scan_location"):
        assert first[name] is None or first[name] in cells
    assert f"waits for an answer since {first['unanswered_since']:%Y-%m-%d %H:%M}" in cells
    link = page.locator("#row-0 a", has_text="Order")
    assert link.get_attribute("href") == first["order_url"]
    assert link.get_attribute("rel") == "noopener noreferrer"
    # an address of the data that is no https address is not a link
    assert page.locator("#row-1 a", has_text="Order").count() == 0
    page.click("th[data-column=unanswered_since] button")
    assert page.get_attribute("th[data-column=unanswered_since]", "aria-sort") == "ascending"


def test_the_queues_are_counted_at_the_top(report_page: OpenPage, store: Path) -> None:
    page, queued = report_page.page, pl.read_parquet(latest(store) / "queues.parquet")
    waiting = queued.filter(pl.col("queue") == "waiting")
    assert page.inner_text("#tonight .cards li:first-child strong") == str(waiting.height)
    shown = page.locator("#queues details").first.locator("td.order").all_inner_texts()
    assert shown == waiting["order_id"].head(50).to_list()
    page.set_viewport_size({"width": 390, "height": 900})
    for summary in page.locator("#queues summary").all()[1:]:
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_hostile_text_is_shown_and_does_nothing(report_page: OpenPage) -> None:
    page = report_page.page
    page.locator("#rows button.open").nth(1).click()
    assert HOSTILE in page.inner_text("#row-1")
    assert HOSTILE in page.inner_text("#detail-1")
    assert page.input_value("#detail-1 textarea") == HOSTILE
    page.click("#language")
    page.select_option("[data-filter=country]", HOSTILE)
    assert len(order_buttons(page)) == 1
    assert HOSTILE[:60] in page.inner_text("#health")
    # the policy also stops a script that was inserted anyway
    page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "window.hit = 3";
      document.body.append(script);
    }""")
    assert "Content Security Policy" in report_page.errors.pop()


def test_long_and_hostile_titles_fit_a_telephone_and_link_nowhere(report_page: OpenPage) -> None:
    page = report_page.page
    page.set_viewport_size({"width": 390, "height": 900})
    for row, text in HOSTILE_ROWS.items():
        page.locator("#rows button.open").nth(row).click()
        detail = page.inner_text(f"#detail-{row}")
        assert text[:60] in detail or row == 4
        # a mark that turns the direction would show `exe.jpg` for `gpj.exe`
        assert not set(detail + page.inner_text(f"#row-{row}")) & set("\u202e\u2066\u200f")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.locator("#rows button.open").nth(row).click()
    assert page.locator("a[href^='javascript:' i], iframe, object, embed").count() == 0


def test_the_list_works_with_the_keyboard_alone(report_page: OpenPage, store: Path) -> None:
    page, press = report_page.page, report_page.page.keyboard.press
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
    assert page.inner_text("#export") == "Save 1 marked order as CSV"
    press("c")
    page.wait_for_selector("#detail-2 [role=status]:text('Copied.')")
    page.focus("#export")
    with page.expect_download():
        press("Enter")
    page.focus("[data-row='2']")
    press("m")
    assert not page.is_checked("[data-mark='2']")


def test_both_languages_and_every_chart(report_page: OpenPage) -> None:
    page = report_page.page
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


def test_a_night_with_an_empty_list(browser: Browser, store: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(store, tmp_path / "store", symlinks=True)
    (folder / "config.toml").write_text("page = {charts = false, indicator_weeks = 0}\n")
    run = latest(folder)
    for name in ("contact_list.parquet", "scores.parquet"):
        pl.read_parquet(run / name).clear().write_parquet(run / name)
    reseal(run)
    (run / "dispute_clock.csv").unlink()
    path = report(Workspace(folder), load_config(folder), Progress(), as_of=NIGHT) / PAGE
    with open_page(browser, path) as opened:
        opened.page.wait_for_selector("#matches")
        assert opened.page.inner_text("#matches") == "0 of 0 orders"
        assert "No dispute is open" in opened.page.inner_text("#clock")
