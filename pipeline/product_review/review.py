"""products: which products to keep, mend or stop, with how sure that is; by supplier and category;
a what-if."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from features.clock import day_number
from features.indicators.indicator_rules import policy_rates
from features.indicators.product_exposure import USED, order_exposure, product_orders
from models.product.product_rates import chance_better, orders_to_settle
from models.product.product_scenarios import what_if
from models.product.product_table import (
    Reviewed,
    group_frame,
    notes,
    product_frame,
    review_products,
)
from models.product.product_verdict import VerdictRules, add_verdict
from pipeline.output.safe_text import neutral_frame
from pipeline.output.spreadsheet import write_workbook
from pipeline.pages.product_page import PAGE, products_page
from pipeline.product_review.product_costs import read_costs
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput, Refused
from pipeline.settings.policy_files import load_policy
from pipeline.workspace.freshness import refuse_stale_data
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.published_run import publish
from pipeline.workspace.workspace import Workspace

# more rows than anyone reads in a spreadsheet; the csv has all
SHEET_ROWS = 5_000
STORE_FACTOR = 1.5
COLUMNS = (
    "product_id",
    "category",
    "supplier_id",
    "verdict",
    "why",
    "note",
    "count_orders",
    "exposure",
    "count_disputes",
    "count_not_received",
    "count_not_as_described",
    "raw_rate",
    "rate",
    "rate_low",
    "rate_high",
    "limit",
    "chance_over_limit",
    "rank_stability",
    "trend",
    "own_rate",
    "product_x",
    "lane_x",
    "buyers_x",
    "supplier_x",
    "category_x",
    "family_rate",
    "loss_per_100_units_usd",
    "margin_per_100_units_usd",
)


def read_review(workspace: Workspace, config: Config, as_of: date) -> Reviewed:
    """The review of a workspace's products, as of a day."""
    day, files = day_number(as_of), workspace.table_files()
    refuse_stale_data(files, day, config.max_data_age_days)
    tables = files.read_columns(USED)
    orders = order_exposure(tables, day, config.products.lookback_days)
    rows = product_orders(tables, orders, day)
    if not rows.height:
        raise Refused(
            f"No order with a product is known in the {config.products.lookback_days} days before {as_of}: nothing to "
            "review. Choose a later day, or load order lines."
        )
    return review_products(rows, day)


def limit_of(
    config: Config, workspace: Workspace, as_of: date, store_rate: float
) -> tuple[float, str]:
    """A product's limit and where it is from."""
    if config.products.rate_limit:
        return config.products.rate_limit, "products.rate_limit of config.toml"
    if "dispute_rate" in config.limits:
        return config.limits["dispute_rate"], "limits.dispute_rate of config.toml"
    policy = load_policy(config.policy, workspace.folder)
    for rate in policy_rates(policy, day_number(as_of)):
        if rate.name == "dispute_rate" and rate.limit and not rate.is_amount:
            return rate.limit, f"policy {policy.name}"
    return min(
        STORE_FACTOR * store_rate, 0.99
    ), f"{STORE_FACTOR} x the store's rate: no limit is set"


def table_of(
    reviewed: Reviewed, config: Config, limit: float, costs: pl.DataFrame | None
) -> pl.DataFrame:
    """`products.csv`: worst first."""
    rules = VerdictRules(limit, config.products.sure, config.products.stop_factor)
    fixed = config.decide.dispute_fixed_cost_usd
    frame = product_frame(
        reviewed, limit=limit, fixed_cost_usd=fixed, seed=config.seed, stop_factor=rules.stop_factor
    ).with_columns(notes(reviewed.products))
    frame = _with_margin(frame, costs)
    worst_first = ["chance_over_limit", "rate", "product_id"]
    told = add_verdict(frame, rules).sort(worst_first, descending=[True, True, False])
    return told.select(COLUMNS)


