"""world-page: one HTML file that shows the simulated store beside published ranges; everything it
needs is in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import jinja2
import polars as pl
import vl_convert
from markupsafe import Markup

from pipeline.settings.config import Config
from pipeline.simulation import realism_charts as charts
from pipeline.simulation.realism_ranges import EURO_USD, LEAST_ROWS, TOLERANCE_POINTS, measures
from pipeline.simulation.realism_sample import LONGEST_LIFE_DAYS, Sample, draw_sample
from pipeline.simulation.true_risk import read_world
from pipeline.simulation.world.simulated_orders import World
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace, write_whole

PAGE, TABLE = "simulated_store.html", "simulated_store.csv"
TITLE = "A simulated store beside published ranges"
CHART_STYLE = {
    "background": "white",
    "font": "system-ui, sans-serif",
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": "#E6E6E6",
    },
    "legend": {"labelFontSize": 12, "titleFontSize": 12, "orient": "top"},
    "header": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
    "view": {"stroke": None},
}
CHARTS: tuple[tuple[str, str, Callable[[Sample], charts.AnyChart | None]], ...] = (
    (
        "Disputes by month of purchase, and the band they are meant to keep to",
        "The band is the assumed 2-5 % of orders. Late parcels of winter and a carrier's collapse lift 'not received'.",
        charts.by_month,
    ),
    (
        "Over an order's life: first the goods, then the parcel",
        "Disputes may open from ten days after hand-over. About the goods: soon after delivery, so early. Not received: "
        f"late, as promises run out. Three days a point; no point for fewer than {charts.LEAST_OPEN} open orders.",
        charts.by_day_of_life,
    ),
    (
        "Not received: the jump after the promised day",
        "Orders not delivered yet. Buyers react at the promised day rather than gradually, and tire later on. "
        "Two days a point.",
        charts.by_promised_day,
    ),
    (
        "Lane by lane: slow and silent services are disputed more",
        f"Share of orders disputed. Lanes of fewer than {charts.LEAST_IN_LANE} orders are left out. Nobody publishes it.",
        charts.by_lane,
    ),
    (
        "By category: 'not as described' differs, 'not received' hardly",
        "The category of the order's first line. Nobody publishes such shares.",
        charts.by_category,
    ),
    (
        "Transit by country on the standard lane, outside the peak",
        "Line: 10th to 90th percentile; bar: the middle half; tick: median. Green: the range of a freight agent's table.",
        charts.transit_by_country,
    ),
    (
        "Transit by service, all countries, all year",
        "As above. Green: shop guides and, for the platform's own services, Cainiao's figures; darker where both agree.",
        charts.transit_by_service,
    ),
    (
        "Escalation: buyers on days 4 to 15, the platform by itself on day 16",
        "Counted in calendar days of the store.",
        charts.escalations,
    ),
    (
        "Scans: dear services tell more",
        "Scans told of each delivered parcel, a scan told twice counting once. Assumption: nobody publishes it.",
        charts.scans_per_parcel,
    ),
    (
        "Orders a day: sales, winter peak, new year's dip, growth",
        "Dots: sale days. All orders, matured or not.",
        charts.orders_per_day,
    ),
    (
        "Late news: a carrier's silent feed is a spike",
        "Share of a week's scans that the store learned of late; after a silence some are never told. Assumption. "
        f"Weeks of fewer than {charts.LEAST_SCANS} scans are left out.",
        charts.late_news,
    ),
)


@dataclass(frozen=True)
class Figure:
    """A chart with what to see in it; `spec` is Vega-Lite with its data inside."""

    title: str
    note: str
    spec: dict[str, Any]


def figures(sample: Sample) -> list[Figure]:
    """All charts that have something to show; the same sample gives the same figures."""
    drawn = [(title, note, draw(sample)) for title, note, draw in CHARTS]
    return [
        Figure(title, note, chart.properties(description=title).to_dict() | {"config": CHART_STYLE})
        for title, note, chart in drawn
        if chart is not None
    ]


def world_page(workspace: Workspace, config: Config, progress: Progress) -> Path:
    """Write `simulated_store.html`, and its table as `simulated_store.csv`, into the workspace;
    return the page.

    The world is built again from the numbers in `truth/`; no table and no setting of the workspace
    is read.
    """
    world = read_world(workspace)
    with progress.piece("sample") as notes:
        sample = draw_sample(world)
        notes.append(
            f"{sample.orders.height:,} of {world.count_orders:,} orders, {sample.matured.height:,} matured"
        )
    with progress.piece("page") as notes:
        table = measures(sample.matured)
        page = render(TITLE, world, sample, table, figures(sample))
        write_whole(workspace.folder / TABLE, table.write_csv(float_precision=3))
        write_whole(workspace.folder / PAGE, page)
        notes.append(summary(table))
    return workspace.folder / PAGE


def summary(table: pl.DataFrame) -> str:
    """How many measures are inside their range, and which are not."""
    told = table.drop_nulls("is_inside")
    outside = told.filter(~pl.col("is_inside"))["quantity"].to_list()
    text = f"{told.height - len(outside)} of {told.height} measures are inside the range published or assumed"
    if untold := table.height - told.height:
        text += f"; {untold} rest on fewer than {LEAST_ROWS} orders and are not judged"
    return text + (f"; outside: {'; '.join(outside)}." if outside else ".")


def render(
    title: str, world: World, sample: Sample, table: pl.DataFrame, shown: Sequence[Figure]
) -> str:
    """The page. All text is escaped by the template; of what comes here only the library is taken
    as it is."""
    folder = Path(__file__).resolve().parents[1] / "pages" / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("world_page.html").render(
        title=title,
        world=f"{world.count_orders:,} orders in {world.days:,} days from {world.first_day}, seed {world.seed}.",
        lines=_lines(sample),
        summary=summary(table),
        rows=[_row(row) for row in table.iter_rows(named=True)],
        figures=shown,
        library=chart_library(),
    )


def chart_library() -> Markup:
    """Vega, Vega-Lite and what puts their charts into a page; nothing is fetched when the page is
    opened."""
    version = alt.SCHEMA_VERSION.rsplit(".", 1)[0]
    return Markup(
        vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version).replace(
            "</script", r"<\/script"
        )
    )


def _lines(sample: Sample) -> Sequence[str]:
    whole = (
        "All orders are looked at."
        if sample.step == 1
        else f"One order in {sample.step} is looked at."
    )
    matured = (
        f"Shares and times are taken over the {sample.matured.height:,} matured orders: those placed more than "
        f"{LONGEST_LIFE_DAYS} days before the last day, so that even the slowest of them had run its whole life. "
        "How their disputes ended is known to the truth even where it lies after the last day."
    )
    return [
        f"{whole} {matured}",
        f"Where one figure is published and no range, {TOLERANCE_POINTS:g} points either side count as inside. "
        f"A euro is taken as {EURO_USD} USD. In a store of few orders a measure strays by chance.",
    ]


def _row(row: Mapping[str, Any]) -> Mapping[str, str]:
    """A line of the table in words."""
    low, high = row["published_low"], row["published_high"]
    verdict = {
        True: "inside",
        False: "outside: too low" if (row["got"] or 0.0) < low else "outside: too high",
    }
    return {
        **{name: row[name] for name in ("quantity", "unit", "quality", "source")},
        "got": "-"
        if row["got"] is None
        else f"{row['got']:.2f}"
        if row["got"] < 10
        else f"{row['got']:.1f}",
        "range": f"{low:g}" if low == high else f"{low:g} - {high:g}",
        "verdict": verdict.get(row["is_inside"], f"fewer than {LEAST_ROWS}"),
        "count": f"{row['count_orders']:,}",
    }
