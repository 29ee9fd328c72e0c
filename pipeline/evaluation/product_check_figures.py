"""The figures of `make products-check`, from the judged products of past days.

`judged`: one row per product and day (`cut`), with its rates, their intervals, the true rate and
the limit of the day. Each figure is rows of `figure, method, group, value, count`.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import ndtri

QUINTILES = 5
WORST_SHARE = 0.05
Z90 = float(ndtri(0.95))


def figures(judged: pl.DataFrame) -> pl.DataFrame:
    """All figures, one below the other."""
    return pl.concat([_coverage(judged), _ranking(judged), _money(judged), _candidates(judged)])


def _row(figure: str, method: str, group: str, value: float, count: int) -> dict[str, object]:
    return {
        "figure": figure,
        "method": method,
        "group": group,
        "value": float(value),
        "count": int(count),
    }


def _coverage(judged: pl.DataFrame) -> pl.DataFrame:
    """How often each interval has the true rate, and its mean width, overall and by exposure."""
    rank = pl.col("exposure").rank("ordinal").over("cut")
    fifth = ((rank - 1) * QUINTILES // pl.len().over("cut")).cast(pl.Int64)
    marked = judged.with_columns(fifth=fifth)
    rows = []
    # the usual interval of a raw rate is the normal one (Wald)
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
    """The share of each day's truly worst 5 % that a ranking puts in its own worst 5 %."""
    keys = {
        "P(rate > limit)": "chance",
        "posterior mean": "rate",
        "raw rate": "raw",
        "lower Wilson bound": "wilson_low",
    }
    shares: dict[str, list[float]] = {name: [] for name in keys}
    for _, day in judged.group_by("cut", maintain_order=True):
        count = max(round(WORST_SHARE * day.height), 1)
        worst = set(day.sort("true", "product_id", descending=True).head(count)["product_id"])
        for name, key in keys.items():
            ranked = day.sort(key, "product_id", descending=[True, False]).head(count)
            shares[name].append(len(worst & set(ranked["product_id"])) / count)
    rows = [
        _row("worst 5 % found", name, "all", float(np.mean(by_day)), len(by_day))
        for name, by_day in shares.items()
    ]
    return pl.DataFrame(rows)


def _money(judged: pl.DataFrame) -> pl.DataFrame:
    """USD lost by wrong verdicts per day of review.

    A product accused although its true rate is within the limit, or kept although it is above,
    loses |true rate - limit| x its orders of the lookback x the cost of a dispute.
    """
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
    """Coverage and calibration of what a product's family forecasts without the product."""
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
        part = marked.filter(pl.col("fifth") == k)
        ratio = part.select(pl.col("blind").mean() / pl.col("true_of_all").mean()).item()
        rows.append(
            _row(
                "candidates: predicted over true",
                "family without it",
                f"predicted fifth {k + 1}",
                ratio,
                part.height,
            )
        )
    return pl.DataFrame(rows)
