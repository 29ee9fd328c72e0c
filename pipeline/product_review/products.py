"""products: which products to keep, fix or stop, with rates by supplier and category, and a
what-if."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from models.product.product_table import Reviewed, group_frame
from models.product.product_verdict import NOT_JUDGED, without_disputes
from models.product.verdict_reasons import NO_DISPUTES
from pipeline.output.safe_text import neutral_frame
from pipeline.output.spreadsheet import write_workbook
from pipeline.pages.product_page import PAGE, products_page
from pipeline.product_review.product_costs import read_costs
from pipeline.product_review.review import ask_what_if, limit_of, read_review, table_of
from pipeline.settings.config import Config
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.published_run import publish
from pipeline.workspace.workspace import Workspace

# more rows than anyone reads in a spreadsheet; the CSV file has all of them
SHEET_ROWS = 5_000


def products(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    as_of: date,
    costs: Path | None = None,
    dropped: Sequence[str] = (),
    moved: str | None = None,
) -> Path:
    """Write `products.csv`, `suppliers.csv`, `categories.csv`, all of them as `products.xlsx`, and
    the page `products.html` into their own run folder; return it.

    `costs`: file with the cost per unit. With `dropped` products or a `moved` lane there is also
    `what_if.csv`.

    Raises `Refused` for stale data or no sales, `BadInput` for a bad file, product or lane.
    """
    unit_costs = read_costs(costs, config) if costs else None
    with progress.piece("products") as notes:
        reviewed = read_review(workspace, config, as_of)
        limit, source = limit_of(config, workspace, as_of, reviewed.families.rate)
        table = table_of(reviewed, config, limit, unit_costs)
        notes.append(
            f"{table.height:,} products in {reviewed.rows.height:,} order lines; "
            f"limit {limit:.2%} ({source})"
        )
    frames = {
        "products": table,
        "suppliers": _groups(reviewed, "supplier_id", limit),
        "categories": _groups(reviewed, "category", limit),
    }
    if dropped or moved:
        frames["what_if"] = ask_what_if(reviewed, dropped, moved, config.seed)
    page = products_page(
        reviewed, frames, as_of=as_of, limit=limit, limit_from=source, charts=config.page.charts
    )
    with publish(workspace, config, as_of, "products") as (folder, manifest):
        _write_tables(folder, frames, as_of)
        (folder / PAGE).write_text(page, encoding="utf-8", newline="\n")
        manifest["products"] = {
            "limit": limit,
            "limit_from": source,
            "rows": table.height,
            "dropped": list(dropped),
            "moved": moved,
        }
    say_products(table)
    say_what_if(frames.get("what_if"))
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-products").resolve()


def _write_tables(folder: Path, frames: Mapping[str, pl.DataFrame], as_of: date) -> None:
    for name, frame in frames.items():
        neutral_frame(frame).write_csv(folder / f"{name}.csv", float_precision=6)
    sheets = {name: neutral_frame(frame.head(SHEET_ROWS)) for name, frame in frames.items()}
    write_workbook(folder / "products.xlsx", sheets, as_of)


def _groups(reviewed: Reviewed, column: str, limit: float) -> pl.DataFrame:
    """One row per supplier or category, highest rate first."""
    groups = group_frame(reviewed, column, limit).sort("rate", column, descending=[True, False])
    return groups if reviewed.has_disputes else without_disputes(groups)


def say_products(table: pl.DataFrame) -> None:
    """Print the number of products per verdict, the worst products and the most common notes."""
    verdicts = table["verdict"].value_counts().sort("count", "verdict", descending=True)
    for verdict, count in verdicts.iter_rows():
        say(f"{verdict:<20} {count:,} products")
    if (table["verdict"] == NOT_JUDGED).all():
        warn(NO_DISPUTES)
        return
    for row in table.filter(pl.col("verdict") != "keep").head(5).iter_rows(named=True):
        say(f"{row['product_id']} ({row['category']}): {row['verdict']}: {row['why']}")
    noted = table.filter(pl.col("note") != "")
    if noted.height:
        counts = noted["note"].str.split("; ").explode().value_counts()
        common = counts.sort("count", "note", descending=True).head(4)
        warn("; ".join(f"{count:,} products: {note}" for note, count in common.iter_rows()))


def say_what_if(changes: pl.DataFrame | None) -> None:
    """Print one line per indicator that the what-if would change; None: nothing was asked."""
    for row in [] if changes is None else changes.iter_rows(named=True):
        low, high = row["change_low"] * 100, row["change_high"] * 100
        say(
            f"{row['indicator']:<26} {row['now']:.2%} -> {row['then']:.2%}, "
            f"change {row['change'] * 100:+.3f} points (90 % interval {low:+.3f} to {high:+.3f})"
        )
