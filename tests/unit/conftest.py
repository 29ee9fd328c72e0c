"""Made-up source folders and a small simulated store, shared by the tests of the shell."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.night.nightly import nightly
from pipeline.settings.config import load_config
from pipeline.simulation.simulate import simulate
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
COUNT = 60
FIRST_PURCHASE = datetime(2018, 1, 1, 9, 30)
STORE_START, NIGHT = date(2025, 1, 1), date(2025, 7, 10)
# a message that costs next to nothing: in so small a store few orders are worth one
FAST = "max_training_rows = 5000\nmin_training_disputes = 5\ndecide = {contact_cost_usd = 0.05}\n"
# without the charts and rates, which take seconds; the browser's tests have them
FAST += "page = {charts = false, indicator_weeks = 0}\n"

Row = dict[str, str]


@dataclass
class Source:
    """The files of a source folder as lists of rows; `write` joins cells by commas and quotes
    nothing."""

    kind: str
    files: dict[str, list[Row]]

    def write(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        for name, rows in self.files.items():
            lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
            text = "".join(f"{line}\n" for line in lines)
            # a lone surrogate such as \udce9 becomes the byte 0xe9
            (folder / name).write_bytes(text.encode(errors="surrogateescape"))
        if self.kind == "canonical":
            (folder / "store.toml").write_text('zone = "Asia/Shanghai"\n')
        return folder


def _times(number: int, *days: float) -> list[str]:
    bought = FIRST_PURCHASE + timedelta(hours=7 * number)
    return [str(bought + timedelta(days=shift)) for shift in days]


def _canonical_rows(i: int) -> dict[str, Row]:
    bought, shipped, delivered, opened, promised = _times(i, 0, 2, 9, 12, 30)
    order = {"order_id": f"o-{i}"}
    return {
        "orders.csv": {
            **order,
            "buyer_id": f"b-{i}",
            "store_id": "s",
            "country": "US",
            "lane": "Std>US",
            "currency": "USD",
            "total_usd": "21.50",
            "shipping_usd": "1.50",
            "total_source": "21.50",
            "occurred_at": bought,
        },
        "order_lines.csv": {
            **order,
            "line_id": "1",
            "product_id": f"p-{i}",
            "supplier_id": "u",
            "quantity": "1",
            "unit_price_usd": "20.00",
            "shipping_usd": "1.50",
            "occurred_at": bought,
        },
        "promises.csv": {
            "promise_id": f"pr-{i}",
            **order,
            "kind": "delivery",
            "promised_at": promised,
            "occurred_at": bought,
        },
        "products.csv": {
            "product_id": f"p-{i}",
            "category": "shoes",
            "title": f"shoe {i}",
            "weight_g": "300",
            "occurred_at": "2017-12-01",
        },
        "shipments.csv": {
            "shipment_id": f"h-{i}",
            **order,
            "carrier": "Std",
            "occurred_at": shipped,
        },
        "tracking.csv": {
            "scan_id": f"t-{i}",
            "shipment_id": f"h-{i}",
            **order,
            "status": "Delivered",
            "occurred_at": delivered,
        },
        "disputes.csv": {
            "step_id": f"st-{i}",
            "dispute_id": f"d-{i}",
            **order,
            "step": "opened",
            "cause": "other",
            "amount_usd": "5.00",
            "occurred_at": opened,
        },
    }


def _olist_rows(i: int) -> dict[str, Row]:
    bought, approved, shipped, delivered, answered, promised = _times(i, 0, 0.1, 2, 9, 12, 30)
    order = {"order_id": f"o-{i}"}
    return {
        "olist_customers_dataset.csv": {
            "customer_id": f"c-{i}",
            "customer_unique_id": f"b-{i}",
            "customer_city": "x",
            "customer_state": "SP",
        },
        "olist_sellers_dataset.csv": {
            "seller_id": f"u-{i}",
            "seller_city": "x",
            "seller_state": "RJ",
        },
        "product_category_name_translation.csv": {
            "product_category_name": f"categoria {i}",
            "product_category_name_english": f"category {i}",
        },
        "olist_products_dataset.csv": {
            "product_id": f"p-{i}",
            "product_category_name": f"categoria {i}",
            "product_photos_qty": "2",
            "product_weight_g": "300",
        },
        "olist_orders_dataset.csv": {
            **order,
            "customer_id": f"c-{i}",
            "order_status": "delivered",
            "order_purchase_timestamp": bought,
            "order_approved_at": approved,
            "order_delivered_carrier_date": shipped,
            "order_delivered_customer_date": delivered,
            "order_estimated_delivery_date": promised,
        },
        "olist_order_items_dataset.csv": {
            **order,
            "order_item_id": "1",
            "product_id": f"p-{i}",
            "seller_id": f"u-{i}",
            "shipping_limit_date": promised,
            "price": "20.00",
            "freight_value": "1.50",
        },
        "olist_order_payments_dataset.csv": {
            **order,
            "payment_sequential": "1",
            "payment_installments": "1",
            "payment_value": "21.50",
        },
        "olist_order_reviews_dataset.csv": {
            "review_id": f"r-{i}",
            **order,
            "review_score": "1",
            "review_answer_timestamp": answered,
        },
    }


@pytest.fixture
def make_source() -> Callable[[str], Source]:
    """A sound source of 60 orders, one row per order in every file; the test spoils it and writes
    it."""

    def make(kind: str) -> Source:
        orders = [
            {"canonical": _canonical_rows, "olist": _olist_rows}[kind](i) for i in range(COUNT)
        ]
        return Source(kind, {name: [order[name] for order in orders] for name in orders[0]})

    return make


@pytest.fixture(scope="session")
def run_step() -> Callable[..., subprocess.CompletedProcess[str]]:
    """`python -m pipeline ...` as a user runs it."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pipeline", *map(str, arguments)]
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )

    return run