def _with_margin(frame: pl.DataFrame, costs: pl.DataFrame | None) -> pl.DataFrame:
    """USD earned by 100 units after what their disputes cost; null where no cost is known."""
    if costs is None:
        return frame.with_columns(margin_per_100_units_usd=pl.lit(None, pl.Float64))
    price = pl.col("value_an_order_usd") / pl.col("units_an_order")
    both = frame.join(costs, on="product_id", how="left", maintain_order="left")
    said = pl.concat_str([pl.col("note"), pl.col("cost_note")], separator="; ", ignore_nulls=True)
    said = said.str.strip_prefix("; ").str.strip_suffix("; ")
    margin = 100.0 * (price - pl.col("cost_usd")) - pl.col("loss_per_100_units_usd")
    return both.with_columns(note=said, margin_per_100_units_usd=margin)


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
    """Write `products.csv`, `suppliers.csv`, `categories.csv`, all as `products.xlsx`, the page
    `products.html`, and, asked for, `what_if.csv`, into a run folder of their own; return it."""
    told_costs = read_costs(costs, config) if costs else None
    with progress.piece("products") as said:
        reviewed = read_review(workspace, config, as_of)
        limit, source = limit_of(config, workspace, as_of, reviewed.families.rate)
        told = table_of(reviewed, config, limit, told_costs)
        said.append(
            f"{told.height:,} products in {reviewed.rows.height:,} order lines; limit {limit:.2%} ({source})"
        )
    frames = {
        "products": told,
        "suppliers": group_frame(reviewed, "supplier_id", limit).sort(
            "rate", "supplier_id", descending=[True, False]
        ),
        "categories": group_frame(reviewed, "category", limit).sort(
            "rate", "category", descending=[True, False]
        ),
    }
    if dropped or moved:
        frames["what_if"] = ask_what_if(reviewed, dropped, moved, config.seed)
    with publish(workspace, config, as_of, "products") as (folder, manifest):
        for name, frame in frames.items():
            neutral_frame(frame).write_csv(folder / f"{name}.csv", float_precision=6)
        page = products_page(
            reviewed, frames, as_of=as_of, limit=limit, limit_from=source, charts=config.page.charts
        )
        (folder / PAGE).write_text(page, encoding="utf-8", newline="\n")
        sheets = {name: neutral_frame(frame.head(SHEET_ROWS)) for name, frame in frames.items()}
        write_workbook(folder / "products.xlsx", sheets, as_of)
        manifest["products"] = {
            "limit": limit,
            "limit_from": source,
            "rows": told.height,
            "dropped": list(dropped),
            "moved": moved,
        }
    say_products(told, frames.get("what_if"))
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-products").resolve()


def ask_what_if(
    reviewed: Reviewed, dropped: Sequence[str], moved: str | None, seed: int
) -> pl.DataFrame:
    """Raises BadInput for a product or lane that did not sell in the lookback."""
    known = set(reviewed.products["product_id"])
    if wrong := [one for one in dropped if one not in known]:
        raise BadInput(
            f"DROP: {', '.join(wrong)} did not sell in the lookback. Name products of products.csv."
        )
    pair = None
    if moved is not None:
        old, is_pair, new = (part.strip() for part in moved.partition("="))
        lanes = set(reviewed.rows["lane"])
        if not is_pair or not {old, new} <= lanes:
            raise BadInput(
                f"MOVE: {moved!r} is not OLD LANE=NEW LANE. Lanes that are used, for example: "
                f"{', '.join(sorted(lanes)[:5])}"
            )
        pair = (old, new)
    return what_if(reviewed, dropped=dropped, moved=pair, seed=seed)


def say_products(told: pl.DataFrame, changed: pl.DataFrame | None) -> None:
    """How many of each verdict, the worst, what must be known, and the what-if."""
    for verdict, count in (
        told["verdict"].value_counts().sort("count", "verdict", descending=True).iter_rows()
    ):
        say(f"{verdict:<20} {count:,} products")
    for row in told.filter(pl.col("verdict") != "keep").head(5).iter_rows(named=True):
        say(f"{row['product_id']} ({row['category']}): {row['verdict']}: {row['why']}")
    noted = told.filter(pl.col("note") != "")
    if noted.height:
        common = (
            noted["note"]
            .str.split("; ")
            .explode()
            .value_counts()
            .sort("count", "note", descending=True)
        )
        warn("; ".join(f"{count:,} products: {note}" for note, count in common.head(4).iter_rows()))
    for row in [] if changed is None else changed.iter_rows(named=True):
        say(
            f"{row['indicator']:<26} {row['now']:.2%} -> {row['then']:.2%}, change {row['change'] * 100:+.3f} points "
            f"(90 %: {row['change_low'] * 100:+.3f} to {row['change_high'] * 100:+.3f})"
        )


def compare_products(
    workspace: Workspace, config: Config, progress: Progress, *, as_of: date, first: str, other: str
) -> dict[str, float | None]:
    """Which of two products is disputed less, how sure that is, and how many more orders would
    settle it."""
    with progress.piece("products"):
        reviewed = read_review(workspace, config, as_of)
    place = {name: number for number, name in enumerate(reviewed.products["product_id"])}
    if wrong := [one for one in (first, other) if one not in place]:
        raise BadInput(
            f"{', '.join(wrong)}: did not sell in the lookback. Name two products of products.csv."
        )
    shapes = [
        (float(reviewed.posterior.above[place[one]]), float(reviewed.posterior.below[place[one]]))
        for one in (first, other)
    ]
    chance = chance_better(shapes[0], shapes[1], np.random.default_rng(config.seed))
    more = orders_to_settle(shapes[0], shapes[1], config.products.sure)
    for one, (above, below) in zip((first, other), shapes, strict=True):
        row = reviewed.products.row(place[one], named=True)
        say(
            f"{one}: {above / (above + below):.2%}; "
            f"{row['count_disputes']:.0f} disputes in {row['count_orders']} orders"
        )
    say(f"chance that {first} is disputed less than {other}: {chance:.0%}")
    if more is None:
        say("no number of orders that matters would settle it: they are alike")
    elif more == 0:
        say(f"that is settled already, at {config.products.sure:.0%}")
    else:
        say(
            f"about {more:,.0f} more orders of each would settle it, at {config.products.sure:.0%}, "
            "if the rates are these"
        )
    return {"chance": chance, "more_orders": more}
