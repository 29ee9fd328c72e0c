"""products-check: product reviews of past days of a simulated store, beside its true rates.

Only this step reads the truth: coverage of the intervals, the ranking of the worst, money lost by
wrong verdicts, and candidates, each product judged as if it had never sold. docs/products.md says
what each figure is.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from scipy.special import ndtri

from features.clock import calendar_day, day_number
from features.indicators.product_exposure import USED, order_exposure, product_orders
from features.tables import Tables
from models.product.beta_rates import prior_of
from models.product.hierarchical_prior import fit_families
from models.product.product_table import Reviewed, review_products
from pipeline.output.safe_text import neutral_frame
from pipeline.product_review.review import limit_of
from pipeline.settings.config import Config
from pipeline.simulation.true_product_rates import true_order_chances
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.workspace import Workspace

RESULT = "products_check.csv"
CUTS, FOLDS, QUINTILES = 24, 10, 5
WORST_SHARE = 0.05
Z90 = float(ndtri(0.95))


def products_check(
    workspace: Workspace, config: Config, progress: Progress, *, first: date, last: date
) -> pl.DataFrame:
    """Write and say the figures: `figure, method, group, value, count`."""
    files = workspace.table_files()
    tables = files.read_columns(USED)
    with progress.piece("true rates"):
        truth = _true_chances(workspace, tables, day_number(last), files.read_names)
    cuts = np.unique(np.linspace(day_number(first), day_number(last), CUTS).astype(int))
    parts = []
    with progress.piece("reviews") as said:
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
        said.append(f"{len(cuts)} days")
    judged = pl.concat(parts)
    found = pl.concat([_coverage(judged), _ranking(judged), _money(judged), _candidates(judged)])
    neutral_frame(found).write_csv(workspace.folder / RESULT, float_precision=6)
    for row in found.iter_rows(named=True):
        say(
            f"{row['figure']:<34} {row['method']:<22} {row['group']:<16} {row['value']:.4f}  ({row['count']:,})"
        )
    return found


def _true_chances(workspace: Workspace, tables: Tables, day: int, read_names) -> pl.DataFrame:  # type: ignore[no-untyped-def]
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
    """One row per product of one day: what was said of it, and its true rate over the same orders,
    as far as lived."""
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
    told = products.select(
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
    return told.join(true, on="product_id", how="left")


def wilson_90(disputes: np.ndarray, exposure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 90 % score interval (Wilson 1927) of each product alone; 0 to 1 without orders."""
    n = np.maximum(exposure, 1e-9)
    p, square = np.clip(disputes / n, 0.0, 1.0), Z90 * Z90
    middle = (p + square / (2 * n)) / (1 + square / n)
    half = Z90 / (1 + square / n) * np.sqrt(p * (1 - p) / n + square / (4 * n * n))
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def _blind(reviewed: Reviewed, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each product as a candidate: families fitted without it (by tenths of the products), mean and
    90 % interval."""
    products = reviewed.products
    disputes, adjusted = products["count_disputes"].to_numpy(), products["adjusted"].to_numpy()
    fold = np.random.default_rng(seed).integers(0, FOLDS, products.height)
    mean, low, high = (np.zeros(products.height) for _ in range(3))
    for one in range(FOLDS):
        out = fold == one
        kept = np.where(out, 0.0, 1.0)
        families = fit_families(
            disputes * kept, adjusted * kept, reviewed.supplier.codes, reviewed.category.codes
        )
        expected, variance = families.expect(
            reviewed.supplier.codes[out], reviewed.category.codes[out]
        )
        prior = prior_of(expected, variance)
        mean[out], low[out], high[out] = prior.mean, prior.quantile(0.05), prior.quantile(0.95)
    return mean, low, high


def _row(figure: str, method: str, group: str, value: float, count: int) -> dict[str, object]:
    return {
        "figure": figure,
        "method": method,
        "group": group,
        "value": float(value),
        "count": int(count),
    }


def _coverage(judged: pl.DataFrame) -> pl.DataFrame:
    rank = pl.col("exposure").rank("ordinal").over("cut")
    fifth = ((rank - 1) * QUINTILES // pl.len().over("cut")).cast(pl.Int64)
    marked = judged.with_columns(fifth=fifth)
    rows = []
    # a raw rate has no interval but the normal one (Wald)
    n = pl.col("exposure").clip(1e-9)
    half = Z90 * (pl.col("raw").clip(0, 1) * (1 - pl.col("raw").clip(0, 1)) / n).sqrt()
    spans = {
        "posterior": (pl.col("rate_low"), pl.col("rate_high")),
        "raw, normal interval": (pl.col("raw") - half, pl.col("raw") + half),
        "wilson, not shrunk": (pl.col("wilson_low"), pl.col("wilson_high")),
    }
    groups = [("all", marked)] + [
        (f"exposure fifth {k + 1}", marked.filter(pl.col("fifth") == k)) for k in range(QUINTILES)
    ]
    for name, group in groups:
        for method, (low, high) in spans.items():
            inside = (pl.col("true") >= low) & (pl.col("true") <= high)
            rows.append(
                _row(
                    "coverage of the 90 % interval",
                    method,
                    name,
                    group.select(inside.mean()).item(),
                    group.height,
                )
            )
            if method != "raw, normal interval":
                width = group.select((high - low).mean()).item()
                rows.append(_row("mean width of it", method, name, width, group.height))
        if name == "all":
            inside = (pl.col("true_of_all") >= pl.col("rate_low")) & (
                pl.col("true_of_all") <= pl.col("rate_high")
            )
            value = group.select(inside.mean()).item()
            rows.append(
                _row("coverage, young orders whole", "posterior", name, value, group.height)
            )
    return pl.DataFrame(rows)


def _ranking(judged: pl.DataFrame) -> pl.DataFrame:
    """Of the truly worst 5 % of each day, the share among as many named."""
    keys = {
        "P(rate > limit)": "chance",
        "posterior mean": "rate",
        "raw rate": "raw",
        "lower Wilson bound": "wilson_low",
    }
    found: dict[str, list[float]] = {name: [] for name in keys}
    for _, one in judged.group_by("cut", maintain_order=True):
        count = max(round(WORST_SHARE * one.height), 1)
        worst = set(one.sort("true", "product_id", descending=True).head(count)["product_id"])
        for name, key in keys.items():
            named = one.sort(key, "product_id", descending=[True, False]).head(count)["product_id"]
            found[name].append(len(worst & set(named)) / count)
    rows = [
        _row("worst 5 % found", name, "all", float(np.mean(each)), len(each))
        for name, each in found.items()
    ]
    return pl.DataFrame(rows)


def _money(judged: pl.DataFrame) -> pl.DataFrame:
    """USD a day of review lost by wrong verdicts: |true rate - limit| x the orders of the lookback
    x a dispute's cost, of the products accused below the limit and those kept above it."""
    worth = (pl.col("true") - pl.col("limit")).abs() * pl.col("exposure") * pl.col("cost")
    rules = {
        "P(rate > limit) > 0.5": pl.col("chance") > 0.5,
        "P(rate > limit) >= sure": pl.col("chance") >= pl.col("sure"),
        "raw rate > limit": pl.col("raw") > pl.col("limit"),
        "lower Wilson > limit": pl.col("wilson_low") > pl.col("limit"),
        "nobody accused": pl.lit(False),
    }
    rows, days = [], judged["cut"].n_unique()
    for name, accused in rules.items():
        is_wrong = accused != (pl.col("true") > pl.col("limit"))
        lost = judged.select(pl.when(is_wrong).then(worth).otherwise(0.0).sum()).item() / days
        count = judged.select(is_wrong.sum()).item()
        rows.append(_row("USD lost by wrong verdicts a day", name, "all", lost, count))
        innocent = judged.select((accused & (pl.col("true") <= pl.col("limit"))).sum()).item()
        rows.append(_row("innocent accused, all days", name, "all", innocent, innocent))
    return pl.DataFrame(rows)


def _candidates(judged: pl.DataFrame) -> pl.DataFrame:
    inside = (pl.col("true_of_all") >= pl.col("blind_low")) & (
        pl.col("true_of_all") <= pl.col("blind_high")
    )
    count = judged.height
    rows = [
        _row(
            "candidates: coverage of 90 %",
            "family without it",
            "all",
            judged.select(inside.mean()).item(),
            count,
        ),
        _row(
            "candidates: predicted over true",
            "family without it",
            "all",
            judged.select(pl.col("blind").mean() / pl.col("true_of_all").mean()).item(),
            count,
        ),
    ]
    fifth = (pl.col("blind").rank("ordinal").over("cut") - 1) * QUINTILES // pl.len().over("cut")
    marked = judged.with_columns(fifth=fifth.cast(pl.Int64))
    for k in range(QUINTILES):
        one = marked.filter(pl.col("fifth") == k)
        ratio = one.select(pl.col("blind").mean() / pl.col("true_of_all").mean()).item()
        rows.append(
            _row(
                "candidates: predicted over true",
                "family without it",
                f"predicted fifth {k + 1}",
                ratio,
                one.height,
            )
        )
    return pl.DataFrame(rows)
