"""Every chart of a finding has the finding as title, and axes with names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import altair as alt
import polars as pl
import pytest

from pipeline.evaluation.findings import finding_charts as charts

TITLE = "Half of the disputes come between 10 days before and 7 days after the promised day"
ROWS = pl.DataFrame(
    {"group": ["b", "a"], "value": [0.2, 0.1], "low": [0.1, 0.05], "high": [0.3, 0.15]}
)
COUNTS = pl.DataFrame({"tenth": [1, 2], "kind": ["x", "y"], "disputes": [3, 4]})
CURVE = pl.DataFrame({"way": ["m", "m"], "contacted": [0.0, 1.0], "caught": [0.0, 1.0]})
BINS = ROWS.with_columns(predicted=pl.Series([0.1, 0.2]))
CHARTS = {
    "bars": charts.bar_chart(
        ROWS, group="group", values={"low": "least", "high": "most"}, axis="share", title=TITLE
    ),
    "intervals": charts.interval_chart(
        ROWS, group="group", axis="share", title=TITLE, line=(0.1, "all")
    ),
    "counts": charts.count_chart(
        COUNTS, x=alt.X("tenth:O", title="t"), count="disputes", kind="kind", axis="n", title=TITLE
    ),
    "curve": charts.caught_chart(CURVE, 0.2, TITLE),
    "calibration": charts.calibration_intervals(BINS, TITLE),
}


def channels(spec: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """The encodings of an axis, of all layers; a fixed position has no title."""
    for layer in spec.get("layer", [spec]):
        channel = layer.get("encoding", {}).get(name)
        if channel and "field" in channel:
            yield channel


@pytest.mark.parametrize("name", CHARTS)
def test_the_title_is_the_finding_in_lines_that_fit(name: str) -> None:
    lines = CHARTS[name].to_dict()["title"]["text"]
    assert " ".join(lines) == TITLE
    assert max(map(len, lines)) <= charts.TITLE_LETTERS


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("axis", ["x", "y"])
def test_the_layers_of_a_chart_agree_on_the_name_of_each_axis(name: str, axis: str) -> None:
    """A second title would be added to the axis; names of rows need none."""
    titles = {channel.get("title", "absent") for channel in channels(CHARTS[name].to_dict(), axis)}
    assert len(titles) == 1
    assert titles != {"absent"}


def test_rows_keep_their_order() -> None:
    (channel, *_) = channels(CHARTS["intervals"].to_dict(), "y")
    assert channel["sort"] == ["b", "a"]
