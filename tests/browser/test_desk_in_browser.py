"""Agents share the work on one list, each in a browser of their own.

Needs Chromium (tests/browser/install.sh); skipped without it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import polars as pl
import pytest
from playwright.sync_api import Browser, Page

from pipeline.desk.published_nights import SCORES, newest
from pipeline.load.contacts import read_own
from pipeline.workspace.workspace import Workspace
from tests.browser.desk_team import Agent, add_team, lengthen_list, served, signed_in
from tests.browser.open_page import AXE, PICTURES, needs_chromium, order_buttons
from tests.unit.nights import AS_OF, latest

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def team_store(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished store with a list of 50 rows, three users, and a channel for messages."""
    folder = shutil.copytree(finished, tmp_path_factory.mktemp("desk") / "store", symlinks=True)
    with (folder / "config.toml").open("a") as config:
        config.write(
            '[deliver.channel]\nurl = "http://127.0.0.1:9/"\nsecret = {env = "KEY"}\n'
            "draft_days = 36500\n"
        )
    lengthen_list(folder)
    add_team(folder)
    return folder


@pytest.fixture
def team(browser: Browser, team_store: Path, tmp_path: Path) -> Iterator[tuple[Path, list[Agent]]]:
    """A copy of the store, and mei, tom and lin at its board."""
    folder = shutil.copytree(team_store, tmp_path / "store", symlinks=True)
    with ExitStack() as stack:
        address = stack.enter_context(served(folder))
        names = ("mei", "tom", "lin")
        yield folder, [stack.enter_context(signed_in(browser, address, n)) for n in names]


def test_two_agents_work_through_fifty_rows_while_a_night_is_made(
    team: tuple[Path, list[Agent]], do_night: Callable[..., Path]
) -> None:
    folder, (mei, tom, _) = team
    orders = order_buttons(mei.page)
    assert len(orders) == 50
    before = latest(folder)
    night = Thread(target=do_night, args=(folder,), kwargs={"is_forced": True})
    night.start()
    # one marks, the other claims; then each sees all that the other did
    for number, order in enumerate(orders):
        if number % 2:
            mei.mark(order)
        else:
            tom.press(order, "Claim")
    for number, order in enumerate(orders):
        if number % 2:
            tom.sees(order, "Contacted by mei")
        else:
            mei.sees(order, "With tom")
    night.join()
    marked = orders[1::2]
    assert set(read_own(Workspace(folder))["order_id"]) == set(marked)
    tables = Workspace(folder).read_tables()["contacts"]
    assert set(marked) <= set(tables["order_id"])
    # the page of the new run: the state belongs to the buyers, and not to the list
    assert latest(folder) != before
    for agent in (mei, tom):
        agent.page.reload()
        agent.page.wait_for_selector("#matches:not(:empty)")
    again = order_buttons(tom.page)
    assert set(again) & set(marked)
    for order in again:
        if order in marked:
            tom.sees(order, "Contacted by mei")
        elif order in orders:
            mei.sees(order, "With tom")


def test_undo_notes_snooze_and_roles(team: tuple[Path, list[Agent]]) -> None:
    folder, (mei, tom, lin) = team
    first, second, third = order_buttons(mei.page)[:3]
    mei.mark(first)
    tom.sees(first, "Contacted by mei")
    # only who marked it, and a lead, can undo it
    assert tom.row(first).get_by_role("button", name="Undo").count() == 0
    lin.press(first, "Undo")
    mei.no_longer_sees(first, "Contacted by mei")
    assert not mei.row(first).get_by_role("checkbox").is_checked()
    assert read_own(Workspace(folder)).is_empty()
    # both press at once: the second is told who has the buyer
    mei.press(second, "Claim")
    for other in (tom, lin):
        other.sees(second, "With mei")
    assert tom.row(second).get_by_role("checkbox").is_disabled()
    assert tom.row(second).get_by_role("button", name="Claim").count() == 0
    lin.row(second).get_by_role("button", name=second, exact=True).click()
    lin.page.get_by_label("Assign to").select_option("tom")
    lin.page.get_by_role("button", name="Assign", exact=True).click()
    tom.sees(second, "Yours")
    mei.sees(second, "With tom")
    # a note, and a day to rest
    tom.row(third).get_by_role("button", name=third, exact=True).click()
    tom.page.get_by_label("Note for the team").fill("asks for <b>photos</b>")
    tom.page.get_by_role("button", name="Add note").click()
    mei.sees(third, "1 note")
    tom.page.evaluate(
        "document.querySelector('[type=date]').value = new Date(Date.now() + 3 * 864e5)"
        ".toISOString().slice(0, 10)"
    )
    tom.page.get_by_role("button", name="Snooze").click()
    mei.sees(third, "Snoozed until")
    mei.page.select_option("#desk-show", "todo")
    assert not {second, third} & set(order_buttons(mei.page))
    lin.page.goto(lin.page.url.split("/night")[0] + "/log")
    assert "asks for <b>photos</b>" in lin.page.inner_text("main")