# Replaces quarantine, tables and the last run, all with one mark in them, and prints minus the
# count of changes on disk; killed before one of them, if told so.
_REPLACE_ALL = """
import os, signal, sys
from datetime import date
from pathlib import Path
import polars as pl
from features.tables import TABLES, create_tables
from pipeline.workspace.workspace import Workspace, new_id
from tests.unit.nights import RUN_FILES

folder, mark, left = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
CHANGES = {"os.mkdir", "os.rename", "os.symlink", "os.remove", "os.rmdir"}

def die_at_a_change(event, arguments):
    global left
    if event in CHANGES and str(folder) in os.path.abspath(str(arguments[0])):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

rows = {name: pl.DataFrame({key: [mark] for key in table.key}) for name, table in TABLES.items()}
sys.addaudithook(die_at_a_change)
place = Workspace(folder)
with place.locked():
    full = {n: pl.concat([TABLES[n].empty(), rows[n]], how="diagonal") for n in TABLES}
    place.write_quarantine({"orders.csv": pl.DataFrame({"row": [mark]})})
    place.write_tables(create_tables(full, zone="UTC"), {"mark": mark})
    with place.new_run(date(2025, 7, 10), new_id()) as run:
        for name in RUN_FILES:
            (run / name).write_text(mark)
print(left)
"""


@pytest.fixture(scope="session")
def replace_all() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Replace all of a workspace in a process of its own, which SIGKILL ends before change number
    `kill_at`."""

    def run(folder: Path, mark: str, kill_at: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", _REPLACE_ALL, str(folder), mark, str(kill_at)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def simulated_raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw files of a simulated store of 1,500 orders in 200 days."""
    place = Workspace(tmp_path_factory.mktemp("store"))
    return simulate(
        place, load_config(place.folder), Progress(), orders=1500, first=STORE_START, days=200
    )


@pytest.fixture(scope="session")
def do_night(simulated_raw: Path) -> Callable[..., Path]:
    """Do the night in a workspace, within this process; returns the run folder."""

    def do(folder: Path, *, is_forced: bool = False) -> Path:
        place = Workspace(folder)
        if not (folder / "config.toml").exists():
            (folder / "config.toml").write_text(FAST)
        with place.locked():
            return nightly(
                place,
                load_config(folder),
                Progress(),
                as_of=NIGHT,
                source="canonical",
                raw=simulated_raw,
                is_forced=is_forced,
            )

    return do


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, do_night: Callable[..., Path]) -> Path:
    """A workspace whose night is done. Shared: only read it."""
    folder = tmp_path_factory.mktemp("finished")
    do_night(folder)
    return folder


@pytest.fixture
def workspace(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished workspace, to do with as the test likes."""
    return shutil.copytree(finished, tmp_path / "workspace", symlinks=True)
