"""The review of a store's products: rates, limits, verdicts and margins, and a what-if."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from features.clock import day_number
from features.indicators.indicator_rules import policy_rates
from features.indicators.product_exposure import USED, order_exposure, product_orders
from models.product.product_notes import notes
from models.product.product_scenarios import what_if
from models.product.product_table import Reviewed, product_frame, review_products
from models.product.product_verdict import VerdictRules, add_verdict, without_disputes
from models.product.recent_rates import window_columns
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput, Refused
from pipeline.settings.policy_files import load_policy
from pipeline.workspace.freshness import refuse_stale_data
from pipeline.workspace.workspace import Workspace

# a product's limit over the store's rate, where no limit is set
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
    "change",
    "changed_since",
    "supplier_change",
    *window_columns("count_orders", "count_disputes", "expected", "rate"),
    "chance_over_limit_90d",
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
    """The review of a workspace's products, from what is known on `as_of`.

    Raises `Refused` for stale data, or without any order line in the lookback.
    """
    day, files = day_number(as_of), workspace.table_files()
    refuse_stale_data(files, day, config.max_data_age_days)
    tables = files.read_columns(USED)
    orders = order_exposure(tables, day, config.products.lookback_days)
    rows = product_orders(tables, orders, day)
    if not rows.height:
        raise Refused(
            f"No order with a product is known in the {config.products.lookback_days} days before "
            f"{as_of}: nothing to review. Choose a later day, or load order lines."
        )
    return review_products(rows, day)


def limit_of(
    config: Config, workspace: Workspace, as_of: date, store_rate: float
) -> tuple[float, str]:
    """The limit of a product's rate, and its source in words."""
    if config.products.rate_limit:
        return config.products.rate_limit, "products.rate_limit of config.toml"
    if "dispute_rate" in config.limits:
        return config.limits["dispute_rate"], "limits.dispute_rate of config.toml"
    policy = load_policy(config.policy, workspace.folder)
    for rate in policy_rates(policy, day_number(as_of)):
        if rate.name == "dispute_rate" and rate.limit and not rate.is_amount:
            return rate.limit, f"policy {policy.name}"
    limit = min(STORE_FACTOR * store_rate, 0.99)
    return limit, f"{STORE_FACTOR} x the store's rate: no limit is set"


def table_of(
    reviewed: Reviewed, config: Config, limit: float, costs: pl.DataFrame | None
) -> pl.DataFrame:
    """The table of `products.csv`: one row per product, worst first.

    `costs`: the result of `read_costs`, or None if the seller gave no costs. Without any dispute on
    record nothing is judged.
    """
    rules = VerdictRules(limit, config.products.sure, config.products.stop_factor)
    fixed = config.decide.dispute_fixed_cost_usd
    frame = product_frame(
        reviewed, limit=limit, fixed_cost_usd=fixed, seed=config.seed, stop_factor=rules.stop_factor
    ).with_columns(notes(reviewed.products))
    judged = add_verdict(_with_margin(frame, costs), rules)
    if not reviewed.has_disputes:
        judged = without_disputes(judged)
    worst_first = ["chance_over_limit", "rate", "product_id"]
    return judged.sort(worst_first, descending=[True, True, False]).select(COLUMNS)


def _with_margin(frame: pl.DataFrame, costs: pl.DataFrame | None) -> pl.DataFrame:
    """USD earned by 100 units, less the cost of their disputes; null where the cost is unknown."""
    if costs is None:
        return frame.with_columns(margin_per_100_units_usd=pl.lit(None, pl.Float64))
    price = pl.col("value_an_order_usd") / pl.col("units_an_order")
    joined = frame.join(costs, on="product_id", how="left", maintain_order="left")
    note = pl.concat_str([pl.col("note"), pl.col("cost_note")], separator="; ", ignore_nulls=True)
    note = note.str.strip_prefix("; ").str.strip_suffix("; ")
    margin = 100.0 * (price - pl.col("cost_usd")) - pl.col("loss_per_100_units_usd")
    return joined.with_columns(note=note, margin_per_100_units_usd=margin)


def ask_what_if(
    reviewed: Reviewed, dropped: Sequence[str], moved: str | None, seed: int
) -> pl.DataFrame:
    """How the indicators would change without the `dropped` products, or with the orders of one
    lane `moved` to another ("OLD LANE=NEW LANE").

    Raises `BadInput` for a product or lane without sales in the lookback.
    """
    known = set(reviewed.products["product_id"])
    if unknown := [product for product in dropped if product not in known]:
        raise BadInput(
            f"DROP: {', '.join(unknown)} did not sell in the lookback. Name products of "
            "products.csv."
        )
    pair = None
    if moved is not None:
        old, separator, new = (part.strip() for part in moved.partition("="))
        lanes = set(reviewed.rows["lane"])
        if not separator or not {old, new} <= lanes:
            raise BadInput(
                f"MOVE: {moved!r} is not OLD LANE=NEW LANE. Lanes in use, for example: "
                f"{', '.join(sorted(lanes)[:5])}"
            )
        pair = (old, new)
    return what_if(reviewed, dropped=dropped, moved=pair, seed=seed)
