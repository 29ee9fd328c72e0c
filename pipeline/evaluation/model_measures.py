"""The tables of the model page: money saved, ranking quality, calibration, drift and misses.

`scored` is the labelled order-nights of past nights. Each row has the `probability` of a model
trained only on what had matured by that night.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from features.build.registry import FEATURE_NAMES, FEATURES
from features.labels import is_measurable
from features.stage import STAGES
from features.tables import Tables
from models.comparison.metrics import mark_listed, measure
from models.comparison.paired_comparison import compare_scorers, draw_totals, interval
from models.comparison.promotion_gate import saved_usd
from models.contact.contact_value import ContactCosts, add_expected_value
from models.reasons.baseline import rule_scores

RESAMPLES = 300
RULES = ("past_promise", "stalled_scan")
PRICE_BANDS = {"under 10 USD": 10.0, "10-25 USD": 25.0, "25-50 USD": 50.0, "50 USD and over": None}
MOST_SLICES = 12
_NUMBER = pl.Float64()
MONEY = {"way": pl.String()} | dict.fromkeys(
    ("usd_a_night", "low", "high", "contacts_a_night", "hits_share"), _NUMBER
)
RATES: dict[str, pl.DataType] = {
    "rows": pl.Int64(),
    **dict.fromkeys(("predicted", "realised", "low", "high"), _NUMBER),
}
BINS: dict[str, pl.DataType] = {"stage": pl.String(), **RATES}


def money(scored: pl.DataFrame, costs: ContactCosts, capacity: int, seed: int) -> pl.DataFrame:
    """One row per way to choose the contacts; none if too few orders were disputed to measure it.

    `usd_a_night, low, high`: USD saved per night, with a 90 % interval; `contacts_a_night`;
    `hits_share`: the share of contacted orders that were disputed.
    """
    if not is_measurable(scored):
        return pl.DataFrame(schema=MONEY)
    nights = scored["as_of_day"].n_unique()
    rules = rule_scores(scored, RULES)
    rows = [
        _money_row(
            "the model, by expected value",
            *_listed_by_value(scored, costs, capacity),
            scored,
            nights,
            seed,
        )
    ]
    for rule in RULES:
        saved, listed = _listed_by_rule(scored, rules[rule], costs, capacity)
        rows.append(
            _money_row(f"rule: {rule.replace('_', ' ')}", saved, listed, scored, nights, seed)
        )
    return pl.DataFrame(rows)


def _listed_by_value(
    scored: pl.DataFrame, costs: ContactCosts, capacity: int
) -> tuple[np.ndarray, np.ndarray]:
    saved, _ = saved_usd(scored, scored["probability"].to_numpy(), costs, capacity)
    return saved, saved != 0


def _listed_by_rule(
    scored: pl.DataFrame, score: pl.Series, costs: ContactCosts, capacity: int
) -> tuple[np.ndarray, np.ndarray]:
    """USD saved per row, and the rows listed: the highest scores, but never a score of 0."""
    ranked = scored.with_row_index("row").with_columns(probability=score)
    row = (
        mark_listed(ranked, capacity)
        .filter(pl.col("is_listed"), pl.col("probability") > 0)["row"]
        .to_numpy()
    )
    outcome = add_expected_value(
        scored.with_columns(probability=pl.col("label").cast(pl.Float64)), costs
    )
    saved, listed = np.zeros(scored.height), np.zeros(scored.height, bool)
    saved[row] = outcome["expected_value_usd"].to_numpy()[row]
    listed[row] = True
    return saved, listed


def _money_row(
    way: str, saved: np.ndarray, listed: np.ndarray, scored: pl.DataFrame, nights: int, seed: int
) -> dict[str, object]:
    drawn = draw_totals(scored["order_id"], [saved], seed, RESAMPLES)[:, 0] / nights
    low, high = interval(drawn[1:])
    hits = scored["label"].to_numpy()[listed]
    return {
        "way": way,
        "usd_a_night": drawn[0],
        "low": low,
        "high": high,
        "contacts_a_night": listed.sum() / nights,
        "hits_share": hits.mean() if len(hits) else None,
    }


def quality(scored: pl.DataFrame, capacity: int, seed: int) -> pl.DataFrame:
    """One row per stage, and one for all: each metric, with intervals for AUC and average
    precision. A stage with too few disputed orders has its counts only."""
    listed = mark_listed(scored, capacity)
    rows = []
    for stage in ("all", *STAGES):
        part = listed if stage == "all" else listed.filter(pl.col("stage") == stage)
        if part["label"].n_unique() < 2:
            continue
        intervals = compare_scorers(part, {"model": part["probability"].to_numpy()}, seed=seed)
        bounds = {
            row["metric"]: row["low"] and f"{row['low']:.3f} to {row['high']:.3f}"
            for row in intervals.iter_rows(named=True)
        }
        metrics = measure(part)
        rows.append(
            {
                "stage": stage,
                "rows": metrics["rows"],
                "count_disputes": metrics["count_disputes"],
                "precision_at_capacity": metrics["precision_at_capacity"],
                "recall_at_capacity": metrics["recall_at_capacity"],
                "average_precision": metrics["average_precision"],
                "AP_interval": bounds["average_precision"],
                "auc": metrics["auc"],
                "AUC_interval": bounds["auc"],
                "log_loss": metrics["log_loss"],
                "calibration_error": metrics["expected_calibration_error"],
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def with_slices(tables: Tables, scored: pl.DataFrame) -> pl.DataFrame:
    """`scored` with the `country`, `lane` and `price_band` of each order."""
    orders = tables.select("orders", "order_id", "country", "lane")
    band = pl.lit(list(PRICE_BANDS)[-1])
    for name, edge in reversed(list(PRICE_BANDS.items())[:-1]):
        band = pl.when(pl.col("order_value_usd") < edge).then(pl.lit(name)).otherwise(band)
    joined = scored.join(orders, on="order_id", how="left", maintain_order="left")
    return joined.with_columns(
        price_band=pl.when(pl.col("order_value_usd").is_null()).then(None).otherwise(band)
    )


def calibration_by(scored: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Predicted and realised share by stage, country, lane and price band, largest slice first."""
    return pl.DataFrame(
        [
            {"slice": name, **_rates(part, seed)}
            for name, part in _slices(scored).items()
            if is_measurable(part)
        ],
        schema={"slice": pl.String(), **RATES},
    )


