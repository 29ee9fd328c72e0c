"""Charts of the disputes of a simulated store. A green band is a published range. All numbers are
computed here, not in the browser. A function returns None if it has nothing to show."""

from __future__ import annotations

import altair as alt
import polars as pl

from pipeline.simulation.realism.order_ranges import DISPUTES
from pipeline.simulation.realism.parcel_charts import SERVICE_ORDER
from pipeline.simulation.realism.realism_sample import Sample
from pipeline.simulation.realism.vega_charts import BLUE, GREEN, GREY, INK, ORANGE, WIDTH, AnyChart
from pipeline.simulation.world.markets import CAUSES, COUNTRIES

WORDS = {cause: cause.replace("_", " ") for cause in CAUSES}
BY_CAUSE = alt.Color("cause:N", title="cause").scale(
    domain=list(WORDS.values()), range=[ORANGE, BLUE, GREY]
)
# shares of fewer orders than these are not drawn
LEAST_OPEN, LEAST_IN_LANE, LEAST_IN_CATEGORY = 200, 100, 50


def by_month(sample: Sample) -> AnyChart | None:
    rows = _percent_by(
        sample.matured.with_columns(pl.col("placed_on").dt.truncate("1mo")), "placed_on"
    )
    if rows.is_empty():
        return None
    overall = DISPUTES[0]
    band = alt.Chart(pl.DataFrame({"low": [overall.low], "high": [overall.high]})).mark_rect(
        color=GREEN, opacity=0.18
    )
    edges = alt.Chart(pl.DataFrame({"edge": [overall.low, overall.high]})).mark_rule(
        color=GREEN, strokeDash=[5, 3]
    )
    bars = (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=alt.X("yearmonth(placed_on):O", title="month of purchase").axis(labelAngle=-60),
            y=alt.Y("percent:Q", title="disputed orders, %"),
            color=BY_CAUSE,
            tooltip=[
                "yearmonth(placed_on):O",
                "cause:N",
                alt.Tooltip("percent:Q", format=".2f"),
                "count_orders:Q",
            ],
        )
    )
    chart: AnyChart = (
        band.encode(y="low:Q", y2="high:Q") + bars + edges.encode(y="edge:Q")
    ).properties(width=WIDTH, height=220)
    return chart


def by_day_of_life(sample: Sample) -> AnyChart | None:
    rows = _hazards(sample, "placed", bin_days=3)
    if rows.is_empty():
        return None
    chart: AnyChart = _hazard_lines(rows, "days since purchase").properties(width=WIDTH, height=240)
    return chart


def by_promised_day(sample: Sample) -> AnyChart | None:
    rows = _hazards(sample, "promised", bin_days=2).filter(
        pl.col("cause") != WORDS["not_as_described"]
    )
    if rows.is_empty():
        return None
    promise = (
        alt.Chart(pl.DataFrame({"middle": [0.0]}))
        .mark_rule(color=INK, strokeDash=[4, 3])
        .encode(x="middle:Q")
    )
    lines = _hazard_lines(rows, "days since the promised day of delivery")
    chart: AnyChart = (lines + promise).properties(width=WIDTH, height=240)
    return chart


def by_lane(sample: Sample) -> AnyChart | None:
    rows = sample.matured.group_by("service", "country").agg(
        pl.len().alias("count_orders"), percent=100.0 * pl.col("is_disputed").mean()
    )
    rows = rows.filter(pl.col("count_orders") >= LEAST_IN_LANE).sort("service", "country")
    if rows.is_empty():
        return None
    base = alt.Chart(rows).encode(
        x=alt.X(
            "country:N",
            title="buyer's country, by number of orders",
            sort=[c.code for c in COUNTRIES],
        ),
        y=alt.Y("service:N", title="carrier service, fastest first", sort=SERVICE_ORDER),
    )
    tooltip = ["service:N", "country:N", "count_orders:Q", alt.Tooltip("percent:Q", format=".2f")]
    colour = alt.Color("percent:Q", title="disputed orders, %").scale(scheme="oranges", domainMin=0)
    cells = base.mark_rect().encode(color=colour, tooltip=tooltip)
    middle = float(rows["percent"].max() or 0.0) * 0.65  # type: ignore[arg-type]
    text = base.mark_text(fontSize=11).encode(
        text=alt.Text("percent:Q", format=".1f"),
        color=alt.condition(alt.datum.percent > middle, alt.value("white"), alt.value(INK)),
    )
    chart: AnyChart = (cells + text).properties(width=WIDTH, height=210)
    return chart


