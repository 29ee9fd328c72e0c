"""Small tables written as text, shared by all tests."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import Phase, settings

# sets how the threads of LightGBM wait, before a test loads it
import pipeline  # noqa: F401
from features.tables import TABLES, Tables, create_tables

ZONE = "UTC"
# for runs that only check whether there is a failure: skip shrinking the example
settings.register_profile("find", phases=[Phase.explicit, Phase.generate])


@pytest.fixture(autouse=True)
def no_tracking_server() -> None:
    """MLflow leaves the address of its last database in the environment of the process."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)


def day(text: str) -> int:
    """Day number of '2024-05-03', or of '05-03' in 2024."""
    return (
        date.fromisoformat(text if len(text) == 10 else f"2024-{text}").toordinal()
        - date(1970, 1, 1).toordinal()
    )


def _cell(text: str, dtype: pl.DataType) -> object:
    if text in ("", "-"):
        return None
    if isinstance(dtype, pl.Datetime):
        stamp = text if text[:2] == "20" else f"2024-{text}"
        return datetime.fromisoformat(stamp).replace(tzinfo=UTC)
    return float(text) if dtype == pl.Float64 else text


DEFAULTS = {
    "buyer_id": "b",
    "store_id": "s",
    "country": "US",
    "lane": "Std>US",
    "currency": "USD",
    "total_usd": "20",
    "shipping_usd": "2",
    "total_source": "20",
    "count_installments": "1",
    "line_id": "1",
    "product_id": "p",
    "supplier_id": "u",
    "quantity": "1",
    "unit_price_usd": "18",
    "category": "c",
    "kind": "delivery",
    "event": "paid",
    "shipment_id": "h",
    "status": "InTransit",
    "step": "opened",
    "cause": "unknown",
    "sender": "buyer",
    "score": "5",
}


def draw(name: str, drawing: str, **fixed: str) -> pl.DataFrame:
    """A canonical table from text: a header, then one row per line, with cells separated by `|`.

    Columns that are not given get the value in `DEFAULTS`, ids are numbered, and `known_at` is
    `occurred_at`. A dispute names no line.
    """
    table = TABLES[name]
    lines = [
        line.strip() for line in drawing.strip().splitlines() if set(line.strip()) - set("-+| ")
    ]
    header, *rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    records = []
    for number, row in enumerate(rows):
        given = dict(zip(header, row, strict=True)) | fixed
        defaults = DEFAULTS | {"line_id": "-"} if name == "disputes" else DEFAULTS
        texts = {c.name: given.get(c.name, defaults.get(c.name, "-")) for c in table.columns}
        if "known_at" not in given:
            texts["known_at"] = texts["occurred_at"]
        for key in table.key:
            if texts[key] == "-":
                texts[key] = f"{name}-{number}"
        records.append({c.name: _cell(texts[c.name], c.dtype) for c in table.columns})
    return pl.DataFrame(records, schema=table.schema, orient="row")


@pytest.fixture
def make_tables():
    """Tables of a store from text: make_tables(orders='order_id | occurred_at ...', ...)."""

    def make(*, zone: str = ZONE, has_partial_outcomes: bool = False, **drawings: str) -> Tables:
        frames = {name: draw(name, drawing) for name, drawing in drawings.items()}
        return create_tables(frames, zone=zone, has_partial_outcomes=has_partial_outcomes)

    return make
