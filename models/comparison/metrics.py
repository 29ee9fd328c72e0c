"""Metrics of rankings, of probabilities, and of a night's list with limited capacity."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from features.labels import is_measurable
from models.learner.calibration import log_odds

METRICS = (
    "rows",
    "count_disputes",
    "base_rate",
    "auc",
    "average_precision",
    "precision_at_capacity",
    "recall_at_capacity",
    "log_loss",
    "expected_calibration_error",
)


def expected_calibration_error(label: np.ndarray, probability: np.ndarray, bins: int = 10) -> float:
    """Mean distance between predicted and realised share over `bins` equally filled bins.

    Source: Naeini et al. 2015.
    """
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [abs(label[part].mean() - probability[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / len(label))


def calibration_slope(label: np.ndarray, probability: np.ndarray) -> float:
    """Slope of the logistic regression of `label` on the predicted log odds (Cox 1958).

    1 is ideal; below 1 the probabilities are too extreme, above 1 not extreme enough.
    """
    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(log_odds(probability)[:, None], label)
    return float(fitted.coef_[0, 0])


def mark_listed(scored: pl.DataFrame, capacity: int) -> pl.DataFrame:
    """Add `is_listed` to `scored` (`order_id, as_of_day, probability`).

    It is True for the `capacity` most probable orders of each night.
    """
    ordered = scored.sort(["as_of_day", "probability", "order_id"], descending=[False, True, False])
    position = pl.int_range(pl.len()).over("as_of_day")
    return ordered.with_columns(is_listed=position < capacity)


def measure(listed: pl.DataFrame) -> dict[str, float | int | None]:
    """Compute all `METRICS` over rows with `order_id, label, probability, is_listed`.

    All but the counts are None for rows that are not measurable (`is_measurable`).
    """
    counts = {"rows": listed.height, "count_disputes": int(listed["label"].sum())}
    if not is_measurable(listed):
        return {**dict.fromkeys(METRICS), **counts}
    label, probability = listed["label"].to_numpy(), listed["probability"].to_numpy()
    hits = int(listed.filter("is_listed")["label"].sum())
    count_listed = int(listed["is_listed"].sum())
    return counts | {
        "base_rate": counts["count_disputes"] / counts["rows"],
        "auc": float(roc_auc_score(label, probability)),
        "average_precision": float(average_precision_score(label, probability)),
        "precision_at_capacity": hits / count_listed if count_listed else None,
        "recall_at_capacity": hits / counts["count_disputes"],
        "log_loss": float(log_loss(label, probability, labels=[0, 1])),
        "expected_calibration_error": expected_calibration_error(label, probability),
    }


def measure_by(scored: pl.DataFrame, capacity: int, slices: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Metrics per night and for all nights pooled, over all rows and per slice.

    Return one row per night and slice: `night, stage` ("all" or the slice's name) and `METRICS`.
    `scored` has `order_id, as_of_day, label, probability` and the columns that the slices use. A
    slice's precision and recall count its rows on the one list of the night.
    """
    listed = mark_listed(scored, capacity)
    nights = [("pooled", listed)] + [
        (str(day), listed.filter(pl.col("as_of_day") == day))
        for day in listed["as_of_day"].unique().sort()
    ]
    rows = []
    for night, night_rows in nights:
        for name, is_inside in {"all": pl.lit(True), **slices}.items():
            rows.append({"night": night, "stage": name, **measure(night_rows.filter(is_inside))})
    schema = {"night": pl.String, "stage": pl.String} | {
        name: pl.Int64 if name in ("rows", "count_disputes") else pl.Float64 for name in METRICS
    }
    return pl.DataFrame(rows, schema=schema)
