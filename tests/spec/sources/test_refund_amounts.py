"""Money that leaves the store may be written with a minus: the amount is the same."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from pipeline.sources.canonical import read_canonical
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.cells import number
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.mapped.mapping import Cell
from pipeline.sources.source_context import SourceContext
from tests.unit.source_folders import sound_source

MAPPING = """
[store]
zone = "America/New_York"
[[fact]]
table = "orders"
file = "orders*"
[fact.columns]
order_id = {column = "Name", strip = "#"}
occurred_at = "Created at"
total = "Total"
[[fact]]
table = "order_lines"
file = "orders*"
[fact.columns]
order_id = {column = "Name", strip = "#"}
product_id = "Lineitem sku"
unit_price = "Total"
[[fact]]
table = "disputes"
file = "payment*"
[fact.columns]
order_id = {column = "Order", strip = "#"}
step = {value = "opened"}
occurred_at = "Transaction Date"
reason = "Type"
amount = "Amount"
"""
ORDERS = """Name,Created at,Total,Lineitem sku
#1145,2026-09-09 05:38:38 -0400,20.60,MUG-01
#1156,2026-09-19 03:37:09 -0400,73.90,HOOD-GR
#1176,2026-10-07 10:07:00 -0400,82.84,TEE-BLK-M
"""
PAYMENTS = """Transaction Date,Type,Order,Amount
2026-10-17 19:08:53 -0400,chargeback,#1145,-20.60
2026-10-10 23:52:05 -0400,refund,#1156,"(73.90)"
2026-10-14 12:53:00 -0400,refund,#1176,82.84
"""


def test_refunds_of_a_payment_provider(tmp_path: Path) -> None:
    for name, text in (
        ("mapping.toml", MAPPING),
        ("orders.csv", ORDERS),
        ("payments.csv", PAYMENTS),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    data = enforce_contract(read_mapped(SourceContext(tmp_path)))
    disputes = data.frames["disputes"].sort("order_id")
    assert disputes["amount_usd"].to_list() == [20.60, 73.90, 82.84]
    assert [note for note in data.notes if "minus" in note] == [
        "2 amounts of disputes have a minus, such as -20.60 USD; read without it, as 20.60 USD"
    ]
    assert all(file.quarantine().is_empty() for file in data.files)


def test_a_canonical_file_of_disputes(tmp_path: Path) -> None:
    raw = sound_source("canonical").write(tmp_path / "raw")
    path = raw / "disputes.csv"
    rows = pl.read_csv(path, infer_schema=False)
    rows.with_columns(amount_usd=pl.lit("-12.00")).write_csv(path)
    data = enforce_contract(read_canonical(SourceContext(raw)))
    assert set(data.frames["disputes"]["amount_usd"]) == {12.0}
    assert data.frames["disputes"].height == rows.height
    assert len([note for note in data.notes if "-12.00 USD" in note]) == 1


def test_other_amounts_below_0_are_refused(tmp_path: Path) -> None:
    raw = sound_source("canonical").write(tmp_path / "raw")
    path = raw / "orders.csv"
    rows = pl.read_csv(path, infer_schema=False)
    rows.with_columns(total_usd=pl.lit("-12.00")).write_csv(path)
    assert enforce_contract(read_canonical(SourceContext(raw))).frames["orders"].is_empty()


WRITTEN = """
-12.00     | -12.0
- 12.00    | -12.0
\u221212.00     | -12.0
(12.00)    | -12.0
($12.00)   | -12.0
-$12.00    | -12.0
$ -12.00   | -12.0
-12.00 USD | -12.0
12.00-     | -12.0
12.00 -    | -12.0
12.00- USD | -12.0
12.00 EUR- | -12.0
$(12.00)   | -12.0
(12.00) €  | -12.0
–12.00     | -12.0
-R$ 12.00  | -12.0
-₹12.00    | -12.0
+12.00     | 12.0
1’234.50   | 1234.5
12.00      | 12.0
"""
NOT_WRITTEN = ["12.00 CR", "12.00 DR", "--12", "(-12.00)", "(12.00", "12-13", "-", "()"]


@pytest.mark.parametrize("text", NOT_WRITTEN)
def test_an_amount_with_two_meanings_is_no_number(text: str) -> None:
    amount = pl.DataFrame({"x": [text]}).select(number(Cell(column=("x",)), "."))
    assert amount.to_series().is_nan().to_list() == [True]


@pytest.mark.parametrize("line", WRITTEN.strip().splitlines())
def test_how_an_amount_below_0_may_be_written(line: str) -> None:
    text, value = (part.strip() for part in line.split("|"))
    amount = pl.DataFrame({"x": [text]}).select(number(Cell(column=("x",)), "."))
    assert amount.to_series().to_list() == [float(value)]
