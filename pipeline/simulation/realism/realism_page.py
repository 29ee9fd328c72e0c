"""world-page: write one HTML file that compares the simulated store with published ranges. The file
contains everything that it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from pipeline.settings.config import Config
from pipeline.simulation.realism.order_ranges import EURO_USD
from pipeline.simulation.realism.parcel_ranges import LEAST_ROWS
from pipeline.simulation.realism.published_quantity import TOLERANCE_POINTS
from pipeline.simulation.realism.realism_figures import figures
from pipeline.simulation.realism.realism_measures import measures
from pipeline.simulation.realism.realism_sample import LONGEST_LIFE_DAYS, Sample, draw_sample
from pipeline.simulation.realism.vega_charts import Figure, chart_library
from pipeline.simulation.true_risk import read_world
from pipeline.simulation.world.simulated_orders import World
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace, write_whole

PAGE, TABLE = "simulated_store.html", "simulated_store.csv"
TITLE = "A simulated store compared with published ranges"
TEMPLATES = Path(__file__).resolve().parents[2] / "pages" / "templates"


def world_page(workspace: Workspace, config: Config, progress: Progress) -> Path:
    """Write `simulated_store.html`, and its table as `simulated_store.csv`, into the workspace;
    return the path of the page.

    The world is built again from the numbers in `truth/`. No table or setting of the workspace is
    read.

    Raises
    ------
    BadInput
        If the workspace has no simulated store.
    """
    world = read_world(workspace)
    with progress.piece("sample") as notes:
        sample = draw_sample(world)
        notes.append(
            f"{sample.orders.height:,} of {world.count_orders:,} orders, "
            f"{sample.matured.height:,} of them matured"
        )
    with progress.piece("page") as notes:
        table = measures(sample.matured)
        page = render(TITLE, world, sample, table, figures(sample))
        write_whole(workspace.folder / TABLE, table.write_csv(float_precision=3))
        write_whole(workspace.folder / PAGE, page)
        notes.append(summary(table))
    return workspace.folder / PAGE


def summary(table: pl.DataFrame) -> str:
    """How many measures are inside their range, and which are outside."""
    judged = table.drop_nulls("is_inside")
    outside = judged.filter(~pl.col("is_inside"))["quantity"].to_list()
    text = f"{judged.height - len(outside)} of {judged.height} measures are inside their range"
    if not_judged := table.height - judged.height:
        text += f"; {not_judged} have fewer than {LEAST_ROWS} orders and are not judged"
    return text + (f"; outside: {'; '.join(outside)}." if outside else ".")


def render(
    title: str, world: World, sample: Sample, table: pl.DataFrame, shown: Sequence[Figure]
) -> str:
    """The page as HTML. The template escapes all text; only the chart library is inserted as it
    is."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("world_page.html").render(
        title=title,
        world=f"{world.count_orders:,} orders in {world.days:,} days from {world.first_day}, "
        f"seed {world.seed}.",
        lines=_lines(sample),
        summary=summary(table),
        rows=[_row(row) for row in table.iter_rows(named=True)],
        figures=shown,
        library=chart_library(),
    )


def _lines(sample: Sample) -> Sequence[str]:
    coverage = (
        "The page uses all orders."
        if sample.step == 1
        else f"The page uses one order in {sample.step}."
    )
    return [
        f"{coverage} Shares and times are computed over the {sample.matured.height:,} matured "
        f"orders, which were placed more than {LONGEST_LIFE_DAYS} days before the last day, so "
        "that even the slowest has ended. The outcomes of their disputes are included even if "
        "they come after the last day.",
        "Where a source publishes a single figure instead of a range, values up to "
        f"{TOLERANCE_POINTS:g} points away count as inside. One euro is {EURO_USD} USD. In a store "
        "with few orders, a measure can be outside by chance.",
    ]


def _row(row: Mapping[str, Any]) -> Mapping[str, str]:
    """A row of the table as text."""
    low, high, value = row["published_low"], row["published_high"], row["got"]
    if value is None:
        got, verdict = "-", f"fewer than {LEAST_ROWS}"
    else:
        got = f"{value:.2f}" if value < 10 else f"{value:.1f}"
        outside = "outside: too low" if value < low else "outside: too high"
        verdict = "inside" if row["is_inside"] else outside
    return {
        **{name: row[name] for name in ("quantity", "unit", "quality", "source")},
        "got": got,
        "range": f"{low:g}" if low == high else f"{low:g} - {high:g}",
        "verdict": verdict,
        "count": f"{row['count_orders']:,}",
    }
