"""The model page: one self-contained HTML file on how the model did on past nights.

All its figures come from nights that were scored by a model trained only on earlier outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from features.labels import LEAST_DISPUTED, disputed_orders, has_enough_disputes, is_measurable
from features.stage import STAGES
from features.tables import Tables
from models.comparison.ranking_curves import POINTS, lift_curve, recall_curve
from models.contact.contact_value import ContactCosts
from models.learner.feature_importance import feature_importance
from models.learner.gbm import DisputeModel
from pipeline.evaluation import model_measures as measures
from pipeline.evaluation.judged_facts import (
    JudgedFacts,
    RowCounts,
    files_table,
    models_table,
    settings_table,
)
from pipeline.pages import model_charts as charts
from pipeline.pages import model_tables as shown
from pipeline.pages.html import chart_spec, render
from pipeline.settings.config import Config
from pipeline.workspace.progress import counted

PAGE = "model_page.html"
GROUPS = ("page", "model", "alias", "stage", "chart")
# the names of the calibration charts are this and a stage
BINS = "bins-"
MISS_COLUMNS = (
    "order_age_days",
    "order_value_usd",
    "logistics_days_to_promise",
    "logistics_days_since_news",
    "product_dispute_share_365d",
    "conversation_days_unanswered",
)


@dataclass(frozen=True)
class LastModel:
    """The model of the last night: it knows most.

    `rows`: its training rows, with `label`; `curve`: `orders, average_precision, log_loss` on that
    night, as the number of training orders grows.
    """

    model: DisputeModel
    rows: pl.DataFrame
    curve: pl.DataFrame


@dataclass(frozen=True)
class JudgedNights:
    """Past nights and how they were scored.

    `scored`: their labelled order-nights with features and `probability`; `by_night`: one row of
    metrics per night; `costs`: what a message is worth.
    """

    tables: Tables
    config: Config
    scored: pl.DataFrame
    by_night: pl.DataFrame
    last: LastModel
    costs: ContactCosts
    facts: JudgedFacts

    @property
    def last_night(self) -> pl.DataFrame:
        return self.scored.filter(pl.col("as_of_day") == self.scored["as_of_day"].max())


def model_page(judged: JudgedNights) -> str:
    """The page as HTML. Instead of a figure from fewer than `LEAST_DISPUTED` disputed orders it
    says how many there are and how many are needed."""
    frames = _measure(judged)
    drawn = _charts(judged, frames)
    return render(
        PAGE,
        scripts=("page.js", "model.js"),
        groups=GROUPS,
        has_charts=bool(drawn),
        data={"charts": drawn},
        tables={name: table for name, table in _tables(judged, frames).items() if table.rows},
        charts=drawn,
        stages=[name.removeprefix(BINS) for name in drawn if name.startswith(BINS)],
        least=LEAST_DISPUTED,
        capacity=judged.config.decide.capacity,
        facts=judged.facts,
        **_counts(judged, frames),
    )


def _measure(judged: JudgedNights) -> dict[str, pl.DataFrame]:
    """Everything that is measured, by name; a frame without rows could not be measured."""
    scored, last, seed = judged.scored, judged.last, judged.config.seed
    capacity = judged.config.decide.capacity
    a_night = scored.height / scored["as_of_day"].n_unique()
    # shorter lists would have less than one order
    shares = (np.arange(1, POINTS + 1) / POINTS) ** 2
    jobs: dict[str, Callable[[], pl.DataFrame]] = {
        "money": lambda: measures.money(scored, judged.costs, capacity, seed),
        "quality": lambda: measures.quality(scored, capacity, seed),
        "recall": lambda: recall_curve(scored, seed),
        "lift": lambda: lift_curve(scored, shares[shares * a_night >= 1.0], seed),
        "bins": lambda: measures.calibration_bins(scored, seed),
        "slices": lambda: measures.calibration_by(
            measures.with_slices(judged.tables, scored), seed
        ),
        "nights": lambda: judged.by_night.drop_nulls("average_precision"),
        "learning": lambda: last.curve,
        "importance": lambda: (
            feature_importance(last.model, judged.last_night)
            if has_enough_disputes(last.rows)
            else pl.DataFrame()
        ),
        "drift": lambda: measures.drift(last.rows, judged.last_night),
        "misses": lambda: measures.worst_misses(scored),
    }
    frames = {}
    with counted("section", len(jobs), is_even=False) as section_done:
        for name, job in jobs.items():
            frames[name] = job()
            section_done()
    return frames


def _tables(judged: JudgedNights, frames: Mapping[str, pl.DataFrame]) -> dict[str, shown.PageTable]:
    return {
        "models": models_table(
            judged.facts, RowCounts.of(judged.last.rows), RowCounts.of(judged.scored)
        ),
        "settings": settings_table(judged.facts),
        "files": files_table(judged.facts),
        "money": shown.money_table(frames["money"]),
        "quality": shown.quality_table(frames["quality"]),
        "recall": shown.recall_table(frames["recall"]),
        "lift": shown.lift_table(frames["lift"]),
        "bins": shown.bins_table(frames["bins"]),
        "slices": shown.slices_table(frames["slices"]),
        "importance": shown.importance_table(frames["importance"]),
        "drift": shown.drift_table(frames["drift"]),
        "misses": shown.misses_table(frames["misses"], MISS_COLUMNS),
    }


def _charts(judged: JudgedNights, frames: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """Vega-Lite specifications by name; only of what was measured."""
    scored, bins = judged.scored, frames["bins"]
    capacity_share = judged.config.decide.capacity * scored["as_of_day"].n_unique() / scored.height
    drawn: dict[str, Callable[[], alt.TopLevelMixin]] = {
        "recall": lambda: charts.recall_chart(frames["recall"], float(scored["label"].mean())),  # type: ignore[arg-type]
        "lift": lambda: charts.lift_chart(frames["lift"], capacity_share),
        "nights": lambda: charts.nights_chart(frames["nights"]),
        "learning": lambda: charts.learning_chart(frames["learning"]),
        "importance": lambda: charts.importance_chart(frames["importance"]),
    }
    specs = {name: chart_spec(draw()) for name, draw in drawn.items() if frames[name].height}
    for stage in bins["stage"].unique(maintain_order=True):
        chart = charts.bins_chart(bins.filter(pl.col("stage") == stage))
        specs[f"{BINS}{stage}"] = chart_spec(chart)
    return specs


def _counts(judged: JudgedNights, frames: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """The counts that the page's sentences name."""
    scored = judged.scored
    by_night = scored.group_by("as_of_day").agg(
        pl.col("order_id").filter(pl.col("label") == 1).n_unique().alias("disputed")
    )
    counted_slices = measures.with_slices(judged.tables, scored)
    return {
        "judged": RowCounts.of(scored),
        "trained": RowCounts.of(judged.last.rows),
        "is_measured": is_measurable(scored),
        "few_stages": [
            (stage, disputed_orders(part))
            for stage in STAGES
            if (part := scored.filter(pl.col("stage") == stage)).height
            and not has_enough_disputes(part)
        ],
        "nights_measured": frames["nights"].height,
        "most_disputed": max(by_night["disputed"].to_list()),
        "last_disputed": disputed_orders(judged.last_night),
        "slices_left_out": measures.count_slices(counted_slices) - frames["slices"].height,
    }