def by_category(sample: Sample) -> AnyChart | None:
    rows = _percent_by(sample.matured, "category").filter(
        pl.col("count_orders") >= LEAST_IN_CATEGORY
    )
    if rows.is_empty():
        return None
    total = (
        rows.group_by("category")
        .agg(pl.col("percent").sum())
        .sort("percent", "category", descending=[True, False])
    )
    chart: AnyChart = (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            y=alt.Y("category:N", title="category", sort=total["category"].to_list()),
            x=alt.X("percent:Q", title="disputed orders, %"),
            color=BY_CAUSE,
            tooltip=[
                "category:N",
                "cause:N",
                alt.Tooltip("percent:Q", format=".2f"),
                "count_orders:Q",
            ],
        )
        .properties(width=WIDTH, height=15 * len(total))
    )
    return chart


def escalations(sample: Sample) -> AnyChart | None:
    rows = (
        sample.matured.filter("is_escalated")
        .group_by("escalation_day", "escalated_by")
        .len("disputes")
    )
    if rows.is_empty():
        return None
    rows = rows.sort("escalation_day", "escalated_by").with_columns(
        pl.col("escalation_day").cast(pl.Int64)
    )
    colour = alt.Color("escalated_by:N", title="escalated by").scale(
        domain=["buyer", "platform"], range=[BLUE, GREY]
    )
    chart: AnyChart = (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=alt.X("escalation_day:O", title="day of the dispute (the day of filing is day 1)")
            .axis(labelAngle=0)
            .scale(domain=list(range(1, 19))),
            y=alt.Y("disputes:Q", title="disputes escalated"),
            color=colour,
            tooltip=["escalation_day:O", "escalated_by:N", "disputes:Q"],
        )
        .properties(width=WIDTH, height=180)
    )
    return chart


def _percent_by(orders: pl.DataFrame, *by: str) -> pl.DataFrame:
    """One row per group and cause: `percent`, the share of the group's orders disputed for this
    cause, and `count_orders`, the number of orders in the group."""
    wide = orders.group_by(by).agg(
        pl.len().alias("count_orders"),
        *((pl.col("cause") == cause).sum().alias(word) for cause, word in WORDS.items()),
    )
    long = wide.unpivot(
        list(WORDS.values()),
        index=[*by, "count_orders"],
        variable_name="cause",
        value_name="disputes",
    )
    return long.with_columns(percent=100.0 * pl.col("disputes") / pl.col("count_orders")).sort(
        *by, "cause"
    )


def _hazards(sample: Sample, clock: str, bin_days: int) -> pl.DataFrame:
    """One row per `bin_days` days and cause: disputes opened per day per 1,000 open orders."""
    wide = (
        sample.days.filter(pl.col("clock") == clock)
        .with_columns(pl.col("day").floordiv(bin_days) * bin_days)
        .group_by("day")
        .agg(pl.col("count_open", *CAUSES).sum())
        .filter(pl.col("count_open") >= LEAST_OPEN * bin_days)
        .rename(WORDS)
        .sort("day")
    )
    long = wide.unpivot(
        list(WORDS.values()),
        index=["day", "count_open"],
        variable_name="cause",
        value_name="opened",
    )
    return long.with_columns(
        per_1000=1000.0 * pl.col("opened") / pl.col("count_open"),
        middle=pl.col("day") + bin_days / 2.0,
    ).drop("day")


def _hazard_lines(rows: pl.DataFrame, axis: str) -> alt.Chart:
    chart: alt.Chart = (
        alt.Chart(rows)
        .mark_line(point=alt.OverlayMarkDef(size=18), strokeWidth=1.5)
        .encode(
            x=alt.X("middle:Q", title=axis),
            y=alt.Y("per_1000:Q", title="disputes per day per 1,000 open orders"),
            color=BY_CAUSE,
            tooltip=["middle:Q", "cause:N", "opened:Q", alt.Tooltip("per_1000:Q", format=".2f")],
        )
    )
    return chart
