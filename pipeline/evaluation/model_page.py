"""The model's page: one HTML file with what past nights' lists were worth; everything it needs is
in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import altair as alt
import jinja2
import polars as pl

from features.clock import calendar_day
from features.tables import Tables
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
    learnt: pl.DataFrame,
    curve: pl.DataFrame,
    nights: pl.DataFrame,
) -> str:
    """The page. `learnt`: the rows of the last night's model; `curve`: `orders, average_precision,
    log_loss` with ever more orders learnt from; `nights`: one row of metrics a night."""
    costs, seed = config.decide.costs, config.seed
    sliced = measures.with_slices(tables, scored)
    last = scored.filter(pl.col("as_of_day") == scored["as_of_day"].max())
    capacity = config.decide.capacity
    shown = [
        _table(
            "Money at capacity",
            "What the nights' contacts would have saved: a dispute that came is taken as "
            "prevented with the share assumed for its stage. 90 % intervals, by whole orders.",
            measures.money(scored, costs, capacity, seed),
        ),
        _table(
            "How good",
            f"The list is the {capacity} most probable orders of a night.",
            measures.quality(scored, capacity, seed),
        ),
        _table(
            "How honest",
            "Predicted beside realised share of disputes. Slices of fewer than "
            f"{measures.LEAST_DISPUTES} disputed orders are left out.",
            measures.calibration_by(sliced, seed),
        ),
        _table(
            "Drift",
            "From the rows the last model learnt from to its night, in standard deviations: beyond 0.5 "
            "is worth a look.",
            measures.drift(learnt, last),
        ),
        _table(
            "The ten worst misses, to read",
            "Disputed orders on the night they were given the least chance.",
            _misses(scored),
        ),
    ]
    charts = [
        (
            "Calibration",
            "Dots on the line: what was predicted came. Bars: 90 %.",
            _calibration(measures.calibration_bins(scored, seed)),
        ),
        (
            "Night by night",
            "Share of listed orders that were disputed, and average precision.",
            _stability(nights),
        ),
        (
            "Learning curve",
            "The last model, taught by ever more of its orders: would more history help?",
            _learning(curve),
        ),
    ]
    figures = [
        Figure(title, note, chart.properties(description=title).to_dict() | {"config": CHART_STYLE})
        for title, note, chart in charts
    ]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).resolve().parents[1] / "pages" / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    count = scored["as_of_day"].n_unique()
    lines = [
        f"{scored.height:,} order-nights of {count} nights, {int(scored['label'].sum()):,} disputed within "
        f"{config.horizon_days} days. Each night was scored by a model that knew only what was known and matured then."
    ]
    return environment.get_template("model_page.html").render(
        title=TITLE, lines=lines, tables=shown, figures=figures, library=chart_library()
    )


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
    return (diagonal + bars + dots).properties(width=170, height=170).facet("stage:N", columns=3)


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
    return (chart.mark_line() + chart.mark_circle(opacity=1)).properties(width=WIDTH, height=220)


def _learning(curve: pl.DataFrame) -> alt.LayerChart:
    chart = alt.Chart(curve).encode(
        x=alt.X("orders:Q", title="orders learnt from"),
        y=alt.Y("average_precision:Q", title="average precision"),
        tooltip=["orders:Q", "average_precision:Q", "log_loss:Q"],
    )
    return (
        chart.mark_line(color=BLUE) + chart.mark_circle(color=ORANGE, opacity=1, size=60)
    ).properties(width=WIDTH, height=220)
