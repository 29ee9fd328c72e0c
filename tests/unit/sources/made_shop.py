"""The folder of a made-up shop. Its columns have the names of the public exports of shop systems,
parcel services and payment providers, not those of our tables. Its orders come from a simulated
store."""

from __future__ import annotations

from pathlib import Path
from random import Random

import polars as pl

OFFSET, LOCAL = "America/New_York", "Europe/Berlin"
REASONS = {
    "not_received": "Item not received",
    "not_as_described": "Significantly not as described",
    "other": "Unauthorised transaction",
    "unknown": "Other",
}
STATUS = {
    "refunded": "Closed - refunded",
    "withdrawn": "Withdrawn by customer",
    "ruled": "Decided by provider",
}
RATE_EUR = 1.1


def write_shop(raw: Path, folder: Path) -> Path:
    """Write the files of the shop into `folder`. `raw`: the files that `simulate` wrote. The shop
    sells in EUR and adds tax to half of its orders."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {path.stem: pl.read_csv(path, infer_schema=False) for path in raw.glob("*.csv")}
    orders = tables["orders"].with_columns(
        number=pl.int_range(1001, 1001 + pl.len()).cast(pl.String), at=_at("occurred_at")
    )
    tables["orders"] = orders
    _orders_export(tables).write_csv(folder / "orders_export_1.csv")
    _products_export(tables).write_csv(folder / "products_export.csv")
    _parcels(tables).write_csv(folder / "parcels 2024-25.csv", separator=";", include_bom=True)
    _cases(tables).write_csv(folder / "resolution_center.csv")
    _inbox(tables).write_csv(folder / "inbox.csv")
    return folder


def _at(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")


def _abroad(column: str) -> pl.Expr:
    return _at(column).dt.convert_time_zone(OFFSET).dt.strftime("%Y-%m-%d %H:%M:%S %z")


def _here(column: str, form: str = "%d/%m/%Y %H:%M") -> pl.Expr:
    return _at(column).dt.convert_time_zone(LOCAL).dt.strftime(form)


def _eur(column: str) -> pl.Expr:
    return (pl.col(column).cast(pl.Float64) / RATE_EUR).round(2)


def _money(amount: pl.Expr) -> pl.Expr:
    return amount.map_elements(lambda value: f"{value:.2f}", return_dtype=pl.String)


def _first(events: pl.DataFrame, name: str, at: pl.Expr) -> pl.DataFrame:
    return (
        events.sort("occurred_at")
        .group_by("order_id", maintain_order=True)
        .agg(at.first().alias(name))
    )


def _orders_export(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """One row per order line. The columns of the order are filled only in its first row."""
    titles = tables["products"].select("product_id", title=pl.coalesce("title", "product_id"))
    lines = tables["order_lines"].join(titles, on="product_id", how="left", maintain_order="left")
    events = tables["order_events"]
    paid = _first(events.filter(event="paid"), "Paid at", _abroad("occurred_at"))
    closed = _first(events.filter(event="closed"), "Closed at", _abroad("occurred_at"))
    price = _eur("unit_price_usd")
    lines = lines.with_columns(price=price, amount=price * pl.col("quantity").cast(pl.Float64))
    sums = lines.group_by("order_id").agg(pl.col("amount").sum())
    rows = lines.join(tables["orders"], on="order_id", suffix="_order", maintain_order="left")
    for other in (sums, paid, closed):
        rows = rows.join(other, on="order_id", how="left", suffix="_sum", maintain_order="left")
    shipping = _eur("shipping_usd_order")
    # the amount that the customer paid; tax is added in every second order
    total = pl.min_horizontal(_eur("total_usd"), pl.col("amount_sum") + shipping)
    tax = (
        pl.when(pl.col("number").cast(pl.Int64) % 2 == 0)
        .then((total * 0.2).round(2))
        .otherwise(0.0)
    )
    subtotal = total - shipping
    is_first = pl.int_range(pl.len()).over("order_id") == 0
    order_columns = {
        "Email": pl.concat_str("buyer_id", pl.lit("@example.org")),
        "Financial Status": pl.lit("paid"),
        "Paid at": pl.col("Paid at"),
        "Currency": pl.lit("EUR"),
        "Subtotal": _money(subtotal),
        "Shipping": _money(shipping),
        "Taxes": _money(tax),
        "Total": _money(total + tax),
        "Shipping Method": pl.col("lane").str.split(">").list.first(),
        "Created at": _abroad("occurred_at_order"),
        "Shipping Country": pl.col("country"),
        "Closed at": pl.col("Closed at"),
    }
    return rows.select(
        pl.concat_str(pl.lit("#"), "number").alias("Name"),
        *[pl.when(is_first).then(value).alias(name) for name, value in order_columns.items()],
        pl.col("quantity").cast(pl.Float64).cast(pl.Int64).alias("Lineitem quantity"),
        pl.col("title").alias("Lineitem name"),
        _money(pl.col("price")).alias("Lineitem price"),
        pl.col("product_id").alias("Lineitem sku"),
        pl.col("supplier_id").alias("Vendor"),
        pl.lit("").alias("Notes"),
    )


def _products_export(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return tables["products"].select(
        Handle=pl.col("product_id").str.to_lowercase(),
        Title="title",
        Type="category",
        **{
            "Variant SKU": "product_id",
            "Variant Grams": "weight_g",
            "Published at": _abroad("occurred_at"),
        },
    )


def _parcels(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """One row per parcel, with semicolons, day-first dates, and order numbers without `#`."""
    promised = tables["promises"].filter(kind="delivery")
    promised = _first(promised, "Estimated delivery", _here("promised_at", "%d/%m/%Y"))
    delivered = _first(
        tables["tracking"].filter(status="Delivered"), "Delivered on", _here("occurred_at")
    )
    rows = tables["shipments"].join(
        tables["orders"].select("order_id", "number"), on="order_id", maintain_order="left"
    )
    for other in (promised, delivered):
        rows = rows.join(other, on="order_id", how="left", maintain_order="left")
    return rows.select(
        pl.col("shipment_id").alias("Tracking Number"),
        pl.col("number").alias("Reference"),
        pl.col("carrier").alias("Carrier"),
        _here("occurred_at").alias("Ship Date"),
        "Estimated delivery",
        "Delivered on",
    )


def _cases(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    steps = tables["disputes"].join(
        tables["orders"].select("order_id", "number"), on="order_id", maintain_order="left"
    )
    ended = steps.filter(pl.col("step").is_in(list(STATUS))).sort("occurred_at", "step")
    ended = ended.group_by("dispute_id", maintain_order=True).agg(
        pl.col("step").last(), _here("occurred_at", "%Y-%m-%d %H:%M").last().alias("Date closed")
    )
    rows = steps.filter(step="opened").join(
        ended, on="dispute_id", how="left", suffix="_end", maintain_order="left"
    )
    return rows.select(
        pl.col("dispute_id").alias("Case ID"),
        pl.concat_str(pl.lit("#"), "number").alias("Order"),
        pl.col("cause").replace_strict(REASONS).alias("Reason"),
        _here("occurred_at", "%Y-%m-%d %H:%M").alias("Date filed"),
        pl.col("step_end").replace_strict(STATUS, default="Open").alias("Status"),
        "Date closed",
        _money(_eur("amount_usd")).alias("Disputed amount"),
    )


def _inbox(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    rows = tables["messages"].join(
        tables["orders"].select("order_id", "number"), on="order_id", maintain_order="left"
    )
    return rows.select(
        pl.col("message_id").alias("Ticket"),
        pl.concat_str(pl.lit("#"), "number").alias("Order number"),
        pl.when(pl.col("sender") == "buyer")
        .then(pl.lit("Customer"))
        .otherwise(pl.lit("Agent"))
        .alias("From"),
        _here("occurred_at", "%Y-%m-%d %H:%M:%S").alias("Sent at"),
    )


STRANGE = [
    "",
    "=cmd|x",
    "2024-13-45 99:00",
    "1e400",
    "-5",
    "x" * 999,
    "\x00",
    '"',
    "女装",
    "99999999999999999999",
    "#",
    "31/12/9999",
    "nan",
    "\u202e",
    "1,2",
    "#1001",
]
ENCODINGS = ["utf-8", "utf-8-sig", "gb18030", "utf-16", "cp1252"]


def spoiled(folder: Path, rng: Random) -> None:
    """Replace some cells in one file of the shop and write it in a random encoding. One file in
    four is also cut off or doubled."""
    path = rng.choice(sorted(folder.glob("*.csv")))
    text = path.read_bytes().decode("utf-8-sig")
    sign = ";" if path.name.startswith("parcels") else ","
    lines = text.splitlines()
    for _ in range(rng.randint(0, 4)):
        index = rng.randrange(len(lines))
        cells = lines[index].split(sign)
        cells[rng.randrange(len(cells))] = rng.choice(STRANGE)
        lines[index] = sign.join(cells[: rng.choice([1, len(cells), len(cells), len(cells) + 1])])
    data = "\n".join(lines).encode(rng.choice(ENCODINGS), errors="replace")
    chance = rng.random()
    if chance < 0.15:
        data = data[: rng.randint(0, len(data))]
    elif chance < 0.25:
        data = data * 2
    path.write_bytes(data)
