"""products.html, the page of the product review: verdicts, a forest plot, the product's and the
lanes' factors, expected loss, and a comparison of two products."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import altair as alt
import polars as pl

from models.monitoring.sequential_monitoring import LEVELS
from models.product.product_table import Reviewed
from models.product.recent_rates import window_columns
from models.product.verdict_reasons import PATTERNS
from pipeline.output.safe_text import neutral_frame
from pipeline.pages.charts import BLUE, GREY, ORANGE
from pipeline.pages.html import chart_spec, render
from pipeline.pages.page_rows import Strings, choices, pack_columns

PAGE = "products.html"
# the page shows the worst; products.csv has all of them
MOST_PRODUCTS, MOST_GROUPS, MOST_DOTS = 5_000, 30, 1_000
RECENT = window_columns("count_orders", "count_disputes", "expected")
TEXTS = ("product_id", "category", "supplier_id", "verdict", "why", "note", "trend")
NUMBERS = (
    "count_orders",
    "count_disputes",
    "rate",
    "rate_low",
    "rate_high",
    "chance_over_limit",
    "product_x",
    "lane_x",
    "buyers_x",
    "supplier_x",
    "category_x",
    "loss_per_100_units_usd",
    "margin_per_100_units_usd",
    *RECENT,
)
SEARCHED = ("product_id", "category", "supplier_id", "why")
FILTERS = ("verdict", "category", "supplier_id")
GROUP_COLUMNS = (
    "count_products",
    "count_orders",
    "count_disputes",
    "rate",
    "rate_low",
    "rate_high",
    "chance_over_limit",
    *RECENT,
)
SCRIPTS = ("page.js", "list_data.js", "list_view.js", "products.js")
GROUPS = ("page", "product", "verdict", "trend", "change")


def products_page(
    reviewed: Reviewed,
    frames: Mapping[str, pl.DataFrame],
    *,
    as_of: date,
    limit: float,
    limit_from: str,
    charts: bool,
) -> str:
    """Render the page.

    `frames`: the tables `products`, `suppliers`, `categories` and, if asked for, `what_if`, as
    their files have them; `limit`: the highest acceptable dispute rate; `limit_from`: its source.
    """
    products = frames["products"]
    worst = products.head(MOST_PRODUCTS)
    shown = neutral_frame(worst)
    drawn = {}
    if charts:
        drawn = {"factors": chart_spec(parts_chart(shown)), "loss": chart_spec(loss_chart(shown))}
    counts = products["verdict"].value_counts().sort("count", "verdict", descending=[True, False])
    return render(
        "products.html",
        scripts=SCRIPTS,
        groups=GROUPS,
        has_charts=charts,
        has_sentences=True,
        data={
            "reasons": PATTERNS,
            "as_of": as_of.isoformat(),
            "limit": limit,
            "searched": SEARCHED,
            "charts": drawn,
            "view": {"matches": "product.matches", "sort": "chance_over_limit", "descending": True},
            "list": _pack_products(shown, _shapes(reviewed, worst)),
        },
        as_of=as_of,
        limit=limit,
        limit_from=limit_from,
        count=products.height,
        shown=shown.height,
        verdicts=list(counts.iter_rows()),
        choices={column: choices(shown, column) for column in FILTERS},
        suppliers=_groups(frames["suppliers"]),
        categories=_groups(frames["categories"]),
        what_if=frames["what_if"].to_dicts() if "what_if" in frames else [],
    )


def _pack_products(shown: pl.DataFrame, shapes: list[list[float]]) -> dict[str, Any]:
    strings = Strings()
    packed = pack_columns(shown, (*TEXTS, *NUMBERS), strings)
    return packed | {"shapes": shapes, "strings": strings.texts}


def _shapes(reviewed: Reviewed, products: pl.DataFrame) -> list[list[float]]:
    """The posterior Beta(above, below) of each product's rate; the page compares two products by
    these."""
    shapes = pl.DataFrame(
        {
            "product_id": reviewed.products["product_id"],
            "above": reviewed.posterior.above,
            "below": reviewed.posterior.below,
        }
    )
    rows = products.select("product_id").join(
        shapes, on="product_id", how="left", maintain_order="left"
    )
    return [
        [round(above, 4), round(below, 3)]
        for above, below in rows.select("above", "below").iter_rows()
    ]


def _groups(frame: pl.DataFrame) -> list[dict[str, object]]:
    """The suppliers or categories that became worse, then the worst; `name` is the first column of
    the frame. Categories have no test of a change."""
    name = frame.columns[0]
    if "change" not in frame.columns:
        frame = frame.with_columns(change=pl.lit(None, pl.String))
    severity = pl.col("change").replace_strict(LEVELS, range(len(LEVELS)), default=None)
    worst = frame.sort(
        severity.fill_null(0),
        "chance_over_limit",
        "rate",
        name,
        descending=[True, True, True, False],
    )
    worst = worst.head(MOST_GROUPS).select(pl.col(name).alias("name"), *GROUP_COLUMNS, "change")
    return neutral_frame(worst).to_dicts()


def parts_chart(shown: pl.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """The factor by which each product itself multiplies the store's rate, against the factor of
    its lanes; dots of products with the verdict keep are blue, the others orange."""
    rows = shown.filter(pl.col("exposure") > 0).sort(
        "count_orders", "product_id", descending=[True, False]
    )
    rows = rows.head(MOST_DOTS).select("lane_x", "product_x", "count_orders", "verdict")
    base = alt.Chart(rows.with_columns(is_kept=pl.col("verdict") == "keep"))
    dots = base.mark_circle(opacity=0.55).encode(
        x=alt.X("lane_x:Q", title="@product.lane_factor").scale(zero=False),
        y=alt.Y("product_x:Q", title="@product.own_factor").scale(zero=False),
        size=alt.Size("count_orders:Q", title="@product.orders"),
        color=alt.Color("is_kept:N", legend=None).scale(domain=[True, False], range=[BLUE, ORANGE]),
    )
    ones = alt.Chart(pl.DataFrame({"one": [1.0]}))
    rules = [
        ones.mark_rule(color=GREY, strokeDash=[4, 3]).encode(x=alt.X("one:Q")),
        ones.mark_rule(color=GREY, strokeDash=[4, 3]).encode(y=alt.Y("one:Q")),
    ]
    return alt.layer(*rules, dots).properties(
        width="container", height=260, description="@product.factors"
    )


def loss_chart(shown: pl.DataFrame, count: int = 12) -> alt.Chart:
    """The products with the highest expected loss from disputes, in USD per 100 units."""
    rows = shown.sort("loss_per_100_units_usd", "product_id", descending=[True, False]).head(count)
    rows = rows.select("product_id", "loss_per_100_units_usd")
    bars = alt.Chart(rows).mark_bar(color=BLUE)
    chart: alt.Chart = bars.encode(
        x=alt.X("loss_per_100_units_usd:Q", title="@product.loss"),
        y=alt.Y("product_id:N", title=None, sort=None).axis(labelLimit=220),
    ).properties(width="container", height=260, description="@product.highest_loss")
    return chart
