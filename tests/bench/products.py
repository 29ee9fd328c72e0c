"""Review the products of a large store: seconds and peak memory.

    python tests/bench/products.py [--folder DIR] [--orders 10000000] [--products 100000]

Without `--folder`, the made-up tables of `tests/bench/kpi.py` are drawn. The products of the lines
are drawn again, so that there are `--products` of them; a few sell much and most sell little.
Target: 60 s for 100,000 products and 10 million orders. Seconds depend on the machine.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET_SECONDS, TARGET_ORDERS = 60.0, 10_000_000
PRODUCTS = 100_000
LOOKBACK_DAYS = 3650


def prepare(source: Path, folder: Path, products: int) -> None:
    """Write the tables that a review reads, as a workspace has them: with order numbers, local days
    and `products` products."""
    import numpy as np
    import polars as pl

    from features.clock import local_day
    from features.indicators.product_exposure import USED
    from features.tables import TABLES

    numbers = pl.read_parquet(source / "orders.parquet", columns=["order_id"]).with_row_index(
        "order_number"
    )
    for name in TABLES:
        frame = pl.read_parquet(source / f"{name}.parquet", n_rows=None if name in USED else 0)
        if "known_day" not in frame.columns:
            frame = frame.with_columns(known_day=local_day(pl.col("known_at"), "Asia/Shanghai"))
        if "order_id" in frame.columns and "order_number" not in frame.columns:
            frame = frame.join(numbers, on="order_id", how="left", maintain_order="left")
        rng = np.random.default_rng(7)
        names = pl.select(pl.format("p-{}", pl.int_range(products))).to_series()
        if name == "order_lines":
            drawn = (rng.uniform(size=frame.height) ** 2.5 * products).astype(np.int64)
            frame = frame.with_columns(product_id=names.gather(drawn))
            frame = frame.with_columns(supplier_id=pl.format("sup-{}", pl.Series(drawn % 2000)))
        elif name == "products":
            kinds = frame["category"].unique().sort()
            frame = frame.sample(products, with_replacement=True, seed=1).with_columns(
                product_id=names, category=kinds.gather(np.arange(products) % len(kinds))
            )
        frame.write_parquet(folder / f"{name}.parquet")


def one(folder: Path) -> None:
    """Read, review and judge in its own process, so that the peak memory is that of this run."""
    import pipeline  # noqa: F401 - sets environment variables before polars is imported
    from features.indicators.product_exposure import USED, order_exposure, product_orders
    from models.product.product_table import group_frame, review_products
    from pipeline.product_review.review import table_of
    from pipeline.settings.config import Config
    from pipeline.workspace.table_files import TableFiles

    started = time.perf_counter()
    files = TableFiles(folder, "Asia/Shanghai", has_partial_outcomes=False)
    tables = files.read_columns(USED)
    reading = time.perf_counter() - started
    # a day after the last order, so that all orders count
    day = int(tables["orders"]["known_day"].max()) + 1  # type: ignore[arg-type]
    count = tables["orders"].height
    rows = product_orders(tables, order_exposure(tables, day, LOOKBACK_DAYS), day)
    del tables
    reviewed = review_products(rows, day)
    table = table_of(reviewed, Config(), 0.05, None)
    groups = [group_frame(reviewed, by, 0.05) for by in ("supplier_id", "category")]
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    verdict = ""
    if count >= TARGET_ORDERS and table.height >= 0.99 * PRODUCTS:
        verdict = f"; target {TARGET_SECONDS:.0f} s: " + (
            "met" if seconds < TARGET_SECONDS else "MISSED"
        )
    sys.stdout.write(
        f"{table.height:,} products, {groups[0].height:,} suppliers, {count:,} orders, "
        f"{rows.height:,} lines: {seconds:.1f} s ({time.process_time():.1f} processor seconds, "
        f"reading {reading:.1f}), peak {peak:.1f} GB{verdict}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=TARGET_ORDERS)
    parser.add_argument("--products", type=int, default=PRODUCTS)
    parser.add_argument("--folder", type=Path, help="canonical tables as Parquet; default: drawn")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one)
        return
    with tempfile.TemporaryDirectory() as temporary:
        source = options.folder or Path(temporary) / "drawn"
        if not options.folder:
            from tests.bench.kpi import write_tables

            source.mkdir()
            write_tables(source, options.orders)
        folder = Path(temporary) / "review"
        folder.mkdir()
        prepare(source, folder, options.products)
        subprocess.run([sys.executable, __file__, "--one", str(folder)], check=True)


if __name__ == "__main__":
    main()
