"""The charts of a simulated store; a green band is what is published. Numbers are summed up here,
not in the browser; a chart that has nothing to show is none."""

from __future__ import annotations

import altair as alt
import polars as pl

from pipeline.simulation.realism_ranges import COUNTRY_RANGES, DISPUTES, SERVICE_RANGES
from pipeline.simulation.realism_sample import LATE_NEWS_DAYS, Sample
from pipeline.simulation.world.assumptions import SHOPPING
from pipeline.simulation.world.markets import CAUSES, COUNTRIES, SERVICES

# Okabe and Ito's colours, which the colour-blind tell apart
ORANGE, BLUE, GREY, GREEN, INK = "#D55E00", "#0072B2", "#8A8A8A", "#009E73", "#222222"
WORDS = {cause: cause.replace("_", " ") for cause in CAUSES}
BY_CAUSE = alt.Color("cause:N", title="cause").scale(
    domain=list(WORDS.values()), range=[ORANGE, BLUE, GREY]
)
SERVICE_ORDER = [s.name for s in sorted(SERVICES, key=lambda service: service.median_days)]
WIDTH = 600
# shares of fewer orders than these are not drawn
LEAST_OPEN, LEAST_IN_LANE, LEAST_IN_CATEGORY, LEAST_SCANS = 200, 100, 50, 20
AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart


def _percent_by(orders: pl.DataFrame, *by: str) -> pl.DataFrame:
    """One row per group and cause: `percent` of the group's orders disputed for it, `count_orders`
    in the group."""
    wide = orders.group_by(by).agg(
        pl.len().alias("count_orders"),
        *((pl.col("cause") == c).sum().alias(word) for c, word in WORDS.items()),
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
    return (band.encode(y="low:Q", y2="high:Q") + bars + edges.encode(y="edge:Q")).properties(
        width=WIDTH, height=220
    )


def _hazards(sample: Sample, clock: str, bin_days: int) -> pl.DataFrame:
    """One row per stretch of days and cause: disputes opened a day per 1,000 orders still open."""
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
    return (
        alt.Chart(rows)
        .mark_line(point=alt.OverlayMarkDef(size=18), strokeWidth=1.5)
        .encode(
            x=alt.X("middle:Q", title=axis),
            y=alt.Y("per_1000:Q", title="disputes a day per 1,000 open orders"),
            color=BY_CAUSE,
            tooltip=["middle:Q", "cause:N", "opened:Q", alt.Tooltip("per_1000:Q", format=".2f")],
        )
    )


def by_day_of_life(sample: Sample) -> AnyChart | None:
    rows = _hazards(sample, "placed", bin_days=3)
    return (
        None
        if rows.is_empty()
        else _hazard_lines(rows, "days since purchase").properties(width=WIDTH, height=240)
    )


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
    return (lines + promise).properties(width=WIDTH, height=240)


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
    tip = ["service:N", "country:N", "count_orders:Q", alt.Tooltip("percent:Q", format=".2f")]
    colour = alt.Color("percent:Q", title="disputed orders, %").scale(scheme="oranges", domainMin=0)
    cells = base.mark_rect().encode(color=colour, tooltip=tip)
    middle = float(rows["percent"].max() or 0.0) * 0.65  # type: ignore[arg-type]
    text = base.mark_text(fontSize=11).encode(
        text=alt.Text("percent:Q", format=".1f"),
        color=alt.condition(alt.datum.percent > middle, alt.value("white"), alt.value(INK)),
    )
    return (cells + text).properties(width=WIDTH, height=210)


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
    return (
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


def _transit_chart(rows: pl.DataFrame, bands: pl.DataFrame, axis: alt.Y) -> AnyChart:
    """Per place: a line from the 10th to the 90th percentile, a bar from the 25th to the 75th, a
    tick at the median."""
    quantiles = {f"p{q}": pl.col("transit_days").quantile(q / 100.0) for q in (10, 25, 50, 75, 90)}
    found = rows.group_by("place").agg(pl.len().alias("parcels"), **quantiles)
    found = found.filter(pl.col("parcels") >= LEAST_IN_CATEGORY).sort("place")
    days = alt.X("p10:Q", title="days from hand-over to delivery")
    tip = [
        alt.Tooltip("place:N"),
        alt.Tooltip("parcels:Q"),
        *(alt.Tooltip(f"{q}:Q", format=".1f") for q in quantiles),
    ]
    base = alt.Chart(found).encode(y=axis, tooltip=tip)
    band = alt.Chart(bands.filter(pl.col("place").is_in(found["place"].to_list()))).mark_bar(
        color=GREEN, opacity=0.28, height=17
    )
    return (
        band.encode(
            y=axis,
            x=alt.X("low:Q"),
            x2="high:Q",
            tooltip=["place:N", "low:Q", "high:Q", "source:N"],
        )
        + base.mark_rule(color=BLUE).encode(x=days, x2="p90:Q")
        + base.mark_bar(color=BLUE, height=7).encode(x=alt.X("p25:Q"), x2="p75:Q")
        + base.mark_tick(color=INK, thickness=2.5, height=15).encode(x="p50:Q")
    ).properties(width=WIDTH, height=24 * max(found.height, 1))


def transit_by_country(sample: Sample) -> AnyChart | None:
    rows = sample.matured.filter(
        pl.col("transit_days").is_not_null(), pl.col("service") == "AE Standard", ~pl.col("is_peak")
    ).with_columns(place="country")
    bands = pl.DataFrame(
        COUNTRY_RANGES, schema=["place", "low", "high"], orient="row"
    ).with_columns(source=pl.lit("freight agent's table"))
    axis = alt.Y("place:N", title="buyer's country", sort=[c.code for c in COUNTRIES])
    return _transit_chart(rows, bands, axis) if rows.height >= LEAST_IN_CATEGORY else None


def transit_by_service(sample: Sample) -> AnyChart | None:
    rows = sample.matured.filter(pl.col("transit_days").is_not_null()).with_columns(place="service")
    bands = pl.DataFrame(SERVICE_RANGES, schema=["place", "low", "high", "source"], orient="row")
    axis = alt.Y("place:N", title="carrier service", sort=SERVICE_ORDER)
    return _transit_chart(rows, bands, axis) if rows.height >= LEAST_IN_CATEGORY else None


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
    who = alt.Color("escalated_by:N", title="taken there by").scale(
        domain=["buyer", "platform"], range=[BLUE, GREY]
    )
    return (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=alt.X("escalation_day:O", title="day of the dispute (the day of filing is day 1)")
            .axis(labelAngle=0)
            .scale(domain=list(range(1, 19))),
            y=alt.Y("disputes:Q", title="disputes escalated"),
            color=who,
            tooltip=["escalation_day:O", "escalated_by:N", "disputes:Q"],
        )
        .properties(width=WIDTH, height=180)
    )


def scans_per_parcel(sample: Sample) -> AnyChart | None:
    delivered = sample.matured.filter(pl.col("transit_days").is_not_null())
    if delivered.is_empty():
        return None
    rows = (
        delivered.group_by("service", "count_scans").len("parcels").sort("service", "count_scans")
    )
    rows = rows.with_columns(
        percent=100.0 * pl.col("parcels") / pl.col("parcels").sum().over("service")
    )
    bars = (
        alt.Chart(rows)
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X("count_scans:O", title="scans of a delivered parcel").axis(
                labelAngle=0, values=list(range(0, 19, 3))
            ),
            y=alt.Y("percent:Q", title="parcels, %"),
            tooltip=[
                "service:N",
                "count_scans:O",
                "parcels:Q",
                alt.Tooltip("percent:Q", format=".1f"),
            ],
        )
    )
    facet = alt.Facet("service:N", title=None, sort=SERVICE_ORDER)
    return bars.properties(width=WIDTH // 3 - 30, height=110).facet(facet, columns=3)


def orders_per_day(sample: Sample) -> AnyChart | None:
    on_sale = pl.any_horizontal(
        (pl.col("placed_on").dt.month() == month) & (pl.col("placed_on").dt.day() == day)
        for month, day, _ in SHOPPING.sale_days
    )
    rows = sample.orders.group_by("placed_on").len("sampled").sort("placed_on")
    rows = rows.select("placed_on", orders=pl.col("sampled") * sample.step, is_sale=on_sale)
    base = alt.Chart(rows).encode(
        x=alt.X("placed_on:T", title="day of purchase"),
        y=alt.Y("orders:Q", title="orders a day"),
        tooltip=["placed_on:T", "orders:Q"],
    )
    sales = base.transform_filter("datum.is_sale").mark_point(color=ORANGE, filled=True, size=45)
    return (base.mark_line(color=BLUE, strokeWidth=1) + sales).properties(width=WIDTH, height=200)


def late_news(sample: Sample) -> AnyChart | None:
    rows = sample.news.filter(pl.col("count_scans") >= LEAST_SCANS)
    if rows.is_empty():
        return None
    rows = rows.with_columns(percent=100.0 * pl.col("count_late") / pl.col("count_scans"))
    return (
        alt.Chart(rows)
        .mark_line(strokeWidth=1.5)
        .encode(
            x=alt.X("week:T", title="week of the scan"),
            y=alt.Y("percent:Q", title=f"scans known over {LATE_NEWS_DAYS:g} day late, %"),
            color=alt.Color("service:N", title="carrier service", sort=SERVICE_ORDER).scale(
                scheme="dark2"
            ),
            tooltip=[
                "service:N",
                "week:T",
                "count_scans:Q",
                alt.Tooltip("percent:Q", format=".1f"),
            ],
        )
        .properties(width=WIDTH, height=220)
    )