def test_an_order_that_is_not_listed(team: tuple[Path, list[Agent]]) -> None:
    folder, (mei, *_) = team
    run = newest(Workspace(folder))
    assert run
    listed = run.listed["buyer_id"]
    orders = Workspace(folder).table_files().read_all_of("orders")
    rows = run.table(SCORES).join(orders, on="order_id")
    order, buyer = rows.filter(~pl.col("buyer_id").is_in(listed.implode()))[
        "order_id", "buyer_id"
    ].row(0)
    page = mei.page
    page.click("text=Find an order")
    page.fill("[name=q]", buyer)
    page.press("[name=q]", "Enter")
    page.click(f"main a:text-is('{order}')")
    page.wait_for_selector("#draft textarea")
    text = page.inner_text("main")
    for part in ("Not on the list", "chance of a dispute", "order placed", buyer):
        assert part in text, part
    assert order in page.input_value("#draft textarea")
    page.get_by_role("button", name="Mark as contacted").click()
    page.get_by_text("Contacted by mei").wait_for()
    assert read_own(Workspace(folder))["order_id"].to_list() == [order]
    page.click("#language")
    assert "不在名单上" in page.inner_text("main")


def test_a_buyer_who_waits_is_answered_from_the_queue(team: tuple[Path, list[Agent]]) -> None:
    _, (mei, *_) = team
    page = mei.page
    first = page.locator("#queues td.order a").first
    order = first.inner_text()
    first.click()
    page.wait_for_selector("#draft textarea")
    assert order in page.inner_text("h1")
    page.get_by_role("button", name="Mark as contacted").click()
    page.get_by_text("Contacted by mei").wait_for()


def pages_of(folder: Path, order: str) -> dict[str, str]:
    unlisted = pl.read_parquet(newest(Workspace(folder)).folder / SCORES)["order_id"][-1]  # type: ignore[union-attr]
    return {
        "night": f"/night/{AS_OF}",
        "nights": "/nights",
        "search": f"/orders?q={order}",
        "order": f"/order?id={order}",
        "unlisted": f"/order?id={unlisted}",
        "log": "/log",
        "release": f"/release/{AS_OF}",
    }


def check_layout(page: Page, name: str, width: int) -> None:
    """Nothing is wider than the page, and the language switch can be seen."""
    assert page.evaluate("document.documentElement.scrollWidth") == width, name
    switch = page.locator("#language").bounding_box()
    assert switch, name
    assert switch["x"] + switch["width"] <= width, name
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"board-{name}-{width}.png", full_page=name != "night")


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_all_pages_fit_and_axe_reports_nothing(
    team: tuple[Path, list[Agent]], width: int, scheme: str
) -> None:
    if not AXE.exists():
        pytest.skip("no axe-core on this machine: tests/browser/install.sh")
    folder, (*_, lin) = team
    page, axe = lin.page, AXE.read_text(encoding="utf-8")
    address = page.url.split("/night")[0]
    order = order_buttons(page)[0]
    lin.press(order, "Claim")
    lin.sees(order, "Yours")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    paths = pages_of(folder, order)
    violations = []
    for name, path in [*paths.items(), ("sign-in", "/sign-in")]:
        if name == "sign-in":
            page.context.clear_cookies()
        page.goto(address + path)
        if name == "night":
            page.locator("#rows button.open").first.click()
        check_layout(page, name, width)
        page.evaluate(axe)
        results = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        violations += [f"{name} {r['id']}: {r['nodes'][0]['html']}" for r in results["violations"]]
    assert violations == []


def test_a_phone_shows_what_each_figure_of_the_clock_is(team: tuple[Path, list[Agent]]) -> None:
    _, (mei, *_) = team
    mei.page.set_viewport_size({"width": 390, "height": 900})
    cell = mei.page.locator("#clock tbody tr").first.locator("td").nth(2)
    label = cell.evaluate("node => getComputedStyle(node, '::before').content")
    assert "Day" in label
