"""Find orders by what an agent has at hand: the order, the buyer, the tracking number, the product.

The search reads the columns that it needs from the table files, so it also works for stores whose
tables are larger than memory.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from pipeline.desk.published_nights import LIST, SCORES, published
from pipeline.load.contacts import read_own
from pipeline.output.safe_text import neutral, neutral_frame
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

MOST_ORDERS, MOST_NIGHTS = 50, 60
_LAST_NIGHT = {"stage": pl.String, "probability": pl.Float64, "night": pl.Date, "listed": pl.UInt32}
_MATCH = {"order_id": pl.String, "match": pl.String, "is_whole": pl.Boolean}
# the order of the results: what a match says, from the most to the least specific
MATCHES = ("order", "tracking", "buyer", "product")


def find_orders(workspace: Workspace, query: str, most: int = MOST_ORDERS) -> list[dict[str, Any]]:
    """Up to `most` orders that match `query`, one row per order; whole ids first.

    Columns: `order_id`, `country`, `match` (one of `MATCHES`); `night`, the last of the newest 60
    nights on which the order was open, with its `stage` and `probability` then; `listed`, on how
    many of these nights it was on the list; `contacted` and `outcome` of the last contact.
    """
    own = read_own(workspace).sort("occurred_at").unique("order_id", keep="last")
    own = own.select("order_id", "outcome", contacted=pl.col("occurred_at").dt.date())
    rows = (
        _with_last_night(workspace, _matching(workspace, query, most))
        .join(own, on="order_id", how="left", maintain_order="left")
        .with_columns(pl.col("listed").fill_null(0))
    )
    # after an id that was typed whole, the orders that were open last
    rows = rows.sort("is_id", "night", descending=True, nulls_last=True, maintain_order=True)
    return neutral_frame(rows.drop("is_id")).to_dicts()


def order_by_id(files: TableFiles, shown: str) -> tuple[str, str] | None:
    """`order_id` and `buyer_id` of an order by its id, or by the harmless form in which a page
    shows it; None if there is none."""
    orders = pl.scan_parquet(files.folder / "orders.parquet").select("order_id", "buyer_id")
    is_exact = pl.col("order_id") == shown
    rows = orders.filter(is_exact | (neutral(pl.col("order_id")) == shown)).collect()
    rows = rows.sort(is_exact, descending=True)
    return rows.row(0) if rows.height else None


def _matching(workspace: Workspace, query: str, most: int) -> pl.DataFrame:
    """`order_id, country, match, is_id` of the orders that match, best match first."""
    files = workspace.table_files()

    def scan(name: str) -> pl.LazyFrame:
        return pl.scan_parquet(files.folder / f"{name}.parquet")

    def matches(rows: pl.LazyFrame, match: str, *columns: str) -> pl.LazyFrame:
        texts = [pl.col(column).str.to_lowercase() for column in columns]
        contains = pl.any_horizontal(t.str.contains(query.lower(), literal=True) for t in texts)
        is_whole = pl.any_horizontal(text == query.lower() for text in texts)
        chosen = rows.filter(contains).with_columns(
            match=pl.lit(match), is_whole=is_whole.fill_null(False)
        )
        return chosen.select(*_MATCH).sort("is_whole", "order_id", descending=[True, False])

    products = scan("products")
    names = [n for n in ("product_id", "title") if n in products.collect_schema().names()]
    lines = scan("order_lines").join(products.select(names), on="product_id", how="left")
    parts = [
        matches(scan("orders"), "order", "order_id"),
        matches(scan("shipments"), "tracking", "shipment_id"),
        matches(scan("orders"), "buyer", "buyer_id"),
        matches(lines, "product", *names),
    ]
    rank = pl.col("match").replace_strict(
        {match: n for n, match in enumerate(MATCHES)}, return_dtype=pl.Int32
    )
    best = pl.concat([pl.DataFrame(schema=_MATCH), *pl.collect_all(p.head(most) for p in parts)])
    best = best.sort(~pl.col("is_whole"), rank, "order_id").unique(
        "order_id", keep="first", maintain_order=True
    )
    best = best.head(most)
    countries = scan("orders").select("order_id", "country")
    wanted = countries.filter(pl.col("order_id").is_in(best["order_id"].implode())).collect()
    is_id = pl.col("is_whole") & pl.col("match").is_in(["order", "tracking"])
    return best.join(wanted, on="order_id", how="inner", maintain_order="left").select(
        "order_id", "country", "match", is_id=is_id
    )


def _with_last_night(workspace: Workspace, orders: pl.DataFrame) -> pl.DataFrame:
    """Adds `stage`, `probability`, `night` and `listed`; null for an order that was on no night."""
    ids = orders["order_id"].implode()
    scored, listed = [], []
    for run in published(workspace)[:MOST_NIGHTS]:
        names = ["order_id", "stage", "probability"]
        scores = pl.read_parquet(run.folder / SCORES, columns=names)
        scores = scores.filter(pl.col("order_id").is_in(ids))
        scored.append(scores.with_columns(night=pl.lit(run.night)))
        rows = pl.read_parquet(run.folder / LIST, columns=["order_id"])
        listed.append(rows.filter(pl.col("order_id").is_in(ids)))
    if not scored:
        return orders.with_columns(
            pl.lit(None, dtype).alias(name) for name, dtype in _LAST_NIGHT.items()
        )
    last = pl.concat(scored).sort("night").unique("order_id", keep="last")
    times = pl.concat(listed).group_by("order_id").agg(listed=pl.len())
    return orders.join(last, on="order_id", how="left", maintain_order="left").join(
        times, on="order_id", how="left", maintain_order="left"
    )
