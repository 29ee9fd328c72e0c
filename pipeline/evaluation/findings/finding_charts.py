"""The charts of the notebooks: the title is the finding, the axes have names and units."""

from __future__ import annotations

import textwrap

import altair as alt
import polars as pl

from pipeline.pages.charts import BLUE, GREY, ORANGE, AnyChart

WIDTH, FONT = 560, 13
# letters of a title that fit into one line
TITLE_LETTERS = 72
ROW_HEIGHT = 30
COLOURS = [BLUE, ORANGE, "#3FA66B", GREY]
PERCENT = ".2~%"
Shown = alt.Chart | AnyChart


def finish(chart: Shown, title: str) -> Shown:
    """The chart with its finding as title, in letters that can be read without zooming."""
    lines = textwrap.wrap(title, TITLE_LETTERS)
    heading = alt.TitleParams(lines, anchor="start", fontSize=FONT + 2, offset=12)
    shown: Shown = (
        chart.properties(title=heading, width=WIDTH)
        .configure_axis(labelFontSize=FONT, titleFontSize=FONT, labelLimit=320, grid=True)
        .configure_legend(
            labelFontSize=FONT, titleFontSize=FONT, orient="bottom", labelLimit=400, columns=3
        )
        .configure_view(stroke=None)
    )
    return shown


def bar_chart(
    rows: pl.DataFrame, *, group: str, values: dict[str, str], axis: str, title: str
) -> Shown:
    """Horizontal bars of shares. `values`: column -> its name in the legend; `group`: the column
    with the names of the rows, which stay in their order."""
    long = (
        rows.select(group, *values)
        .unpivot(index=group)
        .with_columns(pl.col("variable").replace_strict(values, return_dtype=pl.String))
    )
    names = list(values.values())
    colour = alt.Color("variable:N", title=None, sort=names).scale(range=COLOURS[: len(names)])
    bars = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=alt.X("value:Q", title=axis).axis(format=PERCENT, tickCount=6),
            y=_names(group, rows),
            yOffset=alt.YOffset("variable:N", sort=names),
            color=colour if len(names) > 1 else alt.value(BLUE),
        )
    )
    height = ROW_HEIGHT * rows.height * (1.3 if len(names) > 1 else 1)
    return finish(bars.properties(height=height), title)


def interval_chart(
    rows: pl.DataFrame,
    *,
    group: str,
    axis: str,
    title: str,
    form: str = PERCENT,
    line: tuple[float, str] | None = None,
    from_zero: bool = True,
) -> Shown:
    """Values with their intervals. `rows`: the name in `group`, and `value, low, high`. `line`: a
    value to compare with, and its name."""
    base = alt.Chart(rows.select(group, "value", "low", "high")).encode(y=_names(group, rows))
    x = alt.X("value:Q", title=axis).axis(format=form, tickCount=6).scale(zero=from_zero)
    layers = [
        base.mark_rule(color=BLUE, strokeWidth=3, opacity=0.5).encode(
            x=alt.X("low:Q", title=axis), x2="high:Q"
        ),
        base.mark_circle(color=BLUE, size=90, opacity=1).encode(x=x),
    ]
    if line:
        layers = [*_line(*line, axis), *layers]
    return finish(alt.layer(*layers).properties(height=ROW_HEIGHT * rows.height), title)


def _line(value: float, name: str, axis: str) -> list[alt.Chart]:
    # layers without the same title would have theirs added to the axis
    x = alt.X("at:Q", title=axis)
    at = alt.Chart(pl.DataFrame({"at": [value], "name": [name]}))
    rule = at.mark_rule(color=GREY, strokeDash=[5, 4], strokeWidth=2).encode(x=x)
    text = at.mark_text(align="left", baseline="bottom", dx=4, dy=-3, color=GREY, fontSize=FONT)
    return [rule, text.encode(x=x, y=alt.value(0), text="name:N")]


def _names(group: str, rows: pl.DataFrame) -> alt.Y:
    return alt.Y(f"{group}:N", title=None, sort=rows[group].unique(maintain_order=True).to_list())


def count_chart(
    rows: pl.DataFrame, *, x: alt.X, count: str, kind: str, axis: str, title: str
) -> Shown:
    """Stacked bars of counts. `rows`: the position of `x`, `count`, and `kind` for the colour."""
    kinds = rows[kind].unique(maintain_order=True).to_list()
    bars = (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=x,
            y=alt.Y(f"{count}:Q", title=axis).axis(tickCount=6, format="d"),
            color=alt.Color(f"{kind}:N", title=None, sort=kinds).scale(range=COLOURS[: len(kinds)]),
        )
    )
    return finish(bars.properties(height=260), title)


def caught_chart(curve: pl.DataFrame, contacted: float, title: str) -> Shown:
    """The share of disputes caught as more orders are contacted. `curve`: `caught_curve`;
    `contacted`: the share of the open orders that the list holds."""
    ways = curve["way"].unique(maintain_order=True).to_list()
    axis = "share of a night's open orders that are contacted"
    position = {
        "x": alt.X("contacted:Q", title=axis).axis(format=PERCENT, tickCount=6),
        "y": alt.Y("caught:Q", title="share of the disputes among them").axis(
            format=PERCENT, tickCount=6
        ),
    }
    colour = alt.Color("way:N", title=None, sort=ways).scale(range=COLOURS[: len(ways)])
    lines = alt.Chart(curve).mark_line(strokeWidth=3).encode(**position, color=colour)
    ends = pl.DataFrame({"contacted": [0.0, 1.0], "caught": [0.0, 1.0]})
    chance = alt.Chart(ends).mark_line(color=GREY, strokeDash=[4, 3]).encode(**position)
    layers = alt.layer(chance, *_line(contacted, "the list", axis), lines)
    return finish(layers.properties(height=300), title)


def calibration_intervals(bins: pl.DataFrame, title: str) -> Shown:
    """What came against what was predicted. `bins`: `predicted_and_came`."""
    top = max(float(bins[name].max()) for name in ("predicted", "high"))  # type: ignore[arg-type]
    ends = pl.DataFrame({"predicted": [0.0, top], "value": [0.0, top]})
    x = alt.X("predicted:Q", title="disputes predicted, share of open orders")
    came = "disputes that came, share of open orders"
    y = alt.Y("value:Q", title=came).axis(format=PERCENT, tickCount=6)
    x = x.axis(format=PERCENT, tickCount=6)
    base = alt.Chart(bins)
    layers = [
        alt.Chart(ends).mark_line(color=GREY, strokeDash=[4, 3]).encode(x=x, y=y),
        base.mark_rule(color=BLUE, strokeWidth=3, opacity=0.5).encode(
            x=x, y=alt.Y("low:Q", title=came), y2="high:Q"
        ),
        base.mark_circle(color=BLUE, size=90, opacity=1).encode(x=x, y=y),
    ]
    return finish(alt.layer(*layers).properties(height=300), title)
