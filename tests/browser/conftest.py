"""A browser, and a store with long and hostile data, shared by the tests in a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, sync_playwright

from pipeline.pages.report import PAGE, report
from pipeline.product_review.products import products
from pipeline.settings.config import load_config
from pipeline.workspace.checksums import reseal
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.browser.open_page import CHROMIUM, COUNT, HOSTILE, HOSTILE_ROWS, OpenPage, open_page
from tests.unit import conftest as unit
from tests.unit.nights import AS_OF, NIGHT, latest

# the fixtures of tests/unit that `store` needs: pytest looks them up in this module
simulated_raw, do_night, finished = unit.simulated_raw, unit.do_night, unit.finished


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def store(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished store with a list of 200 rows, five with hostile text, and with charts."""
    folder = shutil.copytree(finished, tmp_path_factory.mktemp("browser") / "store", symlinks=True)
    (folder / "config.toml").write_text(
        "limits = {dispute_rate = 0.03}\npage = {indicator_weeks = 4}\n"
    )
    run = latest(folder)
    listed = pl.read_parquet(run / "contact_list.parquet")
    ids = pl.read_parquet(run / "scores.parquet")["order_id"].head(COUNT)
    rows = pl.concat([listed] * (COUNT // listed.height + 1)).head(COUNT)
    position = pl.int_range(pl.len())
    texts = ("product_title", "draft_message", "reason_1", "first_words")
    hostile = [pl.when(position == 1).then(pl.lit(HOSTILE)).otherwise("country").alias("country")]
    for name in texts:
        column = pl.col(name)
        for at, text in HOSTILE_ROWS.items():
            column = pl.when(position == at).then(pl.lit(text)).otherwise(column)
        hostile.append(column.alias(name))
    hostile += [
        pl.lit("buyer").alias("said_by"),
        pl.lit(NIGHT).cast(pl.Datetime("us")).dt.offset_by("-3d").alias("unanswered_since"),
        pl.when(position == 0)
        .then(pl.lit("https://shop.example/orders?id=1"))
        .when(position == 1)
        .then(pl.lit("javascript:alert(1)"))
        .alias("order_url"),
    ]
    rank = pl.int_range(1, COUNT + 1, dtype=pl.UInt32)
    rows.with_columns(*hostile, order_id=ids, rank=rank).write_parquet(run / "contact_list.parquet")
    reseal(run)
    (folder / "quarantine" / "x.csv").write_text(f"row,column,reason\n3,{HOSTILE},{HOSTILE}\n")
    workspace, config = Workspace(folder), load_config(folder)
    report(workspace, config, Progress(), as_of=NIGHT)
    titles = pl.col("category").replace({"shoes": HOSTILE})
    renamed = workspace.table_files().read_all_of("products").with_columns(titles)
    workspace.replace_table("products", renamed, {})
    products(workspace, config, Progress(), as_of=NIGHT)
    return folder


@pytest.fixture
def report_page(browser: Browser, store: Path) -> Iterator[OpenPage]:
    """The report of the night."""
    with open_page(browser, store / "runs" / AS_OF / "latest-report" / PAGE) as opened:
        yield opened


@pytest.fixture
def review_page(browser: Browser, store: Path) -> Iterator[OpenPage]:
    """The page of the product review."""
    with open_page(browser, store / "runs" / AS_OF / "latest-products" / "products.html") as opened:
        yield opened
