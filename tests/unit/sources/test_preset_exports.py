"""Exports of well-known systems: `make map` recognises them, and every value loads right without an
edit of the mapping, whichever country's spreadsheet saved the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import polars as pl
import pytest

from pipeline.load.propose_mapping import propose_mapping
from pipeline.night.nightly import nightly
from pipeline.settings.config import load_config
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.proposing.presets import Preset, header, presets, recognised
from pipeline.sources.source_context import SourceContext
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.conftest import FAST
from tests.unit.sources.exports.export_files import LOCALES, SHOPS, write_table
from tests.unit.sources.exports.export_oracle import EUR, wrong_values
from tests.unit.sources.exports.export_truth import Order, made_orders
from tests.unit.sources.exports.marketplace_files import MARKETPLACES, order_number

BERLIN = "Europe/Berlin"
RATES = {"USD": 1.0, "EUR": EUR}
CASES = [
    ("Shopify and Stripe", "as exported"),
    ("Shopify and Stripe", "German"),
    ("Shopify and Stripe", "American"),
    ("WooCommerce and PayPal", "as exported"),
    ("WooCommerce and PayPal", "German"),
    ("WooCommerce and PayPal", "British"),
    ("WooCommerce, second plugin", "German"),
    ("WooCommerce report", "American"),
]


def write_exports(folder: Path, shop: str, locale: str, zone: str, count: int) -> Sequence[Order]:
    """Write the files of a shop into a folder. Returns its orders."""
    folder.mkdir(exist_ok=True)
    writers, reasons = SHOPS[shop]
    orders = made_orders(Random(f"{shop} {locale}"), count, zone, reasons)
    for name, writer in writers.items():
        write_table(folder / name, writer(orders, zone), LOCALES[locale])
    return orders


@pytest.mark.parametrize(("shop", "locale"), CASES)
def test_every_value_of_the_exports_is_right(shop: str, locale: str, tmp_path: Path) -> None:
    orders = write_exports(tmp_path, shop, locale, BERLIN, 30)
    mapping = propose_mapping(tmp_path, zone=BERLIN)
    assert "LOOK" not in mapping.read_text().split("[store]")[1]
    data = enforce_contract(read_mapped(SourceContext(tmp_path, RATES)))
    assert all(file.fault_share == 0 for file in data.files)
    assert wrong_values(data.frames, orders) == []
    frames = data.frames
    assert frames["orders"].height == len(orders)
    disputed = {str(order.number): order.cause for order in orders if order.disputed}
    assert dict(frames["disputes"].select("order_id", "cause").iter_rows()) == disputed
    count_lines = sum(len(order.lines) for order in orders)
    assert frames["order_lines"].height in (count_lines, 0)
    assert frames["order_lines"].height == count_lines or shop == "WooCommerce report"


@pytest.mark.parametrize("market", MARKETPLACES)
def test_every_value_of_a_marketplace_is_right(market: str, tmp_path: Path) -> None:
    writers, reasons = MARKETPLACES[market]
    orders = made_orders(Random(market), 30, BERLIN, reasons)
    for name, writer in writers.items():
        write_table(tmp_path / name, writer(orders, BERLIN), LOCALES["German"])
    text = propose_mapping(tmp_path, zone=BERLIN).read_text()
    currency = 'currency = "EUR"'
    if market == "eBay":
        # its files have no currency
        assert 'currency = "USD"  # LOOK' in text
        (tmp_path / "mapping.toml").write_text(text.replace('currency = "USD"', currency))
    else:
        assert currency in text
    data = enforce_contract(read_mapped(SourceContext(tmp_path, RATES)))
    assert all(file.fault_share == 0 for file in data.files)
    frames = data.frames
    days = None if market == "Amazon" else BERLIN
    wrong = wrong_values(frames, orders, order_number, days)
    if market == "Amazon":
        # its returns have days, and its orders have times
        wrong = [line for line in wrong if "disputed 2026" not in line]
        opened = wrong_values(
            {"disputes": frames["disputes"], "orders": frames["orders"].clear()},
            orders,
            order_number,
            BERLIN,
        )
        wrong += opened
    assert wrong == []
    assert frames["orders"].height == 30
    assert frames["order_lines"].height == sum(len(order.lines) for order in orders)
    assert frames["disputes"].height == sum(order.disputed is not None for order in orders)


def test_from_the_exports_to_the_list_of_tonight(tmp_path: Path) -> None:
    """tests/bench/exports.py does this with the other shops too."""
    raw = tmp_path / "raw"
    orders = write_exports(raw, "WooCommerce and PayPal", "German", BERLIN, 90)
    propose_mapping(raw, zone=BERLIN)
    (tmp_path / "config.toml").write_text(f"usd_per = {{USD = 1.0, EUR = {EUR}}}\n{FAST}")
    workspace = Workspace(tmp_path)
    night = max(order.placed for order in orders).date()
    with workspace.locked():
        run = nightly(
            workspace,
            load_config(tmp_path),
            Progress(),
            as_of=night,
            source="mapped",
            raw=raw,
            is_forced=False,
        )
    listed = pl.read_csv(run / "contact_list.csv", infer_schema=False)
    placed = {str(order.number) for order in orders if order.placed.date() < night}
    assert listed.height > 0
    assert set(listed["order_id"]) <= placed


def test_tomorrows_files_are_read_by_the_same_mapping(tmp_path: Path) -> None:
    orders = write_exports(tmp_path, "Shopify and Stripe", "as exported", BERLIN, 40)
    propose_mapping(tmp_path, zone=BERLIN)
    writers, _ = SHOPS["Shopify and Stripe"]
    for name, writer in writers.items():
        later = (
            name.replace("_1", "_2").replace("11-01", "11-02").replace("payments", "payments (1)")
        )
        (tmp_path / name).rename(tmp_path / later)
        write_table(tmp_path / name, writer(orders[:25], BERLIN), LOCALES["as exported"])
    data = enforce_contract(read_mapped(SourceContext(tmp_path, RATES)))
    assert wrong_values(data.frames, orders) == []
    assert data.frames["orders"].height == 40
    assert data.frames["disputes"].height == sum(order.disputed is not None for order in orders)


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_a_preset_fits_its_own_headers(preset: Preset) -> None:
    """Its headers in capitals are recognised, and it names the page that documents them."""
    assert preset.source.startswith("https://")
    columns = [wanted.split("|")[0].upper() for wanted in preset.headers]
    assert recognised(columns) == preset
    assert all(header(columns, wanted) for wanted in preset.headers)
    assert recognised(columns[1:]) != preset
