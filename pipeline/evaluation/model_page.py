"""The model page: one self-contained HTML file on how the model did on past nights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import altair as alt
import jinja2
import polars as pl

from features.clock import calendar_day
from features.labels import LEAST_DISPUTED
from features.tables import Tables
from models.contact.contact_value import ContactCosts
from pipeline.evaluation import model_measures as measures
from pipeline.settings.config import Config
from pipeline.simulation.realism.vega_charts import (
    BLUE,
    CHART_STYLE,
    GREY,
    ORANGE,
    WIDTH,
    Figure,
    chart_library,
)

PAGE = "model_page.html"
TITLE = "The model on past nights"
MISS_COLUMNS = (
    "order_age_days",
    "order_value_usd",
    "logistics_days_to_promise",
    "logistics_days_since_news",
    "product_dispute_share_365d",
    "conversation_days_unanswered",
)


@dataclass(frozen=True)
class PageTable:
    title: str
    note: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def model_page(
    tables: Tables,
    config: Config,
    scored: pl.DataFrame,
    training_rows: pl.DataFrame,
    curve: pl.DataFrame,
    nights: pl.DataFrame,
    costs: ContactCosts,
) -> str:
    """The page as HTML; a chart without a measured value is left out.

    `training_rows`: those of the last night's model; `curve`: `orders, average_precision, log_loss`
    as the number of training orders grows; `nights`: one row of metrics per night; `costs`: what a
    message is worth.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).resolve().parents[1] / "pages" / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    nights_scored, disputed = scored["as_of_day"].n_unique(), int(scored["label"].sum())
    lines = [
        f"{scored.height:,} order-nights of {nights_scored} nights, {disputed:,} disputed within "
        f" {config.horizon_days} days. Each night was scored by a model trained only on outcomes "
        "known by that night."
    ]
    return environment.get_template("model_page.html").render(
        title=TITLE,
        lines=lines,
        tables=_page_tables(tables, config, scored, training_rows, costs),
        figures=_figures(scored, curve, nights, config.seed),
        library=chart_library(),
    )


def _page_tables(
    tables: Tables,
    config: Config,
    scored: pl.DataFrame,
    training_rows: pl.DataFrame,
    costs: ContactCosts,
) -> list[PageTable]:
    capacity, seed = config.decide.capacity, config.seed
    last = scored.filter(pl.col("as_of_day") == scored["as_of_day"].max())
    return [
        _table(
            "Money saved at capacity",
            "What messages would have saved. A dispute that came counts as prevented with the "
            "share assumed for its stage and cause. 90 % intervals; whole orders are resampled. "
            f"Empty with fewer than {LEAST_DISPUTED} disputed orders.",
            measures.money(scored, costs, capacity, seed),
        ),
        _table(
            "Quality",
            f"The list has the {capacity} orders of a night with the highest probabilities. No "
            f"metric from fewer than {LEAST_DISPUTED} disputed orders.",
            measures.quality(scored, capacity, seed),
        ),
        _table(
            "Calibration by slice",
            "Predicted and realised share of disputes. Slices with fewer than "
            f"{LEAST_DISPUTED} disputed orders are left out.",
            measures.calibration_by(measures.with_slices(tables, scored), seed),
        ),
        _table(
            "Drift",
            "The change from the last model's training rows to its night, in standard deviations. "
            "Look into changes above 0.5.",
            measures.drift(training_rows, last),
        ),
        _table(
            "The ten worst misses",
            "The disputed orders with the lowest probabilities, each on its worst night.",
            _misses(scored),
        ),
    ]


def _figures(
    scored: pl.DataFrame, curve: pl.DataFrame, nights: pl.DataFrame, seed: int
) -> list[Figure]:
    bins, measured = (
        measures.calibration_bins(scored, seed),
        nights.drop_nulls("average_precision"),
    )
    charts = [
        (
            "Calibration",
            "A dot on the line: the realised share equals the predicted share. Bars are 90 % "
            "intervals.",
            _calibration(bins) if bins.height else None,
        ),
        (
            "Night by night",
            "Share of listed orders that were disputed, and average precision.",
            _stability(measured) if measured.height else None,
        ),
        (
            "Learning curve",
            "The last model, trained on more and more of its orders. Does more history help?",
            _learning(curve) if curve.height else None,
        ),
    ]
    return [
        Figure(title, note, chart.properties(description=title).to_dict() | {"config": CHART_STYLE})
        for title, note, chart in charts
        if chart is not None
    ]


def _table(title: str, note: str, frame: pl.DataFrame) -> PageTable:
    rows = [[_cell(value) for value in row] for row in frame.iter_rows()]
    return PageTable(title, note, [name.replace("_", " ") for name in frame.columns], rows)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return (
            f"{value:,.1f}"
            if abs(value) >= 10
            else f"{value:.4f}"
            if abs(value) < 0.1
            else f"{value:.3f}"
        )
    return f"{value:,}" if isinstance(value, int) else str(value)


def _misses(scored: pl.DataFrame) -> pl.DataFrame:
    missed = measures.worst_misses(scored)
    nights = [calendar_day(day).isoformat() for day in missed["as_of_day"]]
    return missed.with_columns(night=pl.Series(nights, dtype=pl.String)).select(
        "order_id", "night", "stage", "probability", *MISS_COLUMNS
    )


def _calibration(bins: pl.DataFrame) -> alt.FacetChart:
    top = max(float(bins["predicted"].max()), float(bins["high"].max()))  # type: ignore[arg-type]
    base = alt.Chart(bins)
    line = base.transform_calculate(x="0", x2=str(top)).mark_rule(color=GREY, strokeDash=[4, 3])
    x = alt.X("predicted:Q", title="predicted share").scale(domain=[0, top])
    bars = base.mark_rule(color=BLUE).encode(
        x=x, y=alt.Y("low:Q", title="realised share"), y2="high:Q"
    )
    dots = base.mark_circle(color=ORANGE, size=50, opacity=1).encode(
        x=x, y="realised:Q", tooltip=["stage:N", "rows:Q", "predicted:Q", "realised:Q"]
    )
    diagonal = line.encode(x=alt.value(0), x2=alt.value(170), y=alt.datum(0), y2=alt.datum(top))
    layers = (diagonal + bars + dots).properties(width=170, height=170)
    facets: alt.FacetChart = layers.facet("stage:N", columns=3)
    return facets


def _stability(nights: pl.DataFrame) -> alt.LayerChart:
    named = {
        "precision_at_capacity": "precision at capacity",
        "average_precision": "average precision",
    }
    long = nights.select("night", *named).rename(named).unpivot(list(named.values()), index="night")
    chart = alt.Chart(long).encode(
        x=alt.X("night:T", title="night"),
        y=alt.Y("value:Q", title="share"),
        color=alt.Color("variable:N", title=None).scale(range=[BLUE, ORANGE]),
    )
    layers: alt.LayerChart = chart.mark_line() + chart.mark_circle(opacity=1)
    return layers.properties(width=WIDTH, height=220)


def _learning(curve: pl.DataFrame) -> alt.LayerChart:
    chart = alt.Chart(curve).encode(
        x=alt.X("orders:Q", title="training orders"),
        y=alt.Y("average_precision:Q", title="average precision"),
        tooltip=["orders:Q", "average_precision:Q", "log_loss:Q"],
    )
    dots = chart.mark_circle(color=ORANGE, opacity=1, size=60)
    layers: alt.LayerChart = chart.mark_line(color=BLUE) + dots
    return layers.properties(width=WIDTH, height=220)
