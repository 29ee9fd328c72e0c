"""products-check: compare product reviews of past days with the true rates of a simulated store.

It measures the coverage of the intervals, the ranking of the worst products, the money lost by
wrong verdicts, and candidates: each product judged as if it had never sold.
docs/explanation/product-rates.md explains each figure. No other product step reads the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl

from features.clock import calendar_day, day_number
from features.indicators.product_exposure import USED, order_exposure, product_orders
from features.tables import Tables
from models.product.beta_rates import prior_of
from models.product.hierarchical_prior import fit_families
from models.product.product_table import Reviewed, review_products
from pipeline.evaluation.product_check_figures import Z90, figures
from pipeline.output.safe_text import neutral_frame
from pipeline.product_review.review import limit_of
from pipeline.settings.config import Config
from pipeline.simulation.true_product_rates import true_order_chances
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.workspace import Workspace

RESULT = "products_check.csv"
CUTS, FOLDS = 24, 10


def products_check(
    workspace: Workspace, config: Config, progress: Progress, *, first: date, last: date
) -> pl.DataFrame:
    """Write, print and return `products_check.csv`: `figure, method, group, value, count`."""
    files = workspace.table_files()
    tables = files.read_columns(USED)
    with progress.piece("true rates"):
        truth = _true_chances(workspace, tables, day_number(last), files.read_names)
    cuts = np.unique(np.linspace(day_number(first), day_number(last), CUTS).astype(int))
    parts = []
    with progress.piece("reviews") as notes:
        for cut in cuts:
            day = int(cut)
            rows = product_orders(
                tables, order_exposure(tables, day, config.products.lookback_days), day
            )
            reviewed = review_products(rows, day)
            limit, _ = limit_of(config, workspace, calendar_day(day), reviewed.families.rate)
            parts.append(
                _judged(reviewed, truth, limit, config).with_columns(
                    cut=pl.lit(day), limit=pl.lit(limit)
                )
            )
        notes.append(f"{len(cuts)} days")
    result = figures(pl.concat(parts))
    neutral_frame(result).write_csv(workspace.folder / RESULT, float_precision=6)
    for row in result.iter_rows(named=True):
        say(
            f"{row['figure']:<34} {row['method']:<22} {row['group']:<16} {row['value']:.4f}  "
            f"({row['count']:,})"
        )
    return result


def _true_chances(
    workspace: Workspace, tables: Tables, day: int, read_names: Callable[[pl.Series], pl.DataFrame]
) -> pl.DataFrame:
    """`order_id, product_id, true`: the true chance that an order of the product is disputed."""
    orders = order_exposure(tables, day, 100_000)
    rows = (
        product_orders(tables, orders, day)
        .select("order_id", "product_id")
        .sort("order_id", "product_id")
    )
    names = read_names(rows["order_id"].unique()).rename({"order_id": "name"})
    named = rows.join(
        names, left_on="order_id", right_on="order_number", how="left", maintain_order="left"
    )
    chances = true_order_chances(workspace, named.select("product_id", order_id="name"))
    return rows.with_columns(true=pl.Series(chances))


def _judged(reviewed: Reviewed, truth: pl.DataFrame, limit: float, config: Config) -> pl.DataFrame:
    """One row per product of one day: its posterior, simple rates, and true rate.

    `true` weights each order by its exposure, as the posterior does; `true_of_all` does not.
    """
    weight = pl.col("exposure")
    true = (
        reviewed.rows.select("order_id", "product_id", "exposure")
        .join(truth, on=["order_id", "product_id"], how="left")
        .group_by("product_id")
        .agg(
            true=pl.when(weight.sum() > 0)
            .then((pl.col("true") * weight).sum() / weight.sum())
            .otherwise(pl.col("true").mean()),
            true_of_all=pl.col("true").mean(),
        )
    )
    posterior, products = reviewed.posterior, reviewed.products
    disputes, exposure = products["count_disputes"].to_numpy(), products["exposure"].to_numpy()
    low, high = wilson_90(disputes, exposure)
    blind_mean, blind_low, blind_high = _blind(reviewed, config.seed)
    rates = products.select(
        "product_id", "exposure", "count_disputes", "value_an_order_usd"
    ).with_columns(
        rate=pl.Series(posterior.mean),
        rate_low=pl.Series(posterior.quantile(0.05)),
        rate_high=pl.Series(posterior.quantile(0.95)),
        chance=pl.Series(posterior.chance_over(limit)),
        raw=pl.Series(
            np.divide(disputes, exposure, out=np.zeros_like(exposure), where=exposure > 0)
        ),
        wilson_low=pl.Series(low),
        wilson_high=pl.Series(high),
        blind=pl.Series(blind_mean),
        blind_low=pl.Series(blind_low),
        blind_high=pl.Series(blind_high),
        sure=pl.lit(config.products.sure),
        cost=pl.col("value_an_order_usd") + config.decide.dispute_fixed_cost_usd,
    )
    return rates.join(true, on="product_id", how="left")


def wilson_90(disputes: np.ndarray, exposure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 90 % score interval (Wilson 1927) of each product by itself; 0 to 1 without orders."""
    n = np.maximum(exposure, 1e-9)
    p, square = np.clip(disputes / n, 0.0, 1.0), Z90 * Z90
    middle = (p + square / (2 * n)) / (1 + square / n)
    half = Z90 / (1 + square / n) * np.sqrt(p * (1 - p) / n + square / (4 * n * n))
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def _blind(reviewed: Reviewed, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each product as a candidate: mean and 90 % interval from families fitted without it.

    The products are split into `FOLDS` parts; each part is left out once.
    """
    products = reviewed.products
    disputes, adjusted = products["count_disputes"].to_numpy(), products["adjusted"].to_numpy()
    fold = np.random.default_rng(seed).integers(0, FOLDS, products.height)
    mean, low, high = (np.zeros(products.height) for _ in range(3))
    supplier, category = reviewed.supplier.codes, reviewed.category.codes
    for number in range(FOLDS):
        out = fold == number
        kept = np.where(out, 0.0, 1.0)
        families = fit_families(disputes * kept, adjusted * kept, supplier, category)
        prior = prior_of(*families.expect(supplier[out], category[out]))
        mean[out], low[out], high[out] = prior.mean, prior.quantile(0.05), prior.quantile(0.95)
    return mean, low, high