def count_slices(scored: pl.DataFrame) -> int:
    """The number of slices of `calibration_by`, with those that have too few disputed orders."""
    return len(_slices(scored))


def _slices(scored: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The largest slices by stage, country, lane and price band, by their names."""
    slices = {}
    for by in ("stage", "country", "lane", "price_band"):
        parts = scored.drop_nulls(by).partition_by(by, as_dict=True, maintain_order=True)
        largest = sorted(parts.items(), key=lambda item: (-item[1].height, str(item[0])))
        for (name,), part in largest[:MOST_SLICES]:
            slices[f"{by.replace('_', ' ')}: {name}"] = part
    return slices


def calibration_bins(scored: pl.DataFrame, seed: int, bins: int = 10) -> pl.DataFrame:
    """Predicted and realised share, with its interval, in equally filled bins of probability.

    `bins` bins over all rows, and five per stage. Stages with too few disputed orders are left out.
    """
    rows: list[dict[str, object]] = []
    for stage in ("all", *STAGES):
        part = scored if stage == "all" else scored.filter(pl.col("stage") == stage)
        if not is_measurable(part):
            continue
        count = bins if stage == "all" else 5
        ordered = part.sort("probability", "order_id")
        for positions in np.array_split(np.arange(ordered.height), count):
            if len(positions):
                rows.append({"stage": stage, **_rates(ordered[positions], seed)})
    return pl.DataFrame(rows, schema=BINS)


def _rates(part: pl.DataFrame, seed: int) -> dict[str, float]:
    ones = np.ones(part.height)
    drawn = draw_totals(
        part["order_id"], [part["label"].to_numpy().astype(float), ones], seed, RESAMPLES
    )
    share = drawn[:, 0] / np.maximum(drawn[:, 1], 1.0)
    low, high = interval(share[1:])
    predicted = float(part["probability"].mean())  # type: ignore[arg-type]
    return {
        "rows": part.height,
        "predicted": predicted,
        "realised": share[0],
        "low": low,
        "high": high,
    }


def drift(training_rows: pl.DataFrame, night: pl.DataFrame, count: int = 10) -> pl.DataFrame:
    """The features that moved most between the training rows and a night's rows.

    `moved` is in standard deviations of the training rows (Cohen's d). This is an effect size: with
    many rows every feature moves significantly.
    """
    rows = []
    for name in FEATURE_NAMES:
        before, now = training_rows[name].drop_nulls(), night[name].drop_nulls()
        spread = before.std()
        if not before.len() or not now.len() or not spread:
            continue
        moved = (now.mean() - before.mean()) / spread  # type: ignore[operator]
        rows.append(
            {
                "feature": name,
                "unit": FEATURES[name].unit,
                "training_mean": before.mean(),
                "now": now.mean(),
                "moved": moved,
            }
        )
    return pl.DataFrame(rows).sort(pl.col("moved").abs(), descending=True).head(count)


def worst_misses(scored: pl.DataFrame, count: int = 10) -> pl.DataFrame:
    """The disputed orders with the lowest probabilities, each on its worst night."""
    missed = scored.filter(pl.col("label") == 1).sort("probability", "order_id")
    return missed.unique("order_id", keep="first", maintain_order=True).head(count)
